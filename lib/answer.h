/*
 * answer - what is answered to which request, and to whom.
 *
 * Tokens, Origin, pages, files, transcripts, health.  Buttons: press.h.
 */
#ifndef RTTA_ANSWER_H
#define RTTA_ANSWER_H

struct rtta_conn;

/* A request has come, without its body: answer, or wait for what it takes.
 * 0, or -1 to close. */
int rtta_answer_request(struct rtta_conn *conn);

/* May this request become a WebSocket?  0: it is a reader now; else the
 * status to refuse with, and its sentence. */
int rtta_answer_upgrade(struct rtta_conn *conn, const char *protocol, const char **why);

/* For a connection that waits: look again. */
void rtta_answer_waiting(struct rtta_conn *conn);

#endif

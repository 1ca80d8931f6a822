/*
 * conn - one connection: the request that it makes and the reply it gets.
 *
 * Reads a request out of libwebsockets, holds a reply until it is written,
 * and writes a reader's messages in batches.  What is answered to what is
 * answer.h's; when what is called is web.h's.  Belongs to main's thread.
 */
#ifndef RTTA_CONN_H
#define RTTA_CONN_H

#include <jv.h>
#include <libwebsockets.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http.h"
#include "session.h"
#include "watch.h"

struct rtta_files;
struct rtta_listener;
struct rtta_peer;
struct rtta_room;
struct rtta_shelf;

enum {
	RTTA_CONN_SLOW_MS = 15000,     /* whoever takes nothing so long is dropped */
	RTTA_CONN_ANSWER_MS = 10000,   /* a session is loaded, a button pressed */
	RTTA_CONN_CHUNK_BYTES = 65536, /* of a reply, or of messages, in one write */
	RTTA_CONN_BATCH_BYTES = RTTA_CONN_CHUNK_BYTES + RTTA_WATCH_MESSAGE_MAX_BYTES + 64
};

/* What all connections share. */
struct rtta_site {
	struct rtta_room *room;
	struct rtta_files *files;
	struct rtta_shelf *shelf;
	char operator_token[RTTA_HTTP_TOKEN_MAX_BYTES];  /* empty: nobody may */
	char reader_token[RTTA_HTTP_TOKEN_MAX_BYTES];    /* empty: everybody may */
	bool open_operator, is_tls;
	bool waiting;                  /* a connection may be (rtta_conn_wait) */
	unsigned char *batch;          /* LWS_PRE and RTTA_CONN_BATCH_BYTES */
	uint64_t requests, refused, dropped;
};

/* A connection (or its present request) is: */
enum rtta_conn_kind {
	RTTA_CONN_IDLE,         /* between requests */
	RTTA_CONN_BODY,         /* sending us a body */
	RTTA_CONN_TRANSCRIPT,   /* waiting until its session is loaded */
	RTTA_CONN_OUTCOME,      /* waiting until its press of a button is stored */
	RTTA_CONN_REPLY,        /* being answered */
	RTTA_CONN_WS,           /* a reader */
	RTTA_CONN_SSE           /* a reader */
};

struct rtta_conn {
	struct rtta_site *site;
	struct lws *wsi;
	struct rtta_conn *next, **link;
	struct rtta_peer *peer;
	enum rtta_conn_kind kind;
	struct rtta_http_request request;
	bool head_only, close, headers_sent;
	int64_t deadline_ms;        /* of who waits */

	int status;
	const char *type, *cache;
	char extra[RTTA_HTTP_TOKEN_MAX_BYTES + 128];  /* "name: value", or empty */
	char etag[RTTA_HTTP_ETAG_BYTES];  /* or empty */
	bool gzip, varies;          /* is compressed; may be for others */
	char *owned;                /* the reply's text when it is the conn's */
	const char *data;
	size_t bytes, sent;

	char *body;
	size_t body_bytes;
	char id[RTTA_SESSION_ID_BYTES];  /* of the session a button is about */
	uint64_t number;                 /* of the write that it made */

	struct rtta_listener *listener;  /* of a reader */
	int64_t wanted_ms;          /* since when it has something to take; 0: not */
};

/* Back to idle; whatever it held goes. */
void rtta_conn_reset(struct rtta_conn *conn);

/* Call its writing function as soon as it can take something. */
void rtta_conn_want_write(struct rtta_conn *conn);

/* --- the request --- */

/* Read method, path, arguments.  0, or the status to refuse with and its
 * sentence. */
int rtta_conn_request(struct rtta_conn *conn, const char **why);

/* A body is read only where one is wanted, and none is read by guess.  0, or
 * as above. */
int rtta_conn_check_body(struct rtta_conn *conn, bool wanted, const char **why);

/*
 * The body comes now; who waits to hear that it may, hears it.  0, -1 to
 * close, or 1: there is none, as a request that tells no length has none (RFC
 * 9112, 6.3).  libwebsockets takes all that follows for its body, so that the
 * connection ends with the answer.
 */
int rtta_conn_await_body(struct rtta_conn *conn);

/* A header as a string in text; NULL: absent, or longer than size. */
const char *rtta_conn_header(struct rtta_conn *conn, enum lws_token_indexes token,
    char *text, size_t size);

/* --- the reply: all return 0, so that answering is one statement --- */

/* Bytes that stay where they are. */
int rtta_conn_reply(struct rtta_conn *conn, int status, const char *type, const char *data,
    size_t bytes);
/* Takes text. */
int rtta_conn_reply_owned(struct rtta_conn *conn, int status, const char *type, char *text,
    size_t bytes);
/* Takes value. */
int rtta_conn_reply_json(struct rtta_conn *conn, int status, jv value);
/* A sentence, and the connection is closed. */
int rtta_conn_refuse(struct rtta_conn *conn, int status, const char *why);

/*
 * What comes while it is answered is not read by libwebsockets, and poll(2)
 * says again and again that it is there, or that nothing more will come.  Who
 * has finished, and a reader that talks, is let go; who asks again gets this
 * answer and no other.
 */
void rtta_conn_hush(struct rtta_conn *conn);

/* Wait, at most RTTA_CONN_ANSWER_MS, for what kind says. */
void rtta_conn_wait(struct rtta_conn *conn, enum rtta_conn_kind kind);

/* Become a reader of the session asked for.  0, or -1: too many sessions. */
int rtta_conn_join(struct rtta_conn *conn, enum rtta_conn_kind kind);

/* --- writing, when libwebsockets says so: 0, or -1 to close --- */

int rtta_conn_write_reply(struct rtta_conn *conn);
int rtta_conn_write_batch(struct rtta_conn *conn);

#endif

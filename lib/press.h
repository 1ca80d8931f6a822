/*
 * press - a button of the page: its body, what it does, and what came of it.
 *
 * Who may press has been asked before (answer.h).  All return 0, or -1 to
 * close.
 */
#ifndef RTTA_PRESS_H
#define RTTA_PRESS_H

#include <stddef.h>

struct rtta_conn;

/* A part of the body, and its end: then the button is pressed. */
int rtta_press_body(struct rtta_conn *conn, const void *data, size_t bytes);
int rtta_press_end(struct rtta_conn *conn);

/* Answer, if it is known by now what came of it. */
int rtta_press_outcome(struct rtta_conn *conn);

#endif

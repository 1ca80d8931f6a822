/*
 * ws - one WebSocket connection to a server (RFC 6455, by libwebsockets).
 *
 * libwebsockets waits for itself, and resolves names while it blocks: each
 * connection has a thread of its own that does nothing else, as nats.c has.
 * It copies what comes into a queue of at most RTTA_WS_IN_MAX_BYTES, wakes
 * main's thread through a descriptor, and stops reading while that queue is
 * full.  All functions here belong to main's thread; none of them waits.
 */
#ifndef RTTA_WS_H
#define RTTA_WS_H

#include <stdbool.h>
#include <stddef.h>

struct rtta_err;
struct rtta_ws;

enum {
	RTTA_WS_MESSAGE_MAX_BYTES = 4 << 20,  /* a larger one ends the connection, 1009 */
	RTTA_WS_IN_MAX_BYTES = 8 << 20
};

struct rtta_ws_config {
	const char *url;             /* ws:// or wss://, host, port, path, query */
	char *const *headers;        /* NULL-terminated pairs: name, value, name, ... */
	const char *protocol;        /* of Sec-WebSocket-Protocol; NULL: none */
	const char *error_header;    /* lower case: says why an upgrade was refused; NULL */
	int connect_s;               /* until the connection is open */
	int ping_s;                  /* silence that a ping follows, then as much again; 0: never */
};

/* Everything is copied.  NULL with EX_CONFIG: no such kind of address. */
struct rtta_ws *rtta_ws_open(const struct rtta_ws_config *config, struct rtta_err *err);

/* Says goodbye (1000) behind what is queued, if it is open, for at most two
 * seconds on its own.  NULL is fine. */
void rtta_ws_close(struct rtta_ws *ws);

int rtta_ws_fd(const struct rtta_ws *ws);  /* readable: something happened */

enum rtta_ws_kind {
	RTTA_WS_OPEN,
	RTTA_WS_TEXT,
	RTTA_WS_BINARY,
	RTTA_WS_REFUSED,  /* not open: code is the HTTP status, 0: no answer; the last event */
	RTTA_WS_CLOSED    /* code is that of the close frame, 1006: without one; the last event */
};

struct rtta_ws_event {
	enum rtta_ws_kind kind;
	int code;
	long retry_after_s;          /* of a refusal; -1: not said */
	char *data;                  /* a message, or why; NUL-terminated; the caller's */
	size_t bytes;
};

/* 1 with *event filled, 0: nothing now. */
int rtta_ws_next(struct rtta_ws *ws, struct rtta_ws_event *event);

/* Queue one message.  Nothing is sent for 0 bytes: an empty message ends
 * the stream of some services, so it has a name of its own. */
void rtta_ws_send(struct rtta_ws *ws, bool binary, const void *data, size_t bytes);
void rtta_ws_send_empty(struct rtta_ws *ws, bool binary);

/* Bytes queued and not yet taken by the kernel.  The descriptor wakes when
 * they become none. */
size_t rtta_ws_pending(struct rtta_ws *ws);

#endif

/*
 * ws_parts - what the two threads of a connection share: ws.c is main's,
 * ws_thread.c the connection's.  For nobody else.
 */
#ifndef RTTA_WS_PARTS_H
#define RTTA_WS_PARTS_H

#include <libwebsockets.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ws.h"

struct rtta_ws_message {
	struct rtta_ws_message *next;
	bool binary;
	size_t bytes;
	uint8_t data[];              /* LWS_PRE bytes, then the message */
};

struct rtta_ws_incoming {
	struct rtta_ws_incoming *next;
	struct rtta_ws_event event;
};

/*
 * Shared by main and the connection's thread under lock, except where said.
 * Whoever lets go last frees it.
 */
struct rtta_ws {
	pthread_mutex_t lock;
	int owners;
	int fd;
	struct lws_context *context;   /* NULL before and after the thread's service */
	bool leaving;                  /* main has let go: say goodbye */
	struct rtta_ws_message *out, **out_end;
	size_t out_bytes;
	struct rtta_ws_incoming *in, **in_end;
	size_t in_bytes;
	bool full;                     /* reading is stopped */
	/* the thread's own */
	char *url, *host, *authority, *path, *protocol, *error_header;
	char **headers;
	int port, connect_s, ping_s;
	bool tls;
	struct lws *wsi;
	bool opened, over, saying_goodbye;
	int code;
	char why[200];
	char *part;                    /* of a message in fragments */
	size_t part_bytes;
	bool part_binary;
	lws_sorted_usec_list_t timer;
	lws_retry_bo_t idle;
};

void rtta_ws_let_go(struct rtta_ws *ws);
void *rtta_ws_serve(void *ws);  /* the thread, which lets go at its end */

#endif

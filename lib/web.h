/*
 * web - rtta-serve's sockets: libwebsockets around http, hub and room.
 *
 * Listens itself and hands accepted connections to libwebsockets, whose wait
 * is the loop of the tool; other descriptors ride in it (rtta_web_add_fd).
 * Limits: headers and bodies as http.h says, connections below the limit of
 * descriptors, and of one address as peers.h says; a request has ten seconds to
 * arrive, and a reader that takes nothing for 15 s is dropped.
 * Belongs to main's thread.
 */
#ifndef RTTA_WEB_H
#define RTTA_WEB_H

#include <stdbool.h>
#include <stdint.h>

#include "http.h"
#include "tls.h"

struct rtta_err;
struct rtta_room;
struct rtta_web;

enum { RTTA_WEB_CONNECTIONS_MAX = 16384 };

struct rtta_web_config {
	char host[64];
	uint16_t port;                 /* 0: any */
	const char *dir;               /* the files of the page */
	char operator_token[RTTA_HTTP_TOKEN_MAX_BYTES];  /* empty: nobody may */
	char reader_token[RTTA_HTTP_TOKEN_MAX_BYTES];    /* empty: everybody may */
	bool open_operator;            /* whoever comes through loopback may */
	unsigned per_address;          /* connections and requests: peers.h */
	struct rtta_tls tls;           /* both files, or none */
};

/* room is borrowed.  NULL with EX_UNAVAILABLE (address), EX_NOINPUT (files),
 * EX_CONFIG (certificate). */
struct rtta_web *rtta_web_open(const struct rtta_web_config *config, struct rtta_room *room,
    struct rtta_err *err);
void rtta_web_close(struct rtta_web *web);  /* NULL is allowed */

uint16_t rtta_web_port(const struct rtta_web *web);

/* End the wait when fd is readable.  0, or -1 with *err. */
int rtta_web_add_fd(struct rtta_web *web, int fd, struct rtta_err *err);

/* Wait at most wait_ms for sockets and descriptors, and serve what came. */
void rtta_web_wait(struct rtta_web *web, int wait_ms);

/* After the room's tick: send what has become ready.  Returns ms until it
 * wants to be called. */
int rtta_web_tick(struct rtta_web *web);

#endif

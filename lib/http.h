/*
 * http - what a request asks for, and whether it may.
 *
 * Method, path and arguments become a route; tokens, Origin and Host are
 * compared; text is framed for WebSocket and SSE.  Pure: knows neither
 * sockets nor the bus, allocates nothing, and refuses with a status and a
 * sentence.
 */
#ifndef RTTA_HTTP_H
#define RTTA_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format.h"
#include "session.h"

struct rtta_err;

enum {
	RTTA_HTTP_BODY_MAX_BYTES = 65536,
	RTTA_HTTP_HEAD_MAX_BYTES = 16384,   /* all headers of a request */
	RTTA_HTTP_ARG_MAX_BYTES = 1024,     /* one argument of a query */
	RTTA_HTTP_TOKEN_MAX_BYTES = 256,
	RTTA_HTTP_NAME_MAX_BYTES = 64,      /* a file of the page */
	RTTA_HTTP_WS_HEAD_BYTES = 10,       /* at most, before a WebSocket message */
	RTTA_HTTP_SSE_FRAME_BYTES = 40      /* at most, around an SSE event */
};

enum rtta_http_method { RTTA_HTTP_GET, RTTA_HTTP_HEAD, RTTA_HTTP_POST };

enum rtta_http_route {
	RTTA_HTTP_PAGE,         /* / and /s/<id> */
	RTTA_HTTP_FILE,         /* /page.css and the like */
	RTTA_HTTP_WS,
	RTTA_HTTP_EVENTS,
	RTTA_HTTP_SESSIONS,
	RTTA_HTTP_TRANSCRIPT,   /* /s/<id>/transcript.<format> */
	RTTA_HTTP_COVERAGE,     /* /s/<id>/coverage */
	RTTA_HTTP_START,
	RTTA_HTTP_STOP,
	RTTA_HTTP_OFF_RECORD,
	RTTA_HTTP_ON_RECORD,
	RTTA_HTTP_QR,           /* /qr.svg: the address of the page */
	RTTA_HTTP_LEVEL,
	RTTA_HTTP_HEALTHZ,
	RTTA_HTTP_METRICS
};

struct rtta_http_request {
	enum rtta_http_route route;
	char session[RTTA_SESSION_ID_BYTES];   /* empty: the current one */
	bool follow;                           /* go on to the next session */
	uint64_t after;                        /* stream sequence; 0: everything */
	enum rtta_format format;
	bool times;                            /* of a txt transcript */
	bool tls;                              /* the page was reached by https */
	char file[RTTA_HTTP_NAME_MAX_BYTES];
	char token[RTTA_HTTP_TOKEN_MAX_BYTES]; /* of the argument; may be empty */
};

/*
 * Read the path, then each argument ("name=value", decoded).
 * 0, or the status to refuse with (400, 404, 405) and its sentence in *why.
 */
int rtta_http_route(struct rtta_http_request *request, enum rtta_http_method method,
    const char *path, const char **why);
int rtta_http_argument(struct rtta_http_request *request, const char *argument,
    const char **why);

/* Content-Length as a number: digits only, at most the limit.  -1: neither. */
int64_t rtta_http_length(const char *text);

/* --- who may --- */

/* Equal?  Takes the same time wherever they differ.  An empty want: false. */
bool rtta_http_token_equal(const char *given, const char *want);

/* The token of "Bearer <token>", else NULL; points into value. */
const char *rtta_http_bearer(const char *value);

/* The value of a cookie into token (RTTA_HTTP_TOKEN_MAX_BYTES).  0, or -1. */
int rtta_http_cookie(const char *header, const char *name, char *token);

/* A token from a file: one line of 8 to 255 printable letters, no blanks.
 * 0, or -1 with EX_CONFIG. */
int rtta_http_token_load(const char *path, char token[RTTA_HTTP_TOKEN_MAX_BYTES],
    struct rtta_err *err);

/* Did the browser's page come from us?  No Origin is no browser: true. */
bool rtta_http_origin_ok(const char *origin, const char *host);

/* "localhost", 127.0.0.0/8 or [::1], with or without a port: a name that a
 * stranger's DNS cannot point at us. */
bool rtta_http_host_loopback(const char *host);

/* "127.0.0.1:8080", "[::1]:0", "0.0.0.0:80".  0, or -1 with EX_USAGE. */
int rtta_http_listen_parse(const char *text, char host[64], uint16_t *port,
    struct rtta_err *err);

/* --- what need not be sent again, or not at length --- */

enum { RTTA_HTTP_ETAG_BYTES = 24 };

/* A weak ETag of these bytes, with its quotes; returns etag. */
char *rtta_http_etag(char etag[RTTA_HTTP_ETAG_BYTES], const char *data, size_t bytes);

/* Does If-None-Match (NULL: absent) name it? */
bool rtta_http_has(const char *none_match, const char *etag);

/* Does Accept-Encoding (NULL: absent) allow gzip? */
bool rtta_http_accepts_gzip(const char *encodings);

/* --- framing --- */

/* The head of an unmasked text message of bytes; returns its length. */
size_t rtta_http_ws_head(unsigned char head[RTTA_HTTP_WS_HEAD_BYTES], size_t bytes);

/* What stands before an SSE event (seq 0: without id); returns its length.
 * Behind it come two newlines. */
size_t rtta_http_sse_head(char head[RTTA_HTTP_SSE_FRAME_BYTES], uint64_t seq);

#endif

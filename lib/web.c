#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libwebsockets.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "err.h"
#include "format.h"
#include "hub.h"
#include "json.h"
#include "log.h"
#include "mem.h"
#include "room.h"
#include "web.h"

enum {
	FILES_MAX = 32,
	FILE_MAX_BYTES = 1 << 20,
	CHUNK_BYTES = 65536,      /* of a reply, or of messages, in one write */
	HEAD_BYTES = 4096,        /* of a reply's headers */
	BATCH_BYTES = CHUNK_BYTES + RTTA_HUB_MESSAGE_MAX_BYTES + 64,
	SPARE_FDS = 64,           /* not for connections */
	TITLE_JSON_MAX_BYTES = 4096
};

/* A file of the page, in memory. */
struct file {
	char name[RTTA_HTTP_NAME_MAX_BYTES], etag[24];
	const char *mime;
	char *data;
	size_t bytes;
};

/* A connection (or its present request) is: */
enum conn_kind {
	CONN_IDLE,         /* between requests */
	CONN_BODY,         /* sending us a body */
	CONN_TRANSCRIPT,   /* waiting until its session is loaded */
	CONN_OUTCOME,      /* waiting until its press of a button is stored */
	CONN_REPLY,        /* being answered */
	CONN_WS,           /* a reader */
	CONN_SSE           /* a reader */
};

struct conn {
	struct rtta_web *web;
	struct lws *wsi;
	struct conn *next, **link;
	enum conn_kind kind;
	struct rtta_http_request request;
	bool head_only, close, headers_sent;
	int64_t deadline_ms;        /* of CONN_TRANSCRIPT and CONN_OUTCOME */

	int status;
	const char *type, *cache;
	char extra[RTTA_HTTP_TOKEN_MAX_BYTES + 128];  /* "name: value", or empty */
	char *owned;                /* the reply's text when it is the conn's */
	const char *data;
	size_t bytes, sent;

	char *body;
	size_t body_bytes;
	char id[RTTA_SESSION_ID_BYTES];
	uint64_t number;            /* of the write that a button made */

	struct rtta_hub_reader *reader;
	int64_t wanted_ms;          /* since when it has something to take; 0: not */
};

struct rtta_web {
	struct rtta_web_config config;
	struct rtta_room *room;
	struct lws_context *context;
	struct lws_vhost *vhost;
	lws_sorted_usec_list_t timer;
	int listen_fd;
	uint16_t port;
	struct file files[FILES_MAX];
	size_t file_count;
	struct conn *conns;
	size_t conn_count, conn_max;
	uint64_t requests, refused, dropped;
	unsigned char *batch;       /* LWS_PRE and BATCH_BYTES */
};

static const char csp[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

/* --- replies --- */

static void
conn_reset(struct conn *conn)
{
	rtta_hub_leave(conn->reader);
	free(conn->owned);
	free(conn->body);
	conn->reader = NULL;
	conn->owned = conn->body = NULL;
	conn->data = NULL;
	conn->kind = CONN_IDLE;
	conn->bytes = conn->sent = conn->body_bytes = 0;
	conn->head_only = conn->close = conn->headers_sent = false;
	conn->wanted_ms = 0;
	conn->extra[0] = '\0';
	conn->cache = "no-store";
}

static void
want_write(struct conn *conn)
{
	if (conn->wanted_ms == 0)
		conn->wanted_ms = rtta_clock_mono_ms();
	lws_callback_on_writable(conn->wsi);
}

/* Answer with bytes that stay where they are. */
static int
reply(struct conn *conn, int status, const char *type, const char *data, size_t bytes)
{
	conn->kind = CONN_REPLY;
	conn->status = status;
	conn->type = type;
	conn->data = data;
	conn->bytes = bytes;
	if (status >= 400)
		conn->web->refused++;
	lws_set_timeout(conn->wsi, PENDING_TIMEOUT_HTTP_CONTENT, RTTA_WEB_SLOW_MS / 1000);
	want_write(conn);
	return 0;
}

/* Takes text. */
static int
reply_owned(struct conn *conn, int status, const char *type, char *text, size_t bytes)
{
	free(conn->owned);
	conn->owned = text;
	return reply(conn, status, type, text, bytes);
}

static int
reply_sentence(struct conn *conn, int status, const char *sentence)
{
	char *text = rtta_xasprintf("%s\n", sentence);

	return reply_owned(conn, status, "text/plain; charset=utf-8", text, strlen(text));
}

/* Takes value. */
static int
reply_json(struct conn *conn, int status, jv value)
{
	char *text = rtta_json_text(value, false);

	return reply_owned(conn, status, "application/json", text, strlen(text));
}

static int
add_header(struct conn *conn, const char *name, const char *value, unsigned char **p,
    unsigned char *end)
{
	return lws_add_http_header_by_name(conn->wsi, (const unsigned char *)name,
	    (const unsigned char *)value, (int)strlen(value), p, end);
}

/* "set-cookie: x" and the like, one line. */
static int
add_extra(struct conn *conn, unsigned char **p, unsigned char *end)
{
	char *colon = strchr(conn->extra, ':');
	char name[32];

	if (colon == NULL)
		return 0;
	snprintf(name, sizeof(name), "%.*s:", (int)(colon - conn->extra), conn->extra);
	return add_header(conn, name, colon + 2, p, end);
}

/* length < 0: not known, the end is the end of the connection. */
static int
write_headers(struct conn *conn, int64_t length)
{
	unsigned char head[LWS_PRE + HEAD_BYTES], *p = head + LWS_PRE;
	unsigned char *end = head + sizeof(head) - 1;

	conn->headers_sent = true;
	if (lws_add_http_header_status(conn->wsi, (unsigned)conn->status |
	    LWSAHH_FLAG_NO_SERVER_NAME, &p, end) ||
	    add_header(conn, "content-type:", conn->type, &p, end) ||
	    add_header(conn, "cache-control:", conn->cache, &p, end) ||
	    add_extra(conn, &p, end))
		return -1;
	if (conn->close && add_header(conn, "connection:", "close", &p, end))
		return -1;
	if (length >= 0 && lws_add_http_header_content_length(conn->wsi,
	    (lws_filepos_t)length, &p, end))
		return -1;
	return lws_finalize_write_http_header(conn->wsi, head + LWS_PRE, &p, end);
}

/* The transaction is over: 0 to keep the connection, -1 to close it. */
static int
finish_reply(struct conn *conn)
{
	bool close = conn->close;

	conn_reset(conn);
	if (close)
		return -1;
	return lws_http_transaction_completed(conn->wsi) ? -1 : 0;
}

static int
write_reply(struct conn *conn)
{
	size_t left = conn->bytes - conn->sent;
	bool last;

	if (!conn->headers_sent) {
		if (write_headers(conn, conn->status == 304 ? -1 : (int64_t)conn->bytes) != 0)
			return -1;
		if (conn->head_only || conn->status == 304 || left == 0)
			return finish_reply(conn);
	}
	last = left <= CHUNK_BYTES;
	if (!last)
		left = CHUNK_BYTES;
	/* HTTP/1 writes nothing before the pointer, so that it may be const. */
	if (lws_write(conn->wsi, (unsigned char *)(uintptr_t)(conn->data + conn->sent), left,
	    last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) < 0)
		return -1;
	conn->sent += left;
	if (last)
		return finish_reply(conn);
	lws_set_timeout(conn->wsi, PENDING_TIMEOUT_HTTP_CONTENT, RTTA_WEB_SLOW_MS / 1000);
	want_write(conn);
	return 0;
}

/* --- readers --- */

/*
 * Write as many messages as fit into one batch.  WebSocket messages are
 * framed here: one write for many, where lws_write() would make one system
 * call for each.
 */
static int
write_batch(struct conn *conn)
{
	unsigned char *batch = conn->web->batch + LWS_PRE;
	const struct rtta_hub_message *message;
	size_t used = 0;

	if (conn->kind == CONN_SSE && !conn->headers_sent) {
		if (write_headers(conn, -1) != 0)
			return -1;
		lws_http_mark_sse(conn->wsi);
		lws_set_timeout(conn->wsi, NO_PENDING_TIMEOUT, 0);
		want_write(conn);
		return 0;
	}
	while (used < CHUNK_BYTES && (message = rtta_hub_next(conn->reader)) != NULL) {
		used += conn->kind == CONN_WS
		    ? rtta_http_ws_head(batch + used, message->bytes)
		    : rtta_http_sse_head((char *)batch + used, message->seq);
		memcpy(batch + used, message->text, message->bytes);
		used += message->bytes;
		if (conn->kind == CONN_SSE) {
			memcpy(batch + used, "\n\n", 2);
			used += 2;
		}
	}
	if (used > 0 && lws_write(conn->wsi, batch, used, LWS_WRITE_HTTP) < 0)
		return -1;
	if (rtta_hub_pending(conn->reader))
		want_write(conn);
	return 0;
}

static int
join(struct conn *conn, enum conn_kind kind)
{
	struct rtta_http_request *request = &conn->request;

	conn->reader = rtta_hub_join(rtta_room_hub(conn->web->room), request->session,
	    request->after, request->follow);
	if (conn->reader == NULL)
		return -1;
	conn->kind = kind;
	want_write(conn);
	return 0;
}

/* --- what a request may --- */

/* A header of the request as a string; NULL: absent, or longer than size. */
static const char *
header(struct conn *conn, enum lws_token_indexes token, char *text, size_t size)
{
	int length = lws_hdr_total_length(conn->wsi, token);

	if (length <= 0 || (size_t)length >= size ||
	    lws_hdr_copy(conn->wsi, text, (int)size, token) < 0)
		return NULL;
	return text;
}

static const char *
bearer(struct conn *conn, char *text, size_t size)
{
	const char *value = header(conn, WSI_TOKEN_HTTP_AUTHORIZATION, text, size);

	return value == NULL ? NULL : rtta_http_bearer(value);
}

static bool
may_read(struct conn *conn)
{
	const struct rtta_web_config *config = &conn->web->config;
	char text[1024], cookie[RTTA_HTTP_TOKEN_MAX_BYTES];
	const char *token;

	if (config->reader_token[0] == '\0' ||
	    rtta_http_token_equal(conn->request.token, config->reader_token))
		return true;
	token = bearer(conn, text, sizeof(text));
	if (token != NULL && (rtta_http_token_equal(token, config->reader_token) ||
	    rtta_http_token_equal(token, config->operator_token)))
		return true;
	token = header(conn, WSI_TOKEN_HTTP_COOKIE, text, sizeof(text));
	return token != NULL && rtta_http_cookie(token, "rtta_token", cookie) == 0 &&
	    rtta_http_token_equal(cookie, config->reader_token);
}

static bool
may_operate(struct conn *conn)
{
	const struct rtta_web_config *config = &conn->web->config;
	char text[1024];
	const char *token = bearer(conn, text, sizeof(text));

	if (token != NULL && rtta_http_token_equal(token, config->operator_token))
		return true;
	token = header(conn, WSI_TOKEN_HOST, text, sizeof(text));
	return config->open_operator && token != NULL && rtta_http_host_loopback(token);
}

static bool
same_origin(struct conn *conn)
{
	char origin[512], host[512];

	if (lws_hdr_total_length(conn->wsi, WSI_TOKEN_ORIGIN) <= 0)
		return true;
	if (header(conn, WSI_TOKEN_ORIGIN, origin, sizeof(origin)) == NULL)
		return false;
	return rtta_http_origin_ok(origin, header(conn, WSI_TOKEN_HOST, host, sizeof(host)));
}

/* --- requests --- */

static int
read_method(struct conn *conn, enum rtta_http_method *method)
{
	if (lws_hdr_total_length(conn->wsi, WSI_TOKEN_GET_URI) > 0)
		*method = RTTA_HTTP_GET;
	else if (lws_hdr_total_length(conn->wsi, WSI_TOKEN_HEAD_URI) > 0)
		*method = RTTA_HTTP_HEAD;
	else if (lws_hdr_total_length(conn->wsi, WSI_TOKEN_POST_URI) > 0)
		*method = RTTA_HTTP_POST;
	else
		return -1;
	return 0;
}

/* The path, which libwebsockets has decoded and freed of "..". */
static const char *
path_of(struct lws *wsi, char path[RTTA_HTTP_HEAD_MAX_BYTES])
{
	static const enum lws_token_indexes tokens[] = {
		WSI_TOKEN_GET_URI, WSI_TOKEN_POST_URI, WSI_TOKEN_HEAD_URI
	};

	path[0] = '\0';
	for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++)
		if (lws_hdr_total_length(wsi, tokens[i]) > 0)
			lws_hdr_copy(wsi, path, RTTA_HTTP_HEAD_MAX_BYTES, tokens[i]);
	return path;
}

static int
read_arguments(struct conn *conn, const char **why)
{
	char argument[RTTA_HTTP_ARG_MAX_BYTES];
	int status = 0, length;

	for (int i = 0; status == 0 && (length = lws_hdr_fragment_length(conn->wsi,
	    WSI_TOKEN_HTTP_URI_ARGS, i)) > 0; i++) {
		if (length >= (int)sizeof(argument) || lws_hdr_copy_fragment(conn->wsi, argument,
		    sizeof(argument), WSI_TOKEN_HTTP_URI_ARGS, i) < 0) {
			*why = "an argument is too long";
			return 400;
		}
		status = rtta_http_argument(&conn->request, argument, why);
	}
	return status;
}

/* What a reconnecting EventSource had last. */
static int
read_last_event(struct conn *conn, const char **why)
{
	static const char name[] = "last-event-id:";
	char argument[64] = "after=";

	if (lws_hdr_custom_length(conn->wsi, name, sizeof(name) - 1) <= 0)
		return 0;
	if (lws_hdr_custom_copy(conn->wsi, argument + 6, sizeof(argument) - 6, name,
	    sizeof(name) - 1) < 0) {
		*why = "Last-Event-ID is a sequence number";
		return 400;
	}
	return rtta_http_argument(&conn->request, argument, why);
}

/* Read the request's line.  0, or the status to refuse with. */
static int
read_request(struct conn *conn, const char *path, const char **why)
{
	enum rtta_http_method method;
	int status;

	conn->web->requests++;
	if (read_method(conn, &method) < 0) {
		memset(&conn->request, 0, sizeof(conn->request));
		*why = "only GET, HEAD and POST";
		return 405;
	}
	conn->head_only = method == RTTA_HTTP_HEAD;
	status = rtta_http_route(&conn->request, method, path, why);
	if (status == 0)
		status = read_arguments(conn, why);
	if (status == 0)
		status = read_last_event(conn, why);
	return status;
}

/* A body is read only where one is wanted, and none is read by guess. */
static int
check_body(struct conn *conn, bool wanted, const char **why)
{
	char text[32];
	const char *length = header(conn, WSI_TOKEN_HTTP_CONTENT_LENGTH, text, sizeof(text));
	bool has_length = lws_hdr_total_length(conn->wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) > 0;

	if (lws_hdr_total_length(conn->wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0) {
		*why = "bodies come with a Content-Length here";
		return 411;
	}
	if (!wanted && has_length && (length == NULL || rtta_http_length(length) != 0)) {
		*why = "a GET has no body";
		return 400;
	}
	if (wanted && !has_length) {
		*why = "Content-Length is missing";
		return 411;
	}
	if (wanted && (length == NULL || rtta_http_length(length) < 0)) {
		*why = "the body may have 65536 bytes";
		return 413;
	}
	return 0;
}

static int
refuse(struct conn *conn, int status, const char *why)
{
	conn->close = true;
	if (status == 401)
		strcpy(conn->extra, "www-authenticate: Bearer");
	return reply_sentence(conn, status, why);
}

static const struct file *
find_file(const struct rtta_web *web, const char *name)
{
	for (size_t i = 0; i < web->file_count; i++)
		if (strcmp(web->files[i].name, name) == 0)
			return &web->files[i];
	return NULL;
}

static int
serve_file(struct conn *conn, const char *name)
{
	const struct file *file = find_file(conn->web, name);
	char etag[64];
	const char *have = header(conn, WSI_TOKEN_HTTP_IF_NONE_MATCH, etag, sizeof(etag));

	if (file == NULL)
		return refuse(conn, 404, "no such page");
	conn->cache = "no-cache";
	if (conn->extra[0] == '\0')
		snprintf(conn->extra, sizeof(conn->extra), "etag: %s", file->etag);
	if (have != NULL && strcmp(have, file->etag) == 0 && conn->extra[0] == 'e')
		return reply(conn, 304, file->mime, NULL, 0);
	return reply(conn, 200, file->mime, file->data, file->bytes);
}

/* The page; a token in its address becomes a cookie. */
static int
serve_page(struct conn *conn)
{
	const struct rtta_web_config *config = &conn->web->config;

	if (config->reader_token[0] != '\0' && conn->request.token[0] != '\0')
		snprintf(conn->extra, sizeof(conn->extra),
		    "set-cookie: rtta_token=%s; Path=/; HttpOnly; SameSite=Strict",
		    config->reader_token);
	return serve_file(conn, "index.html");
}

static char *
transcript_text(const struct rtta_http_request *request,
    const struct rtta_transcript *transcript, size_t *bytes)
{
	struct rtta_err err = {0};
	char *text = NULL;
	FILE *out = open_memstream(&text, bytes);

	if (out == NULL)
		return NULL;
	if (rtta_format_write(out, transcript, request->format, request->times, &err) < 0)
		rtta_log_warn("%s", err.text);
	fclose(out);
	return text;
}

/* Answer a transcript or coverage if the session is there by now. */
static int
serve_session(struct conn *conn)
{
	struct rtta_http_request *request = &conn->request;
	struct rtta_hub *hub = rtta_room_hub(conn->web->room);
	const struct rtta_transcript *transcript;
	size_t bytes;
	char *text;

	switch (rtta_hub_transcript(hub, request->session, &transcript)) {
	case RTTA_HUB_LOADING:
		if (rtta_clock_mono_ms() >= conn->deadline_ms)
			return refuse(conn, 503, "the bus does not answer");
		return 0;
	case RTTA_HUB_FULL:
		return refuse(conn, 503, "too many sessions are being read");
	case RTTA_HUB_UNKNOWN:
		return refuse(conn, 404, "no such session");
	case RTTA_HUB_READY:
		break;
	}
	if (request->route == RTTA_HTTP_COVERAGE)
		return reply_json(conn, 200, rtta_hub_ledger(hub, request->session));
	text = transcript_text(request, transcript, &bytes);
	if (text == NULL)
		return refuse(conn, 500, "no memory for it");
	return reply_owned(conn, 200, rtta_format_mime(request->format), text, bytes);
}

static int
serve_health(struct conn *conn)
{
	bool healthy;
	jv health = rtta_room_health(conn->web->room, &healthy);

	return reply_json(conn, healthy ? 200 : 503, health);
}

static int
serve_metrics(struct conn *conn)
{
	const struct rtta_web *web = conn->web;
	struct rtta_hub_counts counts;
	bool healthy;
	char *text;

	rtta_hub_counts(rtta_room_hub(web->room), &counts);
	jv_free(rtta_room_health(web->room, &healthy));
	text = rtta_xasprintf(
	    "# HELP rtta_healthy What /healthz says.\n# TYPE rtta_healthy gauge\n"
	    "rtta_healthy %d\n"
	    "# HELP rtta_readers Readers that are connected.\n# TYPE rtta_readers gauge\n"
	    "rtta_readers %zu\n"
	    "# HELP rtta_sessions_watched Sessions in memory.\n"
	    "# TYPE rtta_sessions_watched gauge\nrtta_sessions_watched %zu\n"
	    "# HELP rtta_records Records in memory.\n# TYPE rtta_records gauge\n"
	    "rtta_records %zu\n"
	    "# HELP rtta_interim_total Interim texts passed on.\n"
	    "# TYPE rtta_interim_total counter\nrtta_interim_total %" PRIu64 "\n"
	    "# HELP rtta_requests_total Requests.\n# TYPE rtta_requests_total counter\n"
	    "rtta_requests_total %" PRIu64 "\n"
	    "# HELP rtta_refused_total Requests refused.\n# TYPE rtta_refused_total counter\n"
	    "rtta_refused_total %" PRIu64 "\n"
	    "# HELP rtta_readers_dropped_total Readers that were too slow.\n"
	    "# TYPE rtta_readers_dropped_total counter\nrtta_readers_dropped_total %" PRIu64 "\n",
	    healthy, counts.readers, counts.watched, counts.records, counts.interim,
	    web->requests, web->refused, web->dropped);
	return reply_owned(conn, 200, "text/plain; version=0.0.4; charset=utf-8", text,
	    strlen(text));
}

static int
serve_events(struct conn *conn)
{
	conn->status = 200;
	conn->type = "text/event-stream";
	conn->close = true;
	if (join(conn, CONN_SSE) < 0)
		return refuse(conn, 503, "too many sessions are being read");
	return 0;
}

static int
serve_get(struct conn *conn)
{
	switch (conn->request.route) {
	case RTTA_HTTP_PAGE:
		return serve_page(conn);
	case RTTA_HTTP_FILE:
		return serve_file(conn, conn->request.file);
	case RTTA_HTTP_EVENTS:
		return serve_events(conn);
	case RTTA_HTTP_SESSIONS:
		return reply_json(conn, 200, rtta_room_sessions(conn->web->room));
	case RTTA_HTTP_TRANSCRIPT:
	case RTTA_HTTP_COVERAGE:
		conn->kind = CONN_TRANSCRIPT;
		conn->deadline_ms = rtta_clock_mono_ms() + RTTA_WEB_ANSWER_MS;
		lws_set_timeout(conn->wsi, PENDING_TIMEOUT_HTTP_CONTENT,
		    2 * RTTA_WEB_ANSWER_MS / 1000);
		return serve_session(conn);
	case RTTA_HTTP_HEALTHZ:
		return serve_health(conn);
	case RTTA_HTTP_METRICS:
		return serve_metrics(conn);
	case RTTA_HTTP_WS:
		return refuse(conn, 426, "this is a WebSocket");
	case RTTA_HTTP_START:
	case RTTA_HTTP_STOP:
		break;
	}
	return refuse(conn, 405, "this is a POST");
}

/* Files of the page say nothing of the room; /healthz no word of text. */
static bool
is_public(enum rtta_http_route route)
{
	return route == RTTA_HTTP_FILE || route == RTTA_HTTP_HEALTHZ;
}

static int
serve_post(struct conn *conn)
{
	const struct rtta_web_config *config = &conn->web->config;

	if (!same_origin(conn))
		return refuse(conn, 403, "another page may not press this button");
	if (!may_operate(conn))
		return config->operator_token[0] == '\0'
		    ? refuse(conn, 403, "start and stop need an operator's token, and none is "
		    "configured (--operator-token-file)")
		    : refuse(conn, 401, "start and stop need the operator's token");
	conn->kind = CONN_BODY;
	return 0;
}

static int
serve(struct conn *conn)
{
	char path[RTTA_HTTP_HEAD_MAX_BYTES];
	const char *why = NULL;
	int status;
	bool post;

	conn_reset(conn);
	status = read_request(conn, path_of(conn->wsi, path), &why);
	post = status == 0 && (conn->request.route == RTTA_HTTP_START ||
	    conn->request.route == RTTA_HTTP_STOP);
	if (status == 0)
		status = check_body(conn, post, &why);
	if (status != 0)
		return refuse(conn, status, why);
	if (post)
		return serve_post(conn);
	if (!is_public(conn->request.route) && !may_read(conn))
		return refuse(conn, 401, "this page needs a token: add ?token=... to its address");
	return serve_get(conn);
}

/* --- the buttons --- */

static int
take_body(struct conn *conn, const void *data, size_t bytes)
{
	if (conn->kind != CONN_BODY)
		return 0;
	if (conn->body_bytes + bytes > RTTA_HTTP_BODY_MAX_BYTES)
		return -1;
	if (conn->body == NULL)
		conn->body = rtta_xcalloc(1, RTTA_HTTP_BODY_MAX_BYTES);
	memcpy(conn->body + conn->body_bytes, data, bytes);
	conn->body_bytes += bytes;
	return 0;
}

static uint64_t
press_start(struct conn *conn, jv body, struct rtta_room_refusal *refusal, struct rtta_err *err)
{
	int64_t preroll_s = RTTA_SESSION_PREROLL_S;
	char *title = NULL;
	uint64_t number = 0;

	if (rtta_json_string("body", body, "title", &title, err) == 0 &&
	    rtta_json_int("body", body, "preroll_s", 0, RTTA_SESSION_PREROLL_MAX_S, &preroll_s,
	    err) == 0)
		number = rtta_room_start(conn->web->room, title, preroll_s, conn->id, refusal);
	free(title);
	return number;
}

static uint64_t
press_stop(struct conn *conn, jv body, struct rtta_room_refusal *refusal, struct rtta_err *err)
{
	char *id = NULL;
	uint64_t number = 0;

	if (rtta_json_string("body", body, "session", &id, err) < 0)
		return 0;
	if (id == NULL || !rtta_session_id_valid(id)) {
		rtta_err_set(err, EX_DATAERR, "body: session: name the session that stops");
	} else {
		strcpy(conn->id, id);
		number = rtta_room_stop(conn->web->room, id, refusal);
	}
	free(id);
	return number;
}

static int
press(struct conn *conn)
{
	struct rtta_room_refusal refusal = {0};
	struct rtta_err err = {0};
	jv body = rtta_json_object("body", conn->body_bytes == 0 ? "{}" : conn->body,
	    conn->body_bytes == 0 ? 2 : conn->body_bytes, TITLE_JSON_MAX_BYTES, &err);

	if (jv_is_valid(body))
		conn->number = conn->request.route == RTTA_HTTP_START
		    ? press_start(conn, body, &refusal, &err)
		    : press_stop(conn, body, &refusal, &err);
	jv_free(body);
	if (err.exit_code != 0)
		return refuse(conn, 400, err.text);
	if (refusal.status == 200)
		return reply_json(conn, 200, JV_OBJECT(jv_string("session"),
		    jv_string(conn->id)));
	if (conn->number == 0)
		return refuse(conn, refusal.status, refusal.why);
	conn->kind = CONN_OUTCOME;
	conn->deadline_ms = rtta_clock_mono_ms() + RTTA_WEB_ANSWER_MS;
	lws_set_timeout(conn->wsi, PENDING_TIMEOUT_HTTP_CONTENT, 2 * RTTA_WEB_ANSWER_MS / 1000);
	return 0;
}

static int
serve_outcome(struct conn *conn)
{
	int outcome = rtta_room_outcome(conn->web->room, conn->number);

	if (outcome > 0) {
		rtta_log_info("session %s: %s", conn->id,
		    conn->request.route == RTTA_HTTP_START ? "start pressed" : "stop pressed");
		return reply_json(conn, 200, JV_OBJECT(jv_string("session"),
		    jv_string(conn->id)));
	}
	if (outcome < 0)
		return refuse(conn, 409, "somebody else pressed a button at the same time");
	if (rtta_clock_mono_ms() >= conn->deadline_ms)
		return refuse(conn, 503, "the bus does not answer; it may happen yet");
	return 0;
}

/* --- what libwebsockets calls --- */

static struct conn *
conn_of(struct lws *wsi)
{
	struct rtta_web *web = lws_context_user(lws_get_context(wsi));
	struct conn *conn = lws_get_opaque_user_data(wsi);

	if (conn != NULL)
		return conn;
	conn = rtta_xcalloc(1, sizeof(*conn));
	conn->web = web;
	conn->wsi = wsi;
	conn->next = web->conns;
	conn->link = &web->conns;
	if (conn->next != NULL)
		conn->next->link = &conn->next;
	web->conns = conn;
	web->conn_count++;
	conn_reset(conn);
	lws_set_opaque_user_data(wsi, conn);
	return conn;
}

static void
conn_free(struct lws *wsi)
{
	struct conn *conn = lws_get_opaque_user_data(wsi);

	if (conn == NULL)
		return;
	lws_set_opaque_user_data(wsi, NULL);
	conn_reset(conn);
	*conn->link = conn->next;
	if (conn->next != NULL)
		conn->next->link = conn->link;
	conn->web->conn_count--;
	free(conn);
}

/*
 * May this connection become a WebSocket?  0: yes; 1: answered with no.
 * The answer is written here: libwebsockets goes on at once.
 */
static int
confirm_upgrade(struct lws *wsi, const char *what)
{
	struct conn *conn = conn_of(wsi);
	char path[RTTA_HTTP_HEAD_MAX_BYTES];
	const char *why = NULL;
	int status;

	conn_reset(conn);
	status = read_request(conn, path_of(wsi, path), &why);
	if (status == 0 && (conn->request.route != RTTA_HTTP_WS || conn->head_only ||
	    strcasecmp(what, "websocket") != 0)) {
		status = 400;
		why = "only /ws becomes a WebSocket";
	}
	if (status == 0)
		status = check_body(conn, false, &why);
	if (status == 0 && !same_origin(conn)) {
		status = 403;
		why = "another page may not read this";
	}
	if (status == 0 && !may_read(conn)) {
		status = 401;
		why = "this needs a token";
	}
	if (status == 0 && join(conn, CONN_WS) < 0) {
		status = 503;
		why = "too many sessions are being read";
	}
	if (status == 0)
		return 0;
	refuse(conn, status, why);
	conn->close = false;  /* whoever called closes */
	return write_reply(conn) < 0 ? -1 : 1;
}

static int
on_writeable(struct conn *conn)
{
	conn->wanted_ms = 0;
	switch (conn->kind) {
	case CONN_REPLY:
		return write_reply(conn);
	case CONN_WS:
	case CONN_SSE:
		return write_batch(conn);
	default:
		return 0;
	}
}

static void
accept_all(struct rtta_web *web)
{
	int fd;

	while ((fd = accept4(web->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
		if (web->conn_count >= web->conn_max) {
			close(fd);
			web->refused++;
			continue;
		}
		/* It closes fd if it cannot take it. */
		lws_adopt_socket_vhost(web->vhost, fd);
	}
}

static int
on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	struct conn *conn;

	(void)user;
	switch (reason) {
	case LWS_CALLBACK_HTTP:
		return serve(conn_of(wsi));
	case LWS_CALLBACK_HTTP_BODY:
		return take_body(conn_of(wsi), in, len);
	case LWS_CALLBACK_HTTP_BODY_COMPLETION:
		conn = conn_of(wsi);
		return conn->kind == CONN_BODY ? press(conn) : 0;
	case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
		return confirm_upgrade(wsi, in);
	case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
		conn = conn_of(wsi);
		return conn->kind == CONN_WS ? 0 : -1;
	case LWS_CALLBACK_ESTABLISHED:
		want_write(conn_of(wsi));
		return 0;
	case LWS_CALLBACK_RECEIVE:
		return -1;  /* readers have nothing to say */
	case LWS_CALLBACK_HTTP_WRITEABLE:
	case LWS_CALLBACK_SERVER_WRITEABLE:
		return on_writeable(conn_of(wsi));
	case LWS_CALLBACK_CLOSED:
	case LWS_CALLBACK_CLOSED_HTTP:
	case LWS_CALLBACK_WSI_DESTROY:
		conn_free(wsi);
		return 0;
	default:
		return 0;
	}
}

/* A descriptor that rides along is readable. */
static int
on_fd(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	(void)wsi;
	(void)reason;
	(void)user;
	(void)in;
	(void)len;
	return 0;  /* being woken is all: main looks */
}

static int
on_listen(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	(void)user;
	(void)in;
	(void)len;
	if (reason == LWS_CALLBACK_RAW_RX_FILE)
		accept_all(lws_context_user(lws_get_context(wsi)));
	return 0;
}

/* --- the page's files --- */

static const char *
mime_of(const char *name)
{
	static const struct { const char *end, *mime; } table[] = {
		{ ".html", "text/html; charset=utf-8" },
		{ ".css", "text/css; charset=utf-8" },
		{ ".js", "text/javascript; charset=utf-8" },
		{ ".svg", "image/svg+xml" },
		{ ".png", "image/png" },
		{ ".txt", "text/plain; charset=utf-8" },
	};
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; dot != NULL && i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(dot, table[i].end) == 0)
			return table[i].mime;
	return NULL;
}

static uint64_t
fnv1a(const char *data, size_t bytes)
{
	uint64_t hash = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < bytes; i++)
		hash = (hash ^ (unsigned char)data[i]) * UINT64_C(1099511628211);
	return hash;
}

static int
load_file(struct rtta_web *web, int dir_fd, const char *name, struct rtta_err *err)
{
	struct file *file = &web->files[web->file_count];
	int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
	struct stat st;
	ssize_t got = 0;

	if (fd < 0 || fstat(fd, &st) < 0) {
		rtta_err_sys(err, EX_NOINPUT, "%s/%s", web->config.dir, name);
	} else if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX_BYTES) {
		rtta_err_set(err, EX_NOINPUT, "%s/%s: no file of at most %d bytes",
		    web->config.dir, name, FILE_MAX_BYTES);
	} else {
		file->data = rtta_xcalloc(1, (size_t)st.st_size + 1);
		while ((got = read(fd, file->data + file->bytes,
		    (size_t)st.st_size - file->bytes)) > 0)
			file->bytes += (size_t)got;
		if (got < 0)
			rtta_err_sys(err, EX_NOINPUT, "%s/%s", web->config.dir, name);
	}
	if (fd >= 0)
		close(fd);
	snprintf(file->name, sizeof(file->name), "%s", name);
	snprintf(file->etag, sizeof(file->etag), "\"%016" PRIx64 "\"",
	    fnv1a(file->data == NULL ? "" : file->data, file->bytes));
	file->mime = mime_of(name);
	web->file_count++;
	return err->exit_code == 0 ? 0 : -1;
}

static int
load_files(struct rtta_web *web, struct rtta_err *err)
{
	DIR *dir = opendir(web->config.dir);
	struct dirent *entry;
	int rc = 0;

	if (dir == NULL)
		return rtta_err_sys(err, EX_NOINPUT, "the page's files: %s", web->config.dir);
	while (rc == 0 && (entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.' && mime_of(entry->d_name) != NULL &&
		    web->file_count < FILES_MAX &&
		    strlen(entry->d_name) < RTTA_HTTP_NAME_MAX_BYTES)
			rc = load_file(web, dirfd(dir), entry->d_name, err);
	closedir(dir);
	if (rc == 0 && find_file(web, "index.html") == NULL)
		rc = rtta_err_set(err, EX_NOINPUT, "the page's files: no index.html in %s",
		    web->config.dir);
	return rc;
}

/* --- life --- */

static int
listen_at(struct rtta_web *web, struct rtta_err *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
	    .ai_flags = AI_PASSIVE | AI_NUMERICSERV }, *found = NULL;
	struct sockaddr_storage address;
	socklen_t length = sizeof(address);
	char port[8];
	int rc, one = 1;

	snprintf(port, sizeof(port), "%u", web->config.port);
	rc = getaddrinfo(web->config.host, port, &hints, &found);
	if (rc != 0)
		return rtta_err_set(err, EX_UNAVAILABLE, "listen on %s: %s", web->config.host,
		    gai_strerror(rc));
	web->listen_fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (web->listen_fd < 0 ||
	    setsockopt(web->listen_fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    bind(web->listen_fd, found->ai_addr, found->ai_addrlen) < 0 ||
	    listen(web->listen_fd, SOMAXCONN) < 0 ||
	    getsockname(web->listen_fd, (struct sockaddr *)&address, &length) < 0)
		rtta_err_sys(err, EX_UNAVAILABLE, "listen on %s:%s", web->config.host, port);
	freeaddrinfo(found);
	if (err->exit_code != 0)
		return -1;
	if (getnameinfo((struct sockaddr *)&address, length, NULL, 0, port, sizeof(port),
	    NI_NUMERICSERV) != 0)
		return rtta_err_set(err, EX_UNAVAILABLE, "listen on %s: no port", web->config.host);
	web->port = (uint16_t)strtoul(port, NULL, 10);
	return 0;
}

/* libwebsockets sizes its tables by the limit of descriptors. */
static void
limit_descriptors(struct rtta_web *web)
{
	struct rlimit limit;

	web->conn_max = 256;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max > RTTA_WEB_CONNECTIONS_MAX + SPARE_FDS
	    ? RTTA_WEB_CONNECTIONS_MAX + SPARE_FDS : limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur > SPARE_FDS)
		web->conn_max = limit.rlim_cur - SPARE_FDS;
}

/* What strangers send wrong is no news: everything it says is debug. */
static void
on_lws_log(int level, const char *line)
{
	(void)level;
	rtta_log_debug("libwebsockets: %.*s", (int)strcspn(line, "\n"), line);
}

static int
open_context(struct rtta_web *web, struct rtta_err *err)
{
	static const struct lws_protocols protocols[] = {
		{ .name = "rtta", .callback = on_event, .rx_buffer_size = 4096,
		    .tx_packet_size = BATCH_BYTES },
		{ .name = "fd", .callback = on_fd },
		{ .name = "listen", .callback = on_listen },
		{ 0 }
	};
	static const lws_retry_bo_t idle = {
		.secs_since_valid_ping = 20, .secs_since_valid_hangup = 50
	};
	static const struct lws_protocol_vhost_options headers[] = {
		{ &headers[1], NULL, "content-security-policy:", csp },
		{ &headers[2], NULL, "x-content-type-options:", "nosniff" },
		{ &headers[3], NULL, "referrer-policy:", "no-referrer" },
		{ NULL, NULL, "cross-origin-resource-policy:", "same-origin" },
	};
	struct lws_context_creation_info info = {
		.port = CONTEXT_PORT_NO_LISTEN_SERVER,
		.protocols = protocols,
		.headers = headers,
		.user = web,
		.max_http_header_data = RTTA_HTTP_HEAD_MAX_BYTES,
		.keepalive_timeout = 20,
		.timeout_secs = 20,
		.timeout_secs_ah_idle = 10,
		.retry_and_idle_policy = &idle,
		.gid = (gid_t)-1,
		.uid = (uid_t)-1,
		.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_NO_LWS_SYSTEM_STATES,
	};

	lws_set_log_level(LLL_ERR | LLL_WARN, on_lws_log);
	web->context = lws_create_context(&info);
	if (web->context != NULL)
		web->vhost = lws_create_vhost(web->context, &info);
	if (web->vhost == NULL)
		return rtta_err_set(err, EX_OSERR, "libwebsockets: no context");
	return 0;
}

/* libwebsockets owns, and at the end closes, the copy. */
static int
adopt_fd(struct rtta_web *web, int fd, const char *protocol, struct rtta_err *err)
{
	lws_sock_file_fd_type copy = { .filefd = fcntl(fd, F_DUPFD_CLOEXEC, 0) };
	struct lws *wsi = NULL;

	if (copy.filefd >= 0)
		wsi = lws_adopt_descriptor_vhost(web->vhost, LWS_ADOPT_RAW_FILE_DESC, copy,
		    protocol, NULL);
	if (wsi == NULL)
		return rtta_err_set(err, EX_OSERR, "libwebsockets: cannot watch a descriptor");
	return 0;
}

int
rtta_web_add_fd(struct rtta_web *web, int fd, struct rtta_err *err)
{
	return adopt_fd(web, fd, "fd", err);
}

struct rtta_web *
rtta_web_open(const struct rtta_web_config *config, struct rtta_room *room,
    struct rtta_err *err)
{
	struct rtta_web *web = rtta_xcalloc(1, sizeof(*web));

	web->config = *config;
	web->room = room;
	web->listen_fd = -1;
	web->batch = rtta_xcalloc(1, LWS_PRE + BATCH_BYTES);
	limit_descriptors(web);
	if (load_files(web, err) == 0 && listen_at(web, err) == 0 &&
	    open_context(web, err) == 0 && adopt_fd(web, web->listen_fd, "listen", err) == 0)
		return web;
	rtta_web_close(web);
	return NULL;
}

void
rtta_web_close(struct rtta_web *web)
{
	if (web == NULL)
		return;
	if (web->context != NULL)
		lws_context_destroy(web->context);
	if (web->listen_fd >= 0)
		close(web->listen_fd);
	for (size_t i = 0; i < web->file_count; i++)
		free(web->files[i].data);
	free(web->batch);
	free(web);
}

uint16_t
rtta_web_port(const struct rtta_web *web)
{
	return web->port;
}

/* Being called is all that a timer is for: the wait ends. */
static void
on_timer(lws_sorted_usec_list_t *timer)
{
	(void)timer;
}

void
rtta_web_wait(struct rtta_web *web, int wait_ms)
{
	/* Its own wait has no end but its timers'; never 0, which would cancel. */
	lws_sul_schedule(web->context, 0, &web->timer, on_timer,
	    wait_ms < 1 ? 1 : (lws_usec_t)wait_ms * 1000);
	lws_service(web->context, 0);
	lws_sul_cancel(&web->timer);
}

/* A conn that waits looks again; a reader that takes nothing is dropped. */
static void
look_again(struct conn *conn, int64_t now_ms)
{
	if (conn->kind == CONN_TRANSCRIPT)
		serve_session(conn);
	else if (conn->kind == CONN_OUTCOME)
		serve_outcome(conn);
	else if (conn->reader != NULL && conn->wanted_ms != 0 &&
	    now_ms - conn->wanted_ms > RTTA_WEB_SLOW_MS) {
		conn->web->dropped++;
		conn->wanted_ms = 0;
		lws_set_timeout(conn->wsi, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_ASYNC);
	}
}

int
rtta_web_tick(struct rtta_web *web)
{
	int64_t now_ms = rtta_clock_mono_ms();
	bool stirred = rtta_hub_stirred(rtta_room_hub(web->room));
	bool waiting = false;

	for (struct conn *conn = web->conns; conn != NULL; conn = conn->next) {
		if (stirred && conn->reader != NULL && rtta_hub_pending(conn->reader))
			want_write(conn);
		look_again(conn, now_ms);
		if (conn->kind == CONN_TRANSCRIPT || conn->kind == CONN_OUTCOME)
			waiting = true;
	}
	/* What they wait for wakes the loop by itself; this is their deadline. */
	return waiting ? 200 : 1000;
}

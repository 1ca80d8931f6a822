#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "clock.h"
#include "conn.h"
#include "json.h"
#include "listener.h"
#include "mem.h"
#include "message.h"
#include "peers.h"
#include "room.h"

enum {
	HEAD_BYTES = 4096,     /* of a reply's headers */
	REFUSAL_REQUESTS = 10, /* what a refusal counts as */
	DRAIN_READS = 32
};

void
rtta_conn_reset(struct rtta_conn *conn)
{
	rtta_listener_free(conn->listener);
	free(conn->owned);
	free(conn->body);
	conn->listener = NULL;
	conn->owned = conn->body = NULL;
	conn->data = NULL;
	conn->kind = RTTA_CONN_IDLE;
	conn->bytes = conn->sent = conn->body_bytes = 0;
	conn->head_only = conn->close = conn->headers_sent = false;
	conn->wanted_ms = 0;
	conn->extra[0] = conn->etag[0] = '\0';
	conn->gzip = conn->varies = false;
	conn->cache = "no-store";
}

void
rtta_conn_want_write(struct rtta_conn *conn)
{
	if (conn->wanted_ms == 0)
		conn->wanted_ms = rtta_clock_mono_ms();
	lws_callback_on_writable(conn->wsi);
}

int
rtta_conn_reply(struct rtta_conn *conn, int status, const char *type, const char *data, size_t bytes)
{
	conn->kind = RTTA_CONN_REPLY;
	conn->status = status;
	conn->type = type;
	conn->data = data;
	conn->bytes = bytes;
	if (status >= 400)
		conn->site->refused++;
	lws_set_timeout(conn->wsi, PENDING_TIMEOUT_HTTP_CONTENT, RTTA_CONN_SLOW_MS / 1000);
	rtta_conn_want_write(conn);
	return 0;
}

int
rtta_conn_reply_owned(struct rtta_conn *conn, int status, const char *type, char *text, size_t bytes)
{
	free(conn->owned);
	conn->owned = text;
	return rtta_conn_reply(conn, status, type, text, bytes);
}

static int
reply_sentence(struct rtta_conn *conn, int status, const char *sentence)
{
	char *text = rtta_xasprintf("%s\n", sentence);

	return rtta_conn_reply_owned(conn, status, "text/plain; charset=utf-8", text, strlen(text));
}

int
rtta_conn_reply_json(struct rtta_conn *conn, int status, jv value)
{
	char *text = rtta_json_text(value, false);

	return rtta_conn_reply_owned(conn, status, "application/json", text, strlen(text));
}

static int
add_header(struct rtta_conn *conn, const char *name, const char *value, unsigned char **p,
    unsigned char *end)
{
	return lws_add_http_header_by_name(conn->wsi, (const unsigned char *)name,
	    (const unsigned char *)value, (int)strlen(value), p, end);
}

/* "set-cookie: x" and the like, one line. */
static int
add_extra(struct rtta_conn *conn, unsigned char **p, unsigned char *end)
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
write_headers(struct rtta_conn *conn, int64_t length)
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
	if ((conn->etag[0] != '\0' && add_header(conn, "etag:", conn->etag, &p, end)) ||
	    (conn->varies && add_header(conn, "vary:", "accept-encoding", &p, end)) ||
	    (conn->gzip && add_header(conn, "content-encoding:", "gzip", &p, end)))
		return -1;
	if (conn->close && add_header(conn, "connection:", "close", &p, end))
		return -1;
	if (length >= 0 && lws_add_http_header_content_length(conn->wsi,
	    (lws_filepos_t)length, &p, end))
		return -1;
	return lws_finalize_write_http_header(conn->wsi, head + LWS_PRE, &p, end);
}

/* Read what came, and forget it.  1: something came; 0: nothing; -1: the other
 * side has finished. */
static int
drain(struct rtta_conn *conn)
{
	char scrap[4096];
	ssize_t got;
	int came = 0;

	for (int i = 0; i < DRAIN_READS; i++) {
		got = recv(lws_get_socket_fd(conn->wsi), scrap, sizeof(scrap), MSG_DONTWAIT);
		if (got <= 0)
			return got == 0 ? -1 : came;
		came = 1;
	}
	return came;
}

/* The transaction is over: 0 to keep the connection, -1 to close it. */
static int
finish_reply(struct rtta_conn *conn)
{
	bool close = conn->close;

	rtta_conn_reset(conn);
	if (close) {
		/* What is not read would make the kernel take the answer back. */
		drain(conn);
		return -1;
	}
	return lws_http_transaction_completed(conn->wsi) ? -1 : 0;
}

int
rtta_conn_write_reply(struct rtta_conn *conn)
{
	size_t left = conn->bytes - conn->sent;
	bool last;

	if (!conn->headers_sent) {
		if (write_headers(conn, conn->status == 304 ? -1 : (int64_t)conn->bytes) != 0)
			return -1;
		if (conn->head_only || conn->status == 304 || left == 0)
			return finish_reply(conn);
	}
	last = left <= RTTA_CONN_CHUNK_BYTES;
	if (!last)
		left = RTTA_CONN_CHUNK_BYTES;
	/* HTTP/1 writes nothing before the pointer, so that it may be const. */
	if (lws_write(conn->wsi, (unsigned char *)(uintptr_t)(conn->data + conn->sent), left,
	    last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) < 0)
		return -1;
	conn->sent += left;
	if (last)
		return finish_reply(conn);
	lws_set_timeout(conn->wsi, PENDING_TIMEOUT_HTTP_CONTENT, RTTA_CONN_SLOW_MS / 1000);
	rtta_conn_want_write(conn);
	return 0;
}

/* --- readers --- */

/* An event of SSE; returns its length. */
static size_t
copy_event(unsigned char *to, const struct rtta_message *message)
{
	size_t used = rtta_http_sse_head((char *)to, message->seq);

	memcpy(to + used, message->frame + message->head_bytes, message->bytes);
	used += message->bytes;
	memcpy(to + used, "\n\n", 2);
	return used + 2;
}

static size_t
copy_frame(unsigned char *to, const struct rtta_message *message)
{
	memcpy(to, message->frame, message->head_bytes + message->bytes);
	return message->head_bytes + message->bytes;
}

static int
begin_events(struct rtta_conn *conn)
{
	if (write_headers(conn, -1) != 0)
		return -1;
	lws_http_mark_sse(conn->wsi);
	lws_set_timeout(conn->wsi, NO_PENDING_TIMEOUT, 0);
	rtta_conn_want_write(conn);
	return 0;
}

/*
 * Write as many messages as fit into one batch.  They are framed for
 * WebSocket already: one write for many, where lws_write() would make one
 * system call for each.
 */
int
rtta_conn_write_batch(struct rtta_conn *conn)
{
	unsigned char *batch = conn->site->batch + LWS_PRE;
	const struct rtta_message *message;
	size_t used = 0;

	if (conn->kind == RTTA_CONN_SSE && !conn->headers_sent)
		return begin_events(conn);
	while (used < RTTA_CONN_CHUNK_BYTES &&
	    (message = rtta_listener_next(conn->listener)) != NULL)
		used += conn->kind == RTTA_CONN_WS ? copy_frame(batch + used, message)
		    : copy_event(batch + used, message);
	if (used > 0 && lws_write(conn->wsi, batch, used, LWS_WRITE_HTTP) < 0)
		return -1;
	if (rtta_listener_pending(conn->listener))
		rtta_conn_want_write(conn);
	return 0;
}

void
rtta_conn_hush(struct rtta_conn *conn)
{
	int came;

	if (conn->kind == RTTA_CONN_IDLE || conn->kind == RTTA_CONN_BODY ||
	    conn->kind == RTTA_CONN_WS)
		return;
	came = drain(conn);
	if (came < 0 || (came > 0 && conn->kind == RTTA_CONN_SSE))
		lws_set_timeout(conn->wsi, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_ASYNC);
	else if (came > 0)
		conn->close = true;
}

void
rtta_conn_wait(struct rtta_conn *conn, enum rtta_conn_kind kind)
{
	conn->kind = kind;
	conn->deadline_ms = rtta_clock_mono_ms() + RTTA_CONN_ANSWER_MS;
	conn->site->waiting = true;
	lws_set_timeout(conn->wsi, PENDING_TIMEOUT_HTTP_CONTENT, 2 * RTTA_CONN_ANSWER_MS / 1000);
}

int
rtta_conn_join(struct rtta_conn *conn, enum rtta_conn_kind kind)
{
	struct rtta_http_request *request = &conn->request;

	conn->listener = rtta_listener_new(rtta_room_hub(conn->site->room), request->session,
	    request->after, request->follow);
	if (conn->listener == NULL)
		return -1;
	conn->kind = kind;
	rtta_conn_want_write(conn);
	return 0;
}

/* --- requests --- */

const char *
rtta_conn_header(struct rtta_conn *conn, enum lws_token_indexes token, char *text, size_t size)
{
	int length = lws_hdr_total_length(conn->wsi, token);

	if (length <= 0 || (size_t)length >= size ||
	    lws_hdr_copy(conn->wsi, text, (int)size, token) < 0)
		return NULL;
	return text;
}

static int
read_method(struct rtta_conn *conn, enum rtta_http_method *method)
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

/*
 * A request line that ends as it should, and one Host.  libwebsockets takes
 * %0a in an address for the end of the line, and what follows for headers: then
 * there is no version.
 */
static bool
is_whole(struct rtta_conn *conn)
{
	char version[16];

	if (rtta_conn_header(conn, WSI_TOKEN_HTTP, version, sizeof(version)) == NULL)
		return false;
	if (lws_hdr_fragment_length(conn->wsi, WSI_TOKEN_HOST, 1) > 0)
		return false;
	return strcmp(version, "HTTP/1.0") == 0 || (strcmp(version, "HTTP/1.1") == 0 &&
	    lws_hdr_total_length(conn->wsi, WSI_TOKEN_HOST) > 0);
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
read_arguments(struct rtta_conn *conn, const char **why)
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
read_last_event(struct rtta_conn *conn, const char **why)
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

int
rtta_conn_request(struct rtta_conn *conn, const char **why)
{
	char path[RTTA_HTTP_HEAD_MAX_BYTES];
	enum rtta_http_method method;
	int status;

	conn->site->requests++;
	if (!rtta_peer_spend(conn->peer, rtta_clock_mono_ms())) {
		*why = "too many requests from this address";
		return 429;
	}
	if (read_method(conn, &method) < 0) {
		memset(&conn->request, 0, sizeof(conn->request));
		*why = "only GET, HEAD and POST";
		return 405;
	}
	if (!is_whole(conn)) {
		memset(&conn->request, 0, sizeof(conn->request));
		*why = "this is no HTTP/1.1 with one Host";
		return 400;
	}
	conn->head_only = method == RTTA_HTTP_HEAD;
	status = rtta_http_route(&conn->request, method, path_of(conn->wsi, path), why);
	if (status == 0)
		status = read_arguments(conn, why);
	if (status == 0)
		status = read_last_event(conn, why);
	return status;
}

int
rtta_conn_check_body(struct rtta_conn *conn, bool wanted, const char **why)
{
	char text[32];
	const char *length = rtta_conn_header(conn, WSI_TOKEN_HTTP_CONTENT_LENGTH, text, sizeof(text));
	bool has_length = lws_hdr_total_length(conn->wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) > 0;

	if (lws_hdr_total_length(conn->wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0) {
		*why = "bodies come with a Content-Length here";
		return 411;
	}
	if (!wanted && has_length && (length == NULL || rtta_http_length(length) != 0)) {
		*why = "a GET has no body";
		return 400;
	}
	if (wanted && has_length && (length == NULL || rtta_http_length(length) < 0)) {
		*why = "the body may have 65536 bytes";
		return 413;
	}
	return 0;
}

int
rtta_conn_await_body(struct rtta_conn *conn)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
	unsigned char head[LWS_PRE + sizeof(go_on)];
	char text[32];

	conn->kind = RTTA_CONN_BODY;
	if (lws_hdr_total_length(conn->wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) <= 0) {
		conn->close = true;
		return 1;
	}
	if (rtta_conn_header(conn, WSI_TOKEN_HTTP_EXPECT, text, sizeof(text)) == NULL ||
	    strcasecmp(text, "100-continue") != 0)
		return 0;
	memcpy(head + LWS_PRE, go_on, sizeof(go_on));
	return lws_write(conn->wsi, head + LWS_PRE, sizeof(go_on) - 1,
	    LWS_WRITE_HTTP_HEADERS) < 0 ? -1 : 0;
}

int
rtta_conn_refuse(struct rtta_conn *conn, int status, const char *why)
{
	conn->close = true;
	if (status == 429)
		strcpy(conn->extra, "retry-after: 1");
	else  /* guessing is dear */
		rtta_peer_fine(conn->peer, REFUSAL_REQUESTS, rtta_clock_mono_ms());
	if (status == 401)
		strcpy(conn->extra, "www-authenticate: Bearer");
	return reply_sentence(conn, status, why);
}


#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "answer.h"
#include "clock.h"
#include "conn.h"
#include "err.h"
#include "files.h"
#include "gzip.h"
#include "hub.h"
#include "json.h"
#include "log.h"
#include "mem.h"
#include "press.h"
#include "qr.h"
#include "room.h"
#include "shelf.h"

enum { GZIP_MIN_BYTES = 1024 };

/* --- what a request may --- */

static const char *
bearer(struct rtta_conn *conn, char *text, size_t size)
{
	const char *value = rtta_conn_header(conn, WSI_TOKEN_HTTP_AUTHORIZATION, text, size);

	return value == NULL ? NULL : rtta_http_bearer(value);
}

static bool
may_read(struct rtta_conn *conn)
{
	const struct rtta_site *site = conn->site;
	char text[1024], cookie[RTTA_HTTP_TOKEN_MAX_BYTES];
	const char *token;

	if (site->reader_token[0] == '\0' ||
	    rtta_http_token_equal(conn->request.token, site->reader_token))
		return true;
	token = bearer(conn, text, sizeof(text));
	if (token != NULL && (rtta_http_token_equal(token, site->reader_token) ||
	    rtta_http_token_equal(token, site->operator_token)))
		return true;
	token = rtta_conn_header(conn, WSI_TOKEN_HTTP_COOKIE, text, sizeof(text));
	return token != NULL && rtta_http_cookie(token, "rtta_token", cookie) == 0 &&
	    rtta_http_token_equal(cookie, site->reader_token);
}

static bool
may_operate(struct rtta_conn *conn)
{
	const struct rtta_site *site = conn->site;
	char text[1024];
	const char *token = bearer(conn, text, sizeof(text));

	if (token != NULL && rtta_http_token_equal(token, site->operator_token))
		return true;
	token = rtta_conn_header(conn, WSI_TOKEN_HOST, text, sizeof(text));
	return site->open_operator && token != NULL && rtta_http_host_loopback(token);
}

static bool
same_origin(struct rtta_conn *conn)
{
	char origin[512], host[512];

	if (lws_hdr_total_length(conn->wsi, WSI_TOKEN_ORIGIN) <= 0)
		return true;
	if (rtta_conn_header(conn, WSI_TOKEN_ORIGIN, origin, sizeof(origin)) == NULL)
		return false;
	return rtta_http_origin_ok(origin, rtta_conn_header(conn, WSI_TOKEN_HOST, host, sizeof(host)));
}

/* --- pages, streams, files --- */

static bool
accepts_gzip(struct rtta_conn *conn)
{
	char text[256];

	return rtta_http_accepts_gzip(rtta_conn_header(conn, WSI_TOKEN_HTTP_ACCEPT_ENCODING, text,
	    sizeof(text)));
}

/* Has whoever asks the version that conn->etag names? */
static bool
is_known(struct rtta_conn *conn)
{
	char text[512];

	return rtta_http_has(rtta_conn_header(conn, WSI_TOKEN_HTTP_IF_NONE_MATCH, text,
	    sizeof(text)), conn->etag);
}

static int
serve_file(struct rtta_conn *conn, const char *name)
{
	const struct rtta_file *file = rtta_files_find(conn->site->files, name);

	if (file == NULL)
		return rtta_conn_refuse(conn, 404, "no such page");
	conn->cache = "no-cache";
	conn->varies = true;
	strcpy(conn->etag, file->etag);
	if (is_known(conn))
		return rtta_conn_reply(conn, 304, file->mime, NULL, 0);
	conn->gzip = file->gzip != NULL && accepts_gzip(conn);
	return conn->gzip ? rtta_conn_reply(conn, 200, file->mime, file->gzip, file->gzip_bytes)
	    : rtta_conn_reply(conn, 200, file->mime, file->data, file->bytes);
}

/* Takes text: a history, which grows, and which the other side may have. */
static int
serve_history(struct rtta_conn *conn, const char *mime, char *text, size_t bytes)
{
	char *packed;

	conn->cache = "private, no-cache";
	conn->varies = true;
	rtta_http_etag(conn->etag, text, bytes);
	if (is_known(conn)) {
		free(text);
		return rtta_conn_reply(conn, 304, mime, NULL, 0);
	}
	if (bytes < GZIP_MIN_BYTES || !accepts_gzip(conn))
		return rtta_conn_reply_owned(conn, 200, mime, text, bytes);
	packed = rtta_gzip(text, &bytes, RTTA_GZIP_FAST);
	free(text);
	conn->gzip = true;
	return rtta_conn_reply_owned(conn, 200, mime, packed, bytes);
}

static int
serve_sessions(struct rtta_conn *conn)
{
	char *text = rtta_json_text(rtta_room_sessions(conn->site->room), false);

	return serve_history(conn, "application/json", text, strlen(text));
}

/* The page; a token in its address becomes a cookie. */
static int
serve_page(struct rtta_conn *conn)
{
	const struct rtta_site *site = conn->site;

	if (site->reader_token[0] != '\0' && conn->request.token[0] != '\0')
		snprintf(conn->extra, sizeof(conn->extra),
		    "set-cookie: rtta_token=%s; Path=/; HttpOnly; SameSite=Strict%s",
		    site->reader_token, site->is_tls ? "; Secure" : "");
	return serve_file(conn, "index.html");
}

/* Made if need be; NULL: no memory. */
static struct rtta_shelf_file *
find_transcript(struct rtta_shelf *shelf, const struct rtta_shelf_key *key,
    const struct rtta_transcript *transcript)
{
	struct rtta_shelf_file *file = rtta_shelf_find(shelf, key);
	struct rtta_err err = {0};
	char *text = NULL;
	size_t bytes;
	FILE *out;

	if (file != NULL || (out = open_memstream(&text, &bytes)) == NULL)
		return file;
	if (rtta_format_write(out, transcript, key->format, key->times, &err) < 0)
		rtta_log_warn("%s", err.text);
	fclose(out);
	return rtta_shelf_put(shelf, key, text, bytes);
}

static int
serve_transcript(struct rtta_conn *conn, const struct rtta_transcript *transcript,
    uint64_t version)
{
	const struct rtta_shelf_key key = { version, conn->request.format, conn->request.times };
	struct rtta_shelf_file *file = find_transcript(conn->site->shelf, &key, transcript);
	const char *mime = rtta_format_mime(key.format);

	if (file == NULL)
		return rtta_conn_refuse(conn, 500, "no memory for it");
	conn->cache = "private, no-cache";
	conn->varies = true;
	strcpy(conn->etag, file->etag);
	if (is_known(conn))
		return rtta_conn_reply(conn, 304, mime, NULL, 0);
	conn->gzip = file->bytes >= GZIP_MIN_BYTES && accepts_gzip(conn);
	if (!conn->gzip)
		return rtta_conn_reply_owned(conn, 200, mime,
		    rtta_xmemdup(file->text, file->bytes), file->bytes);
	rtta_shelf_gzip(file);
	return rtta_conn_reply_owned(conn, 200, mime,
	    rtta_xmemdup(file->gzip, file->gzip_bytes), file->gzip_bytes);
}

/* Answer a transcript or coverage if the session is there by now. */
static int
serve_session(struct rtta_conn *conn)
{
	struct rtta_http_request *request = &conn->request;
	struct rtta_hub *hub = rtta_room_hub(conn->site->room);
	const struct rtta_transcript *transcript;
	uint64_t version;

	switch (rtta_hub_transcript(hub, request->session, &transcript, &version)) {
	case RTTA_HUB_LOADING:
		if (rtta_clock_mono_ms() >= conn->deadline_ms)
			return rtta_conn_refuse(conn, 503, "the bus does not answer");
		return 0;
	case RTTA_HUB_FULL:
		return rtta_conn_refuse(conn, 503, "too many sessions are being read");
	case RTTA_HUB_UNKNOWN:
		return rtta_conn_refuse(conn, 404, "no such session");
	case RTTA_HUB_READY:
		break;
	}
	if (request->route == RTTA_HTTP_COVERAGE)
		return rtta_conn_reply_json(conn, 200, rtta_hub_ledger(hub, request->session));
	return serve_transcript(conn, transcript, version);
}

static int
serve_health(struct rtta_conn *conn)
{
	bool healthy;
	jv health = rtta_room_health(conn->site->room, &healthy);

	return rtta_conn_reply_json(conn, healthy ? 200 : 503, health);
}

static int
serve_metrics(struct rtta_conn *conn)
{
	const struct rtta_site *site = conn->site;
	struct rtta_hub_counts counts;
	bool healthy;
	char *text;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	if (out == NULL)
		return rtta_conn_refuse(conn, 500, "no memory for it");
	rtta_hub_counts(rtta_room_hub(site->room), &counts);
	jv_free(rtta_room_health(site->room, &healthy));
	fprintf(out,
	    "# HELP rtta_healthy What /healthz says.\n# TYPE rtta_healthy gauge\n"
	    "rtta_healthy %d\n"
	    "# HELP rtta_readers Readers that are connected.\n# TYPE rtta_readers gauge\n"
	    "rtta_readers %zu\n"
	    "# HELP rtta_sessions_watched Sessions in memory.\n"
	    "# TYPE rtta_sessions_watched gauge\nrtta_sessions_watched %zu\n"
	    "# HELP rtta_records Records in memory.\n# TYPE rtta_records gauge\n"
	    "rtta_records %zu\n"
	    "# HELP rtta_records_bytes Memory that they take, about.\n"
	    "# TYPE rtta_records_bytes gauge\nrtta_records_bytes %zu\n"
	    "# HELP rtta_interim_total Interim texts passed on.\n"
	    "# TYPE rtta_interim_total counter\nrtta_interim_total %" PRIu64 "\n"
	    "# HELP rtta_requests_total Requests.\n# TYPE rtta_requests_total counter\n"
	    "rtta_requests_total %" PRIu64 "\n"
	    "# HELP rtta_refused_total Requests refused.\n# TYPE rtta_refused_total counter\n"
	    "rtta_refused_total %" PRIu64 "\n"
	    "# HELP rtta_readers_dropped_total Readers that were too slow.\n"
	    "# TYPE rtta_readers_dropped_total counter\nrtta_readers_dropped_total %" PRIu64 "\n",
	    healthy, counts.readers, counts.watched, counts.records, counts.bytes, counts.interim,
	    site->requests, site->refused, site->dropped);
	rtta_hub_metrics(rtta_room_hub(site->room), out);
	fclose(out);
	return rtta_conn_reply_owned(conn, 200, "text/plain; version=0.0.4; charset=utf-8", text,
	    bytes);
}

/* The address by which this very page was reached: the name in the browser,
 * which the machine itself need not know; with the token that it takes. */
static int
serve_qr(struct rtta_conn *conn)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-:[]";
	const char *token = conn->site->reader_token, *host;
	struct rtta_err err = {0};
	char text[256], *address, *svg;

	host = rtta_conn_header(conn, WSI_TOKEN_HOST, text, sizeof(text));
	if (host == NULL || host[strspn(host, letters)] != '\0')
		return rtta_conn_refuse(conn, 400, "no such host");
	address = rtta_xasprintf("%s://%s/%s%s", conn->site->is_tls || conn->request.tls ? "https" : "http", host,
	    token[0] == '\0' ? "" : "?token=", token);
	svg = rtta_qr_svg(address, &err);
	free(address);
	if (svg == NULL)
		return rtta_conn_refuse(conn, 500, err.text);
	return rtta_conn_reply_owned(conn, 200, "image/svg+xml", svg, strlen(svg));
}

static int
serve_events(struct rtta_conn *conn)
{
	conn->status = 200;
	conn->type = "text/event-stream";
	conn->close = true;
	if (rtta_conn_join(conn, RTTA_CONN_SSE) < 0)
		return rtta_conn_refuse(conn, 503, "too many sessions are being read");
	return 0;
}

static int
serve_get(struct rtta_conn *conn)
{
	switch (conn->request.route) {
	case RTTA_HTTP_PAGE:
		return serve_page(conn);
	case RTTA_HTTP_FILE:
		return serve_file(conn, conn->request.file);
	case RTTA_HTTP_EVENTS:
		return serve_events(conn);
	case RTTA_HTTP_SESSIONS:
		return serve_sessions(conn);
	case RTTA_HTTP_TRANSCRIPT:
	case RTTA_HTTP_COVERAGE:
		rtta_conn_wait(conn, RTTA_CONN_TRANSCRIPT);
		return serve_session(conn);
	case RTTA_HTTP_QR:
		return serve_qr(conn);
	case RTTA_HTTP_LEVEL:
		return rtta_conn_reply_json(conn, 200, rtta_room_level(conn->site->room));
	case RTTA_HTTP_HEALTHZ:
		return serve_health(conn);
	case RTTA_HTTP_METRICS:
		return serve_metrics(conn);
	case RTTA_HTTP_WS:
		return rtta_conn_refuse(conn, 426, "this is a WebSocket");
	case RTTA_HTTP_START:
	case RTTA_HTTP_STOP:
	case RTTA_HTTP_OFF_RECORD:
	case RTTA_HTTP_ON_RECORD:
		break;
	}
	return rtta_conn_refuse(conn, 405, "this is a POST");
}

/* Files of the page say nothing of the room; /healthz no word of text. */
static bool
is_public(enum rtta_http_route route)
{
	return route == RTTA_HTTP_FILE || route == RTTA_HTTP_HEALTHZ;
}

static bool
is_button(enum rtta_http_route route)
{
	return route == RTTA_HTTP_START || route == RTTA_HTTP_STOP ||
	    route == RTTA_HTTP_OFF_RECORD || route == RTTA_HTTP_ON_RECORD;
}

static int
serve_post(struct rtta_conn *conn)
{
	const struct rtta_site *site = conn->site;
	int rc;

	if (!same_origin(conn))
		return rtta_conn_refuse(conn, 403, "another page may not press this button");
	if (!may_operate(conn))
		return site->operator_token[0] == '\0'
		    ? rtta_conn_refuse(conn, 403, "start and stop need an operator's token, and none is "
		    "configured (--operator-token-file)")
		    : rtta_conn_refuse(conn, 401, "start and stop need the operator's token");
	rc = rtta_conn_await_body(conn);
	return rc > 0 ? rtta_press_end(conn) : rc;
}

int
rtta_answer_request(struct rtta_conn *conn)
{
	const char *why = NULL;
	int status;
	bool post;

	rtta_conn_reset(conn);
	status = rtta_conn_request(conn, &why);
	post = status == 0 && is_button(conn->request.route);
	if (status == 0)
		status = rtta_conn_check_body(conn, post, &why);
	if (status != 0)
		return rtta_conn_refuse(conn, status, why);
	if (post)
		return serve_post(conn);
	if (!is_public(conn->request.route) && !may_read(conn))
		return rtta_conn_refuse(conn, 401,
		    "this page needs a token: add ?token=... to its address");
	return serve_get(conn);
}

static int
refuse_upgrade(int status, const char **why, const char *sentence)
{
	*why = sentence;
	return status;
}

int
rtta_answer_upgrade(struct rtta_conn *conn, const char *protocol, const char **why)
{
	int status;

	rtta_conn_reset(conn);
	status = rtta_conn_request(conn, why);
	if (status == 0)
		status = rtta_conn_check_body(conn, false, why);
	if (status != 0)
		return status;
	if (conn->request.route != RTTA_HTTP_WS || conn->head_only ||
	    strcasecmp(protocol, "websocket") != 0)
		return refuse_upgrade(400, why, "only /ws becomes a WebSocket");
	if (!same_origin(conn))
		return refuse_upgrade(403, why, "another page may not read this");
	if (!may_read(conn))
		return refuse_upgrade(401, why, "this needs a token");
	if (rtta_conn_join(conn, RTTA_CONN_WS) < 0)
		return refuse_upgrade(503, why, "too many sessions are being read");
	return 0;
}

void
rtta_answer_waiting(struct rtta_conn *conn)
{
	if (conn->kind == RTTA_CONN_TRANSCRIPT)
		serve_session(conn);
	else if (conn->kind == RTTA_CONN_OUTCOME)
		rtta_press_outcome(conn);
	if (conn->kind == RTTA_CONN_TRANSCRIPT || conn->kind == RTTA_CONN_OUTCOME)
		conn->site->waiting = true;
}

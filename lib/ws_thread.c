/*
 * The thread of a connection: everything that libwebsockets calls.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mem.h"
#include "ws_parts.h"

enum {
	GOODBYE_US = 2000000,
	ABNORMAL = 1006,             /* RFC 6455, 7.1.5: no close frame came */
	TOO_BIG = 1009
};

static void
wake_main(struct rtta_ws *ws)
{
	uint64_t one = 1;

	if (write(ws->fd, &one, sizeof(one)) < 0)
		return;  /* it is awake already */
}

/* Takes data. */
static void
report(struct rtta_ws *ws, enum rtta_ws_kind kind, int code, long retry_after_s, char *data,
    size_t bytes)
{
	struct rtta_ws_incoming *incoming = rtta_xcalloc(1, sizeof(*incoming));
	bool full;

	incoming->event = (struct rtta_ws_event){
		.kind = kind, .code = code, .retry_after_s = retry_after_s,
		.data = data, .bytes = bytes,
	};
	pthread_mutex_lock(&ws->lock);
	*ws->in_end = incoming;
	ws->in_end = &incoming->next;
	ws->in_bytes += bytes;
	full = ws->full = ws->in_bytes >= RTTA_WS_IN_MAX_BYTES;
	pthread_mutex_unlock(&ws->lock);
	if (full && ws->wsi != NULL)
		lws_rx_flow_control(ws->wsi, 0);
	wake_main(ws);
}

static void
set_why(struct rtta_ws *ws, const char *text, size_t bytes)
{
	if (bytes >= sizeof(ws->why))
		bytes = sizeof(ws->why) - 1;
	memcpy(ws->why, text, bytes);
	ws->why[bytes] = '\0';
}

static int
add_headers(struct rtta_ws *ws, struct lws *wsi, unsigned char **at, unsigned char *end)
{
	char name[80];

	for (size_t i = 0; ws->headers[i] != NULL && ws->headers[i + 1] != NULL; i += 2) {
		const char *value = ws->headers[i + 1];

		snprintf(name, sizeof(name), "%.70s:", ws->headers[i]);
		if (lws_add_http_header_by_name(wsi, (const unsigned char *)name,
		    (const unsigned char *)value, (int)strlen(value), at, end) != 0)
			return -1;
	}
	return 0;
}

/* The connection did not come about, or was refused. */
static void
refused(struct rtta_ws *ws, struct lws *wsi, const char *reason, size_t bytes)
{
	char text[200] = "", after[16] = "";
	int status = wsi != NULL ? (int)lws_http_client_http_response(wsi) : 0;
	long retry_after_s = -1;

	if (status == 101 || status < 100)
		status = 0;
	if (status != 0 && ws->error_header != NULL)
		lws_hdr_custom_copy(wsi, text, sizeof(text), ws->error_header,
		    (int)strlen(ws->error_header));
	if (status != 0 && lws_hdr_copy(wsi, after, sizeof(after), WSI_TOKEN_HTTP_RETRY_AFTER) > 0)
		retry_after_s = strtol(after, NULL, 10);
	if (text[0] != '\0')
		set_why(ws, text, strlen(text));
	else
		set_why(ws, reason, bytes);
	ws->over = true;
	report(ws, RTTA_WS_REFUSED, status, retry_after_s, rtta_xstrdup(ws->why), strlen(ws->why));
}

static int
take_part(struct rtta_ws *ws, struct lws *wsi, const char *data, size_t bytes)
{
	if (lws_is_first_fragment(wsi)) {
		ws->part_bytes = 0;
		ws->part_binary = lws_frame_is_binary(wsi);
	}
	if (ws->part_bytes + bytes > RTTA_WS_MESSAGE_MAX_BYTES) {
		ws->code = TOO_BIG;
		set_why(ws, "message too large", strlen("message too large"));
		lws_close_reason(wsi, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE, NULL, 0);
		return -1;
	}
	ws->part = rtta_xreallocarray(ws->part, ws->part_bytes + bytes + 1, 1);
	memcpy(ws->part + ws->part_bytes, data, bytes);
	ws->part_bytes += bytes;
	if (!lws_is_final_fragment(wsi))
		return 0;
	ws->part[ws->part_bytes] = '\0';
	report(ws, ws->part_binary ? RTTA_WS_BINARY : RTTA_WS_TEXT, 0, -1, ws->part, ws->part_bytes);
	ws->part = NULL;
	ws->part_bytes = 0;
	return 0;
}

static int
send_next(struct rtta_ws *ws, struct lws *wsi)
{
	struct rtta_ws_message *message;
	bool more, drained;
	int n;

	pthread_mutex_lock(&ws->lock);
	message = ws->out;
	if (message != NULL) {
		ws->out = message->next;
		if (ws->out == NULL)
			ws->out_end = &ws->out;
	}
	more = ws->out != NULL;
	pthread_mutex_unlock(&ws->lock);
	if (message == NULL && ws->saying_goodbye) {
		lws_close_reason(wsi, LWS_CLOSE_STATUS_NORMAL, NULL, 0);
		return -1;
	}
	if (message == NULL)
		return 0;
	n = lws_write(wsi, message->data + LWS_PRE, message->bytes,
	    message->binary ? LWS_WRITE_BINARY : LWS_WRITE_TEXT);
	pthread_mutex_lock(&ws->lock);
	ws->out_bytes -= message->bytes;
	drained = ws->out_bytes == 0;
	pthread_mutex_unlock(&ws->lock);
	if (drained)
		wake_main(ws);
	free(message);
	if (n < 0)
		return -1;
	if (more || ws->saying_goodbye)
		lws_callback_on_writable(wsi);
	return 0;
}

static void
closed(struct rtta_ws *ws)
{
	ws->wsi = NULL;
	ws->over = true;
	report(ws, RTTA_WS_CLOSED, ws->code != 0 ? ws->code : ABNORMAL, -1,
	    rtta_xstrdup(ws->why), strlen(ws->why));
}

static void
give_up(lws_sorted_usec_list_t *timer)
{
	lws_container_of(timer, struct rtta_ws, timer)->over = true;
}

/* Main wants something: that is sent, read again, or left. */
static void
look(struct rtta_ws *ws)
{
	bool leaving, full, something;

	pthread_mutex_lock(&ws->lock);
	leaving = ws->leaving;
	full = ws->full;
	something = ws->out != NULL;
	pthread_mutex_unlock(&ws->lock);
	if (leaving && !ws->opened)
		ws->over = true;
	if (leaving && ws->opened && !ws->saying_goodbye) {
		ws->saying_goodbye = something = true;
		lws_sul_schedule(ws->context, 0, &ws->timer, give_up, GOODBYE_US);
	}
	if (ws->wsi == NULL)
		return;
	if (!full)
		lws_rx_flow_control(ws->wsi, 1);
	if (something && ws->opened)
		lws_callback_on_writable(ws->wsi);
}

static int
on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t bytes)
{
	struct rtta_ws *ws = lws_context_user(lws_get_context(wsi));
	const unsigned char *close_body = in;

	(void)user;
	switch (reason) {
	case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
		return add_headers(ws, wsi, in, *(unsigned char **)in + bytes);
	case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
		refused(ws, wsi, in != NULL ? in : "no connection",
		    in != NULL ? bytes : strlen("no connection"));
		ws->wsi = NULL;
		return 0;
	case LWS_CALLBACK_CLIENT_ESTABLISHED:
		ws->opened = true;
		report(ws, RTTA_WS_OPEN, 0, -1, NULL, 0);
		look(ws);
		return 0;
	case LWS_CALLBACK_CLIENT_RECEIVE:
		return take_part(ws, wsi, in, bytes);
	case LWS_CALLBACK_CLIENT_WRITEABLE:
		return send_next(ws, wsi);
	case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
		ws->code = bytes >= 2 ? close_body[0] << 8 | close_body[1] : 1005;
		if (bytes > 2)
			set_why(ws, (const char *)close_body + 2, bytes - 2);
		return 0;
	case LWS_CALLBACK_CLIENT_CLOSED:
		closed(ws);
		return 0;
	case LWS_CALLBACK_EVENT_WAIT_CANCELLED:
		look(ws);
		return 0;
	default:
		return 0;
	}
}

static const struct lws_protocols protocols[] = {
	{ .name = "rtta", .callback = on_event, .rx_buffer_size = 65536 },
	{ .name = NULL },
};

static struct lws_context *
make_context(struct rtta_ws *ws)
{
	struct lws_context_creation_info info = {
		.port = CONTEXT_PORT_NO_LISTEN,
		.protocols = protocols,
		.gid = (gid_t)-1,
		.uid = (uid_t)-1,
		.user = ws,
		.options = ws->tls ? LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT : 0,
		.connect_timeout_secs = (unsigned)ws->connect_s,
		.timeout_secs = (unsigned)ws->connect_s,
		.fd_limit_per_thread = 8,
		.retry_and_idle_policy = &ws->idle,
	};

	ws->idle.secs_since_valid_ping = (uint16_t)ws->ping_s;
	ws->idle.secs_since_valid_hangup = (uint16_t)(2 * ws->ping_s);
	return lws_create_context(&info);
}

static void
begin(struct rtta_ws *ws, struct lws_context *context)
{
	struct lws_client_connect_info info = {
		.context = context,
		.address = ws->host,
		.port = ws->port,
		.ssl_connection = (ws->tls ? LCCSCF_USE_SSL : 0) | LCCSCF_HTTP_NO_FOLLOW_REDIRECT,
		.path = ws->path,
		.host = ws->authority,
		.protocol = ws->protocol,
		.local_protocol_name = "rtta",
		.alpn = "http/1.1",
		.retry_and_idle_policy = &ws->idle,
		.pwsi = &ws->wsi,
	};

	/* A failure has been reported by the callback, or nothing was. */
	if (lws_client_connect_via_info(&info) == NULL && !ws->over)
		refused(ws, NULL, "no connection", strlen("no connection"));
}

void *
rtta_ws_serve(void *arg)
{
	struct rtta_ws *ws = arg;
	struct lws_context *context = make_context(ws);

	pthread_mutex_lock(&ws->lock);
	ws->context = context;
	pthread_mutex_unlock(&ws->lock);
	if (context == NULL) {
		refused(ws, NULL, "no context", strlen("no context"));
	} else {
		begin(ws, context);
		look(ws);
		while (!ws->over && lws_service(context, 0) >= 0)
			;
	}
	pthread_mutex_lock(&ws->lock);
	ws->context = NULL;
	pthread_mutex_unlock(&ws->lock);
	ws->wsi = NULL;
	if (context != NULL)
		lws_context_destroy(context);
	rtta_ws_let_go(ws);
	return NULL;
}

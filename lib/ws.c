#include <libwebsockets.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "err.h"
#include "mem.h"
#include "ws.h"

enum {
	GOODBYE_US = 2000000,
	ABNORMAL = 1006,             /* RFC 6455, 7.1.5: no close frame came */
	TOO_BIG = 1009
};

struct message {
	struct message *next;
	bool binary;
	size_t bytes;
	uint8_t data[];              /* LWS_PRE bytes, then the message */
};

struct incoming {
	struct incoming *next;
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
	struct message *out, **out_end;
	size_t out_bytes;
	struct incoming *in, **in_end;
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

/* --- both sides --- */

static void
free_headers(char **headers)
{
	for (size_t i = 0; headers != NULL && headers[i] != NULL; i++)
		free(headers[i]);
	free(headers);
}

static void
let_go(struct rtta_ws *ws)
{
	int left;

	pthread_mutex_lock(&ws->lock);
	left = --ws->owners;
	pthread_mutex_unlock(&ws->lock);
	if (left > 0)
		return;
	while (ws->out != NULL) {
		struct message *next = ws->out->next;

		free(ws->out);
		ws->out = next;
	}
	while (ws->in != NULL) {
		struct incoming *next = ws->in->next;

		free(ws->in->event.data);
		free(ws->in);
		ws->in = next;
	}
	free_headers(ws->headers);
	free(ws->url);
	free(ws->host);
	free(ws->authority);
	free(ws->path);
	free(ws->protocol);
	free(ws->error_header);
	free(ws->part);
	close(ws->fd);
	pthread_mutex_destroy(&ws->lock);
	free(ws);
}

static void
wake_main(struct rtta_ws *ws)
{
	uint64_t one = 1;

	if (write(ws->fd, &one, sizeof(one)) < 0)
		return;  /* it is awake already */
}

/* --- the thread --- */

/* Takes data. */
static void
report(struct rtta_ws *ws, enum rtta_ws_kind kind, int code, long retry_after_s, char *data,
    size_t bytes)
{
	struct incoming *incoming = rtta_xcalloc(1, sizeof(*incoming));
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
	struct message *message;
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

static void *
serve(void *arg)
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
	let_go(ws);
	return NULL;
}

/* --- main --- */

static int
split_url(struct rtta_ws *ws, struct rtta_err *err)
{
	const char *scheme, *host, *path;
	char *copy = rtta_xstrdup(ws->url);
	int rc = -1;

	if (lws_parse_uri(copy, &scheme, &host, &ws->port, &path) != 0 || host[0] == '\0' ||
	    (strcmp(scheme, "ws") != 0 && strcmp(scheme, "wss") != 0)) {
		rtta_err_set(err, EX_CONFIG, "%.100s: not an address ws:// or wss://", ws->url);
	} else {
		ws->tls = strcmp(scheme, "wss") == 0;
		if (ws->port == 0)
			ws->port = ws->tls ? 443 : 80;
		ws->host = rtta_xstrdup(host);
		/* RFC 9110, 7.2: with the port, unless it is the scheme's own. */
		ws->authority = ws->port == (ws->tls ? 443 : 80) ? rtta_xstrdup(host) :
		    rtta_xasprintf("%s:%d", host, ws->port);
		ws->path = rtta_xasprintf("/%s", path);
		rc = 0;
	}
	free(copy);
	return rc;
}

static char **
copy_headers(char *const *headers)
{
	size_t count = 0;
	char **copy;

	while (headers != NULL && headers[count] != NULL)
		count++;
	copy = rtta_xcalloc(count + 1, sizeof(*copy));
	for (size_t i = 0; i < count; i++)
		copy[i] = rtta_xstrdup(headers[i]);
	return copy;
}

static int
start_thread(struct rtta_ws *ws, struct rtta_err *err)
{
	pthread_attr_t attr;
	pthread_t thread;
	int error;

	ws->owners++;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	error = pthread_create(&thread, &attr, serve, ws);
	pthread_attr_destroy(&attr);
	if (error == 0)
		return 0;
	ws->owners--;
	return rtta_err_set(err, EX_OSERR, "no thread for a connection: %s", strerror(error));
}

struct rtta_ws *
rtta_ws_open(const struct rtta_ws_config *config, struct rtta_err *err)
{
	struct rtta_ws *ws = rtta_xcalloc(1, sizeof(*ws));

	/* Its lines would name addresses with secrets; what matters is reported. */
	lws_set_log_level(0, NULL);
	pthread_mutex_init(&ws->lock, NULL);
	ws->owners = 1;
	ws->out_end = &ws->out;
	ws->in_end = &ws->in;
	ws->url = rtta_xstrdup(config->url);
	ws->headers = copy_headers(config->headers);
	ws->connect_s = config->connect_s;
	ws->ping_s = config->ping_s;
	if (config->protocol != NULL)
		ws->protocol = rtta_xstrdup(config->protocol);
	if (config->error_header != NULL)
		ws->error_header = rtta_xasprintf("%s:", config->error_header);
	ws->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (ws->fd < 0)
		rtta_err_sys(err, EX_OSERR, "eventfd");
	else if (split_url(ws, err) == 0 && start_thread(ws, err) == 0)
		return ws;
	let_go(ws);
	return NULL;
}

/* With the lock held. */
static void
wake_thread(struct rtta_ws *ws)
{
	if (ws->context != NULL)
		lws_cancel_service(ws->context);
}

void
rtta_ws_close(struct rtta_ws *ws)
{
	if (ws == NULL)
		return;
	pthread_mutex_lock(&ws->lock);
	ws->leaving = true;
	wake_thread(ws);
	pthread_mutex_unlock(&ws->lock);
	let_go(ws);
}

int
rtta_ws_fd(const struct rtta_ws *ws)
{
	return ws->fd;
}

int
rtta_ws_next(struct rtta_ws *ws, struct rtta_ws_event *event)
{
	struct incoming *incoming;
	uint64_t count;

	if (read(ws->fd, &count, sizeof(count)) < 0)
		count = 0;  /* nobody woke us: look all the same */
	pthread_mutex_lock(&ws->lock);
	incoming = ws->in;
	if (incoming != NULL) {
		ws->in = incoming->next;
		if (ws->in == NULL)
			ws->in_end = &ws->in;
		ws->in_bytes -= incoming->event.bytes;
		if (ws->full && ws->in_bytes < RTTA_WS_IN_MAX_BYTES / 2) {
			ws->full = false;
			wake_thread(ws);
		}
	}
	pthread_mutex_unlock(&ws->lock);
	if (incoming == NULL)
		return 0;
	*event = incoming->event;
	free(incoming);
	return 1;
}

static void
queue(struct rtta_ws *ws, bool binary, const void *data, size_t bytes)
{
	struct message *message = rtta_xcalloc(1, sizeof(*message) + LWS_PRE + bytes);

	message->binary = binary;
	message->bytes = bytes;
	if (bytes > 0)
		memcpy(message->data + LWS_PRE, data, bytes);
	pthread_mutex_lock(&ws->lock);
	*ws->out_end = message;
	ws->out_end = &message->next;
	ws->out_bytes += bytes;
	wake_thread(ws);
	pthread_mutex_unlock(&ws->lock);
}

void
rtta_ws_send(struct rtta_ws *ws, bool binary, const void *data, size_t bytes)
{
	if (bytes > 0)
		queue(ws, binary, data, bytes);
}

void
rtta_ws_send_empty(struct rtta_ws *ws, bool binary)
{
	queue(ws, binary, NULL, 0);
}

size_t
rtta_ws_pending(struct rtta_ws *ws)
{
	size_t bytes;

	pthread_mutex_lock(&ws->lock);
	bytes = ws->out_bytes;
	pthread_mutex_unlock(&ws->lock);
	return bytes;
}

#include <libwebsockets.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "err.h"
#include "mem.h"
#include "thread.h"
#include "ws_parts.h"

static void
free_headers(char **headers)
{
	for (size_t i = 0; headers != NULL && headers[i] != NULL; i++)
		free(headers[i]);
	free(headers);
}

void
rtta_ws_let_go(struct rtta_ws *ws)
{
	int left;

	pthread_mutex_lock(&ws->lock);
	left = --ws->owners;
	pthread_mutex_unlock(&ws->lock);
	if (left > 0)
		return;
	while (ws->out != NULL) {
		struct rtta_ws_message *next = ws->out->next;

		free(ws->out);
		ws->out = next;
	}
	while (ws->in != NULL) {
		struct rtta_ws_incoming *next = ws->in->next;

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
start(struct rtta_ws *ws, struct rtta_err *err)
{
	ws->owners++;
	if (rtta_thread_start(rtta_ws_serve, ws, "a connection", err) == 0)
		return 0;
	ws->owners--;
	return -1;
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
	else if (split_url(ws, err) == 0 && start(ws, err) == 0)
		return ws;
	rtta_ws_let_go(ws);
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
	rtta_ws_let_go(ws);
}

int
rtta_ws_fd(const struct rtta_ws *ws)
{
	return ws->fd;
}

int
rtta_ws_next(struct rtta_ws *ws, struct rtta_ws_event *event)
{
	struct rtta_ws_incoming *incoming;
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
	struct rtta_ws_message *message = rtta_xcalloc(1, sizeof(*message) + LWS_PRE + bytes);

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

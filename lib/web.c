#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "answer.h"
#include "clock.h"
#include "conn.h"
#include "err.h"
#include "files.h"
#include "hub.h"
#include "listener.h"
#include "log.h"
#include "mem.h"
#include "peers.h"
#include "press.h"
#include "room.h"
#include "shelf.h"
#include "web.h"

enum {
	SPARE_FDS = 64,   /* not for connections */
	GONE_MS = 40000,  /* who acknowledges nothing so long is not there */
	WAITING_MS = 200,
	LOOK_MS = 1000,
	VOID_TURNS = 100, /* for nothing in LOOK_MS: somebody talks */
	RENEW_MS = 2000   /* so often the certificate is looked at */
};

struct rtta_web {
	struct rtta_site site;
	struct lws_context *context;
	struct lws_vhost *vhost;
	lws_sorted_usec_list_t timer;
	int listen_fd;
	uint16_t port;
	struct rtta_conn *conns;
	size_t conn_count, conn_max;
	int64_t look_ms, renew_ms;
	bool called;                     /* libwebsockets had something in this turn */
	unsigned void_turns;             /* and in so many it had not */
	int64_t void_ms;
	struct rtta_peers *peers;
	struct rtta_tls tls;
	struct rtta_log_damper damper;   /* of a certificate that does not fit */
};

static const char csp[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

/* --- what libwebsockets calls --- */

static struct rtta_conn *
conn_of(struct lws *wsi)
{
	struct rtta_web *web = lws_context_user(lws_get_context(wsi));
	struct rtta_conn *conn = lws_get_opaque_user_data(wsi);

	if (conn != NULL)
		return conn;
	conn = rtta_xcalloc(1, sizeof(*conn));
	conn->site = &web->site;
	conn->wsi = wsi;
	conn->next = web->conns;
	conn->link = &web->conns;
	if (conn->next != NULL)
		conn->next->link = &conn->next;
	web->conns = conn;
	web->conn_count++;
	rtta_conn_reset(conn);
	lws_set_opaque_user_data(wsi, conn);
	return conn;
}

static void
conn_free(struct lws *wsi)
{
	struct rtta_web *web = lws_context_user(lws_get_context(wsi));
	struct rtta_conn *conn = lws_get_opaque_user_data(wsi);

	if (conn == NULL)
		return;
	lws_set_opaque_user_data(wsi, NULL);
	rtta_conn_reset(conn);
	rtta_peers_leave(conn->peer);
	*conn->link = conn->next;
	if (conn->next != NULL)
		conn->next->link = conn->link;
	web->conn_count--;
	free(conn);
}

/*
 * May this connection become a WebSocket?  0: yes; 1: answered with no.
 * The answer is written here: libwebsockets goes on at once.
 */
static int
confirm_upgrade(struct rtta_conn *conn, const char *protocol)
{
	const char *why = NULL;
	int status = rtta_answer_upgrade(conn, protocol, &why);

	if (status == 0)
		return 0;
	rtta_conn_refuse(conn, status, why);
	conn->close = false;  /* whoever called closes */
	return rtta_conn_write_reply(conn) < 0 ? -1 : 1;
}

static int
on_writeable(struct rtta_conn *conn)
{
	conn->wanted_ms = 0;
	switch (conn->kind) {
	case RTTA_CONN_REPLY:
		return rtta_conn_write_reply(conn);
	case RTTA_CONN_WS:
	case RTTA_CONN_SSE:
		return rtta_conn_write_batch(conn);
	default:
		return 0;
	}
}

/* libwebsockets takes fd, and closes it if it cannot. */
static void
adopt_connection(struct rtta_web *web, int fd, const struct sockaddr *address)
{
	const unsigned gone_ms = GONE_MS;
	struct rtta_peer *peer = rtta_peers_enter(web->peers, address, rtta_clock_mono_ms());
	struct lws *wsi;

	if (peer == NULL || web->conn_count >= web->conn_max) {
		rtta_peers_leave(peer);
		close(fd);
		web->site.refused++;
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &gone_ms, sizeof(gone_ms));
	wsi = lws_adopt_socket_vhost(web->vhost, fd);
	if (wsi == NULL)
		rtta_peers_leave(peer);
	else
		conn_of(wsi)->peer = peer;
}

static void
accept_all(struct rtta_web *web)
{
	struct sockaddr_storage address;
	socklen_t bytes = sizeof(address);
	int fd;

	while ((fd = accept4(web->listen_fd, (struct sockaddr *)&address, &bytes,
	    SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
		adopt_connection(web, fd, (const struct sockaddr *)&address);
		bytes = sizeof(address);
	}
}

static int
on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	struct rtta_web *web = lws_context_user(lws_get_context(wsi));
	struct rtta_conn *conn;

	(void)user;
	web->called = true;
	switch (reason) {
	case LWS_CALLBACK_HTTP:
		return rtta_answer_request(conn_of(wsi));
	case LWS_CALLBACK_HTTP_BODY:
		return rtta_press_body(conn_of(wsi), in, len);
	case LWS_CALLBACK_HTTP_BODY_COMPLETION:
		return rtta_press_end(conn_of(wsi));
	case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
		return confirm_upgrade(conn_of(wsi), in);
	case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
		conn = conn_of(wsi);
		return conn->kind == RTTA_CONN_WS ? 0 : -1;
	case LWS_CALLBACK_ESTABLISHED:
		rtta_conn_want_write(conn_of(wsi));
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
	struct rtta_web *web = lws_context_user(lws_get_context(wsi));

	(void)reason;
	(void)user;
	(void)in;
	(void)len;
	web->called = true;
	return 0;  /* being woken is all: main looks */
}

static int
on_listen(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	struct rtta_web *web = lws_context_user(lws_get_context(wsi));

	(void)user;
	(void)in;
	(void)len;
	web->called = true;
	if (reason == LWS_CALLBACK_RAW_RX_FILE)
		accept_all(web);
	return 0;
}

/* --- life --- */

static int
listen_at(struct rtta_web *web, const struct rtta_web_config *config,
    struct rtta_err *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
	    .ai_flags = AI_PASSIVE | AI_NUMERICSERV }, *found = NULL;
	struct sockaddr_storage address;
	socklen_t length = sizeof(address);
	char port[8];
	int rc, one = 1;

	snprintf(port, sizeof(port), "%u", config->port);
	rc = getaddrinfo(config->host, port, &hints, &found);
	if (rc != 0)
		return rtta_err_set(err, EX_UNAVAILABLE, "listen on %s: %s", config->host,
		    gai_strerror(rc));
	web->listen_fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (web->listen_fd < 0 ||
	    setsockopt(web->listen_fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    bind(web->listen_fd, found->ai_addr, found->ai_addrlen) < 0 ||
	    listen(web->listen_fd, SOMAXCONN) < 0 ||
	    getsockname(web->listen_fd, (struct sockaddr *)&address, &length) < 0)
		rtta_err_sys(err, EX_UNAVAILABLE, "listen on %s:%s", config->host, port);
	freeaddrinfo(found);
	if (err->exit_code != 0)
		return -1;
	if (getnameinfo((struct sockaddr *)&address, length, NULL, 0, port, sizeof(port),
	    NI_NUMERICSERV) != 0)
		return rtta_err_set(err, EX_UNAVAILABLE, "listen on %s: no port", config->host);
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
		    .tx_packet_size = RTTA_CONN_BATCH_BYTES },
		{ .name = "fd", .callback = on_fd },
		{ .name = "listen", .callback = on_listen },
		{ 0 }
	};
	/* No pings: each would sort the timers of all connections.  Readers get
	 * something every few seconds, and the kernel knows who takes it. */
	static const lws_retry_bo_t idle = { .secs_since_valid_hangup = 0 };
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

	if (web->tls.cert_file != NULL) {
		info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
		info.ssl_cert_filepath = web->tls.cert_file;
		info.ssl_private_key_filepath = web->tls.key_file;
		info.alpn = "http/1.1";
	}
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

	web->site.room = room;
	web->site.open_operator = config->open_operator;
	web->site.is_tls = config->tls.cert_file != NULL;
	web->tls = config->tls;
	web->peers = rtta_peers_new(config->per_address);
	web->site.shelf = rtta_shelf_new();
	memcpy(web->site.operator_token, config->operator_token, sizeof(config->operator_token));
	memcpy(web->site.reader_token, config->reader_token, sizeof(config->reader_token));
	web->site.batch = rtta_xcalloc(1, LWS_PRE + RTTA_CONN_BATCH_BYTES);
	web->listen_fd = -1;
	limit_descriptors(web);
	web->site.files = rtta_files_load(config->dir, err);
	if (web->site.is_tls && rtta_tls_check(&web->tls, err) < 0) {
		rtta_web_close(web);
		return NULL;
	}
	if (web->site.files != NULL && listen_at(web, config, err) == 0 &&
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
	rtta_files_free(web->site.files);
	rtta_shelf_free(web->site.shelf);
	rtta_peers_free(web->peers);
	free(web->site.batch);
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
	lws_container_of(timer, struct rtta_web, timer)->called = true;
}

void
rtta_web_wait(struct rtta_web *web, int wait_ms)
{
	/* Its own wait has no end but its timers'; never 0, which would cancel. */
	lws_sul_schedule(web->context, 0, &web->timer, on_timer,
	    wait_ms < 1 ? 1 : (lws_usec_t)wait_ms * 1000);
	web->called = false;
	lws_service(web->context, 0);
	lws_sul_cancel(&web->timer);
	web->void_turns += !web->called;
}

/* A reader that takes nothing is dropped; it resumes by `after`. */
static void
drop_slow(struct rtta_conn *conn, int64_t now_ms)
{
	if (conn->listener == NULL || conn->wanted_ms == 0 ||
	    now_ms - conn->wanted_ms <= RTTA_CONN_SLOW_MS)
		return;
	conn->site->dropped++;
	conn->wanted_ms = 0;
	lws_set_timeout(conn->wsi, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_ASYNC);
}

/* Who is connected stays; who comes gets the new certificate. */
static void
renew_certificate(struct rtta_web *web, int64_t now_ms)
{
	struct rtta_err err = {0};
	int renewed;

	if (!web->site.is_tls || now_ms < web->renew_ms)
		return;
	web->renew_ms = now_ms + RENEW_MS;
	renewed = rtta_tls_renewed(&web->tls, &err);
	if (renewed < 0)
		rtta_log_warn_damped(&web->damper, "%s, the old certificate holds", err.text);
	if (renewed <= 0)
		return;
	lws_tls_cert_updated(web->context, web->tls.cert_file, web->tls.key_file, NULL, 0, NULL, 0);
	rtta_log_info("%s: renewed", web->tls.cert_file);
}

/* Has the loop turned for nothing, again and again? */
static bool
is_restless(struct rtta_web *web, int64_t now_ms)
{
	bool restless = web->void_turns > VOID_TURNS;

	if (now_ms < web->void_ms)
		return false;
	web->void_turns = 0;
	web->void_ms = now_ms + LOOK_MS;
	return restless;
}

int
rtta_web_tick(struct rtta_web *web)
{
	int64_t now_ms = rtta_clock_mono_ms();
	bool stirred = rtta_hub_stirred(rtta_room_hub(web->site.room));
	bool waiting = web->site.waiting, restless = is_restless(web, now_ms);

	/* With thousands of connections even looking at each is work. */
	if (!stirred && !waiting && !restless && now_ms < web->look_ms)
		return (int)(web->look_ms - now_ms);
	web->look_ms = now_ms + LOOK_MS;
	renew_certificate(web, now_ms);
	web->site.waiting = false;
	for (struct rtta_conn *conn = web->conns; conn != NULL; conn = conn->next) {
		if (stirred && conn->listener != NULL && rtta_listener_pending(conn->listener))
			rtta_conn_want_write(conn);
		if (waiting)
			rtta_answer_waiting(conn);
		if (restless)
			rtta_conn_hush(conn);
		drop_slow(conn, now_ms);
	}
	/* What they wait for wakes the loop by itself; this is their deadline. */
	return web->site.waiting ? WAITING_MS : LOOK_MS;
}

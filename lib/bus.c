#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "bus.h"
#include "bus_parts.h"
#include "clock.h"
#include "dial.h"
#include "err.h"
#include "log.h"
#include "mem.h"
#include "random.h"

enum {
	CONNECT_MS = 5000,
	FLUSH_MS = 2000,
	CLOSE_MS = 3000,
	REPORT_MS = 10000,
	RECONNECT_MS = 250,
	PING_MS = 2000,           /* and two unanswered: a server waits for its disk that long */
	STUCK_MS = 60000          /* no try takes so long */
};

/*
 * The library goes with the process, not with the last bus: it is needed to
 * destroy a message.  Not while a connection is open: that would wait.
 */
static atomic_int buses;

static void
close_library(void)
{
	if (atomic_load(&buses) == 0)
		nats_CloseAndWait(CLOSE_MS);
}

/* Its own handler at exit must come after ours, so it is opened first. */
static void
open_library(void)
{
	static atomic_flag is_open = ATOMIC_FLAG_INIT;

	if (!atomic_flag_test_and_set(&is_open) && nats_Open(-1) == NATS_OK)
		atexit(close_library);
}

/* --- callbacks: the library's threads; they copy, wake and return --- */

void
rtta_bus_signal(struct rtta_bus *bus)
{
	uint64_t one = 1;

	if (bus->signalled)
		return;
	bus->signalled = true;
	while (write(bus->fd, &one, sizeof(one)) < 0)
		;
}

static void
on_disconnected(natsConnection *nc, void *arg)
{
	struct rtta_bus *bus = arg;

	(void)nc;
	pthread_mutex_lock(&bus->mutex);
	bus->dialled_ms = rtta_clock_mono_ms();
	if (!bus->away)
		bus->away_since_ms = bus->dialled_ms;
	bus->away = true;
	rtta_bus_signal(bus);
	pthread_mutex_unlock(&bus->mutex);
}

/* All servers were tried: how long to wait before they are tried again. */
static int64_t
on_delay(natsConnection *nc, int attempts, void *arg)
{
	struct rtta_bus *bus = arg;
	int64_t now_ms = rtta_clock_mono_ms();

	(void)nc, (void)attempts;
	pthread_mutex_lock(&bus->mutex);
	bus->dialled_ms = now_ms;
	pthread_mutex_unlock(&bus->mutex);
	return RECONNECT_MS + now_ms % RECONNECT_MS;
}

static void
on_reconnected(natsConnection *nc, void *arg)
{
	struct rtta_bus *bus = arg;

	(void)nc;
	pthread_mutex_lock(&bus->mutex);
	bus->away = false;
	rtta_bus_signal(bus);
	pthread_mutex_unlock(&bus->mutex);
}

static void
on_closed(natsConnection *nc, void *arg)
{
	struct rtta_bus *bus = arg;

	(void)nc;
	pthread_mutex_lock(&bus->mutex);
	bus->closed = true;
	rtta_bus_signal(bus);
	pthread_cond_broadcast(&bus->changed);
	pthread_mutex_unlock(&bus->mutex);
}

/*
 * The words of the last error.  Before 3.10 the library only shows the
 * buffer that it writes them into: at worst two messages are mixed.
 */
static void __attribute__((no_sanitize("thread")))
read_last_error(natsConnection *nc, char *text, size_t bytes)
{
#if NATS_VERSION_NUMBER >= 0x030a00
	natsConnection_ReadLastError(nc, text, bytes);
#else
	const char *shown = "";
	size_t i;

	natsConnection_GetLastError(nc, &shown);
	for (i = 0; i < bytes - 1 && shown[i] != '\0'; i++)
		text[i] = shown[i];
	text[i] = '\0';
#endif
}

static void
on_trouble(natsConnection *nc, natsSubscription *sub, natsStatus status, void *arg)
{
	struct rtta_bus *bus = arg;
	char text[sizeof(bus->trouble)] = "";

	(void)sub;
	read_last_error(nc, text, sizeof(text));
	pthread_mutex_lock(&bus->mutex);
	if (bus->troubles++ == 0)
		snprintf(bus->trouble, sizeof(bus->trouble), "%s",
		    *text ? text : natsStatus_GetText(status));
	rtta_bus_signal(bus);
	pthread_mutex_unlock(&bus->mutex);
}

/* --- connecting --- */

static natsStatus
set_options(struct rtta_bus *bus, natsOptions *o, const char *name)
{
	const char *creds = getenv("RTTA_NATS_CREDS");
	char prefix[RTTA_BUS_INBOX_BYTES];
	natsStatus s;

	/* "_INBOX_tool" of "_INBOX_tool.<id>." */
	snprintf(prefix, sizeof(prefix), "%.*s", (int)strcspn(bus->inbox, "."), bus->inbox);
	s = natsOptions_SetName(o, name);
	if (s == NATS_OK && creds != NULL && *creds != '\0')
		s = natsOptions_SetUserCredentialsFromFiles(o, creds, NULL);
	if (s == NATS_OK)
		s = natsOptions_SetCustomInboxPrefix(o, prefix);
	if (s == NATS_OK)
		s = natsOptions_SetMaxReconnect(o, -1);
	if (s == NATS_OK)
		s = natsOptions_SetCustomReconnectDelay(o, on_delay, bus);
	/* What is not on the wire is sent again by us, and only by us. */
	if (s == NATS_OK)
		s = natsOptions_SetReconnectBufSize(o, 0);
	if (s == NATS_OK)
		s = natsOptions_SetPingInterval(o, PING_MS);
	if (s == NATS_OK)
		s = natsOptions_SetMaxPingsOut(o, 2);
	if (s == NATS_OK)
		s = natsOptions_SetWriteDeadline(o, 2000);
	if (s == NATS_OK)
		s = natsOptions_SetSendAsap(o, !bus->bulk);
	if (s == NATS_OK)
		s = natsOptions_SetDisconnectedCB(o, on_disconnected, bus);
	if (s == NATS_OK)
		s = natsOptions_SetReconnectedCB(o, on_reconnected, bus);
	if (s == NATS_OK)
		s = natsOptions_SetClosedCB(o, on_closed, bus);
	if (s == NATS_OK)
		s = natsOptions_SetErrorHandler(o, on_trouble, bus);
	return s;
}

static int
connect_code(natsStatus s)
{
	switch (s) {
	case NATS_INVALID_ARG:
	case NATS_ADDRESS_MISSING:
	case NATS_CONNECTION_AUTH_FAILED:
	case NATS_NOT_PERMITTED:
	case NATS_SSL_ERROR:
	case NATS_SECURE_CONNECTION_REQUIRED:
	case NATS_SECURE_CONNECTION_WANTED:
		return EX_CONFIG;
	default:
		return EX_UNAVAILABLE;
	}
}

static int
bus_connect(struct rtta_bus *bus, const char *url, const char *name, struct rtta_err *err)
{
	const char *creds = getenv("RTTA_NATS_CREDS");
	natsOptions *options = NULL;
	char text[160] = "";
	natsStatus s;

	if (creds != NULL && *creds != '\0' && access(creds, R_OK) != 0)
		return rtta_err_sys(err, EX_CONFIG, "credentials %s", creds);
	if (natsOptions_Create(&options) != NATS_OK)
		return rtta_err_set(err, EX_OSERR, "nats: no memory");
	s = rtta_dial_servers(options, url);
	if (s != NATS_OK) {
		natsOptions_Destroy(options);
		return rtta_err_set(err, EX_CONFIG, "connect to %s: not a nats url", bus->url);
	}
	s = set_options(bus, options, name);
	if (s == NATS_OK)
		s = rtta_dial(&bus->nc, options, CONNECT_MS, text, sizeof(text));
	else
		natsOptions_Destroy(options);
	bus->haunted = s == NATS_ILLEGAL_STATE;
	if (s == NATS_OK)
		return 0;
	if (text[0] == '\0' || s == NATS_NO_SERVER)
		snprintf(text, sizeof(text), "%s", s == NATS_NO_SERVER ?
		    "No server available" : natsStatus_GetText(s));
	return rtta_err_set(err, connect_code(s), "connect to %s: %s", bus->url, text);
}

/* --- the bus --- */

static void
make_inbox(struct rtta_bus *bus, const char *tool)
{
	snprintf(bus->inbox, sizeof(bus->inbox), "_INBOX_%.16s.%012llx.", tool,
	    (unsigned long long)(rtta_random() >> 16));
	bus->inbox_bytes = strlen(bus->inbox);
}

static struct rtta_bus *
bus_open(const char *url, const char *tool, bool bulk, struct rtta_err *err)
{
	struct rtta_bus *bus = rtta_xcalloc(1, sizeof(*bus));
	const char *instance = getenv("RTTA_INSTANCE");
	char name[128], all[RTTA_BUS_INBOX_BYTES + 1];

	bus->fd = -1;
	bus->bulk = bulk;
	bus->url = rtta_dial_redact(url);
	bus->instance = rtta_xstrdup(instance && *instance ? instance : "default");
	pthread_mutex_init(&bus->mutex, NULL);
	pthread_cond_init(&bus->changed, NULL);
	make_inbox(bus, tool);
	snprintf(name, sizeof(name), "rtta-%.16s/%.64s", tool, bus->instance);
	snprintf(all, sizeof(all), "%s>", bus->inbox);
	atomic_fetch_add(&buses, 1);
	open_library();

	bus->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (bus->fd < 0)
		rtta_err_sys(err, EX_OSERR, "eventfd");
	else if (natsStatistics_Create(&bus->stats) != NATS_OK)
		rtta_err_set(err, EX_OSERR, "nats: no memory");
	else if (bus_connect(bus, url, name, err) == 0 &&
	    rtta_port_listen(bus, NULL, all, err) == 0)
		return bus;
	rtta_bus_close(bus);
	return NULL;
}

struct rtta_bus *
rtta_bus_open(const char *url, const char *tool, struct rtta_err *err)
{
	return bus_open(url, tool, false, err);
}

struct rtta_bus *
rtta_bus_open_bulk(const char *url, const char *tool, struct rtta_err *err)
{
	return bus_open(url, tool, true, err);
}

/* Until no thread of the library can call us any more. */
static bool
wait_for_silence(struct rtta_bus *bus)
{
	struct timespec deadline;
	bool silent;
	int rc = 0;

	rtta_clock_deadline(&deadline, CLOSE_MS);
	pthread_mutex_lock(&bus->mutex);
	while ((!bus->closed || bus->delivering > 0) && rc == 0)
		rc = pthread_cond_clockwait(&bus->changed, &bus->mutex, CLOCK_MONOTONIC,
		    &deadline);
	silent = bus->closed && bus->delivering == 0;
	pthread_mutex_unlock(&bus->mutex);
	return silent;
}

static bool
disconnect(struct rtta_bus *bus)
{
	struct rtta_subscription *s;
	bool silent;

	if (rtta_bus_connected(bus))
		natsConnection_FlushTimeout(bus->nc, FLUSH_MS);
	natsConnection_Close(bus->nc);
	silent = wait_for_silence(bus);
	for (s = bus->subscriptions; s != NULL; s = s->next)
		s->ended = true;
	rtta_port_bury(bus, INT64_MAX);
	natsConnection_Destroy(bus->nc);
	return silent;
}

void
rtta_bus_close(struct rtta_bus *bus)
{
	if (bus == NULL)
		return;
	if (bus->stuck)
		bus->haunted = true;
	else if (bus->nc != NULL)
		bus->haunted = !disconnect(bus);
	natsStatistics_Destroy(bus->stats);
	if (bus->haunted)
		return;
	atomic_fetch_sub(&buses, 1);
	while (bus->ports != NULL)
		rtta_port_close(bus->ports);
	if (bus->fd >= 0)
		close(bus->fd);
	pthread_cond_destroy(&bus->changed);
	pthread_mutex_destroy(&bus->mutex);
	free(bus->instance);
	free(bus->url);
	free(bus);
}

int
rtta_bus_fd(const struct rtta_bus *bus)
{
	return bus->fd;
}

static void
report_connection(struct rtta_bus *bus, bool away, int64_t since_ms)
{
	if (away == bus->was_away)
		return;
	bus->was_away = away;
	if (away)
		rtta_log_warn("%s: connection lost, trying again", bus->url);
	else
		rtta_log_info("%s: connected again after %.1f s", bus->url,
		    (double)(rtta_clock_mono_ms() - since_ms) / 1000);
}

static void
report_trouble(struct rtta_bus *bus, const char *text, unsigned count)
{
	if (count == 1)
		rtta_log_warn("%s: %s", bus->url, text);
	else
		rtta_log_warn("%s: %s (and %u more)", bus->url, text, count - 1);
}

int
rtta_bus_wake(struct rtta_bus *bus, struct rtta_err *err)
{
	int64_t now_ms = rtta_clock_mono_ms(), since_ms;
	char trouble[sizeof(bus->trouble)];
	unsigned troubles = 0;
	bool away, closed, stuck;
	uint64_t count;

	pthread_mutex_lock(&bus->mutex);
	if (bus->signalled && read(bus->fd, &count, sizeof(count)) == sizeof(count))
		bus->signalled = false;
	away = bus->away;
	closed = bus->closed;
	stuck = bus->stuck;
	since_ms = bus->away_since_ms;
	if (bus->troubles > 0 &&
	    (bus->reported_ms == 0 || now_ms - bus->reported_ms >= REPORT_MS)) {
		memcpy(trouble, bus->trouble, sizeof(trouble));
		troubles = bus->troubles;
		bus->troubles = 0;
		bus->reported_ms = now_ms;
	}
	pthread_mutex_unlock(&bus->mutex);

	report_connection(bus, away || closed, since_ms);
	if (troubles > 0)
		report_trouble(bus, trouble, troubles);
	if (closed)
		return rtta_err_set(err, EX_UNAVAILABLE, "%s: %s", bus->url, stuck ?
		    "the library does not come back from reconnecting" :
		    "connection closed for good");
	rtta_port_catch_up(bus);
	return 0;
}

/*
 * Is the library trying to reconnect?  nats.c before 3.8 does not come back
 * from a server that greets and then stalls; that is the end of this bus.
 */
static bool
is_away(const struct rtta_bus *bus_)
{
	struct rtta_bus *bus = (struct rtta_bus *)bus_;
	bool away;

	pthread_mutex_lock(&bus->mutex);
	if (bus->away && !bus->closed &&
	    rtta_clock_mono_ms() - bus->dialled_ms > STUCK_MS) {
		bus->closed = bus->stuck = true;
		rtta_bus_signal(bus);
	}
	away = bus->away || bus->closed;
	pthread_mutex_unlock(&bus->mutex);
	return away;
}

/* Away is asked first: the library may hold its own lock while it dials. */
bool
rtta_bus_connected(const struct rtta_bus *bus)
{
	return !is_away(bus) &&
	    natsConnection_Status(bus->nc) == NATS_CONN_STATUS_CONNECTED;
}

/*
 * From the library's count: a message that was on the wire before it grew
 * may be gone, and the callback that tells of it can come much later.
 */
uint64_t
rtta_bus_epoch(const struct rtta_bus *bus)
{
	uint64_t reconnects = 0;

	if (!is_away(bus))
		natsConnection_GetStats(bus->nc, bus->stats);
	natsStatistics_GetCounts(bus->stats, NULL, NULL, NULL, NULL, &reconnects);
	return 1 + reconnects;
}

const char *
rtta_bus_url(const struct rtta_bus *bus)
{
	return bus->url;
}

const char *
rtta_bus_instance(const struct rtta_bus *bus)
{
	return bus->instance;
}

int
rtta_bus_send(struct rtta_bus *bus, const char *subject, const char *reply,
    const void *data, int bytes)
{
	natsStatus s;

	if (!rtta_bus_connected(bus))
		return -1;
	if (reply != NULL)
		s = natsConnection_PublishRequest(bus->nc, subject, reply, data, bytes);
	else
		s = natsConnection_Publish(bus->nc, subject, data, bytes);
	return s == NATS_OK ? 0 : -1;
}

int
rtta_bus_send_msg(struct rtta_bus *bus, natsMsg *msg)
{
	natsMsg *plain = NULL;
	natsStatus s;

	if (!rtta_bus_connected(bus))
		return -1;
	if (rtta_msg_is_plain(msg))
		plain = rtta_msg_with_reply(msg, NULL);
	s = natsConnection_PublishMsg(bus->nc, plain != NULL ? plain : msg);
	natsMsg_Destroy(plain);
	if (s == NATS_MAX_PAYLOAD)
		return RTTA_BUS_TOO_LARGE;
	return s == NATS_OK ? 0 : -1;
}

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus.h"
#include "bus_parts.h"
#include "clock.h"
#include "err.h"
#include "mem.h"

enum { TOMBSTONE_MS = 10000 };

/* --- callbacks: the library's threads; they copy, wake and return --- */

/* So many that have arrived wake main. */
static void
deliver(struct rtta_bus *bus, struct rtta_port *port, natsMsg *msg, size_t wake_at)
{
	if (port == NULL) {
		natsMsg_Destroy(msg);
	} else if (port->arrived.count >= port->max) {
		port->dropped++;
		natsMsg_Destroy(msg);
	} else {
		rtta_queue_push(&port->arrived, msg);
		if (port->arrived.count >= wake_at)
			rtta_bus_signal(bus);
	}
}

static struct rtta_port *
find_port(struct rtta_bus *bus, const char *subject)
{
	unsigned long number;
	struct rtta_port *port;

	/* A JetStream delivery keeps the subject that it was published on. */
	if (strncmp(subject, bus->inbox, bus->inbox_bytes) != 0)
		return NULL;
	number = strtoul(subject + bus->inbox_bytes, NULL, 10);
	for (port = bus->ports; port != NULL; port = port->next)
		if (port->number == number)
			break;
	return port;
}

static void
on_inbox(natsConnection *nc, natsSubscription *sub, natsMsg *msg, void *arg)
{
	struct rtta_subscription *s = arg;
	struct rtta_bus *bus = s->bus;

	(void)nc, (void)sub;
	pthread_mutex_lock(&bus->mutex);
	deliver(bus, find_port(bus, natsMsg_GetSubject(msg)), msg, 0);
	pthread_mutex_unlock(&bus->mutex);
}

static void
on_subject(natsConnection *nc, natsSubscription *sub, natsMsg *msg, void *arg)
{
	struct rtta_subscription *s = arg;
	struct rtta_bus *bus = s->bus;
	bool waits;

	(void)nc, (void)sub;
	/* The library unpacks headers when one is asked for: here, not in main. */
	rtta_header(msg, "run");
	pthread_mutex_lock(&bus->mutex);
	waits = s->port != NULL && natsMsg_GetDataLength(msg) > 0;
	deliver(bus, s->port, msg, waits ? s->port->wake_at : 0);
	pthread_mutex_unlock(&bus->mutex);
}

static void
on_complete(void *arg)
{
	struct rtta_bus *bus = arg;

	pthread_mutex_lock(&bus->mutex);
	bus->delivering--;
	pthread_cond_broadcast(&bus->changed);
	pthread_mutex_unlock(&bus->mutex);
}

/* --- subscriptions --- */

static natsStatus
start_subscription(struct rtta_bus *bus, struct rtta_subscription *s)
{
	natsStatus status = natsConnection_Subscribe(&s->sub, bus->nc, s->subject,
	    s->port != NULL ? on_subject : on_inbox, s);

	if (status != NATS_OK)
		return status;
	natsSubscription_SetPendingLimits(s->sub, -1, -1);
	pthread_mutex_lock(&bus->mutex);
	if (natsSubscription_SetOnCompleteCB(s->sub, on_complete, bus) == NATS_OK)
		bus->delivering++;
	pthread_mutex_unlock(&bus->mutex);
	return NATS_OK;
}

static void
end_subscription(struct rtta_subscription *s)
{
	if (s->sub != NULL)
		natsSubscription_Unsubscribe(s->sub);
	s->ended = true;
}

/* The library may hold its lock while the bus is away: then later. */
void
rtta_port_catch_up(struct rtta_bus *bus)
{
	struct rtta_subscription *s;

	if (!rtta_bus_connected(bus))
		return;
	for (s = bus->subscriptions; s != NULL; s = s->next)
		if (s->closed_ms != 0 && !s->ended)
			end_subscription(s);
		else if (s->closed_ms == 0 && s->sub == NULL)
			start_subscription(bus, s);
}

int
rtta_port_listen(struct rtta_bus *bus, struct rtta_port *port, const char *subject,
    struct rtta_err *err)
{
	struct rtta_subscription *s = rtta_xcalloc(1, sizeof(*s));
	natsStatus status = NATS_OK;

	s->bus = bus;
	s->port = port;
	s->subject = rtta_xstrdup(subject);
	if (rtta_bus_connected(bus))
		status = start_subscription(bus, s);
	if (status != NATS_OK && status != NATS_CONNECTION_CLOSED) {
		free(s->subject);
		free(s);
		return rtta_err_set(err, EX_UNAVAILABLE, "subscribe to %s: %s", subject,
		    natsStatus_GetText(status));
	}
	s->next = bus->subscriptions;
	bus->subscriptions = s;
	return 0;
}

/*
 * Destroy what ended a while ago.  Not at once: the reading thread of
 * nats.c before 3.6.1 may still hold a subscription it has just looked up.
 */
void
rtta_port_bury(struct rtta_bus *bus, int64_t before_ms)
{
	struct rtta_subscription **at = &bus->subscriptions, *s;

	while ((s = *at) != NULL) {
		if (!s->ended || s->closed_ms > before_ms) {
			at = &s->next;
			continue;
		}
		*at = s->next;
		natsSubscription_Destroy(s->sub);
		free(s->subject);
		free(s);
	}
}

/* --- ports --- */

struct rtta_port *
rtta_port_open(struct rtta_bus *bus, int max_messages)
{
	struct rtta_port *port = rtta_xcalloc(1, sizeof(*port));

	port->bus = bus;
	port->max = (size_t)max_messages;
	port->number = ++bus->ports_opened;
	snprintf(port->inbox, sizeof(port->inbox), "%s%u.", bus->inbox, port->number);
	port->inbox_bytes = strlen(port->inbox);
	pthread_mutex_lock(&bus->mutex);
	port->next = bus->ports;
	bus->ports = port;
	pthread_mutex_unlock(&bus->mutex);
	return port;
}

void
rtta_port_close(struct rtta_port *port)
{
	struct rtta_bus *bus;
	struct rtta_port **at;
	struct rtta_subscription *s;
	int64_t now_ms = rtta_clock_mono_ms();

	if (port == NULL)
		return;
	bus = port->bus;
	pthread_mutex_lock(&bus->mutex);
	for (s = bus->subscriptions; s != NULL; s = s->next)
		if (s->port == port) {
			s->port = NULL;
			s->closed_ms = now_ms;
		}
	for (at = &bus->ports; *at != port; at = &(*at)->next)
		;
	*at = port->next;
	pthread_mutex_unlock(&bus->mutex);
	rtta_port_catch_up(bus);
	rtta_port_bury(bus, now_ms - TOMBSTONE_MS);
	rtta_queue_done(&port->arrived);
	rtta_queue_done(&port->taken);
	free(port);
}

const char *
rtta_port_inbox(const struct rtta_port *port)
{
	return port->inbox;
}

const char *
rtta_port_token(const struct rtta_port *port, natsMsg *msg)
{
	const char *subject = natsMsg_GetSubject(msg);

	if (strncmp(subject, port->inbox, port->inbox_bytes) != 0)
		return NULL;
	return subject + port->inbox_bytes;
}

int
rtta_port_subscribe(struct rtta_port *port, const char *subject, struct rtta_err *err)
{
	return rtta_port_listen(port->bus, port, subject, err);
}

void
rtta_port_wake_at(struct rtta_port *port, size_t messages)
{
	pthread_mutex_lock(&port->bus->mutex);
	port->wake_at = messages;
	pthread_mutex_unlock(&port->bus->mutex);
}

natsMsg *
rtta_port_take(struct rtta_port *port)
{
	struct rtta_queue empty;

	if (port->taken.count == 0) {
		pthread_mutex_lock(&port->bus->mutex);
		empty = port->taken;
		port->taken = port->arrived;
		port->arrived = empty;
		pthread_mutex_unlock(&port->bus->mutex);
	}
	return rtta_queue_pop(&port->taken);
}

uint64_t
rtta_port_dropped(struct rtta_port *port)
{
	uint64_t dropped;

	pthread_mutex_lock(&port->bus->mutex);
	dropped = port->dropped;
	port->dropped = 0;
	pthread_mutex_unlock(&port->bus->mutex);
	return dropped;
}

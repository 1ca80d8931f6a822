/*
 * bus_parts - what the files of bus share: bus.c has the connection, port.c
 * has ports and what they are subscribed to.  For nobody else.
 */
#ifndef RTTA_BUS_PARTS_H
#define RTTA_BUS_PARTS_H

#include <nats/nats.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "queue.h"

struct rtta_err;

enum {
	RTTA_BUS_INBOX_BYTES = 48,
	RTTA_BUS_PORT_INBOX_BYTES = 60   /* and a ticket of 20 digits fits behind */
};

struct rtta_subscription {
	struct rtta_bus *bus;
	char *subject;
	natsSubscription *sub;    /* NULL: made when the bus is back */
	struct rtta_port *port;   /* NULL: the inbox, or its port has closed */
	bool ended;               /* the server knows that it has closed */
	int64_t closed_ms;        /* 0: open */
	struct rtta_subscription *next;
};

struct rtta_port {
	struct rtta_bus *bus;
	unsigned number;
	char inbox[RTTA_BUS_PORT_INBOX_BYTES];
	size_t inbox_bytes, max;
	struct rtta_queue arrived;      /* under the mutex of the bus */
	struct rtta_queue taken;        /* main's */
	size_t wake_at;                 /* so many of subjects wake main */
	uint64_t dropped;
	struct rtta_port *next;
};

struct rtta_bus {
	natsConnection *nc;
	natsStatistics *stats;
	char *url, *instance;     /* url without passwords */
	char inbox[RTTA_BUS_INBOX_BYTES];
	size_t inbox_bytes;
	int fd;
	unsigned ports_opened;
	struct rtta_subscription *subscriptions;
	bool was_away, bulk;
	bool haunted;             /* a thread that we left may still call us */
	int64_t reported_ms;

	pthread_mutex_t mutex;    /* what follows is shared with the library's threads */
	pthread_cond_t changed;
	struct rtta_port *ports;
	int delivering;           /* subscriptions whose thread still runs */
	bool signalled, away, closed;
	bool stuck;               /* closed, and the library holds its lock for ever */
	int64_t away_since_ms;
	int64_t dialled_ms;       /* while away: when the servers were tried last */
	char trouble[160];
	unsigned troubles;
};

/* Wake main's thread; the mutex is held. */
void rtta_bus_signal(struct rtta_bus *bus);

/* Subscribe port (NULL: whoever the inbox says) to subject, now or when the
 * bus is back. */
int rtta_port_listen(struct rtta_bus *bus, struct rtta_port *port, const char *subject,
    struct rtta_err *err);

/* The bus is back: what was subscribed and closed meanwhile. */
void rtta_port_catch_up(struct rtta_bus *bus);

/* Destroy the subscriptions that ended before that. */
void rtta_port_bury(struct rtta_bus *bus, int64_t before_ms);

#endif

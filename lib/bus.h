/*
 * bus - the connection to NATS, and ports: where its messages arrive.
 *
 * All state of a tool belongs to main's thread.  The library's threads copy
 * a message into the queue of a port and wake rtta_bus_fd(); nothing of ours
 * runs in a callback.  No call here waits, except rtta_bus_open() and
 * rtta_bus_close().  After a lost connection the library reconnects for
 * ever; rtta_bus_epoch() grows, and each module sends again what it must.
 *
 * Every message of a port belongs to whoever took it (natsMsg_Destroy).
 */
#ifndef RTTA_BUS_H
#define RTTA_BUS_H

#include <nats/nats.h>
#include <stdbool.h>
#include <stdint.h>

#include "msg.h"

struct rtta_err;
struct rtta_bus;
struct rtta_port;

/*
 * Connect as "rtta-route/council" and the like: tool without "rtta-", for
 * the inbox prefix _INBOX_<tool>; instance from RTTA_INSTANCE or "default".
 * url may be a comma-separated list; RTTA_NATS_CREDS names a credentials
 * file.  Waits at most 5 s.  NULL with EX_UNAVAILABLE
 * "connect to nats://host:4222: No server available", EX_CONFIG for a url
 * or credentials that cannot work.
 */
struct rtta_bus *rtta_bus_open(const char *url, const char *tool, struct rtta_err *err);

/* For who moves much and is in no hurry: what is sent within a millisecond
 * goes to the socket together. */
struct rtta_bus *rtta_bus_open_bulk(const char *url, const char *tool, struct rtta_err *err);

/* Flush what was published (at most 2 s) and close.  NULL is allowed. */
void rtta_bus_close(struct rtta_bus *bus);

/*
 * Readable when something arrived at a port since the last rtta_bus_wake(),
 * or the connection changed.  What lies in a port does not make it readable
 * again: take until NULL, or come back without it.
 */
int rtta_bus_fd(const struct rtta_bus *bus);

/*
 * Call when the descriptor is readable, before looking at ports: empties
 * it, and logs once that the bus went away or came back.
 * 0, or -1 with EX_UNAVAILABLE when the library has closed for good
 * (credentials refused): leave, and let the service manager start anew.
 */
int rtta_bus_wake(struct rtta_bus *bus, struct rtta_err *err);

bool rtta_bus_connected(const struct rtta_bus *bus);

/* 1 at first, and one more after each reconnect. */
uint64_t rtta_bus_epoch(const struct rtta_bus *bus);

const char *rtta_bus_url(const struct rtta_bus *bus);
const char *rtta_bus_instance(const struct rtta_bus *bus);

/* Publish without an answer (interim text, heartbeats, requests).  0, or -1
 * when the bus is away: then the message is gone.  reply may be NULL. */
int rtta_bus_send(struct rtta_bus *bus, const char *subject, const char *reply,
    const void *data, int bytes);

/* The same; does not take msg.  RTTA_BUS_TOO_LARGE: more than the server's
 * max_payload. */
enum { RTTA_BUS_TOO_LARGE = -2 };
int rtta_bus_send_msg(struct rtta_bus *bus, natsMsg *msg);

/* --- ports --- */

/* max_messages bounds the queue (and what was taken from it in one go);
 * what does not fit is dropped and counted. */
struct rtta_port *rtta_port_open(struct rtta_bus *bus, int max_messages);
void rtta_port_close(struct rtta_port *port);  /* NULL is allowed */

/* Answers to "<inbox><anything>" arrive at the port; ends with '.'.  Not for
 * JetStream deliveries, which keep the subject that they were published on
 * and so do not tell their port: those need a subscription. */
const char *rtta_port_inbox(const struct rtta_port *port);

/* The <anything> of a message that arrived through the inbox, else NULL. */
const char *rtta_port_token(const struct rtta_port *port, natsMsg *msg);

/* Also receive a core subject (wildcards allowed).  0, or -1 with *err. */
int rtta_port_subscribe(struct rtta_port *port, const char *subject, struct rtta_err *err);

/*
 * Wake main when so many messages of subjects wait, or at one without a
 * payload (it may want an answer), and not for each of them; 0: for each.
 * Whoever says so comes soon by itself, and then takes until NULL.
 */
void rtta_port_wake_at(struct rtta_port *port, size_t messages);

/* The next message, or NULL. */
natsMsg *rtta_port_take(struct rtta_port *port);

/* Messages dropped since the last call: the module has to catch up. */
uint64_t rtta_port_dropped(struct rtta_port *port);

#endif

/*
 * heartbeat - rtta.heartbeat.<tool>.<instance>: a tool says that it lives.
 *
 * Every 5 s one JSON object {tool, instance, version, pid, at_us,
 * started_us, state, reason, counters{}}; three missed is gone.
 */
#ifndef RTTA_HEARTBEAT_H
#define RTTA_HEARTBEAT_H

#include <jv.h>
#include <stdbool.h>
#include <stdint.h>

struct rtta_bus;

enum { RTTA_HEARTBEAT_MS = 5000 };

struct rtta_heartbeat {
	struct rtta_bus *bus;
	const char *tool;          /* "rtta-route"; kept, not copied */
	int64_t started_us, next_ms;
};

/* The first one is due at once. */
void rtta_heartbeat_init(struct rtta_heartbeat *heartbeat, struct rtta_bus *bus, const char *tool);

/* Time for one? */
bool rtta_heartbeat_due(const struct rtta_heartbeat *heartbeat);
int rtta_heartbeat_wait_ms(const struct rtta_heartbeat *heartbeat);

/* state: one word ("ok", "waiting", "degraded", "failing": /healthz says so); reason may be NULL;
 * counters (taken): an object.  Lost when the bus is away. */
void rtta_heartbeat_send(struct rtta_heartbeat *heartbeat, const char *state,
    const char *reason, jv counters);

#endif

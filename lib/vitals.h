/*
 * vitals - how a rtta-route does: its heartbeat, and how loud it is.
 *
 * The first every 5 s, with counters; the second four times a second while
 * sound comes, on rtta.level.  Neither is kept, and both are lost when the
 * bus is away.  Belongs to main's thread; nothing waits.
 */
#ifndef RTTA_VITALS_H
#define RTTA_VITALS_H

#include <stdbool.h>
#include <stdint.h>

#include "heartbeat.h"

struct rtta_bus;
struct rtta_lease;
struct rtta_live;
struct rtta_preroll;
struct rtta_source;
struct rtta_steer;
struct rtta_switch;
struct rtta_window;

/* All that it points to stays the caller's. */
struct rtta_vitals {
	struct rtta_bus *bus;
	struct rtta_window *window;
	struct rtta_preroll *preroll;
	struct rtta_switch *sw;
	struct rtta_live *live;
	struct rtta_steer *steer;
	struct rtta_source *source;
	uint64_t frames;                 /* that were read */
	struct rtta_heartbeat heartbeat;
};

/* What is due of both; is_full: memory is, and no more is read.  Returns ms
 * until it wants to be called. */
int rtta_vitals_tick(struct rtta_vitals *vitals, bool loading, bool is_full);

/* The same of one that waits for its turn; -1: nobody knows yet for whom. */
int rtta_vitals_wait(struct rtta_vitals *vitals, const struct rtta_lease *lease);

#endif

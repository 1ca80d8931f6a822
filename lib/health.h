/*
 * health - which tools live, by their heartbeats.
 *
 * Keeps the last heartbeat of each tool (and lane, where it names one) and
 * since when it says what it says.  One that waits for another of its name
 * stands beside it, and leaves no trace when it is gone.  Three missed are "gone"; a tool that has
 * been gone for an hour is forgotten.  Knows neither bus nor clock: the
 * caller brings both times.
 */
#ifndef RTTA_HEALTH_H
#define RTTA_HEALTH_H

#include <jv.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	RTTA_HEALTH_GONE_MS = 15000,
	RTTA_HEALTH_TOOLS_MAX = 64
};

struct rtta_health;

struct rtta_health *rtta_health_new(void);
void rtta_health_free(struct rtta_health *health);

/* A heartbeat (taken).  True when a tool's state is another one now. */
bool rtta_health_beat(struct rtta_health *health, jv beat, int64_t now_ms, int64_t real_ns);

/* Time goes by.  True when a tool has gone since the last call. */
bool rtta_health_tick(struct rtta_health *health, int64_t now_ms, int64_t real_ns);

/* Has one of this tool (in this lane; NULL: any) been heard lately? */
bool rtta_health_alive(const struct rtta_health *health, const char *tool, const char *lane);

/* What those who are heard fail at (state "failing"), as sentences:
 * ["rtta-route: AUDIO_STREAM takes nothing"] behind those of list (taken). */
jv rtta_health_failures(const struct rtta_health *health, jv list);

/* [{tool, lane, instance, state, reason, since, counters}], state "gone" for
 * who is not heard any more.  Not all: only the counters that readers are
 * shown. */
jv rtta_health_json(const struct rtta_health *health, bool all);

#endif

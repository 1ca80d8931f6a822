/*
 * prune - remove the keys of sessions that are over.
 *
 * Over is a session that has an end, whose text has gone from TEXT_STREAM
 * and whose sound from AUDIO_STREAM, and that session_config does not name.
 * For tools that do one thing and leave: it waits.
 */
#ifndef RTTA_PRUNE_H
#define RTTA_PRUNE_H

#include <stddef.h>
#include <stdint.h>

struct rtta_bus;
struct rtta_err;
struct rtta_state;

struct rtta_prune_counts {
	size_t sessions, keys;
	size_t markers;   /* what earlier deletions had left, removed for good */
};

/*
 * Sessions whose end was written more than older_s ago: a younger one may
 * get its first text yet.  state is loaded.  0, or -1 with *err; where
 * something is not known nothing is removed.
 */
int rtta_prune(struct rtta_bus *bus, struct rtta_state *state, int64_t older_s,
    struct rtta_prune_counts *counts, struct rtta_err *err);

#endif

/*
 * gather - a session's keys and records, as they come from the bus, into its
 * transcript.
 *
 * For tools that read one session and leave.  Belongs to main's thread;
 * nothing waits.
 */
#ifndef RTTA_GATHER_H
#define RTTA_GATHER_H

#include <stdbool.h>
#include <stddef.h>

struct rtta_bus;
struct rtta_err;
struct rtta_gather;
struct rtta_record;
struct rtta_state;
struct rtta_transcript;

/* state is loaded, stays the caller's, and is ticked here from now on. */
struct rtta_gather *rtta_gather_new(struct rtta_bus *bus, struct rtta_state *state,
    const char *id);
void rtta_gather_free(struct rtta_gather *gather);

/*
 * Call in every turn of the loop.  Returns ms until it wants to be called,
 * or -1 with EX_TEMPFAIL: what is stored has not come, and nothing has for a
 * while.
 */
int rtta_gather_tick(struct rtta_gather *gather, struct rtta_err *err);

/* The next record in the order of coming, which the transcript has now: 1,
 * or 0.  *record is initialised.  What is no record is logged and left out. */
int rtta_gather_next(struct rtta_gather *gather, struct rtta_record *record);

/* All that was stored has come, and was taken with rtta_gather_next(). */
bool rtta_gather_is_complete(const struct rtta_gather *gather);

struct rtta_transcript *rtta_gather_transcript(const struct rtta_gather *gather);

/* What came: keys and records, and messages that are none. */
struct rtta_gather_counts {
	size_t keys, records, broken;
};
struct rtta_gather_counts rtta_gather_counts(const struct rtta_gather *gather);

/* Wait for all of it.  0, or -1. */
int rtta_gather_all(struct rtta_gather *gather, struct rtta_err *err);

#endif

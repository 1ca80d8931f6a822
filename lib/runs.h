/*
 * runs - the runs of one session: their order, where they begin and end, and
 * time along them.
 *
 * Known from the keys cut, end and run, and until those are here from what
 * is noted of records.  The one place that knows which sound belongs to a
 * session: transcript and gaps share it.  Pure: no bus, no clock.
 */
#ifndef RTTA_RUNS_H
#define RTTA_RUNS_H

#include <jv.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "position.h"
#include "session.h"

struct rtta_err;

struct rtta_run {
	uint64_t id;
	bool has_key;
	unsigned n;                    /* of its key */
	struct rtta_session_run key;
	int64_t first_ns;              /* earliest clock that was noted */
	uint64_t last;                 /* furthest sample that was noted */
	int64_t offset_ns;             /* with key: time along the runs at key.first */
};

struct rtta_runs {
	bool has_cut, has_end;
	struct rtta_session_cut cut;
	struct rtta_session_end end;
	struct rtta_run *run;          /* in order: keys by n, then by clock and id */
	size_t count;
};

/* All zero is empty. */
void rtta_runs_done(struct rtta_runs *runs);

/* Apply the key "<what>.<S>" or "run.<S>.<rest>"; others are ignored, value
 * is borrowed.  1: the order is another one, 0, or -1 with EX_DATAERR. */
int rtta_runs_key(struct rtta_runs *runs, const char *what, const char *rest, jv value,
    struct rtta_err *err);

/* A record lies there, and begins at start_ns.  True: the order is another
 * one, or a run without a key begins earlier than was known. */
bool rtta_runs_note(struct rtta_runs *runs, struct rtta_span span, int64_t start_ns);

/* The run's index, or count. */
size_t rtta_runs_find(const struct rtta_runs *runs, uint64_t id);

/*
 * What of run i belongs to the session; reached: the furthest sample that is
 * known of it, for the last run of a session without an end.  False when
 * neither a key nor the cut tells where it begins.
 */
bool rtta_runs_extent(const struct rtta_runs *runs, size_t i, uint64_t reached,
    struct rtta_span *extent);

/* Something was lost between run i - 1 and run i, as far as the keys tell. */
bool rtta_runs_has_hole(const struct rtta_runs *runs, size_t i);

/* How long that was; 0 where nothing was lost, or where the wall clock was
 * set back meanwhile. */
int64_t rtta_runs_hole_us(const struct rtta_runs *runs, size_t i);

/* Sound ended before the session did: behind *at, at end.sound_us. */
bool rtta_runs_has_tail(const struct rtta_runs *runs, struct rtta_pos *at);

uint32_t rtta_run_rate_hz(const struct rtta_run *run);

#endif

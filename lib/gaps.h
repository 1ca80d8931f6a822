/*
 * gaps - what a session should have, what it lacks, and why.
 *
 * Fed with the keys of system_state that are of one session, it knows where
 * each run of the session begins and ends, and lists what a set of covered
 * intervals leaves out, with the reasons that notes give.  Whether that may
 * be called a gap yet is not its business.  Pure: no bus, no clock.
 */
#ifndef RTTA_GAPS_H
#define RTTA_GAPS_H

#include <jv.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "position.h"

struct rtta_cover;
struct rtta_err;
struct rtta_gaps;

struct rtta_gaps *rtta_gaps_new(void);
void rtta_gaps_free(struct rtta_gaps *gaps);

/* A key of the session: "cut", "end", "run", "flush", "note"; others are
 * ignored.  rest is what stands behind the id ("3", "route-..."); value is
 * borrowed.  0, or -1 with EX_DATAERR. */
int rtta_gaps_key(struct rtta_gaps *gaps, const char *what, const char *rest, jv value,
    struct rtta_err *err);

bool rtta_gaps_has_cut(const struct rtta_gaps *gaps);
bool rtta_gaps_has_end(const struct rtta_gaps *gaps);

/* Pre-roll is still being copied, as far as keys tell. */
bool rtta_gaps_flushing(const struct rtta_gaps *gaps);

struct rtta_gap {
	struct rtta_span span;         /* first = last: between runs, or no run at all */
	int channel;                   /* that lacks it; -1: all are one */
	int64_t start_ns, end_ns;
	double ns_per_position;
	bool unkept;                   /* off the record up to its end: nobody has it */
	char reason[128];
};

/*
 * What is lacking, in order; the caller frees *list with free(3).  channels
 * that are kept apart have a set each in covered; 0: one set of all.
 */
size_t rtta_gaps_missing(const struct rtta_gaps *gaps,
    const struct rtta_cover *const covered[], int channels, struct rtta_gap **list);

/* What was lost on all channels between runs, and behind the last one; and the whole, of an
 * ended session that never had a frame. */
size_t rtta_gaps_breaks(const struct rtta_gaps *gaps, struct rtta_gap **list);

#endif

/*
 * transcript - the records of one session in their one order.
 *
 * Order: (n of the run, first, channel, seq), never the wall clock.  Records
 * may come in any order; the result is the same.  A revision-1 record whose
 * middle lies under revision 2 is not shown.  lib/ledger.h counts them.
 * Pure: no bus, no clock.  serve and export share it.
 */
#ifndef RTTA_TRANSCRIPT_H
#define RTTA_TRANSCRIPT_H

#include <jv.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record.h"
#include "session.h"

struct rtta_err;
struct rtta_transcript;

struct rtta_transcript *rtta_transcript_new(const char *session_id);
void rtta_transcript_free(struct rtta_transcript *transcript);

/* Apply a key of system_state that is of this session ("cut.<S>", ...);
 * value is borrowed.  Others are ignored.  0, or -1 with EX_DATAERR. */
int rtta_transcript_key(struct rtta_transcript *transcript, const char *key, jv value,
    struct rtta_err *err);

/* Add a final record: a copy, or all that it holds (then rtta_record_done()
 * is still the caller's).  One with a seq that is there already is ignored. */
void rtta_transcript_take(struct rtta_transcript *transcript, struct rtta_record *record);
void rtta_transcript_add(struct rtta_transcript *transcript, const struct rtta_record *record);

/* Shown records in order, silence too: i from 0; NULL behind the last.
 * Borrowed, valid until the next add or key. */
const struct rtta_record *rtta_transcript_at(const struct rtta_transcript *transcript, size_t i);

/*
 * Of the i-th: it is a gap, and not the same as the one before it, on another
 * channel.  *channel: that alone lacks it, or -1.
 */
bool rtta_transcript_is_gap(const struct rtta_transcript *transcript, size_t i, int *channel);

/*
 * Time since the first sample of the session, for players: counted along the
 * runs, so that a wall clock that jumps does not move it; a hole between two
 * runs lasts as long as its clocks say.  Of a record's start and end, and of
 * a sample in it (a word's).  Never negative.
 */
void rtta_transcript_when(const struct rtta_transcript *transcript,
    const struct rtta_record *record, int64_t *from_ns, int64_t *to_ns);
int64_t rtta_transcript_when_sample(const struct rtta_transcript *transcript,
    const struct rtta_record *record, uint64_t sample);

/* It was live, and the backfill lane transcribed it. */
bool rtta_transcript_is_late(const struct rtta_transcript *transcript,
    const struct rtta_record *record);

/*
 * From now on show only what lies in [from_ns, to_ns): by the wall clock, or
 * since the first sample of the session.
 */
void rtta_transcript_crop(struct rtta_transcript *transcript, bool since_first,
    int64_t from_ns, int64_t to_ns);

/* The session's title and start, for headings; NULL and 0 where not known. */
const char *rtta_transcript_title(const struct rtta_transcript *transcript);
int64_t rtta_transcript_start_ns(const struct rtta_transcript *transcript);

#endif

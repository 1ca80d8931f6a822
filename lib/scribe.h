/*
 * scribe - what one connection of an engine says, written down as records.
 *
 * It is told what was sent and what was heard, and makes drafts: a final
 * text covers everything from where the one before ended; stretches without
 * words become silence, merged, when half a minute of it has come together;
 * interim texts come out as records that are not final.  A connection is
 * never sent anything across a hole or a run.  Pure: no bus, no clock.
 */
#ifndef RTTA_SCRIBE_H
#define RTTA_SCRIBE_H

#include <stdbool.h>
#include <stdint.h>

#include "position.h"

struct rtta_draft;
struct rtta_engine_event;
struct rtta_record;
struct rtta_scribe;

enum { RTTA_SCRIBE_SILENCE_S = 30 };  /* at most one silence in so much */

/* Drafts are made from like: session, lane, rev, channel, engine, language. */
struct rtta_scribe *rtta_scribe_new(const struct rtta_record *like, uint32_t rate_hz);
void rtta_scribe_free(struct rtta_scribe *scribe);

/* span was sent next; `samples` of sound stand for it. */
void rtta_scribe_sent(struct rtta_scribe *scribe, struct rtta_span span, uint64_t samples,
    int64_t capture_ns);

/* Text, delta, utterance_end; others change nothing.  event stays the caller's. */
void rtta_scribe_event(struct rtta_scribe *scribe, const struct rtta_engine_event *event);

/* The engine has said all: the rest of what was sent is silence. */
void rtta_scribe_finish(struct rtta_scribe *scribe);

/* The connection broke: what is known to be silent is kept, the rest is not. */
void rtta_scribe_abandon(struct rtta_scribe *scribe);

/* The rest of what was sent is a gap. */
void rtta_scribe_give_up(struct rtta_scribe *scribe, const char *reason);

/* The next draft, the caller's, or NULL. */
struct rtta_draft *rtta_scribe_next(struct rtta_scribe *scribe);

#endif

/*
 * roster - which sessions there are, and how each stands.
 *
 * A session is what session_config, a key of the bucket or a text names.
 * Reads the copy of the bucket; no bus, no clock.
 */
#ifndef RTTA_ROSTER_H
#define RTTA_ROSTER_H

#include <jv.h>

struct rtta_session_config;
struct rtta_state;

/* How one of them stands: the words of rtta_roster(). */
const char *rtta_roster_state(const struct rtta_state *state,
    const struct rtta_session_config *config, const char *id);

/*
 * [{session_id, started_us, state, records, title}], in the order of ids.
 * state: "active"; "waiting" (named, no cut yet); "ending" (no end yet);
 * "ended"; "unknown" (only text).  subjects (taken): "state.subjects" of
 * TEXT_STREAM's STREAM.INFO, or anything else when it is not known.
 */
jv rtta_roster(const struct rtta_state *state,
    const struct rtta_session_config *config, jv subjects);

#endif

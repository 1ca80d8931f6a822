/*
 * standing - the keys of a session that stand, into its transcript.
 *
 * For who has just begun a transcript: what changes later comes out of
 * rtta_state_next().  No bus; nothing waits.
 */
#ifndef RTTA_STANDING_H
#define RTTA_STANDING_H

#include <stddef.h>

struct rtta_state;
struct rtta_transcript;

/* How many there were, also those that cannot be read: these are logged. */
size_t rtta_standing_keys(struct rtta_transcript *transcript,
    const struct rtta_state *state, const char *id);

#endif

/*
 * keys - the keys of sessions, read from the copy of system_state.
 *
 * What session.h decodes and state.h holds, in one step.  Nothing waits.
 */
#ifndef RTTA_KEYS_H
#define RTTA_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "session.h"

struct rtta_state;

/* 0, or -1: it is not there, or not readable. */
int rtta_keys_info(const struct rtta_state *state, const char *id, struct rtta_session_info *info);
int rtta_keys_cut(const struct rtta_state *state, const char *id, struct rtta_session_cut *cut);
int rtta_keys_end(const struct rtta_state *state, const char *id, struct rtta_session_end *end);

int rtta_keys_run(const struct rtta_state *state, const char *id, unsigned n,
    struct rtta_session_run *run);

/* The runs of a session, in order; the caller frees *runs. */
size_t rtta_keys_runs(const struct rtta_state *state, const char *id, uint64_t **runs);

/* Was the key ever there?  One that was pruned leaves its revision. */
bool rtta_keys_ever(const struct rtta_state *state, const char *what, const char *id);

/* Is it there now? */
bool rtta_keys_now(const struct rtta_state *state, const char *what, const char *id);

/*
 * The next session that has a readable cut.  *at starts at 0.  1 with id
 * and *cut filled, or 0.  Valid as rtta_state_key() is.
 */
int rtta_keys_next_cut(const struct rtta_state *state, size_t *at,
    char id[RTTA_SESSION_ID_BYTES], struct rtta_session_cut *cut);

/* Create "<what>.<id>"; takes value.  The number of the write. */
uint64_t rtta_keys_create(struct rtta_state *state, const char *what, const char *id, jv value);

#endif

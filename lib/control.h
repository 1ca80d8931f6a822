/*
 * control - what the buttons do to session_config.
 *
 * The rules of start, stop, off the record and delete, in one place for all
 * who have such a button.  Each decides on the copy that a struct rtta_state
 * holds and returns the value to put above *revision; whose put is refused
 * decides again.  An invalid value with no error: there is nothing to do.
 * What other clients wrote into session_config stays in it.  Off the record
 * outlives sessions: only the button ends it.
 */
#ifndef RTTA_CONTROL_H
#define RTTA_CONTROL_H

#include <jv.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "session.h"

struct rtta_err;
struct rtta_state;

/*
 * session_config as it stands: 1, 0 when there is none (config is idle), -1
 * with EX_DATAERR when it cannot be read.  revision may be NULL.
 */
int rtta_control_config(const struct rtta_state *state,
    struct rtta_session_config *config, uint64_t *revision, struct rtta_err *err);

/* A session is on: ACTIVE, and it has no end. */
bool rtta_control_active(const struct rtta_state *state,
    const struct rtta_session_config *config);

/* Is there a key "what.<id>"? */
bool rtta_control_has(const struct rtta_state *state, const char *what, const char *id);

/*
 * Start the session id (title may be NULL).  EX_TEMPFAIL while one is on or
 * the one before has no cut, EX_CANTCREAT when id was a session already.
 */
jv rtta_control_start(const struct rtta_state *state, const char *id,
    const char *title, int64_t preroll_s, int64_t now_us, uint64_t *revision,
    struct rtta_err *err);

/*
 * Stop the session id, NULL: the one that is on.  EX_NOINPUT when it is not;
 * nothing to do when it has been stopped.  A session_config that cannot be
 * read is replaced when id is given.
 */
jv rtta_control_stop(const struct rtta_state *state, const char *id,
    uint64_t *revision, struct rtta_err *err);

/* Go off the record from now on, or on it again. */
jv rtta_control_off_record(const struct rtta_state *state, bool off,
    int64_t now_us, uint64_t *revision, struct rtta_err *err);

/* Name the session id no longer.  EX_TEMPFAIL while it is on. */
jv rtta_control_forget(const struct rtta_state *state, const char *id,
    uint64_t *revision, struct rtta_err *err);

/* Purge every key of the session id.  Returns how many writes that are. */
size_t rtta_control_purge(struct rtta_state *state, const char *id);

#endif

/*
 * control - what the buttons do to session_config.
 *
 * The rules of start, stop, off the record and delete, in one place for all
 * who have such a button.  They decide on the copy that a struct rtta_state
 * holds; what other clients wrote into session_config stays in it.  Off the
 * record outlives sessions: only its button ends it.
 */
#ifndef RTTA_CONTROL_H
#define RTTA_CONTROL_H

#include <jv.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rtta_err;
struct rtta_session_config;
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

struct rtta_button {
	enum rtta_button_kind {
		/* The session id.  EX_TEMPFAIL while one is on or the one
		 * before has no cut, EX_CANTCREAT when id was one already. */
		RTTA_BUTTON_START,
		/* The session id, NULL: the one that is on.  EX_NOINPUT when
		 * it is not.  A session_config that cannot be read is
		 * replaced when id is given. */
		RTTA_BUTTON_STOP,
		RTTA_BUTTON_OFF_RECORD,
		RTTA_BUTTON_ON_RECORD,
		/* Name the session id no longer, EX_TEMPFAIL while it is on:
		 * what is named is given its keys by rtta-route. */
		RTTA_BUTTON_FORGET
	} kind;
	const char *id, *title;  /* borrowed; title: start's, may be NULL */
	int64_t preroll_s;       /* start's */
	int64_t now_us;          /* when it was pressed */
};

/*
 * The value to put above *revision; whose put is refused decides again.
 * Invalid with no error: there is nothing to do.
 */
jv rtta_control_decide(const struct rtta_state *state,
    const struct rtta_button *button, uint64_t *revision, struct rtta_err *err);

/*
 * Decide, put and wait, for tools that do one thing and leave.  1: stored,
 * 0: nothing to do, -1 with *err (EX_TEMPFAIL also when no answer comes: then
 * it is not known).
 */
int rtta_control_press(struct rtta_state *state, const struct rtta_button *button,
    struct rtta_err *err);

/* Create deleted.<id>: what still comes of it is dropped.  Waits.  0, or -1. */
int rtta_control_bury(struct rtta_state *state, const char *id, int64_t now_us,
    struct rtta_err *err);

/*
 * Purge every key of the session id, and wait for each: a purge makes
 * nats-server forget to deliver what it has just stored before it.  How many,
 * or -1.
 */
int rtta_control_purge(struct rtta_state *state, const char *id, struct rtta_err *err);

#endif

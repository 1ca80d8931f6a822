/*
 * state - the bucket system_state: a copy that follows, and writes that are
 * compared before they are set.
 *
 * All keys are held in memory; a reader follows the bucket, and a slow poll
 * bounds how stale the copy can be (2 s).  A write is a message of a
 * publisher with Nats-Expected-Last-Subject-Sequence; its outcome comes out
 * of rtta_state_result().  A value of more than 64 KiB or that is no JSON
 * object is kept as "unreadable" and reported once, except session_config,
 * which is for its readers to report.
 * Belongs to main's thread; nothing waits.
 */
#ifndef RTTA_STATE_H
#define RTTA_STATE_H

#include <jv.h>
#include <stdbool.h>
#include <stdint.h>

struct rtta_bus;
struct rtta_err;
struct rtta_state;

struct rtta_state *rtta_state_new(struct rtta_bus *bus);
void rtta_state_free(struct rtta_state *state);

/* Call in every turn of the loop, then rtta_state_next() until 0: once loaded,
 * no more than 1024 changes are kept for it, and the rest waits.  Returns ms
 * until it wants to be called. */
int rtta_state_tick(struct rtta_state *state);

/* The values that stood at the start are all here. */
bool rtta_state_loaded(const struct rtta_state *state);

struct rtta_state_change {
	const char *key;    /* "session_config"; valid until the next call */
	uint64_t revision;
	bool deleted;
	bool readable;      /* false: neither deleted nor a JSON object */
	jv value;           /* the caller frees it; invalid when !readable or deleted */
};

/* What changed, in order; the copy below is already up to date with it. */
int rtta_state_next(struct rtta_state *state, struct rtta_state_change *change);

/* A key's value from the copy (caller frees; invalid when absent, deleted or
 * unreadable, which has a message that says why).  revision (may be NULL): 0 when it never was. */
jv rtta_state_get(const struct rtta_state *state, const char *key, uint64_t *revision);

/* When the key was stored, and now, by the server's wall clock; 0: not known. */
int64_t rtta_state_stored_ns(const struct rtta_state *state, const char *key);
int64_t rtta_state_server_ns(const struct rtta_state *state);

/* The next key that starts with prefix and is not deleted, or NULL; *at
 * starts at 0.  Valid until the next tick. */
const char *rtta_state_key(const struct rtta_state *state, const char *prefix, size_t *at);

/*
 * Write if the key's revision is still `revision` (0: it does not exist).
 * value is taken.  Returns the number of the write.  A key being written is
 * written again until it is stored or refused.
 */
uint64_t rtta_state_put(struct rtta_state *state, const char *key, jv value,
    uint64_t revision);

/*
 * Create a key that is never overwritten: where it stands already with an
 * equal value that is success, with another one the result says so.
 */
uint64_t rtta_state_create(struct rtta_state *state, const char *key, jv value);

/* Remove a key with all its revisions (KV-Operation: PURGE, rollup). */
uint64_t rtta_state_purge(struct rtta_state *state, const char *key);

enum rtta_state_outcome {
	RTTA_STATE_STORED,   /* or stood there, equal */
	RTTA_STATE_REFUSED   /* another value stands: read it from the copy */
};

struct rtta_state_result {
	uint64_t number;     /* as returned by put or create */
	char key[160];
	enum rtta_state_outcome outcome;
};

/* Outcomes, in any order; a refused one only when the copy has the value
 * that stands.  1 or 0. */
int rtta_state_result(struct rtta_state *state, struct rtta_state_result *result);

/* Writes without an outcome yet. */
size_t rtta_state_pending(const struct rtta_state *state);

/*
 * For tools that do one thing and leave: wait until all is loaded, and until
 * no write is pending.  What changed is left for rtta_state_next().  0, or
 * -1 with EX_UNAVAILABLE (no bucket) or EX_TEMPFAIL (no answer in time).
 */
int rtta_state_load(struct rtta_state *state, int timeout_ms, struct rtta_err *err);
int rtta_state_settle(struct rtta_state *state, int timeout_ms, struct rtta_err *err);

#endif

/*
 * hub - the watched sessions and their readers.
 *
 * A watched session has one ordered reader of TEXT_STREAM, its records once
 * as JSON, its newest interim texts, and its state.  Any number of readers
 * share it: a reader is a place in that, not a queue, so a slow one costs
 * nothing, holds nobody up, and misses nothing but interim text that has
 * been replaced meanwhile.  The current session is watched always, so that
 * its history can be served while the bus is away; another one is let go
 * after a while without readers.
 *
 * Knows neither sockets nor HTTP.  Belongs to main's thread; nothing waits.
 */
#ifndef RTTA_HUB_H
#define RTTA_HUB_H

#include <jv.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct rtta_bus;
struct rtta_err;
struct rtta_hub;
struct rtta_hub_reader;
struct rtta_session_config;
struct rtta_state;
struct rtta_state_change;
struct rtta_transcript;

enum {
	RTTA_HUB_WATCHED_MAX = 64,            /* sessions at once */
	RTTA_HUB_MESSAGE_MAX_BYTES = 1 << 19, /* no record becomes longer JSON */
	RTTA_HUB_IDLE_MS = 10 * 60 * 1000     /* unwatched sessions stay so long */
};

/* One JSON text, the same bytes for every reader. */
struct rtta_hub_message {
	uint64_t seq;   /* of a stored record; 0 for all else */
	size_t bytes;
	char text[];    /* without a newline */
};

/* state is borrowed and must outlive the hub. */
struct rtta_hub *rtta_hub_new(struct rtta_bus *bus, struct rtta_state *state,
    struct rtta_err *err);
void rtta_hub_free(struct rtta_hub *hub);

/* Call in every turn of the loop.  Returns ms until it wants to be called. */
int rtta_hub_tick(struct rtta_hub *hub);

/* Pass on each change of the bucket (borrowed). */
void rtta_hub_change(struct rtta_hub *hub, const struct rtta_state_change *change);

/*
 * What is stored of each subject, {"transcript.raw.<S>": n} (borrowed).  A
 * session that is missing there twice in a row was deleted or has expired,
 * and goes from memory.  True: ask again soon.
 */
bool rtta_hub_stored(struct rtta_hub *hub, jv subjects);

/* What session_config says, copied; its session, the active or the last one,
 * is the current one. */
void rtta_hub_set_config(struct rtta_hub *hub, const struct rtta_session_config *config);

/* What every reader hears of the tools, {"event":"box", ...} (taken). */
void rtta_hub_set_box(struct rtta_hub *hub, jv box);

/* --- readers --- */

/*
 * Join a session (empty or NULL: the current one) behind the record `after`.
 * A reader that follows goes on to the next session when one becomes
 * current, from its beginning.  NULL: too many sessions are watched.
 */
struct rtta_hub_reader *rtta_hub_join(struct rtta_hub *hub, const char *id, uint64_t after,
    bool follow);
void rtta_hub_leave(struct rtta_hub_reader *reader);

/* Is there anything for this reader? */
bool rtta_hub_pending(struct rtta_hub_reader *reader);

/* The next message, or NULL; borrowed until the next call on the hub. */
const struct rtta_hub_message *rtta_hub_next(struct rtta_hub_reader *reader);

/* True once after something changed that readers may want. */
bool rtta_hub_stirred(struct rtta_hub *hub);

/* --- a session as a whole --- */

enum rtta_hub_answer {
	RTTA_HUB_READY,
	RTTA_HUB_LOADING,   /* ask again */
	RTTA_HUB_UNKNOWN,   /* nothing is known of such a session */
	RTTA_HUB_FULL       /* too many sessions are watched */
};

/* The transcript of a session with everything that is stored (borrowed until
 * the next tick). */
enum rtta_hub_answer rtta_hub_transcript(struct rtta_hub *hub, const char *id,
    const struct rtta_transcript **transcript);

/* The ledger of a session that is watched and complete, else invalid. */
jv rtta_hub_ledger(struct rtta_hub *hub, const char *id);

/* For /metrics: the ledgers of sessions that are watched and complete. */
void rtta_hub_metrics(const struct rtta_hub *hub, FILE *out);
struct rtta_hub_counts {
	size_t watched, readers, records;
	uint64_t interim, resets, unreadable;
};
void rtta_hub_counts(const struct rtta_hub *hub, struct rtta_hub_counts *counts);

#endif

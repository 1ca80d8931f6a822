/*
 * hub - the sessions that are watched, and what everybody hears.
 *
 * A session is watched when somebody listens to it or asks for it.  The
 * current one is watched always, so that its history can be served while the
 * bus is away; another one is let go after a while without listeners.
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
struct rtta_message;
struct rtta_session_config;
struct rtta_state;
struct rtta_state_change;
struct rtta_transcript;
struct rtta_watch;

enum {
	RTTA_HUB_WATCHED_MAX = 64,         /* sessions at once */
	RTTA_HUB_IDLE_MS = 10 * 60 * 1000, /* unwatched sessions stay so long */
	RTTA_HUB_ASKED_MS = 2000           /* or, above the ceiling of memory, so long */
};

/* state is borrowed and must outlive the hub. */
struct rtta_hub *rtta_hub_new(struct rtta_bus *bus, struct rtta_state *state,
    struct rtta_err *err);
void rtta_hub_free(struct rtta_hub *hub);

/* Above so many bytes of all sessions together those go that nobody listens
 * to, the least recently read one first. */
void rtta_hub_set_ceiling(struct rtta_hub *hub, size_t max_bytes);

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

/* True once after something changed that listeners may want. */
bool rtta_hub_stirred(struct rtta_hub *hub);

/* --- for listeners --- */

/* The session's watch, made if need be; NULL: too many. */
struct rtta_watch *rtta_hub_watch(struct rtta_hub *hub, const char *id);

/* The id of the current session; empty: there is none yet. */
const char *rtta_hub_current(const struct rtta_hub *hub);

/* What every listener hears (borrowed until the next tick), and its version. */
const struct rtta_message *rtta_hub_box(const struct rtta_hub *hub, uint64_t *version);

/* What stands for a session while there is none: {"event":"session"} with
 * null, and {"event":"live"}. */
const struct rtta_message *rtta_hub_nobody(const struct rtta_hub *hub);
const struct rtta_message *rtta_hub_nobody_live(const struct rtta_hub *hub);

/* One more or one less, for the counts. */
void rtta_hub_count_listener(struct rtta_hub *hub, int change);

/* --- a session as a whole --- */

enum rtta_hub_answer {
	RTTA_HUB_READY,
	RTTA_HUB_LOADING,   /* ask again */
	RTTA_HUB_UNKNOWN,   /* nothing is known of such a session */
	RTTA_HUB_FULL       /* too many sessions are watched */
};

/* The transcript of a session with everything that is stored (borrowed until
 * the next tick), and its version, which no other one has. */
enum rtta_hub_answer rtta_hub_transcript(struct rtta_hub *hub, const char *id,
    const struct rtta_transcript **transcript, uint64_t *version);

/* The ledger of a session that is watched and complete, else invalid. */
jv rtta_hub_ledger(struct rtta_hub *hub, const char *id);

/* For /metrics: the ledgers of sessions that are watched and complete. */
void rtta_hub_metrics(const struct rtta_hub *hub, FILE *out);
struct rtta_hub_counts {
	size_t watched, readers, records, bytes;
	uint64_t interim, resets, unreadable;
};
void rtta_hub_counts(const struct rtta_hub *hub, struct rtta_hub_counts *counts);

#endif

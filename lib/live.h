/*
 * live - the live lane's side of route: frames and EOS of sessions, kept
 * until they are stored.  Belongs to main's thread; nothing waits.
 */
#ifndef RTTA_LIVE_H
#define RTTA_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "position.h"
#include "session.h"

struct rtta_audio;
struct rtta_bus;
struct rtta_held;
struct rtta_live;

struct rtta_live *rtta_live_new(struct rtta_bus *bus);
void rtta_live_free(struct rtta_live *live);

/*
 * What waits for more than three seconds, because the bus is away or takes
 * nothing, is given to keep as well, each frame once and then those that come,
 * so that it outlives a kill; not what held says is kept already.  NULL: forget
 * all of it.
 */
void rtta_live_keep(struct rtta_live *live,
    void (*keep)(void *context, const struct rtta_audio *audio), void *context);

/* Takes held. */
void rtta_live_frame(struct rtta_live *live, const char *id, struct rtta_held *held);

/* The session's live lane is over. */
void rtta_live_eos(struct rtta_live *live, const char *id, const struct rtta_session_end *end);

/* Call in every turn of the loop.  Returns ms until it wants to be called. */
int rtta_live_tick(struct rtta_live *live);

/* Messages that are not stored yet, and their payload bytes. */
size_t rtta_live_pending(const struct rtta_live *live, size_t *bytes);

/* Much is on its way, and it moves: more input can wait for it. */
bool rtta_live_is_busy(const struct rtta_live *live);

/* The error that is being retried, or 0. */
int rtta_live_trouble(const struct rtta_live *live);

/*
 * The next stretch of a session that the bus will never take (a frame that is
 * too large for it, and the like), as the note that says so.  1 or 0.
 */
int rtta_live_refusal(struct rtta_live *live, char id[RTTA_SESSION_ID_BYTES],
    struct rtta_session_note *note);

/* There was one within the last minute. */
bool rtta_live_is_refused(const struct rtta_live *live);

uint64_t rtta_live_stored(const struct rtta_live *live);

/*
 * Off the record: drop what was captured in [from_us, to_us).  True with
 * *first and *first_us of the oldest that was dropped.
 */
bool rtta_live_drop(struct rtta_live *live, int64_t from_us, int64_t to_us,
    struct rtta_pos *first, int64_t *first_us);

/* At the end: calls keep for each frame that is not stored, oldest first. */
void rtta_live_take_back(struct rtta_live *live,
    void (*keep)(void *context, const struct rtta_audio *audio), void *context);

#endif

/*
 * listener - what one reader has heard of a session, and what comes next.
 *
 * Any number of readers share a watch: each is a place in its messages, not a
 * queue, so a slow one costs nothing, holds nobody up, and misses nothing but
 * interim text that has been replaced meanwhile.
 *
 * Knows neither sockets nor HTTP.  Belongs to main's thread.
 */
#ifndef RTTA_LISTENER_H
#define RTTA_LISTENER_H

#include <stdbool.h>
#include <stdint.h>

struct rtta_hub;
struct rtta_listener;
struct rtta_message;

/*
 * Listen to a session (empty: the current one) from behind the record
 * `after`.  Who follows goes on to the next session when one becomes current,
 * from its beginning.  NULL: too many sessions are watched.
 */
struct rtta_listener *rtta_listener_new(struct rtta_hub *hub, const char *id, uint64_t after,
    bool follow);
void rtta_listener_free(struct rtta_listener *listener);

/* Is there anything to hear? */
bool rtta_listener_pending(struct rtta_listener *listener);

/* The next message, or NULL; borrowed until the next call on the hub. */
const struct rtta_message *rtta_listener_next(struct rtta_listener *listener);

#endif

/*
 * lease - one writer to a room.
 *
 * The key route of system_state names the rtta-route whose sound goes into
 * the room; a second one waits for its turn.  Two that share a directory see
 * each other's lock on it, so that the next one has the lease at once when
 * the last is killed.  Anywhere else the holder is asked: when nobody listens
 * any more (twice, 2 s apart: the server knows at once who was killed), or
 * when no answer comes for 10 s, the key is taken over, by compare-and-set.
 *
 * A holder that was stopped, or was cut off from the bus, cannot know
 * whether it still is one: UNSURE until it has read the key again.  What it
 * had already handed to the library may still go out then; that does no
 * harm, because ids and positions are its own.
 *
 * Belongs to main's thread; nothing waits.
 */
#ifndef RTTA_LEASE_H
#define RTTA_LEASE_H

#include <stdbool.h>
#include <stdint.h>

struct rtta_bus;
struct rtta_lease;
struct rtta_state;
struct rtta_state_result;

enum rtta_lease_standing {
	RTTA_LEASE_WAITING,  /* somebody else's: touch nothing */
	RTTA_LEASE_HELD,
	RTTA_LEASE_UNSURE,   /* send nothing */
	RTTA_LEASE_LOST      /* for good: somebody else has it now */
};

/* dir: made if it is not there, and kept; one that cannot be locked is no
 * reason to wait.  The state stays the caller's. */
struct rtta_lease *rtta_lease_new(struct rtta_bus *bus, struct rtta_state *state,
    const char *dir);
void rtta_lease_free(struct rtta_lease *lease);

/* Call in every turn of the loop, behind rtta_state_tick().  now_ms: the
 * monotonic clock.  Returns ms until it wants to be called. */
int rtta_lease_tick(struct rtta_lease *lease, int64_t now_ms);

/* A write of the state's has an outcome.  False: it was not the lease's. */
bool rtta_lease_result(struct rtta_lease *lease, const struct rtta_state_result *result);

enum rtta_lease_standing rtta_lease_standing(const struct rtta_lease *lease);

/* Waiting, and it is known for whom: people were told. */
bool rtta_lease_is_taken(const struct rtta_lease *lease);

#endif

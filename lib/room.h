/*
 * room - what rtta-serve knows of its room.
 *
 * The bucket and what session_config asks for, the list of sessions, which
 * tools live, and the two buttons.  Owns the hub and passes it what it
 * needs.  Belongs to main's thread; nothing waits.
 */
#ifndef RTTA_ROOM_H
#define RTTA_ROOM_H

#include <jv.h>
#include <stdbool.h>
#include <stdint.h>

#include "session.h"

struct rtta_bus;
struct rtta_err;
struct rtta_hub;
struct rtta_room;

struct rtta_room *rtta_room_new(struct rtta_bus *bus, struct rtta_err *err);
void rtta_room_free(struct rtta_room *room);
struct rtta_hub *rtta_room_hub(struct rtta_room *room);

/* Call in every turn of the loop.  Returns ms until it wants to be called. */
int rtta_room_tick(struct rtta_room *room);

/* The bucket has been read: pages can be served. */
bool rtta_room_loaded(const struct rtta_room *room);

/* [{id, title, started, state, seconds, records, ledger}], newest first. */
jv rtta_room_sessions(struct rtta_room *room);

/* How loud it is: {level_db, mic} as rtta-route said it in the last two
 * seconds, else {}. */
jv rtta_room_level(const struct rtta_room *room);

/* {"status":"ok"} or {"status":"failing","reasons":[...]}, and the tools. */
jv rtta_room_health(const struct rtta_room *room, bool *healthy);

/*
 * The buttons: change session_config by compare-and-set.  The number of the
 * write with *id filled, or 0 with the HTTP status and its sentence.
 * title may be NULL; an id names the session that stop means.
 */
struct rtta_room_refusal {
	int status;
	char why[256];
};
uint64_t rtta_room_start(struct rtta_room *room, const char *title, int64_t preroll_s,
    char id[RTTA_SESSION_ID_BYTES], struct rtta_room_refusal *refusal);
uint64_t rtta_room_stop(struct rtta_room *room, const char *id,
    struct rtta_room_refusal *refusal);
uint64_t rtta_room_off_record(struct rtta_room *room, bool off,
    struct rtta_room_refusal *refusal);

/* How the write went: 1 stored, -1 refused (somebody else was faster), 0 not
 * known yet. */
int rtta_room_outcome(struct rtta_room *room, uint64_t number);

#endif

/*
 * interim - the newest interim text of each (lane, run, channel).
 *
 * A final ends the interim text that it overlaps, and interim text that
 * arrives behind its final is stale: the two come different ways through
 * the bus.  Holds texts that the caller made, as opaque pointers.  Pure.
 */
#ifndef RTTA_INTERIM_H
#define RTTA_INTERIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record.h"

enum { RTTA_INTERIM_MAX = 32 };  /* lanes times channels, in one session */

struct rtta_interim_text {
	void *text;             /* NULL: nothing is open here */
	struct rtta_span span;
	bool backfill;
	int channel;
	uint64_t version;       /* which of all that were put */
};

/* How far live finals go on one (run, channel). */
struct rtta_interim_reach {
	uint64_t run, last;
	int channel;
};

struct rtta_interim {
	struct rtta_interim_text texts[RTTA_INTERIM_MAX];
	struct rtta_interim_reach reaches[RTTA_INTERIM_MAX];
	size_t count, reach_count;
	uint64_t version;       /* of the newest; 0: none yet */
};

/* Forget everything; what was held is freed with free(3). */
void rtta_interim_clear(struct rtta_interim *interim);

/* Is it news, or behind its final already? */
bool rtta_interim_fresh(struct rtta_interim *interim, const struct rtta_record *record);

/* Takes text (freed with free(3)), which stands for record.  False when
 * there is no room: text is freed. */
bool rtta_interim_put(struct rtta_interim *interim, const struct rtta_record *record,
    void *text);

/* A final has come. */
void rtta_interim_final(struct rtta_interim *interim, const struct rtta_record *record);

/* The oldest that is newer than version, or NULL. */
const struct rtta_interim_text *rtta_interim_after(const struct rtta_interim *interim,
    uint64_t version);

#endif

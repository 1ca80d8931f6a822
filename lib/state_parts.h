/*
 * state_parts - what the files of state share: state.c has the copy,
 * state_write.c the writes.
 */
#ifndef RTTA_STATE_PARTS_H
#define RTTA_STATE_PARTS_H

#include <jv.h>
#include <stdbool.h>
#include <stdint.h>

#include "api.h"
#include "publisher.h"
#include "state.h"

#define STREAM "KV_system_state"
#define SUBJECT "$KV.system_state."

enum {
	POLL_MS = 2000,
	ANSWER_MS = 2000
};

struct entry {
	char *key;
	uint64_t revision;
	int64_t stored_ns;      /* by the server's wall clock */
	uint64_t write;         /* number of our write that it is, or 0 */
	bool deleted, readable;
	bool stale;             /* of a bucket that was replaced */
	jv value;
};

struct change;
struct result;
struct write;

struct rtta_state {
	struct rtta_bus *bus;
	struct rtta_reader *reader;
	struct rtta_publisher *publisher;
	struct rtta_api *api;

	struct entry **entries;         /* sorted by key */
	size_t count, size;
	struct change *changes, **changes_end;
	size_t changes_count;
	char *said_key;                 /* of the change given last */
	bool loaded;
	bool sweeping;                  /* stale entries go once the new ones are here */
	uint64_t resets;

	struct write *writes;
	struct result *results, **results_end;
	uint64_t nonce, last_number;

	uint64_t applied_seq;           /* the newest message that came */
	uint64_t target_seq;            /* the newest that the server has */
	uint64_t renewed_seq;           /* target that a renewed reader was for */
	int64_t behind_ms;              /* since when, 0: not */
	int64_t poll_ms;                /* the next one, 0: one is open */
	char created[64];
};

struct entry *rtta_state_find(const struct rtta_state *state, const char *key);

/* It is not there any more, and that is a change. */
void rtta_state_remove(struct rtta_state *state, struct entry *entry);

/* --- state_write.c --- */

/* The number of our write that left this message, or 0. */
uint64_t rtta_state_own_number(const struct rtta_state *state, natsMsg *msg);

void rtta_state_take_puback(struct rtta_state *state, const struct rtta_puback *ack);

/* What stands where a write was refused. */
void rtta_state_take_standing(struct rtta_state *state, const struct rtta_answer *answer);

/* Compare with the copy, ask again.  Returns ms until it wants to be called. */
int rtta_state_settle_writes(struct rtta_state *state);

void rtta_state_free_writes(struct rtta_state *state);

#endif

/*
 * patience - since when has speech that was sent waited for an answer?
 *
 * It is told what was sent to an engine and up to where it has answered.
 * What a connection owed when it broke, the next one owes from the start.
 * Pure: the caller brings the time.
 */
#ifndef RTTA_PATIENCE_H
#define RTTA_PATIENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	RTTA_PATIENCE_MARKS = 64,
	RTTA_PATIENCE_MARK_MS = 250     /* so exact it is */
};

struct rtta_patience {
	struct { double start_s; int64_t ms; } marks[RTTA_PATIENCE_MARKS];
	size_t count;
	double sent_s;                  /* on this connection */
	int64_t owed_ms;                /* the connection before owed since then; 0: nothing */
	int64_t away_ms;                /* no connection has lasted since then; 0: one does */
	int64_t begun_ms;
};
void rtta_patience_init(struct rtta_patience *patience);

/* A connection begins. */
void rtta_patience_begin(struct rtta_patience *patience, int64_t now_ms);

/* Sound was sent; loud: somebody speaks in it. */
void rtta_patience_sent(struct rtta_patience *patience, double seconds, bool loud,
    int64_t now_ms);

/* An answer up to end_s of this connection's sound; NAN: to all of it. */
void rtta_patience_heard(struct rtta_patience *patience, double end_s);

/* It broke, or could not be made. */
void rtta_patience_broken(struct rtta_patience *patience, int64_t now_ms);

/* How long speech has waited, or an engine was away; 0: neither. */
int64_t rtta_patience_tried_ms(const struct rtta_patience *patience, bool connected,
    int64_t now_ms);

#endif

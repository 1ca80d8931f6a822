/*
 * excerpt - which frames of PRE_BUFFER are the pre-roll that a cut names.
 *
 * Takes frames in the order of the stream and says of each whether it is to
 * be copied: from first to last in the order of the session's runs, a repeat
 * not again.  Counts what was copied and what is missing.  Pure.
 */
#ifndef RTTA_EXCERPT_H
#define RTTA_EXCERPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "position.h"

struct rtta_frame;
struct rtta_session_cut;

struct rtta_excerpt {
	uint64_t *runs;          /* in order */
	size_t n_runs;
	size_t first_n, last_n;  /* runs of the first and the last frame */
	struct rtta_pos first, last;

	bool begun, done;        /* done: the last frame has come */
	size_t n;                /* run of what was copied last */
	struct rtta_pos next;    /* behind it */
	int64_t next_ns;         /* its wall clock */
	int64_t copied_samples, copied_ns, holes;
};

/* runs: as many as the session has; taken. */
void rtta_excerpt_init(struct rtta_excerpt *excerpt, const struct rtta_session_cut *cut,
    uint64_t *runs, size_t n_runs);
void rtta_excerpt_done(struct rtta_excerpt *excerpt);

/*
 * 1: copy it.  2: copy it, and sound is missing just before it, from *gap
 * on.  0: it is not of the pre-roll, or a repeat.
 */
int rtta_excerpt_offer(struct rtta_excerpt *excerpt, const struct rtta_frame *frame,
    struct rtta_pos *gap);

#endif

/*
 * pause - where speech can be cut without cutting a word.
 *
 * A frame that is quiet is often the closure of a stop consonant; between
 * words that belong to different breaths it is quiet for longer.  What is
 * quiet follows from the levels around, so that it holds in a hall as in a
 * studio.  Pure: it sees loudness and lengths only.
 */
#ifndef RTTA_PAUSE_H
#define RTTA_PAUSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RTTA_PAUSE_PAST_NS INT64_C(10000000000)  /* so much before tells what is quiet */
#define RTTA_PAUSE_SEEK_NS INT64_C(4000000000)   /* so long it is looked for at most */

struct rtta_pause_frame {
	double level_db;
	int64_t ns;
};

/*
 * The best frame to begin with among frames[from] to frames[count - 1];
 * those before `from` are the past.  The longer the search, the shorter the
 * pause that will do; behind RTTA_PAUSE_SEEK_NS, or with must, there is
 * always an answer.  True with *at, or false: wait for more frames.
 */
bool rtta_pause_find(const struct rtta_pause_frame *frames, size_t count, size_t from,
    bool must, size_t *at);

#endif

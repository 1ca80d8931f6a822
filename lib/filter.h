/*
 * filter - frames on stdin, records as JSON Lines on stdout, no bus.
 *
 * What was printed is covered.  Reads no more than a few seconds ahead of
 * the engine.  Has its own loop, which ends with the input, with a signal or
 * when nobody reads any more.
 */
#ifndef RTTA_FILTER_H
#define RTTA_FILTER_H

#include <stdbool.h>
#include <stddef.h>

struct rtta_books;
struct rtta_err;
struct rtta_lane;

/* interim: records that are not final, too.  split: the first frame's
 * channels are kept apart.  hold_bytes: beyond it the
 * engine has to settle what it has.  What came before broken input is still
 * said; then *err has EX_DATAERR. */
void rtta_filter_run(struct rtta_lane *lane, struct rtta_books *books, int sig_fd, bool interim,
    bool split, size_t hold_bytes, struct rtta_err *err);

#endif

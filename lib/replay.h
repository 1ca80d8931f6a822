/*
 * replay - frames of a recording become a session, through the backfill lane.
 *
 * Writes all keys of the session itself; those that say that it is over come
 * last, when every frame is acknowledged, so that one that broke off can be
 * done again.  The same frames again change nothing.
 */
#ifndef RTTA_REPLAY_H
#define RTTA_REPLAY_H

#include <stdbool.h>

struct rtta_bus;
struct rtta_err;
struct rtta_state;

struct rtta_replay_options {
	const char *session;
	const char *title;    /* NULL: none */
	bool split;           /* keep channels apart */
};

/*
 * Frames come on stdin.  Waits until all is stored, or for the signal.
 * 0, or -1: EX_DATAERR for broken input (what came before it is kept) or a
 * session that is another sound, EX_TEMPFAIL when it was stopped.
 */
int rtta_replay(struct rtta_bus *bus, struct rtta_state *state, int sig_fd,
    const struct rtta_replay_options *options, struct rtta_err *err);

#endif

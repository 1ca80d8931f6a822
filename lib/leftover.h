/*
 * leftover - what one route leaves for the next, in files of frames.
 *
 *     <state>/unsent.<session>.frames   cut already, to be sent; also, should the
 *                                       process be killed, what has to wait
 *     <state>/unsent.frames             waited for a cut: the start of the input
 *     <runtime>/preroll.frames          to go into the window
 *     <runtime>/next.frames             came after an end that was not stored
 *     <runtime>/seek.frames             waited for a cut, should the process be
 *                                       killed then: the start of the input
 *
 * The state directory is a disk, the runtime directory is memory: sound
 * that nobody asked to keep stays out of the former.  What the disk does not
 * take goes into the latter.  A file stands until all that was in it is
 * stored.
 */
#ifndef RTTA_LEFTOVER_H
#define RTTA_LEFTOVER_H

#include <stdbool.h>
#include <stddef.h>

#include "session.h"

struct rtta_audio;
struct rtta_err;
struct rtta_frame;
struct rtta_live;
struct rtta_preroll;
struct rtta_state;
struct rtta_switch;
struct rtta_window;

struct rtta_leftover {
	const char *state_dir, *runtime_dir;
	bool is_left;    /* there are files */
	int seek_fd;     /* of seek.frames, 0: not open */
	size_t seek_bytes;
	int live_fd;     /* of unsent.<live_id>.frames, 0: not open, -1: it takes nothing */
	char live_id[RTTA_SESSION_ID_BYTES];
};

/* What was captured off the record is left out. */
void rtta_leftover_load_live(struct rtta_leftover *leftover, struct rtta_live *live,
    struct rtta_switch *sw);
void rtta_leftover_load_preroll(struct rtta_leftover *leftover, struct rtta_window *window);

/* Into the switch, except live sound of sessions that are over. */
struct rtta_leftover_to {
	const struct rtta_state *state;
	struct rtta_live *live;
	struct rtta_switch *sw;
	struct rtta_window *window;
};
void rtta_leftover_load_input(struct rtta_leftover *leftover, const struct rtta_leftover_to *to);
bool rtta_leftover_has_next(const struct rtta_leftover *leftover);
void rtta_leftover_load_next(struct rtta_leftover *leftover, const struct rtta_leftover_to *to);

/* Write down a frame that waits for a cut; where that is not possible, not. */
void rtta_leftover_seek(struct rtta_leftover *leftover, const struct rtta_frame *frame);

/* Write down a live frame that waits for the bus, should the process be killed;
 * where that is not possible, not.  audio NULL: forget those of live. */
void rtta_leftover_wait(struct rtta_leftover *leftover, const struct rtta_audio *audio);

/* All is stored: remove the files. */
void rtta_leftover_remove(struct rtta_leftover *leftover);

/* Write down what is not stored; then earlier files, which are in memory, go.
 * *err when a directory takes nothing: frames are lost, earlier files stay. */
void rtta_leftover_save(struct rtta_leftover *leftover, struct rtta_live *live,
    struct rtta_switch *sw, struct rtta_preroll *preroll, struct rtta_window *window,
    struct rtta_err *err);

#endif

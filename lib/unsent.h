/*
 * unsent - frames that outlive their process, in a file.
 *
 * A file of frames, as rtta-frame(5) has them.  It appears whole (written
 * aside, synced, renamed) or not at all.  Knows nothing of the bus.
 */
#ifndef RTTA_UNSENT_H
#define RTTA_UNSENT_H

#include <stddef.h>

struct rtta_err;
struct rtta_frame;
struct rtta_held;
struct rtta_unsent;

/* dir/name in the making. */
struct rtta_unsent *rtta_unsent_new(const char *dir, const char *name);
void rtta_unsent_free(struct rtta_unsent *unsent);

/* It shall lie in another directory. */
void rtta_unsent_move(struct rtta_unsent *unsent, const char *dir);

/* The payload is copied. */
void rtta_unsent_put(struct rtta_unsent *unsent, const struct rtta_frame *frame);

/*
 * Write the file, if there are frames.  The number of frames, or -1 with
 * EX_IOERR or EX_CANTCREAT; except for a number above 0 an earlier file stands.
 */
long rtta_unsent_save(const struct rtta_unsent *unsent, struct rtta_err *err);

/*
 * The frames of dir/name, oldest first, in *frames (both the caller's; the
 * frames too); 0 when there is no such file.  A broken file gives the
 * frames before the break, and is reported.
 */
size_t rtta_unsent_load(const char *dir, const char *name, struct rtta_held ***frames);

/* Is there nothing to be lost any more: remove it. */
void rtta_unsent_remove(const char *dir, const char *name);

#endif

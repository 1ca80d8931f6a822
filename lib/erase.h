/*
 * erase - the sound of one session leaves AUDIO_STREAM.
 *
 * When nats-server 2.9 purges one subject it forgets what it has delivered
 * of all the others, and skips what it has not.  So the lanes' durables go
 * after it: whoever reads a lane makes a new one, and is given everything
 * that is not acknowledged.  For tools that do one thing and leave: it waits.
 */
#ifndef RTTA_ERASE_H
#define RTTA_ERASE_H

#include <stdint.h>

struct rtta_bus;
struct rtta_err;

/* How many frames, or -1 with *err.  No stream is none. */
int64_t rtta_erase_sound(struct rtta_bus *bus, const char *id, struct rtta_err *err);

#endif

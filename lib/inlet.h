/*
 * inlet - frames from standard input, as many as are there, without waiting.
 *
 * A pipe is made large and read without blocking; who shares it finds it as
 * it was.  A terminal is refused.  Belongs to one thread.
 */
#ifndef RTTA_INLET_H
#define RTTA_INLET_H

#include <stdbool.h>
#include <stddef.h>

struct rtta_err;
struct rtta_frame;
struct rtta_inlet;

/* resync: of a FIFO readers and writers may die inside a frame. */
struct rtta_inlet *rtta_inlet_open(int fd, bool resync, struct rtta_err *err);
void rtta_inlet_close(struct rtta_inlet *inlet);  /* NULL is allowed */

/* Bytes that lie in the pipe now; 0 for anything else. */
size_t rtta_inlet_waiting(const struct rtta_inlet *inlet);

enum rtta_inlet_got {
	RTTA_INLET_BROKEN,  /* *err: EX_DATAERR or EX_IOERR */
	RTTA_INLET_END,
	RTTA_INLET_LATER,   /* nothing whole is there, or much without a frame: poll */
	RTTA_INLET_FRAME
};

/* The next frame; its payload is valid until the next call. */
enum rtta_inlet_got rtta_inlet_next(struct rtta_inlet *inlet, struct rtta_frame *frame,
    struct rtta_err *err);

#endif

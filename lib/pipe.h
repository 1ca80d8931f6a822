/*
 * pipe - the end of a pipe, for ourselves.
 *
 * O_NONBLOCK belongs to the open file description, and systemd gives the
 * same one to both ends of a FIFO, and clears the flag for whom it starts.
 */
#ifndef RTTA_PIPE_H
#define RTTA_PIPE_H

#include <stdbool.h>

/*
 * Open the pipe behind fd once more, without blocking, and put that in fd's
 * place.  0, or -1 when fd is no pipe or cannot be opened: it is as it was.
 */
int rtta_pipe_unshare(int fd);

/*
 * Be the one writer of the pipe behind fd, until fd is closed: of those who
 * ask.  False: another one is.  What is no pipe needs none.
 */
bool rtta_pipe_claim(int fd);

#endif

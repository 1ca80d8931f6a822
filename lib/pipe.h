/*
 * pipe - the end of a pipe, for ourselves.
 *
 * O_NONBLOCK belongs to the open file description, and systemd gives the
 * same one to both ends of a FIFO, and clears the flag for whom it starts.
 */
#ifndef RTTA_PIPE_H
#define RTTA_PIPE_H

/*
 * Open the pipe behind fd once more, without blocking, and put that in fd's
 * place.  0, or -1 when fd is no pipe or cannot be opened: it is as it was.
 */
int rtta_pipe_unshare(int fd);

#endif

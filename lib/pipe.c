#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipe.h"

/* The last writer of a FIFO has gone: a new reader would never hear of it. */
static int
has_hung_up(int fd)
{
	struct pollfd poll_fd = { .fd = fd };

	return poll(&poll_fd, 1, 0) < 0 || (poll_fd.revents & POLLHUP);
}

int
rtta_pipe_unshare(int fd)
{
	char path[32];
	struct stat st;
	int own_fd, rc;

	if (fstat(fd, &st) < 0 || !S_ISFIFO(st.st_mode))
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	own_fd = open(path, (fcntl(fd, F_GETFL) & O_ACCMODE) | O_NONBLOCK | O_CLOEXEC);
	if (own_fd < 0)
		return -1;
	rc = has_hung_up(fd) || dup2(own_fd, fd) < 0 ? -1 : 0;
	close(own_fd);
	return rc;
}

bool
rtta_pipe_claim(int fd)
{
	struct stat st;

	return fstat(fd, &st) < 0 || !S_ISFIFO(st.st_mode) ||
	    flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
}

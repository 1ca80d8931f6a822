#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipe.h"

#include "check.h"

static bool
blocks(int fd)
{
	return (fcntl(fd, F_GETFL) & O_NONBLOCK) == 0;
}

static bool
hangs_up(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	return poll(&poll_fd, 1, 0) == 1 && (poll_fd.revents & POLLHUP);
}

static void
test_pipe(void)
{
	int fds[2], other;
	char byte = 0;

	CHECK_INT(pipe(fds), 0);
	other = dup(fds[0]);
	CHECK_INT(rtta_pipe_unshare(fds[0]), 0);
	CHECK_INT(rtta_pipe_unshare(fds[1]), 0);
	CHECK_INT(blocks(fds[0]), false);
	CHECK_INT(blocks(fds[1]), false);
	CHECK_INT(blocks(other), true);
	CHECK_INT(write(fds[1], "x", 1), 1);
	CHECK_INT(read(fds[0], &byte, 1), 1);
	CHECK_INT(byte, 'x');
	CHECK_INT(hangs_up(fds[0]), false);
	close(fds[1]);
	CHECK_INT(hangs_up(fds[0]), true);
	close(fds[0]);
	close(other);
}

/* One description for both ends, as systemd does it. */
static void
test_fifo(const char *path)
{
	int reader, writer;

	CHECK_INT(mkfifo(path, 0600), 0);
	writer = open(path, O_RDWR);
	reader = dup(writer);
	CHECK_INT(rtta_pipe_unshare(reader), 0);
	CHECK_INT(blocks(reader), false);
	CHECK_INT(blocks(writer), true);
	CHECK_INT(rtta_pipe_unshare(writer), 0);
	fcntl(writer, F_SETFL, 0);
	CHECK_INT(blocks(reader), false);
	close(writer);
	CHECK_INT(hangs_up(reader), false);  /* it holds itself open */
	close(reader);
}

static void
test_fifo_that_ended(const char *path)
{
	int reader = open(path, O_RDONLY | O_NONBLOCK), writer = open(path, O_WRONLY);

	close(writer);
	CHECK_INT(rtta_pipe_unshare(reader), -1);
	CHECK_INT(hangs_up(reader), true);
	close(reader);
}

static void
test_file(void)
{
	int fd = open("/dev/null", O_RDONLY);

	CHECK_INT(rtta_pipe_unshare(fd), -1);
	CHECK_INT(blocks(fd), true);
	close(fd);
}

int
main(void)
{
	char dir[] = "/tmp/rtta-pipe.XXXXXX", path[64];

	if (mkdtemp(dir) == NULL)
		return 1;
	snprintf(path, sizeof(path), "%s/fifo", dir);
	test_pipe();
	test_fifo(path);
	test_fifo_that_ended(path);
	test_file();
	unlink(path);
	rmdir(dir);
	return check_result();
}

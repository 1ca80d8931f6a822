#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "err.h"
#include "frame.h"
#include "inlet.h"
#include "mem.h"
#include "pipe.h"

/* A frame takes two; the rest is skipped without one, and others want to live. */
enum { READS_A_TURN = 4096 };

struct rtta_inlet {
	int fd;
	int flags;       /* to be given back; -1: fd is ours alone */
	bool is_pipe;
	struct rtta_frame_reader *reader;
};

struct rtta_inlet *
rtta_inlet_open(int fd, bool resync, struct rtta_err *err)
{
	struct rtta_inlet *inlet;
	struct stat st;

	if (isatty(fd)) {
		rtta_err_set(err, EX_USAGE, "frames do not come from a terminal");
		return NULL;
	}
	if (fstat(fd, &st) < 0) {
		rtta_err_sys(err, EX_NOINPUT, "standard input");
		return NULL;
	}
	inlet = rtta_xcalloc(1, sizeof(*inlet));
	inlet->fd = fd;
	inlet->flags = -1;
	inlet->is_pipe = S_ISFIFO(st.st_mode);
	inlet->reader = rtta_frame_reader_new(fd);
	if (!inlet->is_pipe)
		return inlet;
	if (rtta_pipe_unshare(fd) < 0) {
		inlet->flags = fcntl(fd, F_GETFL);
		fcntl(fd, F_SETFL, inlet->flags | O_NONBLOCK);
	}
	fcntl(fd, F_SETPIPE_SZ, RTTA_FRAME_PIPE_BYTES);  /* as large as may be */
	if (resync)
		rtta_frame_reader_resync(inlet->reader);
	return inlet;
}

void
rtta_inlet_close(struct rtta_inlet *inlet)
{
	if (inlet == NULL)
		return;
	if (inlet->flags >= 0)
		fcntl(inlet->fd, F_SETFL, inlet->flags);
	rtta_frame_reader_free(inlet->reader);
	free(inlet);
}

size_t
rtta_inlet_waiting(const struct rtta_inlet *inlet)
{
	int bytes = 0;

	if (!inlet->is_pipe || ioctl(inlet->fd, FIONREAD, &bytes) < 0)
		return 0;
	return (size_t)bytes;
}

enum rtta_inlet_got
rtta_inlet_next(struct rtta_inlet *inlet, struct rtta_frame *frame, struct rtta_err *err)
{
	size_t before;
	int got, more;

	for (int reads = 0; reads < READS_A_TURN; reads++) {
		got = rtta_frame_next(inlet->reader, frame, err);
		if (got != 0)
			return got > 0 ? RTTA_INLET_FRAME : RTTA_INLET_BROKEN;
		before = rtta_frame_buffered(inlet->reader);
		more = rtta_frame_fill(inlet->reader, err);
		if (more <= 0)
			return more < 0 ? RTTA_INLET_BROKEN : RTTA_INLET_END;
		if (rtta_frame_buffered(inlet->reader) == before)
			return RTTA_INLET_LATER;
	}
	return RTTA_INLET_LATER;
}

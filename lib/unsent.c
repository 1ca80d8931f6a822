#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "err.h"
#include "frame.h"
#include "log.h"
#include "mem.h"
#include "unsent.h"
#include "window.h"

struct rtta_unsent {
	char *dir, *name, *path, *aside;
	uint8_t *data;
	size_t used, room;
	long frames;
};

struct rtta_unsent *
rtta_unsent_new(const char *dir, const char *name)
{
	struct rtta_unsent *unsent = rtta_xcalloc(1, sizeof(*unsent));

	unsent->name = rtta_xstrdup(name);
	rtta_unsent_move(unsent, dir);
	return unsent;
}

void
rtta_unsent_move(struct rtta_unsent *unsent, const char *dir)
{
	free(unsent->dir);
	free(unsent->path);
	free(unsent->aside);
	unsent->dir = rtta_xstrdup(dir);
	unsent->path = rtta_xasprintf("%s/%s", dir, unsent->name);
	unsent->aside = rtta_xasprintf("%s/.%s.new", dir, unsent->name);
}

void
rtta_unsent_free(struct rtta_unsent *unsent)
{
	if (unsent == NULL)
		return;
	free(unsent->dir);
	free(unsent->name);
	free(unsent->path);
	free(unsent->aside);
	free(unsent->data);
	free(unsent);
}

void
rtta_unsent_put(struct rtta_unsent *unsent, const struct rtta_frame *frame)
{
	size_t bytes = RTTA_FRAME_HEADER_BYTES + frame->payload_bytes;

	if (unsent->used + bytes > unsent->room) {
		unsent->room = 2 * unsent->room + bytes;
		unsent->data = rtta_xreallocarray(unsent->data, unsent->room, 1);
	}
	rtta_frame_encode(unsent->data + unsent->used, frame);
	if (frame->payload_bytes > 0)
		memcpy(unsent->data + unsent->used + RTTA_FRAME_HEADER_BYTES,
		    frame->payload, frame->payload_bytes);
	unsent->used += bytes;
	unsent->frames++;
}

static int
write_all(int fd, const uint8_t *data, size_t bytes)
{
	ssize_t put;

	while (bytes > 0) {
		put = write(fd, data, bytes);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -1;
		data += put;
		bytes -= (size_t)put;
	}
	return fsync(fd);
}

/* The name is on disk only when its directory is. */
static int
sync_dir(const char *dir, struct rtta_err *err)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;

	rc = fd < 0 ? -1 : fsync(fd);
	if (rc < 0)
		rtta_err_sys(err, EX_IOERR, "sync %s", dir);
	if (fd >= 0)
		close(fd);
	return rc;
}

/* Without a service manager nobody has made the directory. */
static int
create_file(const struct rtta_unsent *unsent)
{
	int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC;
	int fd = open(unsent->aside, flags, 0600);

	if (fd < 0 && errno == ENOENT && mkdir(unsent->dir, 0700) == 0)
		fd = open(unsent->aside, flags, 0600);
	return fd;
}

static int
write_file(const struct rtta_unsent *unsent, struct rtta_err *err)
{
	int fd = create_file(unsent), rc;

	if (fd < 0)
		return rtta_err_sys(err, EX_CANTCREAT, "create %s", unsent->aside);
	rc = write_all(fd, unsent->data, unsent->used);
	if (close(fd) < 0)
		rc = -1;
	if (rc < 0) {
		rtta_err_sys(err, EX_IOERR, "write %s", unsent->aside);
		unlink(unsent->aside);
		return -1;
	}
	if (rename(unsent->aside, unsent->path) < 0)
		return rtta_err_sys(err, EX_CANTCREAT, "rename %s", unsent->aside);
	return sync_dir(unsent->dir, err);
}

long
rtta_unsent_save(const struct rtta_unsent *unsent, struct rtta_err *err)
{
	long frames = unsent->frames;

	if (frames > 0 && write_file(unsent, err) < 0)
		frames = -1;
	return frames;
}

static size_t
read_frames(int fd, struct rtta_held ***frames, struct rtta_err *err)
{
	struct rtta_frame_reader *reader = rtta_frame_reader_new(fd);
	struct rtta_frame frame;
	size_t count = 0, room = 0;
	int more, got = 0;

	do {
		more = rtta_frame_fill(reader, err);
		while (more > 0 && (got = rtta_frame_next(reader, &frame, err)) > 0) {
			if (count == room) {
				room = 2 * room + 64;
				*frames = rtta_xreallocarray(*frames, room, sizeof(**frames));
			}
			(*frames)[count++] = rtta_held_new(&frame);
		}
	} while (more > 0 && got >= 0);
	rtta_frame_reader_free(reader);
	return count;
}

size_t
rtta_unsent_load(const char *dir, const char *name, struct rtta_held ***frames)
{
	char *path = rtta_xasprintf("%s/%s", dir, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct rtta_err err = {0};
	size_t count = 0;

	*frames = NULL;
	if (fd >= 0) {
		count = read_frames(fd, frames, &err);
		close(fd);
	} else if (errno != ENOENT) {
		rtta_err_sys(&err, EX_NOINPUT, "open it");
	}
	if (err.exit_code != 0)
		rtta_log_warn("%s: %s", path, err.text);
	free(path);
	return count;
}

void
rtta_unsent_remove(const char *dir, const char *name)
{
	char *path = rtta_xasprintf("%s/%s", dir, name);

	if (unlink(path) < 0 && errno != ENOENT)
		rtta_log_warn("remove %s: %s", path, strerror(errno));
	free(path);
}

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "audio.h"
#include "err.h"
#include "frame.h"
#include "leftover.h"
#include "live.h"
#include "log.h"
#include "mem.h"
#include "preroll.h"
#include "resume.h"
#include "session.h"
#include "switch.h"
#include "unsent.h"
#include "window.h"

static const char input_name[] = "unsent.frames";
static const char preroll_name[] = "preroll.frames";
static const char next_name[] = "next.frames";
static const char seek_name[] = "seek.frames";
static const char live_prefix[] = "unsent.";
static const char live_suffix[] = ".frames";

enum { SEEK_MAX_BYTES = 4 << 20 };  /* a cut takes 4 s, of eight channels at 48 kHz 3 MB */
enum { PREFIX_BYTES = sizeof(live_prefix) - 1, SUFFIX_BYTES = sizeof(live_suffix) - 1 };

static size_t
load(struct rtta_leftover *leftover, const char *dir, const char *name,
    struct rtta_held ***frames)
{
	size_t count = rtta_unsent_load(dir, name, frames);

	if (count > 0) {
		rtta_log_info("%s/%s: %zu frames", dir, name, count);
		leftover->is_left = true;
	}
	return count;
}

/* unsent.<session>.frames */
static int
parse_live_name(const char *name, char id[RTTA_SESSION_ID_BYTES])
{
	size_t len = strlen(name), id_len = len - PREFIX_BYTES - SUFFIX_BYTES;

	if (len <= PREFIX_BYTES + SUFFIX_BYTES || id_len >= RTTA_SESSION_ID_BYTES ||
	    strncmp(name, live_prefix, PREFIX_BYTES) != 0 ||
	    strcmp(name + len - SUFFIX_BYTES, live_suffix) != 0)
		return -1;
	memcpy(id, name + PREFIX_BYTES, id_len);
	id[id_len] = '\0';
	return rtta_session_id_valid(id) ? 0 : -1;
}

static char *
live_name(const char *id)
{
	return rtta_xasprintf("%s%s%s", live_prefix, id, live_suffix);
}

/* The next file of that kind: 1 with name and id, or 0. */
static int
next_live_file(DIR *dir, const char **name, char id[RTTA_SESSION_ID_BYTES])
{
	struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (parse_live_name(entry->d_name, id) == 0) {
			*name = entry->d_name;
			return 1;
		}
	return 0;
}

/* A session that goes on counts them as its own; any other one has its keys. */
static void
send_again(struct rtta_held *held, const char *id, struct rtta_live *live,
    struct rtta_switch *sw)
{
	if (strcmp(id, rtta_switch_session(sw)) == 0)
		rtta_switch_frame(sw, held);
	else if (rtta_switch_is_off_record(sw, &held->frame))
		free(held);
	else
		rtta_live_frame(live, id, held);
}

/* NULL behind the last one. */
static const char *
nth_dir(const struct rtta_leftover *leftover, int i)
{
	bool same = strcmp(leftover->state_dir, leftover->runtime_dir) == 0;

	return i == 0 ? leftover->state_dir : i == 1 && !same ? leftover->runtime_dir : NULL;
}

static void
load_live_from(struct rtta_leftover *leftover, const char *where, struct rtta_live *live,
    struct rtta_switch *sw)
{
	DIR *dir = opendir(where);
	char id[RTTA_SESSION_ID_BYTES];
	struct rtta_held **frames;
	const char *name;
	size_t count;

	while (next_live_file(dir, &name, id)) {
		count = load(leftover, where, name, &frames);
		for (size_t i = 0; i < count; i++) {
			frames[i]->kept = true;
			send_again(frames[i], id, live, sw);
		}
		free(frames);
	}
	if (dir != NULL)
		closedir(dir);
}

void
rtta_leftover_load_live(struct rtta_leftover *leftover, struct rtta_live *live,
    struct rtta_switch *sw)
{
	const char *dir;

	for (int i = 0; (dir = nth_dir(leftover, i)) != NULL; i++)
		load_live_from(leftover, dir, live, sw);
}

static void
add_preroll(struct rtta_window *window, struct rtta_held *held)
{
	if (rtta_window_has(window, &held->frame))
		free(held);
	else
		rtta_window_add(window, held, false);
}

void
rtta_leftover_load_preroll(struct rtta_leftover *leftover, struct rtta_window *window)
{
	struct rtta_held **frames;
	size_t count = load(leftover, leftover->runtime_dir, preroll_name, &frames);

	for (size_t i = 0; i < count; i++)
		add_preroll(window, frames[i]);
	free(frames);
}

/* A file that was not removed in time may hold sound of a session that is over,
 * or of before it. */
static void
feed(struct rtta_leftover *leftover, const char *dir, const char *name,
    const struct rtta_leftover_to *to)
{
	char id[RTTA_SESSION_ID_BYTES];
	struct rtta_held **frames;
	size_t count = load(leftover, dir, name, &frames);

	for (size_t i = 0; i < count; i++)
		if (rtta_resume_find(to->state, rtta_held_pos(frames[i]), id))
			send_again(frames[i], id, to->live, to->sw);
		else if (rtta_resume_is_earlier(to->state, rtta_held_pos(frames[i]),
		    rtta_switch_session(to->sw)))
			add_preroll(to->window, frames[i]);
		else
			rtta_switch_frame(to->sw, frames[i]);
	free(frames);
}

void
rtta_leftover_load_input(struct rtta_leftover *leftover, const struct rtta_leftover_to *to)
{
	const char *dir;

	for (int i = 0; (dir = nth_dir(leftover, i)) != NULL; i++)
		feed(leftover, dir, input_name, to);
	feed(leftover, leftover->runtime_dir, seek_name, to);
}

bool
rtta_leftover_has_next(const struct rtta_leftover *leftover)
{
	char *path = rtta_xasprintf("%s/%s", leftover->runtime_dir, next_name);
	bool has = access(path, F_OK) == 0;

	free(path);
	return has;
}

void
rtta_leftover_load_next(struct rtta_leftover *leftover, const struct rtta_leftover_to *to)
{
	feed(leftover, leftover->runtime_dir, next_name, to);
}

/* Files that have just been written. */
struct written {
	char **paths;
	size_t count;
};

static void
add_path(struct written *written, const char *dir, const char *name)
{
	written->paths = rtta_xreallocarray(written->paths, written->count + 1,
	    sizeof(*written->paths));
	written->paths[written->count++] = rtta_xasprintf("%s/%s", dir, name);
}

static void
remove_old(const char *dir, const char *name, const struct written *written)
{
	char *path = rtta_xasprintf("%s/%s", dir, name);
	size_t i = 0;

	while (i < written->count && strcmp(written->paths[i], path) != 0)
		i++;
	if (i == written->count)
		rtta_unsent_remove(dir, name);
	free(path);
}

static void
remove_from(const char *where, const struct written *written)
{
	DIR *dir = opendir(where);
	char id[RTTA_SESSION_ID_BYTES];
	const char *name;

	while (next_live_file(dir, &name, id))
		remove_old(where, name, written);
	if (dir != NULL)
		closedir(dir);
	remove_old(where, input_name, written);
}

static void
close_live(struct rtta_leftover *leftover)
{
	if (leftover->live_fd > 0)
		close(leftover->live_fd);
	leftover->live_fd = 0;
}

static void
remove_but(struct rtta_leftover *leftover, const struct written *written)
{
	const char *dir;

	for (int i = 0; (dir = nth_dir(leftover, i)) != NULL; i++)
		remove_from(dir, written);
	remove_old(leftover->runtime_dir, preroll_name, written);
	remove_old(leftover->runtime_dir, next_name, written);
	remove_old(leftover->runtime_dir, seek_name, written);
	if (leftover->seek_fd > 0)
		close(leftover->seek_fd);
	leftover->seek_fd = 0;
	leftover->seek_bytes = 0;
	close_live(leftover);
	leftover->is_left = false;
}

void
rtta_leftover_remove(struct rtta_leftover *leftover)
{
	remove_but(leftover, &(struct written){0});
}

/* --- saving --- */

/* No frame in pieces; once it does not go, *fd is closed, and -1. */
static size_t
append(int *fd, const char *dir, const char *name, const struct rtta_frame *frame)
{
	uint8_t header[RTTA_FRAME_HEADER_BYTES];
	struct iovec parts[] = {
		{ header, sizeof(header) }, { frame->payload, frame->payload_bytes },
	};
	size_t bytes = sizeof(header) + frame->payload_bytes;
	ssize_t put;

	rtta_frame_encode(header, frame);
	put = writev(*fd, parts, 2);
	if (put == (ssize_t)bytes)
		return bytes;
	rtta_log_warn("%s/%s: %s", dir, name, put < 0 ? strerror(errno) : "no room");
	if (put > 0 && ftruncate(*fd, lseek(*fd, 0, SEEK_END) - put) < 0)
		rtta_log_warn("%s/%s: a frame in pieces stays there", dir, name);
	close(*fd);
	*fd = -1;
	return 0;
}

static int
open_to_append(const char *dir, const char *name)
{
	char *path = rtta_xasprintf("%s/%s", dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	if (fd < 0)
		rtta_log_warn("%s: %s", path, strerror(errno));
	free(path);
	return fd;
}

void
rtta_leftover_seek(struct rtta_leftover *leftover, const struct rtta_frame *frame)
{
	if (leftover->seek_fd == 0)
		leftover->seek_fd = open_to_append(leftover->runtime_dir, seek_name);
	if (leftover->seek_fd < 0 || leftover->seek_bytes > SEEK_MAX_BYTES)
		return;
	leftover->seek_bytes += append(&leftover->seek_fd, leftover->runtime_dir, seek_name, frame);
	leftover->is_left = true;
}

static void
forget_live(struct rtta_leftover *leftover)
{
	char id[RTTA_SESSION_ID_BYTES];
	const char *where, *name;
	DIR *dir;

	for (int i = 0; (where = nth_dir(leftover, i)) != NULL; i++) {
		dir = opendir(where);
		while (next_live_file(dir, &name, id))
			rtta_unsent_remove(where, name);
		if (dir != NULL)
			closedir(dir);
	}
	close_live(leftover);
}

void
rtta_leftover_wait(struct rtta_leftover *leftover, const struct rtta_audio *audio)
{
	char *name;

	if (audio == NULL) {
		forget_live(leftover);
		return;
	}
	if (leftover->live_fd != 0 && strcmp(leftover->live_id, audio->session) != 0)
		close_live(leftover);
	name = live_name(audio->session);
	strcpy(leftover->live_id, audio->session);
	if (leftover->live_fd == 0)
		leftover->live_fd = open_to_append(leftover->state_dir, name);
	if (leftover->live_fd > 0) {
		append(&leftover->live_fd, leftover->state_dir, name, &audio->frame);
		leftover->is_left = true;
	}
	free(name);
}

struct saving {
	const struct rtta_leftover *leftover;
	struct written written;
	struct rtta_err *err;
};

/* On the disk, or else in memory. */
static void
save(struct saving *saving, const char *dir, const char *name, struct rtta_unsent *unsent,
    const char *what)
{
	const struct rtta_leftover *leftover = saving->leftover;
	struct rtta_err failure = {0};
	long frames = rtta_unsent_save(unsent, &failure);

	if (frames < 0 && dir == leftover->state_dir && nth_dir(leftover, 1) != NULL) {
		rtta_log_warn("%s", failure.text);
		dir = leftover->runtime_dir;
		failure = (struct rtta_err){0};
		rtta_unsent_move(unsent, dir);
		frames = rtta_unsent_save(unsent, &failure);
	}
	if (frames > 0) {
		rtta_log_warn("%ld %s frames are kept in %s", frames, what, dir);
		add_path(&saving->written, dir, name);
	} else if (frames < 0)
		rtta_err_set(saving->err, failure.exit_code, "%s: %s frames are lost",
		    failure.text, what);
}

struct live_files {
	struct saving *saving;
	struct rtta_unsent *unsent;  /* of the session */
	char id[RTTA_SESSION_ID_BYTES];
};

static void
save_file(struct live_files *files)
{
	char *name = live_name(files->id);

	save(files->saving, files->saving->leftover->state_dir, name, files->unsent, "live");
	rtta_unsent_free(files->unsent);
	files->unsent = NULL;
	free(name);
}

static void
keep(void *context, const struct rtta_audio *audio)
{
	struct live_files *files = context;
	char *name;

	if (files->unsent != NULL && strcmp(files->id, audio->session) != 0)
		save_file(files);
	if (files->unsent == NULL) {
		strcpy(files->id, audio->session);
		name = live_name(files->id);
		files->unsent = rtta_unsent_new(files->saving->leftover->state_dir, name);
		free(name);
	}
	rtta_unsent_put(files->unsent, &audio->frame);
}

static void
save_live(struct saving *saving, struct rtta_live *live)
{
	struct live_files files = { .saving = saving };

	rtta_live_take_back(live, keep, &files);
	if (files.unsent != NULL)
		save_file(&files);
}

static void
save_waiting(struct saving *saving, struct rtta_switch *sw)
{
	bool is_next = rtta_switch_state(sw) == RTTA_SWITCH_ENDING;
	const char *dir = is_next ? saving->leftover->runtime_dir : saving->leftover->state_dir;
	const char *name = is_next ? next_name : input_name;
	struct rtta_unsent *unsent = rtta_unsent_new(dir, name);
	struct rtta_held *held;

	while ((held = rtta_switch_take_back(sw)) != NULL) {
		rtta_unsent_put(unsent, &held->frame);
		free(held);
	}
	save(saving, dir, name, unsent, "waiting");
	rtta_unsent_free(unsent);
}

static void
save_preroll(struct saving *saving, struct rtta_preroll *preroll, struct rtta_window *window)
{
	const char *dir = saving->leftover->runtime_dir;
	struct rtta_unsent *unsent = rtta_unsent_new(dir, preroll_name);
	const struct rtta_held *held;

	rtta_preroll_recall(preroll);
	while ((held = rtta_window_send(window)) != NULL)
		rtta_unsent_put(unsent, &held->frame);
	save(saving, dir, preroll_name, unsent, "pre-roll");
	rtta_unsent_free(unsent);
}

/* The earlier files go last: should we be killed, some frames come twice. */
void
rtta_leftover_save(struct rtta_leftover *leftover, struct rtta_live *live,
    struct rtta_switch *sw, struct rtta_preroll *preroll, struct rtta_window *window,
    struct rtta_err *err)
{
	struct rtta_err failure = {0};
	struct saving saving = { .leftover = leftover, .err = &failure };

	save_live(&saving, live);
	save_waiting(&saving, sw);
	save_preroll(&saving, preroll, window);
	if (failure.exit_code == 0)
		remove_but(leftover, &saving.written);
	else
		rtta_err_set(err, failure.exit_code, "%s", failure.text);
	for (size_t i = 0; i < saving.written.count; i++)
		free(saving.written.paths[i]);
	free(saving.written.paths);
}

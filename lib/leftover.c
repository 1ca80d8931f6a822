#include <dirent.h>
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

void
rtta_leftover_load_live(struct rtta_leftover *leftover, struct rtta_live *live,
    struct rtta_switch *sw)
{
	DIR *dir = opendir(leftover->state_dir);
	char id[RTTA_SESSION_ID_BYTES];
	struct rtta_held **frames;
	const char *name;
	size_t count;

	while (next_live_file(dir, &name, id)) {
		count = load(leftover, leftover->state_dir, name, &frames);
		for (size_t i = 0; i < count; i++)
			send_again(frames[i], id, live, sw);
		free(frames);
	}
	if (dir != NULL)
		closedir(dir);
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
 * or of its pre-roll. */
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
		else if (rtta_resume_is_preroll(to->state, rtta_held_pos(frames[i]),
		    rtta_switch_session(to->sw)))
			add_preroll(to->window, frames[i]);
		else
			rtta_switch_frame(to->sw, frames[i]);
	free(frames);
}

void
rtta_leftover_load_input(struct rtta_leftover *leftover, const struct rtta_leftover_to *to)
{
	feed(leftover, leftover->state_dir, input_name, to);
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

void
rtta_leftover_remove(struct rtta_leftover *leftover)
{
	DIR *dir = opendir(leftover->state_dir);
	char id[RTTA_SESSION_ID_BYTES];
	const char *name;

	while (next_live_file(dir, &name, id))
		rtta_unsent_remove(leftover->state_dir, name);
	if (dir != NULL)
		closedir(dir);
	rtta_unsent_remove(leftover->state_dir, input_name);
	rtta_unsent_remove(leftover->runtime_dir, preroll_name);
	rtta_unsent_remove(leftover->runtime_dir, next_name);
	rtta_unsent_remove(leftover->runtime_dir, seek_name);
	if (leftover->seek_fd > 0)
		close(leftover->seek_fd);
	leftover->seek_fd = 0;
	leftover->seek_bytes = 0;
	leftover->is_left = false;
}

/* --- saving --- */

void
rtta_leftover_seek(struct rtta_leftover *leftover, const struct rtta_frame *frame)
{
	uint8_t header[RTTA_FRAME_HEADER_BYTES];
	struct iovec parts[] = {
		{ header, sizeof(header) }, { frame->payload, frame->payload_bytes },
	};
	char *path;

	if (leftover->seek_fd == 0) {
		path = rtta_xasprintf("%s/%s", leftover->runtime_dir, seek_name);
		leftover->seek_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
		free(path);
	}
	if (leftover->seek_fd < 0 || leftover->seek_bytes > SEEK_MAX_BYTES)
		return;
	rtta_frame_encode(header, frame);
	if (writev(leftover->seek_fd, parts, 2) > 0)
		leftover->seek_bytes += sizeof(header) + frame->payload_bytes;
	leftover->is_left = true;
}

static void
save(struct rtta_unsent *unsent, const char *dir, const char *what)
{
	struct rtta_err err = {0};
	long frames = rtta_unsent_save(unsent, &err);

	if (frames > 0)
		rtta_log_warn("%ld %s frames are kept in %s", frames, what, dir);
	else if (frames < 0)
		rtta_log_warn("%s: %s frames are lost", err.text, what);
}

struct live_files {
	const char *dir;
	struct rtta_unsent *unsent;  /* of the session */
	char id[RTTA_SESSION_ID_BYTES];
};

static void
keep(void *context, const struct rtta_audio *audio)
{
	struct live_files *files = context;
	char *name;

	if (files->unsent != NULL && strcmp(files->id, audio->session) != 0) {
		save(files->unsent, files->dir, "live");
		files->unsent = NULL;
	}
	if (files->unsent == NULL) {
		strcpy(files->id, audio->session);
		name = rtta_xasprintf("%s%s%s", live_prefix, files->id, live_suffix);
		files->unsent = rtta_unsent_new(files->dir, name);
		free(name);
	}
	rtta_unsent_put(files->unsent, &audio->frame);
}

static void
save_live(struct rtta_leftover *leftover, struct rtta_live *live)
{
	struct live_files files = { .dir = leftover->state_dir };

	rtta_live_take_back(live, keep, &files);
	if (files.unsent != NULL)
		save(files.unsent, files.dir, "live");
}

static void
save_waiting(struct rtta_leftover *leftover, struct rtta_switch *sw)
{
	bool is_next = rtta_switch_state(sw) == RTTA_SWITCH_ENDING;
	const char *dir = is_next ? leftover->runtime_dir : leftover->state_dir;
	struct rtta_unsent *unsent = rtta_unsent_new(dir, is_next ? next_name : input_name);
	struct rtta_held *held;

	while ((held = rtta_switch_take_back(sw)) != NULL) {
		rtta_unsent_put(unsent, &held->frame);
		free(held);
	}
	save(unsent, dir, "waiting");
}

static void
save_preroll(struct rtta_leftover *leftover, struct rtta_preroll *preroll,
    struct rtta_window *window)
{
	struct rtta_unsent *unsent = rtta_unsent_new(leftover->runtime_dir, preroll_name);
	const struct rtta_held *held;

	rtta_preroll_recall(preroll);
	while ((held = rtta_window_send(window)) != NULL)
		rtta_unsent_put(unsent, &held->frame);
	save(unsent, leftover->runtime_dir, "pre-roll");
}

void
rtta_leftover_save(struct rtta_leftover *leftover, struct rtta_live *live,
    struct rtta_switch *sw, struct rtta_preroll *preroll, struct rtta_window *window)
{
	rtta_leftover_remove(leftover);
	save_live(leftover, live);
	save_waiting(leftover, sw);
	save_preroll(leftover, preroll, window);
}

/*
 * The engine kind "exec": a program with s16le on stdin, events as JSON
 * Lines on stdout, and words for people on stderr, which go to our log.  It
 * runs in a process group of its own, which dies with the connection.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "engine.h"
#include "err.h"
#include "json.h"
#include "log.h"
#include "mem.h"
#include "profile.h"

extern char **environ;

enum {
	OUT_MAX_BYTES = 32768,         /* of sound that waits for room in the pipe */
	LINE_MAX_BYTES = 262144,       /* of an event */
	COMPLAINT_MAX_BYTES = 400,     /* of a line on stderr */
	COMPLAINTS_MAX = 20,           /* passed on in a second */
	CLOSED_MS = 5000               /* alive without an output */
};

/* Text that arrives in pieces and is taken by the line. */
struct lines {
	char *bytes;
	size_t used, room, limit;
	bool skipping;                 /* inside a line beyond the limit */
};

struct rtta_engine {
	char *name, *missing;
	pid_t pid;                     /* 0: reaped */
	int in_fd, out_fd, err_fd;
	uint8_t *out;                  /* sound not yet written */
	size_t out_begin, out_bytes, out_room;
	bool finishing;                /* close its stdin when all is written */
	struct lines said, complained;
	char complaint[COMPLAINT_MAX_BYTES + 1];  /* the last one */
	int complaints;
	int64_t complaints_ms, active_ms;
	int64_t closed_ms;             /* since when its output has ended */
	struct rtta_engine_event *events;
	size_t event_begin, event_end, event_room;
	int status;                    /* of waitpid */
};

/* --- start --- */

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Signals as a program expects them, in a process group of its own. */
static int
spawn(pid_t *pid, char *const *argv, const int fds[3])
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none, defaults;
	int error;

	sigemptyset(&none);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &defaults);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setflags(&attr,
	    POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
	posix_spawn_file_actions_init(&actions);
	for (int i = 0; i < 3; i++)
		posix_spawn_file_actions_adddup2(&actions, fds[i], i);
	error = posix_spawnp(pid, argv[0], &actions, &attr, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	return error;
}

static int
start(struct rtta_engine *engine, char *const *argv, struct rtta_err *err)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, complain[2] = { -1, -1 }, error = 0;

	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0 || pipe2(complain, O_CLOEXEC) < 0)
		error = errno;
	engine->in_fd = in[1];
	engine->out_fd = out[0];
	engine->err_fd = complain[0];
	if (error == 0)
		error = spawn(&engine->pid, argv, (int[]){ in[0], out[1], complain[1] });
	close_fd(&in[0]);
	close_fd(&out[1]);
	close_fd(&complain[1]);
	if (error != 0)
		return rtta_err_set(err, error == ENOENT || error == EACCES ? EX_CONFIG : EX_TEMPFAIL,
		    "engine %s: %s: %s%s%s", engine->name, argv[0], strerror(error),
		    engine->missing ? ": " : "", engine->missing ? engine->missing : "");
	fcntl(engine->in_fd, F_SETFL, O_NONBLOCK);
	fcntl(engine->out_fd, F_SETFL, O_NONBLOCK);
	fcntl(engine->err_fd, F_SETFL, O_NONBLOCK);
	return 0;
}

struct rtta_engine *
rtta_engine_open(const struct rtta_profile *profile, bool backfill, struct rtta_err *err)
{
	struct rtta_engine *engine = rtta_xcalloc(1, sizeof(*engine));
	char **argv = backfill && profile->backfill_command != NULL ?
	    profile->backfill_command : profile->command;

	engine->name = rtta_xstrdup(profile->name);
	engine->missing = profile->missing != NULL ? rtta_xstrdup(profile->missing) : NULL;
	engine->in_fd = engine->out_fd = engine->err_fd = -1;
	engine->said.limit = LINE_MAX_BYTES;
	engine->complained.limit = COMPLAINT_MAX_BYTES;
	engine->active_ms = rtta_clock_mono_ms();
	if (start(engine, argv, err) == 0)
		return engine;
	rtta_engine_close(engine);
	return NULL;
}

void
rtta_engine_close(struct rtta_engine *engine)
{
	if (engine == NULL)
		return;
	if (engine->pid > 0) {
		/* What was killed is gone in a moment: this does not wait. */
		kill(-engine->pid, SIGKILL);
		waitpid(engine->pid, NULL, 0);
	}
	close_fd(&engine->in_fd);
	close_fd(&engine->out_fd);
	close_fd(&engine->err_fd);
	for (size_t i = engine->event_begin; i < engine->event_end; i++)
		rtta_engine_event_done(&engine->events[i]);
	free(engine->events);
	free(engine->said.bytes);
	free(engine->complained.bytes);
	free(engine->out);
	free(engine->name);
	free(engine->missing);
	free(engine);
}

/* --- lines --- */

static void
put_bytes(struct lines *lines, const char *bytes, size_t count)
{
	if (lines->used + count > lines->room) {
		lines->room = (lines->used + count) * 2;
		lines->bytes = rtta_xreallocarray(lines->bytes, lines->room, 1);
	}
	memcpy(lines->bytes + lines->used, bytes, count);
	lines->used += count;
}

/* The next whole line into *line (the caller's); one beyond the limit is
 * skipped.  all: what is left counts as a line. */
static bool
take_line(struct lines *lines, char **line, bool all)
{
	for (;;) {
		char *end = lines->used > 0 ? memchr(lines->bytes, '\n', lines->used) : NULL;
		size_t length = end != NULL ? (size_t)(end - lines->bytes) : lines->used;
		size_t taken = end != NULL ? length + 1 : length;
		bool whole = end != NULL || (all && length > 0);

		if (!whole && length <= lines->limit)
			return false;
		*line = NULL;
		if (whole && !lines->skipping && length <= lines->limit) {
			*line = rtta_xcalloc(1, length + 1);
			memcpy(*line, lines->bytes, length);
		}
		lines->skipping = !whole;
		memmove(lines->bytes, lines->bytes + taken, lines->used - taken);
		lines->used -= taken;
		if (*line != NULL)
			return true;
	}
}

/* --- what it says --- */

static void
push_event(struct rtta_engine *engine, const struct rtta_engine_event *event)
{
	if (engine->event_begin == engine->event_end)
		engine->event_begin = engine->event_end = 0;
	if (engine->event_end == engine->event_room) {
		engine->event_room = engine->event_room ? engine->event_room * 2 : 16;
		engine->events = rtta_xreallocarray(engine->events, engine->event_room,
		    sizeof(*engine->events));
	}
	engine->events[engine->event_end++] = *event;
}

static void
take_event(struct rtta_engine *engine, const char *line)
{
	struct rtta_engine_event event;
	struct rtta_err err = {0};
	char what[80];
	jv object;

	snprintf(what, sizeof(what), "engine %.60s", engine->name);
	object = rtta_json_object(what, line, strlen(line), LINE_MAX_BYTES, &err);
	if (jv_is_valid(object) && rtta_engine_event_decode(&event, what, object, &err) == 0) {
		if (event.kind == RTTA_ENGINE_ERROR)
			rtta_log_warn("%s: %.300s", what, event.text != NULL ? event.text : "error");
		push_event(engine, &event);
	}
	jv_free(object);
	if (err.exit_code != 0)
		rtta_log_warn("%s", err.text);
}

/* A line of its stderr: kept as the reason should it leave, and logged. */
static void
take_complaint(struct rtta_engine *engine, char *line)
{
	int64_t now_ms = rtta_clock_mono_ms();
	char *text = line;

	for (char *c = line; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = ' ';
	if (line[0] == '<' && line[1] >= '0' && line[1] <= '7' && line[2] == '>')
		text += 3;
	if (text[0] == '\0')
		return;
	snprintf(engine->complaint, sizeof(engine->complaint), "%s", text);
	if (now_ms - engine->complaints_ms > 1000) {
		engine->complaints_ms = now_ms;
		engine->complaints = 0;
	}
	if (engine->complaints++ >= COMPLAINTS_MAX)
		return;
	if (strstr(text, "warning: ") != NULL || strstr(text, "error: ") != NULL)
		rtta_log_warn("engine %s: %s", engine->name, text);
	else
		rtta_log_debug("engine %s: %s", engine->name, text);
}

/* Read what there is; closes *fd at its end.  True when something came. */
static bool
drain(int *fd, struct lines *lines)
{
	char bytes[16384];
	bool any = false;
	ssize_t n;

	/* A bound, so that an engine that never stops leaves time for others. */
	for (int i = 0; i < 16 && *fd >= 0; i++) {
		n = read(*fd, bytes, sizeof(bytes));
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (n <= 0) {
			close_fd(fd);
			break;
		}
		put_bytes(lines, bytes, (size_t)n);
		any = true;
	}
	return any;
}

static void
hear(struct rtta_engine *engine)
{
	bool open = engine->out_fd >= 0;
	char *line;

	if (drain(&engine->out_fd, &engine->said))
		engine->active_ms = rtta_clock_mono_ms();
	if (open && engine->out_fd < 0)
		engine->closed_ms = rtta_clock_mono_ms();
	while (take_line(&engine->said, &line, engine->out_fd < 0)) {
		if (line[0] != '\0')
			take_event(engine, line);
		free(line);
	}
	drain(&engine->err_fd, &engine->complained);
	while (take_line(&engine->complained, &line, engine->err_fd < 0)) {
		take_complaint(engine, line);
		free(line);
	}
}

/* --- what it is sent --- */

size_t
rtta_engine_room(const struct rtta_engine *engine)
{
	return engine->in_fd < 0 || engine->finishing || engine->out_bytes >= OUT_MAX_BYTES ?
	    0 : OUT_MAX_BYTES - engine->out_bytes;
}

int64_t
rtta_engine_active_ms(const struct rtta_engine *engine)
{
	return engine->active_ms;
}

static void
write_out(struct rtta_engine *engine)
{
	ssize_t n;

	while (engine->out_bytes > 0 && engine->in_fd >= 0) {
		n = write(engine->in_fd, engine->out + engine->out_begin, engine->out_bytes);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n < 0) {
			/* It reads no more; how it ended tells why. */
			close_fd(&engine->in_fd);
			return;
		}
		engine->out_begin += (size_t)n;
		engine->out_bytes -= (size_t)n;
		engine->active_ms = rtta_clock_mono_ms();
	}
	if (engine->out_bytes == 0 && engine->finishing)
		close_fd(&engine->in_fd);
}

void
rtta_engine_send(struct rtta_engine *engine, const void *pcm, size_t bytes)
{
	if (engine->in_fd < 0 || bytes == 0)
		return;
	if (engine->out_bytes == 0)
		engine->out_begin = 0;
	if (engine->out_bytes + bytes > engine->out_room) {
		engine->out_room = engine->out_begin + engine->out_bytes + bytes + OUT_MAX_BYTES;
		engine->out = rtta_xreallocarray(engine->out, engine->out_room, 1);
	}
	if (engine->out_begin + engine->out_bytes + bytes > engine->out_room) {
		memmove(engine->out, engine->out + engine->out_begin, engine->out_bytes);
		engine->out_begin = 0;
	}
	memcpy(engine->out + engine->out_begin + engine->out_bytes, pcm, bytes);
	engine->out_bytes += bytes;
	write_out(engine);
}

void
rtta_engine_finish(struct rtta_engine *engine)
{
	engine->finishing = true;
	engine->active_ms = rtta_clock_mono_ms();
	write_out(engine);
}

/* --- the loop --- */

int
rtta_engine_fds(struct rtta_engine *engine, struct pollfd *fds, int max)
{
	const struct pollfd want[] = {
		{ .fd = engine->out_fd, .events = POLLIN },
		{ .fd = engine->err_fd, .events = POLLIN },
		{ .fd = engine->out_bytes > 0 ? engine->in_fd : -1, .events = POLLOUT },
	};
	int count = 0;

	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		if (want[i].fd >= 0 && count < max)
			fds[count++] = want[i];
	return count;
}

int
rtta_engine_wait_ms(struct rtta_engine *engine)
{
	/* Its output has ended: in a moment it is gone. */
	return engine->pid > 0 && engine->out_fd < 0 ? 10 : -1;
}

static void
reap(struct rtta_engine *engine)
{
	siginfo_t info = { .si_pid = 0 };

	if (engine->pid <= 0 ||
	    waitid(P_PID, (id_t)engine->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 ||
	    info.si_pid == 0)
		return;
	/* A child of its own may hold the pipes open.  Before the id is free. */
	kill(-engine->pid, SIGKILL);
	waitpid(engine->pid, &engine->status, 0);
	engine->pid = 0;
}

static int
ended(struct rtta_engine *engine, struct rtta_err *err)
{
	const char *why = engine->complaint[0] != '\0' ? engine->complaint : "no reason given";
	const char *hint = engine->complaint[0] == '\0' ? engine->missing : NULL;
	int status = engine->status;

	if (WIFSIGNALED(status))
		return rtta_err_set(err, EX_TEMPFAIL, "engine %s: killed by signal %d",
		    engine->name, WTERMSIG(status));
	if (WEXITSTATUS(status) == EX_CONFIG || WEXITSTATUS(status) == 127)
		return rtta_err_set(err, EX_CONFIG, "engine %s: %s%s%s", engine->name, why,
		    hint ? ": " : "", hint ? hint : "");
	if (WEXITSTATUS(status) == 0)
		return rtta_err_set(err, engine->finishing && engine->out_bytes == 0 ?
		    EX_PROTOCOL : EX_TEMPFAIL, "engine %s: left without saying that it is done",
		    engine->name);
	return rtta_err_set(err, EX_TEMPFAIL, "engine %s: exit %d: %s", engine->name,
	    WEXITSTATUS(status), why);
}

int
rtta_engine_pump(struct rtta_engine *engine, struct rtta_err *err)
{
	reap(engine);
	hear(engine);
	write_out(engine);
	if (engine->pid > 0 && engine->out_fd < 0 &&
	    rtta_clock_mono_ms() - engine->closed_ms > CLOSED_MS)
		kill(-engine->pid, SIGKILL);
	if (engine->pid > 0)
		return 0;
	/* It is gone: read what is still in the pipes, then say so. */
	hear(engine);
	if (engine->event_begin < engine->event_end)
		return 0;
	return ended(engine, err);
}

int
rtta_engine_next(struct rtta_engine *engine, struct rtta_engine_event *event)
{
	if (engine->event_begin == engine->event_end)
		return 0;
	*event = engine->events[engine->event_begin++];
	return 1;
}

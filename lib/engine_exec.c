/*
 * The engine kind "exec": a program with s16le on stdin, events as JSON
 * Lines on stdout, and words for people on stderr, which go to our log.  It
 * runs in a process group of its own, which dies with the connection.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "engine.h"
#include "engine_parts.h"
#include "err.h"
#include "json.h"
#include "log.h"
#include "mem.h"
#include "profile.h"

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

struct program {
	struct rtta_engine base;
	char *missing;
	pid_t pid;                     /* 0: reaped */
	int in_fd, out_fd, err_fd;
	uint8_t *out;                  /* sound not yet written */
	size_t out_begin, out_bytes, out_room;
	bool finishing;                /* close its stdin when all is written */
	struct lines said, complained;
	char complaint[COMPLAINT_MAX_BYTES + 1];  /* the last one */
	int complaints;
	int64_t complaints_ms;
	int64_t closed_ms;             /* since when its output has ended */
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

/*
 * The child: signals as a program expects them, in a process group of its
 * own.  It dies with us, however we die.
 */
static void __attribute__((noreturn))
become(char *const *argv, const int fds[3], pid_t parent, int error_fd)
{
	sigset_t none;
	int error;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	setpgid(0, 0);
	for (int i = 0; i < 3; i++)
		dup2(fds[i], i);
	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execvp(argv[0], argv);
	error = errno;
	if (write(error_fd, &error, sizeof(error)) < 0)
		_exit(126);
	_exit(127);
}

static int
spawn(pid_t *pid, char *const *argv, const int fds[3])
{
	pid_t parent = getpid();
	int errors[2], error = 0;

	if (pipe2(errors, O_CLOEXEC) < 0)
		return errno;
	*pid = fork();
	if (*pid == 0)
		become(argv, fds, parent, errors[1]);
	if (*pid < 0) {
		error = errno;
		*pid = 0;
	}
	close(errors[1]);
	/* What has begun says nothing: the pipe closes with the exec. */
	if (*pid > 0 && read(errors[0], &error, sizeof(error)) == sizeof(error)) {
		waitpid(*pid, NULL, 0);
		*pid = 0;
	}
	close(errors[0]);
	return error;
}

static int
start(struct program *program, char *const *argv, struct rtta_err *err)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, complain[2] = { -1, -1 }, error = 0;

	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0 || pipe2(complain, O_CLOEXEC) < 0)
		error = errno;
	program->in_fd = in[1];
	program->out_fd = out[0];
	program->err_fd = complain[0];
	if (error == 0)
		error = spawn(&program->pid, argv, (int[]){ in[0], out[1], complain[1] });
	close_fd(&in[0]);
	close_fd(&out[1]);
	close_fd(&complain[1]);
	if (error != 0)
		return rtta_err_set(err, error == ENOENT || error == EACCES ? EX_CONFIG : EX_TEMPFAIL,
		    "engine %s: %s: %s%s%s", program->base.name, argv[0], strerror(error),
		    program->missing ? ": " : "", program->missing ? program->missing : "");
	fcntl(program->in_fd, F_SETFL, O_NONBLOCK);
	fcntl(program->out_fd, F_SETFL, O_NONBLOCK);
	fcntl(program->err_fd, F_SETFL, O_NONBLOCK);
	return 0;
}

static const struct rtta_engine_verbs verbs;

struct rtta_engine *
rtta_engine_exec(const struct rtta_profile *profile, bool backfill, struct rtta_err *err)
{
	struct program *program = rtta_xcalloc(1, sizeof(*program));
	char **argv = backfill && profile->backfill_command != NULL ?
	    profile->backfill_command : profile->command;

	program->base.verbs = &verbs;
	program->base.name = rtta_xstrdup(profile->name);
	program->missing = profile->missing != NULL ? rtta_xstrdup(profile->missing) : NULL;
	program->in_fd = program->out_fd = program->err_fd = -1;
	program->said.limit = LINE_MAX_BYTES;
	program->complained.limit = COMPLAINT_MAX_BYTES;
	if (start(program, argv, err) == 0)
		return &program->base;
	rtta_engine_close(&program->base);
	return NULL;
}

static void
leave(struct rtta_engine *engine)
{
	struct program *program = (struct program *)engine;

	if (program->pid > 0) {
		/* What was killed is gone in a moment: this does not wait. */
		kill(-program->pid, SIGKILL);
		waitpid(program->pid, NULL, 0);
	}
	close_fd(&program->in_fd);
	close_fd(&program->out_fd);
	close_fd(&program->err_fd);
	free(program->said.bytes);
	free(program->complained.bytes);
	free(program->out);
	free(program->missing);
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

/* A line of its stderr: kept as the reason should it leave, and logged. */
static void
take_complaint(struct program *program, char *line)
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
	snprintf(program->complaint, sizeof(program->complaint), "%s", text);
	if (now_ms - program->complaints_ms > 1000) {
		program->complaints_ms = now_ms;
		program->complaints = 0;
	}
	if (program->complaints++ >= COMPLAINTS_MAX)
		return;
	if (strstr(text, "warning: ") != NULL || strstr(text, "error: ") != NULL)
		rtta_log_warn("engine %s: %s", program->base.name, text);
	else
		rtta_log_debug("engine %s: %s", program->base.name, text);
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
hear(struct program *program)
{
	bool open = program->out_fd >= 0;
	char *line;

	if (drain(&program->out_fd, &program->said))
		program->base.active_ms = rtta_clock_mono_ms();
	if (open && program->out_fd < 0)
		program->closed_ms = rtta_clock_mono_ms();
	while (take_line(&program->said, &line, program->out_fd < 0)) {
		if (line[0] != '\0')
			rtta_engine_say_text(&program->base, line, strlen(line));
		free(line);
	}
	drain(&program->err_fd, &program->complained);
	while (take_line(&program->complained, &line, program->err_fd < 0)) {
		take_complaint(program, line);
		free(line);
	}
}

/* --- what it is sent --- */

static size_t
room(const struct rtta_engine *engine)
{
	const struct program *program = (const struct program *)engine;
	return program->in_fd < 0 || program->finishing || program->out_bytes >= OUT_MAX_BYTES ?
	    0 : OUT_MAX_BYTES - program->out_bytes;
}

static void
write_out(struct program *program)
{
	ssize_t n;

	while (program->out_bytes > 0 && program->in_fd >= 0) {
		n = write(program->in_fd, program->out + program->out_begin, program->out_bytes);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n < 0) {
			/* It reads no more; how it ended tells why. */
			close_fd(&program->in_fd);
			return;
		}
		program->out_begin += (size_t)n;
		program->out_bytes -= (size_t)n;
		program->base.active_ms = rtta_clock_mono_ms();
	}
	if (program->out_bytes == 0 && program->finishing)
		close_fd(&program->in_fd);
}

static void
send_sound(struct rtta_engine *engine, const void *pcm, size_t bytes)
{
	struct program *program = (struct program *)engine;
	if (program->in_fd < 0)
		return;
	if (program->out_bytes == 0)
		program->out_begin = 0;
	if (program->out_bytes + bytes > program->out_room) {
		program->out_room = program->out_begin + program->out_bytes + bytes + OUT_MAX_BYTES;
		program->out = rtta_xreallocarray(program->out, program->out_room, 1);
	}
	if (program->out_begin + program->out_bytes + bytes > program->out_room) {
		memmove(program->out, program->out + program->out_begin, program->out_bytes);
		program->out_begin = 0;
	}
	memcpy(program->out + program->out_begin + program->out_bytes, pcm, bytes);
	program->out_bytes += bytes;
	write_out(program);
}

static void
finish(struct rtta_engine *engine)
{
	struct program *program = (struct program *)engine;
	program->finishing = true;
	write_out(program);
}

/* --- the loop --- */

static int
poll_fds(struct rtta_engine *engine, struct pollfd *fds, int max)
{
	struct program *program = (struct program *)engine;
	const struct pollfd want[] = {
		{ .fd = program->out_fd, .events = POLLIN },
		{ .fd = program->err_fd, .events = POLLIN },
		{ .fd = program->out_bytes > 0 ? program->in_fd : -1, .events = POLLOUT },
	};
	int count = 0;

	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		if (want[i].fd >= 0 && count < max)
			fds[count++] = want[i];
	return count;
}

static int
wait_ms(struct rtta_engine *engine)
{
	struct program *program = (struct program *)engine;
	/* Its output has ended: in a moment it is gone. */
	return program->pid > 0 && program->out_fd < 0 ? 10 : -1;
}

static void
reap(struct program *program)
{
	siginfo_t info = { .si_pid = 0 };

	if (program->pid <= 0 ||
	    waitid(P_PID, (id_t)program->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 ||
	    info.si_pid == 0)
		return;
	/* A child of its own may hold the pipes open.  Before the id is free. */
	kill(-program->pid, SIGKILL);
	waitpid(program->pid, &program->status, 0);
	program->pid = 0;
}

static int
ended(struct program *program, struct rtta_err *err)
{
	const char *why = program->complaint[0] != '\0' ? program->complaint : "no reason given";
	const char *hint = program->complaint[0] == '\0' ? program->missing : NULL;
	int status = program->status;

	if (WIFSIGNALED(status))
		return rtta_err_set(err, EX_TEMPFAIL, "engine %s: killed by signal %d",
		    program->base.name, WTERMSIG(status));
	if (WEXITSTATUS(status) == EX_CONFIG || WEXITSTATUS(status) == 127)
		return rtta_err_set(err, EX_CONFIG, "engine %s: %s%s%s", program->base.name, why,
		    hint ? ": " : "", hint ? hint : "");
	if (WEXITSTATUS(status) == 0)
		return rtta_err_set(err, program->finishing && program->out_bytes == 0 ?
		    EX_PROTOCOL : EX_TEMPFAIL, "engine %s: left without saying that it is done",
		    program->base.name);
	return rtta_err_set(err, EX_TEMPFAIL, "engine %s: exit %d: %s", program->base.name,
	    WEXITSTATUS(status), why);
}

static int
pump(struct rtta_engine *engine, struct rtta_err *err)
{
	struct program *program = (struct program *)engine;
	reap(program);
	hear(program);
	write_out(program);
	if (program->pid > 0 && program->out_fd < 0 &&
	    rtta_clock_mono_ms() - program->closed_ms > CLOSED_MS)
		kill(-program->pid, SIGKILL);
	if (program->pid > 0)
		return 0;
	/* It is gone: read what is still in the pipes, then say so. */
	hear(program);
	if (rtta_engine_has_said(&program->base))
		return 0;
	return ended(program, err);
}

static const struct rtta_engine_verbs verbs = {
	.close = leave,
	.fds = poll_fds,
	.wait_ms = wait_ms,
	.pump = pump,
	.room = room,
	.send = send_sound,
	.finish = finish,
};

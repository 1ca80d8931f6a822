/*
 * rtta-moonshine - turn sound into text, offline.
 * Reads 16 kHz mono s16le on stdin, writes events as JSON Lines on stdout,
 * ends at the end of input, when everything is said.
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sysexits.h>
#include <unistd.h>

#include "clock.h"
#include "err.h"
#include "json.h"
#include "log.h"
#include "loops.h"
#include "mem.h"
#include "moonshine.h"
#include "opt.h"
#include "recent.h"
#include "sig.h"
#include "utterance.h"

static const char help[] =
    "usage: rtta-moonshine [-bchqVv] [-d dir] [-i ms] [-j ms] [-m s] [-t n]\n"
    "           <pcm >events\n"
    "  -b, --backfill         no interim text, as fast as it goes\n"
    "  -c, --check            load the engine, say what it is, and exit\n"
    "  -d, --model-dir DIR    the engine (RTTA_MOONSHINE_DIR;\n"
    "                         " RTTA_PREFIX "/lib/rtta/moonshine)\n"
    "  -i, --interim-ms MS    between interim texts, 0: none (default 1000)\n"
    "  -j, --join MS          a shorter pause does not end an utterance\n"
    "                         (default 1000)\n"
    "  -m, --max-utterance S  cut longer ones, 3 to 30 (default 12)\n"
    "  -t, --threshold N      what is voice, 0.1 to 0.9 (default 0.3)\n"
    RTTA_OPT_COMMON_HELP;

enum {
	RATE_HZ = RTTA_MOONSHINE_RATE_HZ,
	STEP_SAMPLES = 4 * RTTA_MOONSHINE_HOP_SAMPLES,
	READ_BYTES = 65536,
	BEHIND_BYTES = RATE_HZ,          /* half a second waits to be read */
	ROTATE_SAMPLES = 60 * RATE_HZ,
	ROTATE_SILENCE_SAMPLES = RATE_HZ,
	PART_MIN_SAMPLES = RATE_HZ,      /* a loop is not divided below this */
	KEEP_SAMPLES = 8 * RATE_HZ,      /* besides the longest utterance */
	BACKFILL_NICE = 2
};

struct engine {
	const char *dir;
	double threshold;
	struct rtta_utterance_limits limits;
	bool backfill, check;

	struct rtta_moonshine *moonshine;
	struct rtta_utterance utterance;
	int sig_fd;
	struct rtta_recent recent;
	int64_t heard, rotated;          /* by the listener; when it began anew */
	bool reader_gone;
	size_t waiting_bytes;            /* read and not yet heard */
	char *text;                      /* of the last slice decoded */
	int64_t text_first, text_last;
	char *told;                      /* interim text of the open utterance */
};

static void
parse_options(struct engine *engine, int argc, char *argv[])
{
	static const struct option table[] = {
		{ "backfill", no_argument, NULL, 'b' },
		{ "check", no_argument, NULL, 'c' },
		{ "model-dir", required_argument, NULL, 'd' },
		{ "interim-ms", required_argument, NULL, 'i' },
		{ "join", required_argument, NULL, 'j' },
		{ "max-utterance", required_argument, NULL, 'm' },
		{ "threshold", required_argument, NULL, 't' },
		RTTA_OPT_COMMON
	};
	int64_t interim_ms = 1000, join_ms = 1000;
	double max_s = 12;
	int c;

	engine->dir = rtta_opt_env("RTTA_MOONSHINE_DIR",
	    RTTA_PREFIX "/lib/rtta/moonshine");
	engine->threshold = 0.3;
	while ((c = rtta_opt_next(argc, argv, table, help)) != -1)
		switch (c) {
		case 'b': engine->backfill = true; break;
		case 'c': engine->check = true; break;
		case 'd': engine->dir = optarg; break;
		case 'i': interim_ms = rtta_opt_int("--interim-ms", optarg, 0, 60000); break;
		case 'j': join_ms = rtta_opt_int("--join", optarg, 0, 5000); break;
		case 'm': max_s = rtta_opt_double("--max-utterance", optarg, 3, 30); break;
		case 't': engine->threshold = rtta_opt_double("--threshold", optarg, 0.1, 0.9); break;
		}
	if (optind < argc)
		rtta_opt_fail("%s: sound comes on stdin", argv[optind]);
	engine->limits = (struct rtta_utterance_limits){
		.join = join_ms * RATE_HZ / 1000,
		.max = (int64_t)(max_s * RATE_HZ),
		.interim = engine->backfill ? 0 : interim_ms * RATE_HZ / 1000,
		.look_behind = RTTA_MOONSHINE_LOOK_BEHIND_SAMPLES,
		.hop = RTTA_MOONSHINE_HOP_SAMPLES,
	};
}

static bool
has_room(int fd, bool *is_gone)
{
	struct pollfd out = { .fd = fd, .events = POLLOUT };

	poll(&out, 1, 0);
	if (out.revents & POLLERR)
		*is_gone = true;
	return out.revents & POLLOUT;
}

/* Nobody reads any more: that is an end, not a failure. */
static int
emit(struct engine *engine, jv event, struct rtta_err *err)
{
	if (rtta_event_write(event, err) == 0)
		return 0;
	has_room(STDOUT_FILENO, &engine->reader_gone);
	if (engine->reader_gone)
		rtta_err_clear(err);
	return -1;
}

static jv
seconds(int64_t samples)
{
	return jv_number((double)samples / RATE_HZ);
}

static int
emit_event(struct engine *engine, const char *name, struct rtta_err *err)
{
	return emit(engine, JV_OBJECT(jv_string("event"), jv_string(name)), err);
}

static int
emit_time(struct engine *engine, const char *name, const char *key,
    int64_t samples, struct rtta_err *err)
{
	return emit(engine, JV_OBJECT(jv_string("event"), jv_string(name),
	    jv_string(key), seconds(samples)), err);
}

static int
emit_text(struct engine *engine, int64_t first, int64_t last, const char *text,
    bool is_final, struct rtta_err *err)
{
	return emit(engine, JV_OBJECT(jv_string("event"), jv_string("text"),
	    jv_string("start"), seconds(first), jv_string("end"), seconds(last),
	    jv_string("text"), jv_string(text),
	    jv_string("is_final"), is_final ? jv_true() : jv_false(),
	    jv_string("language"), jv_string("en")), err);
}

/*
 * The text of a slice without loops: one that runs in circles is decoded
 * again in two parts, and those too; what still loops is shortened.
 */
static char *
decode_well(struct engine *engine, const float *pcm, size_t samples,
    struct rtta_err *err)
{
	char *text = rtta_moonshine_decode(engine->moonshine, pcm, samples, err);
	char *head, *tail;
	size_t at;

	if (text == NULL ||
	    !rtta_loops_found(text, (double)samples / RATE_HZ))
		return text;
	rtta_log_debug("a loop in %.1f s of sound", (double)samples / RATE_HZ);
	if (samples < 2 * PART_MIN_SAMPLES) {
		rtta_loops_collapse(text);
		return text;
	}
	free(text);
	at = samples / 3 + rtta_utterance_quietest(pcm + samples / 3, samples / 3);
	head = decode_well(engine, pcm, at, err);
	if (head == NULL)
		return NULL;
	tail = decode_well(engine, pcm + at, samples - at, err);
	text = tail == NULL ? NULL :
	    rtta_xasprintf("%s%s%s", head, *head && *tail ? " " : "", tail);
	free(head);
	free(tail);
	return text;
}

/* engine->text becomes that of first to last, once. */
static int
decode(struct engine *engine, const struct rtta_utterance_action *action,
    struct rtta_err *err)
{
	if (engine->text != NULL && engine->text_first == action->first &&
	    engine->text_last == action->last)
		return 0;
	free(engine->text);
	engine->text = decode_well(engine,
	    rtta_recent_at(&engine->recent, action->first),
	    (size_t)(action->last - action->first), err);
	engine->text_first = action->first;
	engine->text_last = action->last;
	return engine->text == NULL ? -1 : 0;
}

static void
forget_told(struct engine *engine)
{
	free(engine->told);
	engine->told = NULL;
}

static int
say_final(struct engine *engine, const struct rtta_utterance_action *action,
    struct rtta_err *err)
{
	forget_told(engine);
	if (decode(engine, action, err) < 0)
		return -1;
	if (engine->text[0] == '\0')
		return 0;
	return emit_text(engine, action->first, action->last, engine->text, true,
	    err);
}

static bool
is_behind(const struct engine *engine)
{
	int bytes = 0;

	ioctl(STDIN_FILENO, FIONREAD, &bytes);
	return (size_t)bytes + engine->waiting_bytes >= BEHIND_BYTES;
}

/* Nothing when input waits, and never more than a third of the time. */
static int
say_interim(struct engine *engine, const struct rtta_utterance_action *action,
    struct rtta_err *err)
{
	int64_t began_ms = rtta_clock_mono_ms();

	if (is_behind(engine))
		return 0;
	if (decode(engine, action, err) < 0)
		return -1;
	rtta_utterance_hold_interim(&engine->utterance,
	    2 * (rtta_clock_mono_ms() - began_ms) * RATE_HZ / 1000);
	if (engine->text[0] == '\0' ||
	    (engine->told != NULL && strcmp(engine->told, engine->text) == 0))
		return 0;
	forget_told(engine);
	engine->told = rtta_xstrdup(engine->text);
	return emit_text(engine, action->first, action->last, engine->text,
	    false, err);
}

static int
cut(struct engine *engine, const struct rtta_utterance_action *action,
    struct rtta_err *err)
{
	const float *pcm = rtta_recent_at(&engine->recent, action->first);

	rtta_utterance_cut(&engine->utterance, action->first +
	    (int64_t)rtta_utterance_quietest(pcm,
	    (size_t)(action->last - action->first)));
	if (engine->heard - engine->rotated < ROTATE_SAMPLES)
		return 0;
	engine->rotated = engine->heard;
	rtta_utterance_rotate(&engine->utterance);
	return rtta_moonshine_rotate(engine->moonshine, err);
}

static int
act(struct engine *engine, struct rtta_err *err)
{
	struct rtta_utterance_action action;
	int rc = 0;

	while (rc == 0) {
		action = rtta_utterance_next(&engine->utterance);
		switch (action.kind) {
		case RTTA_UTTERANCE_NONE:
			return 0;
		case RTTA_UTTERANCE_SPEECH:
			rc = emit_time(engine, "speech", "start", action.first, err);
			break;
		case RTTA_UTTERANCE_INTERIM:
			rc = say_interim(engine, &action, err);
			break;
		case RTTA_UTTERANCE_FINAL:
			rc = say_final(engine, &action, err);
			break;
		case RTTA_UTTERANCE_CUT:
			rc = cut(engine, &action, err);
			break;
		case RTTA_UTTERANCE_SETTLED:
			rc = emit_time(engine, "utterance_end", "end", action.last, err);
			break;
		}
	}
	return rc;
}

/* Let the listener hear samples more, then do what follows from it. */
static int
hear(struct engine *engine, size_t samples, struct rtta_err *err)
{
	const float *pcm = rtta_recent_at(&engine->recent, engine->heard);
	struct rtta_utterance_line line;

	if (rtta_moonshine_listen(engine->moonshine, pcm, samples, err) < 0)
		return -1;
	engine->heard += (int64_t)samples;
	rtta_utterance_heard(&engine->utterance, engine->heard);
	while (rtta_moonshine_next_line(engine->moonshine, &line)) {
		rtta_utterance_line(&engine->utterance, &line);
		if (act(engine, err) < 0)
			return -1;
	}
	if (act(engine, err) < 0)
		return -1;
	if (engine->heard - engine->rotated < ROTATE_SAMPLES ||
	    !rtta_utterance_is_silent(&engine->utterance,
	    ROTATE_SILENCE_SAMPLES))
		return 0;
	engine->rotated = engine->heard;
	return rtta_moonshine_rotate(engine->moonshine, err);
}

static size_t
unheard(const struct engine *engine)
{
	return (size_t)(rtta_recent_end(&engine->recent) - engine->heard);
}

/* Hear what one read brings.  1: go on, 0: end of input, -1: *err. */
static int
take_input(struct engine *engine, struct rtta_err *err)
{
	unsigned char bytes[READ_BYTES];
	ssize_t got = read(STDIN_FILENO, bytes, sizeof(bytes));

	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return 1;
	if (got < 0)
		return rtta_err_sys(err, EX_IOERR, "stdin");
	if (got == 0)
		return 0;
	rtta_recent_put(&engine->recent, bytes, (size_t)got);
	while (unheard(engine) >= STEP_SAMPLES) {
		engine->waiting_bytes = 2 * (unheard(engine) - STEP_SAMPLES);
		if (hear(engine, STEP_SAMPLES, err) < 0)
			return -1;
	}
	return 1;
}

/* Say what is left.  The last hop is filled up with silence. */
static int
finish(struct engine *engine, struct rtta_err *err)
{
	const size_t hop = RTTA_MOONSHINE_HOP_SAMPLES;
	int64_t end = rtta_recent_end(&engine->recent);

	if (engine->recent.has_odd)
		rtta_log_warn("stdin: ends inside a sample");
	rtta_recent_put_silence(&engine->recent, (hop - unheard(engine) % hop) % hop);
	if (unheard(engine) > 0 && hear(engine, unheard(engine), err) < 0)
		return -1;
	rtta_utterance_finish(&engine->utterance, end);
	if (act(engine, err) < 0)
		return -1;
	return emit_event(engine, "done", err);
}

static void
pump(struct engine *engine, struct rtta_err *err)
{
	enum { SIG, IN, OUT, NFDS };
	struct pollfd fds[NFDS] = {
		[SIG] = { .fd = engine->sig_fd, .events = POLLIN },
		[IN] = { .events = POLLIN },
		[OUT] = { .fd = STDOUT_FILENO },
	};

	for (;;) {
		bool full = !has_room(STDOUT_FILENO, &engine->reader_gone);

		if (engine->reader_gone)
			return;
		/* fd -1, because events 0 would still report a hangup. */
		fds[IN].fd = full ? -1 : STDIN_FILENO;
		fds[OUT].events = full ? POLLOUT : 0;
		if (poll(fds, NFDS, -1) < 0) {
			rtta_err_sys(err, EX_OSERR, "poll");
			return;
		}
		if (fds[SIG].revents && rtta_sig_take(engine->sig_fd))
			break;
		if (fds[IN].revents) {
			int more = take_input(engine, err);

			if (more < 0)
				return;
			if (more == 0)
				break;
		}
	}
	finish(engine, err);
}

static int
open_engine(struct engine *engine, struct rtta_err *err)
{
	if (!engine->check && isatty(STDIN_FILENO))
		return rtta_err_set(err, EX_USAGE,
		    "sound does not come from a terminal");
	engine->moonshine = rtta_moonshine_open(engine->dir, engine->threshold,
	    err);
	if (engine->moonshine == NULL)
		return -1;
	rtta_recent_init(&engine->recent,
	    (size_t)engine->limits.max + KEEP_SAMPLES, READ_BYTES);
	rtta_utterance_init(&engine->utterance, &engine->limits);
	if (engine->backfill && nice(BACKFILL_NICE) < 0)
		rtta_log_debug("nice: %s", strerror(errno));
	return 0;
}

static int
say_version(const struct engine *engine, struct rtta_err *err)
{
	if (printf("moonshine-voice 0.0.73, model tiny-en, in %s\n",
	    engine->dir) < 0 || fflush(stdout) != 0)
		return rtta_err_sys(err, EX_IOERR, "stdout");
	return 0;
}

int
main(int argc, char *argv[])
{
	struct engine engine = {0};
	struct rtta_err err = {0};

	rtta_log_open("rtta-moonshine");
	parse_options(&engine, argc, argv);
	engine.sig_fd = rtta_sig_open();  /* before the library starts a thread */

	if (open_engine(&engine, &err) == 0) {
		if (engine.check)
			say_version(&engine, &err);
		else if (emit_event(&engine, "ready", &err) == 0)
			pump(&engine, &err);
	}

	rtta_moonshine_close(engine.moonshine);
	rtta_recent_done(&engine.recent);
	free(engine.text);
	free(engine.told);
	return rtta_err_exit(&err);
}

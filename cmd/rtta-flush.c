/*
 * rtta-flush - what was said before start, and whole recordings.
 * As a service it copies the pre-roll that a cut names from PRE_BUFFER to
 * audio.backfill.<session>.  With --session it hands the frames on stdin
 * over as a session of their own.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "audio.h"
#include "bus.h"
#include "clock.h"
#include "copy.h"
#include "err.h"
#include "heartbeat.h"
#include "keys.h"
#include "log.h"
#include "mem.h"
#include "notify.h"
#include "opt.h"
#include "replay.h"
#include "session.h"
#include "sig.h"
#include "state.h"

static const char help[] =
    "usage: rtta-flush [-hqVv] [-N URL]\n"
    "       rtta-flush [-hqVv] [-N URL] --session ID [--title TEXT]\n"
    "                  [--channels-as mix|split] <frames\n"
    "  -s, --session ID       the frames on stdin are this session\n"
    "  -t, --title TEXT       its title\n"
    "      --channels-as HOW  mix, or split: a transcript for each channel\n"
    RTTA_OPT_BUS_HELP
    RTTA_OPT_COMMON_HELP;

enum { COPIES_MAX = 8 };

struct flush {
	struct rtta_replay_options replay;  /* session is NULL: a service */
	int sig_fd;
	struct rtta_bus *bus;
	struct rtta_state *state;
	struct rtta_heartbeat heartbeat;
	struct rtta_copy *copies[COPIES_MAX];
	bool ready;
	bool look;     /* there may be a session that needs a copy */
	int64_t sessions, copied_samples;
};

static void
parse_options(struct flush *flush, int argc, char *argv[])
{
	enum { CHANNELS_AS = 256 };
	static const struct option table[] = {
		{ "session", required_argument, NULL, 's' },
		{ "title", required_argument, NULL, 't' },
		{ "channels-as", required_argument, NULL, CHANNELS_AS },
		RTTA_OPT_BUS
		RTTA_OPT_COMMON
	};
	int c;

	while ((c = rtta_opt_next(argc, argv, table, help)) != -1)
		switch (c) {
		case 's':
			if (!rtta_session_id_valid(optarg))
				rtta_opt_fail("--session %.80s: not 1 to 64 of A-Z a-z 0-9 _ -",
				    optarg);
			flush->replay.session = optarg;
			break;
		case 't': flush->replay.title = optarg; break;
		case CHANNELS_AS:
			flush->replay.split = strcmp(optarg, "split") == 0;
			if (!flush->replay.split && strcmp(optarg, "mix") != 0)
				rtta_opt_fail("--channels-as %s: neither mix nor split", optarg);
			break;
		}
	if (optind < argc)
		rtta_opt_fail("%s: frames come on standard input", argv[optind]);
	if (flush->replay.session == NULL && (flush->replay.title || flush->replay.split))
		rtta_opt_fail("--title and --channels-as go with --session");
}

/* --- the service --- */

static bool
is_being_copied(const struct flush *flush, const char *id)
{
	for (int i = 0; i < COPIES_MAX; i++)
		if (flush->copies[i] != NULL &&
		    strcmp(rtta_copy_session(flush->copies[i]), id) == 0)
			return true;
	return false;
}

/* The newest session that has a cut and no flush: people wait for it. */
static bool
find_next(const struct flush *flush, char next_id[RTTA_SESSION_ID_BYTES])
{
	char id[RTTA_SESSION_ID_BYTES];
	struct rtta_session_cut cut;
	int64_t newest_us = -1;
	size_t at = 0;

	while (rtta_keys_next_cut(flush->state, &at, id, &cut))
		if (cut.at_us > newest_us && !rtta_keys_ever(flush->state, "flush", id) &&
		    !is_being_copied(flush, id)) {
			newest_us = cut.at_us;
			strcpy(next_id, id);
		}
	return newest_us >= 0;
}

static void
begin_copies(struct flush *flush)
{
	char id[RTTA_SESSION_ID_BYTES];

	for (int i = 0; i < COPIES_MAX && flush->look; i++)
		if (flush->copies[i] == NULL) {
			flush->look = find_next(flush, id);
			if (flush->look)
				flush->copies[i] = rtta_copy_new(flush->bus, flush->state, id);
		}
}

static int
tick_copies(struct flush *flush)
{
	int wait_ms = -1, copy_ms;

	for (int i = 0; i < COPIES_MAX; i++) {
		if (flush->copies[i] == NULL)
			continue;
		copy_ms = rtta_copy_tick(flush->copies[i]);
		wait_ms = rtta_clock_sooner(wait_ms, copy_ms);
		if (!rtta_copy_is_over(flush->copies[i]))
			continue;
		flush->sessions++;
		flush->copied_samples += rtta_copy_samples(flush->copies[i]);
		rtta_copy_free(flush->copies[i]);
		flush->copies[i] = NULL;
		flush->look = true;
		wait_ms = 0;
	}
	return wait_ms;
}

static void
follow_state(struct flush *flush)
{
	struct rtta_state_change change;
	struct rtta_state_result result;

	while (rtta_state_next(flush->state, &change)) {
		flush->look = true;
		jv_free(change.value);
	}
	while (rtta_state_result(flush->state, &result))
		for (int i = 0; i < COPIES_MAX; i++)
			if (flush->copies[i] != NULL)
				rtta_copy_stored(flush->copies[i], result.number);
}

static void
beat(struct flush *flush)
{
	int open = 0;
	bool stuck = false;

	if (!rtta_heartbeat_due(&flush->heartbeat))
		return;
	for (int i = 0; i < COPIES_MAX; i++)
		if (flush->copies[i] != NULL) {
			open++;
			stuck |= rtta_copy_is_stuck(flush->copies[i]);
		}
	rtta_heartbeat_send(&flush->heartbeat, stuck ? "failing" : "ok",
	    stuck ? "AUDIO_STREAM takes nothing" : open > 0 ? "copying" : NULL,
	    JV_OBJECT(jv_string("sessions"), jv_number((double)flush->sessions),
	    jv_string("open"), jv_number(open),
	    jv_string("copied_samples"), jv_number((double)flush->copied_samples)));
}

static int
turn(struct flush *flush)
{
	int wait_ms = rtta_state_tick(flush->state);

	follow_state(flush);
	if (rtta_state_loaded(flush->state)) {
		if (!flush->ready)
			rtta_notify("READY=1");
		flush->ready = true;
		begin_copies(flush);
	}
	wait_ms = rtta_clock_sooner(wait_ms, tick_copies(flush));
	beat(flush);
	wait_ms = rtta_clock_sooner(wait_ms, rtta_notify_watchdog());
	return rtta_clock_sooner(wait_ms, rtta_heartbeat_wait_ms(&flush->heartbeat));
}

static void
serve(struct flush *flush, struct rtta_err *err)
{
	struct pollfd fds[] = {
		{ .fd = flush->sig_fd, .events = POLLIN },
		{ .fd = rtta_bus_fd(flush->bus), .events = POLLIN },
	};
	int wait_ms = 0;

	for (;;) {
		if (poll(fds, 2, wait_ms) < 0 && errno != EINTR) {
			rtta_err_sys(err, EX_OSERR, "poll");
			return;
		}
		/* What is not finished, the next one does again: same ids. */
		if (fds[0].revents && rtta_sig_take(flush->sig_fd))
			return;
		if (fds[1].revents && rtta_bus_wake(flush->bus, err) < 0)
			return;
		wait_ms = turn(flush);
	}
}

int
main(int argc, char *argv[])
{
	struct flush flush = {0};
	struct rtta_err err = {0};

	rtta_log_open("rtta-flush");
	parse_options(&flush, argc, argv);
	flush.sig_fd = rtta_sig_open();

	flush.bus = rtta_bus_open_bulk(rtta_opt_nats_url(), "flush", &err);
	if (flush.bus != NULL) {
		flush.state = rtta_state_new(flush.bus);
		rtta_heartbeat_init(&flush.heartbeat, flush.bus, "rtta-flush");
		if (flush.replay.session != NULL)
			rtta_replay(flush.bus, flush.state, flush.sig_fd, &flush.replay, &err);
		else
			serve(&flush, &err);
	}

	for (int i = 0; i < COPIES_MAX; i++)
		rtta_copy_free(flush.copies[i]);
	rtta_state_free(flush.state);
	rtta_bus_close(flush.bus);
	return rtta_err_exit(&err);
}

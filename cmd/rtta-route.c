/*
 * rtta-route - the switch between pre-roll and live.
 * Reads frames on stdin and session_config on the bus; every frame goes to
 * preroll.audio or to audio.live.<session>.  Where, lib/switch.c decides;
 * this file moves what it decided.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bus.h"
#include "clock.h"
#include "err.h"
#include "frame.h"
#include "heartbeat.h"
#include "inlet.h"
#include "keys.h"
#include "leftover.h"
#include "live.h"
#include "log.h"
#include "notify.h"
#include "opt.h"
#include "preroll.h"
#include "resume.h"
#include "session.h"
#include "sig.h"
#include "source.h"
#include "state.h"
#include "switch.h"
#include "window.h"

static const char help[] =
    "usage: rtta-route [-hqVv] [-N URL] [--preroll TIME] [--memory TIME]\n"
    "                  [--channels-as mix|split] [--end-at-eof] [--status-fd N]\n"
    "                  [--state-dir DIR] [--runtime-dir DIR] <frames\n"
    "      --preroll TIME     sound held for a session to come (default 6m)\n"
    "      --memory TIME      sound kept while the bus is away (default 10m)\n"
    "      --channels-as HOW  mix, or split: a transcript for each channel\n"
    "      --end-at-eof       the end of the input ends its session\n"
    "      --status-fd N      JSON Lines of rtta-capture, for the heartbeat\n"
    "      --state-dir DIR    keeps unsent live frames (RTTA_STATE_DIR; /var/lib/rtta)\n"
    "      --runtime-dir DIR  keeps unsent pre-roll (RTTA_RUNTIME_DIR; /run/rtta)\n"
    RTTA_OPT_BUS_HELP
    RTTA_OPT_COMMON_HELP;

enum {
	FRAMES_A_TURN = 512,
	KNOWN_AFTER_MS = 3000,   /* a reconnect; the state is polled every 2 s */
	SETTLE_MS = 5000,        /* after SIGTERM */
	LATE_FLUSH_S = 60,
	NS_PER_US = 1000,
	US_PER_S = 1000000
};

enum phase {
	PHASE_LOADING,   /* the state and PRE_BUFFER are being read */
	PHASE_BACKLOG,   /* what lay in the pipe belongs to the session before */
	PHASE_RUNNING,
	PHASE_DRAINING   /* no more input */
};

struct route {
	int64_t preroll_ms, memory_ms;
	struct rtta_leftover leftover;
	bool split, end_at_eof;

	int sig_fd;
	struct rtta_bus *bus;
	struct rtta_state *state;
	struct rtta_window *window;
	struct rtta_preroll *preroll;
	struct rtta_switch *sw;
	struct rtta_live *live;
	struct rtta_resume *resume;
	struct rtta_inlet *in;
	struct rtta_source source;
	struct rtta_heartbeat heartbeat;

	enum phase phase;
	int64_t deadline_ms;       /* of draining, 0: none */
	int64_t backlog_bytes;
	uint64_t epoch;
	int64_t known_ms;          /* from then on the status is the current one */

	struct rtta_session_config config;  /* the last good one */
	uint64_t config_revision;
	bool off_record;
	uint64_t cut_write, end_write, config_write;
	struct rtta_session_cut cut;        /* as written */
	struct rtta_session_end end;
	bool keys_changed;
	int64_t keys_ms;
	uint64_t needed;           /* window: lowest number that a flush needs */

	uint64_t frames;
};

/* --- options --- */

static int
status_fd_option(const char *text)
{
	int fd = (int)rtta_opt_int("--status-fd", text, 3, 1023);

	if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0)
		rtta_opt_fail("--status-fd %d: %s", fd, strerror(errno));
	return fd;
}

static void
parse_options(struct route *route, int argc, char *argv[])
{
	enum { PREROLL = 256, MEMORY, CHANNELS_AS, END_AT_EOF, STATUS_FD, STATE_DIR, RUNTIME_DIR };
	static const struct option table[] = {
		{ "preroll", required_argument, NULL, PREROLL },
		{ "memory", required_argument, NULL, MEMORY },
		{ "channels-as", required_argument, NULL, CHANNELS_AS },
		{ "end-at-eof", no_argument, NULL, END_AT_EOF },
		{ "status-fd", required_argument, NULL, STATUS_FD },
		{ "state-dir", required_argument, NULL, STATE_DIR },
		{ "runtime-dir", required_argument, NULL, RUNTIME_DIR },
		RTTA_OPT_BUS
		RTTA_OPT_COMMON
	};
	int c;

	route->preroll_ms = 360000;
	route->memory_ms = 600000;
	route->source.status_fd = -1;
	route->leftover.state_dir = rtta_opt_env("RTTA_STATE_DIR", "/var/lib/rtta");
	route->leftover.runtime_dir = rtta_opt_env("RTTA_RUNTIME_DIR", "/run/rtta");
	while ((c = rtta_opt_next(argc, argv, table, help)) != -1)
		switch (c) {
		case PREROLL:
			route->preroll_ms = rtta_opt_duration_ms("--preroll", optarg, 0, 3600000);
			break;
		case MEMORY:
			route->memory_ms = rtta_opt_duration_ms("--memory", optarg, 1000, 86400000);
			break;
		case CHANNELS_AS:
			route->split = strcmp(optarg, "split") == 0;
			if (!route->split && strcmp(optarg, "mix") != 0)
				rtta_opt_fail("--channels-as %s: neither mix nor split", optarg);
			break;
		case END_AT_EOF: route->end_at_eof = true; break;
		case STATUS_FD: route->source.status_fd = status_fd_option(optarg); break;
		case STATE_DIR: route->leftover.state_dir = optarg; break;
		case RUNTIME_DIR: route->leftover.runtime_dir = optarg; break;
		}
	if (optind < argc)
		rtta_opt_fail("%s: frames come on standard input", argv[optind]);
}

/* --- live frames and what the switch decides --- */

static void
carry_out(struct route *route, const struct rtta_switch_action *action)
{
	char key[RTTA_SESSION_KEY_BYTES];

	switch (action->what) {
	case RTTA_SWITCH_FRAME:
		rtta_live_frame(route->live, action->id, action->frame);
		break;
	case RTTA_SWITCH_INFO:
		rtta_keys_create(route->state, "session", action->id, rtta_session_info_encode(&action->info));
		break;
	case RTTA_SWITCH_RUN:
		rtta_state_create(route->state, rtta_session_run_key(key, action->id, action->n),
		    rtta_session_run_encode(&action->run));
		break;
	case RTTA_SWITCH_CUT:
		rtta_log_info("session %s: cut", action->id);
		route->cut = action->cut;
		route->cut_write = rtta_keys_create(route->state, "cut", action->id,
		    rtta_session_cut_encode(&action->cut));
		break;
	case RTTA_SWITCH_END:
		rtta_log_info("session %s: end", action->id);
		route->end = action->end;
		route->end_write = rtta_keys_create(route->state, "end", action->id,
		    rtta_session_end_encode(&action->end));
		break;
	case RTTA_SWITCH_NOTE:
		rtta_state_create(route->state, rtta_session_note_key(key, action->id, "route",
		    action->note_at), rtta_session_note_encode(&action->note));
		break;
	case RTTA_SWITCH_EOS:
		rtta_live_eos(route->live, action->id, &action->end);
		break;
	}
}

static void
carry_out_all(struct route *route)
{
	const struct rtta_switch_action *action;

	while ((action = rtta_switch_next(route->sw)) != NULL)
		carry_out(route, action);
}

/* --- keys of sessions --- */

/* What stands holds, whoever wrote it. */
static void
take_result(struct route *route, const struct rtta_state_result *result)
{
	const char *id = rtta_switch_session(route->sw);

	if (result->number == route->cut_write) {
		if (result->outcome == RTTA_STATE_REFUSED)
			rtta_keys_cut(route->state, id, &route->cut);
		rtta_switch_cut_stored(route->sw, &route->cut);
	} else if (result->number == route->end_write) {
		if (result->outcome == RTTA_STATE_REFUSED)
			rtta_keys_end(route->state, id, &route->end);
		rtta_switch_end_stored(route->sw, &route->end);
	} else if (result->number == route->config_write) {
		route->config_write = 0;
	} else if (result->outcome == RTTA_STATE_REFUSED) {
		rtta_log_warn("%s: another value stands already", result->key);
	}
}

/* Which frames of the window a flush still has to find in PRE_BUFFER. */
static void
look_at_flushes(struct route *route)
{
	int64_t oldest_us = rtta_clock_real_ns() / NS_PER_US -
	    route->preroll_ms * 1000 - LATE_FLUSH_S * US_PER_S;
	char id[RTTA_SESSION_ID_BYTES];
	struct rtta_session_cut cut;
	uint64_t number;
	bool open = false;
	size_t at = 0;

	route->keys_changed = false;
	route->keys_ms = rtta_clock_mono_ms();
	route->needed = UINT64_MAX;
	while (rtta_keys_next_cut(route->state, &at, id, &cut)) {
		if (!cut.has_preroll || cut.at_us < oldest_us || rtta_keys_ever(route->state, "flush", id))
			continue;
		open = true;
		if (rtta_window_find(route->window, cut.first, &number) &&
		    number < route->needed)
			route->needed = number;
	}
	rtta_preroll_flush_open(route->preroll, open);
}

/* --- session_config --- */

static void
go_off_record(struct route *route, int64_t since_us)
{
	struct rtta_pos first;
	int64_t first_us = 0;
	bool dropped;

	rtta_log_info("off the record");
	dropped = rtta_live_drop(route->live, since_us, &first, &first_us);
	rtta_switch_off_record(route->sw, since_us, dropped ? &first : NULL, first_us);
	carry_out_all(route);  /* the note first */
	look_at_flushes(route);
	rtta_preroll_recall(route->preroll);
	rtta_window_forget(route->window, route->needed, since_us);
	rtta_preroll_purge(route->preroll);
}

static void
apply_record(struct route *route, const struct rtta_session_config *config)
{
	int64_t now_us = rtta_clock_real_ns() / NS_PER_US;

	if (config->off_record && !route->off_record) {
		go_off_record(route, config->off_record_us ? config->off_record_us : now_us);
	} else if (!config->off_record && route->off_record) {
		rtta_log_info("on the record");
		rtta_switch_on_record(route->sw, now_us);
	}
	route->off_record = config->off_record;
}

static void
apply_config(struct route *route, const struct rtta_session_config *config)
{
	struct rtta_switch_want want = { .config = *config };

	route->config = *config;
	want.has_cut = rtta_keys_ever(route->state, "cut", config->id);
	want.has_end = rtta_keys_ever(route->state, "end", config->id);
	if (config->active && want.has_end)
		rtta_log_warn("session %s is over: its status ACTIVE is taken as IDLE", config->id);
	rtta_switch_config(route->sw, &want);
}

/* 0, or -1: it says nothing, and the last good one stays. */
static int
read_config(struct rtta_session_config *config, bool deleted, bool readable, jv value)
{
	struct rtta_err err = {0};

	*config = (struct rtta_session_config){ .preroll_s = RTTA_SESSION_PREROLL_S };
	if (deleted)
		return 0;
	if (!readable)
		rtta_err_set(&err, EX_DATAERR, "session_config: unreadable");
	else
		rtta_session_config_decode(config, value, &err);
	if (err.exit_code == 0)
		return 0;
	rtta_log_warn("%s: the last good one stays", err.text);
	return -1;
}

static void
follow_state(struct route *route)
{
	struct rtta_state_change change;
	struct rtta_state_result result;
	struct rtta_session_config config;

	while (rtta_state_next(route->state, &change)) {
		if (strcmp(change.key, "session_config") != 0) {
			route->keys_changed = true;
		} else if (route->phase == PHASE_RUNNING || route->phase == PHASE_DRAINING) {
			route->config_revision = change.revision;
			if (read_config(&config, change.deleted, change.readable, change.value) == 0) {
				apply_record(route, &config);
				apply_config(route, &config);
			}
		}
		jv_free(change.value);
	}
	while (rtta_state_result(route->state, &result))
		take_result(route, &result);
}

/* --- the start --- */

/* The status that stands, once what came before it has been dealt with. */
static void
apply_status(struct route *route)
{
	struct rtta_session_config config;
	jv value = rtta_state_get(route->state, "session_config", &route->config_revision);
	bool readable = jv_get_kind(value) == JV_KIND_OBJECT;
	size_t at = 0;
	const char *key = rtta_state_key(route->state, "session_config", &at);
	bool deleted = key == NULL || strcmp(key, "session_config") != 0;

	if (read_config(&config, deleted, readable, value) == 0)
		apply_config(route, &config);
	jv_free(value);
	carry_out_all(route);
	route->known_ms = rtta_clock_mono_ms();
	route->phase = PHASE_RUNNING;
	rtta_notify("READY=1");
}

/* Off the record comes first: it also holds for what lies in files. */
static void
apply_record_at_start(struct route *route)
{
	struct rtta_session_config config = {0};
	jv value = rtta_state_get(route->state, "session_config", NULL);

	if (jv_get_kind(value) == JV_KIND_OBJECT &&
	    rtta_session_config_decode(&config, value, &(struct rtta_err){0}) == 0)
		apply_record(route, &config);
	jv_free(value);
}

static void
start(struct route *route)
{
	rtta_leftover_load_preroll(&route->leftover, route->window);
	rtta_resume_apply(route->resume, route->sw, route->window, route->live,
	    rtta_clock_real_ns() / NS_PER_US);
	rtta_resume_free(route->resume);
	route->resume = NULL;
	apply_record_at_start(route);
	look_at_flushes(route);
	rtta_leftover_load_live(&route->leftover, route->live, route->sw);
	rtta_leftover_load_input(&route->leftover, route->sw);
	carry_out_all(route);
	route->phase = PHASE_BACKLOG;
	route->backlog_bytes = (int64_t)rtta_inlet_waiting(route->in);
	if (rtta_leftover_has_next(&route->leftover)) {
		apply_status(route);
		rtta_leftover_load_next(&route->leftover, route->sw);
	} else if (route->backlog_bytes == 0) {
		apply_status(route);
	}
}

/* The state, then the sessions before, and PRE_BUFFER: returns ms as tick. */
static int
load(struct route *route)
{
	int wait_ms = -1;

	if (!rtta_state_loaded(route->state))
		return -1;
	if (route->resume == NULL)
		route->resume = rtta_resume_new(route->bus, route->state);
	wait_ms = rtta_resume_tick(route->resume);
	if (rtta_resume_is_over(route->resume) && rtta_preroll_ready(route->preroll))
		start(route);
	return wait_ms;
}

/* --- input --- */

static void
take_frame(struct route *route, const struct rtta_frame *frame)
{
	struct rtta_held *held = rtta_held_new(frame);

	route->frames++;
	route->backlog_bytes -= RTTA_FRAME_HEADER_BYTES + frame->payload_bytes;
	held->level_db = rtta_source_frame(&route->source, frame);
	rtta_switch_frame(route->sw, held);
	carry_out_all(route);
}

static enum rtta_inlet_got
read_input(struct route *route, struct rtta_err *err)
{
	enum rtta_inlet_got got = RTTA_INLET_FRAME;
	struct rtta_frame frame;

	for (int i = 0; i < FRAMES_A_TURN && got == RTTA_INLET_FRAME; i++) {
		if (route->phase == PHASE_BACKLOG && route->backlog_bytes <= 0)
			break;
		got = rtta_inlet_next(route->in, &frame, err);
		if (got == RTTA_INLET_FRAME)
			take_frame(route, &frame);
	}
	return got;
}

/* Everything here waits for the bus; more than that stays in the pipe. */
static bool
is_full(const struct route *route)
{
	size_t bytes, more;

	if (rtta_live_is_busy(route->live))
		return true;
	rtta_window_unstored(route->window, &bytes);
	rtta_switch_waiting(route->sw, &more);
	bytes += more;
	rtta_live_pending(route->live, &more);
	bytes += more;
	return bytes > 0 && bytes >= (uint64_t)route->memory_ms * route->source.bytes_a_s / 1000;
}

/* --- what people see --- */

static const char *
describe(const struct route *route)
{
	enum rtta_mic_state mic = rtta_source_mic(&route->source);

	if (route->phase == PHASE_LOADING)
		return "reading the state";
	if (rtta_live_trouble(route->live) != 0)
		return "AUDIO_STREAM takes nothing";
	return mic != RTTA_MIC_OK ? rtta_mic_state_name(mic) : NULL;
}

static jv
count(jv value, const char *key, uint64_t number)
{
	return jv_object_set(value, jv_string(key), jv_number((double)number));
}

static jv
counters(struct route *route)
{
	size_t bytes, held = rtta_window_next(route->window) - rtta_window_oldest(route->window);
	jv value = jv_object();

	value = count(value, "frames", route->frames);
	value = count(value, "live_frames", rtta_live_stored(route->live));
	value = count(value, "preroll_frames", rtta_preroll_stored(route->preroll));
	value = count(value, "window_frames", held);
	value = count(value, "pending", rtta_live_pending(route->live, &bytes));
	value = count(value, "pending_preroll", rtta_window_unstored(route->window, &bytes));
	value = count(value, "waiting", rtta_switch_waiting(route->sw, &bytes));
	value = jv_object_set(value, jv_string("session_id"),
	    jv_string(rtta_switch_session(route->sw)));
	value = jv_object_set(value, jv_string("switch"),
	    jv_string(rtta_switch_state_name(rtta_switch_state(route->sw))));
	value = jv_object_set(value, jv_string("off_record"), jv_bool(route->off_record));
	return rtta_source_describe(&route->source, value);
}

static void
beat(struct route *route)
{
	const char *reason;

	if (!rtta_heartbeat_due(&route->heartbeat))
		return;
	reason = describe(route);
	rtta_heartbeat_send(&route->heartbeat, reason ? "degraded" : "ok", reason,
	    counters(route));
}

/* --- one turn of the loop --- */

/* Is the status that the copy holds the one that people see? */
static bool
status_is_known(struct route *route)
{
	if (rtta_bus_epoch(route->bus) != route->epoch) {
		route->epoch = rtta_bus_epoch(route->bus);
		route->known_ms = rtta_clock_mono_ms() + KNOWN_AFTER_MS;
	}
	return route->phase != PHASE_LOADING && route->phase != PHASE_BACKLOG &&
	    rtta_bus_connected(route->bus) && rtta_clock_mono_ms() >= route->known_ms;
}

static bool
is_settled(struct route *route)
{
	size_t bytes;
	enum rtta_switch_state state = rtta_switch_state(route->sw);

	return rtta_live_pending(route->live, &bytes) == 0 &&
	    rtta_state_pending(route->state) == 0 &&
	    rtta_window_unstored(route->window, &bytes) == 0 &&
	    rtta_switch_waiting(route->sw, &bytes) == 0 &&
	    (state == RTTA_SWITCH_IDLE || state == RTTA_SWITCH_LIVE);
}

/* The input was the session: it is over with it. */
static bool
end_session(struct route *route)
{
	struct rtta_session_config config = route->config;

	if (!route->end_at_eof || rtta_switch_state(route->sw) == RTTA_SWITCH_IDLE)
		return true;
	if (route->config_write == 0 && config.active &&
	    strcmp(config.id, rtta_switch_session(route->sw)) == 0) {
		config.active = false;
		route->config_write = rtta_state_put(route->state, "session_config",
		    rtta_session_config_encode(&config), route->config_revision);
	}
	return !config.active && rtta_switch_state(route->sw) == RTTA_SWITCH_LIVE;
}

static void
drain(struct route *route, int64_t within_ms)
{
	if (route->phase == PHASE_LOADING)
		return;
	if (route->phase == PHASE_BACKLOG)
		apply_status(route);
	route->phase = PHASE_DRAINING;
	if (within_ms > 0 && route->deadline_ms == 0)
		route->deadline_ms = rtta_clock_mono_ms() + within_ms;
	rtta_switch_eof(route->sw);
	carry_out_all(route);
}

static void
tend(struct route *route)
{
	if (route->keys_changed || rtta_clock_mono_ms() - route->keys_ms > 10000)
		look_at_flushes(route);
	rtta_window_trim(route->window, rtta_switch_mark(route->sw), route->needed);
	if (route->leftover.is_left && route->phase == PHASE_RUNNING && is_settled(route))
		rtta_leftover_remove(&route->leftover);
}

static int
soonest(int a_ms, int b_ms)
{
	if (a_ms < 0 || b_ms < 0)
		return a_ms < 0 ? b_ms : a_ms;
	return a_ms < b_ms ? a_ms : b_ms;
}

/* What the bus brought and time decided.  Returns ms until the next turn. */
static int
turn(struct route *route)
{
	int wait_ms;

	rtta_switch_time(route->sw, rtta_clock_mono_ms(), rtta_clock_real_ns() / NS_PER_US);
	rtta_switch_known(route->sw, status_is_known(route));
	wait_ms = rtta_state_tick(route->state);
	follow_state(route);
	rtta_switch_tick(route->sw);
	carry_out_all(route);
	wait_ms = soonest(wait_ms, rtta_preroll_tick(route->preroll));
	if (route->phase == PHASE_LOADING)
		wait_ms = soonest(wait_ms, load(route));
	tend(route);
	beat(route);
	wait_ms = soonest(wait_ms, rtta_live_tick(route->live));
	wait_ms = soonest(wait_ms, rtta_switch_wait_ms(route->sw));
	wait_ms = soonest(wait_ms, rtta_notify_watchdog());
	return soonest(wait_ms, rtta_heartbeat_wait_ms(&route->heartbeat));
}

static bool
is_done(struct route *route)
{
	if (route->phase != PHASE_DRAINING)
		return false;
	if (route->deadline_ms != 0)
		return is_settled(route) || rtta_clock_mono_ms() >= route->deadline_ms;
	return end_session(route) && is_settled(route);
}

static bool
may_read(const struct route *route)
{
	return (route->phase == PHASE_BACKLOG || route->phase == PHASE_RUNNING) &&
	    !is_full(route);
}

static void
take_input(struct route *route, struct rtta_err *err)
{
	enum rtta_inlet_got got = read_input(route, err);

	if (route->phase == PHASE_BACKLOG &&
	    (got != RTTA_INLET_FRAME || route->backlog_bytes <= 0))
		apply_status(route);
	if (got == RTTA_INLET_END)
		drain(route, 0);
	if (got == RTTA_INLET_BROKEN)
		drain(route, SETTLE_MS);
}

static void
run(struct route *route, struct rtta_err *err)
{
	enum { SIG, BUS, IN, STATUS, NFDS };
	struct pollfd fds[NFDS] = {
		[SIG] = { .fd = route->sig_fd, .events = POLLIN },
		[BUS] = { .fd = rtta_bus_fd(route->bus), .events = POLLIN },
		[IN] = { .events = POLLIN },
		[STATUS] = { .events = POLLIN },
	};
	struct rtta_err bus_err = {0};
	int wait_ms = 0;

	while (!is_done(route)) {
		fds[IN].fd = may_read(route) ? STDIN_FILENO : -1;
		fds[STATUS].fd = route->source.status_fd;
		if (poll(fds, NFDS, wait_ms) < 0 && errno != EINTR) {
			rtta_err_sys(err, EX_OSERR, "poll");
			return;
		}
		if (fds[BUS].revents && rtta_bus_wake(route->bus, &bus_err) < 0) {
			*err = bus_err;
			return;
		}
		if (fds[STATUS].revents)
			rtta_source_read(&route->source);
		if (fds[IN].revents)
			take_input(route, err);
		if (fds[SIG].revents && rtta_sig_take(route->sig_fd)) {
			if (route->phase == PHASE_LOADING)
				return;
			drain(route, SETTLE_MS);
		}
		wait_ms = turn(route);
	}
}

static int
open_bus(struct route *route, struct rtta_err *err)
{
	route->bus = rtta_bus_open(rtta_opt_nats_url(), "rtta-route", err);
	if (route->bus == NULL)
		return -1;
	route->epoch = rtta_bus_epoch(route->bus);
	route->state = rtta_state_new(route->bus);
	route->window = rtta_window_new(route->preroll_ms * 1000000);
	route->preroll = rtta_preroll_new(route->bus, route->window);
	route->live = rtta_live_new(route->bus);
	route->sw = rtta_switch_new(route->window, route->split);
	rtta_heartbeat_init(&route->heartbeat, route->bus, "rtta-route");
	rtta_source_init(&route->source);
	return 0;
}

int
main(int argc, char *argv[])
{
	struct route route = { .needed = UINT64_MAX };
	struct rtta_err err = {0};

	rtta_log_open("rtta-route");
	parse_options(&route, argc, argv);
	route.sig_fd = rtta_sig_open();

	route.in = rtta_inlet_open(STDIN_FILENO, true, &err);
	if (route.in != NULL && open_bus(&route, &err) == 0) {
		run(&route, &err);
		if (route.phase != PHASE_LOADING)
			rtta_leftover_save(&route.leftover, route.live, route.sw,
			    route.preroll, route.window);
	}

	rtta_switch_free(route.sw);
	rtta_preroll_free(route.preroll);
	rtta_live_free(route.live);
	rtta_resume_free(route.resume);
	rtta_state_free(route.state);
	rtta_window_free(route.window);
	rtta_bus_close(route.bus);
	rtta_inlet_close(route.in);
	rtta_source_done(&route.source);
	return rtta_err_exit(&err);
}

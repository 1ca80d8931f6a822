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
#include "inlet.h"
#include "lease.h"
#include "leftover.h"
#include "live.h"
#include "log.h"
#include "notify.h"
#include "opt.h"
#include "preroll.h"
#include "resume.h"
#include "sig.h"
#include "source.h"
#include "state.h"
#include "steer.h"
#include "switch.h"
#include "vitals.h"
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
	SETTLE_MS = 5000,        /* after SIGTERM */
	NS_PER_US = 1000
};

enum phase {
	PHASE_WAITING,   /* another route has the room */
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
	struct rtta_lease *lease;
	struct rtta_window *window;
	struct rtta_preroll *preroll;
	struct rtta_switch *sw;
	struct rtta_live *live;
	struct rtta_steer *steer;
	struct rtta_resume *resume;
	struct rtta_inlet *in;
	struct rtta_source source;
	struct rtta_vitals vitals;

	enum phase phase;
	int64_t deadline_ms;       /* of draining, 0: none */
	bool at_eof;               /* the input is over, */
	bool ended;                /* and its session too */
	bool told_full;
	int64_t backlog_bytes;
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

/* --- the start --- */

/* What came before the status has been dealt with. */
static void
apply_status(struct route *route)
{
	rtta_steer_status(route->steer);
	route->phase = PHASE_RUNNING;
	rtta_notify("READY=1");
}

static void
start(struct route *route)
{
	struct rtta_leftover_to to = { route->state, route->live, route->sw, route->window };

	rtta_leftover_load_preroll(&route->leftover, route->window);
	rtta_resume_apply(route->resume, route->sw, route->window, route->live,
	    rtta_clock_real_ns() / NS_PER_US);
	rtta_resume_free(route->resume);
	route->resume = NULL;
	rtta_steer_record(route->steer);
	rtta_leftover_load_live(&route->leftover, route->live, route->sw);
	rtta_leftover_load_input(&route->leftover, &to);
	rtta_resume_bar(route->state, route->window);
	rtta_steer_carry_out(route->steer);
	route->phase = PHASE_BACKLOG;
	route->backlog_bytes = (int64_t)rtta_inlet_waiting(route->in);
	if (rtta_leftover_has_next(&route->leftover)) {
		apply_status(route);
		rtta_leftover_load_next(&route->leftover, &to);
	} else if (route->backlog_bytes == 0) {
		apply_status(route);
	}
}

/* The state, then the sessions before, and PRE_BUFFER: returns ms as tick. */
static int
load(struct route *route)
{
	int wait_ms;

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

	route->vitals.frames++;
	route->backlog_bytes -= RTTA_FRAME_HEADER_BYTES + frame->payload_bytes;
	rtta_source_frame(&route->source, frame, held->level_db);
	if (rtta_switch_is_cutting(route->sw) && !rtta_switch_is_off_record(route->sw, frame))
		rtta_leftover_seek(&route->leftover, frame);
	rtta_switch_frame(route->sw, held);
	rtta_steer_carry_out(route->steer);
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

static size_t
waiting_bytes(const struct route *route)
{
	size_t bytes, more;

	rtta_window_unstored(route->window, &bytes);
	rtta_switch_waiting(route->sw, &more);
	bytes += more;
	rtta_live_pending(route->live, &more);
	return bytes + more;
}

/* Everything here waits for the bus; more than that stays in the pipe. */
static bool
is_full(const struct route *route)
{
	size_t most = (size_t)route->memory_ms * route->source.bytes_a_s / 1000;

	return rtta_live_is_busy(route->live) ||
	    (most > 0 && waiting_bytes(route) >= most);
}

/* Said once, until half of it is gone. */
static void
tell_full(struct route *route)
{
	size_t most = (size_t)route->memory_ms * route->source.bytes_a_s / 1000;
	size_t bytes = waiting_bytes(route);

	if (!route->told_full && most > 0 && bytes >= most) {
		route->told_full = true;
		rtta_log_warn("%.0f s of sound wait for the bus: no more is read (--memory)",
		    (double)route->memory_ms / 1000);
	} else if (route->told_full && bytes < most / 2) {
		route->told_full = false;
		rtta_log_info("sound is read again");
	}
}

/* What was read is ours to keep. */
static bool
has_begun(const struct route *route)
{
	return route->phase > PHASE_LOADING;
}

/* --- one turn of the loop --- */

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

static void
drain(struct route *route, int64_t within_ms)
{
	if (route->phase == PHASE_BACKLOG)
		apply_status(route);
	route->phase = PHASE_DRAINING;
	if (within_ms > 0 && route->deadline_ms == 0)
		route->deadline_ms = rtta_clock_mono_ms() + within_ms;
	rtta_switch_eof(route->sw);
	rtta_steer_carry_out(route->steer);
}

static void
tend(struct route *route)
{
	rtta_window_trim(route->window, rtta_switch_mark(route->sw),
	    rtta_steer_needed(route->steer));
	if (route->leftover.is_left && route->phase == PHASE_RUNNING && is_settled(route))
		rtta_leftover_remove(&route->leftover);
}

/* The room is ours: what goes into it, and what is read back from it. */
static int
move(struct route *route)
{
	int wait_ms = rtta_preroll_tick(route->preroll);

	if (route->phase == PHASE_WAITING)
		route->phase = PHASE_LOADING;
	if (route->phase == PHASE_LOADING)
		wait_ms = rtta_clock_sooner(wait_ms, load(route));
	tend(route);
	tell_full(route);
	wait_ms = rtta_clock_sooner(wait_ms, rtta_live_tick(route->live));
	return rtta_clock_sooner(wait_ms, rtta_vitals_tick(&route->vitals,
	    route->phase == PHASE_LOADING, route->told_full));
}

/* What the bus brought and time decided.  Returns ms until the next turn. */
static int
turn(struct route *route)
{
	int wait_ms;

	rtta_switch_time(route->sw, rtta_clock_mono_ms(), rtta_clock_real_ns() / NS_PER_US);
	wait_ms = rtta_state_tick(route->state);
	rtta_steer_follow(route->steer);
	wait_ms = rtta_clock_sooner(wait_ms, rtta_lease_tick(route->lease, rtta_clock_mono_ms()));
	rtta_switch_tick(route->sw);
	rtta_steer_carry_out(route->steer);
	if (route->at_eof && route->end_at_eof)
		route->ended = rtta_steer_end_session(route->steer);
	if (rtta_lease_standing(route->lease) == RTTA_LEASE_HELD)
		wait_ms = rtta_clock_sooner(wait_ms, move(route));
	else
		wait_ms = rtta_clock_sooner(wait_ms, rtta_vitals_wait(&route->vitals, route->lease));
	wait_ms = rtta_clock_sooner(wait_ms, rtta_switch_wait_ms(route->sw));
	wait_ms = rtta_clock_sooner(wait_ms, rtta_steer_wait_ms(route->steer));
	return rtta_clock_sooner(wait_ms, rtta_notify_watchdog());
}

static bool
is_done(struct route *route)
{
	if (rtta_lease_standing(route->lease) == RTTA_LEASE_LOST)
		return true;
	if (route->phase != PHASE_DRAINING)
		return false;
	if (route->deadline_ms != 0)
		return is_settled(route) || rtta_clock_mono_ms() >= route->deadline_ms;
	return is_settled(route) && (!route->end_at_eof || route->ended);
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
	enum rtta_inlet_got got;

	rtta_switch_time(route->sw, rtta_clock_mono_ms(), rtta_clock_real_ns() / NS_PER_US);
	got = read_input(route, err);
	if (route->phase == PHASE_BACKLOG &&
	    (got != RTTA_INLET_FRAME || route->backlog_bytes <= 0))
		apply_status(route);
	if (got == RTTA_INLET_END || got == RTTA_INLET_BROKEN)
		route->at_eof = true;
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
			if (!has_begun(route))
				return;
			drain(route, SETTLE_MS);
		}
		wait_ms = turn(route);
	}
	if (rtta_lease_standing(route->lease) == RTTA_LEASE_LOST)
		rtta_err_set(err, EX_TEMPFAIL, "another rtta-route has taken over this room");
}

static void
keep_waiting(void *context, const struct rtta_audio *audio)
{
	rtta_leftover_wait(context, audio);
}

static int
open_bus(struct route *route, struct rtta_err *err)
{
	route->bus = rtta_bus_open(rtta_opt_nats_url(), "route", err);
	if (route->bus == NULL)
		return -1;
	route->state = rtta_state_new(route->bus);
	route->lease = rtta_lease_new(route->bus, route->state, route->leftover.state_dir);
	route->window = rtta_window_new(route->preroll_ms * 1000000);
	route->preroll = rtta_preroll_new(route->bus, route->window);
	route->live = rtta_live_new(route->bus);
	rtta_live_keep(route->live, keep_waiting, &route->leftover);
	route->sw = rtta_switch_new(route->window, route->split);
	route->steer = rtta_steer_new(&(struct rtta_steer_parts){ .bus = route->bus,
	    .state = route->state, .lease = route->lease, .window = route->window, .preroll = route->preroll,
	    .sw = route->sw, .live = route->live }, route->preroll_ms);
	route->vitals = (struct rtta_vitals){ .bus = route->bus, .window = route->window,
	    .preroll = route->preroll, .sw = route->sw, .live = route->live,
	    .steer = route->steer, .source = &route->source };
	rtta_heartbeat_init(&route->vitals.heartbeat, route->bus, "rtta-route");
	rtta_source_init(&route->source);
	return 0;
}

int
main(int argc, char *argv[])
{
	struct route route = {0};
	struct rtta_err err = {0};

	rtta_log_open("rtta-route");
	parse_options(&route, argc, argv);
	route.sig_fd = rtta_sig_open();

	route.in = rtta_inlet_open(STDIN_FILENO, true, &err);
	if (route.in != NULL && open_bus(&route, &err) == 0) {
		run(&route, &err);
		if (has_begun(&route))
			rtta_leftover_save(&route.leftover, route.live, route.sw,
			    route.preroll, route.window, &err);
	}

	rtta_switch_free(route.sw);
	rtta_preroll_free(route.preroll);
	rtta_live_free(route.live);
	rtta_resume_free(route.resume);
	rtta_steer_free(route.steer);
	rtta_lease_free(route.lease);
	rtta_state_free(route.state);
	rtta_window_free(route.window);
	rtta_bus_close(route.bus);
	rtta_inlet_close(route.in);
	rtta_source_done(&route.source);
	return rtta_err_exit(&err);
}

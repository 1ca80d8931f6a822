/*
 * rtta-capture - sound becomes frames.
 * Reads an ALSA device, files, or raw PCM on stdin; writes frames on stdout.
 * A microphone's loss happens here and nowhere else, and is flagged.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alsa.h"
#include "clock.h"
#include "device.h"
#include "err.h"
#include "frame.h"
#include "json.h"
#include "log.h"
#include "meter.h"
#include "notify.h"
#include "opt.h"
#include "pipe.h"
#include "player.h"
#include "position.h"
#include "recorder.h"
#include "sig.h"
#include "status.h"

static const char help[] =
    "usage: rtta-capture [options] [FILE... | -] >frames\n"
    "  -D, --device NAME   ALSA device (RTTA_DEVICE; default)\n"
    "  -r, --rate HZ       8000 to 48000 (16000; of a WAV file its own, or 48000)\n"
    "  -c, --channels N    1 to 8 (1; of a WAV file its own)\n"
    "  -m, --frame-ms MS   sound in a frame, 10 to 200 (20)\n"
    "  -R, --raw           FILE is raw s16le\n"
    "  -f, --fast          files as fast as they are taken, not in real time\n"
    "  -d, --duration T    end after so much sound\n"
    "      --start TIME    time of a file's first sample, RFC 3339 (now)\n"
    "      --run HEX       run id of a file, 16 hex digits (random)\n"
    "  -S, --status-fd N   device state and level there, JSON Lines\n"
    "  -l, --list          list devices\n"
    "  -t, --test          show the level instead of writing frames\n"
    RTTA_OPT_COMMON_HELP;

enum {
	EVENT_MS = 1000,
	CLAIM_MS = 200,   /* between two looks whether the pipe is free */
	BAR_MS = 200,     /* a person watches */
	DRAIN_MS = 5000   /* after a signal, for a reader that has stopped */
};

struct capture {
	struct rtta_recorder rec;
	struct rtta_device device;
	struct rtta_player player;
	bool from_device, list, test;
	struct rtta_status status;
	int sig_fd;
	int64_t tick_ms;
	int64_t drain_ms;  /* deadline once stopping; INT64_MAX: none */
	bool stopping;
};

struct options {
	const char *device;
	bool has_device;
	uint32_t rate_hz;
	int channels;
};

static void
check_options(const struct capture *cap, const struct options *opts)
{
	const struct rtta_player *player = &cap->player;

	if (!cap->from_device && (opts->has_device || cap->list))
		rtta_opt_fail("a device or a file, not both");
	if (cap->from_device && (player->raw || player->fast ||
	    player->has_start || cap->rec.has_run_id))
		rtta_opt_fail("--raw, --fast, --start and --run are for files");
	if (cap->rec.has_run_id && player->file_count > 1)
		rtta_opt_fail("--run names the run of one file");
	if (cap->status.fd >= 0 && fcntl(cap->status.fd, F_GETFD) < 0)
		rtta_opt_fail("--status-fd %d: %s", cap->status.fd,
		    strerror(errno));
}

static void
parse_options(struct capture *cap, int argc, char *argv[])
{
	enum { START = 256, RUN };
	static const struct option table[] = {
		{ "device", required_argument, NULL, 'D' },
		{ "rate", required_argument, NULL, 'r' },
		{ "channels", required_argument, NULL, 'c' },
		{ "frame-ms", required_argument, NULL, 'm' },
		{ "raw", no_argument, NULL, 'R' },
		{ "fast", no_argument, NULL, 'f' },
		{ "duration", required_argument, NULL, 'd' },
		{ "start", required_argument, NULL, START },
		{ "run", required_argument, NULL, RUN },
		{ "status-fd", required_argument, NULL, 'S' },
		{ "list", no_argument, NULL, 'l' },
		{ "test", no_argument, NULL, 't' },
		RTTA_OPT_COMMON
	};
	struct options opts = { .device = rtta_opt_env("RTTA_DEVICE", "default") };
	struct rtta_player *player = &cap->player;
	struct rtta_recorder *rec = &cap->rec;
	int c;

	while ((c = rtta_opt_next(argc, argv, table, help)) != -1)
		switch (c) {
		case 'D': opts.device = optarg; opts.has_device = true; break;
		case 'r':
			opts.rate_hz = (uint32_t)rtta_opt_int("--rate", optarg,
			    RTTA_FRAME_MIN_RATE_HZ, RTTA_FRAME_MAX_RATE_HZ);
			break;
		case 'c':
			opts.channels = (int)rtta_opt_int("--channels", optarg,
			    1, RTTA_FRAME_MAX_CHANNELS);
			break;
		case 'm':
			rec->frame_ms = (int)rtta_opt_int("--frame-ms", optarg,
			    10, 200);
			break;
		case 'R': player->raw = true; break;
		case 'f': player->fast = true; break;
		case 'd':
			rec->duration_ms = rtta_opt_duration_ms("--duration",
			    optarg, 1, INT64_C(365) * 86400 * 1000);
			break;
		case START:
			if (rtta_clock_parse(optarg, &player->start_ns) < 0)
				rtta_opt_fail("--start %s: not a time such as "
				    "2026-01-05T10:15:03Z", optarg);
			player->has_start = true;
			break;
		case RUN:
			if (rtta_run_parse(optarg, &rec->run_id) < 0)
				rtta_opt_fail("--run %s: not 16 lowercase hex "
				    "digits", optarg);
			rec->has_run_id = true;
			break;
		case 'S':
			cap->status.fd = (int)rtta_opt_int("--status-fd",
			    optarg, 0, INT_MAX);
			break;
		case 'l': cap->list = true; break;
		case 't': cap->test = true; break;
		}
	player->files = argv + optind;
	player->file_count = argc - optind;
	player->rate_hz = opts.rate_hz;
	player->channels = opts.channels;
	cap->from_device = player->file_count == 0;
	check_options(cap, &opts);
	rtta_device_init(&cap->device, opts.device,
	    opts.rate_hz != 0 ? opts.rate_hz : 16000,
	    opts.channels != 0 ? opts.channels : 1, rec->frame_ms,
	    rtta_clock_mono_ms());
}

static void
list_devices(struct rtta_err *err)
{
	struct rtta_alsa_name *names = rtta_alsa_list(err);
	bool as_table = isatty(STDOUT_FILENO);

	if (names == NULL)
		return;
	for (struct rtta_alsa_name *name = names; name->device != NULL; name++) {
		const char *words = name->description != NULL ?
		    name->description : "";

		if (as_table)
			printf("%-32s %s\n", name->device, words);
		else if (rtta_event_write(JV_OBJECT(jv_string("device"),
		    jv_string(name->device), jv_string("description"),
		    jv_string(words)), err) < 0)
			break;
	}
	if (fflush(stdout) != 0)
		rtta_err_sys(err, EX_IOERR, "stdout");
	rtta_alsa_list_free(names);
}

/* The device's state or reason has changed. */
static void
tell_device(struct capture *cap)
{
	struct rtta_device *device = &cap->device;

	device->changed = false;
	rtta_status_device(&cap->status, device);
	if (device->state == RTTA_DEVICE_OK) {
		rtta_log_info("%s: %u Hz, %d channel%s", device->name,
		    cap->rec.rate_hz, cap->rec.channels,
		    cap->rec.channels == 1 ? "" : "s");
		rtta_notify("STATUS=capturing");
	} else if (device->state != RTTA_DEVICE_OPENING) {
		rtta_log_warn("%s, trying again", device->reason);
		rtta_notify("STATUS=waiting for the device");
	}
}

static void
tick(struct capture *cap, struct rtta_err *err)
{
	int64_t now_ms = rtta_clock_mono_ms();
	struct rtta_meter_reading reading = rtta_meter_read(&cap->rec.meter,
	    now_ms);
	jv event = rtta_meter_event(&reading, rtta_clock_real_ns());
	bool bar = cap->test && isatty(STDOUT_FILENO);
	char text[RTTA_METER_TEXT_BYTES];

	if (cap->from_device)
		event = rtta_status_of(&cap->device, event);
	rtta_recorder_tell(&cap->rec);
	rtta_status_tell(&cap->status, jv_copy(event));
	if (bar) {
		printf("\r%s%s", rtta_meter_bar(text, &reading),
		    cap->stopping ? "\n" : "");
		fflush(stdout);
	}
	if (cap->test && !bar)
		rtta_event_write(event, err);
	else
		jv_free(event);
	cap->tick_ms = now_ms + (bar ? BAR_MS : EVENT_MS);
}

static void
stop(struct capture *cap)
{
	rtta_recorder_end(&cap->rec);
	cap->stopping = true;
}

static void
read_device(struct capture *cap, struct rtta_err *err)
{
	bool overrun = false;
	size_t most;
	int16_t *values = rtta_recorder_room(&cap->rec, &most);
	ssize_t got;

	if (most == 0) {
		stop(cap);
		return;
	}
	got = rtta_device_read(&cap->device, values, most, &overrun,
	    rtta_clock_mono_ms());
	if (got < 0)
		rtta_recorder_gone(&cap->rec);
	else if (overrun)
		rtta_recorder_overrun(&cap->rec);
	if (got > 0)
		rtta_recorder_add(&cap->rec, (size_t)got,
		    rtta_alsa_backlog(cap->device.alsa), err);
}

/* Its time has come: open it, or give it up. */
static void
tend_device(struct capture *cap, struct rtta_err *err)
{
	struct rtta_device *device = &cap->device;
	int64_t now_ms = rtta_clock_mono_ms();

	if (device->alsa != NULL) {
		rtta_recorder_gone(&cap->rec);
		rtta_device_give_up(device, now_ms);
	} else if (rtta_device_open(device, now_ms, err) > 0) {
		rtta_recorder_begin(&cap->rec, rtta_alsa_rate_hz(device->alsa),
		    rtta_alsa_channels(device->alsa), false, true);
	}
}

static void
turn_device(struct capture *cap, struct pollfd *fds, int count,
    struct rtta_err *err)
{
	struct rtta_device *device = &cap->device;

	if (device->alsa != NULL && rtta_alsa_ready(device->alsa, fds, count))
		read_device(cap, err);
	if (!cap->stopping && rtta_clock_mono_ms() >= device->deadline_ms)
		tend_device(cap, err);
	if (device->changed)
		tell_device(cap);
}

static void
turn_source(struct capture *cap, struct pollfd *fds, int count,
    struct rtta_err *err)
{
	if (cap->from_device)
		turn_device(cap, fds, count, err);
	else
		rtta_player_turn(&cap->player, fds[0].revents != 0, err);
	if (cap->player.ended)
		stop(cap);
}

/* What the source wants to be polled for; how many entries it uses. */
static int
source_fds(struct capture *cap, struct pollfd *fds)
{
	if (cap->from_device && cap->device.alsa != NULL && !cap->stopping)
		return rtta_alsa_fds(cap->device.alsa, fds);
	fds[0] = (struct pollfd){ .fd = -1, .events = POLLIN };
	if (!cap->from_device && !cap->stopping)
		fds[0].fd = rtta_player_fd(&cap->player);
	return 1;
}

static int64_t
sooner(int64_t a_ms, int64_t b_ms)
{
	return a_ms < b_ms ? a_ms : b_ms;
}

/* How long poll(2) may wait. */
static int
wait_ms(const struct capture *cap)
{
	int watchdog_ms = rtta_notify_watchdog();
	int64_t now_ms = rtta_clock_mono_ms();
	int64_t next_ms = sooner(cap->tick_ms, cap->drain_ms);

	if (watchdog_ms >= 0)
		next_ms = sooner(next_ms, now_ms + watchdog_ms);
	if (!cap->stopping)
		next_ms = sooner(next_ms, cap->from_device ?
		    cap->device.deadline_ms : rtta_player_due_ms(&cap->player));
	return next_ms > now_ms ? (int)(next_ms - now_ms) : 0;
}

/* Everything is said, or will not be heard.  True: leave. */
static bool
is_over(struct capture *cap, struct rtta_err *err)
{
	struct rtta_frame_writer *out = cap->rec.out;

	if (err->exit_code != 0 || cap->rec.reader_gone)
		return true;
	if (!cap->stopping)
		return false;
	if (out == NULL || rtta_frame_flush(out, err) <= 0 ||
	    rtta_frame_pending(out) == 0)
		return true;
	if (rtta_clock_mono_ms() < cap->drain_ms)
		return false;
	rtta_err_set(err, EX_IOERR, "the last frames are not taken: %zu bytes "
	    "are lost", rtta_frame_pending(out));
	return true;
}

static void
pump(struct capture *cap, struct rtta_err *err)
{
	enum { SIG, OUT, IN, NFDS = IN + RTTA_ALSA_MAX_FDS };
	struct rtta_frame_writer *out = cap->rec.out;
	struct pollfd fds[NFDS] = {
		[SIG] = { .fd = cap->sig_fd, .events = POLLIN },
		[OUT] = { .fd = out != NULL ? STDOUT_FILENO : -1 },
	};
	int count;

	while (!is_over(cap, err)) {
		fds[OUT].events = out != NULL && rtta_frame_pending(out) > 0 ?
		    POLLOUT : 0;
		count = source_fds(cap, fds + IN);
		if (poll(fds, (nfds_t)(IN + count), wait_ms(cap)) < 0) {
			rtta_err_sys(err, EX_OSERR, "poll");
			return;
		}
		if (fds[OUT].revents & POLLERR)
			return;  /* nobody reads any more: the work is over */
		if (fds[OUT].revents && rtta_frame_flush(out, err) <= 0)
			return;
		if (!cap->stopping)
			turn_source(cap, fds + IN, count, err);
		if (fds[SIG].revents && rtta_sig_take(cap->sig_fd)) {
			stop(cap);
			cap->drain_ms = rtta_clock_mono_ms() + DRAIN_MS;
		}
		if (rtta_clock_mono_ms() >= cap->tick_ms)
			tick(cap, err);
	}
}

static int
open_output(struct capture *cap, struct rtta_err *err)
{
	int flags;

	if (cap->test)
		return 0;
	if (isatty(STDOUT_FILENO))
		return rtta_err_set(err, EX_USAGE, "frames do not go to a "
		    "terminal");
	flags = fcntl(STDOUT_FILENO, F_GETFL);
	if (rtta_pipe_unshare(STDOUT_FILENO) < 0 &&
	    (flags < 0 || fcntl(STDOUT_FILENO, F_SETFL, flags | O_NONBLOCK) < 0))
		return rtta_err_sys(err, EX_IOERR, "stdout");
	/* Half a minute of patience.  Only a wish: less will do. */
	fcntl(STDOUT_FILENO, F_SETPIPE_SZ, RTTA_FRAME_PIPE_BYTES);
	cap->rec.out = rtta_frame_writer_new(STDOUT_FILENO);
	return 0;
}

/* Frames of two writers would be mixed, and large ones torn.  False: a signal
 * came, or the reader has gone, while another one wrote. */
static bool
claim_output(struct capture *cap)
{
	struct pollfd fds[] = {
		{ .fd = cap->sig_fd, .events = POLLIN },
		{ .fd = cap->rec.out != NULL ? STDOUT_FILENO : -1 },
	};
	bool said = false;

	while (cap->rec.out != NULL && !rtta_pipe_claim(STDOUT_FILENO)) {
		if (!said) {
			rtta_log_warn("another rtta-capture writes to this pipe: waiting");
			rtta_notify("READY=1\nSTATUS=waiting for another rtta-capture");
		}
		said = true;
		if (poll(fds, 2, CLAIM_MS) > 0 && ((fds[1].revents & POLLERR) ||
		    (fds[0].revents && rtta_sig_take(cap->sig_fd))))
			return false;
		rtta_notify_watchdog();
	}
	if (said)
		rtta_log_info("the other rtta-capture has gone: going on");
	return true;
}

int
main(int argc, char *argv[])
{
	struct capture cap = {
		.rec.frame_ms = 20,
		.player = { .rec = &cap.rec, .fd = -1 },
		.status = { .fd = -1 },
		.drain_ms = INT64_MAX,
	};
	struct rtta_err err = {0};

	rtta_log_open("rtta-capture");
	parse_options(&cap, argc, argv);
	if (cap.list) {
		list_devices(&err);
		return rtta_err_exit(&err);
	}
	cap.sig_fd = rtta_sig_open();  /* before any library starts a thread */
	cap.tick_ms = rtta_clock_mono_ms() + (cap.test ? BAR_MS : EVENT_MS);

	if (open_output(&cap, &err) == 0 && claim_output(&cap) &&
	    (cap.from_device || rtta_player_open(&cap.player, &err) == 0)) {
		rtta_recorder_init(&cap.rec);
		rtta_notify("READY=1");
		pump(&cap, &err);
		rtta_notify("STOPPING=1");
		tick(&cap, &err);  /* what the last one has not told */
	}

	rtta_player_close(&cap.player);
	rtta_device_done(&cap.device);
	rtta_recorder_done(&cap.rec);
	rtta_frame_writer_free(cap.rec.out);
	return rtta_err_exit(&err);
}

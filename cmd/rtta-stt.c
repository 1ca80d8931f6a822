/*
 * rtta-stt - sound to text.
 * Without --lane: frames on stdin, records as JSON Lines on stdout.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audio.h"
#include "book.h"
#include "cover.h"
#include "draft.h"
#include "engine.h"
#include "err.h"
#include "frame.h"
#include "json.h"
#include "lane.h"
#include "log.h"
#include "opt.h"
#include "profile.h"
#include "sig.h"

static const char help[] =
    "usage: rtta-stt --lane live|backfill [options]\n"
    "       rtta-stt [--filter] [options] <frames >records\n"
    "  -l, --lane LANE     read this lane of the bus: live or backfill\n"
    "  -f, --filter        frames on stdin, records on stdout (without --lane)\n"
    "  -e, --engine NAME   a profile (RTTA_ENGINE; moonshine)\n"
    "  -x, --exec COMMAND  a program instead: s16le in, events out\n"
    "  -r, --rate HZ       what --exec wants to hear (default 16000)\n"
    "  -i, --interim       filter: interim records too\n"
    "      --edge TIME     live: a backlog above this goes to the backfill lane,\n"
    "                      0: never (default 10s)\n"
    "      --idle TIME     so long without sound ends a stretch (default 10s)\n"
    "      --piece TIME    backfill: longest piece (default 5m)\n"
    "      --hold BYTES    most sound held in memory (default 256M)\n"
    RTTA_OPT_BUS_HELP RTTA_OPT_COMMON_HELP;

enum { FDS_MAX = 64, FILTER_AHEAD_S = 5 };

struct stt {
	struct rtta_profile *profile;
	const char *engine, *exec;
	uint32_t rate_hz;
	bool on_bus, interim;
	int64_t hold_bytes;
	struct rtta_lane_config config;
	struct rtta_books books;
	struct rtta_lane *lane;
	int sig_fd;
};

enum { O_EDGE = 256, O_IDLE, O_PIECE, O_HOLD };

static void
parse_lane(struct stt *stt, const char *name)
{
	stt->on_bus = true;
	stt->config.backfill = strcmp(name, "backfill") == 0;
	if (!stt->config.backfill && strcmp(name, "live") != 0)
		rtta_opt_fail("--lane %s: neither live nor backfill", name);
}

static void
parse_options(struct stt *stt, int argc, char *argv[])
{
	static const struct option table[] = {
		{ "lane", required_argument, NULL, 'l' },
		{ "filter", no_argument, NULL, 'f' },
		{ "engine", required_argument, NULL, 'e' },
		{ "exec", required_argument, NULL, 'x' },
		{ "rate", required_argument, NULL, 'r' },
		{ "interim", no_argument, NULL, 'i' },
		{ "edge", required_argument, NULL, O_EDGE },
		{ "idle", required_argument, NULL, O_IDLE },
		{ "piece", required_argument, NULL, O_PIECE },
		{ "hold", required_argument, NULL, O_HOLD },
		RTTA_OPT_BUS
		RTTA_OPT_COMMON
	};
	struct rtta_lane_config *config = &stt->config;
	bool filter = false;
	int c;

	while ((c = rtta_opt_next(argc, argv, table, help)) != -1)
		switch (c) {
		case 'l': parse_lane(stt, optarg); break;
		case 'f': filter = true; break;
		case 'e': stt->engine = optarg; break;
		case 'x': stt->exec = optarg; break;
		case 'r': stt->rate_hz = (uint32_t)rtta_opt_int("--rate", optarg, 8000, 48000); break;
		case 'i': stt->interim = true; break;
		case O_EDGE: config->edge_ms = rtta_opt_duration_ms("--edge", optarg, 0, 3600000); break;
		case O_IDLE: config->idle_ms = rtta_opt_duration_ms("--idle", optarg, 1000, 3600000); break;
		case O_PIECE: config->piece_ms = rtta_opt_duration_ms("--piece", optarg, 10000, 3600000); break;
		case O_HOLD: stt->hold_bytes = rtta_opt_bytes("--hold", optarg, 1 << 20, INT64_C(1) << 36); break;
		}
	if (optind < argc)
		rtta_opt_fail("%s: sound comes on stdin or from a lane", argv[optind]);
	if (filter && stt->on_bus)
		rtta_opt_fail("--filter and --lane exclude each other");
	if (stt->exec != NULL && strspn(stt->exec, " \t") == strlen(stt->exec))
		rtta_opt_fail("--exec: no program");
}

static int
open_engine(struct stt *stt, struct rtta_err *err)
{
	struct rtta_engine *engine;

	stt->profile = stt->exec != NULL ? rtta_profile_exec(stt->exec, stt->rate_hz) :
	    rtta_profile_load(stt->engine, err);
	if (stt->profile == NULL)
		return -1;
	stt->config.profile = stt->profile;
	engine = rtta_engine_open(stt->profile, stt->config.backfill, err);
	if (engine == NULL)
		return -1;
	stt->lane = rtta_lane_new(&stt->config, &stt->books);
	rtta_lane_use(stt->lane, engine);
	return 0;
}

/* --- without a bus --- */

static bool
reader_gone(void)
{
	struct pollfd out = { .fd = STDOUT_FILENO };

	return poll(&out, 1, 0) > 0 && (out.revents & POLLERR);
}

/* Print what has come; printed is covered.  0, or -1: *err, or nobody reads. */
static int
print_records(struct stt *stt, struct rtta_err *err)
{
	struct rtta_draft *draft;
	int rc = 0;

	while (rc == 0 && (draft = rtta_lane_next_draft(stt->lane)) != NULL) {
		const struct rtta_record *record = &draft->record;
		struct rtta_book *book = rtta_books_get(&stt->books, record->session);
		int i = rtta_book_index(record->rev);

		if (record->is_final || stt->interim)
			rc = rtta_event_write(rtta_record_json(record), err);
		if (record->is_final) {
			rtta_cover_add(book->cover[i], record->span);
			rtta_lane_covered(stt->lane, book, record->rev, record->span);
		}
		rtta_draft_free(draft);
	}
	if (rc < 0 && reader_gone())
		rtta_err_clear(err);
	return rc;
}

struct input {
	struct rtta_frame_reader *reader;
	struct rtta_pos next;         /* behind the frame before */
	uint64_t frames;
	bool ended;
};

static void
take_frame(struct stt *stt, struct input *input, const struct rtta_frame *frame)
{
	struct rtta_audio audio = {
		.lane = RTTA_AUDIO_LIVE, .session = "stdin", .rev = 1, .frame = *frame,
		.eos = frame->payload_bytes == 0, .stream_seq = ++input->frames
	};

	if (frame->flags & RTTA_FRAME_LOST && frame->run_id == input->next.run &&
	    frame->sample > input->next.sample)
		audio.lost = frame->sample - input->next.sample;
	input->next = (struct rtta_pos){ frame->run_id, rtta_frame_end(frame) };
	rtta_lane_take(stt->lane, &audio, NULL);
}

/* One read.  1: go on, 0: end of input, -1: *err. */
static int
read_frames(struct stt *stt, struct input *input, struct rtta_err *err)
{
	struct rtta_frame frame;
	int more = rtta_frame_fill(input->reader, err), got = 0;

	while (more > 0 && (got = rtta_frame_next(input->reader, &frame, err)) > 0)
		take_frame(stt, input, &frame);
	return got < 0 ? -1 : more;
}

/* Ahead of the engine by no more than a few seconds; and what is held
 * without ever being settled has a limit. */
static bool
has_room(struct stt *stt)
{
	struct rtta_lane_status status;

	rtta_lane_status(stt->lane, &status);
	if (status.held_bytes > (size_t)stt->hold_bytes)
		rtta_lane_end(stt->lane);
	return status.behind_s < FILTER_AHEAD_S;
}

static void
run_filter(struct stt *stt, struct rtta_err *err)
{
	struct input input = { .reader = rtta_frame_reader_new(STDIN_FILENO) };
	struct pollfd fds[FDS_MAX];
	struct rtta_err broken = {0};
	int count;

	while (rtta_lane_pump(stt->lane, 0, err) == 0 && print_records(stt, err) == 0) {
		if (input.ended && rtta_lane_settled(stt->lane))
			break;
		fds[0] = (struct pollfd){ .fd = stt->sig_fd, .events = POLLIN };
		fds[1] = (struct pollfd){
			.fd = !input.ended && has_room(stt) ? STDIN_FILENO : -1, .events = POLLIN
		};
		count = 2 + rtta_lane_fds(stt->lane, fds + 2, FDS_MAX - 2);
		if (poll(fds, (nfds_t)count, rtta_lane_wait_ms(stt->lane)) < 0 && errno != EINTR) {
			rtta_err_sys(err, EX_OSERR, "poll");
			break;
		}
		if ((fds[0].revents && rtta_sig_take(stt->sig_fd)) ||
		    (fds[1].revents && read_frames(stt, &input, &broken) <= 0)) {
			rtta_lane_end(stt->lane);
			input.ended = true;
		}
	}
	/* What came before broken input was still said. */
	if (broken.exit_code != 0)
		rtta_err_set(err, broken.exit_code, "%s", broken.text);
	rtta_frame_reader_free(input.reader);
}

int
main(int argc, char *argv[])
{
	struct stt stt = {
		.engine = rtta_opt_env("RTTA_ENGINE", "moonshine"),
		.rate_hz = 16000,
		.hold_bytes = 256 << 20,
		.config = { .edge_ms = 10000, .idle_ms = 10000, .piece_ms = 300000 },
	};
	struct rtta_err err = {0};

	rtta_log_open("rtta-stt");
	parse_options(&stt, argc, argv);
	stt.sig_fd = rtta_sig_open();
	rtta_books_init(&stt.books);
	if (!stt.on_bus) {
		stt.config.in_order = true;
		stt.config.edge_ms = stt.config.idle_ms = 0;
		if (isatty(STDIN_FILENO))
			rtta_err_set(&err, EX_USAGE, "frames do not come from a terminal");
		else if (open_engine(&stt, &err) == 0)
			run_filter(&stt, &err);
	}
	rtta_lane_free(stt.lane);
	rtta_profile_free(stt.profile);
	rtta_books_done(&stt.books);
	return rtta_err_exit(&err);
}

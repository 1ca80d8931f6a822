/*
 * publish - frames on stdin become messages of AUDIO_STREAM.
 *
 * What route and flush do, without a session: for tests of those who read
 * the lanes.  Ends when all are stored.
 */
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "audio.h"
#include "bus.h"
#include "err.h"
#include "frame.h"
#include "log.h"
#include "opt.h"
#include "publisher.h"

static const char help[] =
    "usage: publish [options] SESSION <frames\n"
    "  -l, --lane LANE  live or backfill (default live)\n"
    "  -j, --job JOB    backfill: the job (default preroll)\n"
    "      --rev N      backfill: the revision (default 1)\n"
    "  -e, --eos        an EOS message at the end\n"
    "  -f, --foreign    PCM without headers of ours\n"
    "  -a, --again TAG  other message ids: the same sound again\n"
    "      --acks       print how many are stored, each time that this grows\n"
    RTTA_OPT_BUS_HELP RTTA_OPT_COMMON_HELP;

struct publish {
	const char *session, *job, *again;
	bool backfill, eos, foreign, acks;
	int rev;
	uint64_t stored;
	struct rtta_bus *bus;
	struct rtta_publisher *publisher;
	struct rtta_pos next;
	struct rtta_frame last;
};

enum { O_REV = 256, O_ACKS, AHEAD = 2000 };

static void
parse_options(struct publish *pub, int argc, char *argv[])
{
	static const struct option table[] = {
		{ "lane", required_argument, NULL, 'l' },
		{ "job", required_argument, NULL, 'j' },
		{ "rev", required_argument, NULL, O_REV },
		{ "eos", no_argument, NULL, 'e' },
		{ "foreign", no_argument, NULL, 'f' },
		{ "again", required_argument, NULL, 'a' },
		{ "acks", no_argument, NULL, O_ACKS },
		RTTA_OPT_BUS
		RTTA_OPT_COMMON
	};
	int c;

	while ((c = rtta_opt_next(argc, argv, table, help)) != -1)
		switch (c) {
		case 'l': pub->backfill = strcmp(optarg, "backfill") == 0; break;
		case 'j': pub->job = optarg; break;
		case O_REV: pub->rev = (int)rtta_opt_int("--rev", optarg, 1, 9); break;
		case 'e': pub->eos = true; break;
		case 'f': pub->foreign = true; break;
		case 'a': pub->again = optarg; break;
		case O_ACKS: pub->acks = true; break;
		}
	if (optind + 1 != argc || !rtta_session_id_valid(argv[optind]))
		rtta_opt_fail("one session is wanted");
	pub->session = argv[optind];
}

static void
put(struct publish *pub, const struct rtta_frame *frame, bool eos)
{
	struct rtta_audio audio = {
		.lane = pub->backfill ? RTTA_AUDIO_BACKFILL : RTTA_AUDIO_LIVE,
		.rev = pub->rev, .eos = eos, .frame = *frame
	};
	char id[200], subject[100];
	natsMsg *msg;

	snprintf(audio.session, sizeof(audio.session), "%s", pub->session);
	if (pub->backfill)
		snprintf(audio.job, sizeof(audio.job), "%s", pub->job);
	if (frame->flags & RTTA_FRAME_LOST && frame->run_id == pub->next.run)
		audio.lost = frame->sample - pub->next.sample;
	pub->next = (struct rtta_pos){ frame->run_id, rtta_frame_end(frame) };
	if (pub->foreign) {
		snprintf(subject, sizeof(subject), "audio.%s.%s",
		    pub->backfill ? "backfill" : "live", pub->session);
		msg = rtta_msg_new(subject, frame->payload, (int)frame->payload_bytes);
	} else {
		msg = rtta_audio_encode(&audio);
	}
	if (pub->again != NULL) {
		const char *old = rtta_header(msg, "Nats-Msg-Id");

		snprintf(id, sizeof(id), "%s/%s", old != NULL ? old : "", pub->again);
		rtta_msg_header(msg, "Nats-Msg-Id", id);
	}
	rtta_publisher_put(pub->publisher, msg, NULL);
}

/* Until no more than `left` wait for their PubAck. */
static int
settle(struct publish *pub, size_t left, struct rtta_err *err)
{
	struct rtta_puback ack;

	for (;;) {
		struct pollfd fd = { .fd = rtta_bus_fd(pub->bus), .events = POLLIN };
		int wait_ms = rtta_publisher_pump(pub->publisher);

		while (rtta_publisher_next(pub->publisher, &ack)) {
			if (ack.error != 0)
				return rtta_err_set(err, EX_TEMPFAIL, "refused: %d", ack.error);
			pub->stored++;
			if (pub->acks)
				dprintf(STDOUT_FILENO, "%" PRIu64 "\n", pub->stored);
		}
		if (rtta_publisher_pending(pub->publisher) <= left)
			return 0;
		poll(&fd, 1, wait_ms < 0 ? 1000 : wait_ms);
		if (fd.revents && rtta_bus_wake(pub->bus, err) < 0)
			return -1;
	}
}

static int
publish(struct publish *pub, struct rtta_err *err)
{
	struct rtta_frame_reader *reader = rtta_frame_reader_new(STDIN_FILENO);
	struct rtta_frame frame = {0};
	int more = 1, got = 0;

	while (more > 0 && got >= 0) {
		more = rtta_frame_fill(reader, err);
		while ((got = rtta_frame_next(reader, &frame, err)) > 0) {
			put(pub, &frame, false);
			pub->last = frame;
		}
		if (settle(pub, AHEAD, err) < 0)
			break;
	}
	rtta_frame_reader_free(reader);
	if (err->exit_code != 0)
		return -1;
	if (pub->eos) {
		struct rtta_frame end = pub->last;

		end.sample = pub->next.sample;
		end.payload_bytes = 0;
		end.payload = NULL;
		end.flags = 0;
		put(pub, &end, true);
	}
	return settle(pub, 0, err);
}

int
main(int argc, char *argv[])
{
	struct publish pub = { .job = "preroll", .rev = 1 };
	struct rtta_err err = {0};

	rtta_log_open("publish");
	parse_options(&pub, argc, argv);
	pub.bus = rtta_bus_open(rtta_opt_nats_url(), "publish", &err);
	if (pub.bus != NULL) {
		pub.publisher = rtta_publisher_new(pub.bus, 256);
		publish(&pub, &err);
		rtta_publisher_free(pub.publisher);
		rtta_bus_close(pub.bus);
	}
	return rtta_err_exit(&err);
}

/*
 * rtta-stt - sound to text.
 * Without --lane: frames on stdin, records as JSON Lines on stdout.
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api.h"
#include "audio.h"
#include "book.h"
#include "bus.h"
#include "channels.h"
#include "clock.h"
#include "closer.h"
#include "cover.h"
#include "deleted.h"
#include "draft.h"
#include "engine.h"
#include "err.h"
#include "filter.h"
#include "gauge.h"
#include "heartbeat.h"
#include "json.h"
#include "lane.h"
#include "log.h"
#include "mover.h"
#include "notify.h"
#include "opt.h"
#include "profile.h"
#include "profile_check.h"
#include "puller.h"
#include "record.h"
#include "sig.h"
#include "store.h"

static const char help[] =
    "usage: rtta-stt --lane live|backfill [options]\n"
    "       rtta-stt [--filter] [options] <frames >records\n"
    "  -l, --lane LANE     read this lane of the bus: live or backfill\n"
    "  -f, --filter        frames on stdin, records on stdout (without --lane)\n"
    "  -e, --engine NAME   a profile (RTTA_ENGINE; moonshine)\n"
    "  -b, --fallback NAME  live: the profile that goes on while the engine is away\n"
    "                      (RTTA_FALLBACK; none)\n"
    "  -x, --exec COMMAND  a program instead: s16le in, events out\n"
    "  -r, --rate HZ       what --exec wants to hear (default 16000)\n"
    "  -i, --interim       filter: interim records too\n"
    "      --channels-as HOW  filter: mix, or split: records of each channel\n"
    "      --check-profile FILE  is it right?  runs its program on its samples\n"
    "      --edge TIME     live: a backlog above this goes to the backfill lane,\n"
    "                      0: never (default 10s)\n"
    "      --idle TIME     so long without sound ends a stretch (default 10s)\n"
    "      --piece TIME    backfill: longest piece (default 5m)\n"
    "      --rest TIME     backfill: so long until what failed three times is tried\n"
    "                      again, doubled each time (default 1m)\n"
    "      --patience TIME live: so long speech waits for an answer, then the fallback\n"
    "                      hears it (default 2s)\n"
    "      --return TIME   live: so long the engine must answer well until it is back\n"
    "                      at work (default 10s)\n"
    "      --hold BYTES    most sound held in memory (default 256M)\n"
    RTTA_OPT_BUS_HELP RTTA_OPT_COMMON_HELP;

enum {
	FDS_MAX = 256,
	TAKE_AT_ONCE = 1000,         /* deliveries in one turn of the loop */
	BATCH = 500,
	LEAVE_MS = 5000,             /* for engines that are at their last words */
	ASK_MS = 3000
};

struct stt {
	struct rtta_profile *profile, *other;  /* other: the fallback, or NULL */
	const char *engine, *fallback, *exec;
	const char *check;             /* a profile to be checked, and no more */
	uint32_t rate_hz;
	bool on_bus, interim, split;
	int64_t hold_bytes;
	struct rtta_log_damper held_damper;
	struct rtta_lane_config config;
	struct rtta_books books;
	struct rtta_lane *lane;
	int sig_fd;
	/* on the bus */
	struct rtta_bus *bus;
	struct rtta_api *api;
	struct rtta_puller *puller;
	struct rtta_channels *channels;
	natsMsg *waiting;              /* a delivery, until its session is known, or NULL */
	struct rtta_store *store;
	struct rtta_mover *mover;
	struct rtta_deleted *deleted;
	struct rtta_closer *closer;    /* NULL in the live lane, */
	struct rtta_gauge *gauge;      /* and so is this */
	struct rtta_heartbeat heartbeat;
	enum rtta_puller_state state;
	uint64_t generation;
	int64_t created_ns;            /* of AUDIO_STREAM; 0: not known yet */
	bool asked, paused, ready;
	uint64_t refused;              /* deliveries that are no sound */
	struct rtta_log_damper damper; /* of saying so */
	int64_t leave_ms;              /* stopping: at the latest then */
};

enum { O_EDGE = 256, O_IDLE, O_PIECE, O_REST, O_HOLD, O_CHECK, O_PATIENCE,
	O_RETURN, O_CHANNELS };

static void
parse_lane(struct stt *stt, const char *name)
{
	stt->on_bus = true;
	stt->config.backfill = strcmp(name, "backfill") == 0;
	if (!stt->config.backfill && strcmp(name, "live") != 0)
		rtta_opt_fail("--lane %s: neither live nor backfill", name);
}

static void
parse_channels(struct stt *stt, const char *how)
{
	stt->split = strcmp(how, "split") == 0;
	if (!stt->split && strcmp(how, "mix") != 0)
		rtta_opt_fail("--channels-as %s: neither mix nor split", how);
}

static void
parse_options(struct stt *stt, int argc, char *argv[])
{
	static const struct option table[] = {
		{ "lane", required_argument, NULL, 'l' },
		{ "filter", no_argument, NULL, 'f' },
		{ "engine", required_argument, NULL, 'e' },
		{ "fallback", required_argument, NULL, 'b' },
		{ "exec", required_argument, NULL, 'x' },
		{ "rate", required_argument, NULL, 'r' },
		{ "interim", no_argument, NULL, 'i' },
		{ "channels-as", required_argument, NULL, O_CHANNELS },
		{ "edge", required_argument, NULL, O_EDGE },
		{ "idle", required_argument, NULL, O_IDLE },
		{ "piece", required_argument, NULL, O_PIECE },
		{ "rest", required_argument, NULL, O_REST },
		{ "patience", required_argument, NULL, O_PATIENCE },
		{ "return", required_argument, NULL, O_RETURN },
		{ "hold", required_argument, NULL, O_HOLD },
		{ "check-profile", required_argument, NULL, O_CHECK },
		RTTA_OPT_BUS
		RTTA_OPT_COMMON
	};
	struct rtta_lane_config *config = &stt->config;
	bool filter = false, fallback = false, channels = false;
	int c;

	while ((c = rtta_opt_next(argc, argv, table, help)) != -1)
		switch (c) {
		case 'l': parse_lane(stt, optarg); break;
		case 'f': filter = true; break;
		case 'e': stt->engine = optarg; break;
		case 'b': stt->fallback = optarg; fallback = true; break;
		case 'x': stt->exec = optarg; break;
		case 'r': stt->rate_hz = (uint32_t)rtta_opt_int("--rate", optarg, 8000, 48000); break;
		case 'i': stt->interim = true; break;
		case O_CHANNELS: parse_channels(stt, optarg); channels = true; break;
		case O_EDGE: config->edge_ms = rtta_opt_duration_ms("--edge", optarg, 0, 3600000); break;
		case O_IDLE: config->idle_ms = rtta_opt_duration_ms("--idle", optarg, 1000, 3600000); break;
		case O_PIECE: config->piece_ms = rtta_opt_duration_ms("--piece", optarg, 10000, 3600000); break;
		case O_REST: config->rest_ms = rtta_opt_duration_ms("--rest", optarg, 1000, 600000); break;
		case O_PATIENCE: config->patience_ms = rtta_opt_duration_ms("--patience", optarg, 500, 60000); break;
		case O_RETURN: config->return_ms = rtta_opt_duration_ms("--return", optarg, 500, 600000); break;
		case O_HOLD: stt->hold_bytes = rtta_opt_bytes("--hold", optarg, 1 << 20, INT64_C(1) << 36); break;
		case O_CHECK: stt->check = optarg; break;
		}
	if (optind < argc)
		rtta_opt_fail("%s: sound comes on stdin or from a lane", argv[optind]);
	if (filter && stt->on_bus)
		rtta_opt_fail("--filter and --lane exclude each other");
	if (channels && stt->on_bus)
		rtta_opt_fail("--channels-as is for the filter: a lane does as its sessions say");
	if (fallback && !stt->on_bus)
		rtta_opt_fail("--fallback is for a --lane");
	if (stt->exec != NULL && strspn(stt->exec, " \t") == strlen(stt->exec))
		rtta_opt_fail("--exec: no program");
}

/* The profile; in the backfill lane the one that it names for that. */
static int
load_profile(struct stt *stt, struct rtta_err *err)
{
	struct rtta_profile *other;

	stt->profile = stt->exec != NULL ? rtta_profile_exec(stt->exec, stt->rate_hz) :
	    rtta_profile_load(stt->engine, err);
	if (stt->profile == NULL)
		return -1;
	if (!stt->config.backfill || stt->profile->backfill == NULL)
		return 0;
	other = rtta_profile_load(stt->profile->backfill, err);
	rtta_profile_free(stt->profile);
	stt->profile = other;
	return other != NULL ? 0 : -1;
}

/* A program is started, so that it is loaded when somebody speaks: *engine;
 * a service is looked at. */
static int
ready_engine(struct stt *stt, const struct rtta_profile *profile, struct rtta_engine **engine,
    struct rtta_err *err)
{
	if (profile->kind != RTTA_PROFILE_EXEC)
		return rtta_engine_check(profile, stt->config.backfill, err);
	*engine = rtta_engine_open(profile, stt->config.backfill, 1, NULL, err);
	return *engine != NULL ? 0 : -1;
}

/* With a fallback the engine may come later; its fallback must be there. */
static int
ready_fallback(struct stt *stt, struct rtta_engine **engine, struct rtta_err *err)
{
	struct rtta_err why = {0};

	stt->other = rtta_profile_load(stt->fallback, err);
	if (stt->other == NULL)
		return -1;
	stt->config.fallback = stt->other;
	if (stt->profile->kind == RTTA_PROFILE_HTTP && !stt->config.backfill)
		return rtta_engine_check(stt->profile, false, err);
	if (stt->profile->kind != RTTA_PROFILE_EXEC &&
	    rtta_engine_check(stt->profile, stt->config.backfill, &why) < 0)
		rtta_log_warn("%s", why.text);
	return stt->config.backfill ? 0 : ready_engine(stt, stt->other, engine, err);
}

static int
open_engine(struct stt *stt, struct rtta_err *err)
{
	bool has_fallback = stt->on_bus && stt->fallback[0] != '\0';
	struct rtta_engine *engine = NULL;

	if (load_profile(stt, err) < 0)
		return -1;
	stt->config.profile = stt->profile;
	if ((has_fallback ? ready_fallback(stt, &engine, err) :
	    ready_engine(stt, stt->profile, &engine, err)) < 0)
		return -1;
	stt->lane = rtta_lane_new(&stt->config, &stt->books);
	rtta_lane_use(stt->lane, engine);
	return 0;
}

/* --- on the bus --- */

static int
open_bus(struct stt *stt, struct rtta_err *err)
{
	struct rtta_puller_config config = {
		.stream = "AUDIO_STREAM",
		.filter = stt->config.backfill ? "audio.backfill.>" : "audio.live.>",
		.prefix = stt->config.backfill ? "stt-backfill" : "stt-live",
		.batch = BATCH,
	};

	stt->bus = rtta_bus_open(rtta_opt_nats_url(), "stt", err);
	if (stt->bus == NULL)
		return -1;
	stt->api = rtta_api_new(stt->bus);
	stt->puller = rtta_puller_new(stt->bus, &config);
	stt->channels = rtta_channels_new(stt->bus, &stt->books);
	stt->store = rtta_store_new(stt->bus, &stt->books);
	stt->mover = rtta_mover_new(stt->bus, stt->lane);
	stt->deleted = rtta_deleted_new(stt->bus, &stt->books, stt->lane);
	if (stt->config.backfill) {
		stt->closer = rtta_closer_new(stt->bus, &stt->books, stt->lane, stt->store);
		stt->gauge = rtta_gauge_new(stt->bus);
	}
	rtta_heartbeat_init(&stt->heartbeat, stt->bus, "rtta-stt");
	return 0;
}

static void
close_bus(struct stt *stt)
{
	rtta_gauge_free(stt->gauge);
	rtta_closer_free(stt->closer);
	rtta_deleted_free(stt->deleted);
	rtta_mover_free(stt->mover);
	rtta_store_free(stt->store);
	natsMsg_Destroy(stt->waiting);
	rtta_channels_free(stt->channels);
	rtta_puller_free(stt->puller);
	rtta_api_free(stt->api);
	rtta_bus_close(stt->bus);
}

/* When AUDIO_STREAM was made: sound without our headers is named after it. */
static void
ask_created(struct stt *stt)
{
	struct rtta_answer answer;

	while (rtta_api_next(stt->api, &answer)) {
		char *text = NULL;
		struct rtta_err err = {0};

		stt->asked = false;
		if (answer.error == 0)
			rtta_json_string("AUDIO_STREAM", answer.body, "created", &text, &err);
		if (text == NULL || rtta_clock_parse(text, &stt->created_ns) < 0)
			stt->created_ns = 0;
		free(text);
		jv_free(answer.body);
	}
	if (stt->created_ns == 0 && !stt->asked && stt->state == RTTA_PULLER_OWNER) {
		rtta_api_ask(stt->api, "STREAM.INFO.AUDIO_STREAM", jv_invalid(), ASK_MS, NULL);
		stt->asked = true;
	}
}

/* Another durable: the stream may be another one, too.  Another owner: what
 * was held is his. */
static void
follow_puller(struct stt *stt)
{
	stt->state = rtta_puller_state(stt->puller);
	if (stt->state == RTTA_PULLER_WAITING) {
		rtta_lane_forget(stt->lane);
		rtta_mover_forget(stt->mover);
	}
	if (rtta_puller_generation(stt->puller) != stt->generation) {
		stt->generation = rtta_puller_generation(stt->puller);
		stt->created_ns = 0;
		/* It comes again. */
		natsMsg_Destroy(stt->waiting);
		stt->waiting = NULL;
	}
}

/* False: not yet, as it is not known what its session does with channels. */
static bool
take_delivery(struct stt *stt, natsMsg *msg)
{
	struct rtta_audio audio;
	struct rtta_err err = {0};

	if (rtta_audio_decode(&audio, msg, stt->created_ns, &err) == 0) {
		if (!rtta_channels_known(stt->channels, audio.session))
			return false;
		rtta_lane_take(stt->lane, &audio, natsMsg_GetReply(msg));
		return true;
	}
	/* It will never be sound: it must not come again for ever. */
	stt->refused++;
	rtta_log_warn_damped(&stt->damper, "%s: dropped", err.text);
	rtta_puller_ack(stt->puller, msg);
	return true;
}

/* True when there may be more. */
static bool
take_deliveries(struct stt *stt)
{
	if (stt->created_ns == 0 || !rtta_store_loaded(stt->store) || stt->leave_ms != 0)
		return false;
	for (int i = 0; i < TAKE_AT_ONCE; i++) {
		if (stt->waiting == NULL)
			stt->waiting = rtta_puller_take(stt->puller);
		if (stt->waiting == NULL || !take_delivery(stt, stt->waiting))
			return false;
		natsMsg_Destroy(stt->waiting);
		stt->waiting = NULL;
	}
	return true;
}

/* Full: no more for now, and what is open ends, so that it can be settled. */
static void
bound_memory(struct stt *stt, const struct rtta_lane_status *status)
{
	size_t limit = (size_t)stt->hold_bytes;

	if (!stt->paused && status->held_bytes > limit) {
		rtta_log_warn_damped(&stt->held_damper, "%zu bytes of sound are held: no more for now",
		    status->held_bytes);
		stt->paused = true;
		rtta_lane_end(stt->lane);
		rtta_puller_pause(stt->puller, true);
	} else if (stt->paused && status->held_bytes < limit / 4 * 3) {
		stt->paused = false;
		rtta_puller_pause(stt->puller, false);
	}
}

static void
send_interim(struct stt *stt, struct rtta_draft *draft)
{
	natsMsg *msg = rtta_record_encode(&draft->record, 0);

	if (msg != NULL)
		rtta_bus_send_msg(stt->bus, msg);
	natsMsg_Destroy(msg);
	rtta_draft_free(draft);
}

/* Carry between the lane, which knows no bus, and the bus. */
static void
carry(struct stt *stt)
{
	struct rtta_draft *draft;
	struct rtta_covered covered;
	struct rtta_again again;
	struct rtta_given_up given_up;
	char *reply;

	while ((draft = rtta_lane_next_draft(stt->lane)) != NULL)
		if (draft->record.is_final)
			rtta_store_put(stt->store, draft);
		else
			send_interim(stt, draft);
	while (rtta_store_next_covered(stt->store, &covered)) {
		rtta_lane_covered(stt->lane, covered.book, covered.rev, covered.span);
		if (stt->closer != NULL)
			rtta_closer_covered(stt->closer, covered.book);
	}
	while (rtta_store_next_again(stt->store, &again)) {
		rtta_lane_again(stt->lane, again.book, again.rev, again.channel, again.spans);
		rtta_cover_free(again.spans);
	}
	while ((reply = rtta_lane_next_ack(stt->lane)) != NULL) {
		rtta_puller_ack_reply(stt->puller, reply);
		free(reply);
	}
	while (rtta_lane_next_given_up(stt->lane, &given_up))
		if (stt->closer != NULL)
			rtta_closer_given_up(stt->closer, &given_up);
	if (rtta_lane_recall(stt->lane))
		rtta_puller_renew(stt->puller);
}

static void
beat(struct stt *stt, const struct rtta_lane_status *lane)
{
	struct rtta_store_status store;
	const char *state = "ok", *reason = NULL;
	enum rtta_gauge_level text;
	jv counters;

	if (!rtta_heartbeat_due(&stt->heartbeat))
		return;
	text = stt->gauge != NULL ? rtta_gauge_level(stt->gauge) : RTTA_GAUGE_ROOM;
	rtta_store_status(stt->store, &store);
	if (stt->state == RTTA_PULLER_WAITING) {
		state = "waiting";
		reason = "another process reads this lane, or there is no stream";
	} else if (store.trouble != 0) {
		state = "failing";
		reason = "text cannot be stored";
	} else if (text == RTTA_GAUGE_FULL) {
		state = "failing";
		reason = "TEXT_STREAM is full, the oldest text goes";
	} else if (lane->failing) {
		state = "degraded";
		reason = "the engine fails";
	} else if (stt->paused) {
		state = "failing";
		reason = "memory is full";
	} else if (lane->bridged) {
		state = "bridged";
		reason = "the engine is away, the fallback is at work";
	} else if (text == RTTA_GAUGE_NEARLY) {
		state = "degraded";
		reason = "TEXT_STREAM is nearly full";
	}
	counters = JV_OBJECT(
	    jv_string("lane"), jv_string(stt->config.backfill ? "backfill" : "live"),
	    jv_string("lag_s"), jv_number(lane->behind_s),
	    jv_string("held_frames"), jv_number((double)lane->held_frames),
	    jv_string("held_bytes"), jv_number((double)lane->held_bytes),
	    jv_string("engines"), jv_number((double)lane->engines),
	    jv_string("pieces"), jv_number((double)lane->pieces),
	    jv_string("stored"), jv_number((double)store.stored));
	counters = jv_object_set(counters, jv_string("refused"), jv_number((double)store.refused));
	counters = jv_object_set(counters, jv_string("unstored"), jv_number((double)store.pending));
	counters = jv_object_set(counters, jv_string("retries"), jv_number((double)lane->retries));
	counters = jv_object_set(counters, jv_string("moved_frames"),
	    jv_number((double)lane->moved_frames));
	counters = jv_object_set(counters, jv_string("parked_s"), jv_number(lane->parked_s));
	counters = jv_object_set(counters, jv_string("dropped"), jv_number((double)stt->refused));
	counters = jv_object_set(counters, jv_string("engine"), jv_string(lane->engine));
	counters = jv_object_set(counters, jv_string("engine_since_us"),
	    jv_number((double)(lane->engine_since_ns / 1000)));
	if (stt->closer != NULL)
		counters = jv_object_set(counters, jv_string("open_sessions"),
		    jv_number((double)rtta_closer_open(stt->closer)));
	rtta_heartbeat_send(&stt->heartbeat, state, reason, counters);
}

/* One turn of everything.  Returns ms until the next, or -1 with *err. */
static int
turn(struct stt *stt, struct rtta_err *err)
{
	struct rtta_lane_status status;
	int wait_ms = 1000;

	if (stt->leave_ms == 0)
		wait_ms = rtta_clock_sooner(wait_ms, rtta_puller_tick(stt->puller));
	follow_puller(stt);
	ask_created(stt);
	wait_ms = rtta_clock_sooner(wait_ms, rtta_api_wait_ms(stt->api));
	wait_ms = rtta_clock_sooner(wait_ms, rtta_channels_tick(stt->channels));
	if (take_deliveries(stt))
		wait_ms = 0;
	if (!rtta_bus_connected(stt->bus))
		rtta_lane_bear(stt->lane);
	if (rtta_lane_pump(stt->lane, rtta_puller_pending(stt->puller), err) < 0)
		return -1;
	carry(stt);
	wait_ms = rtta_clock_sooner(wait_ms, rtta_store_tick(stt->store));
	wait_ms = rtta_clock_sooner(wait_ms, rtta_mover_tick(stt->mover));
	carry(stt);
	wait_ms = rtta_clock_sooner(wait_ms, rtta_deleted_tick(stt->deleted));
	if (stt->closer != NULL && rtta_store_loaded(stt->store))
		wait_ms = rtta_clock_sooner(wait_ms, rtta_closer_tick(stt->closer));
	if (stt->gauge != NULL)
		wait_ms = rtta_clock_sooner(wait_ms, rtta_gauge_tick(stt->gauge));
	wait_ms = rtta_clock_sooner(wait_ms, rtta_lane_wait_ms(stt->lane));
	rtta_lane_status(stt->lane, &status);
	bound_memory(stt, &status);
	beat(stt, &status);
	wait_ms = rtta_clock_sooner(wait_ms, rtta_heartbeat_wait_ms(&stt->heartbeat));
	wait_ms = rtta_clock_sooner(wait_ms, rtta_notify_watchdog());
	if (!stt->ready && rtta_store_loaded(stt->store) && stt->state != RTTA_PULLER_TAKING) {
		rtta_notify("READY=1");
		stt->ready = true;
	}
	return wait_ms;
}

/* What was said is stored, or it takes too long. */
static bool
may_leave(const struct stt *stt)
{
	return stt->leave_ms != 0 && (rtta_clock_mono_ms() >= stt->leave_ms ||
	    (rtta_lane_settled(stt->lane) && rtta_store_pending(stt->store) == 0));
}

static void
run_lane(struct stt *stt, struct rtta_err *err)
{
	struct pollfd fds[FDS_MAX];
	int count, wait_ms;

	while ((wait_ms = turn(stt, err)) >= 0 && !may_leave(stt)) {
		fds[0] = (struct pollfd){ .fd = stt->sig_fd, .events = POLLIN };
		fds[1] = (struct pollfd){ .fd = rtta_bus_fd(stt->bus), .events = POLLIN };
		count = 2 + rtta_lane_fds(stt->lane, fds + 2, FDS_MAX - 2);
		if (poll(fds, (nfds_t)count, stt->leave_ms != 0 ? 50 : wait_ms) < 0 &&
		    errno != EINTR) {
			rtta_err_sys(err, EX_OSERR, "poll");
			return;
		}
		if (fds[1].revents && rtta_bus_wake(stt->bus, err) < 0)
			return;
		if (fds[0].revents && rtta_sig_take(stt->sig_fd)) {
			rtta_notify("STOPPING=1");
			rtta_lane_leave(stt->lane);
			stt->leave_ms = rtta_clock_mono_ms() + LEAVE_MS;
		}
	}
}

static void
check_profile(struct stt *stt, struct rtta_err *err)
{
	int samples = -1;

	stt->profile = rtta_profile_read(stt->check, err);
	if (stt->profile != NULL)
		samples = rtta_profile_check(stt->profile, stt->check, err);
	if (samples >= 0)
		printf("%s: good, %d sample%s\n", stt->check, samples, samples == 1 ? "" : "s");
}

int
main(int argc, char *argv[])
{
	struct stt stt = {
		.engine = rtta_opt_env("RTTA_ENGINE", "moonshine"),
		.fallback = rtta_opt_env("RTTA_FALLBACK", ""),
		.rate_hz = 16000,
		.hold_bytes = 256 << 20,
		.config = { .edge_ms = 10000, .idle_ms = 10000, .piece_ms = 300000,
		    .rest_ms = 60000, .patience_ms = 2000, .return_ms = 10000 },
	};
	struct rtta_err err = {0};

	rtta_log_open("rtta-stt");
	parse_options(&stt, argc, argv);
	stt.sig_fd = rtta_sig_open();
	rtta_books_init(&stt.books);
	if (stt.check != NULL) {
		check_profile(&stt, &err);
	} else if (stt.on_bus) {
		if (open_engine(&stt, &err) == 0 && open_bus(&stt, &err) == 0)
			run_lane(&stt, &err);
		close_bus(&stt);
	} else {
		stt.config.in_order = true;
		stt.config.edge_ms = stt.config.idle_ms = 0;
		if (isatty(STDIN_FILENO))
			rtta_err_set(&err, EX_USAGE, "frames do not come from a terminal");
		else if (open_engine(&stt, &err) == 0)
			rtta_filter_run(stt.lane, &stt.books, stt.sig_fd, stt.interim, stt.split,
			    (size_t)stt.hold_bytes, &err);
	}
	rtta_lane_free(stt.lane);
	rtta_profile_free(stt.profile);
	rtta_profile_free(stt.other);
	rtta_books_done(&stt.books);
	return rtta_err_exit(&err);
}

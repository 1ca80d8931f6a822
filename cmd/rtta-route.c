/*
 * rtta-route - the switch between pre-roll and live.
 * Reads frames on stdin and session_config on the bus; every frame goes to
 * preroll.audio or to audio.live.<session>.  Where, lib/switch.c decides;
 * this file moves what it decided.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audio.h"
#include "bus.h"
#include "clock.h"
#include "err.h"
#include "frame.h"
#include "heartbeat.h"
#include "inlet.h"
#include "json.h"
#include "keys.h"
#include "level.h"
#include "log.h"
#include "mem.h"
#include "notify.h"
#include "opt.h"
#include "preroll.h"
#include "publisher.h"
#include "session.h"
#include "sig.h"
#include "state.h"
#include "switch.h"
#include "unsent.h"
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
	IN_FLIGHT = 1024,        /* live messages without an acknowledgement */
	AHEAD = 4096,            /* and with the publisher, while it moves */
	MOVES_MS = 1000,
	FRAMES_A_TURN = 512,
	STATUS_BYTES = 16384,    /* of one line */
	KNOWN_AFTER_MS = 3000,   /* a reconnect; the state is polled every 2 s */
	SETTLE_MS = 5000,        /* after SIGTERM */
	MIC_HOLD_MS = 3000,
	LATE_FLUSH_S = 60,
	EOS_AGAIN_S = 3600,      /* older than what AUDIO_STREAM holds: pointless */
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
	const char *state_dir, *runtime_dir;
	int status_fd;
	bool split, end_at_eof;

	int sig_fd;
	struct rtta_bus *bus;
	struct rtta_state *state;
	struct rtta_window *window;
	struct rtta_preroll *preroll;
	struct rtta_switch *sw;
	struct rtta_publisher *live;
	struct rtta_inlet *in;
	struct rtta_heartbeat heartbeat;

	enum phase phase;
	int64_t deadline_ms;       /* of draining, 0: none */
	int64_t backlog_bytes;
	uint64_t epoch;
	int64_t known_ms;          /* from then on the status is the current one */
	int64_t moved_ms;          /* last acknowledgement of a live frame */
	uint64_t bytes_a_s;        /* of the sound that comes */

	struct rtta_session_config config;  /* the last good one */
	uint64_t config_revision;
	bool off_record;
	uint64_t cut_write, end_write, config_write;
	struct rtta_session_cut cut;        /* as written */
	struct rtta_session_end end;
	bool keys_changed;
	int64_t keys_ms;
	uint64_t needed;           /* window: lowest number that a flush needs */
	bool files_left;           /* what they hold is not all stored again */

	struct rtta_mic mic;
	double level_db;
	char status[STATUS_BYTES];
	size_t status_used;
	jv capture;                /* its last status line */
	uint64_t frames, live_stored;
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
	route->status_fd = -1;
	route->state_dir = rtta_opt_env("RTTA_STATE_DIR", "/var/lib/rtta");
	route->runtime_dir = rtta_opt_env("RTTA_RUNTIME_DIR", "/run/rtta");
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
		case STATUS_FD: route->status_fd = status_fd_option(optarg); break;
		case STATE_DIR: route->state_dir = optarg; break;
		case RUNTIME_DIR: route->runtime_dir = optarg; break;
		}
	if (optind < argc)
		rtta_opt_fail("%s: frames come on standard input", argv[optind]);
}

/* --- live frames and what the switch decides --- */

static void
publish(struct route *route, struct rtta_audio *audio, const char *id)
{
	audio->lane = RTTA_AUDIO_LIVE;
	strcpy(audio->session, id);
	rtta_publisher_put(route->live, rtta_audio_encode(audio), NULL);
}

static void
publish_frame(struct route *route, const char *id, struct rtta_held *held)
{
	struct rtta_audio audio = { .lost = held->lost, .frame = held->frame };

	publish(route, &audio, id);
	free(held);
}

static void
publish_eos(struct route *route, const char *id, const struct rtta_session_end *end)
{
	struct rtta_audio audio = {
		.eos = true,
		.frame = {
			.run_id = end->at.run, .sample = end->at.sample,
			.capture_ns = end->at_us * NS_PER_US,
			.rate_hz = RTTA_AUDIO_FOREIGN_RATE_HZ, .channels = 1,
		},
	};

	publish(route, &audio, id);
}

static void
carry_out(struct route *route, const struct rtta_switch_action *action)
{
	char key[RTTA_SESSION_KEY_BYTES];

	switch (action->what) {
	case RTTA_SWITCH_FRAME:
		publish_frame(route, action->id, action->frame);
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
		publish_eos(route, action->id, &action->end);
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

/* Take what was captured off the record out of the publisher. */
static void
drop_live(struct route *route, int64_t since_us, struct rtta_pos **dropped,
    struct rtta_pos *pos, int64_t *pos_us)
{
	struct rtta_publisher *kept = rtta_publisher_new(route->bus, IN_FLIGHT);
	struct rtta_err err = {0};
	struct rtta_audio audio;
	natsMsg *msg;

	while ((msg = rtta_publisher_take_back(route->live, NULL)) != NULL) {
		if (rtta_audio_decode(&audio, msg, 0, &err) < 0 || audio.eos ||
		    audio.frame.capture_ns / NS_PER_US < since_us) {
			rtta_publisher_put(kept, msg, NULL);
			continue;
		}
		if (*dropped == NULL) {
			*pos = (struct rtta_pos){ audio.frame.run_id, audio.frame.sample };
			*pos_us = audio.frame.capture_ns / NS_PER_US;
			*dropped = pos;
		}
		natsMsg_Destroy(msg);
	}
	rtta_publisher_free(route->live);
	route->live = kept;
}

static void
go_off_record(struct route *route, int64_t since_us)
{
	struct rtta_pos pos, *dropped = NULL;
	int64_t pos_us = 0;

	rtta_log_info("off the record");
	drop_live(route, since_us, &dropped, &pos, &pos_us);
	rtta_switch_off_record(route->sw, since_us, dropped, pos_us);
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

/* --- files --- */

static size_t
load(const char *dir, const char *name, struct rtta_held ***frames)
{
	size_t count = rtta_unsent_load(dir, name, frames);

	if (count > 0)
		rtta_log_info("%s/%s: %zu frames", dir, name, count);
	return count;
}

/* "unsent.<session>.frames": already cut, only to be sent. */
static int
parse_file_name(const char *name, char id[RTTA_SESSION_ID_BYTES])
{
	size_t len = strlen(name);

	if (len < 14 + 1 || strncmp(name, "unsent.", 7) != 0 ||
	    strcmp(name + len - 7, ".frames") != 0 || len - 14 >= RTTA_SESSION_ID_BYTES)
		return -1;
	memcpy(id, name + 7, len - 14);
	id[len - 14] = '\0';
	return rtta_session_id_valid(id) ? 0 : -1;
}

/* Call use(route, name, id) for each of these files. */
static void
each_session_file(struct route *route,
    void (*use)(struct route *route, const char *name, const char *id))
{
	char id[RTTA_SESSION_ID_BYTES];
	DIR *dir = opendir(route->state_dir);
	struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (parse_file_name(entry->d_name, id) == 0)
			use(route, entry->d_name, id);
	if (dir != NULL)
		closedir(dir);
}

static void
load_session_file(struct route *route, const char *name, const char *id)
{
	struct rtta_held **frames;
	size_t count = load(route->state_dir, name, &frames);

	for (size_t i = 0; i < count; i++)
		if (rtta_switch_is_off_record(route->sw, &frames[i]->frame))
			free(frames[i]);
		else
			publish_frame(route, id, frames[i]);
	free(frames);
	route->files_left = true;
}

static void
load_preroll_file(struct route *route)
{
	struct rtta_held **frames;
	size_t count = load(route->runtime_dir, "preroll.frames", &frames);

	for (size_t i = 0; i < count; i++)
		if (rtta_window_has(route->window, &frames[i]->frame))
			free(frames[i]);
		else
			rtta_window_add(route->window, frames[i], false);
	free(frames);
	route->files_left |= count > 0;
}

static void
take_frame(struct route *route, struct rtta_held *held)
{
	rtta_switch_frame(route->sw, held);
	carry_out_all(route);
}

static void
take_frames(struct route *route, struct rtta_held **frames, size_t count)
{
	for (size_t i = 0; i < count; i++)
		take_frame(route, frames[i]);
	free(frames);
	route->files_left |= count > 0;
}

static void
remove_session_file(struct route *route, const char *name, const char *id)
{
	(void)id;
	rtta_unsent_remove(route->state_dir, name);
}

static void
remove_files(struct route *route)
{
	each_session_file(route, remove_session_file);
	rtta_unsent_remove(route->state_dir, "unsent.frames");
	rtta_unsent_remove(route->runtime_dir, "preroll.frames");
	rtta_unsent_remove(route->runtime_dir, "next.frames");
	route->files_left = false;
}

static void
save(struct rtta_unsent *unsent, const char *dir, const char *what)
{
	struct rtta_err err = {0};
	long frames = rtta_unsent_save(unsent, &err);

	if (frames > 0)
		rtta_log_warn("%ld %s frames are kept in %s", frames, what, dir);
	else if (frames < 0)
		rtta_log_warn("%s: %s frames are lost", err.text, what);
}

/* Frames of the live publisher, a file for each session. */
static void
save_live(struct route *route)
{
	struct rtta_unsent *unsent = NULL;
	struct rtta_err err = {0};
	char *name, id[RTTA_SESSION_ID_BYTES] = "";
	struct rtta_audio audio;
	natsMsg *msg;

	while ((msg = rtta_publisher_take_back(route->live, NULL)) != NULL) {
		if (rtta_audio_decode(&audio, msg, 0, &err) == 0 && !audio.eos) {
			if (unsent != NULL && strcmp(id, audio.session) != 0) {
				save(unsent, route->state_dir, "live");
				unsent = NULL;
			}
			if (unsent == NULL) {
				strcpy(id, audio.session);
				name = rtta_xasprintf("unsent.%s.frames", id);
				unsent = rtta_unsent_new(route->state_dir, name);
				free(name);
			}
			rtta_unsent_put(unsent, &audio.frame);
		}
		natsMsg_Destroy(msg);
	}
	if (unsent != NULL)
		save(unsent, route->state_dir, "live");
}

static void
save_waiting(struct route *route)
{
	bool ending = rtta_switch_state(route->sw) == RTTA_SWITCH_ENDING;
	const char *dir = ending ? route->runtime_dir : route->state_dir;
	struct rtta_unsent *unsent = rtta_unsent_new(dir, ending ? "next.frames" : "unsent.frames");
	struct rtta_held *held;

	while ((held = rtta_switch_take_back(route->sw)) != NULL) {
		rtta_unsent_put(unsent, &held->frame);
		free(held);
	}
	save(unsent, dir, "waiting");
}

static void
save_preroll(struct route *route)
{
	struct rtta_unsent *unsent = rtta_unsent_new(route->runtime_dir, "preroll.frames");
	const struct rtta_held *held;

	rtta_preroll_recall(route->preroll);
	while ((held = rtta_window_send(route->window)) != NULL)
		rtta_unsent_put(unsent, &held->frame);
	save(unsent, route->runtime_dir, "pre-roll");
}

/* What lies in the files is in memory too: they are written anew. */
static void
save_all(struct route *route)
{
	if (route->phase == PHASE_LOADING)
		return;
	remove_files(route);
	save_live(route);
	save_waiting(route);
	save_preroll(route);
}

/* --- the start --- */

/* The newest session that has a cut and no end; those before it get one. */
static bool
find_open(struct route *route, char open_id[RTTA_SESSION_ID_BYTES])
{
	int64_t newest_us = -1;
	char id[RTTA_SESSION_ID_BYTES];
	struct rtta_session_cut cut;
	size_t at = 0;

	while (rtta_keys_next_cut(route->state, &at, id, &cut))
		if (!rtta_keys_ever(route->state, "end", id) &&
		    cut.at_us > newest_us) {
			newest_us = cut.at_us;
			strcpy(open_id, id);
		}
	return newest_us >= 0;
}

static void
end_others(struct route *route, const char *open_id)
{
	struct rtta_session_end end = { .at_us = rtta_clock_real_ns() / NS_PER_US };
	char id[RTTA_SESSION_ID_BYTES];
	struct rtta_session_cut cut;
	size_t at = 0;

	while (rtta_keys_next_cut(route->state, &at, id, &cut))
		if (strcmp(id, open_id) != 0 && !rtta_keys_ever(route->state, "end", id)) {
			rtta_log_warn("session %s: had no end", id);
			rtta_keys_create(route->state, "end", id, rtta_session_end_encode(&end));
			publish_eos(route, id, &end);
		}
}

/* The process before may have been killed between an end and its EOS. */
static void
repeat_eos(struct route *route)
{
	int64_t since_us = rtta_clock_real_ns() / NS_PER_US - EOS_AGAIN_S * (int64_t)US_PER_S;
	char id[RTTA_SESSION_ID_BYTES];
	struct rtta_session_end end;
	struct rtta_session_cut cut;
	size_t at = 0;

	while (rtta_keys_next_cut(route->state, &at, id, &cut))
		if (rtta_keys_end(route->state, id, &end) == 0 && end.at_us >= since_us)
			publish_eos(route, id, &end);
}

static void
resume(struct route *route, const char *id)
{
	struct rtta_switch_resume resume = { .id = id };
	uint64_t *runs;

	rtta_log_info("session %s: going on", id);
	rtta_keys_cut(route->state, id, &resume.cut);
	resume.n_runs = rtta_keys_runs(route->state, id, &runs);
	resume.runs = runs;
	rtta_switch_resume(route->sw, &resume);
	free(runs);
}

/* What was cut already is of no later session's pre-roll. */
static void
bar_window(struct route *route)
{
	char id[RTTA_SESSION_ID_BYTES];
	struct rtta_session_cut cut;
	size_t at = 0;

	while (rtta_keys_next_cut(route->state, &at, id, &cut))
		if (cut.has_preroll)
			rtta_window_bar_behind(route->window, cut.last);
}

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

/* What came after a session's end that was not stored: behind the status. */
static bool
load_next_file(struct route *route)
{
	struct rtta_held **frames;
	size_t count = load(route->runtime_dir, "next.frames", &frames);

	if (count > 0)
		apply_status(route);
	take_frames(route, frames, count);
	return count > 0;
}

static void
start(struct route *route)
{
	char open_id[RTTA_SESSION_ID_BYTES] = "";
	struct rtta_held **frames;
	size_t count;

	load_preroll_file(route);
	bar_window(route);
	if (find_open(route, open_id))
		resume(route, open_id);
	apply_record_at_start(route);
	end_others(route, open_id);
	each_session_file(route, load_session_file);
	repeat_eos(route);
	count = load(route->state_dir, "unsent.frames", &frames);
	take_frames(route, frames, count);
	route->phase = PHASE_BACKLOG;
	if (load_next_file(route))
		return;
	route->backlog_bytes = (int64_t)rtta_inlet_waiting(route->in);
	look_at_flushes(route);
}

/* --- input --- */

static void
count_frame(struct route *route, const struct rtta_held *held)
{
	const struct rtta_frame *frame = &held->frame;

	route->frames++;
	route->backlog_bytes -= RTTA_FRAME_HEADER_BYTES + frame->payload_bytes;
	if (frame->payload_bytes == 0)
		return;
	route->bytes_a_s = 2 * (uint64_t)frame->channels * frame->rate_hz;
	route->level_db = held->level_db;
	rtta_mic_frame(&route->mic, held->level_db, rtta_clock_mono_ms());
}

static void
read_frame(struct route *route, const struct rtta_frame *frame)
{
	struct rtta_held *held = rtta_held_new(frame);

	held->level_db = rtta_level_db((const int16_t *)held->frame.payload,
	    frame->payload_bytes / 2);
	count_frame(route, held);
	take_frame(route, held);
}

static enum rtta_inlet_got
read_input(struct route *route, struct rtta_err *err)
{
	enum rtta_inlet_got got = RTTA_INLET_FRAME;
	struct rtta_frame frame;

	for (int i = 0; i < FRAMES_A_TURN && got == RTTA_INLET_FRAME; i++) {
		got = rtta_inlet_next(route->in, &frame, err);
		if (got == RTTA_INLET_FRAME)
			read_frame(route, &frame);
	}
	return got;
}

/* Everything here waits for the bus; more than that stays in the pipe. */
static bool
is_full(const struct route *route)
{
	size_t bytes, waiting;

	if (rtta_publisher_pending(route->live) >= AHEAD &&
	    rtta_clock_mono_ms() - route->moved_ms < MOVES_MS)
		return true;
	rtta_window_unstored(route->window, &bytes);
	rtta_switch_waiting(route->sw, &waiting);
	bytes += waiting + rtta_publisher_pending_bytes(route->live);
	return bytes > 0 && bytes >= (uint64_t)route->memory_ms * route->bytes_a_s / 1000;
}

/* --- the status of capture --- */

static void
take_status_line(struct route *route, const char *line, size_t bytes)
{
	struct rtta_err err = {0};
	jv value = rtta_json_object("status", line, bytes, STATUS_BYTES, &err);

	if (!jv_is_valid(value)) {
		jv_free(value);
		rtta_log_debug("%s", err.text);
		return;
	}
	jv_free(route->capture);
	route->capture = value;
}

static void
read_status(struct route *route)
{
	char *newline;
	ssize_t got;
	size_t bytes;

	got = read(route->status_fd, route->status + route->status_used,
	    sizeof(route->status) - route->status_used);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		route->status_fd = -1;
		return;
	}
	route->status_used += (size_t)got;
	while ((newline = memchr(route->status, '\n', route->status_used)) != NULL) {
		bytes = (size_t)(newline - route->status);
		take_status_line(route, route->status, bytes);
		route->status_used -= bytes + 1;
		memmove(route->status, newline + 1, route->status_used);
	}
	if (route->status_used == sizeof(route->status))
		route->status_used = 0;  /* no line of ours is that long */
}

/* --- what people see --- */

static const char *
describe(const struct route *route, const char **reason)
{
	enum rtta_mic_state mic = rtta_mic_state(&route->mic, rtta_clock_mono_ms(), MIC_HOLD_MS);

	*reason = NULL;
	if (route->phase == PHASE_LOADING)
		*reason = "reading the state";
	else if (rtta_publisher_trouble(route->live) != 0)
		*reason = "AUDIO_STREAM takes nothing";
	else if (mic != RTTA_MIC_OK)
		*reason = rtta_mic_state_name(mic);
	return *reason == NULL ? "ok" : "degraded";
}

static jv
counters(struct route *route)
{
	enum rtta_mic_state mic = rtta_mic_state(&route->mic, rtta_clock_mono_ms(), MIC_HOLD_MS);
	size_t bytes, waiting = rtta_switch_waiting(route->sw, &bytes);
	size_t unstored = rtta_window_unstored(route->window, &bytes);
	jv value = JV_OBJECT(
	    jv_string("frames"), jv_number((double)route->frames),
	    jv_string("live_frames"), jv_number((double)route->live_stored),
	    jv_string("preroll_frames"), jv_number((double)rtta_preroll_stored(route->preroll)),
	    jv_string("pending"), jv_number((double)rtta_publisher_pending(route->live)),
	    jv_string("pending_preroll"), jv_number((double)unstored),
	    jv_string("waiting"), jv_number((double)waiting),
	    jv_string("level_db"), jv_number(route->level_db),
	    jv_string("mic"), jv_string(rtta_mic_state_name(mic)));

	value = jv_object_set(value, jv_string("window_frames"),
	    jv_number((double)(rtta_window_next(route->window) - rtta_window_oldest(route->window))));
	value = jv_object_set(value, jv_string("session_id"),
	    jv_string(rtta_switch_session(route->sw)));
	value = jv_object_set(value, jv_string("switch"),
	    jv_string(rtta_switch_state_name(rtta_switch_state(route->sw))));
	value = jv_object_set(value, jv_string("off_record"), jv_bool(route->off_record));
	if (jv_is_valid(route->capture))
		value = jv_object_set(value, jv_string("capture"), jv_copy(route->capture));
	return value;
}

static void
beat(struct route *route)
{
	const char *state, *reason;

	if (!rtta_heartbeat_due(&route->heartbeat))
		return;
	state = describe(route, &reason);
	rtta_heartbeat_send(&route->heartbeat, state, reason, counters(route));
}

/* --- one turn of the loop --- */

static void
pump_live(struct route *route)
{
	struct rtta_puback ack;

	rtta_publisher_pump(route->live);
	while (rtta_publisher_next(route->live, &ack)) {
		route->moved_ms = rtta_clock_mono_ms();
		if (ack.error != 0)
			rtta_log_warn("a live frame was refused (%d)", ack.error);
		else
			route->live_stored++;
	}
}

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

	return rtta_publisher_pending(route->live) == 0 &&
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
	if (route->files_left && route->phase == PHASE_RUNNING && is_settled(route))
		remove_files(route);
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
	if (route->phase == PHASE_LOADING && rtta_state_loaded(route->state) &&
	    rtta_preroll_ready(route->preroll))
		start(route);
	pump_live(route);
	tend(route);
	beat(route);
	wait_ms = soonest(wait_ms, rtta_publisher_pump(route->live));
	wait_ms = soonest(wait_ms, rtta_switch_wait_ms(route->sw));
	wait_ms = soonest(wait_ms, rtta_notify_watchdog());
	if (route->phase == PHASE_BACKLOG)
		return 0;
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
		fds[STATUS].fd = route->status_fd;
		if (poll(fds, NFDS, wait_ms) < 0 && errno != EINTR) {
			rtta_err_sys(err, EX_OSERR, "poll");
			return;
		}
		if (fds[BUS].revents && rtta_bus_wake(route->bus, &bus_err) < 0) {
			*err = bus_err;
			return;
		}
		if (fds[STATUS].revents)
			read_status(route);
		if (fds[IN].revents)
			take_input(route, err);
		else if (route->phase == PHASE_BACKLOG && fds[IN].fd >= 0)
			apply_status(route);
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
	route->live = rtta_publisher_new(route->bus, IN_FLIGHT);
	route->sw = rtta_switch_new(route->window, route->split);
	rtta_heartbeat_init(&route->heartbeat, route->bus, "rtta-route");
	rtta_mic_init(&route->mic, rtta_clock_mono_ms());
	return 0;
}

int
main(int argc, char *argv[])
{
	struct route route = { .capture = jv_invalid(), .needed = UINT64_MAX };
	struct rtta_err err = {0};

	rtta_log_open("rtta-route");
	parse_options(&route, argc, argv);
	route.sig_fd = rtta_sig_open();

	route.in = rtta_inlet_open(STDIN_FILENO, true, &err);
	if (route.in != NULL && open_bus(&route, &err) == 0) {
		run(&route, &err);
		save_all(&route);
	}

	rtta_switch_free(route.sw);
	rtta_preroll_free(route.preroll);
	rtta_publisher_free(route.live);
	rtta_state_free(route.state);
	rtta_window_free(route.window);
	rtta_bus_close(route.bus);
	rtta_inlet_close(route.in);
	jv_free(route.capture);
	return rtta_err_exit(&err);
}

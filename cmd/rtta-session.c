/*
 * rtta-session - press the buttons of a room and see what they did.
 * Writes session_config, reads the keys, the text and the heartbeats.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "api.h"
#include "bus.h"
#include "clock.h"
#include "control.h"
#include "err.h"
#include "health.h"
#include "json.h"
#include "log.h"
#include "opt.h"
#include "reader.h"
#include "record.h"
#include "session.h"
#include "sig.h"
#include "state.h"
#include "transcript.h"

enum {
	ANSWER_MS = 5000,
	STORE_MS = 10000,
	LISTEN_MS = 5500,       /* a heartbeat and a little */
	TRIES = 10,             /* against others who press buttons */
	HEARTBEATS = 1024,
	BEAT_MAX_BYTES = 16384
};

static const char help[] =
    "usage: rtta-session [-hqVv] [-t TITLE] [-p TIME] [-i ID] start\n"
    "       rtta-session [-hqVv] stop [ID] | off-record | on-record | delete ID\n"
    "       rtta-session [-hjqVv] [-l TIME] status\n"
    "       rtta-session [-hjqVv] list | watch\n"
    "  -t, --title TEXT   what people call the session\n"
    "  -p, --preroll TIME  how far back it begins, up to 330s (default 5m)\n"
    "  -i, --id ID        1 to 64 of A-Z a-z 0-9 _ - (default: from the clock)\n"
    "  -l, --listen TIME  how long to listen for heartbeats (default 5500ms)\n"
    "  -j, --json         JSON Lines, also on a terminal\n"
    RTTA_OPT_BUS_HELP
    RTTA_OPT_COMMON_HELP;

struct session {
	const char *title;
	int64_t preroll_s;
	char id[RTTA_SESSION_ID_BYTES];  /* --id, or the operand; may be empty */
	int listen_ms;
	bool json;
	int sig_fd;
	struct rtta_bus *bus;
	struct rtta_state *state;
};

typedef void command_fn(struct session *, struct rtta_err *);

/* --- waiting --- */

static int
sooner_ms(int a_ms, int b_ms)
{
	return b_ms < 0 || (a_ms >= 0 && a_ms < b_ms) ? a_ms : b_ms;
}

/* Wait for the bus, at most wait_ms.  1: go on, 0: a signal came or nobody
 * reads stdout any more, -1. */
static int
turn(struct session *session, int wait_ms, struct rtta_err *err)
{
	struct pollfd fds[] = {
		{ .fd = rtta_bus_fd(session->bus), .events = POLLIN },
		{ .fd = session->sig_fd, .events = POLLIN },
		{ .fd = STDOUT_FILENO },
	};

	if (poll(fds, 3, wait_ms) < 0)
		return rtta_err_sys(err, EX_OSERR, "poll");
	if (fds[2].revents & POLLERR)
		return 0;
	if (fds[1].revents && rtta_sig_take(session->sig_fd))
		return 0;
	return rtta_bus_wake(session->bus, err) < 0 ? -1 : 1;
}

/* --- the buttons --- */

/*
 * Put the value above the revision that it was made from.  1: stored, 0:
 * somebody else was faster, and the copy has what stands, -1.
 */
static int
put_config(struct session *session, jv value, uint64_t revision,
    struct rtta_err *err)
{
	uint64_t number = rtta_state_put(session->state, "session_config",
	    value, revision);
	struct rtta_state_result result;

	if (rtta_state_settle(session->state, STORE_MS, err) < 0)
		return -1;
	while (rtta_state_result(session->state, &result))
		if (result.number == number)
			return result.outcome == RTTA_STATE_STORED;
	return 0;
}

static int
give_up(struct rtta_err *err)
{
	return rtta_err_set(err, EX_TEMPFAIL,
	    "session_config: somebody else changes it again and again");
}

static void
start(struct session *session, struct rtta_err *err)
{
	uint64_t revision;
	int tries, rc;
	jv value;

	if (session->id[0] == '\0')
		rtta_session_id_new(session->id, rtta_clock_real_ns());
	for (tries = 0; tries < TRIES; tries++) {
		value = rtta_control_start(session->state, session->id,
		    session->title, session->preroll_s,
		    rtta_clock_real_ns() / 1000, &revision, err);
		if (!jv_is_valid(value))
			return;
		rc = put_config(session, value, revision, err);
		if (rc < 0)
			return;
		if (rc > 0) {
			puts(session->id);
			return;
		}
	}
	give_up(err);
}

static void
stop(struct session *session, struct rtta_err *err)
{
	const char *id = session->id[0] != '\0' ? session->id : NULL;
	struct rtta_session_config config;
	struct rtta_err unreadable = {0};
	uint64_t revision;
	int tries, rc;
	jv value;

	/* "The one that is on" is the one that is on now. */
	if (id == NULL && rtta_control_config(session->state, &config, NULL,
	    &unreadable) > 0 && config.active)
		id = config.id;
	for (tries = 0; tries < TRIES; tries++) {
		value = rtta_control_stop(session->state, id, &revision, err);
		if (!jv_is_valid(value)) {
			if (err->exit_code == 0)
				rtta_log_info("session %s was stopped before", id);
			return;
		}
		rc = put_config(session, value, revision, err);
		if (rc < 0)
			return;
		if (rc > 0) {
			rtta_log_info("session %s stops", id);
			return;
		}
	}
	give_up(err);
}

static void
set_off_record(struct session *session, bool off, struct rtta_err *err)
{
	int64_t now_us = rtta_clock_real_ns() / 1000;
	uint64_t revision;
	int tries, rc;
	jv value;

	for (tries = 0; tries < TRIES; tries++) {
		value = rtta_control_off_record(session->state, off, now_us,
		    &revision, err);
		rc = jv_is_valid(value) ?
		    put_config(session, value, revision, err) :
		    err->exit_code == 0;
		if (rc < 0 || err->exit_code != 0)
			return;
		if (rc > 0) {
			rtta_log_info(off ? "off the record" : "on the record");
			return;
		}
	}
	give_up(err);
}

static void
off_record(struct session *session, struct rtta_err *err)
{
	set_off_record(session, true, err);
}

static void
on_record(struct session *session, struct rtta_err *err)
{
	set_off_record(session, false, err);
}

/* --- delete --- */

/* Remove the messages of one subject.  How many, or -1. */
static int64_t
purge_subject(struct session *session, const char *stream, const char *prefix,
    struct rtta_err *err)
{
	struct rtta_err failure = {0};
	int64_t purged = 0;
	char what[64];
	jv answer;

	snprintf(what, sizeof(what), "STREAM.PURGE.%s", stream);
	answer = rtta_api_call(session->bus, what, JV_OBJECT(
	    jv_string("filter"), jv_string_fmt("%s.%s", prefix, session->id)),
	    ANSWER_MS, NULL, &failure);
	if (!jv_is_valid(answer))
		return rtta_err_set(err, failure.exit_code, "%s", failure.text);
	rtta_json_int(what, answer, "purged", 0, INT64_MAX, &purged, err);
	jv_free(answer);
	return purged;
}

/*
 * session_config names it no longer, so that nobody makes its keys again.
 * 1, 0 when it did not name it, -1.
 */
static int
forget(struct session *session, struct rtta_err *err)
{
	uint64_t revision;
	int tries, rc;
	jv value;

	for (tries = 0; tries < TRIES; tries++) {
		value = rtta_control_forget(session->state, session->id,
		    &revision, err);
		if (!jv_is_valid(value))
			return err->exit_code == 0 ? 0 : -1;
		rc = put_config(session, value, revision, err);
		if (rc != 0)
			return rc;
	}
	return give_up(err);
}

static void
delete(struct session *session, struct rtta_err *err)
{
	int64_t live, backfill, text;
	size_t keys;
	int named;

	/* Sound first, so that no more text comes of it. */
	if ((named = forget(session, err)) < 0 ||
	    (live = purge_subject(session, "AUDIO_STREAM", "audio.live", err)) < 0 ||
	    (backfill = purge_subject(session, "AUDIO_STREAM", "audio.backfill", err)) < 0)
		return;
	if (rtta_control_has(session->state, "cut", session->id) &&
	    !rtta_control_has(session->state, "end", session->id))
		rtta_log_warn("session %s had no end yet: rtta-route may still "
		    "write one", session->id);
	keys = rtta_control_purge(session->state, session->id);
	if (rtta_state_settle(session->state, STORE_MS, err) < 0 ||
	    (text = purge_subject(session, "TEXT_STREAM", "transcript.raw", err)) < 0)
		return;
	if (!named && keys == 0 && live + backfill + text == 0) {
		rtta_err_set(err, EX_NOINPUT, "session %s: nothing is known of it",
		    session->id);
		return;
	}
	if (session->json)
		rtta_event_write(JV_OBJECT(
		    jv_string("session_id"), jv_string(session->id),
		    jv_string("keys"), jv_number((double)keys),
		    jv_string("records"), jv_number((double)text),
		    jv_string("frames"), jv_number((double)(live + backfill))), err);
	else
		printf("%s: removed %zu keys, %lld records of text, %lld frames "
		    "of sound\n", session->id, keys, (long long)text,
		    (long long)(live + backfill));
}

/* --- status --- */

/* Local time, as people read it. */
static char *
clock_text(char text[32], int64_t us)
{
	time_t seconds = (time_t)(us / 1000000);
	struct tm tm;

	if (us == 0 || localtime_r(&seconds, &tm) == NULL ||
	    strftime(text, 32, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		strcpy(text, "-");
	return text;
}

/* Who lives, as far as it is heard in listen_ms: an array, invalid: -1. */
static jv
listen(struct session *session, struct rtta_err *err)
{
	struct rtta_port *port = rtta_port_open(session->bus, HEARTBEATS);
	struct rtta_health *health = rtta_health_new();
	int64_t now_ms = rtta_clock_mono_ms(), until_ms = now_ms + session->listen_ms;
	struct rtta_err ignored = {0};
	natsMsg *msg;
	jv tools;
	int rc;

	rc = rtta_port_subscribe(port, "rtta.heartbeat.>", err) < 0 ? -1 : 1;
	while (rc > 0 && now_ms < until_ms) {
		rc = turn(session, (int)(until_ms - now_ms), err);
		now_ms = rtta_clock_mono_ms();
		while ((msg = rtta_port_take(port)) != NULL) {
			rtta_health_beat(health, rtta_json_object("heartbeat",
			    natsMsg_GetData(msg),
			    (size_t)natsMsg_GetDataLength(msg), BEAT_MAX_BYTES,
			    &ignored), now_ms, rtta_clock_real_ns());
			natsMsg_Destroy(msg);
		}
	}
	tools = rc < 0 ? jv_invalid() : rtta_health_json(health, true);
	rtta_health_free(health);
	rtta_port_close(port);
	return tools;
}

static void
take_keys(struct session *session, struct rtta_transcript *transcript,
    const char *id)
{
	char what[16], owner[RTTA_SESSION_ID_BYTES];
	struct rtta_err ignored = {0};
	const char *key, *rest;
	size_t at = 0;
	jv value;

	while ((key = rtta_state_key(session->state, "", &at)) != NULL) {
		if (rtta_session_key_parse(key, what, owner, &rest) < 0 ||
		    strcmp(owner, id) != 0)
			continue;
		value = rtta_state_get(session->state, key, NULL);
		rtta_transcript_key(transcript, key, value, &ignored);
		jv_free(value);
	}
}

static void
take_record(struct rtta_transcript *transcript, struct rtta_record *record,
    natsMsg *msg)
{
	struct rtta_err broken = {0};

	if (rtta_record_decode(record, msg, &broken) == 0)
		rtta_transcript_add(transcript, record);
	else
		rtta_log_warn("%s", broken.text);
	natsMsg_Destroy(msg);
}

/* What is covered of a session, from all its records. */
static int
read_ledger(struct session *session, const char *id, struct rtta_ledger *ledger,
    struct rtta_err *err)
{
	struct rtta_transcript *transcript = rtta_transcript_new(id);
	char filter[32 + RTTA_SESSION_ID_BYTES];
	struct rtta_reader *reader;
	struct rtta_record record;
	int64_t deadline_ms = rtta_clock_mono_ms() + STORE_MS;
	natsMsg *msg;
	int rc = 1;

	snprintf(filter, sizeof(filter), "transcript.raw.%s", id);
	reader = rtta_reader_new(session->bus, "TEXT_STREAM", filter,
	    RTTA_READER_ALL, 1);
	rtta_record_init(&record);
	take_keys(session, transcript, id);
	while (rc > 0 && !rtta_reader_caught_up(reader)) {
		if (rtta_clock_mono_ms() > deadline_ms)
			rc = rtta_err_set(err, EX_TEMPFAIL,
			    "TEXT_STREAM: no answer for %d s", STORE_MS / 1000);
		else
			rc = turn(session, sooner_ms(rtta_reader_tick(reader), 1000), err);
		while ((msg = rtta_reader_take(reader)) != NULL)
			take_record(transcript, &record, msg);
	}
	rtta_transcript_ledger(transcript, ledger);
	rtta_record_done(&record);
	rtta_reader_free(reader);
	rtta_transcript_free(transcript);
	return rc < 0 ? -1 : 0;
}

static void
print_sound(const struct rtta_ledger *ledger)
{
	printf("sound    %.1f s captured: %.1f s text, %.1f s silence, %.1f s "
	    "gap, %.1f s to come\n", ledger->captured_s, ledger->text_s,
	    ledger->silence_s, ledger->gap_s, ledger->pending_s);
}

static const char *
field(jv object, const char *key, const char *fallback, char text[64])
{
	jv value = jv_object_get(jv_copy(object), jv_string(key));

	snprintf(text, 64, "%s", jv_get_kind(value) == JV_KIND_STRING ?
	    jv_string_value(value) : fallback);
	jv_free(value);
	return text;
}

/* tools is taken. */
static void
print_tools(jv tools, int listen_ms)
{
	char tool[64], lane[64], instance[64], state[64], reason[64];
	bool any = false;

	jv_array_foreach(tools, i, one) {
		field(one, "lane", "", lane);
		field(one, "reason", "", reason);
		printf("%-8s %s%s%s/%s %s%s%s\n", any ? "" : "tools",
		    field(one, "tool", "?", tool), lane[0] ? " " : "", lane,
		    field(one, "instance", "?", instance),
		    field(one, "state", "?", state), reason[0] ? ": " : "", reason);
		any = true;
		jv_free(one);
	}
	if (!any && listen_ms > 0)
		puts("tools    none is heard");
	jv_free(tools);
}

/* tools is taken. */
static void
print_status(struct session *session, const struct rtta_session_config *config,
    const struct rtta_ledger *ledger, jv tools)
{
	bool known = config->id[0] != '\0';
	char time[32];

	printf("state    %s%s\n", rtta_control_active(session->state, config) ?
	    "active" : "idle", config->off_record ? ", off the record" : "");
	if (config->off_record)
		printf("         since %s\n", clock_text(time, config->off_record_us));
	if (known) {
		printf("session  %s%s%s\n", config->id,
		    config->title[0] ? "  " : "", config->title);
		printf("started  %s\n", clock_text(time, config->started_us));
		printf("cut      %s\nend      %s\npre-roll %s\n",
		    ledger->has_cut ? "known" : "not yet",
		    ledger->has_end ? "known" : "not yet",
		    rtta_control_has(session->state, "flush", config->id) ?
		    "copied" : "not copied yet");
		print_sound(ledger);
	}
	print_tools(tools, session->listen_ms);
}

/* tools is taken. */
static void
write_status(struct session *session, const struct rtta_session_config *config,
    const struct rtta_ledger *ledger, jv tools, struct rtta_err *err)
{
	jv status = JV_OBJECT(
	    jv_string("state"), jv_string(rtta_control_active(session->state,
	        config) ? "active" : "idle"),
	    jv_string("off_record"), jv_bool(config->off_record),
	    jv_string("session_id"), jv_string(config->id),
	    jv_string("title"), jv_string(config->title),
	    jv_string("started_us"), jv_number((double)config->started_us),
	    jv_string("cut"), jv_bool(ledger->has_cut),
	    jv_string("end"), jv_bool(ledger->has_end),
	    jv_string("flush"), jv_bool(config->id[0] != '\0' &&
	        rtta_control_has(session->state, "flush", config->id)),
	    jv_string("tools"), tools);

	if (config->id[0] != '\0')
		status = jv_object_set(status, jv_string("ledger"),
		    rtta_ledger_json(ledger));
	rtta_event_write(status, err);
}

static void
status(struct session *session, struct rtta_err *err)
{
	struct rtta_session_config config;
	struct rtta_ledger ledger = {0};
	jv tools;

	if (rtta_control_config(session->state, &config, NULL, err) < 0)
		return;
	tools = listen(session, err);
	if (!jv_is_valid(tools))
		return;
	if (config.id[0] != '\0' &&
	    read_ledger(session, config.id, &ledger, err) < 0)
		jv_free(tools);
	else if (session->json)
		write_status(session, &config, &ledger, tools, err);
	else
		print_status(session, &config, &ledger, tools);
}

/* --- list --- */

/* {"transcript.raw.<S>": records}; empty when nobody knows. */
static jv
text_subjects(struct session *session)
{
	struct rtta_err ignored = {0};
	jv info = rtta_api_call(session->bus, "STREAM.INFO.TEXT_STREAM",
	    JV_OBJECT(jv_string("subjects_filter"), jv_string("transcript.raw.>")),
	    ANSWER_MS, NULL, &ignored);
	jv state = jv_is_valid(info) ? jv_object_get(info, jv_string("state")) : info;
	jv subjects = jv_get_kind(state) == JV_KIND_OBJECT ?
	    jv_object_get(state, jv_string("subjects")) : state;

	if (jv_get_kind(subjects) == JV_KIND_OBJECT)
		return subjects;
	jv_free(subjects);
	return jv_object();
}

/* {id: records} of every session that a key, text or session_config names. */
static jv
find_sessions(struct session *session, const struct rtta_session_config *config)
{
	static const char prefix[] = "transcript.raw.";
	char what[16], id[RTTA_SESSION_ID_BYTES];
	jv subjects = text_subjects(session), found = jv_object();
	const char *key, *rest;
	size_t at = 0;

	if (config->id[0] != '\0')
		found = jv_object_set(found, jv_string(config->id), jv_number(0));
	while ((key = rtta_state_key(session->state, "", &at)) != NULL)
		if (rtta_session_key_parse(key, what, id, &rest) == 0)
			found = jv_object_set(found, jv_string(id), jv_number(0));
	jv_object_foreach(subjects, subject, records) {
		const char *text = jv_string_value(subject);

		if (strncmp(text, prefix, strlen(prefix)) == 0 &&
		    rtta_session_id_valid(text + strlen(prefix)))
			found = jv_object_set(found,
			    jv_string(text + strlen(prefix)), jv_copy(records));
		jv_free(subject);
		jv_free(records);
	}
	jv_free(subjects);
	return found;
}

static jv
describe(struct session *session, const struct rtta_session_config *config,
    const char *id, jv records)
{
	char key[RTTA_SESSION_KEY_BYTES];
	bool named = strcmp(config->id, id) == 0;
	struct rtta_session_info info = {0};
	struct rtta_err ignored = {0};
	jv value = rtta_state_get(session->state,
	    rtta_session_key(key, "session", id), NULL);
	const char *state;

	if (jv_is_valid(value))
		rtta_session_info_decode(&info, value, &ignored);
	jv_free(value);
	if (named && info.started_us == 0)
		info.started_us = config->started_us;
	if (named && info.title[0] == '\0')
		memcpy(info.title, config->title, sizeof(info.title));
	if (rtta_control_has(session->state, "end", id))
		state = "ended";
	else if (named && config->active)
		state = "active";
	else
		state = rtta_control_has(session->state, "cut", id) ?
		    "ending" : named ? "waiting" : "unknown";
	return JV_OBJECT(jv_string("session_id"), jv_string(id),
	    jv_string("started_us"), jv_number((double)info.started_us),
	    jv_string("state"), jv_string(state),
	    jv_string("records"), records,
	    jv_string("title"), jv_string(info.title));
}

/* one is borrowed. */
static void
print_row(jv one)
{
	jv started = jv_object_get(jv_copy(one), jv_string("started_us"));
	jv records = jv_object_get(jv_copy(one), jv_string("records"));
	jv title = jv_object_get(jv_copy(one), jv_string("title"));
	char id[64 + 1], state[64], time[32];

	printf("%-22s  %-19s  %-7s  %7.0f  %s\n",
	    field(one, "session_id", "", id),
	    clock_text(time, (int64_t)jv_number_value(started)),
	    field(one, "state", "", state), jv_number_value(records),
	    jv_string_value(title));
	jv_free(title);
	jv_free(records);
	jv_free(started);
}

static void
list(struct session *session, struct rtta_err *err)
{
	struct rtta_session_config config;
	struct rtta_err unreadable = {0};
	jv found, ids;

	if (rtta_control_config(session->state, &config, NULL, &unreadable) < 0)
		rtta_log_warn("%s", unreadable.text);
	found = find_sessions(session, &config);
	ids = jv_keys(jv_copy(found));
	if (!session->json)
		printf("%-22s  %-19s  %-7s  %7s  %s\n", "SESSION", "STARTED",
		    "STATE", "RECORDS", "TITLE");
	jv_array_foreach(ids, i, id) {
		jv one = describe(session, &config, jv_string_value(id),
		    jv_object_get(jv_copy(found), jv_copy(id)));

		if (session->json) {
			rtta_event_write(one, err);
		} else {
			print_row(one);
			jv_free(one);
		}
		jv_free(id);
	}
	jv_free(ids);
	jv_free(found);
}

/* --- watch --- */

static int
write_change(struct rtta_state_change *change, struct rtta_err *err)
{
	jv line = JV_OBJECT(jv_string("key"), jv_string(change->key),
	    jv_string("revision"), jv_number((double)change->revision));

	if (change->readable)
		line = jv_object_set(line, jv_string("value"), change->value);
	else {
		jv_free(change->value);
		line = jv_object_set(line, jv_string(change->deleted ?
		    "deleted" : "unreadable"), jv_true());
	}
	return rtta_event_write(line, err);
}

/* What stands, and then every change, until a signal or nobody reads. */
static void
watch(struct session *session, struct rtta_err *err)
{
	struct rtta_state_change change;
	struct rtta_err written = {0};
	int wait_ms, rc = 1;

	while (rc > 0) {
		wait_ms = rtta_state_tick(session->state);
		while (rtta_state_next(session->state, &change))
			if (written.exit_code == 0)
				write_change(&change, &written);
			else
				jv_free(change.value);
		if (written.exit_code != 0) {
			if (errno != EPIPE)
				rtta_err_set(err, written.exit_code, "%s", written.text);
			return;
		}
		rc = turn(session, wait_ms, err);
	}
}

/* --- the command line --- */

static const struct command {
	const char *name;
	command_fn *run;
	enum { NO_ID, MAY_ID, MUST_ID } operand;
} commands[] = {
	{ "start", start, NO_ID },
	{ "stop", stop, MAY_ID },
	{ "off-record", off_record, NO_ID },
	{ "on-record", on_record, NO_ID },
	{ "status", status, NO_ID },
	{ "list", list, NO_ID },
	{ "watch", watch, NO_ID },
	{ "delete", delete, MUST_ID },
};

static void
take_id(struct session *session, const char *text)
{
	if (!rtta_session_id_valid(text))
		rtta_opt_fail("%.40s%s: not a session id (1 to 64 of A-Z a-z 0-9 "
		    "_ -)", text, strlen(text) > 40 ? "..." : "");
	strcpy(session->id, text);
}

static const struct command *
parse_command(struct session *session, int argc, char *argv[])
{
	const struct command *command = NULL;
	size_t i;

	if (optind == argc)
		rtta_opt_fail("a command is needed: start, stop, off-record, "
		    "on-record, status, list, watch or delete");
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(argv[optind], commands[i].name) == 0)
			command = &commands[i];
	if (command == NULL)
		rtta_opt_fail("%.40s: no such command", argv[optind]);
	if (command->operand == MUST_ID && argc - optind != 2)
		rtta_opt_fail("%s needs the id of one session", command->name);
	if (argc - optind > (command->operand == NO_ID ? 1 : 2))
		rtta_opt_fail("%.40s: too many words for %s", argv[argc - 1],
		    command->name);
	if (command->run != start && (session->title != NULL ||
	    session->preroll_s >= 0 || session->id[0] != '\0'))
		rtta_opt_fail("--title, --preroll and --id go with start");
	if (argc - optind == 2)
		take_id(session, argv[optind + 1]);
	return command;
}

static void
take_title(struct session *session, const char *text)
{
	if (strlen(text) >= RTTA_SESSION_TITLE_BYTES)
		rtta_opt_fail("--title: %zu bytes, limit %d", strlen(text),
		    RTTA_SESSION_TITLE_BYTES - 1);
	session->title = text;
}

static const struct command *
parse_options(struct session *session, int argc, char *argv[])
{
	static const struct option table[] = {
		{ "title", required_argument, NULL, 't' },
		{ "preroll", required_argument, NULL, 'p' },
		{ "id", required_argument, NULL, 'i' },
		{ "listen", required_argument, NULL, 'l' },
		{ "json", no_argument, NULL, 'j' },
		RTTA_OPT_BUS
		RTTA_OPT_COMMON
	};
	const struct command *command;
	int c;

	session->preroll_s = -1;
	session->listen_ms = LISTEN_MS;
	session->json = !isatty(STDOUT_FILENO);
	while ((c = rtta_opt_next(argc, argv, table, help)) != -1)
		switch (c) {
		case 't': take_title(session, optarg); break;
		case 'p':
			session->preroll_s = rtta_opt_duration_ms("--preroll", optarg,
			    0, RTTA_SESSION_PREROLL_MAX_S * 1000) / 1000;
			break;
		case 'i': take_id(session, optarg); break;
		case 'l':
			session->listen_ms = (int)rtta_opt_duration_ms("--listen",
			    optarg, 0, 600000);
			break;
		case 'j': session->json = true; break;
		}
	command = parse_command(session, argc, argv);
	if (session->preroll_s < 0)
		session->preroll_s = RTTA_SESSION_PREROLL_S;
	return command;
}

int
main(int argc, char *argv[])
{
	struct session session = {0};
	struct rtta_err err = {0};
	const struct command *command;

	rtta_log_open("rtta-session");
	command = parse_options(&session, argc, argv);
	session.sig_fd = rtta_sig_open();  /* before any library starts a thread */

	session.bus = rtta_bus_open(rtta_opt_nats_url(), "session", &err);
	if (session.bus != NULL) {
		session.state = rtta_state_new(session.bus);
		if (rtta_state_load(session.state, ANSWER_MS, &err) == 0)
			command->run(&session, &err);
	}
	if (fflush(stdout) != 0)
		rtta_err_sys(&err, EX_IOERR, "stdout");
	rtta_state_free(session.state);
	rtta_bus_close(session.bus);
	return rtta_err_exit(&err);
}

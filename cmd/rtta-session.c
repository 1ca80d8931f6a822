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
#include "erase.h"
#include "err.h"
#include "gather.h"
#include "json.h"
#include "keys.h"
#include "ledger.h"
#include "listen.h"
#include "log.h"
#include "opt.h"
#include "roster.h"
#include "session.h"
#include "sig.h"
#include "state.h"

enum {
	ANSWER_MS = 5000,
	NO_STREAM = 10059       /* err_code of JetStream */
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

/* One line of JSON; who does not read it any more is no failure.  0, or -1
 * when there is no use in another line. */
static int
write_line(jv line, struct rtta_err *err)
{
	struct rtta_err failure = {0};

	if (rtta_event_write(line, &failure) == 0)
		return 0;
	if (errno != EPIPE)
		rtta_err_set(err, failure.exit_code, "%s", failure.text);
	return -1;
}

/* --- the buttons --- */

static int
press(struct session *session, enum rtta_button_kind kind, struct rtta_err *err)
{
	struct rtta_button button = {
		.kind = kind,
		.id = session->id[0] != '\0' ? session->id : NULL,
		.title = session->title,
		.preroll_s = session->preroll_s,
		.now_us = rtta_clock_real_ns() / 1000
	};

	return rtta_control_press(session->state, &button, err);
}

static void
start(struct session *session, struct rtta_err *err)
{
	if (session->id[0] == '\0')
		rtta_session_id_new(session->id, rtta_clock_real_ns());
	if (press(session, RTTA_BUTTON_START, err) > 0)
		puts(session->id);
}

static void
stop(struct session *session, struct rtta_err *err)
{
	if (press(session, RTTA_BUTTON_STOP, err) == 0)
		rtta_log_info("session %s was stopped before", session->id);
}

static void
off_record(struct session *session, struct rtta_err *err)
{
	press(session, RTTA_BUTTON_OFF_RECORD, err);
}

static void
on_record(struct session *session, struct rtta_err *err)
{
	press(session, RTTA_BUTTON_ON_RECORD, err);
}

/* --- delete --- */

/* Remove the messages of one subject but the newest `keep`.  How many, or -1. */
static int64_t
purge(struct session *session, const char *stream, const char *subject, int keep,
    struct rtta_err *err)
{
	struct rtta_err failure = {0};
	int64_t purged = 0;
	char what[64];
	int error;
	jv answer;

	snprintf(what, sizeof(what), "STREAM.PURGE.%s", stream);
	answer = rtta_api_call(session->bus, what, JV_OBJECT(
	    jv_string("filter"), jv_string(subject),
	    jv_string("keep"), jv_number(keep)),
	    ANSWER_MS, &error, &failure);
	if (error == NO_STREAM)
		return 0;
	if (!jv_is_valid(answer))
		return rtta_err_set(err, failure.exit_code, "%s", failure.text);
	rtta_json_int(what, answer, "purged", 0, INT64_MAX, &purged, err);
	jv_free(answer);
	return purged;
}

static int64_t
purge_text(struct session *session, struct rtta_err *err)
{
	char subject[32 + RTTA_SESSION_ID_BYTES];

	snprintf(subject, sizeof(subject), "transcript.raw.%s", session->id);
	return purge(session, "TEXT_STREAM", subject, 0, err);
}

/* {"transcript.raw.<S>": records}; null when nobody knows. */
static jv
text_subjects(struct session *session)
{
	struct rtta_err ignored = {0};
	jv info = rtta_api_call(session->bus, "STREAM.INFO.TEXT_STREAM",
	    JV_OBJECT(jv_string("subjects_filter"), jv_string("transcript.raw.>")),
	    ANSWER_MS, NULL, &ignored);
	jv state = jv_get_kind(info) == JV_KIND_OBJECT ?
	    jv_object_get(info, jv_string("state")) : info;

	if (jv_get_kind(state) == JV_KIND_OBJECT)
		return jv_object_get(state, jv_string("subjects"));
	jv_free(state);
	return jv_null();
}

static bool
is_known(struct session *session)
{
	char what[16], id[RTTA_SESSION_ID_BYTES];
	const char *key, *rest;
	size_t at = 0;
	jv subjects;
	bool found;

	while ((key = rtta_state_key(session->state, "", &at)) != NULL)
		if (rtta_session_key_parse(key, what, id, &rest) == 0 &&
		    strcmp(id, session->id) == 0)
			return true;
	subjects = text_subjects(session);
	found = jv_get_kind(subjects) == JV_KIND_OBJECT &&
	    jv_object_has(jv_copy(subjects), jv_string_fmt("transcript.raw.%s", session->id));
	jv_free(subjects);
	return found;
}

static void
say_deleted(struct session *session, int keys, int64_t text, int64_t frames,
    struct rtta_err *err)
{
	if (session->json)
		write_line(JV_OBJECT(
		    jv_string("session_id"), jv_string(session->id),
		    jv_string("keys"), jv_number(keys),
		    jv_string("records"), jv_number((double)text),
		    jv_string("frames"), jv_number((double)frames)), err);
	else
		printf("%s: removed %d keys, %lld records of text, %lld frames "
		    "of sound\n", session->id, keys, (long long)text, (long long)frames);
}

/*
 * First its name, so that rtta-route makes no keys for it, also from earlier
 * revisions; then the mark that makes rtta-stt drop what it holds; then the
 * sound, so that no more text comes of it, and what is left.
 */
static void
delete(struct session *session, struct rtta_err *err)
{
	int64_t early, frames, text;
	int named, keys;

	if ((named = press(session, RTTA_BUTTON_FORGET, err)) < 0 ||
	    purge(session, "KV_system_state", "$KV.system_state.session_config", 1,
	        err) < 0 || (early = rtta_erase_sound(session->bus, session->id, err)) < 0)
		return;
	if (!named && early == 0 && !is_known(session)) {
		rtta_err_set(err, EX_NOINPUT, "session %s: nothing is known of it",
		    session->id);
		return;
	}
	if (rtta_control_bury(session->state, session->id, rtta_clock_real_ns() / 1000,
	    err) < 0 ||
	    (keys = rtta_control_purge(session->state, session->id, err)) < 0 ||
	    (frames = rtta_erase_sound(session->bus, session->id, err)) < 0 ||
	    (text = purge_text(session, err)) < 0)
		return;
	say_deleted(session, keys, text, early + frames, err);
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

static void
print_sound(const struct rtta_ledger *ledger)
{
	printf("sound    %.1f s captured: %.1f s text, %.1f s silence, %.1f s "
	    "gap, %.1f s to come\n", ledger->all.captured_s, ledger->all.text_s,
	    ledger->all.silence_s, ledger->all.gap_s, ledger->all.pending_s);
}

/* tools is taken. */
static void
print_status(struct session *session, const struct rtta_session_config *config,
    const struct rtta_ledger *ledger, jv tools)
{
	bool known = config->id[0] != '\0';
	char when[32];

	printf("state    %s%s\n", rtta_control_active(session->state, config) ?
	    "active" : "idle", config->off_record ? ", off the record" : "");
	if (config->off_record)
		printf("         since %s\n", clock_text(when, config->off_record_us));
	if (known) {
		printf("session  %s%s%s\n", config->id,
		    config->title[0] ? "  " : "", config->title);
		printf("started  %s\n", clock_text(when, config->started_us));
		printf("cut      %s\nend      %s\npre-roll %s\n",
		    ledger->has_cut ? "known" : "not yet",
		    ledger->has_end ? "known" : "not yet",
		    rtta_keys_now(session->state, "flush", config->id) ?
		    "copied" : "not copied yet");
		print_sound(ledger);
	}
	if (session->listen_ms > 0)
		rtta_listen_print(tools);
	else
		jv_free(tools);
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
	        rtta_keys_now(session->state, "flush", config->id)),
	    jv_string("tools"), tools);

	if (config->id[0] != '\0')
		status = jv_object_set(status, jv_string("ledger"),
		    rtta_ledger_json(ledger));
	write_line(status, err);
}

static int
count_ledger(struct session *session, const char *id, struct rtta_ledger *ledger,
    struct rtta_err *err)
{
	struct rtta_gather *gather = rtta_gather_new(session->bus, session->state, id);
	int rc = rtta_gather_all(gather, err);

	rtta_ledger_count(ledger, rtta_gather_transcript(gather));
	rtta_gather_free(gather);
	return rc;
}

static void
status(struct session *session, struct rtta_err *err)
{
	struct rtta_session_config config;
	struct rtta_ledger ledger = {0};
	jv tools;

	if (rtta_control_config(session->state, &config, NULL, err) < 0)
		return;
	tools = session->listen_ms == 0 ? jv_null() :
	    rtta_listen(session->bus, session->listen_ms, err);
	if (!jv_is_valid(tools))
		return;
	if (config.id[0] != '\0' && count_ledger(session, config.id, &ledger, err) < 0)
		jv_free(tools);
	else if (session->json)
		write_status(session, &config, &ledger, tools, err);
	else
		print_status(session, &config, &ledger, tools);
}

/* --- list --- */

static void
print_row(jv row)
{
	jv id = jv_object_get(jv_copy(row), jv_string("session_id"));
	jv started = jv_object_get(jv_copy(row), jv_string("started_us"));
	jv state = jv_object_get(jv_copy(row), jv_string("state"));
	jv records = jv_object_get(jv_copy(row), jv_string("records"));
	jv title = jv_object_get(row, jv_string("title"));
	char when[32];

	printf("%-22s  %-19s  %-7s  %7.0f  %s\n", jv_string_value(id),
	    clock_text(when, (int64_t)jv_number_value(started)),
	    jv_string_value(state), jv_number_value(records),
	    jv_string_value(title));
	jv_free(title);
	jv_free(records);
	jv_free(state);
	jv_free(started);
	jv_free(id);
}

static void
list(struct session *session, struct rtta_err *err)
{
	struct rtta_session_config config;
	struct rtta_err unreadable = {0};
	jv rows;

	if (rtta_control_config(session->state, &config, NULL, &unreadable) < 0)
		rtta_log_warn("%s", unreadable.text);
	rows = rtta_roster(session->state, &config, text_subjects(session));
	if (!session->json)
		printf("%-22s  %-19s  %-7s  %7s  %s\n", "SESSION", "STARTED",
		    "STATE", "RECORDS", "TITLE");
	jv_array_foreach(rows, i, row) {
		if (session->json)
			write_line(row, err);
		else
			print_row(row);
	}
	jv_free(rows);
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
	return write_line(line, err);
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

/* What stands, and then every change, until a signal or nobody reads. */
static void
watch(struct session *session, struct rtta_err *err)
{
	struct rtta_state_change change;
	bool writing = true;
	int wait_ms, rc = 1;

	while (rc > 0 && writing) {
		wait_ms = rtta_state_tick(session->state);
		while (writing && rtta_state_next(session->state, &change))
			writing = write_change(&change, err) == 0;
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
	session->listen_ms = RTTA_LISTEN_MS;
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
	session.sig_fd = -1;
	if (command->run == watch)
		session.sig_fd = rtta_sig_open();  /* before any library's threads */

	session.bus = rtta_bus_open(rtta_opt_nats_url(), "session", &err);
	if (session.bus != NULL) {
		session.state = rtta_state_new(session.bus);
		if (rtta_state_load(session.state, ANSWER_MS, &err) == 0)
			command->run(&session, &err);
	}
	if (fflush(stdout) != 0 && errno != EPIPE)
		rtta_err_sys(&err, EX_IOERR, "stdout");
	rtta_state_free(session.state);
	rtta_bus_close(session.bus);
	return rtta_err_exit(&err);
}

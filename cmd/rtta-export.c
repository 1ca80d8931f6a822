/*
 * rtta-export - write a session's transcript, or what is covered of it.
 * Reads TEXT_STREAM and the keys of the session, writes to stdout.
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api.h"
#include "bus.h"
#include "clock.h"
#include "err.h"
#include "format.h"
#include "json.h"
#include "log.h"
#include "opt.h"
#include "reader.h"
#include "record.h"
#include "session.h"
#include "sig.h"
#include "standing.h"
#include "state.h"
#include "transcript.h"

static const char help[] =
    "usage: rtta-export [-hqVv] [-N URL] [-f FORMAT] [-Ftu] [SESSION | last]\n"
    "       rtta-export -c [-hqVvj] [-N URL] [SESSION | last]\n"
    "  -c, --coverage       print how much of the sound has text; exit 1 while some is missing\n"
    "  -f, --format FORMAT  txt, srt, vtt, jsonl or ctm (default txt)\n"
    "  -F, --follow         go on as text comes, in the order of its coming (txt, jsonl)\n"
    "  -j, --json           --coverage as one line of JSON\n"
    "  -t, --times          wall-clock time before each paragraph (txt)\n"
    "  -u, --utc            wall-clock times in UTC instead of local time\n"
    RTTA_OPT_BUS_HELP
    RTTA_OPT_COMMON_HELP;

enum {
	PATIENCE_MS = 15000,   /* without a word from the bus, before we follow */
	API_MS = 5000,
	NO_STREAM = 10059      /* err_code of JetStream */
};

struct export {
	bool coverage, json, follow, times;
	enum rtta_format format;
	char session[RTTA_SESSION_ID_BYTES];
	struct rtta_bus *bus;
	struct rtta_state *state;
	struct rtta_reader *reader;       /* NULL until the session is known */
	struct rtta_transcript *transcript;
	size_t records, keys, broken;
	int wait_ms;                      /* until one of them wants its turn */
	int sig_fd;
	bool stopped, reader_gone;        /* by a signal; nobody reads stdout */
};

static void
parse_options(struct export *export, int argc, char *argv[])
{
	static const struct option table[] = {
		{ "coverage", no_argument, NULL, 'c' },
		{ "format", required_argument, NULL, 'f' },
		{ "follow", no_argument, NULL, 'F' },
		{ "json", no_argument, NULL, 'j' },
		{ "times", no_argument, NULL, 't' },
		{ "utc", no_argument, NULL, 'u' },
		RTTA_OPT_BUS
		RTTA_OPT_COMMON
	};
	const char *format = NULL;
	int c;

	while ((c = rtta_opt_next(argc, argv, table, help)) != -1)
		switch (c) {
		case 'c': export->coverage = true; break;
		case 'f': format = optarg; break;
		case 'F': export->follow = true; break;
		case 'j': export->json = true; break;
		case 't': export->times = true; break;
		case 'u': setenv("TZ", "UTC0", 1); break;
		}
	if (rtta_format_parse(format ? format : "txt", &export->format) < 0)
		rtta_opt_fail("--format: %s is none of txt, srt, vtt, jsonl, ctm", format);
	if (export->coverage && (format || export->follow || export->times))
		rtta_opt_fail("--coverage writes no text");
	if (export->json && !export->coverage)
		rtta_opt_fail("--json goes with --coverage; text as JSON is --format jsonl");
	if (export->times && export->format != RTTA_FORMAT_TXT)
		rtta_opt_fail("--times goes with --format txt");
	if (export->follow && export->format != RTTA_FORMAT_TXT &&
	    export->format != RTTA_FORMAT_JSONL)
		rtta_opt_fail("--follow goes with --format txt and jsonl");
	if (argc - optind > 1)
		rtta_opt_fail("%s: one session at a time", argv[optind + 1]);
	if (argc == optind || strcmp(argv[optind], "last") == 0)
		return;
	if (!rtta_session_id_valid(argv[optind]))
		rtta_opt_fail("%.70s: not a session id (1 to 64 of A-Z a-z 0-9 _ -)", argv[optind]);
	strcpy(export->session, argv[optind]);
}

/* --- the bus --- */

static int
open_bus(struct export *export, struct rtta_err *err)
{
	static const char *const streams[] = { "TEXT_STREAM", "KV_system_state" };
	char what[64];
	int error;

	export->bus = rtta_bus_open(rtta_opt_nats_url(), "export", err);
	if (export->bus == NULL)
		return -1;
	for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++) {
		struct rtta_err answer = {0};

		snprintf(what, sizeof(what), "STREAM.INFO.%s", streams[i]);
		jv_free(rtta_api_call(export->bus, what, jv_invalid(), API_MS, &error, &answer));
		if (error == NO_STREAM)
			return rtta_err_set(err, EX_UNAVAILABLE,
			    "no stream %s: rtta-streams init makes it", streams[i]);
		if (error != 0)
			return rtta_err_set(err, answer.exit_code, "%s", answer.text);
	}
	export->state = rtta_state_new(export->bus);
	return 0;
}

/* Wait for the bus or a signal, then let everything take its turn.  0, -1. */
static int
turn(struct export *export, int64_t deadline_ms, struct rtta_err *err)
{
	struct pollfd fds[] = {
		{ .fd = rtta_bus_fd(export->bus), .events = POLLIN },
		{ .fd = export->sig_fd, .events = POLLIN },
		{ .fd = STDOUT_FILENO, .events = 0 },
	};
	int64_t left_ms = deadline_ms - rtta_clock_mono_ms();

	if (deadline_ms != 0 && left_ms <= 0)
		return rtta_err_set(err, EX_TEMPFAIL, "%s: no answer for %d s",
		    rtta_bus_url(export->bus), PATIENCE_MS / 1000);
	if (deadline_ms != 0)
		export->wait_ms = rtta_clock_sooner(export->wait_ms, (int)left_ms);
	if (poll(fds, 3, export->wait_ms) < 0)
		return rtta_err_sys(err, EX_OSERR, "poll");
	if (fds[1].revents && rtta_sig_take(export->sig_fd))
		export->stopped = true;
	if (fds[2].revents & POLLERR)
		export->reader_gone = true;
	if (rtta_bus_wake(export->bus, err) < 0)
		return -1;
	export->wait_ms = rtta_state_tick(export->state);
	if (export->reader != NULL)
		export->wait_ms = rtta_clock_sooner(export->wait_ms, rtta_reader_tick(export->reader));
	return 0;
}

/* --- which session --- */

static int64_t
started_us(const struct export *export, const char *key)
{
	struct rtta_session_info info;
	struct rtta_err ignored = {0};
	jv value = rtta_state_get(export->state, key, NULL);

	if (rtta_session_info_decode(&info, value, &ignored) < 0)
		info.started_us = 0;
	jv_free(value);
	return info.started_us;
}

/* The session that the operator has started, if one is on. */
static void
take_active(struct export *export)
{
	struct rtta_session_config config;
	struct rtta_err ignored = {0};
	jv value = rtta_state_get(export->state, "session_config", NULL);

	if (rtta_session_config_decode(&config, value, &ignored) == 0 && config.active)
		strcpy(export->session, config.id);
	jv_free(value);
}

static void
take_newest(struct export *export)
{
	int64_t newest_us = -1, us;
	const char *key;
	size_t at = 0;

	while ((key = rtta_state_key(export->state, "session.", &at)) != NULL) {
		const char *id = key + strlen("session.");

		us = started_us(export, key);
		if (!rtta_session_id_valid(id) || us < newest_us ||
		    (us == newest_us && strcmp(id, export->session) < 0))
			continue;
		newest_us = us;
		strcpy(export->session, id);
	}
}

/* A session without keys: whose text is the last one of the stream. */
static int
take_last_text(struct export *export, struct rtta_err *err)
{
	static const char prefix[] = "transcript.raw.";
	jv body = JV_OBJECT(jv_string("last_by_subj"), jv_string("transcript.raw.>"));
	struct rtta_err answer = {0};
	jv message, subject;

	message = rtta_api_call(export->bus, "STREAM.MSG.GET.TEXT_STREAM", body, API_MS,
	    NULL, &answer);
	if (jv_get_kind(message) == JV_KIND_OBJECT)
		message = jv_object_get(message, jv_string("message"));
	subject = jv_get_kind(message) == JV_KIND_OBJECT ?
	    jv_object_get(message, jv_string("subject")) : (jv_free(message), jv_invalid());
	if (jv_get_kind(subject) == JV_KIND_STRING &&
	    strncmp(jv_string_value(subject), prefix, strlen(prefix)) == 0 &&
	    rtta_session_id_valid(jv_string_value(subject) + strlen(prefix)))
		strcpy(export->session, jv_string_value(subject) + strlen(prefix));
	jv_free(subject);
	if (export->session[0] == '\0')
		return rtta_err_set(err, EX_NOINPUT, "there is no session yet");
	return 0;
}

static int
find_session(struct export *export, struct rtta_err *err)
{
	int64_t deadline_ms = rtta_clock_mono_ms() + PATIENCE_MS;
	struct rtta_state_change change;

	while (!rtta_state_loaded(export->state) && !export->stopped) {
		if (turn(export, deadline_ms, err) < 0)
			return -1;
		while (rtta_state_next(export->state, &change))
			jv_free(change.value);
	}
	if (export->session[0] == '\0')
		take_active(export);
	if (export->session[0] == '\0')
		take_newest(export);
	if (export->session[0] == '\0')
		return take_last_text(export, err);
	return 0;
}

/* --- what comes --- */

static void
take_key(struct export *export, const char *key, jv value)
{
	char what[16], id[RTTA_SESSION_ID_BYTES];
	struct rtta_err err = {0};
	const char *rest;

	if (rtta_session_key_parse(key, what, id, &rest) < 0 || strcmp(id, export->session) != 0)
		return;
	export->keys++;
	if (rtta_transcript_key(export->transcript, key, value, &err) < 0)
		rtta_log_warn("key %s: %s", key, err.text);
}

static void
take_changes(struct export *export)
{
	struct rtta_state_change change;

	while (rtta_state_next(export->state, &change)) {
		if (change.readable)
			take_key(export, change.key, change.value);
		jv_free(change.value);
	}
}

/* Write all of the transcript to stdout.  0, or -1 with *err. */
static int
write_transcript(struct export *export, const struct rtta_transcript *transcript,
    struct rtta_err *err)
{
	char *text;
	size_t bytes;
	FILE *memory = open_memstream(&text, &bytes);
	int rc;

	if (memory == NULL)
		return rtta_err_sys(err, EX_OSERR, "memory");
	rc = rtta_format_write(memory, transcript, export->format, export->times, err);
	fclose(memory);
	if (rc == 0 && (fwrite(text, 1, bytes, stdout) != bytes || fflush(stdout) != 0)) {
		if (errno == EPIPE)
			export->reader_gone = true;
		else
			rc = rtta_err_sys(err, EX_IOERR, "stdout");
	}
	free(text);
	return rc;
}

/* One record by itself, as the format writes it. */
static int
write_record(struct export *export, const struct rtta_record *record, struct rtta_err *err)
{
	struct rtta_transcript *one = rtta_transcript_new(export->session);
	int rc;

	rtta_transcript_add(one, record);
	rc = write_transcript(export, one, err);
	rtta_transcript_free(one);
	return rc;
}

static int
take_records(struct export *export, struct rtta_err *err)
{
	struct rtta_record record;
	natsMsg *msg;
	int rc = 0;

	rtta_record_init(&record);
	while (rc == 0 && !export->reader_gone &&
	    (msg = rtta_reader_take(export->reader)) != NULL) {
		struct rtta_err why = {0};

		if (rtta_record_decode(&record, msg, &why) < 0) {
			rtta_log_warn("%s", why.text);
			export->broken++;
		} else {
			rtta_transcript_add(export->transcript, &record);
			if (export->follow)
				rc = write_record(export, &record, err);
		}
		export->records++;
		natsMsg_Destroy(msg);
	}
	rtta_record_done(&record);
	return rc;
}

static int
read_stored(struct export *export, struct rtta_err *err)
{
	int64_t deadline_ms = rtta_clock_mono_ms() + PATIENCE_MS;
	char filter[32 + RTTA_SESSION_ID_BYTES];
	size_t before;

	snprintf(filter, sizeof(filter), "transcript.raw.%s", export->session);
	export->transcript = rtta_transcript_new(export->session);
	export->keys = rtta_standing_keys(export->transcript, export->state, export->session);
	export->reader = rtta_reader_new(export->bus, "TEXT_STREAM", filter, RTTA_READER_ALL, 1);
	export->wait_ms = 0;
	while (!rtta_reader_caught_up(export->reader) && !export->stopped &&
	    !export->reader_gone) {
		before = export->records;
		if (turn(export, deadline_ms, err) < 0 || take_records(export, err) < 0)
			return -1;
		take_changes(export);
		if (export->records > before)
			deadline_ms = rtta_clock_mono_ms() + PATIENCE_MS;
	}
	if (export->stopped && !export->follow)
		return rtta_err_set(err, EX_TEMPFAIL, "stopped before all was read");
	if (export->records == 0 && export->keys == 0 && !export->stopped)
		return rtta_err_set(err, EX_NOINPUT, "session %s: nothing is known of it",
		    export->session);
	return 0;
}

static int
follow(struct export *export, struct rtta_err *err)
{
	struct rtta_ledger ledger = {0};

	while (!export->stopped && !export->reader_gone) {
		take_changes(export);
		rtta_transcript_ledger(export->transcript, &ledger);
		if (ledger.closed)
			return 0;
		if (turn(export, 0, err) < 0 || take_records(export, err) < 0)
			return -1;
	}
	return 0;
}

/* --- coverage --- */

static int
print_coverage(const struct export *export, const struct rtta_ledger *ledger,
    struct rtta_err *err)
{
	const struct {
		const char *name;
		double value_s;
	} rows[] = {
		{ "captured", ledger->captured_s }, { "text", ledger->text_s },
		{ "silence", ledger->silence_s }, { "gap", ledger->gap_s },
		{ "pending", ledger->pending_s }, { "late", ledger->late_s },
		{ "pre-roll", ledger->preroll_s }, { "overlap", ledger->overlap_s },
	};

	if (export->json)
		return rtta_event_write(jv_object_merge(
		    JV_OBJECT(jv_string("session"), jv_string(export->session)),
		    rtta_ledger_json(ledger)), err);
	printf("%-8s  %s\n", "session", export->session);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		printf("%-8s  %10.3f s\n", rows[i].name, rows[i].value_s);
	printf("%-8s  %10zu\n", "records", ledger->records);
	printf("%-8s  %10s\n", "closed", ledger->closed ? "yes" : "no");
	if (fflush(stdout) != 0 && errno != EPIPE)
		return rtta_err_sys(err, EX_IOERR, "stdout");
	return 0;
}

/* 0: complete, 1: not, -1: *err. */
static int
answer_coverage(const struct export *export, struct rtta_err *err)
{
	struct rtta_ledger ledger;

	rtta_transcript_ledger(export->transcript, &ledger);
	if (print_coverage(export, &ledger, err) < 0)
		return -1;
	return ledger.closed ? 0 : 1;
}

int
main(int argc, char *argv[])
{
	struct export export = {0};
	struct rtta_err err = {0};
	int answer = 0;

	rtta_log_open("rtta-export");
	parse_options(&export, argc, argv);
	export.sig_fd = rtta_sig_open();  /* before any library starts a thread */

	if (open_bus(&export, &err) == 0 && find_session(&export, &err) == 0 &&
	    read_stored(&export, &err) == 0) {
		if (export.coverage)
			answer = answer_coverage(&export, &err);
		else if (export.follow)
			follow(&export, &err);
		else
			write_transcript(&export, export.transcript, &err);
	}
	if (export.broken > 0)
		rtta_log_warn("session %s: %zu messages are no records and were left out",
		    export.session, export.broken);

	rtta_transcript_free(export.transcript);
	rtta_reader_free(export.reader);
	rtta_state_free(export.state);
	rtta_bus_close(export.bus);
	return err.exit_code ? rtta_err_exit(&err) : answer;
}

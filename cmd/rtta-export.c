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
#include <time.h>
#include <unistd.h>

#include "api.h"
#include "bus.h"
#include "clock.h"
#include "err.h"
#include "format.h"
#include "gather.h"
#include "json.h"
#include "ledger.h"
#include "log.h"
#include "opt.h"
#include "record.h"
#include "session.h"
#include "sig.h"
#include "state.h"
#include "transcript.h"

static const char help[] =
    "usage: rtta-export [-hqVv] [-N URL] [-f FORMAT] [-a TIME] [-b TIME] [-Ftu]\n"
    "                   [SESSION | last]\n"
    "       rtta-export -c [-hqVvj] [-N URL] [SESSION | last]\n"
    "  -a, --from TIME      leave out what is before: 10:15, 10:15:03, 2026-01-05T10:15:03Z,\n"
    "                         or since the first sample: +5m, +0:05:00\n"
    "  -b, --to TIME        leave out what begins then or later\n"
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

/* Of the wall clock, or since the first sample. */
struct moment {
	bool is_set, since_first, of_day;
	int64_t ns;                       /* of_day: since midnight, local time */
};

struct export {
	struct moment from, to;
	bool coverage, json, follow, times;
	enum rtta_format format;
	char session[RTTA_SESSION_ID_BYTES];
	struct rtta_bus *bus;
	struct rtta_state *state;
	struct rtta_gather *gather;       /* NULL until the session is known */
	int wait_ms;                      /* until it wants its turn */
	int sig_fd;
	bool stopped, reader_gone;        /* by a signal; nobody reads stdout */
};

/* "10:15" or "10:15:03" in ns.  0 or -1. */
static int
parse_clock(const char *text, int64_t *ns)
{
	int hours, minutes, seconds = 0, used = 0;

	if ((sscanf(text, "%3d:%2d:%2d%n", &hours, &minutes, &seconds, &used) < 3 || text[used] != '\0') &&
	    (sscanf(text, "%3d:%2d%n", &hours, &minutes, &used) < 2 || text[used] != '\0'))
		return -1;
	if (hours < 0 || minutes < 0 || minutes > 59 || seconds < 0 || seconds > 60)
		return -1;
	*ns = ((hours * 60 + minutes) * INT64_C(60) + seconds) * 1000000000;
	return 0;
}

static struct moment
parse_moment(const char *flag, const char *text)
{
	struct moment moment = { .is_set = true };

	if (text[0] == '+') {
		moment.since_first = true;
		if (parse_clock(text + 1, &moment.ns) < 0)
			moment.ns = rtta_opt_duration_ms(flag, text + 1, 0, 7 * 86400000) * 1000000;
	} else if (rtta_clock_parse(text, &moment.ns) < 0) {
		moment.of_day = true;
		if (parse_clock(text, &moment.ns) < 0 || moment.ns > 86400 * INT64_C(1000000000))
			rtta_opt_fail("%s %.40s: neither 10:15 nor 10:15:03 nor an RFC 3339 time "
			    "nor +5m", flag, text);
	}
	return moment;
}

static void
parse_options(struct export *export, int argc, char *argv[])
{
	static const struct option table[] = {
		{ "from", required_argument, NULL, 'a' },
		{ "to", required_argument, NULL, 'b' },
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
		case 'a': export->from = parse_moment("--from", optarg); break;
		case 'b': export->to = parse_moment("--to", optarg); break;
		case 'c': export->coverage = true; break;
		case 'f': format = optarg; break;
		case 'F': export->follow = true; break;
		case 'j': export->json = true; break;
		case 't': export->times = true; break;
		case 'u': setenv("TZ", "UTC0", 1); break;
		}
	if (rtta_format_parse(format ? format : "txt", &export->format) < 0)
		rtta_opt_fail("--format: %s is none of txt, srt, vtt, jsonl, ctm", format);
	if ((export->from.is_set || export->to.is_set) && (export->coverage || export->follow))
		rtta_opt_fail("--from and --to go with neither --coverage nor --follow");
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

/* Wait for the bus or a signal.  0, or -1. */
static int
turn(struct export *export, struct rtta_err *err)
{
	struct pollfd fds[] = {
		{ .fd = rtta_bus_fd(export->bus), .events = POLLIN },
		{ .fd = export->sig_fd, .events = POLLIN },
		{ .fd = STDOUT_FILENO, .events = 0 },
	};

	if (poll(fds, 3, export->wait_ms) < 0)
		return rtta_err_sys(err, EX_OSERR, "poll");
	if (fds[1].revents && rtta_sig_take(export->sig_fd))
		export->stopped = true;
	if (fds[2].revents & POLLERR)
		export->reader_gone = true;
	return rtta_bus_wake(export->bus, err);
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
load_state(struct export *export, struct rtta_err *err)
{
	int64_t deadline_ms = rtta_clock_mono_ms() + PATIENCE_MS;
	struct rtta_state_change change;
	int left_ms;

	while (!rtta_state_loaded(export->state) && !export->stopped) {
		left_ms = (int)(deadline_ms - rtta_clock_mono_ms());
		if (left_ms <= 0)
			return rtta_err_set(err, EX_TEMPFAIL, "%s: no answer for %d s",
			    rtta_bus_url(export->bus), PATIENCE_MS / 1000);
		export->wait_ms = rtta_clock_sooner(rtta_state_tick(export->state), left_ms);
		while (rtta_state_next(export->state, &change))
			jv_free(change.value);
		if (!rtta_state_loaded(export->state) && turn(export, err) < 0)
			return -1;
	}
	return 0;
}

static int
find_session(struct export *export, struct rtta_err *err)
{
	if (load_state(export, err) < 0)
		return -1;
	if (export->session[0] == '\0')
		take_active(export);
	if (export->session[0] == '\0')
		take_newest(export);
	if (export->session[0] == '\0')
		return take_last_text(export, err);
	return 0;
}

/* --- what comes --- */

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

/* A time of day is the first such time behind an hour before the start. */
static int64_t
resolve(const struct moment *moment, const struct rtta_transcript *transcript)
{
	int64_t base_ns = rtta_transcript_start_ns(transcript) - 3600 * INT64_C(1000000000), ns;
	time_t base_s = (time_t)(base_ns / 1000000000);
	struct tm tm;

	if (!moment->of_day || localtime_r(&base_s, &tm) == NULL)
		return moment->ns;
	tm.tm_hour = tm.tm_min = 0;
	tm.tm_sec = (int)(moment->ns / 1000000000);
	tm.tm_isdst = -1;
	ns = mktime(&tm) * INT64_C(1000000000);
	return ns < base_ns ? ns + 86400 * INT64_C(1000000000) : ns;
}

static int
write_all(struct export *export, struct rtta_err *err)
{
	struct rtta_transcript *transcript = rtta_gather_transcript(export->gather);

	if (export->from.is_set)
		rtta_transcript_crop(transcript, export->from.since_first,
		    resolve(&export->from, transcript), INT64_MAX);
	if (export->to.is_set)
		rtta_transcript_crop(transcript, export->to.since_first, INT64_MIN,
		    resolve(&export->to, transcript));
	return write_transcript(export, transcript, err);
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

/* What has come.  0, or -1 with *err. */
static int
take_records(struct export *export, struct rtta_err *err)
{
	struct rtta_record record;
	int rc = 0;

	rtta_record_init(&record);
	export->wait_ms = rtta_gather_tick(export->gather, err);
	if (export->wait_ms < 0)
		rc = -1;
	while (rc == 0 && !export->reader_gone && rtta_gather_next(export->gather, &record))
		if (export->follow)
			rc = write_record(export, &record, err);
	rtta_record_done(&record);
	return rc;
}

static int
read_stored(struct export *export, struct rtta_err *err)
{
	struct rtta_gather_counts counts;

	export->gather = rtta_gather_new(export->bus, export->state, export->session);
	while (!export->stopped && !export->reader_gone) {
		if (take_records(export, err) < 0)
			return -1;
		if (rtta_gather_is_complete(export->gather))
			break;
		if (turn(export, err) < 0)
			return -1;
	}
	if (export->stopped && !export->follow)
		return rtta_err_set(err, EX_TEMPFAIL, "stopped before all was read");
	counts = rtta_gather_counts(export->gather);
	if (counts.records == 0 && counts.keys == 0 && !export->stopped)
		return rtta_err_set(err, EX_NOINPUT, "session %s: nothing is known of it",
		    export->session);
	return 0;
}

static int
follow(struct export *export, struct rtta_err *err)
{
	struct rtta_ledger ledger = {0};

	while (!export->stopped && !export->reader_gone) {
		rtta_ledger_count(&ledger, rtta_gather_transcript(export->gather));
		if (ledger.closed)
			return 0;
		if (turn(export, err) < 0 || take_records(export, err) < 0)
			return -1;
	}
	return 0;
}

/* --- coverage --- */

static void
print_seconds(const char *name, double value_s)
{
	printf("%-9s %13.7f s\n", name, value_s);
}

static void
print_part(const char *name, double all_s, double live_s, double backfill_s)
{
	printf("%-9s %13.7f s %13.7f s %13.7f s\n", name, all_s, live_s, backfill_s);
}

static void
print_table(const char *session, const struct rtta_ledger *ledger)
{
	const struct rtta_ledger_part *all = &ledger->all;
	const struct rtta_ledger_part *live = &ledger->lane[RTTA_LEDGER_LIVE];
	const struct rtta_ledger_part *backfill = &ledger->lane[RTTA_LEDGER_BACKFILL];

	printf("%-9s %s\n", "session", session);
	printf("%-9s %15s %15s %15s\n", "", "all", "live", "backfill");
	print_part("captured", all->captured_s, live->captured_s, backfill->captured_s);
	print_part("text", all->text_s, live->text_s, backfill->text_s);
	print_part("silence", all->silence_s, live->silence_s, backfill->silence_s);
	print_part("gap", all->gap_s, live->gap_s, backfill->gap_s);
	print_part("pending", all->pending_s, live->pending_s, backfill->pending_s);
	print_seconds("late", ledger->late_s);
	print_seconds("short", ledger->short_s);
	print_seconds("overlap", ledger->overlap_s);
	printf("%-9s %6zu\n", "records", ledger->records);
	printf("%-9s %6s\n", "closed", ledger->closed ? "yes" : "no");
	for (int i = 0; i < RTTA_REASONS; i++)
		if (all->reason_s[i] > 0)
			printf("%-9s %13.7f s %s\n", "missing", all->reason_s[i],
			    rtta_reason_text((enum rtta_reason)i));
}

/* 0: complete, 1: not, -1: *err. */
static int
answer_coverage(const struct export *export, struct rtta_err *err)
{
	struct rtta_ledger ledger;
	int rc = 0;

	rtta_ledger_count(&ledger, rtta_gather_transcript(export->gather));
	if (export->json)
		rc = rtta_event_write(jv_object_merge(
		    JV_OBJECT(jv_string("session"), jv_string(export->session)),
		    rtta_ledger_json(&ledger)), err);
	else
		print_table(export->session, &ledger);
	if (rc == 0 && fflush(stdout) != 0 && errno != EPIPE)
		rc = rtta_err_sys(err, EX_IOERR, "stdout");
	return rc < 0 ? -1 : !ledger.closed;
}

/* Say what was left out, and let everything go. */
static void
close_all(struct export *export)
{
	if (export->gather != NULL && rtta_gather_counts(export->gather).broken > 0)
		rtta_log_warn("session %s: %zu messages are no records and were left out",
		    export->session, rtta_gather_counts(export->gather).broken);
	rtta_gather_free(export->gather);
	rtta_state_free(export->state);
	rtta_bus_close(export->bus);
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
			write_all(&export, &err);
	}
	close_all(&export);
	return err.exit_code ? rtta_err_exit(&err) : answer;
}

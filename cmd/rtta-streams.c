/*
 * rtta-streams - make, compare and watch the streams of a room.
 * One command a run; what was found and done goes to stdout.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api.h"
#include "bus.h"
#include "control.h"
#include "err.h"
#include "gauge.h"
#include "json.h"
#include "listen.h"
#include "log.h"
#include "mem.h"
#include "opt.h"
#include "prune.h"
#include "session.h"
#include "setup.h"
#include "state.h"
#include "streams.h"

enum {
	ANSWER_MS = 5000,
	STORE_MS = 10000,
	DAY_S = 24 * 3600,
	OLDER_S = 2 * 3600      /* an end that nobody writes text for any more */
};

static const char help[] =
    "usage: rtta-streams [-hjqVv] [-N URL] [limits] init | diff | apply\n"
    "       rtta-streams [-hjqVv] [-N URL] [-l TIME] status\n"
    "       rtta-streams [-hjqVv] [-N URL] [-o TIME] prune\n"
    "  init     create what is missing, change nothing\n"
    "  diff     print what differs; exit 1 if anything does\n"
    "  apply    create what is missing, change what differs\n"
    "  status   streams, consumers, session, and which tools live\n"
    "  prune    remove the keys of sessions that are over and have no text\n"
    "Limits:\n"
    "      --preroll-age TIME      how long sound waits for a start (6m)\n"
    "      --audio-age TIME        how long sound waits for its text (60m)\n"
    "      --text-age TIME         how long text is kept (7d)\n"
    "      --rate HZ               of the microphone, for the ceilings (16000)\n"
    "      --channels N            the same (1)\n"
    "      --preroll-bytes SIZE    ceilings; those of sound come from\n"
    "      --audio-bytes SIZE        rate, channels and ages\n"
    "      --text-bytes SIZE         (256M)\n"
    "      --state-bytes SIZE        (32M)\n"
    "      --preroll-storage KIND  memory (default) or file\n"
    "      --replicas N            servers that hold each message (1)\n"
    "Others:\n"
    "  -j, --json             JSON Lines, also on a terminal\n"
    "  -l, --listen TIME      how long to listen for heartbeats (5500ms)\n"
    "  -o, --older-than TIME  since when a session is over (2h)\n"
    RTTA_OPT_BUS_HELP
    RTTA_OPT_COMMON_HELP;

struct streams {
	struct rtta_streams_limits limits;
	int listen_ms;
	int64_t older_s;
	bool json;
	struct rtta_bus *bus;
	struct rtta_state *state;  /* status and prune only */
	bool drifted;
};

typedef void command_fn(struct streams *, struct rtta_err *);

/* --- init, diff, apply --- */

/* "max_age is 1800 s, should be 3600 s"; event is borrowed. */
static char *
describe(jv event, const char *link)
{
	jv field = jv_object_get(jv_copy(event), jv_string("field"));
	char *found = rtta_streams_value_text(jv_string_value(field),
	    jv_object_get(jv_copy(event), jv_string("found")));
	char *wanted = rtta_streams_value_text(jv_string_value(field),
	    jv_object_get(jv_copy(event), jv_string("wanted")));
	char *text = rtta_xasprintf("%s is %s, %s %s", jv_string_value(field),
	    found, link, wanted);

	free(wanted);
	free(found);
	jv_free(field);
	return text;
}

static const char *
link_of(enum rtta_setup_what what, const char *action)
{
	if (strcmp(action, "changed") == 0)
		return "becomes";
	if (strcmp(action, "refused") == 0)
		return "and cannot become";
	return what == RTTA_SETUP_DIFF ? "should be" : "not";
}

/* One event: a line on stdout, and for what is wrong a sentence. */
static void
report(struct streams *streams, enum rtta_setup_what what, jv event,
    struct rtta_err *err)
{
	jv name = jv_object_get(jv_copy(event), jv_string("stream"));
	jv action = jv_object_get(jv_copy(event), jv_string("action"));
	const char *done = jv_string_value(action);
	bool has_field = jv_object_has(jv_copy(event), jv_string("field"));
	jv reason = jv_object_get(jv_copy(event), jv_string("reason"));
	char *text = has_field ? describe(event, link_of(what, done)) :
	    jv_get_kind(reason) == JV_KIND_STRING ?
	    rtta_xasprintf("%s: %s", done, jv_string_value(reason)) :
	    rtta_xstrdup(done);

	if (strcmp(done, "missing") == 0 || strcmp(done, "differs") == 0)
		streams->drifted = true;
	if (strcmp(done, "refused") == 0)
		rtta_err_set(err, EX_CONFIG, "%s: %s: delete the stream, with "
		    "what is in it, and run init", jv_string_value(name), text);
	else if (what == RTTA_SETUP_INIT && has_field)
		rtta_log_warn("%s: %s; left as it is (rtta-streams apply "
		    "changes it)", jv_string_value(name), text);
	if (streams->json)
		rtta_event_write(jv_copy(event), err);
	else
		printf("%s: %s\n", jv_string_value(name), text);
	free(text);
	jv_free(reason);
	jv_free(action);
	jv_free(name);
	jv_free(event);
}

static void
set_up(struct streams *streams, enum rtta_setup_what what, struct rtta_err *err)
{
	struct rtta_err failure = {0};
	jv events = rtta_setup(streams->bus, &streams->limits, what, &failure);

	if (failure.exit_code != 0)
		rtta_err_set(err, failure.exit_code, "%s", failure.text);
	jv_array_foreach(events, i, event) {
		report(streams, what, event, err);
	}
	jv_free(events);
}

static void
init(struct streams *streams, struct rtta_err *err)
{
	set_up(streams, RTTA_SETUP_INIT, err);
	streams->drifted = false;  /* said, and left: that is no failure */
}

static void
diff(struct streams *streams, struct rtta_err *err)
{
	set_up(streams, RTTA_SETUP_DIFF, err);
}

static void
apply(struct streams *streams, struct rtta_err *err)
{
	set_up(streams, RTTA_SETUP_APPLY, err);
}

/* --- status --- */

/* [{name, pending, unacknowledged, waiting}] of a stream. */
static jv
consumers_of(struct streams *streams, const char *name)
{
	struct rtta_err ignored = {0};  /* then none are shown */
	jv answer, list, all = jv_array();
	char what[96];

	snprintf(what, sizeof(what), "CONSUMER.LIST.%s", name);
	answer = rtta_api_call(streams->bus, what, jv_invalid(), ANSWER_MS, NULL,
	    &ignored);
	if (!jv_is_valid(answer)) {
		jv_free(answer);
		return all;
	}
	list = jv_object_get(answer, jv_string("consumers"));
	if (jv_get_kind(list) == JV_KIND_ARRAY)
		jv_array_foreach(list, i, one) {
			all = jv_array_append(all, JV_OBJECT(
			    jv_string("name"),
			        jv_object_get(jv_copy(one), jv_string("name")),
			    jv_string("pending"),
			        jv_number(rtta_json_number(one, "num_pending", 0)),
			    jv_string("unacknowledged"),
			        jv_number(rtta_json_number(one, "num_ack_pending", 0)),
			    jv_string("waiting"),
			        jv_number(rtta_json_number(one, "num_waiting", 0))));
			jv_free(one);
		}
	jv_free(list);
	return all;
}

/* What those who publish fill of it. */
static double
share_of(const char *name, jv config)
{
	double bytes = rtta_json_number(config, "max_bytes", 0);

	return strcmp(name, "AUDIO_STREAM") == 0 && bytes > 0 ?
	    (double)rtta_streams_share((int64_t)bytes) : bytes;
}

/* {messages, bytes, max_bytes, share_bytes, fill, consumers}, null: there is none, or {error}. */
static jv
stream_status(struct streams *streams, const char *name, struct rtta_err *err)
{
	struct rtta_err failure = {0};
	jv info, state, config, row;
	int found = rtta_setup_info(streams->bus, name, jv_invalid(), &info, &failure);

	if (found < 0) {
		rtta_err_set(err, failure.exit_code, "%s", failure.text);
		return JV_OBJECT(jv_string("error"), jv_string(failure.text));
	}
	if (found == 0)
		return jv_null();
	state = jv_object_get(jv_copy(info), jv_string("state"));
	config = jv_object_get(info, jv_string("config"));
	row = JV_OBJECT(
	    jv_string("messages"), jv_number(rtta_json_number(state, "messages", 0)),
	    jv_string("bytes"), jv_number(rtta_json_number(state, "bytes", 0)),
	    jv_string("max_bytes"), jv_number(rtta_json_number(config, "max_bytes", 0)),
	    jv_string("share_bytes"), jv_number(share_of(name, config)),
	    jv_string("consumers"), consumers_of(streams, name));
	row = jv_object_set(row, jv_string("fill"), jv_string(rtta_gauge_level_name(
	    rtta_gauge_level_of(rtta_json_number(row, "bytes", 0),
	    rtta_json_number(row, "share_bytes", 0)))));
	jv_free(config);
	jv_free(state);
	return row;
}

/* "nearly full", "full", or "". */
static const char *
fill_of(jv row)
{
	enum rtta_gauge_level level = rtta_gauge_level_of(rtta_json_number(row, "bytes", 0),
	    rtta_json_number(row, "share_bytes", 0));

	return level == RTTA_GAUGE_ROOM ? "" : rtta_gauge_level_name(level);
}

/* row is taken. */
static void
print_stream(const char *name, jv row)
{
	if (jv_get_kind(row) == JV_KIND_OBJECT && jv_object_has(jv_copy(row), jv_string("error")))
		printf("%-16s does not answer\n", name);
	else if (jv_get_kind(row) == JV_KIND_OBJECT)
		printf("%-16s %10.0f %10.1f %10.1f%s%s\n", name,
		    rtta_json_number(row, "messages", 0), rtta_json_number(row, "bytes", 0) / (1 << 20),
		    rtta_json_number(row, "share_bytes", 0) / (1 << 20),
		    fill_of(row)[0] != '\0' ? "  " : "", fill_of(row));
	else
		printf("%-16s missing\n", name);
	jv_free(row);
}

/* Those of a stream; row is taken. */
static void
print_consumers(jv row)
{
	jv list = jv_get_kind(row) == JV_KIND_OBJECT ?
	    jv_object_get(jv_copy(row), jv_string("consumers")) : jv_array();

	jv_free(row);
	if (jv_get_kind(list) != JV_KIND_ARRAY) {
		jv_free(list);
		return;
	}
	jv_array_foreach(list, i, one) {
		jv name = jv_object_get(jv_copy(one), jv_string("name"));

		printf("%-40s %8.0f %8.0f %8.0f\n", jv_string_value(name),
		    rtta_json_number(one, "pending", 0), rtta_json_number(one, "unacknowledged", 0),
		    rtta_json_number(one, "waiting", 0));
		jv_free(name);
		jv_free(one);
	}
	jv_free(list);
}

/* rows is borrowed, tools is taken. */
static void
print_status(jv rows, const struct rtta_session_config *config, jv tools,
    bool listened)
{
	const char *name;
	size_t i;

	printf("%-16s %10s %10s %10s\n", "STREAM", "MESSAGES", "MIB", "OF MIB");
	for (i = 0; (name = rtta_streams_name(i)) != NULL; i++)
		print_stream(name, jv_object_get(jv_copy(rows), jv_string(name)));
	printf("\n%-40s %8s %8s %8s\n", "CONSUMER", "PENDING", "UNACKED",
	    "WAITING");
	for (i = 0; (name = rtta_streams_name(i)) != NULL; i++)
		print_consumers(jv_object_get(jv_copy(rows), jv_string(name)));
	printf("\nsession %s: %s%s\n", config->id[0] ? config->id : "none",
	    config->active ? "active" : "idle",
	    config->off_record ? ", off the record" : "");
	if (listened)
		rtta_listen_print(tools);
	else
		jv_free(tools);
}

/* Both are taken. */
static void
write_status(jv rows, const struct rtta_session_config *config, jv tools,
    struct rtta_err *err)
{
	rtta_event_write(JV_OBJECT(jv_string("streams"), rows,
	    jv_string("session_id"), jv_string(config->id),
	    jv_string("state"), jv_string(config->active ? "active" : "idle"),
	    jv_string("off_record"), jv_bool(config->off_record),
	    jv_string("tools"), tools), err);
}

static int
load_state(struct streams *streams, struct rtta_err *err)
{
	streams->state = rtta_state_new(streams->bus);
	return rtta_state_load(streams->state, ANSWER_MS, err);
}

/* A stream that does not answer leaves the others to be shown. */
static bool
is_shown(const struct rtta_err *err)
{
	return err->exit_code == 0 || err->exit_code == EX_TEMPFAIL;
}

static void
status(struct streams *streams, struct rtta_err *err)
{
	struct rtta_session_config config = {0};
	struct rtta_err unknown = {0};  /* a bucket that is missing is shown */
	jv rows = jv_object(), tools;
	size_t i;

	for (i = 0; rtta_streams_name(i) != NULL && is_shown(err); i++)
		rows = jv_object_set(rows, jv_string(rtta_streams_name(i)),
		    stream_status(streams, rtta_streams_name(i), err));
	if (is_shown(err) && load_state(streams, &unknown) == 0 &&
	    rtta_control_config(streams->state, &config, NULL, &unknown) > 0)
		config.active = rtta_control_active(streams->state, &config);
	tools = !is_shown(err) || streams->listen_ms == 0 ? jv_null() :
	    rtta_listen(streams->bus, streams->listen_ms, err);
	if (!is_shown(err)) {
		jv_free(tools);
		jv_free(rows);
	} else if (streams->json || !isatty(STDOUT_FILENO)) {
		write_status(rows, &config, tools, err);
	} else {
		print_status(rows, &config, tools, streams->listen_ms > 0);
		jv_free(rows);
	}
}

/* --- prune --- */

static void
prune(struct streams *streams, struct rtta_err *err)
{
	struct rtta_prune_counts counts;

	if (load_state(streams, err) < 0 ||
	    rtta_prune(streams->bus, streams->state, streams->older_s, &counts,
	    err) < 0)
		return;
	if (streams->json)
		rtta_event_write(JV_OBJECT(
		    jv_string("sessions"), jv_number((double)counts.sessions),
		    jv_string("keys"), jv_number((double)counts.keys),
		    jv_string("markers"), jv_number((double)counts.markers)), err);
	else
		printf("pruned %zu keys of %zu sessions, and %zu markers of "
		    "earlier deletions\n", counts.keys, counts.sessions,
		    counts.markers);
}

/* --- the command line --- */

static command_fn *
find_command(const char *name)
{
	static const struct { const char *name; command_fn *run; } commands[] = {
		{ "init", init }, { "diff", diff }, { "apply", apply },
		{ "status", status }, { "prune", prune }
	};
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(name, commands[i].name) == 0)
			return commands[i].run;
	rtta_opt_fail("%.40s: no such command", name);
}

enum {
	OPT_PREROLL_AGE = 256, OPT_AUDIO_AGE, OPT_TEXT_AGE, OPT_RATE,
	OPT_CHANNELS, OPT_PREROLL_BYTES, OPT_AUDIO_BYTES, OPT_TEXT_BYTES,
	OPT_STATE_BYTES, OPT_PREROLL_STORAGE, OPT_REPLICAS
};

static int64_t
age(const char *flag, const char *text, int64_t max_s)
{
	return rtta_opt_duration_ms(flag, text, 1000, max_s * 1000) / 1000;
}

static int64_t
ceiling(const char *flag, const char *text)
{
	return rtta_opt_bytes(flag, text, 64 << 10, INT64_C(1) << 50);
}

static bool
is_file(const char *text)
{
	if (strcmp(text, "file") == 0)
		return true;
	if (strcmp(text, "memory") != 0)
		rtta_opt_fail("--preroll-storage %s: not memory or file", text);
	return false;
}

static command_fn *
parse_options(struct streams *streams, int argc, char *argv[])
{
	static const struct option table[] = {
		{ "preroll-age", required_argument, NULL, OPT_PREROLL_AGE },
		{ "audio-age", required_argument, NULL, OPT_AUDIO_AGE },
		{ "text-age", required_argument, NULL, OPT_TEXT_AGE },
		{ "rate", required_argument, NULL, OPT_RATE },
		{ "channels", required_argument, NULL, OPT_CHANNELS },
		{ "preroll-bytes", required_argument, NULL, OPT_PREROLL_BYTES },
		{ "audio-bytes", required_argument, NULL, OPT_AUDIO_BYTES },
		{ "text-bytes", required_argument, NULL, OPT_TEXT_BYTES },
		{ "state-bytes", required_argument, NULL, OPT_STATE_BYTES },
		{ "preroll-storage", required_argument, NULL, OPT_PREROLL_STORAGE },
		{ "replicas", required_argument, NULL, OPT_REPLICAS },
		{ "json", no_argument, NULL, 'j' },
		{ "listen", required_argument, NULL, 'l' },
		{ "older-than", required_argument, NULL, 'o' },
		RTTA_OPT_BUS
		RTTA_OPT_COMMON
	};
	struct rtta_streams_limits *l = &streams->limits;
	int c;

	rtta_streams_limits_init(l);
	streams->listen_ms = RTTA_LISTEN_MS;
	streams->older_s = OLDER_S;
	while ((c = rtta_opt_next(argc, argv, table, help)) != -1)
		switch (c) {
		case OPT_PREROLL_AGE: l->preroll_age_s = age("--preroll-age", optarg, DAY_S); break;
		case OPT_AUDIO_AGE: l->audio_age_s = age("--audio-age", optarg, 30 * DAY_S); break;
		case OPT_TEXT_AGE: l->text_age_s = age("--text-age", optarg, 3650LL * DAY_S); break;
		case OPT_RATE: l->rate_hz = (int)rtta_opt_int("--rate", optarg, 8000, 48000); break;
		case OPT_CHANNELS: l->channels = (int)rtta_opt_int("--channels", optarg, 1, 8); break;
		case OPT_PREROLL_BYTES: l->preroll_bytes = ceiling("--preroll-bytes", optarg); break;
		case OPT_AUDIO_BYTES: l->audio_bytes = ceiling("--audio-bytes", optarg); break;
		case OPT_TEXT_BYTES: l->text_bytes = ceiling("--text-bytes", optarg); break;
		case OPT_STATE_BYTES: l->state_bytes = ceiling("--state-bytes", optarg); break;
		case OPT_PREROLL_STORAGE: l->preroll_file = is_file(optarg); break;
		case OPT_REPLICAS: l->replicas = (int)rtta_opt_int("--replicas", optarg, 1, 5); break;
		case 'j': streams->json = true; break;
		case 'l': streams->listen_ms = (int)rtta_opt_duration_ms("--listen", optarg, 0, 600000); break;
		case 'o': streams->older_s = rtta_opt_duration_ms("--older-than", optarg, 0, 3650LL * DAY_S * 1000) / 1000; break;
		}
	if (optind + 1 != argc)
		rtta_opt_fail("one command is needed: init, diff, apply, "
		    "status or prune");
	return find_command(argv[optind]);
}

int
main(int argc, char *argv[])
{
	struct streams streams = {0};
	struct rtta_err err = {0};
	command_fn *run;

	rtta_log_open("rtta-streams");
	run = parse_options(&streams, argc, argv);

	streams.bus = rtta_bus_open(rtta_opt_nats_url(), "streams", &err);
	if (streams.bus != NULL)
		run(&streams, &err);
	if (fflush(stdout) != 0)
		rtta_err_sys(&err, EX_IOERR, "stdout");
	rtta_state_free(streams.state);
	rtta_bus_close(streams.bus);
	if (err.exit_code == 0 && streams.drifted)
		return 1;
	return rtta_err_exit(&err);
}

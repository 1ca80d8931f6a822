/*
 * rtta-streams - make, compare and watch the streams of a room.
 * One command a run: init, diff, apply.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "bus.h"
#include "err.h"
#include "json.h"
#include "log.h"
#include "opt.h"
#include "streams.h"

enum {
	ANSWER_MS = 5000,
	DAY_S = 24 * 3600,
	NO_STREAM = 10059,      /* err_codes of JetStream */
	NO_RESOURCES = 10023,
	NO_MEMORY = 10028,
	NO_STORAGE = 10047
};

static const char help[] =
    "usage: rtta-streams [-hjqVv] [options] init | diff | apply\n"
    "  init             create what is missing, change nothing\n"
    "  diff             print what differs; exit 1 if anything does\n"
    "  apply            create what is missing, change what differs\n"
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
    "  -j, --json       JSON Lines\n"
    RTTA_OPT_BUS_HELP
    RTTA_OPT_COMMON_HELP;

struct streams {
	const char *command;
	struct rtta_streams_limits limits;
	struct rtta_bus *bus;
	bool json;
	bool drifted;
};

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

static void
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
		RTTA_OPT_BUS
		RTTA_OPT_COMMON
	};
	struct rtta_streams_limits *l = &streams->limits;
	int c;

	rtta_streams_limits_init(l);
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
		}
	if (optind + 1 != argc)
		rtta_opt_fail("one command is needed: init, diff or apply");
	streams->command = argv[optind];
}

/* --- asking the server --- */

static int64_t
limit_of(jv limits, const char *key, struct rtta_err *err)
{
	int64_t value = -1;

	rtta_json_int("INFO", limits, key, -1, INT64_MAX, &value, err);
	return value > 0 ? value : -1;
}

/* Ceilings that fit into what the account may store. */
static int
fit_limits(struct streams *streams, struct rtta_err *err)
{
	struct rtta_err failure = {0};
	jv info, limits;
	int error, rc;

	info = rtta_api_call(streams->bus, "INFO", jv_invalid(), ANSWER_MS,
	    &error, &failure);
	if (!jv_is_valid(info))
		return rtta_err_set(err, failure.exit_code, "%s: %s",
		    rtta_bus_url(streams->bus), error == 503 ?
		    "JetStream is not enabled there" : failure.text);
	limits = jv_object_get(info, jv_string("limits"));
	if (jv_get_kind(limits) != JV_KIND_OBJECT) {
		jv_free(limits);
		limits = jv_object();
	}
	rc = rtta_streams_fit(&streams->limits,
	    limit_of(limits, "max_memory", err),
	    limit_of(limits, "max_storage", err), err);
	jv_free(limits);
	return rc;
}

/* 1 with *info (the caller frees it), 0: no such stream, -1. */
static int
read_info(struct streams *streams, const char *name, jv *info,
    struct rtta_err *err)
{
	struct rtta_err failure = {0};
	char what[96];
	int error;

	snprintf(what, sizeof(what), "STREAM.INFO.%s", name);
	*info = rtta_api_call(streams->bus, what, jv_invalid(), ANSWER_MS,
	    &error, &failure);
	if (jv_is_valid(*info))
		return 1;
	if (error == NO_STREAM)
		return 0;
	return rtta_err_set(err, failure.exit_code, "%s", failure.text);
}

static int
send_config(struct streams *streams, const char *verb, const char *name,
    jv config, struct rtta_err *err)
{
	struct rtta_err failure = {0};
	int64_t max_bytes = 0;
	char what[96];
	jv answer;
	int error;

	rtta_json_int(name, config, "max_bytes", -1, INT64_MAX, &max_bytes, err);
	snprintf(what, sizeof(what), "STREAM.%s.%s", verb, name);
	answer = rtta_api_call(streams->bus, what, config, ANSWER_MS, &error,
	    &failure);
	if (jv_is_valid(answer)) {
		jv_free(answer);
		return 0;
	}
	if (error == NO_MEMORY || error == NO_STORAGE || error == NO_RESOURCES)
		return rtta_err_set(err, EX_CONFIG, "%s: the server has no room "
		    "for %.1f MiB (%s): raise its limit or lower --%s-bytes",
		    name, (double)max_bytes / (1 << 20),
		    error == NO_MEMORY ? "max_memory_store" : "max_file_store",
		    strcmp(name, "PRE_BUFFER") == 0 ? "preroll" : "audio");
	return rtta_err_set(err, error == 408 ? EX_TEMPFAIL : EX_CONFIG, "%s",
	    failure.text);
}

/* --- saying what was done --- */

static int
say(struct streams *streams, const char *name, const char *action,
    jv fields, struct rtta_err *err)
{
	if (!streams->json) {
		jv_free(fields);
		return printf("%s: %s\n", name, action) < 0 ?
		    rtta_err_sys(err, EX_IOERR, "stdout") : 0;
	}
	fields = jv_object_set(fields, jv_string("stream"), jv_string(name));
	return rtta_event_write(jv_object_set(fields, jv_string("action"),
	    jv_string(action)), err);
}

/* "max_age is 1800 s, should be 3600 s"; drift is borrowed. */
static void
describe(char *text, size_t bytes, jv drift, const char *link)
{
	jv field = jv_object_get(jv_copy(drift), jv_string("field"));
	char *found = rtta_streams_value_text(jv_string_value(field),
	    jv_object_get(jv_copy(drift), jv_string("found")));
	char *wanted = rtta_streams_value_text(jv_string_value(field),
	    jv_object_get(jv_copy(drift), jv_string("wanted")));

	snprintf(text, bytes, "%s is %s, %s %s", jv_string_value(field), found,
	    link, wanted);
	free(wanted);
	free(found);
	jv_free(field);
}

static bool
is_fixed(jv drift)
{
	jv fixed = jv_object_get(jv_copy(drift), jv_string("fixed"));
	bool yes = jv_get_kind(fixed) == JV_KIND_TRUE;

	jv_free(fixed);
	return yes;
}

/* --- commands --- */

static jv
drift_of(struct streams *streams, const char *name, jv info)
{
	return rtta_streams_diff(rtta_streams_config(name, &streams->limits),
	    jv_object_get(jv_copy(info), jv_string("config")));
}

static int
create(struct streams *streams, const char *name, struct rtta_err *err)
{
	if (send_config(streams, "CREATE", name,
	    rtta_streams_config(name, &streams->limits), err) != 0)
		return -1;
	return say(streams, name, "created", jv_object(), err);
}

static int
init_one(struct streams *streams, const char *name, struct rtta_err *err)
{
	jv info, drift;
	char text[256];
	int found = read_info(streams, name, &info, err);

	if (found <= 0)
		return found == 0 ? create(streams, name, err) : -1;
	drift = drift_of(streams, name, info);
	jv_free(info);
	jv_array_foreach(drift, i, one) {
		describe(text, sizeof(text), one, "not");
		rtta_log_warn("%s: %s; left as it is (rtta-streams apply "
		    "changes it)", name, text);
		jv_free(one);
	}
	found = jv_array_length(drift);
	return say(streams, name, found > 0 ? "differs" : "unchanged",
	    jv_object(), err);
}

static int
diff_one(struct streams *streams, const char *name, struct rtta_err *err)
{
	jv info, drift;
	char text[256];
	int found = read_info(streams, name, &info, err), rc = 0;

	if (found < 0)
		return -1;
	if (found == 0) {
		streams->drifted = true;
		return say(streams, name, "missing", jv_object(), err);
	}
	drift = drift_of(streams, name, info);
	jv_free(info);
	jv_array_foreach(drift, i, one) {
		streams->drifted = true;
		describe(text, sizeof(text), one, "should be");
		if (rc == 0)
			rc = say(streams, name, streams->json ? "differs" : text,
			    jv_copy(one), err);
		jv_free(one);
	}
	jv_free(drift);
	return rc;
}

/* The first one that cannot be changed is the error, the others are said. */
static void
refuse(const char *name, jv drift, struct rtta_err *err)
{
	char text[160];

	describe(text, sizeof(text), drift, "and cannot become");
	if (err->exit_code != 0)
		rtta_log_warn("%s: %s", name, text);
	rtta_err_set(err, EX_CONFIG, "%s: %s: delete the stream, with what is "
	    "in it, and run init", name, text);
}

static int
change(struct streams *streams, const char *name, jv info, jv drift,
    struct rtta_err *err)
{
	jv config = rtta_streams_merge(
	    rtta_streams_config(name, &streams->limits),
	    jv_object_get(jv_copy(info), jv_string("config")));
	char text[256];
	int rc = send_config(streams, "UPDATE", name, config, err);

	jv_array_foreach(drift, i, one) {
		if (rc == 0 && !is_fixed(one)) {
			describe(text, sizeof(text), one, "becomes");
			rc = say(streams, name, streams->json ? "changed" : text,
			    jv_copy(one), err);
		}
		jv_free(one);
	}
	return rc;
}

static int
apply_one(struct streams *streams, const char *name, struct rtta_err *err)
{
	struct rtta_err fixed = {0};
	jv info, drift;
	int found = read_info(streams, name, &info, err), changes = 0, rc = 0;

	if (found <= 0)
		return found == 0 ? create(streams, name, err) : -1;
	drift = drift_of(streams, name, info);
	jv_array_foreach(drift, i, one) {
		if (is_fixed(one))
			refuse(name, one, &fixed);
		else
			changes++;
		jv_free(one);
	}
	if (changes > 0)
		rc = change(streams, name, info, drift, err);
	else if (fixed.exit_code == 0)
		rc = say(streams, name, "unchanged", jv_object(), err);
	if (fixed.exit_code != 0)
		rc = rtta_err_set(err, fixed.exit_code, "%s", fixed.text);
	jv_free(drift);
	jv_free(info);
	return rc;
}

typedef int command_fn(struct streams *, const char *, struct rtta_err *);

static void
for_each(struct streams *streams, command_fn *act, struct rtta_err *err)
{
	size_t i;

	if (fit_limits(streams, err) != 0)
		return;
	/* A stream that cannot be as it should does not keep back the others. */
	for (i = 0; rtta_streams_name(i) != NULL; i++)
		if (act(streams, rtta_streams_name(i), err) != 0 &&
		    err->exit_code != EX_CONFIG)
			return;
	if (fflush(stdout) != 0)
		rtta_err_sys(err, EX_IOERR, "stdout");
}

static command_fn *
find_command(const char *name)
{
	static const struct { const char *name; command_fn *act; } commands[] = {
		{ "init", init_one }, { "diff", diff_one }, { "apply", apply_one }
	};
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(name, commands[i].name) == 0)
			return commands[i].act;
	rtta_opt_fail("%.40s: no such command", name);
}

int
main(int argc, char *argv[])
{
	struct streams streams = {0};
	struct rtta_err err = {0};
	command_fn *act;

	rtta_log_open("rtta-streams");
	parse_options(&streams, argc, argv);
	act = find_command(streams.command);

	streams.bus = rtta_bus_open(rtta_opt_nats_url(), "streams", &err);
	if (streams.bus != NULL)
		for_each(&streams, act, &err);
	rtta_bus_close(streams.bus);
	if (err.exit_code == 0 && streams.drifted)
		return 1;
	return rtta_err_exit(&err);
}

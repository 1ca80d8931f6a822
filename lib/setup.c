#include <stdio.h>
#include <string.h>

#include "api.h"
#include "bus.h"
#include "err.h"
#include "json.h"
#include "setup.h"
#include "streams.h"

enum {
	ANSWER_MS = 5000,
	NO_STREAM = 10059,      /* err_codes of JetStream */
	NO_RESOURCES = 10023,
	NO_MEMORY = 10028,
	NO_STORAGE = 10047
};

struct setup {
	struct rtta_bus *bus;
	struct rtta_streams_limits *limits;
	enum rtta_setup_what what;
	int64_t audio_least;    /* the ceiling may give way down to here, or 0 */
	jv events;
};

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
fit_limits(struct setup *setup, struct rtta_err *err)
{
	struct rtta_err failure = {0};
	jv info, limits;
	int error, rc;

	info = rtta_api_call(setup->bus, "INFO", jv_invalid(), ANSWER_MS,
	    &error, &failure);
	if (!jv_is_valid(info))
		return rtta_err_set(err, failure.exit_code, "%s: %s",
		    rtta_bus_url(setup->bus), error == 503 ?
		    "JetStream is not enabled there" : failure.text);
	limits = jv_object_get(info, jv_string("limits"));
	if (jv_get_kind(limits) != JV_KIND_OBJECT) {
		jv_free(limits);
		limits = jv_object();
	}
	setup->audio_least = rtta_streams_audio_least(setup->limits);
	if (setup->audio_least != 0)
		setup->audio_least = rtta_streams_with_reserve(setup->audio_least);
	rc = rtta_streams_fit(setup->limits,
	    limit_of(limits, "max_memory", err),
	    limit_of(limits, "max_storage", err), err);
	jv_free(limits);
	return rc;
}

int
rtta_setup_info(struct rtta_bus *bus, const char *name, jv request, jv *info,
    struct rtta_err *err)
{
	struct rtta_err failure = {0};
	char what[96];
	int error;

	snprintf(what, sizeof(what), "STREAM.INFO.%s", name);
	*info = rtta_api_call(bus, what, request, ANSWER_MS, &error, &failure);
	if (jv_is_valid(*info))
		return 1;
	if (error == NO_STREAM)
		return 0;
	return rtta_err_set(err, failure.exit_code, "%s", failure.text);
}

static int
refused_room(const char *name, int error, int64_t bytes, struct rtta_err *err)
{
	return rtta_err_set(err, EX_CONFIG, "%s: the server has no room for "
	    "%.1f MiB (%s): raise its limit or lower --%s-bytes", name,
	    (double)bytes / (1 << 20),
	    error == NO_MEMORY ? "max_memory_store" : "max_file_store",
	    strcmp(name, "PRE_BUFFER") == 0 ? "preroll" :
	    strcmp(name, "KV_system_state") == 0 ? "state" :
	    strcmp(name, "TEXT_STREAM") == 0 ? "text" : "audio");
}

/*
 * The quota of a server is only known by its refusal: then AUDIO_STREAM gives
 * way, a tenth at a time.  config is taken.
 */
static int
send_config(struct setup *setup, const char *verb, const char *name, jv config,
    struct rtta_err *err)
{
	struct rtta_err failure;
	int64_t bytes = 0;
	char what[96];
	jv answer;
	int error;

	snprintf(what, sizeof(what), "STREAM.%s.%s", verb, name);
	rtta_json_int(name, config, "max_bytes", -1, INT64_MAX, &bytes, err);
	for (;;) {
		failure = (struct rtta_err){0};
		answer = rtta_api_call(setup->bus, what, jv_copy(config),
		    ANSWER_MS, &error, &failure);
		if (error != NO_STORAGE || bytes == setup->audio_least ||
		    setup->audio_least == 0 || strcmp(name, "AUDIO_STREAM") != 0)
			break;
		bytes -= bytes / 10;
		if (bytes < setup->audio_least)
			bytes = setup->audio_least;
		setup->limits->audio_bytes = rtta_streams_share(bytes);
		jv_free(config);
		config = rtta_streams_config(name, setup->limits);
	}
	jv_free(config);
	jv_free(answer);
	if (error == 0)
		return 0;
	if (error == NO_MEMORY || error == NO_STORAGE || error == NO_RESOURCES)
		return refused_room(name, error, bytes, err);
	return rtta_err_set(err, error == 408 ? EX_TEMPFAIL : EX_CONFIG, "%s",
	    failure.text);
}

/* --- what was done --- */

static void
tell(struct setup *setup, const char *name, const char *action, jv fields)
{
	fields = jv_object_set(fields, jv_string("stream"), jv_string(name));
	fields = jv_object_set(fields, jv_string("action"), jv_string(action));
	setup->events = jv_array_append(setup->events, fields);
}

static int
create(struct setup *setup, const char *name, struct rtta_err *err)
{
	if (send_config(setup, "CREATE", name,
	    rtta_streams_config(name, setup->limits), err) != 0)
		return -1;
	tell(setup, name, "created", jv_object());
	return 0;
}

static bool
is_fixed(jv drift)
{
	jv fixed = jv_object_get(jv_copy(drift), jv_string("fixed"));
	bool yes = jv_get_kind(fixed) == JV_KIND_TRUE;

	jv_free(fixed);
	return yes;
}

/* A ceiling that had to give way is as it should be; apply tries again. */
static void
adopt_ceiling(struct setup *setup, const char *name, jv found)
{
	int64_t bytes = 0;
	struct rtta_err ignored = {0};

	if (setup->what == RTTA_SETUP_APPLY || setup->audio_least == 0 ||
	    strcmp(name, "AUDIO_STREAM") != 0)
		return;
	rtta_json_int(name, found, "max_bytes", -1, INT64_MAX, &bytes, &ignored);
	if (bytes >= setup->audio_least &&
	    rtta_streams_share(bytes) < setup->limits->audio_bytes)
		setup->limits->audio_bytes = rtta_streams_share(bytes);
}

static bool
has_changes(jv drift)
{
	bool changes = false;

	jv_array_foreach(drift, i, one) {
		changes |= !is_fixed(one);
		jv_free(one);
	}
	return changes;
}

/* drift is borrowed. */
static void
tell_drift(struct setup *setup, const char *name, jv drift, bool failed)
{
	jv_array_foreach(drift, i, one) {
		bool fixed = is_fixed(one);

		if (setup->what != RTTA_SETUP_APPLY)
			tell(setup, name, "differs", one);
		else if (fixed || !failed)
			tell(setup, name, fixed ? "refused" : "changed", one);
		else
			jv_free(one);
	}
}

/* Would the server throw away what it holds?  Borrows wanted and state. */
static bool
holds_more(jv wanted, jv state)
{
	double bytes = rtta_json_number(wanted, "max_bytes", -1);
	double messages = rtta_json_number(wanted, "max_msgs", -1);

	return (bytes > 0 && rtta_json_number(state, "bytes", 0) > bytes) ||
	    (messages > 0 && rtta_json_number(state, "messages", 0) > messages);
}

/* Takes found and state. */
static int
compare(struct setup *setup, const char *name, jv found, jv state, struct rtta_err *err)
{
	jv drift, wanted;
	int rc = 0;

	adopt_ceiling(setup, name, found);
	wanted = rtta_streams_config(name, setup->limits);
	drift = rtta_streams_diff(jv_copy(wanted), jv_copy(found));
	if (setup->what == RTTA_SETUP_APPLY && has_changes(drift) && holds_more(wanted, state))
		rc = rtta_err_set(err, EX_CONFIG, "%s: holds more than the new ceiling, "
		    "which would drop the oldest of it", name);
	else if (setup->what == RTTA_SETUP_APPLY && has_changes(drift))
		rc = send_config(setup, "UPDATE", name,
		    rtta_streams_merge(jv_copy(wanted), jv_copy(found)), err);
	if (jv_array_length(jv_copy(drift)) == 0 &&
	    setup->what != RTTA_SETUP_DIFF)
		tell(setup, name, "unchanged", jv_object());
	tell_drift(setup, name, drift, rc != 0);
	jv_free(drift);
	jv_free(wanted);
	jv_free(found);
	jv_free(state);
	return rc;
}

static int
one_stream(struct setup *setup, const char *name, struct rtta_err *err)
{
	jv info;
	int found = rtta_setup_info(setup->bus, name, jv_invalid(), &info, err);

	if (found < 0)
		return -1;
	if (found > 0) {
		jv config = jv_object_get(jv_copy(info), jv_string("config"));

		return compare(setup, name, config, jv_object_get(info, jv_string("state")), err);
	}
	if (setup->what != RTTA_SETUP_DIFF)
		return create(setup, name, err);
	tell(setup, name, "missing", jv_object());
	return 0;
}

jv
rtta_setup(struct rtta_bus *bus, struct rtta_streams_limits *limits,
    enum rtta_setup_what what, struct rtta_err *err)
{
	struct setup setup = { .bus = bus, .limits = limits, .what = what };
	struct rtta_err failure;
	size_t i;

	setup.events = jv_array();
	if (fit_limits(&setup, err) != 0)
		return setup.events;
	for (i = 0; rtta_streams_name(i) != NULL; i++) {
		failure = (struct rtta_err){0};
		if (one_stream(&setup, rtta_streams_name(i), &failure) == 0)
			continue;
		tell(&setup, rtta_streams_name(i), "failed", JV_OBJECT(
		    jv_string("reason"), jv_string(failure.text)));
		rtta_err_set(err, failure.exit_code, "%s", failure.text);
		if (failure.exit_code != EX_CONFIG)
			break;  /* the server does not answer */
	}
	return setup.events;
}

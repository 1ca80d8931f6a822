#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "json.h"
#include "mem.h"
#include "streams.h"

#define NS_PER_S 1e9

enum {
	MESSAGE_BYTES = 400,     /* subject, headers and record of one frame */
	MESSAGE_MOST_BYTES = 512,  /* the same with the longest session id and job */
	FRAMES_PER_S = 50,       /* of 20 ms; half of that are allowed for */
	SLACK_FRAMES_PER_S = 100,
	AUDIO_MIN_S = 50 * 60,
	QUOTA_PERCENT = 80,
	RESERVE_LEAST_BYTES = 8 << 20,  /* two blocks of a small stream */
	STATE_HISTORY = 5
};

enum { STATE, TEXT, AUDIO, PREROLL };

static const char *const names[] = {
	[STATE] = "KV_system_state", [TEXT] = "TEXT_STREAM",
	[AUDIO] = "AUDIO_STREAM", [PREROLL] = "PRE_BUFFER", NULL
};

const char *
rtta_streams_name(size_t i)
{
	return names[i];
}

void
rtta_streams_limits_init(struct rtta_streams_limits *limits)
{
	*limits = (struct rtta_streams_limits){
		.preroll_age_s = 6 * 60,
		.audio_age_s = 60 * 60,
		.text_age_s = 7 * 24 * 3600,
		.text_bytes = 256 << 20,
		.state_bytes = 32 << 20,
		.replicas = 1,
		.rate_hz = 16000,
		.channels = 1
	};
}

/* What so many seconds of sound take in a store. */
static int64_t
sound_bytes(const struct rtta_streams_limits *limits, int64_t seconds,
    int frames_per_s)
{
	return seconds * ((int64_t)limits->rate_hz * limits->channels * 2 +
	    (int64_t)frames_per_s * MESSAGE_BYTES);
}

static int64_t
preroll_bytes(const struct rtta_streams_limits *limits)
{
	return limits->preroll_bytes != 0 ? limits->preroll_bytes :
	    sound_bytes(limits, limits->preroll_age_s, SLACK_FRAMES_PER_S);
}

/* The live lane for its whole age, and what the backfill lane holds. */
static int64_t
audio_bytes(const struct rtta_streams_limits *limits)
{
	return limits->audio_bytes != 0 ? limits->audio_bytes :
	    sound_bytes(limits, limits->audio_age_s + limits->preroll_age_s,
	        SLACK_FRAMES_PER_S);
}

/*
 * As much again as may be filled.  nats-server 2.9 writes down what was
 * removed from a block of a stream at most twice a second, or every two
 * minutes when no more is removed from it: what comes back after a kill is
 * what was acknowledged in that time, and the stream would have to be emptied
 * once within it to need all of this.
 */
int64_t
rtta_streams_with_reserve(int64_t share_bytes)
{
	return share_bytes + (share_bytes > RESERVE_LEAST_BYTES ?
	    share_bytes : RESERVE_LEAST_BYTES);
}

int64_t
rtta_streams_share(int64_t max_bytes)
{
	if (max_bytes <= RESERVE_LEAST_BYTES || max_bytes / 2 > RESERVE_LEAST_BYTES)
		return max_bytes / 2;
	return max_bytes - RESERVE_LEAST_BYTES;
}

static double
number_in(jv info, const char *part, const char *key)
{
	jv object = jv_object_get(jv_copy(info), jv_string(part));
	double number = 0;

	if (jv_get_kind(object) == JV_KIND_OBJECT)
		number = rtta_json_number(object, key, 0);
	jv_free(object);
	return number;
}

void
rtta_streams_room(jv info, int64_t *bytes, int64_t *messages)
{
	double most_bytes = number_in(info, "config", "max_bytes");
	double most_messages = number_in(info, "config", "max_msgs");
	double share = 0.5;

	*bytes = *messages = INT64_MAX;
	if (most_bytes > 0) {
		share = (double)rtta_streams_share((int64_t)most_bytes) / most_bytes;
		*bytes = (int64_t)(most_bytes * share - number_in(info, "state", "bytes"));
	}
	if (most_messages > 0)
		*messages = (int64_t)(most_messages * share) -
		    (int64_t)number_in(info, "state", "messages");
}

/*
 * So many messages that max_bytes is not met before.  For max_bytes is not
 * exact: nats-server up to 2.9 compares without what a record adds to its
 * message, and when the record does not fit then, removes the oldest ones,
 * acknowledged as they are, discard new or not.  max_msgs is exact.
 */
static int64_t
audio_messages(const struct rtta_streams_limits *limits)
{
	int64_t frame_bytes = (int64_t)limits->rate_hz * limits->channels * 2 / FRAMES_PER_S;

	return rtta_streams_with_reserve(audio_bytes(limits)) / (frame_bytes + MESSAGE_MOST_BYTES);
}

int64_t
rtta_streams_audio_least(const struct rtta_streams_limits *limits)
{
	int64_t age_s = limits->audio_age_s < AUDIO_MIN_S ?
	    limits->audio_age_s : AUDIO_MIN_S;

	return limits->audio_bytes != 0 ? 0 :
	    sound_bytes(limits, age_s + limits->preroll_age_s, FRAMES_PER_S);
}

static int64_t
usable(int64_t quota_bytes, int replicas)
{
	return quota_bytes < 0 ? INT64_MAX :
	    quota_bytes / 100 * QUOTA_PERCENT / replicas;
}

static double
mib(int64_t bytes)
{
	return (double)bytes / (1 << 20);
}

int
rtta_streams_fit(struct rtta_streams_limits *limits, int64_t memory_bytes,
    int64_t file_bytes, struct rtta_err *err)
{
	int64_t least = rtta_streams_audio_least(limits), others, room;

	limits->preroll_bytes = preroll_bytes(limits);
	limits->audio_bytes = audio_bytes(limits);
	if (!limits->preroll_file &&
	    limits->preroll_bytes > usable(memory_bytes, limits->replicas))
		return rtta_err_set(err, EX_CONFIG,
		    "PRE_BUFFER: %.1f MiB do not fit into %d %% of the memory "
		    "quota of %.1f MiB", mib(limits->preroll_bytes),
		    QUOTA_PERCENT, mib(memory_bytes));
	others = limits->text_bytes + limits->state_bytes +
	    (limits->preroll_file ? limits->preroll_bytes : 0);
	room = usable(file_bytes, limits->replicas) - others;
	if (rtta_streams_with_reserve(limits->audio_bytes) <= room)
		return 0;
	if (least == 0)
		least = limits->audio_bytes;
	least = rtta_streams_with_reserve(least);
	if (room < least)
		return rtta_err_set(err, EX_CONFIG,
		    "AUDIO_STREAM: %.1f MiB and %.1f MiB for the others do not "
		    "fit into %d %% of the store quota of %.1f MiB",
		    mib(least), mib(others), QUOTA_PERCENT, mib(file_bytes));
	limits->audio_bytes = rtta_streams_share(room);
	return 0;
}

/* --- the specification --- */

static jv
with(jv config, const char *field, jv value)
{
	return jv_object_set(config, jv_string(field), value);
}

/* What all have in common.  The window cannot be longer than the age. */
static jv
base_config(const char *name, jv subjects, int64_t age_s, int64_t window_s,
    int64_t bytes, int replicas)
{
	jv config = jv_object();

	if (age_s != 0 && window_s > age_s)
		window_s = age_s;
	config = with(config, "name", jv_string(name));
	config = with(config, "subjects", subjects);
	config = with(config, "retention", jv_string("limits"));
	config = with(config, "storage", jv_string("file"));
	config = with(config, "discard", jv_string("old"));
	config = with(config, "max_age", jv_number((double)age_s * NS_PER_S));
	config = with(config, "max_bytes", jv_number((double)bytes));
	config = with(config, "duplicate_window",
	    jv_number((double)window_s * NS_PER_S));
	config = with(config, "num_replicas", jv_number(replicas));
	/* Limits that would lose what the others keep. */
	config = with(config, "max_msgs", jv_number(-1));
	config = with(config, "max_msgs_per_subject", jv_number(-1));
	config = with(config, "max_msg_size", jv_number(-1));
	config = with(config, "max_consumers", jv_number(-1));
	config = with(config, "no_ack", jv_false());
	config = with(config, "sealed", jv_false());
	return with(config, "deny_purge", jv_false());
}

static jv
preroll_config(const struct rtta_streams_limits *limits)
{
	jv config = base_config(names[PREROLL],
	    JV_ARRAY(jv_string("preroll.audio")), limits->preroll_age_s, 120,
	    preroll_bytes(limits), limits->replicas);

	return with(config, "storage",
	    jv_string(limits->preroll_file ? "file" : "memory"));
}

static jv
audio_config(const struct rtta_streams_limits *limits)
{
	jv config = base_config(names[AUDIO], JV_ARRAY(jv_string("audio.live.>"),
	    jv_string("audio.backfill.>")), limits->audio_age_s, 600,
	    rtta_streams_with_reserve(audio_bytes(limits)), limits->replicas);

	/* An error beats silent loss. */
	config = with(config, "discard", jv_string("new"));
	config = with(config, "max_msgs", jv_number((double)audio_messages(limits)));
	return with(config, "retention", jv_string("workqueue"));
}

static jv
text_config(const struct rtta_streams_limits *limits)
{
	jv config = base_config(names[TEXT],
	    JV_ARRAY(jv_string("transcript.raw.>")), limits->text_age_s, 600,
	    limits->text_bytes, limits->replicas);

	return with(config, "allow_direct", jv_true());
}

/* As every client's KV API makes a bucket. */
static jv
state_config(const struct rtta_streams_limits *limits)
{
	jv config = base_config(names[STATE],
	    JV_ARRAY(jv_string("$KV.system_state.>")), 0, 120,
	    limits->state_bytes, limits->replicas);

	config = with(config, "discard", jv_string("new"));
	config = with(config, "max_msgs_per_subject", jv_number(STATE_HISTORY));
	config = with(config, "allow_rollup_hdrs", jv_true());
	config = with(config, "deny_delete", jv_true());
	return with(config, "allow_direct", jv_true());
}

jv
rtta_streams_config(const char *name, const struct rtta_streams_limits *limits)
{
	static jv (*const make[])(const struct rtta_streams_limits *) = {
		[STATE] = state_config, [TEXT] = text_config,
		[AUDIO] = audio_config, [PREROLL] = preroll_config
	};
	struct rtta_streams_limits defaults;
	size_t i;

	if (limits == NULL) {
		rtta_streams_limits_init(&defaults);
		limits = &defaults;
	}
	for (i = 0; names[i] != NULL; i++)
		if (strcmp(names[i], name) == 0)
			return make[i](limits);
	return jv_invalid();
}

/* --- the comparison --- */

/* What no server changes in a stream that exists. */
static bool
is_fixed(const char *field, jv found)
{
	static const char *const fixed[] = {
		"name", "storage", "retention", "max_consumers", "sealed", NULL
	};
	size_t i;

	for (i = 0; fixed[i] != NULL; i++)
		if (strcmp(field, fixed[i]) == 0)
			return true;
	/* What was denied stays denied. */
	return strncmp(field, "deny_", 5) == 0 &&
	    jv_get_kind(found) == JV_KIND_TRUE;
}

static jv
as_compared(const char *field, jv value)
{
	if (strcmp(field, "subjects") == 0 &&
	    jv_get_kind(value) == JV_KIND_ARRAY)
		return jv_sort(value, jv_copy(value));
	/* Servers leave out what is false. */
	if (!jv_is_valid(value)) {
		jv_free(value);
		return jv_false();
	}
	return value;
}

jv
rtta_streams_diff(jv wanted, jv found)
{
	jv drift = jv_array();
	const char *field;

	jv_object_foreach(wanted, key, want) {
		jv have;

		field = jv_string_value(key);
		have = as_compared(field, jv_object_get(jv_copy(found),
		    jv_copy(key)));
		want = as_compared(field, want);
		if (!jv_equal(jv_copy(want), jv_copy(have)))
			drift = jv_array_append(drift, JV_OBJECT(
			    jv_string("field"), jv_copy(key),
			    jv_string("wanted"), jv_copy(want),
			    jv_string("found"), jv_copy(have),
			    jv_string("fixed"), is_fixed(field, have) ?
			    jv_true() : jv_false()));
		jv_free(have);
		jv_free(want);
		jv_free(key);
	}
	jv_free(wanted);
	jv_free(found);
	return drift;
}

jv
rtta_streams_merge(jv wanted, jv found)
{
	jv drift = rtta_streams_diff(wanted, jv_copy(found));

	jv_array_foreach(drift, i, one) {
		jv fixed = jv_object_get(jv_copy(one), jv_string("fixed"));

		if (jv_get_kind(fixed) == JV_KIND_FALSE)
			found = jv_object_set(found,
			    jv_object_get(jv_copy(one), jv_string("field")),
			    jv_object_get(jv_copy(one), jv_string("wanted")));
		jv_free(fixed);
		jv_free(one);
	}
	jv_free(drift);
	return found;
}

char *
rtta_streams_value_text(const char *field, jv value)
{
	double number;
	char *text;

	if (jv_get_kind(value) == JV_KIND_STRING) {
		text = rtta_xstrdup(jv_string_value(value));
		jv_free(value);
		return text;
	}
	if (jv_get_kind(value) != JV_KIND_NUMBER)
		return rtta_json_text(value, true);
	number = jv_number_value(value);
	jv_free(value);
	if (strcmp(field, "max_age") == 0 ||
	    strcmp(field, "duplicate_window") == 0)
		return rtta_xasprintf("%.9g s", number / NS_PER_S);
	if (strcmp(field, "max_bytes") == 0 && number >= 0)
		return rtta_xasprintf("%.0f (%.1f MiB)", number,
		    number / (1 << 20));
	return rtta_xasprintf("%.0f", number);
}

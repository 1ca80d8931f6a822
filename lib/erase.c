#include <jv.h>
#include <stdio.h>
#include <string.h>

#include "api.h"
#include "erase.h"
#include "err.h"
#include "json.h"

#define STREAM "AUDIO_STREAM"

enum {
	ANSWER_MS = 5000,
	NO_CONSUMER = 10014,  /* err_codes of JetStream */
	NO_STREAM = 10059
};

/* An answer, null when the error is `expected`, invalid when another one. */
static jv
ask(struct rtta_bus *bus, const char *what, jv body, int expected, struct rtta_err *err)
{
	struct rtta_err failure = {0};
	int error;
	jv answer = rtta_api_call(bus, what, body, ANSWER_MS, &error, &failure);

	if (jv_is_valid(answer))
		return answer;
	jv_free(answer);
	if (error == expected)
		return jv_null();
	rtta_err_set(err, failure.exit_code, "%s", failure.text);
	return jv_invalid();
}

/* 1, 0 or -1: a purge of nothing moves the consumers too. */
static int
is_stored(struct rtta_bus *bus, const char *subject, struct rtta_err *err)
{
	jv answer = ask(bus, "STREAM.INFO." STREAM, JV_OBJECT(
	    jv_string("subjects_filter"), jv_string(subject)), NO_STREAM, err);
	jv state, subjects;
	int found = jv_is_valid(answer) ? 0 : -1;

	if (jv_get_kind(answer) != JV_KIND_OBJECT) {
		jv_free(answer);
		return found;
	}
	state = jv_object_get(answer, jv_string("state"));
	subjects = jv_get_kind(state) == JV_KIND_OBJECT ?
	    jv_object_get(state, jv_string("subjects")) : state;
	if (jv_get_kind(subjects) == JV_KIND_OBJECT &&
	    jv_object_has(jv_copy(subjects), jv_string(subject)))
		found = 1;
	jv_free(subjects);
	return found;
}

static int64_t
purge(struct rtta_bus *bus, const char *subject, struct rtta_err *err)
{
	int stored = is_stored(bus, subject, err);
	int64_t purged = 0;
	jv answer;

	if (stored <= 0)
		return stored;
	answer = ask(bus, "STREAM.PURGE." STREAM, JV_OBJECT(
	    jv_string("filter"), jv_string(subject)), NO_STREAM, err);
	if (!jv_is_valid(answer))
		return -1;
	if (jv_get_kind(answer) == JV_KIND_OBJECT)
		rtta_json_int(subject, answer, "purged", 0, INT64_MAX, &purged, err);
	jv_free(answer);
	return err->exit_code == 0 ? purged : -1;
}

static int
remove_durables(struct rtta_bus *bus, struct rtta_err *err)
{
	jv answer = ask(bus, "CONSUMER.NAMES." STREAM, jv_invalid(), NO_STREAM, err);
	jv names = jv_get_kind(answer) == JV_KIND_OBJECT ?
	    jv_object_get(answer, jv_string("consumers")) : answer;
	int rc = jv_is_valid(names) ? 0 : -1;
	char what[128];

	if (jv_get_kind(names) != JV_KIND_ARRAY) {
		jv_free(names);
		return rc;
	}
	jv_array_foreach(names, i, name) {
		if (rc == 0 && jv_get_kind(name) == JV_KIND_STRING &&
		    strncmp(jv_string_value(name), "stt-", 4) == 0) {
			snprintf(what, sizeof(what), "CONSUMER.DELETE." STREAM ".%s",
			    jv_string_value(name));
			answer = ask(bus, what, jv_invalid(), NO_CONSUMER, err);
			rc = jv_is_valid(answer) ? 0 : -1;
			jv_free(answer);
		}
		jv_free(name);
	}
	jv_free(names);
	return rc;
}

int64_t
rtta_erase_sound(struct rtta_bus *bus, const char *id, struct rtta_err *err)
{
	static const char *const lanes[] = { "audio.live.", "audio.backfill." };
	int64_t frames = 0, purged;
	char subject[96];

	for (size_t i = 0; i < sizeof(lanes) / sizeof(lanes[0]); i++) {
		snprintf(subject, sizeof(subject), "%s%s", lanes[i], id);
		purged = purge(bus, subject, err);
		if (purged < 0)
			return -1;
		frames += purged;
	}
	return frames > 0 && remove_durables(bus, err) < 0 ? -1 : frames;
}

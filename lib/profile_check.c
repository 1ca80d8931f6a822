#include <jv.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "err.h"
#include "interpreter.h"
#include "json.h"
#include "mem.h"
#include "profile.h"
#include "profile_check.h"
#include "service.h"

/* Each event is one that an engine may say.  Borrows events. */
static int
check_events(const char *what, jv events, struct rtta_err *err)
{
	int rc = 0;

	jv_array_foreach(events, i, object) {
		struct rtta_engine_event event;

		if (rc == 0 && rtta_engine_event_decode(&event, what, object, err) == 0)
			rtta_engine_event_done(&event);
		else
			rc = -1;
		jv_free(object);
	}
	return rc;
}

/* Takes wanted and got. */
static int
compare(const char *what, jv wanted, jv got, struct rtta_err *err)
{
	char *text;

	if (jv_equal(jv_copy(wanted), jv_copy(got))) {
		jv_free(wanted);
		jv_free(got);
		return 0;
	}
	text = rtta_json_text(got, true);
	jv_free(wanted);
	rtta_err_set(err, EX_CONFIG, "%s: events: the program says %.150s", what, text);
	free(text);
	return -1;
}

/* Takes sample. */
static int
check_sample(struct rtta_interpreter *interpreter, const char *what, jv sample,
    struct rtta_err *err)
{
	jv message = jv_object_get(jv_copy(sample), jv_string("message"));
	jv wanted = jv_object_get(sample, jv_string("events")), got;

	if (!jv_is_valid(message) || jv_get_kind(wanted) != JV_KIND_ARRAY) {
		jv_free(message);
		jv_free(wanted);
		return rtta_err_set(err, EX_CONFIG, "%s: not an object with message and events", what);
	}
	if (jv_get_kind(message) != JV_KIND_STRING)
		message = jv_dump_string(message, 0);
	got = rtta_interpreter_hear(interpreter, jv_string_value(message),
	    strlen(jv_string_value(message)), err);
	jv_free(message);
	if (!jv_is_valid(got) || check_events(what, got, err) < 0) {
		jv_free(wanted);
		jv_free(got);
		return -1;
	}
	return compare(what, wanted, got, err);
}

int
rtta_profile_check(struct rtta_profile *profile, const char *path, struct rtta_err *err)
{
	struct rtta_interpreter *interpreter;
	int count, rc = 0;

	if (profile->service == NULL)
		return 0;
	/* The mark of a connection would be another one each time. */
	profile->service->speakers_restart = false;
	interpreter = rtta_interpreter_new(path, profile->service, err);
	if (interpreter == NULL)
		return -1;
	count = jv_array_length(jv_copy(profile->service->samples));
	for (int i = 0; i < count && rc == 0; i++) {
		char *what = rtta_xasprintf("%s: samples[%d]", path, i);
		jv sample = jv_array_get(jv_copy(profile->service->samples), i);

		if (jv_get_kind(sample) == JV_KIND_OBJECT) {
			rc = check_sample(interpreter, what, sample, err);
		} else {
			jv_free(sample);
			rc = rtta_err_set(err, EX_CONFIG, "%s: no object", what);
		}
		free(what);
	}
	rtta_interpreter_free(interpreter);
	err->exit_code = rc < 0 ? EX_CONFIG : err->exit_code;
	return rc < 0 ? -1 : count;
}

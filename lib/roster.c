#include <string.h>

#include "keys.h"
#include "roster.h"
#include "session.h"
#include "state.h"

static const char text_prefix[] = "transcript.raw.";

/* {id: records} */
static jv
count_records(const struct rtta_state *state, jv counts, jv subjects)
{
	if (jv_get_kind(subjects) != JV_KIND_OBJECT) {
		jv_free(subjects);
		return counts;
	}
	jv_object_foreach(subjects, subject, records) {
		const char *text = jv_string_value(subject);
		size_t len = strlen(text_prefix);

		if (strncmp(text, text_prefix, len) == 0 &&
		    rtta_session_id_valid(text + len) &&
		    jv_get_kind(records) == JV_KIND_NUMBER &&
		    !rtta_keys_now(state, "deleted", text + len))
			counts = jv_object_set(counts, jv_string(text + len),
			    jv_copy(records));
		jv_free(subject);
		jv_free(records);
	}
	jv_free(subjects);
	return counts;
}

static jv
find_all(const struct rtta_state *state, const struct rtta_session_config *config)
{
	char what[16], id[RTTA_SESSION_ID_BYTES];
	const char *key, *rest;
	jv found = jv_object();
	size_t at = 0;

	if (config->id[0] != '\0')
		found = jv_object_set(found, jv_string(config->id), jv_number(0));
	while ((key = rtta_state_key(state, "", &at)) != NULL)
		if (rtta_session_key_parse(key, what, id, &rest) == 0 &&
		    !rtta_keys_now(state, "deleted", id))
			found = jv_object_set(found, jv_string(id), jv_number(0));
	return found;
}

const char *
rtta_roster_state(const struct rtta_state *state, const struct rtta_session_config *config,
    const char *id)
{
	bool named = strcmp(config->id, id) == 0;

	if (rtta_keys_now(state, "end", id))
		return "ended";
	if (named && config->active)
		return "active";
	if (rtta_keys_now(state, "cut", id))
		return "ending";
	return named ? "waiting" : "unknown";
}

static jv
describe(const struct rtta_state *state, const struct rtta_session_config *config,
    const char *id, jv records)
{
	struct rtta_session_info info;

	if (rtta_keys_info(state, id, &info) < 0)
		info = (struct rtta_session_info){0};
	if (strcmp(config->id, id) == 0 && info.started_us == 0) {
		info.started_us = config->started_us;
		memcpy(info.title, config->title, sizeof(info.title));
	}
	return JV_OBJECT(jv_string("session_id"), jv_string(id),
	    jv_string("started_us"), jv_number((double)info.started_us),
	    jv_string("state"), jv_string(rtta_roster_state(state, config, id)),
	    jv_string("records"), records,
	    jv_string("title"), jv_string(info.title));
}

jv
rtta_roster(const struct rtta_state *state,
    const struct rtta_session_config *config, jv subjects)
{
	jv counts = count_records(state, find_all(state, config), subjects);
	jv ids = jv_keys(jv_copy(counts)), rows = jv_array();

	jv_array_foreach(ids, i, id) {
		rows = jv_array_append(rows, describe(state, config,
		    jv_string_value(id),
		    jv_object_get(jv_copy(counts), jv_copy(id))));
		jv_free(id);
	}
	jv_free(ids);
	jv_free(counts);
	return rows;
}

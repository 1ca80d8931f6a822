#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "bus.h"
#include "clock.h"
#include "control.h"
#include "erase.h"
#include "err.h"
#include "json.h"
#include "log.h"
#include "prune.h"
#include "session.h"
#include "setup.h"
#include "state.h"

#define BUCKET "KV_system_state"
#define SUBJECT "$KV.system_state."

enum {
	ANSWER_MS = 5000,
	NO_STREAM = 10059        /* err_code of JetStream */
};

struct prune {
	struct rtta_bus *bus;
	struct rtta_state *state;
	int64_t before_ns;       /* what was written later stays */
	char named[RTTA_SESSION_ID_BYTES];
	jv text, audio;          /* {subject: messages} */
	struct rtta_prune_counts *counts;
};

/* {subject: messages} of a stream, empty when there is none. */
static int
read_subjects(struct prune *prune, const char *stream, jv *subjects,
    struct rtta_err *err)
{
	jv info, state;
	int found = rtta_setup_info(prune->bus, stream, JV_OBJECT(
	    jv_string("subjects_filter"), jv_string(">")), &info, err);

	*subjects = jv_object();
	if (found <= 0)
		return found;
	state = jv_object_get(info, jv_string("state"));
	if (jv_get_kind(state) == JV_KIND_OBJECT) {
		jv all = jv_object_get(jv_copy(state), jv_string("subjects"));

		if (jv_get_kind(all) == JV_KIND_OBJECT) {
			jv_free(*subjects);
			*subjects = all;
		} else
			jv_free(all);
	}
	jv_free(state);
	return 0;
}

static bool
has_subject(jv subjects, const char *prefix, const char *id)
{
	return jv_object_has(jv_copy(subjects),
	    jv_string_fmt("%s.%s", prefix, id));
}

/* When the newest message of a key was stored, and its sequence. */
static int
read_newest(struct prune *prune, const char *key, int64_t *stored_ns,
    int64_t *seq, struct rtta_err *err)
{
	jv answer = rtta_api_call(prune->bus, "STREAM.MSG.GET." BUCKET, JV_OBJECT(
	    jv_string("last_by_subj"), jv_string_fmt(SUBJECT "%s", key)),
	    ANSWER_MS, NULL, err), message;
	char *time = NULL;
	int rc = -1;

	if (!jv_is_valid(answer)) {
		jv_free(answer);
		return -1;
	}
	message = jv_object_get(answer, jv_string("message"));
	*seq = 0;
	if (jv_get_kind(message) == JV_KIND_OBJECT &&
	    rtta_json_int(key, message, "seq", 1, INT64_MAX, seq, err) == 0 &&
	    rtta_json_string(key, message, "time", &time, err) == 0 &&
	    time != NULL && rtta_clock_parse(time, stored_ns) == 0)
		rc = 0;
	free(time);
	jv_free(message);
	return rc == 0 ? 0 : rtta_err_set(err, EX_DATAERR,
	    "%s: the server's answer is not understood", key);
}

/* 1: its keys can go. */
static int
is_over(struct prune *prune, const char *id, struct rtta_err *err)
{
	char key[RTTA_SESSION_KEY_BYTES];
	int64_t stored_ns, seq;

	if (strcmp(id, prune->named) == 0 ||
	    has_subject(prune->text, "transcript.raw", id) ||
	    has_subject(prune->audio, "audio.live", id) ||
	    has_subject(prune->audio, "audio.backfill", id))
		return 0;
	if (read_newest(prune, rtta_session_key(key, "end", id), &stored_ns,
	    &seq, err) < 0)
		return -1;
	return stored_ns < prune->before_ns;
}

static int
purge_keys(struct prune *prune, const char *id, struct rtta_err *err)
{
	int count = rtta_control_purge(prune->state, id, err);

	if (count > 0)
		prune->counts->keys += (size_t)count;
	return count < 0 ? -1 : 0;
}

/* What came of it behind the deletion goes with the mark. */
static int
remove_deleted(struct prune *prune, const char *key, struct rtta_err *err)
{
	static const struct {
		const char *stream, *prefix;
	} subjects[] = {
		{ "TEXT_STREAM", "transcript.raw." }, { BUCKET, SUBJECT RTTA_SESSION_DELETED }
	};
	const char *id = key + strlen(RTTA_SESSION_DELETED);
	char what[64];

	if (purge_keys(prune, id, err) < 0 || rtta_erase_sound(prune->bus, id, err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++) {
		jv answer;
		int error = 0;
		struct rtta_err failure = {0};

		snprintf(what, sizeof(what), "STREAM.PURGE.%s", subjects[i].stream);
		answer = rtta_api_call(prune->bus, what, JV_OBJECT(jv_string("filter"),
		    jv_string_fmt("%s%s", subjects[i].prefix, id)), ANSWER_MS, &error, &failure);
		if (!jv_is_valid(answer) && error != NO_STREAM)
			return rtta_err_set(err, failure.exit_code, "%s", failure.text);
		jv_free(answer);
	}
	prune->counts->markers++;
	return 0;
}

static int
prune_deleted(struct prune *prune, struct rtta_err *err)
{
	int64_t stored_ns, seq;
	const char *key;
	size_t at = 0;

	while ((key = rtta_state_key(prune->state, RTTA_SESSION_DELETED, &at)) != NULL) {
		if (!rtta_session_id_valid(key + strlen(RTTA_SESSION_DELETED)))
			continue;
		if (read_newest(prune, key, &stored_ns, &seq, err) < 0)
			return -1;
		if (stored_ns < prune->before_ns && remove_deleted(prune, key, err) < 0)
			return -1;
	}
	return 0;
}

static int
prune_sessions(struct prune *prune, struct rtta_err *err)
{
	const char *key;
	size_t at = 0;
	int over;

	while ((key = rtta_state_key(prune->state, "end.", &at)) != NULL) {
		const char *id = key + strlen("end.");

		if (!rtta_session_id_valid(id))
			continue;
		over = is_over(prune, id, err);
		if (over < 0)
			return -1;
		if (over == 0)
			continue;
		prune->counts->sessions++;
		if (purge_keys(prune, id, err) < 0)
			return -1;
		at = 0;  /* the keys are others now */
	}
	return 0;
}

/*
 * A deletion leaves a marker, which tells who follows the bucket; an old one
 * has told everybody.  Only up to its own sequence: the key may live again.
 */
static int
remove_marker(struct prune *prune, const char *key, struct rtta_err *err)
{
	int64_t stored_ns, seq;
	jv answer;

	if (read_newest(prune, key, &stored_ns, &seq, err) < 0)
		return -1;
	if (stored_ns >= prune->before_ns)
		return 0;
	answer = rtta_api_call(prune->bus, "STREAM.PURGE." BUCKET, JV_OBJECT(
	    jv_string("filter"), jv_string_fmt(SUBJECT "%s", key),
	    jv_string("seq"), jv_number((double)(seq + 1))), ANSWER_MS, NULL, err);
	if (jv_is_valid(answer))
		prune->counts->markers++;
	jv_free(answer);
	return err->exit_code == 0 ? 0 : -1;
}

static bool
is_there(const struct rtta_state *state, const char *key)
{
	size_t at = 0;
	const char *first = rtta_state_key(state, key, &at);

	return first != NULL && strcmp(first, key) == 0;
}

static int
prune_markers(struct prune *prune, struct rtta_err *err)
{
	char what[16], id[RTTA_SESSION_ID_BYTES];
	jv subjects;
	const char *key, *rest;
	int rc = read_subjects(prune, BUCKET, &subjects, err);

	jv_object_foreach(subjects, subject, messages) {
		key = jv_string_value(subject) + strlen(SUBJECT);
		if (rc == 0 && !is_there(prune->state, key) &&
		    rtta_session_key_parse(key, what, id, &rest) == 0)
			rc = remove_marker(prune, key, err);
		jv_free(messages);
		jv_free(subject);
	}
	jv_free(subjects);
	return rc;
}

int
rtta_prune(struct rtta_bus *bus, struct rtta_state *state, int64_t older_s,
    struct rtta_prune_counts *counts, struct rtta_err *err)
{
	struct prune prune = { .bus = bus, .state = state, .counts = counts,
	    .before_ns = rtta_clock_real_ns() - older_s * 1000000000,
	    .text = jv_null(), .audio = jv_null() };
	struct rtta_session_config config;
	struct rtta_err unreadable = {0};
	int rc = -1;

	*counts = (struct rtta_prune_counts){0};
	if (rtta_control_config(state, &config, NULL, &unreadable) < 0)
		rtta_log_warn("%s: no session is spared because it is named", unreadable.text);
	else
		memcpy(prune.named, config.id, sizeof(prune.named));
	if (prune_markers(&prune, err) == 0 && prune_deleted(&prune, err) == 0 &&
	    read_subjects(&prune, "TEXT_STREAM", &prune.text, err) == 0 &&
	    read_subjects(&prune, "AUDIO_STREAM", &prune.audio, err) == 0)
		rc = prune_sessions(&prune, err);
	jv_free(prune.text);
	jv_free(prune.audio);
	return rc;
}

#include <string.h>

#include "control.h"
#include "err.h"
#include "state.h"

static const char config_key[] = "session_config";

int
rtta_control_config(const struct rtta_state *state,
    struct rtta_session_config *config, uint64_t *revision, struct rtta_err *err)
{
	uint64_t stands;
	jv value = rtta_state_get(state, config_key, &stands);
	const char *key;
	size_t at = 0;
	int rc = 1;

	*config = (struct rtta_session_config){ .preroll_s = RTTA_SESSION_PREROLL_S };
	if (revision != NULL)
		*revision = stands;
	if (jv_is_valid(value))
		rc = rtta_session_config_decode(config, value, err) < 0 ? -1 : 1;
	else if ((key = rtta_state_key(state, config_key, &at)) != NULL &&
	    strcmp(key, config_key) == 0)
		rc = rtta_err_set(err, EX_DATAERR,
		    "session_config: not a JSON object");
	else
		rc = 0;
	jv_free(value);
	return rc;
}

bool
rtta_control_has(const struct rtta_state *state, const char *what, const char *id)
{
	char key[RTTA_SESSION_KEY_BYTES];
	jv value = rtta_state_get(state, rtta_session_key(key, what, id), NULL);
	bool there = jv_is_valid(value);

	jv_free(value);
	return there;
}

bool
rtta_control_active(const struct rtta_state *state,
    const struct rtta_session_config *config)
{
	return config->active && !rtta_control_has(state, "end", config->id);
}

/* What stands, to be changed; an object of ours when nothing does. */
static jv
standing(const struct rtta_state *state)
{
	jv value = rtta_state_get(state, config_key, NULL);

	if (jv_is_valid(value))
		return value;
	jv_free(value);
	return JV_OBJECT(jv_string("session_id"), jv_string(""),
	    jv_string("status"), jv_string("IDLE"));
}

static jv
with(jv value, const char *key, jv field)
{
	return jv_object_set(value, jv_string(key), field);
}

jv
rtta_control_start(const struct rtta_state *state, const char *id,
    const char *title, int64_t preroll_s, int64_t now_us, uint64_t *revision,
    struct rtta_err *err)
{
	struct rtta_session_config config;
	jv value;

	if (rtta_control_config(state, &config, revision, err) < 0)
		return jv_invalid();
	if (rtta_control_active(state, &config))
		rtta_err_set(err, EX_TEMPFAIL, "session %s is on: stop it first",
		    config.id);
	else if (config.id[0] != '\0' &&
	    !rtta_control_has(state, "cut", config.id))
		rtta_err_set(err, EX_TEMPFAIL, "session %s has no cut yet "
		    "(rtta-route makes it)", config.id);
	else if (strcmp(config.id, id) == 0 ||
	    rtta_control_has(state, "session", id) ||
	    rtta_control_has(state, "cut", id))
		rtta_err_set(err, EX_CANTCREAT, "there is a session %s already",
		    id);
	if (err->exit_code != 0)
		return jv_invalid();
	value = with(standing(state), "session_id", jv_string(id));
	value = with(value, "status", jv_string("ACTIVE"));
	value = with(value, "started_us", jv_number((double)now_us));
	value = with(value, "preroll_s", jv_number((double)preroll_s));
	if (title != NULL && title[0] != '\0')
		return with(value, "title", jv_string(title));
	return jv_object_delete(value, jv_string("title"));
}

jv
rtta_control_stop(const struct rtta_state *state, const char *id,
    uint64_t *revision, struct rtta_err *err)
{
	struct rtta_session_config config;
	struct rtta_err broken = {0};

	if (rtta_control_config(state, &config, revision, &broken) < 0) {
		if (id != NULL)
			return JV_OBJECT(jv_string("session_id"), jv_string(id),
			    jv_string("status"), jv_string("IDLE"));
		rtta_err_set(err, EX_DATAERR, "%s", broken.text);
		return jv_invalid();
	}
	if (id == NULL && !config.active)
		rtta_err_set(err, EX_NOINPUT, "no session is on");
	else if (id != NULL && strcmp(config.id, id) != 0)
		rtta_err_set(err, EX_NOINPUT, "session %s is not on", id);
	if (err->exit_code != 0 || !config.active)
		return jv_invalid();
	return with(standing(state), "status", jv_string("IDLE"));
}

jv
rtta_control_off_record(const struct rtta_state *state, bool off,
    int64_t now_us, uint64_t *revision, struct rtta_err *err)
{
	struct rtta_session_config config;
	jv value;

	if (rtta_control_config(state, &config, revision, err) < 0 ||
	    config.off_record == off)
		return jv_invalid();
	if (off)
		return with(with(standing(state), "off_record", jv_true()),
		    "off_record_us", jv_number((double)now_us));
	value = jv_object_delete(standing(state), jv_string("off_record"));
	return jv_object_delete(value, jv_string("off_record_us"));
}

jv
rtta_control_forget(const struct rtta_state *state, const char *id,
    uint64_t *revision, struct rtta_err *err)
{
	struct rtta_session_config config;
	jv value;

	if (rtta_control_config(state, &config, revision, err) < 0 ||
	    strcmp(config.id, id) != 0)
		return jv_invalid();
	if (config.active) {
		rtta_err_set(err, EX_TEMPFAIL, "session %s is on: stop it first", id);
		return jv_invalid();
	}
	value = with(standing(state), "session_id", jv_string(""));
	value = jv_object_delete(value, jv_string("title"));
	return jv_object_delete(value, jv_string("started_us"));
}

size_t
rtta_control_purge(struct rtta_state *state, const char *id)
{
	char what[16], owner[RTTA_SESSION_ID_BYTES];
	const char *key, *rest;
	size_t at = 0, count = 0;

	while ((key = rtta_state_key(state, "", &at)) != NULL)
		if (rtta_session_key_parse(key, what, owner, &rest) == 0 &&
		    strcmp(owner, id) == 0) {
			rtta_state_purge(state, key);
			count++;
		}
	return count;
}

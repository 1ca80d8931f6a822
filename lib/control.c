#include <string.h>

#include "control.h"
#include "err.h"
#include "keys.h"
#include "session.h"
#include "state.h"

enum {
	STORE_MS = 10000,
	TRIES = 10       /* against others who press buttons */
};

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
	if (jv_is_valid(value) || ((key = rtta_state_key(state, config_key, &at)) != NULL &&
	    strcmp(key, config_key) == 0))
		rc = rtta_session_config_decode(config, value, err) < 0 ? -1 : 1;
	else
		rc = 0;
	jv_free(value);
	return rc;
}

bool
rtta_control_active(const struct rtta_state *state,
    const struct rtta_session_config *config)
{
	return config->active && !rtta_keys_now(state, "end", config->id);
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

static jv
start(const struct rtta_state *state, const struct rtta_session_config *config,
    const struct rtta_button *button, struct rtta_err *err)
{
	jv value;

	if (rtta_control_active(state, config))
		rtta_err_set(err, EX_TEMPFAIL, "session %s is on: stop it first",
		    config->id);
	else if (config->id[0] != '\0' &&
	    !rtta_keys_ever(state, "cut", config->id))
		rtta_err_set(err, EX_TEMPFAIL, "session %s has no cut yet "
		    "(rtta-route makes it)", config->id);
	else if (strcmp(config->id, button->id) == 0 ||
	    rtta_keys_ever(state, "session", button->id) ||
	    rtta_keys_ever(state, "cut", button->id) ||
	    rtta_keys_ever(state, "deleted", button->id))
		rtta_err_set(err, EX_CANTCREAT, "there is a session %s already",
		    button->id);
	if (err->exit_code != 0)
		return jv_invalid();
	value = with(standing(state), "session_id", jv_string(button->id));
	value = with(value, "status", jv_string("ACTIVE"));
	value = with(value, "started_us", jv_number((double)button->now_us));
	value = with(value, "preroll_s", jv_number((double)button->preroll_s));
	if (button->title != NULL && button->title[0] != '\0')
		return with(value, "title", jv_string(button->title));
	return jv_object_delete(value, jv_string("title"));
}

static jv
stop(const struct rtta_state *state, const struct rtta_session_config *config,
    const struct rtta_button *button, struct rtta_err *err)
{
	if (button->id == NULL && !config->active)
		rtta_err_set(err, EX_NOINPUT, "no session is on");
	else if (button->id != NULL && strcmp(config->id, button->id) != 0)
		rtta_err_set(err, EX_NOINPUT, "session %s is not on", button->id);
	if (err->exit_code != 0 || !config->active)
		return jv_invalid();
	return with(standing(state), "status", jv_string("IDLE"));
}

/* For a route that did not see it: the spans that are over. */
static jv
add_off(const struct rtta_session_config *config, int64_t now_us)
{
	size_t at = config->off_count < RTTA_SESSION_OFF_MAX ? 0 : 1;
	jv list = jv_array();

	for (; at < config->off_count; at++)
		list = jv_array_append(list, JV_ARRAY(
		    jv_number((double)config->off[at].from_us),
		    jv_number((double)config->off[at].to_us)));
	return jv_array_append(list, JV_ARRAY(jv_number((double)config->off_record_us),
	    jv_number((double)now_us)));
}

static jv
set_off_record(const struct rtta_state *state,
    const struct rtta_session_config *config, const struct rtta_button *button)
{
	bool off = button->kind == RTTA_BUTTON_OFF_RECORD;
	jv value;

	if (config->off_record == off)
		return jv_invalid();
	if (off)
		return with(with(standing(state), "off_record", jv_true()),
		    "off_record_us", jv_number((double)button->now_us));
	value = jv_object_delete(standing(state), jv_string("off_record"));
	value = jv_object_delete(value, jv_string("off_record_us"));
	return with(value, "off_record_spans", add_off(config, button->now_us));
}

static jv
forget(const struct rtta_state *state, const struct rtta_session_config *config,
    const struct rtta_button *button, struct rtta_err *err)
{
	jv value;

	if (strcmp(config->id, button->id) != 0)
		return jv_invalid();
	if (config->active) {
		rtta_err_set(err, EX_TEMPFAIL, "session %s is on: stop it first",
		    button->id);
		return jv_invalid();
	}
	value = with(standing(state), "session_id", jv_string(""));
	value = jv_object_delete(value, jv_string("title"));
	return jv_object_delete(value, jv_string("started_us"));
}

jv
rtta_control_decide(const struct rtta_state *state,
    const struct rtta_button *button, uint64_t *revision, struct rtta_err *err)
{
	struct rtta_session_config config;
	struct rtta_err broken = {0};

	if (rtta_control_config(state, &config, revision, &broken) < 0) {
		if (button->kind == RTTA_BUTTON_STOP && button->id != NULL)
			return JV_OBJECT(jv_string("session_id"),
			    jv_string(button->id),
			    jv_string("status"), jv_string("IDLE"));
		rtta_err_set(err, broken.exit_code, "%s", broken.text);
		return jv_invalid();
	}
	switch (button->kind) {
	case RTTA_BUTTON_START:
		return start(state, &config, button, err);
	case RTTA_BUTTON_STOP:
		return stop(state, &config, button, err);
	case RTTA_BUTTON_OFF_RECORD:
	case RTTA_BUTTON_ON_RECORD:
		return set_off_record(state, &config, button);
	case RTTA_BUTTON_FORGET:
		return forget(state, &config, button, err);
	}
	return jv_invalid();
}

/* 1: stored, 0: somebody else was faster, -1. */
static int
put(struct rtta_state *state, jv value, uint64_t revision, struct rtta_err *err)
{
	uint64_t number = rtta_state_put(state, config_key, value, revision);
	struct rtta_state_result result;
	int stored = 0;

	if (rtta_state_settle(state, STORE_MS, err) < 0)
		return -1;
	while (rtta_state_result(state, &result))
		if (result.number == number)
			stored = result.outcome == RTTA_STATE_STORED;
	return stored;
}

int
rtta_control_press(struct rtta_state *state, const struct rtta_button *button,
    struct rtta_err *err)
{
	struct rtta_button pressed = *button;
	struct rtta_session_config config;
	struct rtta_err broken = {0};
	uint64_t revision;
	int tries, rc;
	jv value;

	/* The session that is on is the one that was when it was pressed. */
	if (pressed.kind == RTTA_BUTTON_STOP && pressed.id == NULL &&
	    rtta_control_config(state, &config, NULL, &broken) > 0 &&
	    config.active)
		pressed.id = config.id;
	for (tries = 0; tries < TRIES; tries++) {
		value = rtta_control_decide(state, &pressed, &revision, err);
		if (!jv_is_valid(value))
			return err->exit_code != 0 ? -1 : 0;
		rc = put(state, value, revision, err);
		if (rc != 0)
			return rc;
	}
	return rtta_err_set(err, EX_TEMPFAIL,
	    "session_config: somebody else changes it again and again");
}

int
rtta_control_bury(struct rtta_state *state, const char *id, int64_t now_us,
    struct rtta_err *err)
{
	char key[RTTA_SESSION_KEY_BYTES];

	rtta_state_create(state, rtta_session_key(key, "deleted", id),
	    JV_OBJECT(jv_string("at_us"), jv_number((double)now_us)));
	return rtta_state_settle(state, STORE_MS, err);
}

int
rtta_control_purge(struct rtta_state *state, const char *id, struct rtta_err *err)
{
	char what[16], owner[RTTA_SESSION_ID_BYTES];
	const char *key, *rest;
	size_t at = 0;
	int count = 0;

	while ((key = rtta_state_key(state, "", &at)) != NULL) {
		if (rtta_session_key_parse(key, what, owner, &rest) < 0 || strcmp(owner, id) != 0)
			continue;
		rtta_state_purge(state, key);
		count++;
		if (rtta_state_settle(state, STORE_MS, err) < 0)
			return -1;
	}
	return count;
}

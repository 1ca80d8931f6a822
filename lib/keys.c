#include <stdlib.h>

#include "err.h"
#include "keys.h"
#include "mem.h"
#include "state.h"

static jv
get(const struct rtta_state *state, const char *what, const char *id, uint64_t *revision)
{
	char key[RTTA_SESSION_KEY_BYTES];

	return rtta_state_get(state, rtta_session_key(key, what, id), revision);
}

int
rtta_keys_info(const struct rtta_state *state, const char *id, struct rtta_session_info *info)
{
	jv value = get(state, "session", id, NULL);
	int rc = rtta_session_info_decode(info, value, &(struct rtta_err){0});

	jv_free(value);
	return rc;
}

int
rtta_keys_cut(const struct rtta_state *state, const char *id, struct rtta_session_cut *cut)
{
	jv value = get(state, "cut", id, NULL);
	int rc = rtta_session_cut_decode(cut, value, &(struct rtta_err){0});

	jv_free(value);
	return rc;
}

int
rtta_keys_end(const struct rtta_state *state, const char *id, struct rtta_session_end *end)
{
	jv value = get(state, "end", id, NULL);
	int rc = rtta_session_end_decode(end, value, &(struct rtta_err){0});

	jv_free(value);
	return rc;
}

int
rtta_keys_run(const struct rtta_state *state, const char *id, unsigned n,
    struct rtta_session_run *run)
{
	char key[RTTA_SESSION_KEY_BYTES];
	jv value;
	int rc;

	rtta_session_run_key(key, id, n);
	value = rtta_state_get(state, key, NULL);
	rc = rtta_session_run_decode(run, value, &(struct rtta_err){0});
	jv_free(value);
	return rc;
}

size_t
rtta_keys_runs(const struct rtta_state *state, const char *id, uint64_t **runs)
{
	struct rtta_session_run run;
	size_t count = 0;

	for (*runs = NULL; rtta_keys_run(state, id, (unsigned)count, &run) == 0; count++) {
		*runs = rtta_xreallocarray(*runs, count + 1, sizeof(**runs));
		(*runs)[count] = run.run;
	}
	return count;
}

bool
rtta_keys_ever(const struct rtta_state *state, const char *what, const char *id)
{
	uint64_t revision;

	jv_free(get(state, what, id, &revision));
	return revision != 0;
}

bool
rtta_keys_now(const struct rtta_state *state, const char *what, const char *id)
{
	jv value = get(state, what, id, NULL);
	bool is_there = jv_is_valid(value);

	jv_free(value);
	return is_there;
}

int
rtta_keys_next_cut(const struct rtta_state *state, size_t *at,
    char id[RTTA_SESSION_ID_BYTES], struct rtta_session_cut *cut)
{
	const char *key, *rest;
	char what[16];

	while ((key = rtta_state_key(state, "cut.", at)) != NULL)
		if (rtta_session_key_parse(key, what, id, &rest) == 0 &&
		    rtta_keys_cut(state, id, cut) == 0)
			return 1;
	return 0;
}

uint64_t
rtta_keys_create(struct rtta_state *state, const char *what, const char *id, jv value)
{
	char key[RTTA_SESSION_KEY_BYTES];

	return rtta_state_create(state, rtta_session_key(key, what, id), value);
}

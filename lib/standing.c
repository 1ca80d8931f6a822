#include <string.h>

#include "err.h"
#include "log.h"
#include "session.h"
#include "standing.h"
#include "state.h"
#include "transcript.h"

size_t
rtta_standing_keys(struct rtta_transcript *transcript, const struct rtta_state *state,
    const char *id)
{
	char what[16], owner[RTTA_SESSION_ID_BYTES];
	const char *key, *rest;
	size_t at = 0, count = 0;

	while ((key = rtta_state_key(state, "", &at)) != NULL) {
		struct rtta_err broken = {0};
		jv value;

		if (rtta_session_key_parse(key, what, owner, &rest) < 0 ||
		    strcmp(owner, id) != 0)
			continue;
		value = rtta_state_get(state, key, NULL);
		if (jv_is_valid(value)) {
			count++;
			if (rtta_transcript_key(transcript, key, value, &broken) < 0)
				rtta_log_warn("key %s: %s", key, broken.text);
		}
		jv_free(value);
	}
	return count;
}

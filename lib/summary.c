#include <string.h>

#include "clock.h"
#include "err.h"
#include "keys.h"
#include "ledger.h"
#include "roster.h"
#include "session.h"
#include "state.h"
#include "summary.h"
#include "transcript.h"

static jv
time_json(int64_t us)
{
	char text[RTTA_CLOCK_TEXT_BYTES];

	return us == 0 ? jv_null() : jv_string(rtta_clock_format(text, us * 1000));
}

static jv
place_json(struct rtta_pos at, int64_t at_us)
{
	char run[RTTA_RUN_TEXT_BYTES];

	return JV_OBJECT(jv_string("run"), jv_string(rtta_run_format(run, at.run)),
	    jv_string("sample"), jv_number((double)at.sample),
	    jv_string("time"), time_json(at_us));
}

/* run.<S>.<n> as [{n, run, first, time, rate, ...}], in order of n. */
static jv
runs_json(const struct rtta_state *state, const char *id)
{
	char key[RTTA_SESSION_KEY_BYTES], text[RTTA_RUN_TEXT_BYTES];
	jv list = jv_array();

	for (unsigned n = 0;; n++) {
		struct rtta_session_run run;
		struct rtta_err err = {0};
		jv value = rtta_state_get(state, rtta_session_run_key(key, id, n), NULL);
		bool there = jv_is_valid(value);

		if (there && rtta_session_run_decode(&run, value, &err) == 0)
			list = jv_array_append(list, JV_OBJECT(
			    jv_string("n"), jv_number(n),
			    jv_string("run"), jv_string(rtta_run_format(text, run.run)),
			    jv_string("first"), jv_number((double)run.first),
			    jv_string("time"), time_json(run.first_us),
			    jv_string("rate"), jv_number(run.rate_hz),
			    jv_string("prev_next"), jv_number((double)run.prev_next),
			    jv_string("contiguous"), jv_bool(run.contiguous)));
		jv_free(value);
		if (!there)
			return list;
	}
}

static jv
put_cut(const struct rtta_state *state, const char *id, jv summary)
{
	struct rtta_session_cut cut;

	if (rtta_keys_cut(state, id, &cut) < 0)
		return summary;
	return jv_object_set(summary, jv_string("cut"), cut.has_at
	    ? place_json(cut.at, cut.at_us) : JV_OBJECT(jv_string("time"), time_json(cut.at_us)));
}

static jv
put_end(const struct rtta_state *state, const char *id, jv summary)
{
	struct rtta_session_end end;

	if (rtta_keys_end(state, id, &end) < 0)
		return summary;
	return jv_object_set(summary, jv_string("end"), end.has_at
	    ? place_json(end.at, end.at_us) : JV_OBJECT(jv_string("time"), time_json(end.at_us)));
}

/* What session_config says, when it is about this session. */
static jv
put_config(const struct rtta_session_config *config, jv summary)
{
	if (config->title[0] != '\0')
		summary = jv_object_set(summary, jv_string("title"), jv_string(config->title));
	if (config->started_us != 0)
		summary = jv_object_set(summary, jv_string("started"),
		    time_json(config->started_us));
	if (config->active && config->off_record)
		summary = jv_object_set(summary, jv_string("off_record"),
		    time_json(config->off_record_us));
	return summary;
}

jv
rtta_summary_json(const struct rtta_state *state, const struct rtta_session_config *config,
    const char *id, const struct rtta_transcript *transcript)
{
	const char *title = rtta_transcript_title(transcript);
	struct rtta_ledger ledger;
	jv summary;

	rtta_ledger_count(&ledger, transcript);
	summary = JV_OBJECT(jv_string("event"), jv_string("state"),
	    jv_string("session"), jv_string(id),
	    jv_string("state"), jv_string(rtta_roster_state(state, config, id)),
	    jv_string("title"), jv_string(title == NULL ? "" : title),
	    jv_string("started"), time_json(rtta_transcript_start_ns(transcript) / 1000));
	if (strcmp(config->id, id) == 0)
		summary = put_config(config, summary);
	summary = put_cut(state, id, summary);
	summary = put_end(state, id, summary);
	summary = jv_object_set(summary, jv_string("runs"), runs_json(state, id));
	return jv_object_set(summary, jv_string("ledger"), rtta_ledger_json(&ledger));
}

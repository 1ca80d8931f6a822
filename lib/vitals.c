#include <jv.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "bus.h"
#include "clock.h"
#include "json.h"
#include "lease.h"
#include "level.h"
#include "live.h"
#include "preroll.h"
#include "source.h"
#include "steer.h"
#include "switch.h"
#include "vitals.h"
#include "window.h"

/* The word for the heartbeat, and why. */
static const char *
describe(const struct rtta_vitals *vitals, bool loading, bool is_full, const char **reason)
{
	enum rtta_mic_state mic = rtta_source_mic(vitals->source);
	bool stuck = rtta_live_trouble(vitals->live) != 0;

	*reason = stuck ? "AUDIO_STREAM takes nothing" : NULL;
	if (is_full)
		*reason = stuck ? "AUDIO_STREAM takes nothing, and memory is full" : "memory is full";
	if (*reason == NULL && rtta_live_is_refused(vitals->live))
		*reason = "the bus refuses sound for good";
	if (*reason != NULL)
		return "failing";
	if (loading)
		*reason = "reading the state";
	else if (mic != RTTA_MIC_OK)
		*reason = rtta_mic_state_name(mic);
	return *reason != NULL ? "degraded" : "ok";
}

static jv
count(jv value, const char *key, uint64_t number)
{
	return jv_object_set(value, jv_string(key), jv_number((double)number));
}

static jv
counters(const struct rtta_vitals *vitals)
{
	size_t bytes, held = rtta_window_next(vitals->window) - rtta_window_oldest(vitals->window);
	jv value = jv_object();

	value = count(value, "frames", vitals->frames);
	value = count(value, "live_frames", rtta_live_stored(vitals->live));
	value = count(value, "preroll_frames", rtta_preroll_stored(vitals->preroll));
	value = count(value, "window_frames", held);
	value = count(value, "pending", rtta_live_pending(vitals->live, &bytes));
	value = count(value, "pending_preroll", rtta_window_unstored(vitals->window, &bytes));
	value = count(value, "waiting", rtta_switch_waiting(vitals->sw, &bytes));
	value = jv_object_set(value, jv_string("session_id"),
	    jv_string(rtta_switch_session(vitals->sw)));
	value = jv_object_set(value, jv_string("switch"),
	    jv_string(rtta_switch_state_name(rtta_switch_state(vitals->sw))));
	value = jv_object_set(value, jv_string("off_record"),
	    jv_bool(rtta_steer_is_off_record(vitals->steer)));
	value = jv_object_set(value, jv_string("clock_synced"), jv_bool(rtta_clock_is_synced()));
	return rtta_source_describe(vitals->source, value);
}

static void
tell_level(struct rtta_vitals *vitals)
{
	jv level = rtta_source_level(vitals->source);
	char *text;

	if (!jv_is_valid(level)) {
		jv_free(level);
		return;
	}
	text = rtta_json_text(level, false);
	rtta_bus_send(vitals->bus, "rtta.level", NULL, text, (int)strlen(text));
	free(text);
}

int
rtta_vitals_tick(struct rtta_vitals *vitals, bool loading, bool is_full)
{
	const char *state, *reason;

	tell_level(vitals);
	if (rtta_heartbeat_due(&vitals->heartbeat)) {
		state = describe(vitals, loading, is_full, &reason);
		rtta_heartbeat_send(&vitals->heartbeat, state, reason, counters(vitals));
	}
	return rtta_heartbeat_wait_ms(&vitals->heartbeat);
}

int
rtta_vitals_wait(struct rtta_vitals *vitals, const struct rtta_lease *lease)
{
	if (!rtta_lease_is_taken(lease))
		return -1;
	if (rtta_heartbeat_due(&vitals->heartbeat))
		rtta_heartbeat_send(&vitals->heartbeat, "waiting",
		    "another rtta-route has this room", jv_object());
	return rtta_heartbeat_wait_ms(&vitals->heartbeat);
}

#include <stdlib.h>
#include <string.h>

#include "bus.h"
#include "clock.h"
#include "err.h"
#include "keys.h"
#include "lease.h"
#include "live.h"
#include "log.h"
#include "mem.h"
#include "preroll.h"
#include "session.h"
#include "state.h"
#include "steer.h"
#include "switch.h"
#include "window.h"

enum {
	KNOWN_AFTER_MS = 3000,      /* a reconnect; the state is polled every 2 s */
	LOOK_MS = 10000,
	LATE_FLUSH_US = 60000000,
	NS_PER_US = 1000,
	US_PER_MS = 1000
};

struct rtta_steer {
	struct rtta_steer_parts p;
	int64_t preroll_ms;
	bool follows;                       /* the status that stood has been applied */
	uint64_t epoch;
	int64_t known_ms;                   /* from then on the status is the current one */

	struct rtta_session_config config;  /* the last good one */
	uint64_t config_revision, asked_revision;
	bool off_record;
	int64_t off_us;
	struct rtta_session_off off[RTTA_SESSION_OFF_MAX];  /* applied */
	size_t off_count;
	bool wrote;                         /* since the state's last tick */
	uint64_t cut_write, end_write;
	struct rtta_session_cut cut;        /* as written */
	struct rtta_session_end end;

	bool keys_changed;
	int64_t keys_ms;
	uint64_t needed;                    /* lowest number that a flush needs */
};

struct rtta_steer *
rtta_steer_new(const struct rtta_steer_parts *parts, int64_t preroll_ms)
{
	struct rtta_steer *steer = rtta_xcalloc(1, sizeof(*steer));

	steer->p = *parts;
	steer->preroll_ms = preroll_ms;
	steer->epoch = rtta_bus_epoch(parts->bus);
	steer->needed = UINT64_MAX;
	return steer;
}

void
rtta_steer_free(struct rtta_steer *steer)
{
	free(steer);
}

/* --- what the switch decides --- */

static void
carry_out(struct rtta_steer *steer, const struct rtta_switch_action *action)
{
	char key[RTTA_SESSION_KEY_BYTES];

	steer->wrote |= action->what != RTTA_SWITCH_FRAME;
	switch (action->what) {
	case RTTA_SWITCH_FRAME:
		rtta_live_frame(steer->p.live, action->id, action->frame);
		break;
	case RTTA_SWITCH_INFO:
		rtta_keys_create(steer->p.state, "session", action->id,
		    rtta_session_info_encode(&action->info));
		break;
	case RTTA_SWITCH_RUN:
		rtta_state_create(steer->p.state, rtta_session_run_key(key, action->id, action->n),
		    rtta_session_run_encode(&action->run));
		break;
	case RTTA_SWITCH_CUT:
		rtta_log_info("session %s: cut", action->id);
		steer->cut = action->cut;
		steer->cut_write = rtta_keys_create(steer->p.state, "cut", action->id,
		    rtta_session_cut_encode(&action->cut));
		break;
	case RTTA_SWITCH_END:
		rtta_log_info("session %s: end", action->id);
		steer->end = action->end;
		steer->end_write = rtta_keys_create(steer->p.state, "end", action->id,
		    rtta_session_end_encode(&action->end));
		break;
	case RTTA_SWITCH_NOTE:
		rtta_state_create(steer->p.state, rtta_session_note_key(key, action->id, "route",
		    action->note_at), rtta_session_note_encode(&action->note));
		break;
	case RTTA_SWITCH_EOS:
		rtta_live_eos(steer->p.live, action->id, &action->end);
		break;
	}
}

/* What will never be stored of it is a gap with a reason. */
static void
note_refusals(struct rtta_steer *steer)
{
	char id[RTTA_SESSION_ID_BYTES], key[RTTA_SESSION_KEY_BYTES];
	struct rtta_session_note note;

	while (rtta_live_refusal(steer->p.live, id, &note)) {
		steer->wrote = true;
		rtta_state_create(steer->p.state, rtta_session_note_key(key, id, "route", note.from),
		    rtta_session_note_encode(&note));
	}
}

void
rtta_steer_carry_out(struct rtta_steer *steer)
{
	const struct rtta_switch_action *action;

	while ((action = rtta_switch_next(steer->p.sw)) != NULL)
		carry_out(steer, action);
}

/* --- keys of sessions --- */

/* What stands holds, whoever wrote it. */
static void
take_result(struct rtta_steer *steer, const struct rtta_state_result *result)
{
	const char *id = rtta_switch_session(steer->p.sw);

	if (result->number == steer->cut_write) {
		if (result->outcome == RTTA_STATE_REFUSED)
			rtta_keys_cut(steer->p.state, id, &steer->cut);
		rtta_switch_cut_stored(steer->p.sw, &steer->cut);
	} else if (result->number == steer->end_write) {
		if (result->outcome == RTTA_STATE_REFUSED)
			rtta_keys_end(steer->p.state, id, &steer->end);
		rtta_switch_end_stored(steer->p.sw, &steer->end);
	} else if (result->outcome == RTTA_STATE_REFUSED) {
		rtta_log_warn("%s: another value stands already", result->key);
	}
}

/* Its pre-roll is still to be copied, if its flush can still find it. */
static bool
needs_flush(const struct rtta_steer *steer, const char *id, const struct rtta_session_cut *cut)
{
	int64_t oldest_us = rtta_clock_real_ns() / NS_PER_US -
	    steer->preroll_ms * US_PER_MS - LATE_FLUSH_US;

	return cut->has_preroll && cut->at_us >= oldest_us &&
	    !rtta_keys_ever(steer->p.state, "flush", id);
}

static void
need(struct rtta_steer *steer, const struct rtta_session_cut *cut)
{
	uint64_t number;

	if (rtta_window_find(steer->p.window, cut->first, &number) && number < steer->needed)
		steer->needed = number;
}

/* Which frames of the window a flush still has to find in PRE_BUFFER. */
static void
look_at_flushes(struct rtta_steer *steer)
{
	const char *current = rtta_switch_session(steer->p.sw);
	char id[RTTA_SESSION_ID_BYTES];
	struct rtta_session_cut cut;
	bool open = false;
	size_t at = 0;

	steer->keys_changed = false;
	steer->keys_ms = rtta_clock_mono_ms();
	steer->needed = UINT64_MAX;
	while (rtta_keys_next_cut(steer->p.state, &at, id, &cut))
		if (needs_flush(steer, id, &cut)) {
			open = true;
			need(steer, &cut);
		}
	/* The copy of the state may not have this one yet. */
	if (current[0] != '\0' && needs_flush(steer, current, &steer->cut)) {
		open = true;
		need(steer, &steer->cut);
	}
	rtta_preroll_flush_open(steer->p.preroll, open);
}

uint64_t
rtta_steer_needed(struct rtta_steer *steer)
{
	if (steer->keys_changed || rtta_clock_mono_ms() - steer->keys_ms > LOOK_MS)
		look_at_flushes(steer);
	return steer->needed;
}

/* --- session_config --- */

/* All that was heard before, and what was captured since then. */
static void
forget(struct rtta_steer *steer, int64_t since_us)
{
	look_at_flushes(steer);
	rtta_preroll_recall(steer->p.preroll);
	rtta_window_forget(steer->p.window, steer->needed, since_us);
	rtta_preroll_purge(steer->p.preroll);
}

static void
go_off_record(struct rtta_steer *steer, int64_t since_us)
{
	struct rtta_pos first;
	int64_t first_us = 0;
	bool dropped;

	rtta_log_info("off the record");
	steer->off_us = since_us;
	dropped = rtta_live_drop(steer->p.live, since_us, INT64_MAX, &first, &first_us);
	rtta_switch_off_record(steer->p.sw, since_us, dropped ? &first : NULL, first_us);
	rtta_steer_carry_out(steer);  /* the note first */
	forget(steer, since_us);
}

/* Since when the window holds what was off the record; false: nothing is. */
static bool
window_is_off(const struct rtta_steer *steer, int64_t *since_us)
{
	const struct rtta_frame *frame;

	for (uint64_t i = rtta_window_oldest(steer->p.window);
	    i < rtta_window_next(steer->p.window); i++) {
		frame = &rtta_window_at(steer->p.window, i)->frame;
		*since_us = frame->capture_ns / NS_PER_US;
		if (rtta_switch_is_off_record(steer->p.sw, frame))
			return true;
	}
	return false;
}

/* Spans that were over before they were known here, too. */
static void
apply_off(struct rtta_steer *steer, const struct rtta_session_off *off, size_t count)
{
	struct rtta_pos first, at;
	int64_t first_us = 0, at_us = 0, since_us;
	bool dropped = false;

	if (count == steer->off_count && memcmp(off, steer->off, count * sizeof(*off)) == 0)
		return;
	memcpy(steer->off, off, count * sizeof(*off));
	steer->off_count = count;
	for (size_t i = 0; i < count; i++)
		if (rtta_live_drop(steer->p.live, off[i].from_us, off[i].to_us, &at, &at_us) &&
		    !dropped) {
			dropped = true;
			first = at;
			first_us = at_us;
		}
	for (size_t i = 0; i < count; i++)
		rtta_window_bar_across(steer->p.window, off[i].from_us, off[i].to_us);
	rtta_switch_off_before(steer->p.sw, off, count, dropped ? &first : NULL, first_us);
	rtta_steer_carry_out(steer);
	if (window_is_off(steer, &since_us))
		forget(steer, since_us);
}

/* When the button was pressed, if it says so. */
static int64_t
ended_us(const struct rtta_steer *steer, const struct rtta_session_config *config,
    int64_t now_us)
{
	int64_t last_us = config->off_count > 0 ? config->off[config->off_count - 1].to_us : 0;

	return last_us > steer->off_us ? last_us : now_us;
}

static void
apply_record(struct rtta_steer *steer, const struct rtta_session_config *config)
{
	int64_t now_us = rtta_clock_real_ns() / NS_PER_US;

	apply_off(steer, config->off, config->off_count);
	if (config->off_record && !steer->off_record) {
		go_off_record(steer, config->off_record_us ? config->off_record_us : now_us);
	} else if (!config->off_record && steer->off_record) {
		rtta_log_info("on the record");
		rtta_switch_on_record(steer->p.sw, ended_us(steer, config, now_us));
	}
	steer->off_record = config->off_record;
}

/* When the config that stands was stored, by the wall clock here; 0: who knows. */
static int64_t
said_us(const struct rtta_state *state)
{
	int64_t stored_ns = rtta_state_stored_ns(state, "session_config");
	int64_t now_ns = rtta_state_server_ns(state);

	return stored_ns == 0 || now_ns < stored_ns ? 0 :
	    (rtta_clock_real_ns() - (now_ns - stored_ns)) / NS_PER_US;
}

static void
apply_config(struct rtta_steer *steer, const struct rtta_session_config *config)
{
	struct rtta_switch_want want = { .config = *config };

	steer->config = *config;
	want.has_cut = rtta_keys_ever(steer->p.state, "cut", config->id);
	want.has_end = rtta_keys_ever(steer->p.state, "end", config->id);
	want.said_us = steer->follows ? 0 : said_us(steer->p.state);
	if (config->active && want.has_end)
		rtta_log_warn("session %s is over: its status ACTIVE is taken as IDLE", config->id);
	rtta_switch_config(steer->p.sw, &want);
}

/* 0, or -1: it says nothing, and the last good one stays. */
static int
read_config(struct rtta_session_config *config, bool deleted, jv value)
{
	struct rtta_err err = {0};

	*config = (struct rtta_session_config){ .preroll_s = RTTA_SESSION_PREROLL_S };
	if (deleted)
		return 0;
	if (rtta_session_config_decode(config, value, &err) == 0)
		return 0;
	rtta_log_warn("%s: the last good one stays", err.text);
	return -1;
}

/* Is the status that the copy holds the one that people see? */
static bool
is_known(struct rtta_steer *steer)
{
	if (rtta_bus_epoch(steer->p.bus) != steer->epoch) {
		steer->epoch = rtta_bus_epoch(steer->p.bus);
		steer->known_ms = rtta_clock_mono_ms() + KNOWN_AFTER_MS;
	}
	return steer->follows && rtta_bus_connected(steer->p.bus) &&
	    rtta_clock_mono_ms() >= steer->known_ms;
}

static void
follow_config(struct rtta_steer *steer, const struct rtta_state_change *change)
{
	struct rtta_session_config config;

	steer->config_revision = change->revision;
	if (read_config(&config, change->deleted, change->value) < 0)
		return;
	apply_record(steer, &config);
	apply_config(steer, &config);
}

void
rtta_steer_follow(struct rtta_steer *steer)
{
	struct rtta_state_change change;
	struct rtta_state_result result;

	steer->wrote = false;
	rtta_switch_known(steer->p.sw, is_known(steer));
	while (rtta_state_next(steer->p.state, &change)) {
		if (strcmp(change.key, "session_config") != 0)
			steer->keys_changed = true;
		else if (steer->follows)
			follow_config(steer, &change);
		jv_free(change.value);
	}
	while (rtta_state_result(steer->p.state, &result))
		if (!rtta_lease_result(steer->p.lease, &result))
			take_result(steer, &result);
	note_refusals(steer);
	rtta_steer_carry_out(steer);
}

/* Off the record comes first: it also holds for what lies in files. */
void
rtta_steer_record(struct rtta_steer *steer)
{
	struct rtta_session_config config = {0};
	jv value = rtta_state_get(steer->p.state, "session_config", NULL);

	if (jv_get_kind(value) == JV_KIND_OBJECT &&
	    rtta_session_config_decode(&config, value, &(struct rtta_err){0}) == 0)
		apply_record(steer, &config);
	jv_free(value);
	look_at_flushes(steer);
}

void
rtta_steer_status(struct rtta_steer *steer)
{
	jv value = rtta_state_get(steer->p.state, "session_config", &steer->config_revision);
	size_t at = 0;
	const char *key = rtta_state_key(steer->p.state, "session_config", &at);
	struct rtta_state_change change = {
		.revision = steer->config_revision,
		.deleted = key == NULL || strcmp(key, "session_config") != 0,
		.readable = jv_get_kind(value) == JV_KIND_OBJECT,
		.value = value,
	};

	follow_config(steer, &change);
	jv_free(value);
	rtta_steer_carry_out(steer);
	steer->known_ms = rtta_clock_mono_ms();
	steer->follows = true;
}

int
rtta_steer_wait_ms(const struct rtta_steer *steer)
{
	return steer->wrote ? 0 : -1;
}

bool
rtta_steer_is_off_record(const struct rtta_steer *steer)
{
	return steer->off_record;
}

/* Asked once for each config that stands: what comes in between holds. */
bool
rtta_steer_end_session(struct rtta_steer *steer)
{
	enum rtta_switch_state state = rtta_switch_state(steer->p.sw);
	struct rtta_session_config config = steer->config;
	bool is_ours = config.active &&
	    strcmp(config.id, rtta_switch_session(steer->p.sw)) == 0;

	if (is_ours && steer->asked_revision != steer->config_revision) {
		config.active = false;
		steer->asked_revision = steer->config_revision;
		steer->wrote = true;
		rtta_state_put(steer->p.state, "session_config",
		    rtta_session_config_encode(&config), steer->config_revision);
	}
	return state == RTTA_SWITCH_IDLE || (state == RTTA_SWITCH_LIVE && !is_ours);
}

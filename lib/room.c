#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "bus.h"
#include "clock.h"
#include "control.h"
#include "err.h"
#include "health.h"
#include "hub.h"
#include "log.h"
#include "json.h"
#include "keys.h"
#include "mem.h"
#include "room.h"
#include "roster.h"
#include "state.h"

enum {
	HEARTBEAT_PORT = 1024,
	HEARTBEAT_MAX_BYTES = 16384,
	ASK_MS = 10000,       /* streams and their subjects */
	ASK_AGAIN_MS = 500,   /* while sessions seem to be deleted */
	DELETION_MS = 5000,   /* so long after a key was */
	ANSWER_MS = 3000,
	BOX_MS = 5000,
	LEVEL_MS = 2000,
	OUTCOMES = 16         /* of the last presses of a button */
};

struct rtta_room {
	struct rtta_bus *bus;
	struct rtta_state *state;
	struct rtta_hub *hub;
	struct rtta_api *api;
	struct rtta_port *port;      /* heartbeats and levels */
	struct rtta_health *health;
	struct rtta_session_config config;
	bool connected;
	int64_t connected_ms;        /* since when */
	jv subjects;                 /* {"transcript.raw.<S>": n} */
	jv streams;                  /* ["TEXT_STREAM", ...], invalid: not known */
	jv level;                    /* of the microphone, said last */
	int64_t level_ms;            /* when */
	int64_t ask_ms, deletion_ms, box_ms;
	struct rtta_state_result outcomes[OUTCOMES];
	unsigned outcome_next;
};

static const char *const needed[] = { "PRE_BUFFER", "AUDIO_STREAM", "TEXT_STREAM" };

struct rtta_room *
rtta_room_new(struct rtta_bus *bus, struct rtta_err *err)
{
	struct rtta_room *room = rtta_xcalloc(1, sizeof(*room));

	room->bus = bus;
	room->subjects = jv_object();
	room->streams = jv_invalid();
	room->level = jv_object();
	room->health = rtta_health_new();
	room->state = rtta_state_new(bus);
	room->api = rtta_api_new(bus);
	room->port = rtta_port_open(bus, HEARTBEAT_PORT);
	room->hub = rtta_hub_new(bus, room->state, err);
	if (room->hub == NULL || rtta_port_subscribe(room->port, "rtta.heartbeat.>", err) < 0 ||
	    rtta_port_subscribe(room->port, "rtta.level", err) < 0) {
		rtta_room_free(room);
		return NULL;
	}
	return room;
}

void
rtta_room_free(struct rtta_room *room)
{
	if (room == NULL)
		return;
	rtta_hub_free(room->hub);
	rtta_port_close(room->port);
	rtta_api_free(room->api);
	rtta_state_free(room->state);
	rtta_health_free(room->health);
	jv_free(room->subjects);
	jv_free(room->streams);
	jv_free(room->level);
	free(room);
}

struct rtta_hub *
rtta_room_hub(struct rtta_room *room)
{
	return room->hub;
}

bool
rtta_room_loaded(const struct rtta_room *room)
{
	return rtta_state_loaded(room->state);
}

/* --- what arrives --- */

/* A malformed one is reported and leaves the last good one. */
static void
take_config(struct rtta_room *room, const struct rtta_state_change *change)
{
	struct rtta_session_config config;
	struct rtta_err err = {0};

	if (change->deleted) {
		memset(&room->config, 0, sizeof(room->config));
		return;
	}
	if (rtta_session_config_decode(&config, change->value, &err) < 0) {
		rtta_log_warn("%s, the last good one holds", err.text);
		return;
	}
	room->config = config;
}

static void
take_changes(struct rtta_room *room)
{
	struct rtta_state_change change;
	struct rtta_state_result result;
	bool turned = false;

	while (rtta_state_next(room->state, &change)) {
		if (strcmp(change.key, "session_config") == 0) {
			take_config(room, &change);
			turned = true;
		}
		rtta_hub_change(room->hub, &change);
		if (change.deleted) {
			room->ask_ms = 0;
			room->deletion_ms = rtta_clock_mono_ms() + DELETION_MS;
		}
		jv_free(change.value);
	}
	if (turned) {
		rtta_hub_set_config(room->hub, &room->config);
		room->box_ms = 0;
	}
	while (rtta_state_result(room->state, &result))
		room->outcomes[room->outcome_next++ % OUTCOMES] = result;
}

/* Every reader hears of the tools when they or the bus have changed, and
 * every few seconds, so that it knows that the connection lives. */
static void
tell_box(struct rtta_room *room, int64_t now_ms)
{
	char now[RTTA_CLOCK_TEXT_BYTES], off[RTTA_CLOCK_TEXT_BYTES];

	room->box_ms = now_ms + BOX_MS;
	rtta_hub_set_box(room->hub, JV_OBJECT(jv_string("event"), jv_string("box"),
	    jv_string("now"), jv_string(rtta_clock_format(now, rtta_clock_real_ns())),
	    jv_string("bus"), jv_bool(rtta_bus_connected(room->bus)),
	    jv_string("clock_synced"), jv_bool(rtta_clock_is_synced()),
	    jv_string("off_record"), room->config.off_record
	    ? jv_string(rtta_clock_format(off, room->config.off_record_us * 1000)) : jv_null(),
	    jv_string("tools"), rtta_health_json(room->health, false)));
}

/* A level (taken), of which only what a meter shows is kept. */
static void
take_level(struct rtta_room *room, jv level)
{
	if (jv_get_kind(level) == JV_KIND_OBJECT) {
		jv_free(room->level);
		room->level = JV_OBJECT(
		    jv_string("level_db"), jv_object_get(jv_copy(level), jv_string("level_db")),
		    jv_string("mic"), jv_object_get(jv_copy(level), jv_string("mic")));
		room->level_ms = rtta_clock_mono_ms();
	}
	jv_free(level);
}

static bool
take_heartbeats(struct rtta_room *room)
{
	int64_t now_ms = rtta_clock_mono_ms(), real_ns = rtta_clock_real_ns();
	bool changed = false;
	natsMsg *msg;

	while ((msg = rtta_port_take(room->port)) != NULL) {
		struct rtta_err err = {0};
		jv beat = rtta_json_object(natsMsg_GetSubject(msg), natsMsg_GetData(msg),
		    (size_t)natsMsg_GetDataLength(msg), HEARTBEAT_MAX_BYTES, &err);

		if (strcmp(natsMsg_GetSubject(msg), "rtta.level") == 0)
			take_level(room, beat);
		else if (rtta_health_beat(room->health, beat, now_ms, real_ns))
			changed = true;
		natsMsg_Destroy(msg);
	}
	/* While the bus is away nobody can be heard: that says nothing of them. */
	if (room->connected && now_ms - room->connected_ms > RTTA_HEALTH_GONE_MS &&
	    rtta_health_tick(room->health, now_ms, real_ns))
		changed = true;
	return changed;
}

static void
ask_streams(struct rtta_room *room, int64_t now_ms)
{
	if (now_ms < room->ask_ms || !rtta_bus_connected(room->bus))
		return;
	room->ask_ms = now_ms + (now_ms < room->deletion_ms ? ASK_AGAIN_MS : ASK_MS);
	rtta_api_ask(room->api, "STREAM.NAMES", jv_object(), ANSWER_MS, &room->streams);
	rtta_api_ask(room->api, "STREAM.INFO.TEXT_STREAM", JV_OBJECT(
	    jv_string("subjects_filter"), jv_string("transcript.raw.>")), ANSWER_MS,
	    &room->subjects);
}

static void
take_answers(struct rtta_room *room)
{
	struct rtta_answer answer;

	while (rtta_api_next(room->api, &answer)) {
		if (answer.error != 0) {
			/* Not known: what was known stays. */
		} else if (answer.tag == &room->streams) {
			jv_free(room->streams);
			room->streams = jv_object_get(jv_copy(answer.body), jv_string("streams"));
		} else {
			jv state = jv_object_get(jv_copy(answer.body), jv_string("state"));
			jv subjects = jv_get_kind(state) == JV_KIND_OBJECT
			    ? jv_object_get(jv_copy(state), jv_string("subjects")) : jv_invalid();

			jv_free(state);
			jv_free(room->subjects);
			if (jv_get_kind(subjects) != JV_KIND_OBJECT) {
				jv_free(subjects);
				subjects = jv_object();
			}
			room->subjects = subjects;
			if (rtta_hub_stored(room->hub, subjects))
				room->ask_ms = rtta_clock_mono_ms() + ASK_AGAIN_MS;
		}
		jv_free(answer.body);
	}
}

int
rtta_room_tick(struct rtta_room *room)
{
	int64_t now_ms = rtta_clock_mono_ms();
	bool connected = rtta_bus_connected(room->bus);
	int wait_ms = rtta_state_tick(room->state);

	take_changes(room);
	ask_streams(room, now_ms);
	take_answers(room);
	if (take_heartbeats(room) || connected != room->connected || now_ms >= room->box_ms) {
		if (connected && !room->connected)
			room->connected_ms = now_ms;
		room->connected = connected;
		tell_box(room, now_ms);
	}
	wait_ms = rtta_clock_sooner(wait_ms, rtta_hub_tick(room->hub));
	wait_ms = rtta_clock_sooner(wait_ms, rtta_api_wait_ms(room->api));
	wait_ms = rtta_clock_sooner(wait_ms, (int)(room->box_ms - now_ms));
	return rtta_clock_sooner(wait_ms, (int)(room->ask_ms > now_ms ? room->ask_ms - now_ms : 1000));
}

/* --- the list of sessions --- */

/* The wall clock at which the session's sound begins; 0: not known. */
static int64_t
sound_start_us(const struct rtta_room *room, const char *id)
{
	char key[RTTA_SESSION_KEY_BYTES];
	struct rtta_session_run run = {0};
	struct rtta_err err = {0};
	jv value = rtta_state_get(room->state, rtta_session_run_key(key, id, 0), NULL);
	int64_t us = 0;

	if (jv_is_valid(value) && rtta_session_run_decode(&run, value, &err) == 0)
		us = run.first_us;
	jv_free(value);
	return us;
}

/* From its first sound, or its start, to its end, or now; null: not known. */
static jv
length_json(const struct rtta_room *room, const char *id, int64_t started_us)
{
	int64_t from_us = sound_start_us(room, id), to_us = rtta_clock_real_ns() / 1000;
	struct rtta_session_end end;

	if (from_us == 0)
		from_us = started_us;
	if (rtta_keys_end(room->state, id, &end) == 0)
		to_us = end.at_us;
	return from_us == 0 || to_us < from_us ? jv_null()
	    : jv_number((double)(to_us - from_us) / 1e6);
}

/* A row of the roster (taken), as readers get it. */
static jv
session_row(struct rtta_room *room, jv known)
{
	jv id = jv_object_get(jv_copy(known), jv_string("session_id"));
	jv started = jv_object_get(jv_copy(known), jv_string("started_us"));
	jv ledger = rtta_hub_ledger(room->hub, jv_string_value(id));
	int64_t started_us = (int64_t)jv_number_value(started);
	char text[RTTA_CLOCK_TEXT_BYTES];
	jv row = JV_OBJECT(jv_string("id"), jv_copy(id),
	    jv_string("title"), jv_object_get(jv_copy(known), jv_string("title")),
	    jv_string("started"), started_us == 0 ? jv_null()
	    : jv_string(rtta_clock_format(text, started_us * 1000)),
	    jv_string("state"), jv_object_get(jv_copy(known), jv_string("state")),
	    jv_string("seconds"), length_json(room, jv_string_value(id), started_us),
	    jv_string("records"), jv_object_get(known, jv_string("records")));

	jv_free(id);
	jv_free(started);
	if (jv_is_valid(ledger))
		return jv_object_set(row, jv_string("ledger"), ledger);
	jv_free(ledger);
	return row;
}

/* Ids begin with their time: from the last one back is newest first. */
jv
rtta_room_sessions(struct rtta_room *room)
{
	jv roster = rtta_roster(room->state, &room->config, jv_copy(room->subjects));
	jv list = jv_array();

	for (int i = jv_array_length(jv_copy(roster)); i-- > 0;)
		list = jv_array_append(list, session_row(room, jv_array_get(jv_copy(roster), i)));
	jv_free(roster);
	return list;
}

jv
rtta_room_level(const struct rtta_room *room)
{
	return rtta_clock_mono_ms() - room->level_ms > LEVEL_MS ? jv_object()
	    : jv_copy(room->level);
}

/* --- health --- */

static bool
has_stream(const struct rtta_room *room, const char *name)
{
	bool found = false;

	jv_array_foreach(room->streams, i, stream) {
		if (jv_get_kind(stream) == JV_KIND_STRING &&
		    strcmp(jv_string_value(stream), name) == 0)
			found = true;
		jv_free(stream);
	}
	return found;
}

static jv
reason_add(jv reasons, const char *what, const char *why)
{
	char *text = rtta_xasprintf("%s %s", what, why);

	reasons = jv_array_append(reasons, jv_string(text));
	free(text);
	return reasons;
}

jv
rtta_room_health(const struct rtta_room *room, bool *healthy)
{
	static const struct { const char *tool, *lane; } tools[] = {
		{ "rtta-route", NULL }, { "rtta-flush", NULL }, { "rtta-stt", "live" },
		{ "rtta-stt", "backfill" },
	};
	jv reasons = jv_array();

	if (!rtta_bus_connected(room->bus)) {
		reasons = jv_array_append(reasons, jv_string("the bus is away"));
	} else {
		for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
			if (jv_get_kind(room->streams) == JV_KIND_ARRAY &&
			    !has_stream(room, needed[i]))
				reasons = reason_add(reasons, needed[i], "does not exist");
		for (size_t i = 0; i < sizeof(tools) / sizeof(tools[0]); i++)
			if (!rtta_health_alive(room->health, tools[i].tool, tools[i].lane))
				reasons = reason_add(reasons, tools[i].tool, tools[i].lane == NULL
				    ? "is not heard" : strcmp(tools[i].lane, "live") == 0
				    ? "of lane live is not heard" : "of lane backfill is not heard");
		reasons = rtta_health_failures(room->health, reasons);
	}
	*healthy = jv_array_length(jv_copy(reasons)) == 0;
	return JV_OBJECT(jv_string("status"), jv_string(*healthy ? "ok" : "failing"),
	    jv_string("reasons"), reasons,
	    jv_string("bus"), jv_bool(rtta_bus_connected(room->bus)),
	    jv_string("tools"), rtta_health_json(room->health, true));
}

/* --- the buttons --- */

static uint64_t
refuse(struct rtta_room_refusal *refusal, int status, const char *why)
{
	refusal->status = status;
	snprintf(refusal->why, sizeof(refusal->why), "%s", why);
	return 0;
}

static uint64_t
press(struct rtta_room *room, const struct rtta_button *button,
    struct rtta_room_refusal *refusal)
{
	struct rtta_err err = {0};
	uint64_t revision;
	jv value;

	if (!rtta_bus_connected(room->bus))
		return refuse(refusal, 503, "the bus is away");
	value = rtta_control_decide(room->state, button, &revision, &err);
	if (jv_is_valid(value))
		return rtta_state_put(room->state, "session_config", value, revision);
	if (err.exit_code != 0)
		return refuse(refusal, 409, err.text);
	return refuse(refusal, 200, "it was so before");
}

uint64_t
rtta_room_start(struct rtta_room *room, const char *title, int64_t preroll_s,
    char id[RTTA_SESSION_ID_BYTES], struct rtta_room_refusal *refusal)
{
	int64_t now_ns = rtta_clock_real_ns();

	if (title != NULL && strlen(title) >= RTTA_SESSION_TITLE_BYTES)
		return refuse(refusal, 400, "the title is longer than 256 bytes");
	rtta_session_id_new(id, now_ns);
	return press(room, &(struct rtta_button){ .kind = RTTA_BUTTON_START, .id = id,
	    .title = title, .preroll_s = preroll_s, .now_us = now_ns / 1000 }, refusal);
}

uint64_t
rtta_room_stop(struct rtta_room *room, const char *id, struct rtta_room_refusal *refusal)
{
	return press(room, &(struct rtta_button){ .kind = RTTA_BUTTON_STOP, .id = id }, refusal);
}

uint64_t
rtta_room_off_record(struct rtta_room *room, bool off, struct rtta_room_refusal *refusal)
{
	return press(room, &(struct rtta_button){
	    .kind = off ? RTTA_BUTTON_OFF_RECORD : RTTA_BUTTON_ON_RECORD,
	    .now_us = rtta_clock_real_ns() / 1000 }, refusal);
}

int
rtta_room_outcome(struct rtta_room *room, uint64_t number)
{
	for (unsigned i = 0; i < OUTCOMES; i++)
		if (room->outcomes[i].number == number && number != 0)
			return room->outcomes[i].outcome == RTTA_STATE_STORED ? 1 : -1;
	return 0;
}

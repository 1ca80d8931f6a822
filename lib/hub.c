#include <stdlib.h>
#include <string.h>

#include "bus.h"
#include "clock.h"
#include "err.h"
#include "hub.h"
#include "interim.h"
#include "jtext.h"
#include "ledger.h"
#include "log.h"
#include "mem.h"
#include "reader.h"
#include "record.h"
#include "session.h"
#include "standing.h"
#include "state.h"
#include "summary.h"
#include "transcript.h"

enum {
	INTERIM_PORT = 4096,
	TAKE_MAX = 4096,        /* records in one turn, then others again */
	LEDGER_MS = 1000        /* a session's state is told again at most so often */
};

struct watch {
	char id[RTTA_SESSION_ID_BYTES];
	struct rtta_reader *reader;
	struct rtta_transcript *transcript;
	struct rtta_hub_message **messages;   /* by sequence */
	size_t count, size;
	struct rtta_hub_message *hello, *live, *state;
	size_t live_count;        /* of messages when live was made */
	uint64_t life;            /* grows when the session begins anew */
	uint64_t state_version;   /* 0: none yet */
	struct rtta_interim interim;
	bool caught_up;
	bool known;               /* a key or a record names it */
	bool stale;               /* its state is to be told again */
	bool missed;              /* records that are here were not there */
	uint64_t resets;
	int64_t told_ms, idle_ms;
	size_t readers;
};

struct rtta_hub_reader {
	struct rtta_hub *hub;
	struct watch *watch;      /* NULL: no session yet */
	struct rtta_hub_reader *next, **link;
	bool follow, greeted, live;
	uint64_t after, life, state_version, interim_version, box_version;
	size_t at;
};

struct rtta_hub {
	struct rtta_bus *bus;
	struct rtta_log_damper damper;   /* of messages that are no good */
	struct rtta_state *state;
	struct rtta_port *port;   /* interim text */
	struct watch *watches[RTTA_HUB_WATCHED_MAX];
	size_t count;
	struct rtta_hub_reader *readers;
	struct rtta_session_config config;
	struct rtta_hub_message *box, *nobody, *nobody_live;
	uint64_t box_version, lives;
	bool stirred;
	struct rtta_hub_counts counts;
	struct rtta_jtext text;   /* of a record, while it is made */
};

static struct rtta_hub_message *
message_of(const struct rtta_jtext *text, uint64_t seq)
{
	struct rtta_hub_message *message = rtta_xcalloc(1, sizeof(*message) + text->bytes + 1);

	message->seq = seq;
	message->bytes = text->bytes;
	memcpy(message->text, text->text, text->bytes);
	return message;
}

/* Takes value. */
static struct rtta_hub_message *
message_new(jv value)
{
	struct rtta_jtext text = {0};
	struct rtta_hub_message *message;

	rtta_jtext_value(&text, value);
	message = message_of(&text, 0);
	rtta_jtext_done(&text);
	return message;
}

static struct rtta_hub_message *
record_message(struct rtta_hub *hub, const struct rtta_record *record)
{
	hub->text.bytes = 0;
	rtta_record_json(record, &hub->text);
	return message_of(&hub->text, record->seq);
}

/* --- one watched session --- */

static void
watch_clear(struct watch *watch)
{
	for (size_t i = 0; i < watch->count; i++)
		free(watch->messages[i]);
	rtta_interim_clear(&watch->interim);
	free(watch->live);
	free(watch->state);
	rtta_transcript_free(watch->transcript);
	watch->count = 0;
	watch->live = watch->state = NULL;
	watch->transcript = NULL;
	watch->caught_up = watch->known = false;
}

/* Begin from nothing, also for those who are reading. */
static void
watch_begin(struct rtta_hub *hub, struct watch *watch)
{
	watch_clear(watch);
	watch->transcript = rtta_transcript_new(watch->id);
	watch->life = ++hub->lives;
	watch->stale = true;
	if (rtta_standing_keys(watch->transcript, hub->state, watch->id) > 0)
		watch->known = true;
	hub->stirred = true;
}

static void
watch_open_reader(struct rtta_hub *hub, struct watch *watch)
{
	char filter[sizeof("transcript.raw.") + RTTA_SESSION_ID_BYTES] = "transcript.raw.";

	rtta_reader_free(watch->reader);
	watch->reader = rtta_reader_new(hub->bus, "TEXT_STREAM", strcat(filter, watch->id),
	    RTTA_READER_ALL, 1);
	watch->resets = 0;
}

static struct watch *
watch_new(struct rtta_hub *hub, const char *id)
{
	struct watch *watch = rtta_xcalloc(1, sizeof(*watch));

	strcpy(watch->id, id);
	watch->idle_ms = rtta_clock_mono_ms();
	watch->hello = message_new(JV_OBJECT(jv_string("event"), jv_string("session"),
	    jv_string("session"), jv_string(id)));
	watch_begin(hub, watch);
	watch_open_reader(hub, watch);
	return watch;
}

static void
watch_free(struct watch *watch)
{
	watch_clear(watch);
	rtta_reader_free(watch->reader);
	free(watch->messages);
	free(watch->hello);
	free(watch);
}

static struct watch *
watch_find(const struct rtta_hub *hub, const char *id)
{
	for (size_t i = 0; i < hub->count; i++)
		if (strcmp(hub->watches[i]->id, id) == 0)
			return hub->watches[i];
	return NULL;
}

static void
watch_drop(struct rtta_hub *hub, size_t i)
{
	watch_free(hub->watches[i]);
	hub->watches[i] = hub->watches[--hub->count];
}

/* Room for one more: the one that has been idle longest goes. */
static bool
watch_make_room(struct rtta_hub *hub)
{
	size_t oldest = RTTA_HUB_WATCHED_MAX;

	if (hub->count < RTTA_HUB_WATCHED_MAX)
		return true;
	for (size_t i = 0; i < hub->count; i++) {
		struct watch *watch = hub->watches[i];

		if (watch->readers > 0 || strcmp(watch->id, hub->config.id) == 0)
			continue;
		if (oldest == RTTA_HUB_WATCHED_MAX ||
		    watch->idle_ms < hub->watches[oldest]->idle_ms)
			oldest = i;
	}
	if (oldest == RTTA_HUB_WATCHED_MAX)
		return false;
	watch_drop(hub, oldest);
	return true;
}

/* The session's watch, made if need be; NULL: too many. */
static struct watch *
watch_get(struct rtta_hub *hub, const char *id)
{
	struct watch *watch = watch_find(hub, id);

	if (watch != NULL || !watch_make_room(hub))
		return watch;
	return hub->watches[hub->count++] = watch_new(hub, id);
}

/* --- records --- */

static void
add_interim(struct rtta_hub *hub, struct watch *watch, const struct rtta_record *record)
{
	if (!rtta_interim_fresh(&watch->interim, record) ||
	    !rtta_interim_put(&watch->interim, record, record_message(hub, record)))
		return;
	hub->counts.interim++;
	hub->stirred = true;
}

static void
add_final(struct rtta_hub *hub, struct watch *watch, struct rtta_record *record)
{
	struct rtta_hub_message *message = record_message(hub, record);

	if (message->bytes > RTTA_HUB_MESSAGE_MAX_BYTES) {
		rtta_log_warn_damped(&hub->damper, "transcript.raw.%s: record of %zu bytes, limit %d",
		    watch->id, message->bytes, RTTA_HUB_MESSAGE_MAX_BYTES);
		free(message);
		return;
	}
	if (watch->count == watch->size) {
		watch->size = watch->size == 0 ? 256 : watch->size * 2;
		watch->messages = rtta_xreallocarray(watch->messages, watch->size,
		    sizeof(*watch->messages));
	}
	watch->messages[watch->count++] = message;
	rtta_interim_final(&watch->interim, record);
	rtta_transcript_take(watch->transcript, record);
	watch->known = watch->stale = true;
	hub->stirred = true;
}

/* Takes msg. */
static void
take_record(struct rtta_hub *hub, struct watch *watch, natsMsg *msg)
{
	struct rtta_record record;
	struct rtta_err err = {0};

	rtta_record_init(&record);
	if (rtta_record_decode(&record, msg, &err) < 0) {
		hub->counts.unreadable++;
		rtta_log_warn_damped(&hub->damper, "%s", err.text);
	} else if (record.is_final) {
		add_final(hub, watch, &record);
	}
	rtta_record_done(&record);
	natsMsg_Destroy(msg);
}

static void
take_interims(struct rtta_hub *hub)
{
	struct rtta_record record;
	natsMsg *msg;

	while ((msg = rtta_port_take(hub->port)) != NULL) {
		struct rtta_err err = {0};
		struct watch *watch;

		rtta_record_init(&record);
		if (rtta_record_decode(&record, msg, &err) == 0 && !record.is_final &&
		    (watch = watch_find(hub, record.session)) != NULL)
			add_interim(hub, watch, &record);
		rtta_record_done(&record);
		natsMsg_Destroy(msg);
	}
}

/* --- a session's state, as its readers hear it --- */

static void
watch_tell(struct rtta_hub *hub, struct watch *watch)
{
	free(watch->state);
	watch->state = message_new(rtta_summary_json(hub->state, &hub->config, watch->id,
	    watch->transcript));
	watch->state_version++;
	watch->stale = false;
	watch->told_ms = rtta_clock_mono_ms();
	hub->stirred = true;
}

/* Its state is worth telling at once. */
static void
touch(struct watch *watch)
{
	watch->stale = true;
	watch->told_ms = 0;
}

/* {"event":"live","seq":n}: all that was stored has been said. */
static void
watch_is_live(struct rtta_hub *hub, struct watch *watch)
{
	uint64_t seq = watch->count == 0 ? 0 : watch->messages[watch->count - 1]->seq;

	if (!watch->caught_up)
		touch(watch);
	watch->caught_up = true;
	watch->live_count = watch->count;
	free(watch->live);
	watch->live = message_new(JV_OBJECT(jv_string("event"), jv_string("live"),
	    jv_string("seq"), jv_number((double)seq)));
	hub->stirred = true;
}

/* Returns ms until it wants to be called. */
static int
watch_tick(struct rtta_hub *hub, struct watch *watch)
{
	int wait_ms = rtta_reader_tick(watch->reader), left = TAKE_MAX;
	int64_t told_ago_ms;
	natsMsg *msg = NULL;

	if (rtta_reader_resets(watch->reader) != watch->resets) {
		watch->resets = rtta_reader_resets(watch->reader);
		hub->counts.resets++;
		watch_begin(hub, watch);
	}
	while (left-- > 0 && (msg = rtta_reader_take(watch->reader)) != NULL)
		take_record(hub, watch, msg);
	if (msg != NULL)
		wait_ms = 0;  /* there is more: others first */
	if (!watch->caught_up && rtta_reader_caught_up(watch->reader))
		watch_is_live(hub, watch);
	told_ago_ms = rtta_clock_mono_ms() - watch->told_ms;
	if (watch->stale && (watch->state == NULL || told_ago_ms >= LEDGER_MS))
		watch_tell(hub, watch);
	else if (watch->stale && (wait_ms < 0 || LEDGER_MS - told_ago_ms < wait_ms))
		wait_ms = (int)(LEDGER_MS - told_ago_ms);
	return wait_ms;
}

/* --- the hub --- */

struct rtta_hub *
rtta_hub_new(struct rtta_bus *bus, struct rtta_state *state, struct rtta_err *err)
{
	struct rtta_hub *hub = rtta_xcalloc(1, sizeof(*hub));

	hub->bus = bus;
	hub->state = state;
	hub->nobody = message_new(JV_OBJECT(jv_string("event"), jv_string("session"),
	    jv_string("session"), jv_null()));
	hub->nobody_live = message_new(JV_OBJECT(jv_string("event"), jv_string("live"),
	    jv_string("seq"), jv_number(0)));
	hub->port = rtta_port_open(bus, INTERIM_PORT);
	if (rtta_port_subscribe(hub->port, "transcript.interim.*", err) < 0) {
		rtta_hub_free(hub);
		return NULL;
	}
	return hub;
}

void
rtta_hub_free(struct rtta_hub *hub)
{
	if (hub == NULL)
		return;
	while (hub->readers != NULL)
		rtta_hub_leave(hub->readers);
	while (hub->count > 0)
		watch_drop(hub, 0);
	rtta_port_close(hub->port);
	free(hub->box);
	free(hub->nobody);
	free(hub->nobody_live);
	rtta_jtext_done(&hub->text);
	free(hub);
}

void
rtta_hub_set_box(struct rtta_hub *hub, jv box)
{
	free(hub->box);
	hub->box = message_new(box);
	hub->box_version++;
	hub->stirred = true;
}

/* Let go of sessions that nobody has read for a while; not while the bus is
 * away, when they could not be had again. */
static void
drop_idle(struct rtta_hub *hub, int64_t now_ms)
{
	if (!rtta_bus_connected(hub->bus))
		return;
	for (size_t i = hub->count; i-- > 0;) {
		struct watch *watch = hub->watches[i];
		int64_t idle_ms = now_ms - watch->idle_ms;

		if (watch->readers == 0 && strcmp(watch->id, hub->config.id) != 0 &&
		    idle_ms > (watch->caught_up && !watch->known ? 0 : RTTA_HUB_IDLE_MS))
			watch_drop(hub, i);
	}
}

int
rtta_hub_tick(struct rtta_hub *hub)
{
	int64_t now_ms = rtta_clock_mono_ms();
	int wait_ms = RTTA_HUB_IDLE_MS;

	drop_idle(hub, now_ms);
	for (size_t i = 0; i < hub->count; i++) {
		int ms = watch_tick(hub, hub->watches[i]);

		if (ms >= 0 && ms < wait_ms)
			wait_ms = ms;
	}
	take_interims(hub);
	return wait_ms;
}

void
rtta_hub_change(struct rtta_hub *hub, const struct rtta_state_change *change)
{
	char what[16], id[RTTA_SESSION_ID_BYTES];
	struct rtta_err err = {0};
	struct watch *watch;
	const char *rest;

	if (rtta_session_key_parse(change->key, what, id, &rest) < 0 ||
	    (watch = watch_find(hub, id)) == NULL)
		return;
	touch(watch);
	if (change->deleted) {
		/* The session was deleted: what we hold of it goes, too. */
		watch_begin(hub, watch);
		watch_open_reader(hub, watch);
	} else if (change->readable) {
		watch->known = true;
		if (rtta_transcript_key(watch->transcript, change->key, change->value, &err) < 0)
			rtta_log_warn("key %s: %s", change->key, err.text);
	}
}

bool
rtta_hub_stored(struct rtta_hub *hub, jv subjects)
{
	char subject[sizeof("transcript.raw.") + RTTA_SESSION_ID_BYTES];
	bool again = false;

	for (size_t i = 0; i < hub->count; i++) {
		struct watch *watch = hub->watches[i];
		bool missed;

		strcat(strcpy(subject, "transcript.raw."), watch->id);
		missed = watch->count > 0 && watch->caught_up &&
		    !jv_object_has(jv_copy(subjects), jv_string(subject));
		if (missed && watch->missed) {
			watch_begin(hub, watch);
			watch_open_reader(hub, watch);
		}
		watch->missed = missed && !watch->missed;
		again = again || watch->missed;
	}
	return again;
}

void
rtta_hub_set_config(struct rtta_hub *hub, const struct rtta_session_config *config)
{
	struct watch *watch = watch_find(hub, hub->config.id);

	if (watch != NULL)
		touch(watch);
	hub->config = *config;
	watch = config->id[0] == '\0' ? NULL : watch_get(hub, config->id);
	if (watch != NULL) {
		watch->known = true;
		touch(watch);
	}
	hub->stirred = true;
}

bool
rtta_hub_stirred(struct rtta_hub *hub)
{
	bool stirred = hub->stirred;

	hub->stirred = false;
	return stirred;
}

/* --- readers --- */

/* The first message behind seq. */
static size_t
index_after(const struct watch *watch, uint64_t seq)
{
	size_t low = 0, high = watch->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (watch->messages[middle]->seq > seq)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* Turn to a session and start there behind `after`. */
static void
reader_turn(struct rtta_hub_reader *reader, struct watch *watch, uint64_t after)
{
	int64_t now_ms = rtta_clock_mono_ms();

	if (reader->watch != NULL) {
		reader->watch->readers--;
		reader->watch->idle_ms = now_ms;
	}
	reader->watch = watch;
	reader->after = after;
	reader->greeted = reader->live = false;
	reader->state_version = reader->interim_version = 0;
	if (watch != NULL) {
		watch->readers++;
		watch->idle_ms = now_ms;
		reader->life = watch->life;
		reader->at = index_after(watch, after);
	}
}

/* Go on to the next session, or begin again with one that began anew. */
static void
reader_sync(struct rtta_hub_reader *reader)
{
	struct rtta_hub *hub = reader->hub;

	if (reader->follow && hub->config.id[0] != '\0' &&
	    (reader->watch == NULL || strcmp(reader->watch->id, hub->config.id) != 0)) {
		struct watch *watch = watch_get(hub, hub->config.id);

		if (watch != NULL)
			reader_turn(reader, watch, 0);
	}
	if (reader->watch != NULL && reader->life != reader->watch->life)
		reader_turn(reader, reader->watch, 0);
}

struct rtta_hub_reader *
rtta_hub_join(struct rtta_hub *hub, const char *id, uint64_t after, bool follow)
{
	struct rtta_hub_reader *reader;
	struct watch *watch = NULL;

	if (id == NULL || id[0] == '\0') {
		id = hub->config.id;
		follow = true;
	}
	if (id[0] != '\0' && (watch = watch_get(hub, id)) == NULL)
		return NULL;
	reader = rtta_xcalloc(1, sizeof(*reader));
	reader->hub = hub;
	reader->follow = follow;
	reader->next = hub->readers;
	reader->link = &hub->readers;
	if (reader->next != NULL)
		reader->next->link = &reader->next;
	hub->readers = reader;
	hub->counts.readers++;
	reader_turn(reader, watch, after);
	return reader;
}

void
rtta_hub_leave(struct rtta_hub_reader *reader)
{
	if (reader == NULL)
		return;
	reader_turn(reader, NULL, 0);
	*reader->link = reader->next;
	if (reader->next != NULL)
		reader->next->link = reader->link;
	reader->hub->counts.readers--;
	free(reader);
}

static const struct rtta_hub_message *
next_of_watch(struct rtta_hub_reader *reader, struct watch *watch)
{
	const struct rtta_interim_text *interim;

	if (watch->state != NULL && reader->state_version != watch->state_version) {
		reader->state_version = watch->state_version;
		return watch->state;
	}
	if (reader->at < watch->count)
		return watch->messages[reader->at++];
	if (!watch->caught_up)
		return NULL;
	if (!reader->live) {
		reader->live = true;
		if (watch->live_count != watch->count)
			watch_is_live(reader->hub, watch);
		return watch->live;
	}
	interim = rtta_interim_after(&watch->interim, reader->interim_version);
	if (interim == NULL) {
		reader->interim_version = watch->interim.version;
		return NULL;
	}
	reader->interim_version = interim->version;
	return interim->text;
}

const struct rtta_hub_message *
rtta_hub_next(struct rtta_hub_reader *reader)
{
	struct rtta_hub *hub = reader->hub;
	const struct rtta_hub_message *message = NULL;

	reader_sync(reader);
	if (!reader->greeted) {
		reader->greeted = true;
		return reader->watch == NULL ? hub->nobody : reader->watch->hello;
	}
	if (hub->box != NULL && reader->box_version != hub->box_version) {
		reader->box_version = hub->box_version;
		return hub->box;
	}
	if (reader->watch != NULL) {
		message = next_of_watch(reader, reader->watch);
	} else if (!reader->live) {
		reader->live = true;
		message = hub->nobody_live;
	}
	return message;
}

bool
rtta_hub_pending(struct rtta_hub_reader *reader)
{
	struct rtta_hub *hub = reader->hub;
	struct watch *watch;

	reader_sync(reader);
	watch = reader->watch;
	if (!reader->greeted || reader->box_version != hub->box_version)
		return true;
	if (watch == NULL)
		return !reader->live;
	return (watch->state != NULL && reader->state_version != watch->state_version) ||
	    reader->at < watch->count ||
	    (watch->caught_up && (!reader->live ||
	    rtta_interim_after(&watch->interim, reader->interim_version) != NULL));
}

/* --- a session as a whole --- */

enum rtta_hub_answer
rtta_hub_transcript(struct rtta_hub *hub, const char *id,
    const struct rtta_transcript **transcript)
{
	struct watch *watch = watch_get(hub, id);

	if (watch == NULL)
		return RTTA_HUB_FULL;
	watch->idle_ms = rtta_clock_mono_ms();
	if (!watch->caught_up)
		return RTTA_HUB_LOADING;
	*transcript = watch->transcript;
	return watch->known ? RTTA_HUB_READY : RTTA_HUB_UNKNOWN;
}

jv
rtta_hub_ledger(struct rtta_hub *hub, const char *id)
{
	struct watch *watch = watch_find(hub, id);
	struct rtta_ledger ledger;

	if (watch == NULL || !watch->caught_up)
		return jv_invalid();
	rtta_ledger_count(&ledger, watch->transcript);
	return rtta_ledger_json(&ledger);
}

void
rtta_hub_metrics(const struct rtta_hub *hub, FILE *out)
{
	struct rtta_ledger_of *of = rtta_xcalloc(hub->count + 1, sizeof(*of));
	size_t count = 0;

	for (size_t i = 0; i < hub->count; i++) {
		const struct watch *watch = hub->watches[i];

		if (!watch->caught_up || !watch->known)
			continue;
		of[count].session = watch->id;
		rtta_ledger_count(&of[count++].ledger, watch->transcript);
	}
	rtta_ledger_metrics(out, of, count);
	free(of);
}

void
rtta_hub_counts(const struct rtta_hub *hub, struct rtta_hub_counts *counts)
{
	*counts = hub->counts;
	counts->watched = hub->count;
	for (size_t i = 0; i < hub->count; i++)
		counts->records += hub->watches[i]->count;
}

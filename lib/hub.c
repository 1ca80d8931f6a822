#include <stdlib.h>
#include <string.h>

#include "bus.h"
#include "clock.h"
#include "err.h"
#include "hub.h"
#include "ledger.h"
#include "mem.h"
#include "message.h"
#include "record.h"
#include "state.h"
#include "watch.h"

enum { INTERIM_PORT = 4096 };

struct rtta_hub {
	struct rtta_watch_site site;
	struct rtta_port *port;   /* interim text */
	struct rtta_watch *watches[RTTA_HUB_WATCHED_MAX];
	size_t count, listeners, max_bytes;
	struct rtta_message *box, *nobody, *nobody_live;
	uint64_t box_version;
};

struct rtta_hub *
rtta_hub_new(struct rtta_bus *bus, struct rtta_state *state, struct rtta_err *err)
{
	struct rtta_hub *hub = rtta_xcalloc(1, sizeof(*hub));

	hub->site.bus = bus;
	hub->site.state = state;
	hub->nobody = rtta_message_new(JV_OBJECT(jv_string("event"), jv_string("session"),
	    jv_string("session"), jv_null()));
	hub->nobody_live = rtta_message_new(JV_OBJECT(jv_string("event"), jv_string("live"),
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
	while (hub->count > 0)
		rtta_watch_free(hub->watches[--hub->count]);
	rtta_port_close(hub->port);
	free(hub->box);
	free(hub->nobody);
	free(hub->nobody_live);
	rtta_jtext_done(&hub->site.text);
	free(hub);
}

/* --- which are watched --- */

static struct rtta_watch *
find_watch(const struct rtta_hub *hub, const char *id)
{
	for (size_t i = 0; i < hub->count; i++)
		if (strcmp(hub->watches[i]->id, id) == 0)
			return hub->watches[i];
	return NULL;
}

static void
drop_watch(struct rtta_hub *hub, size_t i)
{
	rtta_watch_free(hub->watches[i]);
	hub->watches[i] = hub->watches[--hub->count];
}

static bool
may_go(const struct rtta_hub *hub, const struct rtta_watch *watch)
{
	return watch->listeners == 0 && strcmp(watch->id, hub->site.config.id) != 0;
}

/* Let go of the one that has been idle longest, since before_ms at least. */
static bool
drop_oldest(struct rtta_hub *hub, int64_t before_ms)
{
	size_t oldest = RTTA_HUB_WATCHED_MAX;

	for (size_t i = 0; i < hub->count; i++)
		if (may_go(hub, hub->watches[i]) && hub->watches[i]->idle_ms <= before_ms) {
			before_ms = hub->watches[i]->idle_ms;
			oldest = i;
		}
	if (oldest == RTTA_HUB_WATCHED_MAX)
		return false;
	drop_watch(hub, oldest);
	return true;
}

/* Room for one more. */
static bool
make_room(struct rtta_hub *hub)
{
	return hub->count < RTTA_HUB_WATCHED_MAX || drop_oldest(hub, INT64_MAX);
}

void
rtta_hub_set_ceiling(struct rtta_hub *hub, size_t max_bytes)
{
	hub->max_bytes = max_bytes;
}

static size_t
bytes_of(const struct rtta_hub *hub)
{
	size_t bytes = 0;

	for (size_t i = 0; i < hub->count; i++)
		bytes += hub->watches[i]->bytes;
	return bytes;
}

struct rtta_watch *
rtta_hub_watch(struct rtta_hub *hub, const char *id)
{
	struct rtta_watch *watch = find_watch(hub, id);

	if (watch != NULL || !make_room(hub))
		return watch;
	return hub->watches[hub->count++] = rtta_watch_new(&hub->site, id);
}

/* Let go of sessions that nobody has read for a while; not while the bus is
 * away, when they could not be had again. */
static void
drop_idle(struct rtta_hub *hub)
{
	int64_t now_ms = rtta_clock_mono_ms();

	if (!rtta_bus_connected(hub->site.bus))
		return;
	for (size_t i = hub->count; i-- > 0;) {
		struct rtta_watch *watch = hub->watches[i];

		if (may_go(hub, watch) && now_ms - watch->idle_ms >
		    (watch->caught_up && !watch->known ? 0 : RTTA_HUB_IDLE_MS))
			drop_watch(hub, i);
	}
	while (bytes_of(hub) > hub->max_bytes &&
	    drop_oldest(hub, now_ms - RTTA_HUB_ASKED_MS))
		;
}

/* --- what comes --- */

static void
take_interims(struct rtta_hub *hub)
{
	struct rtta_record record;
	natsMsg *msg;

	while ((msg = rtta_port_take(hub->port)) != NULL) {
		struct rtta_err err = {0};
		struct rtta_watch *watch;

		rtta_record_init(&record);
		if (rtta_record_decode(&record, msg, &err) == 0 && !record.is_final &&
		    (watch = find_watch(hub, record.session)) != NULL)
			rtta_watch_interim(watch, &record);
		rtta_record_done(&record);
		natsMsg_Destroy(msg);
	}
}

int
rtta_hub_tick(struct rtta_hub *hub)
{
	int wait_ms = RTTA_HUB_IDLE_MS;

	drop_idle(hub);
	for (size_t i = 0; i < hub->count; i++)
		wait_ms = rtta_clock_sooner(wait_ms, rtta_watch_tick(hub->watches[i]));
	take_interims(hub);
	return wait_ms;
}

void
rtta_hub_change(struct rtta_hub *hub, const struct rtta_state_change *change)
{
	char what[16], id[RTTA_SESSION_ID_BYTES];
	struct rtta_watch *watch;
	const char *rest;

	if (rtta_session_key_parse(change->key, what, id, &rest) == 0 &&
	    (watch = find_watch(hub, id)) != NULL)
		rtta_watch_key(watch, change);
}

bool
rtta_hub_stored(struct rtta_hub *hub, jv subjects)
{
	char subject[sizeof("transcript.raw.") + RTTA_SESSION_ID_BYTES];
	bool again = false;

	for (size_t i = 0; i < hub->count; i++) {
		struct rtta_watch *watch = hub->watches[i];
		bool missed;

		strcat(strcpy(subject, "transcript.raw."), watch->id);
		missed = watch->count > 0 && watch->caught_up &&
		    !jv_object_has(jv_copy(subjects), jv_string(subject));
		if (missed && watch->missed)
			rtta_watch_anew(watch);
		watch->missed = missed && !watch->missed;
		again = again || watch->missed;
	}
	return again;
}

void
rtta_hub_set_config(struct rtta_hub *hub, const struct rtta_session_config *config)
{
	struct rtta_watch *watch = find_watch(hub, hub->site.config.id);

	if (watch != NULL)
		rtta_watch_touch(watch);
	hub->site.config = *config;
	watch = config->id[0] == '\0' ? NULL : rtta_hub_watch(hub, config->id);
	if (watch != NULL) {
		watch->known = true;
		rtta_watch_touch(watch);
	}
	hub->site.stirred = true;
}

void
rtta_hub_set_box(struct rtta_hub *hub, jv box)
{
	free(hub->box);
	hub->box = rtta_message_new(box);
	hub->box_version++;
	hub->site.stirred = true;
}

/* --- what is asked --- */

bool
rtta_hub_stirred(struct rtta_hub *hub)
{
	bool stirred = hub->site.stirred;

	hub->site.stirred = false;
	return stirred;
}

const char *
rtta_hub_current(const struct rtta_hub *hub)
{
	return hub->site.config.id;
}

const struct rtta_message *
rtta_hub_box(const struct rtta_hub *hub, uint64_t *version)
{
	*version = hub->box_version;
	return hub->box;
}

const struct rtta_message *
rtta_hub_nobody(const struct rtta_hub *hub)
{
	return hub->nobody;
}

const struct rtta_message *
rtta_hub_nobody_live(const struct rtta_hub *hub)
{
	return hub->nobody_live;
}

void
rtta_hub_count_listener(struct rtta_hub *hub, int change)
{
	hub->listeners += (size_t)change;
}

enum rtta_hub_answer
rtta_hub_transcript(struct rtta_hub *hub, const char *id,
    const struct rtta_transcript **transcript, uint64_t *version)
{
	struct rtta_watch *watch = rtta_hub_watch(hub, id);

	if (watch == NULL)
		return RTTA_HUB_FULL;
	watch->idle_ms = rtta_clock_mono_ms();
	if (!watch->caught_up)
		return RTTA_HUB_LOADING;
	*transcript = watch->transcript;
	*version = watch->version;
	return watch->known ? RTTA_HUB_READY : RTTA_HUB_UNKNOWN;
}

jv
rtta_hub_ledger(struct rtta_hub *hub, const char *id)
{
	struct rtta_watch *watch = find_watch(hub, id);
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
		const struct rtta_watch *watch = hub->watches[i];

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
	*counts = (struct rtta_hub_counts){ .watched = hub->count, .readers = hub->listeners,
	    .interim = hub->site.interim, .resets = hub->site.resets,
	    .bytes = bytes_of(hub), .unreadable = hub->site.unreadable };
	for (size_t i = 0; i < hub->count; i++)
		counts->records += hub->watches[i]->count;
}

#include <stdlib.h>
#include <string.h>

#include "bus.h"
#include "clock.h"
#include "err.h"
#include "mem.h"
#include "message.h"
#include "reader.h"
#include "record.h"
#include "standing.h"
#include "state.h"
#include "summary.h"
#include "transcript.h"
#include "watch.h"

enum {
	TAKE_MAX = 4096,        /* records in one turn, then others again */
	SPENT_MAX = 16384,      /* messages that wait to be destroyed */
	SPENT_MAX_BYTES = 16 << 20,
	SPENT_EACH = 256,       /* of them in one turn: readers do not wait for it */
	SPENT_REST_MS = 200,    /* so long after the last of what was stored */
	RECORD_MORE_BYTES = 256, /* a record's pointers, and what malloc(3) adds */
	LEDGER_MS = 1000        /* a session's state is told again at most so often */
};

static void
watch_clear(struct rtta_watch *watch)
{
	for (size_t i = 0; i < watch->count; i++)
		free(watch->messages[i]);
	rtta_interim_clear(&watch->interim);
	free(watch->live);
	free(watch->state);
	rtta_transcript_free(watch->transcript);
	watch->count = watch->bytes = 0;
	watch->live = watch->state = NULL;
	watch->transcript = NULL;
	watch->caught_up = watch->known = false;
}

static void
watch_begin(struct rtta_watch *watch)
{
	watch_clear(watch);
	watch->transcript = rtta_transcript_new(watch->id);
	watch->life = ++watch->site->lives;
	watch->version = ++watch->site->versions;
	watch->stale = true;
	if (rtta_standing_keys(watch->transcript, watch->site->state, watch->id) > 0)
		watch->known = true;
	watch->site->stirred = true;
}

void
rtta_watch_anew(struct rtta_watch *watch)
{
	char filter[sizeof("transcript.raw.") + RTTA_SESSION_ID_BYTES] = "transcript.raw.";

	watch_begin(watch);
	rtta_reader_free(watch->reader);
	watch->reader = rtta_reader_new(watch->site->bus, "TEXT_STREAM",
	    strcat(filter, watch->id), RTTA_READER_ALL, 1);
	watch->resets = 0;
}

struct rtta_watch *
rtta_watch_new(struct rtta_watch_site *site, const char *id)
{
	struct rtta_watch *watch = rtta_xcalloc(1, sizeof(*watch));

	watch->site = site;
	strcpy(watch->id, id);
	watch->idle_ms = rtta_clock_mono_ms();
	watch->hello = rtta_message_new(JV_OBJECT(jv_string("event"), jv_string("session"),
	    jv_string("session"), jv_string(id)));
	rtta_watch_anew(watch);
	return watch;
}

void
rtta_watch_free(struct rtta_watch *watch)
{
	watch_clear(watch);
	rtta_reader_free(watch->reader);
	rtta_queue_done(&watch->spent);
	free(watch->messages);
	free(watch->hello);
	free(watch);
}

/* --- records --- */

static struct rtta_message *
message_of(struct rtta_watch *watch, const struct rtta_record *record)
{
	struct rtta_jtext *text = &watch->site->text;

	text->bytes = 0;
	rtta_record_json(record, text);
	return rtta_message_copy(text, record->seq);
}

void
rtta_watch_interim(struct rtta_watch *watch, const struct rtta_record *record)
{
	if (!rtta_interim_fresh(&watch->interim, record) ||
	    !rtta_interim_put(&watch->interim, record, message_of(watch, record)))
		return;
	watch->site->interim++;
	watch->site->stirred = true;
}

static void
add_final(struct rtta_watch *watch, struct rtta_record *record)
{
	struct rtta_message *message;

	rtta_record_pack(record);
	message = message_of(watch, record);
	if (message->bytes > RTTA_WATCH_MESSAGE_MAX_BYTES) {
		rtta_log_warn_damped(&watch->site->damper,
		    "transcript.raw.%s: record of %zu bytes, limit %d", watch->id,
		    message->bytes, RTTA_WATCH_MESSAGE_MAX_BYTES);
		free(message);
		return;
	}
	if (watch->count == watch->size) {
		watch->size = watch->size == 0 ? 256 : watch->size * 2;
		watch->messages = rtta_xreallocarray(watch->messages, watch->size,
		    sizeof(*watch->messages));
	}
	watch->messages[watch->count++] = message;
	/* What a record says is there twice: as message, and in the transcript. */
	watch->bytes += 2 * message->bytes + sizeof(*record) + RECORD_MORE_BYTES;
	rtta_interim_final(&watch->interim, record);
	rtta_transcript_take(watch->transcript, record);
	watch->version = ++watch->site->versions;
	watch->known = watch->stale = true;
	watch->site->stirred = true;
}

/* The oldest ones, at most so many. */
static void
destroy_spent(struct rtta_watch *watch, size_t max)
{
	natsMsg *msg;

	while (max-- > 0 && (msg = rtta_queue_pop(&watch->spent)) != NULL) {
		watch->spent_bytes -= (size_t)natsMsg_GetDataLength(msg);
		natsMsg_Destroy(msg);
	}
}

/*
 * Takes msg.  It is destroyed when the library is at rest, and the first
 * readers have their text: its thread allocates what comes next, and free(3)
 * would wait for that at each message.
 */
static void
spend(struct rtta_watch *watch, natsMsg *msg)
{
	watch->spent_bytes += (size_t)natsMsg_GetDataLength(msg);
	rtta_queue_push(&watch->spent, msg);
	if (watch->spent.count >= SPENT_MAX || watch->spent_bytes >= SPENT_MAX_BYTES)
		destroy_spent(watch, SIZE_MAX);
}

/* Returns ms until there is more of it to do. */
static int
clear_up(struct rtta_watch *watch)
{
	int64_t at_rest_ms = rtta_clock_mono_ms() - watch->caught_up_ms;

	if (at_rest_ms < SPENT_REST_MS)
		return (int)(SPENT_REST_MS - at_rest_ms);
	destroy_spent(watch, SPENT_EACH);
	return watch->spent.count > 0 ? 0 : -1;
}

/* Takes msg. */
static void
take_record(struct rtta_watch *watch, natsMsg *msg)
{
	struct rtta_record record;
	struct rtta_err err = {0};

	rtta_record_init(&record);
	if (rtta_record_decode(&record, msg, &err) < 0) {
		watch->site->unreadable++;
		rtta_log_warn_damped(&watch->site->damper, "%s", err.text);
	} else if (record.is_final) {
		add_final(watch, &record);
	}
	rtta_record_done(&record);
	spend(watch, msg);
}

/* --- its state, as readers hear it --- */

static void
tell_state(struct rtta_watch *watch)
{
	struct rtta_watch_site *site = watch->site;

	free(watch->state);
	watch->state = rtta_message_new(rtta_summary_json(site->state, &site->config, watch->id,
	    watch->transcript));
	watch->state_version++;
	watch->stale = false;
	watch->told_ms = rtta_clock_mono_ms();
	site->stirred = true;
}

void
rtta_watch_touch(struct rtta_watch *watch)
{
	watch->stale = true;
	watch->told_ms = 0;
}

void
rtta_watch_key(struct rtta_watch *watch, const struct rtta_state_change *change)
{
	struct rtta_err err = {0};

	rtta_watch_touch(watch);
	if (change->deleted) {
		/* The session was deleted: what we hold of it goes, too. */
		rtta_watch_anew(watch);
	} else if (change->readable) {
		watch->known = true;
		watch->version = ++watch->site->versions;
		if (rtta_transcript_key(watch->transcript, change->key, change->value, &err) < 0)
			rtta_log_warn("key %s: %s", change->key, err.text);
	}
}

const struct rtta_message *
rtta_watch_live(struct rtta_watch *watch)
{
	uint64_t seq = watch->count == 0 ? 0 : watch->messages[watch->count - 1]->seq;

	if (watch->live != NULL && watch->live_count == watch->count)
		return watch->live;
	free(watch->live);
	watch->live_count = watch->count;
	watch->live = rtta_message_new(JV_OBJECT(jv_string("event"), jv_string("live"),
	    jv_string("seq"), jv_number((double)seq)));
	return watch->live;
}

int
rtta_watch_tick(struct rtta_watch *watch)
{
	int wait_ms = rtta_reader_tick(watch->reader), left = TAKE_MAX;
	int64_t told_ago_ms;
	natsMsg *msg = NULL;

	if (rtta_reader_resets(watch->reader) != watch->resets) {
		watch->resets = rtta_reader_resets(watch->reader);
		watch->site->resets++;
		watch_begin(watch);
	}
	while (left-- > 0 && (msg = rtta_reader_take(watch->reader)) != NULL)
		take_record(watch, msg);
	if (msg != NULL)
		wait_ms = 0;  /* there is more: others first */
	if (!watch->caught_up && rtta_reader_caught_up(watch->reader)) {
		watch->caught_up = watch->site->stirred = true;
		watch->caught_up_ms = rtta_clock_mono_ms();
		rtta_watch_touch(watch);
	}
	if (watch->caught_up && watch->spent.count > 0)
		wait_ms = rtta_clock_sooner(wait_ms, clear_up(watch));
	told_ago_ms = rtta_clock_mono_ms() - watch->told_ms;
	if (watch->stale && (watch->state == NULL || told_ago_ms >= LEDGER_MS))
		tell_state(watch);
	else if (watch->stale && (wait_ms < 0 || LEDGER_MS - told_ago_ms < wait_ms))
		wait_ms = (int)(LEDGER_MS - told_ago_ms);
	return wait_ms;
}

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "bus.h"
#include "clock.h"
#include "err.h"
#include "json.h"
#include "log.h"
#include "mem.h"
#include "publisher.h"
#include "random.h"
#include "reader.h"
#include "state.h"
#include "state_parts.h"

enum {
	VALUE_MAX_BYTES = 65536,
	CHANGES_MAX = 1024,     /* more wait in the bus until these are taken */
	WINDOW = 16,
	BEHIND_MS = 250,        /* a delivery that is on its way is not missed */
	NO_STREAM = 10059       /* err_code of JetStream */
};

struct change {
	char *key;
	uint64_t revision;
	bool deleted, readable;
	jv value;
	struct change *next;
};

/* --- the copy --- */

/* Index of the first entry that is not before key. */
static size_t
position_of(const struct rtta_state *state, const char *key)
{
	size_t low = 0, high = state->count, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (strcmp(state->entries[middle]->key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct entry *
rtta_state_find(const struct rtta_state *state, const char *key)
{
	size_t i = position_of(state, key);

	return i < state->count && strcmp(state->entries[i]->key, key) == 0 ?
	    state->entries[i] : NULL;
}

static struct entry *
find_or_add(struct rtta_state *state, const char *key)
{
	struct entry *entry = rtta_state_find(state, key);
	size_t i;

	if (entry != NULL)
		return entry;
	if (state->count == state->size) {
		state->size = state->size ? state->size * 2 : 32;
		state->entries = rtta_xreallocarray(state->entries, state->size,
		    sizeof(state->entries[0]));
	}
	i = position_of(state, key);
	memmove(&state->entries[i + 1], &state->entries[i],
	    (state->count - i) * sizeof(state->entries[0]));
	entry = rtta_xcalloc(1, sizeof(*entry));
	entry->key = rtta_xstrdup(key);
	entry->deleted = true;
	entry->value = jv_invalid();
	state->entries[i] = entry;
	state->count++;
	return entry;
}

static void
tell(struct rtta_state *state, const struct entry *entry)
{
	struct change *change = rtta_xcalloc(1, sizeof(*change));

	change->key = rtta_xstrdup(entry->key);
	change->revision = entry->revision;
	change->deleted = entry->deleted;
	change->readable = entry->readable;
	change->value = jv_copy(entry->value);
	*state->changes_end = change;
	state->changes_end = &change->next;
	state->changes_count++;
}

void
rtta_state_remove(struct rtta_state *state, struct entry *entry)
{
	jv_free(entry->value);
	entry->value = jv_invalid();
	entry->revision = 0;
	entry->write = 0;
	entry->readable = false;
	entry->stale = false;
	if (!entry->deleted) {
		entry->deleted = true;
		tell(state, entry);
	}
}

static void
apply(struct rtta_state *state, natsMsg *msg)
{
	const char *subject = natsMsg_GetSubject(msg);
	const char *operation = rtta_header(msg, "KV-Operation");
	struct rtta_err err = {0};
	struct rtta_meta meta;
	struct entry *entry;

	if (rtta_meta_read(msg, &meta) != 0 ||
	    strncmp(subject, SUBJECT, strlen(SUBJECT)) != 0)
		return;
	state->applied_seq = meta.stream_seq;
	entry = find_or_add(state, subject + strlen(SUBJECT));
	jv_free(entry->value);
	entry->value = jv_invalid();
	entry->revision = meta.stream_seq;
	entry->stored_ns = meta.stored_ns;
	entry->write = rtta_state_own_number(state, msg);
	entry->stale = false;
	entry->deleted = operation != NULL && strcmp(operation, "PUT") != 0;
	if (!entry->deleted)
		entry->value = rtta_json_object(entry->key, natsMsg_GetData(msg),
		    (size_t)natsMsg_GetDataLength(msg), VALUE_MAX_BYTES, &err);
	entry->readable = jv_is_valid(entry->value);
	if (!entry->deleted && !entry->readable) {
		jv_free(entry->value);
		entry->value = jv_invalid_with_msg(jv_string(err.text));
		/* Who reads this one says what he does about it. */
		if (strcmp(entry->key, "session_config") != 0)
			rtta_log_warn("%s", err.text);
	}
	tell(state, entry);
}

static void
follow(struct rtta_state *state)
{
	natsMsg *msg;
	size_t i;

	while ((state->changes_count < CHANGES_MAX || !state->loaded) &&
	    (msg = rtta_reader_take(state->reader)) != NULL) {
		apply(state, msg);
		natsMsg_Destroy(msg);
	}
	if (!rtta_reader_caught_up(state->reader))
		return;
	state->loaded = true;
	for (i = 0; state->sweeping && i < state->count; i++)
		if (state->entries[i]->stale)
			rtta_state_remove(state, state->entries[i]);
	state->sweeping = false;
}

/* Another bucket: its entries come, and what is then still old has gone. */
static void
notice_reset(struct rtta_state *state)
{
	size_t i;

	if (rtta_reader_resets(state->reader) == state->resets)
		return;
	state->resets = rtta_reader_resets(state->reader);
	for (i = 0; i < state->count; i++)
		state->entries[i]->stale = true;
	state->sweeping = true;
	state->applied_seq = state->target_seq = state->renewed_seq = 0;
	state->behind_ms = 0;
}

/* --- the slow poll --- */

static void
take_poll(struct rtta_state *state, const struct rtta_answer *answer)
{
	jv info, created;
	int64_t last_seq = 0;
	bool other;

	state->poll_ms = rtta_clock_mono_ms() + POLL_MS;
	if (answer->error == NO_STREAM)
		rtta_reader_renew(state->reader);
	if (answer->error != 0)
		return;
	info = jv_object_get(jv_copy(answer->body), jv_string("state"));
	created = jv_object_get(jv_copy(answer->body), jv_string("created"));
	if (jv_get_kind(info) == JV_KIND_OBJECT)
		rtta_json_int(STREAM, info, "last_seq", 0, INT64_MAX, &last_seq,
		    &(struct rtta_err){0});
	if (jv_get_kind(created) == JV_KIND_STRING) {
		other = state->created[0] != '\0' && strncmp(state->created,
		    jv_string_value(created), sizeof(state->created) - 1) != 0;
		snprintf(state->created, sizeof(state->created), "%s",
		    jv_string_value(created));
		if (other || (uint64_t)last_seq < state->applied_seq)
			rtta_reader_renew(state->reader);
	}
	state->target_seq = (uint64_t)last_seq;
	jv_free(created);
	jv_free(info);
}

static int
poll_bucket(struct rtta_state *state)
{
	int64_t now_ms = rtta_clock_mono_ms();

	if (state->poll_ms != 0 && now_ms >= state->poll_ms) {
		rtta_api_ask(state->api, "STREAM.INFO." STREAM, jv_invalid(),
		    ANSWER_MS, NULL);
		state->poll_ms = 0;
	}
	/* What was deleted before it came never will: one renewal is enough. */
	if (!state->loaded || state->target_seq <= state->applied_seq ||
	    state->target_seq == state->renewed_seq)
		state->behind_ms = 0;
	else if (state->behind_ms == 0)
		state->behind_ms = now_ms;
	else if (now_ms - state->behind_ms >= BEHIND_MS) {
		state->renewed_seq = state->target_seq;
		rtta_reader_renew(state->reader);
	}
	if (state->behind_ms != 0)
		return BEHIND_MS;
	return state->poll_ms == 0 ? -1 : (int)(state->poll_ms - now_ms);
}

static void
take_answers(struct rtta_state *state)
{
	struct rtta_answer answer;
	struct rtta_puback ack;

	while (rtta_publisher_next(state->publisher, &ack))
		rtta_state_take_puback(state, &ack);
	while (rtta_api_next(state->api, &answer)) {
		if (answer.tag == NULL)
			take_poll(state, &answer);
		else
			rtta_state_take_standing(state, &answer);
		jv_free(answer.body);
	}
}

/* --- the module's face --- */

struct rtta_state *
rtta_state_new(struct rtta_bus *bus)
{
	struct rtta_state *state = rtta_xcalloc(1, sizeof(*state));

	state->bus = bus;
	state->reader = rtta_reader_new(bus, STREAM, SUBJECT ">",
	    RTTA_READER_LAST_PER_SUBJECT, 1);
	state->publisher = rtta_publisher_new(bus, WINDOW);
	state->api = rtta_api_new(bus);
	state->changes_end = &state->changes;
	state->results_end = &state->results;
	state->poll_ms = rtta_clock_mono_ms() + POLL_MS;
	state->nonce = rtta_random();
	return state;
}

void
rtta_state_free(struct rtta_state *state)
{
	struct rtta_state_change change;
	size_t i;

	if (state == NULL)
		return;
	while (rtta_state_next(state, &change))
		jv_free(change.value);
	rtta_state_free_writes(state);
	for (i = 0; i < state->count; i++) {
		jv_free(state->entries[i]->value);
		free(state->entries[i]->key);
		free(state->entries[i]);
	}
	free(state->entries);
	free(state->said_key);
	rtta_api_free(state->api);
	rtta_publisher_free(state->publisher);
	rtta_reader_free(state->reader);
	free(state);
}

int
rtta_state_tick(struct rtta_state *state)
{
	int wait_ms = rtta_reader_tick(state->reader);

	notice_reset(state);
	follow(state);
	rtta_publisher_pump(state->publisher);
	take_answers(state);
	wait_ms = rtta_clock_sooner(wait_ms, rtta_state_settle_writes(state));
	wait_ms = rtta_clock_sooner(wait_ms, poll_bucket(state));
	wait_ms = rtta_clock_sooner(wait_ms, rtta_publisher_pump(state->publisher));
	wait_ms = rtta_clock_sooner(wait_ms, rtta_api_wait_ms(state->api));
	return state->loaded && state->changes_count >= CHANGES_MAX ? 0 : wait_ms;
}

bool
rtta_state_loaded(const struct rtta_state *state)
{
	return state->loaded;
}

int
rtta_state_next(struct rtta_state *state, struct rtta_state_change *change)
{
	struct change *first = state->changes;

	if (first == NULL)
		return 0;
	state->changes = first->next;
	if (state->changes == NULL)
		state->changes_end = &state->changes;
	state->changes_count--;
	free(state->said_key);
	state->said_key = first->key;
	change->key = first->key;
	change->revision = first->revision;
	change->deleted = first->deleted;
	change->readable = first->readable;
	change->value = first->value;
	free(first);
	return 1;
}

jv
rtta_state_get(const struct rtta_state *state, const char *key,
    uint64_t *revision)
{
	const struct entry *entry = rtta_state_find(state, key);

	if (revision != NULL)
		*revision = entry != NULL ? entry->revision : 0;
	return entry != NULL ? jv_copy(entry->value) : jv_invalid();
}

int64_t
rtta_state_stored_ns(const struct rtta_state *state, const char *key)
{
	const struct entry *entry = rtta_state_find(state, key);

	return entry != NULL && !entry->deleted ? entry->stored_ns : 0;
}

int64_t
rtta_state_server_ns(const struct rtta_state *state)
{
	return rtta_reader_server_ns(state->reader);
}

const char *
rtta_state_key(const struct rtta_state *state, const char *prefix, size_t *at)
{
	size_t i = *at != 0 ? *at : position_of(state, prefix);

	for (; i < state->count; i++) {
		if (strncmp(state->entries[i]->key, prefix,
		    strlen(prefix)) != 0)
			break;
		if (state->entries[i]->deleted)
			continue;
		*at = i + 1;
		return state->entries[i]->key;
	}
	*at = state->count ? state->count : 1;
	return NULL;
}

/* --- waiting --- */

static bool
is_settled(const struct rtta_state *state)
{
	return state->writes == NULL;
}

static int
wait_until(struct rtta_state *state, bool (*done)(const struct rtta_state *),
    int timeout_ms, struct rtta_err *err)
{
	int64_t deadline_ms = rtta_clock_mono_ms() + timeout_ms, left_ms;
	struct pollfd fd = { .fd = rtta_bus_fd(state->bus), .events = POLLIN };
	int wait_ms;

	while (wait_ms = rtta_state_tick(state), !done(state)) {
		left_ms = deadline_ms - rtta_clock_mono_ms();
		if (left_ms <= 0)
			return rtta_err_set(err, EX_TEMPFAIL,
			    "%s: no answer for %d s", rtta_bus_url(state->bus),
			    timeout_ms / 1000);
		poll(&fd, 1, rtta_clock_sooner(wait_ms, (int)left_ms));
		if (rtta_bus_wake(state->bus, err) != 0)
			return -1;
	}
	return 0;
}

int
rtta_state_load(struct rtta_state *state, int timeout_ms, struct rtta_err *err)
{
	struct rtta_err failure = {0};
	int error;

	jv_free(rtta_api_call(state->bus, "STREAM.INFO." STREAM, jv_invalid(),
	    timeout_ms, &error, &failure));
	if (error == NO_STREAM)
		return rtta_err_set(err, EX_UNAVAILABLE, "%s: no bucket "
		    "system_state: rtta-streams init makes it",
		    rtta_bus_url(state->bus));
	if (error != 0)
		return rtta_err_set(err, failure.exit_code, "%s: %s",
		    rtta_bus_url(state->bus), error == 503 ?
		    "JetStream is not enabled there" : failure.text);
	return wait_until(state, rtta_state_loaded, timeout_ms, err);
}

int
rtta_state_settle(struct rtta_state *state, int timeout_ms, struct rtta_err *err)
{
	return wait_until(state, is_settled, timeout_ms, err);
}

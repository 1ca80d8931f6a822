#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "clock.h"
#include "err.h"
#include "json.h"
#include "log.h"
#include "mem.h"
#include "msg.h"
#include "publisher.h"
#include "state.h"
#include "state_parts.h"

enum {
	WRONG_SEQUENCE = 10071,  /* err_codes of JetStream */
	NO_MESSAGE = 10037
};

enum write_kind { WRITE_PUT, WRITE_CREATE, WRITE_PURGE };

enum write_step {
	WRITE_SENT,     /* the publisher has it */
	WRITE_REFUSED,  /* another revision stands: which one? */
	WRITE_ASKED,
	WRITE_WAITS     /* until the copy has revision `stands` */
};

struct write {
	uint64_t number;
	char *key;
	jv value;
	enum write_kind kind;
	enum write_step step;
	uint64_t revision, stands;
	unsigned attempt;
	int64_t due_ms;
	struct write *next;
};

struct result {
	struct rtta_state_result said;
	struct result *next;
};

uint64_t
rtta_state_own_number(const struct rtta_state *state, natsMsg *msg)
{
	const char *id = rtta_header(msg, "Nats-Msg-Id");
	char nonce[24];

	snprintf(nonce, sizeof(nonce), "%016" PRIx64 "-", state->nonce);
	if (id == NULL || strncmp(id, nonce, strlen(nonce)) != 0)
		return 0;
	return strtoull(id + strlen(nonce), NULL, 10);
}

static void
send_write(struct rtta_state *state, struct write *write)
{
	char *subject = rtta_xasprintf(SUBJECT "%s", write->key);
	char *text = write->kind == WRITE_PURGE ? rtta_xstrdup("") :
	    rtta_json_text(jv_copy(write->value), false);
	natsMsg *msg = rtta_msg_new(subject, text, (int)strlen(text));
	char header[80];

	snprintf(header, sizeof(header), "%016" PRIx64 "-%" PRIu64 "-%u",
	    state->nonce, write->number, write->attempt++);
	rtta_msg_header(msg, "Nats-Msg-Id", header);
	if (write->kind == WRITE_PURGE) {
		rtta_msg_header(msg, "KV-Operation", "PURGE");
		rtta_msg_header(msg, "Nats-Rollup", "sub");
	} else {
		snprintf(header, sizeof(header), "%" PRIu64, write->revision);
		rtta_msg_header(msg, "Nats-Expected-Last-Subject-Sequence",
		    header);
	}
	write->step = WRITE_SENT;
	rtta_publisher_put(state->publisher, msg,
	    (void *)(uintptr_t)write->number);
	free(text);
	free(subject);
}

static uint64_t
new_write(struct rtta_state *state, enum write_kind kind, const char *key,
    jv value, uint64_t revision)
{
	struct write *write = rtta_xcalloc(1, sizeof(*write)), **end;

	write->number = ++state->last_number;
	write->kind = kind;
	write->key = rtta_xstrdup(key);
	write->value = value;
	write->revision = revision;
	for (end = &state->writes; *end != NULL; end = &(*end)->next)
		;
	*end = write;
	send_write(state, write);
	return write->number;
}

static struct write *
find_write(const struct rtta_state *state, uint64_t number)
{
	struct write *write = state->writes;

	while (write != NULL && write->number != number)
		write = write->next;
	return write;
}

static void
free_write(struct write *write)
{
	jv_free(write->value);
	free(write->key);
	free(write);
}

static void
finish(struct rtta_state *state, struct write *write,
    enum rtta_state_outcome outcome)
{
	struct result *result = rtta_xcalloc(1, sizeof(*result));
	struct write **at = &state->writes;

	result->said.number = write->number;
	result->said.outcome = outcome;
	snprintf(result->said.key, sizeof(result->said.key), "%s", write->key);
	*state->results_end = result;
	state->results_end = &result->next;
	while (*at != write)
		at = &(*at)->next;
	*at = write->next;
	free_write(write);
}

static void
wait_for_copy(struct write *write, uint64_t stands)
{
	write->step = WRITE_WAITS;
	write->stands = stands;
	write->due_ms = rtta_clock_mono_ms() + POLL_MS;
}

void
rtta_state_take_puback(struct rtta_state *state, const struct rtta_puback *ack)
{
	struct write *write = find_write(state, (uint64_t)(uintptr_t)ack->tag);

	if (write == NULL)
		return;
	if (ack->error == 0) {
		finish(state, write, RTTA_STATE_STORED);
	} else if (ack->error != WRONG_SEQUENCE) {
		rtta_log_warn("%s: not stored (%d)", write->key, ack->error);
		finish(state, write, RTTA_STATE_REFUSED);
	} else if (ack->last_seq != 0) {
		wait_for_copy(write, ack->last_seq);
	} else {
		write->step = WRITE_REFUSED;
		write->due_ms = 0;
	}
}

/* Nothing stands where we expected something. */
static void
settle_absent(struct rtta_state *state, struct write *write)
{
	struct entry *entry = rtta_state_find(state, write->key);

	if (entry != NULL)
		rtta_state_remove(state, entry);
	if (write->kind == WRITE_CREATE) {
		write->revision = 0;
		send_write(state, write);
	} else
		finish(state, write, RTTA_STATE_REFUSED);
}

void
rtta_state_take_standing(struct rtta_state *state, const struct rtta_answer *answer)
{
	struct write *write = find_write(state, (uint64_t)(uintptr_t)answer->tag);
	jv message;
	int64_t seq = 0;

	if (write == NULL)
		return;
	write->step = WRITE_REFUSED;
	write->due_ms = rtta_clock_mono_ms() + POLL_MS;
	if (answer->error == NO_MESSAGE)
		settle_absent(state, write);
	if (answer->error != 0)
		return;
	message = jv_object_get(jv_copy(answer->body), jv_string("message"));
	if (jv_get_kind(message) == JV_KIND_OBJECT)
		rtta_json_int(STREAM, message, "seq", 1, INT64_MAX, &seq,
		    &(struct rtta_err){0});
	jv_free(message);
	if (seq > 0)
		wait_for_copy(write, (uint64_t)seq);
}

static void
ask_standing(struct rtta_state *state, struct write *write)
{
	jv body = JV_OBJECT(jv_string("last_by_subj"),
	    jv_string_fmt(SUBJECT "%s", write->key));

	write->step = WRITE_ASKED;
	rtta_api_ask(state->api, "STREAM.MSG.GET." STREAM, body, ANSWER_MS,
	    (void *)(uintptr_t)write->number);
}

/* The copy has what stands: compare. */
static void
settle(struct rtta_state *state, struct write *write, struct entry *entry)
{
	if (entry->write == write->number) {
		finish(state, write, RTTA_STATE_STORED);
	} else if (entry->deleted && write->kind == WRITE_CREATE) {
		write->revision = entry->revision;
		send_write(state, write);
	} else if (entry->readable &&
	    jv_equal(jv_copy(entry->value), jv_copy(write->value))) {
		finish(state, write, RTTA_STATE_STORED);
	} else
		finish(state, write, RTTA_STATE_REFUSED);
}

int
rtta_state_settle_writes(struct rtta_state *state)
{
	int64_t now_ms = rtta_clock_mono_ms(), wait_ms = -1;
	struct write *write, *next;
	struct entry *entry;

	for (write = state->writes; write != NULL; write = next) {
		next = write->next;
		if (write->step == WRITE_WAITS) {
			entry = rtta_state_find(state, write->key);
			if (entry != NULL && !entry->stale &&
			    entry->revision >= write->stands) {
				settle(state, write, entry);
				continue;
			}
		}
		if (write->step == WRITE_SENT || write->step == WRITE_ASKED)
			continue;
		if (now_ms >= write->due_ms)
			ask_standing(state, write);
		else if (wait_ms < 0 || write->due_ms - now_ms < wait_ms)
			wait_ms = write->due_ms - now_ms;
	}
	return (int)wait_ms;
}

void
rtta_state_free_writes(struct rtta_state *state)
{
	struct rtta_state_result result;
	struct write *write;

	while (rtta_state_result(state, &result))
		;
	while ((write = state->writes) != NULL) {
		state->writes = write->next;
		free_write(write);
	}
}

/* --- the module's face --- */

uint64_t
rtta_state_put(struct rtta_state *state, const char *key, jv value,
    uint64_t revision)
{
	return new_write(state, WRITE_PUT, key, value, revision);
}

uint64_t
rtta_state_create(struct rtta_state *state, const char *key, jv value)
{
	const struct entry *entry = rtta_state_find(state, key);

	/* Above a deletion's marker, a key is created at its revision. */
	return new_write(state, WRITE_CREATE, key, value,
	    entry != NULL && entry->deleted ? entry->revision : 0);
}

uint64_t
rtta_state_purge(struct rtta_state *state, const char *key)
{
	return new_write(state, WRITE_PURGE, key, jv_invalid(), 0);
}

int
rtta_state_result(struct rtta_state *state, struct rtta_state_result *result)
{
	struct result *first = state->results;

	if (first == NULL)
		return 0;
	*result = first->said;
	state->results = first->next;
	if (state->results == NULL)
		state->results_end = &state->results;
	free(first);
	return 1;
}

size_t
rtta_state_pending(const struct rtta_state *state)
{
	const struct write *write;
	size_t pending = 0;

	for (write = state->writes; write != NULL; write = write->next)
		pending++;
	return pending;
}

#include <inttypes.h>
#include <jv.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "puller_parts.h"
#include "random.h"

enum {
	API_MS = 3000,
	IDLE_MS = 2000,          /* without a request for so long: nobody reads */
	ACK_WAIT_S = 86400
};

void
rtta_puller_say(struct rtta_puller *p, bool is_warning, const char *fmt, ...)
{
	char text[sizeof(p->said)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (strcmp(text, p->said) == 0)
		return;
	memcpy(p->said, text, sizeof(text));
	if (is_warning)
		rtta_log_warn("%s: %s", p->filter, text);
	else
		rtta_log_info("%s: %s", p->filter, text);
}

static void
rest(struct rtta_puller *p, int ms)
{
	p->step = STEP_REST;
	p->due_ms = rtta_clock_mono_ms() + ms;
}

/* What we hold and what we asked for is void. */
static void
drop_all(struct rtta_puller *p)
{
	rtta_queue_done(&p->queue);
	memset(p->requests, 0, sizeof(p->requests));
	p->limit_asked = 0;
}

void
rtta_puller_lose(struct rtta_puller *p, const char *why)
{
	rtta_puller_say(p, true, "%s: %s, waiting", p->own, why);
	p->own[0] = '\0';
	drop_all(p);
	rest(p, RTTA_LOOK_MS);
}

void
rtta_puller_begin(struct rtta_puller *p)
{
	p->idle[0] = '\0';
	drop_all(p);
	rest(p, 0);
}

bool
rtta_puller_owns(const struct rtta_puller *p)
{
	return p->step == STEP_PULL || p->step == STEP_CHECK;
}

static void __attribute__((format(printf, 4, 5)))
ask(struct rtta_puller *p, enum step step, jv body, const char *fmt, ...)
{
	char what[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	p->step = step;
	p->asked = rtta_api_ask(p->api, what, body, API_MS, NULL);
}

void
rtta_puller_look(struct rtta_puller *p, enum step step)
{
	ask(p, step, JV_OBJECT(jv_string("offset"), jv_number(0)), "CONSUMER.LIST.%s",
	    p->stream);
}

static void
ask_delete(struct rtta_puller *p, const char *name)
{
	snprintf(p->victim, sizeof(p->victim), "%s", name);
	ask(p, STEP_DELETE, jv_invalid(), "CONSUMER.DELETE.%s.%s", p->stream, p->victim);
}

void
rtta_puller_anew(struct rtta_puller *p)
{
	drop_all(p);
	ask_delete(p, p->own);
}

static jv
durable_config(const struct rtta_puller *p, int limit)
{
	jv config = JV_OBJECT(jv_string("durable_name"), jv_string(p->own),
	    jv_string("deliver_policy"), jv_string("all"),
	    jv_string("ack_policy"), jv_string("explicit"));

	config = jv_object_set(config, jv_string("ack_wait"), jv_number(ACK_WAIT_S * 1e9));
	config = jv_object_set(config, jv_string("max_deliver"), jv_number(-1));
	config = jv_object_set(config, jv_string("max_ack_pending"), jv_number(limit));
	config = jv_object_set(config, jv_string("filter_subject"), jv_string(p->filter));
	config = jv_object_set(config, jv_string("replay_policy"), jv_string("instant"));
	return JV_OBJECT(jv_string("stream_name"), jv_string(p->stream),
	    jv_string("config"), config);
}

static void
ask_create(struct rtta_puller *p)
{
	snprintf(p->own, sizeof(p->own), "%.48s-%08" PRIx32, p->prefix,
	    (uint32_t)rtta_random());
	p->limit = p->limit_wanted;
	ask(p, STEP_CREATE, durable_config(p, p->limit), "CONSUMER.DURABLE.CREATE.%s.%s",
	    p->stream, p->own);
}

/* One who pauses stays the owner: requests stay open, but the server gives
 * nothing for them while more is unacknowledged than this. */
void
rtta_puller_set_limit(struct rtta_puller *p)
{
	char what[256];

	if (p->limit == p->limit_wanted || p->limit_asked != 0)
		return;
	p->limit = p->limit_wanted;
	snprintf(what, sizeof(what), "CONSUMER.DURABLE.CREATE.%s.%s", p->stream, p->own);
	p->limit_asked = rtta_api_ask(p->api, what, durable_config(p, p->limit), API_MS, NULL);
}

static bool
is_of_lane(const struct rtta_puller *p, const char *name)
{
	size_t length = strlen(p->prefix);

	return strncmp(name, p->prefix, length) == 0 && name[length] == '-' &&
	    strlen(name + length + 1) == 8 &&
	    strspn(name + length + 1, "0123456789abcdef") == 8;
}

struct sight {
	char other[RTTA_PULLER_NAME_BYTES];  /* a durable of the lane that is not ours */
	char stranger[RTTA_PULLER_NAME_BYTES];
	int waiting;             /* its open requests */
	bool own;                /* ours stands */
};

/* A work queue allows no second consumer of a subject. */
static bool
is_in_the_way(const struct rtta_puller *p, jv consumer)
{
	jv config = jv_object_get(consumer, jv_string("config"));
	jv filter = jv_get_kind(config) == JV_KIND_OBJECT ?
	    jv_object_get(config, jv_string("filter_subject")) : config;
	const char *theirs = jv_get_kind(filter) == JV_KIND_STRING ? jv_string_value(filter) : "";
	size_t bytes = strcspn(theirs, "*>"), own_bytes = strcspn(p->filter, "*>");
	bool is = strncmp(theirs, p->filter, bytes < own_bytes ? bytes : own_bytes) == 0;

	jv_free(filter);
	return is;
}

static void
look_at(const struct rtta_puller *p, jv consumer, struct sight *sight)
{
	bool in_the_way = is_in_the_way(p, jv_copy(consumer));
	jv name = jv_object_get(jv_copy(consumer), jv_string("name"));
	jv waiting = jv_object_get(consumer, jv_string("num_waiting"));
	int count = jv_get_kind(waiting) == JV_KIND_NUMBER ? (int)jv_number_value(waiting) : 0;
	const char *text = jv_get_kind(name) == JV_KIND_STRING ? jv_string_value(name) : "";

	if (is_of_lane(p, text)) {
		if (strcmp(text, p->own) == 0)
			sight->own = true;
		else if (sight->other[0] == '\0' || count > sight->waiting) {
			snprintf(sight->other, sizeof(sight->other), "%s", text);
			sight->waiting = count;
		}
	} else if (in_the_way) {
		snprintf(sight->stranger, sizeof(sight->stranger), "%s", text);
	}
	jv_free(waiting);
	jv_free(name);
}

static struct sight
look(const struct rtta_puller *p, jv body)
{
	jv list = jv_object_get(jv_copy(body), jv_string("consumers"));
	struct sight sight = { 0 };
	int i, count;

	if (jv_get_kind(list) == JV_KIND_ARRAY) {
		count = jv_array_length(jv_copy(list));
		for (i = 0; i < count; i++) {
			jv consumer = jv_array_get(jv_copy(list), i);

			if (jv_get_kind(consumer) == JV_KIND_OBJECT)
				look_at(p, consumer, &sight);
			else
				jv_free(consumer);
		}
	}
	jv_free(list);
	return sight;
}

/* Seen without a request twice, IDLE_MS apart? */
static bool
is_left(struct rtta_puller *p, const struct sight *sight)
{
	int64_t now_ms = rtta_clock_mono_ms();

	if (sight->waiting > 0) {
		p->idle[0] = '\0';
		return false;
	}
	if (strcmp(p->idle, sight->other) == 0)
		return now_ms - p->idle_ms >= IDLE_MS;
	memcpy(p->idle, sight->other, sizeof(p->idle));
	p->idle_ms = now_ms;
	return false;
}

static void
decide(struct rtta_puller *p, jv body)
{
	struct sight sight = look(p, body);

	memcpy(p->stranger, sight.stranger, sizeof(p->stranger));
	if (sight.own) {
		ask_delete(p, p->own);
	} else if (sight.other[0] == '\0') {
		ask_create(p);
	} else if (is_left(p, &sight)) {
		ask_delete(p, sight.other);
	} else {
		p->own[0] = '\0';
		if (p->idle[0] == '\0')
			rtta_puller_say(p, false, "read by %s, waiting", sight.other);
		rest(p, p->idle[0] == '\0' ? RTTA_LOOK_MS : IDLE_MS);
	}
}

static void
own_it(struct rtta_puller *p, jv body)
{
	jv pending = jv_object_get(jv_copy(body), jv_string("num_pending"));

	p->pending = jv_get_kind(pending) == JV_KIND_NUMBER ?
	    (uint64_t)jv_number_value(pending) : 0;
	jv_free(pending);
	drop_all(p);
	p->generation++;
	p->idle[0] = '\0';
	p->hold_ms = 0;
	p->heard_ms = rtta_clock_mono_ms();
	p->step = STEP_PULL;
	rtta_puller_say(p, false, "reading as %s", p->own);
}

static void
check(struct rtta_puller *p, jv body)
{
	struct sight sight = look(p, body);

	if (!sight.own) {
		rtta_puller_lose(p, sight.other[0] != '\0' ? "another process reads now" : "deleted");
		return;
	}
	memset(p->requests, 0, sizeof(p->requests));
	p->heard_ms = rtta_clock_mono_ms();
	p->step = STEP_PULL;
}

static void
take_failure(struct rtta_puller *p, const struct rtta_answer *answer)
{
	switch (p->step) {
	case STEP_DELETE:
		if (answer->error == 10014) {  /* gone already */
			ask_create(p);
			return;
		}
		break;
	case STEP_CHECK:
		if (answer->error == 408) {    /* nothing known: ask again */
			rtta_puller_look(p, STEP_CHECK);
			return;
		}
		rtta_puller_lose(p, answer->text);
		return;
	case STEP_CREATE:
		if (answer->error != 408)
			p->own[0] = '\0';
		break;
	default:
		break;
	}
	/* 10099, 10100: another one was faster, or does not know the rules. */
	if ((answer->error == 10099 || answer->error == 10100) && p->stranger[0] != '\0')
		rtta_puller_say(p, true, "read by %s, which is none of ours, waiting until it is deleted",
		    p->stranger);
	else if (answer->error != 408 && answer->error != 10099 && answer->error != 10100)
		rtta_puller_say(p, true, "%s: %s, waiting", p->stream, answer->text);
	rest(p, RTTA_LOOK_MS);
}

void
rtta_puller_heed(struct rtta_puller *p, const struct rtta_answer *answer)
{
	if (answer->number == p->limit_asked) {
		p->limit_asked = 0;
		if (answer->error != 0) {
			p->limit = 0;    /* not known: ask again */
			p->hold_ms = rtta_clock_mono_ms() + RTTA_REFUSED_MS;
		}
		return;
	}
	if (answer->number != p->asked || p->step == STEP_REST || p->step == STEP_PULL)
		return;
	if (answer->error != 0) {
		take_failure(p, answer);
		return;
	}
	switch (p->step) {
	case STEP_LOOK: decide(p, answer->body); break;
	case STEP_DELETE: ask_create(p); break;
	case STEP_CREATE: own_it(p, answer->body); break;
	case STEP_CHECK: check(p, answer->body); break;
	default: break;
	}
}

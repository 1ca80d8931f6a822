#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "api.h"
#include "bus.h"
#include "clock.h"
#include "err.h"
#include "log.h"
#include "mem.h"
#include "puller.h"
#include "queue.h"

enum {
	API_MS = 3000,
	LOOK_MS = 1000,          /* how often one who waits looks */
	IDLE_MS = 2000,          /* without a request for so long: nobody reads */
	EXPIRES_MS = 10000,
	HEARTBEAT_MS = 2000,
	SILENCE_MS = 5000,       /* two heartbeats missed */
	HOLD_MS = 250,           /* after a request that was refused */
	ACK_WAIT_S = 86400,
	ACK_PENDING = 500000,
	PORT_MESSAGES = 1 << 20, /* never reached: two batches are asked for */
	REQUESTS = 2,
	NAME_BYTES = 64
};

enum step {
	STEP_REST,    /* looks at due_ms */
	STEP_LOOK,    /* asked who reads */
	STEP_DELETE,  /* asked to delete the durable in victim */
	STEP_CREATE,  /* asked to make our own */
	STEP_PULL,    /* ours */
	STEP_CHECK    /* ours, but silent: asked whether it still is */
};

/* A pull that is open: messages still to come for it. */
struct request {
	uint64_t id;
	int left;
};

struct rtta_puller {
	struct rtta_bus *bus;
	struct rtta_api *api;
	struct rtta_port *port;
	struct rtta_queue queue;
	char *stream, *filter, *prefix;
	int batch;

	enum step step;
	uint64_t asked;            /* the api request that the step waits for */
	uint64_t epoch, generation;
	int64_t due_ms;            /* STEP_REST */
	char own[NAME_BYTES];      /* our durable, or the one we may have made */
	char victim[NAME_BYTES];
	char stranger[NAME_BYTES]; /* a durable that is in the way and not of the lane */
	char idle[NAME_BYTES];     /* a durable without a request ... */
	int64_t idle_ms;           /* ... since we first saw it so */
	char said[160];

	char inbox[NAME_BYTES];    /* deliveries and the ends of requests */
	bool subscribed;
	struct request requests[REQUESTS];
	uint64_t requested;
	int64_t heard_ms, hold_ms;
	uint64_t pending;
	bool paused;
	uint64_t limit_asked;      /* the api request that changes the limit, or 0 */
	int limit, limit_wanted;   /* max_ack_pending of our durable */
};

static uint64_t
random_number(void)
{
	uint64_t number;

	while (getrandom(&number, sizeof(number), 0) != sizeof(number))
		;
	return number;
}

struct rtta_puller *
rtta_puller_new(struct rtta_bus *bus, const struct rtta_puller_config *config)
{
	struct rtta_puller *p = rtta_xcalloc(1, sizeof(*p));
	const char *inbox;

	p->bus = bus;
	p->api = rtta_api_new(bus);
	p->port = rtta_port_open(bus, PORT_MESSAGES);
	p->stream = rtta_xstrdup(config->stream);
	p->filter = rtta_xstrdup(config->filter);
	p->prefix = rtta_xstrdup(config->prefix);
	p->batch = config->batch;
	p->epoch = rtta_bus_epoch(bus);
	p->limit_wanted = ACK_PENDING;
	/* Beside the inboxes of the bus: deliveries do not tell their port. */
	inbox = rtta_port_inbox(p->port);
	snprintf(p->inbox, sizeof(p->inbox), "%.*s.%012" PRIx64 ".",
	    (int)strcspn(inbox, "."), inbox, random_number() >> 16);
	return p;
}

void
rtta_puller_free(struct rtta_puller *p)
{
	if (p == NULL)
		return;
	rtta_port_close(p->port);
	rtta_api_free(p->api);
	rtta_queue_done(&p->queue);
	free(p->stream);
	free(p->filter);
	free(p->prefix);
	free(p);
}

/* A line for people, unless it is what they were told last. */
static void __attribute__((format(printf, 3, 4)))
say(struct rtta_puller *p, bool is_warning, const char *fmt, ...)
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

static void
lose(struct rtta_puller *p, const char *why)
{
	say(p, true, "%s: %s, waiting", p->own, why);
	p->own[0] = '\0';
	drop_all(p);
	rest(p, LOOK_MS);
}

/* --- requests to the API --- */

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

static void
ask_who_reads(struct rtta_puller *p, enum step step)
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
	    (uint32_t)random_number());
	p->limit = p->limit_wanted;
	ask(p, STEP_CREATE, durable_config(p, p->limit), "CONSUMER.DURABLE.CREATE.%s.%s",
	    p->stream, p->own);
}

/* One who pauses stays the owner: requests stay open, but the server gives
 * nothing for them while more is unacknowledged than this. */
static void
ask_limit(struct rtta_puller *p)
{
	char what[256];

	if (p->limit == p->limit_wanted || p->limit_asked != 0)
		return;
	p->limit = p->limit_wanted;
	snprintf(what, sizeof(what), "CONSUMER.DURABLE.CREATE.%s.%s", p->stream, p->own);
	p->limit_asked = rtta_api_ask(p->api, what, durable_config(p, p->limit), API_MS, NULL);
}

/* --- who reads --- */

static bool
is_of_lane(const struct rtta_puller *p, const char *name)
{
	size_t length = strlen(p->prefix);

	return strncmp(name, p->prefix, length) == 0 && name[length] == '-' &&
	    strlen(name + length + 1) == 8 &&
	    strspn(name + length + 1, "0123456789abcdef") == 8;
}

struct sight {
	char other[NAME_BYTES];  /* a durable of the lane that is not ours */
	char stranger[NAME_BYTES];
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
			say(p, false, "read by %s, waiting", sight.other);
		rest(p, p->idle[0] == '\0' ? LOOK_MS : IDLE_MS);
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
	say(p, false, "reading as %s", p->own);
}

static void
check(struct rtta_puller *p, jv body)
{
	struct sight sight = look(p, body);

	if (!sight.own) {
		lose(p, sight.other[0] != '\0' ? "another process reads now" : "deleted");
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
			ask_who_reads(p, STEP_CHECK);
			return;
		}
		lose(p, answer->text);
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
		say(p, true, "read by %s, which is none of ours, waiting until it is deleted",
		    p->stranger);
	else if (answer->error != 408 && answer->error != 10099 && answer->error != 10100)
		say(p, true, "%s: %s, waiting", p->stream, answer->text);
	rest(p, LOOK_MS);
}

static void
take_answer(struct rtta_puller *p, const struct rtta_answer *answer)
{
	if (answer->number == p->limit_asked) {
		p->limit_asked = 0;
		if (answer->error != 0) {
			p->limit = 0;    /* not known: ask again */
			p->hold_ms = rtta_clock_mono_ms() + HOLD_MS;
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

/* --- deliveries --- */

static bool
is_owner(const struct rtta_puller *p)
{
	return p->step == STEP_PULL || p->step == STEP_CHECK;
}

static void
take_delivery(struct rtta_puller *p, natsMsg *msg)
{
	struct rtta_meta meta;
	int i;

	if (rtta_meta_read(msg, &meta) != 0 || strcmp(meta.consumer, p->own) != 0 ||
	    !is_owner(p)) {
		natsMsg_Destroy(msg);
		return;
	}
	p->pending = meta.pending;
	for (i = 0; i < REQUESTS - 1 && p->requests[i].left == 0; i++)
		;
	if (p->requests[i].left > 0)
		p->requests[i].left--;
	rtta_queue_push(&p->queue, msg);
}

/* The end of a request, or a sign of life (100). */
static void
take_status(struct rtta_puller *p, natsMsg *msg, int status)
{
	const char *words = rtta_header(msg, "Description");
	uint64_t id = strtoull(natsMsg_GetSubject(msg) + strlen(p->inbox), NULL, 10);
	int i;

	for (i = 0; i < REQUESTS; i++)
		if (p->requests[i].id == id)
			break;
	if (status == 100 || i == REQUESTS || !is_owner(p))
		return;
	p->requests[i] = (struct request){ 0 };
	if (status == 408)
		return;
	rtta_log_debug("%s: %d %s", p->own, status, words ? words : "");
	p->hold_ms = rtta_clock_mono_ms() + HOLD_MS;
	if (status == 409 && words != NULL && strcasecmp(words, "Consumer Deleted") == 0)
		lose(p, "deleted");
	else if (status == 503)
		ask_who_reads(p, STEP_CHECK);
}

static void
take_arrivals(struct rtta_puller *p)
{
	natsMsg *msg;

	while ((msg = rtta_port_take(p->port)) != NULL) {
		p->heard_ms = rtta_clock_mono_ms();
		if (strncmp(natsMsg_GetSubject(msg), p->inbox, strlen(p->inbox)) == 0) {
			take_status(p, msg, rtta_msg_status(msg));
			natsMsg_Destroy(msg);
		} else {
			take_delivery(p, msg);
		}
	}
}

static void
send_request(struct rtta_puller *p, struct request *request, int batch)
{
	char next[256], reply[NAME_BYTES + 24], body[128];

	snprintf(next, sizeof(next), "$JS.API.CONSUMER.MSG.NEXT.%s.%s", p->stream, p->own);
	snprintf(reply, sizeof(reply), "%s%" PRIu64, p->inbox, p->requested + 1);
	snprintf(body, sizeof(body), "{\"batch\":%d,\"expires\":%d000000,"
	    "\"idle_heartbeat\":%d000000}", batch, EXPIRES_MS, HEARTBEAT_MS);
	if (rtta_bus_send(p->bus, next, reply, body, (int)strlen(body)) == 0)
		*request = (struct request){ ++p->requested, batch };
}

/*
 * One request is open, and a second one when the first is half used up.
 * requests[0] is the older one: it is served first.
 */
static void
pull(struct rtta_puller *p, int64_t now_ms)
{
	struct request *r = p->requests;

	if (now_ms < p->hold_ms)
		return;
	ask_limit(p);
	if (r[0].left == 0) {
		r[0] = r[1];
		r[1] = (struct request){ 0 };
	}
	if (r[0].left == 0)
		send_request(p, &r[0], p->paused ? 1 : p->batch);
	else if (r[1].left == 0 && r[0].left <= p->batch / 2 && !p->paused)
		send_request(p, &r[1], p->batch);
}

/* --- the turn of the loop --- */

static void
subscribe_once(struct rtta_puller *p)
{
	struct rtta_err err = { 0 };
	char all[NAME_BYTES + 1];

	if (p->subscribed)
		return;
	snprintf(all, sizeof(all), "%s*", p->inbox);
	p->subscribed = rtta_port_subscribe(p->port, all, &err) == 0;
	if (!p->subscribed)
		say(p, true, "%s", err.text);
}

static int
wait_ms(const struct rtta_puller *p, int64_t now_ms)
{
	int64_t due_ms;
	int api_ms = rtta_api_wait_ms(p->api), own_ms;

	if (p->step == STEP_REST)
		due_ms = p->due_ms;
	else if (p->step == STEP_PULL)
		due_ms = p->hold_ms > now_ms ? p->hold_ms : p->heard_ms + SILENCE_MS;
	else
		return api_ms;
	own_ms = due_ms > now_ms ? (int)(due_ms - now_ms) : 0;
	return api_ms >= 0 && api_ms < own_ms ? api_ms : own_ms;
}

int
rtta_puller_tick(struct rtta_puller *p)
{
	struct rtta_answer answer;
	uint64_t epoch;
	int64_t now_ms;

	if (!rtta_bus_connected(p->bus))
		return LOOK_MS;
	epoch = rtta_bus_epoch(p->bus);
	if (epoch != p->epoch) {  /* the server may have forgotten what we hold */
		p->epoch = epoch;
		p->idle[0] = '\0';
		drop_all(p);
		rest(p, 0);
	}
	subscribe_once(p);
	take_arrivals(p);
	while (rtta_api_next(p->api, &answer)) {
		take_answer(p, &answer);
		jv_free(answer.body);
	}
	now_ms = rtta_clock_mono_ms();
	if (p->step == STEP_REST && now_ms >= p->due_ms)
		ask_who_reads(p, STEP_LOOK);
	else if (p->step == STEP_PULL && now_ms - p->heard_ms >= SILENCE_MS)
		ask_who_reads(p, STEP_CHECK);
	else if (p->step == STEP_PULL)
		pull(p, now_ms);
	return wait_ms(p, now_ms);
}

enum rtta_puller_state
rtta_puller_state(const struct rtta_puller *p)
{
	if (is_owner(p))
		return RTTA_PULLER_OWNER;
	if (p->step == STEP_DELETE || p->step == STEP_CREATE || p->own[0] != '\0')
		return RTTA_PULLER_TAKING;
	return RTTA_PULLER_WAITING;
}

uint64_t
rtta_puller_generation(const struct rtta_puller *p)
{
	return p->generation;
}

natsMsg *
rtta_puller_take(struct rtta_puller *p)
{
	return rtta_queue_pop(&p->queue);
}

void
rtta_puller_ack(struct rtta_puller *p, natsMsg *msg)
{
	rtta_puller_ack_reply(p, natsMsg_GetReply(msg));
}

void
rtta_puller_ack_reply(struct rtta_puller *p, const char *reply)
{
	rtta_bus_send(p->bus, reply, NULL, "+ACK", 4);
}

void
rtta_puller_renew(struct rtta_puller *p)
{
	if (!is_owner(p))
		return;  /* it will come anyway */
	drop_all(p);
	ask_delete(p, p->own);
}

void
rtta_puller_pause(struct rtta_puller *p, bool paused)
{
	p->paused = paused;
	p->limit_wanted = paused ? 1 : ACK_PENDING;
}

uint64_t
rtta_puller_pending(const struct rtta_puller *p)
{
	return p->pending;
}

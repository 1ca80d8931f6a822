#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "err.h"
#include "log.h"
#include "mem.h"
#include "puller_parts.h"
#include "random.h"

enum {
	EXPIRES_MS = 10000,
	HEARTBEAT_MS = 2000,
	SILENCE_MS = 5000,       /* two heartbeats missed */
	PORT_MESSAGES = 1 << 20  /* never reached: two batches are asked for */
};

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
	p->limit_wanted = RTTA_ACK_PENDING;
	/* Beside the inboxes of the bus: deliveries do not tell their port. */
	inbox = rtta_port_inbox(p->port);
	snprintf(p->inbox, sizeof(p->inbox), "%.*s.%012" PRIx64 ".",
	    (int)strcspn(inbox, "."), inbox, rtta_random() >> 16);
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

static void
take_delivery(struct rtta_puller *p, natsMsg *msg)
{
	struct rtta_meta meta;
	int i;

	if (rtta_meta_read(msg, &meta) != 0 || strcmp(meta.consumer, p->own) != 0 ||
	    !rtta_puller_owns(p)) {
		natsMsg_Destroy(msg);
		return;
	}
	p->pending = meta.pending;
	for (i = 0; i < RTTA_REQUESTS - 1 && p->requests[i].left == 0; i++)
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

	for (i = 0; i < RTTA_REQUESTS; i++)
		if (p->requests[i].id == id)
			break;
	if (status == 100 || i == RTTA_REQUESTS || !rtta_puller_owns(p))
		return;
	p->requests[i] = (struct request){ 0 };
	if (status == 408)
		return;
	rtta_log_debug("%s: %d %s", p->own, status, words ? words : "");
	p->hold_ms = rtta_clock_mono_ms() + RTTA_REFUSED_MS;
	if (status == 409 && words != NULL && strcasecmp(words, "Consumer Deleted") == 0)
		rtta_puller_lose(p, "deleted");
	else if (status == 503)
		rtta_puller_look(p, STEP_CHECK);
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
	char next[256], reply[RTTA_PULLER_NAME_BYTES + 24], body[128];

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
	rtta_puller_set_limit(p);
	if (r[0].left == 0) {
		r[0] = r[1];
		r[1] = (struct request){ 0 };
	}
	if (r[0].left == 0)
		send_request(p, &r[0], p->paused ? 1 : p->batch);
	else if (r[1].left == 0 && r[0].left <= p->batch / 2 && !p->paused)
		send_request(p, &r[1], p->batch);
}

static void
subscribe_once(struct rtta_puller *p)
{
	struct rtta_err err = { 0 };
	char all[RTTA_PULLER_NAME_BYTES + 1];

	if (p->subscribed)
		return;
	snprintf(all, sizeof(all), "%s*", p->inbox);
	p->subscribed = rtta_port_subscribe(p->port, all, &err) == 0;
	if (!p->subscribed)
		rtta_puller_say(p, true, "%s", err.text);
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
		return RTTA_LOOK_MS;
	epoch = rtta_bus_epoch(p->bus);
	if (epoch != p->epoch) {  /* the server may have forgotten what we hold */
		p->epoch = epoch;
		rtta_puller_begin(p);
	}
	subscribe_once(p);
	take_arrivals(p);
	while (rtta_api_next(p->api, &answer)) {
		rtta_puller_heed(p, &answer);
		jv_free(answer.body);
	}
	now_ms = rtta_clock_mono_ms();
	if (p->step == STEP_REST && now_ms >= p->due_ms)
		rtta_puller_look(p, STEP_LOOK);
	else if (p->step == STEP_PULL && now_ms - p->heard_ms >= SILENCE_MS)
		rtta_puller_look(p, STEP_CHECK);
	else if (p->step == STEP_PULL)
		pull(p, now_ms);
	return wait_ms(p, now_ms);
}

enum rtta_puller_state
rtta_puller_state(const struct rtta_puller *p)
{
	if (rtta_puller_owns(p))
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
	if (rtta_puller_owns(p))  /* else it will come anyway */
		rtta_puller_anew(p);
}

void
rtta_puller_pause(struct rtta_puller *p, bool paused)
{
	p->paused = paused;
	p->limit_wanted = paused ? 1 : RTTA_ACK_PENDING;
}

uint64_t
rtta_puller_pending(const struct rtta_puller *p)
{
	return p->pending;
}

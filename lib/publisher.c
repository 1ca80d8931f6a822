#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus.h"
#include "clock.h"
#include "credit.h"
#include "log.h"
#include "mem.h"
#include "publisher.h"

enum {
	SLOTS_MIN = 64,
	SILENCE_MS = 5000,
	BACKOFF_MIN_MS = 50,
	BACKOFF_MAX_MS = 2000,
	AWAY_MS = 1000,
	IN_FLIGHT_BYTES = 1 << 20,  /* fits the socket: a publish does not wait for it */
	NO_STREAM = 503,
	NO_ANSWER = 408,
	STREAM_FULL = 10077,
	TOO_LARGE = 10054,
	WRONG_LAST = 10071,
	WRONG_LAST_IN_CLUSTER = 10164  /* the same, without the sequence */
};

struct slot {
	natsMsg *msg;          /* NULL: settled, or taken back */
	void *tag;
	bool taken_back;       /* it has no result */
	int bytes;
	struct rtta_puback ack;
};

/*
 * Tickets: [first, head) settled, not yet handed out; [head, next) in
 * flight, the oldest unsettled one first; [next, tail) waiting.  Within
 * [head, high), which was sent at least once, single ones may be settled.
 */
struct rtta_publisher {
	struct rtta_bus *bus;
	struct rtta_port *port;
	struct rtta_credit *credit;  /* NULL: no limit */
	struct slot *slots;
	size_t size;           /* a power of two */
	uint64_t first, head, next, high, tail;
	size_t window, pending, pending_bytes, in_flight_bytes;

	uint64_t epoch;
	int64_t moved_ms;      /* last answer, or last send into silence */
	int64_t unanswered_ms; /* connected, since something waits or was answered */
	int64_t looked_ms;     /* and counted so far */
	int64_t hold_ms;       /* nothing is sent before */
	int backoff_ms;        /* 0: the last answer was no passing error */
	bool single_file;      /* one in flight: until nothing is left */
	int trouble;
	int64_t trouble_ms;
	struct rtta_log_refrain refrain;  /* a full stream has room again and again */
};

struct rtta_publisher *
rtta_publisher_new(struct rtta_bus *bus, int window)
{
	struct rtta_publisher *p = rtta_xcalloc(1, sizeof(*p));

	p->bus = bus;
	p->window = (size_t)window;
	p->port = rtta_port_open(bus, 16 * window + SLOTS_MIN);
	p->size = SLOTS_MIN;
	p->slots = rtta_xcalloc(p->size, sizeof(*p->slots));
	p->first = p->head = p->next = p->high = p->tail = 1;
	p->epoch = rtta_bus_epoch(bus);
	return p;
}

void
rtta_publisher_limit(struct rtta_publisher *p, struct rtta_credit *credit)
{
	rtta_credit_free(p->credit);
	p->credit = credit;
}

static struct slot *
slot_at(const struct rtta_publisher *p, uint64_t ticket)
{
	return &p->slots[ticket & (p->size - 1)];
}

void
rtta_publisher_free(struct rtta_publisher *p)
{
	uint64_t t;

	if (p == NULL)
		return;
	for (t = p->head; t < p->tail; t++)
		natsMsg_Destroy(slot_at(p, t)->msg);
	rtta_credit_free(p->credit);
	rtta_port_close(p->port);
	free(p->slots);
	free(p);
}

static void
grow(struct rtta_publisher *p)
{
	size_t size = p->size * 2;
	struct slot *slots = rtta_xcalloc(size, sizeof(*slots));
	uint64_t t;

	for (t = p->first; t < p->tail; t++)
		slots[t & (size - 1)] = *slot_at(p, t);
	free(p->slots);
	p->slots = slots;
	p->size = size;
}

uint64_t
rtta_publisher_put(struct rtta_publisher *p, natsMsg *msg, void *tag)
{
	char reply[RTTA_MSG_REPLY_BYTES];
	struct slot *slot;

	if (p->tail - p->first == p->size)
		grow(p);
	if (p->pending == 0) {
		p->unanswered_ms = 0;
		p->looked_ms = rtta_clock_mono_ms();
	}
	slot = slot_at(p, p->tail);
	snprintf(reply, sizeof(reply), "%s%llu", rtta_port_inbox(p->port),
	    (unsigned long long)p->tail);
	*slot = (struct slot){ .msg = rtta_msg_set_reply(msg, reply), .tag = tag };
	slot->bytes = natsMsg_GetDataLength(slot->msg);
	p->pending++;
	p->pending_bytes += (size_t)slot->bytes;
	return p->tail++;
}

/* --- what came --- */

static void
settle(struct rtta_publisher *p, uint64_t ticket, struct rtta_puback ack)
{
	struct slot *slot = slot_at(p, ticket);

	ack.ticket = ticket;
	ack.tag = slot->tag;
	slot->ack = ack;
	natsMsg_Destroy(slot->msg);
	slot->msg = NULL;
	p->pending--;
	p->pending_bytes -= (size_t)slot->bytes;
	while (p->head < p->tail && slot_at(p, p->head)->msg == NULL) {
		if (p->head < p->next)
			p->in_flight_bytes -= (size_t)slot_at(p, p->head)->bytes;
		p->head++;
	}
	if (p->next < p->head)
		p->next = p->head;
	if (p->pending == 0)
		p->single_file = false;
}

static void
rewind_to_oldest(struct rtta_publisher *p)
{
	p->next = p->head;
	p->in_flight_bytes = 0;
}

static void
begin_trouble(struct rtta_publisher *p, int error, const char *text, size_t bytes)
{
	char key[16];

	if (p->trouble == 0) {
		p->trouble_ms = rtta_clock_mono_ms();
		snprintf(key, sizeof(key), "%d", error);
		rtta_log_warn_again(&p->refrain, key, "%s: %.*s (%d), trying again",
		    natsMsg_GetSubject(slot_at(p, p->head)->msg), (int)bytes, text, error);
	}
	p->trouble = error;
}

static void
end_trouble(struct rtta_publisher *p, uint64_t ticket)
{
	p->backoff_ms = 0;
	p->hold_ms = 0;
	if (p->trouble == 0)
		return;
	if (p->refrain.kept_back == 0)
		rtta_log_info("%s: answered again after %.1f s",
		    natsMsg_GetSubject(slot_at(p, ticket)->msg),
		    (double)(rtta_clock_mono_ms() - p->trouble_ms) / 1000);
	p->trouble = 0;
}

/*
 * A passing error.  Those of one burst come together: what was in flight
 * behind the first one says nothing new.
 */
static void
retry_later(struct rtta_publisher *p, int error, const char *text, size_t bytes)
{
	int64_t now_ms = rtta_clock_mono_ms();

	begin_trouble(p, error, text, bytes);
	if (now_ms < p->hold_ms)
		return;
	p->backoff_ms = p->backoff_ms == 0 ? BACKOFF_MIN_MS : p->backoff_ms * 2;
	if (p->backoff_ms > BACKOFF_MAX_MS)
		p->backoff_ms = BACKOFF_MAX_MS;
	p->hold_ms = now_ms + p->backoff_ms;
	p->single_file = true;
	rewind_to_oldest(p);
}

/* Will the same message be refused again, whatever happens meanwhile? */
static bool
is_final(int error)
{
	switch (error) {
	case 10003:  /* bad request */
	case TOO_LARGE:
	case 10060:  /* expected stream does not match */
	case 10070:  /* wrong last msg ID */
	case WRONG_LAST:
	case 10097:  /* header size exceeds maximum */
	case 10111:  /* rollup failed */
		return true;
	default:
		return false;
	}
}

/* What stands behind "key": in the server's JSON, or NULL. */
static const char *
find_value(const char *data, size_t bytes, const char *key)
{
	size_t length = strlen(key);
	const char *at = memmem(data, bytes, key, length);

	return at != NULL && at + length < data + bytes ? at + length : NULL;
}

/* The library ends every payload with a zero byte: strtoull stops there. */
static uint64_t
find_number(const char *data, size_t bytes, const char *key)
{
	const char *value = find_value(data, bytes, key);

	return value != NULL ? strtoull(value, NULL, 10) : 0;
}

static void
take_error(struct rtta_publisher *p, uint64_t ticket, const char *data, size_t bytes)
{
	int error = (int)find_number(data, bytes, "\"err_code\":");
	const char *text = find_value(data, bytes, "\"description\":\"");
	const char *end = text != NULL ?
	    memchr(text, '"', (size_t)(data + bytes - text)) : NULL;

	if (end == NULL) {
		text = "refused";
		end = text + strlen(text);
	}
	if (error == WRONG_LAST_IN_CLUSTER)
		error = WRONG_LAST;
	if (!is_final(error)) {
		retry_later(p, error, text, (size_t)(end - text));
		return;
	}
	end_trouble(p, ticket);
	settle(p, ticket, (struct rtta_puback){ .error = error,
	    .last_seq = find_number(data, bytes, "wrong last sequence: ") });
}

static void
take_ack(struct rtta_publisher *p, natsMsg *msg)
{
	static const char no_stream[] = "no stream takes it";
	uint64_t ticket = strtoull(rtta_port_token(p->port, msg), NULL, 10);
	const char *data = natsMsg_GetData(msg);
	size_t bytes = (size_t)natsMsg_GetDataLength(msg);

	if (ticket < p->head || ticket >= p->high || slot_at(p, ticket)->msg == NULL)
		return;
	p->moved_ms = p->looked_ms = rtta_clock_mono_ms();
	p->unanswered_ms = 0;
	if (bytes == 0) {
		retry_later(p, NO_STREAM, no_stream, sizeof(no_stream) - 1);
	} else if (memmem(data, bytes, "\"error\":", 8) != NULL) {
		take_error(p, ticket, data, bytes);
	} else {
		end_trouble(p, ticket);
		settle(p, ticket, (struct rtta_puback){
		    .seq = find_number(data, bytes, "\"seq\":"),
		    .duplicate = memmem(data, bytes, "\"duplicate\":", 12) != NULL });
	}
}

/* --- what goes --- */

/* A server that hangs loses its clients again and again, each time too soon for
 * one connection to tell. */
static void
count_silence(struct rtta_publisher *p, int64_t now_ms)
{
	static const char silence[] = "no acknowledgement for 5 s";

	if (p->pending > 0 && rtta_bus_connected(p->bus) && rtta_bus_epoch(p->bus) == p->epoch)
		p->unanswered_ms += now_ms - p->looked_ms;
	p->looked_ms = now_ms;
	if (p->pending > 0 && p->unanswered_ms >= SILENCE_MS)
		begin_trouble(p, NO_ANSWER, silence, sizeof(silence) - 1);
}

static void
look_for_losses(struct rtta_publisher *p, int64_t now_ms)
{
	uint64_t epoch = rtta_bus_epoch(p->bus);

	if (epoch != p->epoch) {
		p->epoch = epoch;
		p->hold_ms = 0;
		rewind_to_oldest(p);
	} else if (p->head < p->next && now_ms - p->moved_ms >= SILENCE_MS &&
	    rtta_bus_connected(p->bus)) {
		rewind_to_oldest(p);
	}
}

static bool
may_send(const struct rtta_publisher *p)
{
	uint64_t in_flight = p->next - p->head;

	return p->next < p->tail && (in_flight == 0 || (!p->single_file &&
	    in_flight < p->window && p->in_flight_bytes < IN_FLIGHT_BYTES));
}

static bool
has_credit(struct rtta_publisher *p, int bytes)
{
	static const char full[] = "full, but for the reserve";

	if (p->credit == NULL || rtta_credit_take(p->credit, (size_t)bytes))
		return true;
	if (rtta_credit_is_full(p->credit))
		begin_trouble(p, STREAM_FULL, full, sizeof(full) - 1);
	return false;
}

/* 0, or -1 when the bus takes no more now. */
static int
send_next(struct rtta_publisher *p, int64_t now_ms)
{
	struct slot *slot = slot_at(p, p->next);
	int rc;

	if (slot->msg != NULL) {
		if (!has_credit(p, slot->bytes))
			return -1;
		rc = rtta_bus_send_msg(p->bus, slot->msg);
		if (rc == RTTA_BUS_TOO_LARGE) {
			settle(p, p->next, (struct rtta_puback){ .error = TOO_LARGE });
			return 0;
		}
		if (rc != 0)
			return -1;
		if (p->next == p->head)
			p->moved_ms = now_ms;
	}
	p->in_flight_bytes += (size_t)slot->bytes;
	if (++p->next > p->high)
		p->high = p->next;
	return 0;
}

static int
wait_ms(const struct rtta_publisher *p, int64_t now_ms)
{
	int64_t due_ms;

	if (p->pending == 0)
		return -1;
	if (!rtta_bus_connected(p->bus))
		due_ms = now_ms + AWAY_MS;
	else if (p->head < p->next)
		due_ms = p->moved_ms + SILENCE_MS;
	else if (p->hold_ms > now_ms)
		due_ms = p->hold_ms;
	else
		due_ms = now_ms + AWAY_MS;
	return due_ms > now_ms ? (int)(due_ms - now_ms) : 0;
}

int
rtta_publisher_pump(struct rtta_publisher *p)
{
	int64_t now_ms;
	natsMsg *msg;
	int due_ms;

	while ((msg = rtta_port_take(p->port)) != NULL) {
		take_ack(p, msg);
		natsMsg_Destroy(msg);
	}
	if (p->credit != NULL)
		rtta_credit_look(p->credit);
	now_ms = rtta_clock_mono_ms();
	count_silence(p, now_ms);
	look_for_losses(p, now_ms);
	if (now_ms >= p->hold_ms)
		while (may_send(p) && send_next(p, now_ms) == 0)
			;
	due_ms = wait_ms(p, now_ms);
	if (p->credit != NULL && p->next < p->tail)
		due_ms = rtta_clock_sooner(due_ms, rtta_credit_ask(p->credit,
		    (size_t)(p->next - p->head), p->in_flight_bytes));
	return due_ms;
}

int
rtta_publisher_next(struct rtta_publisher *p, struct rtta_puback *ack)
{
	const struct slot *slot;

	while (p->first < p->head) {
		slot = slot_at(p, p->first++);
		if (!slot->taken_back) {
			*ack = slot->ack;
			return 1;
		}
	}
	return 0;
}

size_t
rtta_publisher_pending(const struct rtta_publisher *p)
{
	return p->pending;
}

size_t
rtta_publisher_pending_bytes(const struct rtta_publisher *p)
{
	return p->pending_bytes;
}

int
rtta_publisher_trouble(const struct rtta_publisher *p)
{
	return p->trouble;
}

natsMsg *
rtta_publisher_take_back(struct rtta_publisher *p, void **tag)
{
	struct slot *slot;
	natsMsg *msg;

	if (p->head == p->tail) {
		p->next = p->high = p->head;
		p->trouble = p->backoff_ms = 0;
		p->hold_ms = 0;
		p->single_file = false;
		return NULL;
	}
	slot = slot_at(p, p->head);
	msg = slot->msg;
	if (tag != NULL)
		*tag = slot->tag;
	slot->msg = NULL;
	slot->taken_back = true;
	p->pending--;
	p->pending_bytes -= (size_t)slot->bytes;
	rewind_to_oldest(p);
	do
		p->head++;
	while (p->head < p->tail && slot_at(p, p->head)->msg == NULL);
	p->next = p->head;
	return msg;
}

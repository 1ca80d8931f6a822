#include <inttypes.h>
#include <jv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus.h"
#include "clock.h"
#include "err.h"
#include "json.h"
#include "log.h"
#include "mem.h"
#include "queue.h"
#include "random.h"
#include "reader.h"

enum {
	PORT_MESSAGES = 65536,
	ANSWER_MAX_BYTES = 1 << 20,
	ANSWER_MS = 2000,      /* an API answer takes longer only when lost */
	HEARTBEAT_MS = 1000,
	NS_PER_MS = 1000000,
	SILENCE_MS = 3000,     /* three heartbeats: the consumer has gone */
	PORTION = 512,         /* of what is stored, so much is taken at once */
	PORTION_MS = 2,        /* and the last of it is waited for so long */
	INACTIVE_MS = 10000,   /* after that the server forgets a consumer */
	RETRY_MIN_MS = 100,
	RETRY_MAX_MS = 2000,
	NO_STREAM = 10059,     /* err_codes of JetStream */
	NO_MESSAGE = 10037
};

enum step {
	STEP_REST,    /* no consumer: one is made at due_ms */
	STEP_BOUND,   /* asked where the stream ends before one is made */
	STEP_CREATE,  /* asked for a consumer */
	STEP_CHECK,   /* asked which stream this is; its messages wait */
	STEP_READ,    /* messages are handed out */
	STEP_LOOK     /* asked whether the consumer has left something out */
};

struct rtta_reader {
	struct rtta_bus *bus;
	char *stream, *filter;
	enum rtta_reader_from from;
	enum step step;
	struct rtta_queue early;  /* what arrived before its turn */

	uint64_t next_seq;      /* of the stream: the first not handed out */
	bool fresh;             /* nothing of this stream was handed out */

	/*
	 * A server that purges one subject (a KV purge does) may move a
	 * consumer of more subjects beyond what it has not delivered yet.
	 */
	bool wide;              /* the filter covers more than one subject */
	uint64_t known_seq;     /* up to here nothing more is to come */
	uint64_t look_seq;      /* what is before this one is looked into */
	natsMsg *held;          /* it came after what may be left out */

	bool caught_up;
	bool portions;          /* the port wakes for many only */
	uint64_t left;          /* still to come of what was stored */

	/*
	 * Each consumer has a port of its own, so that nothing of the one
	 * before can arrive there.  It delivers to a subject beside the
	 * port's inbox: deliveries keep the subject that they were published
	 * on, and a server sees interest in that very subject only.
	 */
	struct rtta_port *port;
	uint64_t nonce;
	unsigned generation;
	char consumer[64];      /* names nonce and generation; empty: none */
	char deliver[64];
	uint64_t consumer_seq;  /* the last one that came */
	char created[64];       /* which stream: its time of creation */
	int64_t server_lead_ns; /* of the server's wall clock before our monotonic one */

	uint64_t epoch;
	uint64_t resets;
	int64_t due_ms;         /* of the step */
	int64_t heard_ms;
	bool hears;             /* and something came since */
	int retry_ms;
	bool troubled;          /* and said so */
};

/* --- making the consumer --- */

static int
ask(struct rtta_reader *reader, const char *what, char kind, jv body)
{
	char *subject = rtta_xasprintf("$JS.API.%s", what);
	char *reply = rtta_xasprintf("%s%c", rtta_port_inbox(reader->port), kind);
	char *text = jv_is_valid(body) ? rtta_json_text(body, false) : NULL;
	int rc;

	rc = rtta_bus_send(reader->bus, subject, reply, text,
	    text ? (int)strlen(text) : 0);
	free(text);
	free(reply);
	free(subject);
	return rc;
}

/* And forget all that it sent. */
static void
drop_consumer(struct rtta_reader *reader)
{
	char *subject;

	rtta_queue_done(&reader->early);
	natsMsg_Destroy(reader->held);
	reader->held = NULL;
	if (reader->consumer[0] == '\0')
		return;
	subject = rtta_xasprintf("$JS.API.CONSUMER.DELETE.%s.%s",
	    reader->stream, reader->consumer);
	/* What this cannot reach the server removes after INACTIVE_MS. */
	rtta_bus_send(reader->bus, subject, NULL, NULL, 0);
	free(subject);
	reader->consumer[0] = '\0';
	rtta_port_close(reader->port);
	reader->port = NULL;
	reader->portions = false;
}

static jv
consumer_config(const struct rtta_reader *reader)
{
	jv config = JV_OBJECT(
	    jv_string("name"), jv_string(reader->consumer),
	    jv_string("deliver_subject"), jv_string(reader->deliver),
	    jv_string("ack_policy"), jv_string("none"),
	    jv_string("replay_policy"), jv_string("instant"),
	    jv_string("max_deliver"), jv_number(1),
	    jv_string("flow_control"), jv_true(),
	    jv_string("idle_heartbeat"), jv_number(HEARTBEAT_MS * 1e6),
	    jv_string("inactive_threshold"), jv_number(INACTIVE_MS * 1e6));

	config = jv_object_set(config, jv_string("mem_storage"), jv_true());
	config = jv_object_set(config, jv_string("num_replicas"), jv_number(1));
	if (reader->filter != NULL)
		config = jv_object_set(config, jv_string("filter_subject"),
		    jv_string(reader->filter));
	if (reader->fresh && reader->from == RTTA_READER_LAST_PER_SUBJECT)
		return jv_object_set(config, jv_string("deliver_policy"),
		    jv_string("last_per_subject"));
	config = jv_object_set(config, jv_string("deliver_policy"),
	    jv_string("by_start_sequence"));
	return jv_object_set(config, jv_string("opt_start_seq"),
	    jv_number((double)reader->next_seq));
}

static void
rest(struct rtta_reader *reader)
{
	reader->retry_ms = reader->retry_ms == 0 ? RETRY_MIN_MS :
	    reader->retry_ms * 2;
	if (reader->retry_ms > RETRY_MAX_MS)
		reader->retry_ms = RETRY_MAX_MS;
	reader->step = STEP_REST;
	reader->due_ms = rtta_clock_mono_ms() + reader->retry_ms;
}

/* A port that the next consumer can deliver to. */
static int
open_port(struct rtta_reader *reader)
{
	struct rtta_err ignored = {0};  /* the bus has closed, and says so */
	const char *inbox;

	if (reader->port != NULL)
		return 0;
	reader->port = rtta_port_open(reader->bus, PORT_MESSAGES);
	inbox = rtta_port_inbox(reader->port);
	snprintf(reader->deliver, sizeof(reader->deliver),
	    "%.*s.%016" PRIx64 "-%u", (int)strcspn(inbox, "."), inbox,
	    reader->nonce, ++reader->generation);
	if (rtta_port_subscribe(reader->port, reader->deliver, &ignored) == 0)
		return 0;
	rtta_port_close(reader->port);
	reader->port = NULL;
	return -1;
}

static void
ask_in_step(struct rtta_reader *reader, enum step step, const char *what,
    char kind, jv body)
{
	if (ask(reader, what, kind, body) == 0) {
		reader->step = step;
		reader->due_ms = rtta_clock_mono_ms() + ANSWER_MS;
	} else
		rest(reader);
}

static void
ask_info(struct rtta_reader *reader, enum step step, char kind)
{
	char *what = rtta_xasprintf("STREAM.INFO.%s", reader->stream);

	ask_in_step(reader, step, what, kind, jv_invalid());
	free(what);
}

static void
create(struct rtta_reader *reader)
{
	char *what;
	jv body;

	reader->consumer_seq = 0;
	snprintf(reader->consumer, sizeof(reader->consumer),
	    "reader-%016" PRIx64 "-%u", reader->nonce, reader->generation);
	what = reader->filter == NULL ?
	    rtta_xasprintf("CONSUMER.CREATE.%s.%s", reader->stream,
	        reader->consumer) :
	    rtta_xasprintf("CONSUMER.CREATE.%s.%s.%s", reader->stream,
	        reader->consumer, reader->filter);
	body = JV_OBJECT(jv_string("stream_name"), jv_string(reader->stream),
	    jv_string("config"), consumer_config(reader));
	ask_in_step(reader, STEP_CREATE, what, 'c', body);
	free(what);
}

/* Make a consumer behind what was handed out; the one before is void. */
static void
start(struct rtta_reader *reader)
{
	drop_consumer(reader);
	if (!rtta_bus_connected(reader->bus) || open_port(reader) != 0) {
		rest(reader);
		return;
	}
	reader->epoch = rtta_bus_epoch(reader->bus);
	/* The newest of each subject: older ones are left out up to here. */
	if (reader->fresh && reader->from == RTTA_READER_LAST_PER_SUBJECT)
		ask_info(reader, STEP_BOUND, 'b');
	else
		create(reader);
}

/* The answer's object, null when it is the error `expected`, or invalid when
 * it is another one: then rest. */
static jv
read_answer(struct rtta_reader *reader, natsMsg *msg, int expected)
{
	struct rtta_err ignored = {0};  /* what is no JSON is no JetStream */
	jv answer = rtta_json_object(reader->stream, natsMsg_GetData(msg),
	    (size_t)natsMsg_GetDataLength(msg), ANSWER_MAX_BYTES, &ignored);
	jv error, text;
	int code = rtta_msg_status(msg);

	if (jv_get_kind(answer) == JV_KIND_OBJECT &&
	    !jv_object_has(jv_copy(answer), jv_string("error")))
		return answer;
	error = jv_get_kind(answer) == JV_KIND_OBJECT ?
	    jv_object_get(answer, jv_string("error")) :
	    (jv_free(answer), jv_object());
	if (jv_get_kind(error) == JV_KIND_OBJECT && code == 0)
		code = (int)rtta_json_number(error, "err_code", 0);
	if (code != 0 && code == expected) {
		jv_free(error);
		return jv_null();
	}
	if (code == NO_STREAM || code == 503)
		reader->caught_up = false;
	if (!reader->troubled) {
		text = jv_get_kind(error) == JV_KIND_OBJECT ?
		    jv_object_get(jv_copy(error), jv_string("description")) :
		    jv_null();
		rtta_log_warn("%s: %s (%d), trying again until it is there",
		    reader->stream, jv_get_kind(text) == JV_KIND_STRING ?
		    jv_string_value(text) : "no JetStream", code);
		jv_free(text);
	}
	jv_free(error);
	reader->troubled = true;
	rest(reader);
	return jv_invalid();
}

static void
catch_up(struct rtta_reader *reader)
{
	reader->caught_up = true;
	if (reader->portions)
		rtta_port_wake_at(reader->port, 0);
	reader->portions = false;
}

static uint64_t
number_in(jv answer, const char *object, const char *key)
{
	jv part = jv_object_get(answer, jv_string(object));
	uint64_t number = jv_get_kind(part) == JV_KIND_OBJECT ?
	    (uint64_t)rtta_json_number(part, key, 0) : 0;

	jv_free(part);
	return number;
}

static void
take_bound(struct rtta_reader *reader, natsMsg *msg)
{
	jv answer = read_answer(reader, msg, 0);

	if (!jv_is_valid(answer))
		return;
	reader->known_seq = number_in(answer, "state", "last_seq");
	create(reader);
}

/* The server's wall clock has just shown this. */
static void
set_server_time(struct rtta_reader *reader, int64_t server_ns)
{
	reader->server_lead_ns = server_ns - rtta_clock_mono_ms() * NS_PER_MS;
}

int64_t
rtta_reader_server_ns(const struct rtta_reader *reader)
{
	return reader->server_lead_ns == 0 ? 0 :
	    rtta_clock_mono_ms() * NS_PER_MS + reader->server_lead_ns;
}

static void
take_created(struct rtta_reader *reader, natsMsg *msg)
{
	jv answer = read_answer(reader, msg, 0), created;
	int64_t created_ns;

	if (!jv_is_valid(answer)) {
		reader->consumer[0] = '\0';
		return;
	}
	reader->left = (uint64_t)rtta_json_number(answer, "num_pending", 0);
	created = jv_object_get(answer, jv_string("created"));
	if (jv_get_kind(created) == JV_KIND_STRING &&
	    rtta_clock_parse(jv_string_value(created), &created_ns) == 0)
		set_server_time(reader, created_ns);
	jv_free(created);
	ask_info(reader, STEP_CHECK, 'i');
}

/*
 * Which stream the consumer is on.  It was asked for after the consumer was
 * made: a consumer of an earlier stream cannot pass for one of this.
 */
static void
take_info(struct rtta_reader *reader, natsMsg *msg)
{
	jv answer = read_answer(reader, msg, 0), created;
	uint64_t last_seq;
	char name[sizeof(reader->created)];
	bool same;

	if (!jv_is_valid(answer))
		return;
	created = jv_object_get(jv_copy(answer), jv_string("created"));
	last_seq = number_in(answer, "state", "last_seq");
	snprintf(name, sizeof(name), "%s",
	    jv_get_kind(created) == JV_KIND_STRING ?
	    jv_string_value(created) : "");
	jv_free(created);

	/* A server that lost its disk's last seconds counts them again. */
	same = (reader->created[0] == '\0' ||
	    strcmp(reader->created, name) == 0) &&
	    last_seq + 1 >= reader->next_seq;
	memcpy(reader->created, name, sizeof(name));
	if (!same) {
		rtta_log_info("%s: made anew, reading from its start",
		    reader->stream);
		reader->resets++;
		reader->next_seq = 1;
		reader->known_seq = 0;
		reader->fresh = true;
		reader->caught_up = false;
		start(reader);
		return;
	}
	if (reader->troubled)
		rtta_log_info("%s: is there", reader->stream);
	reader->troubled = false;
	reader->retry_ms = 0;
	reader->step = STEP_READ;
	reader->heard_ms = rtta_clock_mono_ms();
	if (reader->left == 0)
		catch_up(reader);
	reader->portions = !reader->caught_up;
	if (reader->portions)
		rtta_port_wake_at(reader->port, PORTION);
}

/* What is between the last one handed out and look_seq. */
static void
take_looked(struct rtta_reader *reader, natsMsg *msg)
{
	jv answer = read_answer(reader, msg, NO_MESSAGE);
	uint64_t seq = UINT64_MAX;

	if (!jv_is_valid(answer))
		return;
	if (jv_get_kind(answer) == JV_KIND_OBJECT)
		seq = number_in(answer, "message", "seq");
	reader->step = STEP_READ;
	reader->heard_ms = rtta_clock_mono_ms();
	if (seq >= reader->look_seq) {
		reader->known_seq = reader->look_seq - 1;
		return;
	}
	rtta_log_debug("%s: %" PRIu64 " was left out", reader->stream, seq);
	start(reader);
}

/* An answer moves the step on; the rest waits. */
static void
sort_in(struct rtta_reader *reader, natsMsg *msg)
{
	const char *token = rtta_port_token(reader->port, msg);

	if (token == NULL) {
		rtta_queue_push(&reader->early, msg);
		return;
	}
	if (token[0] == 'b' && reader->step == STEP_BOUND)
		take_bound(reader, msg);
	else if (token[0] == 'c' && reader->step == STEP_CREATE)
		take_created(reader, msg);
	else if (token[0] == 'i' && reader->step == STEP_CHECK)
		take_info(reader, msg);
	else if (token[0] == 'm' && reader->step == STEP_LOOK)
		take_looked(reader, msg);
	natsMsg_Destroy(msg);
}

/* --- reading --- */

static uint64_t
header_number(natsMsg *msg, const char *name)
{
	const char *value = rtta_header(msg, name);

	return value ? strtoull(value, NULL, 10) : 0;
}

/*
 * The consumer has come to seq.  Was what is before it deleted, or left out?
 * False: it is known; true: that is asked.
 */
static bool
looks_into(struct rtta_reader *reader, uint64_t seq)
{
	uint64_t from = reader->next_seq > reader->known_seq ?
	    reader->next_seq : reader->known_seq + 1;
	char *what;

	if (!reader->wide || seq <= from)
		return false;
	what = rtta_xasprintf("STREAM.MSG.GET.%s", reader->stream);
	reader->look_seq = seq;
	ask_in_step(reader, STEP_LOOK, what, 'm', JV_OBJECT(
	    jv_string("seq"), jv_number((double)from),
	    jv_string("next_by_subj"),
	    jv_string(reader->filter ? reader->filter : ">")));
	free(what);
	return true;
}

/* Flow control and heartbeats.  False: messages before this one are missing. */
static bool
heed_control(struct rtta_reader *reader, natsMsg *msg)
{
	const char *stalled = rtta_header(msg, "Nats-Consumer-Stalled");

	if (rtta_port_token(reader->port, msg) != NULL)
		return true;
	if (natsMsg_GetReply(msg) != NULL) {
		rtta_bus_send(reader->bus, natsMsg_GetReply(msg), NULL, NULL, 0);
		return true;
	}
	if (rtta_header(msg, "Nats-Last-Consumer") == NULL)
		return true;
	if (stalled != NULL)
		rtta_bus_send(reader->bus, stalled, NULL, NULL, 0);
	if (header_number(msg, "Nats-Last-Consumer") != reader->consumer_seq)
		return false;
	if (!looks_into(reader, header_number(msg, "Nats-Last-Stream") + 1) &&
	    stalled == NULL)
		catch_up(reader);
	return true;
}

static void
count(struct rtta_reader *reader, const struct rtta_meta *meta)
{
	reader->consumer_seq = meta->consumer_seq;
	reader->next_seq = meta->stream_seq + 1;
	reader->fresh = false;
	if (reader->left > 0)
		reader->left--;
	if (reader->left == 0 || meta->pending == 0)
		catch_up(reader);
}

enum verdict {
	VERDICT_NEXT,   /* for the caller */
	VERDICT_NONE,   /* not for the caller */
	VERDICT_HOLD,   /* once it is known what was before it */
	VERDICT_MISSING /* messages before it did not arrive */
};

static enum verdict
judge(struct rtta_reader *reader, natsMsg *msg)
{
	struct rtta_meta meta;

	if (rtta_meta_read(msg, &meta) != 0)
		return heed_control(reader, msg) ? VERDICT_NONE : VERDICT_MISSING;
	if (meta.consumer_seq != reader->consumer_seq + 1)
		return VERDICT_MISSING;
	if (looks_into(reader, meta.stream_seq))
		return VERDICT_HOLD;
	count(reader, &meta);
	return VERDICT_NEXT;
}

static natsMsg *
take_any(struct rtta_reader *reader)
{
	natsMsg *msg = reader->held;

	reader->held = NULL;
	if (msg == NULL)
		msg = rtta_queue_pop(&reader->early);
	return msg != NULL ? msg : rtta_port_take(reader->port);
}

/* --- the module's face --- */

struct rtta_reader *
rtta_reader_new(struct rtta_bus *bus, const char *stream, const char *filter,
    enum rtta_reader_from from, uint64_t start_seq)
{
	struct rtta_reader *reader = rtta_xcalloc(1, sizeof(*reader));

	reader->bus = bus;
	reader->stream = rtta_xstrdup(stream);
	reader->filter = filter ? rtta_xstrdup(filter) : NULL;
	reader->wide = filter == NULL || strpbrk(filter, "*>") != NULL;
	reader->from = from;
	reader->next_seq = start_seq ? start_seq : 1;
	reader->fresh = true;
	reader->nonce = rtta_random();
	start(reader);
	return reader;
}

void
rtta_reader_free(struct rtta_reader *reader)
{
	if (reader == NULL)
		return;
	drop_consumer(reader);
	rtta_port_close(reader->port);
	free(reader->filter);
	free(reader->stream);
	free(reader);
}

void
rtta_reader_renew(struct rtta_reader *reader)
{
	if (reader->step == STEP_READ)
		start(reader);
}

int
rtta_reader_tick(struct rtta_reader *reader)
{
	int64_t wait_ms;
	natsMsg *msg;

	if (rtta_bus_connected(reader->bus) &&
	    rtta_bus_epoch(reader->bus) != reader->epoch) {
		reader->retry_ms = 0;
		start(reader);
	}
	while (reader->step != STEP_REST && reader->step != STEP_READ &&
	    (msg = rtta_port_take(reader->port)) != NULL)
		sort_in(reader, msg);
	if (reader->step != STEP_READ &&
	    rtta_clock_mono_ms() >= reader->due_ms)
		start(reader);
	if (reader->step == STEP_READ)
		return reader->portions && rtta_bus_connected(reader->bus) ? PORTION_MS :
		    SILENCE_MS + 1;
	wait_ms = reader->due_ms - rtta_clock_mono_ms();
	return wait_ms > 0 ? (int)wait_ms : 0;
}

natsMsg *
rtta_reader_take(struct rtta_reader *reader)
{
	enum verdict verdict;
	natsMsg *msg;

	while (reader->step == STEP_READ && (msg = take_any(reader)) != NULL) {
		verdict = judge(reader, msg);
		reader->hears = true;
		if (verdict == VERDICT_NEXT)
			return msg;
		if (verdict == VERDICT_HOLD)
			reader->held = msg;
		else
			natsMsg_Destroy(msg);
		if (verdict == VERDICT_MISSING)
			start(reader);
	}
	/* Only with an empty queue is silence the consumer's. */
	if (reader->hears)
		reader->heard_ms = rtta_clock_mono_ms();
	reader->hears = false;
	if (reader->step == STEP_READ &&
	    rtta_clock_mono_ms() - reader->heard_ms > SILENCE_MS &&
	    rtta_bus_connected(reader->bus))
		start(reader);
	return NULL;
}

bool
rtta_reader_caught_up(const struct rtta_reader *reader)
{
	return reader->caught_up;
}

uint64_t
rtta_reader_resets(const struct rtta_reader *reader)
{
	return reader->resets;
}

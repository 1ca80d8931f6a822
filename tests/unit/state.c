/* The copy follows, writes are compared, whatever happens to the server, and
 * any client's KV API can speak with us. */
#include "check.h"
#include "log.h"
#include "server.h"
#include "state.h"
#include "streams.h"

enum { WAIT_MS = 20000 };

static void
make_bucket(struct rtta_bus *bus)
{
	struct rtta_err err = {0};

	jv_free(rtta_api_call(bus, "STREAM.CREATE.KV_system_state",
	    rtta_streams_config("KV_system_state", NULL), 5000, NULL, &err));
	if (err.exit_code != 0)
		server_die(err.text);
}

static jv
number(int n)
{
	return JV_OBJECT(jv_string("n"), jv_number(n));
}

static int
number_in(jv value)
{
	jv n = jv_is_valid(value) ? jv_object_get(value, jv_string("n")) : value;
	int result = jv_get_kind(n) == JV_KIND_NUMBER ? (int)jv_number_value(n) : -1;

	jv_free(n);
	return result;
}

static int
value_of(const struct rtta_state *state, const char *key)
{
	return number_in(rtta_state_get(state, key, NULL));
}

/* One turn of two copies on one bus; what changed is forgotten. */
static void
turn(struct rtta_bus *bus, struct rtta_state *one, struct rtta_state *two)
{
	struct rtta_state_change change;
	int wait_ms = rtta_state_tick(one), other_ms = rtta_state_tick(two);

	while (rtta_state_next(one, &change))
		jv_free(change.value);
	while (rtta_state_next(two, &change))
		jv_free(change.value);
	if (wait_ms < 0 || (other_ms >= 0 && other_ms < wait_ms))
		wait_ms = other_ms;
	server_turn(bus, wait_ms < 0 || wait_ms > 100 ? 100 : wait_ms);
}

/* Turn until both say that n is the value of key (-1: none). */
static void
expect(struct rtta_bus *bus, struct rtta_state *one, struct rtta_state *two,
    const char *key, int n)
{
	int64_t deadline_ms = rtta_clock_mono_ms() + WAIT_MS;

	while ((value_of(one, key) != n || value_of(two, key) != n) &&
	    rtta_clock_mono_ms() < deadline_ms)
		turn(bus, one, two);
	CHECK_INT(value_of(one, key), n);
	CHECK_INT(value_of(two, key), n);
}

/* The outcome of a write of the first, -1 when there is none. */
static int
outcome_of(struct rtta_bus *bus, struct rtta_state *one, struct rtta_state *two,
    uint64_t write)
{
	int64_t deadline_ms = rtta_clock_mono_ms() + WAIT_MS;
	struct rtta_state_result result;

	while (rtta_clock_mono_ms() < deadline_ms) {
		while (rtta_state_result(one, &result))
			if (result.number == write)
				return (int)result.outcome;
		turn(bus, one, two);
	}
	return -1;
}

static void
check_writes(struct rtta_bus *bus, struct rtta_state *one, struct rtta_state *two)
{
	uint64_t revision, write, other;

	/* Created once; equal is success, another value is refused and known. */
	write = rtta_state_create(one, "cut.a", number(1));
	CHECK_INT(outcome_of(bus, one, two, write), RTTA_STATE_STORED);
	write = rtta_state_create(two, "cut.a", number(1));
	CHECK_INT(outcome_of(bus, two, one, write), RTTA_STATE_STORED);
	write = rtta_state_create(two, "cut.a", number(2));
	CHECK_INT(outcome_of(bus, two, one, write), RTTA_STATE_REFUSED);
	CHECK_INT(value_of(two, "cut.a"), 1);

	/* Two write above the same revision: one wins, the other knows it. */
	jv_free(rtta_state_get(one, "cut.a", &revision));
	write = rtta_state_put(one, "cut.a", number(3), revision);
	other = rtta_state_put(two, "cut.a", number(4), revision);
	CHECK_INT(outcome_of(bus, one, two, write) + outcome_of(bus, two, one, other),
	    RTTA_STATE_STORED + RTTA_STATE_REFUSED);
	expect(bus, one, two, "cut.a", value_of(two, "cut.a"));
	CHECK(value_of(one, "cut.a") == 3 || value_of(one, "cut.a") == 4);

	/* Purged, and then it can be created again. */
	CHECK_INT(outcome_of(bus, one, two, rtta_state_purge(one, "cut.a")), RTTA_STATE_STORED);
	expect(bus, one, two, "cut.a", -1);
	write = rtta_state_create(two, "cut.a", number(5));
	CHECK_INT(outcome_of(bus, two, one, write), RTTA_STATE_STORED);
	expect(bus, one, two, "cut.a", 5);
	CHECK_INT(rtta_state_pending(one) + rtta_state_pending(two), 0);
}

static void
check_keys(struct rtta_bus *bus, struct rtta_state *one, struct rtta_state *two)
{
	const char *key;
	size_t at = 0;

	rtta_state_create(one, "run.b.1", number(1));
	rtta_state_create(one, "run.a.0", number(0));
	rtta_state_create(one, "run.b.0", number(0));
	expect(bus, one, two, "run.b.0", 0);
	expect(bus, one, two, "run.b.1", 1);
	CHECK_STR(rtta_state_key(two, "run.b.", &at), "run.b.0");
	CHECK_STR(rtta_state_key(two, "run.b.", &at), "run.b.1");
	CHECK((key = rtta_state_key(two, "run.b.", &at)) == NULL);
	at = 0;
	CHECK((key = rtta_state_key(two, "end.", &at)) == NULL);
	CHECK((key = rtta_state_key(two, "end.", &at)) == NULL);
}

/* A key that is stored right before another one is purged is seen by all. */
static void
check_purged(struct rtta_bus *bus, struct rtta_state *one, struct rtta_state *two)
{
	char key[24];

	for (int i = 0; i < 20; i++) {
		snprintf(key, sizeof(key), "end.p%d", i);
		rtta_state_create(one, key, number(i));
		rtta_state_purge(one, "end.q");
		expect(bus, one, two, key, i);
	}
}

/* What another client's KV API puts is what we see, and the reverse. */
static void
check_foreign(const struct server *server, struct rtta_bus *bus, struct rtta_state *one,
    struct rtta_state *two)
{
	natsConnection *nc = NULL;
	jsCtx *js = NULL;
	kvStore *kv = NULL;
	kvEntry *entry = NULL;
	struct rtta_state_change change;
	uint64_t revision = 0;
	bool reported = false;
	char big[70000];

	CHECK_INT(natsConnection_ConnectTo(&nc, server->url), NATS_OK);
	CHECK_INT(natsConnection_JetStream(&js, nc, NULL), NATS_OK);
	CHECK_INT(js_KeyValue(&kv, js, "system_state"), NATS_OK);
	CHECK_INT(kvStore_PutString(NULL, kv, "session_config", "{\"n\":7}"), NATS_OK);
	expect(bus, one, two, "session_config", 7);
	CHECK_INT(kvStore_Get(&entry, kv, "cut.a"), NATS_OK);
	CHECK_STR(kvEntry_ValueString(entry), "{\"n\":5}");
	kvEntry_Destroy(entry);
	CHECK_INT(kvStore_Delete(kv, "session_config"), NATS_OK);
	expect(bus, one, two, "session_config", -1);
	CHECK_INT(kvStore_CreateString(&revision, kv, "session_config", "{\"n\":8}"), NATS_OK);
	expect(bus, one, two, "session_config", 8);

	/* What is no object is there, unreadable, and said so. */
	memset(big, 'x', sizeof(big));
	CHECK_INT(kvStore_PutString(NULL, kv, "session_config", "[1]"), NATS_OK);
	CHECK_INT(kvStore_Put(&revision, kv, "session_config", big, sizeof(big)), NATS_OK);
	while (revision != 0) {
		server_turn(bus, rtta_state_tick(one));
		while (rtta_state_next(one, &change)) {
			reported = !change.deleted && !change.readable;
			if (change.revision == revision)
				revision = 0;
			jv_free(change.value);
		}
	}
	CHECK(reported);
	CHECK_INT(kvStore_PutString(NULL, kv, "session_config", "{\"n\":9}"), NATS_OK);
	expect(bus, one, two, "session_config", 9);
	kvStore_Destroy(kv);
	jsCtx_Destroy(js);
	natsConnection_Destroy(nc);
}

/* Who does not look for a while misses nothing, and is held back. */
static void
check_many(struct rtta_bus *bus, struct rtta_state *one)
{
	enum { MANY = 3000 };
	int64_t deadline_ms = rtta_clock_mono_ms() + WAIT_MS;
	struct rtta_state_change change;
	char subject[48], text[32];
	int i, came = 0, in_order = 0;

	for (i = 0; i < MANY; i++) {
		snprintf(subject, sizeof(subject), "$KV.system_state.note.z.%d", i);
		snprintf(text, sizeof(text), "{\"n\":%d}", i);
		CHECK_INT(rtta_bus_send(bus, subject, NULL, text, (int)strlen(text)), 0);
	}
	while (rtta_state_tick(one) != 0 && rtta_clock_mono_ms() < deadline_ms)
		server_turn(bus, 10);
	CHECK_INT(value_of(one, "note.z.2999"), -1);
	while (came < MANY && rtta_clock_mono_ms() < deadline_ms) {
		while (rtta_state_next(one, &change))
			if (strncmp(change.key, "note.z.", 7) == 0)
				in_order += number_in(change.value) == came++;
			else
				jv_free(change.value);
		server_turn(bus, rtta_state_tick(one));
	}
	CHECK_INT(in_order, MANY);
	CHECK_INT(value_of(one, "note.z.2999"), MANY - 1);
}

/* A server that dies with writes on the way; a bucket made anew. */
static void
check_outages(struct server *server, struct rtta_bus *bus, struct rtta_state *one,
    struct rtta_state *two)
{
	uint64_t revision, write;

	jv_free(rtta_state_get(one, "session_config", &revision));
	server_kill(server);
	write = rtta_state_put(one, "session_config", number(10), revision);
	rtta_state_create(two, "cut.c", number(11));
	turn(bus, one, two);
	CHECK_INT(value_of(two, "session_config"), 9);
	server_start(server);
	CHECK_INT(outcome_of(bus, one, two, write), RTTA_STATE_STORED);
	expect(bus, one, two, "session_config", 10);
	expect(bus, one, two, "cut.c", 11);

	server_do(bus, "STREAM.DELETE.KV_system_state", NULL);
	turn(bus, one, two);
	make_bucket(bus);
	write = rtta_state_create(one, "cut.d", number(12));
	expect(bus, one, two, "cut.d", 12);
	expect(bus, one, two, "cut.c", -1);
	expect(bus, one, two, "session_config", -1);
	write = rtta_state_create(one, "cut.c", number(13));
	CHECK_INT(outcome_of(bus, one, two, write), RTTA_STATE_STORED);
	expect(bus, one, two, "cut.c", 13);
}

int
main(void)
{
	struct server server = { 0 };
	struct rtta_state *one, *two;
	struct rtta_bus *bus;

	rtta_log_open("state");
	rtta_log_set_level(getenv("VERBOSE") ? RTTA_LOG_DEBUG : RTTA_LOG_ERROR);
	server_start(&server);
	bus = server_open_bus(&server, "state");
	one = rtta_state_new(bus);
	two = rtta_state_new(bus);
	turn(bus, one, two);
	CHECK(!rtta_state_loaded(one));
	make_bucket(bus);
	while (!rtta_state_loaded(one) || !rtta_state_loaded(two))
		turn(bus, one, two);
	check_writes(bus, one, two);
	check_keys(bus, one, two);
	check_purged(bus, one, two);
	check_foreign(&server, bus, one, two);
	check_many(bus, one);
	check_outages(&server, bus, one, two);
	rtta_state_free(one);
	rtta_state_free(two);
	rtta_bus_close(bus);
	server_remove(&server);
	return check_result();
}

/* Everything stored, then what comes, once and in order, whatever happens to
 * the server, the consumer or the stream. */
#include "check.h"
#include "log.h"
#include "msg.h"
#include "reader.h"
#include "server.h"

enum { WAIT_MS = 20000, MANY = 20000, STOP_AT = 5000, ROUNDS = 50, TAIL = 500 };

static void
make_stream(struct rtta_bus *bus)
{
	server_do(bus, "STREAM.CREATE.T", "{\"name\":\"T\",\"subjects\":[\"t.>\"],"
	    "\"storage\":\"file\"}");
}

/* Messages whose text is their number, on the subjects t.0, t.1 and t.2. */
static void
store(struct rtta_bus *bus, int from, int to)
{
	long want = server_state(bus, "T", "last_seq") + to - from;
	char subject[16], text[16];
	int i;

	for (i = from; i < to; i++) {
		snprintf(subject, sizeof(subject), "t.%d", i % 3);
		snprintf(text, sizeof(text), "%d", i);
		CHECK_INT(rtta_bus_send(bus, subject, NULL, text, (int)strlen(text)), 0);
	}
	while (server_state(bus, "T", "last_seq") < want)
		;
}

static int
number_of(natsMsg *msg)
{
	char text[16];

	snprintf(text, sizeof(text), "%.*s", natsMsg_GetDataLength(msg), natsMsg_GetData(msg));
	return atoi(text);
}

/* The next number, or -1 when none comes within wait_ms. */
static int
next_within(struct rtta_bus *bus, struct rtta_reader *reader, int64_t limit_ms)
{
	int64_t deadline_ms = rtta_clock_mono_ms() + limit_ms;
	int wait_ms, number;
	natsMsg *msg;

	for (;;) {
		wait_ms = rtta_reader_tick(reader);
		if ((msg = rtta_reader_take(reader)) != NULL) {
			number = number_of(msg);
			natsMsg_Destroy(msg);
			return number;
		}
		if (rtta_clock_mono_ms() > deadline_ms)
			return -1;
		server_turn(bus, wait_ms < 100 ? wait_ms : 100);
	}
}

/* Numbers from `from` up to before `to` come in order. */
static void
expect(struct rtta_bus *bus, struct rtta_reader *reader, int from, int to)
{
	int number;

	for (; from < to; from++) {
		number = next_within(bus, reader, WAIT_MS);
		if (number != from) {
			CHECK_INT(number, from);
			return;
		}
	}
}

static void
expect_caught_up(struct rtta_bus *bus, struct rtta_reader *reader)
{
	int64_t deadline_ms = rtta_clock_mono_ms() + WAIT_MS;
	natsMsg *msg;

	while (!rtta_reader_caught_up(reader) && rtta_clock_mono_ms() < deadline_ms) {
		server_turn(bus, rtta_reader_tick(reader));
		CHECK((msg = rtta_reader_take(reader)) == NULL);
	}
	CHECK(rtta_reader_caught_up(reader));
}

static void
wait_connected(struct rtta_bus *bus, uint64_t epoch)
{
	int64_t deadline_ms = rtta_clock_mono_ms() + WAIT_MS;

	while (rtta_bus_epoch(bus) <= epoch && rtta_clock_mono_ms() < deadline_ms)
		server_turn(bus, 100);
	CHECK(rtta_bus_connected(bus));
}

/* No stream, a stream, a server that dies in the middle of it. */
static void
check_survives(struct server *server, struct rtta_bus *bus)
{
	struct rtta_reader *reader = rtta_reader_new(bus, "T", "t.>", RTTA_READER_ALL, 1);
	uint64_t epoch;

	CHECK_INT(next_within(bus, reader, 200), -1);
	CHECK(!rtta_reader_caught_up(reader));
	make_stream(bus);
	store(bus, 0, MANY);
	expect(bus, reader, 0, STOP_AT);
	CHECK(!rtta_reader_caught_up(reader));

	epoch = rtta_bus_epoch(bus);
	server_kill(server);
	server_start(server);
	wait_connected(bus, epoch);
	store(bus, MANY, MANY + 10);
	expect(bus, reader, STOP_AT, MANY + 10);
	expect_caught_up(bus, reader);

	/* Its consumer is gone, and nothing says so. */
	rtta_reader_renew(reader);
	store(bus, MANY + 10, MANY + 20);
	expect(bus, reader, MANY + 10, MANY + 20);
	CHECK(rtta_reader_caught_up(reader));
	CHECK_INT(next_within(bus, reader, 100), -1);
	CHECK_INT(rtta_reader_resets(reader), 0);
	rtta_reader_free(reader);
}

static void
delete_consumers(struct rtta_bus *bus)
{
	jv names = jv_object_get(server_ask(bus, "CONSUMER.NAMES.T", NULL),
	    jv_string("consumers"));
	char what[128];

	jv_array_foreach(names, i, name) {
		snprintf(what, sizeof(what), "CONSUMER.DELETE.T.%s", jv_string_value(name));
		server_do(bus, what, NULL);
		jv_free(name);
	}
	jv_free(names);
}

/* A consumer that was removed, and a stream that was. */
static void
check_replaced(struct rtta_bus *bus)
{
	struct rtta_reader *reader = rtta_reader_new(bus, "T", "t.>", RTTA_READER_ALL, MANY + 20);

	expect(bus, reader, MANY + 19, MANY + 20);
	delete_consumers(bus);
	store(bus, MANY + 20, MANY + 25);
	expect(bus, reader, MANY + 20, MANY + 25);

	server_do(bus, "STREAM.DELETE.T", NULL);
	make_stream(bus);
	store(bus, 0, 6);
	expect(bus, reader, 0, 6);
	expect_caught_up(bus, reader);
	CHECK_INT(rtta_reader_resets(reader), 1);
	rtta_reader_free(reader);

	/* Who comes from a longer stream reads this one from its start. */
	reader = rtta_reader_new(bus, "T", "t.0", RTTA_READER_ALL, 1000);
	CHECK_INT(next_within(bus, reader, WAIT_MS), 0);
	CHECK_INT(next_within(bus, reader, WAIT_MS), 3);
	CHECK_INT(rtta_reader_resets(reader), 1);
	rtta_reader_free(reader);
}

/* The newest of each, then every one, also across a restart. */
static void
check_last(struct server *server, struct rtta_bus *bus)
{
	struct rtta_reader *reader = rtta_reader_new(bus, "T", "t.>",
	    RTTA_READER_LAST_PER_SUBJECT, 1);
	uint64_t epoch = rtta_bus_epoch(bus);

	expect(bus, reader, 3, 6);
	CHECK(rtta_reader_caught_up(reader));
	store(bus, 6, 12);
	server_kill(server);
	server_start(server);
	wait_connected(bus, epoch);
	store(bus, 12, 15);
	expect(bus, reader, 6, 15);
	CHECK_INT(next_within(bus, reader, 100), -1);
	rtta_reader_free(reader);
	CHECK_INT(server_state(bus, "T", "consumer_count"), 0);
}

static void
send(struct rtta_bus *bus, const char *subject, int number, const char *rollup)
{
	natsMsg *msg;
	char text[16];

	snprintf(text, sizeof(text), "%d", number);
	msg = rtta_msg_new(subject, text, (int)strlen(text));
	if (rollup != NULL)
		rtta_msg_header(msg, "Nats-Rollup", rollup);
	CHECK_INT(rtta_bus_send_msg(bus, msg), 0);
	natsMsg_Destroy(msg);
}

/* The next even number: what was purged is of no interest. */
static int
next_even(struct rtta_bus *bus, struct rtta_reader *reader)
{
	int number;

	while ((number = next_within(bus, reader, WAIT_MS)) > 0 && number % 2 == 1)
		;
	return number;
}

/* Stored right before another subject is purged, with and without a message
 * that comes behind it. */
static void
check_purged(struct rtta_bus *bus)
{
	struct rtta_reader *one, *two;
	int i, missing = 0;

	server_do(bus, "STREAM.CREATE.P", "{\"name\":\"P\",\"subjects\":[\"p.>\"],"
	    "\"storage\":\"file\",\"allow_rollup_hdrs\":true}");
	one = rtta_reader_new(bus, "P", "p.>", RTTA_READER_LAST_PER_SUBJECT, 1);
	two = rtta_reader_new(bus, "P", NULL, RTTA_READER_ALL, 1);
	expect_caught_up(bus, one);
	expect_caught_up(bus, two);
	for (i = 0; i < ROUNDS && missing == 0; i++) {
		send(bus, "p.kept", 2 * i, NULL);
		send(bus, "p.purged", 2 * i + 1, "sub");
		if (next_even(bus, one) != 2 * i || next_even(bus, two) != 2 * i)
			missing++;
	}
	for (i = ROUNDS; i < ROUNDS + TAIL; i++)
		send(bus, "p.kept", 2 * i, NULL);
	CHECK_INT(rtta_bus_send(bus, "$JS.API.STREAM.PURGE.P", NULL,
	    "{\"filter\":\"p.nothing\"}", 22), 0);
	for (i = ROUNDS; i < ROUNDS + TAIL && missing == 0; i++)
		if (next_even(bus, one) != 2 * i || next_even(bus, two) != 2 * i)
			missing++;
	CHECK_INT(missing, 0);
	rtta_reader_free(one);
	rtta_reader_free(two);
}

int
main(void)
{
	struct server server = { 0 };
	struct rtta_bus *bus;

	rtta_log_open("reader");
	rtta_log_set_level(getenv("VERBOSE") ? RTTA_LOG_DEBUG : RTTA_LOG_ERROR);
	server_start(&server);
	bus = server_open_bus(&server, "reader");
	check_survives(&server, bus);
	check_replaced(bus);
	check_last(&server, bus);
	check_purged(bus);
	rtta_bus_close(bus);
	server_remove(&server);
	return check_result();
}

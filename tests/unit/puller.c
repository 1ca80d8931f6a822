/* One owner per lane, late acknowledgements, renewal, against a real server. */
#include "check.h"
#include "log.h"
#include "puller.h"
#include "server.h"

enum { WAIT_MS = 20000, MESSAGES = 1000 };

static const struct rtta_puller_config live = { "A", "audio.live.>", "stt-live", 200 };

struct hand {
	natsMsg *held[4 * MESSAGES];
	int count;
};

static void
let_go(struct hand *hand)
{
	while (hand->count > 0)
		natsMsg_Destroy(hand->held[--hand->count]);
}

static void
make_stream(struct rtta_bus *bus)
{
	server_do(bus, "STREAM.CREATE.A", "{\"name\":\"A\",\"subjects\":[\"audio.>\"],"
	    "\"retention\":\"workqueue\",\"storage\":\"file\"}");
}

static void
store(struct rtta_bus *bus, int count)
{
	long want = server_state(bus, "A", "last_seq") + count;
	int i;

	for (i = 0; i < count; i++)
		CHECK_INT(rtta_bus_send(bus, "audio.live.s", NULL, "x", 1), 0);
	while (server_state(bus, "A", "last_seq") < want)
		;
}

/* Turn until the puller is in that state. */
static bool
reaches(struct rtta_bus *bus, struct rtta_puller *puller, enum rtta_puller_state state)
{
	int64_t deadline_ms = rtta_clock_mono_ms() + WAIT_MS;
	int wait_ms;

	while (wait_ms = rtta_puller_tick(puller), rtta_puller_state(puller) != state) {
		if (rtta_clock_mono_ms() > deadline_ms)
			return false;
		server_turn(bus, wait_ms);
	}
	return true;
}

/* Turn until count messages are in the hand. */
static void
take(struct rtta_bus *bus, struct rtta_puller *puller, struct hand *hand, int count)
{
	int64_t deadline_ms = rtta_clock_mono_ms() + WAIT_MS;
	natsMsg *msg;
	int wait_ms;

	while (hand->count < count && rtta_clock_mono_ms() < deadline_ms) {
		wait_ms = rtta_puller_tick(puller);
		while (hand->count < count && (msg = rtta_puller_take(puller)) != NULL) {
			hand->held[hand->count++] = msg;
			wait_ms = 0;
		}
		if (hand->count < count)
			server_turn(bus, wait_ms);
	}
	CHECK_INT(hand->count, count);
}

static uint64_t
seq_of(natsMsg *msg)
{
	struct rtta_meta meta;

	CHECK_INT(rtta_meta_read(msg, &meta), 0);
	return meta.stream_seq;
}

static void
check_order(const struct hand *hand, uint64_t first)
{
	int i;

	for (i = 0; i < hand->count; i++)
		if (seq_of(hand->held[i]) != first + (uint64_t)i) {
			CHECK_INT(seq_of(hand->held[i]), first + (uint64_t)i);
			return;
		}
}

static void
check_handover(const struct server *server)
{
	struct rtta_bus *one = server_open_bus(server, "stt"), *two = server_open_bus(server, "stt");
	struct rtta_puller *first = rtta_puller_new(one, &live);
	struct rtta_puller *second = rtta_puller_new(two, &live);
	struct hand hand = { 0 };
	int64_t until_ms;
	int i;

	make_stream(one);
	store(one, MESSAGES);
	CHECK(reaches(one, first, RTTA_PULLER_OWNER));
	take(one, first, &hand, 400);
	check_order(&hand, 1);
	for (i = 0; i < 100; i++)
		rtta_puller_ack(first, hand.held[i]);
	CHECK_INT(rtta_puller_generation(first), 1);

	/* A reader that lives keeps its lane. */
	until_ms = rtta_clock_mono_ms() + 3500;
	while (rtta_clock_mono_ms() < until_ms) {
		rtta_puller_tick(first);
		rtta_puller_tick(second);
		server_turn(one, 20);
		server_turn(two, 20);
		CHECK_INT(rtta_puller_state(second), RTTA_PULLER_WAITING);
	}
	CHECK_INT(server_state(one, "A", "messages"), MESSAGES - 100);

	/* One that has gone leaves all that it has not acknowledged. */
	let_go(&hand);
	rtta_puller_free(first);
	CHECK(reaches(two, second, RTTA_PULLER_OWNER));
	take(two, second, &hand, 900);
	check_order(&hand, 101);
	CHECK_INT(rtta_puller_pending(second), 0);
	for (i = 0; i < hand.count; i++)
		rtta_puller_ack(second, hand.held[i]);
	while (server_state(two, "A", "messages") > 0)
		;
	let_go(&hand);
	rtta_puller_free(second);
	rtta_bus_close(one);
	rtta_bus_close(two);
}

int
main(void)
{
	struct server server = { 0 };

	rtta_log_open("puller");
	rtta_log_set_level(getenv("VERBOSE") ? RTTA_LOG_DEBUG : RTTA_LOG_ERROR);
	server_start(&server);
	check_handover(&server);
	server_remove(&server);
	return check_result();
}

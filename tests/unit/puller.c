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

/* Without the durable that the check before has left. */
static void
make_stream_anew(struct rtta_bus *bus)
{
	server_do(bus, "STREAM.DELETE.A", NULL);
	make_stream(bus);
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

/* Until nothing of the lane is left in the stream. */
static void
acknowledge(struct rtta_bus *bus, struct rtta_puller *puller, struct hand *hand)
{
	int64_t deadline_ms = rtta_clock_mono_ms() + WAIT_MS;
	int i;

	for (i = 0; i < hand->count; i++)
		rtta_puller_ack(puller, hand->held[i]);
	while (server_state(bus, "A", "messages") > 0)
		if (rtta_clock_mono_ms() > deadline_ms) {
			CHECK(!"acknowledged");
			break;
		}
	let_go(hand);
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
	until_ms = rtta_clock_mono_ms() + 3000;
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
	acknowledge(two, second, &hand);
	rtta_puller_free(second);
	rtta_bus_close(one);
	rtta_bus_close(two);
}

/* A process that owns the lane with 400 messages in hand and is killed. */
static void
hold_and_hang(const struct server *server)
{
	struct rtta_bus *bus = server_open_bus(server, "stt");
	struct rtta_puller *puller = rtta_puller_new(bus, &live);
	struct hand hand = { 0 };

	take(bus, puller, &hand, 400);
	if (write(STDOUT_FILENO, "x", 1) != 1)
		_exit(1);
	for (;;)
		server_turn(bus, rtta_puller_tick(puller));
}

static void
check_killed(const struct server *server, const char *self)
{
	struct rtta_bus *bus = server_open_bus(server, "stt");
	struct rtta_puller *puller;
	struct hand hand = { 0 };
	int fds[2];
	char byte;
	pid_t pid;

	make_stream_anew(bus);
	store(bus, MESSAGES);
	CHECK_INT(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		dup2(fds[1], STDOUT_FILENO);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execl(self, self, server->url, (char *)NULL);
		_exit(127);
	}
	close(fds[1]);
	CHECK_INT(read(fds[0], &byte, 1), 1);
	close(fds[0]);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	puller = rtta_puller_new(bus, &live);
	CHECK_INT(rtta_puller_state(puller), RTTA_PULLER_WAITING);
	take(bus, puller, &hand, MESSAGES);
	check_order(&hand, 1);
	acknowledge(bus, puller, &hand);
	rtta_puller_free(puller);
	rtta_bus_close(bus);
}

/*
 * After a restart of the server the owner renews: what it held comes again,
 * and nobody else is faster.
 */
static void
check_restart(struct server *server)
{
	struct rtta_bus *one = server_open_bus(server, "stt"), *two = server_open_bus(server, "stt");
	struct rtta_puller *first = rtta_puller_new(one, &live);
	struct rtta_puller *second = rtta_puller_new(two, &live);
	struct hand hand = { 0 };
	int64_t until_ms;
	natsMsg *old;

	make_stream_anew(one);
	store(one, 50);
	take(one, first, &hand, 50);
	old = hand.held[--hand.count];
	let_go(&hand);
	server_kill(server);
	server_start(server);
	CHECK(reaches(one, first, RTTA_PULLER_TAKING));
	CHECK(reaches(one, first, RTTA_PULLER_OWNER));
	CHECK_INT(rtta_puller_generation(first), 2);
	rtta_puller_ack(first, old);  /* of generation 1: in vain */
	natsMsg_Destroy(old);
	take(one, first, &hand, 50);
	check_order(&hand, 1);
	until_ms = rtta_clock_mono_ms() + 3000;
	while (rtta_clock_mono_ms() < until_ms) {
		rtta_puller_tick(first);
		rtta_puller_tick(second);
		server_turn(one, 20);
		server_turn(two, 20);
		CHECK_INT(rtta_puller_state(second), RTTA_PULLER_WAITING);
	}
	CHECK_INT(rtta_puller_generation(first), 2);
	acknowledge(one, first, &hand);
	rtta_puller_free(first);
	rtta_puller_free(second);
	rtta_bus_close(one);
	rtta_bus_close(two);
}

/* The stream goes and comes: the reader waits for it and owns it again. */
static void
check_replaced(const struct server *server)
{
	struct rtta_bus *bus = server_open_bus(server, "stt");
	struct rtta_puller *puller = rtta_puller_new(bus, &live);
	struct hand hand = { 0 };

	make_stream_anew(bus);
	CHECK(reaches(bus, puller, RTTA_PULLER_OWNER));
	server_do(bus, "STREAM.DELETE.A", NULL);
	CHECK(reaches(bus, puller, RTTA_PULLER_WAITING));
	make_stream(bus);
	store(bus, 10);
	take(bus, puller, &hand, 10);
	check_order(&hand, 1);
	CHECK_INT(rtta_puller_generation(puller), 2);
	acknowledge(bus, puller, &hand);
	rtta_puller_free(puller);
	rtta_bus_close(bus);
}

/* Who pauses gets little more, stays the owner, and gets the rest later. */
static void
check_pause(const struct server *server)
{
	struct rtta_bus *one = server_open_bus(server, "stt"), *two = server_open_bus(server, "stt");
	struct rtta_puller *first = rtta_puller_new(one, &live);
	struct rtta_puller *second = rtta_puller_new(two, &live);
	struct hand hand = { 0 };
	int64_t until_ms;
	natsMsg *msg;

	make_stream_anew(one);
	store(one, 4 * live.batch);
	take(one, first, &hand, 10);
	rtta_puller_pause(first, true);
	until_ms = rtta_clock_mono_ms() + 3000;
	while (rtta_clock_mono_ms() < until_ms) {
		rtta_puller_tick(first);
		rtta_puller_tick(second);
		while ((msg = rtta_puller_take(first)) != NULL)
			hand.held[hand.count++] = msg;
		server_turn(one, 20);
		server_turn(two, 20);
		CHECK_INT(rtta_puller_state(second), RTTA_PULLER_WAITING);
	}
	CHECK(hand.count <= 10 + 2 * live.batch);
	rtta_puller_pause(first, false);
	take(one, first, &hand, 4 * live.batch);
	check_order(&hand, 1);
	acknowledge(one, first, &hand);
	rtta_puller_free(first);
	rtta_puller_free(second);
	rtta_bus_close(one);
	rtta_bus_close(two);
}

int
main(int argc, char *argv[])
{
	struct server server = { 0 };

	rtta_log_open("puller");
	rtta_log_set_level(getenv("VERBOSE") ? RTTA_LOG_DEBUG : RTTA_LOG_ERROR);
	if (argc == 2) {
		snprintf(server.url, sizeof(server.url), "%s", argv[1]);
		hold_and_hang(&server);
	}
	server_start(&server);
	check_handover(&server);
	check_killed(&server, argv[0]);
	check_restart(&server);
	check_replaced(&server);
	check_pause(&server);
	server_remove(&server);
	return check_result();
}

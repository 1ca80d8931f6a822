/* One of two has the room; the other waits until it is gone, or silent. */
#include "check.h"
#include "lease.h"
#include "log.h"
#include "server.h"
#include "state.h"
#include "streams.h"

enum { WAIT_MS = 20000 };

struct one {
	struct rtta_bus *bus;
	struct rtta_state *state;
	struct rtta_lease *lease;
};

static void
open_one(struct one *one, const struct server *server, const char *dir)
{
	one->bus = server_open_bus(server, "route");
	one->state = rtta_state_new(one->bus);
	one->lease = rtta_lease_new(one->bus, one->state, dir);
}

static void
close_one(struct one *one)
{
	rtta_lease_free(one->lease);
	rtta_state_free(one->state);
	rtta_bus_close(one->bus);
}

static void
follow(struct one *one)
{
	struct rtta_state_change change;
	struct rtta_state_result result;

	rtta_state_tick(one->state);
	while (rtta_state_next(one->state, &change))
		jv_free(change.value);
	while (rtta_state_result(one->state, &result))
		CHECK(rtta_lease_result(one->lease, &result));
	server_turn(one->bus, 10);
}

static int
standing(const struct one *one)
{
	return rtta_lease_standing(one->lease);
}

/* One turn of both (other may be NULL) at a moment. */
static void
turn(struct one *one, struct one *other, int64_t now_ms)
{
	rtta_lease_tick(one->lease, now_ms);
	follow(one);
	if (other == NULL)
		return;
	rtta_lease_tick(other->lease, now_ms);
	follow(other);
}

/* Turn until the first stands so; each turn takes step_ms.  False: never. */
static bool
become(struct one *one, struct one *other, int64_t *now_ms, int step_ms,
    enum rtta_lease_standing want)
{
	int64_t deadline_ms = rtta_clock_mono_ms() + WAIT_MS;

	do
		turn(one, other, *now_ms += step_ms);
	while (standing(one) != (int)want && rtta_clock_mono_ms() < deadline_ms);
	return standing(one) == (int)want;
}

static void
test_both_at_once(const struct server *server)
{
	int64_t deadline_ms = rtta_clock_mono_ms() + WAIT_MS;
	struct one first, second;

	open_one(&first, server, "/nonexistent/first");
	open_one(&second, server, "/nonexistent/second");
	while (standing(&first) == RTTA_LEASE_WAITING && standing(&second) == RTTA_LEASE_WAITING &&
	    rtta_clock_mono_ms() < deadline_ms)
		turn(&first, &second, 0);
	for (int i = 0; i < 20; i++)
		turn(&first, &second, 0);
	CHECK_INT((standing(&first) == RTTA_LEASE_HELD) + (standing(&second) == RTTA_LEASE_HELD), 1);
	close_one(&first);
	close_one(&second);
}

static void
test_gone_and_silent(const struct server *server)
{
	struct one first, second;
	int64_t now_ms = 0;

	/* who had it has closed his connection: not at once, but after 2 s */
	open_one(&first, server, "/nonexistent/first");
	for (int i = 0; i < 50; i++)
		turn(&first, NULL, now_ms += 20);
	CHECK_INT(standing(&first), RTTA_LEASE_WAITING);
	CHECK(become(&first, NULL, &now_ms, 100, RTTA_LEASE_HELD));

	open_one(&second, server, "/nonexistent/second");
	for (int i = 0; i < 40; i++)
		turn(&second, &first, now_ms += 900);
	CHECK_INT(standing(&first), RTTA_LEASE_HELD);
	CHECK_INT(standing(&second), RTTA_LEASE_WAITING);

	/* the first one is stopped, and wakes up */
	turn(&second, NULL, now_ms += 9000);
	CHECK_INT(standing(&second), RTTA_LEASE_WAITING);
	CHECK(become(&second, NULL, &now_ms, 1000, RTTA_LEASE_HELD));
	rtta_lease_tick(first.lease, now_ms);
	CHECK_INT(standing(&first), RTTA_LEASE_UNSURE);
	CHECK(become(&first, &second, &now_ms, 1, RTTA_LEASE_LOST));
	CHECK_INT(standing(&second), RTTA_LEASE_HELD);
	close_one(&first);
	close_one(&second);
}

/* Asleep, or cut off: it sends nothing until it has made sure. */
static void
test_unsure(struct server *server)
{
	struct one one;
	int64_t now_ms = 0;

	open_one(&one, server, server->dir);
	CHECK(become(&one, NULL, &now_ms, 100, RTTA_LEASE_HELD));
	close_one(&one);
	/* the next one in the same directory: no time goes by */
	open_one(&one, server, server->dir);
	CHECK(become(&one, NULL, &now_ms, 0, RTTA_LEASE_HELD));

	turn(&one, NULL, now_ms += 4000);
	CHECK_INT(standing(&one), RTTA_LEASE_HELD);
	rtta_lease_tick(one.lease, now_ms += 6000);
	CHECK_INT(standing(&one), RTTA_LEASE_UNSURE);
	CHECK(become(&one, NULL, &now_ms, 0, RTTA_LEASE_HELD));

	server_kill(server);
	server_start(server);
	CHECK(become(&one, NULL, &now_ms, 0, RTTA_LEASE_UNSURE));
	CHECK(become(&one, NULL, &now_ms, 0, RTTA_LEASE_HELD));
	close_one(&one);
}

int
main(void)
{
	struct server server = {0};
	struct rtta_bus *bus;

	rtta_log_open("lease");
	rtta_log_set_level(RTTA_LOG_ERROR);
	server_start(&server);
	bus = server_open_bus(&server, "test");
	jv_free(rtta_api_call(bus, "STREAM.CREATE.KV_system_state",
	    rtta_streams_config("KV_system_state", NULL), 5000, NULL, &(struct rtta_err){0}));
	rtta_bus_close(bus);
	test_both_at_once(&server);
	test_gone_and_silent(&server);
	test_unsure(&server);
	server_remove(&server);
	return check_result();
}

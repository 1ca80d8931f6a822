/* Requests whose answers come later, or never. */
#include "check.h"
#include "log.h"
#include "server.h"

static struct rtta_answer
next(struct rtta_bus *bus, struct rtta_api *api)
{
	struct rtta_answer answer;

	while (!rtta_api_next(api, &answer))
		server_turn(bus, rtta_api_wait_ms(api));
	return answer;
}

static void
check_answer(struct rtta_bus *bus, struct rtta_api *api, uint64_t number, void *tag, int error,
    const char *text)
{
	struct rtta_answer answer = next(bus, api);

	CHECK_INT(answer.number, number);
	CHECK(answer.tag == tag);
	CHECK_INT(answer.error, error);
	CHECK_INT(jv_get_kind(answer.body), error ? JV_KIND_INVALID : JV_KIND_OBJECT);
	if (text != NULL)
		CHECK_STR(answer.text, text);
	jv_free(answer.body);
}

static void
check_answers(struct rtta_bus *bus, struct rtta_api *api)
{
	int a, b;
	uint64_t one = rtta_api_ask(api, "INFO", jv_invalid(), 5000, &a);
	uint64_t two = rtta_api_ask(api, "STREAM.INFO.NONE", jv_invalid(), 5000, &b);

	CHECK(rtta_api_wait_ms(api) > 0);
	check_answer(bus, api, one, &a, 0, "");
	check_answer(bus, api, two, &b, 10059, "stream not found");
	CHECK_INT(rtta_api_wait_ms(api), -1);

	/* Nobody listens there: the server says nothing within our time. */
	two = rtta_api_ask(api, "NO.SUCH.THING", jv_invalid(), 50, NULL);
	check_answer(bus, api, two, NULL, 408, "no answer in time");
	one = rtta_api_ask(api, "STREAM.CREATE.S", JV_OBJECT(jv_string("name"), jv_string("S"),
	    jv_string("subjects"), jv_string("no list")), 5000, NULL);
	check_answer(bus, api, one, NULL, 10025, NULL);
}

/* What was asked of a server that dies fails as soon as that is known. */
static void
check_lost(struct server *server, struct rtta_bus *bus, struct rtta_api *api)
{
	uint64_t one, two;

	server_pause(server);
	one = rtta_api_ask(api, "INFO", jv_invalid(), 60000, NULL);
	server_kill(server);
	while (rtta_bus_connected(bus))
		server_turn(bus, 50);
	two = rtta_api_ask(api, "INFO", jv_invalid(), 60000, NULL);
	check_answer(bus, api, two, NULL, 408, "connection lost");
	server_start(server);
	check_answer(bus, api, one, NULL, 408, "connection lost");
	one = rtta_api_ask(api, "INFO", jv_invalid(), 5000, NULL);
	check_answer(bus, api, one, NULL, 0, "");
}

static void
check_call(struct rtta_bus *bus)
{
	struct rtta_err err = { 0 };
	int error = -1;
	jv body;

	body = rtta_api_call(bus, "INFO", jv_invalid(), 5000, &error, &err);
	CHECK_INT(jv_get_kind(body), JV_KIND_OBJECT);
	CHECK_INT(error, 0);
	jv_free(body);
	body = rtta_api_call(bus, "STREAM.INFO.NONE", jv_invalid(), 5000, &error, &err);
	CHECK(!jv_is_valid(body));
	jv_free(body);
	CHECK_INT(error, 10059);
	CHECK_INT(err.exit_code, EX_UNAVAILABLE);
	CHECK_STR(err.text, "STREAM.INFO.NONE: stream not found");
	rtta_err_clear(&err);
	jv_free(rtta_api_call(bus, "NO.SUCH.THING", jv_invalid(), 50, NULL, &err));
	CHECK_INT(err.exit_code, EX_TEMPFAIL);
}

int
main(void)
{
	struct server server = { 0 };
	struct rtta_bus *bus;
	struct rtta_api *api;

	rtta_log_open("api");
	rtta_log_set_level(getenv("VERBOSE") ? RTTA_LOG_DEBUG : RTTA_LOG_ERROR);
	server_start(&server);
	bus = server_open_bus(&server, "unit");
	api = rtta_api_new(bus);
	check_answers(bus, api);
	check_lost(&server, bus, api);
	check_call(bus);
	rtta_api_free(api);
	rtta_bus_close(bus);
	server_remove(&server);
	return check_result();
}

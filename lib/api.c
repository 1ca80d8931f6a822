#include <stdlib.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "api.h"
#include "bus.h"
#include "clock.h"
#include "err.h"
#include "json.h"
#include "mem.h"

enum {
	QUEUE_MESSAGES = 4096,
	ANSWER_BYTES = 8 << 20,
	LOST_CONNECTION = 408
};

struct request {
	uint64_t number, epoch;
	void *tag;
	int64_t due_ms;
	char *what;
	struct request *next;
};

struct rtta_api {
	struct rtta_bus *bus;
	struct rtta_port *port;
	uint64_t asked;
	struct request *open;     /* oldest first */
};

struct rtta_api *
rtta_api_new(struct rtta_bus *bus)
{
	struct rtta_api *api = rtta_xcalloc(1, sizeof(*api));

	api->bus = bus;
	api->port = rtta_port_open(bus, QUEUE_MESSAGES);
	return api;
}

static void
request_free(struct request *request)
{
	free(request->what);
	free(request);
}

void
rtta_api_free(struct rtta_api *api)
{
	struct request *request;

	if (api == NULL)
		return;
	while ((request = api->open) != NULL) {
		api->open = request->next;
		request_free(request);
	}
	rtta_port_close(api->port);
	free(api);
}

/* A request that cannot be sent is overdue at once. */
uint64_t
rtta_api_ask(struct rtta_api *api, const char *what, jv body, int timeout_ms, void *tag)
{
	struct request *request = rtta_xcalloc(1, sizeof(*request)), **at;
	char *subject = rtta_xasprintf("$JS.API.%s", what);
	char *text = jv_is_valid(body) ? rtta_json_text(jv_copy(body), false) : NULL;
	char *reply;

	request->number = ++api->asked;
	request->epoch = rtta_bus_epoch(api->bus);
	request->tag = tag;
	request->due_ms = rtta_clock_mono_ms() + timeout_ms;
	request->what = rtta_xstrdup(what);
	reply = rtta_xasprintf("%s%llu", rtta_port_inbox(api->port),
	    (unsigned long long)request->number);
	if (rtta_bus_send(api->bus, subject, reply, text,
	    text ? (int)strlen(text) : 0) != 0)
		request->due_ms = 0;
	for (at = &api->open; *at != NULL; at = &(*at)->next)
		;
	*at = request;
	free(reply);
	free(text);
	free(subject);
	jv_free(body);
	return request->number;
}

static struct request *
take_request(struct rtta_api *api, uint64_t number)
{
	struct request **at = &api->open, *request;

	while (*at != NULL && (*at)->number != number)
		at = &(*at)->next;
	request = *at;
	if (request != NULL)
		*at = request->next;
	return request;
}

static void
fail(struct rtta_answer *answer, int error, const char *text)
{
	answer->error = error;
	snprintf(answer->text, sizeof(answer->text), "%.*s",
	    (int)sizeof(answer->text) - 1, text);
}

/* {"error": {"code": 404, "err_code": 10059, "description": "..."}} */
static void
read_error(struct rtta_answer *answer, jv error)
{
	jv number = jv_object_get(jv_copy(error), jv_string("err_code"));
	jv text = jv_object_get(jv_copy(error), jv_string("description"));

	if (jv_get_kind(number) != JV_KIND_NUMBER) {
		jv_free(number);
		number = jv_object_get(jv_copy(error), jv_string("code"));
	}
	fail(answer, jv_get_kind(number) == JV_KIND_NUMBER ?
	    (int)jv_number_value(number) : 500,
	    jv_get_kind(text) == JV_KIND_STRING ? jv_string_value(text) : "error");
	if (answer->error == 0)
		answer->error = 500;
	jv_free(text);
	jv_free(number);
	jv_free(error);
}

static void
read_answer(struct rtta_answer *answer, const char *what, natsMsg *msg)
{
	struct rtta_err err = { 0 };
	jv body, error;

	if (rtta_msg_status(msg) == 503) {
		fail(answer, 503, "nobody answers there");
		return;
	}
	body = rtta_json_object(what, natsMsg_GetData(msg),
	    (size_t)natsMsg_GetDataLength(msg), ANSWER_BYTES, &err);
	if (!jv_is_valid(body)) {
		jv_free(body);
		fail(answer, 500, err.text);
		return;
	}
	error = jv_object_get(jv_copy(body), jv_string("error"));
	if (jv_get_kind(error) == JV_KIND_OBJECT) {
		read_error(answer, error);
		jv_free(body);
		return;
	}
	jv_free(error);
	answer->body = body;
}

static int
take_answer(struct rtta_api *api, struct rtta_answer *answer)
{
	struct request *request;
	natsMsg *msg;

	while ((msg = rtta_port_take(api->port)) != NULL) {
		request = take_request(api, strtoull(rtta_port_token(api->port, msg), NULL, 10));
		if (request != NULL) {
			answer->number = request->number;
			answer->tag = request->tag;
			read_answer(answer, request->what, msg);
			request_free(request);
		}
		natsMsg_Destroy(msg);
		if (request != NULL)
			return 1;
	}
	return 0;
}

/* An answer that is due or was on its way when the connection went. */
static int
take_overdue(struct rtta_api *api, struct rtta_answer *answer)
{
	int64_t now_ms = rtta_clock_mono_ms();
	uint64_t epoch;
	struct request *request;

	if (api->open == NULL)
		return 0;
	epoch = rtta_bus_epoch(api->bus);
	for (request = api->open; request != NULL; request = request->next)
		if (request->due_ms <= now_ms || request->epoch != epoch)
			break;
	if (request == NULL)
		return 0;
	take_request(api, request->number);
	answer->number = request->number;
	answer->tag = request->tag;
	fail(answer, LOST_CONNECTION, request->due_ms <= now_ms && request->due_ms != 0 ?
	    "no answer in time" : "connection lost");
	request_free(request);
	return 1;
}

int
rtta_api_next(struct rtta_api *api, struct rtta_answer *answer)
{
	*answer = (struct rtta_answer){ .body = jv_invalid() };
	return take_answer(api, answer) || take_overdue(api, answer);
}

int
rtta_api_wait_ms(const struct rtta_api *api)
{
	int64_t now_ms = rtta_clock_mono_ms(), wait_ms = -1, left_ms;
	struct request *request;

	for (request = api->open; request != NULL; request = request->next) {
		left_ms = request->due_ms > now_ms ? request->due_ms - now_ms : 0;
		if (wait_ms < 0 || left_ms < wait_ms)
			wait_ms = left_ms;
	}
	return (int)wait_ms;
}

jv
rtta_api_call(struct rtta_bus *bus, const char *what, jv body, int timeout_ms,
    int *error, struct rtta_err *err)
{
	struct rtta_api *api = rtta_api_new(bus);
	struct pollfd fd = { .fd = rtta_bus_fd(bus), .events = POLLIN };
	struct rtta_answer answer;

	rtta_api_ask(api, what, body, timeout_ms, NULL);
	while (!rtta_api_next(api, &answer)) {
		poll(&fd, 1, rtta_api_wait_ms(api));
		if (rtta_bus_wake(bus, err) != 0) {
			fail(&answer, LOST_CONNECTION, "connection lost");
			break;
		}
	}
	if (error != NULL)
		*error = answer.error;
	if (answer.error != 0)
		rtta_err_set(err, answer.error == LOST_CONNECTION ? EX_TEMPFAIL :
		    EX_UNAVAILABLE, "%s: %s", what, answer.text);
	rtta_api_free(api);
	return answer.body;
}

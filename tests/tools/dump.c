/*
 * dump - what a stream holds now: one JSON message a line, as STREAM.MSG.GET
 * gives it; a work queue too, and nothing is consumed.
 */
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "bus.h"
#include "err.h"
#include "json.h"
#include "log.h"
#include "mem.h"
#include "opt.h"

static const char help[] =
    "usage: dump STREAM [SUBJECT]\n"
    RTTA_OPT_BUS_HELP
    RTTA_OPT_COMMON_HELP;

enum { NO_MESSAGE = 10037, ANSWER_MS = 5000 };

/* Its newest sequence, or -1: while sound comes there is always a newer one. */
static int64_t
find_last(struct rtta_bus *bus, const char *stream, struct rtta_err *err)
{
	char *what = rtta_xasprintf("STREAM.INFO.%s", stream);
	int64_t last = -1;
	int error = 0;
	jv answer = rtta_api_call(bus, what, jv_invalid(), ANSWER_MS, &error, err);

	if (jv_is_valid(answer)) {
		jv state = jv_object_get(answer, jv_string("state"));

		rtta_json_int("state", state, "last_seq", 0, INT64_MAX, &last, err);
		jv_free(state);
	}
	free(what);
	return last;
}

/* The next message at or behind seq, up to last.  1 printed, 0 there is none, -1. */
static int
print_next(struct rtta_bus *bus, const char *what, const char *subject, int64_t last,
    int64_t *seq, struct rtta_err *err)
{
	jv body = JV_OBJECT(jv_string("seq"), jv_number((double)*seq),
	    jv_string("next_by_subj"), jv_string(subject));
	int error = 0, rc = -1;
	jv answer = rtta_api_call(bus, what, body, ANSWER_MS, &error, err);
	jv message;

	if (error == NO_MESSAGE) {
		rtta_err_clear(err);
		rc = 0;
	}
	if (!jv_is_valid(answer)) {
		jv_free(answer);
		return rc;
	}
	message = jv_object_get(answer, jv_string("message"));
	if (rtta_json_int("message", message, "seq", 1, INT64_MAX, seq, err) == 0)
		rc = *seq > last ? 0 : rtta_event_write(jv_copy(message), err) == 0 ? 1 : -1;
	++*seq;
	jv_free(message);
	return rc;
}

int
main(int argc, char *argv[])
{
	static const struct option table[] = { RTTA_OPT_BUS RTTA_OPT_COMMON };
	struct rtta_err err = {0};
	struct rtta_bus *bus;
	char *what;
	int64_t seq = 1, last = -1;

	rtta_log_open("dump");
	while (rtta_opt_next(argc, argv, table, help) != -1)
		;
	if (optind >= argc || optind + 2 < argc)
		rtta_opt_fail("which stream?");
	bus = rtta_bus_open(rtta_opt_nats_url(), "dump", &err);
	if (bus != NULL)
		last = find_last(bus, argv[optind], &err);
	what = rtta_xasprintf("STREAM.MSG.GET.%s", argv[optind]);
	while (last >= 0 && print_next(bus, what,
	    argv[optind + 1] ? argv[optind + 1] : ">", last, &seq, &err) > 0)
		;
	free(what);
	rtta_bus_close(bus);
	return rtta_err_exit(&err);
}

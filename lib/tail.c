#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "bus.h"
#include "clock.h"
#include "err.h"
#include "json.h"
#include "mem.h"
#include "reader.h"
#include "record.h"
#include "tail.h"

enum {
	PATIENCE_MS = 5000,
	ANSWER_MS = 1000,
	NO_ANSWER = 408,     /* or the connection was lost */
	NS_PER_US = 1000,
	HEADERS_MAX_BYTES = 4096
};

struct rtta_tail {
	struct rtta_api *api;
	struct rtta_reader *reader;
	char *subject;
	uint64_t *runs;
	size_t n_runs;
	bool asked_all, read_all;
	int64_t deadline_ms;

	bool has;
	size_t n;            /* of the run */
	struct rtta_pos pos;
	int64_t us;
};

static void
ask(struct rtta_tail *tail)
{
	rtta_api_ask(tail->api, "STREAM.MSG.GET.AUDIO_STREAM",
	    JV_OBJECT(jv_string("last_by_subj"), jv_string(tail->subject)), ANSWER_MS, NULL);
}

struct rtta_tail *
rtta_tail_new(struct rtta_bus *bus, const char *id, const uint64_t *runs, size_t n_runs)
{
	struct rtta_tail *tail = rtta_xcalloc(1, sizeof(*tail));
	char *filter = rtta_xasprintf("transcript.raw.%s", id);

	tail->api = rtta_api_new(bus);
	tail->reader = rtta_reader_new(bus, "TEXT_STREAM", filter, RTTA_READER_ALL, 1);
	tail->subject = rtta_xasprintf("audio.live.%s", id);
	tail->runs = rtta_xmemdup(runs, n_runs * sizeof(*runs));
	tail->n_runs = n_runs;
	tail->deadline_ms = rtta_clock_mono_ms() + PATIENCE_MS;
	ask(tail);
	free(filter);
	return tail;
}

void
rtta_tail_free(struct rtta_tail *tail)
{
	if (tail == NULL)
		return;
	rtta_reader_free(tail->reader);
	rtta_api_free(tail->api);
	free(tail->subject);
	free(tail->runs);
	free(tail);
}

static void
reach(struct rtta_tail *tail, struct rtta_pos pos, int64_t us)
{
	size_t n = 0;

	while (n < tail->n_runs && tail->runs[n] != pos.run)
		n++;
	if (n == tail->n_runs)
		return;
	if (tail->has && (n < tail->n || (n == tail->n && pos.sample <= tail->pos.sample)))
		return;
	tail->has = true;
	tail->n = n;
	tail->pos = pos;
	tail->us = us;
}

static void
read_records(struct rtta_tail *tail)
{
	struct rtta_err ignored = {0};  /* somebody else's: no position */
	struct rtta_record record;
	natsMsg *msg;

	while ((msg = rtta_reader_take(tail->reader)) != NULL) {
		rtta_record_init(&record);
		if (rtta_record_decode(&record, msg, &ignored) == 0 && !record.foreign)
			reach(tail, (struct rtta_pos){ record.span.run, record.span.last },
			    record.end_ns / NS_PER_US);
		rtta_record_done(&record);
		natsMsg_Destroy(msg);
	}
}

/* --- STREAM.MSG.GET: headers and payload in base64 --- */

/* Number of bytes that text stands for; at most size go to bytes. */
static size_t
decode_base64(const char *text, char *bytes, size_t size)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *digit;
	unsigned bits = 0, have = 0;
	size_t count = 0;

	for (; *text != '\0' && (digit = strchr(digits, *text)) != NULL; text++) {
		bits = bits << 6 | (unsigned)(digit - digits);
		have += 6;
		if (have < 8)
			continue;
		have -= 8;
		if (count < size)
			bytes[count] = (char)(bits >> have & 255);
		count++;
	}
	return count;
}

/* The value of a header, up to the end of its line; NULL when absent. */
static char *
find_header(const char *headers, const char *name)
{
	char *start = rtta_xasprintf("\r\n%s: ", name);
	const char *at = strstr(headers, start);
	char *value = NULL;

	if (at != NULL) {
		value = rtta_xstrdup(at + strlen(start));
		value[strcspn(value, "\r")] = '\0';
	}
	free(start);
	return value;
}

static int64_t
header_number(const char *headers, const char *name, int64_t fallback)
{
	char *text = find_header(headers, name);
	uint64_t value;

	if (text != NULL && rtta_sample_parse(text, &value) == 0)
		fallback = (int64_t)value;
	free(text);
	return fallback;
}

static void
take_message(struct rtta_tail *tail, const char *base64, const char *data)
{
	char headers[HEADERS_MAX_BYTES] = "", *run, *time;
	int64_t samples, rate_hz, ns = 0;
	struct rtta_pos pos;

	decode_base64(base64, headers, sizeof(headers) - 1);
	run = find_header(headers, "run");
	time = find_header(headers, "timestamp");
	rate_hz = header_number(headers, "rate", 0);
	samples = (int64_t)decode_base64(data, NULL, 0) /
	    (2 * (header_number(headers, "channels", 1) ? header_number(headers, "channels", 1) : 1));
	if (run != NULL && rtta_run_parse(run, &pos.run) == 0 && rate_hz > 0 &&
	    time != NULL && rtta_clock_parse(time, &ns) == 0) {
		pos.sample = (uint64_t)(header_number(headers, "sample", 0) + samples);
		ns += rtta_samples_ns((uint64_t)samples, (uint32_t)rate_hz);
		reach(tail, pos, ns / NS_PER_US);
	}
	free(run);
	free(time);
}

static void
take_answer(struct rtta_tail *tail, const struct rtta_answer *answer)
{
	struct rtta_err ignored = {0};
	char *headers = NULL, *data = NULL;
	jv message;

	if (answer->error == NO_ANSWER) {
		ask(tail);
		return;
	}
	tail->asked_all = true;
	if (answer->error != 0)
		return;
	message = jv_object_get(jv_copy(answer->body), jv_string("message"));
	if (jv_get_kind(message) == JV_KIND_OBJECT &&
	    rtta_json_string("message", message, "hdrs", &headers, &ignored) == 0 &&
	    rtta_json_string("message", message, "data", &data, &ignored) == 0 &&
	    headers != NULL)
		take_message(tail, headers, data ? data : "");
	free(headers);
	free(data);
	jv_free(message);
}

int
rtta_tail_tick(struct rtta_tail *tail)
{
	int wait_ms = rtta_reader_tick(tail->reader), api_ms;
	struct rtta_answer answer;

	read_records(tail);
	tail->read_all = rtta_reader_caught_up(tail->reader);
	while (!tail->asked_all && rtta_api_next(tail->api, &answer)) {
		take_answer(tail, &answer);
		jv_free(answer.body);
	}
	api_ms = rtta_api_wait_ms(tail->api);
	if (api_ms >= 0 && api_ms < wait_ms)
		wait_ms = api_ms;
	return wait_ms < ANSWER_MS ? wait_ms : ANSWER_MS;
}

bool
rtta_tail_is_over(const struct rtta_tail *tail)
{
	return (tail->asked_all && tail->read_all) ||
	    rtta_clock_mono_ms() >= tail->deadline_ms;
}

bool
rtta_tail_get(const struct rtta_tail *tail, struct rtta_pos *pos, int64_t *us)
{
	*pos = tail->pos;
	*us = tail->us;
	return tail->has;
}

/* record: messages there and back, what is repaired, what is refused. */
#include <math.h>
#include <stdlib.h>

#include "bus.h"
#include "check.h"
#include "err.h"
#include "json.h"
#include "jtext.h"
#include "mem.h"
#include "record.h"

static const char *const names[] = { "timestamp", "end", "is_final", "type", "lane", "run",
    "first", "last", "engine", "rev", "speaker", "channel", "confidence", "language",
    "words", "reason" };

enum { NAMES = sizeof(names) / sizeof(names[0]) };

static natsMsg *
delivery(const char *subject, const void *data, int bytes)
{
	natsMsg *msg;

	if (natsMsg_Create(&msg, subject,
	    "$JS.ACK.TEXT_STREAM.x.1.42.7.1767607200500000000.0", data, bytes) != NATS_OK)
		abort();
	return msg;
}

static natsMsg *
redeliver(natsMsg *msg)
{
	natsMsg *copy = delivery(natsMsg_GetSubject(msg), natsMsg_GetData(msg),
	    natsMsg_GetDataLength(msg));

	for (int i = 0; i < NAMES; i++)
		if (rtta_header(msg, names[i]) != NULL)
			rtta_msg_header(copy, names[i], rtta_header(msg, names[i]));
	return copy;
}

static struct rtta_record
example(void)
{
	struct rtta_record record;

	rtta_record_init(&record);
	free(record.text);
	record.text = rtta_xstrdup("Caf\xc3\xa9, please.");
	strcpy(record.session, "s1");
	record.span = (struct rtta_span){ 0xfedcba9876543210, 16000, 48000 };
	record.start_ns = 1767607203120000000;
	record.end_ns = 1767607205120000000;
	return record;
}

static char *
json_of(const struct rtta_record *record)
{
	struct rtta_jtext text = {0};
	char *libjq;

	rtta_record_json(record, &text);
	rtta_jtext_raw(&text, "", 1);
	/* The same bytes that libjq would print. */
	libjq = rtta_json_text(jv_parse(text.text), false);
	CHECK_STR(text.text, libjq);
	free(libjq);
	return text.text;
}

static void
check_full(void)
{
	struct rtta_record record = example(), got, copy;
	jv words;
	struct rtta_err err = {0};
	natsMsg *msg, *again;
	char *json, *json_copy;

	record.backfill = true;
	record.rev = 2;
	record.channel = 1;
	record.confidence = 0.5;
	record.engine = rtta_xstrdup("moonshine");
	record.speaker = rtta_xstrdup("Zo\xc3\xab");
	record.language = rtta_xstrdup("en");
	record.words = jv_parse("[{\"word\":\"Caf\xc3\xa9,\",\"first\":16000,\"last\":17000},"
	    "{\"word\":\"please.\",\"first\":17000,\"last\":18000,\"confidence\":0.25}]");
	msg = rtta_record_encode(&record, 3);
	CHECK_STR(natsMsg_GetSubject(msg), "transcript.raw.s1");
	CHECK_STR(rtta_header(msg, "Nats-Msg-Id"), "s1/rec/backfill/2/fedcba9876543210/16000-48000/c1/3");
	CHECK_STR(rtta_header(msg, "is_final"), "true");
	CHECK_STR(rtta_header(msg, "timestamp"), "2026-01-05T10:00:03.120000Z");
	CHECK(strstr(rtta_header(msg, "words"), "Caf\\u00e9,") != NULL);
	again = redeliver(msg);
	rtta_record_init(&got);
	CHECK_INT(rtta_record_decode(&got, again, &err), 0);
	CHECK_STR(err.text, "");
	json = json_of(&got);
	CHECK_STR(json, "{\"text\":\"Caf\xc3\xa9, please.\",\"timestamp\":\"2026-01-05T10:00:03.120000Z\","
	    "\"is_final\":true,\"type\":\"text\",\"lane\":\"backfill\",\"seq\":42,"
	    "\"end\":\"2026-01-05T10:00:05.120000Z\",\"stored\":\"2026-01-05T10:00:00.500000Z\","
	    "\"session\":\"s1\",\"run\":\"fedcba9876543210\","
	    "\"first\":16000,\"last\":48000,\"rev\":2,\"channel\":1,\"confidence\":0.5,"
	    "\"engine\":\"moonshine\",\"speaker\":\"Zo\xc3\xab\",\"language\":\"en\","
	    "\"words\":[{\"word\":\"Caf\xc3\xa9,\",\"first\":16000,\"last\":17000},"
	    "{\"word\":\"please.\",\"first\":17000,\"last\":18000,\"confidence\":0.25}]}");
	/* Packed it says the same. */
	words = rtta_record_words(&got);
	rtta_record_pack(&got);
	CHECK(!jv_is_valid(got.words));
	CHECK(jv_equal(words, rtta_record_words(&got)));
	rtta_record_copy(&copy, &got);
	rtta_record_done(&got);
	json_copy = json_of(&copy);
	CHECK_STR(json_copy, json);
	rtta_record_done(&copy);
	rtta_record_done(&record);
	free(json);
	free(json_copy);
	natsMsg_Destroy(again);
	natsMsg_Destroy(msg);
}

static void
check_interim_and_gap(void)
{
	struct rtta_record record = example(), got;
	struct rtta_err err = {0};
	natsMsg *msg;

	rtta_record_init(&got);
	record.is_final = false;
	msg = rtta_record_encode(&record, 0);
	CHECK_STR(natsMsg_GetSubject(msg), "transcript.interim.s1");
	CHECK(rtta_header(msg, "Nats-Msg-Id") == NULL);
	CHECK_INT(rtta_record_decode(&got, msg, &err), 0);  /* no delivery of JetStream */
	CHECK(!got.is_final);
	CHECK_INT(got.seq, 0);
	CHECK_INT(got.channel, -1);
	CHECK(isnan(got.confidence));
	natsMsg_Destroy(msg);

	record.is_final = true;
	record.type = RTTA_RECORD_GAP;
	record.text[0] = '\0';
	record.reason = rtta_xstrdup("unplugged\r\nx: y");
	record.span.last = record.span.first;
	msg = rtta_record_encode(&record, 0);
	CHECK_STR(rtta_header(msg, "Nats-Msg-Id"), "s1/rec/live/1/fedcba9876543210/16000-16000/0");
	CHECK_STR(rtta_header(msg, "reason"), "unplugged  x: y");
	CHECK_INT(natsMsg_GetDataLength(msg), 0);
	CHECK_INT(rtta_record_decode(&got, msg, &err), 0);
	CHECK_INT(got.type, RTTA_RECORD_GAP);
	natsMsg_Destroy(msg);
	rtta_record_done(&got);
	rtta_record_done(&record);
}

/* Text of an engine: made UTF-8, bounded, and words only where they fit. */
static void
check_repair(void)
{
	struct rtta_record record = example();
	char *long_name = rtta_xcalloc(1, 1001);
	natsMsg *msg;

	free(record.text);
	record.text = rtta_xstrdup("a\xff\x01" "b\nc\xed\xa0\x80");
	memset(long_name, 0xc3, 1000);
	for (int i = 1; i < 1000; i += 2)
		long_name[i] = (char)0xa9;
	record.speaker = long_name;
	msg = rtta_record_encode(&record, 0);
	CHECK_INT(strncmp(natsMsg_GetData(msg), "a\xef\xbf\xbd b\nc\xef\xbf\xbd", 10), 0);
	CHECK_INT(strlen(rtta_header(msg, "speaker")), 200);
	natsMsg_Destroy(msg);

	free(record.text);
	record.text = rtta_xcalloc(1, RTTA_RECORD_TEXT_MAX_BYTES + 2);
	memset(record.text, 'x', RTTA_RECORD_TEXT_MAX_BYTES);
	record.words = jv_array();
	for (int i = 0; i < 2000; i++)
		record.words = jv_array_append(record.words, JV_OBJECT(jv_string("word"),
		    jv_string("x"), jv_string("first"), jv_number(1), jv_string("last"), jv_number(2)));
	msg = rtta_record_encode(&record, 0);
	CHECK(msg != NULL && rtta_header(msg, "words") == NULL);
	natsMsg_Destroy(msg);
	record.text[RTTA_RECORD_TEXT_MAX_BYTES] = 'x';
	CHECK(rtta_record_encode(&record, 0) == NULL);
	rtta_record_done(&record);
}

static void
check_foreign(void)
{
	struct rtta_record got;
	struct rtta_err err = {0};
	natsMsg *msg = delivery("transcript.raw.x", "hello\0\xff", 7);
	char *json;

	rtta_record_init(&got);
	CHECK_INT(rtta_record_decode(&got, msg, &err), 0);
	CHECK(got.foreign && got.is_final);
	CHECK_INT(got.start_ns, 1767607200500000000);
	json = json_of(&got);
	CHECK_STR(json, "{\"text\":\"hello \xef\xbf\xbd\",\"timestamp\":\"2026-01-05T10:00:00.500000Z\","
	    "\"is_final\":true,\"type\":\"text\",\"lane\":\"live\",\"seq\":42,"
	    "\"end\":\"2026-01-05T10:00:00.500000Z\",\"stored\":\"2026-01-05T10:00:00.500000Z\","
	    "\"session\":\"x\",\"rev\":1}");
	free(json);
	rtta_msg_header(msg, "timestamp", "2026-01-05T12:00:00+01:00");
	rtta_msg_header(msg, "is_final", "False");
	CHECK_INT(rtta_record_decode(&got, msg, &err), 0);
	CHECK_INT(got.start_ns, INT64_C(1767610800) * 1000000000);
	CHECK(!got.is_final);
	rtta_msg_header(msg, "timestamp", "1767610800.5");
	CHECK_INT(rtta_record_decode(&got, msg, &err), 0);
	CHECK_INT(got.start_ns, 1767607200500000000);
	rtta_record_done(&got);
	natsMsg_Destroy(msg);
}

static void
check_refused(void)
{
	static const struct {
		const char *header, *value, *error;
	} rows[] = {
		{ "run", "AA", "run: not 16" },
		{ "first", "x", "first: no number" },
		{ "first", "48001", "last: before first" },
		{ "last", "-1", "last: no number" },
		{ "is_final", "1", "is_final: neither" },
		{ "type", "noise", "type: neither" },
		{ "lane", "fast", "lane: neither" },
		{ "rev", "0", "rev: no number" },
		{ "rev", "3", "rev: no number" },
		{ "last", "9007199254740993", "last: no number" },
		{ "channel", "-1", "channel: no number" },
		{ "confidence", "high", "confidence: no number" },
		{ "confidence", "nan", "confidence: no number" },
		{ "timestamp", "now", "timestamp: no RFC" },
		{ "end", "then", "end: no RFC" },
		{ "words", "{}", "words: not an array" },
		{ "words", "[", "words: not an array" },
		{ "words", "[{\"word\":\"x", "words: not an array" },
		{ "words", "[\"a\" \"b\"", "words: not an array" },
		{ "words", "[1]", "words: not an array" },
		{ "words", "[{\"word\":\"x\",\"first\":2,\"last\":1}]", "words: not an array" },
		{ "words", "[{\"word\":\"x\",\"first\":\"1\",\"last\":2}]", "words: not an array" },
		{ "words", "[{\"first\":1,\"last\":2}]", "words: not an array" },
	};
	struct rtta_record record = example(), got;
	natsMsg *msg = rtta_record_encode(&record, 0), *copy;

	rtta_record_init(&got);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rtta_err err = {0};
		char want[80];

		copy = redeliver(msg);
		rtta_msg_header(copy, rows[i].header, rows[i].value);
		CHECK_INT(rtta_record_decode(&got, copy, &err), -1);
		CHECK_INT(err.exit_code, EX_DATAERR);
		snprintf(want, sizeof(want), "transcript.raw.s1 42: %s", rows[i].error);
		err.text[strlen(want)] = '\0';
		CHECK_STR(err.text, want);
		natsMsg_Destroy(copy);
	}
	natsMsg_Destroy(msg);
	rtta_record_done(&got);
	rtta_record_done(&record);
}

int
main(void)
{
	nats_Open(-1);  /* messages are the library's */
	check_full();
	check_interim_and_gap();
	check_repair();
	check_foreign();
	check_refused();
	nats_Close();
	return check_result();
}

/* session: ids, keys, and the values of system_state. */
#include <stdlib.h>

#include "check.h"
#include "err.h"
#include "session.h"

static void
check_ids(void)
{
	static const struct {
		const char *id;
		bool valid;
	} rows[] = {
		{ "x", true }, { "20260105T101503Z-ab12", true }, { "A_b-9", true },
		{ "0123456789012345678901234567890123456789012345678901234567890123", true },
		{ "01234567890123456789012345678901234567890123456789012345678901234", false },
		{ "", false }, { "a.b", false }, { "*", false }, { ">", false }, { "a b", false },
		{ "a/b", false }, { "caf\xc3\xa9", false }, { "a\n", false },
	};
	char id[RTTA_SESSION_ID_BYTES], other[RTTA_SESSION_ID_BYTES];
	int same = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		CHECK_INT(rtta_session_id_valid(rows[i].id), rows[i].valid);
	for (int i = 0; i < 8; i++) {
		rtta_session_id_new(id, INT64_C(1767608103) * 1000000000);
		rtta_session_id_new(other, INT64_C(1767608103) * 1000000000);
		CHECK(rtta_session_id_valid(id));
		CHECK_INT(strlen(id), 21);
		CHECK(strncmp(id, "20260105T101503Z-", 17) == 0);
		same += strcmp(id, other) == 0;
	}
	CHECK(same < 8);
}

static void
check_keys(void)
{
	static const struct {
		const char *key, *what, *id, *rest;  /* what NULL: no session's key */
	} rows[] = {
		{ "cut.s1", "cut", "s1", "" },
		{ "end.s1", "end", "s1", "" },
		{ "session.s1", "session", "s1", "" },
		{ "flush.s1", "flush", "s1", "" },
		{ "run.s1.0", "run", "s1", "0" },
		{ "run.s1.12", "run", "s1", "12" },
		{ "note.s1.route-00000000000000aa-5", "note", "s1", "route-00000000000000aa-5" },
		{ "session_config", NULL, NULL, NULL },
		{ "run.s1", NULL, NULL, NULL },
		{ "run.s1.", NULL, NULL, NULL },
		{ "run.s1.x", NULL, NULL, NULL },
		{ "run.s1.99999999999", NULL, NULL, NULL },
		{ "cut.s1.x", NULL, NULL, NULL },
		{ "cut.", NULL, NULL, NULL },
		{ "cut.s 1", NULL, NULL, NULL },
		{ "other.s1", NULL, NULL, NULL },
		{ "averyveryverylongword.s1", NULL, NULL, NULL },
	};
	char what[16], id[RTTA_SESSION_ID_BYTES], key[RTTA_SESSION_KEY_BYTES];
	const char *rest;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int rc = rtta_session_key_parse(rows[i].key, what, id, &rest);

		CHECK_INT(rc, rows[i].what ? 0 : -1);
		if (rc != 0 || rows[i].what == NULL)
			continue;
		CHECK_STR(what, rows[i].what);
		CHECK_STR(id, rows[i].id);
		CHECK_STR(rest, rows[i].rest);
	}
	CHECK_STR(rtta_session_key(key, "cut", "s1"), "cut.s1");
	CHECK_STR(rtta_session_run_key(key, "s1", 3), "run.s1.3");
	CHECK_STR(rtta_session_note_key(key, "s1", "route", (struct rtta_pos){ 0xaa, 5 }),
	    "note.s1.route-00000000000000aa-5");
}

/* "": it is taken; else what the error begins with. */
static void
check_config(void)
{
	static const struct {
		const char *json, *error;
	} rows[] = {
		{ "{\"session_id\":\"x\",\"status\":\"ACTIVE\"}", "" },
		{ "{\"session_id\":\"x\",\"status\":\"IDLE\",\"more\":[1]}", "" },
		{ "{\"status\":\"IDLE\"}", "" },
		{ "{\"session_id\":\"x\",\"status\":\"ACTIVE\",\"preroll_s\":330}", "" },
		{ "[]", "session_config: not a JSON object" },
		{ "{}", "session_config: status: what is missing" },
		{ "{\"session_id\":\"x\",\"status\":\"active\"}", "session_config: status: active is" },
		{ "{\"session_id\":\"x\",\"status\":1}", "session_config: status: " },
		{ "{\"status\":\"ACTIVE\"}", "session_config: session_id: \"\" is not" },
		{ "{\"session_id\":\"a.b\",\"status\":\"IDLE\"}", "session_config: session_id: \"a.b\"" },
		{ "{\"session_id\":\"*\",\"status\":\"ACTIVE\"}", "session_config: session_id: \"*\"" },
		{ "{\"session_id\":\"x\",\"status\":\"ACTIVE\",\"preroll_s\":331}", "session_config: preroll_s: " },
		{ "{\"session_id\":\"x\",\"status\":\"ACTIVE\",\"off_record\":1}", "session_config: off_record: " },
		{ "{\"session_id\":\"x\",\"status\":\"ACTIVE\",\"title\":{}}", "session_config: title: " },
		{ "{\"status\":\"IDLE\",\"off_record_spans\":[[1,2],[3,4]]}", "" },
		{ "{\"status\":\"IDLE\",\"off_record_spans\":[]}", "" },
		{ "{\"status\":\"IDLE\",\"off_record_spans\":1}", "session_config: off_record_spans: " },
		{ "{\"status\":\"IDLE\",\"off_record_spans\":[[1,2],[3]]}", "session_config: off_record_spans: " },
		{ "{\"status\":\"IDLE\",\"off_record_spans\":[[1,-2]]}", "session_config: off_record_spans: " },
	};
	struct rtta_session_config config;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rtta_err err = {0};
		jv value = jv_parse(rows[i].json);
		int rc = rtta_session_config_decode(&config, value, &err);

		jv_free(value);
		CHECK_INT(rc, rows[i].error[0] ? -1 : 0);
		err.text[strlen(rows[i].error)] = '\0';
		CHECK_STR(err.text, rows[i].error);
		CHECK_INT(err.exit_code, rows[i].error[0] ? EX_DATAERR : 0);
	}
}

/* What does not fit is cut off between two characters. */
static void
check_title(void)
{
	struct rtta_session_config config;
	struct rtta_err err = {0};
	jv title = jv_string("x"), value;

	for (int i = 0; i < 200; i++)
		title = jv_string_concat(title, jv_string("\xc3\xa9"));
	value = JV_OBJECT(jv_string("session_id"), jv_string("x"), jv_string("status"),
	    jv_string("IDLE"), jv_string("title"), title);
	CHECK_INT(rtta_session_config_decode(&config, value, &err), 0);
	CHECK_INT(strlen(config.title), 255);
	CHECK_STR(config.title + 253, "\xc3\xa9");
	jv_free(value);
}

static void
check_round_trips(void)
{
	struct rtta_session_config config = { .id = "s1", .active = true, .title = "Rat",
	    .started_us = 1767608103000001, .preroll_s = 12, .off_record = true,
	    .off_record_us = 1767608104000001 }, config2;
	struct rtta_session_info info = { .title = "T", .started_us = 5, .preroll_s = 300,
	    .source = "route", .split = true, .channels = 2 }, info2;
	struct rtta_session_cut cut = { .has_at = true, .at = { 0xfedcba9876543210, 123456789012 },
	    .at_us = 1767608103000001, .has_preroll = true, .first = { 1, 2 }, .last = { 3, 4 } },
	    cut2, none = { .at_us = 7 };
	struct rtta_session_end end = { .has_at = true, .at = { 5, 6 }, .at_us = 7 }, end2;
	struct rtta_session_run run = { .run = 1, .first = 2, .first_us = 3, .prev_next = 4,
	    .prev_us = 5, .contiguous = true, .rate_hz = 48000 }, run2;
	struct rtta_session_flush flush = { 1, 2, 0.5 }, flush2;
	struct rtta_session_note note = { .from = { 1, 2 }, .to = { 3, 4 }, .from_us = 5,
	    .to_us = 6, .reason = "off the record" }, note2;
	struct rtta_err err = {0};
	jv value;

#define ROUND_TRIP(kind, from, to) do {						\
		memset(&to, 0x5a, sizeof(to));					\
		value = rtta_session_##kind##_encode(&from);			\
		CHECK_INT(rtta_session_##kind##_decode(&to, value, &err), 0);	\
		jv_free(value);							\
	} while (0)
	ROUND_TRIP(config, config, config2);
	CHECK_STR(config2.id, "s1");
	CHECK_STR(config2.title, "Rat");
	CHECK(config2.active && config2.off_record);
	CHECK_INT(config2.started_us, config.started_us);
	CHECK_INT(config2.preroll_s, 12);
	CHECK_INT(config2.off_record_us, config.off_record_us);
	ROUND_TRIP(info, info, info2);
	CHECK_STR(info2.source, "route");
	CHECK(info2.split);
	CHECK_INT(info2.channels, 2);
	ROUND_TRIP(cut, cut, cut2);
	CHECK(cut2.has_at && cut2.has_preroll && rtta_pos_equal(cut2.at, cut.at) &&
	    rtta_pos_equal(cut2.first, cut.first) && rtta_pos_equal(cut2.last, cut.last));
	CHECK_INT(cut2.at_us, cut.at_us);
	ROUND_TRIP(cut, none, cut2);
	CHECK(!cut2.has_at && !cut2.has_preroll);
	ROUND_TRIP(end, end, end2);
	CHECK(end2.has_at && rtta_pos_equal(end2.at, end.at) && end2.at_us == 7);
	ROUND_TRIP(run, run, run2);
	CHECK(run2.run == 1 && run2.first == 2 && run2.first_us == 3 && run2.prev_next == 4 &&
	    run2.prev_us == 5 && run2.contiguous && run2.rate_hz == 48000);
	ROUND_TRIP(flush, flush, flush2);
	CHECK(flush2.copied_samples == 1 && flush2.holes == 2 && flush2.short_s == 0.5);
	ROUND_TRIP(note, note, note2);
	CHECK_STR(note2.reason, "off the record");
	CHECK(rtta_pos_equal(note2.to, note.to) && note2.to_us == 6);
}

static void
check_refused(void)
{
	static const struct {
		char kind;
		const char *json, *error;
	} rows[] = {
		{ 'c', "{\"at\":{\"run\":\"AA\",\"sample\":1}}", "cut: run: \"AA\" is not 16" },
		{ 'c', "{\"at\":{\"run\":\"00000000000000aa\",\"sample\":-1}}", "cut: sample: " },
		{ 'c', "{\"at\":{\"run\":\"00000000000000aa\"}}", "cut: sample: missing" },
		{ 'c', "{\"at\":5}", "cut: at: not a position" },
		{ 'c', "{\"first\":{\"run\":\"00000000000000aa\",\"sample\":1}}", "cut: first and last: " },
		{ 'r', "{\"first\":1}", "run: run: missing" },
		{ 'r', "{\"run\":\"00000000000000aa\",\"first\":1,\"rate_hz\":1}", "run: rate_hz: " },
		{ 'n', "{\"from\":{\"run\":\"00000000000000aa\",\"sample\":1}}", "note: reason: missing" },
		{ 'n', "{\"reason\":\"x\"}", "note: from: missing" },
	};
	union {
		struct rtta_session_cut cut;
		struct rtta_session_run run;
		struct rtta_session_note note;
	} out;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rtta_err err = {0};
		jv value = jv_parse(rows[i].json);
		int rc = rows[i].kind == 'c' ? rtta_session_cut_decode(&out.cut, value, &err) :
		    rows[i].kind == 'r' ? rtta_session_run_decode(&out.run, value, &err) :
		    rtta_session_note_decode(&out.note, value, &err);

		jv_free(value);
		CHECK_INT(rc, -1);
		err.text[strlen(rows[i].error)] = '\0';
		CHECK_STR(err.text, rows[i].error);
	}
}

int
main(void)
{
	check_ids();
	check_keys();
	check_config();
	check_title();
	check_round_trips();
	check_refused();
	return check_result();
}

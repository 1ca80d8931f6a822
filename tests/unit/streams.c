/* The streams as they are specified, how they fit, and what differs. */
#include "check.h"
#include "err.h"
#include "json.h"
#include "log.h"
#include "streams.h"

#include <stdlib.h>

static void
check_field(const char *stream, const struct rtta_streams_limits *limits,
    const char *field, const char *want)
{
	jv config = rtta_streams_config(stream, limits);
	char *text = rtta_json_text(jv_object_get(config, jv_string(field)), false);

	if (strcmp(text, want) != 0)
		fprintf(stderr, "%s %s: ", stream, field);
	CHECK_STR(text, want);
	free(text);
}

static void
check_specification(void)
{
	static const struct {
		const char *stream, *field, *want;
	} rows[] = {
		{ "PRE_BUFFER", "subjects", "[\"preroll.audio\"]" },
		{ "PRE_BUFFER", "retention", "\"limits\"" },
		{ "PRE_BUFFER", "storage", "\"memory\"" },
		{ "PRE_BUFFER", "max_age", "360000000000" },
		{ "PRE_BUFFER", "duplicate_window", "120000000000" },
		{ "PRE_BUFFER", "discard", "\"old\"" },
		{ "AUDIO_STREAM", "subjects", "[\"audio.live.>\",\"audio.backfill.>\"]" },
		{ "AUDIO_STREAM", "retention", "\"workqueue\"" },
		{ "AUDIO_STREAM", "storage", "\"file\"" },
		{ "AUDIO_STREAM", "max_age", "3600000000000" },
		{ "AUDIO_STREAM", "duplicate_window", "600000000000" },
		{ "AUDIO_STREAM", "discard", "\"new\"" },
		{ "AUDIO_STREAM", "max_bytes", "570240000" },
		{ "AUDIO_STREAM", "max_msgs", "495000" },
		{ "TEXT_STREAM", "subjects", "[\"transcript.raw.>\"]" },
		{ "TEXT_STREAM", "retention", "\"limits\"" },
		{ "TEXT_STREAM", "storage", "\"file\"" },
		{ "TEXT_STREAM", "max_age", "604800000000000" },
		{ "TEXT_STREAM", "duplicate_window", "600000000000" },
		{ "KV_system_state", "subjects", "[\"$KV.system_state.>\"]" },
		{ "KV_system_state", "storage", "\"file\"" },
		{ "KV_system_state", "max_age", "0" },
		{ "KV_system_state", "max_msgs_per_subject", "5" },
		{ "KV_system_state", "allow_rollup_hdrs", "true" },
		{ "KV_system_state", "deny_delete", "true" },
		{ "KV_system_state", "discard", "\"new\"" },
	};
	size_t i;
	jv none;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_field(rows[i].stream, NULL, rows[i].field, rows[i].want);
	none = rtta_streams_config("OTHER", NULL);
	CHECK(!jv_is_valid(none));
	jv_free(none);
}

/* 50 frames a second of 16 kHz take less than what is planned for. */
static void
check_ceilings(void)
{
	struct rtta_streams_limits limits;
	struct rtta_err err = {0};
	int64_t frame_bytes = 640 + 200 + 33 + 34;

	rtta_streams_limits_init(&limits);
	CHECK_INT(rtta_streams_fit(&limits, -1, -1, &err), 0);
	CHECK(limits.audio_bytes > frame_bytes * 50 * 66 * 60);
	CHECK(limits.preroll_bytes > frame_bytes * 50 * 6 * 60);

	/* With less room the sound gives way, but not below 50 minutes. */
	rtta_streams_limits_init(&limits);
	CHECK_INT(rtta_streams_fit(&limits, -1, 900 << 20, &err), 0);
	CHECK(rtta_streams_with_reserve(limits.audio_bytes) + limits.text_bytes + limits.state_bytes <=
	    (int64_t)(900 << 20) / 100 * 80);
	CHECK(limits.audio_bytes > frame_bytes * 50 * 56 * 60);
	rtta_streams_limits_init(&limits);
	CHECK_INT(rtta_streams_fit(&limits, -1, 500 << 20, &err), -1);
	CHECK_INT(err.exit_code, EX_CONFIG);
	CHECK(strstr(err.text, "AUDIO_STREAM") != NULL);

	/* What was given is not touched. */
	err = (struct rtta_err){0};
	rtta_streams_limits_init(&limits);
	limits.audio_bytes = 1 << 30;
	CHECK_INT(rtta_streams_fit(&limits, -1, 900 << 20, &err), -1);
	err = (struct rtta_err){0};
	rtta_streams_limits_init(&limits);
	CHECK_INT(rtta_streams_fit(&limits, 16 << 20, -1, &err), -1);
	CHECK(strstr(err.text, "PRE_BUFFER") != NULL);

	/* A window is never longer than an age. */
	rtta_streams_limits_init(&limits);
	limits.audio_age_s = 60;
	check_field("AUDIO_STREAM", &limits, "duplicate_window", "60000000000");
}

/* A share and its reserve, and what an INFO leaves of it. */
static void
check_room(void)
{
	static const int64_t shares[] = { 64 << 10, 3 << 20, 8 << 20, (8 << 20) + 1, 285120000 };
	int64_t bytes, messages;
	jv info;
	size_t i;

	for (i = 0; i < sizeof(shares) / sizeof(shares[0]); i++)
		CHECK_INT(rtta_streams_share(rtta_streams_with_reserve(shares[i])), shares[i]);
	CHECK_INT(rtta_streams_with_reserve(3 << 20), 11 << 20);
	CHECK_INT(rtta_streams_share(1 << 20), 1 << 19);

	info = jv_parse("{\"config\":{\"max_bytes\":11534336,\"max_msgs\":10012},"
	    "\"state\":{\"bytes\":3145000,\"messages\":2800}}");
	rtta_streams_room(info, &bytes, &messages);
	CHECK_INT(bytes, (3 << 20) - 3145000);
	CHECK_INT(messages, 2730 - 2800);
	jv_free(info);
	info = jv_parse("{\"config\":{\"max_bytes\":-1,\"max_msgs\":-1}}");
	rtta_streams_room(info, &bytes, &messages);
	CHECK(bytes == INT64_MAX && messages == INT64_MAX);
	jv_free(info);
}

static char *
diff_text(const char *changes)
{
	jv found = jv_object_merge(rtta_streams_config("AUDIO_STREAM", NULL),
	    jv_parse(changes));

	return rtta_json_text(rtta_streams_diff(
	    rtta_streams_config("AUDIO_STREAM", NULL), found), false);
}

static void
check_drift(void)
{
	static const struct {
		const char *changes, *want;
	} rows[] = {
		{ "{}", "[]" },
		/* what a newer server adds, and the order of subjects, is its own */
		{ "{\"compression\":\"none\",\"metadata\":{},"
		  "\"subjects\":[\"audio.backfill.>\",\"audio.live.>\"]}", "[]" },
		{ "{\"max_age\":1}", "[{\"field\":\"max_age\",\"wanted\":3600000000000,"
		  "\"found\":1,\"fixed\":false}]" },
		{ "{\"storage\":\"memory\"}", "[{\"field\":\"storage\","
		  "\"wanted\":\"file\",\"found\":\"memory\",\"fixed\":true}]" },
		{ "{\"deny_purge\":true}", "[{\"field\":\"deny_purge\","
		  "\"wanted\":false,\"found\":true,\"fixed\":true}]" },
	};
	size_t i;
	char *text;
	jv merged;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		text = diff_text(rows[i].changes);
		CHECK_STR(text, rows[i].want);
		free(text);
	}
	merged = rtta_streams_merge(rtta_streams_config("AUDIO_STREAM", NULL),
	    jv_parse("{\"max_age\":1,\"storage\":\"memory\",\"metadata\":{\"a\":\"b\"}}"));
	text = rtta_json_text(jv_copy(merged), false);
	CHECK(strstr(text, "\"max_age\":3600000000000") != NULL);
	CHECK(strstr(text, "\"storage\":\"memory\"") != NULL);
	CHECK(strstr(text, "\"metadata\":{\"a\":\"b\"}") != NULL);
	free(text);
	jv_free(merged);
}

static void
check_text(const char *field, jv value, const char *want)
{
	char *text = rtta_streams_value_text(field, value);

	CHECK_STR(text, want);
	free(text);
}

int
main(void)
{
	rtta_log_open("streams");
	check_specification();
	check_ceilings();
	check_room();
	check_drift();
	check_text("max_age", jv_number(9e11), "900 s");
	check_text("max_bytes", jv_number(1 << 20), "1048576 (1.0 MiB)");
	check_text("max_bytes", jv_number(-1), "-1");
	check_text("storage", jv_string("file"), "file");
	check_text("subjects", JV_ARRAY(jv_string("a")), "[\"a\"]");
	check_text("sealed", jv_true(), "true");
	return check_result();
}

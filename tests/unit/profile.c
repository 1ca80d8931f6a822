/* profile: which engine, and what is wrong with a file that says so. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "err.h"
#include "profile.h"
#include "service.h"

static char folder[] = "/tmp/rtta-unit-XXXXXX";

static struct rtta_profile *
load(const char *name, const char *text, struct rtta_err *err)
{
	char path[200];
	struct rtta_profile *profile;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s.json", folder, name);
	f = fopen(path, "w");
	fputs(text, f);
	fclose(f);
	*err = (struct rtta_err){0};
	profile = rtta_profile_load(name, err);
	unlink(path);
	return profile;
}

static void
test_good(void)
{
	struct rtta_err err;
	struct rtta_profile *profile = load("good", "{\"kind\":\"exec\",\"command\":[\"a\",\"b c\"],"
	    "\"backfill_command\":[\"d\"],\"rate_hz\":8000,\"language\":\"de\",\"missing\":\"buy one\"}", &err);

	CHECK_STR(err.text, "");
	CHECK_STR(profile->name, "good");
	CHECK_STR(profile->command[1], "b c");
	CHECK(profile->command[2] == NULL);
	CHECK_STR(profile->backfill_command[0], "d");
	CHECK_INT(profile->rate_hz, 8000);
	CHECK_STR(profile->language, "de");
	CHECK_STR(profile->missing, "buy one");
	rtta_profile_free(profile);
}

#define WS(more) "{\"kind\":\"websocket\",\"url\":\"ws://h/\",\"program\":\".\"" more "}"

/* The message that ends a stream, in a profile that says no more than it must. */
static struct rtta_profile *
load_end(const char *end)
{
	char text[300];
	struct rtta_profile *profile;
	struct rtta_err err;

	snprintf(text, sizeof(text), WS(",\"end\":%s"), end);
	profile = load("ws", text, &err);
	CHECK_STR(err.text, "");
	return profile;
}

static void
test_service(void)
{
	static const struct { const char *end, *text; int kind; } rows[] = {
		{ "\"{\\\"eof\\\" : 1}\"", "{\"eof\" : 1}", RTTA_MESSAGE_TEXT },
		{ "{\"json\":{\"n\":\"${rate_hz}\",\"x\":\"${language}\"}}", "{\"n\":16000}", RTTA_MESSAGE_TEXT },
		{ "{\"binary\":\"END ${channels}\"}", "END 1", RTTA_MESSAGE_BINARY },
		{ "{\"empty\":\"text\"}", NULL, RTTA_MESSAGE_EMPTY_TEXT },
		{ "{\"empty\":\"binary\"}", NULL, RTTA_MESSAGE_EMPTY_BINARY },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rtta_profile *profile = load_end(rows[i].end);
		struct rtta_err err = {0};
		struct rtta_call call;
		char *text;

		CHECK_INT(rtta_call_init(&call, "x", profile->service, 16000, 1, NULL, &err), 0);
		CHECK_STR(call.url, "ws://h/");
		CHECK_INT(rtta_call_message(&call, "x", &profile->service->end, &text, &err), 0);
		CHECK_INT(profile->service->end.kind, rows[i].kind);
		if (rows[i].text != NULL)
			CHECK_STR(text, rows[i].text);
		else
			CHECK(text == NULL);
		free(text);
		rtta_call_done(&call);
		rtta_profile_free(profile);
	}
}

/* The query of a profile: golden strings. */
static void
test_query(void)
{
	static const struct { const char *query, *url; } rows[] = {
		{ "{}", "ws://h/p?a=1" },
		{ "{\"model\":\"nova-3\",\"diarize\":true,\"off\":false}", "ws://h/p?a=1&diarize=true&model=nova-3&off=false" },
		{ "{\"keyterm\":[\"a b\",\"c&d\"],\"none\":[]}", "ws://h/p?a=1&keyterm=a%20b&keyterm=c%26d" },
		{ "{\"r\":\"${rate_hz}\",\"l\":\"${language}\",\"m\":\"x-${mine}\"}", "ws://h/p?a=1&m=x-7&r=8000" },
		{ "{\"\\u00e9\":\"\\u20ac\"}", "ws://h/p?a=1&%C3%A9=%E2%82%AC" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[400];
		struct rtta_err err;
		struct rtta_profile *profile;
		struct rtta_call call;

		snprintf(text, sizeof(text), "{\"kind\":\"http\",\"url\":\"ws://h/p?a=1\","
		    "\"program\":\".\",\"vars\":{\"mine\":7},\"query\":%s}", rows[i].query);
		profile = load("query", text, &err);
		CHECK_STR(err.text, "");
		CHECK_INT(rtta_call_init(&call, "x", profile->service, 8000, 1, NULL, &err), 0);
		CHECK_STR(call.url, rows[i].url);
		rtta_call_done(&call);
		rtta_profile_free(profile);
	}
}

static void
test_broken(void)
{
	static const struct { const char *text, *error; } rows[] = {
		{ "{\"command\":[\"a\"]}", "kind: \"\": neither exec, websocket nor http" },
		{ "{\"kind\":\"fax\",\"command\":[\"a\"]}", "kind: \"fax\": neither exec, websocket nor http" },
		{ "{\"kind\":\"exec\"}", "command: missing" },
		{ "{\"kind\":\"exec\",\"command\":[]}", "command: not a list of 1 to 64 words" },
		{ "{\"kind\":\"exec\",\"command\":\"a\"}", "command: not a list of 1 to 64 words" },
		{ "{\"kind\":\"exec\",\"command\":[1]}", "command: a word that is no string" },
		{ "{\"kind\":\"exec\",\"command\":[\"a\"],\"rate_hz\":7}", "rate_hz: " },
		{ "{\"kind\":\"exec\",\"command\":[\"a\"],\"comand\":1}", "comand: there is no such key" },
		{ "{\"kind\":\"exec\",\"command\":[\"a\"],\"url\":\"x\"}", "url: there is no such key" },
		{ "{\"kind\":\"http\",\"program\":\".\"}", "url: missing" },
		{ "{\"kind\":\"http\",\"url\":\"x\"}", "program: missing" },
		{ "{\"kind\":\"http\",\"url\":\"x\",\"program\":[1]}", "program: missing, or neither" },
		{ WS(""), "end: missing" },
		{ WS(",\"end\":\"\""), "end: a message is a text, or an object with one of" },
		{ WS(",\"end\":{\"empty\":\"frame\"}"), "end: empty: neither \"text\" nor \"binary\"" },
		{ WS(",\"end\":{\"binary\":\"\"}"), "end: binary: not a text, or empty" },
		{ WS(",\"end\":\"x\",\"speed\":0.5"), "speed: neither 0 nor 1 to 1000" },
		{ WS(",\"end\":\"x\",\"query\":[]"), "query: not an object" },
		{ WS(",\"end\":\"x\",\"permanent_close\":[[2,1]]"), "permanent_close: neither a code nor" },
		{ WS(",\"end\":\"x\",\"sample_format\":\"mp3\""), "sample_format: \"mp3\": neither" },
		{ "{\"extends\":\"bad\"}", "extends: more than 4 deep" },
		{ "{", "" },
		{ "", "" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rtta_err err;

		CHECK(load("bad", rows[i].text, &err) == NULL);
		CHECK_INT(err.exit_code, EX_CONFIG);
		if (strstr(err.text, rows[i].error) == NULL || strstr(err.text, "bad.json") == NULL)
			CHECK_STR(err.text, rows[i].error);
	}
}

static void
test_absent(void)
{
	static const char *const names[] = { "absent", "../etc/passwd", "", "a b" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct rtta_err err = {0};

		CHECK(rtta_profile_load(names[i], &err) == NULL);
		CHECK_INT(err.exit_code, EX_CONFIG);
	}
}

static void
test_exec(void)
{
	struct rtta_profile *profile = rtta_profile_exec("  /opt/my/engine  -x 1\t", 22050);

	CHECK_STR(profile->name, "engine");
	CHECK_STR(profile->command[0], "/opt/my/engine");
	CHECK_STR(profile->command[2], "1");
	CHECK(profile->command[3] == NULL);
	CHECK_INT(profile->rate_hz, 22050);
	rtta_profile_free(profile);
}

int
main(void)
{
	if (mkdtemp(folder) == NULL)
		return 1;
	setenv("RTTA_ENGINE_DIR", folder, 1);
	test_good();
	test_service();
	test_query();
	test_broken();
	test_absent();
	test_exec();
	rmdir(folder);
	return check_result();
}

/* JSON from outside: what is taken, what is refused, and in which words. */
#include <stdlib.h>

#include "check.h"
#include "err.h"
#include "json.h"

enum { LIMIT = 400 };

/* Sentence, or "" for an object. */
static void
check_text(const char *text, size_t bytes, const char *want)
{
	struct rtta_err err = { 0 };
	jv value = rtta_json_object("x", text, bytes, LIMIT, &err);

	CHECK_STR(err.text, want);
	CHECK_INT(jv_get_kind(value) == JV_KIND_OBJECT, *want == '\0');
	CHECK_INT(err.exit_code, *want ? EX_DATAERR : 0);
	jv_free(value);
}

static void
check_number(void)
{
	jv o = jv_parse("{\"n\": 1.5, \"s\": \"2\"}");

	CHECK(rtta_json_number(o, "n", 0) == 1.5);
	CHECK(rtta_json_number(o, "s", 7) == 7);
	CHECK(rtta_json_number(o, "x", -1) == -1);
	CHECK(rtta_json_number(jv_invalid(), "n", 3) == 3);
	jv_free(o);
}

static void
check_arrays(void)
{
	struct rtta_err err = { 0 };
	jv value = rtta_json_array("x", "[1, {}]", 7, LIMIT, &err);

	CHECK_INT(jv_array_length(value), 2);
	CHECK_INT(err.exit_code, 0);
	CHECK_INT(jv_get_kind(rtta_json_array("x", "{}", 2, LIMIT, &err)), JV_KIND_INVALID);
	CHECK_STR(err.text, "x: object where an array belongs");
}

static void
check_objects(void)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "{}", "" },
		{ " {\"a\": [1, {\"b\": null}]}\r\n\t ", "" },
		{ "{\"a\": \"\xc3\xa4\xe2\x82\xac\xf0\x9f\x8e\xa4\"}", "" },
		{ "{\"a\": [-0.5e+10, 0, 1E9, 1e-3, true, false, \"\\u00e4\\/\"]}", "" },
		{ "{\"a\": \"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[\"}", "" },
		{ "[]", "x: array where an object belongs" },
		{ "7", "x: number where an object belongs" },
		{ "\"{}\"", "x: string where an object belongs" },
		{ "{\"a\": \"\xff\"}", "x: not UTF-8" },
		{ "{\"a\": \"\xc0\xaf\"}", "x: not UTF-8" },
		{ "{\"a\": \"\xed\xa0\x80\"}", "x: not UTF-8" },
		{ "{\"a\": \"\xf4\x90\x80\x80\"}", "x: not UTF-8" },
		{ "{\"a\": \"\xe2\x82\"}", "x: not UTF-8" },
		{ "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "x: nested deeper than 32" },
	};
	static const char *const broken[] = {
		"", "  ", "{", "{\"a\"", "{\"a\":}", "{} {}", "{}x", "{} 1", "{\"a\" 1}", "nul",
		"{\"a\": NaN}", "{\"a\": 01}", "{\"a\": +1}", "{\"a\": 1.}", "{\"a\": .5}",
		"{\"a\": 1e}", "{\"a\": -}", "{\"a\": 1,}", "[1 2]", "{,}", "{\"a\": \"\\x\"}",
		"{\"a\": \"\\u12g4\"}", "{'a': 1}", "{\"a\": \"\t\"}", "{\"a\": truee}",
		"{{\"\"\"\"\"\"[", "{\"a\": \"\n", "{}\xef\xbb\xbf",
	};
	struct rtta_err err;
	char big[LIMIT + 1];
	size_t i;
	jv value;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_text(rows[i].text, strlen(rows[i].text), rows[i].want);
	for (i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		err = (struct rtta_err){ 0 };
		value = rtta_json_object("x", broken[i], strlen(broken[i]), LIMIT, &err);
		if (jv_is_valid(value) || strncmp(err.text, "x: not JSON", 11) != 0) {
			check_failures++;
			fprintf(stderr, "taken: %s (%s)\n", broken[i], err.text);
		}
		jv_free(value);
	}
	memset(big, ' ', sizeof(big));
	memcpy(big, "{}", 2);
	check_text(big, LIMIT, "");
	check_text(big, LIMIT + 1, "x: 401 bytes, limit 400");
	check_text("{}\0{}", 5, "x: not JSON at byte 2");
	check_text(NULL, 0, "x: not JSON: ends too early");
}

static void
check_fields(void)
{
	struct rtta_err err = { 0 };
	jv o = jv_parse("{\"s\":\"text\",\"z\":\"a\\u0000b\",\"n\":12,\"r\":1.5,\"t\":true,"
	    "\"f\":false,\"null\":null,\"big\":9007199254740994,\"huge\":1e999}");
	int64_t number = 5;
	double real = 0.5;
	bool yes = true;
	char *text;

	CHECK_INT(rtta_json_string("o", o, "s", &text, &err), 0);
	CHECK_STR(text, "text");
	free(text);
	CHECK_INT(rtta_json_string("o", o, "absent", &text, &err), 0);
	CHECK(text == NULL);
	CHECK_INT(rtta_json_string("o", o, "null", &text, &err), 0);
	CHECK(text == NULL);
	CHECK_INT(rtta_json_string("o", o, "n", &text, &err), -1);
	CHECK_STR(err.text, "o: n: number where a string belongs");
	rtta_err_clear(&err);
	CHECK_INT(rtta_json_string("o", o, "z", &text, &err), -1);
	CHECK_STR(err.text, "o: z: a zero byte inside");
	rtta_err_clear(&err);

	CHECK_INT(rtta_json_int("o", o, "absent", 0, 9, &number, &err), 0);
	CHECK_INT(number, 5);
	CHECK_INT(rtta_json_int("o", o, "n", 0, 12, &number, &err), 0);
	CHECK_INT(number, 12);
	CHECK_INT(rtta_json_int("o", o, "n", 0, 11, &number, &err), -1);
	CHECK_STR(err.text, "o: n: 12 is not within 0 and 11");
	rtta_err_clear(&err);
	CHECK_INT(rtta_json_int("o", o, "r", 0, 11, &number, &err), -1);
	CHECK_STR(err.text, "o: r: 1.5 is no whole number");
	rtta_err_clear(&err);
	CHECK_INT(rtta_json_int("o", o, "big", 0, INT64_MAX, &number, &err), -1);
	CHECK_INT(rtta_json_int("o", o, "huge", 0, INT64_MAX, &number, &err), -1);
	CHECK_INT(rtta_json_int("o", o, "t", 0, INT64_MAX, &number, &err), -1);
	rtta_err_clear(&err);

	CHECK_INT(rtta_json_double("o", o, "r", &real, &err), 0);
	CHECK_NEAR(real, 1.5, 0);
	CHECK_INT(rtta_json_double("o", o, "absent", &real, &err), 0);
	CHECK_NEAR(real, 1.5, 0);
	CHECK_INT(rtta_json_bool("o", o, "f", &yes, &err), 0);
	CHECK(!yes);
	CHECK_INT(rtta_json_bool("o", o, "t", &yes, &err), 0);
	CHECK(yes);
	CHECK_INT(rtta_json_bool("o", o, "absent", &yes, &err), 0);
	CHECK(yes);
	CHECK_INT(rtta_json_bool("o", o, "s", &yes, &err), -1);
	CHECK_STR(err.text, "o: s: string where a boolean belongs");
	jv_free(o);
}

static void
check_writing(void)
{
	char *text = rtta_json_text(JV_OBJECT(jv_string("a"), jv_string("\xc3\xa4\n"),
	    jv_string("at_us"), jv_number(1767607503120000.0)), true);

	CHECK_STR(text, "{\"a\":\"\\u00e4\\n\",\"at_us\":1767607503120000}");
	free(text);
}

int
main(void)
{
	check_objects();
	check_number();
	check_arrays();
	check_fields();
	check_writing();
	return check_result();
}

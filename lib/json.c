#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "json.h"
#include "mem.h"

enum { DEPTH_MAX = 32 };

/*
 * Counted here, before the parser: that of libjq 1.6 takes 256 and more, and
 * what is freed recursively must not be deep.
 */
static bool
too_deep(const char *text, size_t bytes)
{
	int depth = 0;
	bool in_string = false;
	size_t i;

	for (i = 0; i < bytes; i++) {
		if (in_string) {
			if (text[i] == '\\')
				i++;
			else if (text[i] == '"')
				in_string = false;
		} else if (text[i] == '"') {
			in_string = true;
		} else if (text[i] == '{' || text[i] == '[') {
			if (++depth > DEPTH_MAX)
				return true;
		} else if (text[i] == '}' || text[i] == ']') {
			depth--;
		}
	}
	return false;
}

/* Bytes of the UTF-8 character at text, 0: it is none.  No surrogates, no
 * overlong forms, nothing above U+10FFFF. */
static size_t
utf8_bytes(const unsigned char *text, size_t left)
{
	static const unsigned char first_low[] = { 0xa0, 0x90 };
	unsigned char c = text[0], low = 0x80, high = 0xbf;
	size_t bytes, i;

	if (c < 0x80)
		return 1;
	if (c < 0xc2 || c > 0xf4)
		return 0;
	bytes = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	if (bytes > left)
		return 0;
	if (c == 0xe0 || c == 0xf0)
		low = first_low[c == 0xf0];
	else if (c == 0xed)
		high = 0x9f;
	else if (c == 0xf4)
		high = 0x8f;
	if (text[1] < low || text[1] > high)
		return 0;
	for (i = 2; i < bytes; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	return bytes;
}

static bool
is_utf8(const char *text, size_t bytes)
{
	size_t i, n;

	for (i = 0; i < bytes; i += n)
		if ((n = utf8_bytes((const unsigned char *)text + i, bytes - i)) == 0)
			return false;
	return true;
}

static const char *
kind_name(jv value)
{
	return jv_kind_name(jv_get_kind(value));
}

/* The parser's own words, without the position it guesses. */
static jv
refuse_parse(const char *what, jv parsed, struct rtta_err *err)
{
	jv msg = jv_invalid_get_msg(parsed);

	rtta_err_set(err, EX_DATAERR, "%s: not JSON: %s", what,
	    jv_get_kind(msg) == JV_KIND_STRING ? jv_string_value(msg) : "empty");
	jv_free(msg);
	return jv_invalid();
}

jv
rtta_json_object(const char *what, const void *data, size_t bytes, size_t limit,
    struct rtta_err *err)
{
	const char *text = bytes > 0 ? data : "";
	jv value;

	if (bytes > limit)
		rtta_err_set(err, EX_DATAERR, "%s: %zu bytes, limit %zu", what, bytes, limit);
	else if (memchr(text, '\0', bytes) != NULL)
		rtta_err_set(err, EX_DATAERR, "%s: not JSON: a zero byte", what);
	else if (!is_utf8(text, bytes))
		rtta_err_set(err, EX_DATAERR, "%s: not UTF-8", what);
	else if (too_deep(text, bytes))
		rtta_err_set(err, EX_DATAERR, "%s: nested deeper than %d", what, DEPTH_MAX);
	else {
		value = jv_parse_sized(text, (int)bytes);
		if (!jv_is_valid(value))
			return refuse_parse(what, value, err);
		if (jv_get_kind(value) == JV_KIND_OBJECT)
			return value;
		rtta_err_set(err, EX_DATAERR, "%s: %s where an object belongs", what,
		    kind_name(value));
		jv_free(value);
	}
	return jv_invalid();
}

/*
 * The field of that kind: 1 with *value, 0 when it is absent or null, -1
 * when it is of another kind.
 */
static int
get_field(const char *what, jv object, const char *key, jv_kind kind, jv *value,
    struct rtta_err *err)
{
	jv_kind got;

	*value = jv_object_get(jv_copy(object), jv_string(key));
	got = jv_get_kind(*value);
	if (got == JV_KIND_FALSE)
		got = JV_KIND_TRUE;
	if (got == kind)
		return 1;
	if (got == JV_KIND_INVALID || got == JV_KIND_NULL) {
		jv_free(*value);
		return 0;
	}
	rtta_err_set(err, EX_DATAERR, "%s: %s: %s where a %s belongs", what, key,
	    kind_name(*value), jv_kind_name(kind));
	jv_free(*value);
	return -1;
}

int
rtta_json_string(const char *what, jv object, const char *key, char **value,
    struct rtta_err *err)
{
	jv field;
	int rc;

	*value = NULL;
	rc = get_field(what, object, key, JV_KIND_STRING, &field, err);
	if (rc <= 0)
		return rc;
	if ((size_t)jv_string_length_bytes(jv_copy(field)) != strlen(jv_string_value(field)))
		rc = rtta_err_set(err, EX_DATAERR, "%s: %s: a zero byte inside", what, key);
	else
		*value = rtta_xstrdup(jv_string_value(field));
	jv_free(field);
	return rc < 0 ? -1 : 0;
}

int
rtta_json_int(const char *what, jv object, const char *key, int64_t min, int64_t max,
    int64_t *value, struct rtta_err *err)
{
	double number;
	jv field;
	int rc;

	rc = get_field(what, object, key, JV_KIND_NUMBER, &field, err);
	if (rc <= 0)
		return rc;
	number = jv_number_value(field);
	jv_free(field);
	if (number != floor(number) || fabs(number) > 9007199254740992.0)
		return rtta_err_set(err, EX_DATAERR, "%s: %s: %.17g is no whole number", what,
		    key, number);
	if ((int64_t)number < min || (int64_t)number > max)
		return rtta_err_set(err, EX_DATAERR, "%s: %s: %.0f is not within %lld and %lld",
		    what, key, number, (long long)min, (long long)max);
	*value = (int64_t)number;
	return 0;
}

int
rtta_json_double(const char *what, jv object, const char *key, double *value,
    struct rtta_err *err)
{
	double number;
	jv field;
	int rc;

	rc = get_field(what, object, key, JV_KIND_NUMBER, &field, err);
	if (rc <= 0)
		return rc;
	number = jv_number_value(field);
	jv_free(field);
	if (!isfinite(number))
		return rtta_err_set(err, EX_DATAERR, "%s: %s: not a finite number", what, key);
	*value = number;
	return 0;
}

int
rtta_json_bool(const char *what, jv object, const char *key, bool *value,
    struct rtta_err *err)
{
	jv field;
	int rc;

	rc = get_field(what, object, key, JV_KIND_TRUE, &field, err);
	if (rc <= 0)
		return rc;
	*value = jv_get_kind(field) == JV_KIND_TRUE;
	jv_free(field);
	return 0;
}

char *
rtta_json_text(jv value, bool ascii)
{
	jv text = jv_dump_string(value, ascii ? JV_PRINT_ASCII : 0);
	char *copy = rtta_xstrdup(jv_string_value(text));

	jv_free(text);
	return copy;
}

int
rtta_event_write(jv value, struct rtta_err *err)
{
	char *text = rtta_json_text(value, false);
	bool failed;

	failed = fputs(text, stdout) == EOF || putchar('\n') == EOF || fflush(stdout) != 0;
	free(text);
	return failed ? rtta_err_sys(err, EX_IOERR, "stdout") : 0;
}

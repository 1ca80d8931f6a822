#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "json.h"
#include "mem.h"

enum { DEPTH_MAX = 32 };

/* Bytes of the UTF-8 character at text, which is not ASCII; 0: it is none.
 * No surrogates, no overlong forms, nothing above U+10FFFF. */
static size_t
utf8_bytes(const unsigned char *text, size_t left)
{
	static const unsigned char first_low[] = { 0xa0, 0x90 };
	unsigned char c = text[0], low = 0x80, high = 0xbf;
	size_t bytes, i;

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

bool
rtta_json_is_utf8(const char *text, size_t bytes)
{
	size_t i, n;

	for (i = 0; i < bytes; i += n) {
		n = (unsigned char)text[i] < 0x80 ? 1 :
		    utf8_bytes((const unsigned char *)text + i, bytes - i);
		if (n == 0)
			return false;
	}
	return true;
}

static const char *
kind_name(jv value)
{
	return jv_kind_name(jv_get_kind(value));
}

/*
 * The grammar of RFC 8259, checked before the parser sees the text: that of
 * libjq 1.6 leaks memory on broken input, takes what is no JSON (NaN), and
 * goes deep where freeing recurses.
 */
struct scan {
	const char *at, *end;
	bool too_deep;
};

static bool
scan_char(struct scan *scan, char c)
{
	if (scan->at == scan->end || *scan->at != c)
		return false;
	scan->at++;
	return true;
}

static void
scan_blanks(struct scan *scan)
{
	while (scan_char(scan, ' ') || scan_char(scan, '\t') || scan_char(scan, '\r') ||
	    scan_char(scan, '\n'))
		;
}

static bool
scan_digits(struct scan *scan)
{
	const char *start = scan->at;

	while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9')
		scan->at++;
	return scan->at > start;
}

static bool
scan_number(struct scan *scan)
{
	scan_char(scan, '-');
	if (!scan_char(scan, '0') && !scan_digits(scan))
		return false;
	if (scan_char(scan, '.') && !scan_digits(scan))
		return false;
	if (!scan_char(scan, 'e') && !scan_char(scan, 'E'))
		return true;
	if (!scan_char(scan, '-'))
		scan_char(scan, '+');
	return scan_digits(scan);
}

static bool
scan_escape(struct scan *scan)
{
	int i;

	if (!scan_char(scan, 'u')) {
		if (scan->at == scan->end || memchr("\"\\/bfnrt", *scan->at, 8) == NULL)
			return false;
		scan->at++;
		return true;
	}
	for (i = 0; i < 4; i++, scan->at++)
		if (scan->at == scan->end || !isxdigit((unsigned char)*scan->at))
			return false;
	return true;
}

static bool
scan_string(struct scan *scan)
{
	if (!scan_char(scan, '"'))
		return false;
	while (!scan_char(scan, '"')) {
		if (scan->at == scan->end || (unsigned char)*scan->at < ' ')
			return false;
		if (*scan->at++ == '\\' && !scan_escape(scan))
			return false;
	}
	return true;
}

static bool
scan_word(struct scan *scan, const char *word)
{
	while (*word != '\0')
		if (!scan_char(scan, *word++))
			return false;
	return true;
}

static bool scan_value(struct scan *scan, int depth);

/* What stands between brackets: values, in an object with their names. */
static bool
scan_members(struct scan *scan, char close, int depth)
{
	if (depth == DEPTH_MAX) {
		scan->too_deep = true;
		return false;
	}
	scan->at++;
	scan_blanks(scan);
	if (scan_char(scan, close))
		return true;
	do {
		scan_blanks(scan);
		if (close == '}') {
			if (!scan_string(scan))
				return false;
			scan_blanks(scan);
			if (!scan_char(scan, ':'))
				return false;
		}
		if (!scan_value(scan, depth + 1))
			return false;
	} while (scan_char(scan, ','));
	return scan_char(scan, close);
}

/* A value and the blanks around it; where it fails scan->at points. */
static bool
scan_value(struct scan *scan, int depth)
{
	bool is_good;

	scan_blanks(scan);
	if (scan->at == scan->end)
		return false;
	switch (*scan->at) {
	case '{': is_good = scan_members(scan, '}', depth); break;
	case '[': is_good = scan_members(scan, ']', depth); break;
	case '"': is_good = scan_string(scan); break;
	case 't': is_good = scan_word(scan, "true"); break;
	case 'f': is_good = scan_word(scan, "false"); break;
	case 'n': is_good = scan_word(scan, "null"); break;
	default: is_good = scan_number(scan); break;
	}
	scan_blanks(scan);
	return is_good;
}

static int
check_grammar(const char *what, const char *text, size_t bytes, struct rtta_err *err)
{
	struct scan scan = { text, text + bytes, false };

	if (scan_value(&scan, 0) && scan.at == scan.end)
		return 0;
	if (scan.too_deep)
		return rtta_err_set(err, EX_DATAERR, "%s: nested deeper than %d", what,
		    DEPTH_MAX);
	if (scan.at == scan.end)
		return rtta_err_set(err, EX_DATAERR, "%s: not JSON: ends too early", what);
	return rtta_err_set(err, EX_DATAERR, "%s: not JSON at byte %zu", what,
	    (size_t)(scan.at - text));
}

static jv
parse(const char *what, const void *data, size_t bytes, size_t limit, jv_kind kind,
    struct rtta_err *err)
{
	const char *text = bytes > 0 ? data : "";
	jv value;

	if (bytes > limit)
		rtta_err_set(err, EX_DATAERR, "%s: %zu bytes, limit %zu", what, bytes, limit);
	else if (!rtta_json_is_utf8(text, bytes))
		rtta_err_set(err, EX_DATAERR, "%s: not UTF-8", what);
	else if (check_grammar(what, text, bytes, err) == 0) {
		value = jv_parse_sized(text, (int)bytes);
		if (jv_get_kind(value) == kind)
			return value;
		rtta_err_set(err, EX_DATAERR, "%s: %s where an %s belongs", what,
		    kind_name(value), jv_kind_name(kind));
		jv_free(value);
	}
	return jv_invalid();
}

jv
rtta_json_object(const char *what, const void *data, size_t bytes, size_t limit,
    struct rtta_err *err)
{
	return parse(what, data, bytes, limit, JV_KIND_OBJECT, err);
}

jv
rtta_json_array(const char *what, const void *data, size_t bytes, size_t limit,
    struct rtta_err *err)
{
	return parse(what, data, bytes, limit, JV_KIND_ARRAY, err);
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

double
rtta_json_number(jv object, const char *key, double otherwise)
{
	jv value = jv_get_kind(object) == JV_KIND_OBJECT ?
	    jv_object_get(jv_copy(object), jv_string(key)) : jv_null();
	double number = jv_get_kind(value) == JV_KIND_NUMBER ? jv_number_value(value) : otherwise;

	jv_free(value);
	return number;
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
rtta_event_write_text(const char *text, size_t bytes, struct rtta_err *err)
{
	if (fwrite(text, 1, bytes, stdout) != bytes || putchar('\n') == EOF ||
	    fflush(stdout) != 0)
		return rtta_err_sys(err, EX_IOERR, "stdout");
	return 0;
}

int
rtta_event_write(jv value, struct rtta_err *err)
{
	char *text = rtta_json_text(value, false);
	int rc = rtta_event_write_text(text, strlen(text), err);

	free(text);
	return rc;
}

#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "jtext.h"
#include "mem.h"

enum { WHOLE_DIGITS = 20 };

/* Above it libjq, whose numbers are doubles, rounds. */
static const uint64_t whole_max = UINT64_C(1) << 53;

void
rtta_jtext_done(struct rtta_jtext *out)
{
	free(out->text);
	*out = (struct rtta_jtext){0};
}

/* Room for so many more bytes; returns where they go. */
static char *
grow(struct rtta_jtext *out, size_t bytes)
{
	if (out->size - out->bytes < bytes) {
		out->size = 2 * out->size + bytes + 256;
		out->text = rtta_xreallocarray(out->text, out->size, 1);
	}
	return out->text + out->bytes;
}

void
rtta_jtext_raw(struct rtta_jtext *out, const char *text, size_t bytes)
{
	memcpy(grow(out, bytes), text, bytes);
	out->bytes += bytes;
}

/* What stands for a byte that cannot stand for itself; returns its length. */
static size_t
escape(char text[6], unsigned char c)
{
	static const char plain[] = "\"\\\b\f\n\r\t", names[] = "\"\\bfnrt";
	static const char hex[] = "0123456789abcdef";
	const char *at = strchr(plain, c);

	if (c != 0 && at != NULL) {
		text[0] = '\\';
		text[1] = names[at - plain];
		return 2;
	}
	memcpy(text, "\\u00", 4);
	text[4] = hex[c >> 4];
	text[5] = hex[c & 15];
	return 6;
}

void
rtta_jtext_string(struct rtta_jtext *out, const char *text)
{
	size_t bytes = strlen(text), start = 0;
	char escaped[6];

	if (!rtta_json_is_utf8(text, bytes)) {
		rtta_jtext_value(out, jv_string(text));
		return;
	}
	rtta_jtext_raw(out, "\"", 1);
	for (size_t i = 0; i < bytes; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c >= ' ' && c != '"' && c != '\\')
			continue;
		rtta_jtext_raw(out, text + start, i - start);
		rtta_jtext_raw(out, escaped, escape(escaped, c));
		start = i + 1;
	}
	rtta_jtext_raw(out, text + start, bytes - start);
	rtta_jtext_raw(out, "\"", 1);
}

void
rtta_jtext_whole(struct rtta_jtext *out, uint64_t number)
{
	char digits[WHOLE_DIGITS], *at = digits + sizeof(digits);

	if (number > whole_max) {
		rtta_jtext_value(out, jv_number((double)number));
		return;
	}
	do
		*--at = (char)('0' + number % 10);
	while ((number /= 10) != 0);
	rtta_jtext_raw(out, at, (size_t)(digits + sizeof(digits) - at));
}

void
rtta_jtext_value(struct rtta_jtext *out, jv value)
{
	jv text = jv_dump_string(value, 0);

	rtta_jtext_raw(out, jv_string_value(text), (size_t)jv_string_length_bytes(jv_copy(text)));
	jv_free(text);
}

/* jtext: byte for byte what libjq prints. */
#include <stdlib.h>

#include "check.h"
#include "jtext.h"
#include "json.h"

/* Takes want. */
static void
check_same(struct rtta_jtext *got, jv want)
{
	char *text = rtta_json_text(want, false);

	rtta_jtext_raw(got, "", 1);
	CHECK_STR(got->text, text);
	got->bytes = 0;
	free(text);
}

static void
strings(void)
{
	static const char *const rows[] = {
		"", "plain", "\"quoted\" \\ /", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
		"\xe2\x80\xa8 and \xe2\x80\xa9", "</script>", "\xe2\x80\xae" "bidi",
		"\x01\x02\b\t\n\v\f\r\x1f end", "'\n",
		/* no UTF-8: alone, cut off, overlong, surrogate, too large */
		"\x80", "a\xff" "b", "\xc3", "\xe2\x82", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80",
		"\xf4\x90\x80\x80", "\"\xf0\x9f\x98\n", "\xef\xbf\xbe\xef\xbb\xbf",
	};
	struct rtta_jtext text = {0};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		rtta_jtext_string(&text, rows[i]);
		check_same(&text, jv_string(rows[i]));
	}
	/* every byte, alone and before another */
	for (int c = 1; c < 256; c++) {
		char one[3] = { (char)c, 'x', '\0' };

		if (c == 0x7f)
			continue;  /* libjq 1.7 escapes it, 1.6 does not */
		rtta_jtext_string(&text, one);
		check_same(&text, jv_string(one));
	}
	rtta_jtext_done(&text);
}

static void
numbers(void)
{
	static const uint64_t rows[] = { 0, 9, 10, 48000, 1767607503120000, 9007199254740991,
	    9007199254740992, 9007199254740993, 10000000000000000, INT64_MAX, UINT64_MAX };
	struct rtta_jtext text = {0};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		rtta_jtext_whole(&text, rows[i]);
		check_same(&text, jv_number((double)rows[i]));
	}
	rtta_jtext_done(&text);
}

/* What is written in parts is one text, however long. */
static void
growing(void)
{
	struct rtta_jtext text = {0};

	for (int i = 0; i < 10000; i++)
		rtta_jtext_raw(&text, "0123456789", 10);
	CHECK_INT(text.bytes, 100000);
	CHECK(memcmp(text.text + 99990, "0123456789", 10) == 0);
	rtta_jtext_done(&text);
	CHECK(text.text == NULL && text.size == 0);
}

int
main(void)
{
	strings();
	numbers();
	growing();
	return check_result();
}

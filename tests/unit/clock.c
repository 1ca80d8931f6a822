/* clock: wall-clock time as text and back, against the C library's. */
#include <stdlib.h>
#include <time.h>

#include "check.h"
#include "clock.h"

static void
round_trips(void)
{
	char text[RTTA_CLOCK_TEXT_BYTES], want[64];
	/* 1970 to 2200, by a bit more than a day */
	for (int64_t s = 0; s < INT64_C(7258118400); s += 90061) {
		time_t seconds = (time_t)s;
		struct tm tm;
		int64_t back;

		gmtime_r(&seconds, &tm);
		strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%S.000042Z", &tm);
		rtta_clock_format(text, s * 1000000000 + 42999);
		CHECK_INT(rtta_clock_parse(text, &back), 0);
		if (strcmp(text, want) != 0 || back != s * 1000000000 + 42000) {
			CHECK_STR(text, want);
			CHECK_INT(back, s * 1000000000 + 42000);
			return;
		}
	}
	CHECK_STR(rtta_clock_format(text, -1), "1969-12-31T23:59:59.999999Z");
}

static void
parsing(void)
{
	static const struct {
		const char *text;
		int rc;
		int64_t ns;
	} rows[] = {
		{ "1970-01-01T00:00:00Z", 0, 0 },
		{ "2024-02-29T23:59:60.5z", 0, 1709251200500000000 },
		{ "2026-01-05T10:15:03.123456789Z", 0, 1767608103123456789 },
		{ "2026-01-05T10:15:03+01:30", 0, 1767602703000000000 },
		{ "2026-01-05T10:15:03-00:01", 0, 1767608163000000000 },
		{ "2026-01-05 10:15:03Z", -1, 0 },
		{ "2026-1-5T10:15:03Z", -1, 0 },
		{ "2026-13-05T10:15:03Z", -1, 0 },
		{ "2026-00-05T10:15:03Z", -1, 0 },
		{ "2026-01-32T10:15:03Z", -1, 0 },
		{ "2026-01-05T24:15:03Z", -1, 0 },
		{ "2026-01-05T10:60:03Z", -1, 0 },
		{ "2026-01-05T10:15:61Z", -1, 0 },
		{ "2026-01-05T10:15:03.Z", -1, 0 },
		{ "2026-01-05T10:15:03", -1, 0 },
		{ "2026-01-05T10:15:03Zx", -1, 0 },
		{ "2026-01-05T10:15:03+1:30", -1, 0 },
		{ "1969-12-31T23:59:59Z", -1, 0 },
		{ "2201-01-01T00:00:00Z", -1, 0 },
		{ "2026-01-05T10:15:", -1, 0 },
		{ "2026", -1, 0 },
		{ "", -1, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t ns = 0;

		CHECK_INT(rtta_clock_parse(rows[i].text, &ns), rows[i].rc);
		CHECK_INT(ns, rows[i].ns);
	}
}

int
main(void)
{
	round_trips();
	parsing();
	return check_result();
}

/* recent: every sample has its value under its number, in any pieces. */
#include "check.h"
#include "recent.h"

enum { KEEP = 1000, MAX_BYTES = 300, TOTAL = 40000 };

int
main(void)
{
	static unsigned char bytes[2 * TOTAL];
	static const size_t pieces[] = { 1, 300, 7, 0, 2, 299, 64 };
	struct rtta_recent recent;
	size_t at = 0;

	for (int i = 0; i < TOTAL; i++) {
		int16_t sample = (int16_t)(i * 31 - 20000);

		bytes[2 * i] = (unsigned char)(sample & 0xff);
		bytes[2 * i + 1] = (unsigned char)((uint16_t)sample >> 8);
	}
	rtta_recent_init(&recent, KEEP, MAX_BYTES);
	for (size_t i = 0; at < sizeof(bytes); i++) {
		size_t count = pieces[i % 7];
		int64_t end;

		if (count > sizeof(bytes) - at)
			count = sizeof(bytes) - at;
		rtta_recent_put(&recent, bytes + at, count);
		at += count;
		end = rtta_recent_end(&recent);
		CHECK_INT(end, at / 2);
		CHECK_INT(recent.has_odd, at % 2);
		for (int64_t k = end > KEEP ? end - KEEP : 0; k < end; k += 37) {
			int16_t want = (int16_t)(k * 31 - 20000);

			CHECK_NEAR((double)*rtta_recent_at(&recent, k),
			    want / 32768.0, 1e-9);
		}
	}
	rtta_recent_put_silence(&recent, 500);
	CHECK_INT(rtta_recent_end(&recent), TOTAL + 500);
	CHECK_NEAR((double)*rtta_recent_at(&recent, TOTAL + 499), 0, 0);
	CHECK(recent.room < 3 * KEEP);
	rtta_recent_done(&recent);
	return check_result();
}

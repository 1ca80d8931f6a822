/* seam: where held sound is divided, by drawings of speech and pauses. */
#include <stdlib.h>
#include <string.h>

#include "audio.h"
#include "check.h"
#include "frame.h"
#include "hold.h"
#include "seam.h"

enum { FRAME = 320, RATE_HZ = 16000, RUN = 7 };

/* Numbers of 20 ms: s speech, q the room, - nothing is held. */
static struct rtta_hold *
draw(const char *drawing)
{
	struct rtta_hold *hold = rtta_hold_new();
	int16_t pcm[FRAME];
	uint64_t n = 0;

	while (*drawing != '\0') {
		char *end;
		long times = strtol(drawing, &end, 10);

		for (int i = 0; i < FRAME; i++)
			pcm[i] = (int16_t)((*end == 's' ? 4000 : 40) * (i % 2 ? 1 : -1));
		for (; times > 0; times--, n++) {
			struct rtta_audio audio = {
				.session = "S", .rev = 1, .stream_seq = n + 1,
				.frame = {
					.run_id = RUN, .sample = n * FRAME, .rate_hz = RATE_HZ,
					.channels = 1, .payload_bytes = sizeof(pcm),
					.payload = (uint8_t *)pcm,
				},
			};

			if (*end != '-')
				rtta_hold_put(hold, &audio, NULL);
		}
		drawing = end + 1;
	}
	return hold;
}

static const struct row {
	const char *drawing;
	int from, to;              /* of the span, in frames */
	int first, last, best;
} rows[] = {
	/* the first pause, the last, the longest */
	{ "100s12q40s20q200s14q20s", 90, 406, 106, 379, 162 },
	/* what came before the span counts, what comes behind it does not */
	{ "100s20q100s20q100s", 105, 230, 110, 225, 110 },
	/* none in the first seconds: the best place in them */
	{ "50s3q250s30q100s", 10, 433, 51, 318, 318 },
	/* without a past, and across a hole in it */
	{ "10s12q40s", 0, 62, 16, 16, 16 },
	{ "300s200-50s12q50s", 500, 612, 556, 556, 556 },
	/* nothing is held there */
	{ "10s20-", 20, 30, 30, 30, 30 },
};

int
main(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		struct rtta_hold *hold = draw(row->drawing);
		struct rtta_span span = { RUN, (uint64_t)row->from * FRAME,
		    (uint64_t)row->to * FRAME };

		CHECK_INT(rtta_seam_first(hold, span) / FRAME, row->first);
		CHECK_INT(rtta_seam_last(hold, span) / FRAME, row->last);
		CHECK_INT(rtta_seam_best(hold, span) / FRAME, row->best);
		rtta_hold_free(hold);
	}
	return check_result();
}

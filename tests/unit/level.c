#include <math.h>
#include <stdint.h>

#include "check.h"
#include "level.h"

enum { VALUES = 16000 };

static void
check_db(void)
{
	static int16_t values[VALUES];

	CHECK_NEAR(rtta_level_db(values, VALUES), RTTA_LEVEL_ZERO_DB, 0);
	CHECK_NEAR(rtta_level_db(values, 0), RTTA_LEVEL_ZERO_DB, 0);
	values[17] = 1;
	CHECK(rtta_level_db(values, VALUES) > RTTA_LEVEL_ZERO_DB);
	CHECK(rtta_level_db(values, VALUES) < RTTA_LEVEL_SILENT_DB);

	for (int i = 0; i < VALUES; i++)
		values[i] = i % 2 ? INT16_MIN : INT16_MAX;
	CHECK_NEAR(rtta_level_db(values, VALUES), 0, 0.001);
	for (int i = 0; i < VALUES; i++)
		values[i] = INT16_MIN;
	CHECK_NEAR(rtta_level_db(values, VALUES), 0, 0.000001);
	for (int i = 0; i < VALUES; i++)
		values[i] = (int16_t)lrint(3276.8 * sin(i * 0.1));
	CHECK_NEAR(rtta_level_db(values, VALUES), -23.01, 0.01);
}

/* Frames of one level every 20 ms from from_ms to to_ms. */
static void
feed(struct rtta_mic *mic, double level_db, int64_t from_ms, int64_t to_ms)
{
	for (int64_t ms = from_ms; ms <= to_ms; ms += 20)
		rtta_mic_frame(mic, level_db, ms);
}

static void
check_states(void)
{
	enum { HOLD_MS = 5000 };
	struct rtta_mic mic;

	rtta_mic_init(&mic, 0);
	CHECK_INT(rtta_mic_state(&mic, 4999, HOLD_MS), RTTA_MIC_OK);
	CHECK_INT(rtta_mic_state(&mic, 5000, HOLD_MS), RTTA_MIC_NO_FRAMES);

	/* the first silent frames are not yet a silent microphone */
	feed(&mic, -70, 8000, 10000);
	CHECK_INT(rtta_mic_state(&mic, 10000, HOLD_MS), RTTA_MIC_OK);
	feed(&mic, -70, 10020, 13000);
	CHECK_INT(rtta_mic_state(&mic, 13000, HOLD_MS), RTTA_MIC_SILENT);

	/* sound makes it ok at once */
	rtta_mic_frame(&mic, -54.9, 13020);
	CHECK_INT(rtta_mic_state(&mic, 13020, HOLD_MS), RTTA_MIC_OK);
	CHECK_NEAR(mic.peak_db, -54.9, 0);

	/* zero is more than silent */
	feed(&mic, RTTA_LEVEL_ZERO_DB, 13040, 18000);
	CHECK_INT(rtta_mic_state(&mic, 18000, HOLD_MS), RTTA_MIC_OK);
	feed(&mic, RTTA_LEVEL_ZERO_DB, 18020, 18040);
	CHECK_INT(rtta_mic_state(&mic, 18040, HOLD_MS), RTTA_MIC_ZERO);
	CHECK_INT(rtta_mic_state(&mic, 23040, HOLD_MS), RTTA_MIC_NO_FRAMES);

	/* a microphone that was zero before a pause still is */
	feed(&mic, RTTA_LEVEL_ZERO_DB, 24000, 24020);
	CHECK_INT(rtta_mic_state(&mic, 24020, HOLD_MS), RTTA_MIC_ZERO);
	rtta_mic_frame(&mic, -20, 24040);
	CHECK_INT(rtta_mic_state(&mic, 24040, HOLD_MS), RTTA_MIC_OK);
	CHECK_NEAR(mic.peak_db, -20, 0);
}

int
main(void)
{
	check_db();
	check_states();
	CHECK_STR(rtta_mic_state_name(RTTA_MIC_OK), "ok");
	CHECK_STR(rtta_mic_state_name(RTTA_MIC_NO_FRAMES), "no frames");
	CHECK_STR(rtta_mic_state_name(RTTA_MIC_ZERO), "zero");
	CHECK_STR(rtta_mic_state_name(RTTA_MIC_SILENT), "silent");
	return check_result();
}

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "frame.h"
#include "meter.h"

enum { HOLD_MS = 5000, BAR_CELLS = 40 };

static const double BAR_FROM_DB = -80;

void
rtta_meter_init(struct rtta_meter *meter, int64_t now_ms)
{
	*meter = (struct rtta_meter){0};
	rtta_mic_init(&meter->mic, now_ms);
}

void
rtta_meter_frame(struct rtta_meter *meter, const struct rtta_frame *frame,
    int64_t now_ms)
{
	uint32_t samples = rtta_frame_samples(frame);
	double db = rtta_level_db((const int16_t *)(const void *)frame->payload,
	    frame->payload_bytes / sizeof(int16_t));

	rtta_mic_frame(&meter->mic, db, now_ms);
	if (db > RTTA_LEVEL_ZERO_DB)
		meter->power += pow(10, db / 10) * samples;
	meter->samples += samples;
}

struct rtta_meter_reading
rtta_meter_read(struct rtta_meter *meter, int64_t now_ms)
{
	struct rtta_meter_reading reading = {
		.db = RTTA_LEVEL_ZERO_DB,
		.peak_db = meter->mic.peak_db,
		.samples = meter->samples,
		.mic = rtta_mic_state(&meter->mic, now_ms, HOLD_MS),
	};

	if (meter->power > 0)
		reading.db = 10 * log10(meter->power / (double)meter->samples);
	meter->mic.peak_db = RTTA_LEVEL_ZERO_DB;
	meter->power = 0;
	meter->samples = 0;
	return reading;
}

static double
one_decimal(double db)
{
	return round(db * 10) / 10;
}

jv
rtta_meter_event(const struct rtta_meter_reading *reading, int64_t real_ns)
{
	jv event = JV_OBJECT(jv_string("event"), jv_string("level"),
	    jv_string("mic"), jv_string(rtta_mic_state_name(reading->mic)),
	    jv_string("at_us"), jv_number((double)(real_ns / 1000)));

	if (reading->samples == 0)
		return event;
	event = jv_object_set(event, jv_string("db"),
	    jv_number(one_decimal(reading->db)));
	return jv_object_set(event, jv_string("peak_db"),
	    jv_number(one_decimal(reading->peak_db)));
}

/* Cells of the bar up to db. */
static int
cells(double db)
{
	double part = (db - BAR_FROM_DB) / -BAR_FROM_DB;

	return part <= 0 ? 0 : part >= 1 ? BAR_CELLS : (int)(part * BAR_CELLS);
}

char *
rtta_meter_bar(char text[RTTA_METER_TEXT_BYTES],
    const struct rtta_meter_reading *reading)
{
	char bar[BAR_CELLS + 1];

	memset(bar, ' ', BAR_CELLS);
	memset(bar, '#', (size_t)cells(reading->db));
	if (cells(reading->peak_db) > 0)
		bar[cells(reading->peak_db) - 1] = '|';
	bar[BAR_CELLS] = '\0';
	snprintf(text, RTTA_METER_TEXT_BYTES, "%6.1f dBFS [%s] peak %6.1f  %-9s",
	    reading->db, bar, reading->peak_db,
	    rtta_mic_state_name(reading->mic));
	return text;
}

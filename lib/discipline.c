#include "discipline.h"
#include "position.h"

enum { NS_PER_MS = 1000000, NS_PER_S = 1000000000, WINDOW_S = 5 };

void
rtta_discipline_init(struct rtta_discipline *clock, uint32_t rate_hz,
    uint64_t sample, int64_t mono_ms, int64_t real_ns)
{
	*clock = (struct rtta_discipline){
		.rate_hz = rate_hz,
		.base_sample = sample,
		.base_ns = real_ns,
		.offset_ns = real_ns - mono_ms * NS_PER_MS,
		.least_ns = INT64_MAX,
	};
}

int64_t
rtta_discipline_ns(const struct rtta_discipline *clock, uint64_t sample)
{
	int64_t sound_ns = rtta_samples_ns(sample - clock->base_sample,
	    clock->rate_hz);

	return clock->base_ns + sound_ns +
	    (int64_t)((double)sound_ns * clock->slew);
}

/* Half of the error is made good in the window that begins at sample. */
static void
begin_window(struct rtta_discipline *clock, uint64_t sample)
{
	double slew = 0.5 * (double)clock->least_ns / WINDOW_S / NS_PER_S;

	clock->base_ns = rtta_discipline_ns(clock, sample);
	clock->base_sample = sample;
	clock->least_ns = INT64_MAX;
	if (slew > RTTA_DISCIPLINE_SLEW)
		slew = RTTA_DISCIPLINE_SLEW;
	if (slew < -RTTA_DISCIPLINE_SLEW)
		slew = -RTTA_DISCIPLINE_SLEW;
	clock->slew = slew;
}

enum rtta_discipline_verdict
rtta_discipline_observe(struct rtta_discipline *clock, uint64_t sample,
    int64_t mono_ms, int64_t real_ns)
{
	int64_t offset_ns = real_ns - mono_ms * NS_PER_MS;
	int64_t error_ns = real_ns - rtta_discipline_ns(clock, sample);

	clock->set_ns = offset_ns - clock->offset_ns;
	clock->offset_ns = offset_ns;
	if (clock->set_ns > NS_PER_S || clock->set_ns < -NS_PER_S)
		return RTTA_DISCIPLINE_SET;
	if (error_ns < clock->least_ns)
		clock->least_ns = error_ns;
	if (sample - clock->base_sample >= (uint64_t)WINDOW_S * clock->rate_hz) {
		if (clock->least_ns > NS_PER_S)
			return RTTA_DISCIPLINE_ASTRAY;
		begin_window(clock, sample);
	}
	return RTTA_DISCIPLINE_STEADY;
}

uint64_t
rtta_discipline_missing(const struct rtta_discipline *clock, uint64_t sample,
    int64_t mono_ms)
{
	int64_t expected_ns = rtta_discipline_ns(clock, sample) -
	    clock->offset_ns;
	int64_t missing_ns = mono_ms * NS_PER_MS - expected_ns;
	uint64_t missing = missing_ns > 0 ?
	    rtta_ns_samples(missing_ns, clock->rate_hz) : 0;

	return missing > 0 ? missing : 1;
}

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "check.h"
#include "discipline.h"

enum { RATE_HZ = 16000, FRAME = 320 };

static const int64_t T0_NS = 1700000000000000000;

/*
 * A microphone whose clock is wrong by drift, read late by 0 to 30 ms, on a
 * wall clock that is step_ns off after step_s.
 */
struct world {
	double drift;
	int64_t step_ns;
	int step_s;
};

struct outcome {
	enum rtta_discipline_verdict first;  /* that is not STEADY */
	int first_s;
	int64_t error_ns;                    /* at the end, time minus wall clock */
	double slowest, fastest;             /* of any frame, real time is 1 */
};

static struct outcome
simulate(struct world world, int seconds)
{
	struct outcome out = { .slowest = 2 };
	struct rtta_discipline clock;
	int64_t last_ns = T0_NS;

	srandom(1);
	rtta_discipline_init(&clock, RATE_HZ, 0, 5000, T0_NS);
	for (uint64_t sample = FRAME; sample < (uint64_t)seconds * RATE_HZ;
	    sample += FRAME) {
		double heard_s = (double)sample / RATE_HZ * (1 + world.drift);
		int64_t mono_ms = 5000 + (int64_t)(heard_s * 1000) + random() % 31;
		int64_t real_ns = T0_NS + (mono_ms - 5000) * 1000000;
		enum rtta_discipline_verdict verdict;
		int64_t ns = rtta_discipline_ns(&clock, sample);
		double speed = (double)(ns - last_ns) * RATE_HZ / FRAME / 1e9;

		if (heard_s > world.step_s)
			real_ns += world.step_ns;
		last_ns = ns;
		if (speed < out.slowest)
			out.slowest = speed;
		if (speed > out.fastest)
			out.fastest = speed;
		out.error_ns = ns - T0_NS - (int64_t)(heard_s * 1e9) - world.step_ns;
		verdict = rtta_discipline_observe(&clock, sample, mono_ms, real_ns);
		if (verdict != RTTA_DISCIPLINE_STEADY && out.first == 0) {
			out.first = verdict;
			out.first_s = (int)heard_s;
			break;
		}
	}
	return out;
}

static void
check_drift(void)
{
	static const double drifts[] = { 0, 200e-6, -200e-6, 5000e-6, -5000e-6 };

	for (size_t i = 0; i < sizeof(drifts) / sizeof(drifts[0]); i++) {
		struct outcome out = simulate((struct world){ drifts[i], 0, 0 }, 3600);

		CHECK_INT(out.first, RTTA_DISCIPLINE_STEADY);
		/* half of a window's drift is what it hangs behind by */
		CHECK_NEAR((double)out.error_ns / 1e6, 0, 5 + 12e3 * (drifts[i] < 0 ?
		    -drifts[i] : drifts[i]));
		CHECK(out.slowest > 0.9895 && out.fastest < 1.0105);
	}
}

static void
check_steps(void)
{
	struct outcome out;

	out = simulate((struct world){ 0, 600000000, 100 }, 1000);
	CHECK_INT(out.first, RTTA_DISCIPLINE_STEADY);
	CHECK_NEAR((double)out.error_ns / 1e6, 0, 5);
	CHECK(out.fastest < 1.0105);

	out = simulate((struct world){ 0, 1100000000, 100 }, 1000);
	CHECK_INT(out.first, RTTA_DISCIPLINE_SET);
	CHECK_INT(out.first_s, 100);

	/* a little back: never backwards, slower until the wall clock is there */
	out = simulate((struct world){ 0, -600000000, 100 }, 1000);
	CHECK_INT(out.first, RTTA_DISCIPLINE_STEADY);
	CHECK_NEAR((double)out.error_ns / 1e6, 0, 5);
	CHECK(out.slowest > 0.9895);

	out = simulate((struct world){ 0, -3600000000000, 100 }, 1000);
	CHECK_INT(out.first, RTTA_DISCIPLINE_SET);
	CHECK_INT(out.first_s, 100);

	/* a source that is 5 % slow is no clock */
	out = simulate((struct world){ 0.05, 0, 0 }, 1000);
	CHECK_INT(out.first, RTTA_DISCIPLINE_ASTRAY);
}

static void
check_missing(void)
{
	struct rtta_discipline clock;

	rtta_discipline_init(&clock, RATE_HZ, 1000, 5000, T0_NS);
	/* 16,000 samples are due at 6000 ms; they come at 8000 */
	CHECK_INT(rtta_discipline_missing(&clock, 17000, 8000), 32000);
	/* a break without a length is still one */
	CHECK_INT(rtta_discipline_missing(&clock, 17000, 6000), 1);
	CHECK_INT(rtta_discipline_missing(&clock, 17000, 5990), 1);
	/* days later the count is still exact */
	CHECK_INT(rtta_discipline_missing(&clock, 1000 + 86400LL * 7 * RATE_HZ,
	    5000 + 86400LL * 7 * 1000 + 500), 8000);
}

int
main(void)
{
	check_drift();
	check_steps();
	check_missing();
	return check_result();
}

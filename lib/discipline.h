/*
 * discipline - the wall-clock time of a sample, from a source's own clock.
 *
 * Time follows the samples at their rate and is drawn slowly towards the
 * wall clock, at most RTTA_DISCIPLINE_SLEW of real time, so it never steps
 * and never goes back.  Observations are late when the process is; the
 * earliest of five seconds of sound counts.  Pure: reads no clock.
 */
#ifndef RTTA_DISCIPLINE_H
#define RTTA_DISCIPLINE_H

#include <stdint.h>

#define RTTA_DISCIPLINE_SLEW 0.01

enum rtta_discipline_verdict {
	RTTA_DISCIPLINE_STEADY,
	RTTA_DISCIPLINE_SET,       /* the wall clock was set, by set_ns: more than 1 s */
	RTTA_DISCIPLINE_ASTRAY     /* the samples are more than 1 s behind the clock */
};

struct rtta_discipline {
	uint32_t rate_hz;
	uint64_t base_sample;   /* from here on, at this time, ... */
	int64_t base_ns;
	double slew;            /* ... with so much added to each second */
	int64_t offset_ns;      /* wall clock minus monotonic, last seen */
	int64_t set_ns;         /* how far it was moved then */
	int64_t least_ns;       /* smallest error since base_sample */
};

/* sample was heard at real_ns.  mono_ms is the monotonic time of that. */
void rtta_discipline_init(struct rtta_discipline *clock, uint32_t rate_hz,
    uint64_t sample, int64_t mono_ms, int64_t real_ns);

/* CLOCK_REALTIME of a sample at or behind the last observed one. */
int64_t rtta_discipline_ns(const struct rtta_discipline *clock, uint64_t sample);

/*
 * sample was the newest one at this moment.  After SET or ASTRAY the caller
 * begins a new run with rtta_discipline_init().
 */
enum rtta_discipline_verdict rtta_discipline_observe(
    struct rtta_discipline *clock, uint64_t sample, int64_t mono_ms,
    int64_t real_ns);

/*
 * The source had a break, and what should have been this sample was heard
 * at mono_ms: how many samples are missing before it?  At least 1.
 */
uint64_t rtta_discipline_missing(const struct rtta_discipline *clock,
    uint64_t sample, int64_t mono_ms);

#endif

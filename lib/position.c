#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "position.h"

enum { NS_PER_S = 1000000000, MAX_S = 1000000000 };

bool
rtta_pos_equal(struct rtta_pos a, struct rtta_pos b)
{
	return a.run == b.run && a.sample == b.sample;
}

char *
rtta_run_format(char text[RTTA_RUN_TEXT_BYTES], uint64_t run)
{
	snprintf(text, RTTA_RUN_TEXT_BYTES, "%016" PRIx64, run);
	return text;
}

int
rtta_run_parse(const char *text, uint64_t *run)
{
	if (strspn(text, "0123456789abcdef") != 16 || text[16] != '\0')
		return -1;
	*run = strtoull(text, NULL, 16);
	return 0;
}

int
rtta_sample_parse(const char *text, uint64_t *sample)
{
	size_t digits = strspn(text, "0123456789");
	unsigned long long value;

	if (digits == 0 || text[digits] != '\0')
		return -1;
	errno = 0;
	value = strtoull(text, NULL, 10);
	if (errno != 0 || value > INT64_MAX)
		return -1;
	*sample = value;
	return 0;
}

int64_t
rtta_samples_ns(uint64_t samples, uint32_t rate_hz)
{
	uint64_t whole_s = samples / rate_hz;

	if (whole_s >= MAX_S)
		return (int64_t)MAX_S * NS_PER_S;
	return (int64_t)whole_s * NS_PER_S +
	    (int64_t)(samples % rate_hz * NS_PER_S / rate_hz);
}

uint64_t
rtta_ns_samples(int64_t ns, uint32_t rate_hz)
{
	uint64_t whole_s = (uint64_t)ns / NS_PER_S;

	return whole_s * rate_hz + (uint64_t)ns % NS_PER_S * rate_hz / NS_PER_S;
}

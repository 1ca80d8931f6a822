#include <stdlib.h>
#include <string.h>

#include "position.h"

enum { NS_PER_S = 1000000000, MAX_S = 1000000000 };

bool
rtta_pos_equal(struct rtta_pos a, struct rtta_pos b)
{
	return a.run == b.run && a.sample == b.sample;
}

static size_t
run_index(const uint64_t *runs, size_t n_runs, uint64_t run)
{
	size_t i = 0;

	while (i < n_runs && runs[i] != run)
		i++;
	return i;
}

bool
rtta_pos_before(struct rtta_pos a, struct rtta_pos b, const uint64_t *runs, size_t n_runs)
{
	if (a.run == b.run)
		return a.sample < b.sample;
	return run_index(runs, n_runs, a.run) < run_index(runs, n_runs, b.run);
}

char *
rtta_run_format(char text[RTTA_RUN_TEXT_BYTES], uint64_t run)
{
	for (int i = RTTA_RUN_TEXT_BYTES - 1; i-- > 0; run >>= 4)
		text[i] = "0123456789abcdef"[run & 15];
	text[RTTA_RUN_TEXT_BYTES - 1] = '\0';
	return text;
}

int
rtta_run_parse(const char *text, uint64_t *run)
{
	uint64_t value = 0;
	int digits;

	for (digits = 0; digits < RTTA_RUN_TEXT_BYTES - 1; digits++) {
		char c = text[digits];

		if (c >= '0' && c <= '9')
			value = value << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			value = value << 4 | (uint64_t)(c - 'a' + 10);
		else
			return -1;
	}
	if (text[digits] != '\0')
		return -1;
	*run = value;
	return 0;
}

int
rtta_sample_parse(const char *text, uint64_t *sample)
{
	uint64_t value = 0;
	const char *at;

	for (at = text; *at >= '0' && *at <= '9'; at++) {
		uint64_t digit = (uint64_t)(*at - '0');

		if (value > (RTTA_SAMPLE_MAX - digit) / 10)
			return -1;
		value = value * 10 + digit;
	}
	if (at == text || *at != '\0')
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

/*
 * recent - the newest sound of a stream, by sample number.
 *
 * Bytes of s16le come in, in pieces of any length; samples from -1 to 1 are
 * looked at by their number in the stream.  What is older than it keeps is
 * forgotten.
 */
#ifndef RTTA_RECENT_H
#define RTTA_RECENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rtta_recent {
	float *pcm;
	size_t room, samples, keep;
	int64_t first;           /* number of pcm[0] */
	unsigned char odd;       /* half a sample */
	bool has_odd;
};

/*
 * Keep that many samples at least; max_bytes is the most of one put.  All
 * memory is taken now.
 */
void rtta_recent_init(struct rtta_recent *recent, size_t keep, size_t max_bytes);
void rtta_recent_done(struct rtta_recent *recent);

void rtta_recent_put(struct rtta_recent *recent, const unsigned char *bytes,
    size_t count);

/* Silence of less than keep samples. */
void rtta_recent_put_silence(struct rtta_recent *recent, size_t samples);

/* The number of the next sample to come. */
int64_t rtta_recent_end(const struct rtta_recent *recent);

/* From that sample on; it is one that is kept.  Valid until the next put. */
const float *rtta_recent_at(const struct rtta_recent *recent, int64_t sample);

#endif

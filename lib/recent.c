#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "recent.h"

void
rtta_recent_init(struct rtta_recent *recent, size_t keep, size_t max_bytes)
{
	*recent = (struct rtta_recent){ .keep = keep };
	/* twice, so that moving is rare */
	recent->room = 2 * (keep + max_bytes / 2 + 1);
	recent->pcm = rtta_xcalloc(recent->room, sizeof(*recent->pcm));
}

void
rtta_recent_done(struct rtta_recent *recent)
{
	free(recent->pcm);
	recent->pcm = NULL;
}

static void
make_room(struct rtta_recent *recent, size_t samples)
{
	size_t drop;

	if (recent->samples + samples <= recent->room)
		return;
	drop = recent->samples - recent->keep;
	memmove(recent->pcm, recent->pcm + drop,
	    recent->keep * sizeof(*recent->pcm));
	recent->first += (int64_t)drop;
	recent->samples = recent->keep;
	assert(recent->samples + samples <= recent->room);
}

static void
put_sample(struct rtta_recent *recent, unsigned char low, unsigned char high)
{
	int16_t sample = (int16_t)(low | high << 8);

	recent->pcm[recent->samples++] = (float)sample / 32768;
}

void
rtta_recent_put(struct rtta_recent *recent, const unsigned char *bytes,
    size_t count)
{
	size_t i = 0;

	if (count == 0)
		return;
	make_room(recent, count / 2 + 1);
	if (recent->has_odd)
		put_sample(recent, recent->odd, bytes[i++]);
	for (; i + 2 <= count; i += 2)
		put_sample(recent, bytes[i], bytes[i + 1]);
	recent->has_odd = i < count;
	if (recent->has_odd)
		recent->odd = bytes[i];
}

void
rtta_recent_put_silence(struct rtta_recent *recent, size_t samples)
{
	make_room(recent, samples);
	memset(recent->pcm + recent->samples, 0, samples * sizeof(*recent->pcm));
	recent->samples += samples;
}

int64_t
rtta_recent_end(const struct rtta_recent *recent)
{
	return recent->first + (int64_t)recent->samples;
}

const float *
rtta_recent_at(const struct rtta_recent *recent, int64_t sample)
{
	assert(sample >= recent->first && sample <= rtta_recent_end(recent));
	return recent->pcm + (sample - recent->first);
}

#include <stdlib.h>
#include <string.h>

#include "cover.h"
#include "mem.h"

/* Sorted by (run, first); no two overlap or touch. */
struct rtta_cover {
	struct rtta_span *spans;
	size_t count, room;
	uint64_t samples;
};

struct rtta_cover *
rtta_cover_new(void)
{
	return rtta_xcalloc(1, sizeof(struct rtta_cover));
}

void
rtta_cover_free(struct rtta_cover *cover)
{
	if (cover != NULL)
		free(cover->spans);
	free(cover);
}

/* The first interval that ends at or behind (run, sample), or count. */
static size_t
find_reaching(const struct rtta_cover *cover, uint64_t run, uint64_t sample)
{
	size_t low = 0, high = cover->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct rtta_span *span = &cover->spans[middle];

		if (span->run < run || (span->run == run && span->last < sample))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The first interval that ends behind (run, sample), or count. */
static size_t
find_behind(const struct rtta_cover *cover, uint64_t run, uint64_t sample)
{
	size_t i = find_reaching(cover, run, sample);

	if (i < cover->count && cover->spans[i].run == run && cover->spans[i].last == sample)
		i++;
	return i;
}

/* Put `count` intervals in the place of the `old` ones at i. */
static void
replace(struct rtta_cover *cover, size_t i, size_t old,
    const struct rtta_span *spans, size_t count)
{
	size_t behind = cover->count - i - old;

	if (cover->count - old + count > cover->room) {
		cover->room = cover->room ? cover->room * 2 : 16;
		cover->spans = rtta_xreallocarray(cover->spans, cover->room,
		    sizeof(*cover->spans));
	}
	if (old != count && behind > 0)
		memmove(cover->spans + i + count, cover->spans + i + old,
		    behind * sizeof(*cover->spans));
	if (count > 0)
		memcpy(cover->spans + i, spans, count * sizeof(*spans));
	cover->count = cover->count - old + count;
}

uint64_t
rtta_cover_add(struct rtta_cover *cover, struct rtta_span span)
{
	uint64_t before = 0, all;
	size_t i, n;

	if (span.first >= span.last)
		return 0;
	i = find_reaching(cover, span.run, span.first);
	for (n = 0; i + n < cover->count; n++) {
		const struct rtta_span *old = &cover->spans[i + n];

		if (old->run != span.run || old->first > span.last)
			break;
		before += old->last - old->first;
		if (old->first < span.first)
			span.first = old->first;
		if (old->last > span.last)
			span.last = old->last;
	}
	replace(cover, i, n, &span, 1);
	all = span.last - span.first;
	cover->samples += all - before;
	return all - before;
}

uint64_t
rtta_cover_remove(struct rtta_cover *cover, struct rtta_span span)
{
	struct rtta_span rest[2];
	uint64_t before = 0, after = 0;
	size_t i, n, rests = 0;

	if (span.first >= span.last)
		return 0;
	i = find_behind(cover, span.run, span.first);
	for (n = 0; i + n < cover->count; n++) {
		const struct rtta_span *old = &cover->spans[i + n];

		if (old->run != span.run || old->first >= span.last)
			break;
		before += old->last - old->first;
		if (old->first < span.first)
			rest[rests++] = (struct rtta_span){ span.run, old->first, span.first };
		if (old->last > span.last)
			rest[rests++] = (struct rtta_span){ span.run, span.last, old->last };
	}
	for (size_t r = 0; r < rests; r++)
		after += rest[r].last - rest[r].first;
	replace(cover, i, n, rest, rests);
	cover->samples -= before - after;
	return before - after;
}

bool
rtta_cover_contains(const struct rtta_cover *cover, struct rtta_span span)
{
	struct rtta_span part;

	return !rtta_cover_missing(cover, span, &part);
}

int
rtta_cover_missing(const struct rtta_cover *cover, struct rtta_span span,
    struct rtta_span *part)
{
	size_t i;

	if (span.first >= span.last)
		return 0;
	*part = span;
	i = find_behind(cover, span.run, span.first);
	if (i == cover->count || cover->spans[i].run != span.run)
		return 1;
	if (cover->spans[i].first <= span.first) {
		part->first = cover->spans[i].last;
		i++;
	}
	if (part->first >= span.last)
		return 0;
	if (i < cover->count && cover->spans[i].run == span.run &&
	    cover->spans[i].first < span.last)
		part->last = cover->spans[i].first;
	return 1;
}

int
rtta_cover_present(const struct rtta_cover *cover, struct rtta_span span,
    struct rtta_span *part)
{
	size_t i = find_behind(cover, span.run, span.first);

	if (span.first >= span.last || i == cover->count)
		return 0;
	*part = cover->spans[i];
	if (part->run != span.run || part->first >= span.last)
		return 0;
	if (part->first < span.first)
		part->first = span.first;
	if (part->last > span.last)
		part->last = span.last;
	return 1;
}

int
rtta_cover_at(const struct rtta_cover *cover, size_t i, struct rtta_span *span)
{
	if (i >= cover->count)
		return 0;
	*span = cover->spans[i];
	return 1;
}

uint64_t
rtta_cover_samples(const struct rtta_cover *cover)
{
	return cover->samples;
}

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "runs.h"

enum { DEFAULT_RATE_HZ = 16000, NS_PER_US = 1000 };
static const int64_t MAX_US = 1000000000000000;

void
rtta_runs_done(struct rtta_runs *runs)
{
	free(runs->run);
	*runs = (struct rtta_runs){0};
}

/* --- their order --- */

size_t
rtta_runs_find(const struct rtta_runs *runs, uint64_t id)
{
	size_t i = 0;

	while (i < runs->count && runs->run[i].id != id)
		i++;
	return i;
}

static int
compare_runs(const void *a_, const void *b_)
{
	const struct rtta_run *a = a_, *b = b_;

	if (a->has_key != b->has_key)
		return a->has_key ? -1 : 1;
	if (a->has_key)
		return (a->n > b->n) - (a->n < b->n);
	if (a->first_ns != b->first_ns)
		return a->first_ns < b->first_ns ? -1 : 1;
	return (a->id > b->id) - (a->id < b->id);
}

/* A hole lasts as long as its clocks say, a run as long as its own; keys that
 * speak of more than thirty years are somebody's joke. */
static void
count_offsets(struct rtta_runs *runs)
{
	for (size_t i = 0; i < runs->count && runs->run[i].has_key; i++) {
		struct rtta_run *run = &runs->run[i], *before = run - 1;
		int64_t length_us;

		run->offset_ns = 0;
		if (i == 0)
			continue;
		length_us = run->key.prev_us - before->key.first_us;
		length_us = before->offset_ns / NS_PER_US + rtta_runs_hole_us(runs, i) +
		    (length_us > 0 ? length_us : 0);
		run->offset_ns = (length_us < MAX_US ? length_us : MAX_US) * NS_PER_US;
	}
}

static bool
sort_runs(struct rtta_runs *runs)
{
	bool sorted = true;

	for (size_t i = 1; i < runs->count; i++)
		sorted = sorted && compare_runs(&runs->run[i - 1], &runs->run[i]) < 0;
	if (!sorted)
		qsort(runs->run, runs->count, sizeof(*runs->run), compare_runs);
	count_offsets(runs);
	return !sorted;
}

/* A new one comes last, where it belongs until more is known of it. */
static struct rtta_run *
get_run(struct rtta_runs *runs, uint64_t id)
{
	size_t i = rtta_runs_find(runs, id);

	if (i == runs->count) {
		runs->run = rtta_xreallocarray(runs->run, ++runs->count, sizeof(*runs->run));
		runs->run[i] = (struct rtta_run){ .id = id, .first_ns = INT64_MAX };
	}
	return &runs->run[i];
}

/* --- what is told of them --- */

static int
apply_cut(struct rtta_runs *runs, jv value, struct rtta_err *err)
{
	struct rtta_session_cut cut;

	if (rtta_session_cut_decode(&cut, value, err) < 0)
		return -1;
	runs->cut = cut;
	runs->has_cut = true;
	if (cut.has_preroll)
		get_run(runs, cut.first.run);
	if (cut.has_at)
		get_run(runs, cut.at.run);
	return sort_runs(runs);
}

static int
apply_end(struct rtta_runs *runs, jv value, struct rtta_err *err)
{
	struct rtta_session_end end;

	if (rtta_session_end_decode(&end, value, err) < 0)
		return -1;
	runs->end = end;
	runs->has_end = true;
	return 0;
}

static int
apply_run(struct rtta_runs *runs, const char *n, jv value, struct rtta_err *err)
{
	unsigned number = (unsigned)strtoul(n, NULL, 10);
	struct rtta_session_run key;
	struct rtta_run *run;

	if (rtta_session_run_decode(&key, value, err) < 0)
		return -1;
	run = get_run(runs, key.run);
	if (run->has_key && run->n <= number)
		return 0;
	run->has_key = true;
	run->n = number;
	run->key = key;
	return sort_runs(runs);
}

int
rtta_runs_key(struct rtta_runs *runs, const char *what, const char *rest, jv value,
    struct rtta_err *err)
{
	if (strcmp(what, "cut") == 0)
		return apply_cut(runs, value, err);
	if (strcmp(what, "end") == 0)
		return apply_end(runs, value, err);
	if (strcmp(what, "run") == 0)
		return apply_run(runs, rest, value, err);
	return 0;
}

bool
rtta_runs_note(struct rtta_runs *runs, struct rtta_span span, int64_t start_ns)
{
	struct rtta_run *run = get_run(runs, span.run);
	bool earlier;

	if (span.last > run->last)
		run->last = span.last;
	if (start_ns >= run->first_ns)
		return false;
	earlier = !run->has_key && run->first_ns != INT64_MAX;
	run->first_ns = start_ns;
	return sort_runs(runs) || earlier;
}

/* --- where they begin and end --- */

uint32_t
rtta_run_rate_hz(const struct rtta_run *run)
{
	return run->has_key && run->key.rate_hz != 0 ? run->key.rate_hz : DEFAULT_RATE_HZ;
}

/* The session's first sample.  False: the cut does not tell. */
static bool
find_begin(const struct rtta_runs *runs, struct rtta_pos *begin)
{
	*begin = runs->cut.has_preroll ? runs->cut.first : runs->cut.at;
	return runs->cut.has_preroll || runs->cut.has_at;
}

static bool
find_first(const struct rtta_runs *runs, const struct rtta_run *run, uint64_t *first)
{
	struct rtta_pos begin;

	*first = run->key.first;
	if (find_begin(runs, &begin) && begin.run == run->id)
		*first = begin.sample;
	else if (!run->has_key && runs->cut.has_at && runs->cut.at.run == run->id)
		*first = runs->cut.at.sample;
	else
		return run->has_key;
	return true;
}

static uint64_t
find_last(const struct rtta_runs *runs, size_t i, uint64_t reached)
{
	const struct rtta_session_cut *cut = &runs->cut;
	const struct rtta_run *run = &runs->run[i], *next = run + 1;
	uint64_t last = reached;

	if (runs->has_end && runs->end.has_at && runs->end.at.run == run->id)
		return runs->end.at.sample;
	if (i + 1 < runs->count && run->has_key && next->has_key && next->n == run->n + 1)
		return next->key.prev_next;
	/* Nobody has said where it ends: where what is known of it does. */
	if (cut->has_at && cut->at.run == run->id && cut->at.sample > last)
		last = cut->at.sample;
	if (cut->has_preroll && cut->last.run == run->id && cut->last.sample >= last)
		last = cut->last.sample + 1;
	return last;
}

bool
rtta_runs_extent(const struct rtta_runs *runs, size_t i, uint64_t reached,
    struct rtta_span *extent)
{
	extent->run = runs->run[i].id;
	if (!find_first(runs, &runs->run[i], &extent->first))
		return false;
	extent->last = find_last(runs, i, reached);
	if (extent->last < extent->first)
		extent->last = extent->first;
	return true;
}

bool
rtta_runs_has_hole(const struct rtta_runs *runs, size_t i)
{
	const struct rtta_run *run = &runs->run[i];

	return i > 0 && run->has_key && run->n == run[-1].n + 1 && !run->key.contiguous;
}

int64_t
rtta_runs_hole_us(const struct rtta_runs *runs, size_t i)
{
	const struct rtta_run *run = &runs->run[i];
	int64_t hole_us = run->key.first_us - run->key.prev_us;

	return rtta_runs_has_hole(runs, i) && hole_us > 0 ? hole_us : 0;
}

bool
rtta_runs_has_tail(const struct rtta_runs *runs, struct rtta_pos *at)
{
	if (!runs->has_end || !runs->has_cut || runs->end.sound_us == 0 ||
	    runs->end.sound_us >= runs->end.at_us)
		return false;
	*at = runs->end.has_at ? runs->end.at : runs->cut.last;
	return runs->end.has_at || runs->cut.has_preroll;
}

#include <stdlib.h>

#include "excerpt.h"
#include "frame.h"
#include "mem.h"
#include "session.h"

static int
find_run(const struct rtta_excerpt *excerpt, uint64_t run, size_t *n)
{
	for (*n = 0; *n < excerpt->n_runs; ++*n)
		if (excerpt->runs[*n] == run)
			return 0;
	return -1;
}

/* The number of a run; one that has no key stands behind all others. */
static size_t
number_run(struct rtta_excerpt *excerpt, uint64_t run)
{
	size_t n;

	if (find_run(excerpt, run, &n) == 0)
		return n;
	excerpt->runs = rtta_xreallocarray(excerpt->runs, n + 1, sizeof(*excerpt->runs));
	excerpt->runs[excerpt->n_runs++] = run;
	return n;
}

void
rtta_excerpt_init(struct rtta_excerpt *excerpt, const struct rtta_session_cut *cut,
    uint64_t *runs, size_t n_runs)
{
	*excerpt = (struct rtta_excerpt){
		.runs = runs, .n_runs = n_runs, .first = cut->first, .last = cut->last,
		.next = cut->first,
	};
	excerpt->first_n = number_run(excerpt, cut->first.run);
	excerpt->last_n = number_run(excerpt, cut->last.run);
	excerpt->n = excerpt->first_n;
}

void
rtta_excerpt_done(struct rtta_excerpt *excerpt)
{
	free(excerpt->runs);
}

static bool
is_before(size_t n, uint64_t sample, size_t other_n, uint64_t other_sample)
{
	return n < other_n || (n == other_n && sample < other_sample);
}

int
rtta_excerpt_offer(struct rtta_excerpt *excerpt, const struct rtta_frame *frame,
    struct rtta_pos *gap)
{
	bool is_gap;
	size_t n;

	if (find_run(excerpt, frame->run_id, &n) < 0 ||
	    is_before(n, frame->sample, excerpt->n, excerpt->next.sample) ||
	    is_before(excerpt->last_n, excerpt->last.sample, n, frame->sample))
		return 0;
	is_gap = n == excerpt->n && frame->sample > excerpt->next.sample;
	*gap = excerpt->next;
	excerpt->begun = true;
	excerpt->n = n;
	excerpt->next = (struct rtta_pos){ frame->run_id, rtta_frame_end(frame) };
	excerpt->next_ns = frame->capture_ns +
	    rtta_samples_ns(rtta_frame_samples(frame), frame->rate_hz);
	excerpt->copied_samples += rtta_frame_samples(frame);
	excerpt->copied_ns += rtta_samples_ns(rtta_frame_samples(frame), frame->rate_hz);
	excerpt->holes += is_gap;
	if (n == excerpt->last_n && frame->sample == excerpt->last.sample)
		excerpt->done = true;
	return is_gap ? 2 : 1;
}

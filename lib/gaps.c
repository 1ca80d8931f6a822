#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cover.h"
#include "gaps.h"
#include "mem.h"
#include "session.h"

enum { RATE_HZ = 16000, RUNS_MAX = 100000 };  /* a rate where none is said */

struct run {
	unsigned n;
	struct rtta_session_run key;
};

struct rtta_gaps {
	bool has_cut, has_end, has_flush;
	struct rtta_session_cut cut;
	struct rtta_session_end end;
	struct run *runs;              /* in order of n */
	size_t run_count;
	struct rtta_session_note *notes;
	size_t note_count;
};

struct list {
	struct rtta_gap *gaps;
	size_t count, room;
};

struct rtta_gaps *
rtta_gaps_new(void)
{
	return rtta_xcalloc(1, sizeof(struct rtta_gaps));
}

void
rtta_gaps_free(struct rtta_gaps *gaps)
{
	if (gaps == NULL)
		return;
	free(gaps->runs);
	free(gaps->notes);
	free(gaps);
}

/* --- keys --- */

static int
add_run(struct rtta_gaps *gaps, const char *rest, jv value, struct rtta_err *err)
{
	struct rtta_session_run key;
	uint64_t n;
	size_t at = 0;

	if (rtta_sample_parse(rest, &n) < 0 || n > RUNS_MAX)
		return 0;
	if (rtta_session_run_decode(&key, value, err) < 0)
		return -1;
	while (at < gaps->run_count && gaps->runs[at].n < n)
		at++;
	if (at == gaps->run_count || gaps->runs[at].n != n) {
		gaps->runs = rtta_xreallocarray(gaps->runs, gaps->run_count + 1,
		    sizeof(*gaps->runs));
		memmove(gaps->runs + at + 1, gaps->runs + at,
		    (gaps->run_count - at) * sizeof(*gaps->runs));
		gaps->run_count++;
	}
	gaps->runs[at] = (struct run){ (unsigned)n, key };
	return 0;
}

static int
add_note(struct rtta_gaps *gaps, jv value, struct rtta_err *err)
{
	struct rtta_session_note note;

	if (rtta_session_note_decode(&note, value, err) < 0)
		return -1;
	gaps->notes = rtta_xreallocarray(gaps->notes, gaps->note_count + 1, sizeof(*gaps->notes));
	gaps->notes[gaps->note_count++] = note;
	return 0;
}

int
rtta_gaps_key(struct rtta_gaps *gaps, const char *what, const char *rest, jv value,
    struct rtta_err *err)
{
	if (strcmp(what, "cut") == 0) {
		if (rtta_session_cut_decode(&gaps->cut, value, err) < 0)
			return -1;
		gaps->has_cut = true;
	} else if (strcmp(what, "end") == 0) {
		if (rtta_session_end_decode(&gaps->end, value, err) < 0)
			return -1;
		gaps->has_end = true;
	} else if (strcmp(what, "flush") == 0) {
		gaps->has_flush = true;
	} else if (strcmp(what, "run") == 0) {
		return add_run(gaps, rest != NULL ? rest : "", value, err);
	} else if (strcmp(what, "note") == 0) {
		return add_note(gaps, value, err);
	}
	return 0;
}

bool
rtta_gaps_has_cut(const struct rtta_gaps *gaps)
{
	return gaps->has_cut;
}

bool
rtta_gaps_has_end(const struct rtta_gaps *gaps)
{
	return gaps->has_end;
}

int64_t
rtta_gaps_end_us(const struct rtta_gaps *gaps)
{
	return gaps->end.at_us;
}

bool
rtta_gaps_flushing(const struct rtta_gaps *gaps)
{
	return gaps->has_cut && gaps->cut.has_preroll && !gaps->has_flush;
}

/* --- where the runs of the session begin and end --- */

static size_t
find_run(const struct rtta_gaps *gaps, uint64_t run)
{
	size_t i = 0;

	while (i < gaps->run_count && gaps->runs[i].key.run != run)
		i++;
	return i;
}

static uint32_t
rate_of(const struct run *run)
{
	return run->key.rate_hz != 0 ? run->key.rate_hz : RATE_HZ;
}

static int64_t
clock_of(const struct run *run, uint64_t sample)
{
	int64_t first_ns = run->key.first_us * 1000;

	return sample >= run->key.first ?
	    first_ns + rtta_samples_ns(sample - run->key.first, rate_of(run)) :
	    first_ns - rtta_samples_ns(run->key.first - sample, rate_of(run));
}

static void
reach(uint64_t *last, uint64_t sample)
{
	if (sample > *last)
		*last = sample;
}

static struct rtta_span
extent_of(const struct rtta_gaps *gaps, size_t i, const struct rtta_cover *covered)
{
	const struct rtta_session_cut *cut = &gaps->cut;
	const struct run *run = &gaps->runs[i];
	const struct run *next = i + 1 < gaps->run_count ? run + 1 : NULL;
	struct rtta_span extent = { run->key.run, run->key.first, run->key.first }, part;
	struct rtta_pos begin = cut->has_preroll ? cut->first : cut->at;

	if ((cut->has_preroll || cut->has_at) && begin.run == run->key.run)
		extent.first = begin.sample;
	if (gaps->has_end && gaps->end.has_at && gaps->end.at.run == run->key.run) {
		extent.last = gaps->end.at.sample;
		return extent;
	}
	if (next != NULL && next->n == run->n + 1) {
		extent.last = next->key.prev_next;
		return extent;
	}
	/* Nobody said where it ends: where what is known of it ends. */
	if (cut->has_at && cut->at.run == run->key.run)
		reach(&extent.last, cut->at.sample);
	if (cut->has_preroll && cut->last.run == run->key.run)
		reach(&extent.last, cut->last.sample + 1);
	for (size_t k = 0; rtta_cover_at(covered, k, &part); k++)
		if (part.run == run->key.run)
			reach(&extent.last, part.last);
	return extent;
}

/* --- reasons --- */

/* Order of two positions in the session; a run that is not known is last. */
static int
compare(const struct rtta_gaps *gaps, struct rtta_pos a, struct rtta_pos b)
{
	size_t i = find_run(gaps, a.run), k = find_run(gaps, b.run);

	if (i != k)
		return i < k ? -1 : 1;
	return a.sample < b.sample ? -1 : a.sample > b.sample;
}

static const struct rtta_session_note *
note_at(const struct rtta_gaps *gaps, struct rtta_pos pos)
{
	for (size_t i = 0; i < gaps->note_count; i++)
		if (compare(gaps, gaps->notes[i].from, pos) <= 0 &&
		    compare(gaps, pos, gaps->notes[i].to) < 0)
			return &gaps->notes[i];
	return NULL;
}

/* Where in span the note that holds its beginning ends, or the next begins. */
static uint64_t
reason_ends(const struct rtta_gaps *gaps, struct rtta_span span,
    const struct rtta_session_note *note)
{
	uint64_t last = span.last;

	if (note != NULL)
		return note->to.run == span.run && note->to.sample < last ? note->to.sample : last;
	for (size_t i = 0; i < gaps->note_count; i++) {
		struct rtta_pos from = gaps->notes[i].from;

		if (from.run == span.run && from.sample > span.first && from.sample < last)
			last = from.sample;
	}
	return last;
}

static struct rtta_gap *
put(struct list *list, struct rtta_span span, int64_t start_ns, int64_t end_ns,
    const char *reason)
{
	struct rtta_gap *gap;

	if (list->count == list->room) {
		list->room = list->room ? list->room * 2 : 8;
		list->gaps = rtta_xreallocarray(list->gaps, list->room, sizeof(*list->gaps));
	}
	gap = &list->gaps[list->count++];
	*gap = (struct rtta_gap){ .span = span, .start_ns = start_ns, .end_ns = end_ns };
	strncpy(gap->reason, reason, sizeof(gap->reason) - 1);
	return gap;
}

/* --- what is missing --- */

static void
list_run(const struct rtta_gaps *gaps, size_t i, const struct rtta_cover *covered,
    struct list *list)
{
	const struct run *run = &gaps->runs[i];
	struct rtta_span rest = extent_of(gaps, i, covered), part;

	while (rest.first < rest.last && rtta_cover_missing(covered, rest, &part)) {
		const struct rtta_session_note *note =
		    note_at(gaps, (struct rtta_pos){ part.run, part.first });

		part.last = reason_ends(gaps, part, note);
		put(list, part, clock_of(run, part.first), clock_of(run, part.last),
		    note != NULL ? note->reason : "lost")->ns_per_position = 1e9 / rate_of(run);
		rest.first = part.last;
	}
}

size_t
rtta_gaps_missing(const struct rtta_gaps *gaps, const struct rtta_cover *covered,
    struct rtta_gap **out)
{
	struct list list = {0};

	for (size_t i = 0; i < gaps->run_count; i++)
		list_run(gaps, i, covered, &list);
	*out = list.gaps;
	return list.count;
}

/* A note that reaches from before the hole to behind it, or into it. */
static const struct rtta_session_note *
note_between(const struct rtta_gaps *gaps, const struct run *run)
{
	for (size_t i = 0; i < gaps->note_count; i++) {
		const struct rtta_session_note *note = &gaps->notes[i];

		if (note->from_us < run->key.first_us && note->to_us > run->key.prev_us)
			return note;
	}
	return NULL;
}

size_t
rtta_gaps_breaks(const struct rtta_gaps *gaps, struct rtta_gap **out)
{
	struct list list = {0};

	for (size_t i = 1; i < gaps->run_count; i++) {
		const struct run *run = &gaps->runs[i];
		const struct rtta_session_run *key = &run->key;
		const struct rtta_session_note *note;

		if (run->n != run[-1].n + 1 || key->contiguous || key->first_us <= key->prev_us)
			continue;
		note = note_between(gaps, run);
		put(&list, (struct rtta_span){ key->run, key->first, key->first },
		    key->prev_us * 1000, key->first_us * 1000,
		    note != NULL ? note->reason : "nothing was recorded");
	}
	if (gaps->has_end && gaps->run_count == 0 && gaps->has_cut && !gaps->cut.has_at &&
	    !gaps->cut.has_preroll)
		put(&list, (struct rtta_span){0}, gaps->cut.at_us * 1000, gaps->end.at_us * 1000,
		    "nothing was recorded");
	*out = list.gaps;
	return list.count;
}

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cover.h"
#include "gaps.h"
#include "mem.h"
#include "reason.h"
#include "runs.h"
#include "session.h"

struct rtta_gaps {
	struct rtta_runs runs;
	bool has_flush;
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
	rtta_runs_done(&gaps->runs);
	free(gaps->notes);
	free(gaps);
}

/* --- keys --- */

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
	if (strcmp(what, "flush") == 0)
		gaps->has_flush = true;
	else if (strcmp(what, "note") == 0)
		return add_note(gaps, value, err);
	return rtta_runs_key(&gaps->runs, what, rest, value, err) < 0 ? -1 : 0;
}

bool
rtta_gaps_has_cut(const struct rtta_gaps *gaps)
{
	return gaps->runs.has_cut;
}

bool
rtta_gaps_has_end(const struct rtta_gaps *gaps)
{
	return gaps->runs.has_end;
}

bool
rtta_gaps_flushing(const struct rtta_gaps *gaps)
{
	return gaps->runs.has_cut && gaps->runs.cut.has_preroll && !gaps->has_flush;
}

static int64_t
clock_of(const struct rtta_run *run, uint64_t sample)
{
	int64_t first_ns = run->key.first_us * 1000;
	uint32_t rate_hz = rtta_run_rate_hz(run);

	return sample >= run->key.first ?
	    first_ns + rtta_samples_ns(sample - run->key.first, rate_hz) :
	    first_ns - rtta_samples_ns(run->key.first - sample, rate_hz);
}

/* --- reasons --- */

/* Order of two positions in the session; a run that is not known is last. */
static int
compare(const struct rtta_gaps *gaps, struct rtta_pos a, struct rtta_pos b)
{
	size_t i = rtta_runs_find(&gaps->runs, a.run), k = rtta_runs_find(&gaps->runs, b.run);

	if (i != k)
		return i < k ? -1 : 1;
	return a.sample < b.sample ? -1 : a.sample > b.sample;
}

/* It says where something began: who wrote it may have been killed since. */
static bool
is_open(const struct rtta_session_note *note)
{
	return note->from.run == note->to.run && note->from.sample == note->to.sample;
}

/* Who did it knows better than who found nothing. */
static bool
found_nothing(const struct rtta_session_note *note)
{
	return rtta_reason_find(note->reason) == RTTA_REASON_PREROLL;
}

static const struct rtta_session_note *
note_at(const struct rtta_gaps *gaps, struct rtta_pos pos)
{
	const struct rtta_session_note *found = NULL;

	for (size_t i = 0; i < gaps->note_count; i++)
		if (compare(gaps, gaps->notes[i].from, pos) <= 0 &&
		    compare(gaps, pos, gaps->notes[i].to) < 0 &&
		    (found == NULL || found_nothing(found)))
			found = &gaps->notes[i];
	if (found != NULL)
		return found;
	for (size_t i = 0; i < gaps->note_count; i++)
		if (is_open(&gaps->notes[i]) && compare(gaps, gaps->notes[i].from, pos) == 0)
			return &gaps->notes[i];
	return NULL;
}

/* Where in span the note that holds its beginning ends, or the next begins. */
static uint64_t
reason_ends(const struct rtta_gaps *gaps, struct rtta_span span,
    const struct rtta_session_note *note)
{
	uint64_t last = span.last;

	if (note != NULL && !is_open(note))
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
	*gap = (struct rtta_gap){ .span = span, .channel = -1, .start_ns = start_ns,
	    .end_ns = end_ns };
	strncpy(gap->reason, reason, sizeof(gap->reason) - 1);
	return gap;
}

/* --- what is missing --- */

/* What a session's records cover. */
struct covered {
	const struct rtta_cover *const *sets;
	int channels;
};

/* Where the records of the run end, on whichever channel. */
static uint64_t
reached(const struct covered *covered, uint64_t run)
{
	struct rtta_span part;
	uint64_t last = 0;

	for (int c = 0; c < covered->channels || c == 0; c++)
		for (size_t k = 0; rtta_cover_at(covered->sets[c], k, &part); k++)
			if (part.run == run && part.last > last)
				last = part.last;
	return last;
}

/* What a set lacks of the rest of a run. */
static void
list_part(const struct rtta_gaps *gaps, const struct rtta_run *run, struct rtta_span rest,
    const struct rtta_cover *set, int channel, struct list *list)
{
	struct rtta_span part;

	while (rest.first < rest.last && rtta_cover_missing(set, rest, &part)) {
		const struct rtta_session_note *note =
		    note_at(gaps, (struct rtta_pos){ part.run, part.first });
		struct rtta_gap *gap;

		part.last = reason_ends(gaps, part, note);
		gap = put(list, part, clock_of(run, part.first), clock_of(run, part.last),
		    note != NULL ? note->reason : rtta_reason_text(RTTA_REASON_LOST));
		gap->channel = channel;
		gap->ns_per_position = 1e9 / rtta_run_rate_hz(run);
		gap->unkept = note != NULL && !is_open(note) &&
		    rtta_reason_find(note->reason) == RTTA_REASON_OFF_RECORD;
		rest.first = part.last;
	}
}

static void
list_run(const struct rtta_gaps *gaps, size_t i, const struct covered *covered,
    struct list *list)
{
	const struct rtta_run *run = &gaps->runs.run[i];
	struct rtta_span rest;

	if (!run->has_key || !rtta_runs_extent(&gaps->runs, i, reached(covered, run->id), &rest))
		return;
	for (int c = 0; c < covered->channels || c == 0; c++)
		list_part(gaps, run, rest, covered->sets[c], covered->channels > 0 ? c : -1, list);
}

size_t
rtta_gaps_missing(const struct rtta_gaps *gaps, const struct rtta_cover *const sets[],
    int channels, struct rtta_gap **out)
{
	const struct covered covered = { sets, channels };
	struct list list = {0};

	for (size_t i = 0; i < gaps->runs.count; i++)
		list_run(gaps, i, &covered, &list);
	*out = list.gaps;
	return list.count;
}

/* A note that reaches from before the hole to behind it, or into it. */
static const struct rtta_session_note *
note_between(const struct rtta_gaps *gaps, const struct rtta_run *run)
{
	for (size_t i = 0; i < gaps->note_count; i++) {
		const struct rtta_session_note *note = &gaps->notes[i];

		if (note->from_us < run->key.first_us && note->to_us > run->key.prev_us)
			return note;
		/* The clock was set back in between. */
		if (note->from.run != run->id && note->to.run == run->id &&
		    note->to.sample == run->key.first)
			return note;
	}
	return NULL;
}

/* From the last sound to the stop. */
static void
list_tail(const struct rtta_gaps *gaps, struct list *list)
{
	const struct rtta_session_end *end = &gaps->runs.end;
	const char *reason = rtta_reason_text(RTTA_REASON_NO_CAPTURE);
	struct rtta_pos at;

	if (!rtta_runs_has_tail(&gaps->runs, &at))
		return;
	for (size_t i = 0; i < gaps->note_count; i++)
		if (is_open(&gaps->notes[i]) && compare(gaps, gaps->notes[i].from, at) == 0)
			reason = gaps->notes[i].reason;
	put(list, (struct rtta_span){ at.run, at.sample, at.sample }, end->sound_us * 1000,
	    end->at_us * 1000, reason);
}

/* A session without a single frame: otherwise the cut or the end names a run,
 * whose keys may have been removed just now. */
static void
list_whole(const struct rtta_gaps *gaps, struct list *list)
{
	const struct rtta_runs *runs = &gaps->runs;

	if (runs->has_end && !runs->end.has_at && runs->has_cut && runs->count == 0 &&
	    runs->end.at_us >= runs->cut.at_us)
		put(list, (struct rtta_span){0}, runs->cut.at_us * 1000, runs->end.at_us * 1000,
		    rtta_reason_text(RTTA_REASON_NO_CAPTURE));
}

size_t
rtta_gaps_breaks(const struct rtta_gaps *gaps, struct rtta_gap **out)
{
	const struct rtta_runs *runs = &gaps->runs;
	struct list list = {0};

	for (size_t i = 1; i < runs->count; i++) {
		const struct rtta_run *run = &runs->run[i];
		const struct rtta_session_run *key = &run->key;
		const struct rtta_session_note *note;
		int64_t from_us = key->first_us - rtta_runs_hole_us(runs, i);

		if (!rtta_runs_has_hole(runs, i))
			continue;
		note = note_between(gaps, run);
		put(&list, (struct rtta_span){ key->run, key->first, key->first },
		    from_us * 1000, key->first_us * 1000,
		    note != NULL ? note->reason : rtta_reason_text(RTTA_REASON_NO_CAPTURE));
	}
	list_tail(gaps, &list);
	list_whole(gaps, &list);
	*out = list.gaps;
	return list.count;
}

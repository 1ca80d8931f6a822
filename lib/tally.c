#include <math.h>
#include <stdlib.h>

#include "cover.h"
#include "mem.h"
#include "transcript.h"
#include "transcript_parts.h"

enum {
	NS_PER_S = 1000000000,
	OVERLAP_RATE_HZ = 16000    /* of any run: it must be 0 */
};

/* The part of a run that belongs to the session. */
struct extent {
	struct rtta_span span;
	const struct rtta_run *run;
	struct rtta_cover *left;   /* what is to be classified yet; NULL: no extent */
};

struct count {
	const struct rtta_transcript *transcript;
	struct rtta_ledger *ledger;
	struct extent *extents;    /* one for each run, by its index */
	struct rtta_pos cut;       /* where live begins: at once if not known */
	size_t cut_run;            /* index of its run */
	uint64_t pending_samples;
	bool holes_pending;        /* between runs, without a record yet */
};

static void
reach(uint64_t *last, uint64_t sample)
{
	if (sample > *last)
		*last = sample;
}

/*
 * The boundary between pre-roll and live.  Without a live frame it is the
 * end of the record that holds the last pre-roll frame, which the cut names
 * by its first sample.
 */
static void
find_cut(struct count *count)
{
	const struct rtta_transcript *transcript = count->transcript;
	const struct rtta_session_cut *cut = &transcript->runs.cut;

	if (cut->has_at) {
		count->cut = cut->at;
	} else if (cut->has_preroll) {
		count->cut = cut->last;
		count->cut.sample++;
		for (size_t i = 0; i < transcript->record_count; i++) {
			const struct rtta_record *record = transcript->records[i];

			if (!record->foreign && record->span.run == cut->last.run &&
			    record->span.first <= cut->last.sample)
				reach(&count->cut.sample, record->span.last);
		}
	}
	if (cut->has_at || cut->has_preroll)
		count->cut_run = rtta_runs_find(&transcript->runs, count->cut.run);
}

static double
seconds(uint64_t samples, const struct rtta_run *run)
{
	return (double)samples / rtta_run_rate_hz(run);
}

/* A sample of a split session is covered when all its channels are. */
static void
subtract_covered(struct count *count, struct extent *extent)
{
	const struct rtta_transcript *transcript = count->transcript;
	struct rtta_span whole = extent->span, part;
	int channels = transcript->info.split ? transcript->info.channels : 1;
	struct rtta_cover *pending = rtta_cover_new();
	size_t at;

	for (int channel = 0; channel < channels; channel++) {
		struct rtta_cover *open = rtta_cover_new();

		rtta_cover_add(open, whole);
		for (size_t i = 0; i < transcript->layer_count; i++) {
			const struct rtta_layer *layer = &transcript->layers[i];

			if (transcript->info.split && layer->channel >= 0 &&
			    layer->channel != channel)
				continue;
			for (part = whole; rtta_cover_present(layer->cover,
			    (struct rtta_span){ whole.run, part.first, whole.last }, &part);
			    part.first = part.last)
				rtta_cover_remove(open, part);
		}
		for (at = 0; rtta_cover_at(open, at, &part); at++)
			rtta_cover_add(pending, part);
		rtta_cover_free(open);
	}
	extent->left = rtta_cover_new();
	rtta_cover_add(extent->left, whole);
	for (at = 0; rtta_cover_at(pending, at, &part); at++)
		rtta_cover_remove(extent->left, part);
	count->pending_samples += rtta_cover_samples(pending);
	count->ledger->pending_s += seconds(rtta_cover_samples(pending), extent->run);
	rtta_cover_free(pending);
}

static double *
seconds_of(struct rtta_ledger *ledger, enum rtta_record_type type)
{
	switch (type) {
	case RTTA_RECORD_TEXT: return &ledger->text_s;
	case RTTA_RECORD_SILENCE: return &ledger->silence_s;
	default: return &ledger->gap_s;
	}
}

static bool
behind_cut(const struct count *count, size_t run, uint64_t sample)
{
	return count->transcript->runs.has_cut && (run > count->cut_run ||
	    (run == count->cut_run && sample >= count->cut.sample));
}

/* A record takes what is left of its span; without width its clock counts. */
static void
count_record(struct count *count, const struct rtta_record *record)
{
	const struct rtta_transcript *transcript = count->transcript;
	size_t i = record->foreign ? transcript->runs.count :
	    rtta_runs_find(&transcript->runs, record->span.run);
	struct extent *extent = &count->extents[i];
	double length_s = (double)(record->end_ns - record->start_ns) / NS_PER_S;

	if (length_s < 0)
		length_s = 0;
	if (!record->foreign && record->span.first < record->span.last && extent->left != NULL)
		length_s = seconds(rtta_cover_remove(extent->left, record->span), extent->run);
	*seconds_of(count->ledger, record->type) += length_s;
	if (record->foreign)
		return;
	if (!behind_cut(count, i, record->span.first)) {
		if (extent->left == NULL || record->span.first == record->span.last)
			count->ledger->preroll_s += transcript->runs.has_cut ? length_s : 0;
	} else if (record->backfill && record->type != RTTA_RECORD_GAP) {
		count->ledger->late_s += length_s;
	}
}

/* Records in the order in which they may take: shown before hidden, and
 * text before gaps before silence. */
static void
count_records(struct count *count)
{
	static const enum rtta_record_type types[] = {
		RTTA_RECORD_TEXT, RTTA_RECORD_GAP, RTTA_RECORD_SILENCE
	};
	const struct rtta_transcript *transcript = count->transcript;

	for (int hidden = 0; hidden < 2; hidden++)
		for (size_t t = 0; t < sizeof(types) / sizeof(types[0]); t++)
			for (size_t i = 0; i < transcript->record_count; i++) {
				const struct rtta_record *record = transcript->records[i];

				if (record->type == types[t] &&
				    rtta_transcript_hides(transcript, record) == hidden)
					count_record(count, record);
			}
}

/* A gap without width at the end of one run or the beginning of the next. */
static bool
has_hole_record(const struct rtta_transcript *transcript, const struct rtta_run *run)
{
	const struct rtta_run *before = run - 1;

	for (size_t i = 0; i < transcript->record_count; i++) {
		const struct rtta_record *record = transcript->records[i];

		if (record->type == RTTA_RECORD_GAP && !record->foreign &&
		    record->span.first == record->span.last &&
		    ((record->span.run == before->id && record->span.first == run->key.prev_next) ||
		    (record->span.run == run->id && record->span.first == run->key.first)))
			return true;
	}
	return false;
}

/* What was lost between two runs and has no record yet is pending; so is a
 * run of which only later ones have a key. */
static void
count_holes(struct count *count)
{
	const struct rtta_runs *runs = &count->transcript->runs;

	for (size_t i = 0; i < runs->count && runs->run[i].has_key; i++) {
		int64_t hole_us = rtta_runs_hole_us(runs, i);

		if (runs->run[i].n != i)
			count->holes_pending = true;
		if (hole_us == 0 || has_hole_record(count->transcript, &runs->run[i]))
			continue;
		count->holes_pending = true;
		count->ledger->pending_s += (double)hole_us / 1e6;
	}
}

/* Of the extents before the cut. */
static void
count_preroll(struct count *count)
{
	for (size_t i = 0; i < count->transcript->runs.count; i++) {
		const struct extent *extent = &count->extents[i];
		uint64_t last = extent->span.last;

		if (extent->left == NULL || i > count->cut_run)
			return;
		if (i == count->cut_run && count->cut.sample < last)
			last = count->cut.sample;
		if (last > extent->span.first)
			count->ledger->preroll_s += seconds(last - extent->span.first, extent->run);
	}
}

/*
 * A session that never had a frame is one gap by wall clock, and pending
 * until that is written.
 */
static void
count_empty(struct count *count)
{
	const struct rtta_runs *runs = &count->transcript->runs;
	int64_t length_us = runs->end.at_us - runs->cut.at_us;

	if (!runs->has_end || count->transcript->record_count > 0 || runs->count > 0)
		return;
	count->holes_pending = true;
	count->ledger->pending_s += length_us > 0 ? (double)length_us / 1e6 : 0;
}

static void
find_extents(struct count *count)
{
	const struct rtta_runs *runs = &count->transcript->runs;

	for (size_t i = 0; i < runs->count; i++) {
		struct extent *extent = &count->extents[i];

		extent->run = &runs->run[i];
		if (rtta_runs_extent(runs, i, extent->run->last, &extent->span))
			subtract_covered(count, extent);
	}
}

void
rtta_transcript_ledger(const struct rtta_transcript *transcript, struct rtta_ledger *ledger)
{
	struct count count = { .transcript = transcript, .ledger = ledger };

	*ledger = (struct rtta_ledger){
		.has_cut = transcript->runs.has_cut,
		.has_end = transcript->runs.has_end,
		.records = transcript->record_count,
		.overlap_s = (double)transcript->overlap_samples / OVERLAP_RATE_HZ,
	};
	count.extents = rtta_xcalloc(transcript->runs.count + 1, sizeof(*count.extents));
	find_extents(&count);
	find_cut(&count);
	count_records(&count);
	count_holes(&count);
	count_preroll(&count);
	count_empty(&count);
	ledger->captured_s = ledger->text_s + ledger->silence_s + ledger->gap_s +
	    ledger->pending_s;
	ledger->closed = ledger->has_cut && ledger->has_end &&
	    count.pending_samples == 0 && !count.holes_pending;
	for (size_t i = 0; i < transcript->runs.count; i++)
		rtta_cover_free(count.extents[i].left);
	free(count.extents);
}

static jv
rounded(double value_s)
{
	return jv_number(round(value_s * 1000) / 1000);
}

jv
rtta_ledger_json(const struct rtta_ledger *ledger)
{
	static const struct {
		const char *key;
		size_t at;
	} fields[] = {
		{ "captured_s", offsetof(struct rtta_ledger, captured_s) },
		{ "text_s", offsetof(struct rtta_ledger, text_s) },
		{ "silence_s", offsetof(struct rtta_ledger, silence_s) },
		{ "gap_s", offsetof(struct rtta_ledger, gap_s) },
		{ "pending_s", offsetof(struct rtta_ledger, pending_s) },
		{ "late_s", offsetof(struct rtta_ledger, late_s) },
		{ "preroll_s", offsetof(struct rtta_ledger, preroll_s) },
		{ "overlap_s", offsetof(struct rtta_ledger, overlap_s) },
	};
	jv object = jv_object();

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		object = jv_object_set(object, jv_string(fields[i].key),
		    rounded(*(const double *)(const void *)((const char *)ledger + fields[i].at)));
	object = jv_object_set(object, jv_string("records"), jv_number((double)ledger->records));
	object = jv_object_set(object, jv_string("has_cut"), jv_bool(ledger->has_cut));
	object = jv_object_set(object, jv_string("has_end"), jv_bool(ledger->has_end));
	return jv_object_set(object, jv_string("closed"), jv_bool(ledger->closed));
}

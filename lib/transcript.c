#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cover.h"
#include "mem.h"
#include "transcript.h"

enum {
	DEFAULT_RATE_HZ = 16000,
	NS_PER_S = 1000000000
};

/* A run of the session, known from its key or only from records. */
struct run {
	uint64_t id;
	bool has_key;
	unsigned n;                    /* of its key */
	struct rtta_session_run key;
	int64_t first_ns;              /* earliest clock of its records */
	uint64_t last;                 /* furthest sample of its records */
	int64_t offset_ns;             /* with key: elapsed at key.first */
};

/* What one revision has of one channel (-1: of all). */
struct layer {
	int rev, channel;
	struct rtta_cover *cover;
};

struct rtta_transcript {
	char id[RTTA_SESSION_ID_BYTES];
	bool has_info, has_cut, has_end;
	struct rtta_session_info info;
	struct rtta_session_cut cut;
	struct rtta_session_end end;
	struct run *runs;              /* in order: keys by n, then by clock */
	size_t run_count;
	struct layer *layers;
	size_t layer_count;
	struct rtta_record **records;  /* all, by seq */
	size_t record_count, record_room;
	const struct rtta_record **shown;  /* in order */
	size_t shown_count;            /* room as records */
	uint64_t overlap_samples;
	int64_t first_ns;              /* earliest clock of all records */
};

struct rtta_transcript *
rtta_transcript_new(const char *session_id)
{
	struct rtta_transcript *transcript = rtta_xcalloc(1, sizeof(*transcript));

	strncpy(transcript->id, session_id, sizeof(transcript->id) - 1);
	transcript->first_ns = INT64_MAX;
	return transcript;
}

void
rtta_transcript_free(struct rtta_transcript *transcript)
{
	if (transcript == NULL)
		return;
	for (size_t i = 0; i < transcript->record_count; i++) {
		rtta_record_done(transcript->records[i]);
		free(transcript->records[i]);
	}
	for (size_t i = 0; i < transcript->layer_count; i++)
		rtta_cover_free(transcript->layers[i].cover);
	free(transcript->records);
	free(transcript->shown);
	free(transcript->layers);
	free(transcript->runs);
	free(transcript);
}

/* --- runs and their order --- */

static size_t
find_run(const struct rtta_transcript *transcript, uint64_t id)
{
	size_t i = 0;

	while (i < transcript->run_count && transcript->runs[i].id != id)
		i++;
	return i;
}

static int
compare(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int
compare_ns(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

static int
compare_runs(const void *a_, const void *b_)
{
	const struct run *a = a_, *b = b_;
	int order;

	if (a->has_key != b->has_key)
		return a->has_key ? -1 : 1;
	if (a->has_key)
		return compare(a->n, b->n);
	order = compare_ns(a->first_ns, b->first_ns);
	return order ? order : compare(a->id, b->id);
}

/* Time along the runs that have a key. */
static void
count_offsets(struct rtta_transcript *transcript)
{
	struct run *before = NULL;

	for (size_t i = 0; i < transcript->run_count; i++) {
		struct run *run = &transcript->runs[i];
		int64_t length_us, hole_us;

		if (!run->has_key)
			return;
		run->offset_ns = 0;
		if (before != NULL) {
			length_us = run->key.prev_us - before->key.first_us;
			hole_us = run->key.contiguous ? 0 : run->key.first_us - run->key.prev_us;
			run->offset_ns = before->offset_ns +
			    (length_us > 0 ? length_us : 0) * 1000 +
			    (hole_us > 0 ? hole_us : 0) * 1000;
		}
		before = run;
	}
}

/* True when the order of the runs has become another one. */
static bool
sort_runs(struct rtta_transcript *transcript)
{
	bool sorted = true;

	for (size_t i = 1; i < transcript->run_count; i++)
		sorted = sorted && compare_runs(&transcript->runs[i - 1], &transcript->runs[i]) < 0;
	if (!sorted)
		qsort(transcript->runs, transcript->run_count,
		    sizeof(*transcript->runs), compare_runs);
	count_offsets(transcript);
	return !sorted;
}

/* A new one comes last, where it belongs until more is known of it. */
static struct run *
get_run(struct rtta_transcript *transcript, uint64_t id)
{
	size_t i = find_run(transcript, id);

	if (i == transcript->run_count) {
		transcript->runs = rtta_xreallocarray(transcript->runs,
		    ++transcript->run_count, sizeof(*transcript->runs));
		transcript->runs[i] = (struct run){ .id = id, .first_ns = INT64_MAX };
	}
	return &transcript->runs[i];
}

/* --- the order of records --- */

/* The place among the runs: the run's, or of a foreign record its own. */
static int
compare_places(const struct rtta_transcript *transcript,
    const struct rtta_record *a, const struct rtta_record *b)
{
	const struct run *run_a = NULL, *run_b = NULL;
	int64_t ns_a = a->start_ns, ns_b = b->start_ns;

	if (!a->foreign)
		run_a = &transcript->runs[find_run(transcript, a->span.run)];
	if (!b->foreign)
		run_b = &transcript->runs[find_run(transcript, b->span.run)];
	if (run_a != NULL && run_b != NULL)
		return (run_a > run_b) - (run_a < run_b);
	if ((run_a != NULL && run_a->has_key) != (run_b != NULL && run_b->has_key))
		return run_a != NULL && run_a->has_key ? -1 : 1;
	if (run_a != NULL)
		ns_a = run_a->first_ns;
	if (run_b != NULL)
		ns_b = run_b->first_ns;
	if (ns_a != ns_b)
		return compare_ns(ns_a, ns_b);
	return (run_b != NULL) - (run_a != NULL);
}

static int
compare_records(const void *a_, const void *b_, void *transcript)
{
	const struct rtta_record *a = *(const struct rtta_record *const *)a_;
	const struct rtta_record *b = *(const struct rtta_record *const *)b_;
	int order = compare_places(transcript, a, b);

	if (order == 0 && !a->foreign && !b->foreign) {
		order = compare(a->span.first, b->span.first);
		/* What has no width lies before what begins there. */
		if (order == 0)
			order = (b->span.first == b->span.last) - (a->span.first == a->span.last);
		if (order == 0)
			order = compare_ns(a->channel, b->channel);
	}
	return order ? order : compare(a->seq, b->seq);
}

static bool
is_hidden(const struct rtta_transcript *transcript, const struct rtta_record *record)
{
	uint64_t middle = record->span.first + (record->span.last - record->span.first) / 2;
	struct rtta_span at = { record->span.run, middle, middle + 1 };

	if (record->foreign || record->span.first == record->span.last)
		return false;
	for (size_t i = 0; i < transcript->layer_count; i++) {
		const struct layer *layer = &transcript->layers[i];

		if (layer->rev > record->rev && (layer->channel == record->channel ||
		    layer->channel < 0 || record->channel < 0) &&
		    rtta_cover_contains(layer->cover, at))
			return true;
	}
	return false;
}

static void
rebuild(struct rtta_transcript *transcript)
{
	transcript->shown_count = 0;
	for (size_t i = 0; i < transcript->record_count; i++)
		if (!is_hidden(transcript, transcript->records[i]))
			transcript->shown[transcript->shown_count++] = transcript->records[i];
	if (transcript->shown_count > 0)
		qsort_r(transcript->shown, transcript->shown_count, sizeof(*transcript->shown),
		    compare_records, transcript);
}

static void
show(struct rtta_transcript *transcript, const struct rtta_record *record)
{
	size_t low = 0, high = transcript->shown_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_records(&transcript->shown[middle], &record, transcript) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	memmove(transcript->shown + low + 1, transcript->shown + low,
	    (transcript->shown_count - low) * sizeof(*transcript->shown));
	transcript->shown[low] = record;
	transcript->shown_count++;
}

/* --- what comes in --- */

static int
add_run_key(struct rtta_transcript *transcript, const char *n, jv value,
    struct rtta_err *err)
{
	struct rtta_session_run key;
	unsigned number = (unsigned)strtoul(n, NULL, 10);
	struct run *run;

	if (rtta_session_run_decode(&key, value, err) < 0)
		return -1;
	run = get_run(transcript, key.run);
	if (run->has_key && run->n <= number)
		return 0;
	run->has_key = true;
	run->n = number;
	run->key = key;
	if (sort_runs(transcript))
		rebuild(transcript);
	return 0;
}

int
rtta_transcript_key(struct rtta_transcript *transcript, const char *key, jv value,
    struct rtta_err *err)
{
	char what[16], id[RTTA_SESSION_ID_BYTES];
	const char *rest;

	if (rtta_session_key_parse(key, what, id, &rest) < 0 || strcmp(id, transcript->id) != 0)
		return 0;
	if (strcmp(what, "session") == 0) {
		struct rtta_session_info info;

		if (rtta_session_info_decode(&info, value, err) < 0)
			return -1;
		transcript->info = info;
		transcript->has_info = true;
	} else if (strcmp(what, "cut") == 0) {
		struct rtta_session_cut cut;

		if (rtta_session_cut_decode(&cut, value, err) < 0)
			return -1;
		transcript->cut = cut;
		transcript->has_cut = true;
		if (cut.has_preroll)
			get_run(transcript, cut.first.run);
		if (cut.has_at)
			get_run(transcript, cut.at.run);
	} else if (strcmp(what, "end") == 0) {
		struct rtta_session_end end;

		if (rtta_session_end_decode(&end, value, err) < 0)
			return -1;
		transcript->end = end;
		transcript->has_end = true;
	} else if (strcmp(what, "run") == 0) {
		return add_run_key(transcript, rest, value, err);
	}
	return 0;
}

/* Where seq stands among the records, or would. */
static size_t
find_seq(const struct rtta_transcript *transcript, uint64_t seq)
{
	size_t low = 0, high = transcript->record_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (transcript->records[middle]->seq < seq)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct rtta_record *
keep(struct rtta_transcript *transcript, size_t i, const struct rtta_record *record)
{
	struct rtta_record *copy = rtta_xcalloc(1, sizeof(*copy));

	if (transcript->record_count == transcript->record_room) {
		transcript->record_room = transcript->record_room ? transcript->record_room * 2 : 64;
		transcript->records = rtta_xreallocarray(transcript->records,
		    transcript->record_room, sizeof(*transcript->records));
		transcript->shown = rtta_xreallocarray(transcript->shown,
		    transcript->record_room, sizeof(*transcript->shown));
	}
	rtta_record_copy(copy, record);
	memmove(transcript->records + i + 1, transcript->records + i,
	    (transcript->record_count - i) * sizeof(*transcript->records));
	transcript->records[i] = copy;
	transcript->record_count++;
	return copy;
}

/* True when the order of the runs has become another one. */
static bool
note_run(struct rtta_transcript *transcript, const struct rtta_record *record)
{
	struct run *run = get_run(transcript, record->span.run);
	bool moved;

	if (record->span.last > run->last)
		run->last = record->span.last;
	if (record->start_ns >= run->first_ns)
		return false;
	/* Without a key its clock is its place, also among foreign records. */
	moved = !run->has_key && run->first_ns != INT64_MAX;
	run->first_ns = record->start_ns;
	return sort_runs(transcript) || moved;
}

static void
note_layer(struct rtta_transcript *transcript, const struct rtta_record *record)
{
	uint64_t samples = record->span.last - record->span.first;
	struct layer *layer;
	size_t i = 0;

	while (i < transcript->layer_count && (transcript->layers[i].rev != record->rev ||
	    transcript->layers[i].channel != record->channel))
		i++;
	if (i == transcript->layer_count) {
		transcript->layers = rtta_xreallocarray(transcript->layers,
		    ++transcript->layer_count, sizeof(*transcript->layers));
		transcript->layers[i] = (struct layer){ record->rev, record->channel,
		    rtta_cover_new() };
	}
	layer = &transcript->layers[i];
	transcript->overlap_samples += samples - rtta_cover_add(layer->cover, record->span);
}

void
rtta_transcript_add(struct rtta_transcript *transcript, const struct rtta_record *record)
{
	size_t i = find_seq(transcript, record->seq);
	struct rtta_record *copy;
	bool moved = false;

	if (!record->is_final || (record->seq != 0 && i < transcript->record_count &&
	    transcript->records[i]->seq == record->seq))
		return;
	copy = keep(transcript, i, record);
	if (copy->start_ns < transcript->first_ns)
		transcript->first_ns = copy->start_ns;
	if (!copy->foreign) {
		moved = note_run(transcript, copy);
		note_layer(transcript, copy);
	}
	if (moved || copy->rev > 1)
		rebuild(transcript);
	else if (!is_hidden(transcript, copy))
		show(transcript, copy);
}

/* --- what goes out --- */

const struct rtta_record *
rtta_transcript_at(const struct rtta_transcript *transcript, size_t i)
{
	return i < transcript->shown_count ? transcript->shown[i] : NULL;
}

size_t
rtta_transcript_count(const struct rtta_transcript *transcript)
{
	return transcript->shown_count;
}

const char *
rtta_transcript_id(const struct rtta_transcript *transcript)
{
	return transcript->id;
}

const char *
rtta_transcript_title(const struct rtta_transcript *transcript)
{
	return transcript->info.title[0] != '\0' ? transcript->info.title : NULL;
}

int64_t
rtta_transcript_start_ns(const struct rtta_transcript *transcript)
{
	return 1000 * (transcript->info.started_us ? transcript->info.started_us :
	    transcript->cut.at_us);
}

/* The clock of the first sample, as far as it is known. */
static int64_t
zero_ns(const struct rtta_transcript *transcript)
{
	if (transcript->run_count > 0 && transcript->runs[0].has_key)
		return transcript->runs[0].key.first_us * 1000;
	return transcript->first_ns;
}

/* The run of a record if a key tells of it, or NULL. */
static const struct run *
known_run(const struct rtta_transcript *transcript, const struct rtta_record *record)
{
	size_t i = record->foreign ? transcript->run_count :
	    find_run(transcript, record->span.run);

	return i < transcript->run_count && transcript->runs[i].has_key ?
	    &transcript->runs[i] : NULL;
}

void
rtta_transcript_when(const struct rtta_transcript *transcript,
    const struct rtta_record *record, int64_t *from_ns, int64_t *to_ns)
{
	const struct run *run = known_run(transcript, record);

	if (run != NULL)
		*from_ns = run->offset_ns + record->start_ns - run->key.first_us * 1000;
	else
		*from_ns = record->start_ns - zero_ns(transcript);
	if (*from_ns < 0)
		*from_ns = 0;
	*to_ns = *from_ns;
	if (record->end_ns > record->start_ns)
		*to_ns += record->end_ns - record->start_ns;
}

static uint32_t
rate_of(const struct run *run)
{
	return run->has_key && run->key.rate_hz != 0 ? run->key.rate_hz : DEFAULT_RATE_HZ;
}

int64_t
rtta_transcript_when_sample(const struct rtta_transcript *transcript,
    const struct rtta_record *record, uint64_t sample)
{
	const struct run *run = known_run(transcript, record);
	uint64_t length = record->span.last - record->span.first;
	int64_t from_ns, to_ns;

	if (run != NULL && sample >= run->key.first)
		return run->offset_ns + rtta_samples_ns(sample - run->key.first, rate_of(run));
	rtta_transcript_when(transcript, record, &from_ns, &to_ns);
	if (length == 0 || sample <= record->span.first)
		return from_ns;
	if (sample >= record->span.last)
		return to_ns;
	return from_ns + (int64_t)((double)(to_ns - from_ns) *
	    (double)(sample - record->span.first) / (double)length);
}

/* --- the ledger --- */

/* The part of a run that belongs to the session. */
struct extent {
	uint64_t first, last;
	const struct run *run;
	struct rtta_cover *left;   /* what is to be classified yet */
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

/* Where the session begins, as far as the cut tells. */
static bool
begin_of(const struct rtta_session_cut *cut, struct rtta_pos *begin)
{
	*begin = cut->has_preroll ? cut->first : cut->at;
	return cut->has_preroll || cut->has_at;
}

static struct extent
extent_of(const struct rtta_transcript *transcript, size_t i)
{
	const struct rtta_session_cut *cut = &transcript->cut;
	const struct run *run = &transcript->runs[i];
	const struct run *next = i + 1 < transcript->run_count ? run + 1 : NULL;
	struct extent extent = { .run = run };
	struct rtta_pos begin;

	extent.first = run->key.first;
	if (transcript->has_end && transcript->end.has_at &&
	    transcript->end.at.run == run->id) {
		extent.last = transcript->end.at.sample;
	} else if (next != NULL && next->has_key && next->n == run->n + 1) {
		extent.last = next->key.prev_next;
	} else {
		extent.last = run->last;
		if (cut->has_at && cut->at.run == run->id)
			reach(&extent.last, cut->at.sample);
		if (cut->has_preroll && cut->last.run == run->id)
			reach(&extent.last, cut->last.sample + 1);
	}
	if (begin_of(cut, &begin) && begin.run == run->id)
		extent.first = begin.sample;
	else if (!run->has_key)
		extent.first = cut->at.sample;
	if (extent.last < extent.first)
		extent.last = extent.first;
	return extent;
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
	const struct rtta_session_cut *cut = &transcript->cut;

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
		count->cut_run = find_run(transcript, count->cut.run);
}

static double
seconds(uint64_t samples, const struct run *run)
{
	return (double)samples / rate_of(run);
}

/* A sample of a split session is covered when all its channels are. */
static void
subtract_covered(struct count *count, struct extent *extent)
{
	const struct rtta_transcript *transcript = count->transcript;
	struct rtta_span whole = { extent->run->id, extent->first, extent->last }, part;
	int channels = transcript->info.split ? transcript->info.channels : 1;
	struct rtta_cover *pending = rtta_cover_new();
	size_t at;

	for (int channel = 0; channel < channels; channel++) {
		struct rtta_cover *open = rtta_cover_new();

		rtta_cover_add(open, whole);
		for (size_t i = 0; i < transcript->layer_count; i++) {
			const struct layer *layer = &transcript->layers[i];

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
	return count->transcript->has_cut && (run > count->cut_run ||
	    (run == count->cut_run && sample >= count->cut.sample));
}

/* A record takes what is left of its span; without width its clock counts. */
static void
count_record(struct count *count, const struct rtta_record *record)
{
	const struct rtta_transcript *transcript = count->transcript;
	size_t i = record->foreign ? transcript->run_count :
	    find_run(transcript, record->span.run);
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
			count->ledger->preroll_s += transcript->has_cut ? length_s : 0;
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
				    is_hidden(transcript, record) == hidden)
					count_record(count, record);
			}
}

/* A gap without width at the end of one run or the beginning of the next. */
static bool
has_hole_record(const struct rtta_transcript *transcript, const struct run *before,
    const struct run *next)
{
	for (size_t i = 0; i < transcript->record_count; i++) {
		const struct rtta_record *record = transcript->records[i];

		if (record->type == RTTA_RECORD_GAP && !record->foreign &&
		    record->span.first == record->span.last &&
		    ((record->span.run == before->id && record->span.first == next->key.prev_next) ||
		    (record->span.run == next->id && record->span.first == next->key.first)))
			return true;
	}
	return false;
}

/* What was lost between two runs and has no record yet is pending; so is a
 * run of which only later ones have a key. */
static void
count_holes(struct count *count)
{
	const struct rtta_transcript *transcript = count->transcript;

	for (size_t i = 0; i < transcript->run_count; i++) {
		const struct run *run = &transcript->runs[i], *before = run - 1;

		if (!run->has_key)
			return;
		if (run->n != i)
			count->holes_pending = true;
		if (i == 0 || run->n != before->n + 1 || run->key.contiguous ||
		    run->key.first_us <= run->key.prev_us ||
		    has_hole_record(transcript, before, run))
			continue;
		count->holes_pending = true;
		count->ledger->pending_s += (double)(run->key.first_us - run->key.prev_us) / 1e6;
	}
}

/* Of the extents before the cut. */
static void
count_preroll(struct count *count)
{
	for (size_t i = 0; i < count->transcript->run_count; i++) {
		const struct extent *extent = &count->extents[i];
		uint64_t last = extent->last;

		if (extent->left == NULL || i > count->cut_run)
			return;
		if (i == count->cut_run && count->cut.sample < last)
			last = count->cut.sample;
		if (last > extent->first)
			count->ledger->preroll_s += seconds(last - extent->first, extent->run);
	}
}

/*
 * A session that never had a frame is one gap by wall clock, and pending
 * until that is written.
 */
static void
count_empty(struct count *count)
{
	const struct rtta_transcript *transcript = count->transcript;
	int64_t length_us = transcript->end.at_us - transcript->cut.at_us;
	struct rtta_pos begin;

	if (!transcript->has_end || transcript->record_count > 0 ||
	    transcript->run_count > 0 || begin_of(&transcript->cut, &begin))
		return;
	count->holes_pending = true;
	count->ledger->pending_s += length_us > 0 ? (double)length_us / 1e6 : 0;
}

/* The cut tells where a run begins whose key is not here yet. */
static bool
is_of_cut(const struct rtta_transcript *transcript, const struct run *run)
{
	const struct rtta_session_cut *cut = &transcript->cut;

	return (cut->has_preroll && cut->first.run == run->id) ||
	    (cut->has_at && cut->at.run == run->id);
}

static void
find_extents(struct count *count)
{
	const struct rtta_transcript *transcript = count->transcript;

	for (size_t i = 0; i < transcript->run_count; i++) {
		const struct run *run = &transcript->runs[i];

		if (!run->has_key && !is_of_cut(transcript, run))
			continue;
		count->extents[i] = extent_of(transcript, i);
		subtract_covered(count, &count->extents[i]);
	}
}

void
rtta_transcript_ledger(const struct rtta_transcript *transcript, struct rtta_ledger *ledger)
{
	struct count count = { .transcript = transcript, .ledger = ledger };

	*ledger = (struct rtta_ledger){
		.has_cut = transcript->has_cut,
		.has_end = transcript->has_end,
		.records = transcript->record_count,
		.overlap_s = (double)transcript->overlap_samples / DEFAULT_RATE_HZ,
	};
	count.extents = rtta_xcalloc(transcript->run_count + 1, sizeof(*count.extents));
	find_extents(&count);
	find_cut(&count);
	count_records(&count);
	count_holes(&count);
	count_preroll(&count);
	count_empty(&count);
	ledger->captured_s = ledger->text_s + ledger->silence_s + ledger->gap_s +
	    ledger->pending_s;
	ledger->closed = transcript->has_cut && transcript->has_end &&
	    count.pending_samples == 0 && !count.holes_pending;
	for (size_t i = 0; i < transcript->run_count; i++)
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

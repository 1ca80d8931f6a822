#include <stdlib.h>
#include <string.h>

#include "cover.h"
#include "mem.h"
#include "transcript.h"
#include "transcript_parts.h"

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
	rtta_runs_done(&transcript->runs);
	free(transcript);
}

/* --- the order of records --- */

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

/* The run of a record, NULL for a foreign one. */
static const struct rtta_run *
run_of(const struct rtta_transcript *transcript, const struct rtta_record *record)
{
	if (record->foreign)
		return NULL;
	return &transcript->runs.run[rtta_runs_find(&transcript->runs, record->span.run)];
}

/* The place among the runs: the run's, or of a foreign record its own. */
static int
compare_places(const struct rtta_transcript *transcript,
    const struct rtta_record *a, const struct rtta_record *b)
{
	const struct rtta_run *run_a = run_of(transcript, a), *run_b = run_of(transcript, b);
	int64_t ns_a = a->start_ns, ns_b = b->start_ns;

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

bool
rtta_transcript_hides(const struct rtta_transcript *transcript, const struct rtta_record *record)
{
	uint64_t middle = record->span.first + (record->span.last - record->span.first) / 2;
	struct rtta_span at = { record->span.run, middle, middle + 1 };

	if (record->foreign || record->span.first == record->span.last)
		return false;
	for (size_t i = 0; i < transcript->layer_count; i++) {
		const struct rtta_layer *layer = &transcript->layers[i];

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
		if (!rtta_transcript_hides(transcript, transcript->records[i]))
			transcript->shown[transcript->shown_count++] = transcript->records[i];
	if (transcript->shown_count > 0)
		qsort_r(transcript->shown, transcript->shown_count, sizeof(*transcript->shown),
		    compare_records, transcript);
}

static void
show(struct rtta_transcript *transcript, const struct rtta_record *record)
{
	size_t low = 0, high = transcript->shown_count;

	if (high > 0 && compare_records(&transcript->shown[high - 1], &record, transcript) < 0)
		low = high;  /* the usual case: text that is new */
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
apply_flush(struct rtta_transcript *transcript, jv value, struct rtta_err *err)
{
	struct rtta_session_flush flush;

	if (rtta_session_flush_decode(&flush, value, err) < 0)
		return -1;
	if (flush.short_s >= 0 && flush.short_s <= RTTA_SESSION_PREROLL_MAX_S)
		transcript->short_s = flush.short_s;
	return 0;
}

int
rtta_transcript_key(struct rtta_transcript *transcript, const char *key, jv value,
    struct rtta_err *err)
{
	char what[16], id[RTTA_SESSION_ID_BYTES];
	struct rtta_session_info info;
	const char *rest;
	int rc;

	if (rtta_session_key_parse(key, what, id, &rest) < 0 || strcmp(id, transcript->id) != 0)
		return 0;
	if (strcmp(what, "session") == 0) {
		if (rtta_session_info_decode(&info, value, err) < 0)
			return -1;
		transcript->info = info;
		return 0;
	}
	if (strcmp(what, "flush") == 0)
		return apply_flush(transcript, value, err);
	rc = rtta_runs_key(&transcript->runs, what, rest, value, err);
	if (rc > 0)
		rebuild(transcript);
	return rc < 0 ? -1 : 0;
}

/* Where seq stands among the records, or would. */
static size_t
find_seq(const struct rtta_transcript *transcript, uint64_t seq)
{
	size_t low = 0, high = transcript->record_count;

	if (high > 0 && transcript->records[high - 1]->seq < seq)
		return high;  /* the usual case */
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
keep(struct rtta_transcript *transcript, size_t i, struct rtta_record *record)
{
	struct rtta_record *kept;

	rtta_record_pack(record);
	kept = rtta_xmemdup(record, sizeof(*record));

	if (transcript->record_count == transcript->record_room) {
		transcript->record_room = transcript->record_room ? transcript->record_room * 2 : 64;
		transcript->records = rtta_xreallocarray(transcript->records,
		    transcript->record_room, sizeof(*transcript->records));
		transcript->shown = rtta_xreallocarray(transcript->shown,
		    transcript->record_room, sizeof(*transcript->shown));
	}
	*record = (struct rtta_record){ .words = jv_invalid() };
	memmove(transcript->records + i + 1, transcript->records + i,
	    (transcript->record_count - i) * sizeof(*transcript->records));
	transcript->records[i] = kept;
	transcript->record_count++;
	return kept;
}

static void
note_layer(struct rtta_transcript *transcript, const struct rtta_record *record)
{
	uint64_t samples = record->span.last - record->span.first;
	struct rtta_layer *layer;
	size_t i = 0;

	while (i < transcript->layer_count && (transcript->layers[i].rev != record->rev ||
	    transcript->layers[i].channel != record->channel))
		i++;
	if (i == transcript->layer_count) {
		transcript->layers = rtta_xreallocarray(transcript->layers,
		    ++transcript->layer_count, sizeof(*transcript->layers));
		transcript->layers[i] = (struct rtta_layer){ record->rev, record->channel,
		    rtta_cover_new() };
	}
	layer = &transcript->layers[i];
	transcript->overlap_samples += samples - rtta_cover_add(layer->cover, record->span);
}

void
rtta_transcript_take(struct rtta_transcript *transcript, struct rtta_record *record)
{
	size_t i = find_seq(transcript, record->seq);
	struct rtta_record *kept;
	bool moved = false;

	if (!record->is_final || (record->seq != 0 && i < transcript->record_count &&
	    transcript->records[i]->seq == record->seq))
		return;
	kept = keep(transcript, i, record);
	if (kept->start_ns < transcript->first_ns)
		transcript->first_ns = kept->start_ns;
	if (!kept->foreign) {
		moved = rtta_runs_note(&transcript->runs, kept->span, kept->start_ns);
		note_layer(transcript, kept);
	}
	if (moved || kept->rev > 1)
		rebuild(transcript);
	else if (!rtta_transcript_hides(transcript, kept))
		show(transcript, kept);
}

void
rtta_transcript_add(struct rtta_transcript *transcript, const struct rtta_record *record)
{
	struct rtta_record copy;

	rtta_record_copy(&copy, record);
	rtta_transcript_take(transcript, &copy);
	rtta_record_done(&copy);
}

/* --- what goes out --- */

const struct rtta_record *
rtta_transcript_at(const struct rtta_transcript *transcript, size_t i)
{
	return i < transcript->shown_count ? transcript->shown[i] : NULL;
}

static bool
is_same_gap(const struct rtta_record *a, const struct rtta_record *b)
{
	return a != NULL && b != NULL && a->type == RTTA_RECORD_GAP && b->type == RTTA_RECORD_GAP &&
	    a->channel != b->channel && a->span.run == b->span.run &&
	    a->span.first == b->span.first && a->span.last == b->span.last &&
	    strcmp(a->reason ? a->reason : "", b->reason ? b->reason : "") == 0;
}

bool
rtta_transcript_is_gap(const struct rtta_transcript *transcript, size_t i, int *channel)
{
	const struct rtta_record *record = rtta_transcript_at(transcript, i);

	if (record == NULL || record->type != RTTA_RECORD_GAP ||
	    (i > 0 && is_same_gap(rtta_transcript_at(transcript, i - 1), record)))
		return false;
	*channel = is_same_gap(record, rtta_transcript_at(transcript, i + 1)) ? -1 : record->channel;
	return true;
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
	    transcript->runs.cut.at_us);
}

/* The clock of the first sample, as far as it is known. */
static int64_t
zero_ns(const struct rtta_transcript *transcript)
{
	const struct rtta_runs *runs = &transcript->runs;

	return runs->count > 0 && runs->run[0].has_key ? runs->run[0].key.first_us * 1000 :
	    transcript->first_ns;
}

/* The run of a record if a key tells of it, or NULL. */
static const struct rtta_run *
known_run(const struct rtta_transcript *transcript, const struct rtta_record *record)
{
	const struct rtta_run *run = run_of(transcript, record);

	return run != NULL && run->has_key ? run : NULL;
}

void
rtta_transcript_when(const struct rtta_transcript *transcript,
    const struct rtta_record *record, int64_t *from_ns, int64_t *to_ns)
{
	const struct rtta_run *run = known_run(transcript, record);

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

int64_t
rtta_transcript_when_sample(const struct rtta_transcript *transcript,
    const struct rtta_record *record, uint64_t sample)
{
	const struct rtta_run *run = known_run(transcript, record);
	uint64_t length = record->span.last - record->span.first;
	int64_t from_ns, to_ns;

	if (run != NULL && sample >= run->key.first)
		return run->offset_ns + rtta_samples_ns(sample - run->key.first, rtta_run_rate_hz(run));
	rtta_transcript_when(transcript, record, &from_ns, &to_ns);
	if (length == 0 || sample <= record->span.first)
		return from_ns;
	if (sample >= record->span.last)
		return to_ns;
	return from_ns + (int64_t)((double)(to_ns - from_ns) *
	    (double)(sample - record->span.first) / (double)length);
}

bool
rtta_transcript_is_late(const struct rtta_transcript *transcript,
    const struct rtta_record *record)
{
	const struct rtta_runs *runs = &transcript->runs;
	const struct rtta_session_cut *cut = &runs->cut;
	struct rtta_pos live = cut->has_at ? cut->at : cut->last;
	size_t run, live_run = rtta_runs_find(runs, live.run);

	if (record->foreign || !record->backfill || record->type == RTTA_RECORD_GAP ||
	    !runs->has_cut || !(cut->has_at || cut->has_preroll))
		return false;
	run = rtta_runs_find(runs, record->span.run);
	return run > live_run || (run == live_run && record->span.first >= live.sample +
	    (cut->has_at ? 0 : 1));
}

void
rtta_transcript_crop(struct rtta_transcript *transcript, bool since_first,
    int64_t from_ns, int64_t to_ns)
{
	size_t kept = 0;

	for (size_t i = 0; i < transcript->shown_count; i++) {
		const struct rtta_record *record = transcript->shown[i];
		int64_t start_ns = record->start_ns, end_ns = record->end_ns;

		if (since_first)
			rtta_transcript_when(transcript, record, &start_ns, &end_ns);
		if (start_ns < to_ns && (end_ns > from_ns || start_ns >= from_ns))
			transcript->shown[kept++] = record;
	}
	transcript->shown_count = kept;
}

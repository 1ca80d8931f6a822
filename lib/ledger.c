#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cover.h"
#include "ledger.h"
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

static bool
is_behind_cut(const struct count *count, size_t run, uint64_t sample)
{
	return !count->transcript->runs.has_cut || run > count->cut_run ||
	    (run == count->cut_run && sample >= count->cut.sample);
}

static struct rtta_ledger_part *
part_of(struct count *count, bool is_live)
{
	return &count->ledger->lane[is_live ? RTTA_LEDGER_LIVE : RTTA_LEDGER_BACKFILL];
}

/* What of a span of the i-th run lies before the cut; the rest is behind it. */
static struct rtta_span
before_cut(const struct count *count, size_t i, struct rtta_span span)
{
	if (is_behind_cut(count, i, span.first))
		span.last = span.first;
	else if (i == count->cut_run && count->cut.sample < span.last)
		span.last = count->cut.sample;
	return span;
}

static void
count_pending(struct count *count, const struct extent *extent, const struct rtta_cover *pending)
{
	size_t i = (size_t)(extent - count->extents);
	struct rtta_span part, early;

	for (size_t at = 0; rtta_cover_at(pending, at, &part); at++) {
		early = before_cut(count, i, part);
		part_of(count, false)->pending_s += seconds(early.last - early.first, extent->run);
		part_of(count, true)->pending_s += seconds(part.last - early.last, extent->run);
	}
	count->pending_samples += rtta_cover_samples(pending);
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
	count_pending(count, extent, pending);
	rtta_cover_free(pending);
}

static void
put(struct count *count, const struct rtta_record *record, bool is_live, double length_s)
{
	struct rtta_ledger_part *part = part_of(count, is_live);

	if (record->type == RTTA_RECORD_GAP) {
		part->gap_s += length_s;
		part->reason_s[rtta_reason_find(record->reason)] += length_s;
		return;
	}
	*(record->type == RTTA_RECORD_TEXT ? &part->text_s : &part->silence_s) += length_s;
	if (is_live && record->backfill && !record->foreign && count->transcript->runs.has_cut)
		count->ledger->late_s += length_s;
}

/* What was lost between two runs was lost on all channels: it counts once. */
static bool
counts(const struct rtta_transcript *transcript, const struct rtta_record *record)
{
	for (size_t i = 0; record->channel >= 0 && i < transcript->record_count; i++) {
		const struct rtta_record *other = transcript->records[i];

		if (other == record)
			return true;
		if (!other->foreign && other->type == record->type && other->rev == record->rev &&
		    other->span.run == record->span.run && other->span.first == record->span.first &&
		    other->span.last == record->span.last)
			return false;
	}
	return true;
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
	struct rtta_span early, rest = record->span;

	if (record->foreign || rest.first == rest.last || extent->left == NULL) {
		if (counts(transcript, record))
			put(count, record, record->foreign || is_behind_cut(count, i, rest.first),
			    length_s > 0 ? length_s : 0);
		return;
	}
	early = before_cut(count, i, rest);
	rest.first = early.last;
	put(count, record, false, seconds(rtta_cover_remove(extent->left, early), extent->run));
	put(count, record, true, seconds(rtta_cover_remove(extent->left, rest), extent->run));
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

static bool
has_gap_at(const struct rtta_transcript *transcript, struct rtta_pos at)
{
	for (size_t i = 0; i < transcript->record_count; i++) {
		const struct rtta_record *record = transcript->records[i];

		if (record->type == RTTA_RECORD_GAP && !record->foreign &&
		    record->span.run == at.run && record->span.first == at.sample &&
		    record->span.last == at.sample)
			return true;
	}
	return false;
}

/* A gap without width at the end of one run or the beginning of the next. */
static bool
has_hole_record(const struct rtta_transcript *transcript, const struct rtta_run *run)
{
	struct rtta_pos behind = { run[-1].id, run->key.prev_next };

	return has_gap_at(transcript, behind) ||
	    has_gap_at(transcript, (struct rtta_pos){ run->id, run->key.first });
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
		if (!rtta_runs_has_hole(runs, i) || has_hole_record(count->transcript, &runs->run[i]))
			continue;
		count->holes_pending = true;
		part_of(count, is_behind_cut(count, i, runs->run[i].key.first))->pending_s +=
		    (double)hole_us / 1e6;
	}
}

/* What is missing behind the last sound, and has no record yet. */
static void
count_tail(struct count *count)
{
	const struct rtta_runs *runs = &count->transcript->runs;
	struct rtta_pos at;

	if (!rtta_runs_has_tail(runs, &at) || has_gap_at(count->transcript, at))
		return;
	count->holes_pending = true;
	part_of(count, is_behind_cut(count, rtta_runs_find(runs, at.run), at.sample))->pending_s +=
	    (double)(runs->end.at_us - runs->end.sound_us) / 1e6;
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
	part_of(count, true)->pending_s += length_us > 0 ? (double)length_us / 1e6 : 0;
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

static void
add_up(struct rtta_ledger *ledger)
{
	for (int i = 0; i < RTTA_LEDGER_LANES; i++) {
		struct rtta_ledger_part *part = &ledger->lane[i];

		part->captured_s = part->text_s + part->silence_s + part->gap_s + part->pending_s;
		ledger->all.captured_s += part->captured_s;
		ledger->all.text_s += part->text_s;
		ledger->all.silence_s += part->silence_s;
		ledger->all.gap_s += part->gap_s;
		ledger->all.pending_s += part->pending_s;
		for (int reason = 0; reason < RTTA_REASONS; reason++)
			ledger->all.reason_s[reason] += part->reason_s[reason];
	}
}

void
rtta_ledger_count(struct rtta_ledger *ledger, const struct rtta_transcript *transcript)
{
	struct count count = { .transcript = transcript, .ledger = ledger };

	*ledger = (struct rtta_ledger){
		.has_cut = transcript->runs.has_cut,
		.has_end = transcript->runs.has_end,
		.records = transcript->record_count,
		.short_s = transcript->short_s,
		.overlap_s = (double)transcript->overlap_samples / OVERLAP_RATE_HZ,
	};
	count.extents = rtta_xcalloc(transcript->runs.count + 1, sizeof(*count.extents));
	find_cut(&count);
	find_extents(&count);
	count_records(&count);
	count_holes(&count);
	count_tail(&count);
	count_empty(&count);
	add_up(ledger);
	ledger->closed = ledger->has_cut && ledger->has_end &&
	    count.pending_samples == 0 && !count.holes_pending;
	for (size_t i = 0; i < transcript->runs.count; i++)
		rtta_cover_free(count.extents[i].left);
	free(count.extents);
}

/* --- for scripts --- */

static const char *const lane_names[RTTA_LEDGER_LANES] = {
	[RTTA_LEDGER_LIVE] = "live", [RTTA_LEDGER_BACKFILL] = "backfill"
};

static const struct {
	const char *name, *help;
	size_t at;
} kinds[] = {
	{ "captured", "Sound of the session.", offsetof(struct rtta_ledger_part, captured_s) },
	{ "text", "Sound that has text.", offsetof(struct rtta_ledger_part, text_s) },
	{ "silence", "Sound without words.", offsetof(struct rtta_ledger_part, silence_s) },
	{ "gap", "Sound that is lost.", offsetof(struct rtta_ledger_part, gap_s) },
	{ "pending", "Sound that has no record yet.", offsetof(struct rtta_ledger_part, pending_s) },
};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static double
value_of(const struct rtta_ledger_part *part, size_t kind)
{
	return *(const double *)(const void *)((const char *)part + kinds[kind].at);
}

static jv
put_seconds(jv object, const char *name, double value_s)
{
	return jv_object_set(object, jv_string(name), jv_number(round(value_s * 1e7) / 1e7));
}

static jv
part_json(const struct rtta_ledger_part *part)
{
	jv object = jv_object(), reasons = jv_object();
	char key[32];

	for (size_t i = 0; i < KINDS; i++) {
		snprintf(key, sizeof(key), "%s_s", kinds[i].name);
		object = put_seconds(object, key, value_of(part, i));
	}
	for (int i = 0; i < RTTA_REASONS; i++)
		if (part->reason_s[i] > 0)
			reasons = put_seconds(reasons, rtta_reason_text((enum rtta_reason)i),
			    part->reason_s[i]);
	return jv_object_set(object, jv_string("gaps"), reasons);
}

jv
rtta_ledger_json(const struct rtta_ledger *ledger)
{
	jv object = part_json(&ledger->all), lanes = jv_object();

	for (int i = 0; i < RTTA_LEDGER_LANES; i++)
		lanes = jv_object_set(lanes, jv_string(lane_names[i]), part_json(&ledger->lane[i]));
	object = put_seconds(object, "late_s", ledger->late_s);
	object = put_seconds(object, "preroll_s", ledger->lane[RTTA_LEDGER_BACKFILL].captured_s);
	object = put_seconds(object, "short_s", ledger->short_s);
	object = put_seconds(object, "overlap_s", ledger->overlap_s);
	object = jv_object_set(object, jv_string("records"), jv_number((double)ledger->records));
	object = jv_object_set(object, jv_string("has_cut"), jv_bool(ledger->has_cut));
	object = jv_object_set(object, jv_string("has_end"), jv_bool(ledger->has_end));
	object = jv_object_set(object, jv_string("lanes"), lanes);
	return jv_object_set(object, jv_string("closed"), jv_bool(ledger->closed));
}

/* --- for Prometheus --- */

/* Of one family all that there is, as the format wants it. */
static void
put_head(FILE *out, const char *name, const char *help)
{
	fprintf(out, "# HELP rtta_session_%s_seconds %s\n# TYPE rtta_session_%s_seconds gauge\n",
	    name, help, name);
}

static void
put_gaps(FILE *out, const struct rtta_ledger_of *of, int lane)
{
	for (int i = 0; i < RTTA_REASONS; i++)
		if (of->ledger.lane[lane].reason_s[i] > 0)
			fprintf(out, "rtta_session_gap_seconds{session=\"%s\",lane=\"%s\","
			    "reason=\"%s\"} %.7f\n", of->session, lane_names[lane],
			    rtta_reason_text((enum rtta_reason)i), of->ledger.lane[lane].reason_s[i]);
}

static void
put_kind(FILE *out, size_t kind, const struct rtta_ledger_of *of)
{
	for (int lane = 0; lane < RTTA_LEDGER_LANES; lane++)
		if (strcmp(kinds[kind].name, "gap") == 0)
			put_gaps(out, of, lane);
		else
			fprintf(out, "rtta_session_%s_seconds{session=\"%s\",lane=\"%s\"} %.7f\n",
			    kinds[kind].name, of->session, lane_names[lane],
			    value_of(&of->ledger.lane[lane], kind));
}

void
rtta_ledger_metrics(FILE *out, const struct rtta_ledger_of *ledgers, size_t count)
{
	for (size_t kind = 0; kind < KINDS; kind++) {
		put_head(out, kinds[kind].name, kinds[kind].help);
		for (size_t i = 0; i < count; i++)
			put_kind(out, kind, &ledgers[i]);
	}
	put_head(out, "late", "Live sound that was transcribed by the backfill lane.");
	for (size_t i = 0; i < count; i++)
		fprintf(out, "rtta_session_late_seconds{session=\"%s\"} %.7f\n",
		    ledgers[i].session, ledgers[i].ledger.late_s);
}

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "draft.h"
#include "engine.h"
#include "json.h"
#include "mem.h"
#include "record.h"
#include "scribe.h"
#include "timeline.h"

/* A place in the sound with its time. */
struct place {
	uint64_t sample;
	int64_t real_ns;
};

struct rtta_scribe {
	struct rtta_record like;
	uint32_t rate_hz;
	struct rtta_timeline *timeline;
	bool sent, coarse;          /* coarse: a position is more than a sample */
	struct place begin, cursor; /* what is before cursor is in drafts */
	struct place silent;        /* nothing more will be said of what is before */
	char *delta;                /* text of the open utterance, or NULL */
	double delta_start_s;
	struct rtta_draft *late;    /* text that found no room: goes with the next */
	struct rtta_draft *held;    /* coarse: text that may share its last position */
	struct rtta_drafts out;
};

struct rtta_scribe *
rtta_scribe_new(const struct rtta_record *like, uint32_t rate_hz)
{
	struct rtta_scribe *scribe = rtta_xcalloc(1, sizeof(*scribe));

	rtta_record_copy(&scribe->like, like);
	scribe->rate_hz = rate_hz;
	scribe->timeline = rtta_timeline_new(rate_hz);
	rtta_drafts_init(&scribe->out);
	return scribe;
}

void
rtta_scribe_free(struct rtta_scribe *scribe)
{
	if (scribe == NULL)
		return;
	rtta_record_done(&scribe->like);
	rtta_timeline_free(scribe->timeline);
	rtta_drafts_done(&scribe->out);
	rtta_draft_free(scribe->late);
	rtta_draft_free(scribe->held);
	free(scribe->delta);
	free(scribe);
}

void
rtta_scribe_sent(struct rtta_scribe *scribe, struct rtta_span span, uint64_t samples,
    int64_t capture_ns)
{
	if (!scribe->sent) {
		scribe->like.span.run = span.run;
		scribe->begin = scribe->cursor = scribe->silent =
		    (struct place){ span.first, capture_ns };
		scribe->sent = true;
	}
	if (samples != span.last - span.first)
		scribe->coarse = true;
	rtta_timeline_sent(scribe->timeline, span, samples, capture_ns);
}

/* The place of an engine's time, not before the cursor.  NAN: the end of
 * what was sent, or the cursor for a start. */
static struct place
place_of(const struct rtta_scribe *scribe, double seconds, bool as_end)
{
	struct rtta_pos pos = {0};
	struct place place = scribe->cursor;

	if (isnan(seconds)) {
		if (!as_end)
			return place;
		seconds = INFINITY;
	}
	if (!rtta_timeline_find(scribe->timeline, seconds, as_end, &pos, &place.real_ns) ||
	    pos.sample < scribe->cursor.sample)
		return scribe->cursor;
	place.sample = pos.sample;
	return place;
}

static struct rtta_draft *
new_draft(const struct rtta_scribe *scribe, enum rtta_record_type type, struct place from,
    struct place start, struct place end)
{
	struct rtta_draft *draft = rtta_draft_new();
	struct rtta_record *record = &draft->record;
	uint64_t positions = end.sample - start.sample;

	rtta_record_done(record);
	rtta_record_copy(record, &scribe->like);
	record->type = type;
	record->span = (struct rtta_span){ scribe->like.span.run, from.sample, end.sample };
	record->start_ns = start.real_ns;
	record->end_ns = end.real_ns > start.real_ns ? end.real_ns : start.real_ns;
	draft->core = (struct rtta_span){ record->span.run, start.sample, end.sample };
	draft->ns_per_position = 1e9 / scribe->rate_hz;
	if (scribe->coarse && positions > 0)
		draft->ns_per_position = (double)(record->end_ns - record->start_ns) / (double)positions;
	return draft;
}

/* Everything from the cursor to end, without a word in it. */
static void
put_wordless(struct rtta_scribe *scribe, enum rtta_record_type type, struct place end,
    const char *reason)
{
	struct rtta_draft *draft;

	if (end.sample <= scribe->cursor.sample)
		return;
	draft = new_draft(scribe, type, scribe->cursor, scribe->cursor, end);
	if (reason != NULL)
		draft->record.reason = rtta_xstrdup(reason);
	rtta_drafts_put(&scribe->out, draft);
	scribe->cursor = end;
}

static bool
is_long(struct place from, struct place to)
{
	return to.real_ns - from.real_ns >= (int64_t)RTTA_SCRIBE_SILENCE_S * 1000000000;
}

/* --- text --- */

/* without blanks at its ends, and not longer than a record may be */
static char *
trimmed(const char *text)
{
	size_t bytes;
	char *copy;

	while (isspace((unsigned char)*text))
		text++;
	bytes = strlen(text);
	if (bytes > RTTA_RECORD_TEXT_MAX_BYTES)
		for (bytes = RTTA_RECORD_TEXT_MAX_BYTES; ((unsigned char)text[bytes] & 0xc0) == 0x80;)
			bytes--;
	while (bytes > 0 && isspace((unsigned char)text[bytes - 1]))
		bytes--;
	copy = rtta_xmemdup(text, bytes + 1);
	copy[bytes] = '\0';
	return copy;
}

static double
take_seconds(jv *word, const char *key)
{
	double seconds = rtta_json_number(*word, key, NAN);

	*word = jv_object_delete(*word, jv_string(key));
	return seconds;
}

static bool
is_word(jv word)
{
	jv spelled;
	bool is;

	if (jv_get_kind(word) != JV_KIND_OBJECT)
		return false;
	spelled = jv_object_get(jv_copy(word), jv_string("word"));
	is = jv_get_kind(spelled) == JV_KIND_STRING;
	jv_free(spelled);
	return is;
}

/* Takes word. */
static jv
word_in_samples(const struct rtta_scribe *scribe, jv word)
{
	double start_s = take_seconds(&word, "start"), end_s = take_seconds(&word, "end");
	struct place first = place_of(scribe, start_s, false);
	struct place last = place_of(scribe, end_s, true);

	if (last.sample < first.sample)
		last = first;
	word = jv_object_set(word, jv_string("first"), jv_number((double)first.sample));
	return jv_object_set(word, jv_string("last"), jv_number((double)last.sample));
}

/* [{word, start, end, ...}] in seconds as [{word, first, last, ...}]; with
 * one that is no word there are none. */
static jv
words_in_samples(const struct rtta_scribe *scribe, jv words)
{
	jv result = jv_array();
	bool all = jv_get_kind(words) == JV_KIND_ARRAY;

	if (all)
		jv_array_foreach(words, i, word) {
			all = all && is_word(word);
			if (all)
				result = jv_array_append(result, word_in_samples(scribe, word));
			else
				jv_free(word);
		}
	if (all)
		return result;
	jv_free(result);
	return jv_invalid();
}

static void
fill_text(const struct rtta_scribe *scribe, struct rtta_record *record,
    const struct rtta_engine_event *event, char *text)
{
	free(record->text);
	record->text = text;
	record->confidence = event->confidence;
	if (event->speaker != NULL) {
		free(record->speaker);
		record->speaker = rtta_xstrdup(event->speaker);
	}
	if (event->language != NULL) {
		free(record->language);
		record->language = rtta_xstrdup(event->language);
	}
	jv_free(record->words);
	record->words = words_in_samples(scribe, event->words);
}

/* Put the text of first before that of draft. */
static void
join_before(struct rtta_draft *draft, struct rtta_draft *first)
{
	struct rtta_record *to = &draft->record, *from = &first->record;
	char *text = rtta_xasprintf("%s %s", from->text, to->text);

	free(to->text);
	to->text = trimmed(text);
	free(text);
	if (jv_get_kind(to->words) == JV_KIND_ARRAY && jv_get_kind(from->words) == JV_KIND_ARRAY)
		to->words = jv_array_concat(jv_copy(from->words), to->words);
	rtta_draft_free(first);
}

static void
release_held(struct rtta_scribe *scribe)
{
	if (scribe->held == NULL)
		return;
	scribe->cursor = (struct place){ scribe->held->record.span.last, scribe->held->record.end_ns };
	rtta_drafts_put(&scribe->out, scribe->held);
	scribe->held = NULL;
}

/* A final text, whose span begins at the cursor, leaves. */
static void
put_text(struct rtta_scribe *scribe, struct rtta_draft *draft)
{
	if (scribe->late != NULL) {
		join_before(draft, scribe->late);
		scribe->late = NULL;
	}
	if (draft->record.span.last <= scribe->cursor.sample) {
		scribe->late = draft;
		return;
	}
	if (scribe->coarse) {
		scribe->held = draft;
		return;
	}
	scribe->cursor = (struct place){ draft->record.span.last, draft->record.end_ns };
	rtta_drafts_put(&scribe->out, draft);
}

static void
final_text(struct rtta_scribe *scribe, const struct rtta_engine_event *event, char *text)
{
	struct place start, end = place_of(scribe, event->end_s, true);
	struct rtta_draft *draft;

	if (scribe->held != NULL && end.sample <= scribe->held->record.span.last) {
		/* Both lie in the same last position: one record. */
		draft = new_draft(scribe, RTTA_RECORD_TEXT, scribe->cursor, scribe->cursor, end);
		fill_text(scribe, &draft->record, event, text);
		draft->record.span = scribe->held->record.span;
		draft->record.start_ns = scribe->held->record.start_ns;
		draft->core = scribe->held->core;
		join_before(draft, scribe->held);
		scribe->held = draft;
		return;
	}
	release_held(scribe);
	start = place_of(scribe, event->start_s, false);
	if (start.sample > end.sample)
		start = end;
	if (is_long(scribe->cursor, start))
		put_wordless(scribe, RTTA_RECORD_SILENCE, start, NULL);
	draft = new_draft(scribe, RTTA_RECORD_TEXT, scribe->cursor, start, end);
	fill_text(scribe, &draft->record, event, text);
	put_text(scribe, draft);
	if (!isnan(event->start_s))
		rtta_timeline_forget(scribe->timeline, event->start_s);
}

static void
interim_text(struct rtta_scribe *scribe, const struct rtta_engine_event *event, char *text)
{
	struct place start = place_of(scribe, event->start_s, false);
	struct place end = place_of(scribe, event->end_s, true);
	struct rtta_draft *draft;

	if (start.sample > end.sample)
		start = end;
	draft = new_draft(scribe, RTTA_RECORD_TEXT, scribe->cursor, start, end);
	fill_text(scribe, &draft->record, event, text);
	draft->record.is_final = false;
	rtta_drafts_put(&scribe->out, draft);
}

static void
take_delta(struct rtta_scribe *scribe, const struct rtta_engine_event *event)
{
	char *before = scribe->delta;

	if (event->text == NULL || event->text[0] == '\0')
		return;
	if (before == NULL)
		scribe->delta_start_s = event->start_s;
	if (before != NULL && strlen(before) + strlen(event->text) > RTTA_RECORD_TEXT_MAX_BYTES)
		return;
	scribe->delta = rtta_xasprintf("%s%s", before != NULL ? before : "", event->text);
	free(before);
	interim_text(scribe, event, trimmed(scribe->delta));
}

/* Text that was said of sound before the cursor: with what is left, however
 * little. */
static void
put_late(struct rtta_scribe *scribe, struct place end)
{
	struct rtta_draft *draft = scribe->late;

	if (draft == NULL)
		return;
	scribe->late = NULL;
	draft->record.span.first = scribe->cursor.sample;
	draft->record.span.last = end.sample;
	draft->core = draft->record.span;
	scribe->cursor = end;
	rtta_drafts_put(&scribe->out, draft);
}

static void
settle(struct rtta_scribe *scribe, const struct rtta_engine_event *event)
{
	struct place end = place_of(scribe, event->end_s, true);

	if (scribe->delta != NULL) {
		struct rtta_engine_event whole = *event;

		whole.start_s = scribe->delta_start_s;
		final_text(scribe, &whole, trimmed(scribe->delta));
		free(scribe->delta);
		scribe->delta = NULL;
	}
	if (scribe->held != NULL && end.sample > scribe->held->record.span.last)
		release_held(scribe);
	if (end.sample > scribe->silent.sample)
		scribe->silent = end;
	if (scribe->held != NULL || !is_long(scribe->cursor, end))
		return;
	put_late(scribe, end);
	put_wordless(scribe, RTTA_RECORD_SILENCE, end, NULL);
}

void
rtta_scribe_event(struct rtta_scribe *scribe, const struct rtta_engine_event *event)
{
	char *text;

	if (!scribe->sent)
		return;
	switch (event->kind) {
	case RTTA_ENGINE_TEXT:
		text = trimmed(event->text != NULL ? event->text : "");
		if (event->is_final) {
			free(scribe->delta);
			scribe->delta = NULL;
		}
		if (text[0] == '\0') {
			free(text);
			if (event->is_final)
				settle(scribe, event);
		} else if (event->is_final) {
			final_text(scribe, event, text);
		} else {
			interim_text(scribe, event, text);
		}
		break;
	case RTTA_ENGINE_DELTA:
		take_delta(scribe, event);
		break;
	case RTTA_ENGINE_UTTERANCE_END:
		settle(scribe, event);
		break;
	case RTTA_ENGINE_SPEECH:
	case RTTA_ENGINE_READY:
	case RTTA_ENGINE_DONE:
	case RTTA_ENGINE_ERROR:
		break;
	}
}

void
rtta_scribe_finish(struct rtta_scribe *scribe)
{
	static const struct rtta_engine_event all = {
		.kind = RTTA_ENGINE_UTTERANCE_END, .start_s = NAN, .end_s = NAN,
		.channel = -1, .confidence = NAN
	};
	struct rtta_engine_event event = all;
	struct place end;

	if (!scribe->sent)
		return;
	event.words = jv_invalid();
	settle(scribe, &event);
	release_held(scribe);
	end = place_of(scribe, NAN, true);
	put_late(scribe, end);
	put_wordless(scribe, RTTA_RECORD_SILENCE, end, NULL);
}

void
rtta_scribe_abandon(struct rtta_scribe *scribe)
{
	rtta_draft_free(scribe->held);
	scribe->held = NULL;
	if (!scribe->sent)
		return;
	put_late(scribe, scribe->cursor);
	put_wordless(scribe, RTTA_RECORD_SILENCE, scribe->silent, NULL);
}

void
rtta_scribe_give_up(struct rtta_scribe *scribe, const char *reason)
{
	if (!scribe->sent)
		return;
	release_held(scribe);
	put_late(scribe, scribe->cursor);
	put_wordless(scribe, RTTA_RECORD_GAP, place_of(scribe, NAN, true), reason);
}

struct rtta_draft *
rtta_scribe_next(struct rtta_scribe *scribe)
{
	return rtta_drafts_take(&scribe->out);
}

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cover.h"
#include "draft.h"
#include "json.h"
#include "mem.h"

struct rtta_draft *
rtta_draft_new(void)
{
	struct rtta_draft *draft = rtta_xcalloc(1, sizeof(*draft));

	rtta_record_init(&draft->record);
	return draft;
}

void
rtta_draft_free(struct rtta_draft *draft)
{
	if (draft != NULL)
		rtta_record_done(&draft->record);
	free(draft);
}

void
rtta_drafts_init(struct rtta_drafts *drafts)
{
	*drafts = (struct rtta_drafts){ .last = &drafts->first };
}

void
rtta_drafts_done(struct rtta_drafts *drafts)
{
	struct rtta_draft *draft;

	while ((draft = rtta_drafts_take(drafts)) != NULL)
		rtta_draft_free(draft);
}

void
rtta_drafts_put(struct rtta_drafts *drafts, struct rtta_draft *draft)
{
	draft->next = NULL;
	*drafts->last = draft;
	drafts->last = &draft->next;
	drafts->count++;
}

struct rtta_draft *
rtta_drafts_take(struct rtta_drafts *drafts)
{
	struct rtta_draft *draft = drafts->first;

	if (draft == NULL)
		return NULL;
	drafts->first = draft->next;
	if (drafts->first == NULL)
		drafts->last = &drafts->first;
	drafts->count--;
	draft->next = NULL;
	return draft;
}

static uint64_t
length(struct rtta_span span)
{
	return span.last > span.first ? span.last - span.first : 0;
}

static int64_t
clock_at(const struct rtta_draft *draft, uint64_t sample)
{
	double ns = ((double)sample - (double)draft->core.first) * draft->ns_per_position;

	return sample == draft->record.span.last ? draft->record.end_ns :
	    draft->record.start_ns + (int64_t)ns;
}

/* A copy that covers part; of text the words are left to the caller. */
static struct rtta_draft *
copy_part(const struct rtta_draft *draft, struct rtta_span part, enum rtta_record_type type)
{
	struct rtta_draft *copy = rtta_xcalloc(1, sizeof(*copy));
	uint64_t begin = part.first;

	rtta_record_copy(&copy->record, &draft->record);
	copy->record.type = type;
	copy->record.span = part;
	copy->ns_per_position = draft->ns_per_position;
	copy->attempt = draft->attempt + 1;
	if (type == RTTA_RECORD_TEXT && begin < draft->core.first && draft->core.first < part.last)
		begin = draft->core.first;
	copy->core = (struct rtta_span){ part.run, begin, part.last };
	copy->record.start_ns = clock_at(draft, begin);
	copy->record.end_ns = clock_at(draft, part.last);
	if (type != RTTA_RECORD_TEXT) {
		copy->record.text[0] = '\0';
		jv_free(copy->record.words);
		copy->record.words = jv_invalid();
		copy->record.confidence = NAN;
	}
	return copy;
}

static bool
middle_in(jv word, struct rtta_span part)
{
	double middle = (rtta_json_number(word, "first", NAN) +
	    rtta_json_number(word, "last", NAN)) / 2;

	return middle >= (double)part.first && middle < (double)part.last;
}

/* The words whose middle is in part, as text and as words. */
static struct rtta_draft *
words_part(const struct rtta_draft *draft, struct rtta_span part)
{
	jv words = jv_array(), text = jv_string("");
	struct rtta_draft *copy;
	bool any = false;

	jv_array_foreach(draft->record.words, i, word) {
		jv spelled = jv_object_get(jv_copy(word), jv_string("word"));

		if (middle_in(word, part) && jv_get_kind(spelled) == JV_KIND_STRING) {
			if (any)
				text = jv_string_concat(text, jv_string(" "));
			text = jv_string_concat(text, jv_copy(spelled));
			words = jv_array_append(words, jv_copy(word));
			any = true;
		}
		jv_free(spelled);
		jv_free(word);
	}
	copy = copy_part(draft, part, any ? RTTA_RECORD_TEXT : RTTA_RECORD_SILENCE);
	if (any) {
		free(copy->record.text);
		copy->record.text = rtta_xstrdup(jv_string_value(text));
		jv_free(copy->record.words);
		copy->record.words = jv_copy(words);
	}
	jv_free(text);
	jv_free(words);
	return copy;
}

/* The longest part of span that is not in cover. */
static struct rtta_span
longest_missing(const struct rtta_cover *cover, struct rtta_span span)
{
	struct rtta_span longest = { span.run, span.first, span.first }, part;

	while (rtta_cover_missing(cover, span, &part)) {
		if (length(part) > length(longest))
			longest = part;
		span.first = part.last;
	}
	return longest;
}

static bool
has_words(const struct rtta_record *record)
{
	return jv_get_kind(record->words) == JV_KIND_ARRAY &&
	    jv_array_length(jv_copy(record->words)) > 0;
}

/* Part of a text that is not placed here: silence before the core, and the
 * core again. */
static void
hear_again(const struct rtta_draft *draft, struct rtta_span part,
    struct rtta_drafts *drafts, struct rtta_cover *again)
{
	struct rtta_span before = part;

	if (before.last > draft->core.first)
		before.last = draft->core.first;
	if (length(before) > 0)
		rtta_drafts_put(drafts, copy_part(draft, before, RTTA_RECORD_SILENCE));
	if (part.first < draft->core.first)
		part.first = draft->core.first;
	if (length(part) > 0)
		rtta_cover_add(again, part);
}

void
rtta_draft_cut(struct rtta_draft *draft, const struct rtta_cover *cover,
    struct rtta_drafts *drafts, struct rtta_cover *again)
{
	struct rtta_record *record = &draft->record;
	struct rtta_span rest = record->span, part, longest;
	bool by_words, whole;

	if (!rtta_cover_present(cover, rest, &part)) {
		rtta_drafts_put(drafts, draft);
		return;
	}
	by_words = record->type == RTTA_RECORD_TEXT && has_words(record);
	longest = longest_missing(cover, draft->core);
	whole = 2 * length(longest) >= length(draft->core) && length(longest) > 0;
	while (rtta_cover_missing(cover, rest, &part)) {
		rest.first = part.last;
		if (record->type != RTTA_RECORD_TEXT)
			rtta_drafts_put(drafts, copy_part(draft, part, record->type));
		else if (by_words)
			rtta_drafts_put(drafts, words_part(draft, part));
		else if (whole && part.first <= longest.first && part.last >= longest.last)
			rtta_drafts_put(drafts, copy_part(draft, part, RTTA_RECORD_TEXT));
		else if (whole)
			rtta_drafts_put(drafts, copy_part(draft, part, RTTA_RECORD_SILENCE));
		else
			hear_again(draft, part, drafts, again);
	}
	rtta_draft_free(draft);
}

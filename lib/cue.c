#include <stdlib.h>
#include <string.h>

#include "cue.h"
#include "mem.h"
#include "record.h"
#include "transcript.h"
#include "words.h"

enum {
	LINE_CHARS = 42,
	CUE_MIN_MS = 700,         /* what an overlapped cue keeps at least */
	PAUSE_MS = 2000           /* ends a cue */
};
static const int64_t NS_PER_MS = 1000000;

static struct rtta_cue *
add_cue(struct rtta_cues *cues, const struct rtta_record *record)
{
	struct rtta_cue *cue;

	if (cues->count == cues->room) {
		cues->room = cues->room ? cues->room * 2 : 64;
		cues->cue = rtta_xreallocarray(cues->cue, cues->room, sizeof(*cues->cue));
	}
	cue = &cues->cue[cues->count];
	*cue = (struct rtta_cue){ .record = record, .number = cues->count };
	cues->count++;
	return cue;
}

/*
 * How many words fit into one cue: two lines, and no pause.  Where the
 * second line begins: *second, or 0.
 */
static size_t
fit_cue(const struct rtta_word *word, size_t count, size_t *second)
{
	size_t chars = word[0].chars, i;

	*second = 0;
	for (i = 1; i < count; i++) {
		if (word[i].from_ns - word[i - 1].to_ns > PAUSE_MS * NS_PER_MS)
			return i;
		chars += 1 + word[i].chars;
		if (chars <= LINE_CHARS)
			continue;
		if (*second != 0)
			return i;
		*second = i;
		chars = word[i].chars;
	}
	return i;
}

static char *
join_words(const struct rtta_word *word, size_t count, size_t second)
{
	size_t bytes = 1, i;
	char *text, *at;

	for (i = 0; i < count; i++)
		bytes += word[i].bytes + 1;
	at = text = rtta_xcalloc(1, bytes);
	for (i = 0; i < count; i++) {
		if (i > 0)
			*at++ = i == second ? '\n' : ' ';
		memcpy(at, word[i].text, word[i].bytes);
		at += word[i].bytes;
	}
	return text;
}

/* Put the label in front of the record's words, with no time of its own. */
static void
prepend(struct rtta_words *words, const char *label)
{
	struct rtta_words all = {0};
	size_t labels;

	rtta_words_add(&all, label, LINE_CHARS);
	labels = all.count;
	all.word = rtta_xreallocarray(all.word, labels + words->count, sizeof(*all.word));
	for (size_t i = 0; i < labels; i++)
		all.word[i].from_ns = all.word[i].to_ns = words->word[0].from_ns;
	memcpy(all.word + labels, words->word, words->count * sizeof(*all.word));
	free(words->word);
	words->word = all.word;
	words->count += labels;
}

/* As many as it takes; text is the record's, or stands for it. */
static void
add_cues(struct rtta_cues *cues, const struct rtta_transcript *transcript,
    const struct rtta_record *record, const char *text, const char *label)
{
	struct rtta_words words = {0};
	size_t used, second;

	rtta_words_add(&words, text, LINE_CHARS);
	rtta_words_time(&words, transcript, record, true);
	if (label[0] != '\0')
		prepend(&words, label);
	for (size_t i = 0; i < words.count; i += used) {
		struct rtta_cue *cue = add_cue(cues, record);

		used = fit_cue(words.word + i, words.count - i, &second);
		cue->text = join_words(words.word + i, used, second);
		cue->from_ms = words.word[i].from_ns / NS_PER_MS;
		cue->to_ms = words.word[i + used - 1].to_ns / NS_PER_MS;
	}
	rtta_words_done(&words);
}

static void
add_gap(struct rtta_cues *cues, const struct rtta_transcript *transcript,
    const struct rtta_record *record)
{
	char *text = record->reason != NULL ? rtta_xasprintf("[gap: %s]", record->reason) :
	    rtta_xstrdup("[gap]");

	add_cues(cues, transcript, record, text, "");
	free(text);
}

static int
compare_cues(const void *a_, const void *b_)
{
	const struct rtta_cue *a = a_, *b = b_;

	if (a->from_ms != b->from_ms)
		return a->from_ms < b->from_ms ? -1 : 1;
	return a->number < b->number ? -1 : a->number > b->number;
}

/* A player shows one at a time: the earlier one ends, or the later waits. */
static void
part_cues(struct rtta_cues *cues)
{
	struct rtta_cue *before = NULL;

	if (cues->count > 0)
		qsort(cues->cue, cues->count, sizeof(*cues->cue), compare_cues);
	for (size_t i = 0; i < cues->count; i++) {
		struct rtta_cue *cue = &cues->cue[i];

		if (before != NULL && cue->from_ms < before->to_ms) {
			if (cue->from_ms - before->from_ms >= CUE_MIN_MS)
				before->to_ms = cue->from_ms;
			else
				cue->from_ms = before->to_ms;
		}
		if (cue->to_ms <= cue->from_ms)
			cue->to_ms = cue->from_ms + 1;
		before = cue;
	}
}

struct rtta_cues
rtta_cues_make(const struct rtta_transcript *transcript, bool labels, bool gaps)
{
	struct rtta_cues cues = {0};
	const struct rtta_record *record;
	char buffer[RTTA_WORDS_SPEAKER_BYTES];
	char *before = rtta_xstrdup(""), *label;

	for (size_t i = 0; (record = rtta_transcript_at(transcript, i)) != NULL; i++) {
		if (record->type == RTTA_RECORD_GAP && gaps)
			add_gap(&cues, transcript, record);
		if (!rtta_words_are_in(record))
			continue;
		label = rtta_xasprintf("%s:", rtta_words_speaker(record, buffer));
		add_cues(&cues, transcript, record, record->text,
		    labels && label[1] != '\0' && strcmp(label, before) != 0 ? label : "");
		free(before);
		before = label;
	}
	free(before);
	part_cues(&cues);
	return cues;
}

void
rtta_cues_done(struct rtta_cues *cues)
{
	for (size_t i = 0; i < cues->count; i++)
		free(cues->cue[i].text);
	free(cues->cue);
}

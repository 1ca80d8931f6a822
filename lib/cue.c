#include <stdlib.h>
#include <string.h>

#include "cue.h"
#include "mem.h"
#include "record.h"
#include "transcript.h"
#include "words.h"

enum {
	LINE_CHARS = 42,
	SHORT_CHARS = 21,         /* less than that is no cue for a sentence's sake */
	CUE_MIN_MS = 700,         /* what an overlapped cue keeps at least */
	READ_MIN_MS = 1000,       /* how long a cue stays, where there is room */
	READ_CHARS_A_S = 17,
	PUNCTUATION_CHARS = 10,   /* so much less even may two lines be for its sake */
	PAUSE_MS = 2000           /* ends a cue */
};
static const int64_t NS_PER_MS = 1000000;

/* What one speaker says without a pause, whatever records it is in. */
struct flow {
	struct rtta_words words;
	const struct rtta_record **record;   /* of each word */
	char *label;                         /* "Ada:", with a colon; ":" is nobody */
	bool labels;                         /* it is to be read */
	bool backfill;
	int64_t end_ns;
};

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

/* --- where a cue and its first line end --- */

static bool
ends_clause(const struct rtta_word *word)
{
	return strchr(",;:", word->text[word->bytes - 1]) != NULL;
}

/* Where the second line begins so that both fit, 0: one is enough, or count
 * when it is too much for two. */
static size_t
find_second(const struct rtta_word *word, size_t count)
{
	size_t all = count - 1, line = 0, second = count;
	long best = LINE_CHARS + PUNCTUATION_CHARS;

	for (size_t i = 0; i < count; i++)
		all += word[i].chars;
	if (all <= LINE_CHARS)
		return 0;
	for (size_t i = 1; i < count; i++) {
		long uneven;

		line += word[i - 1].chars + (i > 1);
		if (line > LINE_CHARS || all - line - 1 > LINE_CHARS)
			continue;
		uneven = labs((long)line - (long)(all - line - 1));
		if (ends_clause(&word[i - 1]) ||
		    rtta_words_end_sentence(word[i - 1].text, word[i - 1].bytes))
			uneven -= PUNCTUATION_CHARS;
		if (uneven < best) {
			best = uneven;
			second = i;
		}
	}
	return second;
}

/* How many words two lines hold, up to a pause. */
static size_t
count_fitting(const struct rtta_word *word, size_t count)
{
	size_t i;

	for (i = 1; i < count; i++)
		if (word[i].from_ns - word[i - 1].to_ns > PAUSE_MS * NS_PER_MS ||
		    find_second(word, i + 1) == i + 1)
			break;
	return i;
}

/* When more follows, a cue ends with a sentence, or else with a clause. */
static size_t
fit_cue(const struct rtta_word *word, size_t count)
{
	size_t fitting = count_fitting(word, count), chars = 0, sentence = 0, clause = 0;

	if (fitting == count || word[fitting].from_ns - word[fitting - 1].to_ns >
	    PAUSE_MS * NS_PER_MS)
		return fitting;
	for (size_t i = 0; i < fitting; i++) {
		chars += word[i].chars + (i > 0);
		if (chars >= SHORT_CHARS && rtta_words_end_sentence(word[i].text, word[i].bytes))
			sentence = i + 1;
		if (chars >= LINE_CHARS && ends_clause(&word[i]))
			clause = i + 1;
	}
	return sentence ? sentence : clause ? clause : fitting;
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

/* --- from records to cues --- */

/* Put the label in front of the words, with no time of its own. */
static void
prepend(struct flow *flow, const char *label)
{
	struct rtta_words all = {0};
	size_t labels;

	rtta_words_add(&all, label, LINE_CHARS);
	labels = all.count;
	all.word = rtta_xreallocarray(all.word, labels + flow->words.count, sizeof(*all.word));
	flow->record = rtta_xreallocarray(flow->record, labels + flow->words.count,
	    sizeof(*flow->record));
	memmove(flow->record + labels, flow->record, flow->words.count * sizeof(*flow->record));
	for (size_t i = 0; i < labels; i++) {
		all.word[i].from_ns = all.word[i].to_ns = flow->words.word[0].from_ns;
		flow->record[i] = flow->record[labels];
	}
	memcpy(all.word + labels, flow->words.word, flow->words.count * sizeof(*all.word));
	free(flow->words.word);
	flow->words.word = all.word;
	flow->words.count += labels;
}

/* The flow becomes cues, and is empty then. */
static void
end_flow(struct rtta_cues *cues, struct flow *flow)
{
	size_t used;

	for (size_t i = 0; i < flow->words.count; i += used) {
		const struct rtta_word *word = flow->words.word + i;
		struct rtta_cue *cue = add_cue(cues, flow->record[i]);

		used = fit_cue(word, flow->words.count - i);
		cue->text = join_words(word, used, find_second(word, used));
		cue->from_ms = word[0].from_ns / NS_PER_MS;
		cue->to_ms = word[used - 1].to_ns / NS_PER_MS;
	}
	rtta_words_done(&flow->words);
	free(flow->record);
	flow->record = NULL;
}

static void
append(struct flow *flow, struct rtta_words *words, const struct rtta_record *record)
{
	size_t count = flow->words.count + words->count;

	flow->words.word = rtta_xreallocarray(flow->words.word, count, sizeof(*flow->words.word));
	flow->record = rtta_xreallocarray(flow->record, count, sizeof(*flow->record));
	memcpy(flow->words.word + flow->words.count, words->word,
	    words->count * sizeof(*words->word));
	for (size_t i = flow->words.count; i < count; i++)
		flow->record[i] = record;
	flow->words.count = flow->words.room = count;
	flow->backfill = record->backfill;
	flow->end_ns = words->word[words->count - 1].to_ns;
}

static void
add_text(struct rtta_cues *cues, struct flow *flow, const struct rtta_transcript *transcript,
    const struct rtta_record *record, const char *label)
{
	struct rtta_words words = {0};
	bool changes = strcmp(label, flow->label) != 0;

	rtta_words_add(&words, record->text, LINE_CHARS);
	rtta_words_time(&words, transcript, record, true);
	if (changes || record->backfill != flow->backfill ||
	    words.word[0].from_ns < flow->end_ns)
		end_flow(cues, flow);
	if (changes) {
		free(flow->label);
		flow->label = rtta_xstrdup(label);
	}
	append(flow, &words, record);
	if (changes && flow->labels && label[1] != '\0')
		prepend(flow, flow->label);
	rtta_words_done(&words);
}

static void
add_gap(struct rtta_cues *cues, struct flow *flow, const struct rtta_transcript *transcript,
    const struct rtta_record *record)
{
	char *text = record->reason != NULL ? rtta_xasprintf("[gap: %s]", record->reason) :
	    rtta_xstrdup("[gap]");
	struct rtta_words words = {0};

	end_flow(cues, flow);
	rtta_words_add(&words, text, LINE_CHARS);
	rtta_words_time(&words, transcript, record, true);
	append(flow, &words, record);
	end_flow(cues, flow);
	rtta_words_done(&words);
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

static int64_t
reading_ms(const char *text)
{
	int64_t chars = 0, ms;

	for (; *text != '\0'; text++)
		chars += ((unsigned char)*text & 0xc0) != 0x80;
	ms = chars * 1000 / READ_CHARS_A_S;
	return ms > READ_MIN_MS ? ms : READ_MIN_MS;
}

/* A cue stays until it can have been read, or the next one comes. */
static void
hold_cues(struct rtta_cues *cues)
{
	for (size_t i = 0; i < cues->count; i++) {
		struct rtta_cue *cue = &cues->cue[i];
		int64_t until_ms = cue->from_ms + reading_ms(cue->text);

		if (i + 1 < cues->count && until_ms > cue[1].from_ms)
			until_ms = cue[1].from_ms;
		if (until_ms > cue->to_ms)
			cue->to_ms = until_ms;
	}
}

struct rtta_cues
rtta_cues_make(const struct rtta_transcript *transcript, bool labels, bool gaps)
{
	struct rtta_cues cues = {0};
	struct flow flow = { .label = rtta_xstrdup(":"), .labels = labels };
	const struct rtta_record *record;
	char buffer[RTTA_WORDS_SPEAKER_BYTES], *label;
	int channel;

	for (size_t i = 0; (record = rtta_transcript_at(transcript, i)) != NULL; i++) {
		if (gaps && rtta_transcript_is_gap(transcript, i, &channel))
			add_gap(&cues, &flow, transcript, record);
		else if (record->type == RTTA_RECORD_GAP)
			end_flow(&cues, &flow);
		if (!rtta_words_are_in(record))
			continue;
		label = rtta_xasprintf("%s:", rtta_words_speaker(record, buffer));
		add_text(&cues, &flow, transcript, record, label);
		free(label);
	}
	end_flow(&cues, &flow);
	free(flow.label);
	part_cues(&cues);
	hold_cues(&cues);
	return cues;
}

void
rtta_cues_done(struct rtta_cues *cues)
{
	for (size_t i = 0; i < cues->count; i++)
		free(cues->cue[i].text);
	free(cues->cue);
}

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "mem.h"
#include "record.h"
#include "transcript.h"
#include "words.h"

static const char blanks[] = " \n\t\r";

static bool
is_blank(char c)
{
	return c != '\0' && strchr(blanks, c) != NULL;
}

const char *
rtta_words_speaker(const struct rtta_record *record, char buffer[RTTA_WORDS_SPEAKER_BYTES])
{
	if (record->channel < 0)
		return record->speaker != NULL ? record->speaker : "";
	snprintf(buffer, RTTA_WORDS_SPEAKER_BYTES, "channel %d", record->channel + 1);
	return buffer;
}

bool
rtta_words_are_in(const struct rtta_record *record)
{
	return record->type == RTTA_RECORD_TEXT &&
	    record->text[strspn(record->text, blanks)] != '\0';
}

bool
rtta_words_end_sentence(const char *text, size_t bytes)
{
	static const char *const ends[] = {
		".", "!", "?", ".\"", "!\"", "?\"", "\u2026", "\u3002", "\uff01", "\uff1f"
	};

	while (bytes > 0 && is_blank(text[bytes - 1]))
		bytes--;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		size_t end_bytes = strlen(ends[i]);

		if (bytes >= end_bytes && memcmp(text + bytes - end_bytes, ends[i], end_bytes) == 0)
			return true;
	}
	return false;
}

/* The bytes of at most max_chars characters up to a blank, and how many. */
static size_t
word_bytes(const char *text, size_t max_chars, size_t *chars)
{
	size_t i;

	*chars = 0;
	for (i = 0; text[i] != '\0' && !is_blank(text[i]); i++) {
		if (((unsigned char)text[i] & 0xc0) != 0x80 && (*chars)++ == max_chars) {
			(*chars)--;
			break;
		}
	}
	return i;
}

void
rtta_words_add(struct rtta_words *words, const char *text, size_t max_chars)
{
	struct rtta_word word = { .confidence = NAN };

	for (;; text += word.bytes) {
		while (is_blank(*text))
			text++;
		if (*text == '\0')
			return;
		word.text = text;
		word.bytes = word_bytes(text, max_chars, &word.chars);
		if (words->count == words->room) {
			words->room = words->room ? words->room * 2 : 32;
			words->word = rtta_xreallocarray(words->word, words->room,
			    sizeof(*words->word));
		}
		words->word[words->count++] = word;
		words->chars += word.chars;
	}
}

static bool
time_as_told(struct rtta_words *words, const struct rtta_transcript *transcript,
    const struct rtta_record *record)
{
	jv told = rtta_record_words(record);

	if (jv_get_kind(told) != JV_KIND_ARRAY ||
	    (size_t)jv_array_length(jv_copy(told)) != words->count) {
		jv_free(told);
		return false;
	}
	for (size_t i = 0; i < words->count; i++) {
		jv value = jv_array_get(jv_copy(told), (int)i);
		double first = rtta_json_number(value, "first", NAN);
		double last = rtta_json_number(value, "last", NAN);
		struct rtta_word *word = &words->word[i];

		word->from_ns = rtta_transcript_when_sample(transcript, record,
		    first >= 0 ? (uint64_t)first : record->span.first);
		word->to_ns = rtta_transcript_when_sample(transcript, record,
		    last >= 0 ? (uint64_t)last : record->span.last);
		word->confidence = rtta_json_number(value, "confidence", NAN);
		jv_free(value);
	}
	jv_free(told);
	return true;
}

static void
time_evenly(struct rtta_words *words, const struct rtta_transcript *transcript,
    const struct rtta_record *record, bool by_chars)
{
	double done = 0, all = (double)(by_chars ? words->chars : words->count);
	int64_t from_ns, to_ns;

	rtta_transcript_when(transcript, record, &from_ns, &to_ns);
	for (size_t i = 0; i < words->count; i++) {
		struct rtta_word *word = &words->word[i];

		word->from_ns = from_ns + (int64_t)((double)(to_ns - from_ns) * done / all);
		done += by_chars ? (double)word->chars : 1;
		word->to_ns = from_ns + (int64_t)((double)(to_ns - from_ns) * done / all);
	}
}

void
rtta_words_time(struct rtta_words *words, const struct rtta_transcript *transcript,
    const struct rtta_record *record, bool by_chars)
{
	if (!time_as_told(words, transcript, record))
		time_evenly(words, transcript, record, by_chars);
}

void
rtta_words_done(struct rtta_words *words)
{
	free(words->word);
	*words = (struct rtta_words){0};
}

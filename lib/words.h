/*
 * words - the words of a record's text, with times for players.
 *
 * The times are the engine's where the record has as many words as its text;
 * otherwise they are shared out, for display only.  Pure.
 */
#ifndef RTTA_WORDS_H
#define RTTA_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rtta_record;
struct rtta_transcript;

struct rtta_word {
	const char *text;          /* borrowed, bytes long */
	size_t bytes, chars;
	int64_t from_ns, to_ns;    /* as rtta_transcript_when() */
	double confidence;         /* NAN: not known */
};

/* Who speaks, for people: a channel of a split session, from 1 (whose speakers
 * an engine counts for each channel anew), the speaker, or "". */
enum { RTTA_WORDS_SPEAKER_BYTES = 24 };
const char *rtta_words_speaker(const struct rtta_record *record,
    char buffer[RTTA_WORDS_SPEAKER_BYTES]);

/* It is text, and more than blanks. */
bool rtta_words_are_in(const struct rtta_record *record);

/* The text ends a sentence; blanks behind that do not matter. */
bool rtta_words_end_sentence(const char *text, size_t bytes);

/* All zero is empty. */
struct rtta_words {
	struct rtta_word *word;
	size_t count, room;
	size_t chars;              /* of all words */
};

/* What blanks divide; a word longer than max_chars is cut, as there is
 * nowhere else to. */
void rtta_words_add(struct rtta_words *words, const char *text, size_t max_chars);
void rtta_words_done(struct rtta_words *words);

/* Fill in the times of all words, which are record's.  Where they have to be
 * shared out: by characters, or one word as long as the other. */
void rtta_words_time(struct rtta_words *words, const struct rtta_transcript *transcript,
    const struct rtta_record *record, bool by_chars);

#endif

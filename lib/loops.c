#include <ctype.h>
#include <stddef.h>
#include <string.h>

#include "loops.h"

enum {
	MAX_WORDS = 512,        /* of one utterance; 30 s hold about 100 */
	MAX_GROUP_WORDS = 8,
	MAX_PIECE_BYTES = 4,
	TIMES_WORD = 5,
	TIMES_PAIR = 4,
	TIMES_GROUP = 3,
	TIMES_PIECE = 10
};

/* The fastest speakers reach 6 words and 30 letters a second. */
static const double max_words_per_s = 7, max_bytes_per_s = 40;

struct word {
	const char *text;       /* first letter or digit */
	size_t bytes;           /* to the last of them */
};

/* Bytes above 127 are part of a letter in UTF-8. */
static bool
is_letter(char c)
{
	return isalnum((unsigned char)c) || (unsigned char)c > 127;
}

/* What stands between blanks, dashes count as blanks, without what is
 * neither letter nor digit at either end. */
static size_t
split(const char *text, struct word words[MAX_WORDS])
{
	size_t count = 0;

	while (*text != '\0' && count < MAX_WORDS) {
		size_t bytes = strcspn(text, " \t\n-");
		const char *next = text + bytes + (text[bytes] != '\0');

		while (bytes > 0 && !is_letter(*text))
			text++, bytes--;
		while (bytes > 0 && !is_letter(text[bytes - 1]))
			bytes--;
		if (bytes > 0)
			words[count++] = (struct word){ text, bytes };
		text = next;
	}
	return count;
}

static bool
same(const struct word *a, const struct word *b)
{
	return a->bytes == b->bytes &&
	    strncasecmp(a->text, b->text, a->bytes) == 0;
}

/* How many times the group of size words at words[0] stands there in a row. */
static size_t
times_group(const struct word *words, size_t count, size_t size)
{
	size_t matching = 0;

	while (size + matching < count &&
	    same(words + matching, words + size + matching))
		matching++;
	return 1 + matching / size;
}

static size_t
too_often(size_t size)
{
	return size == 1 ? TIMES_WORD : size == 2 ? TIMES_PAIR : TIMES_GROUP;
}

/* The size of the group that words[0] repeats too often, or 0. */
static size_t
looping_group(const struct word *words, size_t count)
{
	for (size_t size = 1; size <= MAX_GROUP_WORDS && size < count; size++)
		if (times_group(words, count, size) >= too_often(size))
			return size;
	return 0;
}

/*
 * The same inside a word: hahahahaha..., 1000000000...  The bytes of the
 * repeated piece with its first byte at *at, and the bytes of all of them.
 */
static size_t
looping_piece(const struct word *word, size_t *at, size_t *all_bytes)
{
	for (size_t size = 1; size <= MAX_PIECE_BYTES; size++)
		for (size_t i = 0; i + size * TIMES_PIECE <= word->bytes; i++) {
			size_t matching = 0;

			while (i + size + matching < word->bytes &&
			    word->text[i + matching] ==
			    word->text[i + size + matching])
				matching++;
			if (matching / size + 1 >= TIMES_PIECE) {
				*at = i;
				*all_bytes = matching + size;
				return size;
			}
		}
	return 0;
}

bool
rtta_loops_found(const char *text, double seconds)
{
	struct word words[MAX_WORDS];
	size_t count = split(text, words), at, all_bytes;

	if ((double)count > 4 + max_words_per_s * seconds ||
	    (double)strlen(text) > 20 + max_bytes_per_s * seconds)
		return true;
	for (size_t i = 0; i < count; i++)
		if (looping_group(words + i, count - i) > 0 ||
		    looping_piece(words + i, &at, &all_bytes) > 0)
			return true;
	return false;
}

/* Take bytes out of text, from..to. */
static void
cut_out(char *text, const char *from, const char *to)
{
	char *at = text + (from - text);

	memmove(at, to, strlen(to) + 1);
}

/* Shorten the first loop.  False when there was none. */
static bool
collapse_one(char *text)
{
	struct word words[MAX_WORDS];
	size_t count = split(text, words), size, at, all_bytes;

	for (size_t i = 0; i < count; i++) {
		size = looping_group(words + i, count - i);
		if (size > 0) {
			size_t times = times_group(words + i, count - i, size);
			const struct word *first_end = words + i + size - 1;
			const struct word *last_end =
			    words + i + times * size - 1;

			cut_out(text, first_end->text + first_end->bytes,
			    last_end->text + last_end->bytes);
			return true;
		}
		size = looping_piece(words + i, &at, &all_bytes);
		if (size > 0) {
			cut_out(text, words[i].text + at + size,
			    words[i].text + at + all_bytes);
			return true;
		}
	}
	return false;
}

void
rtta_loops_collapse(char *text)
{
	while (collapse_one(text))
		continue;
}

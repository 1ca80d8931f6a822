/*
 * loops - does a speech model's text run in circles?
 *
 * A decoder that lost its way says the same few words until its limit of
 * tokens, or more than anybody can say in the time.  This module looks at
 * text only; it knows no engine.  Words are compared without case and
 * punctuation.
 */
#ifndef RTTA_LOOPS_H
#define RTTA_LOOPS_H

#include <stdbool.h>

/*
 * True when one word stands there five times in a row, two words four times,
 * a group of 3 to 8 words three times, a piece of 1 to 4 letters or digits ten times within a
 * word, or when there is more text than fits into seconds of speech.
 */
bool rtta_loops_found(const char *text, double seconds);

/*
 * Leave one of each group of words or piece of a word that is repeated so,
 * in place: what cannot be decoded better is still not passed on as a loop.
 */
void rtta_loops_collapse(char *text);

#endif

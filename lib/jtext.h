/*
 * jtext - JSON text, written as it goes.
 *
 * For what is written often: the same bytes that libjq prints for the same
 * value, without making that value first.  The buffer grows and is used
 * again.  Names, colons and commas are the caller's (rtta_jtext_raw).
 */
#ifndef RTTA_JTEXT_H
#define RTTA_JTEXT_H

#include <jv.h>
#include <stddef.h>
#include <stdint.h>

/* All zero is empty.  text is not terminated. */
struct rtta_jtext {
	char *text;
	size_t bytes, size;
};

void rtta_jtext_done(struct rtta_jtext *out);  /* frees the text */

/* These bytes, as they are. */
void rtta_jtext_raw(struct rtta_jtext *out, const char *text, size_t bytes);

/* A string with its quotes.  What is no UTF-8 becomes U+FFFD. */
void rtta_jtext_string(struct rtta_jtext *out, const char *text);

void rtta_jtext_whole(struct rtta_jtext *out, uint64_t number);
void rtta_jtext_value(struct rtta_jtext *out, jv value);  /* taken */

#endif

/*
 * template - JSON with variables in it, and queries made of it.
 *
 * "${name}" in a string stands for a variable; a string that is nothing but
 * one takes its value with its type; what is null then is left out of its
 * object or list.  Pure.
 */
#ifndef RTTA_TEMPLATE_H
#define RTTA_TEMPLATE_H

#include <jv.h>

struct rtta_err;

/* Takes value, borrows vars (an object).  An invalid jv with EX_CONFIG when
 * a variable is not known; what names the template. */
jv rtta_template_fill(const char *what, jv value, jv vars, struct rtta_err *err);

/* The same for text; the caller frees it.  NULL with *err. */
char *rtta_template_text(const char *what, const char *text, jv vars, struct rtta_err *err);

/*
 * A filled object as a query, "a=1&b=two", without the "?": keys in order of
 * their letters, a list as its key repeated, booleans in lower case, all else
 * percent-encoded (RFC 3986).  Takes object; the caller frees the text.
 */
char *rtta_template_query(jv object);

#endif

/*
 * json - reading and writing jv values with names in the errors.
 *
 * A jv parameter is taken (freed) as in libjq, except where "borrowed" is
 * said.  A key that is absent gives the fallback; a key of the wrong type is
 * an error that names it.  Numbers above 2^53 do not fit into JSON: samples,
 * runs and nanoseconds are not passed this way where they can be larger.
 */
#ifndef RTTA_JSON_H
#define RTTA_JSON_H

#include <jv.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rtta_err;

/*
 * Parse one JSON object, or array, of at most limit bytes; what names it in
 * errors.  The object or array, or an invalid jv with EX_DATAERR.  Text that is not UTF-8,
 * nested deeper than 32, or followed by more than blanks is refused.
 */
jv rtta_json_object(const char *what, const void *data, size_t bytes,
    size_t limit, struct rtta_err *err);
jv rtta_json_array(const char *what, const void *data, size_t bytes,
    size_t limit, struct rtta_err *err);

/* No surrogates, no overlong forms, nothing above U+10FFFF. */
bool rtta_json_is_utf8(const char *text, size_t bytes);

/*
 * Fields of a borrowed object.  0, or -1 with EX_DATAERR "what: key: ...".
 * A string is copied to the caller, who frees it; NULL when absent or null.
 */
int rtta_json_string(const char *what, jv object, const char *key, char **value,
    struct rtta_err *err);
int rtta_json_int(const char *what, jv object, const char *key, int64_t min,
    int64_t max, int64_t *value, struct rtta_err *err);  /* absent: unchanged */
int rtta_json_double(const char *what, jv object, const char *key, double *value,
    struct rtta_err *err);                               /* absent: unchanged */
int rtta_json_bool(const char *what, jv object, const char *key, bool *value,
    struct rtta_err *err);                               /* absent: unchanged */

/* The number of a borrowed object, where one that is absent, or no number, is
 * no error: then `otherwise`, also of what is no object. */
double rtta_json_number(jv object, const char *key, double otherwise);

/* One line of JSON, ASCII only when ascii is set; the caller frees it. */
char *rtta_json_text(jv value, bool ascii);

/* Write value as one line of JSON to stdout and flush.  0, or -1 EX_IOERR. */
int rtta_event_write(jv value, struct rtta_err *err);
int rtta_event_write_text(const char *text, size_t bytes, struct rtta_err *err);

#endif

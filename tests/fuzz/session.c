/* The keys of a session from anybody: refused with a sentence, or what is
 * written again reads the same. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "json.h"
#include "mem.h"
#include "session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/* Decode, encode, decode: the second and the third are one. */
#define TRY(kind) do {								\
		struct rtta_session_##kind one, two;				\
		struct rtta_err err = {0};					\
		jv again, third;						\
										\
		memset(&one, 0, sizeof(one));					\
		memset(&two, 0, sizeof(two));					\
		if (rtta_session_##kind##_decode(&one, value, &err) < 0) {	\
			assert(err.exit_code == EX_DATAERR);			\
			break;							\
		}								\
		again = rtta_session_##kind##_encode(&one);			\
		assert(rtta_session_##kind##_decode(&two, again, &err) == 0);	\
		third = rtta_session_##kind##_encode(&two);			\
		assert(jv_equal(again, third));					\
	} while (0)

static void
try_key(const uint8_t *data, size_t bytes)
{
	char key[RTTA_SESSION_KEY_BYTES], what[16], id[RTTA_SESSION_ID_BYTES];
	char *text = rtta_xcalloc(1, bytes + 1);
	const char *rest;

	memcpy(text, data, bytes);
	if (rtta_session_key_parse(text, what, id, &rest) == 0) {
		assert(rtta_session_id_valid(id));
		if (rest[0] == '\0')
			assert(strcmp(rtta_session_key(key, what, id), text) == 0);
	}
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct rtta_err ignored = {0};
	jv value;

	try_key(data, bytes);
	value = rtta_json_object("fuzz", data, bytes, 65536, &ignored);
	if (jv_is_valid(value)) {
		TRY(config);
		TRY(info);
		TRY(cut);
		TRY(end);
		TRY(run);
		TRY(flush);
		TRY(note);
	}
	jv_free(value);
	return 0;
}

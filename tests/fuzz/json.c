/* JSON from anywhere: refused with a sentence, or an object whose text is
 * read again. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct rtta_err err = { 0 };
	int64_t number = 0;
	double real = 0;
	bool yes = false;
	char *text;
	jv object, again;

	object = rtta_json_object("fuzz", data, bytes, 65536, &err);
	assert(jv_is_valid(object) == (err.exit_code == 0));
	if (!jv_is_valid(object)) {
		assert(strpbrk(err.text, "\n\r") == NULL);
		jv_free(object);
		return 0;
	}
	if (rtta_json_string("fuzz", object, "a", &text, &err) == 0)
		free(text);
	if (rtta_json_int("fuzz", object, "a", -5, 5, &number, &err) == 0)
		assert(number >= -5 && number <= 5);
	rtta_json_double("fuzz", object, "a", &real, &err);
	rtta_json_bool("fuzz", object, "a", &yes, &err);
	text = rtta_json_text(jv_copy(object), true);
	err = (struct rtta_err){ 0 };
	again = rtta_json_object("again", text, strlen(text), SIZE_MAX, &err);
	assert(jv_is_valid(again));
	jv_free(again);
	jv_free(object);
	free(text);
	return 0;
}

/* Any text: collapsed, it has no loop left, and it never grows. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "loops.h"
#include "mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = rtta_xcalloc(size + 1, 1);
	size_t bytes;

	memcpy(text, data, size);
	bytes = strlen(text);
	rtta_loops_found(text, 10);
	rtta_loops_collapse(text);
	assert(!rtta_loops_found(text, 1e9));
	assert(strlen(text) <= bytes);
	free(text);
	return 0;
}

/* Heartbeats from anybody, one a line: what is told of them is JSON. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "health.h"
#include "json.h"
#include "mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void
tell(const struct rtta_health *health, bool all)
{
	struct rtta_err err = {0};
	char *text = rtta_json_text(JV_OBJECT(jv_string("tools"),
	    rtta_health_json(health, all)), true);
	jv again = rtta_json_object("again", text, strlen(text), SIZE_MAX, &err);

	assert(jv_is_valid(again));
	jv_free(again);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct rtta_health *health = rtta_health_new();
	char *text = rtta_xcalloc(1, bytes + 1), *rest = NULL;
	int64_t now_ms = 0;

	memcpy(text, data, bytes);
	for (char *line = strtok_r(text, "\n", &rest); line != NULL;
	    line = strtok_r(NULL, "\n", &rest)) {
		struct rtta_err ignored = {0};

		rtta_health_beat(health, rtta_json_object("heartbeat", line, strlen(line),
		    16384, &ignored), now_ms, now_ms * 1000000);
		now_ms += 7000;
		rtta_health_tick(health, now_ms, now_ms * 1000000);
	}
	rtta_health_alive(health, "rtta-stt", "live");
	tell(health, false);
	tell(health, true);
	rtta_health_free(health);
	free(text);
	return 0;
}

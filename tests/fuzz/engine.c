/* What an engine says: lines of JSON become events, events become records. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "draft.h"
#include "engine.h"
#include "err.h"
#include "json.h"
#include "record.h"
#include "scribe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
hear(struct rtta_scribe *scribe, const char *line, size_t bytes)
{
	struct rtta_engine_event event;
	struct rtta_err err = {0};
	jv object = rtta_json_object("engine", line, bytes, 65536, &err);

	if (jv_is_valid(object) &&
	    rtta_engine_event_decode(&event, "engine", object, &err) == 0) {
		rtta_scribe_event(scribe, &event);
		rtta_engine_event_done(&event);
	}
	jv_free(object);
}

/* Records are in order and never overlap, whatever was said. */
static void
take_drafts(struct rtta_scribe *scribe, uint64_t *last)
{
	struct rtta_draft *draft;

	while ((draft = rtta_scribe_next(scribe)) != NULL) {
		struct rtta_span span = draft->record.span;

		if (span.first < *last || span.last < span.first || span.last > 1600000)
			abort();
		if (draft->record.is_final)
			*last = span.last;
		rtta_draft_free(draft);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rtta_record like;
	struct rtta_scribe *scribe;
	const char *text = (const char *)data, *end = text + size;
	bool coarse = size > 0 && data[0] == '\n';
	uint64_t last = 0;

	rtta_record_init(&like);
	scribe = rtta_scribe_new(&like, 16000);
	rtta_scribe_sent(scribe, (struct rtta_span){ 1, 0, coarse ? 10 : 160000 }, 160000, 1);
	while (text < end) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));
		size_t bytes = (size_t)((stop != NULL ? stop : end) - text);

		hear(scribe, text, bytes);
		take_drafts(scribe, &last);
		text += bytes + 1;
	}
	rtta_scribe_finish(scribe);
	take_drafts(scribe, &last);
	rtta_scribe_free(scribe);
	rtta_record_done(&like);
	return 0;
}

/* What an engine says: lines of JSON become events, events become records. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cover.h"
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

/* What is left of a record where others stand: all of it that they do not
 * cover, and nothing that they do. */
static void
cut(struct rtta_draft *draft)
{
	struct rtta_cover *cover = rtta_cover_new(), *again = rtta_cover_new();
	struct rtta_span whole = draft->record.span, part;
	struct rtta_drafts drafts;
	struct rtta_draft *left;

	rtta_cover_add(cover, (struct rtta_span){ 1, 100, 1000 });
	rtta_cover_add(cover, (struct rtta_span){ 1, 20000, 50000 });
	rtta_drafts_init(&drafts);
	rtta_draft_cut(draft, cover, &drafts, again);
	while ((left = rtta_drafts_take(&drafts)) != NULL) {
		if (rtta_cover_present(cover, left->record.span, &part))
			abort();
		rtta_cover_add(cover, left->record.span);
		rtta_draft_free(left);
	}
	for (size_t i = 0; rtta_cover_at(again, i, &part); i++)
		rtta_cover_add(cover, part);
	if (rtta_cover_missing(cover, whole, &part))
		abort();
	rtta_cover_free(again);
	rtta_cover_free(cover);
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
		if (draft->record.is_final)
			cut(draft);
		else
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

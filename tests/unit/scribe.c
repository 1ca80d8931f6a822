/* scribe: what an engine says, as records. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "cover.h"
#include "draft.h"
#include "engine.h"
#include "record.h"
#include "scribe.h"

enum { RATE_HZ = 16000 };
#define START_NS INT64_C(1700000000000000000)

static struct rtta_scribe *
make(void)
{
	struct rtta_record like;
	struct rtta_scribe *scribe;

	rtta_record_init(&like);
	strcpy(like.session, "S");
	scribe = rtta_scribe_new(&like, RATE_HZ);
	rtta_record_done(&like);
	return scribe;
}

/* seconds of sound from sample on */
static void
sent(struct rtta_scribe *scribe, uint64_t first, double seconds)
{
	uint64_t last = first + (uint64_t)(seconds * RATE_HZ);

	rtta_scribe_sent(scribe, (struct rtta_span){ 1, first, last }, last - first,
	    START_NS + rtta_samples_ns(first, RATE_HZ));
}

static void
says(struct rtta_scribe *scribe, enum rtta_engine_kind kind, double start_s, double end_s,
    const char *text, bool is_final)
{
	struct rtta_engine_event event;

	rtta_engine_event_init(&event);
	event.kind = kind;
	event.start_s = start_s;
	event.end_s = end_s;
	event.is_final = is_final;
	event.text = text != NULL ? strdup(text) : NULL;
	rtta_scribe_event(scribe, &event);
	rtta_engine_event_done(&event);
}

/* All drafts that wait: "text 0-16000 hello (0.5); ..." with the start in seconds. */
static const char *
written(struct rtta_scribe *scribe)
{
	static const char *const names[] = { "text", "silence", "gap" };
	static char out[2000];
	struct rtta_draft *draft;
	int used = 0;

	out[0] = '\0';
	while ((draft = rtta_scribe_next(scribe)) != NULL) {
		const struct rtta_record *record = &draft->record;

		used += snprintf(out + used, sizeof(out) - (size_t)used,
		    "%s%s %" PRIu64 "-%" PRIu64 " %s(%.1f); ", record->is_final ? "" : "~",
		    names[record->type], record->span.first, record->span.last,
		    record->type == RTTA_RECORD_GAP ? record->reason : record->text,
		    (double)(record->start_ns - START_NS) / 1e9);
		rtta_draft_free(draft);
	}
	return out;
}

#define TEXT RTTA_ENGINE_TEXT
#define END RTTA_ENGINE_UTTERANCE_END

/* first is where the one before ended; the engine's start sets the time. */
static void
test_spans(void)
{
	struct rtta_scribe *scribe = make();

	sent(scribe, 16000, 10);
	says(scribe, TEXT, 1.0, 2.0, " one ", true);
	says(scribe, TEXT, 3.6000004, 4.0, "two", true);
	says(scribe, TEXT, 3.9, 5.0, "three", true);        /* overlaps: it begins behind */
	says(scribe, TEXT, 5.5, 99.0, "four", true);        /* clamped to what was sent */
	CHECK_STR(written(scribe), "text 16000-48000 one(2.0); text 48000-80000 two(4.6); "
	    "text 80000-96000 three(5.0); text 96000-176000 four(6.5); ");
	rtta_scribe_finish(scribe);
	CHECK_STR(written(scribe), "");
	rtta_scribe_free(scribe);
}

/* Silence: merged, half a minute at least; the rest when all is said. */
static void
test_silence(void)
{
	struct rtta_scribe *scribe = make();

	sent(scribe, 0, 100);
	for (int s = 2; s < 30; s += 2)
		says(scribe, END, NAN, s, NULL, false);
	CHECK_STR(written(scribe), "");
	says(scribe, END, NAN, 31, NULL, false);
	CHECK_STR(written(scribe), "silence 0-496000 (0.0); ");
	says(scribe, TEXT, 35, 36, "word", true);
	CHECK_STR(written(scribe), "text 496000-576000 word(35.0); ");
	says(scribe, TEXT, 80, 81, "late", true);            /* long silence before it */
	CHECK_STR(written(scribe), "silence 576000-1280000 (36.0); text 1280000-1296000 late(80.0); ");
	says(scribe, TEXT, 82, 90, "", true);                /* empty: settled */
	rtta_scribe_finish(scribe);
	CHECK_STR(written(scribe), "silence 1296000-1600000 (81.0); ");
	rtta_scribe_free(scribe);
}

/* The connection breaks: silence that was settled is kept, nothing else. */
static void
test_abandon(void)
{
	struct rtta_scribe *scribe = make();

	sent(scribe, 0, 20);
	says(scribe, TEXT, 1, 2, "one", true);
	says(scribe, END, NAN, 5, NULL, false);
	says(scribe, TEXT, 6, 7, "interim", false);
	CHECK_STR(written(scribe), "text 0-32000 one(1.0); ~text 32000-112000 interim(6.0); ");
	rtta_scribe_abandon(scribe);
	CHECK_STR(written(scribe), "silence 32000-80000 (2.0); ");
	rtta_scribe_give_up(scribe, "why");
	CHECK_STR(written(scribe), "gap 80000-320000 why(5.0); ");
	rtta_scribe_free(scribe);
}

/* Text that comes for sound before the cursor is never dropped. */
static void
test_late(void)
{
	struct rtta_scribe *scribe = make();

	sent(scribe, 0, 40);
	says(scribe, END, NAN, 35, NULL, false);
	says(scribe, TEXT, 30, 31, "sorry", true);
	CHECK_STR(written(scribe), "silence 0-560000 (0.0); ");
	says(scribe, TEXT, 36, 37, "now", true);
	CHECK_STR(written(scribe), "text 560000-592000 sorry now(36.0); ");
	says(scribe, TEXT, 1, 2, "very late", true);
	rtta_scribe_finish(scribe);
	CHECK_STR(written(scribe), "text 592000-640000 very late(37.0); ");
	rtta_scribe_free(scribe);
}

static void
test_deltas(void)
{
	struct rtta_scribe *scribe = make();

	sent(scribe, 0, 10);
	says(scribe, RTTA_ENGINE_DELTA, 1, NAN, "he", false);
	says(scribe, RTTA_ENGINE_DELTA, NAN, NAN, "llo", false);
	written(scribe);
	says(scribe, END, NAN, 2, NULL, false);
	CHECK_STR(written(scribe), "text 0-32000 hello(1.0); ");
	rtta_scribe_free(scribe);
}

/* Foreign sound: a message is one position, however long; texts that end in
 * the same one are one record. */
static void
test_foreign(void)
{
	struct rtta_scribe *scribe = make();

	for (uint64_t seq = 10; seq < 30; seq += 2)
		rtta_scribe_sent(scribe, (struct rtta_span){ 9, seq, seq + 1 }, RATE_HZ,
		    START_NS + (int64_t)(seq - 10) * 500000000);
	says(scribe, TEXT, 0.1, 0.3, "a", true);
	says(scribe, TEXT, 0.4, 0.6, "b", true);
	CHECK_STR(written(scribe), "");
	says(scribe, TEXT, 1.2, 2.5, "c", true);
	CHECK_STR(written(scribe), "text 10-11 a b(0.1); ");
	says(scribe, END, NAN, 4.5, NULL, false);
	CHECK_STR(written(scribe), "text 11-15 c(1.2); ");
	rtta_scribe_finish(scribe);
	CHECK_STR(written(scribe), "silence 15-29 (2.5); ");
	rtta_scribe_free(scribe);
}

/* Words in seconds become words in samples. */
static void
test_words(void)
{
	struct rtta_scribe *scribe = make();
	struct rtta_engine_event event;
	struct rtta_draft *draft;
	jv dump;

	sent(scribe, 1000, 5);
	rtta_engine_event_init(&event);
	event.kind = TEXT;
	event.start_s = 1;
	event.end_s = 2;
	event.is_final = true;
	event.text = strdup("hi you");
	event.words = jv_parse("[{\"word\":\"hi\",\"start\":1,\"end\":1.25,\"confidence\":0.5},"
	    "{\"word\":\"you\",\"start\":1.5,\"end\":2}]");
	rtta_scribe_event(scribe, &event);
	rtta_engine_event_done(&event);
	draft = rtta_scribe_next(scribe);
	dump = jv_dump_string(jv_copy(draft->record.words), JV_PRINT_SORTED);
	CHECK_STR(jv_string_value(dump), "[{\"confidence\":0.5,\"first\":17000,\"last\":21000,\"word\":\"hi\"},"
	    "{\"first\":25000,\"last\":33000,\"word\":\"you\"}]");
	jv_free(dump);
	rtta_draft_free(draft);

	/* One that is no word: none are kept, the text is. */
	event.kind = TEXT;
	event.start_s = 3;
	event.end_s = 4;
	event.is_final = true;
	event.text = strdup("you");
	event.words = jv_parse("[{\"word\":\"you\",\"start\":3,\"end\":4}, {\"word\": 3}]");
	rtta_scribe_event(scribe, &event);
	rtta_engine_event_done(&event);
	draft = rtta_scribe_next(scribe);
	CHECK(!jv_is_valid(draft->record.words));
	CHECK_STR(draft->record.text, "you");
	rtta_draft_free(draft);
	rtta_scribe_free(scribe);
}

int
main(void)
{
	test_spans();
	test_silence();
	test_abandon();
	test_late();
	test_deltas();
	test_foreign();
	test_words();
	return check_result();
}

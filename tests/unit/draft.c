/* draft: what is left of a record when others have covered part of it. */
#include <stdlib.h>

#include "check.h"
#include "cover.h"
#include "draft.h"
#include "mem.h"

static struct rtta_draft *
make(enum rtta_record_type type, uint64_t first, uint64_t core, uint64_t last, const char *words)
{
	struct rtta_draft *draft = rtta_draft_new();

	draft->record.type = type;
	draft->record.span = (struct rtta_span){ 7, first, last };
	draft->core = (struct rtta_span){ 7, core, last };
	draft->ns_per_position = 1000;
	draft->record.start_ns = (int64_t)core * 1000;
	draft->record.end_ns = (int64_t)last * 1000;
	if (type == RTTA_RECORD_TEXT) {
		free(draft->record.text);
		draft->record.text = rtta_xstrdup("one two three");
	}
	if (words != NULL)
		draft->record.words = jv_parse(words);
	return draft;
}

/* The pieces as "text 10-20 one two three; silence ..." and what is heard
 * again as "again 1-2". */
static const char *
cut(struct rtta_draft *draft, const uint64_t covered[][2], size_t count)
{
	static const char *const names[] = { "text", "silence", "gap" };
	static char out[1000];
	struct rtta_cover *cover = rtta_cover_new(), *again = rtta_cover_new();
	struct rtta_drafts pieces;
	struct rtta_span span;
	struct rtta_draft *piece;
	int used = 0;

	for (size_t i = 0; i < count; i++)
		rtta_cover_add(cover, (struct rtta_span){ 7, covered[i][0], covered[i][1] });
	rtta_drafts_init(&pieces);
	rtta_draft_cut(draft, cover, &pieces, again);
	out[0] = '\0';
	while ((piece = rtta_drafts_take(&pieces)) != NULL) {
		used += snprintf(out + used, sizeof(out) - (size_t)used, "%s %llu-%llu%s%s at %lld a%u; ",
		    names[piece->record.type],
		    (unsigned long long)piece->record.span.first,
		    (unsigned long long)piece->record.span.last,
		    piece->record.text[0] ? " " : "", piece->record.text,
		    (long long)piece->record.start_ns / 1000, piece->attempt);
		CHECK_INT(piece->record.end_ns, piece->record.span.last * 1000);
		rtta_draft_free(piece);
	}
	for (size_t i = 0; rtta_cover_at(again, i, &span); i++)
		used += snprintf(out + used, sizeof(out) - (size_t)used, "again %llu-%llu; ",
		    (unsigned long long)span.first, (unsigned long long)span.last);
	rtta_cover_free(cover);
	rtta_cover_free(again);
	return out;
}

static const char words[] = "[{\"word\":\"one\",\"first\":100,\"last\":120},"
    "{\"word\":\"two\",\"first\":140,\"last\":160},{\"word\":\"three\",\"first\":180,\"last\":200}]";

static void
test_untouched(void)
{
	const uint64_t beside[][2] = { { 0, 50 }, { 200, 300 } };

	CHECK_STR(cut(make(RTTA_RECORD_TEXT, 50, 100, 200, NULL), beside, 2),
	    "text 50-200 one two three at 100 a0; ");
	CHECK_STR(cut(make(RTTA_RECORD_GAP, 60, 60, 60, NULL), beside, 2), "gap 60-60 at 60 a0; ");
}

static void
test_gone(void)
{
	const uint64_t all[][2] = { { 0, 1000 } };

	CHECK_STR(cut(make(RTTA_RECORD_TEXT, 50, 100, 200, NULL), all, 1), "");
	CHECK_STR(cut(make(RTTA_RECORD_SILENCE, 50, 50, 200, NULL), all, 1), "");
}

static void
test_wordless(void)
{
	const uint64_t middle[][2] = { { 80, 90 } };

	CHECK_STR(cut(make(RTTA_RECORD_SILENCE, 50, 50, 200, NULL), middle, 1),
	    "silence 50-80 at 50 a1; silence 90-200 at 90 a1; ");
	CHECK_STR(cut(make(RTTA_RECORD_GAP, 50, 50, 200, NULL), middle, 1),
	    "gap 50-80 at 50 a1; gap 90-200 at 90 a1; ");
}

/* With word times a word is where its middle is. */
static void
test_words(void)
{
	const uint64_t a[][2] = { { 0, 111 } }, b[][2] = { { 125, 145 } }, c[][2] = { { 149, 171 } };

	CHECK_STR(cut(make(RTTA_RECORD_TEXT, 50, 100, 200, words), a, 1),
	    "text 111-200 two three at 111 a1; ");
	CHECK_STR(cut(make(RTTA_RECORD_TEXT, 50, 100, 200, words), b, 1),
	    "text 50-125 one at 100 a1; text 145-200 two three at 145 a1; ");
	CHECK_STR(cut(make(RTTA_RECORD_TEXT, 50, 100, 200, words), c, 1),
	    "text 50-149 one at 100 a1; text 171-200 three at 171 a1; ");
}

/* Without, the text stays whole where half of its core is left ... */
static void
test_whole(void)
{
	const uint64_t head[][2] = { { 0, 140 } }, silence[][2] = { { 60, 90 } },
	    middle[][2] = { { 110, 130 } };

	CHECK_STR(cut(make(RTTA_RECORD_TEXT, 50, 100, 200, NULL), head, 1),
	    "text 140-200 one two three at 140 a1; ");
	CHECK_STR(cut(make(RTTA_RECORD_TEXT, 50, 100, 200, NULL), silence, 1),
	    "silence 50-60 at 50 a1; text 90-200 one two three at 100 a1; ");
	CHECK_STR(cut(make(RTTA_RECORD_TEXT, 50, 100, 200, NULL), middle, 1),
	    "silence 50-110 at 50 a1; text 130-200 one two three at 130 a1; ");
}

/* ... and is heard again where less is; the silence before it is kept. */
static void
test_again(void)
{
	const uint64_t middle[][2] = { { 130, 180 } };

	CHECK_STR(cut(make(RTTA_RECORD_TEXT, 50, 100, 200, NULL), middle, 1),
	    "silence 50-100 at 50 a1; again 100-130; again 180-200; ");
}

int
main(void)
{
	test_untouched();
	test_gone();
	test_wordless();
	test_words();
	test_whole();
	test_again();
	return check_result();
}

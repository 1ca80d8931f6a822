#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "book.h"
#include "cover.h"
#include "mem.h"

enum { PARTS = 1 + RTTA_FRAME_MAX_CHANNELS };

void
rtta_books_init(struct rtta_books *books)
{
	*books = (struct rtta_books){ .last = &books->first };
}

static void
free_book(struct rtta_book *book)
{
	for (int i = 0; i < RTTA_BOOK_REVS; i++) {
		rtta_cover_free(book->cover[i]);
		for (size_t k = 0; k < PARTS; k++) {
			rtta_cover_free(book->part[i][k].cover);
			rtta_cover_free(book->part[i][k].claimed);
		}
	}
	rtta_drafts_done(&book->queue);
	free(book->breaks);
	free(book);
}

void
rtta_books_done(struct rtta_books *books)
{
	struct rtta_book *book;

	while ((book = books->first) != NULL) {
		books->first = book->next;
		free_book(book);
	}
	free(books->buckets);
	rtta_books_init(books);
}

/* Where the book of a session is, or an empty bucket.  Open addressing. */
static size_t
bucket_of(const struct rtta_books *books, const char *session)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	size_t at;

	for (const char *c = session; *c != '\0'; c++)
		hash = (hash ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
	at = (size_t)hash & (books->bucket_count - 1);
	while (books->buckets[at] != NULL && strcmp(books->buckets[at]->session, session) != 0)
		at = (at + 1) & (books->bucket_count - 1);
	return at;
}

static void
grow(struct rtta_books *books)
{
	free(books->buckets);
	books->bucket_count = books->bucket_count ? books->bucket_count * 2 : 64;
	books->buckets = rtta_xcalloc(books->bucket_count, sizeof(struct rtta_book *));
	for (struct rtta_book *book = books->first; book != NULL; book = book->next)
		books->buckets[bucket_of(books, book->session)] = book;
}

struct rtta_book *
rtta_books_get(struct rtta_books *books, const char *session)
{
	struct rtta_book *book;
	size_t at;

	if (2 * (books->count + 1) > books->bucket_count)
		grow(books);
	at = bucket_of(books, session);
	if (books->buckets[at] != NULL)
		return books->buckets[at];
	book = rtta_xcalloc(1, sizeof(*book));
	strncpy(book->session, session, sizeof(book->session) - 1);
	for (int i = 0; i < RTTA_BOOK_REVS; i++)
		book->cover[i] = rtta_cover_new();
	rtta_drafts_init(&book->queue);
	books->buckets[at] = book;
	books->count++;
	*books->last = book;
	books->last = &book->next;
	return book;
}

/* --- parts --- */

static void
add_all(struct rtta_cover *to, const struct rtta_cover *from)
{
	struct rtta_span span;

	for (size_t i = 0; rtta_cover_at(from, i, &span); i++)
		rtta_cover_add(to, span);
}

int
rtta_book_channels(const struct rtta_book *book, int *end)
{
	*end = book->channels;
	return book->channels > 0 ? 0 : -1;
}

/* What of span all parts have goes to cover.  True: there is some. */
static bool
unite(struct rtta_book *book, int i, struct rtta_span span)
{
	struct rtta_cover *common, *cover = book->cover[i];
	uint64_t before = rtta_cover_samples(cover);
	struct rtta_span part;
	int end;

	if (book->channels == 0)
		return rtta_cover_add(cover, span) > 0;
	common = rtta_cover_new();
	rtta_cover_add(common, span);
	for (int c = rtta_book_channels(book, &end); c < end; c++)
		for (struct rtta_span rest = span; rtta_cover_missing(book->part[i][c + 1].cover,
		    rest, &part); rest.first = part.last)
			rtta_cover_remove(common, part);
	add_all(cover, common);
	rtta_cover_free(common);
	return rtta_cover_samples(cover) > before;
}

/* What its records say, and those that name no channel. */
static void
make_part(struct rtta_book *book, int i, int channel, const struct rtta_part kept[])
{
	struct rtta_part *part = &book->part[i][channel + 1];

	*part = (struct rtta_part){ rtta_cover_new(), rtta_cover_new() };
	for (int c = -1; c < RTTA_FRAME_MAX_CHANNELS; c++)
		if (kept[c + 1].cover != NULL && (channel < 0 || c < 0 || c == channel))
			add_all(part->cover, kept[c + 1].cover);
	add_all(part->claimed, part->cover);
}

void
rtta_book_tell(struct rtta_book *book, int channels)
{
	struct rtta_part kept[PARTS];
	struct rtta_span span;
	int end;

	if (book->told)
		return;
	book->told = true;
	book->channels = channels;
	for (int i = 0; i < RTTA_BOOK_REVS; i++) {
		memcpy(kept, book->part[i], sizeof(kept));
		memset(book->part[i], 0, sizeof(book->part[i]));
		for (int c = rtta_book_channels(book, &end); c < end; c++)
			make_part(book, i, c, kept);
		for (size_t k = 0; rtta_cover_at(rtta_book_part(book, i + 1, 0)->cover, k, &span); k++)
			unite(book, i, span);
		for (size_t k = 0; k < PARTS; k++)
			rtta_cover_free(kept[k].cover);
	}
}

struct rtta_part *
rtta_book_part(struct rtta_book *book, int rev, int channel)
{
	struct rtta_part *part = book->part[rtta_book_index(rev)];

	assert(book->told && (book->channels == 0 || (channel >= 0 && channel < book->channels)));
	return book->channels == 0 ? part : part + channel + 1;
}

bool
rtta_book_claims(const struct rtta_book *book, int rev, struct rtta_span span)
{
	int end;

	for (int c = rtta_book_channels(book, &end); c < end; c++)
		if (!rtta_cover_contains(book->part[rtta_book_index(rev)][c + 1].claimed, span))
			return false;
	return true;
}

/* Until it is known what counts. */
static void
keep(struct rtta_book *book, int i, int channel, struct rtta_span span)
{
	struct rtta_part *part = &book->part[i][channel + 1];

	if (part->cover == NULL)
		part->cover = rtta_cover_new();
	rtta_cover_add(part->cover, span);
}

bool
rtta_book_enter(struct rtta_book *book, int rev, int channel, struct rtta_span span)
{
	int i = rtta_book_index(rev), end;

	if (channel >= RTTA_FRAME_MAX_CHANNELS)
		return false;
	if (!book->told) {
		keep(book, i, channel, span);
		return false;
	}
	for (int c = rtta_book_channels(book, &end); c < end; c++)
		if (c < 0 || channel < 0 || c == channel) {
			rtta_cover_add(book->part[i][c + 1].cover, span);
			rtta_cover_add(book->part[i][c + 1].claimed, span);
		}
	return unite(book, i, span);
}

void
rtta_book_close(struct rtta_book *book, int rev, uint64_t run)
{
	rtta_book_enter(book, rev, -1, (struct rtta_span){ run, 0, RTTA_SAMPLE_MAX });
}

/* In place: others point to the sets. */
static void
empty(struct rtta_cover *cover)
{
	struct rtta_span span;

	while (cover != NULL && rtta_cover_at(cover, 0, &span))
		rtta_cover_remove(cover, span);
}

void
rtta_book_clear(struct rtta_book *book)
{
	for (int i = 0; i < RTTA_BOOK_REVS; i++) {
		empty(book->cover[i]);
		for (size_t k = 0; k < PARTS; k++) {
			empty(book->part[i][k].cover);
			empty(book->part[i][k].claimed);
		}
	}
	for (struct rtta_draft *draft = book->queue.first; draft != NULL; draft = draft->next)
		rtta_cover_add(rtta_book_part(book, draft->record.rev, draft->record.channel)->claimed,
		    draft->record.span);
	book->break_count = 0;
	book->last_seq = 0;
	book->records = 0;
}

int
rtta_book_index(int rev)
{
	return rev <= 1 ? 0 : RTTA_BOOK_REVS - 1;
}

bool
rtta_book_has_break(const struct rtta_book *book, struct rtta_pos at, int channel)
{
	for (size_t i = 0; i < book->break_count; i++) {
		const struct rtta_break *found = &book->breaks[i];

		if (rtta_pos_equal(found->at, at) && (found->channel < 0 ||
		    found->channel == channel || channel < 0))
			return true;
	}
	return false;
}

void
rtta_book_add_break(struct rtta_book *book, struct rtta_pos at, int channel)
{
	if (rtta_book_has_break(book, at, channel))
		return;
	book->breaks = rtta_xreallocarray(book->breaks, book->break_count + 1,
	    sizeof(*book->breaks));
	book->breaks[book->break_count++] = (struct rtta_break){ at, channel };
}

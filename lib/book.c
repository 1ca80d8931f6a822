#include <stdlib.h>
#include <string.h>

#include "book.h"
#include "cover.h"
#include "mem.h"

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
		rtta_cover_free(book->claimed[i]);
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
	for (int i = 0; i < RTTA_BOOK_REVS; i++) {
		book->cover[i] = rtta_cover_new();
		book->claimed[i] = rtta_cover_new();
	}
	rtta_drafts_init(&book->queue);
	books->buckets[at] = book;
	books->count++;
	*books->last = book;
	books->last = &book->next;
	return book;
}

/* In place: others point to the sets. */
static void
empty(struct rtta_cover *cover)
{
	struct rtta_span span;

	while (rtta_cover_at(cover, 0, &span))
		rtta_cover_remove(cover, span);
}

void
rtta_book_clear(struct rtta_book *book)
{
	for (int i = 0; i < RTTA_BOOK_REVS; i++) {
		empty(book->cover[i]);
		empty(book->claimed[i]);
	}
	for (struct rtta_draft *draft = book->queue.first; draft != NULL; draft = draft->next)
		rtta_cover_add(book->claimed[rtta_book_index(draft->record.rev)],
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
rtta_book_has_break(const struct rtta_book *book, struct rtta_pos at)
{
	for (size_t i = 0; i < book->break_count; i++)
		if (rtta_pos_equal(book->breaks[i], at))
			return true;
	return false;
}

void
rtta_book_add_break(struct rtta_book *book, struct rtta_pos at)
{
	if (rtta_book_has_break(book, at))
		return;
	book->breaks = rtta_xreallocarray(book->breaks, book->break_count + 1,
	    sizeof(*book->breaks));
	book->breaks[book->break_count++] = at;
}

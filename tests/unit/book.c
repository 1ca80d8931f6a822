/* book: what every channel has is covered, whenever it is told of them. */
#include "book.h"
#include "check.h"
#include "cover.h"

enum { RUN = 1 };

static bool
covers(const struct rtta_book *book, int rev, uint64_t first, uint64_t last)
{
	return rtta_cover_contains(book->cover[rev - 1], (struct rtta_span){ RUN, first, last });
}

static bool
enter(struct rtta_book *book, int rev, int channel, uint64_t first, uint64_t last)
{
	return rtta_book_enter(book, rev, channel, (struct rtta_span){ RUN, first, last });
}

static void
check_mixed(struct rtta_book *book)
{
	enter(book, 1, -1, 0, 100);
	CHECK(!covers(book, 1, 0, 100));
	rtta_book_tell(book, 0);
	CHECK(covers(book, 1, 0, 100));
	CHECK(!enter(book, 1, -1, 50, 100));
	/* Whatever channel somebody names. */
	CHECK(enter(book, 1, 3, 100, 200));
	CHECK(covers(book, 1, 0, 200));
	CHECK(!covers(book, 2, 0, 1));
	CHECK(rtta_book_claims(book, 1, (struct rtta_span){ RUN, 0, 200 }));
}

static void
check_split(struct rtta_book *book)
{
	/* What is known before it is told how many there are. */
	CHECK(!enter(book, 1, 0, 0, 100));
	CHECK(!enter(book, 1, 1, 50, 200));
	CHECK(!enter(book, 1, -1, 300, 400));
	rtta_book_tell(book, 2);
	rtta_book_tell(book, 0);
	CHECK_INT(book->channels, 2);
	CHECK(covers(book, 1, 50, 100) && covers(book, 1, 300, 400));
	CHECK_INT(rtta_cover_samples(book->cover[0]), 150);
	/* and after */
	CHECK(!enter(book, 1, 0, 250, 300));
	CHECK(enter(book, 1, 1, 250, 300));
	CHECK(!enter(book, 1, 2, 200, 250));
	CHECK(covers(book, 1, 250, 400) && !covers(book, 1, 100, 101));
	CHECK(enter(book, 1, 0, 100, 150));
	CHECK(covers(book, 1, 50, 150));
	/* Claimed by both, covered by none. */
	for (int c = 0; c < 2; c++) {
		CHECK(!rtta_book_claims(book, 2, (struct rtta_span){ RUN, 0, 10 }));
		rtta_cover_add(rtta_book_part(book, 2, c)->claimed, (struct rtta_span){ RUN, 0, 10 });
	}
	CHECK(rtta_book_claims(book, 2, (struct rtta_span){ RUN, 0, 10 }));
	CHECK(!covers(book, 2, 0, 1));
	rtta_book_close(book, 2, RUN);
	CHECK(covers(book, 2, 0, 1000000));
}

static void
check_breaks(struct rtta_book *book)
{
	struct rtta_pos at = { RUN, 7 };

	rtta_book_add_break(book, at, 0);
	CHECK(rtta_book_has_break(book, at, 0));
	CHECK(!rtta_book_has_break(book, at, 1));
	rtta_book_add_break(book, (struct rtta_pos){ RUN, 8 }, -1);
	CHECK(rtta_book_has_break(book, (struct rtta_pos){ RUN, 8 }, 1));
	rtta_book_clear(book);
	CHECK(!rtta_book_has_break(book, at, 0));
	CHECK(!covers(book, 1, 50, 51) && book->told);
	CHECK(enter(book, 1, -1, 0, 10));
}

int
main(void)
{
	struct rtta_books books;

	rtta_books_init(&books);
	check_mixed(rtta_books_get(&books, "mixed"));
	check_split(rtta_books_get(&books, "split"));
	check_breaks(rtta_books_get(&books, "split"));
	rtta_books_done(&books);
	return check_result();
}

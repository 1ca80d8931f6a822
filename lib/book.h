/*
 * book - what is known of each session's records.
 *
 * cover is what the store has, claimed is cover and what is on its way
 * there; one set for each revision.  The books of all sessions are one
 * table.  Pure: no bus, no clock.
 */
#ifndef RTTA_BOOK_H
#define RTTA_BOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "draft.h"
#include "position.h"
#include "session.h"

struct rtta_cover;

enum { RTTA_BOOK_REVS = 2 };       /* a better pass is the second */

struct rtta_book {
	char session[RTTA_SESSION_ID_BYTES];
	struct rtta_cover *cover[RTTA_BOOK_REVS];    /* [rev - 1] */
	struct rtta_cover *claimed[RTTA_BOOK_REVS];
	struct rtta_pos *breaks;       /* gaps without width, between runs */
	size_t break_count;
	uint64_t last_seq;             /* of the newest record of the session that is known */
	size_t records;                /* known */
	bool deleted;                  /* nothing of it is stored any more */
	/* the store's: drafts in order, the first may be on its way */
	struct rtta_drafts queue;
	bool in_flight, refused;
	uint64_t sent_seq;             /* last_seq when it was sent */
	uint64_t refused_seq;          /* last_seq when it was refused */
	int64_t refused_ms;
	struct rtta_book *next;        /* of the table, in the order of their making */
};

struct rtta_books {
	struct rtta_book *first, **last;
	struct rtta_book **buckets;
	size_t count, bucket_count;
};
void rtta_books_init(struct rtta_books *books);
void rtta_books_done(struct rtta_books *books);

/* The session's book; made when there is none. */
struct rtta_book *rtta_books_get(struct rtta_books *books, const char *session);

/* Forget what is covered (the stream was made anew); queues stay. */
void rtta_book_clear(struct rtta_book *book);

/* 1 to RTTA_BOOK_REVS as an index; anything above is the last one. */
int rtta_book_index(int rev);

bool rtta_book_has_break(const struct rtta_book *book, struct rtta_pos at);
void rtta_book_add_break(struct rtta_book *book, struct rtta_pos at);

#endif

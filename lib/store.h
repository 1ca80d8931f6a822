/*
 * store - records go to TEXT_STREAM by compare-and-set, and what is stored
 * there, by whomever, is followed.
 *
 * Drafts of a session are published one after the other, each with the
 * sequence of the newest record of the session that is known.  Who is
 * refused waits for what is new, keeps what is not covered, and tries again:
 * records never overlap.  What is stored goes into the session's book.
 * Belongs to main's thread; nothing waits.
 */
#ifndef RTTA_STORE_H
#define RTTA_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "position.h"

struct rtta_book;
struct rtta_books;
struct rtta_bus;
struct rtta_cover;
struct rtta_draft;
struct rtta_store;

/* books is kept. */
struct rtta_store *rtta_store_new(struct rtta_bus *bus, struct rtta_books *books);
void rtta_store_free(struct rtta_store *store);

/* Call in every turn of the loop.  Returns ms until it wants to be called. */
int rtta_store_tick(struct rtta_store *store);

/* What was stored before is in the books. */
bool rtta_store_loaded(const struct rtta_store *store);

/* A final draft (taken).  Its span is claimed from now on.  Its session's book
 * has been told how channels are taken. */
void rtta_store_put(struct rtta_store *store, struct rtta_draft *draft);

/* Drafts that are not stored yet. */
size_t rtta_store_pending(const struct rtta_store *store);

/* On all channels. */
struct rtta_covered {
	struct rtta_book *book;
	int rev;
	struct rtta_span span;
};

/* Coverage that came, in order: 1 with *covered, or 0. */
int rtta_store_next_covered(struct rtta_store *store, struct rtta_covered *covered);

struct rtta_again {
	struct rtta_book *book;
	int rev, channel;
	struct rtta_cover *spans;    /* the caller's: rtta_cover_free() */
};

/* What has to be heard again, because another writer was faster: 1 or 0. */
int rtta_store_next_again(struct rtta_store *store, struct rtta_again *again);

struct rtta_store_status {
	uint64_t stored, refused, duplicates;
	size_t pending;
	int trouble;                 /* err_code that is being retried, or 0 */
};
void rtta_store_status(const struct rtta_store *store, struct rtta_store_status *status);

#endif

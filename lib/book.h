/*
 * book - what is known of each session's records.
 *
 * cover is what the store has, claimed is cover and what is on its way
 * there; one set for each revision, and one for each channel where channels
 * are kept apart: such sound is covered where all of them are.  Until a book
 * is told how channels are taken, its records are only kept.  The books of
 * all sessions are one table.  Pure: no bus, no clock.
 */
#ifndef RTTA_BOOK_H
#define RTTA_BOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "draft.h"
#include "frame.h"
#include "position.h"
#include "session.h"

struct rtta_cover;

enum { RTTA_BOOK_REVS = 2 };       /* a better pass is the second */

/* What has records of its own: the mix, or a channel. */
struct rtta_part {
	struct rtta_cover *cover, *claimed;
};

struct rtta_break {
	struct rtta_pos at;
	int channel;                   /* -1: all */
};

struct rtta_book {
	char session[RTTA_SESSION_ID_BYTES];
	bool told;                     /* how channels are taken: rtta_book_tell() */
	int channels;                  /* that are kept apart; 0: mixed */
	struct rtta_cover *cover[RTTA_BOOK_REVS];    /* [rev - 1]: of all parts */
	struct rtta_part part[RTTA_BOOK_REVS][1 + RTTA_FRAME_MAX_CHANNELS];  /* [channel + 1] */
	struct rtta_break *breaks;     /* gaps without width, between runs */
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

/* The session's channels are kept apart, so many; 0: mixed.  For good. */
void rtta_book_tell(struct rtta_book *book, int channels);

/* The channels that have parts: from the first one, -1 for the mix, to the
 * one before *end. */
int rtta_book_channels(const struct rtta_book *book, int *end);

/* Told: the part that records of a channel (mixed: any) are in. */
struct rtta_part *rtta_book_part(struct rtta_book *book, int rev, int channel);

/* Claimed in all parts. */
bool rtta_book_claims(const struct rtta_book *book, int rev, struct rtta_span span);

/* A record of the store covers span of a channel, -1: of all.  True: more is
 * covered now, in all parts. */
bool rtta_book_enter(struct rtta_book *book, int rev, int channel, struct rtta_span span);

/* Nothing of a run will ever have to be heard. */
void rtta_book_close(struct rtta_book *book, int rev, uint64_t run);

/* Forget what is covered (the stream was made anew); queues stay. */
void rtta_book_clear(struct rtta_book *book);

/* 1 to RTTA_BOOK_REVS as an index; anything above is the last one. */
int rtta_book_index(int rev);

bool rtta_book_has_break(const struct rtta_book *book, struct rtta_pos at, int channel);
void rtta_book_add_break(struct rtta_book *book, struct rtta_pos at, int channel);

#endif

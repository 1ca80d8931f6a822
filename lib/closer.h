/*
 * closer - writes down what a session lacks, once it can come no more.
 *
 * Follows the keys of all sessions.  What coverage lacks between cut and end
 * becomes gap records when no sound of the session is left in AUDIO_STREAM
 * (asked twice, some seconds apart), or when what is missing is older than
 * sound can be; what was off the record becomes one at once.  One process
 * does this: backfill.  Belongs to main's thread; nothing waits.
 */
#ifndef RTTA_CLOSER_H
#define RTTA_CLOSER_H

#include <stdbool.h>
#include <stddef.h>

struct rtta_book;
struct rtta_books;
struct rtta_bus;
struct rtta_closer;
struct rtta_given_up;
struct rtta_lane;
struct rtta_store;

/* All are kept. */
struct rtta_closer *rtta_closer_new(struct rtta_bus *bus, struct rtta_books *books,
    struct rtta_lane *lane, struct rtta_store *store);
void rtta_closer_free(struct rtta_closer *closer);

/* Call in every turn of the loop once the store is loaded.  Returns ms until
 * it wants to be called. */
int rtta_closer_tick(struct rtta_closer *closer);

/* Coverage of a session has grown. */
void rtta_closer_covered(struct rtta_closer *closer, const struct rtta_book *book);

/* No engine has settled this until now.  Should it expire, that is why. */
void rtta_closer_given_up(struct rtta_closer *closer, const struct rtta_given_up *what);

/* Sessions that have an end and lack something. */
size_t rtta_closer_open(const struct rtta_closer *closer);

#endif

/*
 * deleted - sessions that were deleted: what still comes of them is dropped.
 *
 * Follows the keys deleted.<S>.  What a lane holds of such a session is
 * acknowledged, and no record of it is stored any more.  Belongs to main's
 * thread; nothing waits.
 */
#ifndef RTTA_DELETED_H
#define RTTA_DELETED_H

struct rtta_books;
struct rtta_bus;
struct rtta_deleted;
struct rtta_lane;

/* All are kept. */
struct rtta_deleted *rtta_deleted_new(struct rtta_bus *bus, struct rtta_books *books,
    struct rtta_lane *lane);
void rtta_deleted_free(struct rtta_deleted *deleted);

/* Call in every turn of the loop.  Returns ms until it wants to be called. */
int rtta_deleted_tick(struct rtta_deleted *deleted);

#endif

/*
 * preroll - the window on its way into PRE_BUFFER, and back.
 *
 * A memory stream vanishes with its server, definition and all.  At the
 * start what it holds is read back into the window; after every reconnect
 * the stream's time of creation is compared, and another stream (made here
 * if there is none) gets the whole window anew, oldest first, before
 * anything else.  Belongs to main's thread; nothing waits.
 */
#ifndef RTTA_PREROLL_H
#define RTTA_PREROLL_H

#include <stdbool.h>
#include <stdint.h>

struct rtta_bus;
struct rtta_preroll;
struct rtta_window;

/* The window stays the caller's, and outlives this. */
struct rtta_preroll *rtta_preroll_new(struct rtta_bus *bus, struct rtta_window *window);
void rtta_preroll_free(struct rtta_preroll *preroll);

/* Call in every turn of the loop.  Returns ms until it wants to be called. */
int rtta_preroll_tick(struct rtta_preroll *preroll);

/* PRE_BUFFER has been read back; stays true. */
bool rtta_preroll_ready(const struct rtta_preroll *preroll);

/* Frames stored so far. */
uint64_t rtta_preroll_stored(const struct rtta_preroll *preroll);

/*
 * Off the record: call before rtta_window_forget(), so that nothing of it
 * is on its way; and have PRE_BUFFER purged once no flush is open.  Until
 * then only frames that are in the window now are sent.
 */
void rtta_preroll_recall(struct rtta_preroll *preroll);
void rtta_preroll_purge(struct rtta_preroll *preroll);
void rtta_preroll_flush_open(struct rtta_preroll *preroll, bool is_open);

#endif

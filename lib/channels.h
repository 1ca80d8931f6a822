/*
 * channels - how a session's channels are taken: mixed, or kept apart.
 *
 * The key session.<S> says so; it was stored before any sound of the session
 * was published.  So it is read when sound comes, not followed: a copy of the
 * bucket may be late.  Once known it is in the session's book for good.
 * Belongs to main's thread; nothing waits.
 */
#ifndef RTTA_CHANNELS_H
#define RTTA_CHANNELS_H

#include <stdbool.h>

struct rtta_books;
struct rtta_bus;
struct rtta_channels;

/* books is kept. */
struct rtta_channels *rtta_channels_new(struct rtta_bus *bus, struct rtta_books *books);
void rtta_channels_free(struct rtta_channels *channels);

/* The session's book has been told.  Where not, the bucket is asked, for one
 * session at a time. */
bool rtta_channels_known(struct rtta_channels *channels, const char *session);

/* Call in every turn of the loop, before asking.  Returns ms until it wants to
 * be called, or -1. */
int rtta_channels_tick(struct rtta_channels *channels);

#endif

/*
 * reader - a stream in order: everything stored, then what comes, once.
 *
 * An ordered consumer of our own (ephemeral push, no acknowledgement, flow
 * control, heartbeat 1 s): js_Subscribe would wait on main's thread.  A gap
 * in consumer sequences, a missed heartbeat or a reconnect makes it anew
 * behind the last message that was handed out, so nothing is missed and
 * nothing comes twice.  Where the consumer itself jumps over sequences, or
 * says that it has, the stream is asked whether they are deleted: a server
 * that purges one subject moves consumers of several (2.9).  When the stream itself has been made anew (its
 * "created" changed) reading starts again at 1 and rtta_reader_resets()
 * grows.  Belongs to main's thread; nothing waits.
 */
#ifndef RTTA_READER_H
#define RTTA_READER_H

#include <nats/nats.h>
#include <stdbool.h>
#include <stdint.h>

struct rtta_bus;
struct rtta_reader;

enum rtta_reader_from {
	RTTA_READER_ALL,              /* from start_seq on */
	RTTA_READER_LAST_PER_SUBJECT  /* the newest of each subject, then all */
};

/* start_seq: 1 for everything; start_seq-1 is the last one that is known (a
 * stream that ends before it is another one).  filter may be NULL. */
struct rtta_reader *rtta_reader_new(struct rtta_bus *bus, const char *stream,
    const char *filter, enum rtta_reader_from from, uint64_t start_seq);
void rtta_reader_free(struct rtta_reader *reader);

/* Call in every turn of the loop, and then rtta_reader_take() until NULL.
 * Returns ms until it wants to be called. */
int rtta_reader_tick(struct rtta_reader *reader);

/* The next message, or NULL.  The caller destroys it. */
natsMsg *rtta_reader_take(struct rtta_reader *reader);

/* All that was stored when the consumer was made has been handed out; stays
 * true through reconnects.  False while the stream does not exist. */
bool rtta_reader_caught_up(const struct rtta_reader *reader);

/* Make the consumer anew, for who knows that messages are being missed. */
void rtta_reader_renew(struct rtta_reader *reader);

/* The server's wall clock now, as far as can be known without asking; 0: not. */
int64_t rtta_reader_server_ns(const struct rtta_reader *reader);

/* How often the stream turned out to be another one. */
uint64_t rtta_reader_resets(const struct rtta_reader *reader);

#endif

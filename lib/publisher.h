/*
 * publisher - messages kept until JetStream has acknowledged them, in order.
 *
 * Go-back-N over core publish: a message is owned here until its PubAck.
 * After a reconnect, an error or a silence of 5 s everything from the oldest
 * unacknowledged one on is sent again, in order, with the same Nats-Msg-Id;
 * after an error one message is in flight until it is accepted, because a
 * full stream that frees room would otherwise let a later one overtake.
 * Those that were in flight when the first error came may have done so.
 * A message is never dropped.  Passing errors (503 no stream, 10077 stream
 * full, 10023 store full, ...) are retried for ever with a back-off of at
 * most 2 s and logged when they begin and end; errors of the message itself
 * (10071 wrong last sequence, 10054 too large, 10060 ...) are the result.
 *
 * Belongs to main's thread.  Independent publishers on one bus do not wait
 * for each other.
 */
#ifndef RTTA_PUBLISHER_H
#define RTTA_PUBLISHER_H

#include <nats/nats.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rtta_bus;
struct rtta_credit;
struct rtta_publisher;

/* window: messages in flight at most (256 keeps writes from blocking at
 * live rates; 4096 for bulk). */
struct rtta_publisher *rtta_publisher_new(struct rtta_bus *bus, int window);
void rtta_publisher_free(struct rtta_publisher *publisher);

/* Takes credit: without it nothing is sent.  Where there is none, that is a
 * passing error as when JetStream says so (10077). */
void rtta_publisher_limit(struct rtta_publisher *publisher, struct rtta_credit *credit);

/*
 * Takes msg.  Returns its ticket, counted from 1.  tag comes back with the
 * result.  Sends nothing yet: rtta_publisher_pump().
 */
uint64_t rtta_publisher_put(struct rtta_publisher *publisher, natsMsg *msg, void *tag);

struct rtta_puback {
	uint64_t ticket;
	void *tag;
	uint64_t seq;       /* of the stored message, 0 on error */
	int error;          /* JetStream err_code of the message's own error; 0: stored */
	bool duplicate;     /* the id was stored before (within duplicate_window) */
	uint64_t last_seq;  /* with 10071: the sequence that stands, where told */
};

/*
 * Send what may be sent, look at what came.  Call after puts and in every
 * turn of the loop.  Returns the milliseconds until it wants to be called
 * again, -1: not before something arrives.
 */
int rtta_publisher_pump(struct rtta_publisher *publisher);

/* The next result, in the order of tickets.  1 with *ack filled, or 0. */
int rtta_publisher_next(struct rtta_publisher *publisher, struct rtta_puback *ack);

/* Messages that are not yet acknowledged, and their payload bytes. */
size_t rtta_publisher_pending(const struct rtta_publisher *publisher);
size_t rtta_publisher_pending_bytes(const struct rtta_publisher *publisher);

/* The passing error that is being retried (err_code, 503), or 0. */
int rtta_publisher_trouble(const struct rtta_publisher *publisher);

/*
 * Take the unacknowledged messages out, oldest first: the next, or NULL.
 * Afterwards nothing is pending; results of the others can still be had, also
 * of those that were behind the ones taken out.  Tags are returned in *tag
 * where tag is not NULL.
 */
natsMsg *rtta_publisher_take_back(struct rtta_publisher *publisher, void **tag);

#endif

/*
 * queue - messages in the order they came.
 *
 * Grows as needed: its user bounds it.  Zero-initialised it is empty.
 * Belongs to one thread, or to who holds the lock around it.
 */
#ifndef RTTA_QUEUE_H
#define RTTA_QUEUE_H

#include <nats/nats.h>
#include <stddef.h>

struct rtta_queue {
	natsMsg **slots;
	size_t size, head, count;
};

/* Takes msg. */
void rtta_queue_push(struct rtta_queue *queue, natsMsg *msg);

/* The oldest, now the caller's, or NULL. */
natsMsg *rtta_queue_pop(struct rtta_queue *queue);

/* Destroys what is in it and the queue's memory; empty again. */
void rtta_queue_done(struct rtta_queue *queue);

#endif

/*
 * puller - a work queue read with late acknowledgement by its one owner.
 *
 * Continuous asynchronous pull (no Fetch: it overflows the heap on Debian
 * 12).  The lane's durable is "stt-<lane>-<8 hex>"; who reads owns it:
 * deletes the lane's durable and creates its own under a fresh name, which
 * brings everything unacknowledged again at once and in order.  It takes
 * over from another only when that one's num_waiting was 0 twice, 2 s apart;
 * after a reconnect it renews its own.  Who finds itself replaced drops to
 * RTTA_PULLER_WAITING: what it held is void, and it must forget it.
 *
 * Every delivery belongs to a generation, which grows with each durable of
 * our own.  Messages of an older generation are acknowledged in vain; the
 * same stream sequence delivered again replaces the held one.
 * Belongs to main's thread; nothing waits.
 */
#ifndef RTTA_PULLER_H
#define RTTA_PULLER_H

#include <nats/nats.h>
#include <stdbool.h>
#include <stdint.h>

struct rtta_bus;
struct rtta_puller;

enum rtta_puller_state {
	RTTA_PULLER_WAITING,  /* another process reads this lane, or no stream yet */
	RTTA_PULLER_TAKING,   /* durable being made */
	RTTA_PULLER_OWNER     /* messages come */
};

struct rtta_puller_config {
	const char *stream;    /* "AUDIO_STREAM" */
	const char *filter;    /* "audio.live.>" */
	const char *prefix;    /* "stt-live": the durable is <prefix>-<8 hex> */
	int batch;             /* messages asked for at once, e.g. 500 */
};

struct rtta_puller *rtta_puller_new(struct rtta_bus *bus,
    const struct rtta_puller_config *config);

/* Deletes our durable's request, keeps the durable: unacknowledged messages
 * stay in the stream for the next owner. */
void rtta_puller_free(struct rtta_puller *puller);

/* Call in every turn of the loop.  Returns ms until it wants to be called. */
int rtta_puller_tick(struct rtta_puller *puller);

enum rtta_puller_state rtta_puller_state(const struct rtta_puller *puller);
uint64_t rtta_puller_generation(const struct rtta_puller *puller);

/* The next delivery, or NULL.  Old generations are filtered out. */
natsMsg *rtta_puller_take(struct rtta_puller *puller);

/* Acknowledge a delivery (by its reply subject); does not take msg.  With
 * the bus away it is lost and the message comes again. */
void rtta_puller_ack(struct rtta_puller *puller, natsMsg *msg);
void rtta_puller_ack_reply(struct rtta_puller *puller, const char *reply);

/* Everything unacknowledged is to come again: a new durable, a new generation. */
void rtta_puller_renew(struct rtta_puller *puller);

/* Ask for no more while the caller's memory is full; already asked for may
 * still come (at most 2 batches). */
void rtta_puller_pause(struct rtta_puller *puller, bool paused);

/* Messages of the lane in the stream that we have not been given (from the
 * last delivery's pending), and whether the lane is drained: nothing pending
 * and all that was delivered acknowledged. */
uint64_t rtta_puller_pending(const struct rtta_puller *puller);

#endif

/*
 * puller_parts - what the files of puller share: puller.c has the requests and
 * what comes for them, puller_own.c who reads the queue.
 */
#ifndef RTTA_PULLER_PARTS_H
#define RTTA_PULLER_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "api.h"
#include "bus.h"
#include "puller.h"
#include "queue.h"

enum {
	RTTA_LOOK_MS = 1000,         /* how often one who waits looks */
	RTTA_REFUSED_MS = 250,       /* rest after a request that was refused */
	RTTA_ACK_PENDING = 500000,
	RTTA_PULLER_NAME_BYTES = 64,
	RTTA_REQUESTS = 2
};

enum step {
	STEP_REST,    /* looks at due_ms */
	STEP_LOOK,    /* asked who reads */
	STEP_DELETE,  /* asked to delete the durable in victim */
	STEP_CREATE,  /* asked to make our own */
	STEP_PULL,    /* ours */
	STEP_CHECK    /* ours, but silent: asked whether it still is */
};

/* A pull that is open: messages still to come for it. */
struct request {
	uint64_t id;
	int left;
};

struct rtta_puller {
	struct rtta_bus *bus;
	struct rtta_api *api;
	struct rtta_port *port;
	struct rtta_queue queue;
	char *stream, *filter, *prefix;
	int batch;

	enum step step;
	uint64_t asked;            /* the api request that the step waits for */
	uint64_t epoch, generation;
	int64_t due_ms;            /* STEP_REST */
	char own[RTTA_PULLER_NAME_BYTES];      /* our durable, or the one we may have made */
	char victim[RTTA_PULLER_NAME_BYTES];
	char stranger[RTTA_PULLER_NAME_BYTES]; /* a durable that is in the way and not of the lane */
	char idle[RTTA_PULLER_NAME_BYTES];     /* a durable without a request ... */
	int64_t idle_ms;           /* ... since we first saw it so */
	char said[160];

	char inbox[RTTA_PULLER_NAME_BYTES];    /* deliveries and the ends of requests */
	bool subscribed;
	struct request requests[RTTA_REQUESTS];
	uint64_t requested;
	int64_t heard_ms, hold_ms;
	uint64_t pending;
	bool paused;
	uint64_t limit_asked;      /* the api request that changes the limit, or 0 */
	int limit, limit_wanted;   /* max_ack_pending of our durable */
};

/* A line for people, unless it is what they were told last. */
void rtta_puller_say(struct rtta_puller *p, bool is_warning, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Ours, as far as we know. */
bool rtta_puller_owns(const struct rtta_puller *p);

/* The queue is somebody else's now: all that was delivered is void. */
void rtta_puller_lose(struct rtta_puller *p, const char *why);

/* Another server may be there: begin at the first step. */
void rtta_puller_begin(struct rtta_puller *p);

/* Look who reads: STEP_LOOK before it is ours, STEP_CHECK whether it still is. */
void rtta_puller_look(struct rtta_puller *p, enum step step);

/* Delete our durable and make another one: everything unacknowledged comes again. */
void rtta_puller_anew(struct rtta_puller *p);

/* Tell the server limit_wanted, where it does not know it. */
void rtta_puller_set_limit(struct rtta_puller *p);

/* An answer of the API; its body stays the caller's. */
void rtta_puller_heed(struct rtta_puller *p, const struct rtta_answer *answer);

#endif

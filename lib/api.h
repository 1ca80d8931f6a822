/*
 * api - requests to the JetStream API, with answers that arrive later.
 *
 * A request goes to $JS.API.<what>; its answer comes out of rtta_api_next()
 * with the tag it was asked with.  One that is not answered within its time
 * (or was lost with the connection) comes out as failed, never silently.
 * Belongs to main's thread; nothing waits.  For one-shot tools there is
 * rtta_api_call(), which does wait.
 */
#ifndef RTTA_API_H
#define RTTA_API_H

#include <jv.h>
#include <nats/nats.h>
#include <stdint.h>

struct rtta_bus;
struct rtta_err;
struct rtta_api;

struct rtta_api *rtta_api_new(struct rtta_bus *bus);
void rtta_api_free(struct rtta_api *api);

/* Ask.  what: "STREAM.INFO.AUDIO_STREAM"; body (taken): an object or invalid.
 * Returns the number of the request. */
uint64_t rtta_api_ask(struct rtta_api *api, const char *what, jv body, int timeout_ms,
    void *tag);

struct rtta_answer {
	uint64_t number;
	void *tag;
	int error;       /* 0; JetStream err_code; 503 nobody there; 408 no answer in time */
	char text[160];  /* the server's words for error */
	jv body;         /* the answer, the caller frees it; invalid on error */
};

/* 1 with *answer filled, or 0. */
int rtta_api_next(struct rtta_api *api, struct rtta_answer *answer);

/* Milliseconds until the next one is overdue, -1: nothing is open. */
int rtta_api_wait_ms(const struct rtta_api *api);

/*
 * Ask and wait, for tools that do one thing and leave; not in a loop.
 * Returns the answer.  On error an invalid jv, *error the err_code (503,
 * 408 as above) and *err with EX_UNAVAILABLE or EX_TEMPFAIL and a sentence;
 * error may be NULL.
 */
jv rtta_api_call(struct rtta_bus *bus, const char *what, jv body, int timeout_ms,
    int *error, struct rtta_err *err);

#endif

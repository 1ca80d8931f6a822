/*
 * headers - the headers of a message from outside, read one by one.
 *
 * What audio and record share: a number in its range, a run, a time, and the
 * sentence that names subject, sequence and header when one is wrong.
 */
#ifndef RTTA_HEADERS_H
#define RTTA_HEADERS_H

#include <nats/nats.h>
#include <stdbool.h>
#include <stdint.h>

#include "bus.h"

struct rtta_err;

enum { RTTA_HEADERS_MAX_REV = 2 };   /* a better pass is the second */

/* A message while it is read: where it came from, for its errors. */
struct rtta_headers {
	natsMsg *msg;
	struct rtta_meta meta;   /* zero when it is no delivery of JetStream */
	bool has_meta;
	struct rtta_err *err;
};

/* msg and err are borrowed. */
struct rtta_headers rtta_headers_of(natsMsg *msg, struct rtta_err *err);

/* -1 with EX_DATAERR: "<subject> <seq>: <name>: <why> "<value>"". */
int rtta_headers_broken(const struct rtta_headers *in, const char *name, const char *why);

/* What stands behind a prefix of the subject must be a session id: 1 with
 * id, 0 when it is another subject, or -1. */
int rtta_headers_session(const struct rtta_headers *in, const char *prefix, char *id);

/* Absent: *value unchanged.  0 or -1. */
int rtta_headers_number(const struct rtta_headers *in, const char *name, uint64_t min,
    uint64_t max, uint64_t *value);

/* The header "run", which must be there.  0 or -1. */
int rtta_headers_run(const struct rtta_headers *in, uint64_t *run);

/* 1 with *real_ns, 0 when it is absent, or -1. */
int rtta_headers_time(const struct rtta_headers *in, const char *name, int64_t *real_ns);

/* "true" or "false" in any case: 1 with *value, 0 when it is absent, or -1. */
int rtta_headers_bool(const struct rtta_headers *in, const char *name, bool *value);

#endif

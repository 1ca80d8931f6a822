/*
 * dial - the first connect to NATS, with a deadline.
 *
 * A name server, or a nats-server that stalls in its greeting (nats.c before
 * 3.8), can hold natsConnection_Connect() for ever.
 */
#ifndef RTTA_DIAL_H
#define RTTA_DIAL_H

#include <nats/nats.h>
#include <stddef.h>

/*
 * Takes options.  NATS_OK with *nc, or why not, with the library's words in
 * text (may be empty).  NATS_ILLEGAL_STATE: not done within timeout_ms; a
 * thread stays behind that may still use what the options name.
 */
natsStatus rtta_dial(natsConnection **nc, natsOptions *options, int timeout_ms,
    char *text, size_t text_bytes);

/* The urls of a comma-separated list, split by blanks too. */
natsStatus rtta_dial_servers(natsOptions *options, const char *urls);

/* A copy of such a list without users and passwords; the caller frees it. */
char *rtta_dial_redact(const char *urls);

#endif

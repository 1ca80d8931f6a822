/*
 * peers - how much one address may ask for.
 *
 * Connections at once, and a bucket of requests that refills in ten seconds:
 * one number bounds both.  An IPv6 network of 64 bits is one address.  Knows
 * neither sockets nor clocks; an address is remembered while it is connected
 * or has spent something lately.
 */
#ifndef RTTA_PEERS_H
#define RTTA_PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rtta_peer;
struct rtta_peers;
struct sockaddr;

enum { RTTA_PEERS_REFILL_MS = 10000 };

/* max 0: no limit. */
struct rtta_peers *rtta_peers_new(unsigned max);
void rtta_peers_free(struct rtta_peers *peers);

/* A connection comes, NULL: one too many; and goes (NULL is allowed). */
struct rtta_peer *rtta_peers_enter(struct rtta_peers *peers, const struct sockaddr *address,
    int64_t now_ms);
void rtta_peers_leave(struct rtta_peer *peer);

/* Take a request out of its bucket.  False: there is none. */
bool rtta_peer_spend(struct rtta_peer *peer, int64_t now_ms);

/* Take so many, there or not: what is owed has to be refilled, too. */
void rtta_peer_fine(struct rtta_peer *peer, unsigned requests, int64_t now_ms);

#endif

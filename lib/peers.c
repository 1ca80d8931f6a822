#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "peers.h"

enum { BUCKETS = 1024, ADDRESS_BYTES = 8, SWEEP_EACH = 256 };

struct rtta_peer {
	struct rtta_peers *peers;
	struct rtta_peer *next;
	unsigned char address[ADDRESS_BYTES];
	unsigned connections;
	double left;          /* in its bucket, at at_ms */
	int64_t at_ms;
};

struct rtta_peers {
	struct rtta_peer *buckets[BUCKETS];
	unsigned max, entered;
};

struct rtta_peers *
rtta_peers_new(unsigned max)
{
	struct rtta_peers *peers = rtta_xcalloc(1, sizeof(*peers));

	peers->max = max;
	return peers;
}

void
rtta_peers_free(struct rtta_peers *peers)
{
	struct rtta_peer *peer;

	for (size_t i = 0; peers != NULL && i < BUCKETS; i++)
		while ((peer = peers->buckets[i]) != NULL) {
			peers->buckets[i] = peer->next;
			free(peer);
		}
	free(peers);
}

/* Forget who has gone and has a full bucket again. */
static void
sweep(struct rtta_peers *peers, int64_t now_ms)
{
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct rtta_peer **at = &peers->buckets[i], *peer; (peer = *at) != NULL;)
			if (peer->connections == 0 && now_ms - peer->at_ms > 2 * RTTA_PEERS_REFILL_MS) {
				*at = peer->next;
				free(peer);
			} else {
				at = &peer->next;
			}
}

/* IPv4, also as it looks through an IPv6 socket, or the network of an IPv6. */
static void
read_address(unsigned char to[ADDRESS_BYTES], const struct sockaddr *address)
{
	const struct sockaddr_in *v4 = (const void *)address;
	const struct sockaddr_in6 *v6 = (const void *)address;

	memset(to, 0, ADDRESS_BYTES);
	if (address->sa_family == AF_INET)
		memcpy(to, &v4->sin_addr, 4);
	else if (address->sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
		memcpy(to, v6->sin6_addr.s6_addr + 12, 4);
	else if (address->sa_family == AF_INET6)
		memcpy(to, v6->sin6_addr.s6_addr, ADDRESS_BYTES);
}

static size_t
bucket_of(const unsigned char address[ADDRESS_BYTES])
{
	uint32_t hash = UINT32_C(2166136261);

	for (size_t i = 0; i < ADDRESS_BYTES; i++)
		hash = (hash ^ address[i]) * UINT32_C(16777619);
	return hash % BUCKETS;
}

static struct rtta_peer *
get_peer(struct rtta_peers *peers, const struct sockaddr *address, int64_t now_ms)
{
	unsigned char key[ADDRESS_BYTES];
	struct rtta_peer *peer, **first;

	read_address(key, address);
	first = &peers->buckets[bucket_of(key)];
	for (peer = *first; peer != NULL; peer = peer->next)
		if (memcmp(peer->address, key, sizeof(key)) == 0)
			return peer;
	peer = rtta_xcalloc(1, sizeof(*peer));
	peer->peers = peers;
	memcpy(peer->address, key, sizeof(key));
	peer->left = peers->max;
	peer->at_ms = now_ms;
	peer->next = *first;
	return *first = peer;
}

struct rtta_peer *
rtta_peers_enter(struct rtta_peers *peers, const struct sockaddr *address, int64_t now_ms)
{
	struct rtta_peer *peer;

	if (peers->entered++ % SWEEP_EACH == 0)
		sweep(peers, now_ms);
	peer = get_peer(peers, address, now_ms);
	if (peers->max != 0 && peer->connections >= peers->max)
		return NULL;
	peer->connections++;
	return peer;
}

void
rtta_peers_leave(struct rtta_peer *peer)
{
	if (peer != NULL)
		peer->connections--;
}

static void
refill(struct rtta_peer *peer, int64_t now_ms)
{
	unsigned max = peer->peers->max;

	peer->left += (double)(now_ms - peer->at_ms) / RTTA_PEERS_REFILL_MS * max;
	if (peer->left > max)
		peer->left = max;
	peer->at_ms = now_ms;
}

bool
rtta_peer_spend(struct rtta_peer *peer, int64_t now_ms)
{
	refill(peer, now_ms);
	if (peer->peers->max != 0 && peer->left < 1)
		return false;
	peer->left--;
	return true;
}

void
rtta_peer_fine(struct rtta_peer *peer, unsigned requests, int64_t now_ms)
{
	double most = peer->peers->max;

	refill(peer, now_ms);
	peer->left = peer->left - requests > -most ? peer->left - requests : -most;
}

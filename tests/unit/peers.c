/* peers: connections and requests of one address, and what is forgotten. */
#include <arpa/inet.h>
#include <netinet/in.h>

#include "check.h"
#include "peers.h"

static struct rtta_peer *
enter(struct rtta_peers *peers, const char *text, int64_t now_ms)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };

	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
		return rtta_peers_enter(peers, (const struct sockaddr *)&v4, now_ms);
	CHECK_INT(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
	return rtta_peers_enter(peers, (const struct sockaddr *)&v6, now_ms);
}

static void
connections(void)
{
	struct rtta_peers *peers = rtta_peers_new(2);
	struct rtta_peer *first = enter(peers, "192.0.2.1", 0);

	CHECK(first != NULL);
	CHECK(enter(peers, "192.0.2.1", 0) == first);
	CHECK(enter(peers, "::ffff:192.0.2.1", 0) == NULL);
	CHECK(enter(peers, "192.0.2.2", 0) != NULL);
	rtta_peers_leave(first);
	CHECK(enter(peers, "192.0.2.1", 0) == first);
	/* one network is one address, however many it has */
	CHECK(enter(peers, "2001:db8::1", 0) != NULL);
	CHECK(enter(peers, "2001:db8::ffff:2", 0) != NULL);
	CHECK(enter(peers, "2001:db8::3", 0) == NULL);
	CHECK(enter(peers, "2001:db8:0:1::3", 0) != NULL);
	rtta_peers_leave(NULL);
	rtta_peers_free(peers);
	rtta_peers_free(NULL);
}

static void
requests(void)
{
	struct rtta_peers *peers = rtta_peers_new(10);
	struct rtta_peer *peer = enter(peers, "192.0.2.1", 0);

	for (int i = 0; i < 10; i++)
		CHECK(rtta_peer_spend(peer, 0));
	CHECK(!rtta_peer_spend(peer, 999));
	CHECK(rtta_peer_spend(peer, 1000));
	CHECK(!rtta_peer_spend(peer, 1000));
	/* a fine may leave a debt, of one bucket at most */
	rtta_peer_fine(peer, 5, 2000);
	CHECK(!rtta_peer_spend(peer, 6000));
	CHECK(rtta_peer_spend(peer, 7000));
	rtta_peer_fine(peer, 1000, 7000);
	CHECK(!rtta_peer_spend(peer, 17000));
	CHECK(rtta_peer_spend(peer, 18000));
	/* to go and come again is no new bucket, until that is full anyway */
	rtta_peers_leave(peer);
	CHECK(enter(peers, "192.0.2.1", 18001) == peer);
	CHECK(!rtta_peer_spend(peer, 18001));
	rtta_peers_free(peers);

	peers = rtta_peers_new(0);
	peer = enter(peers, "192.0.2.1", 0);
	rtta_peer_fine(peer, 1000000, 0);
	for (int i = 0; i < 100000; i++)
		CHECK(rtta_peer_spend(peer, 0));
	rtta_peers_free(peers);
}

int
main(void)
{
	connections();
	requests();
	return check_result();
}

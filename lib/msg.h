/*
 * msg - messages of the bus: their headers, and what JetStream says of them.
 *
 * Pure: no connection; but natsMsg_Destroy() needs the library open, by a
 * bus (also one that has closed) or nats_Open().  A message belongs to one
 * thread.
 */
#ifndef RTTA_MSG_H
#define RTTA_MSG_H

#include <nats/nats.h>
#include <stdbool.h>
#include <stdint.h>

struct rtta_meta {
	char stream[64];
	char consumer[64];
	uint64_t delivered;
	uint64_t stream_seq;
	uint64_t consumer_seq;
	int64_t stored_ns;    /* CLOCK_REALTIME of the server */
	uint64_t pending;     /* behind this one */
};

/* From the reply subject ($JS.ACK..., 9 or 12 tokens).  0, or -1: not a delivery. */
int rtta_meta_read(natsMsg *msg, struct rtta_meta *meta);

/* A header's value, borrowed from msg, or NULL. */
const char *rtta_header(natsMsg *msg, const char *name);

/* "Status" of a message without payload (100, 404, 408, 409, 503), else 0. */
int rtta_msg_status(natsMsg *msg);

/*
 * An outgoing message; data is copied.  Do not fail but for memory (71).
 * It has room for a reply subject, which only a publisher fills.
 */
enum { RTTA_MSG_REPLY_BYTES = 80 };
natsMsg *rtta_msg_new(const char *subject, const void *data, int bytes);
void rtta_msg_header(natsMsg *msg, const char *name, const char *value);

/* Made by rtta_msg_new(), and no reply subject filled in. */
bool rtta_msg_is_plain(natsMsg *msg);

/* A copy with another reply subject (NULL: none). */
natsMsg *rtta_msg_with_reply(natsMsg *msg, const char *reply);

/* Takes msg.  The message with that reply: the same one if it has the room. */
natsMsg *rtta_msg_set_reply(natsMsg *msg, const char *reply);

#endif

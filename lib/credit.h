/*
 * credit - how much a publisher may still send into AUDIO_STREAM.
 *
 * Publishers stop below the ceiling themselves, at the share that
 * rtta_streams_share() gives: what nats-server 2.9 finds again after a kill
 * must have room, or it drops the oldest sound, unread as it is
 * (rtta-design(7)).  STREAM.INFO is asked once a second while there is
 * something to send, at once when the credit is used up, and four times a
 * second while there is no room.  Where nobody answers for four seconds there
 * is no limit until somebody does: sound that waits is lost for certain when
 * its publisher is killed.  Belongs to main's thread; nothing waits.
 *
 * Several publishers do not know of each other.  Each takes a quarter of the
 * room that it sees, however fast it is, and what it has taken is void after
 * two seconds.  So the last one to spend it finds the share exceeded by what
 * the others held, a quarter of the earlier room each: much only where the
 * stream was nearly empty two seconds before, and next to nothing while it
 * stays full.  The reserve is as large as the share, which is enough for five.
 */
#ifndef RTTA_CREDIT_H
#define RTTA_CREDIT_H

#include <stdbool.h>
#include <stddef.h>

struct rtta_bus;
struct rtta_credit;

struct rtta_credit *rtta_credit_new(struct rtta_bus *bus);
void rtta_credit_free(struct rtta_credit *credit);

/* Spend it on a message with so many bytes of payload.  False: not now. */
bool rtta_credit_take(struct rtta_credit *credit, size_t payload_bytes);

/* The server said that there is no room. */
bool rtta_credit_is_full(const struct rtta_credit *credit);

/*
 * Look at what came.  Call in every turn in which there is something to send.
 */
void rtta_credit_look(struct rtta_credit *credit);

/*
 * Ask if that is due; so many messages with so many bytes of payload are sent
 * and not acknowledged.  Returns ms until it wants to be called again.
 */
int rtta_credit_ask(struct rtta_credit *credit, size_t messages, size_t payload_bytes);

#endif

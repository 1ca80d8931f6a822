/*
 * message - one JSON text for readers, the same bytes for every one of them.
 *
 * Made once, and once framed for WebSocket; a reader copies it out.
 */
#ifndef RTTA_MESSAGE_H
#define RTTA_MESSAGE_H

#include <jv.h>
#include <stddef.h>
#include <stdint.h>

struct rtta_jtext;

struct rtta_message {
	uint64_t seq;          /* of a stored record; 0 for all else */
	size_t head_bytes;     /* of the frame, before the text */
	size_t bytes;          /* of the text, which has no newline */
	char frame[];          /* a whole WebSocket message: head, text */
};

/* Freed with free(3). */
struct rtta_message *rtta_message_new(jv value);  /* taken */
struct rtta_message *rtta_message_copy(const struct rtta_jtext *text, uint64_t seq);

#endif

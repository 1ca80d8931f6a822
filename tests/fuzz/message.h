/*
 * message - bytes of a fuzzer as a delivery of JetStream.
 *
 * The first byte chooses the subject; then lines of headers, each a byte that
 * chooses the name and the value behind it; an empty line; the payload.
 */
#ifndef RTTA_FUZZ_MESSAGE_H
#define RTTA_FUZZ_MESSAGE_H

#include <nats/nats.h>
#include <stdlib.h>
#include <string.h>

#include "bus.h"
#include "mem.h"

static inline natsMsg *
message_from(const uint8_t *data, size_t bytes, const char *const subjects[], size_t subject_count,
    const char *const names[], size_t name_count)
{
	const char *subject = subjects[bytes > 0 ? data[0] % subject_count : 0];
	char *text = rtta_xcalloc(1, bytes + 1), *at = text, *end;
	natsMsg *msg;

	if (bytes > 0)
		memcpy(text, data + 1, bytes - 1);
	end = strstr(text, "\n\n");
	nats_Open(-1);  /* messages are the library's; once is enough */
	if (natsMsg_Create(&msg, subject, "$JS.ACK.S.c.1.42.7.1767607200500000000.3",
	    end ? end + 2 : text, (int)(end ? strlen(end + 2) : 0)) != NATS_OK)
		abort();
	if (end != NULL)
		*end = '\0';
	for (at = strtok(text, "\n"); at != NULL; at = strtok(NULL, "\n"))
		rtta_msg_header(msg, names[(unsigned char)at[0] % name_count], at + 1);
	free(text);
	return msg;
}

#endif

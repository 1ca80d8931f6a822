/* The reply subject of a delivery, and the status of a message without
 * payload: from the server, or from anybody who guesses our inbox. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bus.h"
#include "mem.h"
#include "msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	char *text = rtta_xcalloc(1, bytes + 1), *status;
	struct rtta_meta meta;
	natsMsg *msg;

	memcpy(text, data, bytes);
	status = text + strcspn(text, "\n");
	if (*status != '\0')
		*status++ = '\0';
	nats_Open(-1);
	if (natsMsg_Create(&msg, "inbox.1", text, "", 0) == NATS_OK) {
		rtta_msg_header(msg, "Status", status);
		rtta_msg_status(msg);
		if (rtta_meta_read(msg, &meta) == 0) {
			assert(strncmp(text, "$JS.ACK.", 8) == 0);
			assert(memchr(meta.stream, '\0', sizeof(meta.stream)) != NULL);
			assert(memchr(meta.consumer, '\0', sizeof(meta.consumer)) != NULL);
		}
		natsMsg_Destroy(msg);
	}
	free(text);
	return 0;
}

#include <string.h>

#include "http.h"
#include "jtext.h"
#include "mem.h"
#include "message.h"

struct rtta_message *
rtta_message_copy(const struct rtta_jtext *text, uint64_t seq)
{
	unsigned char head[RTTA_HTTP_WS_HEAD_BYTES];
	size_t head_bytes = rtta_http_ws_head(head, text->bytes);
	struct rtta_message *message = rtta_xreallocarray(NULL, 1,
	    sizeof(*message) + head_bytes + text->bytes);

	message->seq = seq;
	message->head_bytes = head_bytes;
	message->bytes = text->bytes;
	memcpy(message->frame, head, head_bytes);
	memcpy(message->frame + head_bytes, text->text, text->bytes);
	return message;
}

struct rtta_message *
rtta_message_new(jv value)
{
	struct rtta_jtext text = {0};
	struct rtta_message *message;

	rtta_jtext_value(&text, value);
	message = rtta_message_copy(&text, 0);
	rtta_jtext_done(&text);
	return message;
}

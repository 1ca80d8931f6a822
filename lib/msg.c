#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "log.h"
#include "msg.h"

/*
 * The reply subject of a message can only be given when it is made, but the
 * ticket is not known then: it is made with this one, and the publisher
 * writes the real one over it.
 */
static const char no_reply[RTTA_MSG_REPLY_BYTES] =
    "________________________________________"
    "_______________________________________";

static int
copy_token(char *to, size_t bytes, const char *from, const char *end)
{
	if ((size_t)(end - from) >= bytes)
		return -1;
	memcpy(to, from, (size_t)(end - from));
	to[end - from] = '\0';
	return 0;
}

static int
read_number(const char *text, uint64_t *value)
{
	*value = 0;
	if (*text < '0' || *text > '9')
		return -1;
	for (; *text >= '0' && *text <= '9'; text++)
		*value = *value * 10 + (uint64_t)(*text - '0');
	return *text == '.' || *text == '\0' ? 0 : -1;
}

int
rtta_meta_read(natsMsg *msg, struct rtta_meta *meta)
{
	const char *reply = natsMsg_GetReply(msg), *token[13];
	uint64_t stored_ns;
	int count = 0, at;

	if (reply == NULL || strncmp(reply, "$JS.ACK.", 8) != 0)
		return -1;
	for (token[count++] = reply; count < 13; token[count++] = reply) {
		reply = strchr(reply, '.');
		if (reply == NULL)
			break;
		reply++;
	}
	/* $JS.ACK.[domain.account.]stream.consumer.numbers, 5 of them */
	if (count == 9)
		at = 2;
	else if (count == 11 || count == 12)
		at = 4;
	else
		return -1;
	if (copy_token(meta->stream, sizeof(meta->stream), token[at], token[at + 1] - 1) != 0 ||
	    copy_token(meta->consumer, sizeof(meta->consumer), token[at + 1],
	    token[at + 2] - 1) != 0 ||
	    read_number(token[at + 2], &meta->delivered) != 0 ||
	    read_number(token[at + 3], &meta->stream_seq) != 0 ||
	    read_number(token[at + 4], &meta->consumer_seq) != 0 ||
	    read_number(token[at + 5], &stored_ns) != 0 ||
	    read_number(token[at + 6], &meta->pending) != 0)
		return -1;
	meta->stored_ns = (int64_t)stored_ns;
	return 0;
}

const char *
rtta_header(natsMsg *msg, const char *name)
{
	const char *value = NULL;

	return natsMsgHeader_Get(msg, name, &value) == NATS_OK ? value : NULL;
}

/* A stored message that calls itself a status does not become one. */
int
rtta_msg_status(natsMsg *msg)
{
	const char *reply = natsMsg_GetReply(msg), *status;

	if (natsMsg_GetDataLength(msg) > 0 ||
	    (reply != NULL && strncmp(reply, "$JS.ACK.", 8) == 0))
		return 0;
	status = rtta_header(msg, "Status");
	return status != NULL ? atoi(status) : 0;
}

static natsMsg *
make_msg(const char *subject, const char *reply, const void *data, int bytes)
{
	natsMsg *msg = NULL;

	if (natsMsg_Create(&msg, subject, reply, data, bytes) != NATS_OK) {
		rtta_log_error("nats: message of %d bytes for %s: no memory", bytes, subject);
		exit(EX_OSERR);
	}
	return msg;
}

natsMsg *
rtta_msg_new(const char *subject, const void *data, int bytes)
{
	return make_msg(subject, no_reply, data, bytes);
}

void
rtta_msg_header(natsMsg *msg, const char *name, const char *value)
{
	if (natsMsgHeader_Set(msg, name, value) != NATS_OK) {
		rtta_log_error("nats: header %s: no memory", name);
		exit(EX_OSERR);
	}
}

natsMsg *
rtta_msg_with_reply(natsMsg *msg, const char *reply)
{
	natsMsg *copy = make_msg(natsMsg_GetSubject(msg), reply, natsMsg_GetData(msg),
	    natsMsg_GetDataLength(msg));
	const char **keys = NULL, **values = NULL;
	int key_count = 0, value_count, i, v;

	if (natsMsgHeader_Keys(msg, &keys, &key_count) != NATS_OK)
		return copy;
	for (i = 0; i < key_count; i++) {
		if (natsMsgHeader_Values(msg, keys[i], &values, &value_count) != NATS_OK)
			continue;
		for (v = 0; v < value_count; v++)
			natsMsgHeader_Add(copy, keys[i], values[v]);
		free(values);
	}
	free(keys);
	return copy;
}

bool
rtta_msg_is_plain(natsMsg *msg)
{
	const char *reply = natsMsg_GetReply(msg);

	return reply != NULL && strcmp(reply, no_reply) == 0;
}

natsMsg *
rtta_msg_set_reply(natsMsg *msg, const char *reply)
{
	natsMsg *copy;

	if (rtta_msg_is_plain(msg) && strlen(reply) < sizeof(no_reply)) {
		strcpy((char *)natsMsg_GetReply(msg), reply);
		return msg;
	}
	copy = rtta_msg_with_reply(msg, reply);
	natsMsg_Destroy(msg);
	return copy;
}

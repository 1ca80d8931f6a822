/*
 * reference - what nats.c does by itself: the yardstick of bench/run.
 *
 *   reference publish SUBJECT COUNT     async publish, 4,096 in flight, with
 *                                       the headers and payload of a frame
 *   reference copy STREAM SUBJECT COUNT read COUNT from STREAM by an ordered
 *                                       consumer, publish each again
 *   reference read STREAM SUBJECT COUNT read COUNT by an ordered consumer
 *   reference text SUBJECT COUNT        publish COUNT records of text
 *   reference sse PORT SESSION COUNT    a reader of rtta-serve's /events
 *
 * Prints the milliseconds between connected and the last acknowledgement.
 */
#include <arpa/inet.h>
#include <nats/nats.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "opt.h"
#include "record.h"

enum { PAYLOAD_BYTES = 640, IN_FLIGHT = 4096 };

static void
need(natsStatus status, const char *what)
{
	if (status == NATS_OK)
		return;
	fprintf(stderr, "reference: %s: %s\n", what, natsStatus_GetText(status));
	exit(1);
}

static natsMsg *
frame_message(const char *subject, unsigned number, const void *data, int bytes)
{
	char text[64], stamp[RTTA_CLOCK_TEXT_BYTES];
	natsMsg *msg;

	need(natsMsg_Create(&msg, subject, NULL, data, bytes), "message");
	snprintf(text, sizeof(text), "ref/0123456789abcdef/%u", number * 320);
	natsMsgHeader_Set(msg, "Nats-Msg-Id", text);
	natsMsgHeader_Set(msg, "timestamp",
	    rtta_clock_format(stamp, rtta_clock_real_ns()));
	natsMsgHeader_Set(msg, "run", "0123456789abcdef");
	natsMsgHeader_Set(msg, "sample", text + 21);
	natsMsgHeader_Set(msg, "rate", "16000");
	natsMsgHeader_Set(msg, "channels", "1");
	return msg;
}

static void
publish(jsCtx *js, const char *subject, unsigned count)
{
	char payload[PAYLOAD_BYTES] = {0};
	natsMsg *msg;

	for (unsigned i = 0; i < count; i++) {
		msg = frame_message(subject, i, payload, sizeof(payload));
		need(js_PublishMsgAsync(js, &msg, NULL), "publish");
	}
	need(js_PublishAsyncComplete(js, NULL), "acknowledgements");
}

/* Lines as they are: 40 characters each three seconds. */
static void
publish_text(jsCtx *js, const char *subject, unsigned count)
{
	struct rtta_record record;
	natsMsg *msg;

	for (unsigned i = 0; i < count; i++) {
		rtta_record_init(&record);
		free(record.text);
		record.text = strdup("The river has to be below the amber mark.");
		snprintf(record.session, sizeof(record.session), "%s",
		    strrchr(subject, '.') + 1);
		record.span = (struct rtta_span){ 1, i * 48000ULL, (i + 1) * 48000ULL };
		record.start_ns = (1700000000 + i * 3LL) * 1000000000;
		record.end_ns = record.start_ns + 3000000000;
		msg = rtta_record_encode(&record, 0);
		need(js_PublishMsgAsync(js, &msg, NULL), "publish");
		rtta_record_done(&record);
	}
	need(js_PublishAsyncComplete(js, NULL), "acknowledgements");
}

/* Read events until COUNT have come; each has one id. */
static void
read_sse(int port, const char *session, unsigned count)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
	    .sin_port = htons((uint16_t)port),
	    .sin_addr = { htonl(INADDR_LOOPBACK) } };
	static const char id[] = "\nid:";
	static char data[1 << 16];
	size_t held = 0;   /* what may be the beginning of another one */
	unsigned ids = 0;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	ssize_t got;

	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		exit(1);
	dprintf(fd, "GET /events?session=%s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n",
	    session, port);
	while (ids < count && (got = read(fd, data + held, sizeof(data) - held)) > 0) {
		char *at = data, *end = data + held + got, *found;

		for (; (found = memmem(at, (size_t)(end - at), id, strlen(id))) != NULL;
		    at = found + strlen(id))
			ids++;
		held = (size_t)(end - at) < strlen(id) ? (size_t)(end - at) : strlen(id) - 1;
		memmove(data, end - held, held);
	}
	close(fd);
	if (ids < count) {
		fprintf(stderr, "reference: %u of %u events\n", ids, count);
		exit(1);
	}
}

static natsSubscription *
ordered(jsCtx *js, const char *stream, const char *subject)
{
	natsSubscription *sub;
	jsSubOptions so;

	jsSubOptions_Init(&so);
	so.Ordered = true;
	so.Stream = stream;
	need(js_SubscribeSync(&sub, js, subject, NULL, &so, NULL), "subscribe");
	natsSubscription_SetPendingLimits(sub, -1, -1);
	return sub;
}

static void
read_all(jsCtx *js, const char *stream, const char *from, const char *to,
    unsigned count)
{
	natsSubscription *sub = ordered(js, stream, from);
	natsMsg *msg, *copy;

	for (unsigned i = 0; i < count; i++) {
		need(natsSubscription_NextMsg(&msg, sub, 10000), "read");
		if (to != NULL) {
			copy = frame_message(to, i, natsMsg_GetData(msg),
			    natsMsg_GetDataLength(msg));
			need(js_PublishMsgAsync(js, &copy, NULL), "publish");
		}
		natsMsg_Destroy(msg);
	}
	if (to != NULL)
		need(js_PublishAsyncComplete(js, NULL), "acknowledgements");
	natsSubscription_Destroy(sub);
}

int
main(int argc, char *argv[])
{
	natsConnection *nc;
	jsOptions options;
	int64_t start_ns;
	jsCtx *js;

	if (argc < 4) {
		fprintf(stderr, "usage: reference publish|copy|read|text|sse ...\n");
		return 64;
	}
	if (strcmp(argv[1], "sse") == 0 && argc == 5) {
		start_ns = rtta_clock_real_ns();
		read_sse(atoi(argv[2]), argv[3], (unsigned)atoi(argv[4]));
		printf("%.1f\n", (double)(rtta_clock_real_ns() - start_ns) / 1e6);
		return 0;
	}
	need(natsConnection_ConnectTo(&nc, rtta_opt_nats_url()), "connect");
	jsOptions_Init(&options);
	options.PublishAsync.MaxPending = IN_FLIGHT;
	options.PublishAsync.StallWait = 60000;
	need(natsConnection_JetStream(&js, nc, &options), "JetStream");
	start_ns = rtta_clock_real_ns();
	if (strcmp(argv[1], "publish") == 0)
		publish(js, argv[2], (unsigned)atoi(argv[3]));
	else if (strcmp(argv[1], "text") == 0)
		publish_text(js, argv[2], (unsigned)atoi(argv[3]));
	else if (strcmp(argv[1], "copy") == 0 && argc == 6)
		read_all(js, argv[2], argv[3], argv[4], (unsigned)atoi(argv[5]));
	else if (argc == 5)
		read_all(js, argv[2], argv[3], NULL, (unsigned)atoi(argv[4]));
	printf("%.1f\n", (double)(rtta_clock_real_ns() - start_ns) / 1e6);
	jsCtx_Destroy(js);
	natsConnection_Destroy(nc);
	nats_Close();
	return 0;
}

/*
 * reference - what nats.c does by itself: the yardstick of bench/run.
 *
 *   reference publish SUBJECT COUNT     async publish, 4,096 in flight, with
 *                                       the headers and payload of a frame
 *   reference copy STREAM SUBJECT COUNT read COUNT from STREAM by an ordered
 *                                       consumer, publish each again
 *   reference read STREAM SUBJECT COUNT read COUNT by an ordered consumer
 *
 * Prints the milliseconds between connected and the last acknowledgement.
 */
#include <nats/nats.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "opt.h"

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
		fprintf(stderr, "usage: reference publish|copy|read ...\n");
		return 64;
	}
	need(natsConnection_ConnectTo(&nc, rtta_opt_nats_url()), "connect");
	jsOptions_Init(&options);
	options.PublishAsync.MaxPending = IN_FLIGHT;
	options.PublishAsync.StallWait = 60000;
	need(natsConnection_JetStream(&js, nc, &options), "JetStream");
	start_ns = rtta_clock_real_ns();
	if (strcmp(argv[1], "publish") == 0)
		publish(js, argv[2], (unsigned)atoi(argv[3]));
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

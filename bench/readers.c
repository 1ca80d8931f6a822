/*
 * readers - how long a text takes to reach everybody who reads along.
 *
 *   readers PORT SESSION COUNT SECONDS [RATE]
 *
 * Opens COUNT WebSockets to /ws?session=SESSION and, when all of them are
 * live, publishes RATE texts a second (default 3: a final and two interim
 * texts) on the bus.  Each text says when it was sent.  SESSION "-": another
 * server, which sends such texts by itself.  Prints percentiles of the delay
 * over all readers and texts; finals that a reader did not get make it fail.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <nats/nats.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "opt.h"
#include "record.h"

enum {
	TAIL_BYTES = 40,          /* what is looked for is not longer */
	STEP_US = 100,            /* of the histogram */
	STEPS = 600000,
	EVENTS = 1024,
	SETTLE_S = 10,            /* at the end, until the last one has all */
	CONNECT_S = 60,
	DIGITS = 19
};

static const char mark[] = "\"text\":\"@", live[] = "\"event\":\"live\"";

struct reader {
	int fd;
	bool is_live;
	size_t tail;
	char kept[TAIL_BYTES];
	unsigned finals;
};

struct bench {
	struct reader *readers;
	size_t count, live_count;
	int epoll;
	bool is_ours;
	natsConnection *nc;
	const char *session;
	unsigned sent, finals;
	uint64_t got;
	uint32_t steps[STEPS];
	char data[TAIL_BYTES + 65536];
};

static int64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void
fail(const char *what)
{
	perror(what);
	exit(1);
}

static void
open_reader(struct bench *bench, struct reader *reader, uint16_t port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(port),
	    .sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct epoll_event event = { .events = EPOLLIN, .data = { .ptr = reader } };

	reader->fd = socket(AF_INET, SOCK_STREAM, 0);
	if (reader->fd < 0 ||
	    connect(reader->fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		fail("connect");
	if (dprintf(reader->fd, "GET /ws?session=%s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n"
	    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
	    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
	    bench->is_ours ? bench->session : "x", port) < 0 ||
	    epoll_ctl(bench->epoll, EPOLL_CTL_ADD, reader->fd, &event) < 0)
		fail("request");
}

/* A text that was sent at the time which it names; '!' behind it: a final. */
static void
take_text(struct bench *bench, struct reader *reader, const char *text)
{
	int64_t delay_us = (now_ns() - strtoll(text, NULL, 10)) / 1000;
	size_t step = delay_us < 0 ? 0 : (size_t)delay_us / STEP_US;

	bench->steps[step < STEPS ? step : STEPS - 1]++;
	bench->got++;
	reader->finals += text[DIGITS] == '!';
}

/* Look for what is new in `bytes` of data, of which `old` were seen. */
static void
scan(struct bench *bench, struct reader *reader, size_t bytes, size_t old)
{
	const char *at = bench->data, *end = bench->data + bytes;
	size_t length = sizeof(mark) - 1 + DIGITS + 1;

	if (!reader->is_live && memmem(at, bytes, live, sizeof(live) - 1) != NULL) {
		reader->is_live = true;
		bench->live_count++;
	}
	while ((at = memmem(at, (size_t)(end - at), mark, sizeof(mark) - 1)) != NULL) {
		if ((size_t)(end - at) < length)
			return;
		if (at + length > bench->data + old)
			take_text(bench, reader, at + sizeof(mark) - 1);
		at += length;
	}
}

static void
read_some(struct bench *bench, struct reader *reader)
{
	ssize_t got;
	size_t bytes;

	memcpy(bench->data, reader->kept, reader->tail);
	got = recv(reader->fd, bench->data + reader->tail, 65536, MSG_DONTWAIT);
	if (got <= 0) {
		fprintf(stderr, "readers: a connection ended\n");
		exit(1);
	}
	bytes = reader->tail + (size_t)got;
	scan(bench, reader, bytes, reader->tail);
	reader->tail = bytes < TAIL_BYTES ? bytes : TAIL_BYTES;
	memcpy(reader->kept, bench->data + bytes - reader->tail, reader->tail);
}

/* Read what comes until the time, or until `done` readers are live. */
static void
read_until(struct bench *bench, int64_t until_ns, size_t done)
{
	struct epoll_event events[EVENTS];
	int64_t left_ns;

	while ((left_ns = until_ns - now_ns()) > 0 && bench->live_count < done) {
		int n = epoll_wait(bench->epoll, events, EVENTS, (int)(left_ns / 1000000) + 1);

		for (int i = 0; i < n; i++)
			read_some(bench, events[i].data.ptr);
	}
}

static void
publish(struct bench *bench)
{
	struct rtta_record record;
	uint64_t first = bench->sent++ * UINT64_C(16000);
	natsMsg *msg;

	rtta_record_init(&record);
	free(record.text);
	record.is_final = bench->sent % 3 == 0;
	if (asprintf(&record.text, "@%0*" PRId64 "%c The river has to be below the amber mark.",
	    DIGITS, now_ns(), record.is_final ? '!' : ' ') < 0)
		fail("memory");
	snprintf(record.session, sizeof(record.session), "%s", bench->session);
	record.span = (struct rtta_span){ 1, first, first + 16000 };
	record.start_ns = (1700000000 + (int64_t)bench->sent) * 1000000000;
	record.end_ns = record.start_ns + 1000000000;
	bench->finals += record.is_final;
	msg = rtta_record_encode(&record, 0);
	if (natsConnection_PublishMsg(bench->nc, msg) != NATS_OK)
		fail("publish");
	natsMsg_Destroy(msg);
	rtta_record_done(&record);
}

static double
percentile_ms(const struct bench *bench, double part)
{
	uint64_t want = (uint64_t)((double)(bench->got - 1) * part), seen = 0;
	size_t step = 0;

	while (step < STEPS - 1 && (seen += bench->steps[step]) <= want)
		step++;
	return (double)step * STEP_US / 1000;
}

static int
report(const struct bench *bench)
{
	uint64_t lost = 0;

	for (size_t i = 0; i < bench->count; i++)
		lost += bench->is_ours ? bench->finals - bench->readers[i].finals : 0;
	printf("%zu readers: %" PRIu64 " texts, p50 %.1f ms, p99 %.1f ms, worst %.1f ms",
	    bench->count, bench->got, percentile_ms(bench, 0.5), percentile_ms(bench, 0.99),
	    percentile_ms(bench, 1));
	printf(", lost %" PRIu64 "\n", lost);
	return lost == 0 && bench->got > 0 ? 0 : 1;
}

static bool
all_have_all(const struct bench *bench)
{
	for (size_t i = 0; i < bench->count; i++)
		if (bench->readers[i].finals < bench->finals)
			return false;
	return true;
}

static void
run(struct bench *bench, double seconds, double rate)
{
	int64_t start_ns = now_ns(), gap_ns = (int64_t)(1e9 / rate), end_ns;

	end_ns = start_ns + (int64_t)(seconds * 1e9);
	for (int64_t next_ns = start_ns; next_ns < end_ns; next_ns += gap_ns) {
		read_until(bench, next_ns, SIZE_MAX);
		if (bench->is_ours)
			publish(bench);
	}
	end_ns = now_ns() + SETTLE_S * INT64_C(1000000000);
	while (now_ns() < end_ns && !all_have_all(bench))
		read_until(bench, now_ns() + 50000000, SIZE_MAX);
}

int
main(int argc, char *argv[])
{
	static struct bench bench;
	struct rlimit limit;

	if (argc < 5) {
		fprintf(stderr, "usage: readers PORT SESSION COUNT SECONDS [RATE]\n");
		return 64;
	}
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	bench.session = argv[2];
	bench.is_ours = strcmp(argv[2], "-") != 0;
	bench.count = (size_t)atoi(argv[3]);
	bench.readers = calloc(bench.count, sizeof(*bench.readers));
	bench.epoll = epoll_create1(0);
	if (bench.is_ours && natsConnection_ConnectTo(&bench.nc, rtta_opt_nats_url()) != NATS_OK)
		fail("bus");
	for (size_t i = 0; i < bench.count; i++) {
		open_reader(&bench, &bench.readers[i], (uint16_t)atoi(argv[1]));
		read_until(&bench, now_ns() + 100000, bench.count);
	}
	read_until(&bench, now_ns() + CONNECT_S * INT64_C(1000000000), bench.count);
	if (bench.live_count < bench.count) {
		fprintf(stderr, "readers: %zu of %zu are live\n", bench.live_count, bench.count);
		return 1;
	}
	run(&bench, atof(argv[4]), argc > 5 ? atof(argv[5]) : 3);
	return report(&bench);
}

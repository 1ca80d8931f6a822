/* Kept until acknowledged, in order, against a real server that misbehaves. */
#include "check.h"
#include "credit.h"
#include "log.h"
#include "publisher.h"
#include "puller.h"
#include "server.h"

enum { WAIT_MS = 20000 };

struct run {
	struct rtta_bus *bus;
	struct rtta_publisher *publisher;
	int64_t deadline_ms;
	uint64_t taken;         /* results, which come in the order of tickets */
	unsigned long disorder; /* results whose sequence is not their ticket's */
	struct rtta_puback last;
};

static void
begin(struct run *run, struct rtta_bus *bus, int window)
{
	*run = (struct run){ .bus = bus, .publisher = rtta_publisher_new(bus, window) };
	run->deadline_ms = rtta_clock_mono_ms() + WAIT_MS;
}

static void
put(struct run *run, const char *subject, const char *id, int bytes)
{
	static const char zeros[200000];
	natsMsg *msg = rtta_msg_new(subject, zeros, bytes);

	if (id != NULL)
		rtta_msg_header(msg, "Nats-Msg-Id", id);
	rtta_publisher_put(run->publisher, msg, NULL);
}

static void
put_many(struct run *run, const char *subject, int count, int bytes)
{
	char id[64];
	int i;

	for (i = 0; i < count; i++) {
		snprintf(id, sizeof(id), "%s/%d", subject, i);
		put(run, subject, id, bytes);
	}
}

static void
take_results(struct run *run)
{
	while (rtta_publisher_next(run->publisher, &run->last)) {
		CHECK_INT(run->last.ticket, ++run->taken);
		run->disorder += run->last.seq != run->last.ticket;
	}
}

static void
turn(struct run *run)
{
	int wait_ms = rtta_publisher_pump(run->publisher);

	take_results(run);
	if (rtta_publisher_pending(run->publisher) > 0)
		server_turn(run->bus, wait_ms < 0 || wait_ms > 50 ? 50 : wait_ms);
}

static void
until_taken(struct run *run, uint64_t count)
{
	while (run->taken < count && rtta_clock_mono_ms() < run->deadline_ms)
		turn(run);
	CHECK(run->taken >= count);
}

static void
make_stream(struct rtta_bus *bus, const char *name, const char *more)
{
	char what[64], body[256];

	snprintf(what, sizeof(what), "STREAM.CREATE.%s", name);
	snprintf(body, sizeof(body), "{\"name\":\"%s\",\"subjects\":[\"%s.>\"],"
	    "\"storage\":\"file\",\"duplicate_window\":600000000000%s}", name, name, more);
	server_do(bus, what, body);
}

static void
check_crash(struct server *server, struct rtta_bus *bus)
{
	enum { COUNT = 20000 };
	struct run run;

	make_stream(bus, "crash", "");
	begin(&run, bus, 256);
	put_many(&run, "crash.x", COUNT, 640);
	until_taken(&run, COUNT / 4);
	server_kill(server);
	CHECK(rtta_publisher_pending(run.publisher) > 0);
	turn(&run);
	server_start(server);
	until_taken(&run, COUNT);
	CHECK_INT(run.disorder, 0);
	CHECK_INT(server_state(bus, "crash", "messages"), COUNT);
	CHECK_INT(rtta_bus_epoch(bus), 2);
	CHECK_INT(rtta_publisher_pending_bytes(run.publisher), 0);
	rtta_publisher_free(run.publisher);
}

/* A server that stands still: the silence ends when it goes on. */
static void
check_pause(struct server *server, struct rtta_bus *bus)
{
	struct run run;

	make_stream(bus, "pause", "");
	begin(&run, bus, 4096);
	server_pause(server);
	put_many(&run, "pause.x", 4000, 640);
	turn(&run);
	CHECK_INT(run.taken, 0);
	kill(server->pid, SIGCONT);
	until_taken(&run, 4000);
	CHECK_INT(run.disorder, 0);
	CHECK_INT(server_state(bus, "pause", "messages"), 4000);
	rtta_publisher_free(run.publisher);
}

/* Full, and drained by a reader: what was refused does not lose its turn. */
static void
check_full(struct rtta_bus *bus)
{
	enum { COUNT = 2000 };
	static const struct rtta_puller_config config = { "full", "full.>", "p", 20 };
	struct rtta_puller *puller;
	struct run run;
	natsMsg *msg;
	int acks;

	make_stream(bus, "full", ",\"retention\":\"workqueue\",\"discard\":\"new\","
	    "\"max_bytes\":70000");
	begin(&run, bus, 64);
	put_many(&run, "full.x", COUNT, 640);
	while (rtta_publisher_trouble(run.publisher) == 0 &&
	    rtta_clock_mono_ms() < run.deadline_ms)
		turn(&run);
	CHECK_INT(rtta_publisher_trouble(run.publisher), 10077);
	CHECK(run.taken > 0 && run.taken < COUNT);

	puller = rtta_puller_new(bus, &config);
	while (run.taken < COUNT && rtta_clock_mono_ms() < run.deadline_ms) {
		rtta_puller_tick(puller);
		for (acks = 0; acks < 3 && (msg = rtta_puller_take(puller)) != NULL; acks++) {
			rtta_puller_ack(puller, msg);
			natsMsg_Destroy(msg);
		}
		rtta_publisher_pump(run.publisher);
		take_results(&run);
		server_turn(bus, acks > 0 ? 0 : 5);
	}
	CHECK_INT(run.taken, COUNT);
	CHECK_INT(run.disorder, 0);
	CHECK_INT(rtta_publisher_trouble(run.publisher), 0);
	rtta_puller_free(puller);
	rtta_publisher_free(run.publisher);
}

/*
 * Four publishers, as fast as they can: together they fill the share and leave
 * the reserve, and go on when there is room.
 */
static void
check_share(struct rtta_bus *bus)
{
	enum { PUBLISHERS = 4, COUNT = 3000, SHARE = 1000 };
	struct run runs[PUBLISHERS];
	unsigned long full, sum, stored;
	char subject[32];
	int i;

	server_do(bus, "STREAM.CREATE.AUDIO_STREAM", "{\"name\":\"AUDIO_STREAM\","
	    "\"subjects\":[\"audio.>\"],\"storage\":\"file\",\"discard\":\"new\","
	    "\"max_bytes\":100000000,\"max_msgs\":2000}");
	for (i = 0; i < PUBLISHERS; i++) {
		begin(&runs[i], bus, 1024);
		rtta_publisher_limit(runs[i].publisher, rtta_credit_new(bus));
		snprintf(subject, sizeof(subject), "audio.live.%d", i);
		put_many(&runs[i], subject, COUNT, 640);
	}
	do {
		for (full = 0, i = 0; i < PUBLISHERS; i++) {
			turn(&runs[i]);
			full += rtta_publisher_trouble(runs[i].publisher) == 10077;
		}
	} while (full < PUBLISHERS && rtta_clock_mono_ms() < runs[0].deadline_ms);
	CHECK_INT(full, PUBLISHERS);
	stored = server_state(bus, "AUDIO_STREAM", "messages");
	CHECK(stored >= SHARE && stored < SHARE + SHARE / 2);

	server_do(bus, "STREAM.PURGE.AUDIO_STREAM", "");
	do {
		for (sum = 0, i = 0; i < PUBLISHERS; i++) {
			turn(&runs[i]);
			sum += runs[i].taken;
		}
	} while (sum < SHARE * 2 && rtta_clock_mono_ms() < runs[0].deadline_ms);
	CHECK(sum >= SHARE * 2);
	CHECK(server_state(bus, "AUDIO_STREAM", "messages") < SHARE + SHARE / 2);
	for (i = 0; i < PUBLISHERS; i++) {
		CHECK(runs[i].taken > 0);
		rtta_publisher_free(runs[i].publisher);
	}
	server_do(bus, "STREAM.DELETE.AUDIO_STREAM", "");
}

/* Who may not ask how full it is publishes all the same. */
static void
check_deaf(void)
{
	struct server server = { .more = "authorization { users: [ { user: u, password: p, "
	    "permissions: { publish: { deny: [\"$JS.API.STREAM.INFO.AUDIO_STREAM\"] } } } ] }\n"
	    "no_auth_user: u\n" };
	struct rtta_bus *bus;
	struct run run;

	server_start(&server);
	bus = server_open_bus(&server, "deaf");
	server_do(bus, "STREAM.CREATE.AUDIO_STREAM", "{\"name\":\"AUDIO_STREAM\","
	    "\"subjects\":[\"audio.>\"],\"storage\":\"file\"}");
	begin(&run, bus, 64);
	rtta_publisher_limit(run.publisher, rtta_credit_new(bus));
	put_many(&run, "audio.live.x", 1000, 640);
	until_taken(&run, 1000);
	CHECK_INT(run.disorder, 0);
	rtta_publisher_free(run.publisher);
	rtta_bus_close(bus);
	server_remove(&server);
}

/* A server that hangs: every connection to it is lost before it is silent for long. */
static void
check_hanging(void)
{
	struct server server = { .more = "authorization { users: [ { user: u, password: p, "
	    "permissions: { publish: { deny: [\"audio.>\"] } } } ] }\nno_auth_user: u\n" };
	struct rtta_bus *bus;
	struct run run;
	int64_t until_ms;

	server_start(&server);
	bus = server_open_bus(&server, "hanging");
	begin(&run, bus, 64);
	put(&run, "audio.live.x", NULL, 640);
	while (rtta_publisher_trouble(run.publisher) == 0 &&
	    rtta_clock_mono_ms() < run.deadline_ms) {
		until_ms = rtta_clock_mono_ms() + 2000;
		while (rtta_clock_mono_ms() < until_ms)
			turn(&run);
		server_kill(&server);
		server_start(&server);
	}
	CHECK_INT(rtta_publisher_trouble(run.publisher), 408);
	CHECK(rtta_bus_epoch(bus) > 1);
	rtta_publisher_free(run.publisher);
	rtta_bus_close(bus);
	server_remove(&server);
}

static void
check_refusals(struct rtta_bus *bus)
{
	struct run run;
	natsMsg *msg;

	make_stream(bus, "kv", "");
	begin(&run, bus, 16);
	put(&run, "kv.a", NULL, 1);
	put(&run, "kv.b", NULL, 1);
	until_taken(&run, 2);
	msg = rtta_msg_new("kv.a", "x", 1);
	rtta_msg_header(msg, "Nats-Expected-Last-Subject-Sequence", "7");
	rtta_publisher_put(run.publisher, msg, &run);
	until_taken(&run, 3);
	CHECK_INT(run.last.error, 10071);
	CHECK_INT(run.last.last_seq, 1);
	CHECK(run.last.tag == &run);

	put(&run, "kv.a", NULL, 200000);   /* above the server's max_payload */
	put(&run, "kv.a", "once", 1);
	put(&run, "kv.a", "once", 1);
	until_taken(&run, 4);
	CHECK_INT(run.last.error, 10054);
	until_taken(&run, 6);
	CHECK(run.last.duplicate);
	CHECK_INT(run.last.seq, 3);
	rtta_publisher_free(run.publisher);
}

/* Nobody takes it yet: kept, and stored when a stream comes. */
static void
check_no_stream(struct rtta_bus *bus)
{
	struct run run;

	begin(&run, bus, 16);
	put_many(&run, "late.x", 100, 10);
	while (rtta_publisher_trouble(run.publisher) == 0 &&
	    rtta_clock_mono_ms() < run.deadline_ms)
		turn(&run);
	CHECK_INT(rtta_publisher_trouble(run.publisher), 503);
	CHECK_INT(rtta_publisher_pending(run.publisher), 100);
	make_stream(bus, "late", "");
	until_taken(&run, 100);
	CHECK_INT(run.disorder, 0);
	CHECK_INT(rtta_publisher_trouble(run.publisher), 0);
	rtta_publisher_free(run.publisher);
}

/* No acknowledgement comes, and no error either: sent again after 5 s. */
static void
check_silence(struct rtta_bus *bus)
{
	static const char stream[] = "{\"name\":\"mute\",\"subjects\":[\"mute.>\"],"
	    "\"storage\":\"file\",\"no_ack\":%s}";
	char body[128];
	struct run run;

	snprintf(body, sizeof(body), stream, "true");
	server_do(bus, "STREAM.CREATE.mute", body);
	begin(&run, bus, 16);
	put_many(&run, "mute.x", 10, 10);
	turn(&run);
	while (server_state(bus, "mute", "messages") < 10)
		turn(&run);
	CHECK_INT(run.taken, 0);
	snprintf(body, sizeof(body), stream, "false");
	server_do(bus, "STREAM.UPDATE.mute", body);
	until_taken(&run, 10);
	CHECK_INT(run.disorder, 0);
	CHECK(run.last.duplicate);
	rtta_publisher_free(run.publisher);
}

static void
check_take_back(struct rtta_bus *bus)
{
	struct run run, again;
	natsMsg *msg;
	int tags[5], i;
	void *tag;
	char text[4];

	begin(&run, bus, 2);
	begin(&again, bus, 2);
	for (i = 0; i < 5; i++) {
		snprintf(text, sizeof(text), "%d", i);
		rtta_publisher_put(run.publisher, rtta_msg_new("nobody.x", text, 1), &tags[i]);
	}
	rtta_publisher_pump(run.publisher);
	for (i = 0; (msg = rtta_publisher_take_back(run.publisher, &tag)) != NULL; i++) {
		CHECK(i < 5 && tag == &tags[i]);
		CHECK_INT(natsMsg_GetData(msg)[0], '0' + i);
		rtta_publisher_put(again.publisher, msg, NULL);
	}
	CHECK_INT(i, 5);
	CHECK_INT(rtta_publisher_pending(run.publisher), 0);
	make_stream(bus, "nobody", "");
	until_taken(&again, 5);
	CHECK_INT(again.disorder, 0);
	put(&run, "nobody.x", NULL, 1);
	run.taken = 5;
	until_taken(&run, 6);
	CHECK_INT(run.last.seq, 6);
	rtta_publisher_free(run.publisher);
	rtta_publisher_free(again.publisher);
}

/* What is refused behind one that waits is told, though that is taken back. */
static void
check_refused_between(struct rtta_bus *bus)
{
	static const char zeros[200000];
	struct rtta_puback ack = {0};
	struct run run;
	natsMsg *msg;
	int tags[3], taken = 0;
	void *tag;

	begin(&run, bus, 16);
	for (int i = 0; i < 3; i++)
		rtta_publisher_put(run.publisher, rtta_msg_new("nowhere.x", zeros,
		    i == 1 ? (int)sizeof(zeros) : 1), &tags[i]);
	rtta_publisher_pump(run.publisher);
	for (; (msg = rtta_publisher_take_back(run.publisher, &tag)) != NULL; taken++) {
		CHECK(tag == &tags[2 * taken]);
		natsMsg_Destroy(msg);
	}
	CHECK_INT(taken, 2);
	CHECK_INT(rtta_publisher_next(run.publisher, &ack), 1);
	CHECK_INT(ack.error, 10054);
	CHECK(ack.tag == &tags[1]);
	CHECK_INT(rtta_publisher_next(run.publisher, &ack), 0);
	rtta_publisher_free(run.publisher);
}

int
main(void)
{
	struct server server = { 0 };
	struct rtta_bus *bus;

	rtta_log_open("publisher");
	rtta_log_set_level(getenv("VERBOSE") ? RTTA_LOG_DEBUG : RTTA_LOG_ERROR);
	server_start(&server);
	bus = server_open_bus(&server, "unit");
	check_crash(&server, bus);
	check_pause(&server, bus);
	check_full(bus);
	check_share(bus);
	check_refusals(bus);
	check_no_stream(bus);
	check_take_back(bus);
	check_refused_between(bus);
	check_silence(bus);
	check_deaf();
	check_hanging();
	rtta_bus_close(bus);
	server_remove(&server);
	return check_result();
}

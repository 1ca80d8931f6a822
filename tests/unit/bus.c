/* The connection and its ports, against a real server. */

#include "check.h"
#include "dial.h"
#include "log.h"
#include "server.h"

static natsMsg *
take(struct rtta_bus *bus, struct rtta_port *port)
{
	int64_t deadline_ms = rtta_clock_mono_ms() + 20000;
	natsMsg *msg;

	while ((msg = rtta_port_take(port)) == NULL && rtta_clock_mono_ms() < deadline_ms)
		server_turn(bus, 100);
	return msg;
}

static void
check_messages(struct rtta_bus *bus)
{
	struct rtta_err err = { 0 };
	struct rtta_port *one = rtta_port_open(bus, 10), *two = rtta_port_open(bus, 10);
	char subject[128];
	natsMsg *msg;

	CHECK_INT(rtta_port_subscribe(one, "unit.*", &err), 0);
	snprintf(subject, sizeof(subject), "%s17.x", rtta_port_inbox(two));
	msg = rtta_msg_new("unit.a", "text", 4);
	rtta_msg_header(msg, "session", "s1");
	CHECK_INT(rtta_bus_send_msg(bus, msg), 0);
	natsMsg_Destroy(msg);
	CHECK_INT(rtta_bus_send(bus, subject, "unit.b", NULL, 0), 0);

	msg = take(bus, one);
	CHECK(msg != NULL);
	CHECK_STR(natsMsg_GetSubject(msg), "unit.a");
	CHECK_STR(rtta_header(msg, "session"), "s1");
	CHECK(rtta_header(msg, "Session") == NULL);
	CHECK(natsMsg_GetReply(msg) == NULL);
	CHECK(rtta_port_token(one, msg) == NULL);
	CHECK_INT(rtta_msg_status(msg), 0);
	natsMsg_Destroy(msg);
	msg = take(bus, two);
	CHECK(msg != NULL);
	CHECK_STR(rtta_port_token(two, msg), "17.x");
	CHECK_STR(natsMsg_GetReply(msg), "unit.b");
	natsMsg_Destroy(msg);

	/* Nobody there is a status; a closed port takes nothing any more. */
	snprintf(subject, sizeof(subject), "%s1", rtta_port_inbox(two));
	rtta_bus_send(bus, "nobody", subject, NULL, 0);
	msg = take(bus, two);
	CHECK_INT(rtta_msg_status(msg), 503);
	natsMsg_Destroy(msg);
	rtta_port_close(one);
	rtta_bus_send(bus, "unit.a", subject, NULL, 0);
	msg = take(bus, two);
	CHECK_INT(rtta_msg_status(msg), 503);
	natsMsg_Destroy(msg);
	rtta_port_close(two);
}

static void
check_bound(struct rtta_bus *bus)
{
	struct rtta_port *small = rtta_port_open(bus, 3), *last = rtta_port_open(bus, 1);
	char subject[128];
	uint64_t dropped = 0;
	natsMsg *msg;
	int i;

	snprintf(subject, sizeof(subject), "%sx", rtta_port_inbox(small));
	for (i = 0; i < 10; i++)
		rtta_bus_send(bus, subject, NULL, &"0123456789"[i], 1);
	snprintf(subject, sizeof(subject), "%sx", rtta_port_inbox(last));
	rtta_bus_send(bus, subject, NULL, NULL, 0);
	natsMsg_Destroy(take(bus, last));  /* behind the ten, on one subscription */
	for (i = 0; (msg = rtta_port_take(small)) != NULL; i++) {
		CHECK_INT(natsMsg_GetData(msg)[0], '0' + i);
		natsMsg_Destroy(msg);
	}
	CHECK_INT(i, 3);
	dropped = rtta_port_dropped(small);
	CHECK_INT(dropped, 7);
	CHECK_INT(rtta_port_dropped(small), 0);
	rtta_port_close(small);
	rtta_port_close(last);
}

/* Many wake main together, or one that may want an answer. */
static void
check_wake_at(struct rtta_bus *bus)
{
	struct rtta_port *port = rtta_port_open(bus, 100);
	struct pollfd fd = { .fd = rtta_bus_fd(bus), .events = POLLIN };
	struct rtta_err err = { 0 };
	natsMsg *msg;

	CHECK_INT(rtta_port_subscribe(port, "unit.many", &err), 0);
	rtta_port_wake_at(port, 3);
	server_turn(bus, 0);
	for (int i = 0; i < 2; i++) {
		rtta_bus_send(bus, "unit.many", NULL, "text", 4);
		while ((msg = rtta_port_take(port)) == NULL)
			;
		natsMsg_Destroy(msg);
	}
	CHECK_INT(poll(&fd, 1, 0), 0);
	for (int i = 0; i < 3; i++)
		rtta_bus_send(bus, "unit.many", NULL, "text", 4);
	CHECK_INT(poll(&fd, 1, 20000), 1);
	for (int i = 0; i < 3; i++)
		natsMsg_Destroy(take(bus, port));
	server_turn(bus, 0);
	rtta_bus_send(bus, "unit.many", NULL, NULL, 0);
	CHECK_INT(poll(&fd, 1, 20000), 1);
	natsMsg_Destroy(take(bus, port));
	rtta_port_close(port);
}

static void
check_meta(void)
{
	static const struct {
		const char *reply;
		int rc;
		uint64_t stream_seq, pending;
	} rows[] = {
		{ "$JS.ACK.S.c-1.2.34.5.1700000000000000001.6", 0, 34, 6 },
		{ "$JS.ACK.hub.hash.S.c-1.2.34.5.1700000000000000001.6", 0, 34, 6 },
		{ "$JS.ACK.hub.hash.S.c-1.2.34.5.1700000000000000001.6.r4nd", 0, 34, 6 },
		{ "$JS.ACK.S.c-1.2.34.5.1700000000000000001", -1, 0, 0 },
		{ "$JS.ACK.S.c-1.2.34.5.1700000000000000001.6.7", -1, 0, 0 },
		{ "$JS.ACK.S.c-1.2.x.5.1700000000000000001.6", -1, 0, 0 },
		{ "$JS.ACK.S.c-1.2..5.1700000000000000001.6", -1, 0, 0 },
		{ "$JS.ACK.", -1, 0, 0 },
		{ "$JS.API.S.c-1.2.34.5.1700000000000000001.6", -1, 0, 0 },
	};
	struct rtta_meta meta;
	natsMsg *msg;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		natsMsg_Create(&msg, "a", rows[i].reply, NULL, 0);
		CHECK_INT(rtta_meta_read(msg, &meta), rows[i].rc);
		if (rows[i].rc == 0) {
			CHECK_STR(meta.stream, "S");
			CHECK_STR(meta.consumer, "c-1");
			CHECK_INT(meta.delivered, 2);
			CHECK_INT(meta.stream_seq, rows[i].stream_seq);
			CHECK_INT(meta.consumer_seq, 5);
			CHECK_INT(meta.stored_ns, 1700000000000000001);
			CHECK_INT(meta.pending, rows[i].pending);
		}
		natsMsg_Destroy(msg);
	}
}

static void
check_redact(void)
{
	static const struct {
		const char *url, *want;
	} rows[] = {
		{ "nats://h:4222", "nats://h:4222" },
		{ "nats://user:p@ss@h:4222", "nats://h:4222" },
		{ "user:secret@h", "h" },
		{ "tls://a:b@h1:1,nats://c:d@h2:2, e:f@h3", "tls://h1:1,nats://h2:2,h3" },
		{ "nats://token@h1,h2", "nats://h1,h2" },
		{ "", "" },
	};
	char *got;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		got = rtta_dial_redact(rows[i].url);
		CHECK_STR(got, rows[i].want);
		free(got);
	}
}

static void
check_refused(const struct server *server)
{
	static const struct {
		const char *url;
		int code;
		const char *text;
	} rows[] = {
		{ "nats://u:secret@127.0.0.1:1", EX_UNAVAILABLE,
		    "connect to nats://127.0.0.1:1: No server available" },
		{ " ,", EX_CONFIG, "connect to  ,: not a nats url" },
		{ "nats://h:port", EX_CONFIG, "connect to nats://h:port: invalid port 'port'" },
	};
	struct rtta_err err;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		err = (struct rtta_err){ 0 };
		CHECK(rtta_bus_open(rows[i].url, "unit", &err) == NULL);
		CHECK_INT(err.exit_code, rows[i].code);
		CHECK_STR(err.text, rows[i].text);
	}
	err = (struct rtta_err){ 0 };
	setenv("RTTA_NATS_CREDS", "/nonexistent", 1);
	CHECK(rtta_bus_open(server->url, "unit", &err) == NULL);
	unsetenv("RTTA_NATS_CREDS");
	CHECK_INT(err.exit_code, EX_CONFIG);
	CHECK_STR(err.text, "credentials /nonexistent: No such file or directory");
}

/* Away and back; what is sent meanwhile is refused, not kept. */
static void
check_away(struct server *server, struct rtta_bus *bus)
{
	struct rtta_err err = { 0 };
	struct rtta_port *port = rtta_port_open(bus, 10);
	natsMsg *msg;

	CHECK_INT(rtta_port_subscribe(port, "unit.away", &err), 0);
	CHECK_INT(rtta_bus_epoch(bus), 1);
	server_kill(server);
	while (rtta_bus_connected(bus))
		server_turn(bus, 50);
	CHECK_INT(rtta_bus_send(bus, "unit.away", NULL, "lost", 4), -1);
	server_start(server);
	while (!rtta_bus_connected(bus))
		server_turn(bus, 50);
	CHECK_INT(rtta_bus_epoch(bus), 2);
	CHECK_INT(rtta_bus_send(bus, "unit.away", NULL, "kept", 4), 0);
	msg = take(bus, port);
	CHECK_STR(msg ? natsMsg_GetData(msg) : NULL, "kept");
	natsMsg_Destroy(msg);
	rtta_port_close(port);
}

static void
url_with(char url[128], const struct server *server, const char *login)
{
	snprintf(url, 128, "nats://%s@127.0.0.1:%d", login, server->port);
}

/* A refused publish is silent for who publishes: the log tells, once. */
static void
check_permissions(struct rtta_bus *bus, const struct server *server)
{
	char path[128], text[1024] = "", want[256];
	int64_t deadline_ms = rtta_clock_mono_ms() + 20000;
	int old = dup(STDERR_FILENO), i;
	FILE *log;

	snprintf(path, sizeof(path), "%s/stderr", server->dir);
	log = fopen(path, "w+");
	fflush(stderr);
	dup2(fileno(log), STDERR_FILENO);
	rtta_log_set_level(RTTA_LOG_WARNING);
	for (i = 0; i < 20; i++)
		rtta_bus_send(bus, "forbidden.a", NULL, NULL, 0);
	while (ftell(log) == 0 && rtta_clock_mono_ms() < deadline_ms) {
		server_turn(bus, 50);
		fseek(log, 0, SEEK_END);
	}
	rtta_log_set_level(RTTA_LOG_ERROR);
	dup2(old, STDERR_FILENO);
	close(old);
	rewind(log);
	i = (int)fread(text, 1, sizeof(text) - 1, log);
	fclose(log);
	snprintf(want, sizeof(want), "bus: warning: %s: Permissions Violation for Publish to "
	    "\"forbidden.a\"", rtta_bus_url(bus));
	CHECK(strncmp(text, want, strlen(want)) == 0);
	CHECK(i > 0 && strchr(text, '\n') == text + i - 1);
	if (check_failures)
		fprintf(stderr, "%s", text);
}

/* A password that is wrong at the start, and one that is withdrawn. */
static void
check_login(void)
{
	struct server server = { .more = "authorization { users: [ { user: u, password: right, "
	    "permissions: { publish: [ok, \"$JS.API.>\"], subscribe: \"_INBOX_unit.>\" } } ] }" };
	struct rtta_err err = { 0 };
	struct rtta_bus *bus;
	char url[128];
	int rc;

	server_start(&server);
	url_with(url, &server, "u:wrong");
	CHECK(rtta_bus_open(url, "unit", &err) == NULL);
	CHECK_INT(err.exit_code, EX_CONFIG);
	CHECK(strstr(err.text, "wrong") == NULL);
	rtta_err_clear(&err);
	url_with(url, &server, "u:right");
	bus = rtta_bus_open(url, "unit", &err);
	CHECK(bus != NULL);
	CHECK(strstr(rtta_bus_url(bus), "right") == NULL);
	check_permissions(bus, &server);

	server_kill(&server);
	server.more = "authorization { user: u, password: other }";
	server_start(&server);
	while ((rc = rtta_bus_wake(bus, &err)) == 0)
		poll(&(struct pollfd){ .fd = rtta_bus_fd(bus), .events = POLLIN }, 1, 1000);
	CHECK_INT(rc, -1);
	CHECK_INT(err.exit_code, EX_UNAVAILABLE);
	CHECK(!rtta_bus_connected(bus));
	CHECK_INT(rtta_bus_send(bus, "ok", NULL, NULL, 0), -1);
	rtta_bus_close(bus);
	server_remove(&server);
}

int
main(void)
{
	struct server server = { 0 };
	struct rtta_bus *bus;

	rtta_log_open("bus");
	rtta_log_set_level(getenv("VERBOSE") ? RTTA_LOG_DEBUG : RTTA_LOG_ERROR);
	check_redact();
	server_start(&server);
	check_refused(&server);
	bus = server_open_bus(&server, "unit");
	check_messages(bus);
	check_bound(bus);
	check_wake_at(bus);
	check_away(&server, bus);
	check_login();
	rtta_bus_close(bus);
	check_meta();
	server_remove(&server);
	return check_result();
}

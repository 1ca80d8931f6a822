/*
 * server - a private nats-server with its own store, for unit programs.
 *
 * It takes a free port and tells it in its ports file; started again it has
 * the same one.  Everything is below a temporary directory.
 */
#ifndef RTTA_TEST_SERVER_H
#define RTTA_TEST_SERVER_H

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "api.h"
#include "bus.h"
#include "clock.h"
#include "err.h"

struct server {
	char dir[64], url[64];
	int port;        /* -1: not known yet */
	pid_t pid;
	const char *more;  /* lines for its configuration, or NULL */
};

static inline void
server_die(const char *what)
{
	fprintf(stderr, "test server: %s\n", what);
	exit(1);
}

static inline int
server_read_port(const struct server *server)
{
	char path[128], text[512] = "", *at;
	FILE *in;

	snprintf(path, sizeof(path), "%s/nats-server_%d.ports", server->dir, (int)server->pid);
	in = fopen(path, "r");
	if (in == NULL)
		return -1;
	if (fread(text, 1, sizeof(text) - 1, in) == 0)
		text[0] = '\0';
	fclose(in);
	at = strstr(text, "nats://127.0.0.1:");
	return at != NULL ? atoi(at + strlen("nats://127.0.0.1:")) : -1;
}

static inline void
server_start(struct server *server)
{
	int64_t deadline_ms = rtta_clock_mono_ms() + 20000;
	char conf[128];
	int port;
	FILE *out;

	if (server->dir[0] == '\0') {
		strcpy(server->dir, "/tmp/rtta-unit-XXXXXX");
		if (mkdtemp(server->dir) == NULL)
			server_die("mkdtemp");
		server->port = -1;
	}
	snprintf(conf, sizeof(conf), "%s/nats.conf", server->dir);
	if ((out = fopen(conf, "w")) == NULL)
		server_die("nats.conf");
	fprintf(out, "listen: 127.0.0.1:%d\nports_file_dir: \"%s\"\nlog_file: \"%s/log\"\n"
	    "max_payload: 128KB\njetstream { store_dir: \"%s/js\" }\n%s\n", server->port,
	    server->dir, server->dir, server->dir, server->more ? server->more : "");
	fclose(out);
	server->pid = fork();
	if (server->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execlp("nats-server", "nats-server", "-c", conf, (char *)NULL);
		_exit(127);
	}
	while ((port = server_read_port(server)) < 0) {
		if (rtta_clock_mono_ms() > deadline_ms || waitpid(server->pid, NULL, WNOHANG) != 0)
			server_die("did not start");
		nanosleep(&(struct timespec){ 0, 10000000 }, NULL);
	}
	server->port = port;
	snprintf(server->url, sizeof(server->url), "nats://127.0.0.1:%d", port);
}

/* It stands still when this returns, until SIGCONT. */
static inline void
server_pause(const struct server *server)
{
	kill(server->pid, SIGSTOP);
	waitpid(server->pid, NULL, WUNTRACED);
}

static inline void
server_kill(struct server *server)
{
	if (server->pid > 0) {
		kill(server->pid, SIGKILL);
		waitpid(server->pid, NULL, 0);
	}
	server->pid = 0;
}

static inline void
server_remove(struct server *server)
{
	char command[128];

	server_kill(server);
	snprintf(command, sizeof(command), "rm -rf '%s'", server->dir);
	if (system(command) != 0)
		server_die("rm");
}

static inline struct rtta_bus *
server_open_bus(const struct server *server, const char *tool)
{
	struct rtta_err err = { 0 };
	struct rtta_bus *bus = rtta_bus_open(server->url, tool, &err);

	if (bus == NULL)
		server_die(err.text);
	return bus;
}

/* Ask and insist on success; body is JSON text or NULL. */
static inline jv
server_ask(struct rtta_bus *bus, const char *what, const char *body)
{
	struct rtta_err err = { 0 };
	jv answer = rtta_api_call(bus, what, body ? jv_parse(body) : jv_invalid(), 5000, NULL,
	    &err);

	if (err.exit_code != 0)
		server_die(err.text);
	return answer;
}

static inline void
server_do(struct rtta_bus *bus, const char *what, const char *body)
{
	jv_free(server_ask(bus, what, body));
}

/* A number of STREAM.INFO's state. */
static inline long
server_state(struct rtta_bus *bus, const char *stream, const char *key)
{
	char what[64];
	jv number;
	long value;

	snprintf(what, sizeof(what), "STREAM.INFO.%s", stream);
	number = jv_object_get(jv_object_get(server_ask(bus, what, NULL), jv_string("state")),
	    jv_string(key));
	value = jv_get_kind(number) == JV_KIND_NUMBER ? (long)jv_number_value(number) : -1;
	jv_free(number);
	return value;
}

/* Wait for the bus, at most wait_ms (-1: 1 s), and see what woke us. */
static inline void
server_turn(struct rtta_bus *bus, int wait_ms)
{
	struct pollfd fd = { .fd = rtta_bus_fd(bus), .events = POLLIN };
	struct rtta_err err = { 0 };

	poll(&fd, 1, wait_ms < 0 || wait_ms > 1000 ? 1000 : wait_ms);
	if (rtta_bus_wake(bus, &err) != 0)
		server_die(err.text);
}

#endif

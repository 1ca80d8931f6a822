/*
 * rtta-serve - a room's text to people: page, WebSocket, SSE, files.
 * Reads TEXT_STREAM and system_state, speaks HTTP; start and stop are the
 * operator's.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bus.h"
#include "clock.h"
#include "err.h"
#include "heartbeat.h"
#include "hub.h"
#include "log.h"
#include "notify.h"
#include "opt.h"
#include "room.h"
#include "sig.h"
#include "web.h"

static const char help[] =
    "usage: rtta-serve [-hoqVv] [-a N] [-c FILE -k FILE] [-l ADDRESS:PORT] [-m SIZE] [-N URL]\n"
    "                  [-O FILE] [-p FILE] [-R FILE] [-w DIR]\n"
    "  -a, --per-address N        connections at once, and requests in ten seconds, of\n"
    "                             one address; 0: any number (RTTA_PER_ADDRESS; 4096)\n"
    "  -c, --tls-cert FILE        certificate: https instead of http (RTTA_TLS_CERT_FILE)\n"
    "  -k, --tls-key FILE         and its key (RTTA_TLS_KEY_FILE)\n"
    "  -l, --listen ADDRESS:PORT  where to listen, port 0: any (RTTA_LISTEN;\n"
    "                             127.0.0.1:8080)\n"
    "  -m, --memory SIZE          more of it is not kept for sessions that nobody reads\n"
    "                             now (RTTA_SERVE_MEMORY; 256M)\n"
    RTTA_OPT_BUS_HELP
    "  -O, --operator-token-file FILE  who knows this token may start and stop\n"
    "                             (RTTA_OPERATOR_TOKEN_FILE)\n"
    "  -o, --open-operator        everybody on this machine may start and stop\n"
    "  -p, --port-file FILE       write the port there when listening\n"
    "  -R, --reader-token-file FILE  only who knows this token may read\n"
    "                             (RTTA_READER_TOKEN_FILE)\n"
    "  -w, --web-dir DIR          the page's files (RTTA_WEB_DIR;\n"
    "                             " RTTA_PREFIX "/share/rtta/web)\n"
    RTTA_OPT_COMMON_HELP;

struct serve {
	struct rtta_web_config config;
	const char *port_file;
	int64_t memory_bytes;
	struct rtta_bus *bus;
	struct rtta_room *room;
	struct rtta_web *web;
	struct rtta_heartbeat heartbeat;
	int sig_fd;
	bool ready;
};

static void
parse_options(struct serve *serve, int argc, char *argv[], struct rtta_err *err)
{
	static const struct option table[] = {
		{ "per-address", required_argument, NULL, 'a' },
		{ "tls-cert", required_argument, NULL, 'c' },
		{ "tls-key", required_argument, NULL, 'k' },
		{ "listen", required_argument, NULL, 'l' },
		{ "memory", required_argument, NULL, 'm' },
		{ "operator-token-file", required_argument, NULL, 'O' },
		{ "open-operator", no_argument, NULL, 'o' },
		{ "port-file", required_argument, NULL, 'p' },
		{ "reader-token-file", required_argument, NULL, 'R' },
		{ "web-dir", required_argument, NULL, 'w' },
		RTTA_OPT_BUS
		RTTA_OPT_COMMON
	};
	const char *listen = rtta_opt_env("RTTA_LISTEN", "127.0.0.1:8080");
	const char *operator_file = rtta_opt_env("RTTA_OPERATOR_TOKEN_FILE", NULL);
	const char *reader_file = rtta_opt_env("RTTA_READER_TOKEN_FILE", NULL);
	const char *memory = rtta_opt_env("RTTA_SERVE_MEMORY", "256M");
	const char *per_address = rtta_opt_env("RTTA_PER_ADDRESS", "4096");
	struct rtta_web_config *config = &serve->config;
	struct rtta_err usage = {0};
	int c;

	config->dir = rtta_opt_env("RTTA_WEB_DIR", RTTA_PREFIX "/share/rtta/web");
	config->tls.cert_file = rtta_opt_env("RTTA_TLS_CERT_FILE", NULL);
	config->tls.key_file = rtta_opt_env("RTTA_TLS_KEY_FILE", NULL);
	while ((c = rtta_opt_next(argc, argv, table, help)) != -1)
		switch (c) {
		case 'a': per_address = optarg; break;
		case 'c': config->tls.cert_file = optarg; break;
		case 'k': config->tls.key_file = optarg; break;
		case 'l': listen = optarg; break;
		case 'm': memory = optarg; break;
		case 'O': operator_file = optarg; break;
		case 'o': config->open_operator = true; break;
		case 'p': serve->port_file = optarg; break;
		case 'R': reader_file = optarg; break;
		case 'w': config->dir = optarg; break;
		}
	if (optind < argc)
		rtta_opt_fail("unexpected argument \"%s\"", argv[optind]);
	config->per_address = (unsigned)rtta_opt_int("--per-address", per_address, 0, 1000000);
	serve->memory_bytes = rtta_opt_bytes("--memory", memory, 1 << 20, INT64_C(1) << 40);
	if ((config->tls.cert_file == NULL) != (config->tls.key_file == NULL))
		rtta_opt_fail("--tls-cert and --tls-key: one needs the other");
	if (rtta_http_listen_parse(listen, config->host, &config->port, &usage) < 0)
		rtta_opt_fail("%s", usage.text);
	if (config->open_operator && !rtta_http_host_loopback(
	    strcmp(config->host, "::1") == 0 ? "[::1]" : config->host))
		rtta_opt_fail("--open-operator: only when listening on this machine alone, "
		    "not on %s", config->host);
	if (operator_file != NULL)
		rtta_http_token_load(operator_file, config->operator_token, err);
	if (reader_file != NULL)
		rtta_http_token_load(reader_file, config->reader_token, err);
}

static int
open_all(struct serve *serve, struct rtta_err *err)
{
	serve->bus = rtta_bus_open(rtta_opt_nats_url(), "serve", err);
	if (serve->bus == NULL)
		return -1;
	rtta_heartbeat_init(&serve->heartbeat, serve->bus, rtta_log_name());
	serve->room = rtta_room_new(serve->bus, err);
	if (serve->room == NULL)
		return -1;
	rtta_hub_set_ceiling(rtta_room_hub(serve->room), (size_t)serve->memory_bytes);
	serve->web = rtta_web_open(&serve->config, serve->room, err);
	if (serve->web == NULL ||
	    rtta_web_add_fd(serve->web, rtta_bus_fd(serve->bus), err) < 0)
		return -1;
	return rtta_web_add_fd(serve->web, serve->sig_fd, err);
}

/* Whole or not at all: who waits for the file reads it at once. */
static int
write_port_file(const struct serve *serve, struct rtta_err *err)
{
	char name[4096];
	FILE *file;
	bool wrong;

	if ((size_t)snprintf(name, sizeof(name), "%s.new", serve->port_file) >= sizeof(name))
		return rtta_err_set(err, EX_CANTCREAT, "--port-file: the name is too long");
	file = fopen(name, "we");
	if (file == NULL)
		return rtta_err_sys(err, EX_CANTCREAT, "%s", name);
	wrong = fprintf(file, "%u\n", (unsigned)rtta_web_port(serve->web)) < 0;
	wrong |= fclose(file) != 0;
	if (wrong || rename(name, serve->port_file) < 0)
		return rtta_err_sys(err, EX_CANTCREAT, "%s", serve->port_file);
	return 0;
}

/* The bucket has been read: say so, once. */
static int
be_ready(struct serve *serve, struct rtta_err *err)
{
	bool v6 = strchr(serve->config.host, ':') != NULL;

	serve->ready = true;
	if (serve->port_file != NULL && write_port_file(serve, err) < 0)
		return -1;
	rtta_log_info("listening on http%s://%s%s%s:%u",
	    serve->config.tls.cert_file != NULL ? "s" : "", v6 ? "[" : "", serve->config.host,
	    v6 ? "]" : "", (unsigned)rtta_web_port(serve->web));
	rtta_notify("READY=1");
	return 0;
}

static void
send_heartbeat(struct serve *serve)
{
	struct rtta_hub_counts counts;

	rtta_hub_counts(rtta_room_hub(serve->room), &counts);
	rtta_heartbeat_send(&serve->heartbeat, "ok", NULL, JV_OBJECT(
	    jv_string("readers"), jv_number((double)counts.readers),
	    jv_string("sessions"), jv_number((double)counts.watched),
	    jv_string("records"), jv_number((double)counts.records)));
}

static void
serve_all(struct serve *serve, struct rtta_err *err)
{
	while (!rtta_sig_take(serve->sig_fd)) {
		int wait_ms = rtta_room_tick(serve->room);

		if (!serve->ready && rtta_room_loaded(serve->room) && be_ready(serve, err) < 0)
			return;
		if (rtta_heartbeat_due(&serve->heartbeat))
			send_heartbeat(serve);
		wait_ms = rtta_clock_sooner(rtta_web_tick(serve->web), wait_ms);
		wait_ms = rtta_clock_sooner(wait_ms, rtta_heartbeat_wait_ms(&serve->heartbeat));
		wait_ms = rtta_clock_sooner(wait_ms, rtta_notify_watchdog());
		rtta_web_wait(serve->web, wait_ms);
		if (rtta_bus_wake(serve->bus, err) < 0)
			return;
	}
}

int
main(int argc, char *argv[])
{
	struct serve serve = {0};
	struct rtta_err err = {0};

	rtta_log_open("rtta-serve");
	parse_options(&serve, argc, argv, &err);
	serve.sig_fd = rtta_sig_open();

	if (err.exit_code == 0 && open_all(&serve, &err) == 0)
		serve_all(&serve, &err);

	rtta_web_close(serve.web);
	rtta_room_free(serve.room);
	rtta_bus_close(serve.bus);
	return rtta_err_exit(&err);
}

/* What is erased of one session changes nothing for who reads another. */
#include "check.h"
#include "erase.h"
#include "log.h"
#include "puller.h"
#include "server.h"

enum { WAIT_MS = 20000, HELD = 40, MESSAGES = 400 };

static const struct rtta_puller_config live = { "AUDIO_STREAM", "audio.live.>", "stt-live", HELD };

static void
store(struct rtta_bus *bus, const char *subject, int count)
{
	long want = server_state(bus, "AUDIO_STREAM", "last_seq") + count;
	int i;

	for (i = 0; i < count; i++)
		CHECK_INT(rtta_bus_send(bus, subject, NULL, "x", 1), 0);
	while (server_state(bus, "AUDIO_STREAM", "last_seq") < want)
		;
}

/* Turn until the puller has given count messages. */
static void
take(struct rtta_bus *bus, struct rtta_puller *puller, int count)
{
	int64_t deadline_ms = rtta_clock_mono_ms() + WAIT_MS;
	natsMsg *msg;
	int wait_ms;

	while (count > 0 && rtta_clock_mono_ms() < deadline_ms) {
		wait_ms = rtta_puller_tick(puller);
		while ((msg = rtta_puller_take(puller)) != NULL) {
			natsMsg_Destroy(msg);
			count--;
			wait_ms = 0;
		}
		server_turn(bus, wait_ms);
	}
	CHECK(count <= 0);
}

/* Acknowledge what comes until the stream is empty. */
static void
finish(struct rtta_bus *bus, struct rtta_puller *puller)
{
	int64_t deadline_ms = rtta_clock_mono_ms() + WAIT_MS;
	natsMsg *msg;

	while (server_state(bus, "AUDIO_STREAM", "messages") > 0 &&
	    rtta_clock_mono_ms() < deadline_ms) {
		server_turn(bus, rtta_puller_tick(puller) > 50 ? 50 : 0);
		while ((msg = rtta_puller_take(puller)) != NULL) {
			rtta_puller_ack(puller, msg);
			natsMsg_Destroy(msg);
		}
	}
	CHECK_INT(server_state(bus, "AUDIO_STREAM", "messages"), 0);
}

int
main(void)
{
	struct server server = { 0 };
	struct rtta_err err = { 0 };
	struct rtta_puller *puller;
	struct rtta_bus *bus;

	rtta_log_open("erase");
	rtta_log_set_level(getenv("VERBOSE") ? RTTA_LOG_DEBUG : RTTA_LOG_ERROR);
	server_start(&server);
	bus = server_open_bus(&server, "erase");
	CHECK_INT(rtta_erase_sound(bus, "gone", &err), 0);
	server_do(bus, "STREAM.CREATE.AUDIO_STREAM", "{\"name\":\"AUDIO_STREAM\","
	    "\"subjects\":[\"audio.>\"],\"retention\":\"workqueue\",\"storage\":\"file\"}");
	store(bus, "audio.live.stays", MESSAGES);
	store(bus, "audio.live.gone", 3);
	store(bus, "audio.backfill.gone", 2);

	/* Some are held, most have not been asked for. */
	puller = rtta_puller_new(bus, &live);
	take(bus, puller, HELD);
	CHECK_INT(rtta_erase_sound(bus, "gone", &err), 5);
	CHECK_INT(rtta_erase_sound(bus, "gone", &err), 0);
	CHECK_INT(server_state(bus, "AUDIO_STREAM", "messages"), MESSAGES);
	finish(bus, puller);
	CHECK_INT(err.exit_code, 0);

	rtta_puller_free(puller);
	rtta_bus_close(bus);
	server_remove(&server);
	return check_result();
}

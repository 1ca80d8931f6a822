/* What waits is kept elsewhere, too, and no longer than it waits. */
#include "audio.h"
#include "check.h"
#include "frame.h"
#include "live.h"
#include "log.h"
#include "server.h"
#include "window.h"

enum { WAIT_MS = 20000, MS = 1000000, SAMPLES = 16000, FIRST = 400 };

struct kept {
	size_t frames;            /* since it was last forgotten */
	size_t all, forgotten;    /* frames, and times */
};

static void
keep(void *context, const struct rtta_audio *audio)
{
	struct kept *kept = context;

	if (audio == NULL) {
		kept->forgotten++;
		kept->frames = 0;
		return;
	}
	kept->frames++;
	kept->all++;
}

/* Frame n. */
static void
put(struct rtta_live *live, uint64_t n)
{
	static uint8_t pcm[2 * SAMPLES];  /* a second */
	struct rtta_frame frame = {
		.run_id = 1, .sample = n * SAMPLES, .capture_ns = (int64_t)n * 1000 * MS,
		.channels = 1, .rate_hz = 16000, .payload = pcm, .payload_bytes = sizeof(pcm),
	};

	rtta_live_frame(live, "s1", rtta_held_new(&frame));
}

static void
turn(struct rtta_bus *bus, struct rtta_live *live)
{
	int wait_ms = rtta_live_tick(live);

	server_turn(bus, wait_ms < 0 || wait_ms > 10 ? 10 : wait_ms);
}

static size_t
pending(struct rtta_live *live)
{
	size_t bytes;

	return rtta_live_pending(live, &bytes);
}

/* Nobody takes it: what waits is kept. */
static void
check_begin(struct rtta_bus *bus, struct rtta_live *live, const struct kept *kept)
{
	int64_t deadline_ms = rtta_clock_mono_ms() + WAIT_MS;

	for (uint64_t n = 0; n < FIRST; n++)
		put(live, n);
	while (kept->frames == 0 && rtta_clock_mono_ms() < deadline_ms)
		turn(bus, live);
	CHECK_INT(kept->frames, FIRST);
	CHECK_INT(kept->forgotten, 0);
}

/* Most of it is stored, the rest waits: no more than that is kept. */
static void
check_full(struct rtta_bus *bus, struct rtta_live *live, const struct kept *kept)
{
	int64_t deadline_ms = rtta_clock_mono_ms() + WAIT_MS;

	server_do(bus, "STREAM.CREATE.AUDIO_STREAM", "{\"name\":\"AUDIO_STREAM\",\"discard\":\"new\","
	    "\"subjects\":[\"audio.>\"],\"storage\":\"memory\",\"max_msgs\":700}");
	while ((pending(live) > FIRST / 4 || kept->forgotten == 0) &&
	    rtta_clock_mono_ms() < deadline_ms)
		turn(bus, live);
	CHECK(kept->forgotten > 0);
	CHECK(kept->frames < FIRST / 2);
	CHECK(pending(live) > 0);
}

/* What is off the record is kept no longer, stored or not. */
static void
check_off(struct rtta_live *live, const struct kept *kept)
{
	size_t forgotten = kept->forgotten;
	struct rtta_pos first;
	int64_t first_us;

	CHECK_INT(rtta_live_drop(live, 0, 1000, &first, &first_us), 0);
	CHECK_INT(kept->forgotten, forgotten + 1);
	CHECK_INT(kept->frames, pending(live));
}

/* There is room, and always one on its way, as where the bus is far. */
static void
check_end(struct rtta_bus *bus, struct rtta_live *live, const struct kept *kept)
{
	int64_t deadline_ms = rtta_clock_mono_ms() + WAIT_MS;
	size_t forgotten = kept->forgotten, all;

	server_do(bus, "STREAM.UPDATE.AUDIO_STREAM", "{\"name\":\"AUDIO_STREAM\",\"discard\":\"new\","
	    "\"subjects\":[\"audio.>\"],\"storage\":\"memory\"}");
	for (uint64_t n = FIRST; kept->forgotten == forgotten &&
	    rtta_clock_mono_ms() < deadline_ms; n++) {
		put(live, n);
		turn(bus, live);
	}
	CHECK(pending(live) > 0);
	all = kept->all;
	put(live, FIRST * FIRST);
	while (pending(live) > 0 && rtta_clock_mono_ms() < deadline_ms)
		turn(bus, live);
	CHECK_INT(pending(live), 0);
	CHECK_INT(kept->frames, 0);
	CHECK_INT(kept->all, all);
}

int
main(void)
{
	struct server server = { 0 };
	struct kept kept = { 0 };
	struct rtta_live *live;
	struct rtta_bus *bus;

	rtta_log_open("live");
	rtta_log_set_level(getenv("VERBOSE") ? RTTA_LOG_DEBUG : RTTA_LOG_ERROR);
	server_start(&server);
	bus = server_open_bus(&server, "unit");
	live = rtta_live_new(bus);
	rtta_live_keep(live, keep, &kept);
	check_begin(bus, live, &kept);
	check_full(bus, live, &kept);
	check_off(live, &kept);
	check_end(bus, live, &kept);
	rtta_live_free(live);
	rtta_bus_close(bus);
	server_remove(&server);
	return check_result();
}

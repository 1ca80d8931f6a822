#include <jv.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "api.h"
#include "clock.h"
#include "gauge.h"
#include "json.h"
#include "log.h"
#include "mem.h"

enum {
	LOOK_MS = 5000,
	ANSWER_MS = 5000
};

static const double nearly = 0.8, full = 0.99;

struct rtta_gauge {
	struct rtta_api *api;
	int64_t due_ms;
	bool open;
	enum rtta_gauge_level level;
};

enum rtta_gauge_level
rtta_gauge_level_of(double bytes, double max_bytes)
{
	if (max_bytes <= 0 || bytes < nearly * max_bytes)
		return RTTA_GAUGE_ROOM;
	return bytes < full * max_bytes ? RTTA_GAUGE_NEARLY : RTTA_GAUGE_FULL;
}

const char *
rtta_gauge_level_name(enum rtta_gauge_level level)
{
	static const char *const names[] = {
		[RTTA_GAUGE_ROOM] = "room", [RTTA_GAUGE_NEARLY] = "nearly full",
		[RTTA_GAUGE_FULL] = "full"
	};

	return names[level];
}

struct rtta_gauge *
rtta_gauge_new(struct rtta_bus *bus)
{
	struct rtta_gauge *gauge = rtta_xcalloc(1, sizeof(*gauge));

	gauge->api = rtta_api_new(bus);
	return gauge;
}

void
rtta_gauge_free(struct rtta_gauge *gauge)
{
	if (gauge == NULL)
		return;
	rtta_api_free(gauge->api);
	free(gauge);
}

/* Said once, when it has become worse. */
static void
say(const struct rtta_gauge *gauge, enum rtta_gauge_level level, double max_bytes)
{
	double mib = max_bytes / (1 << 20);

	if (level <= gauge->level)
		return;
	if (level == RTTA_GAUGE_FULL)
		rtta_log_warn("TEXT_STREAM is full: the oldest text goes, at %.1f MiB "
		    "(rtta-streams --text-bytes)", mib);
	else
		rtta_log_warn("TEXT_STREAM is nearly full: the oldest text will go, at %.1f MiB "
		    "(rtta-streams --text-bytes)", mib);
}

/* Takes both. */
static void
take_sizes(struct rtta_gauge *gauge, jv state, jv config)
{
	double max_bytes = 0, bytes = 0;
	enum rtta_gauge_level level;

	if (jv_get_kind(state) == JV_KIND_OBJECT)
		bytes = rtta_json_number(state, "bytes", 0);
	if (jv_get_kind(config) == JV_KIND_OBJECT)
		max_bytes = rtta_json_number(config, "max_bytes", 0);
	level = rtta_gauge_level_of(bytes, max_bytes);
	say(gauge, level, max_bytes);
	gauge->level = level;
	jv_free(state);
	jv_free(config);
}

int
rtta_gauge_tick(struct rtta_gauge *gauge)
{
	int64_t now_ms = rtta_clock_mono_ms();
	struct rtta_answer answer;

	while (rtta_api_next(gauge->api, &answer)) {
		gauge->open = false;
		if (answer.error == 0) {
			jv config = jv_object_get(jv_copy(answer.body), jv_string("config"));

			take_sizes(gauge, jv_object_get(jv_copy(answer.body), jv_string("state")),
			    config);
		}
		jv_free(answer.body);
	}
	if (!gauge->open && now_ms >= gauge->due_ms) {
		rtta_api_ask(gauge->api, "STREAM.INFO.TEXT_STREAM", jv_invalid(), ANSWER_MS, NULL);
		gauge->open = true;
		gauge->due_ms = now_ms + LOOK_MS;
	}
	return gauge->open ? rtta_api_wait_ms(gauge->api) : (int)(gauge->due_ms - now_ms);
}

enum rtta_gauge_level
rtta_gauge_level(const struct rtta_gauge *gauge)
{
	return gauge->level;
}

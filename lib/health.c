#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "health.h"
#include "mem.h"

enum { FORGET_MS = 3600 * 1000 };

struct tool {
	char name[48], lane[16], instance[64], state[32], reason[160];
	jv counters;
	int64_t heard_ms, since_ns;
	bool gone, waits;
};

struct rtta_health {
	struct tool tools[RTTA_HEALTH_TOOLS_MAX];
	size_t count;
};

struct rtta_health *
rtta_health_new(void)
{
	return rtta_xcalloc(1, sizeof(struct rtta_health));
}

void
rtta_health_free(struct rtta_health *health)
{
	if (health == NULL)
		return;
	for (size_t i = 0; i < health->count; i++)
		jv_free(health->tools[i].counters);
	free(health);
}

/* A string of a borrowed object, cut to size; "" when it is none. */
static void
text_of(jv object, const char *key, char *text, size_t size)
{
	jv value = jv_object_get(jv_copy(object), jv_string(key));

	snprintf(text, size, "%s",
	    jv_get_kind(value) == JV_KIND_STRING ? jv_string_value(value) : "");
	jv_free(value);
}

static struct tool *
find(struct rtta_health *health, const struct tool *like)
{
	for (size_t i = 0; i < health->count; i++) {
		struct tool *tool = &health->tools[i];

		if (strcmp(tool->name, like->name) == 0 && strcmp(tool->lane, like->lane) == 0 &&
		    strcmp(tool->instance, like->instance) == 0 && tool->waits == like->waits)
			return tool;
	}
	if (health->count == RTTA_HEALTH_TOOLS_MAX)
		return NULL;
	return &health->tools[health->count++];
}

bool
rtta_health_beat(struct rtta_health *health, jv beat, int64_t now_ms, int64_t real_ns)
{
	struct tool said = { .heard_ms = now_ms, .since_ns = real_ns }, *tool;
	bool changed;

	if (jv_get_kind(beat) != JV_KIND_OBJECT) {
		jv_free(beat);
		return false;
	}
	text_of(beat, "tool", said.name, sizeof(said.name));
	text_of(beat, "instance", said.instance, sizeof(said.instance));
	text_of(beat, "state", said.state, sizeof(said.state));
	text_of(beat, "reason", said.reason, sizeof(said.reason));
	said.waits = strcmp(said.state, "waiting") == 0;
	said.counters = jv_object_get(beat, jv_string("counters"));
	if (jv_get_kind(said.counters) == JV_KIND_OBJECT)
		text_of(said.counters, "lane", said.lane, sizeof(said.lane));
	tool = said.name[0] == '\0' ? NULL : find(health, &said);
	if (tool == NULL) {
		jv_free(said.counters);
		return false;
	}
	changed = tool->name[0] == '\0' || tool->gone || strcmp(tool->state, said.state) != 0 ||
	    strcmp(tool->reason, said.reason) != 0;
	if (!changed)
		said.since_ns = tool->since_ns;
	if (tool->name[0] != '\0')
		jv_free(tool->counters);
	*tool = said;
	return changed;
}

bool
rtta_health_tick(struct rtta_health *health, int64_t now_ms, int64_t real_ns)
{
	bool changed = false;
	size_t kept = 0;

	for (size_t i = 0; i < health->count; i++) {
		struct tool *tool = &health->tools[i];
		int64_t silent_ms = now_ms - tool->heard_ms;

		if (silent_ms > (tool->waits ? RTTA_HEALTH_GONE_MS : FORGET_MS)) {
			jv_free(tool->counters);
			changed = true;
			continue;
		}
		if (!tool->gone && silent_ms > RTTA_HEALTH_GONE_MS) {
			tool->gone = changed = true;
			tool->since_ns = real_ns - silent_ms * 1000000;
		}
		if (kept != i)
			health->tools[kept] = *tool;
		kept++;
	}
	memset(&health->tools[kept], 0, (health->count - kept) * sizeof(health->tools[0]));
	health->count = kept;
	return changed;
}

bool
rtta_health_alive(const struct rtta_health *health, const char *name, const char *lane)
{
	for (size_t i = 0; i < health->count; i++) {
		const struct tool *tool = &health->tools[i];

		if (!tool->gone && strcmp(tool->name, name) == 0 &&
		    (lane == NULL || strcmp(tool->lane, lane) == 0))
			return true;
	}
	return false;
}

jv
rtta_health_failures(const struct rtta_health *health, jv list)
{
	for (size_t i = 0; i < health->count; i++) {
		const struct tool *tool = &health->tools[i];

		if (!tool->gone && strcmp(tool->state, "failing") == 0)
			list = jv_array_append(list, jv_string_fmt("%s%s%s: %s", tool->name,
			    tool->lane[0] != '\0' ? " of lane " : "", tool->lane, tool->reason));
	}
	return list;
}

/* What a page shows to everybody who reads it. */
static jv
shown_counters(jv counters)
{
	static const char *const keys[] = { "mic", "level_db", "lag_s", "engine" };
	jv shown = jv_object();

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		jv value = jv_get_kind(counters) != JV_KIND_OBJECT ? jv_invalid()
		    : jv_object_get(jv_copy(counters), jv_string(keys[i]));

		if (jv_is_valid(value))
			shown = jv_object_set(shown, jv_string(keys[i]), value);
		else
			jv_free(value);
	}
	return shown;
}

jv
rtta_health_json(const struct rtta_health *health, bool all)
{
	jv list = jv_array();

	for (size_t i = 0; i < health->count; i++) {
		const struct tool *tool = &health->tools[i];
		char since[RTTA_CLOCK_TEXT_BYTES];
		jv row = JV_OBJECT(
		    jv_string("tool"), jv_string(tool->name),
		    jv_string("instance"), jv_string(tool->instance),
		    jv_string("state"), jv_string(tool->gone ? "gone" : tool->state),
		    jv_string("since"), jv_string(rtta_clock_format(since, tool->since_ns)),
		    jv_string("counters"), all && jv_is_valid(tool->counters)
		    ? jv_copy(tool->counters) : shown_counters(tool->counters));

		if (tool->lane[0] != '\0')
			row = jv_object_set(row, jv_string("lane"), jv_string(tool->lane));
		if (tool->reason[0] != '\0')
			row = jv_object_set(row, jv_string("reason"), jv_string(tool->reason));
		list = jv_array_append(list, row);
	}
	return list;
}

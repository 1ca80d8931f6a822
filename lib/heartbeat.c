#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bus.h"
#include "clock.h"
#include "heartbeat.h"
#include "json.h"
#include "mem.h"

void
rtta_heartbeat_init(struct rtta_heartbeat *heartbeat, struct rtta_bus *bus,
    const char *tool)
{
	heartbeat->bus = bus;
	heartbeat->tool = tool;
	heartbeat->started_us = rtta_clock_real_ns() / 1000;
	heartbeat->next_ms = rtta_clock_mono_ms();
}

bool
rtta_heartbeat_due(const struct rtta_heartbeat *heartbeat)
{
	return rtta_clock_mono_ms() >= heartbeat->next_ms;
}

int
rtta_heartbeat_wait_ms(const struct rtta_heartbeat *heartbeat)
{
	int64_t wait_ms = heartbeat->next_ms - rtta_clock_mono_ms();

	return wait_ms > 0 ? (int)wait_ms : 0;
}

/* An instance may be called anything; a subject's token may not. */
static char *
subject_of(const struct rtta_heartbeat *heartbeat)
{
	char *subject = rtta_xasprintf("rtta.heartbeat.%s.%s", heartbeat->tool,
	    rtta_bus_instance(heartbeat->bus));
	char *c = subject + strlen("rtta.heartbeat.") +
	    strlen(heartbeat->tool) + 1;

	for (; *c; c++)
		if (strchr(".*> \t\r\n", *c) != NULL)
			*c = '_';
	return subject;
}

void
rtta_heartbeat_send(struct rtta_heartbeat *heartbeat, const char *state,
    const char *reason, jv counters)
{
	jv beat = JV_OBJECT(
	    jv_string("tool"), jv_string(heartbeat->tool),
	    jv_string("instance"), jv_string(rtta_bus_instance(heartbeat->bus)),
	    jv_string("version"), jv_string(RTTA_VERSION),
	    jv_string("pid"), jv_number(getpid()),
	    jv_string("at_us"),
	        jv_number((double)(rtta_clock_real_ns() / 1000)),
	    jv_string("started_us"), jv_number((double)heartbeat->started_us),
	    jv_string("state"), jv_string(state),
	    jv_string("counters"), counters);
	char *subject = subject_of(heartbeat);
	char *text;

	if (reason != NULL)
		beat = jv_object_set(beat, jv_string("reason"), jv_string(reason));
	text = rtta_json_text(beat, false);
	rtta_bus_send(heartbeat->bus, subject, NULL, text, (int)strlen(text));
	free(text);
	free(subject);
	heartbeat->next_ms = rtta_clock_mono_ms() + RTTA_HEARTBEAT_MS;
}

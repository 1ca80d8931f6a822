#include <poll.h>
#include <stdio.h>

#include "bus.h"
#include "clock.h"
#include "err.h"
#include "health.h"
#include "json.h"
#include "listen.h"

enum {
	HEARTBEATS = 1024,
	BEAT_MAX_BYTES = 16384
};

static void
take(struct rtta_health *health, natsMsg *msg)
{
	struct rtta_err ignored = {0};  /* what is no JSON is no heartbeat */

	rtta_health_beat(health, rtta_json_object("heartbeat",
	    natsMsg_GetData(msg), (size_t)natsMsg_GetDataLength(msg),
	    BEAT_MAX_BYTES, &ignored), rtta_clock_mono_ms(),
	    rtta_clock_real_ns());
	natsMsg_Destroy(msg);
}

jv
rtta_listen(struct rtta_bus *bus, int listen_ms, struct rtta_err *err)
{
	int64_t left_ms, until_ms = rtta_clock_mono_ms() + listen_ms;
	struct pollfd fd = { .fd = rtta_bus_fd(bus), .events = POLLIN };
	struct rtta_port *port = rtta_port_open(bus, HEARTBEATS);
	struct rtta_health *health = rtta_health_new();
	natsMsg *msg;
	jv tools;
	int rc;

	rc = rtta_port_subscribe(port, "rtta.heartbeat.>", err);
	while (rc == 0 && (left_ms = until_ms - rtta_clock_mono_ms()) > 0) {
		poll(&fd, 1, (int)left_ms);
		rc = rtta_bus_wake(bus, err);
		while ((msg = rtta_port_take(port)) != NULL)
			take(health, msg);
	}
	tools = rc == 0 ? rtta_health_json(health, true) : jv_invalid();
	rtta_health_free(health);
	rtta_port_close(port);
	return tools;
}

static const char *
text_of(jv tool, const char *key, char text[64])
{
	jv value = jv_object_get(jv_copy(tool), jv_string(key));

	snprintf(text, 64, "%s", jv_get_kind(value) == JV_KIND_STRING ?
	    jv_string_value(value) : "");
	jv_free(value);
	return text;
}

static void
print_one(jv tool)
{
	char name[64], lane[64], instance[64], state[64], reason[64];

	text_of(tool, "lane", lane);
	text_of(tool, "reason", reason);
	printf("%s/%s%s%s: %s%s%s\n", text_of(tool, "tool", name),
	    text_of(tool, "instance", instance), lane[0] ? ", " : "", lane,
	    text_of(tool, "state", state), reason[0] ? ", " : "", reason);
}

void
rtta_listen_print(jv tools)
{
	if (jv_array_length(jv_copy(tools)) == 0)
		puts("no tool is heard");
	jv_array_foreach(tools, i, tool) {
		print_one(tool);
		jv_free(tool);
	}
	jv_free(tools);
}

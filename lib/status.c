#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "device.h"
#include "json.h"
#include "log.h"
#include "status.h"

/* A pipe that is writable takes PIPE_BUF bytes without blocking. */
void
rtta_status_tell(struct rtta_status *status, jv event)
{
	struct pollfd fd = { .fd = status->fd, .events = POLLOUT };
	char line[PIPE_BUF];
	char *text = rtta_json_text(event, true);
	int len = snprintf(line, sizeof(line), "%s\n", text);

	free(text);
	if (status->fd < 0 || len >= (int)sizeof(line) ||
	    poll(&fd, 1, 0) != 1)
		return;
	if (write(status->fd, line, (size_t)len) < 0 && errno != EAGAIN) {
		rtta_log_warn("status: %s: no more of it", strerror(errno));
		status->fd = -1;
	}
}

jv
rtta_status_of(const struct rtta_device *device, jv event)
{
	event = jv_object_set(event, jv_string("state"),
	    jv_string(rtta_device_state_name(device->state)));
	if (device->reason[0] != '\0')
		event = jv_object_set(event, jv_string("reason"),
		    jv_string(device->reason));
	return event;
}

void
rtta_status_device(struct rtta_status *status, const struct rtta_device *device)
{
	jv event = JV_OBJECT(jv_string("event"), jv_string("device"),
	    jv_string("device"), jv_string(device->name),
	    jv_string("at_us"),
	    jv_number((double)(rtta_clock_real_ns() / 1000)));

	rtta_status_tell(status, rtta_status_of(device, event));
}

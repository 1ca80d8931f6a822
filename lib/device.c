#include <stdio.h>
#include <string.h>

#include "alsa.h"
#include "device.h"
#include "err.h"

enum {
	FIRST_PAUSE_MS = 250,
	LONGEST_PAUSE_MS = 2000,
	FIRST_SOUND_MS = 10000,  /* PulseAudio takes two seconds to begin */
	STALL_MS = 3000
};

void
rtta_device_init(struct rtta_device *device, const char *name,
    uint32_t rate_hz, int channels, int frame_ms, int64_t now_ms)
{
	*device = (struct rtta_device){
		.name = name,
		.rate_hz = rate_hz,
		.channels = channels,
		.frame_ms = frame_ms,
		.changed = true,
		.pause_ms = FIRST_PAUSE_MS,
		.deadline_ms = now_ms,
	};
}

void
rtta_device_done(struct rtta_device *device)
{
	rtta_alsa_close(device->alsa);
	device->alsa = NULL;
}

const char *
rtta_device_state_name(enum rtta_device_state state)
{
	static const char *const names[] = {
		[RTTA_DEVICE_OPENING] = "opening",
		[RTTA_DEVICE_OK] = "ok",
		[RTTA_DEVICE_BUSY] = "busy",
		[RTTA_DEVICE_NO_DEVICE] = "no-device",
		[RTTA_DEVICE_LOST] = "lost",
	};

	return names[state];
}

static void
change(struct rtta_device *device, enum rtta_device_state state,
    const char *reason)
{
	if (device->state == state && strcmp(device->reason, reason) == 0)
		return;
	device->state = state;
	snprintf(device->reason, sizeof(device->reason), "%s", reason);
	device->changed = true;
}

static void
wait_longer(struct rtta_device *device, int64_t now_ms)
{
	device->deadline_ms = now_ms + device->pause_ms;
	device->pause_ms *= 2;
	if (device->pause_ms > LONGEST_PAUSE_MS)
		device->pause_ms = LONGEST_PAUSE_MS;
}

int
rtta_device_open(struct rtta_device *device, int64_t now_ms,
    struct rtta_err *err)
{
	struct rtta_err why = {0};

	device->alsa = rtta_alsa_open(device->name, device->rate_hz,
	    device->channels, device->frame_ms, &why);
	if (device->alsa != NULL) {
		device->deadline_ms = now_ms + FIRST_SOUND_MS;
		return 1;
	}
	if (!device->was_there && (why.exit_code == EX_NOINPUT ||
	    why.exit_code == EX_CONFIG))
		return rtta_err_set(err, why.exit_code, "%s", why.text);
	change(device, why.exit_code == EX_TEMPFAIL ? RTTA_DEVICE_BUSY :
	    RTTA_DEVICE_NO_DEVICE, why.text);
	wait_longer(device, now_ms);
	return 0;
}

static void
lose(struct rtta_device *device, const char *reason, int64_t now_ms)
{
	rtta_device_done(device);
	change(device, RTTA_DEVICE_LOST, reason);
	wait_longer(device, now_ms);
}

ssize_t
rtta_device_read(struct rtta_device *device, int16_t *values,
    size_t max_samples, bool *overrun, int64_t now_ms)
{
	struct rtta_err why = {0};
	ssize_t got = rtta_alsa_read(device->alsa, values, max_samples, overrun,
	    &why);

	if (got < 0)
		lose(device, why.text, now_ms);
	if (got > 0) {
		change(device, RTTA_DEVICE_OK, "");
		device->was_there = true;
		device->pause_ms = FIRST_PAUSE_MS;
		device->deadline_ms = now_ms + STALL_MS;
	}
	return got;
}

void
rtta_device_give_up(struct rtta_device *device, int64_t now_ms)
{
	char reason[160];

	snprintf(reason, sizeof(reason), "%s: open, but no sound for %d s",
	    device->name, (device->state == RTTA_DEVICE_OK ? STALL_MS :
	    FIRST_SOUND_MS) / 1000);
	lose(device, reason, now_ms);
}

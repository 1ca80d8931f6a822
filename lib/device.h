/*
 * device - a microphone that is waited for.
 *
 * Opens an ALSA device, opens it again when it is lost or falls silent for
 * good, with a growing pause while it is busy or absent, and knows what to
 * say about it.  Time is handed in.  One thread.
 */
#ifndef RTTA_DEVICE_H
#define RTTA_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct rtta_alsa;
struct rtta_err;

enum rtta_device_state {
	RTTA_DEVICE_OPENING,    /* asked for, or opened and nothing has come yet */
	RTTA_DEVICE_OK,         /* sound comes */
	RTTA_DEVICE_BUSY,       /* somebody else has it */
	RTTA_DEVICE_NO_DEVICE,  /* not there */
	RTTA_DEVICE_LOST        /* was there until now */
};

struct rtta_device {
	const char *name;          /* borrowed */
	uint32_t rate_hz;          /* asked for */
	int channels, frame_ms;
	struct rtta_alsa *alsa;    /* NULL while it is waited for */
	enum rtta_device_state state;
	char reason[256];          /* why it is not ok; empty when it is */
	bool changed;              /* state or reason, until the caller has said so */
	bool was_there;            /* once */
	int64_t pause_ms;
	int64_t deadline_ms;       /* open it then, or give it up then */
};

void rtta_device_init(struct rtta_device *device, const char *name,
    uint32_t rate_hz, int channels, int frame_ms, int64_t now_ms);
void rtta_device_done(struct rtta_device *device);

/* "opening", "ok", "busy", "no-device", "lost" */
const char *rtta_device_state_name(enum rtta_device_state state);

/*
 * At the deadline.  1: opened, device->alsa is set.  0: not yet, another
 * deadline.  -1: waiting will not help, EX_NOINPUT or EX_CONFIG.
 */
int rtta_device_open(struct rtta_device *device, int64_t now_ms,
    struct rtta_err *err);

/* As rtta_alsa_read(), but -1 means: lost, closed, and waited for. */
ssize_t rtta_device_read(struct rtta_device *device, int16_t *values,
    size_t max_samples, bool *overrun, int64_t now_ms);

/* At the deadline with alsa set: nothing has come for too long. */
void rtta_device_give_up(struct rtta_device *device, int64_t now_ms);

#endif

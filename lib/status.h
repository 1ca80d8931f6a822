/*
 * status - what rtta-capture says of its device, as JSON Lines on a
 * descriptor.
 *
 * A line goes out whole or not at all: who reads, or does not, must never
 * hold the sound up.  Belongs to one thread; nothing waits.
 */
#ifndef RTTA_STATUS_H
#define RTTA_STATUS_H

#include <jv.h>

struct rtta_device;

struct rtta_status {
	int fd;    /* -1: none, or it is broken */
};

/* event is taken. */
void rtta_status_tell(struct rtta_status *status, jv event);

/* The device's state has changed: an event of its own. */
void rtta_status_device(struct rtta_status *status, const struct rtta_device *device);

/* event (taken) with the device's state, and the reason for it. */
jv rtta_status_of(const struct rtta_device *device, jv event);

#endif

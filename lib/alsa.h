/*
 * alsa - samples of a device, by any name that alsa-lib knows.
 *
 * s16le in non-blocking reads; the descriptors ride in the caller's poll.
 * The device decides on rate and channels: what it gives is what the format
 * says.  alsa-lib's own words do not go to stderr but into the errors.
 * Opening may wait for a sound server.  One thread.
 */
#ifndef RTTA_ALSA_H
#define RTTA_ALSA_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct rtta_err;
struct rtta_alsa;

enum { RTTA_ALSA_MAX_FDS = 8 };

/*
 * Open and start.  rate_hz and channels are wishes.  NULL with EX_NOINPUT
 * (alsa-lib knows no such name, or cannot make sense of it), EX_CONFIG (it
 * cannot give s16le within the limits of a frame), EX_UNAVAILABLE (not
 * there now) or EX_TEMPFAIL (busy).
 */
struct rtta_alsa *rtta_alsa_open(const char *device, uint32_t rate_hz,
    int channels, int frame_ms, struct rtta_err *err);
void rtta_alsa_close(struct rtta_alsa *alsa);

uint32_t rtta_alsa_rate_hz(const struct rtta_alsa *alsa);
int rtta_alsa_channels(const struct rtta_alsa *alsa);

/* Fill at most RTTA_ALSA_MAX_FDS entries; how many. */
int rtta_alsa_fds(struct rtta_alsa *alsa, struct pollfd *fds);

/* After poll(2): is there something to read (or an error to meet)? */
bool rtta_alsa_ready(struct rtta_alsa *alsa, struct pollfd *fds, int count);

/*
 * Read what is there, at most max_samples.  The number, 0: nothing yet, -1:
 * the device is lost, EX_IOERR.  *overrun is set when the device had to be
 * started anew because nobody read in time: samples are missing between
 * this call and the next.
 */
ssize_t rtta_alsa_read(struct rtta_alsa *alsa, int16_t *values,
    size_t max_samples, bool *overrun, struct rtta_err *err);

/* Samples that wait in the device. */
size_t rtta_alsa_backlog(struct rtta_alsa *alsa);

struct rtta_alsa_name {
	char *device;
	char *description;  /* one line */
};

/* What can be captured from, ended by a NULL device.  Freed by the next. */
struct rtta_alsa_name *rtta_alsa_list(struct rtta_err *err);
void rtta_alsa_list_free(struct rtta_alsa_name *names);

#endif

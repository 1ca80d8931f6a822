#include <alsa/asoundlib.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alsa.h"
#include "err.h"
#include "frame.h"
#include "log.h"
#include "mem.h"

/* Half a second of a busy machine must not overrun. */
enum { BUFFER_US = 500000 };

struct rtta_alsa {
	snd_pcm_t *pcm;
	const char *device;
	uint32_t rate_hz;
	int channels;
};

/* What alsa-lib said first about the call under way: its handler has no
 * other way to hand it over. */
static _Thread_local char words[160];

static void __attribute__((format(printf, 5, 6)))
keep_words(const char *file, int line, const char *function, int errnum,
    const char *fmt, ...)
{
	char text[sizeof(words)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	text[strcspn(text, "\n")] = '\0';
	rtta_log_debug("alsa: %s:%d: %s: %s (%d)", file, line, function, text,
	    errnum);
	if (words[0] == '\0')
		memcpy(words, text, sizeof(words));
}

static int
fail(struct rtta_err *err, int exit_code, const char *device, const char *what,
    int status)
{
	return rtta_err_set(err, exit_code, "%s: %s%s%s%s%s", device, what,
	    what[0] != '\0' ? ": " : "", snd_strerror(status),
	    words[0] != '\0' ? ": " : "", words);
}

static int
open_error(const char *device, int status, struct rtta_err *err)
{
	if (status == -EBUSY || status == -EAGAIN)
		return fail(err, EX_TEMPFAIL, device, "", status);
	/* A card that is absent is complained of before the name is. */
	if (status == -EINVAL || strncmp(words, "Unknown PCM", 11) == 0)
		return fail(err, EX_NOINPUT, device, "no such device", status);
	return fail(err, EX_UNAVAILABLE, device, "", status);
}

static int
set_hardware(struct rtta_alsa *alsa, int frame_ms, struct rtta_err *err)
{
	unsigned period_us = (unsigned)frame_ms * 1000;
	unsigned buffer_us = BUFFER_US;
	unsigned channels = (unsigned)alsa->channels;
	snd_pcm_hw_params_t *params;
	snd_pcm_t *pcm = alsa->pcm;
	int status;

	snd_pcm_hw_params_alloca(&params);
	status = snd_pcm_hw_params_any(pcm, params);
	if (status < 0)
		return fail(err, EX_UNAVAILABLE, alsa->device, "parameters",
		    status);
	if (snd_pcm_hw_params_set_access(pcm, params,
	    SND_PCM_ACCESS_RW_INTERLEAVED) < 0 ||
	    snd_pcm_hw_params_set_format(pcm, params, SND_PCM_FORMAT_S16_LE) < 0)
		return rtta_err_set(err, EX_CONFIG, "%s: does not give 16-bit "
		    "samples: try plug:%s or plughw", alsa->device,
		    alsa->device);
	if (snd_pcm_hw_params_set_channels_near(pcm, params, &channels) < 0 ||
	    channels > RTTA_FRAME_MAX_CHANNELS)
		return rtta_err_set(err, EX_CONFIG, "%s: gives %u channels, "
		    "limit %d: try plughw", alsa->device, channels,
		    RTTA_FRAME_MAX_CHANNELS);
	if (snd_pcm_hw_params_set_rate_near(pcm, params, &alsa->rate_hz,
	    NULL) < 0 || alsa->rate_hz < RTTA_FRAME_MIN_RATE_HZ ||
	    alsa->rate_hz > RTTA_FRAME_MAX_RATE_HZ)
		return rtta_err_set(err, EX_CONFIG, "%s: gives %u Hz, limits "
		    "%d and %d: try plughw", alsa->device, alsa->rate_hz,
		    RTTA_FRAME_MIN_RATE_HZ, RTTA_FRAME_MAX_RATE_HZ);
	/* Neither is a condition: what the device gives will do. */
	snd_pcm_hw_params_set_period_time_near(pcm, params, &period_us, NULL);
	snd_pcm_hw_params_set_buffer_time_near(pcm, params, &buffer_us, NULL);
	status = snd_pcm_hw_params(pcm, params);
	if (status < 0)
		return fail(err, status == -EBUSY ? EX_TEMPFAIL :
		    EX_UNAVAILABLE, alsa->device, "parameters", status);
	alsa->channels = (int)channels;
	return 0;
}

static int
start(struct rtta_alsa *alsa, struct rtta_err *err)
{
	int count = snd_pcm_poll_descriptors_count(alsa->pcm);
	int status;

	if (count < 1 || count > RTTA_ALSA_MAX_FDS)
		return rtta_err_set(err, EX_CONFIG, "%s: %d descriptors to "
		    "poll, limits 1 and %d", alsa->device, count,
		    RTTA_ALSA_MAX_FDS);
	status = snd_pcm_start(alsa->pcm);
	if (status < 0)
		return fail(err, EX_UNAVAILABLE, alsa->device, "start", status);
	return 0;
}

struct rtta_alsa *
rtta_alsa_open(const char *device, uint32_t rate_hz, int channels,
    int frame_ms, struct rtta_err *err)
{
	struct rtta_alsa *alsa = rtta_xcalloc(1, sizeof(*alsa));
	char latency[16];
	int status;

	snd_lib_error_set_handler(keep_words);
	words[0] = '\0';
	/* PulseAudio hands out lumps of up to two seconds unless asked. */
	snprintf(latency, sizeof(latency), "%d", frame_ms);
	setenv("PULSE_LATENCY_MSEC", latency, 0);
	/* A card or a sound server may have come since it was last read. */
	snd_config_update_free_global();

	*alsa = (struct rtta_alsa){
		.device = device, .rate_hz = rate_hz, .channels = channels,
	};
	status = snd_pcm_open(&alsa->pcm, device, SND_PCM_STREAM_CAPTURE,
	    SND_PCM_NONBLOCK);
	if (status < 0)
		open_error(device, status, err);
	else if (set_hardware(alsa, frame_ms, err) == 0 &&
	    start(alsa, err) == 0)
		return alsa;
	rtta_alsa_close(alsa);
	return NULL;
}

void
rtta_alsa_close(struct rtta_alsa *alsa)
{
	if (alsa == NULL)
		return;
	if (alsa->pcm != NULL)
		snd_pcm_close(alsa->pcm);
	free(alsa);
	snd_config_update_free_global();
}

uint32_t
rtta_alsa_rate_hz(const struct rtta_alsa *alsa)
{
	return alsa->rate_hz;
}

int
rtta_alsa_channels(const struct rtta_alsa *alsa)
{
	return alsa->channels;
}

int
rtta_alsa_fds(struct rtta_alsa *alsa, struct pollfd *fds)
{
	int count = snd_pcm_poll_descriptors(alsa->pcm, fds, RTTA_ALSA_MAX_FDS);

	return count > 0 ? count : 0;
}

bool
rtta_alsa_ready(struct rtta_alsa *alsa, struct pollfd *fds, int count)
{
	unsigned short revents = 0;

	if (snd_pcm_poll_descriptors_revents(alsa->pcm, fds, (unsigned)count,
	    &revents) < 0)
		return true;
	return revents != 0;
}

/* -EPIPE: nobody read in time; -ESTRPIPE: the machine slept. */
static int
restart(struct rtta_alsa *alsa, int status)
{
	if (status == -ESTRPIPE && snd_pcm_resume(alsa->pcm) == 0)
		return 0;
	status = snd_pcm_prepare(alsa->pcm);
	return status < 0 ? status : snd_pcm_start(alsa->pcm);
}

ssize_t
rtta_alsa_read(struct rtta_alsa *alsa, int16_t *values, size_t max_samples,
    bool *overrun, struct rtta_err *err)
{
	snd_pcm_sframes_t got;

	words[0] = '\0';
	got = snd_pcm_readi(alsa->pcm, values, max_samples);
	if (got == -EPIPE || got == -ESTRPIPE) {
		*overrun = true;
		got = restart(alsa, (int)got);
	}
	if (got == -EAGAIN || got == -EINTR)
		return 0;
	if (got < 0)
		return fail(err, EX_IOERR, alsa->device, "read", (int)got);
	return got;
}

size_t
rtta_alsa_backlog(struct rtta_alsa *alsa)
{
	snd_pcm_sframes_t waiting = snd_pcm_avail_update(alsa->pcm);

	return waiting > 0 ? (size_t)waiting : 0;
}

static char *
hint(const void *of, const char *id)
{
	char *text = snd_device_name_get_hint(of, id);

	if (text != NULL)
		for (char *c = text; *c; c++)
			if (*c == '\n')
				*c = ' ';
	return text;
}

struct rtta_alsa_name *
rtta_alsa_list(struct rtta_err *err)
{
	struct rtta_alsa_name *names;
	size_t count = 0, used = 0;
	void **hints;
	int status;

	snd_lib_error_set_handler(keep_words);
	words[0] = '\0';
	status = snd_device_name_hint(-1, "pcm", &hints);
	if (status < 0) {
		fail(err, EX_NOINPUT, "list of devices", "", status);
		return NULL;
	}
	while (hints[count] != NULL)
		count++;
	names = rtta_xcalloc(count + 1, sizeof(*names));
	for (size_t i = 0; i < count; i++) {
		char *direction = hint(hints[i], "IOID");  /* NULL: both */

		if (direction == NULL || strcmp(direction, "Input") == 0) {
			names[used].device = hint(hints[i], "NAME");
			names[used].description = hint(hints[i], "DESC");
			used += names[used].device != NULL;
		}
		free(direction);
	}
	snd_device_name_free_hint(hints);
	snd_config_update_free_global();
	return names;
}

void
rtta_alsa_list_free(struct rtta_alsa_name *names)
{
	if (names == NULL)
		return;
	for (struct rtta_alsa_name *name = names; name->device != NULL; name++) {
		free(name->device);
		free(name->description);
	}
	free(names);
}

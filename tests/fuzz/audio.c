/* A message of AUDIO_STREAM from anybody: refused with a sentence, or a frame
 * within its limits.  Input: lines of headers, an empty line, the payload. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "audio.h"
#include "bus.h"
#include "err.h"
#include "message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void
check_audio(const struct rtta_audio *audio, natsMsg *msg)
{
	struct rtta_span span = rtta_audio_span(audio);

	assert(audio->session[0] == '\0' || rtta_session_id_valid(audio->session));
	assert(audio->frame.payload_bytes == (uint32_t)natsMsg_GetDataLength(msg));
	assert(audio->eos == (audio->frame.payload_bytes == 0));
	assert(audio->frame.channels >= 1 && audio->frame.channels <= RTTA_FRAME_MAX_CHANNELS);
	assert(audio->frame.rate_hz >= RTTA_FRAME_MIN_RATE_HZ);
	assert(audio->frame.payload_bytes % (2 * audio->frame.channels) == 0);
	assert(audio->eos ? span.last == span.first : span.last > span.first);
	natsMsg_Destroy(rtta_audio_encode(audio));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static const char *const subjects[] = {
		"preroll.audio", "audio.live.s1", "audio.backfill.s1", "audio.live.a b"
	};
	static const char *const names[] = {
		"run", "sample", "timestamp", "rate", "channels", "lost", "job", "rev", "EOS"
	};
	natsMsg *msg = message_from(data, bytes, subjects, sizeof(subjects) / sizeof(subjects[0]),
	    names, sizeof(names) / sizeof(names[0]));
	struct rtta_audio audio;
	struct rtta_err err = {0};

	if (rtta_audio_decode(&audio, msg, 1, &err) == 0)
		check_audio(&audio, msg);
	else
		assert(err.exit_code == EX_DATAERR && strpbrk(err.text, "\r\n") == NULL);
	natsMsg_Destroy(msg);
	return 0;
}

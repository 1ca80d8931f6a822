#include <stdlib.h>
#include <string.h>

#include "audio.h"
#include "bus.h"
#include "clock.h"
#include "err.h"
#include "headers.h"
#include "reason.h"

static const char preroll_subject[] = "preroll.audio";
static const char live_prefix[] = "audio.live.";
static const char backfill_prefix[] = "audio.backfill.";

enum {
	SUBJECT_BYTES = 16 + RTTA_SESSION_ID_BYTES,
	ID_BYTES = RTTA_SESSION_ID_BYTES + RTTA_AUDIO_JOB_BYTES + 64
};

/* --- encode: at the rate of the bus, so without printf --- */

static char *
append(char *to, const char *text)
{
	size_t len = strlen(text);

	memcpy(to, text, len + 1);
	return to + len;
}

static char *
append_number(char *to, uint64_t value)
{
	char digits[20];
	int i = sizeof(digits);

	do
		digits[--i] = (char)('0' + value % 10);
	while ((value /= 10) != 0);
	memcpy(to, digits + i, sizeof(digits) - (size_t)i);
	to += sizeof(digits) - (size_t)i;
	*to = '\0';
	return to;
}

static char *
append_run(char *to, uint64_t run)
{
	static const char hex[] = "0123456789abcdef";

	for (int shift = 60; shift >= 0; shift -= 4)
		*to++ = hex[run >> shift & 15];
	*to = '\0';
	return to;
}

static void
write_subject(char subject[SUBJECT_BYTES], const struct rtta_audio *audio)
{
	switch (audio->lane) {
	case RTTA_AUDIO_PREROLL:
		append(subject, preroll_subject);
		break;
	case RTTA_AUDIO_LIVE:
		append(append(subject, live_prefix), audio->session);
		break;
	case RTTA_AUDIO_BACKFILL:
		append(append(subject, backfill_prefix), audio->session);
		break;
	}
}

static void
write_id(char id[ID_BYTES], const struct rtta_audio *audio)
{
	char *at = id;

	if (audio->lane == RTTA_AUDIO_PREROLL) {
		at = append(at, "pre/");
	} else {
		at = append(append(at, audio->session), "/");
		at = append(at, audio->lane == RTTA_AUDIO_LIVE ? "live" : audio->job);
		at = append(at, "/");
	}
	at = append(append_run(at, audio->frame.run_id), "/");
	at = append_number(at, audio->frame.sample);
	if (audio->again > 0)
		at = append_number(append(at, "/"), audio->again);
	if (audio->eos)
		append(at, "/eos");
}

static void
set_number(natsMsg *msg, const char *name, uint64_t value)
{
	char text[24];

	append_number(text, value);
	rtta_msg_header(msg, name, text);
}

natsMsg *
rtta_audio_encode(const struct rtta_audio *audio)
{
	const struct rtta_frame *frame = &audio->frame;
	char subject[SUBJECT_BYTES], id[ID_BYTES];
	char time[RTTA_CLOCK_TEXT_BYTES], run[RTTA_RUN_TEXT_BYTES];
	natsMsg *msg;

	write_subject(subject, audio);
	write_id(id, audio);
	msg = rtta_msg_new(subject, frame->payload,
	    audio->eos ? 0 : (int)frame->payload_bytes);
	rtta_msg_header(msg, "Nats-Msg-Id", id);
	rtta_msg_header(msg, "timestamp", rtta_clock_format(time, frame->capture_ns));
	append_run(run, frame->run_id);
	rtta_msg_header(msg, "run", run);
	set_number(msg, "sample", frame->sample);
	set_number(msg, "rate", frame->rate_hz);
	set_number(msg, "channels", frame->channels);
	if (audio->lost > 0)
		set_number(msg, "lost", audio->lost);
	if (audio->lost > 0 && frame->flags & RTTA_FRAME_UNTAKEN)
		rtta_msg_header(msg, "reason", rtta_reason_text(RTTA_REASON_CEILING));
	if (audio->lane == RTTA_AUDIO_BACKFILL) {
		rtta_msg_header(msg, "job", audio->job);
		set_number(msg, "rev", (uint64_t)(audio->rev ? audio->rev : 1));
	}
	if (audio->eos)
		rtta_msg_header(msg, "EOS", "true");
	return msg;
}

/* --- decode --- */

static int
decode_subject(struct rtta_audio *audio, const struct rtta_headers *in)
{
	int rc;

	if (strcmp(natsMsg_GetSubject(in->msg), preroll_subject) == 0) {
		audio->lane = RTTA_AUDIO_PREROLL;
		return 0;
	}
	audio->lane = RTTA_AUDIO_LIVE;
	rc = rtta_headers_session(in, live_prefix, audio->session);
	if (rc == 0) {
		audio->lane = RTTA_AUDIO_BACKFILL;
		rc = rtta_headers_session(in, backfill_prefix, audio->session);
	}
	if (rc == 0)
		return rtta_headers_broken(in, "subject", "no sound travels on it");
	return rc < 0 ? -1 : 0;
}

/* Jobs are part of message ids: the characters of a session id. */
static int
decode_job(struct rtta_audio *audio, const struct rtta_headers *in)
{
	const char *job = rtta_header(in->msg, "job");
	uint64_t rev = 1;

	if (rtta_headers_number(in, "rev", 1, RTTA_HEADERS_MAX_REV, &rev) < 0)
		return -1;
	audio->rev = (int)rev;
	if (audio->lane != RTTA_AUDIO_BACKFILL || job == NULL)
		return 0;
	if (!rtta_session_id_valid(job) || strlen(job) >= RTTA_AUDIO_JOB_BYTES)
		return rtta_headers_broken(in, "job", "not 1 to 63 of A-Z a-z 0-9 _ -");
	strcpy(audio->job, job);
	return 0;
}

static int
decode_timestamp(struct rtta_audio *audio, const struct rtta_headers *in)
{
	int rc = rtta_headers_time(in, "timestamp", &audio->frame.capture_ns);

	if (rc == 0 && !in->has_meta)
		return rtta_headers_broken(in, "timestamp", "missing");
	if (rc == 0)
		audio->frame.capture_ns = in->meta.stored_ns;
	return rc < 0 ? -1 : 0;
}

static int
decode_ours(struct rtta_audio *audio, const struct rtta_headers *in)
{
	struct rtta_frame *frame = &audio->frame;
	uint64_t rate_hz = RTTA_AUDIO_FOREIGN_RATE_HZ, channels = 1;

	if (rtta_headers_run(in, &frame->run_id) < 0)
		return -1;
	if (rtta_header(in->msg, "sample") == NULL)
		return rtta_headers_broken(in, "sample", "missing");
	if (rtta_headers_number(in, "sample", 0, RTTA_SAMPLE_MAX - RTTA_FRAME_MAX_BYTES, &frame->sample) < 0 ||
	    rtta_headers_number(in, "rate", RTTA_FRAME_MIN_RATE_HZ, RTTA_FRAME_MAX_RATE_HZ, &rate_hz) < 0 ||
	    rtta_headers_number(in, "channels", 1, RTTA_FRAME_MAX_CHANNELS, &channels) < 0 ||
	    rtta_headers_number(in, "lost", 0, RTTA_SAMPLE_MAX, &audio->lost) < 0 ||
	    decode_timestamp(audio, in) < 0)
		return -1;
	if (audio->lost > frame->sample)
		return rtta_headers_broken(in, "lost", "more than there were");
	frame->rate_hz = (uint32_t)rate_hz;
	frame->channels = (uint8_t)channels;
	if (audio->lost > 0)
		frame->flags = RTTA_FRAME_LOST;
	if (audio->lost > 0 && rtta_reason_find(rtta_header(in->msg, "reason")) == RTTA_REASON_CEILING)
		frame->flags |= RTTA_FRAME_UNTAKEN;
	return 0;
}

/* FNV-1a: the same sound of the same stream is the same run everywhere. */
static uint64_t
hash_run(int64_t created_ns, const char *subject)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (int shift = 0; shift < 64; shift += 8)
		hash = (hash ^ ((uint64_t)created_ns >> shift & 255)) * UINT64_C(0x100000001b3);
	for (; *subject != '\0'; subject++)
		hash = (hash ^ (unsigned char)*subject) * UINT64_C(0x100000001b3);
	return hash;
}

static int
decode_foreign(struct rtta_audio *audio, const struct rtta_headers *in, int64_t created_ns)
{
	struct rtta_frame *frame = &audio->frame;

	if (created_ns == 0 || !in->has_meta)
		return rtta_headers_broken(in, "run", "missing");
	audio->foreign = true;
	frame->run_id = hash_run(created_ns, natsMsg_GetSubject(in->msg));
	frame->sample = in->meta.stream_seq;
	frame->capture_ns = in->meta.stored_ns;
	frame->rate_hz = RTTA_AUDIO_FOREIGN_RATE_HZ;
	frame->channels = 1;
	return 0;
}

static int
decode_payload(struct rtta_audio *audio, const struct rtta_headers *in)
{
	int bytes = natsMsg_GetDataLength(in->msg);
	int limit = audio->foreign ? RTTA_AUDIO_FOREIGN_MAX_BYTES : RTTA_FRAME_MAX_BYTES;
	const char *why = NULL;

	if (audio->eos && bytes > 0)
		why = "not empty in spite of EOS";
	else if (!audio->eos && bytes == 0)
		why = "empty without EOS";
	else if (bytes > limit)
		why = audio->foreign ? "above 65536 bytes" : "above 32768 bytes";
	else if (bytes % (2 * audio->frame.channels) != 0)
		why = "not a whole number of samples";
	if (why != NULL)
		return rtta_headers_broken(in, "payload", why);
	audio->frame.payload_bytes = (uint32_t)bytes;
	/* Borrowed and never written to; the frame of a pipe is writable. */
	audio->frame.payload = (uint8_t *)(uintptr_t)natsMsg_GetData(in->msg);
	return 0;
}

int
rtta_audio_decode(struct rtta_audio *audio, natsMsg *msg, int64_t created_ns,
    struct rtta_err *err)
{
	struct rtta_headers in = rtta_headers_of(msg, err);
	bool foreign = rtta_header(msg, "run") == NULL && rtta_header(msg, "sample") == NULL;

	*audio = (struct rtta_audio){ .rev = 1, .stream_seq = in.meta.stream_seq };
	if (decode_subject(audio, &in) < 0 || rtta_headers_bool(&in, "EOS", &audio->eos) < 0 ||
	    decode_job(audio, &in) < 0)
		return -1;
	if ((foreign ? decode_foreign(audio, &in, created_ns) : decode_ours(audio, &in)) < 0)
		return -1;
	return decode_payload(audio, &in);
}

struct rtta_span
rtta_audio_span(const struct rtta_audio *audio)
{
	uint64_t first = audio->frame.sample, samples;

	samples = audio->eos ? 0 : audio->foreign ? 1 : rtta_frame_samples(&audio->frame);
	return (struct rtta_span){ audio->frame.run_id, first, first + samples };
}

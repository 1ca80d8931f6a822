/* audio: messages there and back, foreign ones, and what is refused. */
#include <stdlib.h>

#include "audio.h"
#include "bus.h"
#include "check.h"
#include "err.h"

static uint8_t pcm[70000];

/* What JetStream would deliver: seq 42, stored at 1767607200.5 s. */
static natsMsg *
delivery(const char *subject, const void *data, int bytes)
{
	natsMsg *msg;

	if (natsMsg_Create(&msg, subject,
	    "$JS.ACK.AUDIO_STREAM.stt-live-1.1.42.7.1767607200500000000.3", data, bytes) != NATS_OK)
		abort();
	return msg;
}

static natsMsg *
redeliver(natsMsg *msg)
{
	static const char *const names[] = { "timestamp", "run", "sample", "rate", "channels",
	    "lost", "job", "rev", "EOS" };
	natsMsg *copy = delivery(natsMsg_GetSubject(msg), natsMsg_GetData(msg),
	    natsMsg_GetDataLength(msg));

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (rtta_header(msg, names[i]) != NULL)
			rtta_msg_header(copy, names[i], rtta_header(msg, names[i]));
	return copy;
}

static struct rtta_audio
example(enum rtta_audio_lane lane)
{
	struct rtta_audio audio = { .lane = lane, .rev = 1, .frame = {
		.run_id = 0x0123456789abcdef, .sample = 18446744, .capture_ns = 1767607203120000000,
		.rate_hz = 48000, .channels = 2, .payload_bytes = 3840, .payload = pcm } };

	if (lane != RTTA_AUDIO_PREROLL)
		strcpy(audio.session, "s1");
	if (lane == RTTA_AUDIO_BACKFILL)
		strcpy(audio.job, "preroll");
	return audio;
}

static void
check_round_trip(const struct rtta_audio *audio, const char *subject, const char *id)
{
	natsMsg *msg = rtta_audio_encode(audio), *copy;
	struct rtta_audio got;
	struct rtta_err err = {0};

	CHECK_STR(natsMsg_GetSubject(msg), subject);
	CHECK_STR(rtta_header(msg, "Nats-Msg-Id"), id);
	copy = redeliver(msg);
	CHECK_INT(rtta_audio_decode(&got, copy, 0, &err), 0);
	CHECK_STR(err.text, "");
	CHECK_INT(got.lane, audio->lane);
	CHECK_STR(got.session, audio->session);
	CHECK_STR(got.job, audio->job);
	CHECK_INT(got.rev, audio->rev);
	CHECK_INT(got.eos, audio->eos);
	CHECK_INT(got.lost, audio->lost);
	CHECK_INT(got.foreign, false);
	CHECK_INT(got.stream_seq, 42);
	CHECK_INT(got.frame.run_id, audio->frame.run_id);
	CHECK_INT(got.frame.sample, audio->frame.sample);
	CHECK_INT(got.frame.capture_ns, audio->frame.capture_ns);
	CHECK_INT(got.frame.rate_hz, audio->frame.rate_hz);
	CHECK_INT(got.frame.channels, audio->frame.channels);
	CHECK_INT(got.frame.flags, audio->lost ? RTTA_FRAME_LOST : 0);
	CHECK_INT(got.frame.payload_bytes, audio->eos ? 0 : audio->frame.payload_bytes);
	CHECK(memcmp(got.frame.payload, pcm, got.frame.payload_bytes) == 0);
	CHECK_INT(rtta_audio_span(&got).last - audio->frame.sample, audio->eos ? 0 : 960);
	natsMsg_Destroy(copy);
	natsMsg_Destroy(msg);
}

static void
check_round_trips(void)
{
	struct rtta_audio audio = example(RTTA_AUDIO_PREROLL);

	check_round_trip(&audio, "preroll.audio", "pre/0123456789abcdef/18446744");
	audio = example(RTTA_AUDIO_LIVE);
	audio.lost = 320;
	check_round_trip(&audio, "audio.live.s1", "s1/live/0123456789abcdef/18446744");
	audio.lost = 0;
	audio.eos = true;
	check_round_trip(&audio, "audio.live.s1", "s1/live/0123456789abcdef/18446744/eos");
	audio = example(RTTA_AUDIO_BACKFILL);
	audio.frame.run_id = 0;
	audio.frame.sample = 0;
	check_round_trip(&audio, "audio.backfill.s1", "s1/preroll/0000000000000000/0");
	audio.rev = 2;
	strcpy(audio.job, "better-0123456789abcdef-5");
	check_round_trip(&audio, "audio.backfill.s1", "s1/better-0123456789abcdef-5/0000000000000000/0");
}

/* The longest names that there can be fit. */
static void
check_longest(void)
{
	struct rtta_audio audio = example(RTTA_AUDIO_BACKFILL);
	char id[256];

	memset(audio.session, 's', sizeof(audio.session) - 1);
	memset(audio.job, 'j', sizeof(audio.job) - 1);
	audio.frame.sample = RTTA_SAMPLE_MAX - RTTA_FRAME_MAX_BYTES;
	audio.eos = true;
	snprintf(id, sizeof(id), "%s/%s/0123456789abcdef/9007199254708224/eos",
	    audio.session, audio.job);
	snprintf((char *)pcm, sizeof(pcm), "audio.backfill.%s", audio.session);
	check_round_trip(&audio, (char *)pcm, id);
}

static void
check_foreign(void)
{
	natsMsg *msg = delivery("audio.live.x", pcm, 1000);
	struct rtta_err err = {0};
	struct rtta_audio audio, other;

	CHECK_INT(rtta_audio_decode(&audio, msg, 1234567, &err), 0);
	CHECK(audio.foreign);
	CHECK_INT(audio.frame.rate_hz, 16000);
	CHECK_INT(audio.frame.channels, 1);
	CHECK_INT(audio.frame.sample, 42);
	CHECK_INT(audio.frame.capture_ns, 1767607200500000000);
	CHECK_INT(rtta_frame_samples(&audio.frame), 500);
	CHECK_INT(rtta_audio_span(&audio).first, 42);
	CHECK_INT(rtta_audio_span(&audio).last, 43);
	/* The run: of this stream and subject, always the same. */
	CHECK_INT(rtta_audio_decode(&other, msg, 1234567, &err), 0);
	CHECK(other.frame.run_id == audio.frame.run_id);
	CHECK_INT(rtta_audio_decode(&other, msg, 1234568, &err), 0);
	CHECK(other.frame.run_id != audio.frame.run_id);
	/* A stream whose age is not known tells no run. */
	CHECK_INT(rtta_audio_decode(&other, msg, 0, &err), -1);
	CHECK_INT(err.exit_code, EX_DATAERR);
	natsMsg_Destroy(msg);

	msg = delivery("audio.backfill.x", NULL, 0);
	rtta_msg_header(msg, "EOS", "True");
	err = (struct rtta_err){0};
	CHECK_INT(rtta_audio_decode(&audio, msg, 1234567, &err), 0);
	CHECK(audio.eos && audio.foreign);
	CHECK_INT(rtta_audio_span(&audio).last - rtta_audio_span(&audio).first, 0);
	natsMsg_Destroy(msg);
}

/* A good message with one thing wrong; foreign where there is no header. */
static void
check_refused(void)
{
	static const struct {
		const char *subject;
		int bytes;
		const char *header, *value, *error;
	} rows[] = {
		{ "audio.live.a.b", 640, "run", "00000000000000aa", "audio.live.a.b 42: subject: no session id" },
		{ "audio.other.x", 640, "run", "00000000000000aa", "audio.other.x 42: subject: no sound" },
		{ "audio.live.x", 640, "run", "00000000000000AA", "audio.live.x 42: run: not 16" },
		{ "audio.live.x", 640, "run", "aa", "audio.live.x 42: run: not 16" },
		{ "audio.live.x", 640, "sample", "-1", "audio.live.x 42: sample: no number" },
		{ "audio.live.x", 640, "sample", "9223372036854775807", "audio.live.x 42: sample: no number" },
		{ "audio.live.x", 640, "sample", "99999999999999999999999", "audio.live.x 42: sample: no number" },
		{ "audio.live.x", 640, "rate", "7999", "audio.live.x 42: rate: no number" },
		{ "audio.live.x", 640, "rate", "16 kHz", "audio.live.x 42: rate: no number" },
		{ "audio.live.x", 640, "channels", "9", "audio.live.x 42: channels: no number" },
		{ "audio.live.x", 640, "lost", "501", "audio.live.x 42: lost: more than" },
		{ "audio.live.x", 640, "timestamp", "yesterday", "audio.live.x 42: timestamp: no RFC" },
		{ "audio.live.x", 640, "EOS", "maybe", "audio.live.x 42: EOS: neither" },
		{ "audio.live.x", 640, "EOS", "true", "audio.live.x 42: payload: not empty" },
		{ "audio.live.x", 0, "rate", "16000", "audio.live.x 42: payload: empty" },
		{ "audio.live.x", 641, "rate", "16000", "audio.live.x 42: payload: not a whole" },
		{ "audio.live.x", 642, "channels", "2", "audio.live.x 42: payload: not a whole" },
		{ "audio.live.x", 32770, "rate", "16000", "audio.live.x 42: payload: above 32768" },
		{ "audio.backfill.x", 640, "job", "a b", "audio.backfill.x 42: job: not 1 to 63" },
		{ "audio.backfill.x", 640, "rev", "0", "audio.backfill.x 42: rev: no number" },
		{ "audio.backfill.x", 640, "rev", "3", "audio.backfill.x 42: rev: no number" },
		{ "audio.live.x", 641, NULL, NULL, "audio.live.x 42: payload: not a whole" },
		{ "audio.live.x", 65538, NULL, NULL, "audio.live.x 42: payload: above 65536" },
		{ "audio.live.x", 0, NULL, NULL, "audio.live.x 42: payload: empty" },
	};
	struct rtta_audio audio;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		natsMsg *msg = delivery(rows[i].subject, pcm, rows[i].bytes);
		struct rtta_err err = {0};

		if (rows[i].header != NULL) {
			rtta_msg_header(msg, "run", "00000000000000aa");
			rtta_msg_header(msg, "sample", "500");
			rtta_msg_header(msg, rows[i].header, rows[i].value);
		}
		CHECK_INT(rtta_audio_decode(&audio, msg, 1, &err), -1);
		CHECK_INT(err.exit_code, EX_DATAERR);
		err.text[strlen(rows[i].error)] = '\0';
		CHECK_STR(err.text, rows[i].error);
		natsMsg_Destroy(msg);
	}
}

int
main(void)
{
	nats_Open(-1);  /* messages are the library's */
	for (size_t i = 0; i < sizeof(pcm); i++)
		pcm[i] = (uint8_t)(i * 7);
	check_round_trips();
	check_foreign();
	check_refused();
	check_longest();
	nats_Close();
	return check_result();
}

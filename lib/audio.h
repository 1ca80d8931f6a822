/*
 * audio - a frame as a message of the bus.
 *
 * Payload: the PCM and nothing else.  Headers: Nats-Msg-Id, timestamp, run,
 * sample, rate, channels, lost and why, and in the backfill lane job and rev; EOS on
 * the empty message that ends a job or a live lane.  rtta-subjects(7).
 */
#ifndef RTTA_AUDIO_H
#define RTTA_AUDIO_H

#include <nats/nats.h>
#include <stdbool.h>
#include <stdint.h>

#include "frame.h"
#include "position.h"
#include "session.h"

struct rtta_err;

enum rtta_audio_lane {
	RTTA_AUDIO_PREROLL,    /* preroll.audio */
	RTTA_AUDIO_LIVE,       /* audio.live.<S> */
	RTTA_AUDIO_BACKFILL    /* audio.backfill.<S> */
};

enum {
	RTTA_AUDIO_JOB_BYTES = 64,
	RTTA_AUDIO_FOREIGN_MAX_BYTES = 65536,  /* of a message without our headers */
	RTTA_AUDIO_FOREIGN_RATE_HZ = 16000     /* and mono s16le */
};

struct rtta_audio {
	enum rtta_audio_lane lane;
	char session[RTTA_SESSION_ID_BYTES];  /* empty on preroll.audio */
	char job[RTTA_AUDIO_JOB_BYTES];       /* "preroll", "move-<run>-<sample>"; empty: live */
	int rev;                              /* 1 unless a better pass */
	bool eos;                             /* frame.payload_bytes is 0 then */
	uint64_t lost;                        /* samples missing just before; why: the frame's flags */
	unsigned again;                       /* preroll.audio: stored before, and sent anew */
	bool foreign;                         /* had no headers of ours: one message is one sample */
	uint64_t stream_seq;                  /* decoded only */
	struct rtta_frame frame;              /* payload borrowed from the message */
};

/*
 * The message for *audio with its id: pre/<run>/<sample>[/<again>],
 * <S>/live/<run>/<sample>, <S>/<job>/<run>/<sample>, with /eos for EOS.
 * Copies the payload.
 */
natsMsg *rtta_audio_encode(const struct rtta_audio *audio);

/*
 * A delivery of PRE_BUFFER or AUDIO_STREAM.  audio->frame.payload points
 * into msg.  created_ns is the stream's creation time, from which the run of
 * a message without our headers is hashed (0 when not known: such messages
 * are then refused).  0, or -1 with EX_DATAERR naming subject, sequence and
 * header: such a message will never be right.
 */
int rtta_audio_decode(struct rtta_audio *audio, natsMsg *msg, int64_t created_ns,
    struct rtta_err *err);

/*
 * What the message covers: its samples, or of a foreign one [seq, seq + 1).
 * Empty for EOS.  rtta_frame_end() is wrong for a foreign message.
 */
struct rtta_span rtta_audio_span(const struct rtta_audio *audio);

#endif

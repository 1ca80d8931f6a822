/*
 * streams - what the three streams and the bucket must be.
 *
 * The specification as JetStream configurations, and the comparison with
 * what a server has.  Every stream has a ceiling in bytes, that of
 * AUDIO_STREAM from rate and channels, so that a full audio store never
 * refuses text or state.  Pure: no bus; rtta-streams(1) asks the server.
 */
#ifndef RTTA_STREAMS_H
#define RTTA_STREAMS_H

#include <jv.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rtta_err;

struct rtta_streams_limits {
	int64_t preroll_age_s, audio_age_s, text_age_s;
	int64_t preroll_bytes, audio_bytes;  /* 0: from rate and channels; without reserve */
	int64_t text_bytes, state_bytes;
	bool preroll_file;                   /* on disk instead of in memory */
	int replicas;
	int rate_hz, channels;
};

/* The most needed first: "KV_system_state", "TEXT_STREAM", "AUDIO_STREAM",
 * "PRE_BUFFER"; then NULL. */
const char *rtta_streams_name(size_t i);

/* The defaults of rtta-streams(1). */
void rtta_streams_limits_init(struct rtta_streams_limits *limits);

/*
 * Of AUDIO_STREAM publishers fill only a share, limits.audio_bytes; the rest
 * of its max_bytes is the reserve for acknowledged sound that a server which
 * was killed finds again (rtta-design(7)).  From the share to max_bytes, and
 * back, also for a stream that somebody else has made.
 */
int64_t rtta_streams_with_reserve(int64_t share_bytes);
int64_t rtta_streams_share(int64_t max_bytes);

/*
 * How many bytes and messages publishers may still store, at a STREAM.INFO
 * (borrowed); INT64_MAX where it has no limit, below 0 when the reserve is
 * in use.
 */
void rtta_streams_room(jv info, int64_t *bytes, int64_t *messages);

/* The least share of AUDIO_STREAM: 50 minutes of live sound and a pre-roll;
 * 0 when it was given. */
int64_t rtta_streams_audio_least(const struct rtta_streams_limits *limits);

/*
 * Fill in the ceilings that are 0, and make them fit into 80 % of the
 * quotas (bytes for streams in memory and in files, replicas counted; -1:
 * none).  Where AUDIO_STREAM's was not given it gives way, down to the
 * least.  0, or -1 with EX_CONFIG.
 */
int rtta_streams_fit(struct rtta_streams_limits *limits, int64_t memory_bytes,
    int64_t file_bytes, struct rtta_err *err);

/*
 * The body of STREAM.CREATE.<name>.  limits NULL: the defaults.  Ceilings
 * that are still 0 come from rate and channels.
 */
jv rtta_streams_config(const char *name, const struct rtta_streams_limits *limits);

/*
 * How found differs from wanted (both taken), an array of {"field",
 * "wanted", "found", "fixed"}: fixed is true where a server does not change
 * it.  Fields that wanted does not name are the server's business.
 */
jv rtta_streams_diff(jv wanted, jv found);

/* found with what can be changed as wanted (all taken): STREAM.UPDATE's body. */
jv rtta_streams_merge(jv wanted, jv found);

/* A field's value for people: "3600 s", "268435456 (256.0 MiB)", "workqueue".
 * value is taken; the caller frees the text. */
char *rtta_streams_value_text(const char *field, jv value);

#endif

/*
 * session - the keys of system_state as structs.
 *
 * rtta-subjects(7) has the table of keys and who writes each.  Encoding and
 * decoding only: no bus, no clock.  Decoders borrow the jv, refuse what they
 * do not understand with EX_DATAERR and the key, and ignore unknown fields.
 */
#ifndef RTTA_SESSION_H
#define RTTA_SESSION_H

#include <jv.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "position.h"

struct rtta_err;

enum {
	RTTA_SESSION_ID_BYTES = 65,     /* 64 characters and the end */
	RTTA_SESSION_TITLE_BYTES = 257,
	RTTA_SESSION_OFF_MAX = 16,
	RTTA_SESSION_PREROLL_S = 300,   /* default pre-roll */
	RTTA_SESSION_PREROLL_MAX_S = 330  /* PRE_BUFFER holds 6 min */
};

/* [A-Za-z0-9_-]{1,64}: one subject token. */
bool rtta_session_id_valid(const char *id);

/* A new id: YYYYmmddTHHMMSSZ-xxxx. */
void rtta_session_id_new(char id[RTTA_SESSION_ID_BYTES], int64_t real_ns);

/* A time when nothing was to be kept: [from_us, to_us). */
struct rtta_session_off {
	int64_t from_us, to_us;
};

/* session_config: what people ask for. */
struct rtta_session_config {
	char id[RTTA_SESSION_ID_BYTES];
	bool active;                     /* status ACTIVE, else IDLE */
	char title[RTTA_SESSION_TITLE_BYTES];
	int64_t started_us;              /* 0: not said */
	int64_t preroll_s;               /* RTTA_SESSION_PREROLL_S when not said */
	bool off_record;
	int64_t off_record_us;           /* since when; 0: not said */
	struct rtta_session_off off[RTTA_SESSION_OFF_MAX];  /* before, oldest first */
	size_t off_count;
};

int rtta_session_config_decode(struct rtta_session_config *config, jv value,
    struct rtta_err *err);
jv rtta_session_config_encode(const struct rtta_session_config *config);

/* session.<S> */
struct rtta_session_info {
	char title[RTTA_SESSION_TITLE_BYTES];
	int64_t started_us;
	int64_t preroll_s;
	char source[64];                 /* "route", "replay", ... */
	bool split;                      /* channels: "split", else "mix" */
	int channels;
};
int rtta_session_info_decode(struct rtta_session_info *info, jv value, struct rtta_err *err);
jv rtta_session_info_encode(const struct rtta_session_info *info);

/* cut.<S>: where live begins; the first and last pre-roll frame to copy,
 * named by their first samples. */
struct rtta_session_cut {
	bool has_at;
	struct rtta_pos at;
	int64_t at_us;
	bool has_preroll;
	struct rtta_pos first, last;     /* frames, inclusive: the exception to half-open */
};
/* Is pos below what the cut makes live?  runs: those of the session, in order. */
bool rtta_session_cut_is_above(const struct rtta_session_cut *cut, struct rtta_pos pos,
    const uint64_t *runs, size_t n_runs);
int rtta_session_cut_decode(struct rtta_session_cut *cut, jv value, struct rtta_err *err);
jv rtta_session_cut_encode(const struct rtta_session_cut *cut);

/* end.<S>: the first position that is no longer of S. */
struct rtta_session_end {
	bool has_at;                     /* false: ended without a single live frame */
	struct rtta_pos at;
	int64_t at_us;
	int64_t sound_us;                /* until when there was sound, if it ended before; or 0 */
};
int rtta_session_end_decode(struct rtta_session_end *end, jv value, struct rtta_err *err);
jv rtta_session_end_encode(const struct rtta_session_end *end);

/* run.<S>.<n>: the n-th run in S, n from 0; run 0 is the oldest, in the pre-roll. */
struct rtta_session_run {
	uint64_t run;
	uint64_t first;                  /* first sample of S in this run */
	int64_t first_us;
	uint64_t prev_next;              /* first sample behind the run before (n > 0) */
	int64_t prev_us;                 /* its wall clock */
	bool contiguous;                 /* nothing was lost between */
	uint32_t rate_hz;
};
int rtta_session_run_decode(struct rtta_session_run *run, jv value, struct rtta_err *err);
jv rtta_session_run_encode(const struct rtta_session_run *run);

/* flush.<S>: what the flush copied, for people. */
struct rtta_session_flush {
	int64_t copied_samples;
	int64_t holes;
	double short_s;                  /* how much less than preroll_s there was */
};
int rtta_session_flush_decode(struct rtta_session_flush *flush, jv value, struct rtta_err *err);
jv rtta_session_flush_encode(const struct rtta_session_flush *flush);

/* note.<S>.<tool>-<run>-<sample>: why sound is missing in [from, to). */
struct rtta_session_note {
	struct rtta_pos from, to;        /* may lie in different runs */
	int64_t from_us, to_us;
	char reason[128];                /* "off the record", "microphone unplugged", ... */
};
int rtta_session_note_decode(struct rtta_session_note *note, jv value, struct rtta_err *err);
jv rtta_session_note_encode(const struct rtta_session_note *note);

/* "cut.<S>" and the like into a buffer that is large enough. */
enum { RTTA_SESSION_KEY_BYTES = 160 };
char *rtta_session_key(char key[RTTA_SESSION_KEY_BYTES], const char *what, const char *id);
char *rtta_session_run_key(char key[RTTA_SESSION_KEY_BYTES], const char *id, unsigned n);
char *rtta_session_note_key(char key[RTTA_SESSION_KEY_BYTES], const char *id,
    const char *tool, struct rtta_pos at);

/* What is left of a session that was deleted, so that it stays so: a key
 * with this in front of its id, which is no session's key. */
#define RTTA_SESSION_DELETED "deleted."

/* Take a key apart: "cut.<S>" gives what "cut" and id.  -1: no session's key. */
int rtta_session_key_parse(const char *key, char what[16], char id[RTTA_SESSION_ID_BYTES],
    const char **rest);

#endif

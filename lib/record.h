/*
 * record - one message of TEXT_STREAM: text, silence or a gap.
 *
 * Payload: the text in UTF-8 and nothing else.  Headers: timestamp, end,
 * is_final, type, lane, run, first, last, engine, rev, and where known
 * speaker, channel, confidence, language, words, reason.  Interim text has
 * the same form on transcript.interim.<S>.  rtta-subjects(7) has the table.
 * Encoding and decoding only.
 */
#ifndef RTTA_RECORD_H
#define RTTA_RECORD_H

#include <jv.h>
#include <nats/nats.h>
#include <stdbool.h>
#include <stdint.h>

#include "position.h"
#include "session.h"

struct rtta_err;
struct rtta_jtext;

enum rtta_record_type {
	RTTA_RECORD_TEXT,
	RTTA_RECORD_SILENCE,
	RTTA_RECORD_GAP
};

enum {
	RTTA_RECORD_TEXT_MAX_BYTES = 60000,
	/* The whole message stays below 128 KiB: longer words are left out. */
	RTTA_RECORD_WORDS_MAX_BYTES = 60000,
	RTTA_RECORD_HEADER_MAX_BYTES = 200     /* engine, speaker, language, reason */
};

struct rtta_record {
	enum rtta_record_type type;
	bool is_final;
	bool backfill;          /* lane */
	bool foreign;           /* decoded from a message without our headers: no span */
	char session[RTTA_SESSION_ID_BYTES];
	struct rtta_span span;
	int64_t start_ns, end_ns;   /* wall clock: headers timestamp and end */
	int rev;                    /* 1 unless a better pass */
	int channel;                /* -1: all */
	double confidence;          /* NAN: not known */
	char *text;                 /* never NULL; "" for silence and gap */
	char *engine;               /* NULL: not known (as the following) */
	char *speaker;
	char *language;
	char *reason;               /* of a gap */
	jv words;                   /* array of {word, first, last, ...}, or invalid */
	char *packed_words;         /* or the same as JSON text: rtta_record_pack() */
	uint64_t seq;               /* stream sequence; 0: not stored (interim) */
	int64_t stored_ns;          /* wall clock at which it was; 0: not known */
};

/* An empty record: final text, rev 1, no channel, nothing known. */
void rtta_record_init(struct rtta_record *record);
void rtta_record_done(struct rtta_record *record);  /* frees what it holds */
void rtta_record_copy(struct rtta_record *to, const struct rtta_record *from);

/* For who keeps many: words as text take a tenth of the memory.  Whoever gets
 * such a record asks for its words by the second: as words above (caller's). */
void rtta_record_pack(struct rtta_record *record);
jv rtta_record_words(const struct rtta_record *record);

/*
 * The message: on transcript.raw.<S> with an id that has attempt (from 0)
 * when final, on transcript.interim.<S> without one when not.  What is no
 * UTF-8 becomes U+FFFD, control characters become blanks.  NULL when text is
 * above RTTA_RECORD_TEXT_MAX_BYTES: divide it.
 */
natsMsg *rtta_record_encode(const struct rtta_record *record, unsigned attempt);

/*
 * A delivery of transcript.raw.> or transcript.interim.>.  A message with
 * neither run nor first (somebody else's) becomes a foreign text record
 * timed by its timestamp header or by the stream.  0, or -1 with EX_DATAERR
 * naming subject, sequence and header.  *record must be initialised.
 */
int rtta_record_decode(struct rtta_record *record, natsMsg *msg, struct rtta_err *err);

/*
 * The JSON that WebSocket, SSE and jsonl exports carry: text, timestamp,
 * is_final, type, lane, seq, end, session, run, first, last, rev and what is
 * known.
 */
void rtta_record_json(const struct rtta_record *record, struct rtta_jtext *out);

#endif

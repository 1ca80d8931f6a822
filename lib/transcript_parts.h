/*
 * transcript_parts - what transcript.c and ledger.c share, and nobody else.
 */
#ifndef RTTA_TRANSCRIPT_PARTS_H
#define RTTA_TRANSCRIPT_PARTS_H

#include "record.h"
#include "runs.h"
#include "session.h"

struct rtta_cover;

/* What one revision has of one channel (-1: of all). */
struct rtta_layer {
	int rev, channel;
	struct rtta_cover *cover;
};

struct rtta_transcript {
	char id[RTTA_SESSION_ID_BYTES];
	struct rtta_session_info info;
	struct rtta_runs runs;
	struct rtta_layer *layers;
	size_t layer_count;
	struct rtta_record **records;      /* all, by seq */
	size_t record_count, record_room;
	const struct rtta_record **shown;  /* in order; room as records */
	size_t shown_count;
	uint64_t overlap_samples;
	double short_s;                    /* of the key flush */
	int64_t first_ns;                  /* earliest clock of all records */
};

/* Its middle lies under a better revision. */
bool rtta_transcript_hides(const struct rtta_transcript *transcript,
    const struct rtta_record *record);

#endif

/*
 * ledger - how much of a session's sound has text, is silence, is lost, and
 * is still to come.
 *
 * Counted in samples from the keys and records that a transcript was given,
 * and from nothing else: whoever shows a figure of these has it from here.
 * Pure: no bus, no clock.
 */
#ifndef RTTA_LEDGER_H
#define RTTA_LEDGER_H

#include <jv.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "reason.h"

struct rtta_transcript;

/* By place: what is before the cut is the backfill lane's to transcribe,
 * what is behind it the live lane's. */
enum {
	RTTA_LEDGER_LIVE,
	RTTA_LEDGER_BACKFILL,
	RTTA_LEDGER_LANES
};

/* captured = text + silence + gap + pending. */
struct rtta_ledger_part {
	double captured_s, text_s, silence_s, gap_s, pending_s;
	double reason_s[RTTA_REASONS];     /* of gap_s */
};

/*
 * With split channels a sample is covered when all channels are, and text
 * when one is.  Records of a run that is not known from a key count by their
 * wall clock.
 */
struct rtta_ledger {
	struct rtta_ledger_part all, lane[RTTA_LEDGER_LANES];
	double late_s;       /* live sound whose text or silence is the backfill lane's */
	double short_s;      /* so much less pre-roll than asked was there to copy */
	double overlap_s;    /* covered twice in one revision: must be 0 */
	bool has_cut, has_end, closed;  /* closed: end, and nothing pending */
	size_t records;
};

void rtta_ledger_count(struct rtta_ledger *ledger, const struct rtta_transcript *transcript);

/* Seconds have seven decimals: a sample of 16 kHz is 62.5 us. */
jv rtta_ledger_json(const struct rtta_ledger *ledger);

/* In the text format of Prometheus, one label session for each. */
struct rtta_ledger_of {
	const char *session;
	struct rtta_ledger ledger;
};
void rtta_ledger_metrics(FILE *out, const struct rtta_ledger_of *ledgers, size_t count);

#endif

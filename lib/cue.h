/*
 * cue - a transcript as subtitles.
 *
 * A cue is at most two even lines of 42 characters, ends with a sentence or
 * a clause where it can, stays until it can have been read where there is
 * room, and there are never two at a time: the earlier of two that overlap
 * ends, or the later waits.  What one speaker says is one flow, however it
 * is divided into records.  Times count from the first sample of the
 * session.  Pure.
 */
#ifndef RTTA_CUE_H
#define RTTA_CUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rtta_record;
struct rtta_transcript;

struct rtta_cue {
	int64_t from_ms, to_ms;
	const struct rtta_record *record;   /* the transcript's */
	size_t number;                      /* keeps the order of equals */
	char *text;                         /* with a line end between the lines */
};

struct rtta_cues {
	struct rtta_cue *cue;
	size_t count, room;
};

/* labels: say who speaks whenever that changes.  gaps: they are cues too. */
struct rtta_cues rtta_cues_make(const struct rtta_transcript *transcript, bool labels, bool gaps);
void rtta_cues_done(struct rtta_cues *cues);

#endif

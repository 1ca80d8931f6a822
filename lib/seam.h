/*
 * seam - where held sound is divided: in a pause, so that no word is cut in
 * two, whoever hears the one part and the other.
 *
 * Levels come from the frames of a hold, the rule is pause's.  An answer is
 * the first sample of a held frame.  Pure.
 */
#ifndef RTTA_SEAM_H
#define RTTA_SEAM_H

#include <stdint.h>

#include "position.h"

struct rtta_hold;

/* So much sound is looked at to find a seam behind or before a place. */
#define RTTA_SEAM_SEEK_S 4
#define RTTA_SEAM_PAST_S 10     /* and what came before it tells what is quiet */

/* The first pause of span, within RTTA_SEAM_SEEK_S; span.last: nothing is
 * held there (as with the others). */
uint64_t rtta_seam_first(const struct rtta_hold *hold, struct rtta_span span);

/* The last pause of span, within RTTA_SEAM_SEEK_S of its end. */
uint64_t rtta_seam_last(const struct rtta_hold *hold, struct rtta_span span);

/* The best pause of span. */
uint64_t rtta_seam_best(const struct rtta_hold *hold, struct rtta_span span);

#endif

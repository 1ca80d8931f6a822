/*
 * draft - a record on its way to the store, and what becomes of it when the
 * ground has moved.
 *
 * A draft covers record.span; its text lies in core, and what is before core
 * is silence that the text took along.  When another writer has covered part
 * of the span in the meantime, rtta_draft_cut() keeps what is not covered: a
 * word belongs where its middle is; text without word times stays whole in
 * the longest part, or is heard again.  Pure: no bus, no clock.
 */
#ifndef RTTA_DRAFT_H
#define RTTA_DRAFT_H

#include <stdbool.h>
#include <stddef.h>

#include "position.h"
#include "record.h"

struct rtta_cover;

struct rtta_draft {
	struct rtta_record record;   /* engine times are in start_ns and end_ns */
	struct rtta_span core;       /* core.last is record.span.last */
	double ns_per_position;
	unsigned attempt;            /* part of the message id */
	struct rtta_draft *next;
};

/* A draft of an empty record. */
struct rtta_draft *rtta_draft_new(void);
void rtta_draft_free(struct rtta_draft *draft);  /* one, not its successors */

struct rtta_drafts {
	struct rtta_draft *first, **last;
	size_t count;
};
void rtta_drafts_init(struct rtta_drafts *drafts);
void rtta_drafts_done(struct rtta_drafts *drafts);
void rtta_drafts_put(struct rtta_drafts *drafts, struct rtta_draft *draft);  /* takes it */
struct rtta_draft *rtta_drafts_take(struct rtta_drafts *drafts);             /* or NULL */

/*
 * Cut draft (taken) down to what cover lacks; the pieces go to drafts, in
 * order.  What has to be heard again goes to again, a set of intervals.
 * A draft that is not touched comes back as it was.
 */
void rtta_draft_cut(struct rtta_draft *draft, const struct rtta_cover *cover,
    struct rtta_drafts *drafts, struct rtta_cover *again);

#endif

#include <string.h>

#include "mem.h"
#include "reason.h"
#include "switch_parts.h"

enum { RUNS_MAX = 10000 };  /* of a session: a peer that makes more is broken */

void
rtta_switch_note_hole(struct rtta_switch *sw, const struct rtta_switch_mark *prev,
    const struct rtta_frame *frame, enum rtta_reason reason)
{
	struct rtta_switch_action *action = rtta_switch_act(sw, RTTA_SWITCH_NOTE);

	action->note_at = prev->pos;
	action->note = (struct rtta_session_note){
		.from = prev->pos, .from_us = prev->us,
		.to = { frame->run_id, frame->sample }, .to_us = frame->capture_ns / NS_PER_US,
	};
	strcpy(action->note.reason, rtta_reason_text(reason));
}

void
rtta_switch_note_gone(struct rtta_switch *sw, const struct rtta_session_end *end)
{
	struct rtta_switch_action *action = rtta_switch_act(sw, RTTA_SWITCH_NOTE);

	action->note_at = end->at;
	action->note = (struct rtta_session_note){
		.from = end->at, .from_us = end->sound_us, .to = end->at, .to_us = end->at_us,
	};
	strcpy(action->note.reason, rtta_reason_text(RTTA_REASON_UNPLUGGED));
}

/* Without loss, and nothing that lay between was dropped. */
static bool
follows(const struct rtta_held *held, const struct rtta_switch_mark *prev)
{
	return (held->frame.flags & RTTA_FRAME_CONTIGUOUS) && (!held->has_after ||
	    (held->after.run == prev->pos.run && held->after.sample == prev->pos.sample));
}

static void
note_run(struct rtta_switch *sw, const struct rtta_held *held)
{
	const struct rtta_switch_mark *prev = &sw->run_end;
	struct rtta_switch_action *action;
	size_t i;

	for (i = 0; i < sw->n_runs; i++)
		if (sw->runs[i] == held->frame.run_id)
			return;
	if (sw->n_runs == RUNS_MAX)
		return;
	/* The reason first: who sees the run writes the gap. */
	if (sw->n_runs > 0 && prev->is_set && held->after_gone)
		rtta_switch_note_hole(sw, prev, &held->frame, RTTA_REASON_UNPLUGGED);
	action = rtta_switch_act(sw, RTTA_SWITCH_RUN);
	action->n = (unsigned)sw->n_runs;
	action->run = (struct rtta_session_run){
		.run = held->frame.run_id,
		.first = held->frame.sample,
		.first_us = held->frame.capture_ns / NS_PER_US,
		.rate_hz = held->frame.rate_hz,
	};
	if (sw->n_runs > 0 && prev->is_set) {
		action->run.prev_next = prev->pos.sample;
		action->run.prev_us = prev->us;
		action->run.contiguous = follows(held, prev);
	}
	sw->runs = rtta_xreallocarray(sw->runs, sw->n_runs + 1, sizeof(*sw->runs));
	sw->runs[sw->n_runs++] = held->frame.run_id;
}

void
rtta_switch_note_run(struct rtta_switch *sw, const struct rtta_held *held)
{
	uint64_t end = rtta_frame_end(&held->frame);

	note_run(sw, held);
	if (sw->runs[sw->n_runs - 1] != held->frame.run_id)
		return;  /* an earlier run's, and late */
	if (sw->run_end.is_set && sw->run_end.pos.run == held->frame.run_id &&
	    end <= sw->run_end.pos.sample)
		return;
	sw->run_end.is_set = true;
	sw->run_end.pos = (struct rtta_pos){ held->frame.run_id, end };
	sw->run_end.us = (held->frame.capture_ns + rtta_held_ns(held)) / NS_PER_US;
}

#include <assert.h>
#include <string.h>

#include "reason.h"
#include "switch_parts.h"

static void
act_note(struct rtta_switch *sw, struct rtta_pos key, const struct rtta_switch_mark *to)
{
	struct rtta_switch_action *action = rtta_switch_act(sw, RTTA_SWITCH_NOTE);

	action->note_at = key;
	action->note = (struct rtta_session_note){
		.from = sw->note_from.pos, .from_us = sw->note_from.us,
		.to = to->pos, .to_us = to->us,
	};
	strcpy(action->note.reason, rtta_reason_text(RTTA_REASON_OFF_RECORD));
}

/* One note says that it began, because this process may not see it end. */
void
rtta_switch_open_note(struct rtta_switch *sw, struct rtta_pos pos, int64_t us)
{
	bool in_session = sw->state == RTTA_SWITCH_SEEKING ||
	    sw->state == RTTA_SWITCH_CUTTING || sw->state == RTTA_SWITCH_LIVE;

	if (sw->noting || !in_session)
		return;
	sw->noting = true;
	sw->note_from = (struct rtta_switch_mark){ true, pos, us };
	act_note(sw, pos, &sw->note_from);
}

/* And a second one, by the frame at which it ended. */
void
rtta_switch_close_note(struct rtta_switch *sw, const struct rtta_frame *frame)
{
	struct rtta_switch_mark to = { true, { frame->run_id, frame->sample },
	    frame->capture_ns / NS_PER_US };

	if (!sw->noting)
		return;
	sw->noting = false;
	act_note(sw, to.pos, &to);
}

bool
rtta_switch_is_off_record(const struct rtta_switch *sw, const struct rtta_frame *frame)
{
	int64_t us = frame->capture_ns / NS_PER_US;

	for (size_t i = 0; i < sw->before_count; i++)
		if (us >= sw->before[i].from_us && us < sw->before[i].to_us)
			return true;
	return us >= sw->off_us && (sw->off || us < sw->on_us);
}

/* The oldest frame that is dropped from a queue is where it began. */
static void
drop_off_record(struct rtta_switch *sw, struct rtta_switch_queue *queue,
    struct rtta_switch_mark *from)
{
	struct rtta_switch_queue kept;
	struct rtta_switch_event *event;

	rtta_switch_queue_init(&kept);
	while ((event = rtta_switch_queue_take(queue)) != NULL) {
		if (event->frame == NULL || !rtta_switch_is_off_record(sw, &event->frame->frame)) {
			rtta_switch_queue_put(&kept, event);
			continue;
		}
		if (!from->is_set)
			*from = (struct rtta_switch_mark){ true, rtta_held_pos(event->frame),
			    event->frame->frame.capture_ns / NS_PER_US };
		rtta_switch_count(sw, event->frame, -1);
		rtta_switch_event_free(event);
	}
	rtta_switch_queue_prepend(queue, &kept);
}

void
rtta_switch_off_record(struct rtta_switch *sw, int64_t since_us,
    const struct rtta_pos *dropped, int64_t dropped_us)
{
	struct rtta_switch_mark from = {0};

	sw->off = true;
	sw->off_us = since_us;
	if (dropped != NULL)
		from = (struct rtta_switch_mark){ true, *dropped, dropped_us };
	drop_off_record(sw, &sw->seeking, &from);
	drop_off_record(sw, &sw->waiting, &from);
	if (!from.is_set)
		from = sw->read;
	if (from.is_set)
		rtta_switch_open_note(sw, from.pos, from.us);
	rtta_window_bar(sw->window);
	sw->mark = rtta_window_next(sw->window);
}

void
rtta_switch_on_record(struct rtta_switch *sw, int64_t since_us)
{
	sw->off = false;
	sw->on_us = since_us;
}

void
rtta_switch_off_before(struct rtta_switch *sw, const struct rtta_session_off *off,
    size_t count, const struct rtta_pos *dropped, int64_t dropped_us)
{
	struct rtta_switch_mark from = {0};

	assert(count <= RTTA_SESSION_OFF_MAX);
	memcpy(sw->before, off, count * sizeof(*off));
	sw->before_count = count;
	if (dropped != NULL)
		from = (struct rtta_switch_mark){ true, *dropped, dropped_us };
	drop_off_record(sw, &sw->seeking, &from);
	drop_off_record(sw, &sw->waiting, &from);
	if (from.is_set)
		rtta_switch_open_note(sw, from.pos, from.us);
}

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "pause.h"
#include "switch_parts.h"

enum { LEVELS_MIN = 1024 };

static void
name_preroll(struct rtta_switch *sw)
{
	uint64_t first, last;

	if (sw->direct || !rtta_window_range(sw->window, sw->mark,
	    sw->config.preroll_s * 1000 * NS_PER_MS, &first, &last))
		return;
	sw->cut.has_preroll = true;
	sw->cut.first = rtta_held_pos(rtta_window_at(sw->window, first));
	sw->cut.last = rtta_held_pos(rtta_window_at(sw->window, last));
	for (; first <= last; first++)
		rtta_switch_note_run(sw, rtta_window_at(sw->window, first));
}

/* Of the newest frame that is known; sound that comes later may differ. */
static int
channels(const struct rtta_switch *sw)
{
	uint64_t next = rtta_window_next(sw->window);

	if (!sw->read.is_set && rtta_window_oldest(sw->window) < next)
		return rtta_window_at(sw->window, next - 1)->frame.channels;
	return sw->channels;
}

static void
act_info(struct rtta_switch *sw)
{
	struct rtta_session_info *info = &rtta_switch_act(sw, RTTA_SWITCH_INFO)->info;

	*info = (struct rtta_session_info){
		.started_us = sw->config.started_us ? sw->config.started_us : sw->real_us,
		.preroll_s = sw->config.preroll_s,
		.source = "route",
		.split = sw->split,
		.channels = channels(sw),
	};
	strcpy(info->title, sw->config.title);
}

/* What PRE_BUFFER held was read by the process before. */
static void
pass_window(struct rtta_switch *sw)
{
	uint64_t next = rtta_window_next(sw->window);

	if (!sw->done.is_set && rtta_window_oldest(sw->window) < next)
		rtta_switch_pass(sw, rtta_window_at(sw->window, next - 1));
}

void
rtta_switch_cut_at(struct rtta_switch *sw, const struct rtta_switch_event *at)
{
	struct rtta_switch_event *event;

	while (sw->seeking.head != at) {
		event = rtta_switch_queue_take(&sw->seeking);
		rtta_switch_count(sw, event->frame, -1);
		rtta_switch_to_window(sw, event->frame);
		free(event);
	}
	pass_window(sw);
	act_info(sw);
	sw->cut = (struct rtta_session_cut){ .at_us = sw->real_us };
	name_preroll(sw);
	if (at != NULL) {
		sw->cut.has_at = true;
		sw->cut.at = rtta_held_pos(at->frame);
		sw->cut.at_us = at->frame->frame.capture_ns / NS_PER_US;
	} else if (sw->over && sw->done.is_set) {
		sw->cut.has_at = true;
		sw->cut.at = sw->done.pos;
		sw->cut.at_us = sw->done.us;
	}
	if (sw->over)
		sw->cut.at_us = sw->real_us;
	rtta_switch_act(sw, RTTA_SWITCH_CUT)->cut = sw->cut;
	rtta_window_bar(sw->window);
	rtta_switch_queue_prepend(&sw->waiting, &sw->seeking);
	sw->state = RTTA_SWITCH_CUTTING;
}

static void
put_level(struct rtta_switch *sw, size_t number, const struct rtta_held *held)
{
	if (number == sw->levels_size) {
		sw->levels_size = sw->levels_size ? 2 * sw->levels_size : LEVELS_MIN;
		sw->levels = rtta_xreallocarray(sw->levels, sw->levels_size,
		    sizeof(*sw->levels));
	}
	sw->levels[number] = (struct rtta_pause_frame){ held->level_db, rtta_held_ns(held) };
}

/* Of the newest frames of the window; how many. */
static size_t
put_past(struct rtta_switch *sw)
{
	uint64_t next = rtta_window_next(sw->window), from = next;
	uint64_t oldest = rtta_window_oldest(sw->window);
	int64_t ns = 0;

	while (from > oldest && ns < RTTA_PAUSE_PAST_NS)
		ns += rtta_held_ns(rtta_window_at(sw->window, --from));
	for (uint64_t i = from; i < next; i++)
		put_level(sw, (size_t)(i - from), rtta_window_at(sw->window, i));
	return (size_t)(next - from);
}

void
rtta_switch_cut_in_pause(struct rtta_switch *sw, bool must)
{
	size_t past = put_past(sw), count = past, at;
	const struct rtta_switch_event *event;

	for (event = sw->seeking.head; event != NULL; event = event->next)
		if (rtta_switch_is_sound(event->frame))
			put_level(sw, count++, event->frame);
	if (count == past) {
		if (must)
			rtta_switch_cut_at(sw, NULL);
		return;
	}
	if (!rtta_pause_find(sw->levels, count, past, must, &at))
		return;
	for (event = sw->seeking.head; !rtta_switch_is_sound(event->frame) || at > past; event = event->next)
		if (rtta_switch_is_sound(event->frame))
			at--;
	rtta_switch_cut_at(sw, event);
}

void
rtta_switch_seek(struct rtta_switch *sw, struct rtta_switch_event *event)
{
	rtta_switch_queue_put(&sw->seeking, event);
	rtta_switch_count(sw, event->frame, 1);
	sw->seek_ms = sw->mono_ms;
	if (sw->direct && rtta_switch_is_sound(event->frame))
		rtta_switch_cut_at(sw, event);
	else
		rtta_switch_cut_in_pause(sw, false);
}

void
rtta_switch_begin(struct rtta_switch *sw, const struct rtta_switch_want *want, bool direct)
{
	sw->config = want->config;
	strcpy(sw->last_id, want->config.id);
	sw->n_runs = 0;
	sw->run_end.is_set = false;
	sw->had_live = false;
	sw->direct = direct;
	sw->over = !want->config.active;
	sw->seek_ms = sw->mono_ms;
	sw->state = RTTA_SWITCH_SEEKING;
	if (sw->over)
		rtta_switch_cut_at(sw, NULL);
}

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "reason.h"
#include "switch.h"
#include "switch_parts.h"

enum {
	STALL_MS = 1000,         /* no sound while a pause is looked for */
	GONE_MS = 1000,          /* without its device before the end: that is a gap */
	SILENT_MS = 30000,       /* without a word of capture; a pipe holds as much */
	ACTIONS_MIN = 64
};

const char *
rtta_switch_state_name(enum rtta_switch_state state)
{
	static const char *const names[] = {
		"idle", "seeking", "cutting", "live", "ending"
	};

	return names[state];
}

/* --- actions --- */

struct rtta_switch_action *
rtta_switch_act(struct rtta_switch *sw, enum rtta_switch_what what)
{
	struct rtta_switch_action *ring, *action;
	size_t size;

	if (sw->actions_count == sw->actions_size) {
		size = sw->actions_size ? 2 * sw->actions_size : ACTIONS_MIN;
		ring = rtta_xcalloc(size, sizeof(*ring));
		for (size_t i = 0; i < sw->actions_count; i++)
			ring[i] = sw->actions[(sw->actions_head + i) % sw->actions_size];
		free(sw->actions);
		sw->actions = ring;
		sw->actions_size = size;
		sw->actions_head = 0;
	}
	action = &sw->actions[(sw->actions_head + sw->actions_count++) % sw->actions_size];
	action->what = what;
	strcpy(action->id, sw->config.id);
	return action;
}

const struct rtta_switch_action *
rtta_switch_next(struct rtta_switch *sw)
{
	struct rtta_switch_action *action;

	if (sw->actions_count == 0)
		return NULL;
	action = &sw->actions[sw->actions_head];
	sw->actions_head = (sw->actions_head + 1) % sw->actions_size;
	sw->actions_count--;
	return action;
}

/* A frame of an unsent file may be a repeat: that moves nothing back. */
void
rtta_switch_pass(struct rtta_switch *sw, const struct rtta_held *held)
{
	uint64_t end = rtta_frame_end(&held->frame);

	if (sw->done.is_set && sw->done.pos.run == held->frame.run_id &&
	    end <= sw->done.pos.sample)
		return;
	sw->done.is_set = true;
	sw->done.pos = (struct rtta_pos){ held->frame.run_id, end };
	sw->done.us = (held->frame.capture_ns + rtta_held_ns(held)) / NS_PER_US;
}

bool
rtta_switch_is_sound(const struct rtta_held *held)
{
	return held->frame.payload_bytes > 0;
}

void
rtta_switch_to_window(struct rtta_switch *sw, struct rtta_held *held)
{
	bool moves = held->known && sw->state != RTTA_SWITCH_SEEKING;

	rtta_switch_pass(sw, held);
	if (held->frame.payload_bytes == 0)
		free(held);
	else
		rtta_window_add(sw->window, held, false);
	if (moves)
		sw->mark = rtta_window_next(sw->window);
}

/* How long sound has been missing, also since before this route began; no
 * longer than until the session was stopped, which may be before that, too. */
static int64_t
silent_us(const struct rtta_switch *sw)
{
	int64_t silent_ms = sw->mono_ms - sw->heard_ms;
	int64_t before_us = sw->then.said_us - sw->done.us;

	if (sw->resumed && sw->then.said_us != 0)
		return before_us >= GONE_MS * US_PER_MS ? before_us : 0;
	if (sw->read_over || silent_ms < (sw->read_gone ? GONE_MS : SILENT_MS))
		return 0;
	return sw->read.is_set ? silent_ms * US_PER_MS : sw->real_us - sw->done.us;
}

/* Sound that was expected and did not come belongs to the session, too. */
static void
end_tail(struct rtta_switch *sw)
{
	struct rtta_session_end *end = &sw->end;
	int64_t us = silent_us(sw);

	if (us <= 0)
		return;
	if (sw->had_live) {
		end->sound_us = end->at_us;
		end->at_us += us;
	} else if (end->at_us - sw->cut.at_us >= GONE_MS * US_PER_MS) {
		end->sound_us = sw->cut.at_us;
	}
	if (end->sound_us != 0 && end->has_at && sw->read_gone)
		rtta_switch_note_gone(sw, end);
}

static void
end_here(struct rtta_switch *sw)
{
	sw->end = (struct rtta_session_end){
		.at_us = sw->then.said_us != 0 ? sw->then.said_us : sw->real_us
	};
	if (sw->done.is_set && (sw->had_live || sw->cut.has_at)) {
		sw->end.has_at = true;
		sw->end.at = sw->done.pos;
		if (sw->had_live)
			sw->end.at_us = sw->done.us;
	}
	end_tail(sw);
	rtta_switch_act(sw, RTTA_SWITCH_END)->end = sw->end;
	sw->state = RTTA_SWITCH_ENDING;
}

/* The cut is behind all that came, and the end at the same place. */
static void
end_without_live(struct rtta_switch *sw, const struct rtta_switch_want *want)
{
	sw->over = true;
	sw->then = *want;
	rtta_switch_cut_at(sw, NULL);
}

/* --- frames --- */

/* Pre-roll of its session: read before the cut, and kept by another route. */
static bool
below_cut(const struct rtta_switch *sw, const struct rtta_held *held)
{
	struct rtta_pos pos = rtta_held_pos(held);

	return rtta_session_cut_is_above(&sw->cut, pos, sw->runs, sw->n_runs);
}

static void
to_live(struct rtta_switch *sw, struct rtta_held *held)
{
	if (below_cut(sw, held)) {
		rtta_switch_to_window(sw, held);
		rtta_window_bar(sw->window);
		return;
	}
	if (rtta_switch_is_sound(held))
		rtta_switch_note_run(sw, held);
	rtta_switch_pass(sw, held);
	if (!rtta_switch_is_sound(held)) {
		free(held);
		return;
	}
	sw->had_live = true;
	rtta_switch_act(sw, RTTA_SWITCH_FRAME)->frame = held;
}

static void
deal_frame(struct rtta_switch *sw, struct rtta_held *held)
{
	if (sw->state == RTTA_SWITCH_LIVE)
		to_live(sw, held);
	else
		rtta_switch_to_window(sw, held);
}

/* --- session_config --- */

static bool
is_new(const struct rtta_switch *sw, const struct rtta_switch_want *want)
{
	return want->config.id[0] != '\0' && !want->has_cut && !want->has_end &&
	    strcmp(want->config.id, sw->last_id) != 0;
}

static void
deal_config(struct rtta_switch *sw, const struct rtta_switch_want *want)
{
	bool goes_on = want->config.active && strcmp(want->config.id, sw->config.id) == 0;

	switch (sw->state) {
	case RTTA_SWITCH_IDLE:
		if (is_new(sw, want))
			rtta_switch_begin(sw, want, false);
		break;
	case RTTA_SWITCH_SEEKING:
		if (!goes_on)
			end_without_live(sw, want);
		else
			sw->config = want->config;
		break;
	case RTTA_SWITCH_LIVE:
		if (!goes_on) {
			sw->then = *want;
			end_here(sw);
		}
		break;
	case RTTA_SWITCH_CUTTING:
	case RTTA_SWITCH_ENDING:
		assert(!"a switch that waits deals with nothing");
	}
}

static bool
is_waiting(const struct rtta_switch *sw)
{
	return sw->state == RTTA_SWITCH_CUTTING || sw->state == RTTA_SWITCH_ENDING;
}

/* Takes event. */
static void
deal(struct rtta_switch *sw, struct rtta_switch_event *event)
{
	if (event->frame != NULL && sw->state == RTTA_SWITCH_SEEKING) {
		rtta_switch_seek(sw, event);
		return;
	}
	if (event->frame != NULL)
		deal_frame(sw, event->frame);
	else
		deal_config(sw, event->want);
	event->frame = NULL;
	rtta_switch_event_free(event);
}

static void
put(struct rtta_switch *sw, struct rtta_switch_event *event)
{
	if (!is_waiting(sw)) {
		deal(sw, event);
		return;
	}
	rtta_switch_queue_put(&sw->waiting, event);
	if (event->frame != NULL)
		rtta_switch_count(sw, event->frame, 1);
}

static void
go_on(struct rtta_switch *sw)
{
	struct rtta_switch_event *event;

	while (!is_waiting(sw) && (event = rtta_switch_queue_take(&sw->waiting)) != NULL) {
		if (event->frame != NULL)
			rtta_switch_count(sw, event->frame, -1);
		deal(sw, event);
	}
}

/* --- the module's face --- */

struct rtta_switch *
rtta_switch_new(struct rtta_window *window, bool split)
{
	struct rtta_switch *sw = rtta_xcalloc(1, sizeof(*sw));

	sw->window = window;
	sw->split = split;
	sw->channels = 1;
	sw->mark = rtta_window_next(window);
	rtta_switch_queue_init(&sw->waiting);
	rtta_switch_queue_init(&sw->seeking);
	return sw;
}

void
rtta_switch_free(struct rtta_switch *sw)
{
	const struct rtta_switch_action *action;
	struct rtta_switch_event *event;

	if (sw == NULL)
		return;
	while ((action = rtta_switch_next(sw)) != NULL)
		if (action->what == RTTA_SWITCH_FRAME)
			free(action->frame);
	while ((event = rtta_switch_queue_take(&sw->seeking)) != NULL ||
	    (event = rtta_switch_queue_take(&sw->waiting)) != NULL)
		rtta_switch_event_free(event);
	free(sw->levels);
	free(sw->actions);
	free(sw->runs);
	free(sw);
}

void
rtta_switch_time(struct rtta_switch *sw, int64_t mono_ms, int64_t real_us)
{
	sw->mono_ms = mono_ms;
	sw->real_us = real_us;
}

void
rtta_switch_known(struct rtta_switch *sw, bool known)
{
	sw->known = known;
	if (known && sw->state == RTTA_SWITCH_IDLE)
		sw->mark = rtta_window_next(sw->window);
}

void
rtta_switch_resume(struct rtta_switch *sw, const struct rtta_switch_resume *resume)
{
	assert(sw->state == RTTA_SWITCH_IDLE);
	sw->config = (struct rtta_session_config){ .active = true };
	strcpy(sw->config.id, resume->id);
	strcpy(sw->last_id, resume->id);
	sw->cut = resume->cut;
	sw->runs = rtta_xreallocarray(sw->runs, resume->n_runs + 1, sizeof(*sw->runs));
	if (resume->n_runs > 0)
		memcpy(sw->runs, resume->runs, resume->n_runs * sizeof(*sw->runs));
	sw->n_runs = resume->n_runs;
	sw->had_live = resume->has_live;
	sw->done = (struct rtta_switch_mark){ resume->has_next, resume->next, resume->next_us };
	sw->run_end = (struct rtta_switch_mark){ resume->n_runs > 0, resume->run_end,
	    resume->run_end_us };
	sw->resumed = resume->has_next;
	sw->heard_ms = sw->mono_ms;
	rtta_window_bar(sw->window);
	sw->state = RTTA_SWITCH_LIVE;
}

/* What the flag of the frame means, if the one before it was seen. */
static uint64_t
count_lost(const struct rtta_switch_mark *read, const struct rtta_frame *frame)
{
	if (!(frame->flags & RTTA_FRAME_LOST) || !read->is_set ||
	    read->pos.run != frame->run_id || frame->sample < read->pos.sample)
		return 0;
	return frame->sample - read->pos.sample;
}

/* What the route before had read and did not store. */
static void
note_killed(struct rtta_switch *sw, const struct rtta_frame *frame)
{
	bool same = frame->run_id == sw->done.pos.run;

	if (same && frame->sample < sw->done.pos.sample)
		return;
	if (same && frame->sample > sw->done.pos.sample && sw->state == RTTA_SWITCH_LIVE)
		rtta_switch_note_hole(sw, &sw->done, frame, RTTA_REASON_KILLED);
	sw->resumed = false;
}

void
rtta_switch_frame(struct rtta_switch *sw, struct rtta_held *held)
{
	const struct rtta_frame *frame = &held->frame;

	held->known = sw->known;
	held->lost = count_lost(&sw->read, frame);
	held->has_after = sw->read.is_set;
	held->after = sw->read.pos;
	held->after_gone = sw->read_gone && frame->run_id != sw->read.pos.run;
	sw->read_gone = frame->flags & RTTA_FRAME_GONE;
	sw->read_over = !sw->read_gone && (frame->flags & RTTA_FRAME_END);
	if (frame->payload_bytes > 0)
		sw->heard_ms = sw->mono_ms;
	sw->channels = frame->channels;
	sw->read.is_set = true;
	sw->read.pos = (struct rtta_pos){ frame->run_id, rtta_frame_end(frame) };
	sw->read.us = (frame->capture_ns + rtta_held_ns(held)) / NS_PER_US;
	if (sw->resumed)
		note_killed(sw, frame);
	if (rtta_switch_is_off_record(sw, frame)) {
		rtta_switch_open_note(sw, rtta_held_pos(held), frame->capture_ns / NS_PER_US);
		/* Also of what was captured before, and came late. */
		rtta_window_bar(sw->window);
		free(held);
		return;
	}
	rtta_switch_close_note(sw, frame);
	if (is_waiting(sw) || sw->state == RTTA_SWITCH_SEEKING)
		put(sw, rtta_switch_event_new(held, NULL));
	else
		deal_frame(sw, held);
}

void
rtta_switch_config(struct rtta_switch *sw, const struct rtta_switch_want *want)
{
	put(sw, rtta_switch_event_new(NULL, rtta_xmemdup(want, sizeof(*want))));
}

void
rtta_switch_cut_stored(struct rtta_switch *sw, const struct rtta_session_cut *cut)
{
	if (sw->state != RTTA_SWITCH_CUTTING)
		return;
	sw->cut = *cut;
	sw->state = RTTA_SWITCH_LIVE;
	if (sw->over)
		end_here(sw);
	go_on(sw);
}

void
rtta_switch_end_stored(struct rtta_switch *sw, const struct rtta_session_end *end)
{
	struct rtta_switch_want then = sw->then;

	if (sw->state != RTTA_SWITCH_ENDING)
		return;
	rtta_switch_act(sw, RTTA_SWITCH_EOS)->end = *end;
	rtta_window_bar(sw->window);
	sw->mark = rtta_window_next(sw->window);
	sw->state = RTTA_SWITCH_IDLE;
	sw->noting = false;
	sw->config = (struct rtta_session_config){0};
	memset(&sw->then, 0, sizeof(sw->then));
	if (then.config.active && is_new(sw, &then))
		rtta_switch_begin(sw, &then, true);
	go_on(sw);
}

void
rtta_switch_eof(struct rtta_switch *sw)
{
	sw->read_over = true;
	if (sw->state == RTTA_SWITCH_SEEKING)
		rtta_switch_cut_in_pause(sw, true);
}

int
rtta_switch_wait_ms(const struct rtta_switch *sw)
{
	int64_t left_ms = sw->seek_ms + STALL_MS - sw->mono_ms;

	if (sw->state != RTTA_SWITCH_SEEKING)
		return -1;
	return left_ms > 0 ? (int)left_ms : 0;
}

void
rtta_switch_tick(struct rtta_switch *sw)
{
	if (rtta_switch_wait_ms(sw) == 0)
		rtta_switch_cut_in_pause(sw, true);
}

enum rtta_switch_state
rtta_switch_state(const struct rtta_switch *sw)
{
	return sw->state;
}

bool
rtta_switch_is_cutting(const struct rtta_switch *sw)
{
	return sw->state == RTTA_SWITCH_SEEKING || sw->state == RTTA_SWITCH_CUTTING;
}

const char *
rtta_switch_session(const struct rtta_switch *sw)
{
	return sw->config.id;
}

uint64_t
rtta_switch_mark(const struct rtta_switch *sw)
{
	return sw->mark;
}

size_t
rtta_switch_waiting(const struct rtta_switch *sw, size_t *bytes)
{
	*bytes = sw->waiting_bytes;
	return sw->waiting_frames;
}

struct rtta_held *
rtta_switch_take_back(struct rtta_switch *sw)
{
	struct rtta_held *held;
	struct rtta_switch_event *event;

	while ((event = rtta_switch_queue_take(&sw->seeking)) != NULL ||
	    (event = rtta_switch_queue_take(&sw->waiting)) != NULL) {
		held = event->frame;
		event->frame = NULL;
		rtta_switch_event_free(event);
		if (held == NULL)
			continue;
		rtta_switch_count(sw, held, -1);
		return held;
	}
	return NULL;
}

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "pause.h"
#include "reason.h"
#include "switch.h"
#include "switch_parts.h"

enum {
	STALL_MS = 1000,         /* no sound while a pause is looked for */
	GONE_MS = 1000,          /* without its device before the end: that is a gap */
	SILENT_MS = 30000,       /* without a word of capture; a pipe holds as much */
	NS_PER_MS = 1000000,
	NS_PER_US = 1000,
	US_PER_MS = 1000,
	RUNS_MAX = 10000,        /* of a session: a peer that makes more is broken */
	ACTIONS_MIN = 64,
	LEVELS_MIN = 1024
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

/* --- pre-roll --- */

/* A frame of an unsent file may be a repeat: that moves nothing back. */
static void
pass(struct rtta_switch *sw, const struct rtta_held *held)
{
	uint64_t end = rtta_frame_end(&held->frame);

	if (sw->done.is_set && sw->done.pos.run == held->frame.run_id &&
	    end <= sw->done.pos.sample)
		return;
	sw->done.is_set = true;
	sw->done.pos = (struct rtta_pos){ held->frame.run_id, end };
	sw->done.us = (held->frame.capture_ns + rtta_held_ns(held)) / NS_PER_US;
}

static void
to_window(struct rtta_switch *sw, struct rtta_held *held)
{
	bool moves = held->known && sw->state != RTTA_SWITCH_SEEKING;

	pass(sw, held);
	if (held->frame.payload_bytes == 0)
		free(held);
	else
		rtta_window_add(sw->window, held, false);
	if (moves)
		sw->mark = rtta_window_next(sw->window);
}

/* Why what lies between prev and the frame is missing, if it is. */
static void
note_hole(struct rtta_switch *sw, const struct rtta_switch_mark *prev,
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

/* The device that went away had not come back. */
static void
note_gone(struct rtta_switch *sw, const struct rtta_session_end *end)
{
	struct rtta_switch_action *action = rtta_switch_act(sw, RTTA_SWITCH_NOTE);

	action->note_at = end->at;
	action->note = (struct rtta_session_note){
		.from = end->at, .from_us = end->sound_us, .to = end->at, .to_us = end->at_us,
	};
	strcpy(action->note.reason, rtta_reason_text(RTTA_REASON_UNPLUGGED));
}

/* --- a session begins --- */

/* Without loss, and nothing that lay between was dropped. */
static bool
follows(const struct rtta_held *held, const struct rtta_switch_mark *prev)
{
	return (held->frame.flags & RTTA_FRAME_CONTIGUOUS) && (!held->has_after ||
	    (held->after.run == prev->pos.run && held->after.sample == prev->pos.sample));
}

static void
note_run(struct rtta_switch *sw, const struct rtta_held *held, const struct rtta_switch_mark *prev)
{
	struct rtta_switch_action *action;
	size_t i;

	for (i = 0; i < sw->n_runs; i++)
		if (sw->runs[i] == held->frame.run_id)
			return;
	if (sw->n_runs == RUNS_MAX)
		return;
	/* The reason first: who sees the run writes the gap. */
	if (sw->n_runs > 0 && prev->is_set && held->after_gone)
		note_hole(sw, prev, &held->frame, RTTA_REASON_UNPLUGGED);
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

static void
note_runs(struct rtta_switch *sw, uint64_t first, uint64_t last)
{
	const struct rtta_held *held;
	struct rtta_switch_mark prev = {0};

	for (uint64_t i = first; i <= last; i++) {
		held = rtta_window_at(sw->window, i);
		if (sw->n_runs == 0 || sw->runs[sw->n_runs - 1] != held->frame.run_id)
			note_run(sw, held, &prev);
		prev.is_set = true;
		prev.pos = (struct rtta_pos){ held->frame.run_id, rtta_frame_end(&held->frame) };
		prev.us = (held->frame.capture_ns + rtta_held_ns(held)) / NS_PER_US;
	}
}

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
	note_runs(sw, first, last);
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
		.channels = sw->channels,
	};
	strcpy(info->title, sw->config.title);
}

/* What PRE_BUFFER held was read by the process before. */
static void
pass_window(struct rtta_switch *sw)
{
	uint64_t next = rtta_window_next(sw->window);

	if (!sw->done.is_set && rtta_window_oldest(sw->window) < next)
		pass(sw, rtta_window_at(sw->window, next - 1));
}

/* All that waits before `at` is pre-roll, the rest waits for the cut. */
static void
cut_at(struct rtta_switch *sw, const struct rtta_switch_event *at)
{
	struct rtta_switch_event *event;

	while (sw->seeking.head != at) {
		event = rtta_switch_queue_take(&sw->seeking);
		rtta_switch_count(sw, event->frame, -1);
		to_window(sw, event->frame);
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

static bool
is_sound(const struct rtta_held *held)
{
	return held->frame.payload_bytes > 0;
}

/* --- a pause is looked for --- */

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

static void
cut_in_pause(struct rtta_switch *sw, bool must)
{
	size_t past = put_past(sw), count = past, at;
	const struct rtta_switch_event *event;

	for (event = sw->seeking.head; event != NULL; event = event->next)
		if (is_sound(event->frame))
			put_level(sw, count++, event->frame);
	if (count == past) {
		if (must)
			cut_at(sw, NULL);
		return;
	}
	if (!rtta_pause_find(sw->levels, count, past, must, &at))
		return;
	for (event = sw->seeking.head; !is_sound(event->frame) || at > past; event = event->next)
		if (is_sound(event->frame))
			at--;
	cut_at(sw, event);
}

static void
seek(struct rtta_switch *sw, struct rtta_switch_event *event)
{
	rtta_switch_queue_put(&sw->seeking, event);
	rtta_switch_count(sw, event->frame, 1);
	sw->seek_ms = sw->mono_ms;
	if (sw->direct && is_sound(event->frame))
		cut_at(sw, event);
	else
		cut_in_pause(sw, false);
}

static void
begin(struct rtta_switch *sw, const struct rtta_switch_want *want, bool direct)
{
	sw->config = want->config;
	strcpy(sw->last_id, want->config.id);
	sw->n_runs = 0;
	sw->had_live = false;
	sw->direct = direct;
	sw->over = !want->config.active;
	sw->seek_ms = sw->mono_ms;
	sw->state = RTTA_SWITCH_SEEKING;
	if (sw->over)
		cut_at(sw, NULL);
}

/* --- and ends --- */

/* How long sound has been missing, also since before this route began. */
static int64_t
silent_us(const struct rtta_switch *sw)
{
	int64_t silent_ms = sw->mono_ms - sw->heard_ms;

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
		note_gone(sw, end);
}

static void
end_here(struct rtta_switch *sw)
{
	sw->end = (struct rtta_session_end){ .at_us = sw->real_us };
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
	cut_at(sw, NULL);
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
		to_window(sw, held);
		rtta_window_bar(sw->window);
		return;
	}
	if (is_sound(held))
		note_run(sw, held, &sw->done);
	pass(sw, held);
	if (!is_sound(held)) {
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
		to_window(sw, held);
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
			begin(sw, want, false);
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
		seek(sw, event);
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
		note_hole(sw, &sw->done, frame, RTTA_REASON_KILLED);
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
		begin(sw, &then, true);
	go_on(sw);
}

void
rtta_switch_eof(struct rtta_switch *sw)
{
	sw->read_over = true;
	if (sw->state == RTTA_SWITCH_SEEKING)
		cut_in_pause(sw, true);
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
		cut_in_pause(sw, true);
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

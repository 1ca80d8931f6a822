#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "level.h"
#include "mem.h"
#include "window.h"

enum { RING_MIN = 1024, NS_PER_US = 1000 };

struct rtta_window {
	struct rtta_held **ring;
	size_t size;               /* a power of two */
	uint64_t oldest, acked, sent, next;
	uint64_t bar;
	size_t unstored_bytes;
	int64_t hold_ns, total_ns; /* of all that was ever added */
};

struct rtta_held *
rtta_held_new(const struct rtta_frame *frame)
{
	struct rtta_held *held = rtta_xcalloc(1, sizeof(*held) + frame->payload_bytes);

	held->frame = *frame;
	held->frame.payload = (uint8_t *)(held + 1);
	if (frame->payload_bytes > 0)
		memcpy(held->frame.payload, frame->payload, frame->payload_bytes);
	held->level_db = rtta_level_db((const int16_t *)(const void *)held->frame.payload,
	    frame->payload_bytes / 2);
	return held;
}

struct rtta_pos
rtta_held_pos(const struct rtta_held *held)
{
	return (struct rtta_pos){ held->frame.run_id, held->frame.sample };
}

int64_t
rtta_held_ns(const struct rtta_held *held)
{
	return rtta_samples_ns(rtta_frame_samples(&held->frame), held->frame.rate_hz);
}

struct rtta_window *
rtta_window_new(int64_t hold_ns)
{
	struct rtta_window *window = rtta_xcalloc(1, sizeof(*window));

	window->hold_ns = hold_ns;
	window->size = RING_MIN;
	window->ring = rtta_xcalloc(window->size, sizeof(*window->ring));
	return window;
}

void
rtta_window_free(struct rtta_window *window)
{
	if (window == NULL)
		return;
	for (; window->oldest < window->next; window->oldest++)
		free(window->ring[window->oldest & (window->size - 1)]);
	free(window->ring);
	free(window);
}

static struct rtta_held *
at(const struct rtta_window *window, uint64_t number)
{
	assert(number >= window->oldest && number < window->next);
	return window->ring[number & (window->size - 1)];
}

static void
grow(struct rtta_window *window)
{
	struct rtta_held **ring = rtta_xcalloc(2 * window->size, sizeof(*ring));

	for (uint64_t i = window->oldest; i < window->next; i++)
		ring[i & (2 * window->size - 1)] = at(window, i);
	free(window->ring);
	window->ring = ring;
	window->size *= 2;
}

void
rtta_window_add(struct rtta_window *window, struct rtta_held *held, bool stored)
{
	if (window->next - window->oldest == window->size)
		grow(window);
	held->before_ns = window->total_ns;
	window->total_ns += rtta_held_ns(held);
	window->ring[window->next++ & (window->size - 1)] = held;
	if (stored && window->acked == window->next - 1)
		window->acked = window->sent = window->next;
	else
		window->unstored_bytes += held->frame.payload_bytes;
}

uint64_t
rtta_window_oldest(const struct rtta_window *window)
{
	return window->oldest;
}

uint64_t
rtta_window_next(const struct rtta_window *window)
{
	return window->next;
}

const struct rtta_held *
rtta_window_at(const struct rtta_window *window, uint64_t number)
{
	return at(window, number);
}

int
rtta_window_find(const struct rtta_window *window, struct rtta_pos pos, uint64_t *number)
{
	for (uint64_t i = window->oldest; i < window->next; i++)
		if (rtta_pos_equal(rtta_held_pos(at(window, i)), pos)) {
			*number = i;
			return 1;
		}
	return 0;
}

bool
rtta_window_has(const struct rtta_window *window, const struct rtta_frame *frame)
{
	const struct rtta_frame *newest;
	uint64_t number;

	if (window->next == window->oldest)
		return false;
	newest = &at(window, window->next - 1)->frame;
	if (newest->run_id == frame->run_id)
		return frame->sample < rtta_frame_end(newest);
	return rtta_window_find(window,
	    (struct rtta_pos){ frame->run_id, frame->sample }, &number);
}

uint64_t
rtta_window_sent(const struct rtta_window *window)
{
	return window->sent;
}

const struct rtta_held *
rtta_window_send(struct rtta_window *window)
{
	return window->sent < window->next ? at(window, window->sent++) : NULL;
}

void
rtta_window_acked(struct rtta_window *window)
{
	assert(window->acked < window->sent);
	window->unstored_bytes -= at(window, window->acked++)->frame.payload_bytes;
}

void
rtta_window_unsend(struct rtta_window *window)
{
	window->sent = window->acked;
}

void
rtta_window_rewind(struct rtta_window *window)
{
	while (window->acked > window->oldest)
		window->unstored_bytes += at(window, --window->acked)->frame.payload_bytes;
	window->sent = window->acked;
}

size_t
rtta_window_unstored(const struct rtta_window *window, size_t *bytes)
{
	*bytes = window->unstored_bytes;
	return window->next - window->acked;
}

static int64_t
before_ns(const struct rtta_window *window, uint64_t number)
{
	return number < window->next ? at(window, number)->before_ns : window->total_ns;
}

static void
drop_oldest(struct rtta_window *window)
{
	struct rtta_held *held = at(window, window->oldest);

	if (window->acked == window->oldest) {
		window->unstored_bytes -= held->frame.payload_bytes;
		window->acked++;
		if (window->sent < window->acked)
			window->sent = window->acked;
	}
	window->oldest++;
	free(held);
}

void
rtta_window_trim(struct rtta_window *window, uint64_t mark, uint64_t needed)
{
	int64_t hold_ns;

	if (mark < window->oldest)
		mark = window->oldest;
	while (window->oldest < window->acked && window->oldest < mark) {
		hold_ns = window->oldest < needed ? window->hold_ns : 2 * window->hold_ns;
		if (before_ns(window, mark) - before_ns(window, window->oldest) <= hold_ns)
			break;
		drop_oldest(window);
	}
}

void
rtta_window_bar(struct rtta_window *window)
{
	window->bar = window->next;
}

void
rtta_window_bar_behind(struct rtta_window *window, struct rtta_pos pos)
{
	const struct rtta_frame *frame;

	for (uint64_t i = window->next; i > window->oldest && i > window->bar; i--) {
		frame = &at(window, i - 1)->frame;
		if (frame->run_id == pos.run && frame->sample <= pos.sample) {
			window->bar = i;
			return;
		}
	}
}

void
rtta_window_bar_before(struct rtta_window *window, struct rtta_pos pos)
{
	const struct rtta_frame *frame;

	for (uint64_t i = window->oldest; i < window->next; i++) {
		frame = &at(window, i)->frame;
		if (frame->run_id == pos.run && frame->sample >= pos.sample) {
			if (window->bar < i)
				window->bar = i;
			return;
		}
	}
}

/* A frame that was captured before from_us, and the next of its run not before
 * to_us: what lay between was off the record. */
void
rtta_window_bar_across(struct rtta_window *window, int64_t from_us, int64_t to_us)
{
	for (uint64_t i = window->oldest + 1; i < window->next; i++) {
		const struct rtta_frame *before = &at(window, i - 1)->frame;
		const struct rtta_frame *frame = &at(window, i)->frame;

		if (before->run_id == frame->run_id && before->capture_ns / NS_PER_US < from_us &&
		    frame->capture_ns / NS_PER_US >= to_us && window->bar < i)
			window->bar = i;
	}
}

int
rtta_window_range(const struct rtta_window *window, uint64_t mark,
    int64_t length_ns, uint64_t *first, uint64_t *last)
{
	uint64_t i = window->oldest > window->bar ? window->oldest : window->bar;

	if (mark < i)
		mark = i;
	while (i < mark && before_ns(window, mark) - before_ns(window, i) > length_ns)
		i++;
	if (i >= window->next)
		return 0;
	*first = i;
	*last = window->next - 1;
	return 1;
}

static void
drop_newest(struct rtta_window *window)
{
	struct rtta_held *held = at(window, window->next - 1);

	if (window->acked == window->next)
		window->acked--;
	else
		window->unstored_bytes -= held->frame.payload_bytes;
	window->next--;
	if (window->sent > window->next)
		window->sent = window->next;
	window->total_ns = held->before_ns;
	free(held);
}

void
rtta_window_forget(struct rtta_window *window, uint64_t needed, int64_t since_us)
{
	while (window->next > window->oldest &&
	    at(window, window->next - 1)->frame.capture_ns / NS_PER_US >= since_us)
		drop_newest(window);
	while (window->oldest < window->next && window->oldest < needed)
		drop_oldest(window);
	rtta_window_bar(window);
}

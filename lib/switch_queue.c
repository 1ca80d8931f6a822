#include <stdlib.h>

#include "mem.h"
#include "switch_parts.h"

void
rtta_switch_queue_init(struct rtta_switch_queue *queue)
{
	queue->head = NULL;
	queue->tail = &queue->head;
}

void
rtta_switch_queue_put(struct rtta_switch_queue *queue, struct rtta_switch_event *event)
{
	event->next = NULL;
	*queue->tail = event;
	queue->tail = &event->next;
}

struct rtta_switch_event *
rtta_switch_queue_take(struct rtta_switch_queue *queue)
{
	struct rtta_switch_event *event = queue->head;

	if (event == NULL)
		return NULL;
	queue->head = event->next;
	if (queue->head == NULL)
		queue->tail = &queue->head;
	return event;
}

/* Everything of `first` before everything of queue. */
void
rtta_switch_queue_prepend(struct rtta_switch_queue *queue, struct rtta_switch_queue *first)
{
	if (first->head == NULL)
		return;
	*first->tail = queue->head;
	if (queue->head == NULL)
		queue->tail = first->tail;
	queue->head = first->head;
	rtta_switch_queue_init(first);
}

void
rtta_switch_count(struct rtta_switch *sw, const struct rtta_held *frame, int sign)
{
	sw->waiting_frames += (size_t)sign;
	sw->waiting_bytes += (size_t)sign * frame->frame.payload_bytes;
}

struct rtta_switch_event *
rtta_switch_event_new(struct rtta_held *frame, struct rtta_switch_want *want)
{
	struct rtta_switch_event *event = rtta_xcalloc(1, sizeof(*event));

	event->frame = frame;
	event->want = want;
	return event;
}

void
rtta_switch_event_free(struct rtta_switch_event *event)
{
	free(event->want);
	free(event->frame);
	free(event);
}

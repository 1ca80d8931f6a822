#include <stdlib.h>

#include "mem.h"
#include "queue.h"

enum { SLOTS_MIN = 16 };  /* a power of two, and so is every size */

static void
grow(struct rtta_queue *queue)
{
	size_t size = queue->size ? queue->size * 2 : SLOTS_MIN, i;
	natsMsg **slots = rtta_xcalloc(size, sizeof(*slots));

	for (i = 0; i < queue->count; i++)
		slots[i] = queue->slots[(queue->head + i) & (queue->size - 1)];
	free(queue->slots);
	queue->slots = slots;
	queue->size = size;
	queue->head = 0;
}

void
rtta_queue_push(struct rtta_queue *queue, natsMsg *msg)
{
	if (queue->count == queue->size)
		grow(queue);
	queue->slots[(queue->head + queue->count++) & (queue->size - 1)] = msg;
}

natsMsg *
rtta_queue_pop(struct rtta_queue *queue)
{
	natsMsg *msg;

	if (queue->count == 0)
		return NULL;
	msg = queue->slots[queue->head];
	queue->head = (queue->head + 1) & (queue->size - 1);
	queue->count--;
	return msg;
}

void
rtta_queue_done(struct rtta_queue *queue)
{
	natsMsg *msg;

	while ((msg = rtta_queue_pop(queue)) != NULL)
		natsMsg_Destroy(msg);
	free(queue->slots);
	*queue = (struct rtta_queue){ 0 };
}

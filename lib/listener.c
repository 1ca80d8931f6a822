#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "hub.h"
#include "listener.h"
#include "mem.h"
#include "message.h"
#include "watch.h"

struct rtta_listener {
	struct rtta_hub *hub;
	struct rtta_watch *watch;   /* NULL: no session yet */
	bool follow, greeted, live;
	uint64_t life, state_version, interim_version, box_version;
	size_t at;
};

/* The first message behind seq. */
static size_t
index_after(const struct rtta_watch *watch, uint64_t seq)
{
	size_t low = 0, high = watch->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (watch->messages[middle]->seq > seq)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* Turn to a session and start there behind `after`. */
static void
turn(struct rtta_listener *listener, struct rtta_watch *watch, uint64_t after)
{
	int64_t now_ms = rtta_clock_mono_ms();

	if (listener->watch != NULL) {
		listener->watch->listeners--;
		listener->watch->idle_ms = now_ms;
	}
	listener->watch = watch;
	listener->greeted = listener->live = false;
	listener->state_version = listener->interim_version = 0;
	if (watch != NULL) {
		watch->listeners++;
		watch->idle_ms = now_ms;
		listener->life = watch->life;
		listener->at = index_after(watch, after);
	}
}

/* Go on to the next session, or begin again with one that began anew. */
static void
sync(struct rtta_listener *listener)
{
	const char *current = rtta_hub_current(listener->hub);

	if (listener->follow && current[0] != '\0' &&
	    (listener->watch == NULL || strcmp(listener->watch->id, current) != 0)) {
		struct rtta_watch *watch = rtta_hub_watch(listener->hub, current);

		if (watch != NULL)
			turn(listener, watch, 0);
	}
	if (listener->watch != NULL && listener->life != listener->watch->life)
		turn(listener, listener->watch, 0);
}

struct rtta_listener *
rtta_listener_new(struct rtta_hub *hub, const char *id, uint64_t after, bool follow)
{
	struct rtta_listener *listener;
	struct rtta_watch *watch = NULL;

	if (id[0] == '\0') {
		id = rtta_hub_current(hub);
		follow = true;
	}
	if (id[0] != '\0' && (watch = rtta_hub_watch(hub, id)) == NULL)
		return NULL;
	listener = rtta_xcalloc(1, sizeof(*listener));
	listener->hub = hub;
	listener->follow = follow;
	rtta_hub_count_listener(hub, 1);
	turn(listener, watch, after);
	return listener;
}

void
rtta_listener_free(struct rtta_listener *listener)
{
	if (listener == NULL)
		return;
	turn(listener, NULL, 0);
	rtta_hub_count_listener(listener->hub, -1);
	free(listener);
}

static const struct rtta_message *
next_interim(struct rtta_listener *listener, const struct rtta_interim *interim)
{
	const struct rtta_interim_text *text;

	text = rtta_interim_after(interim, listener->interim_version);
	if (text == NULL) {
		listener->interim_version = interim->version;
		return NULL;
	}
	listener->interim_version = text->version;
	return text->text;
}

static const struct rtta_message *
next_of_watch(struct rtta_listener *listener, struct rtta_watch *watch)
{
	if (watch->state != NULL && listener->state_version != watch->state_version) {
		listener->state_version = watch->state_version;
		return watch->state;
	}
	if (listener->at < watch->count)
		return watch->messages[listener->at++];
	if (!watch->caught_up)
		return NULL;
	if (listener->live)
		return next_interim(listener, &watch->interim);
	listener->live = true;
	return rtta_watch_live(watch);
}

const struct rtta_message *
rtta_listener_next(struct rtta_listener *listener)
{
	const struct rtta_message *box;
	uint64_t version;

	sync(listener);
	if (!listener->greeted) {
		listener->greeted = true;
		return listener->watch == NULL ? rtta_hub_nobody(listener->hub)
		    : listener->watch->hello;
	}
	box = rtta_hub_box(listener->hub, &version);
	if (listener->box_version != version) {
		listener->box_version = version;
		return box;
	}
	if (listener->watch != NULL)
		return next_of_watch(listener, listener->watch);
	if (listener->live)
		return NULL;
	listener->live = true;
	return rtta_hub_nobody_live(listener->hub);
}

bool
rtta_listener_pending(struct rtta_listener *listener)
{
	struct rtta_watch *watch;
	uint64_t version;

	sync(listener);
	watch = listener->watch;
	rtta_hub_box(listener->hub, &version);
	if (!listener->greeted || listener->box_version != version)
		return true;
	if (watch == NULL)
		return !listener->live;
	return (watch->state != NULL && listener->state_version != watch->state_version) ||
	    listener->at < watch->count ||
	    (watch->caught_up && (!listener->live ||
	    rtta_interim_after(&watch->interim, listener->interim_version) != NULL));
}

/*
 * engine_parts - what the kinds of engines share: each embeds a struct
 * rtta_engine as its first member, with its own verbs, and says events
 * through it.  For engine.c and engine_*.c only.
 */
#ifndef RTTA_ENGINE_PARTS_H
#define RTTA_ENGINE_PARTS_H

#include <jv.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine.h"

struct rtta_engine_verbs {
	void (*close)(struct rtta_engine *engine);  /* frees all but what the base has */
	int (*fds)(struct rtta_engine *engine, struct pollfd *fds, int max);
	int (*wait_ms)(struct rtta_engine *engine);
	int (*pump)(struct rtta_engine *engine, struct rtta_err *err);
	size_t (*room)(const struct rtta_engine *engine);
	void (*send)(struct rtta_engine *engine, const void *pcm, size_t bytes);
	void (*finish)(struct rtta_engine *engine);
};

struct rtta_engine {
	const struct rtta_engine_verbs *verbs;
	char *name;
	int64_t active_ms;             /* it took sound or said something */
	int64_t retry_ms;              /* it asks for so long a rest; 0: it does not */
	bool too_large;                /* it takes no recording as long as this one */
	struct rtta_engine_event *events;
	size_t event_begin, event_end, event_room;
};

/* The kinds; each returns NULL with *err. */
struct rtta_engine *rtta_engine_exec(const struct rtta_profile *profile, bool backfill,
    struct rtta_err *err);
struct rtta_engine *rtta_engine_ws(const struct rtta_profile *profile, int channels,
    struct rtta_err *err);
struct rtta_engine *rtta_engine_http(const struct rtta_profile *profile, bool backfill,
    int channels, struct rtta_err *err);

/* One of the profile's for each channel; spare (taken, may be NULL) is the
 * first one's. */
struct rtta_engine *rtta_engine_each(const struct rtta_profile *profile, bool backfill,
    int channels, struct rtta_engine *spare, struct rtta_err *err);

/* Queue an event that is taken over, one of an object that is taken, or one
 * of a line of JSON; what is no event is logged. */
void rtta_engine_say(struct rtta_engine *engine, const struct rtta_engine_event *event);
void rtta_engine_say_object(struct rtta_engine *engine, jv object);
void rtta_engine_say_text(struct rtta_engine *engine, const char *text, size_t bytes);

void rtta_engine_say_ready(struct rtta_engine *engine);
void rtta_engine_say_done(struct rtta_engine *engine);

bool rtta_engine_has_said(const struct rtta_engine *engine);  /* events wait */

#endif

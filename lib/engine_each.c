/*
 * Several channels for engines that hear one: an engine for each of them,
 * which together are one engine.  It breaks when one of them does.
 */
#include <math.h>
#include <stdlib.h>

#include "clock.h"
#include "engine.h"
#include "engine_parts.h"
#include "err.h"
#include "frame.h"
#include "mem.h"
#include "profile.h"

struct each {
	struct rtta_engine base;
	int channels;
	struct rtta_engine *ears[RTTA_FRAME_MAX_CHANNELS];  /* NULL: it has said all */
	bool done[RTTA_FRAME_MAX_CHANNELS];
	bool finishing, told;          /* told: all are done */
	int16_t *values;               /* of one channel */
	size_t room_values;
	struct rtta_err over;
};

static struct rtta_engine *
next_ear(const struct each *each, int *channel)
{
	while (*channel < each->channels)
		if (each->ears[(*channel)++] != NULL)
			return each->ears[*channel - 1];
	return NULL;
}

/* --- what is heard --- */

/* That one channel is done is said as: no more text will come for it. */
static void
hear(struct each *each, int c)
{
	struct rtta_engine_event event;

	while (rtta_engine_next(each->ears[c], &event)) {
		each->done[c] = each->done[c] || event.kind == RTTA_ENGINE_DONE;
		if (event.kind == RTTA_ENGINE_DONE && !each->finishing) {
			rtta_engine_event_done(&event);
			continue;
		}
		if (event.kind == RTTA_ENGINE_DONE) {
			event.kind = RTTA_ENGINE_UTTERANCE_END;
			event.end_s = NAN;
		}
		event.channel = c;
		rtta_engine_say(&each->base, &event);
	}
}

static void
pump_ear(struct each *each, int c)
{
	struct rtta_engine *ear = each->ears[c];
	struct rtta_err why = {0};
	int rc = rtta_engine_pump(ear, &why);

	hear(each, c);
	if (each->done[c] && each->finishing) {
		rtta_engine_close(ear);
		each->ears[c] = NULL;
	} else if (rc < 0 && each->over.exit_code == 0) {
		each->over = why;
		each->base.retry_ms = rtta_engine_retry_ms(ear);
		each->base.too_large = rtta_engine_too_large(ear);
	}
}

/* The one that has done nothing for the longest time. */
static void
note_active(struct each *each)
{
	int64_t active_ms = rtta_clock_mono_ms();
	struct rtta_engine *ear;

	for (int c = 0; (ear = next_ear(each, &c)) != NULL;)
		if (rtta_engine_active_ms(ear) < active_ms)
			active_ms = rtta_engine_active_ms(ear);
	each->base.active_ms = active_ms;
}

static int
pump(struct rtta_engine *engine, struct rtta_err *err)
{
	struct each *each = (struct each *)engine;
	int c = 0;

	for (int i = 0; i < each->channels; i++)
		if (each->ears[i] != NULL)
			pump_ear(each, i);
	note_active(each);
	if (!each->told && next_ear(each, &c) == NULL) {
		rtta_engine_say_done(engine);
		each->told = true;
	}
	if (each->over.exit_code == 0 || rtta_engine_has_said(engine))
		return 0;
	return rtta_err_set(err, each->over.exit_code, "%s", each->over.text);
}

/* --- what is sent --- */

static size_t
room(const struct rtta_engine *engine)
{
	const struct each *each = (const struct each *)engine;
	const struct rtta_engine *ear;
	size_t least = SIZE_MAX;

	for (int c = 0; (ear = next_ear(each, &c)) != NULL;)
		if (rtta_engine_room(ear) < least)
			least = rtta_engine_room(ear);
	return least == SIZE_MAX ? 0 : least * (size_t)each->channels;
}

static void
send_sound(struct rtta_engine *engine, const void *pcm, size_t bytes)
{
	struct each *each = (struct each *)engine;
	size_t step = (size_t)each->channels, count = bytes / sizeof(int16_t) / step;
	const int16_t *from = pcm;

	if (count > each->room_values) {
		each->room_values = count;
		each->values = rtta_xreallocarray(each->values, count, sizeof(*each->values));
	}
	for (size_t c = 0; c < step; c++) {
		for (size_t i = 0; i < count; i++)
			each->values[i] = from[i * step + c];
		if (each->ears[c] != NULL)
			rtta_engine_send(each->ears[c], each->values, count * sizeof(*each->values));
	}
}

static void
finish(struct rtta_engine *engine)
{
	struct each *each = (struct each *)engine;
	struct rtta_engine *ear;

	each->finishing = true;
	for (int c = 0; (ear = next_ear(each, &c)) != NULL;)
		rtta_engine_finish(ear);
}

/* --- the loop --- */

static int
poll_fds(struct rtta_engine *engine, struct pollfd *fds, int max)
{
	struct each *each = (struct each *)engine;
	struct rtta_engine *ear;
	int count = 0;

	for (int c = 0; (ear = next_ear(each, &c)) != NULL;)
		count += rtta_engine_fds(ear, fds + count, max - count);
	return count;
}

static int
wait_ms(struct rtta_engine *engine)
{
	struct each *each = (struct each *)engine;
	struct rtta_engine *ear;
	int ms = -1;

	for (int c = 0; (ear = next_ear(each, &c)) != NULL;)
		ms = rtta_clock_sooner(ms, rtta_engine_wait_ms(ear));
	return ms;
}

static void
leave(struct rtta_engine *engine)
{
	struct each *each = (struct each *)engine;

	for (int c = 0; c < each->channels; c++)
		rtta_engine_close(each->ears[c]);
	free(each->values);
}

static const struct rtta_engine_verbs verbs = {
	.close = leave,
	.fds = poll_fds,
	.wait_ms = wait_ms,
	.pump = pump,
	.room = room,
	.send = send_sound,
	.finish = finish,
};

struct rtta_engine *
rtta_engine_each(const struct rtta_profile *profile, bool backfill, int channels,
    struct rtta_engine *spare, struct rtta_err *err)
{
	struct each *each = rtta_xcalloc(1, sizeof(*each));

	each->base.verbs = &verbs;
	each->base.name = rtta_xstrdup(profile->name);
	each->base.active_ms = rtta_clock_mono_ms();
	each->channels = channels;
	for (int c = 0; c < channels; c++) {
		each->ears[c] = rtta_engine_open(profile, backfill, 1, c == 0 ? spare : NULL, err);
		if (each->ears[c] == NULL) {
			rtta_engine_close(&each->base);
			return NULL;
		}
	}
	return &each->base;
}

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "engine.h"
#include "engine_parts.h"
#include "err.h"
#include "interpreter.h"
#include "json.h"
#include "log.h"
#include "mem.h"
#include "profile.h"
#include "service.h"

enum { LINE_MAX_BYTES = 262144 };  /* of an event */

struct rtta_engine *
rtta_engine_open(const struct rtta_profile *profile, bool backfill, int channels,
    struct rtta_engine *spare, struct rtta_err *err)
{
	struct rtta_engine *engine = NULL;

	if (channels == 1 && spare != NULL)
		return spare;
	if (channels > profile->channels)
		return rtta_engine_each(profile, backfill, channels, spare, err);
	rtta_engine_close(spare);
	switch (profile->kind) {
	case RTTA_PROFILE_EXEC:
		engine = rtta_engine_exec(profile, backfill, err);
		break;
	case RTTA_PROFILE_WEBSOCKET:
		engine = rtta_engine_ws(profile, channels, err);
		break;
	case RTTA_PROFILE_HTTP:
		engine = rtta_engine_http(profile, backfill, channels, err);
		break;
	}
	if (engine != NULL)
		engine->active_ms = rtta_clock_mono_ms();
	return engine;
}

int
rtta_engine_check(const struct rtta_profile *profile, bool backfill, struct rtta_err *err)
{
	char what[80];
	struct rtta_interpreter *interpreter;
	struct rtta_call call;
	int rc;

	snprintf(what, sizeof(what), "engine %.60s", profile->name);
	if (profile->kind == RTTA_PROFILE_HTTP && !backfill)
		return rtta_err_set(err, EX_CONFIG, "%s: hears whole recordings: "
		    "for the backfill lane only", what);
	interpreter = rtta_interpreter_new(what, profile->service, err);
	rtta_interpreter_free(interpreter);
	if (interpreter == NULL)
		return -1;
	rc = rtta_call_init(&call, what, profile->service, profile->rate_hz, 1, profile->language, err);
	rtta_call_done(&call);
	return rc;
}

void
rtta_engine_close(struct rtta_engine *engine)
{
	if (engine == NULL)
		return;
	engine->verbs->close(engine);
	for (size_t i = engine->event_begin; i < engine->event_end; i++)
		rtta_engine_event_done(&engine->events[i]);
	free(engine->events);
	free(engine->name);
	free(engine);
}

int
rtta_engine_fds(struct rtta_engine *engine, struct pollfd *fds, int max)
{
	return engine->verbs->fds(engine, fds, max);
}

int
rtta_engine_wait_ms(struct rtta_engine *engine)
{
	return engine->verbs->wait_ms(engine);
}

int
rtta_engine_pump(struct rtta_engine *engine, struct rtta_err *err)
{
	return engine->verbs->pump(engine, err);
}

size_t
rtta_engine_room(const struct rtta_engine *engine)
{
	return engine->verbs->room(engine);
}

void
rtta_engine_send(struct rtta_engine *engine, const void *pcm, size_t bytes)
{
	if (bytes > 0)
		engine->verbs->send(engine, pcm, bytes);
}

void
rtta_engine_finish(struct rtta_engine *engine)
{
	engine->active_ms = rtta_clock_mono_ms();
	engine->verbs->finish(engine);
}

int64_t
rtta_engine_active_ms(const struct rtta_engine *engine)
{
	return engine->active_ms;
}

int64_t
rtta_engine_retry_ms(const struct rtta_engine *engine)
{
	return engine->retry_ms;
}

bool
rtta_engine_too_large(const struct rtta_engine *engine)
{
	return engine->too_large;
}

int
rtta_engine_next(struct rtta_engine *engine, struct rtta_engine_event *event)
{
	if (engine->event_begin == engine->event_end)
		return 0;
	*event = engine->events[engine->event_begin++];
	return 1;
}

/* --- for the kinds --- */

void
rtta_engine_say(struct rtta_engine *engine, const struct rtta_engine_event *event)
{
	if (engine->event_begin == engine->event_end)
		engine->event_begin = engine->event_end = 0;
	if (engine->event_end == engine->event_room) {
		engine->event_room = engine->event_room ? engine->event_room * 2 : 16;
		engine->events = rtta_xreallocarray(engine->events, engine->event_room,
		    sizeof(*engine->events));
	}
	engine->events[engine->event_end++] = *event;
}

void
rtta_engine_say_object(struct rtta_engine *engine, jv object)
{
	struct rtta_engine_event event;
	struct rtta_err err = {0};
	char what[80];

	snprintf(what, sizeof(what), "engine %.60s", engine->name);
	if (rtta_engine_event_decode(&event, what, object, &err) < 0)
		rtta_log_warn("%s", err.text);
	else if (event.kind == RTTA_ENGINE_ERROR)
		rtta_log_warn("%s: %.300s", what, event.text != NULL ? event.text : "error");
	if (err.exit_code == 0)
		rtta_engine_say(engine, &event);
	jv_free(object);
}

void
rtta_engine_say_text(struct rtta_engine *engine, const char *text, size_t bytes)
{
	struct rtta_err err = {0};
	char what[80];
	jv object;

	snprintf(what, sizeof(what), "engine %.60s", engine->name);
	object = rtta_json_object(what, text, bytes, LINE_MAX_BYTES, &err);
	if (jv_is_valid(object)) {
		rtta_engine_say_object(engine, object);
		return;
	}
	jv_free(object);
	rtta_log_warn("%s", err.text);
}

static void
say_kind(struct rtta_engine *engine, enum rtta_engine_kind kind)
{
	struct rtta_engine_event event;

	rtta_engine_event_init(&event);
	event.kind = kind;
	rtta_engine_say(engine, &event);
}

void
rtta_engine_say_ready(struct rtta_engine *engine)
{
	say_kind(engine, RTTA_ENGINE_READY);
}

void
rtta_engine_say_done(struct rtta_engine *engine)
{
	say_kind(engine, RTTA_ENGINE_DONE);
}

bool
rtta_engine_has_said(const struct rtta_engine *engine)
{
	return engine->event_begin < engine->event_end;
}

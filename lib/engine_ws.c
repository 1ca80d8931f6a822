/*
 * The engine kind "websocket": a service that hears while we speak.  The
 * profile says how: which messages, what order, who ends.
 */
#include <libwebsockets.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "engine.h"
#include "engine_parts.h"
#include "err.h"
#include "frame.h"
#include "interpreter.h"
#include "json.h"
#include "level.h"
#include "log.h"
#include "mem.h"
#include "profile.h"
#include "secret.h"
#include "service.h"
#include "template.h"
#include "ws.h"

enum {
	OUT_MS = 1000,                 /* of sound that waits here */
	WIRE_MAX_BYTES = 65536,        /* that waits for the kernel */
	CREDIT_MS = 5000               /* of sound ahead of the service's speed */
};

/* That finals may end before the sound does, and before the speech in it. */
static const double SETTLED_S = 1.0, SETTLED_SPEECH_S = 0.01;

struct stream {
	struct rtta_engine base;
	const struct rtta_service *service;
	char what[80];
	struct rtta_call call;
	struct rtta_ws *ws;
	struct rtta_interpreter *interpreter;
	struct rtta_log_damper damper;
	int channels;
	uint32_t values_hz;            /* of all channels */
	int16_t *out;                  /* sound not yet sent */
	size_t out_values, out_room, chunk_values;
	uint64_t chunks;               /* messages of sound sent */
	uint64_t sent_values;          /* without what filled up the last one */
	/* of each channel: so many were sent when it was not quiet, so far finals reach */
	uint64_t loud_values[RTTA_FRAME_MAX_CHANNELS];
	double settled_s[RTTA_FRAME_MAX_CHANNELS];
	double credit_values;          /* that may be sent now, where a speed is given */
	int64_t credit_ms;             /* when it was last counted */
	bool open, streaming, finishing, ended;
	bool unfinalized;              /* sound was sent since the last finalize */
	int64_t opened_ms, sent_ms, sound_ms, ended_ms;  /* sent: any message of ours */
	struct rtta_err over;          /* exit_code 0: it goes on */
};

/* --- what is sent --- */

static void
send_message(struct stream *stream, const struct rtta_message *message)
{
	struct rtta_err err = {0};
	char *text;

	if (rtta_call_message(&stream->call, stream->what, message, &text, &err) < 0) {
		rtta_err_set(&stream->over, EX_CONFIG, "%s", err.text);
		return;
	}
	if (text != NULL)
		rtta_ws_send(stream->ws, message->kind == RTTA_MESSAGE_BINARY, text, strlen(text));
	else
		rtta_ws_send_empty(stream->ws, message->kind == RTTA_MESSAGE_EMPTY_BINARY);
	free(text);
	stream->sent_ms = rtta_clock_mono_ms();
}

/* The chunk as text within a message of the profile's. */
static void
send_wrapped(struct stream *stream, const void *bytes, size_t count)
{
	size_t room = (count + 2) / 3 * 4 + 1;
	char *base64 = rtta_xcalloc(1, room);

	lws_b64_encode_string(bytes, (int)count, base64, (int)room);
	stream->call.vars = jv_object_set(stream->call.vars, jv_string("chunk"), jv_string(base64));
	send_message(stream, &stream->service->audio);
	free(base64);
}

static void
send_bytes(struct stream *stream, const void *bytes, size_t count)
{
	if (stream->service->audio.kind != RTTA_MESSAGE_NONE)
		send_wrapped(stream, bytes, count);
	else
		rtta_ws_send(stream->ws, true, bytes, count);
}

static void
send_values(struct stream *stream, const int16_t *values, size_t count)
{
	int64_t now_ms = rtta_clock_mono_ms();

	if (stream->service->f32) {
		float *floats = rtta_xcalloc(count, sizeof(*floats));

		for (size_t i = 0; i < count; i++)
			floats[i] = (float)values[i] / 32768.0f;
		send_bytes(stream, floats, count * sizeof(*floats));
		free(floats);
	} else {
		send_bytes(stream, values, count * sizeof(*values));
	}
	stream->chunks++;
	stream->call.vars = jv_object_set(stream->call.vars, jv_string("chunks"),
	    jv_number((double)stream->chunks));
	stream->base.active_ms = stream->sent_ms = stream->sound_ms = now_ms;
	stream->unfinalized = true;
}

static void
count_credit(struct stream *stream)
{
	int64_t now_ms = rtta_clock_mono_ms();
	double most = (double)CREDIT_MS * stream->values_hz / 1000;

	stream->credit_values += stream->service->speed * stream->values_hz *
	    (double)(now_ms - stream->credit_ms) / 1000;
	if (stream->credit_values > most)
		stream->credit_values = most;
	stream->credit_ms = now_ms;
}

static bool
may_send(const struct stream *stream, size_t values)
{
	return rtta_ws_pending(stream->ws) < WIRE_MAX_BYTES &&
	    (stream->service->speed == 0 || stream->credit_values >= (double)values);
}

/* Whole chunks; the last one is filled up with silence. */
static void
send_sound(struct stream *stream)
{
	size_t chunk = stream->chunk_values, sent = 0;

	if (stream->finishing && stream->out_values % chunk != 0) {
		size_t rest = chunk - stream->out_values % chunk;

		memset(stream->out + stream->out_values, 0, rest * sizeof(*stream->out));
		stream->out_values += rest;
	}
	count_credit(stream);
	while (stream->out_values - sent >= chunk && may_send(stream, chunk)) {
		send_values(stream, stream->out + sent, chunk);
		stream->credit_values -= stream->service->speed == 0 ? 0 : (double)chunk;
		sent += chunk;
	}
	memmove(stream->out, stream->out + sent, (stream->out_values - sent) * sizeof(*stream->out));
	stream->out_values -= sent;
}

static void
send_what_is_due(struct stream *stream)
{
	const struct rtta_service *service = stream->service;
	int64_t now_ms = rtta_clock_mono_ms();

	if (!stream->streaming || stream->ended)
		return;
	send_sound(stream);
	if (stream->finishing && stream->out_values == 0) {
		send_message(stream, &service->end);
		stream->ended = true;
		stream->ended_ms = stream->base.active_ms = now_ms;
		return;
	}
	if (service->finalize.kind != RTTA_MESSAGE_NONE && stream->unfinalized &&
	    service->finalize_ms > 0 && now_ms - stream->sound_ms >= service->finalize_ms) {
		send_message(stream, &service->finalize);
		stream->unfinalized = false;
	}
	if (service->keep_alive.kind != RTTA_MESSAGE_NONE &&
	    now_ms - stream->sent_ms >= service->keep_alive_s * 1000)
		send_message(stream, &service->keep_alive);
}

/* --- what is heard --- */

/* Its finals of a channel, -1 of all, reach end_s. */
static void
settle(struct stream *stream, double channel, double end_s)
{
	for (int c = 0; c < stream->channels; c++)
		if (stream->channels == 1 || channel < 0 || channel == c)
			stream->settled_s[c] = fmax(stream->settled_s[c], end_s);
}

static void
take_event(struct stream *stream, jv event)
{
	jv name = jv_object_get(jv_copy(event), jv_string("event"));
	jv permanent = jv_object_get(jv_copy(event), jv_string("permanent"));
	jv final = jv_object_get(jv_copy(event), jv_string("is_final"));
	const char *kind = jv_get_kind(name) == JV_KIND_STRING ? jv_string_value(name) : "";
	bool done = strcmp(kind, "done") == 0, settles = strcmp(kind, "utterance_end") == 0;
	bool is_final = jv_get_kind(final) == JV_KIND_TRUE;

	if (strcmp(kind, "ready") == 0)
		stream->streaming = true;
	if (jv_get_kind(permanent) == JV_KIND_TRUE) {
		jv text = jv_object_get(jv_copy(event), jv_string("text"));

		rtta_err_set(&stream->over, EX_CONFIG, "%s: %.150s", stream->what,
		    jv_get_kind(text) == JV_KIND_STRING ? jv_string_value(text) : "error");
		jv_free(text);
	}
	jv_free(name);
	jv_free(final);
	jv_free(permanent);
	if (is_final || settles)
		settle(stream, rtta_json_number(event, "channel", -1),
		    rtta_json_number(event, "end", 0));
	/* Some say so before they were asked to end: that means nothing. */
	if (done && !stream->ended)
		jv_free(event);
	else
		rtta_engine_say_object(&stream->base, event);
}

static void
take_message(struct stream *stream, const struct rtta_ws_event *message)
{
	struct rtta_err err = {0};
	jv events;

	stream->base.active_ms = rtta_clock_mono_ms();
	events = rtta_interpreter_hear(stream->interpreter, message->data, message->bytes, &err);
	if (!jv_is_valid(events)) {
		jv_free(events);
		rtta_secret_hide(stream->call.key, err.text);
		rtta_log_warn_damped(&stream->damper, "%s", err.text);
		return;
	}
	jv_array_foreach(events, i, event)
		take_event(stream, event);
	jv_free(events);
}

/* Clients' faults, except those that pass: RFC 9110, RFC 6585. */
static bool
status_is_permanent(const struct rtta_service *service, int status)
{
	if (service->permanent_statuses > 0)
		return rtta_service_permanent(service->permanent_status,
		    service->permanent_statuses, status);
	return status >= 400 && status < 500 && status != 408 && status != 425 && status != 429;
}

static void
take_refusal(struct stream *stream, const struct rtta_ws_event *refusal)
{
	char status[8] = "";

	if (refusal->code != 0)
		snprintf(status, sizeof(status), "%d ", refusal->code);
	if (refusal->retry_after_s > 0)
		stream->base.retry_ms = refusal->retry_after_s * 1000;
	rtta_err_set(&stream->over, status_is_permanent(stream->service, refusal->code) ?
	    EX_CONFIG : EX_TEMPFAIL, "%s: %s%.150s", stream->what, status,
	    refusal->data != NULL ? refusal->data : "");
}

/* Its finals reach to the end, of each channel: no word is missing. */
static bool
is_settled(const struct stream *stream)
{
	double sent_s = (double)stream->sent_values / stream->values_hz;

	for (int c = 0; c < stream->channels; c++) {
		double loud_s = (double)stream->loud_values[c] / stream->values_hz;
		double settled_s = stream->settled_s[c];

		if (settled_s <= 0 || settled_s < sent_s - SETTLED_S ||
		    settled_s < loud_s - SETTLED_SPEECH_S)
			return false;
	}
	return true;
}

static void
take_close(struct stream *stream, const struct rtta_ws_event *event)
{
	const struct rtta_service *service = stream->service;
	bool orderly = event->code == LWS_CLOSE_STATUS_NORMAL || event->code == LWS_CLOSE_STATUS_NO_STATUS;
	bool permanent = rtta_service_permanent(service->permanent_close, service->permanent_closes,
	    event->code);

	if (stream->ended && orderly && service->done_on_close &&
	    (!service->done_if_settled || is_settled(stream)))
		rtta_engine_say_done(&stream->base);
	rtta_err_set(&stream->over, permanent ? EX_CONFIG :
	    stream->ended && orderly ? EX_PROTOCOL : EX_TEMPFAIL, "%s: closed: %d%s%.150s",
	    stream->what, event->code, event->bytes > 0 ? " " : "",
	    event->data != NULL ? event->data : "");
}

static void
open_stream(struct stream *stream)
{
	stream->open = true;
	stream->opened_ms = stream->credit_ms = stream->sound_ms = rtta_clock_mono_ms();
	for (int i = 0; i < stream->service->inits; i++)
		send_message(stream, &stream->service->init[i]);
	stream->streaming = !stream->service->ready;
	if (stream->streaming)
		rtta_engine_say_ready(&stream->base);
	stream->sent_ms = stream->base.active_ms = stream->opened_ms;
}

static void
hear(struct stream *stream)
{
	struct rtta_ws_event event;

	while (rtta_ws_next(stream->ws, &event)) {
		switch (event.kind) {
		case RTTA_WS_OPEN: open_stream(stream); break;
		case RTTA_WS_TEXT:
		case RTTA_WS_BINARY: take_message(stream, &event); break;
		case RTTA_WS_REFUSED: take_refusal(stream, &event); break;
		case RTTA_WS_CLOSED: take_close(stream, &event); break;
		}
		free(event.data);
	}
}

/* --- the verbs --- */

static void
check_deadlines(struct stream *stream)
{
	int64_t now_ms = rtta_clock_mono_ms();

	if (stream->open && !stream->streaming &&
	    now_ms - stream->opened_ms > stream->service->ready_s * 1000)
		rtta_err_set(&stream->over, EX_TEMPFAIL, "%s: not ready within %d s", stream->what,
		    stream->service->ready_s);
	if (stream->ended && now_ms - stream->ended_ms > stream->service->end_s * 1000 &&
	    now_ms - stream->base.active_ms > stream->service->end_s * 1000)
		rtta_err_set(&stream->over, EX_TEMPFAIL, "%s: no end within %d s", stream->what,
		    stream->service->end_s);
}

static int
pump(struct rtta_engine *engine, struct rtta_err *err)
{
	struct stream *stream = (struct stream *)engine;

	hear(stream);
	if (stream->over.exit_code == 0) {
		send_what_is_due(stream);
		check_deadlines(stream);
	}
	if (stream->over.exit_code == 0 || rtta_engine_has_said(engine))
		return 0;
	rtta_secret_hide(stream->call.key, stream->over.text);
	return rtta_err_set(err, stream->over.exit_code, "%s", stream->over.text);
}

static size_t
room(const struct rtta_engine *engine)
{
	const struct stream *stream = (const struct stream *)engine;
	size_t most = (size_t)stream->values_hz * OUT_MS / 1000;

	return stream->finishing || stream->over.exit_code != 0 || stream->out_values >= most ?
	    0 : (most - stream->out_values) * sizeof(*stream->out);
}

static void
take_sound(struct rtta_engine *engine, const void *pcm, size_t bytes)
{
	struct stream *stream = (struct stream *)engine;
	size_t values = bytes / sizeof(*stream->out), channels = (size_t)stream->channels;

	if (stream->out_values + values + stream->chunk_values > stream->out_room) {
		stream->out_room = 2 * (stream->out_values + values) + stream->chunk_values;
		stream->out = rtta_xreallocarray(stream->out, stream->out_room, sizeof(*stream->out));
	}
	memcpy(stream->out + stream->out_values, pcm, values * sizeof(*stream->out));
	stream->out_values += values;
	stream->sent_values += values;
	for (size_t c = 0; values > 0 && c < channels; c++)
		if (rtta_level_channel_db(pcm, values / channels, channels, c) > RTTA_LEVEL_QUIET_DB)
			stream->loud_values[c] = stream->sent_values;
}

static void
finish(struct rtta_engine *engine)
{
	struct stream *stream = (struct stream *)engine;

	take_sound(engine, "", 0);     /* room for what fills up the last chunk */
	stream->finishing = true;
}

static int
poll_fds(struct rtta_engine *engine, struct pollfd *fds, int max)
{
	struct stream *stream = (struct stream *)engine;

	if (max < 1)
		return 0;
	fds[0] = (struct pollfd){ .fd = rtta_ws_fd(stream->ws), .events = POLLIN };
	return 1;
}

static int
sooner(int wait_ms, int64_t at_ms, int64_t now_ms)
{
	int64_t left_ms = at_ms > now_ms ? at_ms - now_ms : 0;

	return wait_ms < 0 || left_ms < wait_ms ? (int)left_ms : wait_ms;
}

static int
wait_ms(struct rtta_engine *engine)
{
	struct stream *stream = (struct stream *)engine;
	const struct rtta_service *service = stream->service;
	int64_t now_ms = rtta_clock_mono_ms();
	int ms = -1;

	if (stream->open && !stream->streaming)
		ms = sooner(ms, stream->opened_ms + service->ready_s * 1000 + 1, now_ms);
	if (stream->ended)
		return sooner(ms, stream->base.active_ms + service->end_s * 1000 + 1, now_ms);
	if (!stream->streaming)
		return ms;
	if (service->speed > 0 && stream->out_values >= stream->chunk_values)
		ms = sooner(ms, now_ms + service->chunk_ms, now_ms);
	if (service->finalize.kind != RTTA_MESSAGE_NONE && stream->unfinalized &&
	    service->finalize_ms > 0)
		ms = sooner(ms, stream->sound_ms + service->finalize_ms, now_ms);
	if (service->keep_alive.kind != RTTA_MESSAGE_NONE)
		ms = sooner(ms, stream->sent_ms + service->keep_alive_s * 1000, now_ms);
	return ms;
}

static void
leave(struct rtta_engine *engine)
{
	struct stream *stream = (struct stream *)engine;

	rtta_ws_close(stream->ws);
	rtta_interpreter_free(stream->interpreter);
	rtta_call_done(&stream->call);
	free(stream->out);
}

static const struct rtta_engine_verbs verbs = {
	.close = leave,
	.fds = poll_fds,
	.wait_ms = wait_ms,
	.pump = pump,
	.room = room,
	.send = take_sound,
	.finish = finish,
};

static int
connect_stream(struct stream *stream, struct rtta_err *err)
{
	struct rtta_ws_config config = {
		.url = stream->call.url,
		.headers = stream->call.headers,
		.error_header = stream->service->error_header,
		.connect_s = stream->service->connect_s,
		.ping_s = stream->service->ping_s,
	};
	char *protocol = NULL;

	if (stream->service->protocol != NULL) {
		protocol = rtta_template_text(stream->what, stream->service->protocol,
		    stream->call.vars, err);
		if (protocol == NULL)
			return -1;
	}
	config.protocol = protocol;
	stream->ws = rtta_ws_open(&config, err);
	free(protocol);
	return stream->ws != NULL ? 0 : -1;
}

struct rtta_engine *
rtta_engine_ws(const struct rtta_profile *profile, int channels, struct rtta_err *err)
{
	struct stream *stream = rtta_xcalloc(1, sizeof(*stream));

	stream->base.verbs = &verbs;
	stream->base.name = rtta_xstrdup(profile->name);
	stream->service = profile->service;
	stream->channels = channels;
	stream->values_hz = profile->rate_hz * (uint32_t)channels;
	stream->chunk_values = (size_t)profile->rate_hz * (size_t)profile->service->chunk_ms / 1000 *
	    (size_t)channels;
	snprintf(stream->what, sizeof(stream->what), "engine %.60s", profile->name);
	stream->interpreter = rtta_interpreter_new(stream->what, profile->service, err);
	if (stream->interpreter != NULL &&
	    rtta_call_init(&stream->call, stream->what, profile->service, profile->rate_hz,
	    channels, profile->language, err) == 0 && connect_stream(stream, err) == 0)
		return &stream->base;
	rtta_engine_close(&stream->base);
	return NULL;
}

/*
 * The engine kind "http": a service that is sent a recording and answers
 * with its text.  What it is sent is kept until the end, then posted as WAV.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "engine.h"
#include "engine_parts.h"
#include "err.h"
#include "interpreter.h"
#include "json.h"
#include "mem.h"
#include "post.h"
#include "profile.h"
#include "secret.h"
#include "service.h"
#include "template.h"

enum {
	WAV_HEADER_BYTES = 44,
	SOUND_MAX_BYTES = 256 << 20,
	SEND_BYTES = 1 << 20,          /* taken at once, so that others get their turn */
	TOO_LARGE = 413
};

struct request {
	struct rtta_engine base;
	const struct rtta_service *service;
	char what[80];
	struct rtta_call call;
	struct rtta_interpreter *interpreter;
	uint32_t rate_hz;
	unsigned channels;
	uint8_t *wav;                  /* room for the header first */
	size_t bytes, room_bytes;
	bool finishing;
	struct rtta_post *post;        /* NULL until the end of the sound */
	struct rtta_err over;
};

/* --- what is sent --- */

static void
put_u16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)value;
	at[1] = (uint8_t)(value >> 8);
}

static void
put_u32(uint8_t *at, uint32_t value)
{
	put_u16(at, value & 0xffff);
	put_u16(at + 2, value >> 16);
}

/* RIFF, "WAVE", "fmt " of PCM (1), 16 bit, "data". */
static void
put_wav_header(struct request *request)
{
	uint8_t *at = request->wav;
	uint32_t bytes = (uint32_t)(request->bytes - WAV_HEADER_BYTES);

	memcpy(at, "RIFF", 4);
	put_u32(at + 4, bytes + WAV_HEADER_BYTES - 8);
	memcpy(at + 8, "WAVEfmt ", 8);
	put_u32(at + 16, 16);
	put_u16(at + 20, 1);
	put_u16(at + 22, request->channels);
	put_u32(at + 24, request->rate_hz);
	put_u32(at + 28, request->rate_hz * 2 * request->channels);
	put_u16(at + 32, 2 * request->channels);
	put_u16(at + 34, 16);
	memcpy(at + 36, "data", 4);
	put_u32(at + 40, bytes);
}

/* The form's fields as pairs; the caller frees them and the list. */
static char **
make_fields(struct request *request, struct rtta_err *err)
{
	jv filled = rtta_template_fill(request->what, jv_copy(request->service->fields),
	    request->call.vars, err);
	char **pairs = NULL;
	size_t count = 0;

	if (!jv_is_valid(filled)) {
		jv_free(filled);
		return NULL;
	}
	pairs = rtta_xcalloc(2 * (size_t)jv_object_length(jv_copy(filled)) + 1, sizeof(*pairs));
	jv_object_foreach(filled, key, value) {
		pairs[count++] = rtta_xstrdup(jv_string_value(key));
		if (jv_get_kind(value) != JV_KIND_STRING)
			value = jv_dump_string(value, 0);
		pairs[count++] = rtta_xstrdup(jv_string_value(value));
		jv_free(key);
		jv_free(value);
	}
	jv_free(filled);
	return pairs;
}

static void
send_request(struct request *request)
{
	const struct rtta_service *service = request->service;
	struct rtta_post_config config = {
		.url = request->call.url,
		.headers = request->call.headers,
		.error_header = service->error_header,
		.file_field = service->file_field,
		.content_type = "audio/wav",
		.connect_s = service->connect_s,
		.answer_s = service->answer_s,
	};
	char **fields = make_fields(request, &request->over);

	if (fields == NULL)
		return;
	config.fields = fields;
	put_wav_header(request);
	request->post = rtta_post_open(&config, request->wav, request->bytes, &request->over);
	request->wav = NULL;
	request->bytes = request->room_bytes = 0;
	for (size_t i = 0; fields[i] != NULL; i++)
		free(fields[i]);
	free(fields);
}

/* --- what is heard --- */

static void
take_text(struct request *request, const struct rtta_post_answer *answer)
{
	jv events = rtta_interpreter_hear(request->interpreter, answer->data, answer->bytes,
	    &request->over);

	if (!jv_is_valid(events)) {
		jv_free(events);
		/* Another attempt may bring what can be read. */
		request->over.exit_code = EX_TEMPFAIL;
		return;
	}
	jv_array_foreach(events, i, event)
		rtta_engine_say_object(&request->base, event);
	jv_free(events);
	rtta_engine_say_done(&request->base);
}

/* RFC 9110: what a client did wrong, except what passes. */
static bool
is_permanent(const struct rtta_service *service, int status)
{
	if (service->permanent_statuses > 0)
		return rtta_service_permanent(service->permanent_status,
		    service->permanent_statuses, status);
	return status == 400 || status == 401 || status == 402 || status == 403 || status == 404;
}

static void
take_answer(struct request *request)
{
	struct rtta_post_answer answer;

	if (request->post == NULL || rtta_post_answer(request->post, &answer) == 0)
		return;
	request->base.active_ms = rtta_clock_mono_ms();
	if (answer.status >= 200 && answer.status < 300) {
		take_text(request, &answer);
		if (request->over.exit_code == 0)
			rtta_err_set(&request->over, EX_PROTOCOL, "%s: answered", request->what);
		return;
	}
	if (answer.retry_after_s > 0)
		request->base.retry_ms = answer.retry_after_s * 1000;
	request->base.too_large = answer.status == TOO_LARGE;
	if (answer.status == 0)
		rtta_err_set(&request->over, EX_TEMPFAIL, "%s: %s", request->what, answer.why);
	else
		rtta_err_set(&request->over, is_permanent(request->service, answer.status) ?
		    EX_CONFIG : EX_TEMPFAIL, "%s: %d %.150s", request->what, answer.status,
		    answer.why[0] != '\0' ? answer.why : answer.data);
}

/* --- the verbs --- */

static int
pump(struct rtta_engine *engine, struct rtta_err *err)
{
	struct request *request = (struct request *)engine;

	if (request->over.exit_code == 0 && request->finishing && request->post == NULL)
		send_request(request);
	if (request->over.exit_code == 0)
		take_answer(request);
	if (request->post != NULL && request->over.exit_code == 0)
		/* It may think for minutes; libcurl sees when nothing is there. */
		engine->active_ms = rtta_clock_mono_ms();
	if (request->over.exit_code == 0 || rtta_engine_has_said(engine))
		return 0;
	rtta_secret_hide(request->call.key, request->over.text);
	return rtta_err_set(err, request->over.exit_code, "%s", request->over.text);
}

static size_t
room(const struct rtta_engine *engine)
{
	const struct request *request = (const struct request *)engine;

	return request->finishing || request->bytes >= SOUND_MAX_BYTES ? 0 : SEND_BYTES;
}

static void
take_sound(struct rtta_engine *engine, const void *pcm, size_t bytes)
{
	struct request *request = (struct request *)engine;

	if (request->bytes + bytes > request->room_bytes) {
		request->room_bytes = 2 * (request->bytes + bytes);
		request->wav = rtta_xreallocarray(request->wav, request->room_bytes, 1);
	}
	memcpy(request->wav + request->bytes, pcm, bytes);
	request->bytes += bytes;
	engine->active_ms = rtta_clock_mono_ms();
}

static void
finish(struct rtta_engine *engine)
{
	((struct request *)engine)->finishing = true;
}

static int
poll_fds(struct rtta_engine *engine, struct pollfd *fds, int max)
{
	struct request *request = (struct request *)engine;

	if (max < 1 || request->post == NULL)
		return 0;
	fds[0] = (struct pollfd){ .fd = rtta_post_fd(request->post), .events = POLLIN };
	return 1;
}

static int
wait_ms(struct rtta_engine *engine)
{
	struct request *request = (struct request *)engine;

	return request->finishing && request->post == NULL ? 0 : -1;
}

static void
leave(struct rtta_engine *engine)
{
	struct request *request = (struct request *)engine;

	rtta_post_close(request->post);
	rtta_interpreter_free(request->interpreter);
	rtta_call_done(&request->call);
	free(request->wav);
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

struct rtta_engine *
rtta_engine_http(const struct rtta_profile *profile, bool backfill, int channels,
    struct rtta_err *err)
{
	struct request *request;

	if (rtta_engine_check(profile, backfill, err) < 0)
		return NULL;
	request = rtta_xcalloc(1, sizeof(*request));
	request->base.verbs = &verbs;
	request->base.name = rtta_xstrdup(profile->name);
	request->service = profile->service;
	request->rate_hz = profile->rate_hz;
	request->channels = (unsigned)channels;
	request->bytes = WAV_HEADER_BYTES;
	request->room_bytes = SEND_BYTES;
	request->wav = rtta_xcalloc(1, request->room_bytes);
	snprintf(request->what, sizeof(request->what), "engine %.60s", profile->name);
	request->interpreter = rtta_interpreter_new(request->what, profile->service, err);
	if (request->interpreter != NULL && rtta_call_init(&request->call, request->what,
	    profile->service, profile->rate_hz, channels, profile->language, err) == 0)
		return &request->base;
	rtta_engine_close(&request->base);
	return NULL;
}

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "interpreter.h"
#include "json.h"
#include "mem.h"
#include "program.h"
#include "random.h"
#include "service.h"

enum {
	MESSAGE_MAX_BYTES = 64 << 20,
	KEPT_MAX_BYTES = 65536         /* as JSON: it comes from outside */
};

static const double CRACK_S = 0.02;    /* what a repeated start may differ */

struct rtta_interpreter {
	char *what;
	struct rtta_program *program;
	bool raw, keeps, repeats, speakers_restart;
	jv kept;                       /* by the program, of the messages before */
	double settled_s;              /* the end of the last final */
	char epoch[8];                 /* of this connection's speakers */
};

struct rtta_interpreter *
rtta_interpreter_new(const char *what, const struct rtta_service *service, struct rtta_err *err)
{
	struct rtta_interpreter *interpreter = rtta_xcalloc(1, sizeof(*interpreter));
	char *name = rtta_xasprintf("%s: program", what);

	interpreter->what = rtta_xstrdup(what);
	interpreter->raw = service->raw;
	interpreter->keeps = service->keeps;
	interpreter->kept = jv_null();
	interpreter->repeats = service->repeats;
	interpreter->speakers_restart = service->speakers_restart;
	snprintf(interpreter->epoch, sizeof(interpreter->epoch), "%04x", (unsigned)(rtta_random() & 0xffff));
	interpreter->program = rtta_program_new(name, service->program, err);
	free(name);
	if (interpreter->program != NULL)
		return interpreter;
	rtta_interpreter_free(interpreter);
	return NULL;
}

void
rtta_interpreter_free(struct rtta_interpreter *interpreter)
{
	if (interpreter == NULL)
		return;
	rtta_program_free(interpreter->program);
	jv_free(interpreter->kept);
	free(interpreter->what);
	free(interpreter);
}

/* Takes and returns an object that may have a speaker. */
static jv
mark_speaker(const struct rtta_interpreter *interpreter, jv object)
{
	jv speaker = jv_object_get(jv_copy(object), jv_string("speaker"));

	if (jv_get_kind(speaker) == JV_KIND_STRING)
		object = jv_object_set(object, jv_string("speaker"),
		    jv_string_fmt("%s-%s", interpreter->epoch, jv_string_value(speaker)));
	jv_free(speaker);
	return object;
}

static jv
mark_speakers(const struct rtta_interpreter *interpreter, jv event)
{
	jv words = jv_object_get(jv_copy(event), jv_string("words")), marked;

	event = mark_speaker(interpreter, event);
	if (jv_get_kind(words) != JV_KIND_ARRAY) {
		jv_free(words);
		return event;
	}
	marked = jv_array();
	jv_array_foreach(words, i, word)
		marked = jv_array_append(marked, jv_get_kind(word) == JV_KIND_OBJECT ?
		    mark_speaker(interpreter, word) : word);
	jv_free(words);
	return jv_object_set(event, jv_string("words"), marked);
}

/* Text that was said before; borrows event. */
static bool
said_before(struct rtta_interpreter *interpreter, jv event)
{
	jv final = jv_object_get(jv_copy(event), jv_string("is_final"));
	double start_s = rtta_json_number(event, "start", NAN);
	double end_s = rtta_json_number(event, "end", NAN);
	bool is_final = jv_get_kind(final) == JV_KIND_TRUE;

	jv_free(final);
	if (start_s < interpreter->settled_s - CRACK_S)
		return true;
	if (is_final && end_s > interpreter->settled_s)
		interpreter->settled_s = end_s;
	return false;
}

static jv
parse(const struct rtta_interpreter *interpreter, const char *text, size_t bytes,
    struct rtta_err *err)
{
	if (!interpreter->raw)
		return rtta_json_object(interpreter->what, text, bytes, MESSAGE_MAX_BYTES, err);
	if (rtta_json_is_utf8(text, bytes))
		return jv_string_sized(text, (int)bytes);
	rtta_err_set(err, EX_DATAERR, "%s: a message that is no text", interpreter->what);
	return jv_invalid();
}

/* What is kept for the next message, and no event.  Borrows event. */
static bool
keep(struct rtta_interpreter *interpreter, jv event, struct rtta_err *err)
{
	jv name = jv_object_get(jv_copy(event), jv_string("event")), text;
	bool is = interpreter->keeps && jv_get_kind(name) == JV_KIND_STRING &&
	    strcmp(jv_string_value(name), "keep") == 0;

	jv_free(name);
	if (!is)
		return false;
	jv_free(interpreter->kept);
	interpreter->kept = jv_object_get(jv_copy(event), jv_string("value"));
	if (!jv_is_valid(interpreter->kept))
		interpreter->kept = jv_null();
	text = jv_dump_string(jv_copy(interpreter->kept), 0);
	if (jv_string_length_bytes(text) > KEPT_MAX_BYTES) {
		rtta_err_set(err, EX_DATAERR, "%s: program: keeps more than %d bytes",
		    interpreter->what, KEPT_MAX_BYTES);
		jv_free(interpreter->kept);
		interpreter->kept = jv_null();
	}
	return true;
}

jv
rtta_interpreter_hear(struct rtta_interpreter *interpreter, const char *text, size_t bytes,
    struct rtta_err *err)
{
	jv input = parse(interpreter, text, bytes, err), outputs, events = jv_array();

	if (!jv_is_valid(input)) {
		jv_free(events);
		return input;
	}
	if (interpreter->keeps)
		input = JV_OBJECT(jv_string("message"), input,
		    jv_string("kept"), jv_copy(interpreter->kept));
	outputs = rtta_program_run(interpreter->program, input, err);
	if (!jv_is_valid(outputs)) {
		jv_free(events);
		return outputs;
	}
	jv_array_foreach(outputs, i, event) {
		if (jv_get_kind(event) != JV_KIND_OBJECT) {
			jv_free(event);
			rtta_err_set(err, EX_DATAERR, "%s: program: an event that is no object",
			    interpreter->what);
			break;
		}
		if (keep(interpreter, event, err) ||
		    (interpreter->repeats && said_before(interpreter, event))) {
			jv_free(event);
			continue;
		}
		if (interpreter->speakers_restart)
			event = mark_speakers(interpreter, event);
		events = jv_array_append(events, event);
	}
	jv_free(outputs);
	if (err->exit_code == 0)
		return events;
	jv_free(events);
	return jv_invalid();
}

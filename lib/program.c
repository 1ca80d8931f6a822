#include <jv.h>
#include <jq.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "mem.h"
#include "program.h"

struct rtta_program {
	char *what;
	jq_state *jq;
	char complaint[160];       /* the first one of jq's compiler */
};

static void
complain(void *arg, jv message)
{
	struct rtta_program *program = arg;
	const char *text;

	if (jv_get_kind(message) != JV_KIND_STRING)
		message = jv_dump_string(message, 0);
	text = jv_string_value(message);
	if (strncmp(text, "jq: error: ", 11) == 0)
		text += 11;
	if (program->complaint[0] == '\0')
		snprintf(program->complaint, sizeof(program->complaint), "%.*s",
		    (int)strcspn(text, "\n"), text);
	jv_free(message);
}

struct rtta_program *
rtta_program_new(const char *what, const char *source, struct rtta_err *err)
{
	struct rtta_program *program = rtta_xcalloc(1, sizeof(*program));

	program->what = rtta_xstrdup(what);
	program->jq = jq_init();
	if (program->jq == NULL) {
		rtta_err_set(err, EX_OSERR, "%s: no jq", what);
		rtta_program_free(program);
		return NULL;
	}
	jq_set_error_cb(program->jq, complain, program);
	if (jq_compile(program->jq, source))
		return program;
	rtta_err_set(err, EX_CONFIG, "%s: %s", what, program->complaint);
	rtta_program_free(program);
	return NULL;
}

void
rtta_program_free(struct rtta_program *program)
{
	if (program == NULL)
		return;
	jq_teardown(&program->jq);
	free(program->what);
	free(program);
}

static void
set_error(const struct rtta_program *program, jv message, struct rtta_err *err)
{
	if (jv_get_kind(message) != JV_KIND_STRING)
		message = jv_dump_string(message, 0);
	rtta_err_set(err, EX_DATAERR, "%s: %.160s", program->what, jv_string_value(message));
	jv_free(message);
}

jv
rtta_program_run(struct rtta_program *program, jv input, struct rtta_err *err)
{
	jv outputs = jv_array(), output;

	jq_start(program->jq, input, 0);
	while (jv_is_valid(output = jq_next(program->jq))) {
		outputs = jv_array_append(outputs, output);
		if (jv_array_length(jv_copy(outputs)) > RTTA_PROGRAM_OUTPUTS_MAX) {
			rtta_err_set(err, EX_DATAERR, "%s: more than %d events from one message",
			    program->what, RTTA_PROGRAM_OUTPUTS_MAX);
			jv_free(outputs);
			return jv_invalid();
		}
	}
	if (!jv_invalid_has_msg(jv_copy(output))) {
		jv_free(output);
		return outputs;
	}
	set_error(program, jv_invalid_get_msg(output), err);
	jv_free(outputs);
	return jv_invalid();
}

#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "json.h"
#include "mem.h"
#include "secret.h"
#include "random.h"
#include "service.h"
#include "template.h"

enum { LETTERS_OF_TOKEN = 4 };

/* --- keys of a profile --- */

void
rtta_service_init(struct rtta_service *service)
{
	*service = (struct rtta_service){
		.query = jv_object(), .headers = jv_object(), .vars = jv_object(),
		.fields = jv_object(), .samples = jv_array(), .max_tokens = jv_object(),
		.connect_s = 10, .chunk_ms = 100, .ping_s = 20,
		.ready_s = 10, .end_s = 10, .answer_s = 660, .keep_alive_s = 5,
	};
}

static void
message_done(struct rtta_message *message)
{
	if (message->kind == RTTA_MESSAGE_TEXT || message->kind == RTTA_MESSAGE_BINARY)
		jv_free(message->body);
	message->kind = RTTA_MESSAGE_NONE;
}

void
rtta_service_done(struct rtta_service *service)
{
	for (int i = 0; i < service->inits; i++)
		message_done(&service->init[i]);
	message_done(&service->audio);
	message_done(&service->keep_alive);
	message_done(&service->finalize);
	message_done(&service->end);
	jv_free(service->query);
	jv_free(service->headers);
	jv_free(service->vars);
	jv_free(service->max_tokens);
	jv_free(service->fields);
	jv_free(service->samples);
	free(service->url);
	free(service->protocol);
	free(service->error_header);
	free(service->key_name);
	free(service->program);
	free(service->file_field);
}

/* An object or array under key into *value, which has the right kind before. */
static int
get_container(const char *path, jv object, const char *key, jv *value, struct rtta_err *err)
{
	jv found = jv_object_get(jv_copy(object), jv_string(key));

	if (!jv_is_valid(found) || jv_get_kind(found) == JV_KIND_NULL) {
		jv_free(found);
		return 0;
	}
	if (jv_get_kind(found) != jv_get_kind(*value)) {
		const char *kind = jv_get_kind(*value) == JV_KIND_ARRAY ? "a list" : "an object";

		jv_free(found);
		return rtta_err_set(err, EX_CONFIG, "%s: %s: not %s", path, key, kind);
	}
	jv_free(*value);
	*value = found;
	return 0;
}

/* Takes value: "text", {"text"}, {"json"}, {"binary"} or {"empty"}. */
static int
read_message(const char *path, const char *key, jv value, struct rtta_message *message,
    struct rtta_err *err)
{
	static const char *const kinds[] = { "text", "json", "binary", "empty" };
	jv body;

	if (jv_get_kind(value) == JV_KIND_STRING && jv_string_length_bytes(jv_copy(value)) > 0) {
		*message = (struct rtta_message){ RTTA_MESSAGE_TEXT, value };
		return 0;
	}
	if (jv_get_kind(value) == JV_KIND_OBJECT && jv_object_length(jv_copy(value)) == 1)
		for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
			body = jv_object_get(jv_copy(value), jv_string(kinds[i]));
			if (!jv_is_valid(body)) {
				jv_free(body);
				continue;
			}
			jv_free(value);
			if (i == 3) {
				bool text = jv_equal(jv_copy(body), jv_string("text"));
				bool binary = jv_equal(body, jv_string("binary"));

				message->kind = text ? RTTA_MESSAGE_EMPTY_TEXT :
				    binary ? RTTA_MESSAGE_EMPTY_BINARY : RTTA_MESSAGE_NONE;
				return text || binary ? 0 : rtta_err_set(err, EX_CONFIG,
				    "%s: %s: empty: neither \"text\" nor \"binary\"", path, key);
			}
			if (i != 1 && (jv_get_kind(body) != JV_KIND_STRING ||
			    jv_string_length_bytes(jv_copy(body)) == 0)) {
				jv_free(body);
				return rtta_err_set(err, EX_CONFIG, "%s: %s: %s: not a text, or empty",
				    path, key, kinds[i]);
			}
			*message = (struct rtta_message){
				i == 2 ? RTTA_MESSAGE_BINARY : RTTA_MESSAGE_TEXT, body
			};
			return 0;
		}
	jv_free(value);
	return rtta_err_set(err, EX_CONFIG, "%s: %s: a message is a text, or an object with one of "
	    "text, json, binary, empty", path, key);
}

static int
get_message(const char *path, jv object, const char *key, struct rtta_message *message,
    struct rtta_err *err)
{
	jv value = jv_object_get(jv_copy(object), jv_string(key));

	if (jv_is_valid(value) && jv_get_kind(value) != JV_KIND_NULL)
		return read_message(path, key, value, message, err);
	jv_free(value);
	return 0;
}

static int
get_init(const char *path, jv object, struct rtta_service *service, struct rtta_err *err)
{
	jv list = jv_array();
	int rc = get_container(path, object, "init", &list, err);

	if (rc == 0 && jv_array_length(jv_copy(list)) > RTTA_SERVICE_INIT_MAX)
		rc = rtta_err_set(err, EX_CONFIG, "%s: init: more than %d messages", path,
		    RTTA_SERVICE_INIT_MAX);
	for (int i = 0; rc == 0 && i < jv_array_length(jv_copy(list)); i++) {
		rc = read_message(path, "init", jv_array_get(jv_copy(list), i),
		    &service->init[service->inits], err);
		service->inits += rc == 0;
	}
	jv_free(list);
	return rc;
}

static bool
read_range(jv item, struct rtta_range *range)
{
	jv first = jv_copy(item), last = jv_copy(item);
	bool good;

	if (jv_get_kind(item) == JV_KIND_ARRAY && jv_array_length(jv_copy(item)) == 2) {
		first = jv_array_get(first, 0);
		last = jv_array_get(last, 1);
	}
	good = jv_get_kind(first) == JV_KIND_NUMBER && jv_get_kind(last) == JV_KIND_NUMBER;
	if (good) {
		range->first = (int)jv_number_value(first);
		range->last = (int)jv_number_value(last);
	}
	jv_free(first);
	jv_free(last);
	return good && range->first >= 0 && range->first <= range->last && range->last < 100000;
}

static int
get_ranges(const char *path, jv object, const char *key, struct rtta_range *ranges, int *count,
    struct rtta_err *err)
{
	jv list = jv_array();
	int rc = get_container(path, object, key, &list, err), length;

	length = jv_array_length(jv_copy(list));
	if (rc == 0 && length > RTTA_SERVICE_RANGES_MAX)
		rc = rtta_err_set(err, EX_CONFIG, "%s: %s: more than %d", path, key,
		    RTTA_SERVICE_RANGES_MAX);
	for (int i = 0; rc == 0 && i < length; i++) {
		jv item = jv_array_get(jv_copy(list), i);

		if (read_range(item, &ranges[i]))
			*count = i + 1;
		else
			rc = rtta_err_set(err, EX_CONFIG,
			    "%s: %s: neither a code nor [first, last]", path, key);
		jv_free(item);
	}
	jv_free(list);
	return rc;
}

/* A text, or a list of lines. */
static int
get_program(const char *path, jv object, char **program, struct rtta_err *err)
{
	jv value = jv_object_get(jv_copy(object), jv_string("program"));
	jv text = jv_string("");
	bool good = jv_get_kind(value) == JV_KIND_STRING;

	if (good) {
		text = jv_string_concat(text, jv_copy(value));
	} else if (jv_get_kind(value) == JV_KIND_ARRAY) {
		good = true;
		jv_array_foreach(value, i, line) {
			good = good && jv_get_kind(line) == JV_KIND_STRING;
			if (good) {
				text = jv_string_concat(text, line);
				text = jv_string_append_str(text, "\n");
			} else {
				jv_free(line);
			}
		}
	}
	jv_free(value);
	if (good)
		*program = rtta_xstrdup(jv_string_value(text));
	jv_free(text);
	return good ? 0 : rtta_err_set(err, EX_CONFIG,
	    "%s: program: missing, or neither a text nor a list of lines", path);
}

static int
get_int(const char *path, jv object, const char *key, int min, int max, int *value,
    struct rtta_err *err)
{
	int64_t number = *value;

	if (rtta_json_int(path, object, key, min, max, &number, err) < 0)
		return -1;
	*value = (int)number;
	return 0;
}

static int
get_samples_kind(const char *path, jv object, struct rtta_service *service, struct rtta_err *err)
{
	char *format = NULL;
	int rc = rtta_json_string(path, object, "sample_format", &format, err);

	service->f32 = format != NULL && strcmp(format, "f32le") == 0;
	if (rc == 0 && format != NULL && !service->f32 && strcmp(format, "s16le") != 0)
		rc = rtta_err_set(err, EX_CONFIG, "%s: sample_format: \"%.20s\": neither s16le nor f32le",
		    path, format);
	free(format);
	return rc;
}

/*
 * As services count, about: a token for each four letters of a word, or what
 * is left of them.  A letter is a character of UTF-8.
 */
static int
count_tokens(const char *text)
{
	int tokens = 0, letters = 0;

	for (; *text != '\0'; text++) {
		if (*text == ' ' || *text == '\t')
			letters = 0;
		else if ((*text & 0xc0) != 0x80 && letters++ % LETTERS_OF_TOKEN == 0)
			tokens++;
	}
	return tokens;
}

/* A variable that is a list of texts; takes list. */
static int
check_list(const char *path, const char *name, jv list, double most, struct rtta_err *err)
{
	bool good = jv_get_kind(list) == JV_KIND_ARRAY;
	int tokens = 0;

	if (good)
		jv_array_foreach(list, i, term) {
			good = good && jv_get_kind(term) == JV_KIND_STRING &&
			    jv_string_length_bytes(jv_copy(term)) > 0;
			tokens += good ? count_tokens(jv_string_value(term)) : 0;
			jv_free(term);
		}
	jv_free(list);
	if (!good)
		return rtta_err_set(err, EX_CONFIG, "%s: vars: %s: not a list of texts", path, name);
	if (tokens > most)
		return rtta_err_set(err, EX_CONFIG, "%s: vars: %s: about %d tokens, limit %.0f", path,
		    name, tokens, most);
	return 0;
}

static int
check_tokens(const struct rtta_service *service, const char *path, struct rtta_err *err)
{
	int rc = 0;

	jv_object_foreach(service->max_tokens, key, most) {
		if (jv_get_kind(most) != JV_KIND_NUMBER)
			rc = rtta_err_set(err, EX_CONFIG, "%s: max_tokens: %s: not a number", path,
			    jv_string_value(key));
		else if (rc == 0)
			rc = check_list(path, jv_string_value(key),
			    jv_object_get(jv_copy(service->vars), jv_copy(key)),
			    jv_number_value(most), err);
		jv_free(key);
		jv_free(most);
	}
	return rc;
}

static int
read_common(struct rtta_service *service, const char *path, jv object, struct rtta_err *err)
{
	if (rtta_json_string(path, object, "url", &service->url, err) < 0 ||
	    rtta_json_string(path, object, "key", &service->key_name, err) < 0 ||
	    rtta_json_string(path, object, "error_header", &service->error_header, err) < 0 ||
	    rtta_json_bool(path, object, "raw", &service->raw, err) < 0 ||
	    rtta_json_bool(path, object, "repeats", &service->repeats, err) < 0 ||
	    rtta_json_bool(path, object, "keeps", &service->keeps, err) < 0 ||
	    rtta_json_bool(path, object, "speakers_restart", &service->speakers_restart, err) < 0 ||
	    get_int(path, object, "connect_s", 1, 300, &service->connect_s, err) < 0 ||
	    get_samples_kind(path, object, service, err) < 0 ||
	    get_container(path, object, "query", &service->query, err) < 0 ||
	    get_container(path, object, "headers", &service->headers, err) < 0 ||
	    get_container(path, object, "vars", &service->vars, err) < 0 ||
	    get_container(path, object, "samples", &service->samples, err) < 0 ||
	    get_container(path, object, "max_tokens", &service->max_tokens, err) < 0 ||
	    check_tokens(service, path, err) < 0 ||
	    get_ranges(path, object, "permanent_status", service->permanent_status,
	    &service->permanent_statuses, err) < 0 ||
	    get_program(path, object, &service->program, err) < 0)
		return -1;
	if (service->url == NULL)
		return rtta_err_set(err, EX_CONFIG, "%s: url: missing", path);
	return 0;
}

static int
get_done_on_close(const char *path, jv object, struct rtta_service *service,
    struct rtta_err *err)
{
	char *when = NULL;
	int rc = rtta_json_string(path, object, "done_on_close", &when, err);

	service->done_on_close = when != NULL;
	service->done_if_settled = when != NULL && strcmp(when, "settled") == 0;
	if (rc == 0 && when != NULL && !service->done_if_settled && strcmp(when, "always") != 0)
		rc = rtta_err_set(err, EX_CONFIG, "%s: done_on_close: \"%.20s\": "
		    "neither always nor settled", path, when);
	free(when);
	return rc;
}

static int
read_websocket(struct rtta_service *service, const char *path, jv object, struct rtta_err *err)
{
	if (rtta_json_string(path, object, "protocol", &service->protocol, err) < 0 ||
	    rtta_json_bool(path, object, "ready", &service->ready, err) < 0 ||
	    get_done_on_close(path, object, service, err) < 0 ||
	    rtta_json_double(path, object, "speed", &service->speed, err) < 0 ||
	    get_int(path, object, "chunk_ms", 10, 1000, &service->chunk_ms, err) < 0 ||
	    get_int(path, object, "ping_s", 0, 3600, &service->ping_s, err) < 0 ||
	    get_int(path, object, "ready_s", 1, 300, &service->ready_s, err) < 0 ||
	    get_int(path, object, "keep_alive_s", 1, 3600, &service->keep_alive_s, err) < 0 ||
	    get_int(path, object, "end_s", 1, 300, &service->end_s, err) < 0 ||
	    get_int(path, object, "finalize_ms", 0, 60000, &service->finalize_ms, err) < 0 ||
	    get_ranges(path, object, "permanent_close", service->permanent_close,
	    &service->permanent_closes, err) < 0 ||
	    get_init(path, object, service, err) < 0 ||
	    get_message(path, object, "audio", &service->audio, err) < 0 ||
	    get_message(path, object, "keep_alive", &service->keep_alive, err) < 0 ||
	    get_message(path, object, "finalize", &service->finalize, err) < 0 ||
	    get_message(path, object, "end", &service->end, err) < 0)
		return -1;
	if (service->speed != 0 && !(service->speed >= 1 && service->speed <= 1000))
		return rtta_err_set(err, EX_CONFIG, "%s: speed: neither 0 nor 1 to 1000", path);
	if (service->end.kind == RTTA_MESSAGE_NONE)
		return rtta_err_set(err, EX_CONFIG, "%s: end: missing", path);
	return 0;
}

static int
read_http(struct rtta_service *service, const char *path, jv object, struct rtta_err *err)
{
	return rtta_json_string(path, object, "file_field", &service->file_field, err) < 0 ||
	    get_container(path, object, "fields", &service->fields, err) < 0 ||
	    get_int(path, object, "answer_s", 10, 7200, &service->answer_s, err) < 0 ? -1 : 0;
}

int
rtta_service_read(struct rtta_service *service, const char *path, jv object, bool websocket,
    struct rtta_err *err)
{
	if (read_common(service, path, object, err) < 0)
		return -1;
	return websocket ? read_websocket(service, path, object, err) :
	    read_http(service, path, object, err);
}

bool
rtta_service_permanent(const struct rtta_range *ranges, int count, int code)
{
	for (int i = 0; i < count; i++)
		if (code >= ranges[i].first && code <= ranges[i].last)
			return true;
	return false;
}

/* --- a call --- */

/* RFC 9562, version 4. */
static jv
make_uuid(void)
{
	uint64_t high = rtta_random(), low = rtta_random();

	return jv_string_fmt("%08x-%04x-4%03x-%04x-%012llx", (unsigned)(high >> 32),
	    (unsigned)(high >> 16 & 0xffff), (unsigned)(high & 0xfff),
	    (unsigned)(low >> 48 & 0x3fff) | 0x8000,
	    (unsigned long long)(low & 0xffffffffffff));
}

static int
make_url(struct rtta_call *call, const char *what, const struct rtta_service *service,
    struct rtta_err *err)
{
	char *url = rtta_template_text(what, service->url, call->vars, err), *query;
	jv filled = jv_invalid();

	if (url != NULL)
		filled = rtta_template_fill(what, jv_copy(service->query), call->vars, err);
	if (!jv_is_valid(filled)) {
		jv_free(filled);
		free(url);
		return -1;
	}
	query = rtta_template_query(filled);
	call->url = query[0] == '\0' ? rtta_xstrdup(url) :
	    rtta_xasprintf("%s%c%s", url, strchr(url, '?') != NULL ? '&' : '?', query);
	free(query);
	free(url);
	return 0;
}

static int
make_headers(struct rtta_call *call, const char *what, const struct rtta_service *service,
    struct rtta_err *err)
{
	jv filled = rtta_template_fill(what, jv_copy(service->headers), call->vars, err);
	size_t count = 0;
	int rc = 0;

	if (!jv_is_valid(filled)) {
		jv_free(filled);
		return -1;
	}
	call->headers = rtta_xcalloc(2 * (size_t)jv_object_length(jv_copy(filled)) + 1,
	    sizeof(*call->headers));
	jv_object_foreach(filled, key, value) {
		if (jv_get_kind(value) != JV_KIND_STRING ||
		    strpbrk(jv_string_value(value), "\r\n") != NULL) {
			rc = rtta_err_set(err, EX_CONFIG, "%s: headers: %s: not one line of text", what,
			    jv_string_value(key));
		} else {
			call->headers[count++] = rtta_xstrdup(jv_string_value(key));
			call->headers[count++] = rtta_xstrdup(jv_string_value(value));
		}
		jv_free(key);
		jv_free(value);
	}
	jv_free(filled);
	return rc;
}

int
rtta_call_init(struct rtta_call *call, const char *what, const struct rtta_service *service,
    uint32_t rate_hz, int channels, const char *language, struct rtta_err *err)
{
	*call = (struct rtta_call){ .vars = jv_copy(service->vars) };
	if (service->key_name != NULL &&
	    (call->key = rtta_secret_read(service->key_name, err)) == NULL)
		return -1;
	call->vars = jv_object_set(call->vars, jv_string("key"),
	    call->key != NULL ? jv_string(call->key) : jv_null());
	call->vars = jv_object_set(call->vars, jv_string("rate_hz"), jv_number(rate_hz));
	call->vars = jv_object_set(call->vars, jv_string("channels"), jv_number(channels));
	/* What is null is left out of a query: mono is asked for as ever. */
	call->vars = jv_object_set(call->vars, jv_string("multichannel"),
	    channels > 1 ? jv_true() : jv_null());
	call->vars = jv_object_set(call->vars, jv_string("language"),
	    language != NULL ? jv_string(language) : jv_null());
	call->vars = jv_object_set(call->vars, jv_string("uuid"), make_uuid());
	call->vars = jv_object_set(call->vars, jv_string("chunks"), jv_number(0));
	call->vars = jv_object_set(call->vars, jv_string("chunk"), jv_null());
	return make_url(call, what, service, err) < 0 ||
	    make_headers(call, what, service, err) < 0 ? -1 : 0;
}

void
rtta_call_done(struct rtta_call *call)
{
	jv_free(call->vars);
	call->vars = jv_invalid();
	free(call->url);
	for (size_t i = 0; call->headers != NULL && call->headers[i] != NULL; i++)
		free(call->headers[i]);
	free(call->headers);
	rtta_secret_free(call->key);
	call->url = call->key = NULL;
	call->headers = NULL;
}

int
rtta_call_message(const struct rtta_call *call, const char *what,
    const struct rtta_message *message, char **text, struct rtta_err *err)
{
	jv filled;

	*text = NULL;
	if (message->kind != RTTA_MESSAGE_TEXT && message->kind != RTTA_MESSAGE_BINARY)
		return 0;
	filled = rtta_template_fill(what, jv_copy(message->body), call->vars, err);
	if (!jv_is_valid(filled)) {
		jv_free(filled);
		return -1;
	}
	if (jv_get_kind(filled) != JV_KIND_STRING)
		filled = jv_dump_string(filled, 0);
	*text = rtta_xstrdup(jv_string_value(filled));
	jv_free(filled);
	return 0;
}

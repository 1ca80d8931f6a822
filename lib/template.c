#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "json.h"
#include "mem.h"
#include "template.h"

/* --- variables --- */

/* The length of "${name}" at text, or 0. */
static size_t
variable_length(const char *text)
{
	size_t name;

	if (text[0] != '$' || text[1] != '{')
		return 0;
	name = strspn(text + 2, "abcdefghijklmnopqrstuvwxyz0123456789_");
	return name > 0 && text[2 + name] == '}' ? name + 3 : 0;
}

static jv
variable(const char *what, const char *text, size_t length, jv vars, struct rtta_err *err)
{
	jv name = jv_string_sized(text + 2, (int)length - 3);

	if (jv_object_has(jv_copy(vars), jv_copy(name)))
		return jv_object_get(jv_copy(vars), name);
	rtta_err_set(err, EX_CONFIG, "%s: ${%s}: there is no such variable", what,
	    jv_string_value(name));
	jv_free(name);
	return jv_invalid();
}

/* Value as it stands inside of other text. */
static jv
append_value(jv text, jv value)
{
	if (jv_get_kind(value) == JV_KIND_NULL) {
		jv_free(value);
		return text;
	}
	if (jv_get_kind(value) != JV_KIND_STRING)
		value = jv_dump_string(value, 0);
	return jv_string_concat(text, value);
}

static jv
fill_string(const char *what, jv string, jv vars, struct rtta_err *err)
{
	const char *text = jv_string_value(string);
	jv out = jv_string("");

	if (variable_length(text) == strlen(text) && text[0] != '\0') {
		jv_free(out);
		out = variable(what, text, strlen(text), vars, err);
		jv_free(string);
		return out;
	}
	while (*text != '\0') {
		size_t length = variable_length(text), plain = 1;
		jv value;

		if (length == 0) {
			while (text[plain] != '\0' && text[plain] != '$')
				plain++;
			out = jv_string_append_buf(out, text, (int)plain);
			text += plain;
			continue;
		}
		value = variable(what, text, length, vars, err);
		if (!jv_is_valid(value)) {
			jv_free(value);
			jv_free(out);
			out = jv_invalid();
			break;
		}
		out = append_value(out, value);
		text += length;
	}
	jv_free(string);
	return out;
}

static jv
fill_array(const char *what, jv array, jv vars, struct rtta_err *err)
{
	jv out = jv_array();

	jv_array_foreach(array, i, item) {
		jv value = rtta_template_fill(what, item, vars, err);

		if (!jv_is_valid(value)) {
			jv_free(value);
			jv_free(out);
			out = jv_invalid();
			break;
		}
		if (jv_get_kind(value) == JV_KIND_NULL)
			jv_free(value);
		else
			out = jv_array_append(out, value);
	}
	jv_free(array);
	return out;
}

static jv
fill_object(const char *what, jv object, jv vars, struct rtta_err *err)
{
	jv out = jv_object();

	jv_object_foreach(object, key, item) {
		jv value = rtta_template_fill(what, item, vars, err);

		if (!jv_is_valid(value)) {
			jv_free(key);
			jv_free(value);
			jv_free(out);
			out = jv_invalid();
			break;
		}
		if (jv_get_kind(value) == JV_KIND_NULL) {
			jv_free(key);
			jv_free(value);
		} else {
			out = jv_object_set(out, key, value);
		}
	}
	jv_free(object);
	return out;
}

jv
rtta_template_fill(const char *what, jv value, jv vars, struct rtta_err *err)
{
	switch (jv_get_kind(value)) {
	case JV_KIND_STRING: return fill_string(what, value, vars, err);
	case JV_KIND_ARRAY: return fill_array(what, value, vars, err);
	case JV_KIND_OBJECT: return fill_object(what, value, vars, err);
	default: return value;
	}
}

char *
rtta_template_text(const char *what, const char *text, jv vars, struct rtta_err *err)
{
	jv value = rtta_template_fill(what, jv_string(text), vars, err);
	char *result = NULL;

	if (jv_is_valid(value)) {
		value = append_value(jv_string(""), value);
		result = rtta_xstrdup(jv_string_value(value));
	}
	jv_free(value);
	return result;
}

/* --- queries --- */

static jv
append_encoded(jv query, const char *text)
{
	char code[4];

	for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
		if (isalnum(*c) || strchr("-._~", *c) != NULL) {
			query = jv_string_append_buf(query, (const char *)c, 1);
			continue;
		}
		snprintf(code, sizeof(code), "%%%02X", *c);
		query = jv_string_append_str(query, code);
	}
	return query;
}

/* Takes query and value. */
static jv
append_pair(jv query, const char *key, jv value)
{
	jv text = append_value(jv_string(""), value);

	if (jv_string_length_bytes(jv_copy(query)) > 0)
		query = jv_string_append_str(query, "&");
	query = append_encoded(query, key);
	query = jv_string_append_str(query, "=");
	query = append_encoded(query, jv_string_value(text));
	jv_free(text);
	return query;
}

char *
rtta_template_query(jv object)
{
	jv keys = jv_keys(jv_copy(object)), query = jv_string("");
	char *text;

	jv_array_foreach(keys, i, key) {
		jv value = jv_object_get(jv_copy(object), jv_copy(key));

		if (jv_get_kind(value) != JV_KIND_ARRAY) {
			query = append_pair(query, jv_string_value(key), value);
		} else {
			jv_array_foreach(value, j, item)
				query = append_pair(query, jv_string_value(key), item);
			jv_free(value);
		}
		jv_free(key);
	}
	jv_free(keys);
	jv_free(object);
	text = rtta_xstrdup(jv_string_value(query));
	jv_free(query);
	return text;
}

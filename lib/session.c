#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "err.h"
#include "frame.h"
#include "json.h"
#include "random.h"
#include "session.h"

#define ID_CHARS							\
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"

/* Whole numbers up to here survive a JSON number. */
static const int64_t MAX_INT = INT64_C(1) << 53;

bool
rtta_session_id_valid(const char *id)
{
	size_t len = strspn(id, ID_CHARS);

	return len > 0 && len < RTTA_SESSION_ID_BYTES && id[len] == '\0';
}

void
rtta_session_id_new(char id[RTTA_SESSION_ID_BYTES], int64_t real_ns)
{
	time_t seconds = (time_t)(real_ns / 1000000000);
	unsigned salt = rtta_random() & 0xffff;
	struct tm tm;
	size_t len;

	gmtime_r(&seconds, &tm);
	len = strftime(id, RTTA_SESSION_ID_BYTES, "%Y%m%dT%H%M%SZ-", &tm);
	snprintf(id + len, RTTA_SESSION_ID_BYTES - len, "%04x", salt);
}

/* Text for people: what does not fit is cut off between two characters. */
static int
decode_text(const char *what, jv object, const char *key, char *text,
    size_t size, struct rtta_err *err)
{
	char *value;
	size_t len;

	text[0] = '\0';
	if (rtta_json_string(what, object, key, &value, err) < 0)
		return -1;
	if (value == NULL)
		return 0;
	len = strlen(value);
	if (len >= size)
		for (len = size - 1; len > 0 && ((unsigned char)value[len] & 0xc0) == 0x80; len--)
			;
	memcpy(text, value, len);
	text[len] = '\0';
	free(value);
	return 0;
}

static int
decode_run(const char *what, jv object, const char *key, uint64_t *run,
    struct rtta_err *err)
{
	char *text;
	int rc = -1;

	if (rtta_json_string(what, object, key, &text, err) < 0)
		return -1;
	if (text == NULL)
		rtta_err_set(err, EX_DATAERR, "%s: %s: missing", what, key);
	else if (rtta_run_parse(text, run) < 0)
		rtta_err_set(err, EX_DATAERR, "%s: %s: \"%.20s\" is not 16 lowercase hex digits",
		    what, key, text);
	else
		rc = 0;
	free(text);
	return rc;
}

static int
decode_sample(const char *what, jv object, const char *key, uint64_t *sample,
    struct rtta_err *err)
{
	int64_t value = -1;

	if (rtta_json_int(what, object, key, 0, MAX_INT, &value, err) < 0)
		return -1;
	if (value < 0)
		return rtta_err_set(err, EX_DATAERR, "%s: %s: missing", what, key);
	*sample = (uint64_t)value;
	return 0;
}

/* 1 with *pos filled, 0 when absent or null, -1. */
static int
decode_pos(const char *what, jv object, const char *key, struct rtta_pos *pos,
    struct rtta_err *err)
{
	jv value = jv_object_get(jv_copy(object), jv_string(key));
	int rc = -1;

	switch (jv_get_kind(value)) {
	case JV_KIND_INVALID:
	case JV_KIND_NULL:
		rc = 0;
		break;
	case JV_KIND_OBJECT:
		if (decode_run(what, value, "run", &pos->run, err) == 0 &&
		    decode_sample(what, value, "sample", &pos->sample, err) == 0)
			rc = 1;
		break;
	default:
		rtta_err_set(err, EX_DATAERR, "%s: %s: not a position", what, key);
		break;
	}
	jv_free(value);
	return rc;
}

static int
decode_us(const char *what, jv object, const char *key, int64_t *value_us,
    struct rtta_err *err)
{
	return rtta_json_int(what, object, key, 0, MAX_INT, value_us, err);
}

/* What cannot be read may say why: rtta_state_get(). */
static int
expect_object(const char *what, jv value, struct rtta_err *err)
{
	jv why;

	if (jv_get_kind(value) == JV_KIND_OBJECT)
		return 0;
	why = jv_get_kind(value) == JV_KIND_INVALID ?
	    jv_invalid_get_msg(jv_copy(value)) : jv_null();
	if (jv_get_kind(why) == JV_KIND_STRING)
		rtta_err_set(err, EX_DATAERR, "%s", jv_string_value(why));
	else
		rtta_err_set(err, EX_DATAERR, "%s: not a JSON object", what);
	jv_free(why);
	return -1;
}

static jv
encode_pos(struct rtta_pos pos)
{
	char run[RTTA_RUN_TEXT_BYTES];

	return JV_OBJECT(jv_string("run"), jv_string(rtta_run_format(run, pos.run)),
	    jv_string("sample"), jv_number((double)pos.sample));
}

static jv
put(jv object, const char *key, jv value)
{
	return jv_object_set(object, jv_string(key), value);
}

/* --- session_config --- */

static int
decode_config_status(struct rtta_session_config *config, jv value, struct rtta_err *err)
{
	char *status;
	int rc = 0;

	if (rtta_json_string("session_config", value, "status", &status, err) < 0)
		return -1;
	if (status != NULL && strcmp(status, "ACTIVE") == 0)
		config->active = true;
	else if (status == NULL || strcmp(status, "IDLE") != 0)
		rc = rtta_err_set(err, EX_DATAERR,
		    "session_config: status: %.20s is neither ACTIVE nor IDLE",
		    status ? status : "what is missing");
	free(status);
	return rc;
}

/* IDLE may name no session; ACTIVE must. */
static int
decode_config_id(struct rtta_session_config *config, jv value, struct rtta_err *err)
{
	char *id;
	int rc = 0;

	if (rtta_json_string("session_config", value, "session_id", &id, err) < 0)
		return -1;
	if (id != NULL && rtta_session_id_valid(id))
		strcpy(config->id, id);
	else if (config->active || (id != NULL && id[0] != '\0'))
		rc = rtta_err_set(err, EX_DATAERR,
		    "session_config: session_id: \"%.70s\" is not 1 to 64 of A-Z a-z 0-9 _ -",
		    id ? id : "");
	free(id);
	return rc;
}

/* A time of a pair: -1 when it is none.  Takes value. */
static int64_t
take_us(jv value)
{
	double us = jv_get_kind(value) == JV_KIND_NUMBER ? jv_number_value(value) : -1;

	jv_free(value);
	return us >= 0 && us <= (double)MAX_INT ? (int64_t)us : -1;
}

/* Takes span. */
static bool
decode_span(jv span, struct rtta_session_off *off)
{
	bool is_pair = jv_get_kind(span) == JV_KIND_ARRAY && jv_array_length(jv_copy(span)) == 2;

	if (is_pair) {
		off->from_us = take_us(jv_array_get(jv_copy(span), 0));
		off->to_us = take_us(jv_array_get(jv_copy(span), 1));
	}
	jv_free(span);
	return is_pair && off->from_us >= 0 && off->to_us >= 0;
}

/* [[from, to], ...]; of more than fit the newest are kept. */
static int
decode_off(struct rtta_session_config *config, jv value, struct rtta_err *err)
{
	jv list = jv_object_get(jv_copy(value), jv_string("off_record_spans"));
	int count = jv_get_kind(list) == JV_KIND_ARRAY ? jv_array_length(jv_copy(list)) : 0;
	int at = count > RTTA_SESSION_OFF_MAX ? count - RTTA_SESSION_OFF_MAX : 0;
	bool is_good = count > 0 || !jv_is_valid(list) || jv_get_kind(list) == JV_KIND_ARRAY;

	for (; at < count && is_good; at++) {
		struct rtta_session_off *off = &config->off[config->off_count++];
		jv span = jv_array_get(jv_copy(list), at);

		is_good = decode_span(span, off);
	}
	jv_free(list);
	return is_good ? 0 : rtta_err_set(err, EX_DATAERR,
	    "session_config: off_record_spans: not pairs of times");
}

static jv
encode_off(const struct rtta_session_config *config)
{
	jv list = jv_array();

	for (size_t i = 0; i < config->off_count; i++)
		list = jv_array_append(list, JV_ARRAY(jv_number((double)config->off[i].from_us),
		    jv_number((double)config->off[i].to_us)));
	return list;
}

int
rtta_session_config_decode(struct rtta_session_config *config, jv value,
    struct rtta_err *err)
{
	static const char what[] = "session_config";

	*config = (struct rtta_session_config){ .preroll_s = RTTA_SESSION_PREROLL_S };
	if (expect_object(what, value, err) < 0 ||
	    decode_config_status(config, value, err) < 0 ||
	    decode_config_id(config, value, err) < 0 ||
	    decode_text(what, value, "title", config->title, sizeof(config->title), err) < 0 ||
	    decode_us(what, value, "started_us", &config->started_us, err) < 0 ||
	    rtta_json_int(what, value, "preroll_s", 0, RTTA_SESSION_PREROLL_MAX_S,
	    &config->preroll_s, err) < 0 ||
	    rtta_json_bool(what, value, "off_record", &config->off_record, err) < 0 ||
	    decode_us(what, value, "off_record_us", &config->off_record_us, err) < 0 ||
	    decode_off(config, value, err) < 0)
		return -1;
	return 0;
}

jv
rtta_session_config_encode(const struct rtta_session_config *config)
{
	jv value = JV_OBJECT(jv_string("session_id"), jv_string(config->id),
	    jv_string("status"), jv_string(config->active ? "ACTIVE" : "IDLE"));

	if (config->title[0] != '\0')
		value = put(value, "title", jv_string(config->title));
	if (config->started_us != 0)
		value = put(value, "started_us", jv_number((double)config->started_us));
	value = put(value, "preroll_s", jv_number((double)config->preroll_s));
	if (config->off_record)
		value = put(value, "off_record", jv_true());
	if (config->off_record_us != 0)
		value = put(value, "off_record_us", jv_number((double)config->off_record_us));
	if (config->off_count > 0)
		value = put(value, "off_record_spans", encode_off(config));
	return value;
}

/* --- session.<S> --- */

static int
decode_channel_mode(struct rtta_session_info *info, jv value, struct rtta_err *err)
{
	char *mode;
	int rc = 0;

	if (rtta_json_string("session", value, "channels_as", &mode, err) < 0)
		return -1;
	if (mode != NULL && strcmp(mode, "split") == 0)
		info->split = true;
	else if (mode != NULL && strcmp(mode, "mix") != 0)
		rc = rtta_err_set(err, EX_DATAERR,
		    "session: channels_as: %.20s is neither mix nor split", mode);
	free(mode);
	return rc;
}

int
rtta_session_info_decode(struct rtta_session_info *info, jv value, struct rtta_err *err)
{
	static const char what[] = "session";
	int64_t channels = 1;

	*info = (struct rtta_session_info){0};
	if (expect_object(what, value, err) < 0 ||
	    decode_text(what, value, "title", info->title, sizeof(info->title), err) < 0 ||
	    decode_us(what, value, "started_us", &info->started_us, err) < 0 ||
	    rtta_json_int(what, value, "preroll_s", 0, MAX_INT, &info->preroll_s, err) < 0 ||
	    decode_text(what, value, "source", info->source, sizeof(info->source), err) < 0 ||
	    decode_channel_mode(info, value, err) < 0 ||
	    rtta_json_int(what, value, "channels", 1, RTTA_FRAME_MAX_CHANNELS, &channels, err) < 0)
		return -1;
	info->channels = (int)channels;
	return 0;
}

jv
rtta_session_info_encode(const struct rtta_session_info *info)
{
	return JV_OBJECT(jv_string("title"), jv_string(info->title),
	    jv_string("started_us"), jv_number((double)info->started_us),
	    jv_string("preroll_s"), jv_number((double)info->preroll_s),
	    jv_string("source"), jv_string(info->source),
	    jv_string("channels_as"), jv_string(info->split ? "split" : "mix"),
	    jv_string("channels"), jv_number(info->channels ? info->channels : 1));
}

/* --- cut.<S> and end.<S> --- */

bool
rtta_session_cut_is_above(const struct rtta_session_cut *cut, struct rtta_pos pos,
    const uint64_t *runs, size_t n_runs)
{
	return (cut->has_at && rtta_pos_before(pos, cut->at, runs, n_runs)) ||
	    (cut->has_preroll && !rtta_pos_before(cut->last, pos, runs, n_runs));
}

int
rtta_session_cut_decode(struct rtta_session_cut *cut, jv value, struct rtta_err *err)
{
	static const char what[] = "cut";
	int at, first, last;

	*cut = (struct rtta_session_cut){0};
	if (expect_object(what, value, err) < 0 ||
	    (at = decode_pos(what, value, "at", &cut->at, err)) < 0 ||
	    decode_us(what, value, "at_us", &cut->at_us, err) < 0 ||
	    (first = decode_pos(what, value, "first", &cut->first, err)) < 0 ||
	    (last = decode_pos(what, value, "last", &cut->last, err)) < 0)
		return -1;
	if (first != last)
		return rtta_err_set(err, EX_DATAERR, "cut: first and last: one without the other");
	cut->has_at = at;
	cut->has_preroll = first;
	return 0;
}

jv
rtta_session_cut_encode(const struct rtta_session_cut *cut)
{
	jv value = jv_object();

	value = put(value, "at", cut->has_at ? encode_pos(cut->at) : jv_null());
	value = put(value, "at_us", jv_number((double)cut->at_us));
	value = put(value, "first", cut->has_preroll ? encode_pos(cut->first) : jv_null());
	value = put(value, "last", cut->has_preroll ? encode_pos(cut->last) : jv_null());
	return value;
}

int
rtta_session_end_decode(struct rtta_session_end *end, jv value, struct rtta_err *err)
{
	static const char what[] = "end";
	int at;

	*end = (struct rtta_session_end){0};
	if (expect_object(what, value, err) < 0 ||
	    (at = decode_pos(what, value, "at", &end->at, err)) < 0 ||
	    decode_us(what, value, "at_us", &end->at_us, err) < 0 ||
	    decode_us(what, value, "sound_us", &end->sound_us, err) < 0)
		return -1;
	end->has_at = at;
	return 0;
}

jv
rtta_session_end_encode(const struct rtta_session_end *end)
{
	jv value = JV_OBJECT(jv_string("at"), end->has_at ? encode_pos(end->at) : jv_null(),
	    jv_string("at_us"), jv_number((double)end->at_us));

	return end->sound_us == 0 ? value :
	    jv_object_set(value, jv_string("sound_us"), jv_number((double)end->sound_us));
}

/* --- run.<S>.<n> --- */

int
rtta_session_run_decode(struct rtta_session_run *run, jv value, struct rtta_err *err)
{
	static const char what[] = "run";
	int64_t prev_next = 0, rate_hz = 0;

	*run = (struct rtta_session_run){0};
	if (expect_object(what, value, err) < 0 ||
	    decode_run(what, value, "run", &run->run, err) < 0 ||
	    decode_sample(what, value, "first", &run->first, err) < 0 ||
	    decode_us(what, value, "first_us", &run->first_us, err) < 0 ||
	    rtta_json_int(what, value, "prev_next", 0, MAX_INT, &prev_next, err) < 0 ||
	    decode_us(what, value, "prev_us", &run->prev_us, err) < 0 ||
	    rtta_json_bool(what, value, "contiguous", &run->contiguous, err) < 0 ||
	    rtta_json_int(what, value, "rate_hz", RTTA_FRAME_MIN_RATE_HZ,
	    RTTA_FRAME_MAX_RATE_HZ, &rate_hz, err) < 0)
		return -1;
	run->prev_next = (uint64_t)prev_next;
	run->rate_hz = (uint32_t)rate_hz;
	return 0;
}

jv
rtta_session_run_encode(const struct rtta_session_run *run)
{
	char text[RTTA_RUN_TEXT_BYTES];
	jv value = JV_OBJECT(jv_string("run"), jv_string(rtta_run_format(text, run->run)),
	    jv_string("first"), jv_number((double)run->first),
	    jv_string("first_us"), jv_number((double)run->first_us),
	    jv_string("prev_next"), jv_number((double)run->prev_next),
	    jv_string("prev_us"), jv_number((double)run->prev_us),
	    jv_string("contiguous"), jv_bool(run->contiguous));

	if (run->rate_hz != 0)
		value = put(value, "rate_hz", jv_number(run->rate_hz));
	return value;
}

/* --- flush.<S> --- */

int
rtta_session_flush_decode(struct rtta_session_flush *flush, jv value, struct rtta_err *err)
{
	static const char what[] = "flush";

	*flush = (struct rtta_session_flush){0};
	if (expect_object(what, value, err) < 0 ||
	    rtta_json_int(what, value, "copied_samples", 0, MAX_INT, &flush->copied_samples, err) < 0 ||
	    rtta_json_int(what, value, "holes", 0, MAX_INT, &flush->holes, err) < 0 ||
	    rtta_json_double(what, value, "short_s", &flush->short_s, err) < 0)
		return -1;
	return 0;
}

jv
rtta_session_flush_encode(const struct rtta_session_flush *flush)
{
	return JV_OBJECT(
	    jv_string("copied_samples"), jv_number((double)flush->copied_samples),
	    jv_string("holes"), jv_number((double)flush->holes),
	    jv_string("short_s"), jv_number(flush->short_s));
}

/* --- note.<S>.<tool>-<run>-<sample> --- */

int
rtta_session_note_decode(struct rtta_session_note *note, jv value, struct rtta_err *err)
{
	static const char what[] = "note";
	int from, to;

	*note = (struct rtta_session_note){0};
	if (expect_object(what, value, err) < 0 ||
	    (from = decode_pos(what, value, "from", &note->from, err)) < 0 ||
	    (to = decode_pos(what, value, "to", &note->to, err)) < 0 ||
	    decode_us(what, value, "from_us", &note->from_us, err) < 0 ||
	    decode_us(what, value, "to_us", &note->to_us, err) < 0 ||
	    decode_text(what, value, "reason", note->reason, sizeof(note->reason), err) < 0)
		return -1;
	if (from == 0)
		return rtta_err_set(err, EX_DATAERR, "note: from: missing");
	if (to == 0)
		note->to = note->from;
	if (note->reason[0] == '\0')
		return rtta_err_set(err, EX_DATAERR, "note: reason: missing");
	return 0;
}

jv
rtta_session_note_encode(const struct rtta_session_note *note)
{
	return JV_OBJECT(jv_string("from"), encode_pos(note->from),
	    jv_string("to"), encode_pos(note->to),
	    jv_string("from_us"), jv_number((double)note->from_us),
	    jv_string("to_us"), jv_number((double)note->to_us),
	    jv_string("reason"), jv_string(note->reason));
}

/* --- keys --- */

char *
rtta_session_key(char key[RTTA_SESSION_KEY_BYTES], const char *what, const char *id)
{
	snprintf(key, RTTA_SESSION_KEY_BYTES, "%s.%s", what, id);
	return key;
}

char *
rtta_session_run_key(char key[RTTA_SESSION_KEY_BYTES], const char *id, unsigned n)
{
	snprintf(key, RTTA_SESSION_KEY_BYTES, "run.%s.%u", id, n);
	return key;
}

char *
rtta_session_note_key(char key[RTTA_SESSION_KEY_BYTES], const char *id,
    const char *tool, struct rtta_pos at)
{
	snprintf(key, RTTA_SESSION_KEY_BYTES, "note.%s.%s-%016" PRIx64 "-%" PRIu64,
	    id, tool, at.run, at.sample);
	return key;
}

/* What each kind of key has behind the session. */
static bool
rest_fits(const char *what, const char *rest)
{
	if (strcmp(what, "run") == 0)
		return rest[0] != '\0' && rest[strspn(rest, "0123456789")] == '\0' &&
		    strlen(rest) < 7;
	if (strcmp(what, "note") == 0)
		return rest[0] != '\0';
	return rest[0] == '\0' && (strcmp(what, "session") == 0 ||
	    strcmp(what, "cut") == 0 || strcmp(what, "end") == 0 ||
	    strcmp(what, "flush") == 0);
}

int
rtta_session_key_parse(const char *key, char what[16], char id[RTTA_SESSION_ID_BYTES],
    const char **rest)
{
	size_t what_len = strcspn(key, "."), id_len;
	const char *at;

	if (key[what_len] == '\0' || what_len >= 16 ||
	    strncmp(key, RTTA_SESSION_DELETED, strlen(RTTA_SESSION_DELETED)) == 0)
		return -1;
	at = key + what_len + 1;
	id_len = strcspn(at, ".");
	if (id_len >= RTTA_SESSION_ID_BYTES)
		return -1;
	memcpy(what, key, what_len);
	what[what_len] = '\0';
	memcpy(id, at, id_len);
	id[id_len] = '\0';
	*rest = at[id_len] == '\0' ? at + id_len : at + id_len + 1;
	if (at[id_len] == '.' && **rest == '\0')
		return -1;
	return rtta_session_id_valid(id) && rest_fits(what, *rest) ? 0 : -1;
}

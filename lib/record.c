#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus.h"
#include "clock.h"
#include "err.h"
#include "headers.h"
#include "json.h"
#include "jtext.h"
#include "mem.h"
#include "record.h"

static const char raw_prefix[] = "transcript.raw.";
static const char interim_prefix[] = "transcript.interim.";
static const char *const type_names[] = {
	[RTTA_RECORD_TEXT] = "text",
	[RTTA_RECORD_SILENCE] = "silence",
	[RTTA_RECORD_GAP] = "gap",
};

enum {
	SUBJECT_BYTES = 20 + RTTA_SESSION_ID_BYTES,
	ID_BYTES = RTTA_SESSION_ID_BYTES + 128,
	MAX_CHANNEL = 255
};

void
rtta_record_init(struct rtta_record *record)
{
	*record = (struct rtta_record){
		.is_final = true,
		.rev = 1,
		.channel = -1,
		.confidence = NAN,
		.text = rtta_xstrdup(""),
		.words = jv_invalid(),
	};
}

void
rtta_record_done(struct rtta_record *record)
{
	free(record->text);
	free(record->engine);
	free(record->speaker);
	free(record->language);
	free(record->reason);
	free(record->packed_words);
	jv_free(record->words);
	*record = (struct rtta_record){ .words = jv_invalid() };
}

static char *
copy_or_null(const char *text)
{
	return text != NULL ? rtta_xstrdup(text) : NULL;
}

void
rtta_record_copy(struct rtta_record *to, const struct rtta_record *from)
{
	*to = *from;
	to->text = rtta_xstrdup(from->text);
	to->engine = copy_or_null(from->engine);
	to->speaker = copy_or_null(from->speaker);
	to->language = copy_or_null(from->language);
	to->reason = copy_or_null(from->reason);
	to->words = jv_copy(from->words);
	to->packed_words = copy_or_null(from->packed_words);
}

void
rtta_record_pack(struct rtta_record *record)
{
	if (jv_get_kind(record->words) != JV_KIND_ARRAY)
		return;
	record->packed_words = rtta_json_text(record->words, false);
	record->words = jv_invalid();
}

jv
rtta_record_words(const struct rtta_record *record)
{
	return record->packed_words != NULL ? jv_parse(record->packed_words)
	    : jv_copy(record->words);
}

static const char *
lane_name(const struct rtta_record *record)
{
	return record->backfill ? "backfill" : "live";
}

/*
 * Text from outside as clean UTF-8: libjq puts U+FFFD where it is not, and
 * control characters become blanks, line ends too unless lines is set.
 */
static char *
clean_text(const char *bytes, size_t len, bool lines)
{
	char *text;

	if (rtta_json_is_utf8(bytes, len)) {
		text = rtta_xreallocarray(NULL, len + 1, 1);
		memcpy(text, bytes, len);
		text[len] = '\0';
	} else {
		jv value = jv_string_sized(bytes, (int)len);

		len = (size_t)jv_string_length_bytes(jv_copy(value));
		text = rtta_xmemdup(jv_string_value(value), len + 1);
		jv_free(value);
	}
	for (size_t i = 0; i < len; i++)
		if (((unsigned char)text[i] < ' ' && !(lines && text[i] == '\n')) || text[i] == 0x7f)
			text[i] = ' ';
	return text;
}

/* --- encode --- */

static void
set_text(natsMsg *msg, const char *name, const char *value)
{
	char *text;
	size_t len;

	if (value == NULL || value[0] == '\0')
		return;
	text = clean_text(value, strlen(value), false);
	len = strlen(text);
	if (len > RTTA_RECORD_HEADER_MAX_BYTES)
		for (len = RTTA_RECORD_HEADER_MAX_BYTES;
		    ((unsigned char)text[len] & 0xc0) == 0x80; len--)
			;
	text[len] = '\0';
	rtta_msg_header(msg, name, text);
	free(text);
}

static void
set_number(natsMsg *msg, const char *name, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	rtta_msg_header(msg, name, text);
}

static void
set_time(natsMsg *msg, const char *name, int64_t real_ns)
{
	char text[RTTA_CLOCK_TEXT_BYTES];

	rtta_msg_header(msg, name, rtta_clock_format(text, real_ns));
}

static void
set_span(natsMsg *msg, const struct rtta_span *span)
{
	char run[RTTA_RUN_TEXT_BYTES];

	rtta_msg_header(msg, "run", rtta_run_format(run, span->run));
	set_number(msg, "first", span->first);
	set_number(msg, "last", span->last);
}

static void
set_words(natsMsg *msg, jv words)
{
	char *text;

	if (jv_get_kind(words) != JV_KIND_ARRAY)
		return;
	text = rtta_json_text(jv_copy(words), true);
	if (strlen(text) <= RTTA_RECORD_WORDS_MAX_BYTES)
		rtta_msg_header(msg, "words", text);
	free(text);
}

static void
set_id(natsMsg *msg, const struct rtta_record *record, unsigned attempt)
{
	char id[ID_BYTES], channel[8] = "";

	if (record->channel >= 0)
		snprintf(channel, sizeof(channel), "c%d/", record->channel & MAX_CHANNEL);
	snprintf(id, sizeof(id), "%s/rec/%s/%d/%016" PRIx64 "/%" PRIu64 "-%" PRIu64 "/%s%u",
	    record->session, lane_name(record), record->rev, record->span.run,
	    record->span.first, record->span.last, channel, attempt);
	rtta_msg_header(msg, "Nats-Msg-Id", id);
}

natsMsg *
rtta_record_encode(const struct rtta_record *record, unsigned attempt)
{
	char subject[SUBJECT_BYTES], number[32];
	char *text = clean_text(record->text, strlen(record->text), true);
	size_t bytes = strlen(text);
	natsMsg *msg = NULL;

	if (bytes > RTTA_RECORD_TEXT_MAX_BYTES)
		goto out;
	snprintf(subject, sizeof(subject), "%s%s",
	    record->is_final ? raw_prefix : interim_prefix, record->session);
	msg = rtta_msg_new(subject, text, (int)bytes);
	if (record->is_final)
		set_id(msg, record, attempt);
	set_time(msg, "timestamp", record->start_ns);
	set_time(msg, "end", record->end_ns);
	rtta_msg_header(msg, "is_final", record->is_final ? "true" : "false");
	rtta_msg_header(msg, "type", type_names[record->type]);
	rtta_msg_header(msg, "lane", lane_name(record));
	set_span(msg, &record->span);
	set_number(msg, "rev", (uint64_t)record->rev);
	if (record->channel >= 0)
		set_number(msg, "channel", (uint64_t)record->channel);
	if (isfinite(record->confidence)) {
		snprintf(number, sizeof(number), "%.6g", record->confidence);
		rtta_msg_header(msg, "confidence", number);
	}
	set_text(msg, "engine", record->engine);
	set_text(msg, "speaker", record->speaker);
	set_text(msg, "language", record->language);
	set_text(msg, "reason", record->reason);
	set_words(msg, record->words);
out:
	free(text);
	return msg;
}

/* --- decode --- */

static int
decode_subject(struct rtta_record *record, const struct rtta_headers *in)
{
	int rc = rtta_headers_session(in, raw_prefix, record->session);

	if (rc == 0)
		rc = rtta_headers_session(in, interim_prefix, record->session);
	if (rc == 0)
		return rtta_headers_broken(in, "subject", "no text travels on it");
	return rc < 0 ? -1 : 0;
}

static int
decode_payload(struct rtta_record *record, const struct rtta_headers *in)
{
	int bytes = natsMsg_GetDataLength(in->msg);
	char *text;

	if (bytes > RTTA_RECORD_TEXT_MAX_BYTES)
		return rtta_headers_broken(in, "payload", "above 60000 bytes");
	text = clean_text(bytes > 0 ? natsMsg_GetData(in->msg) : "", (size_t)bytes, true);
	free(record->text);
	record->text = text;
	return 0;
}

/* "true" unless it says otherwise: the subject tells interim text too. */
static int
decode_is_final(struct rtta_record *record, const struct rtta_headers *in)
{
	record->is_final = strncmp(natsMsg_GetSubject(in->msg), raw_prefix,
	    strlen(raw_prefix)) == 0;
	return rtta_headers_bool(in, "is_final", &record->is_final) < 0 ? -1 : 0;
}

static int
decode_type(struct rtta_record *record, const struct rtta_headers *in)
{
	const char *value = rtta_header(in->msg, "type");

	record->type = RTTA_RECORD_TEXT;
	if (value == NULL)
		return 0;
	for (int type = RTTA_RECORD_TEXT; type <= RTTA_RECORD_GAP; type++)
		if (strcmp(value, type_names[type]) == 0) {
			record->type = (enum rtta_record_type)type;
			return 0;
		}
	return rtta_headers_broken(in, "type", "neither text, silence nor gap");
}

static int
decode_lane(struct rtta_record *record, const struct rtta_headers *in)
{
	const char *value = rtta_header(in->msg, "lane");

	record->backfill = value != NULL && strcmp(value, "backfill") == 0;
	if (value != NULL && !record->backfill && strcmp(value, "live") != 0)
		return rtta_headers_broken(in, "lane", "neither live nor backfill");
	return 0;
}

static int
decode_span(struct rtta_record *record, const struct rtta_headers *in)
{
	struct rtta_span *span = &record->span;

	if (rtta_headers_run(in, &span->run) < 0)
		return -1;
	if (rtta_header(in->msg, "first") == NULL)
		return rtta_headers_broken(in, "first", "missing");
	if (rtta_header(in->msg, "last") == NULL)
		return rtta_headers_broken(in, "last", "missing");
	if (rtta_headers_number(in, "first", 0, RTTA_SAMPLE_MAX, &span->first) < 0 ||
	    rtta_headers_number(in, "last", 0, RTTA_SAMPLE_MAX, &span->last) < 0)
		return -1;
	if (span->last < span->first)
		return rtta_headers_broken(in, "last", "before first");
	return 0;
}

static int
decode_times(struct rtta_record *record, const struct rtta_headers *in)
{
	int rc = rtta_headers_time(in, "timestamp", &record->start_ns);

	if (rc == 0)
		return rtta_headers_broken(in, "timestamp", "missing");
	record->end_ns = record->start_ns;
	return rc < 0 || rtta_headers_time(in, "end", &record->end_ns) < 0 ? -1 : 0;
}

/* Somebody else's text: timed by itself where it can, else by the stream. */
static int
decode_foreign(struct rtta_record *record, const struct rtta_headers *in)
{
	const char *start = rtta_header(in->msg, "timestamp");
	const char *final = rtta_header(in->msg, "is_final");

	record->foreign = true;
	record->is_final = final == NULL || strcasecmp(final, "false") != 0;
	record->start_ns = in->meta.stored_ns;
	if (start != NULL)
		rtta_clock_parse(start, &record->start_ns);
	record->end_ns = record->start_ns;
	return 0;
}

static char *
decode_text(const struct rtta_headers *in, const char *name)
{
	const char *value = rtta_header(in->msg, name);
	size_t len;

	if (value == NULL || value[0] == '\0')
		return NULL;
	len = strnlen(value, RTTA_RECORD_HEADER_MAX_BYTES);
	return clean_text(value, len, false);
}

/* One word: its text, and sample numbers that are not the wrong way round. */
static bool
word_fits(jv word)
{
	struct rtta_err ignored = {0};
	int64_t first = -1, last = -1;
	char *text = NULL;
	bool fits;

	fits = jv_get_kind(word) == JV_KIND_OBJECT &&
	    rtta_json_string("words", word, "word", &text, &ignored) == 0 && text != NULL &&
	    rtta_json_int("words", word, "first", 0, (int64_t)RTTA_SAMPLE_MAX, &first, &ignored) == 0 &&
	    rtta_json_int("words", word, "last", 0, (int64_t)RTTA_SAMPLE_MAX, &last, &ignored) == 0 &&
	    first >= 0 && first <= last;
	free(text);
	return fits;
}

static int
decode_words(struct rtta_record *record, const struct rtta_headers *in)
{
	const char *text = rtta_header(in->msg, "words");
	struct rtta_err ignored = {0};
	bool fits;
	jv words;

	if (text == NULL)
		return 0;
	if (strlen(text) > 2 * RTTA_RECORD_WORDS_MAX_BYTES)
		return rtta_headers_broken(in, "words", "above 120000 bytes");
	words = rtta_json_array("words", text, strlen(text),
	    2 * RTTA_RECORD_WORDS_MAX_BYTES, &ignored);
	fits = jv_get_kind(words) == JV_KIND_ARRAY;
	if (fits)
		jv_array_foreach(words, i, word) {
			fits = fits && word_fits(word);
			jv_free(word);
		}
	if (fits)
		record->words = words;
	else
		jv_free(words);
	return fits ? 0 : rtta_headers_broken(in, "words", "not an array of {word, first, last}");
}

static int
decode_ours(struct rtta_record *record, const struct rtta_headers *in)
{
	const char *confidence = rtta_header(in->msg, "confidence");
	uint64_t rev = 1, channel = UINT64_MAX;
	char *end;

	if (decode_is_final(record, in) < 0 || decode_type(record, in) < 0 ||
	    decode_lane(record, in) < 0 || decode_span(record, in) < 0 ||
	    decode_times(record, in) < 0 ||
	    rtta_headers_number(in, "rev", 1, RTTA_HEADERS_MAX_REV, &rev) < 0 ||
	    rtta_headers_number(in, "channel", 0, MAX_CHANNEL, &channel) < 0 ||
	    decode_words(record, in) < 0)
		return -1;
	record->rev = (int)rev;
	record->channel = channel == UINT64_MAX ? -1 : (int)channel;
	if (confidence != NULL) {
		record->confidence = strtod(confidence, &end);
		if (end == confidence || *end != '\0' || !isfinite(record->confidence))
			return rtta_headers_broken(in, "confidence", "no number");
	}
	record->engine = decode_text(in, "engine");
	record->speaker = decode_text(in, "speaker");
	record->language = decode_text(in, "language");
	record->reason = decode_text(in, "reason");
	return 0;
}

int
rtta_record_decode(struct rtta_record *record, natsMsg *msg, struct rtta_err *err)
{
	struct rtta_headers in = rtta_headers_of(msg, err);
	bool foreign = rtta_header(msg, "run") == NULL && rtta_header(msg, "first") == NULL;

	rtta_record_done(record);
	rtta_record_init(record);
	record->seq = in.meta.stream_seq;
	record->stored_ns = in.meta.stored_ns;
	if (decode_subject(record, &in) < 0 || decode_payload(record, &in) < 0 ||
	    (foreign ? decode_foreign(record, &in) : decode_ours(record, &in)) < 0)
		return -1;
	return 0;
}

/* --- JSON --- */

/* `,"name":`, or what opens the object. */
static void
put_name(struct rtta_jtext *out, const char *name)
{
	rtta_jtext_raw(out, name, strlen(name));
}

static void
put_text(struct rtta_jtext *out, const char *name, const char *text)
{
	if (text == NULL)
		return;
	put_name(out, name);
	rtta_jtext_string(out, text);
}

/* Text that stands for itself in JSON: ids, numbers, names of ours. */
static void
put_plain(struct rtta_jtext *out, const char *name, const char *text)
{
	put_name(out, name);
	rtta_jtext_raw(out, "\"", 1);
	rtta_jtext_raw(out, text, strlen(text));
	rtta_jtext_raw(out, "\"", 1);
}

static void
put_number(struct rtta_jtext *out, const char *name, uint64_t number)
{
	put_name(out, name);
	rtta_jtext_whole(out, number);
}

static void
put_time(struct rtta_jtext *out, const char *name, int64_t real_ns)
{
	char text[RTTA_CLOCK_TEXT_BYTES];

	put_plain(out, name, rtta_clock_format(text, real_ns));
}

static void
put_span(struct rtta_jtext *out, const struct rtta_span *span)
{
	char run[RTTA_RUN_TEXT_BYTES];

	put_plain(out, ",\"run\":", rtta_run_format(run, span->run));
	put_number(out, ",\"first\":", span->first);
	put_number(out, ",\"last\":", span->last);
}

void
rtta_record_json(const struct rtta_record *record, struct rtta_jtext *out)
{
	put_text(out, "{\"text\":", record->text);
	put_time(out, ",\"timestamp\":", record->start_ns);
	put_name(out, record->is_final ? ",\"is_final\":true" : ",\"is_final\":false");
	put_plain(out, ",\"type\":", type_names[record->type]);
	put_plain(out, ",\"lane\":", lane_name(record));
	if (record->seq != 0)
		put_number(out, ",\"seq\":", record->seq);
	put_time(out, ",\"end\":", record->end_ns);
	if (record->stored_ns != 0)
		put_time(out, ",\"stored\":", record->stored_ns);
	put_plain(out, ",\"session\":", record->session);
	if (!record->foreign)
		put_span(out, &record->span);
	put_number(out, ",\"rev\":", (uint64_t)record->rev);
	if (record->channel >= 0)
		put_number(out, ",\"channel\":", (uint64_t)record->channel);
	if (isfinite(record->confidence)) {
		put_name(out, ",\"confidence\":");
		rtta_jtext_value(out, jv_number(record->confidence));
	}
	put_text(out, ",\"engine\":", record->engine);
	put_text(out, ",\"speaker\":", record->speaker);
	put_text(out, ",\"language\":", record->language);
	put_text(out, ",\"reason\":", record->reason);
	if (record->packed_words != NULL) {
		put_name(out, ",\"words\":");
		put_name(out, record->packed_words);
	} else if (jv_get_kind(record->words) == JV_KIND_ARRAY) {
		put_name(out, ",\"words\":");
		rtta_jtext_value(out, jv_copy(record->words));
	}
	put_name(out, "}");
}

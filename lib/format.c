#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "err.h"
#include "format.h"
#include "json.h"
#include "mem.h"
#include "transcript.h"

enum {
	LINE_CHARS = 42,          /* of a subtitle, and two lines of it */
	CUE_MIN_MS = 700,         /* what an overlapped cue keeps at least */
	PAUSE_MS = 2000,          /* ends a paragraph, and a cue */
	PARAGRAPH_MS = 30000,     /* ends it at the next end of a sentence */
	LABEL_BYTES = 24          /* "channel N" */
};
static const int64_t NS_PER_MS = 1000000;

static const struct {
	const char *name, *mime;
} formats[] = {
	[RTTA_FORMAT_TXT] = { "txt", "text/plain; charset=utf-8" },
	[RTTA_FORMAT_SRT] = { "srt", "application/x-subrip; charset=utf-8" },
	[RTTA_FORMAT_VTT] = { "vtt", "text/vtt; charset=utf-8" },
	[RTTA_FORMAT_JSONL] = { "jsonl", "application/jsonl; charset=utf-8" },
	[RTTA_FORMAT_CTM] = { "ctm", "text/plain; charset=utf-8" },
};

int
rtta_format_parse(const char *name, enum rtta_format *format)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (strcmp(formats[i].name, name) == 0) {
			*format = (enum rtta_format)i;
			return 0;
		}
	return -1;
}

const char *
rtta_format_mime(enum rtta_format format)
{
	return formats[format].mime;
}

/* --- words --- */

/* A piece of a record's text that is not divided; borrowed from it. */
struct token {
	const char *text;
	size_t bytes, chars;
	int64_t from_ns, to_ns;
	double confidence;        /* NAN: not known */
};

struct tokens {
	struct token *token;
	size_t count, room;
	size_t chars;
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/* The bytes of at most max_chars characters up to a blank, and how many. */
static size_t
token_bytes(const char *text, size_t max_chars, size_t *chars)
{
	size_t i;

	*chars = 0;
	for (i = 0; text[i] != '\0' && !is_blank(text[i]); i++) {
		if (((unsigned char)text[i] & 0xc0) != 0x80 && (*chars)++ == max_chars) {
			(*chars)--;
			break;
		}
	}
	return i;
}

/* Words longer than max_chars are cut, as there is nowhere else to. */
static void
add_tokens(struct tokens *tokens, const char *text, size_t max_chars)
{
	struct token token = { .confidence = NAN };

	for (;; text += token.bytes) {
		while (is_blank(*text))
			text++;
		if (*text == '\0')
			return;
		token.text = text;
		token.bytes = token_bytes(text, max_chars, &token.chars);
		if (tokens->count == tokens->room) {
			tokens->room = tokens->room ? tokens->room * 2 : 32;
			tokens->token = rtta_xreallocarray(tokens->token, tokens->room,
			    sizeof(*tokens->token));
		}
		tokens->token[tokens->count++] = token;
		tokens->chars += token.chars;
	}
}

/* A field of a word: its number, or NAN. */
static double
word_number(jv word, const char *key)
{
	jv value = jv_object_get(jv_copy(word), jv_string(key));
	double number = jv_get_kind(value) == JV_KIND_NUMBER ? jv_number_value(value) : NAN;

	jv_free(value);
	return number;
}

/* Times of the words where the record has as many as its text. */
static bool
time_by_words(struct tokens *tokens, const struct rtta_transcript *transcript,
    const struct rtta_record *record)
{
	if (jv_get_kind(record->words) != JV_KIND_ARRAY ||
	    (size_t)jv_array_length(jv_copy(record->words)) != tokens->count)
		return false;
	for (size_t i = 0; i < tokens->count; i++) {
		jv word = jv_array_get(jv_copy(record->words), (int)i);
		double first = word_number(word, "first"), last = word_number(word, "last");
		struct token *token = &tokens->token[i];

		token->from_ns = rtta_transcript_when_sample(transcript, record,
		    first >= 0 ? (uint64_t)first : record->span.first);
		token->to_ns = rtta_transcript_when_sample(transcript, record,
		    last >= 0 ? (uint64_t)last : record->span.last);
		token->confidence = word_number(word, "confidence");
		jv_free(word);
	}
	return true;
}

/* For display only: by characters, or one word as long as the other. */
static void
time_evenly(struct tokens *tokens, const struct rtta_transcript *transcript,
    const struct rtta_record *record, bool by_chars)
{
	double done = 0, all = (double)(by_chars ? tokens->chars : tokens->count);
	int64_t from_ns, to_ns;

	rtta_transcript_when(transcript, record, &from_ns, &to_ns);
	for (size_t i = 0; i < tokens->count; i++) {
		struct token *token = &tokens->token[i];

		token->from_ns = from_ns + (int64_t)((double)(to_ns - from_ns) * done / all);
		done += by_chars ? (double)token->chars : 1;
		token->to_ns = from_ns + (int64_t)((double)(to_ns - from_ns) * done / all);
	}
}

static bool
is_sentence_end(const char *text)
{
	static const char *const ends[] = {
		".", "!", "?", ".\"", "!\"", "?\"", "\u2026", "\u3002", "\uff01", "\uff1f"
	};
	size_t len = strlen(text);

	while (len > 0 && is_blank(text[len - 1]))
		len--;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		size_t end_len = strlen(ends[i]);

		if (len >= end_len && memcmp(text + len - end_len, ends[i], end_len) == 0)
			return true;
	}
	return false;
}

/* Who speaks, for people: a speaker, or a channel of a split session. */
static const char *
label_of(const struct rtta_record *record, char buffer[LABEL_BYTES])
{
	if (record->speaker != NULL)
		return record->speaker;
	if (record->channel < 0)
		return "";
	snprintf(buffer, LABEL_BYTES, "channel %d", record->channel);
	return buffer;
}

/* --- txt --- */

struct paragraph {
	bool open;
	int64_t start_ns, end_ns;
	bool backfill, sentence_ended;
	char label[RTTA_RECORD_HEADER_MAX_BYTES * 3 + 1];
};

static void
put_clock(FILE *out, int64_t real_ns)
{
	time_t seconds = (time_t)(real_ns / 1000000000);
	struct tm tm;

	localtime_r(&seconds, &tm);
	fprintf(out, "%02d:%02d:%02d", tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static bool
goes_on(const struct paragraph *paragraph, const struct rtta_record *record,
    const char *label)
{
	return paragraph->open &&
	    record->start_ns - paragraph->end_ns <= PAUSE_MS * NS_PER_MS &&
	    record->backfill == paragraph->backfill &&
	    strcmp(label, paragraph->label) == 0 &&
	    !(paragraph->sentence_ended &&
	    record->start_ns - paragraph->start_ns >= PARAGRAPH_MS * NS_PER_MS);
}

/* One after the other, with a blank between them. */
static void
put_tokens(FILE *out, const char *text)
{
	struct tokens tokens = {0};

	add_tokens(&tokens, text, SIZE_MAX);
	for (size_t i = 0; i < tokens.count; i++)
		fprintf(out, "%s%.*s", i ? " " : "", (int)tokens.token[i].bytes,
		    tokens.token[i].text);
	free(tokens.token);
}

static void
put_text(FILE *out, struct paragraph *paragraph, const struct rtta_record *record,
    bool times, bool *first)
{
	char buffer[LABEL_BYTES];
	const char *label = label_of(record, buffer);

	if (goes_on(paragraph, record, label)) {
		fputc(' ', out);
	} else {
		if (paragraph->open)
			fputc('\n', out);
		if (!*first)
			fputc('\n', out);
		if (times) {
			fputc('[', out);
			put_clock(out, record->start_ns);
			fputs("] ", out);
		}
		if (label[0] != '\0')
			fprintf(out, "%s: ", label);
		paragraph->start_ns = record->start_ns;
		paragraph->backfill = record->backfill;
		snprintf(paragraph->label, sizeof(paragraph->label), "%s", label);
	}
	put_tokens(out, record->text);
	paragraph->open = true;
	paragraph->end_ns = record->end_ns;
	paragraph->sentence_ended = is_sentence_end(record->text);
	*first = false;
}

static void
put_gap(FILE *out, struct paragraph *paragraph, const struct rtta_record *record,
    bool *first)
{
	if (paragraph->open)
		fputc('\n', out);
	if (!*first)
		fputc('\n', out);
	fputs("[gap ", out);
	put_clock(out, record->start_ns);
	fputs(" to ", out);
	put_clock(out, record->end_ns);
	fprintf(out, "%s%s]\n", record->reason ? ": " : "", record->reason ? record->reason : "");
	paragraph->open = false;
	*first = false;
}

static bool
has_text(const struct rtta_record *record)
{
	return record->type == RTTA_RECORD_TEXT &&
	    record->text[strspn(record->text, " \n\t\r")] != '\0';
}

static void
write_txt(FILE *out, const struct rtta_transcript *transcript, bool times)
{
	struct paragraph paragraph = {0};
	const struct rtta_record *record;
	bool first = true;

	for (size_t i = 0; (record = rtta_transcript_at(transcript, i)) != NULL; i++)
		if (has_text(record))
			put_text(out, &paragraph, record, times, &first);
		else if (record->type == RTTA_RECORD_GAP)
			put_gap(out, &paragraph, record, &first);
	if (paragraph.open)
		fputc('\n', out);
}

/* --- srt and vtt --- */

struct cue {
	int64_t from_ms, to_ms;
	size_t number;            /* keeps the order of equals */
	bool is_gap;
	const struct rtta_record *record;
	char *text;               /* lines, each of LINE_CHARS at most */
};

struct cues {
	struct cue *cue;
	size_t count, room;
};

static struct cue *
add_cue(struct cues *cues, const struct rtta_record *record)
{
	struct cue *cue;

	if (cues->count == cues->room) {
		cues->room = cues->room ? cues->room * 2 : 64;
		cues->cue = rtta_xreallocarray(cues->cue, cues->room, sizeof(*cues->cue));
	}
	cue = &cues->cue[cues->count];
	*cue = (struct cue){ .record = record, .number = cues->count };
	cues->count++;
	return cue;
}

/*
 * How many tokens fit into one cue: two lines, and no pause.  Where the
 * second line begins: *second, or 0.
 */
static size_t
fit_cue(const struct token *token, size_t count, size_t *second)
{
	size_t chars = token[0].chars, i;

	*second = 0;
	for (i = 1; i < count; i++) {
		if (token[i].from_ns - token[i - 1].to_ns > PAUSE_MS * NS_PER_MS)
			return i;
		chars += 1 + token[i].chars;
		if (chars <= LINE_CHARS)
			continue;
		if (*second != 0)
			return i;
		*second = i;
		chars = token[i].chars;
	}
	return i;
}

static char *
join_tokens(const struct token *token, size_t count, size_t second)
{
	size_t bytes = 1, i;
	char *text, *at;

	for (i = 0; i < count; i++)
		bytes += token[i].bytes + 1;
	at = text = rtta_xcalloc(1, bytes);
	for (i = 0; i < count; i++) {
		if (i > 0)
			*at++ = i == second ? '\n' : ' ';
		memcpy(at, token[i].text, token[i].bytes);
		at += token[i].bytes;
	}
	return text;
}

/* Put the label in front of the record's words, with no time of its own. */
static void
prepend(struct tokens *tokens, const struct tokens *label)
{
	struct token *all = rtta_xcalloc(tokens->count + label->count, sizeof(*all));

	for (size_t i = 0; i < label->count; i++) {
		all[i] = label->token[i];
		all[i].from_ns = all[i].to_ns = tokens->token[0].from_ns;
	}
	memcpy(all + label->count, tokens->token, tokens->count * sizeof(*all));
	free(tokens->token);
	tokens->token = all;
	tokens->count += label->count;
}

static void
add_text_cues(struct cues *cues, const struct rtta_transcript *transcript,
    const struct rtta_record *record, const char *label)
{
	struct tokens tokens = {0}, label_tokens = {0};
	size_t i, used, second;

	add_tokens(&tokens, record->text, LINE_CHARS);
	if (!time_by_words(&tokens, transcript, record))
		time_evenly(&tokens, transcript, record, true);
	add_tokens(&label_tokens, label, LINE_CHARS);
	if (label_tokens.count > 0)
		prepend(&tokens, &label_tokens);
	for (i = 0; i < tokens.count; i += used) {
		struct cue *cue = add_cue(cues, record);

		used = fit_cue(tokens.token + i, tokens.count - i, &second);
		cue->text = join_tokens(tokens.token + i, used, second);
		cue->from_ms = tokens.token[i].from_ns / NS_PER_MS;
		cue->to_ms = tokens.token[i + used - 1].to_ns / NS_PER_MS;
	}
	free(label_tokens.token);
	free(tokens.token);
}

static void
add_gap_cue(struct cues *cues, const struct rtta_transcript *transcript,
    const struct rtta_record *record)
{
	struct cue *cue = add_cue(cues, record);
	int64_t from_ns, to_ns;

	rtta_transcript_when(transcript, record, &from_ns, &to_ns);
	cue->from_ms = from_ns / NS_PER_MS;
	cue->to_ms = to_ns / NS_PER_MS;
	cue->is_gap = true;
	cue->text = record->reason != NULL ? rtta_xasprintf("[gap: %s]", record->reason) :
	    rtta_xstrdup("[gap]");
}

static int
compare_cues(const void *a_, const void *b_)
{
	const struct cue *a = a_, *b = b_;

	if (a->from_ms != b->from_ms)
		return a->from_ms < b->from_ms ? -1 : 1;
	return a->number < b->number ? -1 : a->number > b->number;
}

/* A player shows one at a time: the earlier one ends, or the later waits. */
static void
part_cues(struct cues *cues, bool gaps_too)
{
	struct cue *before = NULL;

	if (cues->count > 0)
		qsort(cues->cue, cues->count, sizeof(*cues->cue), compare_cues);
	for (size_t i = 0; i < cues->count; i++) {
		struct cue *cue = &cues->cue[i];

		if (cue->is_gap && !gaps_too)
			continue;
		if (before != NULL && cue->from_ms < before->to_ms) {
			if (cue->from_ms - before->from_ms >= CUE_MIN_MS)
				before->to_ms = cue->from_ms;
			else
				cue->from_ms = before->to_ms;
		}
		if (cue->to_ms <= cue->from_ms)
			cue->to_ms = cue->from_ms + 1;
		before = cue;
	}
}

/* labels: say who speaks whenever that changes. */
static struct cues
make_cues(const struct rtta_transcript *transcript, bool labels, bool gaps_too)
{
	struct cues cues = {0};
	const struct rtta_record *record;
	char buffer[LABEL_BYTES], label[RTTA_RECORD_HEADER_MAX_BYTES * 3 + 2], before[sizeof(label)] = "";

	for (size_t i = 0; (record = rtta_transcript_at(transcript, i)) != NULL; i++) {
		if (record->type == RTTA_RECORD_GAP)
			add_gap_cue(&cues, transcript, record);
		if (!has_text(record))
			continue;
		label[0] = '\0';
		if (labels && label_of(record, buffer)[0] != '\0')
			snprintf(label, sizeof(label), "%s:", label_of(record, buffer));
		add_text_cues(&cues, transcript, record, strcmp(label, before) == 0 ? "" : label);
		strcpy(before, label);
	}
	part_cues(&cues, gaps_too);
	return cues;
}

static void
free_cues(struct cues *cues)
{
	for (size_t i = 0; i < cues->count; i++)
		free(cues->cue[i].text);
	free(cues->cue);
}

static void
put_elapsed(FILE *out, int64_t ms, char point)
{
	fprintf(out, "%02" PRId64 ":%02d:%02d%c%03d", ms / 3600000,
	    (int)(ms / 60000 % 60), (int)(ms / 1000 % 60), point, (int)(ms % 1000));
}

static void
put_interval(FILE *out, const struct cue *cue, char point, const char *between)
{
	put_elapsed(out, cue->from_ms, point);
	fputs(between, out);
	put_elapsed(out, cue->to_ms, point);
}

/* SubRip has no escapes: only its arrow must not appear. */
static void
put_srt_text(FILE *out, const char *text)
{
	const char *arrow;

	while ((arrow = strstr(text, "-->")) != NULL) {
		fprintf(out, "%.*s->", (int)(arrow - text), text);
		text = arrow + 3;
	}
	fputs(text, out);
}

static void
write_srt(FILE *out, const struct rtta_transcript *transcript)
{
	struct cues cues = make_cues(transcript, true, true);

	for (size_t i = 0; i < cues.count; i++) {
		fprintf(out, "%s%zu\n", i ? "\n" : "", i + 1);
		put_interval(out, &cues.cue[i], ',', " --> ");
		fputc('\n', out);
		put_srt_text(out, cues.cue[i].text);
		fputc('\n', out);
	}
	free_cues(&cues);
}

static void
put_vtt_text(FILE *out, const char *text)
{
	for (; *text != '\0'; text++)
		switch (*text) {
		case '&': fputs("&amp;", out); break;
		case '<': fputs("&lt;", out); break;
		case '>': fputs("&gt;", out); break;
		default: fputc(*text, out); break;
		}
}

static void
put_vtt_cue(FILE *out, const struct cue *cue)
{
	char buffer[LABEL_BYTES];
	const char *label = label_of(cue->record, buffer);

	if (cue->is_gap) {
		fputs("\nNOTE gap ", out);
		put_interval(out, cue, '.', " to ");
		if (cue->record->reason != NULL) {
			fputs(": ", out);
			put_vtt_text(out, cue->record->reason);
		}
		fputc('\n', out);
		return;
	}
	fputc('\n', out);
	put_interval(out, cue, '.', " --> ");
	fputc('\n', out);
	if (label[0] != '\0') {
		fputs("<v ", out);
		put_vtt_text(out, label);
		fputc('>', out);
	}
	put_vtt_text(out, cue->text);
	fputc('\n', out);
}

static void
write_vtt(FILE *out, const struct rtta_transcript *transcript)
{
	struct cues cues = make_cues(transcript, false, false);
	const char *title = rtta_transcript_title(transcript);

	fputs("WEBVTT", out);
	if (title != NULL) {
		fputs(" - ", out);
		for (; *title != '\0'; title++)
			fputc((unsigned char)*title < ' ' || *title == '>' ? ' ' : *title, out);
	}
	fputc('\n', out);
	for (size_t i = 0; i < cues.count; i++)
		put_vtt_cue(out, &cues.cue[i]);
	free_cues(&cues);
}

/* --- jsonl --- */

static void
write_jsonl(FILE *out, const struct rtta_transcript *transcript)
{
	const struct rtta_record *record;

	for (size_t i = 0; (record = rtta_transcript_at(transcript, i)) != NULL; i++) {
		char *line = rtta_json_text(rtta_record_json(record), false);

		fprintf(out, "%s\n", line);
		free(line);
	}
}

/* --- ctm --- */

/* "<session> <channel> <start> <duration> <word> [confidence]" */
static void
put_ctm_words(FILE *out, const struct rtta_transcript *transcript,
    const struct rtta_record *record)
{
	struct tokens tokens = {0};

	add_tokens(&tokens, record->text, SIZE_MAX);
	if (!time_by_words(&tokens, transcript, record))
		time_evenly(&tokens, transcript, record, false);
	for (size_t i = 0; i < tokens.count; i++) {
		const struct token *token = &tokens.token[i];
		double confidence = isnan(token->confidence) ? record->confidence : token->confidence;
		int64_t length_ns = token->to_ns > token->from_ns ? token->to_ns - token->from_ns : 0;

		fprintf(out, "%s %d %.3f %.3f %.*s", record->session, record->channel + 1 > 1 ?
		    record->channel + 1 : 1, (double)token->from_ns / 1e9,
		    (double)length_ns / 1e9, (int)token->bytes, token->text);
		if (!isnan(confidence))
			fprintf(out, " %.2f", confidence);
		fputc('\n', out);
	}
	free(tokens.token);
}

static void
write_ctm(FILE *out, const struct rtta_transcript *transcript)
{
	const struct rtta_record *record;
	int64_t from_ns, to_ns;

	for (size_t i = 0; (record = rtta_transcript_at(transcript, i)) != NULL; i++) {
		if (has_text(record)) {
			put_ctm_words(out, transcript, record);
		} else if (record->type == RTTA_RECORD_GAP) {
			rtta_transcript_when(transcript, record, &from_ns, &to_ns);
			fprintf(out, ";; gap %.3f %.3f%s%s\n", (double)from_ns / 1e9,
			    (double)(to_ns - from_ns) / 1e9, record->reason ? " " : "",
			    record->reason ? record->reason : "");
		}
	}
}

int
rtta_format_write(FILE *out, const struct rtta_transcript *transcript,
    enum rtta_format format, bool times, struct rtta_err *err)
{
	switch (format) {
	case RTTA_FORMAT_TXT: write_txt(out, transcript, times); break;
	case RTTA_FORMAT_SRT: write_srt(out, transcript); break;
	case RTTA_FORMAT_VTT: write_vtt(out, transcript); break;
	case RTTA_FORMAT_JSONL: write_jsonl(out, transcript); break;
	case RTTA_FORMAT_CTM: write_ctm(out, transcript); break;
	}
	if (fflush(out) != 0 || ferror(out))
		return rtta_err_sys(err, EX_IOERR, "write %s", formats[format].name);
	return 0;
}

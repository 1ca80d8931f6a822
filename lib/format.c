#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cue.h"
#include "err.h"
#include "format.h"
#include "jtext.h"
#include "transcript.h"
#include "words.h"

enum {
	PAUSE_MS = 2000,          /* ends a paragraph */
	PARAGRAPH_MS = 30000      /* ends it at the next end of a sentence */
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
put_words(FILE *out, const char *text)
{
	struct rtta_words words = {0};

	rtta_words_add(&words, text, SIZE_MAX);
	for (size_t i = 0; i < words.count; i++)
		fprintf(out, "%s%.*s", i ? " " : "", (int)words.word[i].bytes, words.word[i].text);
	rtta_words_done(&words);
}

static void
put_text(FILE *out, struct paragraph *paragraph, const struct rtta_record *record,
    const char *late, bool times, bool *first)
{
	char buffer[RTTA_WORDS_SPEAKER_BYTES];
	const char *label = rtta_words_speaker(record, buffer);

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
			fprintf(out, "%s] ", late);
		}
		if (label[0] != '\0')
			fprintf(out, "%s: ", label);
		paragraph->start_ns = record->start_ns;
		paragraph->backfill = record->backfill;
		snprintf(paragraph->label, sizeof(paragraph->label), "%s", label);
	}
	put_words(out, record->text);
	paragraph->open = true;
	paragraph->end_ns = record->end_ns;
	paragraph->sentence_ended = rtta_words_end_sentence(record->text, strlen(record->text));
	*first = false;
}

static void
put_gap(FILE *out, struct paragraph *paragraph, const struct rtta_record *record,
    int channel, bool *first)
{
	if (paragraph->open)
		fputc('\n', out);
	if (!*first)
		fputc('\n', out);
	fputs("[gap ", out);
	put_clock(out, record->start_ns);
	fputs(" to ", out);
	put_clock(out, record->end_ns);
	if (channel >= 0)
		fprintf(out, " of channel %d", channel + 1);
	fprintf(out, "%s%s]\n", record->reason ? ": " : "", record->reason ? record->reason : "");
	paragraph->open = false;
	*first = false;
}

static void
write_txt(FILE *out, const struct rtta_transcript *transcript, bool times)
{
	struct paragraph paragraph = {0};
	const struct rtta_record *record;
	bool first = true;
	int channel;

	for (size_t i = 0; (record = rtta_transcript_at(transcript, i)) != NULL; i++)
		if (rtta_words_are_in(record))
			put_text(out, &paragraph, record, rtta_transcript_is_late(transcript,
			    record) ? ", late" : "", times, &first);
		else if (rtta_transcript_is_gap(transcript, i, &channel))
			put_gap(out, &paragraph, record, channel, &first);
	if (paragraph.open)
		fputc('\n', out);
}

/* --- srt and vtt --- */

static void
put_elapsed(FILE *out, int64_t ms, char point)
{
	fprintf(out, "%02" PRId64 ":%02d:%02d%c%03d", ms / 3600000,
	    (int)(ms / 60000 % 60), (int)(ms / 1000 % 60), point, (int)(ms % 1000));
}

static void
put_interval(FILE *out, int64_t from_ms, int64_t to_ms, char point, const char *between)
{
	put_elapsed(out, from_ms, point);
	fputs(between, out);
	put_elapsed(out, to_ms, point);
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
	struct rtta_cues cues = rtta_cues_make(transcript, true, true);

	for (size_t i = 0; i < cues.count; i++) {
		const struct rtta_cue *cue = &cues.cue[i];

		fprintf(out, "%s%zu\n", i ? "\n" : "", i + 1);
		put_interval(out, cue->from_ms, cue->to_ms, ',', " --> ");
		fputc('\n', out);
		put_srt_text(out, cue->text);
		fputc('\n', out);
	}
	rtta_cues_done(&cues);
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
put_vtt_cue(FILE *out, const struct rtta_transcript *transcript, const struct rtta_cue *cue)
{
	bool late = rtta_transcript_is_late(transcript, cue->record);
	char buffer[RTTA_WORDS_SPEAKER_BYTES];
	const char *speaker = rtta_words_speaker(cue->record, buffer);

	fputc('\n', out);
	put_interval(out, cue->from_ms, cue->to_ms, '.', " --> ");
	fputc('\n', out);
	if (speaker[0] != '\0') {
		fputs("<v ", out);
		put_vtt_text(out, speaker);
		fputc('>', out);
	}
	fputs(late ? "<c.late>" : "", out);
	put_vtt_text(out, cue->text);
	fputs(late ? "</c>\n" : "\n", out);
}

/* Note the gaps from the i-th record on that begin before before_ms.  The
 * first record that comes later. */
static size_t
put_vtt_gaps(FILE *out, const struct rtta_transcript *transcript, size_t i, int64_t before_ms)
{
	const struct rtta_record *record;
	int64_t from_ns, to_ns;
	int channel;

	for (; (record = rtta_transcript_at(transcript, i)) != NULL; i++) {
		rtta_transcript_when(transcript, record, &from_ns, &to_ns);
		if (from_ns / NS_PER_MS > before_ms)
			break;
		if (!rtta_transcript_is_gap(transcript, i, &channel))
			continue;
		fputs("\nNOTE gap ", out);
		put_interval(out, from_ns / NS_PER_MS, to_ns / NS_PER_MS, '.', " to ");
		if (record->reason != NULL) {
			fputs(": ", out);
			put_vtt_text(out, record->reason);
		}
		fputc('\n', out);
	}
	return i;
}

static void
write_vtt(FILE *out, const struct rtta_transcript *transcript)
{
	struct rtta_cues cues = rtta_cues_make(transcript, false, false);
	const char *title = rtta_transcript_title(transcript);
	size_t gaps_from = 0;

	fputs("WEBVTT", out);
	if (title != NULL) {
		fputs(" - ", out);
		for (; *title != '\0'; title++)
			fputc((unsigned char)*title < ' ' || *title == '>' ? ' ' : *title, out);
	}
	fputc('\n', out);
	for (size_t i = 0; i < cues.count; i++) {
		gaps_from = put_vtt_gaps(out, transcript, gaps_from, cues.cue[i].from_ms);
		put_vtt_cue(out, transcript, &cues.cue[i]);
	}
	put_vtt_gaps(out, transcript, gaps_from, INT64_MAX);
	rtta_cues_done(&cues);
}

/* --- jsonl --- */

static void
write_jsonl(FILE *out, const struct rtta_transcript *transcript)
{
	const struct rtta_record *record;
	struct rtta_jtext line = {0};

	for (size_t i = 0; (record = rtta_transcript_at(transcript, i)) != NULL; i++) {
		line.bytes = 0;
		rtta_record_json(record, &line);
		rtta_jtext_raw(&line, "\n", 1);
		fwrite(line.text, 1, line.bytes, out);
	}
	rtta_jtext_done(&line);
}

/* --- ctm --- */

/* "<session> <channel> <start> <duration> <word> [confidence]" */
static void
put_ctm_words(FILE *out, const struct rtta_transcript *transcript,
    const struct rtta_record *record)
{
	struct rtta_words words = {0};

	rtta_words_add(&words, record->text, SIZE_MAX);
	rtta_words_time(&words, transcript, record, false);
	for (size_t i = 0; i < words.count; i++) {
		const struct rtta_word *word = &words.word[i];
		double confidence = isnan(word->confidence) ? record->confidence : word->confidence;
		int64_t length_ns = word->to_ns > word->from_ns ? word->to_ns - word->from_ns : 0;

		fprintf(out, "%s %d %.3f %.3f %.*s", record->session,
		    record->channel < 0 ? 1 : record->channel + 1, (double)word->from_ns / 1e9,
		    (double)length_ns / 1e9, (int)word->bytes, word->text);
		if (!isnan(confidence))
			fprintf(out, " %.2f", confidence);
		fputc('\n', out);
	}
	rtta_words_done(&words);
}

static void
put_ctm_late(FILE *out, const struct rtta_transcript *transcript,
    const struct rtta_record *record)
{
	int64_t from_ns, to_ns;

	if (!rtta_transcript_is_late(transcript, record))
		return;
	rtta_transcript_when(transcript, record, &from_ns, &to_ns);
	fprintf(out, ";; late %.3f %.3f\n", (double)from_ns / 1e9, (double)(to_ns - from_ns) / 1e9);
}

static void
write_ctm(FILE *out, const struct rtta_transcript *transcript)
{
	const struct rtta_record *record;
	int64_t from_ns, to_ns;
	int channel;

	for (size_t i = 0; (record = rtta_transcript_at(transcript, i)) != NULL; i++) {
		if (rtta_words_are_in(record)) {
			put_ctm_late(out, transcript, record);
			put_ctm_words(out, transcript, record);
		} else if (rtta_transcript_is_gap(transcript, i, &channel)) {
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

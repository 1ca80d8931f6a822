/* format: each format to the letter, and subtitles at random. */
#include <stdlib.h>

#include "check.h"
#include "err.h"
#include "format.h"
#include "mem.h"
#include "transcript.h"

enum { RUN = 0xa };
static const int64_t START_S = 1767607200, NS = 1000000000;

struct builder {
	struct rtta_transcript *transcript;
	uint64_t seq;
};

/* Seconds since the start; speaker may be NULL. */
static void
add(struct builder *builder, enum rtta_record_type type, double start_s, double end_s,
    const char *text, const char *speaker, const char *words)
{
	struct rtta_record record;

	rtta_record_init(&record);
	free(record.text);
	record.text = rtta_xstrdup(type == RTTA_RECORD_TEXT ? text : "");
	record.type = type;
	if (type == RTTA_RECORD_GAP && text[0] != '\0')
		record.reason = rtta_xstrdup(text);
	if (speaker != NULL)
		record.speaker = rtta_xstrdup(speaker);
	if (words != NULL)
		record.words = jv_parse(words);
	strcpy(record.session, "s1");
	record.span = (struct rtta_span){ RUN, (uint64_t)(start_s * 16000), (uint64_t)(end_s * 16000) };
	record.start_ns = START_S * NS + (int64_t)(start_s * 1e9);
	record.end_ns = START_S * NS + (int64_t)(end_s * 1e9);
	record.seq = ++builder->seq;
	rtta_transcript_add(builder->transcript, &record);
	rtta_record_done(&record);
}

static struct builder
begin(void)
{
	struct builder builder = { .transcript = rtta_transcript_new("s1") };
	struct rtta_err err = {0};
	jv run = jv_parse("{\"run\":\"000000000000000a\",\"first\":0,\"first_us\":1767607200000000,\"rate_hz\":16000}");

	CHECK_INT(rtta_transcript_key(builder.transcript, "run.s1.0", run, &err), 0);
	jv_free(run);
	return builder;
}

static char *
print(const struct builder *builder, enum rtta_format format, bool times)
{
	struct rtta_err err = {0};
	char *text;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	CHECK_INT(rtta_format_write(out, builder->transcript, format, times, &err), 0);
	fclose(out);
	return text;
}

static void
check_print(const struct builder *builder, enum rtta_format format, bool times, const char *want)
{
	char *got = print(builder, format, times);

	CHECK_STR(got, want);
	free(got);
}

static void
check_txt(void)
{
	struct builder builder = begin();

	check_print(&builder, RTTA_FORMAT_TXT, true, "");
	add(&builder, RTTA_RECORD_TEXT, 0, 2, "Good  morning.\n", NULL, NULL);
	add(&builder, RTTA_RECORD_TEXT, 3, 4, "How are you?", NULL, NULL);
	add(&builder, RTTA_RECORD_SILENCE, 4, 6.5, "", NULL, NULL);
	add(&builder, RTTA_RECORD_TEXT, 6.5, 8, "After more than two seconds.", NULL, NULL);
	add(&builder, RTTA_RECORD_TEXT, 8, 9, "   ", NULL, NULL);
	add(&builder, RTTA_RECORD_TEXT, 9, 10, "Me too.", "Anna", NULL);
	add(&builder, RTTA_RECORD_TEXT, 10, 11, "And I.", "Anna", NULL);
	add(&builder, RTTA_RECORD_GAP, 11, 20, "microphone unplugged", NULL, NULL);
	add(&builder, RTTA_RECORD_GAP, 20, 21, "", NULL, NULL);
	add(&builder, RTTA_RECORD_TEXT, 21, 22, "Back.", "Anna", NULL);
	check_print(&builder, RTTA_FORMAT_TXT, false,
	    "Good morning. How are you?\n\nAfter more than two seconds.\n\nAnna: Me too. And I.\n\n"
	    "[gap 10:00:11 to 10:00:20: microphone unplugged]\n\n[gap 10:00:20 to 10:00:21]\n\n"
	    "Anna: Back.\n");
	check_print(&builder, RTTA_FORMAT_TXT, true,
	    "[10:00:00] Good morning. How are you?\n\n[10:00:06] After more than two seconds.\n\n"
	    "[10:00:09] Anna: Me too. And I.\n\n"
	    "[gap 10:00:11 to 10:00:20: microphone unplugged]\n\n[gap 10:00:20 to 10:00:21]\n\n"
	    "[10:00:21] Anna: Back.\n");
	rtta_transcript_free(builder.transcript);
}

/* After thirty seconds a paragraph ends, but only where a sentence does. */
static void
check_long_paragraph(void)
{
	static const char *const ends[] = { "and", "end.\"", "\xe3\x80\x82", "so" };
	struct builder builder = begin();

	for (int i = 0; i < 4; i++)
		add(&builder, RTTA_RECORD_TEXT, 29 + i, 30 + i, ends[i], NULL, NULL);
	add(&builder, RTTA_RECORD_TEXT, 0, 29, "First.", NULL, NULL);
	check_print(&builder, RTTA_FORMAT_TXT, false, "First. and end.\"\n\n\xe3\x80\x82 so\n");
	rtta_transcript_free(builder.transcript);
}

static void
check_subtitles(void)
{
	struct builder builder = begin();

	add(&builder, RTTA_RECORD_TEXT, 0.5, 2, "One --> <b>two</b> & three.", NULL, NULL);
	add(&builder, RTTA_RECORD_GAP, 2, 3, "off the record", NULL, NULL);
	add(&builder, RTTA_RECORD_TEXT, 3, 13,
	    "The quick brown fox jumps over the lazy dog, and then the lazy dog thinks about it twice.",
	    "A>B", NULL);
	add(&builder, RTTA_RECORD_TEXT, 3600, 3601, "Late.", "A>B", NULL);
	check_print(&builder, RTTA_FORMAT_SRT, false,
	    "1\n00:00:00,500 --> 00:00:02,000\nOne -> <b>two</b> & three.\n\n"
	    "2\n00:00:02,000 --> 00:00:03,000\n[gap: off the record]\n\n"
	    "3\n00:00:03,000 --> 00:00:08,000\nA>B: The quick brown fox\njumps over the lazy dog,\n\n"
	    "4\n00:00:08,000 --> 00:00:13,000\nand then the lazy dog\nthinks about it twice.\n\n"
	    "5\n01:00:00,000 --> 01:00:01,000\nLate.\n");
	check_print(&builder, RTTA_FORMAT_VTT, false,
	    "WEBVTT\n\n00:00:00.500 --> 00:00:02.088\nOne --&gt; &lt;b&gt;two&lt;/b&gt; &amp; three.\n\n"
	    "NOTE gap 00:00:02.000 to 00:00:03.000: off the record\n\n"
	    "00:00:03.000 --> 00:00:08.000\n<v A&gt;B>The quick brown fox\njumps over the lazy dog,\n\n"
	    "00:00:08.000 --> 00:00:13.000\n<v A&gt;B>and then the lazy dog\nthinks about it twice.\n\n"
	    "01:00:00.000 --> 01:00:01.000\n<v A&gt;B>Late.\n");
	rtta_transcript_free(builder.transcript);
}

/* The times of the words, where there are as many as in the text. */
static void
check_words(void)
{
	static const char words[] = "[{\"word\":\"Well,\",\"first\":16000,\"last\":24000,\"confidence\":0.75},"
	    "{\"word\":\"now.\",\"first\":64000,\"last\":72000}]";
	struct builder builder = begin();

	add(&builder, RTTA_RECORD_TEXT, 0, 5, "Well, now.", NULL, words);
	add(&builder, RTTA_RECORD_TEXT, 5, 8, "Three of them.", NULL, words);
	add(&builder, RTTA_RECORD_GAP, 8, 9, "", NULL, NULL);
	check_print(&builder, RTTA_FORMAT_CTM, false,
	    "s1 1 1.000 0.500 Well, 0.75\ns1 1 4.000 0.500 now.\n"
	    "s1 1 5.000 1.000 Three\ns1 1 6.000 1.000 of\ns1 1 7.000 1.000 them.\n;; gap 8.000 1.000\n");
	check_print(&builder, RTTA_FORMAT_SRT, false,
	    "1\n00:00:01,000 --> 00:00:02,000\nWell,\n\n2\n00:00:04,000 --> 00:00:08,000\nnow. Three of them.\n\n"
	    "3\n00:00:08,000 --> 00:00:09,000\n[gap]\n");
	rtta_transcript_free(builder.transcript);
}

/* One flow, however it is divided: sentences, then clauses, end a cue; it
 * stays until it can have been read. */
static void
check_sentences(void)
{
	struct builder builder = begin();

	add(&builder, RTTA_RECORD_TEXT, 0, 4, "The first sentence begins here and", NULL, NULL);
	add(&builder, RTTA_RECORD_TEXT, 4, 7, "ends there. The second one, which", NULL, NULL);
	add(&builder, RTTA_RECORD_TEXT, 7, 12, "is longer, has a clause that is on its own, and then it goes on to", NULL, NULL);
	add(&builder, RTTA_RECORD_TEXT, 12, 12.4, "its end.", NULL, NULL);
	check_print(&builder, RTTA_FORMAT_SRT, false,
	    "1\n00:00:00,000 --> 00:00:05,071\nThe first sentence begins\nhere and ends there.\n\n"
	    "2\n00:00:05,071 --> 00:00:10,333\nThe second one, which is longer,\nhas a clause that is on its own,\n\n"
	    "3\n00:00:10,333 --> 00:00:12,400\nand then it goes on to its end.\n");
	rtta_transcript_free(builder.transcript);
}

/* Of two at a time the earlier ends; one that has just begun goes first. */
static void
check_overlap(void)
{
	struct builder builder = begin();

	add(&builder, RTTA_RECORD_TEXT, 0, 4, "First.", NULL, NULL);
	add(&builder, RTTA_RECORD_TEXT, 2, 5, "Second.", NULL, NULL);
	add(&builder, RTTA_RECORD_TEXT, 2.5, 6, "Third.", NULL, NULL);
	check_print(&builder, RTTA_FORMAT_SRT, false,
	    "1\n00:00:00,000 --> 00:00:02,000\nFirst.\n\n2\n00:00:02,000 --> 00:00:05,000\nSecond.\n\n"
	    "3\n00:00:05,000 --> 00:00:06,000\nThird.\n");
	rtta_transcript_free(builder.transcript);
}

static void
check_jsonl(void)
{
	struct builder builder = begin();

	add(&builder, RTTA_RECORD_SILENCE, 0, 1, "", NULL, NULL);
	check_print(&builder, RTTA_FORMAT_JSONL, false,
	    "{\"text\":\"\",\"timestamp\":\"2026-01-05T10:00:00.000000Z\",\"is_final\":true,"
	    "\"type\":\"silence\",\"lane\":\"live\",\"seq\":1,\"end\":\"2026-01-05T10:00:01.000000Z\","
	    "\"session\":\"s1\",\"run\":\"000000000000000a\",\"first\":0,\"last\":16000,\"rev\":1}\n");
	rtta_transcript_free(builder.transcript);
}

/* Characters that are no blanks. */
static size_t
chars(const char *text)
{
	size_t count = 0;

	for (; *text != '\0'; text++)
		count += ((unsigned char)*text & 0xc0) != 0x80 && *text != ' ' && *text != '\n';
	return count;
}

/* Returns its characters. */
static size_t
add_random_text(struct builder *builder, double at_s, const char *speaker)
{
	static const char *const pieces[] = { "a", "word", "\xc3\xa9t\xc3\xa9", "longer-than-most", "x,",
	    "\xe4\xbd\xa0\xe5\xa5\xbd", "and\nso", "0123456789012345678901234567890123456789012345678901234567890123456789" };
	char text[4000] = "";

	for (int i = rand() % 40; i-- > 0;) {
		strcat(text, pieces[rand() % 8]);
		strcat(text, rand() % 3 ? " " : "  ");
	}
	add(builder, RTTA_RECORD_TEXT, at_s, at_s + rand() % 100 / 10.0, text,
	    rand() % 4 ? NULL : speaker, NULL);
	return chars(text);
}

static int64_t
parse_ms(const char *text)
{
	int h, m, s, ms;

	if (sscanf(text, "%d:%d:%d,%d", &h, &m, &s, &ms) != 4)
		return -1;
	return ((h * 60 + m) * 60 + s) * INT64_C(1000) + ms;
}

static size_t
width(const char *line)
{
	size_t blanks = 0;

	for (size_t i = 0; line[i] != '\0'; i++)
		blanks += line[i] == ' ';
	return chars(line) + blanks;
}

/* Never overlapping, at most two lines of 42 characters.  Returns those of
 * all text. */
static size_t
check_cues(char *srt)
{
	char *line, *rest = NULL;
	size_t all = 0;
	int lines = 0, number = 0;
	int64_t end_ms = 0;

	for (line = strtok_r(srt, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
		char *arrow = strstr(line, " --> ");

		if (arrow != NULL) {
			CHECK(parse_ms(line) >= end_ms);
			CHECK(parse_ms(arrow + 5) > parse_ms(line));
			end_ms = parse_ms(arrow + 5);
			lines = 0;
		} else if (atoi(line) == number + 1 && strspn(line, "0123456789") == strlen(line)) {
			CHECK(number == 0 || lines > 0);
			number++;
		} else {
			CHECK(++lines <= 2);
			CHECK(width(line) <= 42);
			all += chars(line);
		}
	}
	return all;
}

/* No letter of the text is missing, where no name is added to it. */
static void
check_random(void)
{
	srand(5);
	for (int round = 0; round < 200 && check_failures == 0; round++) {
		struct builder builder = begin();
		size_t all = 0, printed;
		double at_s = 0;
		char *srt;

		for (int i = 0; i < 30; i++) {
			all += add_random_text(&builder, at_s, round % 2 ? "Somebody" : NULL);
			at_s += rand() % 50 / 10.0;
		}
		srt = print(&builder, RTTA_FORMAT_SRT, false);
		printed = check_cues(srt);
		if (round % 2 == 0)
			CHECK_INT(printed, all);
		free(srt);
		rtta_transcript_free(builder.transcript);
	}
}

static void
check_names(void)
{
	enum rtta_format format;
	struct rtta_err err = {0};
	struct builder builder = begin();
	FILE *full = fopen("/dev/full", "w");

	CHECK_INT(rtta_format_parse("vtt", &format), 0);
	CHECK_INT(format, RTTA_FORMAT_VTT);
	CHECK_INT(rtta_format_parse("VTT", &format), -1);
	CHECK_STR(rtta_format_mime(RTTA_FORMAT_VTT), "text/vtt; charset=utf-8");
	CHECK_INT(rtta_format_write(full, builder.transcript, RTTA_FORMAT_VTT, false, &err), -1);
	CHECK_INT(err.exit_code, EX_IOERR);
	fclose(full);
	rtta_transcript_free(builder.transcript);
}

int
main(void)
{
	setenv("TZ", "UTC0", 1);
	check_txt();
	check_long_paragraph();
	check_subtitles();
	check_words();
	check_sentences();
	check_overlap();
	check_jsonl();
	check_random();
	check_names();
	return check_result();
}

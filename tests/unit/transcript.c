/* transcript: one order whatever comes first, revisions, and the ledger. */
#include <stdlib.h>

#include "check.h"
#include "err.h"
#include "format.h"
#include "json.h"
#include "ledger.h"
#include "mem.h"
#include "transcript.h"

enum { A = 0xa, B = 0xb, C = 0xc };
static const int64_t START_S = 1767607200, NS = 1000000000;

/* What a session is made of: a key with its JSON, or a record. */
struct item {
	const char *key, *json;
	struct rtta_record record;
};

struct session {
	struct item items[64];
	size_t count;
	uint64_t seq;
};

static void
add_key(struct session *session, const char *key, const char *json)
{
	session->items[session->count++] = (struct item){ .key = key, .json = json };
}

/* Times are seconds since the start; the record is the next in the stream. */
static struct rtta_record *
add_record(struct session *session, enum rtta_record_type type, const char *text,
    struct rtta_span span, double start_s, double end_s)
{
	struct rtta_record *record = &session->items[session->count].record;

	session->items[session->count++].key = NULL;
	rtta_record_init(record);
	free(record->text);
	record->text = rtta_xstrdup(text);
	record->type = type;
	strcpy(record->session, "s1");
	record->span = span;
	record->start_ns = START_S * NS + (int64_t)(start_s * 1e9);
	record->end_ns = START_S * NS + (int64_t)(end_s * 1e9);
	record->seq = ++session->seq;
	return record;
}

static void
done(struct session *session)
{
	for (size_t i = 0; i < session->count; i++)
		if (session->items[i].key == NULL)
			rtta_record_done(&session->items[i].record);
}

static void
apply(struct rtta_transcript *transcript, const struct item *item)
{
	struct rtta_err err = {0};
	jv value;

	if (item->key == NULL) {
		rtta_transcript_add(transcript, &item->record);
		return;
	}
	value = jv_parse(item->json);
	CHECK_INT(rtta_transcript_key(transcript, item->key, value, &err), 0);
	CHECK_STR(err.text, "");
	jv_free(value);
}

static struct rtta_transcript *
make(const struct session *session)
{
	struct rtta_transcript *transcript = rtta_transcript_new("s1");

	for (size_t i = 0; i < session->count; i++)
		apply(transcript, &session->items[i]);
	return transcript;
}

/* The texts in order, with a blank between them. */
static char *
texts(const struct rtta_transcript *transcript)
{
	char *all = rtta_xcalloc(1, 1000);
	const struct rtta_record *record;

	for (size_t i = 0; (record = rtta_transcript_at(transcript, i)) != NULL; i++) {
		if (all[0] != '\0')
			strcat(all, " ");
		strcat(all, record->type == RTTA_RECORD_GAP ? "(gap)" :
		    record->type == RTTA_RECORD_SILENCE ? "(silence)" : record->text);
	}
	return all;
}

static void
check_texts(const struct rtta_transcript *transcript, const char *want)
{
	char *got = texts(transcript);

	CHECK_STR(got, want);
	free(got);
}

/*
 * Run A: 10 s before the cut at its sample 160000 and 5 s behind it; then 3 s
 * without a capture, then run B with 4 s.
 */
static void
add_keys(struct session *session)
{
	add_key(session, "session.s1", "{\"title\":\"Council\",\"started_us\":1767607210000000}");
	add_key(session, "cut.s1", "{\"at\":{\"run\":\"000000000000000a\",\"sample\":160000},"
	    "\"at_us\":1767607210000000,\"first\":{\"run\":\"000000000000000a\",\"sample\":0},"
	    "\"last\":{\"run\":\"000000000000000a\",\"sample\":159680}}");
	add_key(session, "run.s1.0", "{\"run\":\"000000000000000a\",\"first\":0,"
	    "\"first_us\":1767607200000000,\"rate_hz\":16000}");
	add_key(session, "run.s1.1", "{\"run\":\"000000000000000b\",\"first\":0,"
	    "\"first_us\":1767607218000000,\"prev_next\":240000,\"prev_us\":1767607215000000,"
	    "\"contiguous\":false,\"rate_hz\":16000}");
	add_key(session, "end.s1", "{\"at\":{\"run\":\"000000000000000b\",\"sample\":64000},"
	    "\"at_us\":1767607222000000}");
}

static void
check_ledger(void)
{
	struct session session = {0};
	struct rtta_transcript *transcript;
	struct rtta_ledger ledger;
	int64_t from_ns, to_ns;
	size_t stored;

	add_keys(&session);
	add_record(&session, RTTA_RECORD_TEXT, "live", (struct rtta_span){ A, 160000, 192000 }, 10, 12);
	add_record(&session, RTTA_RECORD_TEXT, "last", (struct rtta_span){ B, 0, 48000 }, 18, 21);
	add_record(&session, RTTA_RECORD_SILENCE, "", (struct rtta_span){ B, 48000, 64000 }, 21, 22);
	add_record(&session, RTTA_RECORD_TEXT, "early", (struct rtta_span){ A, 0, 80000 }, 0, 5)->backfill = true;
	transcript = make(&session);
	rtta_ledger_count(&ledger, transcript);
	CHECK_NEAR(ledger.all.captured_s, 22, 1e-9);
	CHECK_NEAR(ledger.all.text_s, 10, 1e-9);
	CHECK_NEAR(ledger.all.silence_s, 1, 1e-9);
	CHECK_NEAR(ledger.all.gap_s, 0, 1e-9);
	CHECK_NEAR(ledger.all.pending_s, 11, 1e-9);  /* 5 of pre-roll, 3 live, 3 between */
	CHECK_NEAR(ledger.lane[RTTA_LEDGER_BACKFILL].captured_s, 10, 1e-9);
	CHECK_NEAR(ledger.late_s, 0, 1e-9);
	CHECK(ledger.has_cut && ledger.has_end && !ledger.closed);
	check_texts(transcript, "early live last (silence)");
	CHECK_STR(rtta_transcript_title(transcript), "Council");
	CHECK_INT(rtta_transcript_start_ns(transcript), 1767607210 * NS);

	/* The rest comes, the hole between the runs last. */
	stored = session.count;
	add_record(&session, RTTA_RECORD_TEXT, "rest", (struct rtta_span){ A, 80000, 160000 }, 5, 10)->backfill = true;
	add_record(&session, RTTA_RECORD_TEXT, "late", (struct rtta_span){ A, 192000, 224000 }, 12, 14)->backfill = true;
	add_record(&session, RTTA_RECORD_GAP, "", (struct rtta_span){ A, 224000, 240000 }, 14, 15);
	for (size_t i = stored; i < session.count; i++)
		apply(transcript, &session.items[i]);
	rtta_ledger_count(&ledger, transcript);
	CHECK_NEAR(ledger.all.pending_s, 3, 1e-9);
	CHECK_NEAR(ledger.late_s, 2, 1e-9);
	CHECK(!ledger.closed);
	add_record(&session, RTTA_RECORD_GAP, "", (struct rtta_span){ B, 0, 0 }, 15, 18);
	apply(transcript, &session.items[session.count - 1]);
	rtta_ledger_count(&ledger, transcript);
	CHECK_NEAR(ledger.all.captured_s, 22, 1e-9);
	CHECK_NEAR(ledger.all.text_s, 17, 1e-9);
	CHECK_NEAR(ledger.all.gap_s, 4, 1e-9);
	CHECK_NEAR(ledger.all.pending_s, 0, 1e-9);
	CHECK_NEAR(ledger.overlap_s, 0, 1e-9);
	CHECK(ledger.closed);
	check_texts(transcript, "early rest live late (gap) (gap) last (silence)");

	/* Time along the sound: the hole of 3 s is in it. */
	rtta_transcript_when(transcript, rtta_transcript_at(transcript, 5), &from_ns, &to_ns);
	CHECK_INT(from_ns, 15 * NS);
	CHECK_INT(to_ns, 18 * NS);
	CHECK_INT(rtta_transcript_when_sample(transcript, rtta_transcript_at(transcript, 6), 16000), 19 * NS);

	/* Text over text of the same revision. */
	add_record(&session, RTTA_RECORD_TEXT, "twice", (struct rtta_span){ B, 0, 16000 }, 18, 19);
	session.items[session.count - 1].record.seq = 99;
	apply(transcript, &session.items[session.count - 1]);
	rtta_ledger_count(&ledger, transcript);
	CHECK_NEAR(ledger.overlap_s, 1, 1e-9);
	CHECK_NEAR(ledger.all.captured_s, 22, 1e-9);
	rtta_transcript_free(transcript);
	done(&session);
}

/* Without an end: up to the last record, and at least to the cut. */
static void
check_open(void)
{
	struct session session = {0};
	struct rtta_transcript *transcript;
	struct rtta_ledger ledger;

	add_keys(&session);
	session.count = 2;  /* session and cut: no run has its key yet */
	transcript = make(&session);
	rtta_ledger_count(&ledger, transcript);
	CHECK_NEAR(ledger.all.captured_s, 10, 1e-9);
	CHECK_NEAR(ledger.all.pending_s, 10, 1e-9);
	add_record(&session, RTTA_RECORD_TEXT, "live", (struct rtta_span){ A, 192000, 208000 }, 12, 13);
	apply(transcript, &session.items[2]);
	rtta_ledger_count(&ledger, transcript);
	CHECK_NEAR(ledger.all.captured_s, 13, 1e-9);
	CHECK_NEAR(ledger.all.text_s, 1, 1e-9);
	CHECK(!ledger.has_end && !ledger.closed);
	rtta_transcript_free(transcript);
	done(&session);
}

/* A session without a frame is one gap by wall clock. */
static void
check_no_frame(void)
{
	struct session session = {0};
	struct rtta_transcript *transcript;
	struct rtta_ledger ledger;

	add_key(&session, "cut.s1", "{\"at\":null,\"at_us\":1767607200000000}");
	add_key(&session, "end.s1", "{\"at\":null,\"at_us\":1767607260000000}");
	transcript = make(&session);
	rtta_ledger_count(&ledger, transcript);
	CHECK_NEAR(ledger.all.pending_s, 60, 1e-9);
	CHECK(!ledger.closed);
	add_record(&session, RTTA_RECORD_GAP, "", (struct rtta_span){ 0, 0, 0 }, 0, 60);
	apply(transcript, &session.items[2]);
	rtta_ledger_count(&ledger, transcript);
	CHECK_NEAR(ledger.all.gap_s, 60, 1e-9);
	CHECK_NEAR(ledger.all.captured_s, 60, 1e-9);
	CHECK_NEAR(ledger.lane[RTTA_LEDGER_BACKFILL].captured_s, 0, 1e-9);
	CHECK(ledger.closed);
	rtta_transcript_free(transcript);
	done(&session);
}

/* Pre-roll and no live frame: the last frame's record says how long it is. */
static void
check_no_live(void)
{
	struct session session = {0};
	struct rtta_transcript *transcript;
	struct rtta_ledger ledger;

	add_key(&session, "cut.s1", "{\"at\":null,\"at_us\":1767607210000000,"
	    "\"first\":{\"run\":\"000000000000000a\",\"sample\":0},"
	    "\"last\":{\"run\":\"000000000000000a\",\"sample\":15680}}");
	add_key(&session, "end.s1", "{\"at\":null,\"at_us\":1767607210000000}");
	add_key(&session, "run.s1.0", "{\"run\":\"000000000000000a\",\"first\":0,\"first_us\":1767607200000000}");
	transcript = make(&session);
	rtta_ledger_count(&ledger, transcript);
	CHECK(ledger.all.pending_s > 0.9 && !ledger.closed);
	add_record(&session, RTTA_RECORD_TEXT, "x", (struct rtta_span){ A, 0, 16000 }, 0, 1)->backfill = true;
	apply(transcript, &session.items[3]);
	rtta_ledger_count(&ledger, transcript);
	CHECK_NEAR(ledger.all.text_s, 1, 1e-9);
	CHECK_NEAR(ledger.lane[RTTA_LEDGER_BACKFILL].captured_s, 1, 1e-9);
	CHECK_NEAR(ledger.late_s, 0, 1e-9);
	CHECK(ledger.closed);
	rtta_transcript_free(transcript);
	done(&session);
}

/* What is lost on both channels counts, and is shown, once. */
static void
check_split_gaps(struct session *session, struct rtta_transcript *transcript)
{
	struct rtta_ledger ledger;
	int channel;

	for (int c = 0; c < 2; c++) {
		add_record(session, RTTA_RECORD_GAP, "", (struct rtta_span){ A, 160000, 160000 }, 10, 12)->channel = c;
		apply(transcript, &session->items[session->count - 1]);
		CHECK(rtta_transcript_is_gap(transcript, 3, &channel));
		CHECK_INT(channel, c == 0 ? 0 : -1);
	}
	CHECK(!rtta_transcript_is_gap(transcript, 2, &channel));
	CHECK(!rtta_transcript_is_gap(transcript, 4, &channel));
	rtta_ledger_count(&ledger, transcript);
	CHECK_NEAR(ledger.all.gap_s, 2, 1e-9);
	CHECK_NEAR(ledger.all.captured_s, 12, 1e-9);
}

/* Covered by one channel is not covered. */
static void
check_split(void)
{
	struct session session = {0};
	struct rtta_transcript *transcript;
	struct rtta_ledger ledger;

	add_keys(&session);
	session.count = 3;
	session.items[0].json = "{\"channels_as\":\"split\",\"channels\":2}";
	add_key(&session, "end.s1", "{\"at\":{\"run\":\"000000000000000a\",\"sample\":160000},\"at_us\":1767607210000000}");
	add_record(&session, RTTA_RECORD_TEXT, "left", (struct rtta_span){ A, 0, 160000 }, 0, 10)->channel = 0;
	add_record(&session, RTTA_RECORD_SILENCE, "", (struct rtta_span){ A, 0, 80000 }, 0, 5)->channel = 1;
	transcript = make(&session);
	rtta_ledger_count(&ledger, transcript);
	CHECK_NEAR(ledger.all.text_s, 5, 1e-9);
	CHECK_NEAR(ledger.all.pending_s, 5, 1e-9);
	CHECK_NEAR(ledger.overlap_s, 0, 1e-9);
	add_record(&session, RTTA_RECORD_TEXT, "right", (struct rtta_span){ A, 80000, 160000 }, 5, 10)->channel = 1;
	apply(transcript, &session.items[session.count - 1]);
	rtta_ledger_count(&ledger, transcript);
	CHECK_NEAR(ledger.all.text_s, 10, 1e-9);
	CHECK_NEAR(ledger.all.captured_s, 10, 1e-9);
	CHECK(ledger.closed);
	check_texts(transcript, "left (silence) right");
	check_split_gaps(&session, transcript);
	rtta_transcript_free(transcript);
	done(&session);
}

/* A revision-1 record is not shown when its middle lies under revision 2. */
static void
check_revisions(void)
{
	struct session session = {0};
	struct rtta_transcript *transcript;
	struct rtta_ledger ledger;

	add_keys(&session);
	session.count = 3;
	add_key(&session, "end.s1", "{\"at\":{\"run\":\"000000000000000a\",\"sample\":160000},\"at_us\":1767607210000000}");
	add_record(&session, RTTA_RECORD_TEXT, "one", (struct rtta_span){ A, 0, 48000 }, 0, 3);
	add_record(&session, RTTA_RECORD_GAP, "", (struct rtta_span){ A, 48000, 64000 }, 3, 4);
	add_record(&session, RTTA_RECORD_TEXT, "two", (struct rtta_span){ A, 64000, 112000 }, 4, 7);
	add_record(&session, RTTA_RECORD_TEXT, "three", (struct rtta_span){ A, 112000, 160000 }, 7, 10);
	transcript = make(&session);
	check_texts(transcript, "one (gap) two three");
	add_record(&session, RTTA_RECORD_TEXT, "BETTER", (struct rtta_span){ A, 32000, 90000 }, 2, 6)->rev = 2;
	apply(transcript, &session.items[session.count - 1]);
	check_texts(transcript, "one BETTER three");
	rtta_ledger_count(&ledger, transcript);
	CHECK_NEAR(ledger.all.captured_s, 10, 1e-9);
	CHECK_NEAR(ledger.overlap_s, 0, 1e-9);
	CHECK_NEAR(ledger.all.gap_s, 0, 1e-9);
	CHECK_NEAR(ledger.all.text_s, 10, 1e-9);
	CHECK(ledger.closed);
	rtta_transcript_free(transcript);
	done(&session);
}

/* A revision of one channel replaces that channel; one of all replaces each. */
static void
check_channel_revisions(void)
{
	struct session session = {0};
	struct rtta_transcript *transcript;

	add_keys(&session);
	for (int channel = 0; channel < 2; channel++)
		add_record(&session, RTTA_RECORD_TEXT, channel ? "right" : "left",
		    (struct rtta_span){ A, 0, 48000 }, 0, 3)->channel = channel;
	transcript = make(&session);
	add_record(&session, RTTA_RECORD_TEXT, "RIGHT", (struct rtta_span){ A, 0, 48000 }, 0, 3)->rev = 2;
	session.items[session.count - 1].record.channel = 1;
	apply(transcript, &session.items[session.count - 1]);
	check_texts(transcript, "left RIGHT");
	add_record(&session, RTTA_RECORD_TEXT, "BOTH", (struct rtta_span){ A, 0, 30000 }, 0, 2)->rev = 2;
	apply(transcript, &session.items[session.count - 1]);
	check_texts(transcript, "BOTH RIGHT");
	rtta_transcript_free(transcript);
	done(&session);
}

/*
 * The clock jumps an hour: a new run that follows without loss.  Nothing is
 * missing, and a player sees no hour.  Then the third run's key is there
 * before the second one's.
 */
static void
check_clock_jump(void)
{
	static const char *const jump = "{\"run\":\"000000000000000b\",\"first\":0,"
	    "\"first_us\":1767610815000000,\"prev_next\":240000,\"prev_us\":1767607215000000,"
	    "\"contiguous\":true,\"rate_hz\":16000}";
	struct session session = {0};
	struct rtta_transcript *transcript;
	struct rtta_ledger ledger;
	int64_t from_ns, to_ns;

	add_keys(&session);
	session.items[3].json = jump;
	add_record(&session, RTTA_RECORD_TEXT, "a", (struct rtta_span){ A, 0, 240000 }, 0, 15);
	add_record(&session, RTTA_RECORD_TEXT, "b", (struct rtta_span){ B, 0, 64000 }, 3615, 3619);
	transcript = make(&session);
	rtta_ledger_count(&ledger, transcript);
	CHECK_NEAR(ledger.all.captured_s, 19, 1e-9);
	CHECK(ledger.closed);
	rtta_transcript_when(transcript, rtta_transcript_at(transcript, 1), &from_ns, &to_ns);
	CHECK_INT(from_ns, 15 * NS);
	CHECK_INT(to_ns, 19 * NS);
	rtta_transcript_free(transcript);

	session.items[3].key = "run.s1.2";
	transcript = make(&session);
	rtta_ledger_count(&ledger, transcript);
	CHECK(!ledger.closed);
	rtta_transcript_free(transcript);

	/* What ends run A then is not known: its records do, not run C's key. */
	session.items[5].record.span.last = 160000;
	transcript = make(&session);
	rtta_ledger_count(&ledger, transcript);
	CHECK_NEAR(ledger.all.captured_s, 14, 1e-9);
	rtta_transcript_free(transcript);
	done(&session);
}

/* All that can come, of known and unknown runs, other programs and channels. */
static void
add_everything(struct session *session)
{
	struct rtta_record *record;

	add_keys(session);
	for (int i = 0; i < 10; i++) {
		record = add_record(session, i % 4 == 3 ? RTTA_RECORD_SILENCE : RTTA_RECORD_TEXT, "a",
		    (struct rtta_span){ A, 16000u * i, 16000u * i + 16000 }, i, i + 1);
		record->backfill = i < 7;
		record->channel = i % 3 - 1;
	}
	for (int i = 0; i < 6; i++)
		add_record(session, RTTA_RECORD_TEXT, "b", (struct rtta_span){ B, 16000u * i, 16000u * i + 16000 },
		    18 + i, 19 + i);
	/* Runs that no key names: by their clock; C and D begin at the same time. */
	for (int i = 5; i-- > 0;)
		add_record(session, RTTA_RECORD_TEXT, "c", (struct rtta_span){ C + (unsigned)i % 3, 100u * i, 100u * i + 100 },
		    i < 2 ? 30 : 25 + i, 31 + i);
	for (int i = 0; i < 8; i++)
		add_record(session, RTTA_RECORD_TEXT, "f", (struct rtta_span){0}, 40 - 3 * i, 40 - 3 * i)->foreign = true;
	add_record(session, RTTA_RECORD_GAP, "", (struct rtta_span){ B, 0, 0 }, 15, 18);
	add_record(session, RTTA_RECORD_TEXT, "r", (struct rtta_span){ A, 40000, 90000 }, 2, 5)->rev = 2;
	add_record(session, RTTA_RECORD_SILENCE, "", (struct rtta_span){ A, 90000, 100000 }, 5, 6)->rev = 2;
}

static char *
print(const struct rtta_transcript *transcript)
{
	struct rtta_ledger ledger;
	struct rtta_err err = {0};
	char *text, *json;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	for (int format = RTTA_FORMAT_TXT; format <= RTTA_FORMAT_CTM; format++)
		CHECK_INT(rtta_format_write(out, transcript, (enum rtta_format)format, true, &err), 0);
	rtta_ledger_count(&ledger, transcript);
	json = rtta_json_text(rtta_ledger_json(&ledger), false);
	fprintf(out, "%s\n", json);
	free(json);
	fclose(out);
	return text;
}

static void
check_any_order(void)
{
	struct session session = {0};
	struct rtta_transcript *transcript;
	char *want, *got;

	add_everything(&session);
	transcript = make(&session);
	want = print(transcript);
	rtta_transcript_free(transcript);
	srand(3);
	for (int round = 0; round < 300 && check_failures == 0; round++) {
		for (size_t i = session.count; i-- > 1;) {
			size_t k = (size_t)rand() % (i + 1);
			struct item item = session.items[i];

			session.items[i] = session.items[k];
			session.items[k] = item;
		}
		transcript = make(&session);
		/* What comes a second time changes nothing. */
		for (size_t i = 0; i < 5; i++)
			apply(transcript, &session.items[i]);
		got = print(transcript);
		CHECK_STR(got, want);
		free(got);
		rtta_transcript_free(transcript);
	}
	free(want);
	done(&session);
}

static void
check_ignored(void)
{
	struct rtta_transcript *transcript = rtta_transcript_new("s1");
	struct rtta_record interim;
	struct rtta_err err = {0};
	jv value = jv_parse("{\"at\":5}");

	CHECK_INT(rtta_transcript_key(transcript, "cut.other", value, &err), 0);
	CHECK_INT(rtta_transcript_key(transcript, "session_config", value, &err), 0);
	CHECK_INT(rtta_transcript_key(transcript, "cut.s1", value, &err), -1);
	CHECK_INT(err.exit_code, EX_DATAERR);
	rtta_record_init(&interim);
	interim.is_final = false;
	rtta_transcript_add(transcript, &interim);
	CHECK(rtta_transcript_at(transcript, 0) == NULL);
	CHECK(rtta_transcript_title(transcript) == NULL);
	rtta_record_done(&interim);
	rtta_transcript_free(transcript);
	jv_free(value);
}

int
main(void)
{
	check_ledger();
	check_open();
	check_no_frame();
	check_no_live();
	check_split();
	check_revisions();
	check_channel_revisions();
	check_clock_jump();
	check_any_order();
	check_ignored();
	return check_result();
}

/* A message of TEXT_STREAM from anybody: refused with a sentence, or a record
 * that is written in every format.  Input as for audio. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bus.h"
#include "err.h"
#include "format.h"
#include "ledger.h"
#include "message.h"
#include "record.h"
#include "transcript.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void
check_record(struct rtta_record *record)
{
	struct rtta_transcript *transcript = rtta_transcript_new(record->session);
	struct rtta_ledger ledger;
	struct rtta_err err = {0};
	char *text;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);
	enum rtta_format format = (enum rtta_format)(record->span.last % (RTTA_FORMAT_CTM + 1));
	jv key = jv_parse("{\"run\":\"00000000000000aa\",\"first\":16000,"
	    "\"first_us\":1767607200000000}");

	assert(record->span.first <= record->span.last);
	rtta_transcript_key(transcript, "run.s1.0", key, &err);
	jv_free(key);
	rtta_transcript_add(transcript, record);
	assert(rtta_format_write(out, transcript, format, true, &err) == 0);
	fclose(out);
	free(text);
	rtta_ledger_count(&ledger, transcript);
	assert(ledger.all.captured_s >= 0 && !ledger.closed);
	natsMsg_Destroy(rtta_record_encode(record, 0));
	rtta_transcript_free(transcript);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static const char *const subjects[] = {
		"transcript.raw.s1", "transcript.interim.s1", "transcript.raw.a b"
	};
	static const char *const names[] = {
		"run", "first", "last", "timestamp", "end", "is_final", "type", "lane", "rev",
		"channel", "confidence", "engine", "speaker", "language", "reason", "words"
	};
	natsMsg *msg = message_from(data, bytes, subjects, sizeof(subjects) / sizeof(subjects[0]),
	    names, sizeof(names) / sizeof(names[0]));
	struct rtta_record record;
	struct rtta_err err = {0};

	rtta_record_init(&record);
	if (rtta_record_decode(&record, msg, &err) == 0)
		check_record(&record);
	else
		assert(err.exit_code == EX_DATAERR && strpbrk(err.text, "\r\n") == NULL);
	rtta_record_done(&record);
	natsMsg_Destroy(msg);
	return 0;
}

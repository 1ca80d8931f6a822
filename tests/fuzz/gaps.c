/* The keys of one session, each of another hand: what is missing and why is
 * listed, in the records and in the ledger.  Input: lines of a key without
 * its session ("run.3"), a blank, JSON. */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cover.h"
#include "err.h"
#include "gaps.h"
#include "json.h"
#include "ledger.h"
#include "mem.h"
#include "session.h"
#include "transcript.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void
put_key(struct rtta_gaps *gaps, struct rtta_transcript *transcript, char *line)
{
	char *text = strchr(line, ' '), *rest, key[200];
	struct rtta_err ignored = {0};
	jv value;

	if (text == NULL || text - line > 100)
		return;
	*text++ = '\0';
	value = rtta_json_object("fuzz", text, strlen(text), 65536, &ignored);
	if (jv_is_valid(value)) {
		rest = line + strcspn(line, ".");
		if (*rest != '\0')
			*rest++ = '\0';
		snprintf(key, sizeof(key), "%s.s1%s%s", line, *rest ? "." : "", rest);
		ignored = (struct rtta_err){0};
		rtta_gaps_key(gaps, line, rest, value, &ignored);
		rtta_transcript_key(transcript, key, value, &ignored);
	}
	jv_free(value);
}

/* Gaps fill what is missing: then nothing is. */
static void
fill(const struct rtta_gaps *gaps, struct rtta_cover *covered)
{
	const struct rtta_cover *sets[] = { covered };
	struct rtta_gap *list;
	size_t count = rtta_gaps_missing(gaps, sets, 0, &list);

	for (size_t i = 0; i < count; i++) {
		assert(list[i].span.first < list[i].span.last);
		rtta_cover_add(covered, list[i].span);
	}
	free(list);
	assert(rtta_gaps_missing(gaps, sets, 0, &list) == 0);
	free(list);
	count = rtta_gaps_breaks(gaps, &list);
	for (size_t i = 0; i < count; i++)
		assert(list[i].span.first == list[i].span.last);
	free(list);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct rtta_transcript *transcript = rtta_transcript_new("s1");
	struct rtta_gaps *gaps = rtta_gaps_new();
	struct rtta_cover *covered = rtta_cover_new();
	char *text = rtta_xcalloc(1, bytes + 1), *rest = NULL;
	struct rtta_ledger ledger;

	memcpy(text, data, bytes);
	for (char *line = strtok_r(text, "\n", &rest); line != NULL;
	    line = strtok_r(NULL, "\n", &rest))
		put_key(gaps, transcript, line);
	rtta_ledger_count(&ledger, transcript);
	assert(ledger.all.captured_s >= 0);
	rtta_cover_add(covered, (struct rtta_span){ 0xaa, 100, 200 });
	fill(gaps, covered);
	rtta_cover_free(covered);
	rtta_gaps_free(gaps);
	rtta_transcript_free(transcript);
	free(text);
	return 0;
}

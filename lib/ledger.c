#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "bus.h"
#include "clock.h"
#include "err.h"
#include "ledger.h"
#include "log.h"
#include "reader.h"
#include "record.h"
#include "session.h"
#include "standing.h"
#include "transcript.h"

enum { PATIENCE_MS = 10000 };  /* without a record, before all are read */

/* What has come.  How many. */
static size_t
take_records(struct rtta_transcript *transcript, struct rtta_reader *reader)
{
	struct rtta_record record;
	struct rtta_err broken;
	size_t count = 0;
	natsMsg *msg;

	rtta_record_init(&record);
	for (; (msg = rtta_reader_take(reader)) != NULL; count++) {
		broken = (struct rtta_err){0};
		if (rtta_record_decode(&record, msg, &broken) == 0)
			rtta_transcript_add(transcript, &record);
		else
			rtta_log_warn("%s", broken.text);
		natsMsg_Destroy(msg);
	}
	rtta_record_done(&record);
	return count;
}

static int
read_all(struct rtta_bus *bus, struct rtta_transcript *transcript,
    struct rtta_reader *reader, struct rtta_err *err)
{
	struct pollfd fd = { .fd = rtta_bus_fd(bus), .events = POLLIN };
	int64_t heard_ms = rtta_clock_mono_ms();
	int wait_ms;

	for (;;) {
		wait_ms = rtta_reader_tick(reader);
		if (take_records(transcript, reader) > 0)
			heard_ms = rtta_clock_mono_ms();
		if (rtta_reader_caught_up(reader))
			return 0;
		if (rtta_clock_mono_ms() - heard_ms > PATIENCE_MS)
			return rtta_err_set(err, EX_TEMPFAIL,
			    "TEXT_STREAM: no answer for %d s",
			    PATIENCE_MS / 1000);
		poll(&fd, 1, wait_ms < 1000 ? wait_ms : 1000);
		if (rtta_bus_wake(bus, err) != 0)
			return -1;
	}
}

int
rtta_ledger_read(struct rtta_bus *bus, const struct rtta_state *state,
    const char *id, struct rtta_ledger *ledger, struct rtta_err *err)
{
	struct rtta_transcript *transcript = rtta_transcript_new(id);
	char filter[32 + RTTA_SESSION_ID_BYTES];
	struct rtta_reader *reader;
	int rc;

	snprintf(filter, sizeof(filter), "transcript.raw.%s", id);
	reader = rtta_reader_new(bus, "TEXT_STREAM", filter, RTTA_READER_ALL, 1);
	rtta_standing_keys(transcript, state, id);
	rc = read_all(bus, transcript, reader, err);
	rtta_transcript_ledger(transcript, ledger);
	rtta_reader_free(reader);
	rtta_transcript_free(transcript);
	return rc;
}

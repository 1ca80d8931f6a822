#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus.h"
#include "clock.h"
#include "err.h"
#include "gather.h"
#include "log.h"
#include "mem.h"
#include "reader.h"
#include "record.h"
#include "session.h"
#include "standing.h"
#include "state.h"
#include "transcript.h"

enum {
	PATIENCE_MS = 15000,   /* without a record, before all are read */
	POLL_MS = 1000
};

struct rtta_gather {
	struct rtta_bus *bus;
	struct rtta_state *state;
	struct rtta_reader *reader;
	struct rtta_transcript *transcript;
	char id[RTTA_SESSION_ID_BYTES];
	struct rtta_gather_counts counts;
	int64_t heard_ms;
	bool complete;
};

struct rtta_gather *
rtta_gather_new(struct rtta_bus *bus, struct rtta_state *state, const char *id)
{
	struct rtta_gather *gather = rtta_xcalloc(1, sizeof(*gather));
	char filter[32 + RTTA_SESSION_ID_BYTES];

	snprintf(filter, sizeof(filter), "transcript.raw.%s", id);
	gather->bus = bus;
	gather->state = state;
	strcpy(gather->id, id);
	gather->transcript = rtta_transcript_new(id);
	gather->counts.keys = rtta_standing_keys(gather->transcript, state, id);
	gather->reader = rtta_reader_new(bus, "TEXT_STREAM", filter, RTTA_READER_ALL, 1);
	gather->heard_ms = rtta_clock_mono_ms();
	return gather;
}

void
rtta_gather_free(struct rtta_gather *gather)
{
	if (gather == NULL)
		return;
	rtta_reader_free(gather->reader);
	rtta_transcript_free(gather->transcript);
	free(gather);
}

static void
take_key(struct rtta_gather *gather, const struct rtta_state_change *change)
{
	char what[16], id[RTTA_SESSION_ID_BYTES];
	struct rtta_err broken = {0};
	const char *rest;

	if (!change->readable || rtta_session_key_parse(change->key, what, id, &rest) < 0 ||
	    strcmp(id, gather->id) != 0)
		return;
	gather->counts.keys++;
	if (rtta_transcript_key(gather->transcript, change->key, change->value, &broken) < 0)
		rtta_log_warn("key %s: %s", change->key, broken.text);
}

int
rtta_gather_tick(struct rtta_gather *gather, struct rtta_err *err)
{
	int wait_ms = rtta_state_tick(gather->state);
	struct rtta_state_change change;

	while (rtta_state_next(gather->state, &change)) {
		take_key(gather, &change);
		jv_free(change.value);
	}
	wait_ms = rtta_clock_sooner(wait_ms, rtta_reader_tick(gather->reader));
	if (!gather->complete && rtta_clock_mono_ms() - gather->heard_ms > PATIENCE_MS)
		return rtta_err_set(err, EX_TEMPFAIL, "%s: no answer for %d s",
		    rtta_bus_url(gather->bus), PATIENCE_MS / 1000);
	return rtta_clock_sooner(wait_ms, POLL_MS);
}

int
rtta_gather_next(struct rtta_gather *gather, struct rtta_record *record)
{
	natsMsg *msg;
	int rc = -1;

	while (rc < 0 && (msg = rtta_reader_take(gather->reader)) != NULL) {
		struct rtta_err broken = {0};

		gather->heard_ms = rtta_clock_mono_ms();
		rc = rtta_record_decode(record, msg, &broken);
		natsMsg_Destroy(msg);
		gather->counts.records++;
		if (rc < 0) {
			rtta_log_warn("%s", broken.text);
			gather->counts.broken++;
		}
	}
	gather->complete = gather->complete || rtta_reader_caught_up(gather->reader);
	if (rc < 0)
		return 0;
	rtta_transcript_add(gather->transcript, record);
	return 1;
}

bool
rtta_gather_is_complete(const struct rtta_gather *gather)
{
	return gather->complete;
}

struct rtta_transcript *
rtta_gather_transcript(const struct rtta_gather *gather)
{
	return gather->transcript;
}

struct rtta_gather_counts
rtta_gather_counts(const struct rtta_gather *gather)
{
	return gather->counts;
}

int
rtta_gather_all(struct rtta_gather *gather, struct rtta_err *err)
{
	struct pollfd fd = { .fd = rtta_bus_fd(gather->bus), .events = POLLIN };
	struct rtta_record record;
	int rc = 0;

	rtta_record_init(&record);
	while (rc == 0 && !gather->complete) {
		int wait_ms = rtta_gather_tick(gather, err);

		while (rtta_gather_next(gather, &record))
			;
		if (wait_ms < 0 || (!gather->complete && poll(&fd, 1, wait_ms) >= 0 &&
		    rtta_bus_wake(gather->bus, err) < 0))
			rc = -1;
	}
	rtta_record_done(&record);
	return rc;
}

#include <jv.h>
#include <stdint.h>
#include <stdlib.h>

#include "api.h"
#include "bus.h"
#include "clock.h"
#include "credit.h"
#include "log.h"
#include "mem.h"
#include "streams.h"

enum {
	MESSAGE_BYTES = 512,     /* subject, headers and record, at most */
	PUBLISHERS = 4,          /* that may fill the room together */
	LEAST_BYTES = 128 << 10, /* the largest message is taken whole */
	REFRESH_MS = 1000,
	VOID_MS = 2000,
	FULL_MS = 250,
	AGAIN_MS = 20,
	ANSWER_MS = 2000,
	DEAF_MS = 4000,          /* without an answer */
	NO_ANSWER = 408
};

struct rtta_credit {
	struct rtta_bus *bus;
	struct rtta_api *api;
	int64_t bytes, messages;               /* that are left, */
	int64_t since_ms;                      /* as it was then; 0: unknown */
	int64_t unsure_bytes, unsure_messages; /* that the answer may leave out */
	int64_t needed_bytes;                  /* of the message that was refused */
	int64_t asked_ms;                      /* the last time; 0: never */
	int64_t lost_ms;                       /* asked then, and not answered since; 0: answered */
	uint64_t epoch;
	bool open, full, wanted;
	bool deaf;                             /* nobody answers: no limit */
};

struct rtta_credit *
rtta_credit_new(struct rtta_bus *bus)
{
	struct rtta_credit *credit = rtta_xcalloc(1, sizeof(*credit));

	credit->bus = bus;
	credit->api = rtta_api_new(bus);
	return credit;
}

void
rtta_credit_free(struct rtta_credit *credit)
{
	if (credit == NULL)
		return;
	rtta_api_free(credit->api);
	free(credit);
}

bool
rtta_credit_is_full(const struct rtta_credit *credit)
{
	return credit->full;
}

static int64_t
quarter(int64_t room, int64_t least)
{
	int64_t part = room / PUBLISHERS;

	if (part < least)
		part = room < least ? room : least;
	return part > 0 ? part : 0;
}

static void
miss_answer(struct rtta_credit *credit)
{
	credit->wanted = true;
	if (credit->lost_ms == 0)
		credit->lost_ms = credit->asked_ms;
	if (credit->deaf || rtta_clock_mono_ms() - credit->lost_ms < DEAF_MS)
		return;
	credit->deaf = true;
	credit->full = false;
	rtta_log_warn("AUDIO_STREAM: no answer how full it is, its own ceiling has to do");
}

/* Without an answer that tells, the server's own ceiling has to do. */
static void
take_answer(struct rtta_credit *credit, const struct rtta_answer *answer)
{
	int64_t bytes = INT64_MAX, messages = INT64_MAX;

	credit->open = false;
	if (answer->error == NO_ANSWER) {
		miss_answer(credit);
		return;
	}
	credit->lost_ms = 0;
	credit->deaf = false;
	if (answer->error == 0)
		rtta_streams_room(answer->body, &bytes, &messages);
	credit->bytes = quarter(bytes - credit->unsure_bytes, LEAST_BYTES);
	credit->messages = quarter(messages - credit->unsure_messages, 1);
	credit->full = bytes < credit->needed_bytes || messages < 1;
	credit->since_ms = credit->asked_ms;
	credit->wanted = false;
}

void
rtta_credit_look(struct rtta_credit *credit)
{
	struct rtta_answer answer;

	/* Another server, or the same one with what it found again. */
	if (credit->epoch != rtta_bus_epoch(credit->bus)) {
		credit->epoch = rtta_bus_epoch(credit->bus);
		credit->since_ms = credit->lost_ms = 0;
		credit->deaf = false;
	}
	while (rtta_api_next(credit->api, &answer)) {
		take_answer(credit, &answer);
		jv_free(answer.body);
	}
}

bool
rtta_credit_take(struct rtta_credit *credit, size_t payload_bytes)
{
	int64_t bytes = (int64_t)payload_bytes + MESSAGE_BYTES;

	if (credit->deaf)
		return true;
	if (credit->since_ms == 0 || rtta_clock_mono_ms() - credit->since_ms >= VOID_MS ||
	    credit->messages < 1 || credit->bytes < bytes) {
		credit->wanted = true;
		credit->needed_bytes = bytes;
		return false;
	}
	credit->bytes -= bytes;
	credit->messages--;
	credit->unsure_bytes += bytes;
	credit->unsure_messages++;
	return true;
}

static int64_t
due_ms(const struct rtta_credit *credit)
{
	if (credit->asked_ms == 0)
		return 0;
	if (!credit->wanted || credit->deaf)
		return credit->asked_ms + REFRESH_MS;
	return credit->asked_ms + (credit->full ? FULL_MS : AGAIN_MS);
}

int
rtta_credit_ask(struct rtta_credit *credit, size_t messages, size_t payload_bytes)
{
	int64_t now_ms = rtta_clock_mono_ms();

	if (!credit->open && now_ms >= due_ms(credit) && rtta_bus_connected(credit->bus)) {
		credit->unsure_messages = (int64_t)messages;
		credit->unsure_bytes = (int64_t)(payload_bytes + messages * MESSAGE_BYTES);
		credit->asked_ms = now_ms;
		credit->open = true;
		rtta_api_ask(credit->api, "STREAM.INFO.AUDIO_STREAM", jv_invalid(), ANSWER_MS, NULL);
	}
	if (credit->open)
		return rtta_api_wait_ms(credit->api);
	return now_ms >= due_ms(credit) ? REFRESH_MS : (int)(due_ms(credit) - now_ms);
}

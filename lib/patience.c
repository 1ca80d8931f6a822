#include <math.h>
#include <string.h>

#include "patience.h"

enum { LASTING_MS = 10000 };        /* a connection that was one */

void
rtta_patience_init(struct rtta_patience *patience)
{
	*patience = (struct rtta_patience){0};
}

void
rtta_patience_begin(struct rtta_patience *patience, int64_t now_ms)
{
	patience->count = 0;
	patience->sent_s = 0;
	patience->begun_ms = now_ms;
}

/* Full: the newest ones are not needed before the oldest has its answer. */
void
rtta_patience_sent(struct rtta_patience *patience, double seconds, bool loud, int64_t now_ms)
{
	double start_s = patience->sent_s;
	size_t i = patience->count;

	patience->sent_s += seconds;
	if (!loud || i == RTTA_PATIENCE_MARKS ||
	    (i > 0 && now_ms - patience->marks[i - 1].ms < RTTA_PATIENCE_MARK_MS))
		return;
	patience->marks[i].start_s = start_s;
	patience->marks[i].ms = patience->owed_ms != 0 ? patience->owed_ms : now_ms;
	patience->owed_ms = 0;
	patience->count++;
}

void
rtta_patience_heard(struct rtta_patience *patience, double end_s)
{
	size_t gone = 0;

	while (gone < patience->count &&
	    (isnan(end_s) || patience->marks[gone].start_s < end_s))
		gone++;
	patience->count -= gone;
	memmove(patience->marks, patience->marks + gone,
	    patience->count * sizeof(patience->marks[0]));
	patience->owed_ms = patience->away_ms = 0;
}

void
rtta_patience_broken(struct rtta_patience *patience, int64_t now_ms)
{
	if (patience->count > 0)
		patience->owed_ms = patience->marks[0].ms;
	if (patience->away_ms == 0 ||
	    (patience->begun_ms != 0 && now_ms - patience->begun_ms > LASTING_MS))
		patience->away_ms = now_ms;
	patience->count = 0;
	patience->begun_ms = 0;
}

int64_t
rtta_patience_tried_ms(const struct rtta_patience *patience, bool connected, int64_t now_ms)
{
	int64_t since_ms = 0;

	if (connected)
		since_ms = patience->count > 0 ? patience->marks[0].ms : 0;
	else
		since_ms = patience->owed_ms != 0 ? patience->owed_ms : patience->away_ms;
	return since_ms == 0 ? 0 : now_ms > since_ms ? now_ms - since_ms : 1;
}

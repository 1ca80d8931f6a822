#include <stdlib.h>
#include <string.h>

#include "book.h"
#include "deleted.h"
#include "lane.h"
#include "log.h"
#include "mem.h"
#include "session.h"
#include "state.h"

struct rtta_deleted {
	struct rtta_books *books;
	struct rtta_lane *lane;
	struct rtta_state *state;
};

struct rtta_deleted *
rtta_deleted_new(struct rtta_bus *bus, struct rtta_books *books, struct rtta_lane *lane)
{
	struct rtta_deleted *deleted = rtta_xcalloc(1, sizeof(*deleted));

	deleted->books = books;
	deleted->lane = lane;
	deleted->state = rtta_state_new(bus);
	return deleted;
}

void
rtta_deleted_free(struct rtta_deleted *deleted)
{
	if (deleted == NULL)
		return;
	rtta_state_free(deleted->state);
	free(deleted);
}

static void
drop(struct rtta_deleted *deleted, const char *id)
{
	struct rtta_book *book = rtta_books_get(deleted->books, id);

	if (book->deleted)
		return;
	rtta_log_info("session %s was deleted", id);
	book->deleted = true;
	rtta_lane_drop(deleted->lane, book);
}

int
rtta_deleted_tick(struct rtta_deleted *deleted)
{
	int wait_ms = rtta_state_tick(deleted->state);
	size_t len = strlen(RTTA_SESSION_DELETED);
	struct rtta_state_change change;

	while (rtta_state_next(deleted->state, &change)) {
		if (change.readable && strncmp(change.key, RTTA_SESSION_DELETED, len) == 0 &&
		    rtta_session_id_valid(change.key + len))
			drop(deleted, change.key + len);
		jv_free(change.value);
	}
	return wait_ms;
}

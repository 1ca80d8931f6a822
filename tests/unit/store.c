/* Records by compare-and-set, against a real server and another writer. */
#include <stdlib.h>
#include <string.h>

#include "book.h"
#include "check.h"
#include "cover.h"
#include "draft.h"
#include "log.h"
#include "mem.h"
#include "publisher.h"
#include "record.h"
#include "server.h"
#include "store.h"

enum { WAIT_MS = 10000, QUIET_MS = 300 };

struct writer {
	struct rtta_bus *bus;
	struct rtta_books books;
	struct rtta_store *store;
	struct rtta_book *book;
};

static void
open_writer(struct writer *writer, const struct server *server)
{
	int wait_ms;

	writer->bus = server_open_bus(server, "test");
	rtta_books_init(&writer->books);
	writer->store = rtta_store_new(writer->bus, &writer->books);
	writer->book = rtta_books_get(&writer->books, "S");
	rtta_book_tell(writer->book, 0);
	rtta_book_tell(rtta_books_get(&writer->books, "T"), 2);
	while (wait_ms = rtta_store_tick(writer->store), !rtta_store_loaded(writer->store))
		server_turn(writer->bus, wait_ms);
}

static void
close_writer(struct writer *writer)
{
	rtta_store_free(writer->store);
	rtta_bus_close(writer->bus);
	rtta_books_done(&writer->books);
}

static struct rtta_draft *
draft(uint64_t first, uint64_t last, const char *text)
{
	struct rtta_draft *draft = rtta_draft_new();
	struct rtta_record *record = &draft->record;

	strcpy(record->session, "S");
	free(record->text);
	record->text = rtta_xstrdup(text);
	record->span = draft->core = (struct rtta_span){ 1, first, last };
	record->end_ns = 1000000000;
	draft->ns_per_position = 62500;
	return draft;
}

/* The same of a channel of the session T. */
static struct rtta_draft *
channel_draft(int channel, uint64_t first, uint64_t last, const char *text)
{
	struct rtta_draft *made = draft(first, last, text);

	strcpy(made->record.session, "T");
	made->record.channel = channel;
	return made;
}

/* Another writer's record (taken), stored when this returns. */
static void
store_draft(struct rtta_bus *bus, struct rtta_draft *other)
{
	struct rtta_publisher *publisher = rtta_publisher_new(bus, 1);
	struct rtta_puback ack;
	int wait_ms;

	rtta_publisher_put(publisher, rtta_record_encode(&other->record, 0), NULL);
	rtta_draft_free(other);
	while (wait_ms = rtta_publisher_pump(publisher), !rtta_publisher_next(publisher, &ack))
		server_turn(bus, wait_ms);
	CHECK_INT(ack.error, 0);
	rtta_publisher_free(publisher);
}

static void
store_other(struct rtta_bus *bus, uint64_t first, uint64_t last)
{
	store_draft(bus, draft(first, last, "other"));
}

/* Everything that is on its way to the writer has arrived, and waits. */
static void
let_arrive(struct writer *writer)
{
	struct pollfd fd = { .fd = rtta_bus_fd(writer->bus), .events = POLLIN };
	struct rtta_err err = {0};

	while (poll(&fd, 1, QUIET_MS) > 0 && rtta_bus_wake(writer->bus, &err) == 0)
		;
}

static void
settle(struct writer *writer)
{
	int64_t deadline_ms = rtta_clock_mono_ms() + WAIT_MS;
	int wait_ms;

	while (wait_ms = rtta_store_tick(writer->store),
	    rtta_store_pending(writer->store) > 0 && rtta_clock_mono_ms() < deadline_ms)
		server_turn(writer->bus, wait_ms);
	CHECK_INT(rtta_store_pending(writer->store), 0);
}

/* Two of the other's records: one refuses ours, and the other has been read
 * when the refusal, which names the first one, is looked at. */
static void
check_late_refusal(struct rtta_bus *bus, struct writer *writer)
{
	struct rtta_store_status status;

	store_other(bus, 0, 100);
	let_arrive(writer);
	rtta_store_tick(writer->store);
	CHECK_INT(writer->book->last_seq, 1);
	writer->book->last_seq = 0;    /* as if it were on its way */
	rtta_store_put(writer->store, draft(200, 300, "ours"));
	rtta_store_tick(writer->store);
	store_other(bus, 100, 200);
	let_arrive(writer);
	settle(writer);
	rtta_store_status(writer->store, &status);
	CHECK_INT(status.stored, 1);
}

/* The newest record is deleted: what stands before it is expected then. */
static void
check_deleted(struct rtta_bus *bus, struct writer *writer)
{
	server_do(bus, "STREAM.MSG.DELETE.TEXT_STREAM", "{\"seq\":3}");
	rtta_store_put(writer->store, draft(300, 400, "ours"));
	settle(writer);
	CHECK_INT(server_state(bus, "TEXT_STREAM", "messages"), 3);
}

/* Two channels have records of one span, with an id each.  Another writer was
 * faster on one of them: ours is cut there alone, what both have is covered. */
static void
check_channels(struct rtta_bus *bus, struct writer *writer)
{
	struct rtta_book *book = rtta_books_get(&writer->books, "T");
	struct rtta_covered covered;
	struct rtta_again again;
	struct rtta_span span;
	int64_t before = server_state(bus, "TEXT_STREAM", "messages");
	size_t count = 0;

	while (rtta_store_next_covered(writer->store, &covered))
		;
	store_draft(bus, channel_draft(1, 0, 300, "theirs"));
	rtta_store_put(writer->store, channel_draft(0, 0, 100, "left"));
	rtta_store_put(writer->store, channel_draft(1, 0, 100, "right"));
	rtta_store_put(writer->store, channel_draft(0, 100, 400, "left too"));
	rtta_store_put(writer->store, channel_draft(1, 100, 400, "right too"));
	settle(writer);
	for (; rtta_store_next_covered(writer->store, &covered); count++)
		CHECK(covered.book == book);
	CHECK(count > 0);
	CHECK(rtta_cover_at(book->cover[0], 0, &span) && span.first == 0 && span.last == 300);
	/* "right too" was mostly theirs: its end is heard again, on that channel. */
	CHECK_INT(rtta_store_next_again(writer->store, &again), 1);
	CHECK_INT(again.channel, 1);
	CHECK_INT(rtta_cover_samples(again.spans), 100);
	rtta_cover_free(again.spans);
	CHECK_INT(server_state(bus, "TEXT_STREAM", "messages"), before + 3);
	rtta_store_put(writer->store, channel_draft(0, 400, 500, "same"));
	rtta_store_put(writer->store, channel_draft(1, 400, 500, "same"));
	settle(writer);
	CHECK_INT(server_state(bus, "TEXT_STREAM", "messages"), before + 5);
}

int
main(void)
{
	struct server server = {0};
	struct writer writer = {0};
	struct rtta_bus *bus;

	rtta_log_open("test");
	rtta_log_set_level(RTTA_LOG_ERROR);
	server_start(&server);
	bus = server_open_bus(&server, "other");
	server_do(bus, "STREAM.CREATE.TEXT_STREAM", "{\"name\":\"TEXT_STREAM\","
	    "\"subjects\":[\"transcript.raw.>\"],\"storage\":\"file\"}");
	open_writer(&writer, &server);
	check_late_refusal(bus, &writer);
	check_deleted(bus, &writer);
	check_channels(bus, &writer);
	close_writer(&writer);
	rtta_bus_close(bus);
	server_remove(&server);
	return check_result();
}

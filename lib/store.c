#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "book.h"
#include "bus.h"
#include "clock.h"
#include "cover.h"
#include "draft.h"
#include "err.h"
#include "log.h"
#include "mem.h"
#include "publisher.h"
#include "reader.h"
#include "reason.h"
#include "record.h"
#include "store.h"

enum {
	WINDOW = 256,
	READ_AT_ONCE = 4096,         /* records in one turn of the loop */
	REFUSED_MS = 500,            /* try again without having read anything */
	WRONG_LAST_SEQUENCE = 10071
};

static const char raw_prefix[] = "transcript.raw.";

struct covered {
	struct rtta_covered what;
	struct covered *next;
};

struct again {
	struct rtta_again what;
	struct again *next;
};

struct rtta_store {
	struct rtta_books *books;
	struct rtta_log_damper damper;   /* of messages that are no good */
	struct rtta_publisher *publisher;
	struct rtta_reader *reader;
	uint64_t resets;
	struct covered *covered, **last_covered;
	struct again *again, **last_again;
	uint64_t stored, refused, duplicates;
	size_t pending;
};

struct rtta_store *
rtta_store_new(struct rtta_bus *bus, struct rtta_books *books)
{
	struct rtta_store *store = rtta_xcalloc(1, sizeof(*store));

	store->books = books;
	store->publisher = rtta_publisher_new(bus, WINDOW);
	store->reader = rtta_reader_new(bus, "TEXT_STREAM", "transcript.raw.>",
	    RTTA_READER_ALL, 1);
	store->last_covered = &store->covered;
	store->last_again = &store->again;
	return store;
}

void
rtta_store_free(struct rtta_store *store)
{
	struct rtta_covered covered;
	struct rtta_again again;

	if (store == NULL)
		return;
	while (rtta_store_next_covered(store, &covered))
		;
	while (rtta_store_next_again(store, &again))
		rtta_cover_free(again.spans);
	rtta_publisher_free(store->publisher);
	rtta_reader_free(store->reader);
	free(store);
}

/* --- what is known --- */

static void
put_covered(struct rtta_store *store, struct rtta_book *book, int rev, struct rtta_span span)
{
	struct covered *covered = rtta_xcalloc(1, sizeof(*covered));

	covered->what = (struct rtta_covered){ book, rev, span };
	*store->last_covered = covered;
	store->last_covered = &covered->next;
}

int
rtta_store_next_covered(struct rtta_store *store, struct rtta_covered *what)
{
	struct covered *covered = store->covered;

	if (covered == NULL)
		return 0;
	*what = covered->what;
	store->covered = covered->next;
	if (store->covered == NULL)
		store->last_covered = &store->covered;
	free(covered);
	return 1;
}

/* A record that stands in the stream. */
static void
enter(struct rtta_store *store, struct rtta_book *book, const struct rtta_record *record)
{
	struct rtta_span span = record->span;

	book->records++;
	if (record->foreign || !record->is_final)
		return;
	if (span.first == span.last) {
		if (record->type == RTTA_RECORD_GAP)
			rtta_book_add_break(book, (struct rtta_pos){ span.run, span.first },
			    record->channel);
		return;
	}
	if (rtta_book_enter(book, record->rev, record->channel, span))
		put_covered(store, book, record->rev, span);
}

static void
read_record(struct rtta_store *store, natsMsg *msg)
{
	const char *subject = natsMsg_GetSubject(msg);
	struct rtta_record record;
	struct rtta_err err = {0};
	struct rtta_meta meta;
	struct rtta_book *book;

	if (strncmp(subject, raw_prefix, strlen(raw_prefix)) != 0 ||
	    !rtta_session_id_valid(subject + strlen(raw_prefix)) ||
	    rtta_meta_read(msg, &meta) < 0)
		return;
	book = rtta_books_get(store->books, subject + strlen(raw_prefix));
	if (meta.stream_seq > book->last_seq)
		book->last_seq = meta.stream_seq;
	rtta_record_init(&record);
	if (rtta_record_decode(&record, msg, &err) == 0)
		enter(store, book, &record);
	else
		rtta_log_warn_damped(&store->damper, "%s", err.text);
	rtta_record_done(&record);
}

/* True when there may be more. */
static bool
read_records(struct rtta_store *store)
{
	natsMsg *msg;

	if (rtta_reader_resets(store->reader) != store->resets) {
		store->resets = rtta_reader_resets(store->reader);
		for (struct rtta_book *book = store->books->first; book != NULL; book = book->next)
			rtta_book_clear(book);
	}
	for (int i = 0; i < READ_AT_ONCE; i++) {
		msg = rtta_reader_take(store->reader);
		if (msg == NULL)
			return false;
		read_record(store, msg);
		natsMsg_Destroy(msg);
	}
	return true;
}

bool
rtta_store_loaded(const struct rtta_store *store)
{
	return rtta_reader_caught_up(store->reader);
}

/* --- what is to be stored --- */

void
rtta_store_put(struct rtta_store *store, struct rtta_draft *draft)
{
	struct rtta_book *book = rtta_books_get(store->books, draft->record.session);

	if (book->deleted) {
		rtta_draft_free(draft);
		return;
	}
	rtta_cover_add(rtta_book_part(book, draft->record.rev, draft->record.channel)->claimed,
	    draft->record.span);
	rtta_drafts_put(&book->queue, draft);
	store->pending++;
}

static void
put_again(struct rtta_store *store, struct rtta_book *book, int rev, int channel,
    struct rtta_cover *spans)
{
	struct again *again;

	if (rtta_cover_samples(spans) == 0) {
		rtta_cover_free(spans);
		return;
	}
	again = rtta_xcalloc(1, sizeof(*again));
	again->what = (struct rtta_again){ book, rev, channel, spans };
	*store->last_again = again;
	store->last_again = &again->next;
}

int
rtta_store_next_again(struct rtta_store *store, struct rtta_again *what)
{
	struct again *again = store->again;

	if (again == NULL)
		return 0;
	*what = again->what;
	store->again = again->next;
	if (store->again == NULL)
		store->last_again = &store->again;
	free(again);
	return 1;
}

/* Put drafts before those of the queue. */
static void
put_before(struct rtta_drafts *queue, struct rtta_drafts *before)
{
	struct rtta_draft *draft;

	while ((draft = rtta_drafts_take(queue)) != NULL)
		rtta_drafts_put(before, draft);
	while ((draft = rtta_drafts_take(before)) != NULL)
		rtta_drafts_put(queue, draft);
}

/* Cut the first draft of the queue down to what is not covered. */
static void
cut_first(struct rtta_store *store, struct rtta_book *book)
{
	struct rtta_draft *draft = rtta_drafts_take(&book->queue);
	int rev = draft->record.rev, channel = draft->record.channel;
	struct rtta_pos at = { draft->record.span.run, draft->record.span.first };
	struct rtta_cover *again = rtta_cover_new();
	struct rtta_drafts pieces;

	rtta_drafts_init(&pieces);
	store->pending--;
	if (draft->record.type == RTTA_RECORD_GAP && draft->record.span.first ==
	    draft->record.span.last && rtta_book_has_break(book, at, channel))
		rtta_draft_free(draft);
	else
		rtta_draft_cut(draft, rtta_book_part(book, rev, channel)->cover, &pieces, again);
	store->pending += pieces.count;
	put_before(&book->queue, &pieces);
	put_again(store, book, rev, channel, again);
}

static natsMsg *
encode(const struct rtta_book *book, const struct rtta_draft *draft)
{
	natsMsg *msg = rtta_record_encode(&draft->record, draft->attempt);
	char seq[24];

	if (msg == NULL)
		return NULL;
	snprintf(seq, sizeof(seq), "%" PRIu64, book->last_seq);
	rtta_msg_header(msg, "Nats-Expected-Last-Subject-Sequence", seq);
	return msg;
}

/* The server takes no such message: without words, or as a gap. */
static void
make_smaller(struct rtta_draft *draft, int error)
{
	struct rtta_record *record = &draft->record;

	rtta_log_warn("%s: a record of %zu bytes is refused (%d)", record->session,
	    strlen(record->text), error);
	draft->attempt++;
	if (jv_is_valid(record->words)) {
		jv_free(record->words);
		record->words = jv_invalid();
		return;
	}
	record->type = RTTA_RECORD_GAP;
	record->text[0] = '\0';
	free(record->reason);
	record->reason = rtta_xstrdup(rtta_reason_text(RTTA_REASON_STORE));
}

static void
send_first(struct rtta_store *store, struct rtta_book *book)
{
	natsMsg *msg;

	while (book->queue.first != NULL && !book->in_flight) {
		struct rtta_draft *before = book->queue.first;

		cut_first(store, book);
		if (book->queue.first != before)
			continue;
		msg = encode(book, before);
		if (msg == NULL) {
			make_smaller(before, 0);
			continue;
		}
		rtta_publisher_put(store->publisher, msg, book);
		book->sent_seq = book->last_seq;
		book->in_flight = true;
	}
}

/* Refused: wait until something new is known, or a moment. */
static bool
may_send(struct rtta_book *book)
{
	if (book->in_flight || book->queue.first == NULL)
		return false;
	if (book->refused && book->last_seq == book->refused_seq &&
	    rtta_clock_mono_ms() - book->refused_ms < REFUSED_MS)
		return false;
	book->refused = false;
	return true;
}

static void
send_drafts(struct rtta_store *store)
{
	if (store->pending == 0 || !rtta_store_loaded(store))
		return;
	for (struct rtta_book *book = store->books->first; book != NULL; book = book->next)
		if (may_send(book))
			send_first(store, book);
}

static void
take_result(struct rtta_store *store, const struct rtta_puback *ack)
{
	struct rtta_book *book = ack->tag;
	struct rtta_draft *draft = book->queue.first;

	book->in_flight = false;
	if (ack->error == WRONG_LAST_SEQUENCE) {
		store->refused++;
		book->refused = true;
		book->refused_seq = book->last_seq;
		book->refused_ms = rtta_clock_mono_ms();
		/* Less than was known when it was sent: records have expired or were
		 * deleted.  What was read since is newer than this answer. */
		if (book->last_seq == book->sent_seq && ack->last_seq < book->sent_seq)
			book->last_seq = ack->last_seq;
		return;
	}
	if (ack->error != 0) {
		make_smaller(draft, ack->error);
		return;
	}
	store->stored++;
	store->duplicates += ack->duplicate;
	store->pending--;
	if (ack->seq > book->last_seq)
		book->last_seq = ack->seq;
	rtta_drafts_take(&book->queue);
	enter(store, book, &draft->record);
	rtta_draft_free(draft);
}

int
rtta_store_tick(struct rtta_store *store)
{
	struct rtta_puback ack;
	int wait_ms = rtta_reader_tick(store->reader);

	if (read_records(store))
		wait_ms = 0;
	rtta_publisher_pump(store->publisher);
	while (rtta_publisher_next(store->publisher, &ack))
		take_result(store, &ack);
	/* Behind the results: each makes room for the next of its session. */
	send_drafts(store);
	wait_ms = rtta_clock_sooner(wait_ms, rtta_publisher_pump(store->publisher));
	if (store->pending > 0)
		wait_ms = rtta_clock_sooner(wait_ms, 100);
	return wait_ms;
}

size_t
rtta_store_pending(const struct rtta_store *store)
{
	return store->pending;
}

void
rtta_store_status(const struct rtta_store *store, struct rtta_store_status *status)
{
	*status = (struct rtta_store_status){
		.stored = store->stored,
		.refused = store->refused,
		.duplicates = store->duplicates,
		.pending = store->pending,
		.trouble = rtta_publisher_trouble(store->publisher),
	};
}

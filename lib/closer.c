#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "book.h"
#include "bus.h"
#include "clock.h"
#include "closer.h"
#include "cover.h"
#include "draft.h"
#include "err.h"
#include "gaps.h"
#include "json.h"
#include "keys.h"
#include "lane.h"
#include "log.h"
#include "mem.h"
#include "reason.h"
#include "record.h"
#include "session.h"
#include "state.h"
#include "store.h"
#include "streams.h"

enum {
	LOOK_MS = 2000,                /* while something is missing */
	STILL_MS = 5000,               /* no sound for so long: none will come */
	ASK_MS = 5000,
	AUDIO_AGE_S = 3600,            /* of the stream, until it says so */
	AGE_MARGIN_S = 900,
	ROOM_BYTES = 66 << 10          /* the largest message of sound, and its headers */
};

struct session {
	struct rtta_book *book;
	struct rtta_gaps *gaps;        /* made anew when a key changes */
	bool changed;
	int64_t due_ms;                /* look at it; -1: nothing to do */
	uint64_t asked;                /* request that is open, or 0 */
	int64_t empty_ms;              /* no sound since, or 0 */
	size_t records;                /* known when empty_ms was set */
	int64_t ended_ms;              /* its end is known since, or 0 */
	bool lacking;                  /* it has an end, and not all that it should */
	struct session *next;
};

struct rtta_closer {
	struct rtta_books *books;
	struct rtta_log_damper damper;   /* of messages that are no good */
	struct rtta_lane *lane;
	struct rtta_store *store;
	struct rtta_state *state;
	struct rtta_api *api;
	struct session *sessions;
	int64_t audio_age_s;
	int64_t full_ms;                 /* AUDIO_STREAM was full last, or 0 */
};

struct rtta_closer *
rtta_closer_new(struct rtta_bus *bus, struct rtta_books *books, struct rtta_lane *lane,
    struct rtta_store *store)
{
	struct rtta_closer *closer = rtta_xcalloc(1, sizeof(*closer));

	closer->books = books;
	closer->lane = lane;
	closer->store = store;
	closer->state = rtta_state_new(bus);
	closer->api = rtta_api_new(bus);
	closer->audio_age_s = AUDIO_AGE_S;
	return closer;
}

void
rtta_closer_free(struct rtta_closer *closer)
{
	struct session *session;

	if (closer == NULL)
		return;
	while ((session = closer->sessions) != NULL) {
		closer->sessions = session->next;
		rtta_gaps_free(session->gaps);
		free(session);
	}
	rtta_state_free(closer->state);
	rtta_api_free(closer->api);
	free(closer);
}

/* --- keys --- */

static struct session *
get_session(struct rtta_closer *closer, const char *id)
{
	struct rtta_book *book = rtta_books_get(closer->books, id);
	struct session *session = closer->sessions;

	while (session != NULL && session->book != book)
		session = session->next;
	if (session != NULL)
		return session;
	session = rtta_xcalloc(1, sizeof(*session));
	session->book = book;
	session->next = closer->sessions;
	closer->sessions = session;
	return session;
}

static void
follow_keys(struct rtta_closer *closer)
{
	struct rtta_state_change change;
	char what[16], id[RTTA_SESSION_ID_BYTES];
	const char *rest;

	while (rtta_state_next(closer->state, &change)) {
		if (rtta_session_key_parse(change.key, what, id, &rest) == 0) {
			struct session *session = get_session(closer, id);

			session->changed = true;
			session->due_ms = rtta_clock_mono_ms();
			session->empty_ms = 0;
		}
		jv_free(change.value);
	}
}

/* One kind of key: "cut" is one, "run" and "note" are many. */
static void
read_keys(struct rtta_closer *closer, struct session *session, const char *kind)
{
	char prefix[RTTA_SESSION_KEY_BYTES], what[16], id[RTTA_SESSION_ID_BYTES];
	const char *key, *rest;
	size_t at = 0;

	rtta_session_key(prefix, kind, session->book->session);
	while ((key = rtta_state_key(closer->state, prefix, &at)) != NULL) {
		struct rtta_err err = {0};
		jv value;

		/* "cut.a" is also the beginning of "cut.ab". */
		if (rtta_session_key_parse(key, what, id, &rest) < 0 ||
		    strcmp(id, session->book->session) != 0)
			continue;
		value = rtta_state_get(closer->state, key, NULL);
		if (jv_is_valid(value) &&
		    rtta_gaps_key(session->gaps, what, rest, value, &err) < 0)
			rtta_log_warn_damped(&closer->damper, "%s: %s", key, err.text);
		jv_free(value);
	}
}

/* That are kept apart; 0: mixed. */
static int
channels_of(const struct rtta_closer *closer, const char *id)
{
	struct rtta_session_info info;

	return rtta_keys_info(closer->state, id, &info) == 0 && info.split ? info.channels : 0;
}

static void
read_session(struct rtta_closer *closer, struct session *session)
{
	static const char *const kinds[] = { "cut", "end", "flush", "run", "note" };

	rtta_gaps_free(session->gaps);
	session->gaps = rtta_gaps_new();
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		read_keys(closer, session, kinds[i]);
	session->changed = false;
	/* It was written before the cut. */
	if (rtta_gaps_has_cut(session->gaps))
		rtta_book_tell(session->book, channels_of(closer, session->book->session));
}

/* --- gaps --- */

/* Both revisions of a channel united: what one has, the session has. */
static struct rtta_cover *
covered_by(struct rtta_book *book, int channel)
{
	struct rtta_cover *united = rtta_cover_new();
	struct rtta_span span;

	for (int rev = 1; rev <= RTTA_BOOK_REVS; rev++)
		for (size_t k = 0; rtta_cover_at(rtta_book_part(book, rev, channel)->cover, k,
		    &span); k++)
			rtta_cover_add(united, span);
	return united;
}

static size_t
find_missing(const struct session *session, struct rtta_gap **gaps)
{
	struct rtta_cover *sets[RTTA_FRAME_MAX_CHANNELS];
	const struct rtta_cover *covered[RTTA_FRAME_MAX_CHANNELS];
	int end, count = 0;
	size_t found;

	for (int c = rtta_book_channels(session->book, &end); c < end; c++, count++)
		covered[count] = sets[count] = covered_by(session->book, c);
	found = rtta_gaps_missing(session->gaps, covered, session->book->channels, gaps);
	while (count > 0)
		rtta_cover_free(sets[--count]);
	return found;
}

/*
 * Was the sound of the gap stored longer ago than the stream keeps it?  By the
 * clock that the stream goes by: a recording may be years old, and the wall
 * clock here may have jumped.  Live sound comes behind the cut, as long behind
 * it as it was said; anything else is stored before the cut, or soon.
 */
static bool
has_expired(const struct rtta_closer *closer, const char *id, const struct rtta_gap *gap)
{
	int64_t now_ns = rtta_state_server_ns(closer->state), stored_ns;
	char key[RTTA_SESSION_KEY_BYTES];
	struct rtta_session_cut cut;

	stored_ns = rtta_state_stored_ns(closer->state, rtta_session_key(key, "cut", id));
	if (now_ns == 0 || stored_ns == 0 || rtta_keys_cut(closer->state, id, &cut) < 0)
		return false;
	if (gap->end_ns > cut.at_us * 1000)
		stored_ns += gap->end_ns - cut.at_us * 1000;
	return (now_ns - stored_ns) / 1000000000 >= closer->audio_age_s;
}

/* Sound of which nobody knows. */
static const char *
reason_of(const struct rtta_closer *closer, const char *id, const struct rtta_gap *gap)
{
	if (rtta_reason_find(gap->reason) == RTTA_REASON_LOST && has_expired(closer, id, gap))
		return rtta_reason_text(RTTA_REASON_EXPIRED);
	return gap->reason;
}

static void
write_gap(struct rtta_closer *closer, const struct session *session,
    const struct rtta_gap *gap)
{
	struct rtta_draft *draft = rtta_draft_new();
	struct rtta_record *record = &draft->record;

	strcpy(record->session, session->book->session);
	record->type = RTTA_RECORD_GAP;
	record->backfill = true;
	record->channel = gap->channel;
	record->span = draft->core = gap->span;
	record->start_ns = gap->start_ns;
	record->end_ns = gap->end_ns;
	record->reason = rtta_xstrdup(reason_of(closer, record->session, gap));
	draft->ns_per_position = gap->ns_per_position;
	rtta_log_info("%s: a gap of %.2f s: %s", record->session,
	    (double)(gap->end_ns - gap->start_ns) / 1e9, record->reason);
	rtta_store_put(closer->store, draft);
}

/* Holes between runs are what they are: nobody can fill them. */
static void
write_breaks(struct rtta_closer *closer, const struct session *session)
{
	struct rtta_gap *breaks;
	size_t count = rtta_gaps_breaks(session->gaps, &breaks);

	for (size_t i = 0; i < count; i++) {
		struct rtta_pos at = { breaks[i].span.run, breaks[i].span.first };
		struct rtta_gap gap = breaks[i];
		int end;

		for (gap.channel = rtta_book_channels(session->book, &end); gap.channel < end;
		    gap.channel++)
			if (!rtta_book_has_break(session->book, at, gap.channel))
				write_gap(closer, session, &gap);
	}
	free(breaks);
}

static void
ask(struct rtta_closer *closer, struct session *session)
{
	char subjects[80];

	snprintf(subjects, sizeof(subjects), "audio.*.%s", session->book->session);
	session->asked = rtta_api_ask(closer->api, "STREAM.INFO.AUDIO_STREAM",
	    JV_OBJECT(jv_string("subjects_filter"), jv_string(subjects)), ASK_MS, session);
}

/* Whatever sound of it there was has expired.  Not by the times of the sound:
 * a recording may be years old, and the wall clock may have jumped. */
static bool
too_old(const struct rtta_closer *closer, const struct session *session)
{
	return rtta_clock_mono_ms() - session->ended_ms >
	    (closer->audio_age_s + AGE_MARGIN_S) * 1000;
}

/* Nothing of the session has moved for a while, no sound is left, and whoever
 * has more could have stored it. */
static bool
is_still(const struct rtta_closer *closer, const struct session *session)
{
	int64_t now_ms = rtta_clock_mono_ms();

	return session->empty_ms != 0 && session->records == session->book->records &&
	    now_ms - session->empty_ms >= STILL_MS &&
	    (closer->full_ms == 0 || now_ms - closer->full_ms >= STILL_MS);
}

/* Write the gaps if they may be called so.  How many are left. */
static size_t
write_gaps(struct rtta_closer *closer, struct session *session, struct rtta_gap *gaps,
    size_t count)
{
	bool still = is_still(closer, session) && !rtta_gaps_flushing(session->gaps);

	if (!still && !too_old(closer, session))
		return count;
	for (size_t i = 0; i < count; i++)
		write_gap(closer, session, &gaps[i]);
	return 0;
}

/* What was off the record is nowhere, so that nobody need wait for the end. */
static void
write_unkept(struct rtta_closer *closer, const struct session *session,
    const struct rtta_gap *gaps, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (gaps[i].unkept)
			write_gap(closer, session, &gaps[i]);
}

static void
look(struct rtta_closer *closer, struct session *session)
{
	struct rtta_gap *gaps = NULL;
	size_t count;

	session->due_ms = -1;
	if (session->changed)
		read_session(closer, session);
	if (!rtta_gaps_has_cut(session->gaps))
		return;
	if (session->book->queue.first != NULL) {
		session->due_ms = rtta_clock_mono_ms() + LOOK_MS;
		return;
	}
	write_breaks(closer, session);
	count = find_missing(session, &gaps);
	if (!rtta_gaps_has_end(session->gaps)) {
		write_unkept(closer, session, gaps, count);
		free(gaps);
		return;
	}
	if (session->ended_ms == 0)
		session->ended_ms = rtta_clock_mono_ms();
	if (count > 0 && write_gaps(closer, session, gaps, count) > 0 && session->asked == 0 &&
	    !rtta_lane_holds(closer->lane, session->book->session))
		ask(closer, session);
	free(gaps);
	session->lacking = count > 0;
	if (count > 0)
		session->due_ms = rtta_clock_mono_ms() + LOOK_MS;
}

/* --- is there sound left? --- */

static int64_t
max_age_s(jv info)
{
	jv config = jv_object_get(jv_copy(info), jv_string("config"));
	jv age = jv_get_kind(config) == JV_KIND_OBJECT ?
	    jv_object_get(config, jv_string("max_age")) : config;
	double age_ns = jv_get_kind(age) == JV_KIND_NUMBER ? jv_number_value(age) : 0;

	jv_free(age);
	return (int64_t)(age_ns / 1e9);
}

static size_t
subjects_left(jv info)
{
	jv state = jv_object_get(jv_copy(info), jv_string("state"));
	jv subjects = jv_get_kind(state) == JV_KIND_OBJECT ?
	    jv_object_get(state, jv_string("subjects")) : state;
	size_t count = jv_get_kind(subjects) == JV_KIND_OBJECT ?
	    (size_t)jv_object_length(jv_copy(subjects)) : 0;

	jv_free(subjects);
	return count;
}

static int64_t
stored(jv info, const char *key)
{
	jv state = jv_object_get(jv_copy(info), jv_string("state"));
	int64_t count = jv_get_kind(state) == JV_KIND_OBJECT ?
	    (int64_t)rtta_json_number(state, key, 0) : 0;

	jv_free(state);
	return count;
}

/* Who has sound cannot store it, or is just about to: a stream that is emptied
 * in bursts is filled up again at once. */
static bool
is_full(jv info)
{
	int64_t bytes, messages;

	rtta_streams_room(info, &bytes, &messages);
	return bytes < ROOM_BYTES || messages < 1 || bytes < stored(info, "bytes") / 8 ||
	    messages < stored(info, "messages") / 8;
}

static void
take_answer(struct rtta_closer *closer, struct rtta_answer *answer)
{
	struct session *session = answer->tag;

	session->asked = 0;
	if (answer->error == 0 && is_full(answer->body))
		closer->full_ms = rtta_clock_mono_ms();
	if (answer->error != 0 || subjects_left(answer->body) > 0) {
		session->empty_ms = 0;
		return;
	}
	if (max_age_s(answer->body) > 0)
		closer->audio_age_s = max_age_s(answer->body);
	if (session->empty_ms != 0 && session->records == session->book->records)
		return;
	session->empty_ms = rtta_clock_mono_ms();
	session->records = session->book->records;
}

int
rtta_closer_tick(struct rtta_closer *closer)
{
	int wait_ms = rtta_state_tick(closer->state), api_ms;
	struct rtta_answer answer;

	follow_keys(closer);
	while (rtta_api_next(closer->api, &answer)) {
		take_answer(closer, &answer);
		jv_free(answer.body);
	}
	if (rtta_state_loaded(closer->state))
		for (struct session *session = closer->sessions; session != NULL;
		    session = session->next)
			if (session->due_ms >= 0 && rtta_clock_mono_ms() >= session->due_ms)
				look(closer, session);
	api_ms = rtta_api_wait_ms(closer->api);
	if (api_ms >= 0 && (wait_ms < 0 || api_ms < wait_ms))
		wait_ms = api_ms;
	return wait_ms < 0 || wait_ms > 1000 ? 1000 : wait_ms;
}

void
rtta_closer_covered(struct rtta_closer *closer, const struct rtta_book *book)
{
	for (struct session *session = closer->sessions; session != NULL; session = session->next)
		if (session->book == book && (session->lacking || session->ended_ms == 0))
			session->due_ms = rtta_clock_mono_ms();
}

void
rtta_closer_given_up(struct rtta_closer *closer, const struct rtta_given_up *what)
{
	struct rtta_session_note note = {
		.from = { what->span.run, what->span.first },
		.to = { what->span.run, what->span.last },
		.from_us = what->start_ns / 1000, .to_us = what->end_ns / 1000,
	};
	char key[RTTA_SESSION_KEY_BYTES];

	strcpy(note.reason, rtta_reason_text(RTTA_REASON_ENGINE));
	rtta_state_create(closer->state, rtta_session_note_key(key, what->book->session, "stt",
	    note.from), rtta_session_note_encode(&note));
}

size_t
rtta_closer_open(const struct rtta_closer *closer)
{
	size_t count = 0;

	for (const struct session *session = closer->sessions; session != NULL;
	    session = session->next)
		count += session->lacking;
	return count;
}

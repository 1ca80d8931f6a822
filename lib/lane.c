#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "book.h"
#include "clock.h"
#include "cover.h"
#include "draft.h"
#include "engine.h"
#include "err.h"
#include "hold.h"
#include "lane.h"
#include "level.h"
#include "log.h"
#include "mem.h"
#include "profile.h"
#include "record.h"
#include "stretch.h"

enum {
	ENGINES_LIVE = 4,            /* at once; one may drain while the next begins */
	ENGINES_BACKFILL = 1,
	QUIET_SEARCH_MS = 60000,     /* a long piece is cut in its last minute */
	STAY_MS = 30000,             /* after a move that failed */
	REST_MS = 60000,             /* of a piece that failed three times; doubled */
	REST_MAX_MS = 600000,
	SPARE_MS = 30000             /* between attempts to have one ready */
};

/* The sound of one session and revision in this lane. */
struct track {
	struct rtta_book *book;
	int rev;
	struct rtta_hold *hold;
	struct rtta_record like;
	struct rtta_stretch_source source;
	struct rtta_cover *moved;    /* what has a copy in the other lane */
	char move_job[RTTA_AUDIO_JOB_BYTES];  /* open, or "" */
	struct rtta_pos move_end;    /* behind its last frame */
	uint32_t move_rate_hz;
	int64_t move_end_ns;
	bool move_eos;               /* the job's EOS is to be made */
	size_t moving;               /* held frames whose copy is not stored yet */
	struct track *next;
};

/* A stretch of a job. */
struct piece {
	struct track *track;
	struct rtta_stretch *stretch;
	char job[RTTA_AUDIO_JOB_BYTES];
	bool open;                   /* may grow; backfill: not fed yet */
	bool foreign;
	uint32_t rate_hz;
	uint8_t channels;
	int64_t grown_ms;
	unsigned rests;
	struct piece *next;
};

/* An EOS message: acknowledged when its job has left. */
struct eos {
	struct track *track;
	char job[RTTA_AUDIO_JOB_BYTES];
	uint64_t stream_seq;
	char *reply;
	struct eos *next;
};

struct ack {
	char *reply;
	struct ack *next;
};

/* A frame on its way out: which, and whether its copy was handed out. */
struct moving {
	struct track *track;
	struct rtta_pos pos;
	char job[RTTA_AUDIO_JOB_BYTES];
	struct moving *next;
};

struct rtta_lane {
	const struct rtta_lane_config *config;
	struct rtta_books *books;
	struct track *tracks;
	struct piece *pieces, **last_piece;
	struct eos *eos;
	struct ack *acks, **last_ack;
	struct moving *moves, **last_move;    /* to be handed out */
	struct rtta_drafts drafts;
	struct rtta_engine *spare;
	bool jumping;
	int64_t stay_ms;                      /* nothing moves before */
	uint64_t pending, retries, moved_frames;
	uint32_t frame_ms;                    /* of the last delivery */
	bool failing;
	bool proven;                          /* an engine has worked here */
	int64_t spare_ms;                     /* no spare is opened before */
};

struct rtta_lane *
rtta_lane_new(const struct rtta_lane_config *config, struct rtta_books *books)
{
	struct rtta_lane *lane = rtta_xcalloc(1, sizeof(*lane));

	lane->config = config;
	lane->books = books;
	lane->last_piece = &lane->pieces;
	lane->last_ack = &lane->acks;
	lane->last_move = &lane->moves;
	lane->frame_ms = 20;
	rtta_drafts_init(&lane->drafts);
	return lane;
}

void
rtta_lane_use(struct rtta_lane *lane, struct rtta_engine *engine)
{
	rtta_engine_close(lane->spare);
	lane->spare = engine;
}

/* --- tracks --- */

static struct track *
find_track(const struct rtta_lane *lane, const struct rtta_book *book, int rev)
{
	struct track *track = lane->tracks;

	while (track != NULL && (track->book != book || track->rev != rev))
		track = track->next;
	return track;
}

static struct track *
get_track(struct rtta_lane *lane, const char *session, int rev)
{
	struct rtta_book *book = rtta_books_get(lane->books, session);
	const struct rtta_profile *profile = lane->config->profile;
	struct track *track = find_track(lane, book, rev);

	if (track != NULL)
		return track;
	track = rtta_xcalloc(1, sizeof(*track));
	track->book = book;
	track->rev = rev;
	track->hold = rtta_hold_new();
	track->moved = rtta_cover_new();
	rtta_record_init(&track->like);
	strcpy(track->like.session, book->session);
	track->like.backfill = lane->config->backfill;
	track->like.rev = rev;
	track->like.engine = rtta_xstrdup(profile->name);
	if (profile->language != NULL)
		track->like.language = rtta_xstrdup(profile->language);
	track->source = (struct rtta_stretch_source){
		.profile = profile, .like = &track->like, .hold = track->hold,
		.claimed = book->claimed[rtta_book_index(rev)],
	};
	track->next = lane->tracks;
	lane->tracks = track;
	return track;
}

static const struct rtta_cover *
cover_of(const struct track *track)
{
	return track->book->cover[rtta_book_index(track->rev)];
}

static struct rtta_cover *
claimed_of(const struct track *track)
{
	return track->book->claimed[rtta_book_index(track->rev)];
}

static void
free_track(struct track *track)
{
	rtta_hold_free(track->hold);
	rtta_cover_free(track->moved);
	rtta_record_done(&track->like);
	free(track);
}

/* --- pieces --- */

static struct piece *
new_piece(struct rtta_lane *lane, struct track *track, const char *job,
    struct rtta_span span, const struct rtta_delivery *like)
{
	struct piece *piece = rtta_xcalloc(1, sizeof(*piece));

	piece->track = track;
	piece->stretch = rtta_stretch_new(&track->source, span);
	strcpy(piece->job, job);
	piece->open = true;
	piece->foreign = like->foreign;
	piece->rate_hz = like->rate_hz;
	piece->channels = like->channels;
	piece->grown_ms = rtta_clock_mono_ms();
	*lane->last_piece = piece;
	lane->last_piece = &piece->next;
	return piece;
}

static void
end_piece(struct piece *piece)
{
	piece->open = false;
	rtta_stretch_end(piece->stretch);
}

/* Take the piece at *at out of the list. */
static void
remove_piece(struct rtta_lane *lane, struct piece **at)
{
	struct piece *piece = *at;

	*at = piece->next;
	if (piece->next == NULL)
		lane->last_piece = at;
	rtta_stretch_free(piece->stretch);
	free(piece);
}

static struct piece *
open_piece(const struct rtta_lane *lane, const struct track *track, const char *job)
{
	struct piece *piece = lane->pieces;

	while (piece != NULL &&
	    !(piece->open && piece->track == track && strcmp(piece->job, job) == 0))
		piece = piece->next;
	return piece;
}

static bool
continues(const struct piece *piece, const struct rtta_delivery *held)
{
	struct rtta_span span = rtta_stretch_span(piece->stretch);

	if (span.run != held->span.run || piece->rate_hz != held->rate_hz ||
	    piece->channels != held->channels || piece->foreign != held->foreign)
		return false;
	return held->foreign ? held->span.first >= span.last : held->span.first == span.last;
}

static void
append(struct rtta_lane *lane, struct track *track, const char *job,
    const struct rtta_delivery *held)
{
	struct piece *piece = open_piece(lane, track, job);

	if (piece != NULL && !continues(piece, held)) {
		end_piece(piece);
		piece = NULL;
	}
	if (piece == NULL)
		piece = new_piece(lane, track, job, held->span, held);
	rtta_stretch_grow(piece->stretch, held->span.last);
	piece->grown_ms = rtta_clock_mono_ms();
}

/* --- acknowledgements --- */

/* Takes reply. */
static void
put_ack(struct rtta_lane *lane, char *reply)
{
	struct ack *ack = rtta_xcalloc(1, sizeof(*ack));

	ack->reply = reply;
	*lane->last_ack = ack;
	lane->last_ack = &ack->next;
}

static void
ack_copy(struct rtta_lane *lane, const char *reply)
{
	if (reply != NULL && reply[0] != '\0')
		put_ack(lane, rtta_xstrdup(reply));
}

char *
rtta_lane_next_ack(struct rtta_lane *lane)
{
	struct ack *ack = lane->acks;
	char *reply;

	if (ack == NULL)
		return NULL;
	reply = ack->reply;
	lane->acks = ack->next;
	if (lane->acks == NULL)
		lane->last_ack = &lane->acks;
	free(ack);
	return reply;
}

static void
release_covered(struct rtta_lane *lane, struct track *track, struct rtta_span span)
{
	struct rtta_delivery *held;

	while ((held = rtta_hold_take_covered(track->hold, span, cover_of(track))) != NULL) {
		ack_copy(lane, held->reply);
		track->moving -= held->moving;
		rtta_delivery_free(held);
	}
}

void
rtta_lane_covered(struct rtta_lane *lane, struct rtta_book *book, int rev,
    struct rtta_span span)
{
	for (struct track *track = lane->tracks; track != NULL; track = track->next)
		if (track->book == book && rtta_book_index(track->rev) == rtta_book_index(rev))
			release_covered(lane, track, span);
}

/* --- moves --- */

static void
put_move(struct rtta_lane *lane, struct track *track, struct rtta_delivery *held)
{
	struct moving *moving = rtta_xcalloc(1, sizeof(*moving));
	char run[RTTA_RUN_TEXT_BYTES];

	if (track->move_job[0] == '\0')
		snprintf(track->move_job, sizeof(track->move_job), "move-%s-%" PRIu64,
		    rtta_run_format(run, held->span.run), held->span.first);
	held->moving = true;
	track->moving++;
	moving->track = track;
	moving->pos = (struct rtta_pos){ held->span.run, held->span.first };
	strcpy(moving->job, track->move_job);
	*lane->last_move = moving;
	lane->last_move = &moving->next;
	track->move_end = (struct rtta_pos){ held->span.run, held->span.last };
	track->move_end_ns = held->capture_ns + rtta_samples_ns(held->samples, held->rate_hz);
	track->move_rate_hz = held->rate_hz;
}

/* Everything of a piece from `from` on, except what is claimed, moves. */
static void
move_from(struct rtta_lane *lane, struct piece *piece, uint64_t from)
{
	struct track *track = piece->track;
	struct rtta_span span = rtta_stretch_span(piece->stretch);
	struct rtta_delivery *held;

	for (uint64_t at = from; at < span.last; at = held->span.last) {
		held = rtta_hold_find(track->hold, (struct rtta_pos){ span.run, at });
		if (held == NULL || held->span.first >= span.last)
			break;
		if (!held->moving && !rtta_cover_contains(claimed_of(track), held->span))
			put_move(lane, track, held);
	}
	rtta_stretch_shorten(piece->stretch, from);
	piece->open = false;
}

static double
unsent_ms(const struct piece *piece)
{
	struct rtta_span span = rtta_stretch_span(piece->stretch);

	span.first = rtta_stretch_sent(piece->stretch);
	if (span.first >= span.last)
		return 0;
	return 1000.0 * (double)(piece->foreign ?
	    rtta_hold_samples(piece->track->hold, span) : span.last - span.first) / piece->rate_hz;
}

static double
behind_ms(const struct rtta_lane *lane)
{
	double ms = (double)lane->pending * lane->frame_ms;

	for (const struct piece *piece = lane->pieces; piece != NULL; piece = piece->next)
		ms += unsent_ms(piece);
	return ms;
}

/* The other lane gets the backlog; what an engine has, it keeps. */
static void
jump(struct rtta_lane *lane)
{
	rtta_log_info("behind by %.1f s: the backlog moves to the backfill lane",
	    behind_ms(lane) / 1000);
	lane->jumping = true;
	for (struct piece *piece = lane->pieces; piece != NULL; piece = piece->next)
		if (!piece->foreign && unsent_ms(piece) > 0)
			move_from(lane, piece, rtta_stretch_sent(piece->stretch));
}

static void
land(struct rtta_lane *lane)
{
	lane->jumping = false;
	for (struct track *track = lane->tracks; track != NULL; track = track->next)
		if (track->move_job[0] != '\0')
			track->move_eos = true;
}

static void
watch_edge(struct rtta_lane *lane)
{
	int64_t now_ms = rtta_clock_mono_ms();

	if (lane->config->edge_ms == 0 || lane->config->backfill)
		return;
	if (lane->jumping && lane->pending == 0)
		land(lane);
	else if (!lane->jumping && now_ms >= lane->stay_ms &&
	    behind_ms(lane) > (double)lane->config->edge_ms)
		jump(lane);
}

static int
next_eos_move(struct rtta_lane *lane, struct rtta_move *move)
{
	struct track *track = lane->tracks;

	while (track != NULL && !track->move_eos)
		track = track->next;
	if (track == NULL)
		return 0;
	*move = (struct rtta_move){
		.audio = {
			.lane = RTTA_AUDIO_BACKFILL, .rev = track->rev, .eos = true,
			.frame = {
				.run_id = track->move_end.run, .sample = track->move_end.sample,
				.capture_ns = track->move_end_ns,
				.rate_hz = track->move_rate_hz, .channels = 1,
			},
		},
		.pos = track->move_end,
		.book = track->book,
	};
	strcpy(move->audio.session, track->book->session);
	strcpy(move->audio.job, track->move_job);
	track->move_job[0] = '\0';
	track->move_eos = false;
	return 1;
}

int
rtta_lane_next_move(struct rtta_lane *lane, struct rtta_move *move)
{
	struct moving *moving;
	const struct rtta_delivery *held;

	while ((moving = lane->moves) != NULL) {
		struct track *track = moving->track;
		bool found;

		held = rtta_hold_find(track->hold, moving->pos);
		found = held != NULL && held->moving && held->span.first == moving->pos.sample;
		if (found) {
			*move = (struct rtta_move){
				.audio = {
					.lane = RTTA_AUDIO_BACKFILL, .rev = track->rev,
					.lost = held->lost,
					.frame = {
						.run_id = held->span.run, .sample = held->span.first,
						.capture_ns = held->capture_ns, .rate_hz = held->rate_hz,
						.payload_bytes = held->pcm_bytes,
						.channels = held->channels, .payload = held->pcm,
					},
				},
				.pos = moving->pos,
				.book = track->book,
			};
			strcpy(move->audio.session, track->book->session);
			strcpy(move->audio.job, moving->job);
		}
		lane->moves = moving->next;
		if (lane->moves == NULL)
			lane->last_move = &lane->moves;
		free(moving);
		if (found)
			return 1;
	}
	return next_eos_move(lane, move);
}

/* The moving frame of a position, or NULL. */
static struct rtta_delivery *
find_moving(struct rtta_lane *lane, const struct rtta_book *book, struct rtta_pos pos,
    struct track **track)
{
	for (*track = lane->tracks; *track != NULL; *track = (*track)->next) {
		struct rtta_delivery *held;

		if ((*track)->book != book)
			continue;
		held = rtta_hold_find((*track)->hold, pos);
		if (held != NULL && held->moving && held->span.first == pos.sample)
			return held;
	}
	return NULL;
}

void
rtta_lane_moved(struct rtta_lane *lane, struct rtta_book *book, struct rtta_pos pos)
{
	struct track *track;
	struct rtta_delivery *held = find_moving(lane, book, pos, &track);

	if (held == NULL)
		return;
	rtta_cover_add(track->moved, held->span);
	ack_copy(lane, held->reply);
	rtta_hold_remove(track->hold, held);
	rtta_delivery_free(held);
	track->moving--;
	lane->moved_frames++;
}

void
rtta_lane_unmoved(struct rtta_lane *lane, struct rtta_book *book, struct rtta_pos pos)
{
	struct track *track;
	struct rtta_delivery *held = find_moving(lane, book, pos, &track);

	lane->stay_ms = rtta_clock_mono_ms() + STAY_MS;
	if (lane->jumping)
		land(lane);
	if (held == NULL)
		return;
	held->moving = false;
	track->moving--;
	append(lane, track, "", held);
}

/* --- deliveries --- */

static void
put_lost(struct rtta_lane *lane, struct track *track, const struct rtta_delivery *held)
{
	struct rtta_span rest = { held->span.run, held->span.first - held->lost, held->span.first };
	struct rtta_span part;

	while (rtta_cover_missing(claimed_of(track), rest, &part)) {
		struct rtta_draft *draft = rtta_draft_new();
		struct rtta_record *record = &draft->record;

		rtta_record_done(record);
		rtta_record_copy(record, &track->like);
		record->type = RTTA_RECORD_GAP;
		record->span = draft->core = part;
		record->start_ns = held->capture_ns -
		    rtta_samples_ns(held->span.first - part.first, held->rate_hz);
		record->end_ns = held->capture_ns -
		    rtta_samples_ns(held->span.first - part.last, held->rate_hz);
		record->reason = rtta_xstrdup("lost before the bus");
		draft->ns_per_position = 1e9 / held->rate_hz;
		rtta_drafts_put(&lane->drafts, draft);
		rtta_cover_add(claimed_of(track), part);
		rest.first = part.last;
	}
}

static void
take_eos(struct rtta_lane *lane, struct track *track, const struct rtta_audio *audio,
    const char *reply)
{
	struct piece *piece = open_piece(lane, track, audio->job);
	struct eos *eos = lane->eos;

	if (piece != NULL)
		end_piece(piece);
	if (!lane->config->backfill && track->move_job[0] != '\0')
		track->move_eos = true;
	if (reply == NULL)
		return;
	while (eos != NULL && eos->stream_seq != audio->stream_seq)
		eos = eos->next;
	if (eos == NULL) {
		eos = rtta_xcalloc(1, sizeof(*eos));
		eos->track = track;
		eos->stream_seq = audio->stream_seq;
		strcpy(eos->job, audio->job);
		eos->next = lane->eos;
		lane->eos = eos;
	}
	free(eos->reply);
	eos->reply = rtta_xstrdup(reply);
}

void
rtta_lane_take(struct rtta_lane *lane, const struct rtta_audio *audio, const char *reply)
{
	struct track *track = get_track(lane, audio->session, audio->rev);
	struct rtta_span span = rtta_audio_span(audio);
	struct rtta_delivery *held;

	if (audio->eos) {
		take_eos(lane, track, audio, reply);
		return;
	}
	if (rtta_cover_contains(cover_of(track), span) || rtta_cover_contains(track->moved, span)) {
		ack_copy(lane, reply);
		return;
	}
	switch (rtta_hold_put(track->hold, audio, reply)) {
	case RTTA_HOLD_COPY:
		ack_copy(lane, reply);
		return;
	case RTTA_HOLD_REPLACED:
		return;
	case RTTA_HOLD_NEW:
		break;
	}
	held = rtta_hold_find(track->hold, (struct rtta_pos){ span.run, span.first });
	if (held->lost > 0 && !lane->config->backfill)
		put_lost(lane, track, held);
	lane->frame_ms = held->samples * 1000 / held->rate_hz;
	if (lane->jumping && !held->foreign)
		put_move(lane, track, held);
	else
		append(lane, track, audio->job, held);
}

void
rtta_lane_end(struct rtta_lane *lane)
{
	for (struct piece *piece = lane->pieces; piece != NULL; piece = piece->next)
		end_piece(piece);
}

void
rtta_lane_again(struct rtta_lane *lane, struct rtta_book *book, int rev,
    const struct rtta_cover *again)
{
	struct track *track = find_track(lane, book, rev);
	struct rtta_span span;

	for (size_t i = 0; track != NULL && rtta_cover_at(again, i, &span); i++) {
		struct rtta_delivery *held;
		struct piece *piece;

		rtta_cover_remove(claimed_of(track), span);
		held = rtta_hold_find(track->hold, (struct rtta_pos){ span.run, span.first });
		if (held == NULL || held->span.first >= span.last)
			continue;
		piece = new_piece(lane, track, "", span, held);
		end_piece(piece);
	}
}

/* --- the loop --- */

/* The start of the quietest frame in the last minute of a piece. */
static uint64_t
quietest(const struct piece *piece, uint64_t last)
{
	struct rtta_span span = rtta_stretch_span(piece->stretch);
	uint64_t search = (uint64_t)piece->rate_hz * QUIET_SEARCH_MS / 1000, at, best = last;
	double best_db = 1;

	at = last - span.first > search ? last - search : span.first + (last - span.first) / 2;
	while (at < last) {
		const struct rtta_delivery *held = rtta_hold_find(piece->track->hold,
		    (struct rtta_pos){ span.run, at });
		double db;

		if (held == NULL || held->span.first >= last)
			break;
		db = rtta_level_db((const int16_t *)(const void *)held->pcm, held->pcm_bytes / 2);
		if (db < best_db && held->span.first > span.first) {
			best_db = db;
			best = held->span.first;
		}
		at = held->span.last;
	}
	return best;
}

/* A piece that has become too long is divided where it is quietest. */
static void
divide(struct rtta_lane *lane, struct piece *piece)
{
	struct rtta_span span = rtta_stretch_span(piece->stretch);
	uint64_t longest = (uint64_t)piece->rate_hz * (uint64_t)lane->config->piece_ms / 1000, at;
	const struct rtta_delivery *held;
	struct piece *rest;

	if (piece->foreign || span.last - span.first <= longest)
		return;
	at = quietest(piece, span.first + longest);
	held = rtta_hold_find(piece->track->hold, (struct rtta_pos){ span.run, at });
	rtta_stretch_shorten(piece->stretch, at);
	piece->open = false;
	if (held == NULL || held->span.first >= span.last)
		return;
	rest = new_piece(lane, piece->track, piece->job,
	    (struct rtta_span){ span.run, at, span.last }, held);
	rest->grown_ms = piece->grown_ms;
}

static void
end_idle(struct rtta_lane *lane)
{
	int64_t now_ms = rtta_clock_mono_ms();

	for (struct piece *piece = lane->pieces; piece != NULL; piece = piece->next) {
		if (!piece->open)
			continue;
		if (lane->config->idle_ms > 0 && now_ms - piece->grown_ms >= lane->config->idle_ms)
			end_piece(piece);
		else if (lane->config->backfill)
			divide(lane, piece);
	}
}

static int
connected(const struct rtta_lane *lane)
{
	int count = 0;

	for (const struct piece *piece = lane->pieces; piece != NULL; piece = piece->next)
		count += rtta_stretch_connected(piece->stretch);
	return count;
}

/* May this piece have an engine now? */
static bool
may_open(const struct rtta_lane *lane, const struct piece *piece, int engines)
{
	int most = lane->config->backfill || lane->config->in_order ?
	    ENGINES_BACKFILL : ENGINES_LIVE;

	if (lane->config->backfill && piece->open)
		return false;
	if (lane->config->in_order && piece != lane->pieces)
		return false;
	/* The live edge does not wait for what drains. */
	return engines < most || (piece->open && engines < 2 * most);
}

/* Three times in vain: the other lane tries, or this one, later. */
static void
rest_or_move(struct rtta_lane *lane, struct piece *piece)
{
	int64_t rest_ms = REST_MS;

	if (rtta_stretch_failures(piece->stretch) == 0) {
		piece->rests = 0;
		return;
	}
	if (rtta_stretch_failures(piece->stretch) % RTTA_STRETCH_ATTEMPTS != 0 ||
	    rtta_stretch_connected(piece->stretch))
		return;
	if (!lane->config->backfill) {
		if (lane->config->edge_ms > 0 && !piece->open && !piece->foreign &&
		    rtta_clock_mono_ms() >= lane->stay_ms && unsent_ms(piece) > 0) {
			move_from(lane, piece, rtta_stretch_sent(piece->stretch));
			piece->track->move_eos = !lane->jumping;
		}
		return;
	}
	for (unsigned i = 0; i < piece->rests && rest_ms < REST_MAX_MS; i++)
		rest_ms *= 2;
	piece->rests++;
	rtta_log_warn("%s: %s: %d attempts in vain, again in %" PRId64 " min",
	    piece->track->book->session, piece->job[0] != '\0' ? piece->job : "backfill",
	    RTTA_STRETCH_ATTEMPTS, rest_ms / 60000);
	rtta_stretch_rest(piece->stretch, rest_ms);
}

static int
pump_piece(struct rtta_lane *lane, struct piece *piece, int *engines, struct rtta_err *err)
{
	bool was = rtta_stretch_connected(piece->stretch), is;
	unsigned failures = rtta_stretch_failures(piece->stretch), now;
	bool may = was || may_open(lane, piece, *engines);
	struct rtta_draft *draft;

	if (!was && may && lane->spare != NULL && rtta_stretch_wants(piece->stretch)) {
		rtta_stretch_use(piece->stretch, lane->spare);
		lane->spare = NULL;
	}
	rtta_stretch_pump(piece->stretch, may, err);
	is = rtta_stretch_connected(piece->stretch);
	*engines += (int)is - (int)was;
	while ((draft = rtta_stretch_next(piece->stretch)) != NULL) {
		lane->failing = false;
		lane->proven = true;
		rtta_drafts_put(&lane->drafts, draft);
	}
	now = rtta_stretch_failures(piece->stretch);
	if (now > failures || (now > 0 && was && !is)) {
		lane->retries++;
		lane->failing = true;
		rest_or_move(lane, piece);
	}
	return err->exit_code != 0 ? -1 : 0;
}

/* Its sound has left the hold, or is none of its business any more. */
static bool
is_over(const struct piece *piece)
{
	struct rtta_span span = rtta_stretch_span(piece->stretch);
	uint64_t at = span.first;
	const struct rtta_delivery *held;

	if (!rtta_stretch_over(piece->stretch))
		return false;
	while (at < span.last) {
		held = rtta_hold_find(piece->track->hold, (struct rtta_pos){ span.run, at });
		if (held == NULL || held->span.first >= span.last)
			return true;
		if (!held->moving)
			return false;
		at = held->span.last;
	}
	return true;
}

static bool
job_left(const struct rtta_lane *lane, const struct eos *eos)
{
	for (const struct piece *piece = lane->pieces; piece != NULL; piece = piece->next)
		if (piece->track == eos->track && strcmp(piece->job, eos->job) == 0)
			return false;
	return eos->track->moving == 0;
}

static void
sweep(struct rtta_lane *lane)
{
	struct piece **piece = &lane->pieces;
	struct eos **eos = &lane->eos;

	while (*piece != NULL)
		if (is_over(*piece))
			remove_piece(lane, piece);
		else
			piece = &(*piece)->next;
	while (*eos != NULL) {
		struct eos *gone = *eos;

		if (!job_left(lane, gone)) {
			eos = &gone->next;
			continue;
		}
		put_ack(lane, gone->reply);
		*eos = gone->next;
		free(gone);
	}
}

/* At first a broken configuration is the end; once an engine has worked it
 * is a failure like others, which somebody may mend. */
static int
judge(const struct rtta_lane *lane, struct rtta_err *err)
{
	if (!lane->proven)
		return -1;
	rtta_log_warn("%s", err->text);
	rtta_err_clear(err);
	return 0;
}

/* An engine that waits for its first piece may still turn out to be none. */
static int
pump_spare(struct rtta_lane *lane, struct rtta_err *err)
{
	struct rtta_engine_event event;
	struct rtta_err why = {0};

	if (lane->spare == NULL)
		return 0;
	if (rtta_engine_pump(lane->spare, &why) == 0) {
		while (rtta_engine_next(lane->spare, &event)) {
			lane->proven = true;
			rtta_engine_event_done(&event);
		}
		return 0;
	}
	rtta_engine_close(lane->spare);
	lane->spare = NULL;
	lane->spare_ms = rtta_clock_mono_ms() + SPARE_MS;
	if (why.exit_code == EX_CONFIG && !lane->proven)
		return rtta_err_set(err, EX_CONFIG, "%s", why.text);
	rtta_log_warn("%s", why.text);
	return 0;
}

/* Live: an engine is loaded before somebody speaks. */
static void
keep_spare(struct rtta_lane *lane)
{
	struct rtta_err why = {0};

	if (lane->config->backfill || lane->config->in_order || lane->spare != NULL ||
	    lane->pieces != NULL || rtta_clock_mono_ms() < lane->spare_ms)
		return;
	lane->spare_ms = rtta_clock_mono_ms() + SPARE_MS;
	lane->spare = rtta_engine_open(lane->config->profile, false, &why);
	if (lane->spare == NULL)
		rtta_log_warn("%s", why.text);
}

int
rtta_lane_pump(struct rtta_lane *lane, uint64_t pending, struct rtta_err *err)
{
	int engines = connected(lane);

	lane->pending = pending;
	if (pump_spare(lane, err) < 0)
		return -1;
	end_idle(lane);
	watch_edge(lane);
	for (struct piece *piece = lane->pieces; piece != NULL; piece = piece->next)
		if (pump_piece(lane, piece, &engines, err) < 0 && judge(lane, err) < 0)
			return -1;
	sweep(lane);
	keep_spare(lane);
	return 0;
}

struct rtta_draft *
rtta_lane_next_draft(struct rtta_lane *lane)
{
	return rtta_drafts_take(&lane->drafts);
}

void
rtta_lane_forget(struct rtta_lane *lane)
{
	struct track *track;
	struct moving *moving;
	struct eos *eos;
	char *reply;

	while (lane->pieces != NULL)
		remove_piece(lane, &lane->pieces);
	while ((moving = lane->moves) != NULL) {
		lane->moves = moving->next;
		free(moving);
	}
	lane->last_move = &lane->moves;
	while ((eos = lane->eos) != NULL) {
		lane->eos = eos->next;
		free(eos->reply);
		free(eos);
	}
	while ((track = lane->tracks) != NULL) {
		lane->tracks = track->next;
		free_track(track);
	}
	while ((reply = rtta_lane_next_ack(lane)) != NULL)
		free(reply);
	lane->jumping = false;
	lane->pending = 0;
}

void
rtta_lane_free(struct rtta_lane *lane)
{
	if (lane == NULL)
		return;
	rtta_lane_forget(lane);
	rtta_drafts_done(&lane->drafts);
	rtta_engine_close(lane->spare);
	free(lane);
}

int
rtta_lane_fds(struct rtta_lane *lane, struct pollfd *fds, int max)
{
	int count = lane->spare != NULL ? rtta_engine_fds(lane->spare, fds, max) : 0;

	for (struct piece *piece = lane->pieces; piece != NULL; piece = piece->next)
		count += rtta_stretch_fds(piece->stretch, fds + count, max - count);
	return count;
}

int
rtta_lane_wait_ms(const struct rtta_lane *lane)
{
	int wait_ms = lane->spare != NULL ? rtta_engine_wait_ms(lane->spare) : -1;
	int engines = connected(lane);

	for (const struct piece *piece = lane->pieces; piece != NULL; piece = piece->next) {
		int ms = rtta_stretch_wait_ms(piece->stretch);

		/* What was covered since the last turn makes room for others. */
		if (is_over(piece) || (may_open(lane, piece, engines) &&
		    rtta_stretch_wants(piece->stretch)))
			return 0;
		if (piece->open && (ms < 0 || ms > 1000))
			ms = 1000;  /* to see that it is idle */
		if (ms >= 0 && (wait_ms < 0 || ms < wait_ms))
			wait_ms = ms;
	}
	return wait_ms;
}

void
rtta_lane_status(const struct rtta_lane *lane, struct rtta_lane_status *status)
{
	*status = (struct rtta_lane_status){
		.engines = (size_t)connected(lane),
		.behind_s = behind_ms(lane) / 1000,
		.retries = lane->retries,
		.moved_frames = lane->moved_frames,
		.moving = lane->jumping,
		.failing = lane->failing,
	};
	for (const struct piece *piece = lane->pieces; piece != NULL; piece = piece->next)
		status->pieces++;
	for (const struct track *track = lane->tracks; track != NULL; track = track->next) {
		status->held_frames += rtta_hold_count(track->hold);
		status->held_bytes += rtta_hold_bytes(track->hold);
		status->sessions += rtta_hold_count(track->hold) > 0;
	}
}

bool
rtta_lane_settled(const struct rtta_lane *lane)
{
	for (const struct piece *piece = lane->pieces; piece != NULL; piece = piece->next)
		if (!rtta_stretch_over(piece->stretch))
			return false;
	return lane->drafts.first == NULL;
}

bool
rtta_lane_holds(const struct rtta_lane *lane, const char *session)
{
	for (const struct track *track = lane->tracks; track != NULL; track = track->next)
		if (strcmp(track->book->session, session) == 0 && rtta_hold_count(track->hold) > 0)
			return true;
	return false;
}

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "audio.h"
#include "book.h"
#include "draft.h"
#include "err.h"
#include "filter.h"
#include "frame.h"
#include "json.h"
#include "jtext.h"
#include "lane.h"
#include "record.h"
#include "sig.h"

enum { FDS_MAX = 256, AHEAD_S = 5 };

struct filter {
	struct rtta_lane *lane;
	struct rtta_books *books;
	bool interim, split, ended;
	size_t hold_bytes;
	struct rtta_frame_reader *reader;
	struct rtta_pos next;         /* behind the frame before */
	uint64_t frames;
	struct rtta_jtext line;       /* of a record */
};

static bool
reader_gone(void)
{
	struct pollfd out = { .fd = STDOUT_FILENO };

	return poll(&out, 1, 0) > 0 && (out.revents & POLLERR);
}

static int
print_record(struct filter *filter, const struct rtta_record *record, struct rtta_err *err)
{
	filter->line.bytes = 0;
	rtta_record_json(record, &filter->line);
	return rtta_event_write_text(filter->line.text, filter->line.bytes, err);
}

/* Print what has come; printed is covered.  0, or -1: *err, or nobody reads. */
static int
print_records(struct filter *filter, struct rtta_err *err)
{
	struct rtta_draft *draft;
	int rc = 0;

	while (rc == 0 && (draft = rtta_lane_next_draft(filter->lane)) != NULL) {
		const struct rtta_record *record = &draft->record;
		struct rtta_book *book = rtta_books_get(filter->books, record->session);

		if (record->is_final || filter->interim)
			rc = print_record(filter, record, err);
		if (record->is_final) {
			rtta_book_enter(book, record->rev, record->channel, record->span);
			rtta_lane_covered(filter->lane, book, record->rev, record->span);
		}
		rtta_draft_free(draft);
	}
	if (rc < 0 && reader_gone())
		rtta_err_clear(err);
	return rc;
}

static void
take_frame(struct filter *filter, const struct rtta_frame *frame)
{
	struct rtta_audio audio = {
		.lane = RTTA_AUDIO_LIVE, .session = "stdin", .rev = 1, .frame = *frame,
		.eos = frame->payload_bytes == 0, .stream_seq = ++filter->frames
	};

	if (frame->flags & RTTA_FRAME_LOST && frame->run_id == filter->next.run &&
	    frame->sample > filter->next.sample)
		audio.lost = frame->sample - filter->next.sample;
	filter->next = (struct rtta_pos){ frame->run_id, rtta_frame_end(frame) };
	rtta_book_tell(rtta_books_get(filter->books, audio.session),
	    filter->split ? frame->channels : 0);
	rtta_lane_take(filter->lane, &audio, NULL);
}

/* One read.  1: go on, 0: end of input, -1: *err. */
static int
read_frames(struct filter *filter, struct rtta_err *err)
{
	struct rtta_frame frame;
	int more = rtta_frame_fill(filter->reader, err), got = 0;

	while (more > 0 && (got = rtta_frame_next(filter->reader, &frame, err)) > 0)
		take_frame(filter, &frame);
	return got < 0 ? -1 : more;
}

/* Ahead of the engine by no more than a few seconds; and what is held
 * without ever being settled has a limit. */
static bool
has_room(struct filter *filter)
{
	struct rtta_lane_status status;

	rtta_lane_status(filter->lane, &status);
	if (status.held_bytes > filter->hold_bytes)
		rtta_lane_end(filter->lane);
	return status.behind_s < AHEAD_S;
}

void
rtta_filter_run(struct rtta_lane *lane, struct rtta_books *books, int sig_fd, bool interim,
    bool split, size_t hold_bytes, struct rtta_err *err)
{
	struct filter filter = {
		.lane = lane, .books = books, .interim = interim, .split = split,
		.hold_bytes = hold_bytes,
		.reader = rtta_frame_reader_new(STDIN_FILENO)
	};
	struct pollfd fds[FDS_MAX];
	struct rtta_err broken = {0};
	int count;

	while (rtta_lane_pump(lane, 0, err) == 0 && print_records(&filter, err) == 0) {
		if (filter.ended && rtta_lane_settled(lane))
			break;
		fds[0] = (struct pollfd){ .fd = sig_fd, .events = POLLIN };
		fds[1] = (struct pollfd){
			.fd = !filter.ended && has_room(&filter) ? STDIN_FILENO : -1, .events = POLLIN
		};
		count = 2 + rtta_lane_fds(lane, fds + 2, FDS_MAX - 2);
		if (poll(fds, (nfds_t)count, rtta_lane_wait_ms(lane)) < 0 && errno != EINTR) {
			rtta_err_sys(err, EX_OSERR, "poll");
			break;
		}
		if ((fds[0].revents && rtta_sig_take(sig_fd)) ||
		    (fds[1].revents && read_frames(&filter, &broken) <= 0)) {
			rtta_lane_end(lane);
			filter.ended = true;
		}
	}
	/* What came before broken input was still said. */
	if (broken.exit_code != 0)
		rtta_err_set(err, broken.exit_code, "%s", broken.text);
	rtta_frame_reader_free(filter.reader);
	rtta_jtext_done(&filter.line);
}

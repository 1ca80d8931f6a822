/* excerpt - which frames a cut names, in the order of the session's runs. */
#include "check.h"
#include "excerpt.h"
#include "frame.h"
#include "mem.h"
#include "session.h"

enum { FRAME = 320 };

struct row {
	uint64_t run, number;
	int verdict;
};

static int
offer(struct rtta_excerpt *excerpt, uint64_t run, uint64_t number, struct rtta_pos *gap)
{
	struct rtta_frame frame = {
		.run_id = run, .sample = number * FRAME, .rate_hz = 16000, .channels = 1,
		.payload_bytes = 2 * FRAME,
	};

	return rtta_excerpt_offer(excerpt, &frame, gap);
}

static void
init(struct rtta_excerpt *excerpt, uint64_t first_run, uint64_t first, uint64_t last_run,
    uint64_t last, size_t n_runs)
{
	static const uint64_t runs[] = { 9, 7, 8 };
	struct rtta_session_cut cut = {
		.has_preroll = true, .first = { first_run, first * FRAME },
		.last = { last_run, last * FRAME },
	};

	rtta_excerpt_init(excerpt, &cut, rtta_xmemdup(runs, sizeof(runs)), n_runs);
}

static void
test_rows(void)
{
	static const struct row rows[] = {
		{ 9, 1, 0 },   /* below first */
		{ 9, 2, 1 }, { 9, 3, 1 },
		{ 9, 2, 0 },   /* a repeat */
		{ 5, 0, 0 },   /* a run that is not the session's */
		{ 9, 5, 2 },   /* 4 is missing */
		{ 7, 0, 1 },
		{ 9, 6, 0 },   /* too late */
		{ 7, 2, 2 }, { 7, 3, 1 },
		{ 7, 4, 0 },   /* above last */
		{ 8, 0, 0 },
	};
	struct rtta_excerpt excerpt;
	struct rtta_pos gap;

	init(&excerpt, 9, 2, 7, 3, 3);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CHECK_INT(offer(&excerpt, rows[i].run, rows[i].number, &gap), rows[i].verdict);
		if (rows[i].verdict == 2)
			CHECK_INT(gap.sample, (rows[i].number - 1) * FRAME);
		CHECK_INT(excerpt.done, i >= 9);
	}
	CHECK_INT(excerpt.copied_samples, 6 * FRAME);
	CHECK_INT(excerpt.holes, 2);
	CHECK_INT(excerpt.next.sample, 4 * FRAME);
	rtta_excerpt_done(&excerpt);
}

static void
test_first_is_missing(void)
{
	struct rtta_excerpt excerpt;
	struct rtta_pos gap;

	init(&excerpt, 9, 2, 9, 4, 1);
	CHECK_INT(offer(&excerpt, 9, 4, &gap), 2);
	CHECK_INT(gap.sample, 2 * FRAME);
	CHECK(excerpt.done);
	rtta_excerpt_done(&excerpt);
}

/* The keys of the runs are not there: the cut names two of them itself. */
static void
test_no_runs(void)
{
	struct rtta_excerpt excerpt;
	struct rtta_pos gap;

	init(&excerpt, 1, 5, 2, 0, 0);
	CHECK_INT(offer(&excerpt, 1, 5, &gap), 1);
	CHECK_INT(offer(&excerpt, 2, 0, &gap), 1);
	CHECK(excerpt.done);
	rtta_excerpt_done(&excerpt);
}

int
main(void)
{
	test_rows();
	test_first_is_missing();
	test_no_runs();
	return check_result();
}

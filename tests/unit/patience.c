/*
 * patience - connections that answer, answer late, break and are not there.
 */
#include <math.h>

#include "check.h"
#include "patience.h"

static void
test_answers(void)
{
	struct rtta_patience patience;

	rtta_patience_init(&patience);
	CHECK_INT(rtta_patience_tried_ms(&patience, false, 5000), 0);
	rtta_patience_begin(&patience, 1000);
	rtta_patience_sent(&patience, 5, false, 1000);
	CHECK_INT(rtta_patience_tried_ms(&patience, true, 9000), 0);
	rtta_patience_sent(&patience, 1, true, 9000);
	rtta_patience_sent(&patience, 1, true, 10000);
	CHECK_INT(rtta_patience_tried_ms(&patience, true, 11000), 2000);
	/* Up to where it answers counts, not that it says something. */
	rtta_patience_heard(&patience, 4.5);
	CHECK_INT(rtta_patience_tried_ms(&patience, true, 11000), 2000);
	rtta_patience_heard(&patience, 5.5);
	CHECK_INT(rtta_patience_tried_ms(&patience, true, 11000), 1000);
	rtta_patience_heard(&patience, NAN);
	CHECK_INT(rtta_patience_tried_ms(&patience, true, 11000), 0);
	/* Far more than there are marks for: the oldest is the one that counts. */
	for (int i = 0; i < 1000; i++)
		rtta_patience_sent(&patience, 0.3, true, 20000 + i * 300);
	CHECK_INT(rtta_patience_tried_ms(&patience, true, 320000), 300000);
}

static void
test_breaks(void)
{
	struct rtta_patience patience;

	/* What one connection owed, the next one owes from the start. */
	rtta_patience_init(&patience);
	rtta_patience_begin(&patience, 1000);
	rtta_patience_sent(&patience, 1, true, 2000);
	rtta_patience_broken(&patience, 2500);
	CHECK_INT(rtta_patience_tried_ms(&patience, false, 3000), 1000);
	rtta_patience_begin(&patience, 3000);
	rtta_patience_sent(&patience, 1, true, 3000);
	CHECK_INT(rtta_patience_tried_ms(&patience, true, 3500), 1500);
	rtta_patience_heard(&patience, 1);
	CHECK_INT(rtta_patience_tried_ms(&patience, true, 3500), 0);

	/* Nobody speaks: only that there is none counts, and only while. */
	rtta_patience_broken(&patience, 4000);
	CHECK_INT(rtta_patience_tried_ms(&patience, false, 4000), 1);
	CHECK_INT(rtta_patience_tried_ms(&patience, false, 4700), 700);
	rtta_patience_begin(&patience, 5000);
	rtta_patience_broken(&patience, 5100);
	CHECK_INT(rtta_patience_tried_ms(&patience, false, 6000), 2000);
	rtta_patience_begin(&patience, 6000);
	CHECK_INT(rtta_patience_tried_ms(&patience, true, 7000), 0);
	rtta_patience_sent(&patience, 1, true, 30000);
	CHECK_INT(rtta_patience_tried_ms(&patience, true, 30500), 500);
	/* One that lasted is not held to what was before. */
	rtta_patience_heard(&patience, NAN);
	rtta_patience_broken(&patience, 60000);
	CHECK_INT(rtta_patience_tried_ms(&patience, false, 60500), 500);
}

int
main(void)
{
	test_answers();
	test_breaks();
	return check_result();
}

#include <math.h>

#include "clock.h"
#include "err.h"
#include "frame.h"
#include "framer.h"
#include "log.h"
#include "position.h"
#include "random.h"
#include "recorder.h"

enum { NS_PER_MS = 1000000 };

void
rtta_recorder_init(struct rtta_recorder *rec)
{
	rec->framer = rtta_framer_new(rec->out);
	rtta_meter_init(&rec->meter, rtta_clock_mono_ms());
}

void
rtta_recorder_done(struct rtta_recorder *rec)
{
	rtta_framer_free(rec->framer);
}

static uint64_t
random_run(void)
{
	uint64_t run_id = 0;

	while (run_id == 0)
		run_id = rtta_random();
	return run_id;
}

void
rtta_recorder_begin(struct rtta_recorder *rec, uint32_t rate_hz, int channels,
    bool contiguous, bool live)
{
	rtta_framer_begin(rec->framer, rec->has_run_id ? rec->run_id :
	    random_run(), rate_hz, channels, rec->frame_ms, contiguous);
	rec->rate_hz = rate_hz;
	rec->channels = channels;
	rec->live = live;
	rec->in_run = true;
	rec->has_clock = rec->overrun = false;
	rec->heard = 0;
}

void
rtta_recorder_set_time(struct rtta_recorder *rec, int64_t mono_ms,
    int64_t real_ns)
{
	rtta_framer_start_clock(rec->framer, mono_ms, real_ns);
	rec->has_clock = true;
}

/* The newest of backlog samples that are still to be added is of now. */
static void
start_clock(struct rtta_recorder *rec, size_t backlog)
{
	int64_t late_ns = rtta_samples_ns(backlog, rec->rate_hz);

	rtta_recorder_set_time(rec, rtta_clock_mono_ms() - late_ns / NS_PER_MS,
	    rtta_clock_real_ns() - late_ns);
}

static void
end(struct rtta_recorder *rec, bool gone)
{
	if (rec->has_clock)
		rtta_framer_end(rec->framer, gone);
	if (rec->in_run)
		rec->heard_ms += (int64_t)(rec->heard * 1000 / rec->rate_hz);
	rec->in_run = rec->has_clock = false;
}

void
rtta_recorder_end(struct rtta_recorder *rec)
{
	end(rec, false);
}

void
rtta_recorder_gone(struct rtta_recorder *rec)
{
	end(rec, true);
}

int16_t *
rtta_recorder_room(struct rtta_recorder *rec, size_t *samples)
{
	int16_t *values = rtta_framer_room(rec->framer, samples);
	uint64_t most, left;

	if (rec->duration_ms == 0)
		return values;
	most = (uint64_t)(rec->duration_ms - rec->heard_ms) * rec->rate_hz / 1000;
	left = most > rec->heard ? most - rec->heard : 0;
	if (*samples > left)
		*samples = (size_t)left;
	return values;
}

/* A frame is done: does its time still agree with the wall clock? */
static void
follow_clock(struct rtta_recorder *rec, size_t backlog)
{
	enum rtta_discipline_verdict verdict = rtta_framer_observe(rec->framer,
	    backlog, rtta_clock_mono_ms(), rtta_clock_real_ns());
	int64_t set_ns = rtta_framer_set_ns(rec->framer);

	switch (verdict) {
	case RTTA_DISCIPLINE_STEADY:
		return;
	case RTTA_DISCIPLINE_SET:
		rtta_log_warn("the wall clock was set %s by %.1f s: a new run",
		    set_ns > 0 ? "forward" : "back", fabs((double)set_ns) / 1e9);
		break;
	case RTTA_DISCIPLINE_ASTRAY:
		rtta_log_warn("sound is missing that the source did not tell "
		    "of: a new run");
		break;
	}
	rtta_recorder_end(rec);
	rtta_recorder_begin(rec, rec->rate_hz, rec->channels,
	    verdict == RTTA_DISCIPLINE_SET, true);
	start_clock(rec, backlog);
}

/* How much an overrun lost, the clock says. */
static void
count_overrun(struct rtta_recorder *rec, size_t backlog)
{
	int64_t late_ms = rtta_samples_ns(backlog, rec->rate_hz) / NS_PER_MS;
	uint64_t missing = rtta_framer_missing(rec->framer,
	    rtta_clock_mono_ms() - late_ms);

	rtta_framer_lose(rec->framer, missing);
	rtta_log_warn("overrun: %llu samples lost", (unsigned long long)missing);
	rec->overrun = false;
}

int
rtta_recorder_add(struct rtta_recorder *rec, size_t samples, size_t backlog,
    struct rtta_err *err)
{
	const struct rtta_frame *frame;
	int rc;

	if (!rec->has_clock)
		start_clock(rec, samples + backlog);
	else if (rec->overrun)
		count_overrun(rec, samples + backlog);
	rec->heard += samples;
	frame = rtta_framer_add(rec->framer, samples);
	if (frame == NULL)
		return 0;
	rtta_meter_frame(&rec->meter, frame, rtta_clock_mono_ms());
	if (rec->out != NULL) {
		rc = rtta_frame_flush(rec->out, err);
		if (rc < 0)
			return -1;
		rec->reader_gone = rc == 0;
	}
	if (rec->live)
		follow_clock(rec, backlog);
	return 0;
}

void
rtta_recorder_overrun(struct rtta_recorder *rec)
{
	if (!rec->has_clock)
		return;
	rtta_framer_cut(rec->framer);
	rec->overrun = true;
}

void
rtta_recorder_tell(struct rtta_recorder *rec)
{
	uint64_t dropped = rtta_framer_dropped(rec->framer);
	bool dropping = rtta_framer_dropping(rec->framer);

	if (dropping && !rec->was_dropping)
		rtta_log_warn("frames are not taken: sound is being lost");
	if (!dropping && dropped > rec->told_dropped) {
		rtta_log_warn("frames are taken again: %llu samples lost",
		    (unsigned long long)(dropped - rec->told_dropped));
		rec->told_dropped = dropped;
	}
	rec->was_dropping = dropping;
}

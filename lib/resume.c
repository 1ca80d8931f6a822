#include <stdlib.h>
#include <string.h>

#include "bus.h"
#include "keys.h"
#include "live.h"
#include "log.h"
#include "mem.h"
#include "resume.h"
#include "switch.h"
#include "tail.h"
#include "window.h"

enum {
	NS_PER_US = 1000,
	EOS_AGAIN_S = 3600,  /* older than what AUDIO_STREAM holds: pointless */
	US_PER_S = 1000000
};

struct rtta_resume {
	struct rtta_state *state;
	struct rtta_tail *tail;             /* of the session that goes on, or NULL */
	char id[RTTA_SESSION_ID_BYTES];     /* its id, or "" */
	struct rtta_session_cut cut;
	uint64_t *runs;
	size_t n_runs;
};

/* The newest session that has a cut and no end. */
static void
find_open(struct rtta_resume *resume)
{
	char id[RTTA_SESSION_ID_BYTES];
	struct rtta_session_cut cut;
	size_t at = 0;

	while (rtta_keys_next_cut(resume->state, &at, id, &cut))
		if (!rtta_keys_ever(resume->state, "end", id) &&
		    (resume->id[0] == '\0' || cut.at_us > resume->cut.at_us)) {
			resume->cut = cut;
			strcpy(resume->id, id);
		}
}

struct rtta_resume *
rtta_resume_new(struct rtta_bus *bus, struct rtta_state *state)
{
	struct rtta_resume *resume = rtta_xcalloc(1, sizeof(*resume));

	resume->state = state;
	find_open(resume);
	if (resume->id[0] == '\0')
		return resume;
	resume->n_runs = rtta_keys_runs(state, resume->id, &resume->runs);
	resume->tail = rtta_tail_new(bus, resume->id, resume->runs, resume->n_runs);
	return resume;
}

void
rtta_resume_free(struct rtta_resume *resume)
{
	if (resume == NULL)
		return;
	rtta_tail_free(resume->tail);
	free(resume->runs);
	free(resume);
}

int
rtta_resume_tick(struct rtta_resume *resume)
{
	return resume->tail != NULL ? rtta_tail_tick(resume->tail) : -1;
}

bool
rtta_resume_is_over(const struct rtta_resume *resume)
{
	return resume->tail == NULL || rtta_tail_is_over(resume->tail);
}

/* Behind the last pre-roll frame. */
static struct rtta_pos
find_preroll_end(const struct rtta_session_cut *cut, const struct rtta_window *window,
    int64_t *end_us)
{
	struct rtta_pos end = cut->last;
	const struct rtta_held *held;
	uint64_t number;

	*end_us = cut->at_us;
	if (!rtta_window_find(window, cut->last, &number))
		return end;
	held = rtta_window_at(window, number);
	end.sample = rtta_frame_end(&held->frame);
	*end_us = (held->frame.capture_ns + rtta_held_ns(held)) / NS_PER_US;
	return end;
}

/* A run of which nothing is stored ends where it began. */
static void
find_run_end(const struct rtta_resume *resume, const struct rtta_window *window,
    struct rtta_switch_resume *how)
{
	struct rtta_session_run run;

	if (how->n_runs == 0 || rtta_keys_run(resume->state, resume->id,
	    (unsigned)how->n_runs - 1, &run) < 0)
		return;
	if (how->has_next && how->next.run == run.run) {
		how->run_end = how->next;
		how->run_end_us = how->next_us;
	} else if (how->cut.has_preroll && how->cut.last.run == run.run) {
		how->run_end = find_preroll_end(&how->cut, window, &how->run_end_us);
	} else {
		how->run_end = (struct rtta_pos){ run.run, run.first };
		how->run_end_us = run.first_us;
	}
}

static void
go_on(struct rtta_resume *resume, struct rtta_switch *sw, const struct rtta_window *window)
{
	struct rtta_switch_resume how = {
		.id = resume->id, .cut = resume->cut,
		.runs = resume->runs, .n_runs = resume->n_runs,
	};

	rtta_log_info("session %s: going on", resume->id);
	how.has_live = rtta_tail_get(resume->tail, &how.next, &how.next_us);
	how.has_next = true;
	if (how.has_live)
		;
	else if (how.cut.has_at)
		how.next = how.cut.at, how.next_us = how.cut.at_us;
	else if (how.cut.has_preroll)
		how.next = find_preroll_end(&how.cut, window, &how.next_us);
	else
		how.has_next = false;
	find_run_end(resume, window, &how);
	rtta_switch_resume(sw, &how);
}

static void
end_other(struct rtta_resume *resume, struct rtta_live *live, const char *id, int64_t now_us)
{
	struct rtta_session_end end = { .at_us = now_us };

	rtta_log_warn("session %s: had no end", id);
	rtta_keys_create(resume->state, "end", id, rtta_session_end_encode(&end));
	rtta_live_eos(live, id, &end);
}

static void
repeat_eos(struct rtta_resume *resume, struct rtta_live *live, const char *id, int64_t now_us)
{
	struct rtta_session_info info = { .source = "" };
	struct rtta_session_end end;

	rtta_keys_info(resume->state, id, &info);
	if (strcmp(info.source, "route") == 0 &&
	    rtta_keys_end(resume->state, id, &end) == 0 &&
	    end.at_us >= now_us - EOS_AGAIN_S * (int64_t)US_PER_S)
		rtta_live_eos(live, id, &end);
}

static bool
is_live_of(const struct rtta_state *state, const char *id, const struct rtta_session_cut *cut,
    struct rtta_pos pos)
{
	struct rtta_session_end end;
	uint64_t *runs;
	size_t n_runs;
	bool is_live;

	if (rtta_keys_end(state, id, &end) < 0 || !end.has_at)
		return false;
	n_runs = rtta_keys_runs(state, id, &runs);
	is_live = rtta_pos_before(pos, end.at, runs, n_runs) &&
	    !rtta_session_cut_is_above(cut, pos, runs, n_runs);
	free(runs);
	return is_live;
}

bool
rtta_resume_find(const struct rtta_state *state, struct rtta_pos pos,
    char id[RTTA_SESSION_ID_BYTES])
{
	struct rtta_session_cut cut;
	size_t at = 0;

	while (rtta_keys_next_cut(state, &at, id, &cut))
		if (is_live_of(state, id, &cut, pos))
			return true;
	return false;
}

static bool
is_before(struct rtta_pos pos, struct rtta_pos mark)
{
	return pos.run == mark.run && pos.sample < mark.sample;
}

static bool
is_preroll_of(const struct rtta_state *state, const char *id, const struct rtta_session_cut *cut,
    struct rtta_pos pos)
{
	uint64_t *runs;
	size_t n_runs;
	bool is_preroll;

	if (!cut->has_preroll)
		return false;
	n_runs = rtta_keys_runs(state, id, &runs);
	is_preroll = !rtta_pos_before(pos, cut->first, runs, n_runs) &&
	    !rtta_pos_before(cut->last, pos, runs, n_runs);
	free(runs);
	return is_preroll;
}

bool
rtta_resume_is_earlier(const struct rtta_state *state, struct rtta_pos pos, const char *but)
{
	char id[RTTA_SESSION_ID_BYTES];
	struct rtta_session_cut cut;
	struct rtta_session_end end;
	size_t at = 0;

	while (rtta_keys_next_cut(state, &at, id, &cut)) {
		if (strcmp(id, but) == 0)
			continue;
		if ((cut.has_at && is_before(pos, cut.at)) || is_preroll_of(state, id, &cut, pos) ||
		    (rtta_keys_end(state, id, &end) == 0 && end.has_at && is_before(pos, end.at)))
			return true;
	}
	return false;
}

void
rtta_resume_bar(const struct rtta_state *state, struct rtta_window *window)
{
	char id[RTTA_SESSION_ID_BYTES];
	struct rtta_session_cut cut;
	struct rtta_session_end end;
	size_t at = 0;

	while (rtta_keys_next_cut(state, &at, id, &cut)) {
		if (cut.has_preroll)
			rtta_window_bar_behind(window, cut.last);
		if (cut.has_at && cut.at.sample > 0)
			rtta_window_bar_behind(window, (struct rtta_pos){ cut.at.run, cut.at.sample - 1 });
		if (rtta_keys_end(state, id, &end) == 0 && end.has_at)
			rtta_window_bar_before(window, end.at);
	}
}

void
rtta_resume_apply(struct rtta_resume *resume, struct rtta_switch *sw,
    struct rtta_window *window, struct rtta_live *live, int64_t now_us)
{
	char id[RTTA_SESSION_ID_BYTES];
	struct rtta_session_cut cut;
	size_t at = 0;

	while (rtta_keys_next_cut(resume->state, &at, id, &cut)) {
		if (strcmp(id, resume->id) == 0)
			go_on(resume, sw, window);
		else if (!rtta_keys_ever(resume->state, "end", id))
			end_other(resume, live, id, now_us);
		else
			repeat_eos(resume, live, id, now_us);
	}
}

#include <float.h>

#include "utterance.h"

enum {
	QUIET_SAMPLES = 640,      /* 40 ms */
	TELL_SAMPLES = 16000,     /* settled silence is told each second */
	CUT_REST_SAMPLES = 16000  /* so much is left at least behind a cut */
};

void
rtta_utterance_init(struct rtta_utterance *utterance,
    const struct rtta_utterance_limits *limits)
{
	*utterance = (struct rtta_utterance){ .limits = *limits };
}

void
rtta_utterance_heard(struct rtta_utterance *utterance, int64_t heard)
{
	utterance->heard = heard;
}

void
rtta_utterance_line(struct rtta_utterance *utterance,
    const struct rtta_utterance_line *line)
{
	utterance->line = *line;
	utterance->has_line = true;
}

bool
rtta_utterance_is_silent(const struct rtta_utterance *utterance, int64_t samples)
{
	return !utterance->is_open &&
	    utterance->heard - utterance->voice_end >= samples;
}

void
rtta_utterance_rotate(struct rtta_utterance *utterance)
{
	utterance->has_voice = false;
}

/* The longer an utterance is, the shorter the pause that ends it. */
static int64_t
pause_that_ends(const struct rtta_utterance *utterance)
{
	const struct rtta_utterance_limits *limits = &utterance->limits;
	int64_t length = utterance->voice_end - utterance->first;
	int64_t rest = limits->max - length;

	if (rest <= 0)
		return 0;
	if (rest >= limits->max / 2)
		return limits->join;
	return limits->join * rest / (limits->max / 2);
}

static bool
is_over(const struct rtta_utterance *utterance)
{
	return utterance->is_open && !utterance->has_voice &&
	    utterance->heard - utterance->voice_end >=
	    pause_that_ends(utterance);
}

/* Voice was found at most look_behind after it began, also when the listener
 * began anew in between and its line can reach no further back. */
static int64_t
begin_of(const struct rtta_utterance *utterance)
{
	int64_t first = utterance->heard - utterance->limits.look_behind;

	if (utterance->line.first < first)
		first = utterance->line.first;
	return first > utterance->settled ? first : utterance->settled;
}

static void
take_line(struct rtta_utterance *utterance)
{
	const struct rtta_utterance_line *line = &utterance->line;

	utterance->has_line = false;
	if (line->last <= utterance->settled)
		return;
	if (!utterance->is_open) {
		utterance->is_open = true;
		utterance->was_told = false;
		utterance->first = begin_of(utterance);
		utterance->voice_end = line->last;
		utterance->next_interim = utterance->first +
		    utterance->limits.interim;
		utterance->interim_end = utterance->first;
	}
	if (line->last > utterance->voice_end)
		utterance->voice_end = line->last;
	utterance->has_voice = !line->is_complete;
}

static struct rtta_utterance_action
close_at(struct rtta_utterance *utterance, int64_t end)
{
	utterance->is_open = false;
	utterance->has_voice = false;
	utterance->settled = end;
	utterance->must_tell = true;
	return (struct rtta_utterance_action){
		RTTA_UTTERANCE_FINAL, utterance->first, end
	};
}

void
rtta_utterance_finish(struct rtta_utterance *utterance, int64_t heard)
{
	int64_t end = utterance->has_voice || utterance->voice_end > heard ?
	    heard : utterance->voice_end;

	utterance->heard = heard;
	utterance->has_line = false;
	if (utterance->is_open) {
		close_at(utterance, end);
		utterance->has_final = true;
		utterance->final_first = utterance->first;
		utterance->final_last = end;
	}
	utterance->settled = heard;
	utterance->must_tell = true;
}

void
rtta_utterance_cut(struct rtta_utterance *utterance, int64_t at)
{
	utterance->has_final = true;
	utterance->final_first = utterance->first;
	utterance->final_last = at;
	utterance->first = at;
	utterance->settled = at;
	utterance->must_tell = true;
	utterance->interim_end = at;
}

void
rtta_utterance_hold_interim(struct rtta_utterance *utterance, int64_t samples)
{
	if (utterance->next_interim < utterance->heard + samples)
		utterance->next_interim = utterance->heard + samples;
}

static struct rtta_utterance_action
cut_window(const struct rtta_utterance *utterance)
{
	int64_t max = utterance->limits.max;
	int64_t from = utterance->first + max * 6 / 10;
	int64_t to = utterance->first + max - CUT_REST_SAMPLES;

	if (to < from + QUIET_SAMPLES)
		to = from + QUIET_SAMPLES;
	return (struct rtta_utterance_action){ RTTA_UTTERANCE_CUT, from, to };
}

/* An interim text is due in time, or when voice went on after the last one
 * and has stopped. */
static bool
is_interim_due(const struct rtta_utterance *utterance)
{
	if (utterance->limits.interim == 0 || !utterance->is_open)
		return false;
	if (!utterance->has_voice)
		return utterance->voice_end > utterance->interim_end;
	return utterance->heard >= utterance->next_interim;
}

static void
settle_silence(struct rtta_utterance *utterance)
{
	int64_t certain = utterance->heard + utterance->limits.hop -
	    utterance->limits.look_behind;

	if (certain > utterance->settled)
		utterance->settled = certain;
}

static struct rtta_utterance_action
tell(struct rtta_utterance *utterance)
{
	utterance->must_tell = false;
	utterance->told = utterance->settled;
	return (struct rtta_utterance_action){ RTTA_UTTERANCE_SETTLED,
	    utterance->settled, utterance->settled };
}

struct rtta_utterance_action
rtta_utterance_next(struct rtta_utterance *utterance)
{
	if (utterance->has_final) {
		utterance->has_final = false;
		return (struct rtta_utterance_action){ RTTA_UTTERANCE_FINAL,
		    utterance->final_first, utterance->final_last };
	}
	if (utterance->must_tell)
		return tell(utterance);
	if (is_over(utterance))
		return close_at(utterance, utterance->voice_end);
	if (utterance->has_line)
		take_line(utterance);
	if (utterance->is_open && !utterance->was_told) {
		utterance->was_told = true;
		return (struct rtta_utterance_action){ RTTA_UTTERANCE_SPEECH,
		    utterance->first, utterance->voice_end };
	}
	if (is_over(utterance))
		return close_at(utterance, utterance->voice_end);
	if (utterance->is_open && utterance->has_voice &&
	    utterance->heard - utterance->first >= utterance->limits.max)
		return cut_window(utterance);
	if (is_interim_due(utterance)) {
		utterance->interim_end = utterance->voice_end;
		utterance->next_interim = utterance->heard +
		    utterance->limits.interim;
		return (struct rtta_utterance_action){ RTTA_UTTERANCE_INTERIM,
		    utterance->first, utterance->voice_end };
	}
	if (!utterance->is_open)
		settle_silence(utterance);
	if (utterance->settled - utterance->told >= TELL_SAMPLES)
		return tell(utterance);
	return (struct rtta_utterance_action){ .kind = RTTA_UTTERANCE_NONE };
}

size_t
rtta_utterance_quietest(const float *pcm, size_t samples)
{
	size_t best = samples / 2;
	double least = DBL_MAX, sum = 0;

	for (size_t i = 0; i < samples; i++) {
		sum += (double)pcm[i] * (double)pcm[i];
		if (i < QUIET_SAMPLES - 1)
			continue;
		if (sum < least) {
			least = sum;
			best = i - QUIET_SAMPLES / 2 + 1;
		}
		sum -= (double)pcm[i + 1 - QUIET_SAMPLES] *
		    (double)pcm[i + 1 - QUIET_SAMPLES];
	}
	return best;
}

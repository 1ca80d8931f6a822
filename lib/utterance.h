/*
 * utterance - what to decode, and when, from where there is voice.
 *
 * A listener tells of lines of voice; this module joins them into
 * utterances, cuts those that get too long, and says what is settled: no
 * text will come any more for sound before it.  Pure: it sees sample
 * numbers only, and what it does depends on nothing else, so that finals do
 * not depend on how the sound arrived.
 */
#ifndef RTTA_UTTERANCE_H
#define RTTA_UTTERANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rtta_utterance_limits {
	int64_t join;         /* a pause shorter than this is within an utterance */
	int64_t max;          /* where an utterance is cut, however it goes on */
	int64_t interim;      /* between interim texts; 0: none */
	int64_t look_behind;  /* no line begins earlier than this before now */
	int64_t hop;          /* the listener's step */
};

enum rtta_utterance_kind {
	RTTA_UTTERANCE_NONE,
	RTTA_UTTERANCE_SPEECH,    /* one begins at first */
	RTTA_UTTERANCE_INTERIM,   /* decode first to last, tell it as interim */
	RTTA_UTTERANCE_FINAL,     /* decode first to last, tell it as final */
	RTTA_UTTERANCE_CUT,       /* find the quietest place between first and
	                           * last and call rtta_utterance_cut() */
	RTTA_UTTERANCE_SETTLED    /* no text will come before last */
};

struct rtta_utterance_action {
	enum rtta_utterance_kind kind;
	int64_t first, last;
};

struct rtta_utterance_line {
	int64_t first, last;     /* samples, half-open */
	bool is_complete;        /* last is its end and not merely now */
};

struct rtta_utterance {
	struct rtta_utterance_limits limits;
	int64_t heard;            /* the listener has been given so much */
	int64_t settled, told;    /* and it was said up to told */
	bool must_tell;
	bool is_open, has_voice;  /* has_voice: its last line is not complete */
	bool was_told;            /* that it began */
	int64_t first, voice_end; /* of the open one */
	int64_t next_interim, interim_end;
	bool has_line;
	struct rtta_utterance_line line;  /* told of, not yet looked at */
	bool has_final;
	int64_t final_first, final_last;  /* cut off, to be decoded */
};

void rtta_utterance_init(struct rtta_utterance *utterance,
    const struct rtta_utterance_limits *limits);

/* The listener was given sound up to heard, and there was no line yet. */
void rtta_utterance_heard(struct rtta_utterance *utterance, int64_t heard);

/*
 * It told of a line.  Before the next one, and before more is heard, all
 * actions must be taken.
 */
void rtta_utterance_line(struct rtta_utterance *utterance,
    const struct rtta_utterance_line *line);

/* The sound ends at heard: what is open is final. */
void rtta_utterance_finish(struct rtta_utterance *utterance, int64_t heard);

/* No utterance is open, and the last voice ended so many samples ago. */
bool rtta_utterance_is_silent(const struct rtta_utterance *utterance,
    int64_t samples);

/* The listener begins anew: a line that is open goes no further. */
void rtta_utterance_rotate(struct rtta_utterance *utterance);

/* What to do now; RTTA_UTTERANCE_NONE when nothing is left. */
struct rtta_utterance_action rtta_utterance_next(struct rtta_utterance *utterance);

/* Answer to RTTA_UTTERANCE_CUT: the final ends and the next begins at. */
void rtta_utterance_cut(struct rtta_utterance *utterance, int64_t at);

/* No interim text before so many samples have gone by: it is expensive. */
void rtta_utterance_hold_interim(struct rtta_utterance *utterance, int64_t samples);

/* The middle of the quietest 40 ms. */
size_t rtta_utterance_quietest(const float *pcm, size_t samples);

#endif

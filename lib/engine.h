/*
 * engine - a program or service that turns sound into events.
 *
 * One interface; the kinds (exec, websocket, http) stand
 * behind it and lanes know none of them.  Times are seconds since the first
 * sample sent to this engine.  An engine object is one connection: when it
 * breaks, make a new one.  Belongs to main's thread; nothing waits.
 */
#ifndef RTTA_ENGINE_H
#define RTTA_ENGINE_H

#include <jv.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rtta_err;
struct rtta_engine;
struct rtta_profile;   /* profile.h: which engine, how to reach it */

enum rtta_engine_kind {
	RTTA_ENGINE_TEXT,           /* text for [start_s, end_s), interim or final */
	RTTA_ENGINE_DELTA,          /* more text of the open utterance */
	RTTA_ENGINE_UTTERANCE_END,  /* all before end_s is settled: no more text will come for it */
	RTTA_ENGINE_SPEECH,         /* speech began at start_s */
	RTTA_ENGINE_READY,          /* takes sound now */
	RTTA_ENGINE_DONE,           /* said all it will say, after rtta_engine_finish() */
	RTTA_ENGINE_ERROR           /* says so itself; what follows is up to it */
};

struct rtta_engine_event {
	enum rtta_engine_kind kind;
	double start_s, end_s;      /* NAN: not known */
	bool is_final;
	char *text;                 /* NULL: none; freed by rtta_engine_event_done() */
	char *speaker, *language;
	int channel;                /* -1: not said, or all */
	double confidence;          /* NAN: not known */
	jv words;                   /* [{word, start, end, ...}] in seconds, or invalid */
};
void rtta_engine_event_init(struct rtta_engine_event *event);  /* nothing known */
void rtta_engine_event_done(struct rtta_engine_event *event);

/*
 * Read an event from a borrowed object: {"event": "text", "start": ...}.
 * what names its source in errors.  0, or -1 with EX_DATAERR.
 */
int rtta_engine_event_decode(struct rtta_engine_event *event, const char *what, jv object,
    struct rtta_err *err);

/*
 * Start or connect.  backfill: do not pace, no interim wanted.  channels:
 * that are kept apart (1: mono); where the profile's engine does not hear so
 * many, there is one for each, and all of them are this one, which breaks
 * when one of them does.  spare: one for one channel that was opened ahead of
 * need (taken), or NULL.  NULL with EX_CONFIG (no such program, permanent) or
 * EX_TEMPFAIL.
 */
struct rtta_engine *rtta_engine_open(const struct rtta_profile *profile, bool backfill,
    int channels, struct rtta_engine *spare, struct rtta_err *err);
void rtta_engine_close(struct rtta_engine *engine);

/* Of a service: may it be opened with this profile and the key that is there?
 * Sends nothing.  0, or -1 with EX_CONFIG. */
int rtta_engine_check(const struct rtta_profile *profile, bool backfill, struct rtta_err *err);

/* Descriptors to poll; returns how many were filled (at most 4 a channel). */
int rtta_engine_fds(struct rtta_engine *engine, struct pollfd *fds, int max);
/* Milliseconds until it wants to be called without a descriptor, or -1. */
int rtta_engine_wait_ms(struct rtta_engine *engine);

/* Move bytes both ways.  0, or -1 with *err when the connection is over and
 * all its events were taken: EX_TEMPFAIL: try another one; EX_PROTOCOL: it
 * took all the sound and left in good order, but never said DONE; EX_CONFIG:
 * another one will not help. */
int rtta_engine_pump(struct rtta_engine *engine, struct rtta_err *err);

/* Bytes that may be sent now without the buffer passing its limit. */
size_t rtta_engine_room(const struct rtta_engine *engine);

/* When it last took sound or said something: rtta_clock_mono_ms(). */
int64_t rtta_engine_active_ms(const struct rtta_engine *engine);

/* So long it asks not to be called again, behind an error; 0: it said nothing. */
int64_t rtta_engine_retry_ms(const struct rtta_engine *engine);

/* Behind an error: a shorter recording might be taken. */
bool rtta_engine_too_large(const struct rtta_engine *engine);

/* s16le at the profile's rate, channels interleaved. */
void rtta_engine_send(struct rtta_engine *engine, const void *pcm, size_t bytes);

/* No more sound: say the rest, then DONE. */
void rtta_engine_finish(struct rtta_engine *engine);

/* 1 with *event filled, 0: none now. */
int rtta_engine_next(struct rtta_engine *engine, struct rtta_engine_event *event);

#endif

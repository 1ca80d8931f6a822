/*
 * watch - one watched session: what is known of it, in memory.
 *
 * One ordered reader of TEXT_STREAM, the records once as messages, the newest
 * interim texts, the transcript, and its state.  Knows no readers: a listener
 * is a place in the messages, and finds by the versions what it has not heard.
 * Belongs to main's thread; nothing waits.
 */
#ifndef RTTA_WATCH_H
#define RTTA_WATCH_H

#include <jv.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "interim.h"
#include "jtext.h"
#include "log.h"
#include "queue.h"
#include "session.h"

struct rtta_bus;
struct rtta_message;
struct rtta_reader;
struct rtta_state;
struct rtta_state_change;
struct rtta_transcript;

enum { RTTA_WATCH_MESSAGE_MAX_BYTES = 1 << 19 };  /* no record becomes longer JSON */

/* What all watches share. */
struct rtta_watch_site {
	struct rtta_bus *bus;
	struct rtta_state *state;
	struct rtta_session_config config;
	struct rtta_log_damper damper;   /* of messages that are no good */
	struct rtta_jtext text;          /* of a record, while it is made */
	uint64_t lives, versions;
	bool stirred;                    /* something changed that readers may want */
	uint64_t interim, resets, unreadable;   /* counts */
};

struct rtta_watch {
	struct rtta_watch_site *site;
	char id[RTTA_SESSION_ID_BYTES];
	struct rtta_reader *reader;
	struct rtta_transcript *transcript;
	struct rtta_message **messages;  /* records, by sequence */
	size_t count, size;
	size_t bytes;             /* of memory, about */
	struct rtta_message *hello, *live, *state;
	size_t live_count;        /* of messages when live was made */
	uint64_t version;         /* of the transcript: no other one has it */
	uint64_t life;            /* grows when the session begins anew */
	uint64_t state_version;   /* 0: none yet */
	struct rtta_queue spent;  /* read, and not destroyed yet */
	size_t spent_bytes;
	struct rtta_interim interim;
	bool caught_up;
	bool known;               /* a key or a record names it */
	bool stale;               /* its state is to be told again */
	bool missed;              /* records that are here were not there */
	uint64_t resets;
	int64_t told_ms, idle_ms, caught_up_ms;
	size_t listeners;
};

/* site is borrowed. */
struct rtta_watch *rtta_watch_new(struct rtta_watch_site *site, const char *id);
void rtta_watch_free(struct rtta_watch *watch);

/* Begin from nothing, also for those who listen. */
void rtta_watch_anew(struct rtta_watch *watch);

/* Take what has come.  Returns ms until it wants to be called. */
int rtta_watch_tick(struct rtta_watch *watch);

/* A key of it has changed (borrowed). */
void rtta_watch_key(struct rtta_watch *watch, const struct rtta_state_change *change);

/* Interim text of it. */
void rtta_watch_interim(struct rtta_watch *watch, const struct rtta_record *record);

/* Its state is worth telling at once. */
void rtta_watch_touch(struct rtta_watch *watch);

/* {"event":"live","seq":n}: all that was stored has been said (borrowed). */
const struct rtta_message *rtta_watch_live(struct rtta_watch *watch);

#endif

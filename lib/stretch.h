/*
 * stretch - one stretch of held sound on its way through an engine.
 *
 * A stretch is an interval of one run.  It opens a connection, sends what is
 * not covered, writes down what is heard (scribe), and when the connection
 * breaks sends everything uncovered again on the next one, after a while.
 * A connection is never sent anything across a hole or covered sound: there
 * it is finished and the next one begins.  Where channels are kept apart,
 * all of them are on one connection, each with a scribe of its own; one whose
 * sound is claimed already is silent on it.  The hold and the sets of what is
 * claimed (covered, or in drafts) belong to the caller and are shared by the
 * stretches of a session.  Belongs to main's thread; nothing waits.
 */
#ifndef RTTA_STRETCH_H
#define RTTA_STRETCH_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "frame.h"
#include "position.h"

struct rtta_cover;
struct rtta_draft;
struct rtta_engine;
struct rtta_err;
struct rtta_log_refrain;
struct rtta_hold;
struct rtta_profile;
struct rtta_record;
struct rtta_stretch;

enum {
	RTTA_STRETCH_ATTEMPTS = 3      /* without progress, then it is tired */
};

struct rtta_stretch_source {
	const struct rtta_profile *profile;
	const struct rtta_record *like;  /* what all its records have in common */
	const struct rtta_hold *hold;
	int channels;                    /* that are kept apart; 0: mixed */
	struct rtta_cover *claimed[RTTA_FRAME_MAX_CHANNELS];  /* of each; mixed: one */
	struct rtta_log_refrain *refrain;  /* of what fails */
	bool quiet;                      /* a trial: what fails is no news */
	bool forwards;                   /* what it does not settle is another lane's, and no gap yet */
};

/* span is in the hold and may grow until rtta_stretch_end().  *source is
 * kept, not copied. */
struct rtta_stretch *rtta_stretch_new(const struct rtta_stretch_source *source,
    struct rtta_span span);
void rtta_stretch_free(struct rtta_stretch *stretch);

void rtta_stretch_grow(struct rtta_stretch *stretch, uint64_t last);
void rtta_stretch_end(struct rtta_stretch *stretch);  /* it grows no more */

/* Nothing behind `last` is sent: the rest is somebody else's.  Ends it. */
void rtta_stretch_shorten(struct rtta_stretch *stretch, uint64_t last);

struct rtta_span rtta_stretch_span(const struct rtta_stretch *stretch);

/* A connection for one channel that was opened ahead of need: taken. */
void rtta_stretch_use(struct rtta_stretch *stretch, struct rtta_engine *engine);

/*
 * Go on.  may_open: a connection may be opened if there is none.  What
 * fails is logged and tried again.  0, or -1 with EX_CONFIG, not logged: the
 * engine says that no attempt will help.
 */
int rtta_stretch_pump(struct rtta_stretch *stretch, bool may_open, struct rtta_err *err);

/* Drafts, final (whose span is then claimed) and interim; the caller's. */
struct rtta_draft *rtta_stretch_next(struct rtta_stretch *stretch);

int rtta_stretch_fds(struct rtta_stretch *stretch, struct pollfd *fds, int max);
int rtta_stretch_wait_ms(const struct rtta_stretch *stretch);

bool rtta_stretch_connected(const struct rtta_stretch *stretch);

/* Its connection takes sound: the engine has said so. */
bool rtta_stretch_ready(const struct rtta_stretch *stretch);

/* Wants a connection now (it has none, and sound that is not claimed). */
bool rtta_stretch_wants(const struct rtta_stretch *stretch);

/* Ended, and all of it is claimed. */
bool rtta_stretch_over(const struct rtta_stretch *stretch);

/* The first position that is still to be sent; the end when there is none. */
uint64_t rtta_stretch_sent(const struct rtta_stretch *stretch);

/* Attempts in a row that brought nothing. */
unsigned rtta_stretch_failures(const struct rtta_stretch *stretch);

/* The last attempt was refused because of its length alone. */
bool rtta_stretch_too_large(const struct rtta_stretch *stretch);

/* So long speech has waited for an answer, or no connection could be made. */
int64_t rtta_stretch_tried_ms(const struct rtta_stretch *stretch);

/* An engine has said something. */
bool rtta_stretch_answered(const struct rtta_stretch *stretch);

/* What is settled is kept, the rest is somebody else's: the connection goes,
 * and no other one comes. */
void rtta_stretch_leave(struct rtta_stretch *stretch);

#endif

/*
 * stretch_parts - what the files of stretch share: stretch.c has the connection
 * and what is heard on it, stretch_send.c what it is given.
 */
#ifndef RTTA_STRETCH_PARTS_H
#define RTTA_STRETCH_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "draft.h"
#include "frame.h"
#include "patience.h"
#include "position.h"
#include "stretch.h"

/* A channel on the connection, or the mix. */
struct rtta_voice {
	struct rtta_cover *claimed;
	struct rtta_scribe *scribe;
	uint64_t loud_samples;         /* of speech since something was last said of it */
	int64_t heard_ms;              /* when that was; or since when it is open */
	struct rtta_patience patience;
};

struct rtta_stretch {
	const struct rtta_stretch_source *source;
	struct rtta_voice voices[RTTA_FRAME_MAX_CHANNELS];
	int count;                     /* of them */
	struct rtta_span span;
	bool ended;
	bool left;                     /* to somebody else */
	/* the connection */
	struct rtta_engine *engine, *spare;
	struct rtta_resample *resample;  /* NULL: there is none */
	uint32_t rate_hz;
	uint8_t channels;
	bool foreign;
	uint64_t from, sent;           /* positions [from, sent) are with it */
	uint64_t gained;               /* positions that it has claimed */
	bool ready, finished, said_done;
	bool answered;
	/* between connections */
	unsigned failures, undone;     /* undone: left in order, without done */
	int64_t retry_ms;
	bool too_large;                /* the last one took no recording so long */
	struct rtta_drafts out;
};

/* The first position from `from` on that is held and that not all voices have
 * claimed.  False: there is none. */
bool rtta_stretch_unclaimed(const struct rtta_stretch *stretch, uint64_t from, uint64_t *at);

/*
 * Send as much as the engine takes now.  Room that the pump has made is used at
 * once: with an empty buffer no descriptor would wake us for it.
 */
void rtta_stretch_supply(struct rtta_stretch *stretch, struct rtta_err *why);

#endif

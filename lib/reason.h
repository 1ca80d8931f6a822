/*
 * reason - the words for why sound is missing.
 *
 * The one list of them: who writes a gap or a note takes its words from
 * here, and who counts gaps finds them again.  A gap of somebody else may
 * say anything: that is RTTA_REASON_OTHER.  Pure.
 */
#ifndef RTTA_REASON_H
#define RTTA_REASON_H

enum rtta_reason {
	RTTA_REASON_OVERRUN,      /* the sound card was not read in time */
	RTTA_REASON_CEILING,      /* nobody took the frames of capture: memory was full */
	RTTA_REASON_UNPLUGGED,    /* the device went away, and came again */
	RTTA_REASON_NO_CAPTURE,   /* between two runs, or no run at all */
	RTTA_REASON_KILLED,       /* read by a route that died before it was stored */
	RTTA_REASON_OFF_RECORD,
	RTTA_REASON_PREROLL,      /* named by the cut, and not in PRE_BUFFER any more */
	RTTA_REASON_EXPIRED,      /* AUDIO_STREAM's max age came before an engine */
	RTTA_REASON_ENGINE,       /* took it three times and did not settle it */
	RTTA_REASON_REFUSED,      /* the sound is some that the bus never takes */
	RTTA_REASON_STORE,        /* the text is one that the bus never takes */
	RTTA_REASON_LOST,         /* nobody knows */
	RTTA_REASON_OTHER,        /* not one of ours, or none given */
	RTTA_REASONS
};

/* Its words; never NULL. */
const char *rtta_reason_text(enum rtta_reason reason);

/* Which it is; text may be NULL. */
enum rtta_reason rtta_reason_find(const char *text);

#endif

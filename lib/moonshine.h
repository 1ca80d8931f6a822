/*
 * moonshine - the moonshine-voice 0.0.73 library, loaded at run time.
 *
 * Two of its transcribers in one: a listener that says where there is
 * voice, and a decoder that turns a slice of sound into text.  Sound is
 * 16 kHz, mono, -1 to 1; positions are samples since rtta_moonshine_open().
 * What the library prints on stderr goes to our log as debug.  The
 * listener's model is one per process, so open one object only; everything
 * belongs to main's thread, and decoding blocks it (0.03 s for each second
 * of sound on a fast machine).
 */
#ifndef RTTA_MOONSHINE_H
#define RTTA_MOONSHINE_H

#include <stddef.h>
#include <stdint.h>

struct rtta_err;
struct rtta_moonshine;
struct rtta_utterance_line;   /* utterance.h */

enum {
	RTTA_MOONSHINE_RATE_HZ = 16000,
	RTTA_MOONSHINE_HOP_SAMPLES = 512,
	/* voice is found after it began; its line begins so much earlier */
	RTTA_MOONSHINE_LOOK_BEHIND_SAMPLES = 8192
};

/*
 * Load what install-moonshine put into dir, after its hashes are verified.
 * threshold: the listener's, 0 to 1.  NULL with EX_CONFIG that names the
 * file and what to run.
 */
struct rtta_moonshine *rtta_moonshine_open(const char *dir, double threshold,
    struct rtta_err *err);
void rtta_moonshine_close(struct rtta_moonshine *moonshine);

/* Give the listener the next sound, whole hops.  0, or -1 EX_SOFTWARE. */
int rtta_moonshine_listen(struct rtta_moonshine *moonshine, const float *pcm,
    size_t samples, struct rtta_err *err);

/*
 * 1 with a line that is new, has grown or is complete since it was last
 * listened, in order; 0: no more.
 */
int rtta_moonshine_next_line(struct rtta_moonshine *moonshine,
    struct rtta_utterance_line *line);

/*
 * Let the listener begin anew, so that nothing in it grows.  A line that is
 * open is lost.  0, or -1 EX_SOFTWARE.
 */
int rtta_moonshine_rotate(struct rtta_moonshine *moonshine, struct rtta_err *err);

/* The text of a slice, maybe "", which the caller frees; NULL: EX_SOFTWARE. */
char *rtta_moonshine_decode(struct rtta_moonshine *moonshine, const float *pcm,
    size_t samples, struct rtta_err *err);

#endif

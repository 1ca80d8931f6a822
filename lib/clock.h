/*
 * clock - the two clocks, and wall-clock time as text.
 *
 * Deadlines are on CLOCK_MONOTONIC, times of sound on CLOCK_REALTIME.
 * Text is RFC 3339, UTC, six decimals and 'Z': 2026-01-05T10:15:03.120000Z.
 */
#ifndef RTTA_CLOCK_H
#define RTTA_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

enum { RTTA_CLOCK_TEXT_BYTES = 32 };

int64_t rtta_clock_mono_ms(void);
int64_t rtta_clock_real_ns(void);

/* Does something keep CLOCK_REALTIME right (NTP)?  The kernel's word. */
bool rtta_clock_is_synced(void);

/*
 * How far the wall clock was set since the last call, in nanoseconds of at
 * least a second; 0: it was not.  *offset_ns is the caller's, 0 at first.
 */
int64_t rtta_clock_set_ns(int64_t *offset_ns);

/* The shorter of two waits for poll(2), where -1 is for ever. */
int rtta_clock_sooner(int a_ms, int b_ms);

/* CLOCK_MONOTONIC, ms from now: for pthread_cond_clockwait(). */
void rtta_clock_deadline(struct timespec *deadline, int ms);

/* Write ns since 1970 as RFC 3339 into text; returns text. */
char *rtta_clock_format(char text[RTTA_CLOCK_TEXT_BYTES], int64_t real_ns);

/*
 * Read RFC 3339 with 0 to 9 decimals and 'Z' or a numeric offset.
 * Returns 0 with *real_ns set, -1 when the text is anything else.
 */
int rtta_clock_parse(const char *text, int64_t *real_ns);

#endif

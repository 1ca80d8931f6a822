/*
 * random - numbers that nobody can guess, for names that nobody else has.
 */
#ifndef RTTA_RANDOM_H
#define RTTA_RANDOM_H

#include <stdint.h>

/* 64 random bits of the kernel, from any thread.  Waits only in the first
 * second of a machine, until there are any. */
uint64_t rtta_random(void);

#endif

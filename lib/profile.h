/*
 * profile - which engine, and how to reach it: share/engines/NAME.json.
 *
 * Looked for in /etc/rtta/engines, then PREFIX/share/rtta/engines
 * (RTTA_ENGINE_DIR goes before both).  Kind "exec" for now:
 * {"kind": "exec", "command": ["rtta-moonshine"], "backfill_command": [...],
 * "rate_hz": 16000, "word_times": false, "language": "en",
 * "missing": "run scripts/install-moonshine"}.
 */
#ifndef RTTA_PROFILE_H
#define RTTA_PROFILE_H

#include <stdbool.h>
#include <stdint.h>

struct rtta_err;

struct rtta_profile {
	char *name;              /* in records as engine */
	char **command;          /* NULL-terminated argv */
	char **backfill_command; /* NULL: the same command */
	uint32_t rate_hz;        /* mono s16le at this rate */
	bool word_times;         /* events carry words with times */
	char *language;          /* NULL: the engine says, or nobody knows */
	char *missing;           /* what to do when the program says 78; NULL */
};

/* NULL with EX_CONFIG naming file and key, or the places where there is none. */
struct rtta_profile *rtta_profile_load(const char *name, struct rtta_err *err);

/* From a command line: --exec "program args" (split at blanks). */
struct rtta_profile *rtta_profile_exec(const char *command, uint32_t rate_hz);
void rtta_profile_free(struct rtta_profile *profile);

#endif

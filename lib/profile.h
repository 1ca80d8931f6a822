/*
 * profile - which engine, and how to reach it: share/engines/NAME.json.
 *
 * Looked for in RTTA_ENGINE_DIR, /etc/rtta/engines, PREFIX/share/rtta/engines
 * in this order.  rtta-engine(5) has the keys.  A profile may extend another
 * one: what it says itself goes before.
 */
#ifndef RTTA_PROFILE_H
#define RTTA_PROFILE_H

#include <stdbool.h>
#include <stdint.h>

struct rtta_err;
struct rtta_service;

enum rtta_profile_kind {
	RTTA_PROFILE_EXEC,       /* a program */
	RTTA_PROFILE_WEBSOCKET,  /* a service that streams */
	RTTA_PROFILE_HTTP        /* a service that answers a recording: backfill only */
};

struct rtta_profile {
	char *name;              /* in records as engine */
	enum rtta_profile_kind kind;
	char **command;          /* exec: NULL-terminated argv */
	char **backfill_command; /* NULL: the same command */
	struct rtta_service *service;  /* websocket, http */
	char *backfill;          /* the profile for the backfill lane; NULL: this one */
	uint32_t rate_hz;        /* s16le at this rate */
	int channels;            /* it hears so many apart at most, interleaved */
	int deaf_s;              /* so much speech without a word back: it is dead */
	bool word_times;         /* events carry words with times */
	char *language;          /* NULL: the engine says, or nobody knows */
	char *missing;           /* what to do when the program says 78; NULL */
};

/* NULL with EX_CONFIG naming file and key, or the places where there is none. */
struct rtta_profile *rtta_profile_load(const char *name, struct rtta_err *err);

/* From a file, wherever it lies; what it extends is looked for as above. */
struct rtta_profile *rtta_profile_read(const char *path, struct rtta_err *err);

/* From a command line: --exec "program args" (split at blanks). */
struct rtta_profile *rtta_profile_exec(const char *command, uint32_t rate_hz);
void rtta_profile_free(struct rtta_profile *profile);

#endif

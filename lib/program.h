/*
 * program - a jq program that turns what an engine says into events.
 *
 * Belongs to one thread.  The program comes from a profile, which its owner
 * trusts; what it is run on comes from outside.
 */
#ifndef RTTA_PROGRAM_H
#define RTTA_PROGRAM_H

#include <jv.h>

struct rtta_err;
struct rtta_program;

enum { RTTA_PROGRAM_OUTPUTS_MAX = 10000 };  /* of one input */

/* what names it in errors.  NULL with EX_CONFIG and jq's own words. */
struct rtta_program *rtta_program_new(const char *what, const char *source, struct rtta_err *err);
void rtta_program_free(struct rtta_program *program);

/* Takes input.  All its outputs as an array, the caller's; or an invalid jv
 * with EX_DATAERR: jq's error, or too many. */
jv rtta_program_run(struct rtta_program *program, jv input, struct rtta_err *err);

#endif

/*
 * interpreter - a service's messages become events, by its profile's program.
 *
 * One for each connection: it knows which finals came already, holds what the
 * program keeps for the next message, and marks the speakers of services that
 * count them anew on each connection.
 */
#ifndef RTTA_INTERPRETER_H
#define RTTA_INTERPRETER_H

#include <jv.h>
#include <stddef.h>

struct rtta_err;
struct rtta_interpreter;
struct rtta_service;

/* what names the engine.  NULL with EX_CONFIG: its program is broken. */
struct rtta_interpreter *rtta_interpreter_new(const char *what, const struct rtta_service *service,
    struct rtta_err *err);
void rtta_interpreter_free(struct rtta_interpreter *interpreter);

/* The events of one message, an array of objects, the caller's; or an
 * invalid jv with EX_DATAERR: the message is none that it can read. */
jv rtta_interpreter_hear(struct rtta_interpreter *interpreter, const char *text, size_t bytes,
    struct rtta_err *err);

#endif

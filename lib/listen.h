/*
 * listen - hear for a while which tools live, and say it to people.
 *
 * For tools that do one thing and leave: it waits.
 */
#ifndef RTTA_LISTEN_H
#define RTTA_LISTEN_H

#include <jv.h>

struct rtta_bus;
struct rtta_err;

enum { RTTA_LISTEN_MS = 5500 };  /* a heartbeat and a little */

/* Who was heard within listen_ms, as rtta_health_json() has it; invalid with
 * *err when the bus has gone. */
jv rtta_listen(struct rtta_bus *bus, int listen_ms, struct rtta_err *err);

/* One line for each, on stdout; tools is taken. */
void rtta_listen_print(jv tools);

#endif

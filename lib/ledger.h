/*
 * ledger - how much of a session's sound has text, read from the bus.
 *
 * For tools that do one thing and leave: it waits.
 */
#ifndef RTTA_LEDGER_H
#define RTTA_LEDGER_H

struct rtta_bus;
struct rtta_err;
struct rtta_ledger;
struct rtta_state;

/* From the keys in state, which is loaded, and all records of TEXT_STREAM.
 * 0, or -1 with EX_TEMPFAIL when these do not come. */
int rtta_ledger_read(struct rtta_bus *bus, const struct rtta_state *state,
    const char *id, struct rtta_ledger *ledger, struct rtta_err *err);

#endif

/*
 * summary - what is known of a session, as its readers hear it.
 *
 * From the keys of the bucket and the ledger: {"event":"state"}, whose keys
 * rtta-serve(1) lists.  Reads the copy of the bucket; no bus, no clock.
 */
#ifndef RTTA_SUMMARY_H
#define RTTA_SUMMARY_H

#include <jv.h>

struct rtta_session_config;
struct rtta_state;
struct rtta_transcript;

/* config: what session_config says, about this session or another. */
jv rtta_summary_json(const struct rtta_state *state, const struct rtta_session_config *config,
    const char *id, const struct rtta_transcript *transcript);

#endif

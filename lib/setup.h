/*
 * setup - make the streams on a server, compare them, change them.
 *
 * For tools that do one thing and leave: it waits.  What streams.h specifies
 * is made to fit into the quotas that the server tells or enforces.
 */
#ifndef RTTA_SETUP_H
#define RTTA_SETUP_H

#include <jv.h>

struct rtta_bus;
struct rtta_err;
struct rtta_streams_limits;

enum rtta_setup_what {
	RTTA_SETUP_INIT,   /* create what is missing */
	RTTA_SETUP_DIFF,   /* only look */
	RTTA_SETUP_APPLY   /* create what is missing, change what differs */
};

/*
 * What was found and done, an array of {"stream", "action"}: "created",
 * "missing", "unchanged" (not by diff), "failed" with "reason", and for each
 * field {"field", "found", "wanted"} "differs", "changed" or "refused" (no
 * server changes it).  A stream that fails does not keep back the others:
 * *err has the first failure, and what was done is returned all the same.
 */
jv rtta_setup(struct rtta_bus *bus, struct rtta_streams_limits *limits,
    enum rtta_setup_what what, struct rtta_err *err);

/* STREAM.INFO of a stream.  1 with *info (the caller frees it), 0: there is
 * none, -1. */
int rtta_setup_info(struct rtta_bus *bus, const char *name, jv request, jv *info,
    struct rtta_err *err);

#endif

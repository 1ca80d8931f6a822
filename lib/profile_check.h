/*
 * profile_check - is a profile what it says it is?
 *
 * Compiles its program, runs it on the sample messages that it brings, and
 * compares the events with those that it promises.  Nothing is sent.
 */
#ifndef RTTA_PROFILE_CHECK_H
#define RTTA_PROFILE_CHECK_H

struct rtta_err;
struct rtta_profile;

/* The number of samples; or -1 with EX_CONFIG naming the sample and what differs. */
int rtta_profile_check(struct rtta_profile *profile, const char *path, struct rtta_err *err);

#endif

/*
 * thread - start a thread that nobody waits for.
 *
 * It is for a library that waits for itself.  What it shares with main has a
 * lock and owners, of whom the last one frees it: a thread may outlive main's
 * interest in it.
 */
#ifndef RTTA_THREAD_H
#define RTTA_THREAD_H

struct rtta_err;

/* what names its purpose: "a connection".  0, or -1 with EX_OSERR. */
int rtta_thread_start(void *(*serve)(void *), void *arg, const char *what, struct rtta_err *err);

#endif

/*
 * hush - a library that talks on stderr, as debug lines of our log.
 *
 * Between start and stop descriptor 2 is a pipe; at stop what is in it is
 * logged, without colours.  More than a pipe holds is dropped.  For a
 * process in which only one thread uses stderr.
 */
#ifndef RTTA_HUSH_H
#define RTTA_HUSH_H

struct rtta_err;

struct rtta_hush {
	const char *who;         /* in front of its lines */
	int stderr_fd, read_fd, write_fd;
	char last[160];          /* the last line since start: why it failed */
};

/* 0, or -1 with EX_OSERR.  who is kept, not copied. */
int rtta_hush_init(struct rtta_hush *hush, const char *who, struct rtta_err *err);
void rtta_hush_done(struct rtta_hush *hush);  /* also when init failed */

void rtta_hush_start(struct rtta_hush *hush);
void rtta_hush_stop(struct rtta_hush *hush);

#endif

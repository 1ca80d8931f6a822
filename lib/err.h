/*
 * err - one error, as a sentence and an exit code.
 *
 * A library function that can fail takes a struct rtta_err last, returns -1
 * (or NULL) and fills it; it neither prints nor exits.  main reports once.
 */
#ifndef RTTA_ERR_H
#define RTTA_ERR_H

#include <sysexits.h>

struct rtta_err {
	int exit_code;   /* sysexits(3) value to leave with; 0: no error */
	char text[256];  /* one clause: no newline, no program name */
};

/*
 * Record an error.  Returns -1, so that a failing path is one statement.
 * The first error stays: what fails later, while cleaning up, is a
 * consequence of it.  Control characters in the text become '?'.
 */
int rtta_err_set(struct rtta_err *err, int exit_code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The same, with ": " and strerror(errno) added. */
int rtta_err_sys(struct rtta_err *err, int exit_code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Forget it: the caller has decided to go on. */
void rtta_err_clear(struct rtta_err *err);

/* Log the error, if there is one.  Returns the exit code for main. */
int rtta_err_exit(const struct rtta_err *err);

#endif

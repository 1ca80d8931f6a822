/*
 * tls - a certificate and its key, in two files that somebody renews.
 *
 * Says whether they fit together, and when others stand there.  What is done
 * with them is web.h's.
 */
#ifndef RTTA_TLS_H
#define RTTA_TLS_H

#include <stdbool.h>
#include <time.h>

struct rtta_err;

struct rtta_tls {
	const char *cert_file, *key_file;   /* NULL: no TLS */
	struct timespec cert_time, key_time;   /* of the files that are used */
};

/* Read both, now: 0, or -1 with EX_CONFIG. */
int rtta_tls_check(struct rtta_tls *tls, struct rtta_err *err);

/*
 * Have the files changed, and do they fit together?  1 once for each change,
 * 0: no; -1 with *err: not yet, which is asked again.
 */
int rtta_tls_renewed(struct rtta_tls *tls, struct rtta_err *err);

#endif

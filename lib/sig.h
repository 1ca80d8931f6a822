/*
 * sig - signals as one more descriptor of the loop.
 *
 * SIGTERM and SIGINT arrive on a signalfd; SIGPIPE is ignored, EPIPE is an
 * end.  Call rtta_sig_open() before any library starts a thread, so that
 * every thread inherits the mask.
 */
#ifndef RTTA_SIG_H
#define RTTA_SIG_H

#include <stdbool.h>

/* Returns the descriptor; exits 71 when there is none to be had. */
int rtta_sig_open(void);

/*
 * True when a signal to stop was waiting.  Unblocks both signals then, so
 * that the second one kills.
 */
bool rtta_sig_take(int sig_fd);

#endif

/*
 * notify - readiness and watchdog for systemd, without libsystemd.
 *
 * The protocol is a datagram to the socket named by NOTIFY_SOCKET:
 * sd_notify(3).  Without that variable nothing happens.
 */
#ifndef RTTA_NOTIFY_H
#define RTTA_NOTIFY_H

/* Send state lines such as "READY=1" or "STATUS=waiting for nats". */
void rtta_notify(const char *state);

/*
 * Call once in every turn of the loop: sends WATCHDOG=1 when a third of
 * WATCHDOG_USEC has gone by.  Returns the milliseconds until it wants to be
 * called again, or -1 when nobody watches.
 */
int rtta_notify_watchdog(void);

#endif

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "notify.h"

void
rtta_notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	socklen_t len;
	int fd;

	if (path == NULL || (path[0] != '/' && path[0] != '@') ||
	    strlen(path) >= sizeof(addr.sun_path))
		return;
	strcpy(addr.sun_path, path);
	len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	if (path[0] == '@')
		addr.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (sendto(fd, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT,
	    (struct sockaddr *)&addr, len) < 0)
		rtta_log_debug("%s: notification not taken", path);
	close(fd);
}

/* Milliseconds between two signs of life; 0: nobody watches. */
static int64_t
watchdog_interval_ms(void)
{
	const char *usec = getenv("WATCHDOG_USEC");
	const char *pid = getenv("WATCHDOG_PID");

	if (usec == NULL || (pid != NULL && atol(pid) != (long)getpid()))
		return 0;
	return strtoll(usec, NULL, 10) / 3000;
}

int
rtta_notify_watchdog(void)
{
	static int64_t interval_ms = -1, next_ms;
	int64_t now_ms;

	if (interval_ms < 0)
		interval_ms = watchdog_interval_ms();
	if (interval_ms == 0)
		return -1;
	now_ms = rtta_clock_mono_ms();
	if (now_ms >= next_ms) {
		rtta_notify("WATCHDOG=1");
		next_ms = now_ms + interval_ms;
	}
	return (int)(next_ms - now_ms);
}

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <unistd.h>

#include "log.h"
#include "sig.h"

static void
stop_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
}

int
rtta_sig_open(void)
{
	sigset_t set;
	int fd;

	stop_signals(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0) {
		rtta_log_error("no descriptor for signals");
		exit(EX_OSERR);
	}
	return fd;
}

bool
rtta_sig_take(int sig_fd)
{
	struct signalfd_siginfo info;
	sigset_t set;

	if (read(sig_fd, &info, sizeof(info)) != sizeof(info))
		return false;
	stop_signals(&set);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	return true;
}

/* hush: lines that go to stderr in between do not get there. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "err.h"
#include "hush.h"
#include "log.h"

int
main(void)
{
	static const char noise[] =
	    "first\n\033[0;93mThread 1:model.cpp:5: it broke\033[m\n";
	char text[8192] = {0}, much[1000];
	struct rtta_hush hush;
	struct rtta_err err = {0};
	int fds[2], keep_fd = dup(STDERR_FILENO);

	CHECK_INT(pipe(fds), 0);
	dup2(fds[1], STDERR_FILENO);
	rtta_log_open("t");
	CHECK_INT(rtta_hush_init(&hush, "lib", &err), 0);

	rtta_hush_start(&hush);
	CHECK_INT(write(STDERR_FILENO, noise, strlen(noise)), strlen(noise));
	rtta_hush_stop(&hush);
	CHECK_STR(hush.last, "Thread 1:model.cpp:5: it broke");

	/* much is dropped, but nobody waits */
	memset(much, '\n', sizeof(much));
	rtta_hush_start(&hush);
	CHECK_STR(hush.last, "");
	for (int i = 0; i < 200; i++)
		if (write(STDERR_FILENO, much, sizeof(much)) < 0)
			break;
	rtta_hush_stop(&hush);

	rtta_log_set_level(RTTA_LOG_DEBUG);
	rtta_hush_start(&hush);
	CHECK_INT(write(STDERR_FILENO, noise, strlen(noise)), strlen(noise));
	rtta_hush_stop(&hush);
	rtta_hush_done(&hush);

	dup2(keep_fd, STDERR_FILENO);
	close(fds[1]);
	CHECK(read(fds[0], text, sizeof(text) - 1) > 0);
	CHECK_STR(text, "t: debug: lib: first\n"
	    "t: debug: lib: Thread 1:model.cpp:5: it broke\n");
	return check_result();
}

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "err.h"
#include "hush.h"
#include "log.h"

int
rtta_hush_init(struct rtta_hush *hush, const char *who, struct rtta_err *err)
{
	int fds[2];

	*hush = (struct rtta_hush){
		.who = who, .stderr_fd = -1, .read_fd = -1, .write_fd = -1
	};
	hush->stderr_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	if (hush->stderr_fd < 0 || pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return rtta_err_sys(err, EX_OSERR, "stderr");
	hush->read_fd = fds[0];
	hush->write_fd = fds[1];
	return 0;
}

void
rtta_hush_done(struct rtta_hush *hush)
{
	const int fds[] = { hush->stderr_fd, hush->read_fd, hush->write_fd };

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

void
rtta_hush_start(struct rtta_hush *hush)
{
	hush->last[0] = '\0';
	dup2(hush->write_fd, STDERR_FILENO);
}

/* A colour is ESC, '[', numbers and a letter. */
static void
log_without_colours(struct rtta_hush *hush, const char *line)
{
	size_t used = 0;

	while (*line != '\0' && used < sizeof(hush->last) - 1) {
		if (line[0] == '\033' && line[1] == '[') {
			line += 2 + strspn(line + 2, "0123456789;");
			line += *line != '\0';
			continue;
		}
		hush->last[used++] = *line++;
	}
	if (used == 0)
		return;
	hush->last[used] = '\0';
	rtta_log_debug("%s: %s", hush->who, hush->last);
}

void
rtta_hush_stop(struct rtta_hush *hush)
{
	char text[4096], *line, *rest;
	ssize_t got;

	dup2(hush->stderr_fd, STDERR_FILENO);
	while ((got = read(hush->read_fd, text, sizeof(text) - 1)) > 0) {
		text[got] = '\0';
		rest = text;
		while ((line = strsep(&rest, "\n")) != NULL)
			log_without_colours(hush, line);
	}
}

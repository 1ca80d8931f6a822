#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "err.h"
#include "log.h"
#include "mem.h"
#include "opt.h"
#include "secret.h"

/* The file, and its path into *path (the caller's); -1 with *err. */
static int
open_key(const char *name, char **path, bool *ours, struct rtta_err *err)
{
	const char *file = rtta_opt_env("RTTA_ENGINE_KEY_FILE", NULL);
	const char *folder = rtta_opt_env("CREDENTIALS_DIRECTORY", NULL);
	int fd = -1;

	*ours = true;
	if (file != NULL) {
		*path = rtta_xstrdup(file);
		fd = open(file, O_RDONLY | O_CLOEXEC);
		return fd >= 0 ? fd : rtta_err_sys(err, EX_CONFIG, "%s", file);
	}
	if (folder != NULL) {
		*path = rtta_xasprintf("%s/%s.key", folder, name);
		*ours = false;
		fd = open(*path, O_RDONLY | O_CLOEXEC);
		if (fd >= 0 || errno != ENOENT)
			return fd >= 0 ? fd : rtta_err_sys(err, EX_CONFIG, "%s", *path);
		free(*path);
		*ours = true;
	}
	*path = rtta_xasprintf("/etc/rtta/keys/%s.key", name);
	fd = open(*path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return rtta_err_set(err, EX_CONFIG, "no key: neither RTTA_ENGINE_KEY_FILE, "
		    "nor a credential %s.key, nor %s", name, *path);
	return fd >= 0 ? fd : rtta_err_sys(err, EX_CONFIG, "%s", *path);
}

static bool
printable(const char *text)
{
	for (; *text != '\0'; text++)
		if (*text <= ' ' || *text > '~')
			return false;
	return true;
}

static char *
read_key(int fd, const char *path, struct rtta_err *err)
{
	char *text = rtta_xcalloc(1, RTTA_SECRET_MAX_BYTES + 2), *begin, *key = NULL;
	ssize_t n = read(fd, text, RTTA_SECRET_MAX_BYTES + 1);
	size_t bytes;

	begin = text + strspn(text, " \t\r\n");
	bytes = strlen(begin);
	while (bytes > 0 && strchr(" \t\r\n", begin[bytes - 1]) != NULL)
		begin[--bytes] = '\0';
	if (n < 0)
		rtta_err_sys(err, EX_CONFIG, "%s", path);
	else if (n > RTTA_SECRET_MAX_BYTES)
		rtta_err_set(err, EX_CONFIG, "%s: more than %d bytes: no key", path,
		    RTTA_SECRET_MAX_BYTES);
	else if (bytes == 0 || !printable(begin))
		rtta_err_set(err, EX_CONFIG, "%s: %s", path,
		    bytes == 0 ? "empty" : "a key is one word of ASCII");
	else
		key = rtta_xstrdup(begin);
	explicit_bzero(text, RTTA_SECRET_MAX_BYTES + 2);
	free(text);
	return key;
}

char *
rtta_secret_read(const char *name, struct rtta_err *err)
{
	static bool warned;
	struct stat st;
	char *path = NULL, *key = NULL;
	bool ours;
	int fd = open_key(name, &path, &ours, err);

	if (fd >= 0) {
		if (ours && !warned && fstat(fd, &st) == 0 && (st.st_mode & (S_IROTH | S_IWOTH))) {
			rtta_log_warn("%s: everybody can read it: chmod o-rwx", path);
			warned = true;
		}
		prctl(PR_SET_DUMPABLE, 0);
		key = read_key(fd, path, err);
		close(fd);
	}
	free(path);
	return key;
}

void
rtta_secret_free(char *secret)
{
	if (secret != NULL)
		explicit_bzero(secret, strlen(secret));
	free(secret);
}

void
rtta_secret_hide(const char *secret, char *text)
{
	size_t bytes = secret != NULL ? strlen(secret) : 0;

	if (bytes == 0)
		return;
	while ((text = strstr(text, secret)) != NULL) {
		memset(text, '*', bytes);
		text += bytes;
	}
}

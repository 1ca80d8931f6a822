/* Any bytes as an engine's profile: refused with a sentence and 78, or a
 * profile with a program and a rate. */
#include <assert.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "err.h"
#include "profile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[] = "/dev/shm/rtta-fuzz.XXXXXX", path[64];

static void
remove_dir(void)
{
	unlink(path);
	rmdir(dir);
}

/* A folder of engines with one file, for the whole process. */
static int
open_profile(void)
{
	static int fd = -1;

	if (fd >= 0)
		return fd;
	if (mkdtemp(dir) == NULL || setenv("RTTA_ENGINE_DIR", dir, 1) < 0)
		abort();
	snprintf(path, sizeof(path), "%s/fuzz.json", dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	atexit(remove_dir);
	return fd;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rtta_profile *profile;
	struct rtta_err err = {0};
	int fd = open_profile();

	if (ftruncate(fd, 0) < 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
		abort();
	profile = rtta_profile_load("fuzz", &err);
	assert((profile == NULL) == (err.exit_code == EX_CONFIG));
	assert(strpbrk(err.text, "\r\n") == NULL);
	if (profile != NULL) {
		assert(profile->kind != RTTA_PROFILE_EXEC || profile->command[0] != NULL);
		assert((profile->service != NULL) == (profile->kind != RTTA_PROFILE_EXEC));
		assert(profile->rate_hz >= 8000 && profile->rate_hz <= 48000);
	}
	rtta_profile_free(profile);
	return 0;
}

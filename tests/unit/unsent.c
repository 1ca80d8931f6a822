/* unsent - a file of frames that is there whole or not at all. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "err.h"
#include "log.h"
#include "mem.h"
#include "unsent.h"
#include "window.h"

enum { FRAME = 320 };
static char dir[] = "/tmp/rtta-unsent-XXXXXX";

static long
save(const char *where, int frames, struct rtta_err *err)
{
	struct rtta_unsent *unsent = rtta_unsent_new(where, "a.frames");
	uint8_t pcm[2 * FRAME] = { 1, 2, 3 };
	long saved;

	for (int i = 0; i < frames; i++)
		rtta_unsent_put(unsent, &(struct rtta_frame){
		    .run_id = 7, .sample = (uint64_t)i * FRAME, .capture_ns = i,
		    .rate_hz = 16000, .channels = 1, .payload_bytes = sizeof(pcm),
		    .payload = pcm });
	saved = rtta_unsent_save(unsent, err);
	rtta_unsent_free(unsent);
	return saved;
}

static size_t
load(void)
{
	struct rtta_held **frames;
	size_t count = rtta_unsent_load(dir, "a.frames", &frames);

	for (size_t i = 0; i < count; i++) {
		CHECK_INT(frames[i]->frame.sample, i * FRAME);
		CHECK_INT(frames[i]->frame.payload[2], 3);
		free(frames[i]);
	}
	free(frames);
	return count;
}

int
main(void)
{
	struct rtta_err err = {0};
	char *path;

	rtta_log_open("unsent");
	if (mkdtemp(dir) == NULL)
		return 1;
	path = rtta_xasprintf("%s/a.frames", dir);
	CHECK_INT(load(), 0);
	CHECK_INT(save(dir, 3, &err), 3);
	CHECK_INT(load(), 3);
	CHECK_INT(truncate(path, 2 * 680 + 10), 0);
	CHECK_INT(load(), 2);                     /* those before the break */
	CHECK_INT(save(dir, 0, &err), 0);
	CHECK_INT(load(), 2);                     /* of who wrote it */
	CHECK_INT(err.exit_code, 0);
	CHECK_INT(save("/proc/nowhere", 1, &err), -1);
	CHECK_INT(err.exit_code, EX_CANTCREAT);
	CHECK_INT(save(dir, 1, &err), 1);
	rtta_unsent_remove(dir, "a.frames");
	CHECK_INT(access(path, F_OK), -1);
	CHECK_INT(rmdir(dir), 0);                 /* no file left aside */
	free(path);
	return check_result();
}

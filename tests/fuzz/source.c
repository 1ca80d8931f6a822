/* What capture says on its status descriptor, or whoever writes there. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "json.h"
#include "log.h"
#include "source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct rtta_source source;
	int fd = memfd_create("status", MFD_CLOEXEC);
	char *text;

	rtta_log_set_level(RTTA_LOG_ERROR);
	if (write(fd, data, size) != (ssize_t)size)
		return 0;
	lseek(fd, 0, SEEK_SET);
	source = (struct rtta_source){ .status_fd = fd };
	rtta_source_init(&source);
	while (source.status_fd >= 0) {
		rtta_source_read(&source);
		assert(source.line_used < sizeof(source.line));
	}
	text = rtta_json_text(rtta_source_describe(&source, jv_object()), true);
	free(text);
	rtta_source_done(&source);
	close(fd);
	return 0;
}

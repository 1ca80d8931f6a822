#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sysexits.h>
#include <zlib.h>

#include "gzip.h"
#include "log.h"
#include "mem.h"

enum {
	WINDOW_BITS = 15 + 16,  /* the largest, and with a gzip header */
	MEMORY_LEVEL = 8
};

/* Memory is all that zlib can lack here. */
static void
need(bool done)
{
	if (done)
		return;
	rtta_log_error("zlib: no memory");
	exit(EX_OSERR);
}

char *
rtta_gzip(const char *data, size_t *bytes, int level)
{
	z_stream z = { .next_in = (unsigned char *)(uintptr_t)data, .avail_in = (uInt)*bytes };
	char *text;

	need(deflateInit2(&z, level, Z_DEFLATED, WINDOW_BITS, MEMORY_LEVEL,
	    Z_DEFAULT_STRATEGY) == Z_OK);
	z.avail_out = (uInt)deflateBound(&z, z.avail_in);
	text = rtta_xcalloc(z.avail_out, 1);
	z.next_out = (unsigned char *)text;
	need(deflate(&z, Z_FINISH) == Z_STREAM_END);
	*bytes = z.total_out;
	deflateEnd(&z);
	return text;
}

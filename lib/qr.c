#include <qrencode.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "mem.h"
#include "qr.h"

enum { QUIET = 4 };  /* modules around it, as ISO 18004 wants */

/* A row's black modules, a stretch at a time. */
static void
put_row(FILE *out, const unsigned char *row, int width, int y)
{
	for (int x = 0, from; x < width; x++) {
		if (!(row[x] & 1))
			continue;
		for (from = x; x < width && (row[x] & 1); x++)
			;
		fprintf(out, "M%d %dh%dv1h-%dz", from + QUIET, y + QUIET, x - from, x - from);
	}
}

static char *
draw(const QRcode *code)
{
	int size = code->width + 2 * QUIET;
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	if (out == NULL)
		return NULL;
	fprintf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\">"
	    "<path fill=\"#fff\" d=\"M0 0h%dv%dh-%dz\"/><path d=\"", size, size, size, size, size);
	for (int y = 0; y < code->width; y++)
		put_row(out, code->data + y * code->width, code->width, y);
	fputs("\"/></svg>\n", out);
	fclose(out);
	return text;
}

char *
rtta_qr_svg(const char *text, struct rtta_err *err)
{
	QRcode *code = strlen(text) > RTTA_QR_TEXT_MAX_BYTES ? NULL
	    : QRcode_encodeString8bit(text, 0, QR_ECLEVEL_M);
	char *svg = NULL;

	if (code == NULL)
		rtta_err_set(err, EX_DATAERR, "QR code of %zu bytes, limit %d", strlen(text),
		    RTTA_QR_TEXT_MAX_BYTES);
	else
		svg = draw(code);
	QRcode_free(code);
	return svg;
}

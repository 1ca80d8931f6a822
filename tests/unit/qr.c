/* qr: what is drawn is a code, and what is too long is said. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "err.h"
#include "qr.h"

int
main(void)
{
	struct rtta_err err = {0};
	char text[RTTA_QR_TEXT_MAX_BYTES + 2], *svg;

	/* 18 letters at level M are version 2: 25 modules, and 4 around. */
	svg = rtta_qr_svg("http://room.local/", &err);
	CHECK_STR(err.text, "");
	CHECK(strstr(svg, "viewBox=\"0 0 33 33\"") != NULL);
	/* The upper edges of the two upper finders, seven modules wide. */
	CHECK(strstr(svg, "d=\"M4 4h7v1h-7z") != NULL);
	CHECK(strstr(svg, "M22 4h7v1h-7z") != NULL);
	free(svg);

	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	CHECK(rtta_qr_svg(text, &err) == NULL);
	CHECK_STR(err.text, "QR code of 601 bytes, limit 600");
	return check_result();
}

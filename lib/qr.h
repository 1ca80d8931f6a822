/*
 * qr - a text as a QR code, as SVG.
 *
 * Made here, with libqrencode: no other machine is asked.  Pure.
 */
#ifndef RTTA_QR_H
#define RTTA_QR_H

struct rtta_err;

enum { RTTA_QR_TEXT_MAX_BYTES = 600 };

/*
 * An SVG document, black on white, with the quiet zone that readers want.
 * The caller frees it; NULL with EX_DATAERR when the text is too long or
 * empty.
 */
char *rtta_qr_svg(const char *text, struct rtta_err *err);

#endif

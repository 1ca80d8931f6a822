/*
 * format - a transcript as txt, srt, vtt, jsonl or ctm.
 *
 * Writes what rtta_transcript_at() shows.  Gaps are written down in every
 * format; silence only in jsonl.  Pure: no bus, no clock.
 */
#ifndef RTTA_FORMAT_H
#define RTTA_FORMAT_H

#include <stdbool.h>
#include <stdio.h>

struct rtta_err;
struct rtta_transcript;

enum rtta_format {
	RTTA_FORMAT_TXT,
	RTTA_FORMAT_SRT,
	RTTA_FORMAT_VTT,
	RTTA_FORMAT_JSONL,
	RTTA_FORMAT_CTM
};

/* "srt" and the like; -1 when unknown. */
int rtta_format_parse(const char *name, enum rtta_format *format);
const char *rtta_format_mime(enum rtta_format format);

/* Write all to out (a FILE, also open_memstream(3)).  times: wall-clock time
 * before each paragraph of txt.  0, or -1 with EX_IOERR. */
int rtta_format_write(FILE *out, const struct rtta_transcript *transcript,
    enum rtta_format format, bool times, struct rtta_err *err);

#endif

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "err.h"
#include "frame.h"
#include "json.h"
#include "log.h"
#include "source.h"

enum { MIC_HOLD_MS = 3000 };

void
rtta_source_init(struct rtta_source *source)
{
	source->device = jv_invalid();
	source->level_db = source->peak_db = RTTA_LEVEL_ZERO_DB;
	rtta_mic_init(&source->mic, rtta_clock_mono_ms());
	if (source->status_fd >= 0)
		fcntl(source->status_fd, F_SETFL, fcntl(source->status_fd, F_GETFL) | O_NONBLOCK);
}

void
rtta_source_done(struct rtta_source *source)
{
	jv_free(source->device);
}

void
rtta_source_frame(struct rtta_source *source, const struct rtta_frame *frame, double level_db)
{
	if (frame->payload_bytes == 0)
		return;
	source->bytes_a_s = 2 * (uint64_t)frame->channels * frame->rate_hz;
	source->level_db = level_db;
	if (level_db > source->peak_db)
		source->peak_db = level_db;
	rtta_mic_frame(&source->mic, level_db, rtta_clock_mono_ms());
}

static void
take_line(struct rtta_source *source, const char *line, size_t bytes)
{
	struct rtta_err err = {0};
	jv value = rtta_json_object("status", line, bytes, RTTA_SOURCE_LINE_BYTES, &err);
	char *event = NULL;

	if (!jv_is_valid(value)) {
		rtta_log_debug("%s", err.text);
	} else if (rtta_json_string("status", value, "event", &event, &err) == 0 &&
	    event != NULL && strcmp(event, "device") == 0) {
		jv_free(source->device);
		source->device = jv_copy(value);
	}
	free(event);
	jv_free(value);
}

void
rtta_source_read(struct rtta_source *source)
{
	char *newline;
	ssize_t got;
	size_t bytes;

	got = read(source->status_fd, source->line + source->line_used,
	    sizeof(source->line) - source->line_used);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		source->status_fd = -1;
		return;
	}
	source->line_used += (size_t)got;
	while ((newline = memchr(source->line, '\n', source->line_used)) != NULL) {
		bytes = (size_t)(newline - source->line);
		take_line(source, source->line, bytes);
		source->line_used -= bytes + 1;
		memmove(source->line, newline + 1, source->line_used);
	}
	if (source->line_used == sizeof(source->line))
		source->line_used = 0;  /* no line of capture's is that long */
}

enum rtta_mic_state
rtta_source_mic(const struct rtta_source *source)
{
	return rtta_mic_state(&source->mic, rtta_clock_mono_ms(), MIC_HOLD_MS);
}

static jv
describe(const struct rtta_source *source, double level_db, jv object)
{
	object = jv_object_set(object, jv_string("level_db"), jv_number(level_db));
	return jv_object_set(object, jv_string("mic"),
	    jv_string(rtta_mic_state_name(rtta_source_mic(source))));
}

jv
rtta_source_level(struct rtta_source *source)
{
	int64_t now_ms = rtta_clock_mono_ms();
	jv level;

	if (source->bytes_a_s == 0 || now_ms < source->level_ms)
		return jv_invalid();
	source->level_ms = now_ms + RTTA_SOURCE_LEVEL_MS;
	level = describe(source, source->peak_db, jv_object());
	source->peak_db = RTTA_LEVEL_ZERO_DB;
	return level;
}

jv
rtta_source_describe(const struct rtta_source *source, jv counters)
{
	counters = describe(source, source->level_db, counters);
	if (jv_is_valid(source->device))
		counters = jv_object_set(counters, jv_string("device"), jv_copy(source->device));
	return counters;
}

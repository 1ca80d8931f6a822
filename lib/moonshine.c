#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "err.h"
#include "hush.h"
#include "mem.h"
#include "moonshine.h"
#include "sha256.h"
#include "utterance.h"

/* The library's C interface, version 20000: layouts are its promise. */
enum { API_VERSION = 20000, ARCH_TINY = 0, FORCE_UPDATE = 1 };

enum { SILENCE_SAMPLES = RTTA_MOONSHINE_RATE_HZ / 2 };  /* behind a slice */

struct ms_option {
	const char *name, *value;
};

struct ms_line {
	const char *text;
	const float *audio;
	size_t audio_samples;
	float start_s, duration_s;
	uint64_t id;
	int8_t is_complete, is_updated, is_new, has_text_changed,
	    have_speakers_changed;
	const void *spans;
	uint64_t span_count;
	uint32_t latency_ms;
	const void *words;
	uint64_t word_count;
};

struct ms_transcript {
	struct ms_line *lines;
	uint64_t line_count;
};

struct api {
	int32_t (*get_version)(void);
	int32_t (*load)(const char *dir, uint32_t arch,
	    const struct ms_option *options, uint64_t count, int32_t version);
	void (*free_transcriber)(int32_t transcriber);
	int32_t (*decode)(int32_t transcriber, float *pcm, uint64_t samples,
	    int32_t rate_hz, uint32_t flags, struct ms_transcript **out);
	int32_t (*create_stream)(int32_t transcriber, uint32_t flags);
	int32_t (*start_stream)(int32_t transcriber, int32_t stream);
	int32_t (*stop_stream)(int32_t transcriber, int32_t stream);
	int32_t (*free_stream)(int32_t transcriber, int32_t stream);
	int32_t (*add_audio)(int32_t transcriber, int32_t stream,
	    const float *pcm, uint64_t samples, int32_t rate_hz, uint32_t flags);
	int32_t (*update)(int32_t transcriber, int32_t stream, uint32_t flags,
	    struct ms_transcript **out);
};

struct rtta_moonshine {
	void *library;
	struct api api;
	struct rtta_hush hush;
	int32_t listener, stream, decoder;   /* < 0: none; 0 is one */
	const struct ms_transcript *heard;   /* the library's, until its next call */
	uint64_t next;                       /* line of heard to look at */
	uint64_t complete_lines;             /* of this rotation, taken */
	int64_t base_samples;                /* where this rotation began */
	int64_t fed_samples;
	float *slice;
	size_t slice_samples;                /* room in it */
};

/* What to run when something is missing: installed, or in the source tree. */
static const char *
installer(void)
{
	static const char installed[] = RTTA_PREFIX "/lib/rtta/install-moonshine";

	return access(installed, X_OK) == 0 ? installed :
	    "scripts/install-moonshine";
}

static int
fail_config(const char *dir, const char *what, struct rtta_err *err)
{
	return rtta_err_set(err, EX_CONFIG, "%s; run %s %s", what, installer(),
	    dir);
}

static int
check_file(const char *dir, const char *path, const char *hash,
    struct rtta_err *err)
{
	char file[512], hex[RTTA_SHA256_HEX_BYTES], what[600];
	struct rtta_err reason = {0};

	snprintf(file, sizeof(file), "%s/%s", dir, path);
	if (rtta_sha256_file(hex, file, &reason) < 0)
		return fail_config(dir, reason.text, err);
	if (strcmp(hex, hash) != 0) {
		snprintf(what, sizeof(what), "%s: damaged (wrong sha256)", file);
		return fail_config(dir, what, err);
	}
	return 0;
}

/* A line of the manifest: 64 digits, two blanks, a path below dir. */
static int
check_line(const char *dir, char *line, struct rtta_err *err)
{
	char *path = line + RTTA_SHA256_HEX_BYTES + 1;

	line[strcspn(line, "\n")] = '\0';
	if (strlen(line) <= RTTA_SHA256_HEX_BYTES + 1 ||
	    line[RTTA_SHA256_HEX_BYTES - 1] != ' ')
		return fail_config(dir, "SHA256SUMS: damaged", err);
	line[RTTA_SHA256_HEX_BYTES - 1] = '\0';
	if (strncmp(path, "samples/", 8) == 0 || strcmp(path, "LICENSE") == 0)
		return 0;
	return check_file(dir, path, line, err);
}

/*
 * A damaged model loads and then says gibberish, a damaged library crashes:
 * look before.
 */
static int
check_files(const char *dir, struct rtta_err *err)
{
	char path[512], line[512], what[600];
	int lines = 0, rc = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/SHA256SUMS", dir);
	file = fopen(path, "re");
	if (file == NULL) {
		snprintf(what, sizeof(what), "%s: %s", path, strerror(errno));
		return fail_config(dir, what, err);
	}
	while (rc == 0 && fgets(line, sizeof(line), file) != NULL) {
		lines++;
		rc = check_line(dir, line, err);
	}
	if (rc == 0 && lines == 0) {
		snprintf(what, sizeof(what), "%s: empty", path);
		rc = fail_config(dir, what, err);
	}
	fclose(file);
	return rc;
}

static int
load_symbols(struct rtta_moonshine *moonshine, const char *dir,
    struct rtta_err *err)
{
	struct api *api = &moonshine->api;
	const struct {
		const char *name;
		void *target;
	} symbols[] = {
		{ "moonshine_get_version", &api->get_version },
		{ "moonshine_load_transcriber_from_files", &api->load },
		{ "moonshine_free_transcriber", &api->free_transcriber },
		{ "moonshine_transcribe_without_streaming", &api->decode },
		{ "moonshine_create_stream", &api->create_stream },
		{ "moonshine_start_stream", &api->start_stream },
		{ "moonshine_stop_stream", &api->stop_stream },
		{ "moonshine_free_stream", &api->free_stream },
		{ "moonshine_transcribe_add_audio_to_stream", &api->add_audio },
		{ "moonshine_transcribe_stream", &api->update },
	};
	char path[512];

	snprintf(path, sizeof(path), "%s/libmoonshine.so", dir);
	moonshine->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (moonshine->library == NULL)
		return fail_config(dir, dlerror(), err);
	for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
		void *symbol = dlsym(moonshine->library, symbols[i].name);

		if (symbol == NULL)
			return fail_config(dir, dlerror(), err);
		memcpy(symbols[i].target, &symbol, sizeof(symbol));
	}
	if (api->get_version() != API_VERSION) {
		snprintf(path, sizeof(path), "%s/libmoonshine.so: version %d, "
		    "not %d", dir, (int)api->get_version(), API_VERSION);
		return fail_config(dir, path, err);
	}
	return 0;
}

static int
load_transcribers(struct rtta_moonshine *moonshine, const char *dir,
    double threshold, struct rtta_err *err)
{
	char path[512], threshold_text[32], what[768];
	const struct ms_option listener[] = {
		{ "skip_transcription", "1" },
		{ "return_audio_data", "0" },
		{ "vad_max_segment_duration", "0" },
		{ "vad_threshold", threshold_text },
	};
	const struct ms_option decoder[] = {
		{ "return_audio_data", "0" },
		{ "vad_max_segment_duration", "0" },
		{ "vad_threshold", "0" },    /* it hears what it is given */
	};

	snprintf(path, sizeof(path), "%s/tiny-en", dir);
	snprintf(threshold_text, sizeof(threshold_text), "%.3f", threshold);
	/* Its threads fight each other: twice the work for the same text. */
	setenv("MOONSHINE_ORT_SINGLE_THREAD", "1", 1);
	rtta_hush_start(&moonshine->hush);
	moonshine->listener = moonshine->api.load(path, ARCH_TINY, listener,
	    sizeof(listener) / sizeof(listener[0]), API_VERSION);
	if (moonshine->listener >= 0)
		moonshine->decoder = moonshine->api.load(path, ARCH_TINY, decoder,
		    sizeof(decoder) / sizeof(decoder[0]), API_VERSION);
	rtta_hush_stop(&moonshine->hush);
	if (moonshine->decoder < 0) {
		snprintf(what, sizeof(what), "%s: does not load: %s", path,
		    moonshine->hush.last);
		return fail_config(dir, what, err);
	}
	return 0;
}

static int
start_listening(struct rtta_moonshine *moonshine, struct rtta_err *err)
{
	int32_t rc = 0;

	rtta_hush_start(&moonshine->hush);
	if (moonshine->stream < 0)
		moonshine->stream = rc =
		    moonshine->api.create_stream(moonshine->listener, 0);
	if (rc >= 0)
		rc = moonshine->api.start_stream(moonshine->listener,
		    moonshine->stream);
	rtta_hush_stop(&moonshine->hush);
	if (rc < 0)
		return rtta_err_set(err, EX_SOFTWARE, "listener: %s",
		    moonshine->hush.last);
	moonshine->heard = NULL;
	moonshine->next = 0;
	moonshine->complete_lines = 0;
	moonshine->base_samples = moonshine->fed_samples;
	return 0;
}

struct rtta_moonshine *
rtta_moonshine_open(const char *dir, double threshold, struct rtta_err *err)
{
	struct rtta_moonshine *moonshine = rtta_xcalloc(1, sizeof(*moonshine));

	moonshine->listener = moonshine->stream = moonshine->decoder = -1;
	if (rtta_hush_init(&moonshine->hush, "moonshine", err) == 0 &&
	    check_files(dir, err) == 0 &&
	    load_symbols(moonshine, dir, err) == 0 &&
	    load_transcribers(moonshine, dir, threshold, err) == 0 &&
	    start_listening(moonshine, err) == 0)
		return moonshine;
	rtta_moonshine_close(moonshine);
	return NULL;
}

/* The library stays loaded: its threads and atexit handlers live in it. */
void
rtta_moonshine_close(struct rtta_moonshine *moonshine)
{
	if (moonshine == NULL)
		return;
	if (moonshine->stream >= 0)
		moonshine->api.free_stream(moonshine->listener, moonshine->stream);
	if (moonshine->listener >= 0)
		moonshine->api.free_transcriber(moonshine->listener);
	if (moonshine->decoder >= 0)
		moonshine->api.free_transcriber(moonshine->decoder);
	rtta_hush_done(&moonshine->hush);
	free(moonshine->slice);
	free(moonshine);
}

int
rtta_moonshine_listen(struct rtta_moonshine *moonshine, const float *pcm,
    size_t samples, struct rtta_err *err)
{
	struct ms_transcript *heard = NULL;
	int32_t rc;

	rtta_hush_start(&moonshine->hush);
	rc = moonshine->api.add_audio(moonshine->listener, moonshine->stream,
	    pcm, samples, RTTA_MOONSHINE_RATE_HZ, 0);
	if (rc >= 0)
		rc = moonshine->api.update(moonshine->listener,
		    moonshine->stream, FORCE_UPDATE, &heard);
	rtta_hush_stop(&moonshine->hush);
	if (rc < 0)
		return rtta_err_set(err, EX_SOFTWARE, "listener: %s",
		    moonshine->hush.last);
	moonshine->fed_samples += (int64_t)samples;
	moonshine->heard = heard;
	moonshine->next = moonshine->complete_lines;
	return 0;
}

int
rtta_moonshine_next_line(struct rtta_moonshine *moonshine,
    struct rtta_utterance_line *line)
{
	const struct ms_line *heard;

	if (moonshine->heard == NULL ||
	    moonshine->next >= moonshine->heard->line_count)
		return 0;
	heard = &moonshine->heard->lines[moonshine->next++];
	line->first = moonshine->base_samples +
	    llrint((double)heard->start_s * RTTA_MOONSHINE_RATE_HZ);
	line->last = line->first +
	    llrint((double)heard->duration_s * RTTA_MOONSHINE_RATE_HZ);
	line->is_complete = heard->is_complete;
	if (heard->is_complete)
		moonshine->complete_lines = moonshine->next;
	return 1;
}

int
rtta_moonshine_rotate(struct rtta_moonshine *moonshine, struct rtta_err *err)
{
	rtta_hush_start(&moonshine->hush);
	moonshine->api.stop_stream(moonshine->listener, moonshine->stream);
	rtta_hush_stop(&moonshine->hush);
	return start_listening(moonshine, err);
}

/* Silence behind it, or the model ends a sentence that is broken off with
 * words that nobody said.  Whole hops. */
static size_t
fill_slice(struct rtta_moonshine *moonshine, const float *pcm, size_t samples)
{
	const size_t hop = RTTA_MOONSHINE_HOP_SAMPLES;
	size_t padded = (samples + SILENCE_SAMPLES + hop - 1) / hop * hop;

	if (padded > moonshine->slice_samples) {
		moonshine->slice = rtta_xreallocarray(moonshine->slice, padded,
		    sizeof(*moonshine->slice));
		moonshine->slice_samples = padded;
	}
	memcpy(moonshine->slice, pcm, samples * sizeof(*pcm));
	memset(moonshine->slice + samples, 0,
	    (padded - samples) * sizeof(*pcm));
	return padded;
}

/* One blank between words, none at the ends, and no comma after a comma. */
static void
tidy(char *text)
{
	char *out = text;

	for (const char *in = text; *in != '\0'; in++) {
		char c = isspace((unsigned char)*in) ? ' ' : *in;

		if (c == ' ' && (out == text || out[-1] == ' '))
			continue;
		if (c == ',' && out != text && out[-1] == ',')
			continue;
		*out++ = c;
	}
	while (out != text && out[-1] == ' ')
		out--;
	*out = '\0';
}

char *
rtta_moonshine_decode(struct rtta_moonshine *moonshine, const float *pcm,
    size_t samples, struct rtta_err *err)
{
	size_t padded = fill_slice(moonshine, pcm, samples);
	struct ms_transcript *heard = NULL;
	char *text = rtta_xstrdup(""), *longer;
	int32_t rc;

	rtta_hush_start(&moonshine->hush);
	rc = moonshine->api.decode(moonshine->decoder, moonshine->slice, padded,
	    RTTA_MOONSHINE_RATE_HZ, 0, &heard);
	rtta_hush_stop(&moonshine->hush);
	if (rc < 0) {
		rtta_err_set(err, EX_SOFTWARE, "decoder: %s",
		    moonshine->hush.last);
		free(text);
		return NULL;
	}
	for (uint64_t i = 0; heard != NULL && i < heard->line_count; i++) {
		if (heard->lines[i].text == NULL)
			continue;
		longer = rtta_xasprintf("%s %s", text, heard->lines[i].text);
		free(text);
		text = longer;
	}
	tidy(text);
	return text;
}

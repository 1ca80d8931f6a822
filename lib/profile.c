#include <errno.h>
#include <fcntl.h>
#include <jv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "err.h"
#include "frame.h"
#include "json.h"
#include "mem.h"
#include "opt.h"
#include "profile.h"
#include "service.h"

enum { FILE_MAX_BYTES = 262144, MAX_ARGS = 64, EXTENDS_MAX = 4 };

/* --- the file --- */

static bool
name_valid(const char *name)
{
	size_t good = strspn(name,
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");

	return good > 0 && good <= 64 && name[good] == '\0';
}

/* The descriptor of NAME.json and its path, from the first folder that has
 * it; -1 with errno. */
static int
open_file(const char *name, char **path)
{
	const char *folders[] = {
		rtta_opt_env("RTTA_ENGINE_DIR", NULL), "/etc/rtta/engines",
		RTTA_PREFIX "/share/rtta/engines"
	};
	int fd;

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		if (folders[i] == NULL)
			continue;
		*path = rtta_xasprintf("%s/%s.json", folders[i], name);
		fd = open(*path, O_RDONLY | O_CLOEXEC);
		if (fd >= 0 || errno != ENOENT)
			return fd;
		free(*path);
		*path = NULL;
	}
	errno = ENOENT;
	return -1;
}

static jv
read_file(int fd, const char *path, struct rtta_err *err)
{
	char *text = rtta_xcalloc(1, FILE_MAX_BYTES + 1);
	size_t bytes = 0;
	ssize_t n = 1;
	jv object = jv_invalid();

	while (n > 0 && bytes <= FILE_MAX_BYTES) {
		n = read(fd, text + bytes, FILE_MAX_BYTES + 1 - bytes);
		bytes += n > 0 ? (size_t)n : 0;
	}
	if (n < 0)
		rtta_err_sys(err, EX_CONFIG, "%s", path);
	else
		object = rtta_json_object(path, text, bytes, FILE_MAX_BYTES, err);
	free(text);
	return object;
}

/* --- its keys --- */

/* An array of strings as argv; NULL when absent. */
static int
get_command(const char *path, jv object, const char *key, char ***command, struct rtta_err *err)
{
	jv array = jv_object_get(jv_copy(object), jv_string(key));
	int count = 0, rc = 0;

	*command = NULL;
	if (!jv_is_valid(array)) {
		jv_free(array);
		return 0;
	}
	if (jv_get_kind(array) != JV_KIND_ARRAY ||
	    (count = jv_array_length(jv_copy(array))) == 0 || count > MAX_ARGS) {
		jv_free(array);
		return rtta_err_set(err, EX_CONFIG, "%s: %s: not a list of 1 to %d words",
		    path, key, MAX_ARGS);
	}
	*command = rtta_xcalloc((size_t)count + 1, sizeof(**command));
	for (int i = 0; i < count && rc == 0; i++) {
		jv word = jv_array_get(jv_copy(array), i);

		if (jv_get_kind(word) == JV_KIND_STRING)
			(*command)[i] = rtta_xstrdup(jv_string_value(word));
		else
			rc = rtta_err_set(err, EX_CONFIG, "%s: %s: a word that is no string", path, key);
		jv_free(word);
	}
	jv_free(array);
	return rc;
}

/* A key that nobody reads is a key misspelt. */
static int
check_keys(const char *path, jv object, enum rtta_profile_kind kind, struct rtta_err *err)
{
	static const char *const known[][40] = {
		[RTTA_PROFILE_EXEC] = { "command", "backfill_command", "missing", NULL },
		[RTTA_PROFILE_WEBSOCKET] = {
			"url", "key", "error_header", "raw", "keeps", "repeats", "speakers_restart", "connect_s",
			"sample_format", "query", "headers", "vars", "max_tokens", "samples", "permanent_status",
			"program", "channels", "protocol", "ready", "done_on_close", "speed", "chunk_ms", "ping_s",
			"ready_s", "keep_alive_s", "end_s", "finalize_ms", "permanent_close", "init",
			"audio", "keep_alive", "finalize", "end", NULL
		},
		[RTTA_PROFILE_HTTP] = {
			"url", "key", "error_header", "raw", "repeats", "speakers_restart", "connect_s",
			"sample_format", "query", "headers", "vars", "max_tokens", "samples",
			"permanent_status", "program", "channels", "file_field", "fields", "answer_s", NULL
		},
	};
	static const char *const common[] = {
		"kind", "about", "verified", "rate_hz", "word_times", "language", "backfill", "deaf_s",
		NULL
	};
	const char *const *lists[] = { common, known[kind] };
	int rc = 0;

	jv_object_foreach(object, key, value) {
		bool found = false;

		jv_free(value);
		for (size_t i = 0; i < 2; i++)
			for (const char *const *name = lists[i]; *name != NULL; name++)
				found = found || strcmp(*name, jv_string_value(key)) == 0;
		if (!found)
			rc = rtta_err_set(err, EX_CONFIG, "%s: %.60s: there is no such key", path,
			    jv_string_value(key));
		jv_free(key);
	}
	return rc;
}

static int
get_kind(const char *path, jv object, enum rtta_profile_kind *kind, struct rtta_err *err)
{
	static const char *const names[] = { "exec", "websocket", "http" };
	char *name = NULL;
	int rc;

	if (rtta_json_string(path, object, "kind", &name, err) < 0)
		return -1;
	for (size_t i = 0; name != NULL && i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0) {
			*kind = (enum rtta_profile_kind)i;
			free(name);
			return 0;
		}
	rc = rtta_err_set(err, EX_CONFIG, "%s: kind: \"%.40s\": neither exec, websocket nor http",
	    path, name != NULL ? name : "");
	free(name);
	return rc;
}

static int
get_reach(struct rtta_profile *profile, const char *path, jv object, struct rtta_err *err)
{
	if (profile->kind != RTTA_PROFILE_EXEC) {
		profile->service = rtta_xcalloc(1, sizeof(*profile->service));
		rtta_service_init(profile->service);
		return rtta_service_read(profile->service, path, object,
		    profile->kind == RTTA_PROFILE_WEBSOCKET, err);
	}
	if (get_command(path, object, "command", &profile->command, err) < 0 ||
	    get_command(path, object, "backfill_command", &profile->backfill_command, err) < 0 ||
	    rtta_json_string(path, object, "missing", &profile->missing, err) < 0)
		return -1;
	if (profile->command == NULL)
		return rtta_err_set(err, EX_CONFIG, "%s: command: missing", path);
	return 0;
}

static int
get_keys(struct rtta_profile *profile, const char *path, jv object, struct rtta_err *err)
{
	int64_t rate_hz = profile->rate_hz, deaf_s = profile->deaf_s, channels = 1;

	if (get_kind(path, object, &profile->kind, err) < 0 ||
	    check_keys(path, object, profile->kind, err) < 0 ||
	    get_reach(profile, path, object, err) < 0 ||
	    rtta_json_int(path, object, "rate_hz", 8000, 48000, &rate_hz, err) < 0 ||
	    rtta_json_int(path, object, "channels", 1, RTTA_FRAME_MAX_CHANNELS, &channels, err) < 0 ||
	    rtta_json_int(path, object, "deaf_s", 5, 3600, &deaf_s, err) < 0 ||
	    rtta_json_bool(path, object, "word_times", &profile->word_times, err) < 0 ||
	    rtta_json_string(path, object, "backfill", &profile->backfill, err) < 0 ||
	    rtta_json_string(path, object, "language", &profile->language, err) < 0)
		return -1;
	profile->rate_hz = (uint32_t)rate_hz;
	profile->channels = (int)channels;
	profile->deaf_s = (int)deaf_s;
	return 0;
}

/* --- files --- */

static jv read_profile(const char *name, unsigned depth, char **path, struct rtta_err *err);

/* Takes object: itself, over the one that it extends. */
static jv
extend(const char *path, jv object, unsigned depth, struct rtta_err *err)
{
	char *base_name = NULL, *base_path = NULL;
	jv base;

	if (rtta_json_string(path, object, "extends", &base_name, err) < 0) {
		jv_free(object);
		return jv_invalid();
	}
	if (base_name == NULL)
		return object;
	base = depth < EXTENDS_MAX ? read_profile(base_name, depth + 1, &base_path, err) :
	    jv_invalid();
	if (depth >= EXTENDS_MAX)
		rtta_err_set(err, EX_CONFIG, "%s: extends: more than %d deep", path, EXTENDS_MAX);
	free(base_name);
	free(base_path);
	if (!jv_is_valid(base)) {
		jv_free(object);
		return base;
	}
	return jv_object_merge_recursive(base, jv_object_delete(object, jv_string("extends")));
}

static jv
read_path(const char *path, int fd, unsigned depth, struct rtta_err *err)
{
	jv object = read_file(fd, path, err);

	return jv_is_valid(object) ? extend(path, object, depth, err) : object;
}

/* Where it was found goes into *path, the caller's. */
static jv
read_profile(const char *name, unsigned depth, char **path, struct rtta_err *err)
{
	jv object = jv_invalid();
	int fd;

	if (!name_valid(name)) {
		rtta_err_set(err, EX_CONFIG, "engine \"%.40s\": a name has only A-Z a-z 0-9 _ -", name);
		return object;
	}
	fd = open_file(name, path);
	if (fd >= 0) {
		object = read_path(*path, fd, depth, err);
		close(fd);
	} else if (errno == ENOENT) {
		rtta_err_set(err, EX_CONFIG, "engine %s: no %s.json in RTTA_ENGINE_DIR, "
		    "/etc/rtta/engines or %s/share/rtta/engines", name, name, RTTA_PREFIX);
	} else {
		rtta_err_sys(err, EX_CONFIG, "%s", *path);
	}
	return object;
}

/* Takes object and name. */
static struct rtta_profile *
make_profile(char *name, const char *what, jv object, struct rtta_err *err)
{
	struct rtta_profile *profile = rtta_xcalloc(1, sizeof(*profile));
	int rc;

	profile->name = name;
	profile->rate_hz = 16000;
	profile->deaf_s = 60;
	rc = jv_is_valid(object) ? get_keys(profile, what, object, err) : -1;
	jv_free(object);
	if (rc == 0)
		return profile;
	/* What is broken in a configuration is the configuration. */
	err->exit_code = EX_CONFIG;
	rtta_profile_free(profile);
	return NULL;
}

struct rtta_profile *
rtta_profile_load(const char *name, struct rtta_err *err)
{
	char *path = NULL;
	jv object = read_profile(name, 0, &path, err);
	struct rtta_profile *profile = make_profile(rtta_xstrdup(name),
	    path != NULL ? path : name, object, err);

	free(path);
	return profile;
}

struct rtta_profile *
rtta_profile_read(const char *path, struct rtta_err *err)
{
	const char *slash = strrchr(path, '/');
	char *name = rtta_xstrdup(slash != NULL ? slash + 1 : path), *dot = strstr(name, ".json");
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	jv object = jv_invalid();

	if (dot != NULL)
		*dot = '\0';
	if (fd < 0)
		rtta_err_sys(err, EX_CONFIG, "%s", path);
	else
		object = read_path(path, fd, 0, err);
	if (fd >= 0)
		close(fd);
	return make_profile(name, path, object, err);
}

/* --- a command line --- */

struct rtta_profile *
rtta_profile_exec(const char *command, uint32_t rate_hz)
{
	struct rtta_profile *profile = rtta_xcalloc(1, sizeof(*profile));
	char *text = rtta_xstrdup(command), *rest = NULL, *slash;
	size_t count = 0;

	profile->command = rtta_xcalloc(strlen(command) / 2 + 2, sizeof(*profile->command));
	for (char *word = strtok_r(text, " \t", &rest); word != NULL;
	    word = strtok_r(NULL, " \t", &rest))
		profile->command[count++] = rtta_xstrdup(word);
	free(text);
	slash = count > 0 ? strrchr(profile->command[0], '/') : NULL;
	profile->name = rtta_xstrdup(slash != NULL ? slash + 1 : count > 0 ? profile->command[0] : "");
	profile->rate_hz = rate_hz;
	profile->channels = 1;
	profile->deaf_s = 60;
	profile->word_times = true;
	return profile;
}

static void
free_command(char **command)
{
	for (size_t i = 0; command != NULL && command[i] != NULL; i++)
		free(command[i]);
	free(command);
}

void
rtta_profile_free(struct rtta_profile *profile)
{
	if (profile == NULL)
		return;
	free_command(profile->command);
	free_command(profile->backfill_command);
	if (profile->service != NULL)
		rtta_service_done(profile->service);
	free(profile->service);
	free(profile->backfill);
	free(profile->name);
	free(profile->language);
	free(profile->missing);
	free(profile);
}

#include <errno.h>
#include <fcntl.h>
#include <jv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "err.h"
#include "json.h"
#include "mem.h"
#include "opt.h"
#include "profile.h"

enum { FILE_MAX_BYTES = 65536, MAX_ARGS = 64 };

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

static int
get_keys(struct rtta_profile *profile, const char *path, jv object, struct rtta_err *err)
{
	int64_t rate_hz = profile->rate_hz;
	char *kind = NULL;
	int rc = -1;

	if (rtta_json_string(path, object, "kind", &kind, err) < 0)
		goto out;
	if (kind == NULL || strcmp(kind, "exec") != 0) {
		rtta_err_set(err, EX_CONFIG, "%s: kind: \"%.40s\", but there is only \"exec\"",
		    path, kind != NULL ? kind : "");
		goto out;
	}
	if (get_command(path, object, "command", &profile->command, err) < 0 ||
	    get_command(path, object, "backfill_command", &profile->backfill_command, err) < 0 ||
	    rtta_json_int(path, object, "rate_hz", 8000, 48000, &rate_hz, err) < 0 ||
	    rtta_json_bool(path, object, "word_times", &profile->word_times, err) < 0 ||
	    rtta_json_string(path, object, "language", &profile->language, err) < 0 ||
	    rtta_json_string(path, object, "missing", &profile->missing, err) < 0)
		goto out;
	if (profile->command == NULL) {
		rtta_err_set(err, EX_CONFIG, "%s: command: missing", path);
		goto out;
	}
	profile->rate_hz = (uint32_t)rate_hz;
	rc = 0;
out:
	free(kind);
	return rc;
}

struct rtta_profile *
rtta_profile_load(const char *name, struct rtta_err *err)
{
	struct rtta_profile *profile;
	char *path = NULL;
	jv object;
	int fd, rc;

	if (!name_valid(name)) {
		rtta_err_set(err, EX_CONFIG, "engine \"%.40s\": a name has only A-Z a-z 0-9 _ -", name);
		return NULL;
	}
	fd = open_file(name, &path);
	if (fd < 0) {
		if (errno == ENOENT)
			rtta_err_set(err, EX_CONFIG, "engine %s: no %s.json in RTTA_ENGINE_DIR, "
			    "/etc/rtta/engines or %s/share/rtta/engines", name, name, RTTA_PREFIX);
		else
			rtta_err_sys(err, EX_CONFIG, "%s", path);
		free(path);
		return NULL;
	}
	profile = rtta_xcalloc(1, sizeof(*profile));
	profile->name = rtta_xstrdup(name);
	profile->rate_hz = 16000;
	object = read_file(fd, path, err);
	close(fd);
	rc = jv_is_valid(object) ? get_keys(profile, path, object, err) : -1;
	jv_free(object);
	free(path);
	if (rc == 0)
		return profile;
	/* What is broken in a configuration is the configuration. */
	err->exit_code = EX_CONFIG;
	rtta_profile_free(profile);
	return NULL;
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
	free(profile->name);
	free(profile->language);
	free(profile->missing);
	free(profile);
}

/* profile: which engine, and what is wrong with a file that says so. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "err.h"
#include "profile.h"

static char folder[] = "/tmp/rtta-unit-XXXXXX";

static struct rtta_profile *
load(const char *name, const char *text, struct rtta_err *err)
{
	char path[200];
	struct rtta_profile *profile;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s.json", folder, name);
	f = fopen(path, "w");
	fputs(text, f);
	fclose(f);
	*err = (struct rtta_err){0};
	profile = rtta_profile_load(name, err);
	unlink(path);
	return profile;
}

static void
test_good(void)
{
	struct rtta_err err;
	struct rtta_profile *profile = load("good", "{\"kind\":\"exec\",\"command\":[\"a\",\"b c\"],"
	    "\"backfill_command\":[\"d\"],\"rate_hz\":8000,\"language\":\"de\",\"missing\":\"buy one\"}", &err);

	CHECK_STR(err.text, "");
	CHECK_STR(profile->name, "good");
	CHECK_STR(profile->command[1], "b c");
	CHECK(profile->command[2] == NULL);
	CHECK_STR(profile->backfill_command[0], "d");
	CHECK_INT(profile->rate_hz, 8000);
	CHECK_STR(profile->language, "de");
	CHECK_STR(profile->missing, "buy one");
	rtta_profile_free(profile);
}

static void
test_broken(void)
{
	static const struct { const char *text, *error; } rows[] = {
		{ "{\"command\":[\"a\"]}", "kind: \"\", but there is only \"exec\"" },
		{ "{\"kind\":\"fax\",\"command\":[\"a\"]}", "kind: \"fax\", but there is only \"exec\"" },
		{ "{\"kind\":\"exec\"}", "command: missing" },
		{ "{\"kind\":\"exec\",\"command\":[]}", "command: not a list of 1 to 64 words" },
		{ "{\"kind\":\"exec\",\"command\":\"a\"}", "command: not a list of 1 to 64 words" },
		{ "{\"kind\":\"exec\",\"command\":[1]}", "command: a word that is no string" },
		{ "{\"kind\":\"exec\",\"command\":[\"a\"],\"rate_hz\":7}", "rate_hz: " },
		{ "{", "" },
		{ "", "" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rtta_err err;

		CHECK(load("bad", rows[i].text, &err) == NULL);
		CHECK_INT(err.exit_code, EX_CONFIG);
		if (strstr(err.text, rows[i].error) == NULL || strstr(err.text, "bad.json") == NULL)
			CHECK_STR(err.text, rows[i].error);
	}
}

static void
test_absent(void)
{
	static const char *const names[] = { "absent", "../etc/passwd", "", "a b" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct rtta_err err = {0};

		CHECK(rtta_profile_load(names[i], &err) == NULL);
		CHECK_INT(err.exit_code, EX_CONFIG);
	}
}

static void
test_exec(void)
{
	struct rtta_profile *profile = rtta_profile_exec("  /opt/my/engine  -x 1\t", 22050);

	CHECK_STR(profile->name, "engine");
	CHECK_STR(profile->command[0], "/opt/my/engine");
	CHECK_STR(profile->command[2], "1");
	CHECK(profile->command[3] == NULL);
	CHECK_INT(profile->rate_hz, 22050);
	rtta_profile_free(profile);
}

int
main(void)
{
	if (mkdtemp(folder) == NULL)
		return 1;
	setenv("RTTA_ENGINE_DIR", folder, 1);
	test_good();
	test_broken();
	test_absent();
	test_exec();
	rmdir(folder);
	return check_result();
}

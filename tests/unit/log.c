/* log: what comes again and again is said three times, and other words at once. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "log.h"

static int
count_lines(FILE *file)
{
	int lines = 0, c;

	rewind(file);
	while ((c = getc(file)) != EOF)
		lines += c == '\n';
	return lines;
}

static void
test_refrain(void)
{
	struct rtta_log_refrain refrain = {0};
	FILE *file = tmpfile();
	int saved = dup(STDERR_FILENO), first, kept_back, second, third;

	dup2(fileno(file), STDERR_FILENO);
	for (int i = 0; i < 10; i++)
		rtta_log_warn_again(&refrain, "gone", "gone, again in %d s", i);
	first = count_lines(file);
	kept_back = (int)refrain.kept_back;
	rtta_log_warn_again(&refrain, "refused", "refused, again in 1 s");
	second = count_lines(file);
	rtta_log_warn_again(&refrain, "gone", "gone, again in 1 s");
	third = count_lines(file);
	dup2(saved, STDERR_FILENO);
	close(saved);
	fclose(file);
	CHECK_INT(first, 3);
	CHECK_INT(kept_back, 7);
	CHECK_INT(second, 4);
	CHECK_INT(third, 5);
	CHECK_INT(refrain.kept_back, 0);
}

int
main(void)
{
	rtta_log_open("log");
	test_refrain();
	return check_result();
}

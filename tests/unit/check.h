/*
 * check - comparisons for unit programs: they survive NDEBUG, print both
 * sides, and go on; main returns check_result().
 */
#ifndef RTTA_CHECK_H
#define RTTA_CHECK_H

#include <stdio.h>
#include <string.h>

static int check_failures;

#define CHECK(cond)							\
	do {								\
		if (!(cond)) {						\
			check_failures++;				\
			fprintf(stderr, "%s:%d: not true: %s\n",	\
			    __FILE__, __LINE__, #cond);			\
		}							\
	} while (0)

#define CHECK_INT(got, want)						\
	do {								\
		long long got_ = (long long)(got), want_ = (long long)(want); \
		if (got_ != want_) {					\
			check_failures++;				\
			fprintf(stderr, "%s:%d: %s is %lld, want %lld\n", \
			    __FILE__, __LINE__, #got, got_, want_);	\
		}							\
	} while (0)

#define CHECK_NEAR(got, want, within)					\
	do {								\
		double got_ = (got), want_ = (want);			\
		if (!(got_ - want_ <= (within) && want_ - got_ <= (within))) { \
			check_failures++;				\
			fprintf(stderr, "%s:%d: %s is %.9g, want %.9g\n", \
			    __FILE__, __LINE__, #got, got_, want_);	\
		}							\
	} while (0)

#define CHECK_STR(got, want)						\
	do {								\
		const char *got_ = (got), *want_ = (want);		\
		if (got_ == NULL || strcmp(got_, want_) != 0) {		\
			check_failures++;				\
			fprintf(stderr, "%s:%d: %s is \"%s\", want \"%s\"\n", \
			    __FILE__, __LINE__, #got, got_ ? got_ : "(null)", want_); \
		}							\
	} while (0)

static inline int
check_result(void)
{
	return check_failures ? 1 : 0;
}

#endif

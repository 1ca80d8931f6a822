/*
 * clock - a wall clock that can be stepped, for one folder of processes.
 *
 * LD_PRELOAD.  CLOCK_REALTIME is off by the nanoseconds that the file named
 * by CHAOS_CLOCK holds now; CLOCK_MONOTONIC is what it is.  Waits until a
 * wall-clock time (pthread_cond_timedwait, which nats.c uses): looked at again
 * (a spurious wake-up) after a second, because in the kernel too a step ends
 * them, or makes them longer.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { NS_PER_S = 1000000000, SLICE_NS = 1000000000 };

static const volatile int64_t *offset_ns;
static int (*real_clock_gettime)(clockid_t, struct timespec *);
static int (*real_timedwait)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);

static const volatile int64_t *
map_file(const char *path)
{
	int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *map = MAP_FAILED;

	if (fd >= 0) {
		map = mmap(NULL, sizeof(*offset_ns), PROT_READ, MAP_SHARED, fd, 0);
		close(fd);
	}
	return map != MAP_FAILED ? map : NULL;
}

__attribute__((constructor)) static void
find(void)
{
	static const int64_t zero;

	if (offset_ns != NULL)
		return;
	*(void **)&real_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
	*(void **)&real_timedwait = dlvsym(RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2");
	offset_ns = map_file(getenv("CHAOS_CLOCK"));
	if (offset_ns == NULL)
		offset_ns = &zero;
}

static int64_t
real_ns(void)
{
	struct timespec ts;

	real_clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

static struct timespec
timespec_of(int64_t ns)
{
	return (struct timespec){ ns / NS_PER_S, ns % NS_PER_S };
}

int
clock_gettime(clockid_t id, struct timespec *ts)
{
	find();
	if (id != CLOCK_REALTIME)
		return real_clock_gettime(id, ts);
	*ts = timespec_of(real_ns() + *offset_ns);
	return 0;
}

int
gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
	struct timespec ts;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &ts);
	*tv = (struct timeval){ ts.tv_sec, ts.tv_nsec / 1000 };
	return 0;
}

time_t
time(time_t *at)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	if (at != NULL)
		*at = ts.tv_sec;
	return ts.tv_sec;
}

int
pthread_cond_timedwait(pthread_cond_t *restrict cond, pthread_mutex_t *restrict mutex,
    const struct timespec *restrict until)
{
	int64_t left_ns;
	struct timespec slice;
	int rc;

	find();
	/* A deadline this small is of CLOCK_MONOTONIC. */
	if (until->tv_sec < 1000000000)
		return real_timedwait(cond, mutex, until);
	left_ns = (int64_t)until->tv_sec * NS_PER_S + until->tv_nsec - *offset_ns - real_ns();
	if (left_ns <= SLICE_NS)
		slice = timespec_of(real_ns() + left_ns);
	else
		slice = timespec_of(real_ns() + SLICE_NS);
	rc = real_timedwait(cond, mutex, &slice);
	return rc == ETIMEDOUT && left_ns > SLICE_NS ? 0 : rc;
}

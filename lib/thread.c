#include <pthread.h>
#include <string.h>

#include "err.h"
#include "thread.h"

int
rtta_thread_start(void *(*serve)(void *), void *arg, const char *what, struct rtta_err *err)
{
	pthread_attr_t attr;
	pthread_t thread;
	int error;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	error = pthread_create(&thread, &attr, serve, arg);
	pthread_attr_destroy(&attr);
	if (error == 0)
		return 0;
	return rtta_err_set(err, EX_OSERR, "no thread for %s: %s", what, strerror(error));
}

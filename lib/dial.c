#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "dial.h"
#include "mem.h"

enum { SERVERS_MAX = 16 };

struct attempt {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	natsOptions *options;
	natsConnection *nc;
	natsStatus status;
	char text[160];
	bool done;
	bool left;  /* nobody waits any more: it frees itself */
};

static void
attempt_free(struct attempt *attempt)
{
	natsOptions_Destroy(attempt->options);
	pthread_cond_destroy(&attempt->changed);
	pthread_mutex_destroy(&attempt->mutex);
	free(attempt);
}

/* The library's words without the "(file.c:42): " before them. */
static void
copy_reason(char *to, size_t bytes, const char *from)
{
	const char *reason = from != NULL ? strstr(from, "): ") : NULL;

	snprintf(to, bytes, "%s", reason != NULL ? reason + 3 : from != NULL ? from : "");
}

static void *
attempt_run(void *arg)
{
	struct attempt *attempt = arg;
	natsConnection *nc = NULL;
	natsStatus s = natsConnection_Connect(&nc, attempt->options);
	bool left;

	pthread_mutex_lock(&attempt->mutex);
	attempt->status = s;
	attempt->nc = nc;
	if (s != NATS_OK)
		copy_reason(attempt->text, sizeof(attempt->text), nats_GetLastError(NULL));
	attempt->done = true;
	left = attempt->left;
	pthread_cond_signal(&attempt->changed);
	pthread_mutex_unlock(&attempt->mutex);
	if (left) {
		natsConnection_Destroy(nc);
		attempt_free(attempt);
	}
	nats_ReleaseThreadMemory();
	return NULL;
}

static bool
wait_until_done(struct attempt *attempt, int timeout_ms)
{
	struct timespec deadline;
	bool done;
	int rc = 0;

	rtta_clock_deadline(&deadline, timeout_ms);
	pthread_mutex_lock(&attempt->mutex);
	while (!attempt->done && rc == 0)
		rc = pthread_cond_clockwait(&attempt->changed, &attempt->mutex,
		    CLOCK_MONOTONIC, &deadline);
	done = attempt->done;
	attempt->left = !done;
	pthread_mutex_unlock(&attempt->mutex);
	return done;
}

natsStatus
rtta_dial(natsConnection **nc, natsOptions *options, int timeout_ms, char *text,
    size_t text_bytes)
{
	struct attempt *attempt = rtta_xcalloc(1, sizeof(*attempt));
	pthread_t thread;
	natsStatus s;

	attempt->options = options;
	pthread_mutex_init(&attempt->mutex, NULL);
	pthread_cond_init(&attempt->changed, NULL);
	snprintf(text, text_bytes, "no thread");
	if (pthread_create(&thread, NULL, attempt_run, attempt) != 0) {
		attempt_free(attempt);
		return NATS_SYS_ERROR;
	}
	if (!wait_until_done(attempt, timeout_ms)) {
		pthread_detach(thread);
		snprintf(text, text_bytes, "no answer within %d s", timeout_ms / 1000);
		return NATS_ILLEGAL_STATE;
	}
	pthread_join(thread, NULL);
	s = attempt->status;
	*nc = attempt->nc;
	snprintf(text, text_bytes, "%s", attempt->text);
	attempt_free(attempt);
	return s;
}

natsStatus
rtta_dial_servers(natsOptions *options, const char *urls)
{
	char *list = rtta_xstrdup(urls), *rest = list, *one;
	const char *servers[SERVERS_MAX];
	int count = 0;
	natsStatus s = NATS_INVALID_ARG;

	while ((one = strsep(&rest, ", ")) != NULL)
		if (*one != '\0' && count < SERVERS_MAX)
			servers[count++] = one;
	if (count > 0)
		s = natsOptions_SetServers(options, servers, count);
	free(list);
	return s;
}

char *
rtta_dial_redact(const char *urls)
{
	char *copy = rtta_xstrdup(urls), *out = copy;
	const char *in = urls, *end, *at, *host;

	while (*in != '\0') {
		end = in + strcspn(in, ",");
		host = strstr(in, "://");
		host = host != NULL && host < end ? host + 3 : in;
		at = memrchr(host, '@', (size_t)(end - host));
		memcpy(out, in, (size_t)(host - in));
		out += host - in;
		if (at != NULL)
			host = at + 1;
		memcpy(out, host, (size_t)(end - host));
		out += end - host;
		if (*end == ',')
			*out++ = *end++;
		in = end;
	}
	*out = '\0';
	return copy;
}

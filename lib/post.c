#include <curl/curl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "err.h"
#include "mem.h"
#include "post.h"
#include "thread.h"

/* Shared under lock, except where said.  Whoever lets go last frees it. */
struct rtta_post {
	pthread_mutex_t lock;
	int owners;
	int fd;
	bool leaving;              /* main has let go: break it off */
	bool over;                 /* the thread will not touch the answer again */
	/* the thread's own until it is over */
	char *url, *error_header, *file_field, *content_type;
	struct curl_slist *headers;
	char **fields;
	int connect_s, answer_s;
	void *body;
	size_t body_bytes;
	struct rtta_post_answer answer;
	char *data;
	size_t data_bytes, data_room;
};

static void
let_go(struct rtta_post *post)
{
	int left;

	pthread_mutex_lock(&post->lock);
	left = --post->owners;
	pthread_mutex_unlock(&post->lock);
	if (left > 0)
		return;
	for (size_t i = 0; post->fields != NULL && post->fields[i] != NULL; i++)
		free(post->fields[i]);
	free(post->fields);
	curl_slist_free_all(post->headers);
	free(post->url);
	free(post->error_header);
	free(post->file_field);
	free(post->content_type);
	free(post->body);
	free(post->data);
	close(post->fd);
	pthread_mutex_destroy(&post->lock);
	free(post);
}

/* --- the thread --- */

static int
on_progress(void *user, curl_off_t down_total, curl_off_t down, curl_off_t up_total, curl_off_t up)
{
	struct rtta_post *post = user;
	bool leaving;

	(void)down_total, (void)down, (void)up_total, (void)up;
	pthread_mutex_lock(&post->lock);
	leaving = post->leaving;
	pthread_mutex_unlock(&post->lock);
	return leaving;
}

static size_t
on_data(char *data, size_t size, size_t count, void *user)
{
	struct rtta_post *post = user;
	size_t bytes = size * count;

	if (post->data_bytes + bytes > RTTA_POST_ANSWER_MAX_BYTES)
		return 0;
	if (post->data_bytes + bytes + 1 > post->data_room) {
		post->data_room = 2 * (post->data_bytes + bytes) + 4096;
		post->data = rtta_xreallocarray(post->data, post->data_room, 1);
	}
	memcpy(post->data + post->data_bytes, data, bytes);
	post->data_bytes += bytes;
	post->data[post->data_bytes] = '\0';
	return bytes;
}

static curl_mime *
make_form(struct rtta_post *post, CURL *curl)
{
	curl_mime *mime = curl_mime_init(curl);
	curl_mimepart *part = curl_mime_addpart(mime);

	curl_mime_name(part, post->file_field);
	curl_mime_filename(part, "sound.wav");
	curl_mime_type(part, post->content_type);
	curl_mime_data(part, post->body, post->body_bytes);
	for (size_t i = 0; post->fields[i] != NULL; i += 2) {
		part = curl_mime_addpart(mime);
		curl_mime_name(part, post->fields[i]);
		curl_mime_data(part, post->fields[i + 1], CURL_ZERO_TERMINATED);
	}
	return mime;
}

static void
prepare(struct rtta_post *post, CURL *curl, char *error)
{
	curl_easy_setopt(curl, CURLOPT_URL, post->url);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, post->headers);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)post->connect_s);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)post->answer_s);
	curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(curl, CURLOPT_XFERINFODATA, post);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, post);
}

static void
look_at_answer(struct rtta_post *post, CURL *curl, CURLcode code, const char *error)
{
	struct curl_header *header;
	curl_off_t after_s = 0;
	long status = 0;

	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	if (code != CURLE_OK) {
		snprintf(post->answer.why, sizeof(post->answer.why), "%s",
		    error[0] != '\0' ? error : curl_easy_strerror(code));
		/* Half an answer is none, but a refusal while we sent is one. */
		status = status >= 400 ? status : 0;
	}
	post->answer.status = (int)status;
	if (curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &after_s) == CURLE_OK && after_s > 0)
		post->answer.retry_after_s = (long)after_s;
	if (post->error_header != NULL && curl_easy_header(curl, post->error_header, 0,
	    CURLH_HEADER, -1, &header) == CURLHE_OK)
		snprintf(post->answer.why, sizeof(post->answer.why), "%s", header->value);
}

static void
request(struct rtta_post *post, CURL *curl)
{
	char error[CURL_ERROR_SIZE] = "";
	curl_mime *mime = NULL;

	prepare(post, curl, error);
	if (post->file_field != NULL) {
		mime = make_form(post, curl);
		curl_easy_setopt(curl, CURLOPT_MIMEPOST, mime);
	} else {
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, post->body);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)post->body_bytes);
	}
	look_at_answer(post, curl, curl_easy_perform(curl), error);
	curl_mime_free(mime);
}

static void *
serve(void *arg)
{
	struct rtta_post *post = arg;
	CURL *curl = curl_easy_init();
	uint64_t one = 1;

	if (curl != NULL)
		request(post, curl);
	else
		snprintf(post->answer.why, sizeof(post->answer.why), "no memory");
	curl_easy_cleanup(curl);
	pthread_mutex_lock(&post->lock);
	post->over = true;
	if (write(post->fd, &one, sizeof(one)) < 0)
		post->over = true;     /* it is readable already */
	pthread_mutex_unlock(&post->lock);
	let_go(post);
	return NULL;
}

/* --- main --- */

static void
init_curl(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

static void
add_header(struct rtta_post *post, const char *name, const char *value)
{
	char *line = rtta_xasprintf("%s: %s", name, value);

	post->headers = curl_slist_append(post->headers, line);
	free(line);
}

static int
start(struct rtta_post *post, struct rtta_err *err)
{
	post->owners++;
	if (rtta_thread_start(serve, post, "a request", err) == 0)
		return 0;
	post->owners--;
	return -1;
}

static void
copy_config(struct rtta_post *post, const struct rtta_post_config *config)
{
	size_t fields = 0;

	post->url = rtta_xstrdup(config->url);
	post->content_type = rtta_xstrdup(config->content_type);
	post->connect_s = config->connect_s;
	post->answer_s = config->answer_s;
	if (config->error_header != NULL)
		post->error_header = rtta_xstrdup(config->error_header);
	if (config->file_field != NULL)
		post->file_field = rtta_xstrdup(config->file_field);
	else
		add_header(post, "Content-Type", config->content_type);
	for (size_t i = 0; config->headers != NULL && config->headers[i] != NULL; i += 2)
		add_header(post, config->headers[i], config->headers[i + 1]);
	/* Without this it waits a second for a "100 Continue". */
	post->headers = curl_slist_append(post->headers, "Expect:");
	while (config->fields != NULL && config->fields[fields] != NULL)
		fields++;
	post->fields = rtta_xcalloc(fields + 1, sizeof(*post->fields));
	for (size_t i = 0; i < fields; i++)
		post->fields[i] = rtta_xstrdup(config->fields[i]);
}

struct rtta_post *
rtta_post_open(const struct rtta_post_config *config, void *body, size_t bytes,
    struct rtta_err *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct rtta_post *post = rtta_xcalloc(1, sizeof(*post));

	pthread_once(&once, init_curl);
	pthread_mutex_init(&post->lock, NULL);
	post->owners = 1;
	post->body = body;
	post->body_bytes = bytes;
	post->answer.retry_after_s = -1;
	copy_config(post, config);
	post->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (post->fd < 0)
		rtta_err_sys(err, EX_OSERR, "eventfd");
	else if (start(post, err) == 0)
		return post;
	let_go(post);
	return NULL;
}

void
rtta_post_close(struct rtta_post *post)
{
	if (post == NULL)
		return;
	pthread_mutex_lock(&post->lock);
	post->leaving = true;
	pthread_mutex_unlock(&post->lock);
	let_go(post);
}

int
rtta_post_fd(const struct rtta_post *post)
{
	return post->fd;
}

int
rtta_post_answer(struct rtta_post *post, struct rtta_post_answer *answer)
{
	bool over;

	pthread_mutex_lock(&post->lock);
	over = post->over;
	pthread_mutex_unlock(&post->lock);
	if (!over)
		return 0;
	*answer = post->answer;
	answer->data = post->data != NULL ? post->data : "";
	answer->bytes = post->data_bytes;
	return 1;
}

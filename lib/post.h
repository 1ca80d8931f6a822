/*
 * post - one HTTP request with a body, and its answer (libcurl).
 *
 * libcurl waits for itself: a request has a thread of its own, which wakes
 * main's thread through a descriptor when it is over.  All functions here
 * belong to main's thread; none of them waits.
 */
#ifndef RTTA_POST_H
#define RTTA_POST_H

#include <stdbool.h>
#include <stddef.h>

struct rtta_err;
struct rtta_post;

enum { RTTA_POST_ANSWER_MAX_BYTES = 64 << 20 };

struct rtta_post_config {
	const char *url;
	char *const *headers;      /* NULL-terminated pairs: name, value, name, ... */
	const char *error_header;  /* says why a request was refused; NULL */
	const char *file_field;    /* a multipart form with the body in this field; NULL: the body */
	char *const *fields;       /* of the form: pairs */
	const char *content_type;  /* of the body */
	int connect_s, answer_s;   /* answer_s: for all of it, from the first byte sent */
};

/* Takes body (malloc'd).  The rest is copied.  NULL with EX_OSERR. */
struct rtta_post *rtta_post_open(const struct rtta_post_config *config, void *body, size_t bytes,
    struct rtta_err *err);
void rtta_post_close(struct rtta_post *post);  /* breaks it off; NULL is fine */

int rtta_post_fd(const struct rtta_post *post);  /* readable: it is over */

struct rtta_post_answer {
	int status;                /* of HTTP; 0: there is no answer, why says why */
	long retry_after_s;        /* -1: not said */
	char why[200];             /* the error header, or what libcurl says */
	const char *data;          /* the body, until close */
	size_t bytes;
};

/* 1 with *answer filled once it is over, 0 before. */
int rtta_post_answer(struct rtta_post *post, struct rtta_post_answer *answer);

#endif

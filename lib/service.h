/*
 * service - what a profile says of a speech service on the network.
 *
 * Address, credentials, messages and errors, as rtta-engine(5) has them:
 * templates (template.h) until a call is made of them.  Pure, except that a
 * call reads the key from its file.
 */
#ifndef RTTA_SERVICE_H
#define RTTA_SERVICE_H

#include <jv.h>
#include <stdbool.h>
#include <stdint.h>

struct rtta_err;

enum { RTTA_SERVICE_INIT_MAX = 8, RTTA_SERVICE_RANGES_MAX = 32 };

enum rtta_message_kind {
	RTTA_MESSAGE_NONE,
	RTTA_MESSAGE_TEXT,
	RTTA_MESSAGE_BINARY,
	RTTA_MESSAGE_EMPTY_TEXT,     /* a frame of no bytes: only ever by name */
	RTTA_MESSAGE_EMPTY_BINARY
};

struct rtta_message {
	enum rtta_message_kind kind;
	jv body;                     /* template: a string, or JSON sent as its text */
};

struct rtta_range {
	int first, last;             /* both included */
};

struct rtta_service {
	char *url, *protocol, *error_header;
	jv query, headers, vars;     /* objects */
	jv max_tokens;               /* of lists among vars: an object */
	char *key_name;              /* NULL: it needs no key */
	int connect_s;
	bool f32;                    /* samples as floats, not s16le */
	char *program;               /* jq: what it says to events */
	bool raw;                    /* the program gets text, not JSON */
	bool keeps;                  /* its program has what it kept of earlier messages */
	bool repeats;                /* says finals again: only what begins behind them is new */
	bool speakers_restart;       /* its speaker numbers mean one connection */
	struct rtta_range permanent_status[RTTA_SERVICE_RANGES_MAX];
	struct rtta_range permanent_close[RTTA_SERVICE_RANGES_MAX];
	int permanent_statuses, permanent_closes;
	/* websocket */
	int chunk_ms, ping_s;
	double speed;                /* times real time that it takes; 0: any */
	struct rtta_message init[RTTA_SERVICE_INIT_MAX], audio, keep_alive, finalize, end;
	int inits;
	bool ready;                  /* no sound before its "ready" */
	int ready_s, keep_alive_s, end_s;
	int finalize_ms;             /* so long after the last sound */
	bool done_on_close;          /* its close (1000, 1005) behind `end` is its "done" */
	bool done_if_settled;        /* but only when its finals reach what was sent */
	/* http */
	char *file_field;            /* multipart form with the sound in this field; NULL: the body */
	jv fields;                   /* the other fields: an object */
	int answer_s;
	/* for --check-profile */
	jv samples;                  /* [{"message", "events"}] */
};

/* The keys of a profile that are the service's: fills *service, names path
 * and key in errors.  Borrows object.  0, or -1 with EX_CONFIG. */
int rtta_service_read(struct rtta_service *service, const char *path, jv object,
    bool websocket, struct rtta_err *err);
void rtta_service_init(struct rtta_service *service);
void rtta_service_done(struct rtta_service *service);

/* True when the code, of a close or an answer, means that trying again is no help. */
bool rtta_service_permanent(const struct rtta_range *ranges, int count, int code);

/* What a call of the service needs, with everything filled in. */
struct rtta_call {
	jv vars;                     /* with rate_hz, channels, multichannel, language, ... */
	char *url;
	char **headers;              /* name, value, ..., NULL */
	char *key;                   /* NULL: none */
};

/* 0, or -1 with EX_CONFIG; what names the profile. */
int rtta_call_init(struct rtta_call *call, const char *what, const struct rtta_service *service,
    uint32_t rate_hz, int channels, const char *language, struct rtta_err *err);
void rtta_call_done(struct rtta_call *call);

/* A message filled in: its bytes into *text (the caller's). */
int rtta_call_message(const struct rtta_call *call, const char *what,
    const struct rtta_message *message, char **text, struct rtta_err *err);

#endif

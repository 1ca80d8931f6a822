#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "err.h"
#include "http.h"

static const char bad_id[] =
    "a session id is 1 to 64 of A-Z a-z 0-9 _ and -";

static const struct {
	const char *path;
	enum rtta_http_route route;
	bool post;
} fixed[] = {
	{ "/", RTTA_HTTP_PAGE, false },
	{ "/ws", RTTA_HTTP_WS, false },
	{ "/events", RTTA_HTTP_EVENTS, false },
	{ "/sessions", RTTA_HTTP_SESSIONS, false },
	{ "/qr.svg", RTTA_HTTP_QR, false },
	{ "/level", RTTA_HTTP_LEVEL, false },
	{ "/healthz", RTTA_HTTP_HEALTHZ, false },
	{ "/metrics", RTTA_HTTP_METRICS, false },
	{ "/session/start", RTTA_HTTP_START, true },
	{ "/session/stop", RTTA_HTTP_STOP, true },
	{ "/session/off-record", RTTA_HTTP_OFF_RECORD, true },
	{ "/session/on-record", RTTA_HTTP_ON_RECORD, true },
};

static int
refuse(const char **why, int status, const char *sentence)
{
	*why = sentence;
	return status;
}

/* Behind "/s/": <id>, <id>/coverage or <id>/transcript.<format>. */
static int
route_session(struct rtta_http_request *request, const char *rest, const char **why)
{
	size_t len = strcspn(rest, "/");

	if (len >= sizeof(request->session))
		return refuse(why, 400, bad_id);
	memcpy(request->session, rest, len);
	request->session[len] = '\0';
	if (!rtta_session_id_valid(request->session))
		return refuse(why, 400, bad_id);
	rest += len;
	if (rest[0] == '\0' || strcmp(rest, "/") == 0)
		request->route = RTTA_HTTP_PAGE;
	else if (strcmp(rest, "/coverage") == 0)
		request->route = RTTA_HTTP_COVERAGE;
	else if (strncmp(rest, "/transcript.", 12) == 0 &&
	    rtta_format_parse(rest + 12, &request->format) == 0)
		request->route = RTTA_HTTP_TRANSCRIPT;
	else
		return refuse(why, 404, "no such page");
	return 0;
}

/* One name directly below /, as the page's own files have. */
static int
route_file(struct rtta_http_request *request, const char *name, const char **why)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-.";
	size_t len = strspn(name, letters);

	if (len == 0 || name[len] != '\0' || len >= sizeof(request->file) || name[0] == '.')
		return refuse(why, 404, "no such page");
	memcpy(request->file, name, len + 1);
	request->route = RTTA_HTTP_FILE;
	return 0;
}

int
rtta_http_route(struct rtta_http_request *request, enum rtta_http_method method,
    const char *path, const char **why)
{
	memset(request, 0, sizeof(*request));
	request->times = true;
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
		if (strcmp(path, fixed[i].path) != 0)
			continue;
		request->route = fixed[i].route;
		if (fixed[i].post != (method == RTTA_HTTP_POST))
			return refuse(why, 405, fixed[i].post ? "this is a POST" : "this is a GET");
		return 0;
	}
	if (method == RTTA_HTTP_POST)
		return refuse(why, 405, "this is a GET");
	if (strncmp(path, "/s/", 3) == 0)
		return route_session(request, path + 3, why);
	return route_file(request, path + (path[0] == '/'), why);
}

static int
argument_session(struct rtta_http_request *request, const char *value, const char **why)
{
	if (strcmp(value, "current") == 0 || value[0] == '\0')
		return 0;
	if (!rtta_session_id_valid(value))
		return refuse(why, 400, bad_id);
	memcpy(request->session, value, strlen(value) + 1);
	return 0;
}

static int
argument_token(struct rtta_http_request *request, const char *value, const char **why)
{
	if (strlen(value) >= sizeof(request->token))
		return refuse(why, 400, "the token is too long");
	memcpy(request->token, value, strlen(value) + 1);
	return 0;
}

int
rtta_http_argument(struct rtta_http_request *request, const char *argument, const char **why)
{
	const char *value = strchr(argument, '=');
	size_t name;

	if (value == NULL)
		return 0;
	name = (size_t)(value++ - argument);
	if (name == 7 && memcmp(argument, "session", 7) == 0)
		return argument_session(request, value, why);
	if (name == 5 && memcmp(argument, "token", 5) == 0)
		return argument_token(request, value, why);
	if (name == 5 && memcmp(argument, "after", 5) == 0 &&
	    rtta_sample_parse(value, &request->after) < 0)
		return refuse(why, 400, "after is a sequence number");
	if (name == 6 && memcmp(argument, "follow", 6) == 0)
		request->follow = strcmp(value, "1") == 0;
	if (name == 3 && memcmp(argument, "tls", 3) == 0)
		request->tls = strcmp(value, "1") == 0;
	if (name == 5 && memcmp(argument, "times", 5) == 0)
		request->times = strcmp(value, "0") != 0;
	return 0;
}

int64_t
rtta_http_length(const char *text)
{
	uint64_t length;

	if (rtta_sample_parse(text, &length) < 0 || length > RTTA_HTTP_BODY_MAX_BYTES)
		return -1;
	return (int64_t)length;
}

bool
rtta_http_token_equal(const char *given, const char *want)
{
	size_t given_len = strlen(given), want_len = strlen(want);
	volatile unsigned char differs = given_len != want_len;

	if (want_len == 0)
		return false;
	for (size_t i = 0; i < given_len; i++)
		differs |= (unsigned char)(given[i] ^ want[i % want_len]);
	return differs == 0;
}

const char *
rtta_http_bearer(const char *value)
{
	if (strncasecmp(value, "Bearer ", 7) != 0)
		return NULL;
	value += 7;
	return value + strspn(value, " ");
}

int
rtta_http_cookie(const char *header, const char *name, char *token)
{
	size_t name_len = strlen(name);

	while (*header != '\0') {
		size_t len = strcspn(header, ";");

		if (len > name_len && header[name_len] == '=' &&
		    memcmp(header, name, name_len) == 0) {
			len -= name_len + 1;
			if (len >= RTTA_HTTP_TOKEN_MAX_BYTES)
				return -1;
			memcpy(token, header + name_len + 1, len);
			token[len] = '\0';
			return 0;
		}
		header += len;
		header += strspn(header, "; ");
	}
	return -1;
}

int
rtta_http_token_load(const char *path, char token[RTTA_HTTP_TOKEN_MAX_BYTES],
    struct rtta_err *err)
{
	char line[RTTA_HTTP_TOKEN_MAX_BYTES + 2] = "";
	FILE *file = fopen(path, "re");
	size_t len;

	if (file == NULL)
		return rtta_err_sys(err, EX_CONFIG, "token file %s", path);
	if (fgets(line, sizeof(line), file) == NULL)
		line[0] = '\0';
	fclose(file);
	len = strcspn(line, "\r\n");
	line[len] = '\0';
	/* No quotes or separators: it also travels in a cookie. */
	for (size_t i = 0; i < len; i++)
		if (!isgraph((unsigned char)line[i]) || strchr("\";,\\", line[i]) != NULL)
			len = 0;
	if (len < 8 || len >= RTTA_HTTP_TOKEN_MAX_BYTES)
		return rtta_err_set(err, EX_CONFIG,
		    "token file %s: not one line of 8 to 255 letters without blanks", path);
	memcpy(token, line, len + 1);
	return 0;
}

bool
rtta_http_origin_ok(const char *origin, const char *host)
{
	if (origin == NULL)
		return true;
	if (strncasecmp(origin, "http://", 7) == 0)
		origin += 7;
	else if (strncasecmp(origin, "https://", 8) == 0)
		origin += 8;
	else
		return false;
	return host != NULL && host[0] != '\0' && strcasecmp(origin, host) == 0;
}

bool
rtta_http_host_loopback(const char *host)
{
	char name[64];
	struct in_addr v4;
	size_t len;

	if (host[0] == '[')
		return strncmp(host, "[::1]", 5) == 0 && (host[5] == '\0' || host[5] == ':');
	len = strcspn(host, ":");
	if (len >= sizeof(name))
		return false;
	memcpy(name, host, len);
	name[len] = '\0';
	return strcasecmp(name, "localhost") == 0 ||
	    (inet_pton(AF_INET, name, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127);
}

int
rtta_http_listen_parse(const char *text, char host[64], uint16_t *port, struct rtta_err *err)
{
	const char *colon = strrchr(text, ':');
	size_t len = colon == NULL ? 0 : (size_t)(colon - text);
	uint64_t number;
	bool bracketed = len > 2 && text[0] == '[' && text[len - 1] == ']';

	if (len == 0 || len >= 64 || rtta_sample_parse(colon + 1, &number) < 0 ||
	    number > UINT16_MAX || (!bracketed && strcspn(text, ":[]") < len))
		return rtta_err_set(err, EX_USAGE,
		    "--listen: \"%s\" is not ADDRESS:PORT, such as 127.0.0.1:8080 or [::1]:0", text);
	memcpy(host, text + bracketed, len - 2 * bracketed);
	host[len - 2 * bracketed] = '\0';
	*port = (uint16_t)number;
	return 0;
}

/* FNV-1a: it tells versions apart, it keeps nobody out. */
char *
rtta_http_etag(char etag[RTTA_HTTP_ETAG_BYTES], const char *data, size_t bytes)
{
	uint64_t hash = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < bytes; i++)
		hash = (hash ^ (unsigned char)data[i]) * UINT64_C(1099511628211);
	snprintf(etag, RTTA_HTTP_ETAG_BYTES, "W/\"%016" PRIx64 "\"", hash);
	return etag;
}

bool
rtta_http_has(const char *none_match, const char *etag)
{
	/* Its quotes make it one of a list, or nothing. */
	return none_match != NULL && (strcmp(none_match, "*") == 0 ||
	    strstr(none_match, etag + strlen("W/")) != NULL);
}

bool
rtta_http_accepts_gzip(const char *encodings)
{
	while (encodings != NULL && *encodings != '\0') {
		size_t len, name;
		const char *q;

		encodings += strspn(encodings, ", \t");
		len = strcspn(encodings, ",");
		name = strcspn(encodings, "; \t,");
		q = memmem(encodings, len, "q=", 2);
		if (name == 4 && strncasecmp(encodings, "gzip", 4) == 0)
			return q == NULL || strtod(q + 2, NULL) > 0;
		encodings += len;
	}
	return false;
}

size_t
rtta_http_ws_head(unsigned char head[RTTA_HTTP_WS_HEAD_BYTES], size_t bytes)
{
	head[0] = 0x81;  /* final, text */
	if (bytes < 126) {
		head[1] = (unsigned char)bytes;
		return 2;
	}
	if (bytes <= UINT16_MAX) {
		head[1] = 126;
		head[2] = (unsigned char)(bytes >> 8);
		head[3] = (unsigned char)bytes;
		return 4;
	}
	head[1] = 127;
	for (int i = 0; i < 8; i++)
		head[2 + i] = (unsigned char)((uint64_t)bytes >> (56 - 8 * i));
	return 10;
}

size_t
rtta_http_sse_head(char head[RTTA_HTTP_SSE_FRAME_BYTES], uint64_t seq)
{
	char digits[20], *at = digits + sizeof(digits);
	size_t bytes;

	if (seq == 0) {
		strcpy(head, "data: ");
		return 6;
	}
	/* By hand: this is done for every record and reader. */
	do
		*--at = (char)('0' + seq % 10);
	while ((seq /= 10) != 0);
	bytes = (size_t)(digits + sizeof(digits) - at);
	strcpy(head, "id: ");
	memcpy(head + 4, at, bytes);
	strcpy(head + 4 + bytes, "\ndata: ");
	return 4 + bytes + 7;
}

/* What requests ask for, tokens, origins, framing. */
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "err.h"
#include "http.h"

static void
routes(void)
{
	static const struct {
		enum rtta_http_method method;
		const char *path;
		int status;
		enum rtta_http_route route;
		const char *session;
	} rows[] = {
		{ RTTA_HTTP_GET, "/", 0, RTTA_HTTP_PAGE, "" },
		{ RTTA_HTTP_HEAD, "/", 0, RTTA_HTTP_PAGE, "" },
		{ RTTA_HTTP_GET, "/s/a-B_9", 0, RTTA_HTTP_PAGE, "a-B_9" },
		{ RTTA_HTTP_GET, "/s/a/", 0, RTTA_HTTP_PAGE, "a" },
		{ RTTA_HTTP_GET, "/s/a/transcript.vtt", 0, RTTA_HTTP_TRANSCRIPT, "a" },
		{ RTTA_HTTP_GET, "/s/a/coverage", 0, RTTA_HTTP_COVERAGE, "a" },
		{ RTTA_HTTP_GET, "/s/a/transcript.doc", 404, 0, NULL },
		{ RTTA_HTTP_GET, "/s/a/b/c", 404, 0, NULL },
		{ RTTA_HTTP_GET, "/s/", 400, 0, NULL },
		{ RTTA_HTTP_GET, "/s/a.b", 400, 0, NULL },
		{ RTTA_HTTP_GET, "/s/a*", 400, 0, NULL },
		{ RTTA_HTTP_GET, "/s/a b", 400, 0, NULL },
		{ RTTA_HTTP_GET, "/page.css", 0, RTTA_HTTP_FILE, "" },
		{ RTTA_HTTP_GET, "/.ssh", 404, 0, NULL },
		{ RTTA_HTTP_GET, "/a/b", 404, 0, NULL },
		{ RTTA_HTTP_GET, "//", 404, 0, NULL },
		{ RTTA_HTTP_GET, "", 404, 0, NULL },
		{ RTTA_HTTP_GET, "/level", 0, RTTA_HTTP_LEVEL, "" },
		{ RTTA_HTTP_GET, "/qr.svg", 0, RTTA_HTTP_QR, "" },
		{ RTTA_HTTP_POST, "/session/start", 0, RTTA_HTTP_START, "" },
		{ RTTA_HTTP_GET, "/session/stop", 405, 0, NULL },
		{ RTTA_HTTP_POST, "/session/off-record", 0, RTTA_HTTP_OFF_RECORD, "" },
		{ RTTA_HTTP_GET, "/session/on-record", 405, 0, NULL },
		{ RTTA_HTTP_POST, "/sessions", 405, 0, NULL },
		{ RTTA_HTTP_POST, "/page.css", 405, 0, NULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rtta_http_request request;
		const char *why = NULL;
		int status = rtta_http_route(&request, rows[i].method, rows[i].path, &why);

		CHECK_INT(status, rows[i].status);
		CHECK((status == 0) == (why == NULL));
		if (status != 0 || rows[i].status != 0)
			continue;
		CHECK_INT(request.route, rows[i].route);
		CHECK_STR(request.session, rows[i].session);
	}
}

static void
arguments(void)
{
	struct rtta_http_request request;
	const char *why = NULL;
	char long_id[80];

	CHECK_INT(rtta_http_route(&request, RTTA_HTTP_GET, "/events", &why), 0);
	CHECK_INT(rtta_http_argument(&request, "session=current", &why), 0);
	CHECK_STR(request.session, "");
	CHECK_INT(rtta_http_argument(&request, "session=x-1", &why), 0);
	CHECK_STR(request.session, "x-1");
	CHECK_INT(rtta_http_argument(&request, "after=42", &why), 0);
	CHECK_INT(request.after, 42);
	CHECK_INT(rtta_http_argument(&request, "follow=1", &why), 0);
	CHECK(request.follow);
	CHECK_INT(rtta_http_argument(&request, "unknown=1", &why), 0);
	CHECK_INT(rtta_http_argument(&request, "session", &why), 0);
	CHECK_INT(rtta_http_argument(&request, "after=", &why), 400);
	CHECK_INT(rtta_http_argument(&request, "after=1x", &why), 400);
	CHECK_INT(rtta_http_argument(&request, "session=a>", &why), 400);
	snprintf(long_id, sizeof(long_id), "session=%065d", 0);
	CHECK_INT(rtta_http_argument(&request, long_id, &why), 400);
	CHECK_INT(rtta_http_length("65536"), 65536);
	CHECK_INT(rtta_http_length("65537"), -1);
	CHECK_INT(rtta_http_length("-1"), -1);
	CHECK_INT(rtta_http_length("5, 6"), -1);
	CHECK_INT(rtta_http_length("0x10"), -1);
}

static void
who_may(void)
{
	char token[RTTA_HTTP_TOKEN_MAX_BYTES];

	CHECK(rtta_http_token_equal("abcdefgh", "abcdefgh"));
	CHECK(!rtta_http_token_equal("abcdefg", "abcdefgh"));
	CHECK(!rtta_http_token_equal("abcdefghabcdefgh", "abcdefgh"));
	CHECK(!rtta_http_token_equal("", "abcdefgh"));
	CHECK(!rtta_http_token_equal("", ""));
	CHECK_STR(rtta_http_bearer("bearer  x"), "x");
	CHECK(rtta_http_bearer("Basic x") == NULL);
	CHECK_INT(rtta_http_cookie("a=b; rtta_token=secret; c=d", "rtta_token", token), 0);
	CHECK_STR(token, "secret");
	CHECK_INT(rtta_http_cookie("xrtta_token=secret", "rtta_token", token), -1);
	CHECK_INT(rtta_http_cookie("rtta_token", "rtta_token", token), -1);
	CHECK_INT(rtta_http_cookie(";;; ;", "rtta_token", token), -1);

	CHECK(rtta_http_origin_ok(NULL, "host"));
	CHECK(rtta_http_origin_ok("http://Host:80", "host:80"));
	CHECK(rtta_http_origin_ok("https://host", "host"));
	CHECK(!rtta_http_origin_ok("http://host.evil", "host"));
	CHECK(!rtta_http_origin_ok("null", "null"));
	CHECK(!rtta_http_origin_ok("http://", ""));
	CHECK(!rtta_http_origin_ok("http://host", NULL));

	CHECK(rtta_http_host_loopback("localhost:80"));
	CHECK(rtta_http_host_loopback("127.8.9.1"));
	CHECK(rtta_http_host_loopback("[::1]:1"));
	CHECK(!rtta_http_host_loopback("[::1].evil"));
	CHECK(!rtta_http_host_loopback("127.0.0.1.evil"));
	CHECK(!rtta_http_host_loopback("localhost.evil:80"));
	CHECK(!rtta_http_host_loopback(""));
}

static void
listening(void)
{
	static const struct {
		const char *text, *host;
		int port;
	} rows[] = {
		{ "127.0.0.1:8080", "127.0.0.1", 8080 },
		{ "[::1]:0", "::1", 0 },
		{ "council.local:65535", "council.local", 65535 },
		{ "::1:80", NULL, 0 },
		{ "[]:80", NULL, 0 },
		{ ":80", NULL, 0 },
		{ "host", NULL, 0 },
		{ "host:", NULL, 0 },
		{ "host:65536", NULL, 0 },
		{ "host:-1", NULL, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rtta_err err = {0};
		char host[64] = "";
		uint16_t port = 0;

		CHECK_INT(rtta_http_listen_parse(rows[i].text, host, &port, &err),
		    rows[i].host == NULL ? -1 : 0);
		if (rows[i].host == NULL)
			continue;
		CHECK_STR(host, rows[i].host);
		CHECK_INT(port, rows[i].port);
	}
}

static void
token_file(const char *text, int want)
{
	char name[] = "/tmp/rtta-http.XXXXXX", token[RTTA_HTTP_TOKEN_MAX_BYTES] = "";
	struct rtta_err err = {0};
	int fd = mkstemp(name);

	CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
	CHECK_INT(rtta_http_token_load(name, token, &err), want);
	CHECK_INT(err.exit_code, want == 0 ? 0 : EX_CONFIG);
	unlink(name);
}

static void
caching(void)
{
	static const struct {
		const char *encodings;
		bool wants;
	} rows[] = {
		{ NULL, false }, { "", false }, { "gzip", true }, { "deflate, gzip;q=0.5, br", true },
		{ "br,GZIP", true }, { "gzip;q=0", false }, { "gzip; q=0.0, br", false },
		{ "x-gzip", false }, { "gzipped", false }, { "identity;q=1", false }, { ",,;", false },
		{ "br;q=0, gzip", true },
	};
	char etag[RTTA_HTTP_ETAG_BYTES], other[RTTA_HTTP_ETAG_BYTES];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		CHECK_INT(rtta_http_accepts_gzip(rows[i].encodings), rows[i].wants);
	CHECK_STR(rtta_http_etag(etag, "a", 1), "W/\"af63dc4c8601ec8c\"");
	rtta_http_etag(other, "b", 1);
	CHECK(strcmp(etag, other) != 0);
	CHECK(rtta_http_has(etag, etag));
	CHECK(rtta_http_has("\"x\", \"af63dc4c8601ec8c\"", etag));
	CHECK(rtta_http_has("*", etag));
	CHECK(!rtta_http_has(NULL, etag));
	CHECK(!rtta_http_has(other, etag));
	CHECK(!rtta_http_has("af63dc4c8601ec8c", etag));
}

static void
framing(void)
{
	unsigned char head[RTTA_HTTP_WS_HEAD_BYTES];
	char sse[RTTA_HTTP_SSE_FRAME_BYTES];
	size_t length;

	CHECK_INT(rtta_http_ws_head(head, 125), 2);
	CHECK_INT(head[0], 0x81);
	CHECK_INT(head[1], 125);
	CHECK_INT(rtta_http_ws_head(head, 65535), 4);
	CHECK(head[1] == 126 && head[2] == 255 && head[3] == 255);
	CHECK_INT(rtta_http_ws_head(head, 65536), 10);
	CHECK(head[1] == 127 && head[7] == 1 && head[8] == 0 && head[9] == 0);
	length = rtta_http_sse_head(sse, UINT64_MAX);
	CHECK_STR(sse, "id: 18446744073709551615\ndata: ");
	CHECK_INT(length, strlen(sse));
	rtta_http_sse_head(sse, 0);
	CHECK_STR(sse, "data: ");
}

int
main(void)
{
	routes();
	arguments();
	who_may();
	listening();
	token_file("a-good-token\n", 0);
	token_file("a-good-token", 0);
	token_file("short\n", -1);
	token_file("has a blank in it\n", -1);
	token_file("has;a;semicolon\n", -1);
	token_file("", -1);
	caching();
	framing();
	return check_result();
}

/* Any bytes as a request's path, arguments, cookie, Origin and Host. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rtta_http_request request;
	char token[RTTA_HTTP_TOKEN_MAX_BYTES], *text, *rest;
	char etag[RTTA_HTTP_ETAG_BYTES];
	const char *why = NULL;

	if (size < 1)
		return 0;
	text = calloc(1, size);
	memcpy(text, data + 1, size - 1);
	rest = text + strcspn(text, "?");
	if (*rest != '\0')
		*rest++ = '\0';
	if (rtta_http_route(&request, data[0] % 3, text, &why) == 0) {
		assert(request.session[0] == '\0' || rtta_session_id_valid(request.session));
		assert(strchr(request.file, '/') == NULL && request.file[0] != '.');
		if (rtta_http_argument(&request, rest, &why) == 0)
			assert(request.session[0] == '\0' || rtta_session_id_valid(request.session));
	}
	rtta_http_cookie(rest, "rtta_token", token);
	rtta_http_origin_ok(text, rest);
	rtta_http_host_loopback(text);
	rtta_http_token_equal(text, rest);
	rtta_http_accepts_gzip(rest);
	assert(!rtta_http_has("", rtta_http_etag(etag, text, strlen(text))));
	rtta_http_has(rest, etag);
	free(text);
	return 0;
}

#include <string.h>
#include <strings.h>

#include "clock.h"
#include "err.h"
#include "headers.h"
#include "position.h"
#include "session.h"

struct rtta_headers
rtta_headers_of(natsMsg *msg, struct rtta_err *err)
{
	struct rtta_headers in = { .msg = msg, .err = err };

	in.has_meta = rtta_meta_read(msg, &in.meta) == 0;
	if (!in.has_meta)
		in.meta = (struct rtta_meta){0};
	return in;
}

int
rtta_headers_broken(const struct rtta_headers *in, const char *name, const char *why)
{
	const char *value = rtta_header(in->msg, name);

	return rtta_err_set(in->err, EX_DATAERR, "%s %llu: %s: %s%s%.40s%s",
	    natsMsg_GetSubject(in->msg), (unsigned long long)in->meta.stream_seq,
	    name, why, value ? " \"" : "", value ? value : "", value ? "\"" : "");
}

int
rtta_headers_session(const struct rtta_headers *in, const char *prefix, char *id)
{
	const char *subject = natsMsg_GetSubject(in->msg);
	size_t len = strlen(prefix);

	if (strncmp(subject, prefix, len) != 0)
		return 0;
	if (!rtta_session_id_valid(subject + len))
		return rtta_headers_broken(in, "subject", "no session id");
	strcpy(id, subject + len);
	return 1;
}

int
rtta_headers_number(const struct rtta_headers *in, const char *name, uint64_t min,
    uint64_t max, uint64_t *value)
{
	const char *text = rtta_header(in->msg, name);
	uint64_t number;

	if (text == NULL)
		return 0;
	if (rtta_sample_parse(text, &number) < 0 || number < min || number > max)
		return rtta_headers_broken(in, name, "no number in its range");
	*value = number;
	return 0;
}

int
rtta_headers_run(const struct rtta_headers *in, uint64_t *run)
{
	const char *text = rtta_header(in->msg, "run");

	if (text == NULL || rtta_run_parse(text, run) < 0)
		return rtta_headers_broken(in, "run", "not 16 lowercase hex digits");
	return 0;
}

int
rtta_headers_time(const struct rtta_headers *in, const char *name, int64_t *real_ns)
{
	const char *text = rtta_header(in->msg, name);

	if (text == NULL)
		return 0;
	if (rtta_clock_parse(text, real_ns) < 0)
		return rtta_headers_broken(in, name, "no RFC 3339 time");
	return 1;
}

int
rtta_headers_bool(const struct rtta_headers *in, const char *name, bool *value)
{
	const char *text = rtta_header(in->msg, name);

	if (text == NULL)
		return 0;
	if (strcasecmp(text, "true") != 0 && strcasecmp(text, "false") != 0)
		return rtta_headers_broken(in, name, "neither true nor false");
	*value = strcasecmp(text, "true") == 0;
	return 1;
}

#include <libwebsockets.h>
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "book.h"
#include "channels.h"
#include "clock.h"
#include "err.h"
#include "json.h"
#include "log.h"
#include "mem.h"
#include "session.h"

enum {
	ASK_MS = 3000,
	AGAIN_MS = 500,              /* after no answer */
	NO_MESSAGE = 10037,
	NO_STREAM = 10059,
	VALUE_MAX_BYTES = 65536
};

struct rtta_channels {
	struct rtta_books *books;
	struct rtta_api *api;
	struct rtta_log_damper damper;
	bool asked;
	int64_t again_ms;            /* nothing is asked before */
};

struct rtta_channels *
rtta_channels_new(struct rtta_bus *bus, struct rtta_books *books)
{
	struct rtta_channels *channels = rtta_xcalloc(1, sizeof(*channels));

	channels->books = books;
	channels->api = rtta_api_new(bus);
	return channels;
}

void
rtta_channels_free(struct rtta_channels *channels)
{
	if (channels == NULL)
		return;
	rtta_api_free(channels->api);
	free(channels);
}

bool
rtta_channels_known(struct rtta_channels *channels, const char *session)
{
	struct rtta_book *book = rtta_books_get(channels->books, session);
	char subject[40 + RTTA_SESSION_ID_BYTES];

	if (book->told || channels->asked || rtta_clock_mono_ms() < channels->again_ms)
		return book->told;
	snprintf(subject, sizeof(subject), "$KV.system_state.session.%s", book->session);
	/* Of the leader, not of any mirror: those may be late, too. */
	rtta_api_ask(channels->api, "STREAM.MSG.GET.KV_system_state",
	    JV_OBJECT(jv_string("last_by_subj"), jv_string(subject)), ASK_MS, book);
	channels->asked = true;
	return false;
}

/* The value in {"message": {"data": "<base64>"}}; invalid: there is none, as
 * the key was removed. */
static jv
value_in(jv answer, struct rtta_err *err)
{
	jv message = jv_object_get(jv_copy(answer), jv_string("message"));
	char *base64 = NULL, *text = NULL;
	jv value = jv_invalid();
	int bytes;

	if (jv_get_kind(message) == JV_KIND_OBJECT &&
	    rtta_json_string("session", message, "data", &base64, err) == 0 && base64 != NULL) {
		text = rtta_xcalloc(1, strlen(base64) + 1);
		bytes = lws_b64_decode_string(base64, text, (int)strlen(base64) + 1);
		value = rtta_json_object("session", text, bytes > 0 ? (size_t)bytes : 0,
		    VALUE_MAX_BYTES, err);
	}
	free(text);
	free(base64);
	jv_free(message);
	return value;
}

static void
tell(struct rtta_channels *channels, struct rtta_book *book, jv answer)
{
	struct rtta_session_info info = {0};
	struct rtta_err err = {0};
	jv value = value_in(answer, &err);

	if (jv_is_valid(value))
		rtta_session_info_decode(&info, value, &err);
	jv_free(value);
	if (err.exit_code != 0)
		rtta_log_warn_damped(&channels->damper, "%s: %s: its channels are mixed",
		    book->session, err.text);
	rtta_book_tell(book, err.exit_code == 0 && info.split ? info.channels : 0);
}

int
rtta_channels_tick(struct rtta_channels *channels)
{
	int64_t now_ms = rtta_clock_mono_ms();
	struct rtta_answer answer;

	while (rtta_api_next(channels->api, &answer)) {
		channels->asked = false;
		if (answer.error == 0) {
			tell(channels, answer.tag, answer.body);
		} else if (answer.error == NO_MESSAGE || answer.error == NO_STREAM) {
			/* Sound of another maker. */
			rtta_book_tell(answer.tag, 0);
		} else {
			channels->again_ms = now_ms + AGAIN_MS;
			rtta_log_warn_damped(&channels->damper, "read session.%s: %s",
			    ((struct rtta_book *)answer.tag)->session, answer.text);
		}
		jv_free(answer.body);
	}
	if (channels->asked)
		return rtta_api_wait_ms(channels->api);
	return channels->again_ms > now_ms ? (int)(channels->again_ms - now_ms) : -1;
}

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "err.h"
#include "json.h"

void
rtta_engine_event_init(struct rtta_engine_event *event)
{
	*event = (struct rtta_engine_event){
		.start_s = NAN, .end_s = NAN, .channel = -1, .confidence = NAN,
		.words = jv_invalid()
	};
}

void
rtta_engine_event_done(struct rtta_engine_event *event)
{
	free(event->text);
	free(event->speaker);
	free(event->language);
	jv_free(event->words);
	rtta_engine_event_init(event);
}

static int
decode_kind(struct rtta_engine_event *event, const char *what, jv object, struct rtta_err *err)
{
	static const char *const names[] = {
		[RTTA_ENGINE_TEXT] = "text",
		[RTTA_ENGINE_DELTA] = "delta",
		[RTTA_ENGINE_UTTERANCE_END] = "utterance_end",
		[RTTA_ENGINE_SPEECH] = "speech",
		[RTTA_ENGINE_READY] = "ready",
		[RTTA_ENGINE_DONE] = "done",
		[RTTA_ENGINE_ERROR] = "error",
	};
	char *name = NULL;
	int rc;

	if (rtta_json_string(what, object, "event", &name, err) < 0)
		return -1;
	for (size_t i = 0; name != NULL && i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0) {
			event->kind = (enum rtta_engine_kind)i;
			free(name);
			return 0;
		}
	rc = rtta_err_set(err, EX_DATAERR, "%s: event: \"%.40s\" is none", what,
	    name != NULL ? name : "");
	free(name);
	return rc;
}

int
rtta_engine_event_decode(struct rtta_engine_event *event, const char *what, jv object,
    struct rtta_err *err)
{
	int64_t channel = -1;
	jv words;

	rtta_engine_event_init(event);
	if (decode_kind(event, what, object, err) < 0 ||
	    rtta_json_double(what, object, "start", &event->start_s, err) < 0 ||
	    rtta_json_double(what, object, "end", &event->end_s, err) < 0 ||
	    rtta_json_bool(what, object, "is_final", &event->is_final, err) < 0 ||
	    rtta_json_string(what, object, "text", &event->text, err) < 0 ||
	    rtta_json_int(what, object, "channel", 0, 255, &channel, err) < 0 ||
	    rtta_json_string(what, object, "speaker", &event->speaker, err) < 0 ||
	    rtta_json_double(what, object, "confidence", &event->confidence, err) < 0 ||
	    rtta_json_string(what, object, "language", &event->language, err) < 0) {
		rtta_engine_event_done(event);
		return -1;
	}
	event->channel = (int)channel;
	words = jv_object_get(jv_copy(object), jv_string("words"));
	if (jv_get_kind(words) == JV_KIND_ARRAY) {
		event->words = words;
		return 0;
	}
	jv_free(words);
	return 0;
}

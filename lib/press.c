#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "conn.h"
#include "err.h"
#include "json.h"
#include "log.h"
#include "mem.h"
#include "press.h"
#include "room.h"

enum { BUTTON_JSON_MAX_BYTES = 4096 };

int
rtta_press_body(struct rtta_conn *conn, const void *data, size_t bytes)
{
	if (conn->kind != RTTA_CONN_BODY)
		return 0;
	if (conn->body_bytes + bytes > RTTA_HTTP_BODY_MAX_BYTES)
		return -1;
	if (conn->body == NULL)
		conn->body = rtta_xcalloc(1, RTTA_HTTP_BODY_MAX_BYTES);
	memcpy(conn->body + conn->body_bytes, data, bytes);
	conn->body_bytes += bytes;
	return 0;
}

static uint64_t
press_start(struct rtta_conn *conn, jv body, struct rtta_room_refusal *refusal, struct rtta_err *err)
{
	int64_t preroll_s = RTTA_SESSION_PREROLL_S;
	char *title = NULL;
	uint64_t number = 0;

	if (rtta_json_string("body", body, "title", &title, err) == 0 &&
	    rtta_json_int("body", body, "preroll_s", 0, RTTA_SESSION_PREROLL_MAX_S, &preroll_s,
	    err) == 0)
		number = rtta_room_start(conn->site->room, title, preroll_s, conn->id, refusal);
	free(title);
	return number;
}

static uint64_t
press_stop(struct rtta_conn *conn, jv body, struct rtta_room_refusal *refusal, struct rtta_err *err)
{
	char *id = NULL;
	uint64_t number = 0;

	if (rtta_json_string("body", body, "session", &id, err) < 0)
		return 0;
	if (id == NULL || !rtta_session_id_valid(id)) {
		rtta_err_set(err, EX_DATAERR, "body: session: name the session that stops");
	} else {
		strcpy(conn->id, id);
		number = rtta_room_stop(conn->site->room, id, refusal);
	}
	free(id);
	return number;
}

static uint64_t
press(struct rtta_conn *conn, jv body, struct rtta_room_refusal *refusal, struct rtta_err *err)
{
	switch (conn->request.route) {
	case RTTA_HTTP_START:
		return press_start(conn, body, refusal, err);
	case RTTA_HTTP_STOP:
		return press_stop(conn, body, refusal, err);
	default:
		conn->id[0] = '\0';
		return rtta_room_off_record(conn->site->room,
		    conn->request.route == RTTA_HTTP_OFF_RECORD, refusal);
	}
}

static jv
pressed_json(const struct rtta_conn *conn)
{
	if (conn->id[0] != '\0')
		return JV_OBJECT(jv_string("session"), jv_string(conn->id));
	return JV_OBJECT(jv_string("off_record"),
	    jv_bool(conn->request.route == RTTA_HTTP_OFF_RECORD));
}

static void
log_pressed(const struct rtta_conn *conn)
{
	if (conn->id[0] != '\0')
		rtta_log_info("session %s: %s", conn->id,
		    conn->request.route == RTTA_HTTP_START ? "start pressed" : "stop pressed");
	else
		rtta_log_info("%s the record pressed",
		    conn->request.route == RTTA_HTTP_OFF_RECORD ? "off" : "on");
}

int
rtta_press_end(struct rtta_conn *conn)
{
	struct rtta_room_refusal refusal = {0};
	struct rtta_err err = {0};
	jv body;

	if (conn->kind != RTTA_CONN_BODY)
		return 0;
	body = rtta_json_object("body", conn->body_bytes == 0 ? "{}" : conn->body,
	    conn->body_bytes == 0 ? 2 : conn->body_bytes, BUTTON_JSON_MAX_BYTES, &err);
	if (jv_is_valid(body))
		conn->number = press(conn, body, &refusal, &err);
	jv_free(body);
	if (err.exit_code != 0)
		return rtta_conn_refuse(conn, 400, err.text);
	if (refusal.status == 200)
		return rtta_conn_reply_json(conn, 200, pressed_json(conn));
	if (conn->number == 0)
		return rtta_conn_refuse(conn, refusal.status, refusal.why);
	rtta_conn_wait(conn, RTTA_CONN_OUTCOME);
	return 0;
}

int
rtta_press_outcome(struct rtta_conn *conn)
{
	int outcome = rtta_room_outcome(conn->site->room, conn->number);

	if (outcome > 0) {
		log_pressed(conn);
		return rtta_conn_reply_json(conn, 200, pressed_json(conn));
	}
	if (outcome < 0)
		return rtta_conn_refuse(conn, 409, "somebody else pressed a button at the same time");
	if (rtta_clock_mono_ms() >= conn->deadline_ms)
		return rtta_conn_refuse(conn, 503, "the bus does not answer; it may happen yet");
	return 0;
}

/* Who lives, who has gone, and since when. */
#include "check.h"
#include "health.h"

static const int64_t S = 1000000000;

static bool
beat(struct rtta_health *health, const char *json, int64_t now_ms)
{
	return rtta_health_beat(health, jv_parse(json), now_ms, now_ms * 1000000);
}

static void
check_field(const struct rtta_health *health, int i, const char *key, const char *want)
{
	jv value = jv_object_get(jv_array_get(rtta_health_json(health, false), i), jv_string(key));

	CHECK_STR(jv_get_kind(value) == JV_KIND_STRING ? jv_string_value(value) : NULL, want);
	jv_free(value);
}

int
main(void)
{
	static const char live[] = "{\"tool\":\"rtta-stt\",\"instance\":\"a\",\"state\":\"ok\","
	    "\"counters\":{\"lane\":\"live\",\"lag_s\":1}}";
	struct rtta_health *health = rtta_health_new();
	char text[160];

	CHECK(!rtta_health_alive(health, "rtta-stt", NULL));
	CHECK(beat(health, live, 1000));
	CHECK(!beat(health, live, 6000));
	CHECK(rtta_health_alive(health, "rtta-stt", "live"));
	CHECK(!rtta_health_alive(health, "rtta-stt", "backfill"));
	check_field(health, 0, "since", "1970-01-01T00:00:01.000000Z");

	/* Another state is news, and so is another reason. */
	CHECK(beat(health, "{\"tool\":\"rtta-route\",\"instance\":\"a\",\"state\":\"degraded\","
	    "\"reason\":\"zero\",\"counters\":{\"mic\":\"zero\",\"frames\":9}}", 6000));
	check_field(health, 1, "reason", "zero");

	/* Who waits for another of its name stands beside it, and then nowhere. */
	CHECK(beat(health, "{\"tool\":\"rtta-route\",\"instance\":\"a\",\"state\":\"waiting\"}", 5000));
	check_field(health, 1, "state", "degraded");
	check_field(health, 2, "state", "waiting");
	CHECK(rtta_health_tick(health, 20001, 20 * S));
	CHECK_INT(jv_array_length(rtta_health_json(health, true)), 2);

	/* What fails is told as long as it is heard. */
	CHECK(jv_equal(rtta_health_failures(health, jv_array()), jv_array()));
	CHECK(beat(health, "{\"tool\":\"rtta-route\",\"instance\":\"a\",\"state\":\"failing\","
	    "\"reason\":\"no room\"}", 6000));
	CHECK(jv_equal(rtta_health_failures(health, jv_array()),
	    jv_array_append(jv_array(), jv_string("rtta-route: no room"))));

	/* Three missed: gone, since the last one. */
	CHECK(!rtta_health_tick(health, 21000, 21 * S));
	CHECK(rtta_health_tick(health, 21001, 21 * S));
	CHECK(!rtta_health_tick(health, 22000, 22 * S));
	CHECK(!rtta_health_alive(health, "rtta-stt", "live"));
	check_field(health, 0, "state", "gone");
	CHECK(jv_equal(rtta_health_failures(health, jv_array()), jv_array()));
	CHECK(beat(health, live, 23000));
	CHECK(rtta_health_alive(health, "rtta-stt", NULL));

	/* Forgotten after an hour; what is no heartbeat changes nothing. */
	CHECK(beat(health, live, 3608000 + 6000) == false);
	CHECK(rtta_health_tick(health, 3608000 + 6000, 0));
	CHECK(!rtta_health_alive(health, "rtta-route", NULL));
	CHECK(!beat(health, "[1]", 1));
	CHECK(!beat(health, "{\"tool\":7}", 1));
	CHECK(!beat(health, "{}", 1));

	/* Bounded. */
	for (int i = 0; i < 2 * RTTA_HEALTH_TOOLS_MAX; i++) {
		snprintf(text, sizeof(text), "{\"tool\":\"t%d\",\"state\":\"ok\"}", i);
		beat(health, text, 3614000);
	}
	CHECK_INT(jv_array_length(rtta_health_json(health, true)), RTTA_HEALTH_TOOLS_MAX);
	rtta_health_free(health);
	return check_result();
}

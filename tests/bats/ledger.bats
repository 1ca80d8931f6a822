# One session with text, silence, gaps of several reasons, a change of run and
# sound that is still to come: whoever shows its ledger shows the same.
load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	PATH=$BATS_TEST_DIRNAME/../tools:$PATH
	start_nats
	rtta-streams --quiet init >/dev/null
}

# record RUN FIRST LAST LANE TYPE [REASON]: its seconds follow from its samples
record() {
	jq -nc --arg run "00000000000000$1" --argjson first "$2" --argjson last "$3" --arg lane "$4" \
		--arg type "$5" --arg reason "${6:-}" '
		def clock: (1767607200 + . / 16000) | (floor | todate | rtrimstr("Z")) + ".000000Z";
		{subject: "transcript.raw.s1", data: (if $type == "text" then "Something." else "" end),
		headers: {timestamp: ($first | clock), end: ($last | clock), type: $type, lane: $lane,
		run: $run, first: "\($first)", last: "\($last)", rev: "1", reason: $reason}}'
}
key() { jq -nc --arg k "\$KV.system_state.$1" --argjson v "$2" '{subject: $k, data: $v}'; }
place() { echo "{\"run\": \"00000000000000$1\", \"sample\": $2}"; }

# Run a: 10 s before the cut, 20 s and one sample behind it; then 3 s of
# nothing; then run b with 10 s less one sample.
session() {
	key session_config '{"session_id": "s1", "status": "IDLE"}'
	key session.s1 '{"started_us": 1767607210000000, "preroll_s": 12}'
	key run.s1.0 '{"run": "00000000000000aa", "first": 0, "first_us": 1767607200000000, "rate_hz": 16000}'
	key cut.s1 "{\"at\": $(place aa 160000), \"at_us\": 1767607210000000, \"first\": $(place aa 0), \"last\": $(place aa 159680)}"
	key run.s1.1 '{"run": "00000000000000bb", "first": 0, "first_us": 1767607233000000, "prev_next": 480001,
		"prev_us": 1767607230000000, "rate_hz": 16000}'
	key flush.s1 '{"copied_samples": 160000, "holes": 0, "short_s": 2}'
	key end.s1 "{\"at\": $(place bb 159999), \"at_us\": 1767607243000000}"
	record aa 0 100000 backfill text
	record aa 100000 158000 backfill silence
	# crosses the cut: a sample counts where it lies
	record aa 158000 160001 backfill gap "no longer in the pre-roll buffer"
	record aa 160001 240000 live text
	record aa 240000 256000 backfill text
	record aa 256000 256007 live gap "samples lost by the sound card"
	record aa 256007 300000 live silence
	record aa 300000 340000 backfill gap "off the record"
	record aa 340000 400001 backfill gap "what somebody else says"
	record bb 0 80000 live text
}

@test "export, session, page, coverage and metrics agree to the sample, lane by lane and reason by reason" {
	session | nats-pub >/dev/null
	run -1 rtta-export --quiet --coverage --json s1
	echo "$output" | jq -S 'del(.session)' >want
	[ "$(jq -c '[.captured_s, .text_s, .silence_s, .gap_s, .pending_s, .late_s, .preroll_s, .short_s, .overlap_s, .closed]' want)" = \
		"[43,17.2499375,6.3745625,6.3755625,12.9999375,1,10,2,0,false]" ]
	[ "$(jq -c '.gaps' want)" = '{"no longer in the pre-roll buffer":0.1250625,"off the record":2.5,"other":3.7500625,"samples lost by the sound card":0.0004375}' ]
	# live: 80000 samples of run a and 79999 of b, and the 3 s between
	[ "$(jq -c '.lanes.live | [.captured_s, .text_s, .silence_s, .gap_s, .pending_s]' want)" = "[33,10.9999375,2.7495625,6.2505625,12.9999375]" ]
	[ "$(jq -c '.lanes.backfill | [.captured_s, .gap_s, .gaps[]]' want)" = '[10,0.125,0.125]' ]
	rtta-session --listen 0 status | jq -S .ledger | diff want -
	rtta-export --quiet --coverage s1 >table || [ $? -eq 1 ]
	for kind in captured text silence gap pending late short overlap; do
		[ "$(awk -v k=$kind '$1 == k { printf "%.7f", $2 }' table)" = "$(jq -r ".${kind}_s" want | awk '{ printf "%.7f", $1 }')" ]
	done
	grep -q '^missing *2\.5000000 s off the record$' table

	background serve rtta-serve --listen 127.0.0.1:0 --port-file port
	wait_for 20 test -s port
	page=http://127.0.0.1:$(cat port)
	curl -sS --max-time 20 "$page/s/s1/coverage" | jq -S . | diff want -
	curl -sS --max-time 20 "$page/sessions" | jq -S '.[0].ledger' | diff want -
	# what the page's state line is made from
	ws "$page/ws?session=s1" '"event":"live"' | jq -cS 'select(.event == "state").ledger' | tail -n 1 | jq -S . | diff want -
	page_text "$page/s/s1" "document.getElementById('state').innerText.includes('13 seconds are still to come')" >text
	curl -sS --max-time 20 "$page/metrics" >metrics
	for lane in live backfill; do
		for kind in captured text silence pending; do
			grep -Fx "rtta_session_${kind}_seconds{session=\"s1\",lane=\"$lane\"} $(jq ".lanes.$lane.${kind}_s" want | awk '{ printf "%.7f", $1 }')" metrics
		done
	done
	jq -r '.lanes | to_entries[] | .key as $lane | .value.gaps | to_entries[] | "\($lane) \(.value) \(.key)"' want |
		while read -r lane seconds reason; do
			grep -Fx "rtta_session_gap_seconds{session=\"s1\",lane=\"$lane\",reason=\"$reason\"} $(awk -v s="$seconds" 'BEGIN { printf "%.7f", s }')" metrics
		done
	grep -Fx 'rtta_session_late_seconds{session="s1"} 1.0000000' metrics

	# what was to come has come: closed everywhere
	{
		record aa 400001 480001 backfill text
		record bb 0 0 backfill gap "microphone unplugged" | jq -c '.headers.timestamp = "2026-01-05T10:00:30.000000Z" | .headers.end = "2026-01-05T10:00:33.000000Z"'
		record bb 80000 159999 live silence
	} | nats-pub >/dev/null
	run -0 rtta-export --quiet --coverage --json s1
	echo "$output" | jq -S 'del(.session)' >want
	[ "$(jq -c '[.captured_s, .pending_s, .late_s, .gaps["microphone unplugged"], .closed]' want)" = '[43,0,6,3,true]' ]
	covers() { curl -sS --max-time 20 "$page/s/s1/coverage" | jq -S . | diff want -; }
	wait_for 20 covers
}

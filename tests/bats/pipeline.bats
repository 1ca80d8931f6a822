# Several tools at once.  Where every sample has to be accounted for, the
# sound spells its own number and the engine is one that hears numbers; the
# real engine and the real browser are in demo.bats.
load helper

# start_appliance [OPTION...]: the whole, with route reading the FIFO "frames", which the test
# holds open (fd 9) as systemd would; the options are route's
start_appliance() {
	start_nats
	rtta-streams --quiet init
	mkfifo frames
	exec 9<>frames
	background route rtta-route --state-dir . --runtime-dir . "$@" <frames
	background flush rtta-flush
	start_lane live
	start_lane backfill
}
start_lane() {
	background "stt-$1" rtta-stt --lane "$1" --exec "numbered hear --final 10 --words"
}
preroll_holds() { [ "$(rtta-streams status --listen 0 --json | jq .streams.PRE_BUFFER.messages)" -ge "$1" ]; }
heard() { rtta-export --format jsonl "$session" | jq -r 'select(.type == "text").text'; }
heard_at_least() { [ "$(heard | wc -w)" -ge "$1" ]; }
complete() { rtta-export --coverage "$session"; }
ledger() { rtta-export --coverage --json "$session" | jq "$1"; }
start_session() { session=$(rtta-session start); }
# publish SUBJECT PAYLOAD: as any NATS client may
publish() {
	local host=${RTTA_NATS_URL#nats://}
	exec 8<>"/dev/tcp/${host%:*}/${host##*:}"
	printf 'CONNECT {"verbose":false}\r\nPUB %s %d\r\n%s\r\nPING\r\n' "$1" "${#2}" "$2" >&8
	wait_for 5 grep -q PONG <(timeout 2 head -n 2 <&8)
	exec 8>&-
}

@test "invariants 1 and 3: what was said before start and after it: every frame once, in order" {
	start_appliance
	numbered gen --frames 100 >frames
	wait_for 20 preroll_holds 100
	start_session
	numbered gen --start 100 --frames 100 >frames
	wait_for 20 heard_at_least 100
	rtta-session stop
	numbered gen --start 200 --frames 1 --zero 200-200 >frames
	wait_for 60 complete
	heard | numbered check 0 199
	[ "$(ledger .gap_s)" = 0 ]
	[ "$(ledger .overlap_s)" = 0 ]
}

@test "invariants 1 to 5: kill -9 of every reader and of the server, in turn, while sound comes: every frame once" {
	start_appliance
	numbered gen --frames 100 >frames
	wait_for 20 preroll_holds 100
	start_session
	background gen bash -c 'exec numbered gen --pace --start 100 --frames 800 >frames'
	wait_for 20 heard_at_least 50
	for lane in live backfill; do
		stop "stt-$lane" KILL
		start_lane "$lane"
	done
	stop flush KILL
	background flush rtta-flush
	n=$(heard | wc -w)
	wait_for 40 heard_at_least $((n + 50))
	stop nats KILL
	restart_nats
	n=$(heard | wc -w)
	wait_for 40 heard_at_least $((n + 50))
	stop route TERM
	background route rtta-route --state-dir . --runtime-dir . <frames
	wait_for 60 gone gen
	rtta-session stop
	numbered gen --start 900 --frames 1 --zero 900-900 >frames
	wait_for 90 complete
	heard | numbered check 0 899
	[ "$(ledger .gap_s)" = 0 ]
	[ "$(ledger .overlap_s)" = 0 ]
}

@test "two channels kept apart, before start and after it, with kill -9 of both lanes: each frame of each once" {
	two() { numbered gen --channels 2 --apart 10000 "$@"; }
	of() { rtta-export --format jsonl "$session" | jq -r "select(.type == \"text\" and .channel == $1).text"; }
	start_appliance --channels-as split
	two --frames 100 >frames
	wait_for 20 preroll_holds 100
	start_session
	background gen bash -c 'exec numbered gen --channels 2 --apart 10000 --pace --start 100 --frames 300 >frames'
	wait_for 20 heard_at_least 50
	for lane in live backfill; do
		stop "stt-$lane" KILL
		start_lane "$lane"
	done
	wait_for 60 gone gen
	rtta-session stop
	two --start 400 --frames 1 --zero 400-400 --zero 10400-10400 >frames
	wait_for 90 complete
	of 0 | numbered check 0 399
	of 1 | numbered check 10000 10399
	[ "$(ledger .gap_s)" = 0 ]
	[ "$(ledger .overlap_s)" = 0 ]
	rtta-export --format jsonl "$session" | jq -es 'all(.channel == 0 or .channel == 1)'
}

@test "kill -9 of route: a frame or two at most, and the gap is written" {
	start_appliance
	start_session
	background gen bash -c 'exec numbered gen --pace --frames 400 >frames'
	wait_for 20 heard_at_least 50
	stop route KILL
	background route rtta-route --state-dir . --runtime-dir . <frames
	wait_for 60 gone gen
	rtta-session stop
	numbered gen --start 400 --frames 1 --zero 400-400 >frames
	wait_for 90 complete
	[ "$(heard | wc -w)" -ge 398 ]
	[ "$(heard | tr ' ' '\n' | sort -n | uniq -d | wc -l)" -eq 0 ]
	# what is not text is a gap of that length
	jq -en "$(ledger .gap_s) * 50 | round == 400 - $(heard | wc -w)"
	jq -en "$(ledger .gap_s) == $(ledger '.gaps["rtta-route was killed"] // 0')"
}

@test "kill -9 of capture: the next run is the same session, and the gap between is written" {
	start_appliance
	start_session
	numbered gen --frames 100 --run 00000000000000aa --at-us 1700000000000000 >frames
	wait_for 20 heard_at_least 50
	numbered gen --frames 100 --start 100 --run 00000000000000bb --at-us 1700000003000000 >frames
	wait_for 20 heard_at_least 150
	rtta-session stop
	numbered gen --start 200 --frames 1 --zero 200-200 --run 00000000000000bb --at-us 1700000003000000 >frames
	wait_for 90 complete
	heard | numbered check 0 199
	rtta-export --format jsonl "$session" | jq -es 'any(.type == "gap")'
}

@test "a put of any NATS client starts and stops a session; anybody's PCM becomes text" {
	start_appliance
	publish '$KV.system_state.session_config' '{"session_id": "x", "status": "ACTIVE"}'
	session=x
	numbered gen --frames 100 >frames
	wait_for 20 heard_at_least 90
	publish '$KV.system_state.session_config' '{"session_id": "x", "status": "IDLE"}'
	numbered gen --start 100 --frames 1 --zero 100-100 >frames
	wait_for 60 complete
	heard | numbered check 0 99

	session=y
	numbered gen --raw --frames 50 | split -b 640 - pcm.
	for f in pcm.*; do
		host=${RTTA_NATS_URL#nats://}
		exec 8<>"/dev/tcp/${host%:*}/${host##*:}"
		{ printf 'CONNECT {"verbose":false}\r\nPUB audio.live.y 640\r\n'; cat "$f"; printf '\r\nPING\r\n'; } >&8
		timeout 5 grep -qam1 PONG <&8
		exec 8>&-
	done
	wait_for 60 heard_at_least 50
	heard | numbered check 0 49
}

sets() { [ "$(grep -c 'the wall clock was set .* a new run' gen.err)" -eq "$1" ]; }
# hear_more N: wait until so much more has been heard than now
hear_more() { wait_for 30 heard_at_least $(($(heard | wc -w) + $1)); }

@test "the wall clock is set while it is idle, in a session, forward and back: every frame once, exports in order" {
	start_nats
	rtta-streams --quiet init
	set_clock +0
	mkfifo frames
	exec 9<>frames
	background route clocked rtta-route --state-dir . --runtime-dir . <frames
	background flush clocked rtta-flush
	for lane in live backfill; do
		background "stt-$lane" clocked rtta-stt --lane "$lane" --exec "numbered hear --final 10 --words"
	done
	background gen clocked bash -c \
		'numbered gen --raw --pace --frames 10000 --until enough | rtta-capture - >frames'
	wait_for 20 preroll_holds 40
	set_clock +259200
	wait_for 20 sets 1
	wait_for 20 preroll_holds 80
	session=$(clocked rtta-session start)
	wait_for 30 heard_at_least 120
	set_clock -3600
	wait_for 20 sets 2
	hear_more 40
	set_clock +0
	wait_for 20 sets 3
	hear_more 40
	touch enough
	wait_for 60 gone gen
	wait_for 60 heard_at_least "$(cat enough)"
	(clocked rtta-session stop)
	wait_for 90 complete
	heard | numbered check 0 $(($(cat enough) - 1))
	[ "$(ledger .gap_s)" = 0 ]
	[ "$(rtta-export --format jsonl "$session" | jq -s 'map(.run) | unique | length')" = 4 ]
	rtta-export --format srt "$session" | grep -e '-->' >captions
	sort captions | diff captions -
	[[ "$(tail -n 1 captions)" == "00:00:"* ]]
}

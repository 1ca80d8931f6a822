# Every way in which sound can be missing: each is made to happen, and ends as
# a gap with its reason and its length.
load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	PATH=$BATS_TEST_DIRNAME/../tools:$PATH
}
# start_appliance [OPTION...]: of rtta-streams init
start_appliance() {
	start_nats
	rtta-streams --quiet init "$@" >/dev/null
	mkfifo frames
	exec 9<>frames
	background route rtta-route --state-dir . --runtime-dir . <frames
}
start_stt() {
	background flush rtta-flush
	for lane in live backfill; do
		background "stt-$lane" rtta-stt --lane "$lane" --exec "numbered hear --final 10 --words"
	done
}
began=$((($(date +%s) - 1800) * 1000000))  # half an hour ago: nobody waits for pre-roll
gen() { numbered gen --run 00000000000000aa --at-us "$began" "$@" >frames; }
messages() { rtta-streams status --listen 0 --json | jq ".streams.$1.messages"; }
holds() { [ "$(messages "$1")" -ge "$2" ]; }
complete() { rtta-export --quiet --coverage "$session" >/dev/null; }
heard() { [ "$(rtta-export -q -f jsonl "$session" | jq -r 'select(.type == "text").text' | wc -w)" -ge "$1" ]; }
gaps() { rtta-export --quiet --coverage --json "$session" | jq -cS .gaps; }

@test "sound card, memory, pre-roll buffer, unplugged, no capture, off the record: each gap has its reason" {
	start_appliance
	gen --frames 100 --skip 60-64 --lost
	wait_for 20 holds PRE_BUFFER 95
	# frames 20 to 29 are no longer there when it is copied
	for seq in $(seq 21 30); do
		echo "{\"subject\": \"\$JS.API.STREAM.MSG.DELETE.PRE_BUFFER\", \"data\": {\"seq\": $seq}}"
	done | nats-pub >/dev/null
	session=$(rtta-session start)
	start_stt
	wait_for 20 heard 80
	gen --start 100 --frames 100 --skip 120-123 --lost
	gen --start 200 --frames 50 --skip 220-221 --lost --untaken --gone
	# it comes again after four seconds, and the process dies
	numbered gen --run 00000000000000bb --at-us $((began + 9000000)) --frames 50 >frames
	numbered gen --run 00000000000000cc --at-us $((began + 12000000)) --frames 50 >frames
	wait_for 20 heard 320
	rtta-session off-record
	wait_for 20 grep -q 'off the record' route.err
	now=$(date +%s%6N)
	numbered gen --run 00000000000000dd --at-us "$now" --frames 10 >frames
	past() { [ "$(date +%s%6N)" -gt $((now + 250000)) ]; }
	wait_for 20 past
	rtta-session on-record
	wait_for 20 grep -q 'on the record' route.err
	numbered gen --run 00000000000000dd --at-us $((now + 60000000)) --start 10 --frames 50 >frames
	wait_for 20 heard 370
	rtta-session stop
	numbered gen --run 00000000000000dd --at-us $((now + 60000000)) --start 60 --frames 1 --zero 60-60 >frames
	wait_for 60 complete
	gaps >got
	[ "$(jq -c '[.["samples lost by the sound card"], .["not taken in time"], .["no longer in the pre-roll buffer"], .["microphone unplugged"], .["nothing was recorded"]]' got)" = '[0.18,0.04,0.2,4,2]' ]
	[ "$(jq 'keys | length' got)" = 6 ]
	rtta-export -q "$session" | grep -q ': microphone unplugged\]$'
}

@test "what was off the record is written down at once, and nothing else before the stop" {
	start_nats
	rtta-streams --quiet init >/dev/null
	# the record knows nothing of 93 to 123 s, and of 166 to 182 s but for a note of the first 14
	{
		meeting m1 start cut preroll live gap line5
		jq -nc '{subject: "$KV.system_state.note.m1.route-00000000000000aa-2880000", data: {reason: "off the record",
			from: {run: "00000000000000aa", sample: 2656000}, to: {run: "00000000000000aa", sample: 2880000}, from_us: 1, to_us: 2}}'
	} | nats-pub >/dev/null
	session=m1
	start_stt
	said_off() { [ "$(gaps)" = '{"microphone unplugged":6,"off the record":14}' ]; }
	wait_for 20 said_off
	[ "$(rtta-export --quiet --coverage --json m1 | jq .pending_s)" = 32 ]
}

@test "a microphone that is gone until the session is stopped: the gap reaches up to the stop" {
	start_appliance
	session=$(rtta-session start)
	start_stt
	wait_for 20 grep -q ': cut' route.err
	gen --frames 50 --gone
	now=$(date +%s%6N)
	wait_for 20 heard 50
	past() { [ "$(date +%s%6N)" -gt $((now + 2000000)) ]; }
	wait_for 20 past
	rtta-session stop
	wait_for 60 complete
	[ "$(gaps | jq -c '[keys[0], length, .["microphone unplugged"] > 1]')" = '["microphone unplugged",1,true]' ]
	[ "$(rtta-export --quiet --coverage --json "$session" | jq '.captured_s - .gap_s')" = 1 ]
}

@test "invariant 5: a session that is stopped while no route runs ends then, and what is missing before is a gap" {
	start_appliance
	session=$(rtta-session start)
	start_stt
	wait_for 20 grep -q ': cut' route.err
	now=$(date +%s%6N)
	numbered gen --at-us "$now" --frames 50 >frames
	wait_for 20 heard 50
	stop route KILL
	past() { [ "$(date +%s%6N)" -gt $((now + $1 * 1000000)) ]; }
	wait_for 20 past 3
	rtta-session stop
	stopped=$(date +%s%6N)
	wait_for 20 past 5
	background route rtta-route --state-dir . --runtime-dir . <frames
	wait_for 60 complete
	[ "$(gaps | jq -c '[keys[0], length, .["nothing was recorded"] > 1.5]')" = '["nothing was recorded",1,true]' ]
	rtta-export --quiet --coverage --json "$session" | jq -e --argjson most $(((stopped - now) / 10000)) '.captured_s * 100 < $most + 100'
}

@test "sound that nobody heard before it was too old is a gap that says so" {
	start_appliance --audio-age 5s
	session=$(rtta-session start)
	wait_for 20 grep -q ': cut' route.err
	gen --frames 50
	wait_for 20 holds AUDIO_STREAM 50
	rtta-session stop
	wait_for 20 grep -q ': end' route.err
	none() { [ "$(messages AUDIO_STREAM)" = 0 ]; }
	wait_for 20 none
	start_stt
	wait_for 60 complete
	[ "$(gaps)" = '{"expired unheard":1}' ]
}

@test "a stream that is full refuses sound: it waits in route, and none is missing" {
	start_appliance --audio-bytes 64K
	session=$(rtta-session start)
	wait_for 20 grep -q ': cut' route.err
	gen --frames 200
	wait_for 20 grep -q 'full, but for the reserve (10077)' route.err
	start_stt
	wait_for 60 heard 200
	rtta-session stop
	gen --start 200 --frames 1 --zero 200-200
	wait_for 60 complete
	[ "$(gaps)" = '{}' ]
}

@test "sound that the bus never takes is a gap that says so, and health is red" {
	start_appliance
	session=$(rtta-session start)
	start_stt
	wait_for 20 grep -q ': cut' route.err
	gen --frames 50
	wait_for 20 heard 50
	request '$JS.API.STREAM.UPDATE.AUDIO_STREAM' \
		"$(request '$JS.API.STREAM.INFO.AUDIO_STREAM' '' | jq '.config + {max_msg_size: 500}')"
	gen --start 50 --frames 100
	wait_for 20 grep -q 'a live frame was refused' route.err
	red() { rtta-streams status --json | jq -e '.tools[] | select(.tool == "rtta-route") | .state == "failing" and .reason == "the bus refuses sound for good"'; }
	wait_for 30 red
	rtta-session stop
	wait_for 60 complete
	[ "$(gaps)" = '{"refused by the bus":2}' ]
}

@test "a loss that the clock does not allow is reported, and is no gap" {
	start_appliance
	session=$(rtta-session start)
	start_stt
	wait_for 20 grep -q ': cut' route.err
	gen --frames 50
	wait_for 20 heard 40
	jq -nc --arg s "audio.live.$session" --arg t "$(date -u +%Y-%m-%dT%H:%M:%S.000000Z)" '{subject: $s, data: ("x" * 640),
		headers: {run: "00000000000000aa", sample: "2000000000000", lost: "1000000000000", timestamp: $t}}' | nats-pub >/dev/null
	wait_for 20 grep -q "warning: $session: sample 2000000000000: lost: 1000000000000 cannot be missing before it" stt-live.err
	rtta-session stop
	gen --start 50 --frames 1 --zero 50-50
	wait_for 60 complete
	[ "$(gaps)" = '{}' ]
	rtta-export -q -f jsonl "$session" | jq -es 'all(.type != "gap")'
}

@test "a session that is deleted while an engine hears it stays deleted" {
	start_appliance
	background flush rtta-flush
	for lane in live backfill; do
		background "stt-$lane" rtta-stt --lane "$lane" --exec "numbered hear --final 10 --words --delay-ms 2000 --log heard"
	done
	session=$(rtta-session start)
	wait_for 20 grep -q ': cut' route.err
	gen --frames 50
	wait_for 20 test -s heard
	rtta-session stop
	wait_for 20 grep -q ': end' route.err
	rtta-session delete "$session"
	wait_for 20 grep -q "session $session was deleted" stt-live.err
	deleted=$session
	# what the engine answers behind that is of the next one only
	session=$(rtta-session start)
	wait_for 20 grep -q "$session: cut" route.err
	gen --start 60 --frames 50
	wait_for 30 heard 40
	[ -z "$(dump TEXT_STREAM "transcript.raw.$deleted")" ]
	[ -z "$(dump AUDIO_STREAM "audio.live.$deleted")" ]
	[ "$(rtta-session list | jq -r .session_id)" = "$session" ]
	run -66 rtta-export -q "$deleted"
	# frames that route brings later are nobody's, too
	jq -nc --arg s "audio.live.$deleted" '{subject: $s, data: ("x" * 640), headers: {run: "00000000000000ee", sample: "320"}}' | nats-pub >/dev/null
	taken() { [ -z "$(dump AUDIO_STREAM "audio.live.$deleted")" ]; }
	wait_for 20 taken
	[ -z "$(dump TEXT_STREAM "transcript.raw.$deleted")" ]
	# and one day nothing is left of it
	rtta-streams prune --older-than 0 | grep -q 'pruned . keys of 0 sessions, and [1-9]'
	[ -z "$(dump KV_system_state "\$KV.system_state.deleted.$deleted")" ]
}

@test "a span off the record that begins and ends while no route runs is dropped all the same" {
	start_appliance
	session=$(rtta-session start)
	start_stt
	wait_for 20 grep -q ': cut' route.err
	numbered gen --run 00000000000000aa --frames 50 --at-us "$(($(date +%s%6N) - 1000000))" >frames
	wait_for 20 heard 40
	stop route
	rtta-session off-record
	now=$(date +%s%6N)
	past() { [ "$(date +%s%6N)" -gt $((now + 250000)) ]; }
	wait_for 20 past
	rtta-session on-record
	# what capture wrote into the pipe meanwhile, and what it wrote then
	numbered gen --run 00000000000000aa --at-us $((now - 1000000)) --start 50 --frames 10 >frames
	numbered gen --run 00000000000000aa --at-us $((now + 60000000)) --start 60 --frames 40 >frames
	background route rtta-route --state-dir . --runtime-dir . <frames
	wait_for 20 heard 90
	rtta-session stop
	numbered gen --run 00000000000000aa --at-us $((now + 60000000)) --start 100 --frames 1 --zero 100-100 >frames
	wait_for 60 complete
	[ "$(gaps)" = '{"off the record":0.2}' ]
	rtta-export -q -f jsonl "$session" | jq -r 'select(.type == "text").text' | tr ' ' '\n' | sort -n | diff - <(seq 0 49; seq 60 99)
}

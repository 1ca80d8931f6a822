# rtta-route(1): where each frame goes.  Frames spell their number; what the
# streams hold afterwards is compared number by number.
load helper
load frames

start() {
	start_nats
	rtta-streams --quiet init
	start_route "$@"
}

@test "invariant 2: without a session every frame is pre-roll, once and in order" {
	start
	gen --frames 120 >frames
	wait_for 10 count_is preroll 120
	diff <(preroll) <(numbers 01 0 119)
	run ! key session_config
}

@test "invariant 3: start and stop: pre-roll up to the cut, live from it, pre-roll again from the end" {
	start
	gen --frames 100 >frames
	wait_for 10 count_is preroll 100
	active s1 '"title": "Talk"'
	wait_for 10 key cut.s1
	gen --start 100 --frames 100 >frames
	wait_for 10 count_is live 100 s1
	idle s1
	wait_for 10 key end.s1
	gen --start 200 --frames 50 >frames
	wait_for 10 count_is preroll 150
	diff <(live s1) <(numbers 01 100 199; echo 01 EOS)
	diff <(preroll) <(numbers 01 0 99; numbers 01 200 249)
	[ "$(key session.s1 .title)" = Talk ]
	[ "$(key cut.s1 '[.first.sample, .last.sample, .at]')" = "[0,$((99 * FRAME)),null]" ]
	[ "$(key end.s1 .at.sample)" = $((200 * FRAME)) ]
	[ "$(key run.s1.0 '[.run, .first, .contiguous]')" = '["0000000000000001",0,false]' ]
	run ! key run.s1.1
}

@test "while sound comes the cut is in a pause, not in the closure of a consonant" {
	start
	gen --frames 10 >frames
	wait_for 10 count_is preroll 10
	{ gen --pace --start 10 --frames 50 --zero 30-33 --zero 44-55 >frames; } 3>&- &
	active s1
	wait_for 10 count_is live 10 s1
	[ "$(key cut.s1 '[.at.sample, .last.sample]')" = "[$((50 * FRAME)),$((49 * FRAME))]" ]
	diff <(preroll) <(numbers 01 0 49)
	diff <(live s1) <(numbers 01 50 59)
}

@test "preroll_s is counted in samples, and never reaches into an earlier session" {
	start
	gen --frames 200 >frames
	wait_for 10 count_is preroll 200
	active s1 '"preroll_s": 2'
	wait_for 10 key cut.s1
	[ "$(key cut.s1 '[.first.sample, .last.sample]')" = "[$((100 * FRAME)),$((199 * FRAME))]" ]
	gen --start 200 --frames 10 >frames
	wait_for 10 count_is live 10 s1
	idle s1
	wait_for 10 key end.s1
	gen --start 210 --frames 30 >frames
	wait_for 10 count_is preroll 230
	active s2
	wait_for 10 key cut.s2
	[ "$(key cut.s2 '[.first.sample, .last.sample]')" = "[$((210 * FRAME)),$((239 * FRAME))]" ]
}

@test "from one session straight into another: end and cut at the same place, no pre-roll" {
	start
	active s1
	wait_for 10 key cut.s1
	gen --frames 50 >frames
	wait_for 10 count_is live 50 s1
	active s2
	wait_for 10 key end.s1
	gen --start 50 --frames 50 >frames
	wait_for 10 count_is live 50 s2
	diff <(live s1) <(numbers 01 0 49; echo 01 EOS)
	diff <(live s2) <(numbers 01 50 99)
	[ "$(key end.s1 .at.sample)" = "$(key cut.s2 .at.sample)" ]
	[ "$(key cut.s2 .first)" = null ]
}

@test "kill -9 of nats-server: every live frame once, and PRE_BUFFER is filled anew" {
	start
	gen --frames 100 >frames
	wait_for 10 count_is preroll 100
	active s1
	wait_for 10 key cut.s1
	{ gen --pace --start 100 --frames 150 >frames; } 3>&- &
	wait_for 10 has_live s1 120
	stop nats KILL
	restart_nats
	wait_for 20 count_is live 150 s1
	diff <(live s1) <(numbers 01 100 249)
	wait_for 10 count_is preroll 100
	diff <(preroll) <(numbers 01 0 99)
	idle s1
	wait_for 10 key end.s1
}

@test "invariant 1: SIGTERM while the bus is away: the next route sends what was unsent, and ends the session" {
	start
	active s1
	wait_for 10 key cut.s1
	gen --frames 50 >frames
	wait_for 10 count_is live 50 s1
	stop nats KILL
	gen --start 50 --frames 50 >frames
	numbered gen --run 0000000000000002 --frames 10 >frames
	stop route
	[ "$rc" -eq 0 ]
	[ "$(stat -c %s unsent.s1.frames)" -eq $((60 * 680)) ]
	restart_nats
	idle s1
	start_route
	wait_for 10 count_is live 111 s1
	diff <(live s1) <(numbers 01 0 99; numbers 02 0 9; echo 02 EOS)
	wait_for 10 test ! -e unsent.s1.frames
	[ "$(key run.s1.1 '[.run, .prev_next]')" = "[\"0000000000000002\",$((100 * FRAME))]" ]
	[ "$(key end.s1 .at.sample)" = $((10 * FRAME)) ]
}

@test "invariant 2: kill -9 of route: the session goes on, nothing twice, nothing out of order" {
	start
	gen --frames 50 >frames
	wait_for 10 count_is preroll 50
	active s1
	wait_for 10 key cut.s1
	{ gen --pace --start 50 --frames 100 >frames; } 3>&- &
	gen=$!
	wait_for 10 has_live s1 70
	stop route KILL
	start_route
	wait "$gen"
	wait_for 10 has_live s1 149
	[ "$(live s1 | wc -l)" -ge 97 ]
	diff <(live s1) <(live s1 | sort -k 2 -n -u)
	# a stop that nobody sees is seen by the next route, without any sound
	stop route KILL
	idle s1
	start_route
	wait_for 10 key end.s1
	[ "$(key end.s1 .at.sample)" = $((150 * FRAME)) ]
	wait_for 10 has_live s1 EOS
}

@test "invariant 1: kill -9 while it looks for a pause: nothing is lost" {
	start
	export -f gen
	background gen bash -c 'gen --pace --frames 10000 --until enough >frames'
	wait_for 10 count_at_least preroll 20
	active s1
	wait_for 10 test -s seek.frames
	stop route KILL
	start_route
	wait_for 10 key cut.s1
	touch enough
	wait_for 10 gone gen
	last=$(($(cat enough) + 1))
	wait_for 10 has_live s1 "$last"
	diff <(preroll; live s1) <(numbers 01 0 "$last")
	wait_for 10 test ! -e seek.frames
}

@test "invariant 3: what a killed route left of a session that is over is no pre-roll of the next one" {
	start
	gen --frames 100 >frames
	wait_for 10 count_is preroll 100
	active s1
	wait_for 10 key cut.s1
	gen --start 100 --frames 10 >frames
	wait_for 10 count_is live 10 s1
	idle s1
	wait_for 10 key end.s1
	stop route KILL
	gen --start 95 --frames 20 >seek.frames
	start_route
	wait_for 10 test ! -e seek.frames
	active s2
	wait_for 10 key cut.s2
	[ "$(key cut.s2 '[.first.sample, .last.sample]')" = "[$((110 * FRAME)),$((114 * FRAME))]" ]
	diff <(live s1) <(numbers 01 100 109; echo 01 EOS)
}

@test "the pre-roll of a next route's session does not reach across one that had none" {
	start
	gen --frames 100 >frames
	wait_for 10 count_is preroll 100
	active s1 '"preroll_s": 0'
	wait_for 10 key cut.s1
	gen --start 100 --frames 10 >frames
	wait_for 10 count_is live 10 s1
	idle s1
	wait_for 10 key end.s1
	gen --start 110 --frames 10 >frames
	wait_for 10 count_is preroll 110
	stop route KILL
	start_route
	active s2
	wait_for 20 key cut.s2
	[ "$(key cut.s2 '[.first.sample, .last.sample]')" = "[$((110 * FRAME)),$((119 * FRAME))]" ]
}

@test "sound of before an earlier session's end, left by a killed route, is not live in the next one" {
	start
	gen --frames 100 >frames
	wait_for 10 count_is preroll 100
	active s1 '"preroll_s": 1'
	wait_for 10 key cut.s1
	gen --start 100 --frames 10 >frames
	wait_for 10 count_is live 10 s1
	active s2
	wait_for 10 key cut.s2
	gen --start 110 --frames 10 >frames
	wait_for 10 count_is live 10 s2
	stop route KILL
	{ gen --start 30 --frames 5; gen --start 95 --frames 5; } >seek.frames
	start_route
	wait_for 10 test ! -e seek.frames
	gen --start 120 --frames 2 >frames
	wait_for 10 count_is live 12 s2
	diff <(live s2) <(numbers 01 110 121)
}

@test "what PRE_BUFFER holds is pre-roll for the next route" {
	start
	gen --frames 80 >frames
	wait_for 10 count_is preroll 80
	stop route KILL
	active s1
	start_route
	wait_for 10 key cut.s1
	[ "$(key cut.s1 '[.first.sample, .last.sample]')" = "[0,$((79 * FRAME))]" ]
}

@test "a session_config that says nothing is reported once, and the last good one stays" {
	start
	active s1
	wait_for 10 key cut.s1
	config '{"session_id": "s2", "status": "PERHAPS"}'
	config '{'
	config '{"session_id": "a.b", "status": "ACTIVE"}'
	gen --frames 50 >frames
	wait_for 10 count_is live 50 s1
	[ "$(grep -c PERHAPS route.err)" -eq 1 ]
	[ "$(grep -c 'a\.b' route.err)" -eq 1 ]
	[ "$(grep -c 'warning: session_config' route.err)" -eq 3 ]
	run ! key end.s1
}

@test "invariant 5: a session that has an end stays over; one that IDLE names and that has no cut is closed" {
	start
	active s1
	wait_for 10 key cut.s1
	gen --frames 10 >frames
	wait_for 10 count_is live 10 s1
	idle s1
	wait_for 10 key end.s1
	active s1
	wait_for 10 grep -q 'session s1 is over' route.err
	gen --start 10 --frames 20 >frames
	wait_for 10 count_is preroll 20
	stop route
	active s2
	idle s2
	start_route
	wait_for 10 key end.s2
	[ "$(key cut.s2 '[.first.sample, .last.sample, .at.sample]')" = \
	    "[$((10 * FRAME)),$((29 * FRAME)),$((30 * FRAME))]" ]
	[ "$(key end.s2 .at.sample)" = $((30 * FRAME)) ]
	wait_for 10 count_is live 1 s2
}

@test "a new run in a session is written down, and what capture lost" {
	start
	active s1
	wait_for 10 key cut.s1
	gen --frames 40 --skip 10-14 --lost >frames
	numbered gen --run 0000000000000002 --frames 10 >frames
	wait_for 10 count_is live 45 s1
	[ "$(live s1 | sed -n 11p)" = "01 15 $((5 * FRAME))" ]
	[ "$(key run.s1.1 '[.run, .first, .prev_next, .contiguous]')" = \
	    "[\"0000000000000002\",0,$((40 * FRAME)),false]" ]
	# a route that is killed may have written down a run, and lost all of it
	stop route KILL
	publish '$KV.system_state.run.s1.2' '{"run": "0000000000000003", "first": 640,
	    "first_us": 1, "prev_next": 3200, "prev_us": 1, "contiguous": false}'
	start_route
	numbered gen --run 0000000000000004 --frames 5 >frames
	wait_for 10 key run.s1.3
	[ "$(key run.s1.3 '[.run, .first, .prev_next]')" = '["0000000000000004",0,640]' ]
}

@test "off the record: nothing of that span is anywhere" {
	start
	gen --frames 60 >frames
	wait_for 10 count_is preroll 60
	active s1
	wait_for 10 key cut.s1
	gen --start 60 --frames 40 >frames
	wait_for 10 count_is live 40 s1
	config '{"session_id": "s1", "status": "ACTIVE", "off_record": true}'
	wait_for 10 grep -q 'off the record' route.err
	gen --start 100 --frames 100 --at-us "$(date +%s)000000" >frames
	wait_for 10 key "note.s1.route-0000000000000001-$((100 * FRAME))"
	active s1
	wait_for 10 grep -q 'on the record' route.err
	gen --start 200 --frames 50 --at-us "$(($(date +%s) + 60))000000" >frames
	wait_for 10 count_is live 90 s1
	diff <(live s1) <(numbers 01 60 99; numbers 01 200 249)
	[ "$(key "note.s1.route-0000000000000001-$((200 * FRAME))" '[.from.sample, .reason]')" = \
	    "[$((100 * FRAME)),\"off the record\"]" ]
	publish '$KV.system_state.flush.s1' '{}'
	wait_for 10 count_is preroll 0
}

@test "what was read and cannot be sent waits in memory, up to the ceiling; the rest in the pipe" {
	start --memory 1s
	active s1
	wait_for 10 key cut.s1
	stop nats KILL
	gen --frames 50 >frames
	wait_for 10 pipe_is_empty
	{ gen --start 50 --frames 50 >frames; } 3>&- &
	sleep 0.3
	run ! pipe_is_empty
	restart_nats
	wait_for 20 count_is live 100 s1
	diff <(live s1) <(numbers 01 0 99)
}
pipe_is_empty() { ! read -r -t 0 -u 9; }

@test "--end-at-eof: the session of the input is over with it, and not by a SIGTERM" {
	start_nats
	rtta-streams --quiet init
	active s1
	mkfifo pipe
	exec 8<>pipe
	background route rtta-route --state-dir . --runtime-dir . --end-at-eof <pipe
	wait_for 20 key cut.s1
	stop route
	[ "$rc" -eq 0 ]
	run ! key end.s1
	[ "$(key session_config .status)" = ACTIVE ]
	gen --frames 50 >in
	rtta-route --state-dir . --runtime-dir . --end-at-eof <in
	# where it is cut does not matter
	diff <(preroll; live s1) <(numbers 01 0 49; echo 01 EOS)
	[ "$(key end.s1 .at.sample)" = $((50 * FRAME)) ]
	[ "$(key session_config '[.session_id, .status]')" = '["s1","IDLE"]' ]
}

@test "input that breaks off: the whole frames are kept, and exit 65 says where" {
	start_nats
	rtta-streams --quiet init
	{ gen --frames 3; echo rubbish; } >in
	run -65 --separate-stderr rtta-route --state-dir . --runtime-dir . <in
	[[ "$stderr" == *"input ends inside a frame (8 bytes left over at offset 2040)" ]]
	diff <(preroll) <(numbers 01 0 2)
}

@test "a pipe that is no frames is said to be none, and holds up neither SIGTERM nor what comes behind" {
	start_nats
	rtta-streams --quiet init
	mkfifo pipe
	cat /dev/zero >pipe &
	echo $! >>pids
	background route rtta-route --state-dir . --runtime-dir . <pipe
	wait_for 20 grep -q "bytes of input without a frame: frames are what rtta-capture writes" route.err
	[ "$(wc -l <route.err)" -eq 1 ]
	kill "$(cat route.pid)"
	wait_for 20 gone route
	run -65 --separate-stderr bash -c 'head -c 1000 /dev/zero | rtta-route --state-dir . --runtime-dir .'
	[[ "$stderr" == *"no frame in the input (1000 bytes)" ]]
	{ head -c 200000 /dev/zero; gen --frames 3; } | rtta-route --state-dir . --runtime-dir .
	diff <(preroll) <(numbers 01 0 2)
}

@test "one clear line and the right code: no server, a terminal, a wrong option" {
	run -69 --separate-stderr rtta-route --nats-url nats://127.0.0.1:1 </dev/null
	[ "$stderr" = "rtta-route: error: connect to nats://127.0.0.1:1: No server available" ] ||
		[[ "$stderr" == *"connect to nats://127.0.0.1:1"* ]]
	[ "${#stderr_lines[@]}" -eq 1 ]
	run -64 --separate-stderr rtta-route --memory never </dev/null
	run -64 --separate-stderr rtta-route --channels-as mono </dev/null
	run -64 --separate-stderr script -qec 'rtta-route' /dev/null
}

@test "what capture says of its device is in the heartbeat" {
	start_nats
	rtta-streams --quiet init
	printf '%s\n' '{"event": "device", "state": "open", "device": "mic"}' 'no JSON' >status
	start_route --status-fd 7 7<status
	gen --frames 5 >frames
	wait_for 20 device_is open
}
device_is() { [ "$(rtta-streams status --json | jq -r '.tools[0].counters.device.state')" = "$1" ]; }

@test "how loud it is, the loudest of the last moment, reaches who asks" {
	start
	background serve rtta-serve --listen 127.0.0.1:0 --port-file port
	wait_for 20 test -s port
	[ "$(curl -s "127.0.0.1:$(cat port)/level")" = '{}' ]
	{ while gen --frames 5; do sleep 0.1; done >frames; } 3>&- &
	echo $! >>pids
	wait_for 20 level_is ok
}
level_is() { curl -s "127.0.0.1:$(cat port)/level" | jq -e --arg mic "$1" '.mic == $mic and .level_db < 0 and .level_db > -60'; }

@test "a second route waits, and says so; it goes on at once when the first is killed" {
	start
	wait_for 10 key route
	background second rtta-route --state-dir . --runtime-dir . <frames
	wait_for 10 grep -q 'another rtta-route uses \.: waiting' second.err
	wait_for 20 routes_are 'degraded waiting'
	gen --frames 50 >frames
	wait_for 10 count_is preroll 50
	active s1
	wait_for 10 key cut.s1
	stop route KILL
	gen --start 50 --frames 50 >frames
	wait_for 10 count_is live 50 s1
	diff <(preroll; live s1) <(numbers 01 0 99)
	[ "$(grep -c waiting second.err)" -eq 1 ]
}

routes_are() { [ "$(rtta-streams status --listen 6 --json | jq -r '[.tools[].state] | sort | join(" ")')" = "$1" ]; }

@test "a second route of another machine waits as long as the first one lives" {
	start
	wait_for 10 key route
	mkdir far
	background second rtta-route --state-dir far --runtime-dir far <frames
	wait_for 10 grep -q 'another rtta-route has this room: waiting' second.err
	gen --frames 50 >frames
	wait_for 10 count_is preroll 50
	stop route KILL
	gen --start 50 --frames 50 >frames
	wait_for 20 count_is preroll 100
	diff <(preroll) <(numbers 01 0 99)
}

@test "a route that was replaced sends nothing more: what it has goes to files, and exit 75" {
	start
	active s1
	wait_for 10 key cut.s1
	gen --frames 50 >frames
	wait_for 10 count_is live 50 s1
	kill -STOP "$(cat route.pid)"
	gen --start 50 --frames 50 >frames
	publish '$KV.system_state.route' '{"id": "0123456789abcdef", "place": "elsewhere"}'
	kill -CONT "$(cat route.pid)"
	wait_for 10 gone route
	run -75 wait "$(cat route.pid)"
	grep -q 'another rtta-route has taken over this room' route.err
	start_route
	wait_for 20 count_is live 100 s1
	diff <(live s1) <(numbers 01 0 99)
}

@test "a clock that is set forward makes PRE_BUFFER old: it is filled again" {
	start_nats
	rtta-streams --quiet init
	set_clock +0
	mkfifo frames
	exec 9<>frames
	background route clocked rtta-route --state-dir . --runtime-dir . <frames
	gen --frames 100 >frames
	wait_for 10 count_is preroll 100
	# as the server does with what is too old
	publish '$JS.API.STREAM.PURGE.PRE_BUFFER' ''
	wait_for 10 count_is preroll 0
	set_clock +259200
	wait_for 10 count_is preroll 100
	diff <(preroll) <(numbers 01 0 99)
	grep -q 'set forward by 2592[0-9.]* s' route.err
}

@test "off the record under a route that is killed: the next one's pre-roll does not reach across" {
	start
	gen --frames 10 --at-us 1000000000 >frames
	gen --start 30 --frames 10 --at-us 1000000000 >frames
	wait_for 10 count_is preroll 20
	stop route KILL
	active s1 '"off_record_spans": [[1000200000, 1000600000]]'
	start_route
	wait_for 10 key cut.s1
	[ "$(key cut.s1 .first.sample)" = $((30 * FRAME)) ]
}

@test "off the record while no route runs: what lies in the pipe of that span is dropped" {
	start
	active s1
	wait_for 10 key cut.s1
	gen --frames 20 --at-us 1000000000 >frames
	wait_for 10 count_is live 20 s1
	stop nats KILL
	gen --start 20 --frames 20 --at-us 1000000000 >frames
	wait_for 10 pipe_is_empty
	stop route
	gen --start 40 --frames 60 --at-us 1000000000 >frames
	restart_nats
	# frames 30 to 49, and 60 to 69
	active s1 '"off_record_spans": [[1000600000, 1001000000], [1001200000, 1001400000]]'
	start_route
	wait_for 10 has_live s1 99
	diff <(live s1) <(numbers 01 0 29; numbers 01 50 59; numbers 01 70 99)
	[ "$(key "note.s1.route-0000000000000001-$((50 * FRAME))" '[.from.sample, .reason]')" = \
	    "[$((30 * FRAME)),\"off the record\"]" ]
	[ "$(key "note.s1.route-0000000000000001-$((70 * FRAME))" .from.sample)" = $((60 * FRAME)) ]
}

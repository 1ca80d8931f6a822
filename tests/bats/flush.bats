# rtta-flush(1): the pre-roll of a session, and recordings.
load helper
load frames

start() {
	start_nats
	rtta-streams --quiet init
	start_route
	background flush rtta-flush
}

@test "the pre-roll that a cut names is copied, EOS last, and said to be" {
	start
	gen --frames 150 >frames
	wait_for 10 count_is preroll 150
	active s1 '"preroll_s": 2'
	wait_for 10 key flush.s1
	diff <(backfill s1) <(numbers 01 50 149 preroll; echo 01 EOS preroll)
	[ "$(key flush.s1)" = '{"copied_samples":32000,"holes":0,"short_s":0}' ]
}

@test "invariant 3: pre-roll and live together are every frame once, across two runs" {
	start
	numbered gen --run 0000000000000002 --frames 70 >frames
	gen --frames 80 >frames
	wait_for 10 count_is preroll 150
	active s1
	wait_for 10 key cut.s1
	gen --start 80 --frames 50 >frames
	wait_for 10 count_is live 50 s1
	wait_for 10 key flush.s1
	diff <(backfill s1) <(numbers 02 0 69 preroll; numbers 01 0 79 preroll; echo 01 EOS preroll)
	diff <(live s1) <(numbers 01 80 129)
	[ "$(key run.s1.0 .run) $(key run.s1.1 .run)" = "0000000000000002 0000000000000001" ]
	[ "$(key flush.s1 .short_s)" = 297 ]
}

@test "a session without pre-roll is flushed at once, with nothing" {
	start
	active s1 '"preroll_s": 0'
	wait_for 10 key flush.s1
	[ "$(key flush.s1 .copied_samples)" = 0 ]
	count_is backfill 0 s1
}

@test "invariant 2: killed and started again it changes nothing; with the server killed it copies all" {
	start
	gen --frames 100 >frames
	wait_for 10 count_is preroll 100
	stop flush KILL
	active s1
	wait_for 10 key cut.s1
	stop nats KILL
	restart_nats
	background flush rtta-flush
	wait_for 20 key flush.s1
	diff <(backfill s1) <(numbers 01 0 99 preroll; echo 01 EOS preroll)
	stop flush
	[ "$rc" -eq 0 ]
	publish '$JS.API.STREAM.PURGE.KV_system_state' '{"filter": "$KV.system_state.flush.s1"}'
	run ! key flush.s1
	background flush rtta-flush
	wait_for 20 key flush.s1
	diff <(backfill s1) <(numbers 01 0 99 preroll; echo 01 EOS preroll)
}

@test "two of them, one of which is stopped and wakes up late, copy every frame once" {
	start
	background second rtta-flush
	gen --frames 100 >frames
	wait_for 10 count_is preroll 100
	kill -STOP "$(cat second.pid)"
	active s1
	wait_for 10 key flush.s1
	kill -CONT "$(cat second.pid)"
	active s2
	gen --start 100 --frames 10 >frames
	wait_for 10 key flush.s2
	stop second
	[ "$rc" -eq 0 ]
	diff <(backfill s1) <(numbers 01 0 99 preroll; echo 01 EOS preroll)
	! grep -q warning second.err flush.err || false
}

@test "what PRE_BUFFER does not hold is a hole, and noted" {
	start
	gen --frames 50 --skip 20-24 >frames
	wait_for 10 count_is preroll 45
	active s1
	wait_for 10 key flush.s1
	[ "$(key flush.s1 .holes)" = 1 ]
	[ "$(key "note.s1.flush-0000000000000001-$((20 * FRAME))" '[.from.sample, .to.sample]')" = \
	    "[$((20 * FRAME)),$((25 * FRAME))]" ]
}

@test "a recording becomes a session; the same once more changes nothing" {
	start_nats
	rtta-streams --quiet init
	gen --frames 100 >in
	rtta-flush --session rec --title "Old talk" <in
	diff <(backfill rec) <(numbers 01 0 99 replay-0000000000000001; echo 01 EOS replay-0000000000000001)
	[ "$(key cut.rec '[.first.sample, .last.sample, .at.sample]')" = "[0,$((99 * FRAME)),$((100 * FRAME))]" ]
	[ "$(key end.rec .at.sample)" = $((100 * FRAME)) ]
	[ "$(key session.rec '[.title, .source]')" = '["Old talk","replay"]' ]
	dump AUDIO_STREAM >before
	dump KV_system_state >>before
	rtta-flush --session rec --title "Old talk" <in
	{ dump AUDIO_STREAM; dump KV_system_state; } | diff before -
	# other sound under its name is refused, and changes nothing either
	numbered gen --run 0000000000000002 --frames 10 >other
	run -65 --separate-stderr rtta-flush --session rec <other
	[ "$stderr" = "rtta-flush: session rec is there already, with other sound" ]
	{ dump AUDIO_STREAM; dump KV_system_state; } | diff before -
}

@test "a recording that breaks off: what came is kept, 65, and the whole one completes it" {
	start_nats
	rtta-streams --quiet init
	gen --frames 100 >in
	head -c 34100 in >short
	run -65 --separate-stderr rtta-flush --session rec <short
	[[ "$stderr" == *"input ends inside a frame (100 bytes left over at offset 34000)" ]]
	diff <(backfill rec) <(numbers 01 0 49 replay-0000000000000001)
	run ! key cut.rec
	rtta-flush --session rec <in
	diff <(backfill rec) <(numbers 01 0 99 replay-0000000000000001; echo 01 EOS replay-0000000000000001)
	key cut.rec
	key end.rec
}

@test "one clear line and the right code: no server, a bad session, no sound" {
	run -69 --separate-stderr rtta-flush --nats-url nats://127.0.0.1:1
	[ "${#stderr_lines[@]}" -eq 1 ]
	for id in a.b '*' '>' 'a b' "$(printf 'x%.0s' $(seq 10000))" ''; do
		run -64 --separate-stderr rtta-flush --session "$id" </dev/null
		[ "${#stderr_lines[@]}" -eq 1 ]
	done
	run -64 --separate-stderr rtta-flush --title x </dev/null
	start_nats
	rtta-streams --quiet init
	run -65 --separate-stderr rtta-flush --session x </dev/null
	[ "$stderr" = "rtta-flush: no sound on standard input" ]
}

@test "valgrind finds nothing, in route and in flush" {
	command -v valgrind >/dev/null && ! [[ $B = *asan* ]] || skip "needs valgrind and a plain build"
	local vg="valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite"
	start_nats
	rtta-streams --quiet init
	active s1
	gen --frames 200 >in
	$vg rtta-route --state-dir . --runtime-dir . --end-at-eof <in
	$vg rtta-flush --session rec <in
	background flush $vg rtta-flush
	wait_for 30 key flush.s1
	stop flush
	[ "$rc" -eq 0 ]
}

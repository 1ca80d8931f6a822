# Disks and memory that are full: it is said, it passes, and nothing that was
# acknowledged is lost.
load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	PATH=$BATS_TEST_DIRNAME/../tools:$PATH
	server_sh=$BATS_TEST_DIRNAME/../../share/nats/nats-server.sh
}
teardown() {
	[ -n "${BATS_TEST_COMPLETED:-}${BATS_TEST_SKIPPED:-}" ] || tell_why
	stop_all
	[ ! -d mnt ] || umount mnt 2>/dev/null || true
}
start_route() {
	[ -e frames ] || mkfifo frames
	exec 9<>frames
	background route rtta-route "$@" <frames
}
start_others() {
	background flush rtta-flush
	for lane in live backfill; do
		background "stt-$lane" rtta-stt --lane "$lane" --exec "numbered hear --final 10 --words"
	done
	background serve rtta-serve --listen 127.0.0.1:0 --port-file port
	wait_for 20 test -s port
}
began=$((($(date +%s) - 1800) * 1000000))  # half an hour ago: nobody waits for pre-roll
gen() { numbered gen --run 00000000000000aa --at-us "$began" "$@" >frames; }
words() { rtta-export -q -f jsonl "$session" | jq -r 'select(.type == "text").text' | tr ' ' '\n'; }
heard() { [ "$(words | wc -l)" -ge "$1" ]; }
complete() { rtta-export --quiet --coverage "$session" >/dev/null; }
gaps() { rtta-export --quiet --coverage --json "$session" | jq -cS .gaps; }
healthz() { curl -s "http://127.0.0.1:$(cat port)/healthz"; }
unwell() { healthz | jq -e --arg why "$1" '.status == "failing" and (.reasons | index($why))'; }
well() { [ "$(healthz | jq -r .status)" = ok ]; }

# run_server: as systemd does, again whenever it has gone
run_server() {
	local server
	trap 'kill -9 $server; exit' TERM
	while :; do
		sh "$server_sh" run "$PWD/mnt/nats" -p "${RTTA_NATS_URL##*:}" &
		server=$!
		wait $server || true
	done
}
answers() { timeout 10 rtta-streams -q status --listen 0; }
# fill NAME: all that is left of the partition
fill() { dd if=/dev/zero of="mnt/$1" bs=64k 2>/dev/null || dd if=/dev/zero of="mnt/$1" bs=1k oflag=append conv=notrunc 2>/dev/null || true; }

@test "somebody else fills the partition: the reserve is used, then sound waits, and all of it is written when there is room" {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	losetup -f >/dev/null 2>&1 || skip "needs a loop device"
	truncate -s 160M img
	mkfs.ext4 -q -F -m 0 img
	mkdir mnt state
	mount -o loop img mnt
	export RTTA_NATS_USER=root RTTA_NATS_RESERVE_MB=8 RTTA_NATS_MAX_FILE=400MB
	RTTA_NATS_URL=nats://127.0.0.1:$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
	export RTTA_NATS_URL
	sh "$server_sh" prepare "$PWD/mnt/nats"
	background nats run_server
	wait_for 20 answers
	rtta-streams --quiet init --audio-bytes 32M --text-bytes 16M --state-bytes 8M >/dev/null
	start_route --state-dir state --runtime-dir state
	start_others
	session=$(rtta-session start)
	wait_for 20 grep -q ': cut' route.err
	gen --frames 100
	wait_for 20 heard 90
	wait_for 20 well
	wait_for 20 test -e mnt/nats/reserve
	# with the reserve it goes on
	fill filler
	wait_for 20 grep -q '^<3>.*the partition is full' nats.err
	wait_for 20 test ! -e mnt/nats/reserve
	gen --start 100 --frames 100
	wait_for 60 heard 190
	rtta-session stop
	gen --start 200 --frames 1 --zero 200-200
	wait_for 60 complete
	words | numbered check 0 199
	# without it sound waits in route
	session=$(rtta-session start)
	wait_for 20 grep -q "$session: cut" route.err
	gen --start 201 --frames 100
	wait_for 60 heard 90
	fill more
	gen --start 301 --frames 400
	# nats-server 2.9 says so, or hangs: then route is not heard
	red() { healthz | jq -e '.status == "failing" and any(.reasons[]; . == "rtta-route: AUDIO_STREAM takes nothing" or . == "rtta-route is not heard")'; }
	wait_for 60 red
	rm mnt/filler mnt/more
	wait_for 20 grep -q '^<4>nats-server was out of room' nats.err
	wait_for 60 heard 490
	wait_for 20 well
	wait_for 20 rtta-session stop
	gen --start 701 --frames 1 --zero 701-701
	wait_for 60 complete
	words | numbered check 201 700
	# on a slow machine nothing came for half a minute before the stop
	[ "$(gaps | jq -c 'del(.["nothing was recorded"])')" = '{}' ]
}

@test "nats-server.sh: who does not answer is killed, who never did is not; the quota is never lowered" {
	mkdir bin dir other
	printf '#!/bin/sh\n[ "$1" != --version ] || { echo nats-server: v2.9.10; exit; }\nexec sleep 300\n' >bin/nats-server
	printf '#!/bin/sh\necho started >>asked\nexit $(cat "${ANSWER:-answer}")\n' >bin/rtta-streams
	chmod +x bin/*
	PATH=$PWD/bin:$PATH
	export RTTA_NATS_RESERVE_MB=0
	echo 75 >refusal
	background never env ANSWER=refusal sh "$server_sh" run "$PWD/other"
	echo 0 >answer
	background nats sh "$server_sh" run "$PWD/dir"
	wait_for 20 test -s dir/nats.conf
	sed -i 's/max_file_store: .*/max_file_store: 999999999999KB/' dir/nats.conf
	asked_often() { [ "$(grep -c . asked)" -ge 6 ]; }
	wait_for 20 asked_often
	alive nats
	echo 75 >answer
	wait_for 30 grep -q '^<3>nats-server does not answer' nats.err
	wait_for 10 gone nats
	background again sh "$server_sh" run "$PWD/dir"
	changed() { [ "$(grep -c . dir/nats.conf)" -ge 8 ]; }
	wait_for 20 changed
	grep -q 'max_file_store: 999999999999KB' dir/nats.conf
	alive never
}

@test "a state directory that takes nothing: unsent sound goes to the runtime directory; if that is full too, it is said" {
	start_nats
	rtta-streams --quiet init >/dev/null
	touch file
	mkdir run
	start_route --state-dir file/state --runtime-dir run
	session=$(rtta-session start)
	wait_for 20 grep -q ': cut' route.err
	stop nats KILL
	wait_for 20 grep -q 'connection lost' route.err
	gen --frames 50
	drained() { [ "$(python3 -c 'import fcntl, struct, sys, termios; print(struct.unpack("i", fcntl.ioctl(9, termios.FIONREAD, b"0000"))[0])')" = 0 ]; }
	wait_for 20 drained
	stop route
	[ "$rc" -eq 0 ]
	grep -q 'warning: create file/state/.unsent.*: Not a directory' route.err
	grep -q '50 live frames are kept in run$' route.err
	restart_nats
	start_route --state-dir file/state --runtime-dir run
	start_others
	wait_for 30 heard 40
	wait_for 20 test ! -e "run/unsent.$session.frames"
	rtta-session stop
	gen --start 50 --frames 1 --zero 50-50
	wait_for 60 complete
	words | numbered check 0 49
	session=$(rtta-session start)
	stop route
	# nowhere
	start_route --state-dir file/state --runtime-dir file/run
	wait_for 20 grep -q "$session: going on" route.err
	stop nats KILL
	wait_for 20 grep -q 'connection lost' route.err
	gen --start 60 --frames 50
	wait_for 20 drained
	stop route
	[ "$rc" -eq 73 ]
	grep -q 'rtta-route: create file/run/.unsent.*: Not a directory: live frames are lost' route.err
}

@test "invariant 1: route that is killed while AUDIO_STREAM is full loses nothing of what waited" {
	start_nats
	rtta-streams --quiet init --audio-bytes 64K >/dev/null
	start_route --state-dir . --runtime-dir .
	session=$(rtta-session start)
	# stored, too: what comes before that is in seek.frames, and comes again
	has_cut() { rtta-export -q --coverage --json "$session" | grep -q '"has_cut":true'; }
	wait_for 20 has_cut
	gen --frames 400
	# 56 are stored
	kept() { [ "$(stat -c %s "unsent.$session.frames")" -eq $(($1 * 680)) ]; }
	wait_for 20 kept 344
	stop route KILL
	# the next one adds to the file what is new, and nothing else
	start_route --state-dir . --runtime-dir .
	gen --start 400 --frames 10
	wait_for 20 kept 354
	stop route KILL
	start_route --state-dir . --runtime-dir .
	start_others
	wait_for 60 heard 400
	wait_for 20 test ! -e "unsent.$session.frames"
	rtta-session stop
	gen --start 410 --frames 1 --zero 410-410
	wait_for 60 complete
	words | numbered check 0 409
	[ "$(gaps)" = '{}' ]
}

@test "route at its ceiling says so once, and reads on when there is room" {
	start_nats
	rtta-streams --quiet init --audio-bytes 64K >/dev/null
	start_route --state-dir . --runtime-dir . --memory 1s
	session=$(rtta-session start)
	wait_for 20 grep -q ': cut' route.err
	background serve rtta-serve --listen 127.0.0.1:0 --port-file port
	wait_for 20 test -s port
	gen --frames 400
	wait_for 30 unwell "rtta-route: AUDIO_STREAM takes nothing, and memory is full"
	start_others
	wait_for 60 heard 390
	grep -q 'sound is read again' route.err
	[ "$(grep -c 'no more is read' route.err)" -le 2 ]
	rtta-session stop
	gen --start 400 --frames 1 --zero 400-400
	wait_for 60 complete
	words | numbered check 0 399
	[ "$(gaps)" = '{}' ]
}

# All in one record, so that it is acknowledged at once: of that nats-server 2.9
# knows nothing any more when it is killed.
@test "nats-server that is killed while AUDIO_STREAM is full finds acknowledged sound again, and drops none that is unread" {
	start_nats
	rtta-streams --quiet init --audio-bytes 3M >/dev/null
	messages() { test "$(rtta-streams status --listen 0 --json | jq .streams.AUDIO_STREAM.messages)" "$@"; }
	numbered gen --run 00000000000000bb --frames 1000 | rtta-flush --quiet --session unread
	numbered gen --frames 1000 | publish --quiet --eos 20260101T000000Z-cafe
	numbered gen --run 00000000000000cc --frames 20000 >more.frames
	background stt-live rtta-stt --lane live --edge 1h --exec "numbered hear --final 1000"
	wait_for 30 messages -le 1002
	background replay rtta-flush --session more <more.frames
	wait_for 30 grep -q 'full, but for the reserve (10077)' replay.err
	stop nats KILL
	stop replay KILL
	restart_nats
	wait_for 20 answers
	[ "$(dump AUDIO_STREAM | head -n 1 | jq .seq)" -eq 1 ]
	background stt-backfill rtta-stt --lane backfill --exec "numbered hear"
	session=unread
	wait_for 60 complete
	words | numbered check 0 999
}

@test "by default AUDIO_STREAM holds 50 minutes without an engine" {
	start_nats
	rtta-streams --quiet init >/dev/null
	start_route --state-dir . --runtime-dir .
	session=$(rtta-session start)
	wait_for 20 grep -q ': cut' route.err
	gen --frames 500
	stored() { rtta-streams status --json --listen 0 | jq -e '.streams.AUDIO_STREAM.messages == 500'; }
	wait_for 20 stored
	rtta-streams status --json --listen 0 |
		jq -e '.streams.AUDIO_STREAM | .bytes / 500 * 50 * 60 * 50 < .share_bytes'
}

@test "rtta-stt at its ceiling takes no more, says so, and goes on when the engine does" {
	start_nats
	rtta-streams --quiet init >/dev/null
	numbered gen --frames 3000 | publish --quiet --lane backfill --eos 20260101T000000Z-cafe
	background stt rtta-stt --lane backfill --hold 1M --exec "numbered hear --slow 3 --log heard"
	full() { rtta-streams status --json | jq -e '.tools[0] | .state == "failing" and .reason == "memory is full"'; }
	wait_for 40 full
	grep -q 'bytes of sound are held: no more for now' stt.err
	stop stt
	[ "$rc" -eq 0 ]
	: >heard
	background stt rtta-stt --lane backfill --hold 1M --exec "numbered hear --log heard"
	none() { rtta-streams status --json --listen 0 | jq -e '.streams.AUDIO_STREAM.messages == 0'; }
	wait_for 60 none
	rtta-export -q -f jsonl 20260101T000000Z-cafe | jq -r 'select(.type == "text").text' | numbered check 0 2999
}

# rtta-route(1): where each frame goes.  Frames spell their number; what the
# streams hold afterwards is compared number by number.
load helper

FRAME=320  # samples

# route reads the FIFO "frames", which the test holds open as systemd would
start_route() {
	[ -e frames ] || mkfifo frames
	exec 9<>frames
	background route rtta-route --state-dir . --runtime-dir . "$@" <frames
}
start() {
	start_nats
	rtta-streams --quiet init
	start_route "$@"
}
# publish SUBJECT PAYLOAD: as any NATS client may
publish() {
	local host=${RTTA_NATS_URL#nats://} line
	exec 8<>"/dev/tcp/${host%:*}/${host##*:}"
	printf 'CONNECT {"verbose":false}\r\nPUB %s %d\r\n%s\r\nPING\r\n' "$1" "${#2}" "$2" >&8
	until [ "${line:-}" = $'PONG\r' ]; do read -r -t 5 line <&8 || return; done
	exec 8>&-
}
config() { publish '$KV.system_state.session_config' "$1"; }
active() { config "{\"session_id\": \"$1\", \"status\": \"ACTIVE\"${2:+, $2}}"; }
idle() { config "{\"session_id\": \"$1\", \"status\": \"IDLE\"}"; }

# key NAME [FILTER]: a key's value
key() {
	local last
	last=$(dump KV_system_state "\$KV.system_state.$1" | tail -n 1)
	[ -n "$last" ] && jq -cr ".data | @base64d | fromjson | ${2:-.}" <<<"$last"
}
# numbers STREAM [SUBJECT]: "run number" of each frame that is stored
stored() {
	dump "$@" | jq -r '(.hdrs | @base64d | split("\r\n") | map(select(contains(": ")) | split(": ")
		| {(.[0]): .[1]}) | add) as $h
		| $h.run[14:] + " " + if $h.EOS then "EOS" else ($h.sample | tonumber / 320 | tostring) end'
}
preroll() { stored PRE_BUFFER; }
live() { stored AUDIO_STREAM "audio.live.$1"; }
run_of() { seq "$2" "$3" | sed "s/^/$1 /"; }  # RUN FIRST LAST
count_is() { [ "$("$1" "${@:3}" | grep -c .)" -eq "$2" ]; }
gen() { numbered gen --run 0000000000000001 "$@"; }

@test "without a session every frame is pre-roll, once and in order" {
	start
	gen --frames 120 >frames
	wait_for 10 count_is preroll 120
	diff <(preroll) <(run_of 01 0 119)
	run ! key session_config
}

@test "start and stop: pre-roll up to the cut, live from it, pre-roll again from the end" {
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
	diff <(live s1) <(run_of 01 100 199; echo 01 EOS)
	diff <(preroll) <(run_of 01 0 99; run_of 01 200 249)
	[ "$(key session.s1 .title)" = Talk ]
	[ "$(key cut.s1 '[.first.sample, .last.sample, .at]')" = "[0,$((99 * FRAME)),null]" ]
	[ "$(key end.s1 .at.sample)" = $((200 * FRAME)) ]
	[ "$(key run.s1.0 '[.run, .first, .contiguous]')" = '["0000000000000001",0,false]' ]
	run ! key run.s1.1
}

@test "while sound comes the cut is at a quiet frame, else at the quietest of a second" {
	start
	gen --frames 10 >frames
	wait_for 10 count_is preroll 10
	active s1
	sleep 0.1
	gen --start 10 --frames 40 --zero 30-32 >frames
	wait_for 10 key cut.s1
	[ "$(key cut.s1 '[.at.sample, .last.sample]')" = "[$((30 * FRAME)),$((29 * FRAME))]" ]
	wait_for 10 count_is live 20 s1
	diff <(preroll) <(run_of 01 0 29)
	diff <(live s1) <(run_of 01 30 49)
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
	diff <(live s1) <(run_of 01 0 49; echo 01 EOS)
	diff <(live s2) <(run_of 01 50 99)
	[ "$(key end.s1 .at.sample)" = "$(key cut.s2 .at.sample)" ]
	[ "$(key cut.s2 .first)" = null ]
}

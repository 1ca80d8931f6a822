# rtta-flush(1): the pre-roll of a session, and recordings.
load helper

FRAME=320

start() {
	start_nats
	rtta-streams --quiet init
	mkfifo frames
	exec 9<>frames
	background route rtta-route --state-dir . --runtime-dir . <frames
	background flush rtta-flush
}
publish() {
	local host=${RTTA_NATS_URL#nats://} line
	exec 8<>"/dev/tcp/${host%:*}/${host##*:}"
	printf 'CONNECT {"verbose":false}\r\nPUB %s %d\r\n%s\r\nPING\r\n' "$1" "${#2}" "$2" >&8
	until [ "${line:-}" = $'PONG\r' ]; do read -r -t 5 line <&8 || return; done
	exec 8>&-
}
active() { publish '$KV.system_state.session_config' "{\"session_id\": \"$1\", \"status\": \"ACTIVE\"${2:+, $2}}"; }
key() {
	local last
	last=$(dump KV_system_state "\$KV.system_state.$1" | tail -n 1)
	[ -n "$last" ] && jq -cr ".data | @base64d | fromjson | ${2:-.}" <<<"$last"
}
stored() {
	dump "$@" | jq -r '(.hdrs | @base64d | split("\r\n") | map(select(contains(": ")) | split(": ")
		| {(.[0]): .[1]}) | add) as $h
		| $h.run[14:] + " " + if $h.EOS then "EOS" else ($h.sample | tonumber / 320 | tostring) end
		+ (" " + $h.job // "")'
}
backfill() { stored AUDIO_STREAM "audio.backfill.$1"; }
run_of() { seq "$2" "$3" | sed "s/^/$1 /; s/\$/ $4/"; }  # RUN FIRST LAST JOB
count_is() { [ "$("$1" "${@:3}" | grep -c .)" -eq "$2" ]; }
gen() { numbered gen --run 0000000000000001 "$@"; }
preroll_is() { [ "$(dump PRE_BUFFER | grep -c .)" -eq "$1" ]; }

@test "the pre-roll that a cut names is copied, EOS last, and said to be" {
	start
	gen --frames 150 >frames
	wait_for 10 preroll_is 150
	active s1 '"preroll_s": 2'
	wait_for 10 key flush.s1
	diff <(backfill s1) <(run_of 01 50 149 preroll; echo 01 EOS preroll)
	[ "$(key flush.s1)" = '{"copied_samples":32000,"holes":0,"short_s":0}' ]
}

@test "a recording becomes a session; the same once more changes nothing" {
	start_nats
	rtta-streams --quiet init
	gen --frames 100 >in
	rtta-flush --session rec --title "Old talk" <in
	diff <(backfill rec) <(run_of 01 0 99 replay-0000000000000001; echo 01 EOS replay-0000000000000001)
	[ "$(key cut.rec '[.first.sample, .last.sample, .at.sample]')" = "[0,$((99 * FRAME)),$((100 * FRAME))]" ]
	[ "$(key end.rec .at.sample)" = $((100 * FRAME)) ]
	[ "$(key session.rec '[.title, .source]')" = '["Old talk","replay"]' ]
	dump AUDIO_STREAM >before
	dump KV_system_state >>before
	rtta-flush --session rec --title "Old talk" <in
	{ dump AUDIO_STREAM; dump KV_system_state; } | diff before -
}

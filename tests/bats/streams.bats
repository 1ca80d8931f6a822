load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	PATH=$BATS_TEST_DIRNAME/../tools:$PATH
}

# start_limited LINE...: a server with those lines in its configuration
start_limited() {
	printf '%s\n' 'listen: 127.0.0.1:-1' "ports_file_dir: \"$PWD\"" "$@" >limited.conf
	background nats nats-server -c limited.conf
	wait_for 20 test -s "nats-server_$(cat nats.pid).ports"
	RTTA_NATS_URL=$(jq -r '.nats[0]' "nats-server_$(cat nats.pid).ports")
	export RTTA_NATS_URL
	wait_for 20 nats_ready
}
# put KEY JSON, send SUBJECT TEXT [NO-ACK]: as any NATS client may
put() { send "\$KV.system_state.$1" "$2"; }
send() {
	jq -nc --arg s "$1" --arg d "$2" --argjson a "${3:-true}" \
		'{subject: $s, data: $d, ack: $a}' | nats-pub >/dev/null
}
keys() { dump KV_system_state | jq -r '.subject | sub(".KV.system_state."; "")' | sort | tr '\n' ' '; }

@test "init creates what is missing and changes nothing the second time" {
	start_nats
	run -1 rtta-streams diff
	[ "$output" = "$(printf '%s: missing\n' KV_system_state TEXT_STREAM AUDIO_STREAM PRE_BUFFER)" ]
	run -0 rtta-streams init
	[ "$output" = "$(printf '%s: created\n' KV_system_state TEXT_STREAM AUDIO_STREAM PRE_BUFFER)" ]
	run -0 rtta-streams diff
	[ "$output" = "" ]
	run -0 rtta-streams init
	[ "$output" = "$(printf '%s: unchanged\n' KV_system_state TEXT_STREAM AUDIO_STREAM PRE_BUFFER)" ]
	rtta-streams status --json --listen 0 >status
	jq -e '.streams | .TEXT_STREAM.max_bytes == 268435456 and .AUDIO_STREAM.share_bytes > 180000000 and .AUDIO_STREAM.max_bytes == .AUDIO_STREAM.share_bytes * 2
		and .PRE_BUFFER.max_bytes > 16000000 and (map(.messages) | add) == 0' status
	# a memory stream goes with its server; init makes it anew
	stop nats KILL
	restart_nats
	run -0 rtta-streams init
	[ "${lines[3]}" = "PRE_BUFFER: created" ]
}

@test "diff has one line a field, init leaves it, apply changes what can be changed" {
	start_nats
	rtta-streams --audio-age 30m --text-bytes 64M init
	run -1 rtta-streams diff
	[ "${lines[0]}" = "TEXT_STREAM: max_bytes is 67108864 (64.0 MiB), should be 268435456 (256.0 MiB)" ]
	[ "${lines[1]}" = "AUDIO_STREAM: max_age is 1800 s, should be 3600 s" ]
	run -1 rtta-streams --json diff
	[ "$(jq -r '"\(.stream) \(.action) \(.field)"' <<<"${lines[1]}")" = "AUDIO_STREAM differs max_age" ]
	run -0 --separate-stderr rtta-streams init
	[[ $stderr == *"AUDIO_STREAM: max_age is 1800 s, not 3600 s; left as it is"* ]]
	run -0 rtta-streams apply
	[[ $output == *"AUDIO_STREAM: max_age is 1800 s, becomes 3600 s"* ]]
	run -0 rtta-streams diff
	# what no server changes is refused, the rest is done
	run -78 --separate-stderr rtta-streams apply --preroll-storage file --text-age 8d
	[ "$stderr" = "rtta-streams: PRE_BUFFER: storage is memory, and cannot become file: delete the stream, with what is in it, and run init" ]
	[[ $output == *"TEXT_STREAM: max_age is 604800 s, becomes 691200 s"* ]]
	run -0 rtta-streams diff --text-age 8d
}

@test "ceilings fit into the account's quota, and where they cannot it is said" {
	start_limited "jetstream { store_dir: \"$PWD/js\", max_file_store: 4GB }" \
		'accounts { A { jetstream { max_mem: 32MB, max_file: 960MB }, users [ {user: a, password: a} ] }' \
		'B { users [ {user: b, password: b} ] } }'
	local at=${RTTA_NATS_URL#nats://}
	RTTA_NATS_URL=nats://a:a@$at rtta-streams init
	RTTA_NATS_URL=nats://a:a@$at rtta-streams diff
	RTTA_NATS_URL=nats://a:a@$at rtta-streams status --json --listen 0 |
		jq -e '.streams | .TEXT_STREAM.max_bytes + .AUDIO_STREAM.max_bytes + .KV_system_state.max_bytes
			| . <= 960 * 1048576 * 0.8 and . > 960 * 1048576 * 0.79'
	RTTA_NATS_URL=nats://a:a@$at run -78 rtta-streams init --text-bytes 500M
	[[ $output == "rtta-streams: AUDIO_STREAM: "*" MiB and 532.0 MiB for the others do not fit into 80 % of the store quota of 960.0 MiB" ]]
	RTTA_NATS_URL=nats://b:b@$at run -69 rtta-streams init
	[ "$output" = "rtta-streams: nats://$at: INFO: JetStream not enabled for account" ]
}

@test "where the server has less than it tells, sound gives way to text and state" {
	start_limited "jetstream { store_dir: \"$PWD/js\", max_memory_store: 64MB, max_file_store: 760MB }"
	rtta-streams init
	rtta-streams diff
	run -78 rtta-streams apply --rate 48000
	[[ $output == *"AUDIO_STREAM: failed: AUDIO_STREAM: the server has no room for "*" MiB (max_file_store): raise its limit or lower --audio-bytes"* ]]
}

@test "status shows streams, consumers, the session and who lives" {
	start_nats
	run -0 rtta-streams status --listen 0
	[ "$(jq -c '.streams.TEXT_STREAM, .state' <<<"$output")" = $'null\n"idle"' ]
	rtta-streams init
	put session_config '{"session_id": "s1", "status": "ACTIVE"}'
	send audio.live.s1 x
	background status rtta-streams status --json --listen 10m
	beating() {
		send rtta.heartbeat.rtta-route.default \
			'{"tool":"rtta-route","instance":"default","state":"ok","counters":{}}' false
		rtta-streams status --json --listen 1s >one & local pid=$!
		while kill -0 $pid 2>/dev/null; do
			send rtta.heartbeat.rtta-route.default \
				'{"tool":"rtta-route","instance":"default","state":"ok","counters":{}}' false
		done
		jq -e '.tools[0].tool == "rtta-route" and .tools[0].state == "ok"' one
	}
	wait_for 60 beating
	[ "$(jq -c '[.session_id, .state, .streams.AUDIO_STREAM.messages]' one)" = '["s1","active",1]' ]
	script -qc "rtta-streams status --listen 0" /dev/null >table
	grep -q '^AUDIO_STREAM  *1 ' table
	grep -q '^session s1: active' table
	stop status
}

@test "prune removes the keys of sessions that are over, and no others" {
	start_nats
	rtta-streams init
	for s in gone text sound named open; do
		put "cut.$s" '{"at": null, "at_us": 1}'
		put "note.$s.route-0000000000000001-5" '{"reason": "x"}'
	done
	for s in gone text sound named; do put "end.$s" '{"at": null, "at_us": 2}'; done
	send transcript.raw.text 'Hello.'
	send audio.backfill.sound x
	put session_config '{"session_id": "named", "status": "IDLE"}'
	all=$(keys)
	[[ $all == *"cut.gone "*"note.text."* ]]
	# an end is not over at once: its text may be on the way
	run -0 rtta-streams prune
	[ "$output" = "pruned 0 keys of 0 sessions, and 0 markers of earlier deletions" ]
	[ "$(keys)" = "$all" ]
	run -0 rtta-streams prune --older-than 0
	[ "$output" = "pruned 3 keys of 1 sessions, and 0 markers of earlier deletions" ]
	run -0 rtta-streams --json prune --older-than 0
	[ "$(jq -c '[.keys, .markers]' <<<"$output")" = '[0,3]' ]
	[ "$(keys)" = "$(tr ' ' '\n' <<<"$all" | grep -v '\.gone' | tr '\n' ' ' | sed 's/^ *//; s/  *$/ /')" ]
	# what cannot be read holds nothing up
	put session_config 'ACTIVE!'
	run -0 --separate-stderr rtta-streams prune --older-than 0
	[ "$output" = "pruned 3 keys of 1 sessions, and 0 markers of earlier deletions" ]
	[ "$stderr" = "rtta-streams: warning: session_config: not JSON at byte 0: no session is spared because it is named" ]
}

@test "a wrong command line is one line and 64; no server is 69" {
	for line in "" "frob" "init diff" "--rate 7 init" "--channels 9 init" "--preroll-storage disk init" \
		"--audio-age 1y init" "--replicas 0 init" "--text-bytes 1K init" "--frob init"; do
		# shellcheck disable=SC2086
		run -64 rtta-streams $line
		[ "${#lines[@]}" -eq 1 ]
		[[ $output == "rtta-streams: "* ]]
	done
	RTTA_NATS_URL=nats://127.0.0.1:1 run -69 rtta-streams init
	[ "$output" = "rtta-streams: connect to nats://127.0.0.1:1: No server available" ]
}

@test "a full AUDIO_STREAM keeps all that it has acknowledged; a lower ceiling is refused" {
	start_nats
	rtta-streams --quiet --audio-bytes 300K init
	messages() { rtta-streams status --listen 0 --json | jq .streams.AUDIO_STREAM.messages; }
	is_full() { rtta-streams status --listen 0 --json | jq -e '.streams.AUDIO_STREAM | .messages >= 7548'; }
	numbered gen --frames 3000 >frames
	# records of other sizes, so that one would straddle a ceiling in bytes
	for session in S a-longer-session-id the-session-id-that-is-the-longest-of-them-all-here; do
		background full-$session bash -c "exec publish $session <frames >acks-$session"
	done
	wait_for 30 is_full
	wait_for 30 grep -q 'maximum messages exceeded' full-*.err
	dump AUDIO_STREAM | jq -r .seq | awk '$1 != NR { exit 1 }'
	[ "$(messages)" -eq 7548 ]
	run -78 rtta-streams --audio-bytes 200K apply
	[[ $output = *"AUDIO_STREAM: holds more than the new ceiling, which would drop the oldest of it"* ]]
	[ "$(messages)" -eq 7548 ]
}

load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	PATH=$BATS_TEST_DIRNAME/../tools:$PATH
}

start() {
	start_nats
	rtta-streams --quiet init >/dev/null
}
# put KEY JSON, send SUBJECT TEXT: as any NATS client may
put() { send "\$KV.system_state.$1" "$2"; }
send() { jq -nc --arg s "$1" --arg d "$2" '{subject: $s, data: $d}' | nats-pub >/dev/null; }
meeting_has() { meeting "$@" | nats-pub >/dev/null; }
# config FILTER: of session_config as it stands
config() {
	dump KV_system_state "\$KV.system_state.session_config" | tail -n 1 | jq -cr ".data | @base64d | fromjson | $1"
}
state() { rtta-session --listen 0 status | jq -cr "$1"; }

@test "start makes one session at a time and prints its id, stop names what it means" {
	start
	run -0 --separate-stderr rtta-session start --title 'Town council' --preroll 90s
	id=$output
	[[ $id =~ ^20[0-9]{6}T[0-9]{6}Z-[0-9a-f]{4}$ ]]
	[ "$(config '[.session_id, .status, .title, .preroll_s]')" = "[\"$id\",\"ACTIVE\",\"Town council\",90]" ]
	run -75 rtta-session start
	[ "$output" = "rtta-session: session $id is on: stop it first" ]
	run -66 rtta-session stop other
	[ "$output" = "rtta-session: session other is not on" ]
	run -0 rtta-session stop
	[ "$(config '[.session_id, .status, .title]')" = "[\"$id\",\"IDLE\",\"Town council\"]" ]
	# again: it was what was wanted, unless nothing is named
	run -0 rtta-session stop "$id"
	[ "$output" = "rtta-session: session $id was stopped before" ]
	run -66 rtta-session stop
	[ "$output" = "rtta-session: no session is on" ]
	# route has to cut it first
	run -75 rtta-session start
	[ "$output" = "rtta-session: session $id has no cut yet (rtta-route makes it)" ]
	put "cut.$id" '{"at": null, "at_us": 1}'
	run -0 rtta-session start --id second
	[ "$output" = second ]
	# one that has ended is not on, whatever session_config says
	put cut.second '{"at": null, "at_us": 1}'
	put end.second '{"at": null, "at_us": 2}'
	[ "$(state .state)" = idle ]
	run -73 rtta-session start --id second
	[ "$output" = "rtta-session: there is a session second already" ]
	run -0 rtta-session start --id third
}

@test "of many who start at once one succeeds" {
	start
	for i in $(seq 6); do background "s$i" rtta-session start --id "s$i"; done
	started=0
	for i in $(seq 6); do
		rc=0
		wait "$(cat "s$i.pid")" || rc=$?
		if [ $rc -eq 0 ]; then started=$((started + 1)); else [ $rc -eq 75 ]; fi
	done
	[ $started -eq 1 ]
	[ "$(cat s?.out)" = "$(config .session_id)" ]
}

@test "off the record outlives sessions, only its button ends it" {
	start
	rtta-session off-record
	since=$(config .off_record_us)
	[ "$since" -gt 1700000000000000 ]
	rtta-session off-record
	rtta-session start --id a
	rtta-session stop
	[ "$(config '[.session_id, .status, .off_record, .off_record_us]')" = "[\"a\",\"IDLE\",true,$since]" ]
	[ "$(state .off_record)" = true ]
	rtta-session on-record
	[ "$(config '[.session_id, .off_record, .off_record_us]')" = '["a",null,null]' ]
	[ "$(config '.off_record_spans[0][0]')" = "$since" ]
	[ "$(config '.off_record_spans[0][1]')" -gt "$since" ]
	[ "$(state .off_record)" = false ]
	for _ in $(seq 17); do
		rtta-session off-record
		rtta-session on-record
	done
	[ "$(config '.off_record_spans | length')" = 16 ]
	[ "$(config '.off_record_spans[0][0]')" -gt "$since" ]
}

@test "what other clients put is understood, and what cannot be read is not lost" {
	start
	put session_config '{"session_id": "x", "status": "ACTIVE", "room": "7"}'
	[ "$(state '[.state, .session_id]')" = '["active","x"]' ]
	rtta-session stop x
	[ "$(config '[.status, .room]')" = '["IDLE","7"]' ]
	put session_config 'ACTIVE!'
	for command in start stop off-record 'delete x'; do
		# shellcheck disable=SC2086
		run -65 rtta-session $command
		[ "$output" = "rtta-session: session_config: not JSON at byte 0" ]
	done
	put session_config '{"session_id": "a.b", "status": "ACTIVE"}'
	run -65 rtta-session status
	[ "$output" = 'rtta-session: session_config: session_id: "a.b" is not 1 to 64 of A-Z a-z 0-9 _ -' ]
	# whoever names a session has the way out
	rtta-session stop x
	[ "$(config '[.session_id, .status]')" = '["x","IDLE"]' ]
}

@test "an id that is no subject token is one line and 64" {
	for id in a.b 'a*' '>' 'a b' '' "$(head -c 10000 /dev/zero | tr '\0' a)" $'a\nb'; do
		for command in stop delete "start --id"; do
			# shellcheck disable=SC2086
			run -64 rtta-session $command "$id"
			[ "${#lines[@]}" -eq 1 ]
			[ ${#output} -lt 200 ]
		done
	done
	for line in "" "frob" "start now" "stop a b" "delete" "stop --title x" "start --preroll 6m" "--frob list"; do
		# shellcheck disable=SC2086
		run -64 rtta-session $line
		[ "${#lines[@]}" -eq 1 ]
	done
	run -64 rtta-session start --title "$(head -c 300 /dev/zero | tr '\0' a)"
	[ "${lines[0]}" = "rtta-session: --title: 300 bytes, limit 256 (see rtta-session --help)" ]
}

@test "no bus, no JetStream, no bucket: one line and 69" {
	RTTA_NATS_URL=nats://127.0.0.1:1 run -69 rtta-session start
	[ "$output" = "rtta-session: connect to nats://127.0.0.1:1: No server available" ]
	start_nats
	run -69 rtta-session start
	[ "$output" = "rtta-session: $RTTA_NATS_URL: no bucket system_state: rtta-streams init makes it" ]
}

@test "status and list tell what is known" {
	start
	run -0 rtta-session list
	[ "$output" = "" ]
	meeting_has m1 start cut preroll live late gap end
	send transcript.raw.m0 'Only text.'
	put session_config '{"session_id": "m1", "status": "ACTIVE"}'
	run -0 rtta-session list
	[ "$(jq -c '[.session_id, .state, .records]' <<<"${lines[0]}")" = '["m0","unknown",1]' ]
	[ "$(jq -c '[.session_id, .state]' <<<"${lines[1]}")" = '["m1","ended"]' ]
	[ "${#lines[@]}" -eq 2 ]
	[ "$(state '[.state, .cut, .end, .flush]')" = '["idle",true,true,false]' ]
	[ "$(state .ledger.text_s)" = "$(rtta-export --coverage --json m1 | jq .text_s)" ]
	script -qc "rtta-session --listen 0 status; rtta-session list" /dev/null | tr -d '\r' >table
	grep -q '^cut      known' table
	grep -Eq '^sound    [0-9.]+ s captured: [1-9][0-9.]* s text' table
	grep -Eq '^m1 .* ended ' table
}

@test "watch has a line for what stands and for every change" {
	start
	rtta-session start --id w1
	background watch rtta-session watch
	wait_for 10 grep -q w1 watch.out
	rtta-session stop
	put cut.w1 '{"at": null, "at_us": 1}'
	wait_for 10 grep -q cut.w1 watch.out
	[ "$(jq -r '"\(.key) \(.value.status)"' watch.out)" = $'session_config ACTIVE\nsession_config IDLE\ncut.w1 null' ]
	# a server that was away is followed again
	stop nats KILL
	restart_nats
	put end.w1 '{"at": null, "at_us": 1}'
	wait_for 10 grep -q end.w1 watch.out
	stop watch
	[ "$rc" -eq 0 ]
}

@test "delete leaves nothing of a session, and everything of the others" {
	start
	for s in gone stays; do
		meeting_has "$s" start cut preroll live end
		send "audio.live.$s" x
		send "audio.backfill.$s" x
	done
	put session_config '{"session_id": "gone", "status": "ACTIVE", "off_record": true, "off_record_us": 5}'
	records=$(dump TEXT_STREAM transcript.raw.stays | wc -l)
	[ "$records" -gt 5 ]
	run -75 rtta-session delete gone
	[ "$output" = "rtta-session: session gone is on: stop it first" ]
	rtta-session stop gone
	run -0 rtta-session delete gone
	[ "$(jq -c "[.session_id, .records, .frames]" <<<"$output")" = "[\"gone\",$records,2]" ]
	[ "$(jq .keys <<<"$output")" -ge 3 ]
	[ "$(config '[.session_id, .status, .off_record, .off_record_us]')" = '["","IDLE",true,5]' ]
	[ "$(dump KV_system_state '$KV.system_state.session_config' | wc -l)" -eq 1 ]
	[ "$(rtta-session list | jq -r .session_id)" = stays ]
	[ "$(dump TEXT_STREAM transcript.raw.gone)$(dump AUDIO_STREAM audio.live.gone)" = "" ]
	[ "$(dump AUDIO_STREAM | wc -l)" -eq 2 ]
	[ "$(dump TEXT_STREAM | wc -l)" -eq "$records" ]
	dump KV_system_state | jq -e 'select(.subject | endswith("session.gone")) | .hdrs | @base64d | test("KV-Operation: PURGE")'
	run -66 rtta-session delete gone
	[ "$output" = "rtta-session: session gone: nothing is known of it" ]
	run -0 rtta-session start --id next
}

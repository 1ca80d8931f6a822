# rtta-stt --fallback: the service is away, the box goes on by itself, and
# what it heard is heard again by the better engine.  The double hears numbered
# sound, and so does the fallback: who heard a record, its engine says.
load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	start_nats
	rtta-streams -q init >/dev/null
	background double "$BATS_TEST_DIRNAME/../double/deepgram" --log double.log --ceiling 0 \
		--engine "numbered hear --final 25 --interim 10 --words"
	wait_for 30 test -s double.out
	PORT=$(jq .port double.out) CONTROL=$(jq .control double.out)
	mkdir engines
	cp "$BATS_TEST_DIRNAME"/../../share/engines/*.json engines
	(umask 077 && echo test-key >key)
	export RTTA_ENGINE_DIR=$PWD/engines RTTA_ENGINE_KEY_FILE=$PWD/key
	profile service '{"extends": "deepgram", "backfill": "again", "deaf_s": 60}' ws
	profile again '{"extends": "deepgram-batch"}' http
	echo '{"kind": "exec", "command": ["numbered", "hear", "--words"], "word_times": true}' >engines/box.json
	mkfifo frames
	exec 9<>frames
	route
	background flush rtta-flush
	backfill
}

# profile NAME JSON SCHEME
profile() {
	jq -n --argjson p "$2" --arg u "$3://127.0.0.1:$PORT/v1/listen" '$p + {url: $u}' >"engines/$1.json"
}
route() { background route rtta-route --state-dir . --runtime-dir . "$@" <frames; }
# split_channels: two of them from now on; the numbers of the second are higher.
# Route knows of them before a session begins, as with a microphone that is there.
two=()
split_channels() {
	two=(--channels 2 --apart 100000)
	stop route
	route --channels-as split
	numbered gen "${two[@]}" --run 00000000000000ff -n 5 >frames
	wait_for 20 knows_channels
}
knows_channels() { [ "$(rtta-streams status --listen 0 --json | jq .streams.PRE_BUFFER.messages)" -ge 5 ]; }
do_now() { curl -fsS -d "$1" "http://127.0.0.1:$CONTROL/_do" >/dev/null; }
live() {
	background "${1:-live}" rtta-stt --lane live --engine service --fallback box --patience 1s \
		--return 1s
}
backfill() {
	RTTA_FALLBACK=box background back rtta-stt --lane backfill --engine service --idle 3s --rest 1s
}
start_session() {
	session=$(rtta-session start --preroll 0)
	said=0
}
# say COUNT: the next numbers, in real time
say() {
	numbered gen "${two[@]}" --pace --start "$said" -n "$1" >frames
	said=$((said + $1))
}
# say_until CONDITION...
say_until() {
	local deadline=$((SECONDS + 60))
	until "$@"; do
		[ $SECONDS -lt $deadline ] || { echo "said $said, and still not: $*" >&2; return 1; }
		say 25
	done
}

records() { rtta-export -q -f jsonl "$session" 2>/dev/null; }
# texts [CHANNEL]
texts() { records | jq -r "select(.type == \"text\" ${1:+and .channel == $1}).text"; }
# by ENGINE MIN [MAX]: so many numbers stand there as heard by it
by() {
	local n
	n=$(records | jq -r --arg e "$1" 'select(.type == "text" and .engine == $e).text' | wc -w)
	[ "$n" -ge "$2" ] && [ "$n" -le "${3:-$n}" ]
}
complete() { rtta-export -q --coverage "$session"; }
# Everything that was said stands there once, whoever is asked; revision 2
# stands in for all that the box heard.
is_right() {
	rtta-session stop
	numbered gen "${two[@]}" --start "$said" -n 1 --zero "$said-$((said + 100000))" >frames
	wait_for 60 complete
	wait_for 60 by box 0 0
	if [ "${#two[@]}" = 0 ]; then
		texts | numbered check 0 $((said - 1))
	else
		texts 0 | numbered check 0 $((said - 1))
		texts 1 | numbered check 100000 $((said + 99999))
	fi
	rtta-export -q --coverage --json "$session" >ledger
	jq -e --argjson n "$said" '.gap_s == 0 and .overlap_s == 0 and .pending_s == 0 and
		(.captured_s - $n / 50 | fabs) < 0.03' ledger
}

@test "cut off in the middle: the box goes on, then the service, and its second pass replaces" {
	live
	start_session
	say_until by service 50
	do_now '{"listen": false}'
	do_now '{"reset": true}'
	say_until by box 50
	do_now '{"listen": true}'
	say_until grep -q 'engine service is back' live.err
	is_right
	background serve rtta-serve --listen 127.0.0.1:0 --port-file port
	wait_for 20 test -s port
	curl -fsS "http://127.0.0.1:$(cat port)/s/$session/transcript.jsonl" |
		jq -r 'select(.type == "text").text' | numbered check 0 $((said - 1))
}

@test "two channels, away at the start, killed in a bridged stretch, and the batch fails: each number of each once" {
	split_channels
	do_now '{"listen": false, "status": 503, "on": "batch"}'
	live
	start_session
	say_until by box 50
	stop live KILL
	say 25
	live again
	say_until grep -q 'live goes on with box' again.err
	say_until by box 150
	do_now '{"listen": true}'
	say_until grep -q 'engine service is back' again.err
	wait_for 30 grep -q 'attempts in vain' back.err
	do_now '{"clear": true}'
	is_right
}

@test "a service that says nothing any more, then one that is slow: the box goes on" {
	live
	start_session
	say_until by service 50
	do_now '{"half_open": true}'
	say_until by box 25
	do_now '{"clear": true}'
	say_until grep -q 'engine service is back' live.err
	do_now '{"late_ms": 4000}'
	say_until by box 50
	do_now '{"clear": true}'
	is_right
}

@test "a fallback without a lane: 64; one that is not there, or an engine that hears recordings only: 78" {
	run -64 rtta-stt --fallback box </dev/null
	run -78 --separate-stderr rtta-stt --lane live --engine service --fallback nothing
	[[ $stderr == *"engine nothing: no nothing.json in "* ]]
	echo '{"kind": "exec", "command": ["no-such-program"]}' >engines/none.json
	run -78 --separate-stderr rtta-stt --lane live --engine service --fallback none
	[[ $stderr == *"engine none: no-such-program: No such file or directory" ]]
	run -78 rtta-stt --lane live --engine again --fallback box
}

@test "a key that is refused ends nothing: the box goes on, and a new key is read" {
	echo wrong-key >key
	live
	start_session
	say_until by box 25
	grep -q '401 Invalid credentials' live.err
	background status rtta-streams status --listen 6 --json
	say_until gone status
	jq -e '.tools[] | select(.counters.lane == "live") | .state == "bridged" and .counters.engine == "box"' status.out
	echo test-key >key
	say_until grep -q 'engine service is back' live.err
	is_right
}

# Every tool of the pipeline under valgrind, at work, and ended as systemd
# ends it: an invalid read or a leak is exit code 99.
load helper

vg="valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite"
vg+=" --suppressions=$BATS_TEST_DIRNAME/../valgrind.supp"

preroll_holds() { [ "$(rtta-streams status --listen 0 --json | jq .streams.PRE_BUFFER.messages)" -ge "$1" ]; }
heard() { rtta-export --format jsonl "$session" | jq -r 'select(.type == "text").text'; }
heard_at_least() { [ "$(heard | wc -w)" -ge "$1" ]; }

@test "a session from pre-roll to complete: valgrind finds nothing in any tool" {
	command -v valgrind >/dev/null && ! [[ $B = *san* ]] || skip "needs valgrind and a plain build"
	start_nats
	$vg rtta-streams --quiet init
	mkfifo frames
	exec 9<>frames
	background route $vg rtta-route --state-dir . --runtime-dir . <frames
	background flush $vg rtta-flush
	background live $vg rtta-stt --lane live --exec "numbered hear --final 10 --interim 3 --words"
	background backfill $vg rtta-stt --lane backfill --exec "numbered hear --final 10 --words"
	background serve $vg rtta-serve --listen 127.0.0.1:0 --port-file port
	numbered gen --raw --frames 6000 >sound
	background capture bash -c "exec $vg rtta-capture --raw sound >frames"
	wait_for 60 preroll_holds 50
	session=$($vg rtta-session start)
	wait_for 200 heard_at_least 100  # a minute of pre-roll, if start was slow
	wait_for 60 test -s port
	background sse curl -sN "http://127.0.0.1:$(cat port)/events?session=$session"
	wait_for 60 grep -q '"is_final":true' sse.out
	curl -fsS -o page "http://127.0.0.1:$(cat port)/"
	$vg rtta-session stop
	wait_for 200 rtta-export --coverage "$session"
	$vg rtta-streams status --listen 0 >status
	$vg rtta-export --format vtt "$session" >vtt
	$vg rtta-export --coverage "$session"
	heard | numbered check 0 $(($(heard | wc -w) - 1))
	for tool in capture route flush live backfill serve; do
		stop $tool
		cat $tool.err
		[ "$rc" -eq 0 ]
	done
}

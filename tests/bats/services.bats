# rtta-stt and speech services on the network: a double of Deepgram that
# hears numbered sound and misbehaves as users have reported of live clients.
load helper

# One double for the file, which each test finds as if it were new; its ports
# are PORT and CONTROL, what it received double.log from line SINCE on.
setup_file() {
	cd "$BATS_FILE_TMPDIR" || return
	start_double
	export PORT CONTROL
}
teardown_file() { kill "$(cat "$BATS_FILE_TMPDIR/double.pid")"; }

# start_double [OPTION...]
start_double() {
	background double "$BATS_TEST_DIRNAME/../double/deepgram" --log double.log --ceiling 0 \
		--engine "numbered hear --final 25 --interim 10 --words" "$@"
	wait_for 30 test -s double.out
	PORT=$(jq .port double.out)
	CONTROL=$(jq .control double.out)
}

# and the profiles "live" and "batch" lead to it
setup() {
	cd "$BATS_TEST_TMPDIR" || return
	LOG=$BATS_FILE_TMPDIR/double.log
	do_now '{"clear": true, "listen": true, "reset": true}'
	wait_for 30 nobody_is_left
	SINCE=$(($(wc -l <"$LOG") + 1))
	mkdir engines
	cp "$BATS_TEST_DIRNAME"/../../share/engines/*.json engines
	(umask 077 && echo test-key >key)
	export RTTA_ENGINE_DIR=$PWD/engines RTTA_ENGINE_KEY_FILE=$PWD/key
	profile live '{"extends": "deepgram", "backfill": null, "speed": 0, "deaf_s": 60}' ws
	profile batch '{"extends": "deepgram-batch"}' http
}
nobody_is_left() { curl -fsS "http://127.0.0.1:$CONTROL/_state" | jq -e '.live == []'; }

# profile NAME JSON SCHEME
profile() {
	jq -n --argjson p "$2" --arg u "$3://${HOST:-127.0.0.1}:$PORT/v1/listen" '$p + {url: $u}' >"engines/$1.json"
}
do_now() { curl -fsS -d "$1" "http://127.0.0.1:$CONTROL/_do" >/dev/null; }

# hear FRAMES [OPTION...]: numbered sound through the filter: records into out
hear() {
	numbered gen --frames "$1" | rtta-stt --engine live "${@:2}" >out 2>err
}
heard() { jq -r 'select(.type == "text").text' out | tr '\n' ' '; }
once() { heard | numbered check 0 $(($1 - 1)); }
received() { tail -n "+$SINCE" "$LOG" | jq -c "select($1)"; }
count_received() { received "$1" | wc -l; }
received_at_least() { [ "$(count_received "$2")" -ge "$1" ]; }

# waited SECONDS: at least, between the last refusal and the next request
waited() {
	received '.event == "refused" or .event == "request"' | jq -es --argjson s "$1" '. as $all |
		(map(.event) | rindex("refused")) as $i | $all[$i + 1].at - $all[$i].at > $s - 0.1'
}

# The place of each number's word against where the number is in the sound.
words_are_in_place() {
	jq -e -s '[.[] | select(.words) | .words[] | (.first - (.word | tonumber) * 320) | fabs] |
		length > 0 and max <= 800' out
}

# field failures 1, 6, 14
@test "Deepgram: sound becomes text; no frame is empty, CloseStream comes last" {
	hear 503
	once 503
	words_are_in_place
	[ "$(count_received '.event == "empty"')" -eq 0 ]
	received '.event == "audio" or .event == "text"' | tail -n 1 | grep CloseStream
	[ "$(received '.event == "request"' | jq -r .query)" = "channels=1&diarize=true&encoding=linear16&endpointing=300&interim_results=true&language=en&model=nova-3&sample_rate=16000&smart_format=true" ]
	received '.event == "request"' | grep -q 'Token test-key'
}

# channel CHANNEL FIRST <records: its numbers, minus FIRST
channel() { jq -r "select(.channel == $1 and .type == \"text\").text" | grep -o '[0-9]*' | awk -v n="$2" '{ print $1 - n }'; }

@test "Deepgram: channels kept apart on one connection, live and by batch; cut off, each number once" {
	start_nats
	rtta-streams --quiet init
	do_now '{"close_after_s": 3, "times": 2}'
	two() { numbered gen --frames 500 --channels 2 --apart 10000 --zero 10150-10349; }
	two | rtta-stt --engine live --channels-as split >out 2>err
	channel 0 0 <out | numbered check 0 499
	channel 1 10000 <out | cmp - <(seq 0 149; seq 350 499)
	jq -es '[.[] | select(.words) | .words[] | (.first - (.word | tonumber) % 10000 * 320) | fabs] | max <= 800' out
	[ "$(count_received '.event == "cut"')" -ge 1 ]
	received '.event == "request"' | grep -q '"channels=2&.*&multichannel=true&'
	two | rtta-flush --session R --channels-as split
	background back rtta-stt --lane backfill --idle 2s --engine batch
	wait_for 60 rtta-export --quiet --coverage R
	rtta-export --format jsonl R >out
	channel 0 0 <out | numbered check 0 499
	channel 1 10000 <out | cmp - <(seq 0 149; seq 350 499)
	[ "$(count_received '.event == "body"')" -eq 1 ]
}

# field failures 2, 5
@test "Deepgram: the last words come late, finals never with speech_final, Metadata first or never" {
	do_now '{"late_final_ms": 1000, "no_speech_final": true}'
	hear 130
	once 130
	do_now '{"clear": true, "metadata_first": true, "revise": true, "fragment": 7}'
	hear 130
	once 130
	do_now '{"clear": true, "no_metadata": true}'
	hear 130
	once 130
}

@test "Deepgram: an orderly close without a word is no silence, however short" {
	do_now '{"stall": true, "no_metadata": true}'
	hear 20 & pid=$!
	wait_for 30 received_at_least 1 '.event == "end"'
	do_now '{"clear": true}'
	wait "$pid"
	once 20
	# nor when only the last half second of it lacks
	mkfifo frames
	rtta-stt --engine live <frames >out & pid=$!
	exec 9>frames
	numbered gen --frames 50 >&9
	wait_for 30 received_at_least 1 '.event == "said" and (.text | startswith("25 "))'
	do_now '{"stall": true, "no_metadata": true}'
	numbered gen --start 50 --frames 20 >&9
	exec 9>&-
	wait_for 30 received_at_least 3 '.event == "end"'
	do_now '{"clear": true}'
	wait "$pid"
	once 70
}

# field failure 15
@test "Deepgram: unknown messages, binary ones and invalid UTF-8 are ignored" {
	do_now '{"strange": true}'
	hear 130
	once 130
}

# field failures 7, 10
@test "Deepgram: cut off again and again, and slow to open: each sample once, at its place" {
	do_now '{"close_after_s": 3, "times": 2, "delay_ms": 500}'
	hear 500
	once 500
	words_are_in_place
	do_now '{"clear": true, "close_after_s": 2, "reset_too": true, "times": 1}'
	hear 300
	once 300
	[ "$(jq -rs 'map(select(.words) | .words[].speaker) | unique | length' out)" -le 2 ]
}

# field failure 8
@test "Deepgram: a hole in the sound moves the times behind it, and so does a cut" {
	mkfifo frames
	background stt bash -c 'exec rtta-stt --engine live <frames >out'
	exec 9>frames
	numbered gen --frames 300 --skip 100-199 --lost >&9
	wait_for 30 grep -q '"text":"275 ' out
	do_now '{"close": 1011}'
	wait_for 30 grep -q 'engine live: closed: 1011' stt.err
	numbered gen --start 300 --frames 100 >&9
	exec 9>&-
	wait_for 60 gone stt
	[ "$(heard)" = "$( (seq 0 99; seq 200 399) | tr '\n' ' ')" ]
	words_are_in_place
	# each connection counts its speakers anew
	jq -es '[.[] | select(.words) | .speaker, .words[].speaker] | unique |
		length >= 2 and all(test("^[0-9a-f]{4}-0$"))' out
	[ "$(jq -rs 'map(select(.type == "gap")) | map(.last - .first) | add' out)" -eq 32000 ]
}

# field failures 4, 9
@test "Deepgram: a pause: Finalize without an answer, KeepAlive as text, no idle close" {
	profile live '{"extends": "deepgram", "backfill": null, "keep_alive_s": 1, "finalize_ms": 300}' ws
	do_now '{"mute_finalize": true, "idle_s": 3}'
	mkfifo frames
	background stt bash -c 'exec rtta-stt --engine live <frames >out'
	exec 9>frames
	numbered gen --frames 100 >&9
	wait_for 30 received_at_least 1 '.event == "text" and (tostring | contains("Finalize"))'
	wait_for 30 received_at_least 4 '.event == "text" and (tostring | contains("KeepAlive"))'
	[ "$(count_received '.event == "close"')" -eq 0 ]
	numbered gen --start 100 --frames 50 >&9
	exec 9>&-
	wait_for 30 gone stt
	once 150
	[ "$(count_received '.event == "open"')" -eq 1 ]
}

# field failures 11, 12, 13
@test "Deepgram: a refusal is shown with its reason, never with the key; 401 is tried once" {
	for code in 400 401 402 403 404; do
		do_now "{\"clear\": true, \"status\": $code}"
		before=$(count_received '.event == "request"')
		run -78 hear 50
		cat err
		grep -q "^rtta-stt: engine live: $code [A-Z]" err
		[ "$(count_received '.event == "request"')" -eq $((before + 1)) ]
	done
	do_now '{"clear": true, "status": 429, "times": 1, "retry_after": 1}'
	hear 50
	once 50
	grep -q 'engine live: 429 Too many requests.*again in 1' err
	waited 1
	echo wrong-key >key
	do_now '{"clear": true}'
	run -78 hear 50
	grep -q 'engine live: 401 Invalid credentials' err
	run -1 grep 'test-key\|wrong-key' err out
}

# field failure 13
@test "the key is in no argument, environment, log, record, heartbeat, page, metric or core" {
	start_nats
	rtta-streams --quiet init >init.out
	background serve rtta-serve --listen 127.0.0.1:0 --port-file port
	wait_for 20 test -s port
	page=http://127.0.0.1:$(cat port)
	jq -n '{kind: "exec", command: ["numbered", "hear"]}' >engines/ear.json
	background stt bash -c 'ulimit -c unlimited; exec rtta-stt -v --lane live --engine live --fallback ear'
	numbered gen --frames 100 | publish S1
	is_there() { rtta-export --format jsonl S1 | jq -r 'select(.type == "text").text' | tr '\n' ' ' | numbered check 0 99; }
	wait_for 60 is_there
	# a service may say it back to us
	do_now '{"status": 503, "error": "test-key is a good key", "close": 1011, "reason": "so test-key was"}'
	numbered gen --start 100 --frames 20 | publish S1
	wait_for 30 grep -q 'engine live: 503 \*\*\*\*\*\*\*\* is a good key' stt.err
	pid=$(cat stt.pid)
	child=$(pgrep -P "$pid" -x numbered | head -n 1)
	own=/proc/$pid/environ seen='live.*RTTA_ENGINE_KEY_FILE.*numbered hear.*PATH='
	# of what leaves no core nobody but root sees even that
	[ "$(id -u)" -eq 0 ] || { run -1 cat "$own"; own=/dev/null seen='live.*numbered hear.*PATH='; }
	cat "/proc/$pid/cmdline" "$own" "/proc/$child/cmdline" "/proc/$child/environ" >process
	rtta-streams status --listen 6 --json >status
	jq -e '.tools | map(select(.tool == "rtta-stt")) | length == 1' status
	curl -fs "$page/metrics" >metrics
	grep -q '^rtta_' metrics
	curl -fs "$page/s/S1" "$page/s/S1/transcript.jsonl" "$page/healthz" "$page/sessions" >pages
	dump TEXT_STREAM >records
	dump KV_system_state >state
	[ -s records ]
	tr '\0\n' '  ' <process | LC_ALL=C grep -aq "$seen"
	run -1 grep -a test-key process stt.err status metrics pages records state
	stop stt ABRT
	[ "$rc" -eq 134 ]
	[ -z "$(find . -name 'core*')" ]
}

@test "a key that is not there, empty, or more than one word: 78, naming the file" {
	rm key
	run -78 --separate-stderr rtta-stt --engine live </dev/null
	[[ $stderr = *"$PWD/key: No such file or directory" ]]
	echo >key
	run -78 --separate-stderr rtta-stt --engine live </dev/null
	[[ $stderr = *"$PWD/key: empty" ]]
	echo two words >key
	run -78 --separate-stderr rtta-stt --engine live </dev/null
	[[ $stderr = *"$PWD/key: a key is one word of ASCII" ]]
}

# field failures 3, 18
@test "a service that takes no more than so many times real time is not sent more" {
	profile live '{"extends": "deepgram", "backfill": null, "speed": 8}' ws
	hear 1000
	once 1000
	received '.event == "audio" or .event == "text"' | tail -n 1 | grep CloseStream
	# 5 s of credit, then 8 times real time: slower is no fault, faster is
	received '.event == "audio"' | jq -es '(.[0].at) as $t | reduce .[] as $m ({bytes: 0, most: -1e9};
		.bytes += $m.bytes | .most = ([.most, .bytes / 32000 - 8 * ($m.at - $t)] | max)) | .most < 5.5'
}

@test "a silent connection on speech is dead: another one hears it all" {
	profile live '{"extends": "deepgram", "backfill": null, "speed": 0, "deaf_s": 5}' ws
	do_now '{"stall": true, "no_close": true}'
	background stt bash -c 'exec rtta-stt --engine live < <(numbered gen --frames 600) >out'
	wait_for 60 grep -q 'not a word on 5 s of sound' stt.err
	do_now '{"clear": true}'
	wait_for 60 gone stt
	once 600
}

# field failure 7
@test "a connection that is open on one side only is found by pings: all of it is heard" {
	profile live '{"extends": "deepgram", "backfill": null, "speed": 0, "ping_s": 1}' ws
	do_now '{"half_open": true}'
	background stt bash -c 'exec rtta-stt --engine live < <(numbered gen --frames 300) >out'
	wait_for 40 grep -q 'engine live: closed: 1006.*, again in' stt.err
	do_now '{"clear": true}'
	wait_for 60 gone stt
	once 300
}

# field failure 7
@test "a service that is not there, and then is: all of it is heard; late words, too" {
	do_now '{"listen": false}'
	background stt bash -c 'exec rtta-stt --engine live < <(numbered gen --frames 300) >out'
	wait_for 30 grep -q 'engine live: .*, again in' stt.err
	do_now '{"listen": true, "late_ms": 30}'
	wait_for 60 gone stt
	once 300
}

# field failure 10
@test "stopped while its service is broken it leaves with 0, and its successor hears the rest" {
	start_nats
	rtta-streams --quiet init >init.out
	background stt rtta-stt --lane live --engine live
	do_now '{"stall": true, "close_after_s": 1, "times": 1}'
	numbered gen --frames 100 | publish S1
	wait_for 30 grep -q 'engine live: closed: 1011' stt.err
	do_now '{"status": 503}'
	wait_for 30 grep -q 'engine live: 503' stt.err
	stop stt
	[ "$rc" -eq 0 ]
	do_now '{"clear": true}'
	background stt rtta-stt --lane live --engine live
	is_there() { rtta-export --format jsonl S1 2>/dev/null | jq -r 'select(.type == "text").text' | tr '\n' ' ' | numbered check 0 99; }
	wait_for 60 is_there
}

@test "a service that is there again: what was missed moves before it has said a word" {
	start_nats
	rtta-streams --quiet init >init.out
	profile live '{"extends": "deepgram", "backfill": null}' ws
	do_now '{"listen": false}'
	background stt rtta-stt --lane live --engine live
	numbered gen --frames 300 --talk | publish S1
	wait_for 30 grep -q 'engine live: .*, again in' stt.err
	do_now '{"listen": true, "stall": true}'
	wait_for 30 grep -q 'behind by .* the backlog moves' stt.err
}

@test "a redirection is not followed: the key stays where it belongs" {
	do_now "{\"status\": 302, \"times\": 1, \"location\": \"http://127.0.0.1:$PORT/stolen\"}"
	hear 50
	once 50
	grep -q 'engine live: 302' err
	do_now "{\"clear\": true, \"status\": 307, \"times\": 1, \"location\": \"http://127.0.0.1:$PORT/stolen\"}"
	start_nats
	rtta-streams --quiet init >init.out
	background back rtta-stt --lane backfill --engine batch --idle 2s
	numbered gen --frames 100 | publish --lane backfill --eos S1
	wait_for 60 grep -q 'engine batch: 307' back.err
	is_there() { [ "$(count_received '.event == "body"')" -eq 1 ]; }
	wait_for 60 is_there
	[ "$(received '.event == "request"' | jq -r .path | sort -u)" = /v1/listen ]
}

# field failure 9
@test "Deepgram: a connection is opened when there is sound, not before" {
	mkfifo frames
	background stt bash -c 'exec rtta-stt --engine live <frames >out'
	exec 9>frames
	wait_for 30 grep -q rtta-stt "/proc/$(cat stt.pid)/comm"
	wait_for 30 grep -q '^State:.S' "/proc/$(cat stt.pid)/status"
	at=$(date +%s.%N)
	numbered gen --frames 100 >&9
	exec 9>&-
	wait_for 30 gone stt
	once 100
	received '.event == "request"' | jq -es --argjson at "$at" 'length == 1 and .[0].at > $at'
}

# field failure 17
@test "Deepgram: an UtteranceEnd divides and settles nothing, whatever it says" {
	mkfifo frames
	background stt bash -c 'exec rtta-stt --interim --engine live <frames >out'
	exec 9>frames
	numbered gen --frames 60 >&9
	wait_for 30 grep '"text":"[0-9 ]* 48 *[0-9 ]*"' out
	for end in 0.1 0.9 5; do
		do_now "{\"send\": \"{\\\"type\\\":\\\"UtteranceEnd\\\",\\\"channel\\\":[0,1],\\\"last_word_end\\\":$end}\"}"
	done
	do_now '{"close": 1011}'
	wait_for 30 grep -q 'closed: 1011' stt.err
	numbered gen --start 60 --frames 90 >&9
	exec 9>&-
	wait_for 30 gone stt
	jq -c 'select(.is_final)' out >finals && mv finals out
	once 150
	[ "$(jq -s 'map(select(.type == "text")) | length' out)" -eq 6 ]
	[ "$(count_received '.event == "open"')" -eq 2 ]
}

# field failure 14
@test "key terms are repeated, and refused before they are sent when there are too many" {
	profile live '{"extends": "deepgram", "backfill": null, "speed": 0, "vars": {"keyterms": ["Oyez Oyez", "naïve"]}}' ws
	hear 50
	once 50
	received '.event == "request"' | grep -qF 'keyterm=Oyez%20Oyez&keyterm=na%C3%AFve&'
	profile live "{\"extends\": \"deepgram\", \"vars\": {\"keyterms\": [$(printf '"habeas certiorari", %.0s' {1..100})\"nisi\"]}}" ws
	run -78 hear 50
	grep -q 'engines/live.json: vars: keyterms: about 501 tokens, limit 500' err
	[ "$(count_received '.event == "request"')" -eq 1 ]
}

@test "an orderly close without the last words is no end: the rest is sent again, then a gap" {
	do_now '{"stall": true}'
	hear 300
	[ "$(grep -c 'engine live: closed: 1000' err)" -eq 3 ]
	[ "$(jq -rs 'map(select(.type == "gap"))[0].reason' out)" = "engine gave up" ]
}

@test "what a live service never says is no gap: the other lane's service is asked" {
	start_nats
	rtta-streams --quiet init >init.out
	do_now '{"stall": true, "no_metadata": true}'
	background stt rtta-stt --lane live --engine live
	background back rtta-stt --lane backfill --engine batch --idle 2s
	numbered gen --frames 100 | publish --eos S1
	is_there() { rtta-export --format jsonl S1 2>/dev/null | jq -r 'select(.type == "text").text' | tr '\n' ' ' | numbered check 0 99; }
	wait_for 60 is_there
	[ "$(grep -c 'engine live: closed: 1000' stt.err)" -eq 3 ]
}

@test "over TLS, with a certificate that is known; and refused with one that is not" {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout tls.key \
		-out tls.crt -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost 2>/dev/null
	start_double --tls tls.crt tls.key
	HOST=localhost profile live '{"extends": "deepgram", "backfill": null, "speed": 0}' wss
	SSL_CERT_FILE=$PWD/tls.crt hear 60
	once 60
	background stt bash -c 'exec rtta-stt --engine live < <(numbered gen --frames 60) >out2'
	wait_for 30 grep -q 'engine live: .*, again in' stt.err
	[ ! -s out2 ]
	stop stt KILL
}

# field failure 16
@test "recordings: 408, 429 and 504 are tried again, when the service says, each sample once" {
	start_nats
	rtta-streams --quiet init >init.out
	background back rtta-stt --lane backfill --engine batch --idle 2s
	is_there() { rtta-export --format jsonl "$1" 2>/dev/null | jq -r 'select(.type == "text").text' | tr '\n' ' ' | numbered check 0 199; }
	for code in 504 408 429; do
		do_now "{\"clear\": true, \"status\": $code, \"on\": \"batch\", \"times\": 1, \"retry_after\": 1, \"error\": \"so test-key was\"}"
		numbered gen --frames 200 --run "0000000000000$code" | publish --lane backfill --eos "S$code"
		wait_for 60 is_there "S$code"
		grep -q "engine batch: $code so \*\*\*\*\*\*\*\* was, again in 1" back.err
		waited 1
	done
	run -1 grep test-key back.err
}

# field failure 16
@test "recordings: an answer that takes long, and pieces: no word lost or doubled between" {
	start_nats
	rtta-streams --quiet init >init.out
	profile batch '{"extends": "deepgram-batch", "deaf_s": 5}' http
	background back rtta-stt --lane backfill --engine batch --idle 2s --piece 14s
	do_now '{"delay_ms": 6000}'
	numbered gen --frames 900 --talk | publish --lane backfill --eos S1
	wait_for 30 received_at_least 1 '.event == "request"'
	do_now '{"clear": true}'
	all_of_it() { jq -es '[.[] | select(.type == "text").words[].word | tonumber] | . == ([range(900)] - [range(900) | select(. % 100 >= 80)])' out; }
	is_there() { rtta-export --format jsonl S1 >out 2>/dev/null && all_of_it; }
	wait_for 90 is_there
	words_are_in_place
	[ "$(count_received '.event == "body"')" -ge 2 ]
	run ! grep 'engine batch' back.err
}

# field failure 16
@test "recordings: what a service finds too large is sent in halves" {
	start_nats
	rtta-streams --quiet init >init.out
	do_now '{"max_bytes": 100000}'
	background back rtta-stt --lane backfill --engine batch --idle 2s
	numbered gen --frames 400 | publish --lane backfill --eos S1
	is_there() { rtta-export --format jsonl S1 2>/dev/null | jq -r 'select(.type == "text").text' | tr '\n' ' ' | numbered check 0 399; }
	wait_for 60 is_there
	grep -q 'engine batch: 413 Payload too large' back.err
	[ "$(count_received '.event == "refused"')" -le 7 ]
}

@test "every profile that we ship is what it says; what is wrong is named" {
	for file in "$BATS_TEST_DIRNAME"/../../share/engines/*.json; do
		run -0 rtta-stt --check-profile "$file"
		[[ $output = "$file: good, "* ]]
		[[ $file = */moonshine.json ]] || [[ $output != *" 0 samples" ]]
	done
	jq '.samples[0].events[0].text = "Three"' "$BATS_TEST_DIRNAME/../../share/engines/deepgram.json" >bad.json
	run -78 rtta-stt --check-profile bad.json
	[[ $output = *"bad.json: samples[0]: events: the program says "*'"text":"Two"'* ]]
	jq '.program = "if"' "$BATS_TEST_DIRNAME/../../share/engines/vosk.json" >bad.json
	run -78 rtta-stt --check-profile bad.json
	[[ $output = *"bad.json: program: syntax error"* ]]
	jq '.keeps = true | .program = "{event: \"keep\", value: (\"x\" * 70000)}"' "$BATS_TEST_DIRNAME/../../share/engines/vosk.json" >bad.json
	run -78 rtta-stt --check-profile bad.json
	[[ $output = *"bad.json: program: keeps more than 65536 bytes" ]]
}

# example N: the Nth profile in the EXAMPLES of rtta-engine(5)
example() {
	mandoc -T ascii -O width=200 "$BATS_TEST_DIRNAME/../../man/rtta-engine.5" | col -bx |
		sed -n '/^EXAMPLES/,/^SEE ALSO/p' | awk -v n="$1" '/^ *[{]$/ { if (++i == n) on = 1 } on; /^ *[}]$/ { on = 0 }'
}

@test "the manual's examples are profiles; the service that it invents is heard by the second" {
	example 1 >engines/house.json
	run -0 rtta-stt --check-profile engines/house.json
	background lines "$BATS_TEST_DIRNAME/../double/lines" --engine "numbered hear --interim 10 --words"
	wait_for 30 test -s lines.out
	example 2 | sed "s/127.0.0.1:9000/127.0.0.1:$(jq -s ".[0].port" lines.out)/" >engines/live.json
	run -0 rtta-stt --check-profile engines/live.json
	[[ $output = *": good, 3 samples" ]]
	mkfifo frames
	background stt bash -c 'exec rtta-stt --interim --engine live <frames >out'
	exec 9>frames
	numbered gen --frames 110 >&9
	is_said() { jq -e 'select(.is_final and (.text | startswith("100 ")))' out; }
	wait_for 30 is_said
	wait_for 30 grep -q alive lines.out
	numbered gen --start 110 --frames 20 >&9
	exec 9>&-
	wait_for 30 gone stt
	jq -es 'any(.is_final | not)' out
	jq -c 'select(.is_final)' out >finals && mv finals out
	once 130
	words_are_in_place
	jq -es '[.[] | .last - .first] | add == 130 * 320' out
	[ "$(grep -c open lines.out)" -eq 1 ]
	[ ! -s stt.err ]
}

@test "a service for recordings is refused in the live lane" {
	run -78 --separate-stderr rtta-stt --lane live --engine batch
	[[ $stderr = *"engine batch: hears whole recordings: for the backfill lane only" ]]
}

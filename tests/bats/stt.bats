# rtta-stt: sound to text.  Numbered sound makes every lost, doubled or
# reordered frame visible in the transcript (tests/tools/numbered.c).
setup() {
	load helper
	cd "$BATS_TEST_TMPDIR" || return
}

# texts SESSION: the text of each record, in the order of the sound
records() { rtta-export -q -f jsonl "$1"; }
texts() { records "$1" | jq -r 'select(.type == "text").text'; }
count() { [ "$(texts "$1" 2>/dev/null | wc -w)" -ge "$2" ]; }
# right SESSION FIRST LAST: each number stands there once, in order
right() { texts "$1" | numbered check "$2" "$3"; }
# whole FIRST LAST <records: they cover it without hole or overlap
whole() {
	jq -rs --argjson first "$1" --argjson last "$2" '
	    sort_by(.first) | reduce .[] as $r ({at: $first, bad: []};
	        if $r.first == $r.last then .
	        elif $r.first == .at then .at = $r.last
	        else .bad += [[.at, $r.first, $r.last]] | .at = $r.last end)
	    | if .at == $last and .bad == [] then "whole" else tojson end'
}
# two FRAMES [OPTION...]: two channels; the numbers of the second are 10000 higher
two() { numbered gen --channels 2 --apart 10000 -n "$@"; }
# of CHANNEL <records: those that name it; apart CHANNEL: their text
of() { jq -c "select(.channel == $1)"; }
apart() { of "$1" | jq -r 'select(.type == "text").text'; }
# split_session ID: its key, as route writes it
split_session() {
	jq -nc --arg id "$1" '{subject: "$KV.system_state.session.\($id)",
	    data: ({channels_as: "split", channels: 2} | tojson)}' | "$BATS_TEST_DIRNAME/../tools/nats-pub"
}
audio_messages() { request '$JS.API.STREAM.INFO.AUDIO_STREAM' '' | jq .state.messages; }
# subscribe SUBJECT: what a core subscriber sees, as it is on the wire
subscribe() {
	exec 4<>"/dev/tcp/127.0.0.1/${RTTA_NATS_URL##*:}"
	printf 'CONNECT {"verbose":false,"headers":true}\r\nSUB %s 1\r\nPING\r\n' "$1" >&4
	timeout 30 cat <&4
}
drained() { [ "$(audio_messages)" = 0 ]; }
start_bus() {
	start_nats
	rtta-streams -q init >/dev/null
}
live() { background "${2:-live}" rtta-stt --lane live --idle 2s ${3:---edge=0} --exec "numbered hear $1"; }
backfill() { background "${2:-back}" rtta-stt --lane backfill --idle 2s --exec "numbered hear $1"; }

@test "a filter: each frame's text once, records without hole or overlap" {
	numbered gen -n 3000 --zero 1000-2700 | rtta-stt --exec "numbered hear" >out
	jq -r .text out | grep -o '[0-9]*' | cmp - <(seq 0 999; seq 2701 2999)
	[ "$(whole 0 960000 <out)" = whole ]
	[ "$(jq -r 'select(.type == "silence") | .last - .first' out | wc -l)" -ge 1 ]
}

@test "a filter: a hole ends a record, and lost samples are a gap" {
	numbered gen -n 200 --skip 50-59 --lost | rtta-stt --exec "numbered hear --words" >out
	jq -r .text out | grep -o '[0-9]*' | cmp - <(seq 0 49; seq 60 199)
	[ "$(jq -r 'select(.type == "gap") | "\(.first) \(.last)"' out)" = "16000 19200" ]
	[ "$(whole 0 64000 <out)" = whole ]
	[ "$(jq -r 'select(.type == "text") | .words[0] | "\(.word) \(.first) \(.last)"' out | head -1)" = "0 0 320" ]
}

@test "a filter: an engine that dies is started again, nothing is lost or doubled" {
	numbered gen -n 1000 | rtta-stt -q --exec "numbered hear --die 300" >out
	jq -r .text out | numbered check 0 999
}

@test "a filter: what an engine never settles is a gap after three attempts" {
	numbered gen -n 100 | rtta-stt -q --exec "numbered hear --deaf" >out
	[ "$(jq -r '[.type, .reason, .first, .last] | join(" ")' out)" = "gap engine gave up 0 32000" ]
}

@test "a filter: other rates and channels are made one" {
	numbered gen -n 100 --channels 2 | rtta-stt --exec "numbered hear" | jq -r .text |
	    numbered check 0 99
	sox -n -r 48000 -c 2 -b 16 -t raw tone.raw synth 2 sine 440 gain -6
	rtta-capture --fast --raw tone.raw --rate 48000 --channels 2 --fast |
	    rtta-stt --exec "numbered hear" >out
	[ "$(whole 0 96000 <out)" = whole ]
}

@test "a filter: channels kept apart: an engine each; with one that dies nothing is lost or doubled" {
	mkdir dead
	printf '%s\n' '#!/bin/sh' 'rmdir dead 2>/dev/null && exec numbered hear --words --die-on 10310' \
	    'exec numbered hear --words' >ear
	chmod +x ear
	two 600 --zero 10100-10299 | rtta-stt -q --channels-as split --exec ./ear >out
	apart 0 <out | numbered check 0 599
	apart 1 <out | grep -o '[0-9]*' | cmp - <(seq 10000 10099; seq 10300 10599)
	for channel in 0 1; do [ "$(of $channel <out | whole 0 192000)" = whole ]; done
	run -64 rtta-stt --lane live --channels-as split
	run -64 rtta-stt --channels-as left
}

@test "a filter: broken input ends with 65, what came before is said" {
	{ numbered gen -n 50; echo nonsense nonsense nonsense nonsense nonsense; } >in
	run -65 --separate-stderr bash -c 'rtta-stt --exec "numbered hear" <in >out'
	jq -r .text out | numbered check 0 49
}

@test "no engine, no profile, a broken model: one line, and 78" {
	numbered gen -n 50 >in
	run -78 --separate-stderr bash -c 'rtta-stt --exec "no-such-program" <in'
	[ "$stderr" = "rtta-stt: engine no-such-program: no-such-program: No such file or directory" ]
	run -78 --separate-stderr bash -c 'rtta-stt --engine nothing <in'
	[[ $stderr == "rtta-stt: engine nothing: no nothing.json in "* ]]
	run -78 --separate-stderr bash -c 'rtta-stt --exec "numbered hear --fail 78" <in'
	[ "$stderr" = "rtta-stt: engine numbered: numbered: failing as told" ]
	RTTA_MOONSHINE_DIR=/nowhere run -78 --separate-stderr bash -c 'rtta-stt <in'
	[[ $stderr == "rtta-stt: engine moonshine: rtta-moonshine: /nowhere/"*install-moonshine* ]]
	start_bus
	run -78 --separate-stderr rtta-stt --lane live --exec "numbered hear --fail 78"
	[[ $stderr == *"failing as told" ]]
}

@test "no nats-server: one line, and 69; wrong options: 64" {
	run -69 --separate-stderr rtta-stt --lane live -N nats://127.0.0.1:1 --exec "numbered hear"
	[ "$stderr" = "rtta-stt: connect to nats://127.0.0.1:1: No server available" ]
	run -64 rtta-stt --lane side
	run -64 rtta-stt --lane live --filter
	run -64 rtta-stt --exec " "
}

@test "invariant 4: kill -9 of a lane in the middle: every number once" {
	start_bus
	live "--slow 20"
	numbered gen -n 450 | publish S
	wait_for 60 count S 100
	stop live KILL
	live "--slow 20" again
	numbered gen -n 550 --start 450 | publish --eos S
	wait_for 60 count S 1000
	right S 0 999
	[ "$(records S | whole 0 320000)" = whole ]
}

@test "channels kept apart: sound is acknowledged when both are covered; kill -9, another writer: each once" {
	# the second engine that is started, the one of channel 1, is deaf
	printf '%s\n' '#!/bin/sh' 'mkdir first 2>/dev/null && exec numbered hear --words' \
	    'exec numbered hear --deaf --hang' >ear
	chmod +x ear
	start_bus
	split_session S
	background live rtta-stt --lane live --edge=0 --exec ./ear
	two 100 | publish S
	wait_for 60 count S 100
	[ "$(audio_messages)" = 100 ]
	stop live KILL
	# a part of one channel is there already: that is not heard again
	jq -nc '{subject: "transcript.raw.S", data: ([range(10110; 10120)] | join(" ")), headers: {
	    timestamp: "2026-01-05T10:15:03.120000Z", end: "2026-01-05T10:15:03.320000Z", is_final: "true",
	    type: "text", lane: "live", rev: "1", run: "0000000000000001", channel: "1",
	    first: "35200", last: "38400"}}' | "$BATS_TEST_DIRNAME/../tools/nats-pub"
	two 200 --start 100 | publish S
	live "--words --slow 20 --log heard"
	wait_for 60 count S 450
	stop live KILL
	live "--words --log heard" again
	two 200 --start 300 | publish --eos S
	wait_for 60 count S 1000
	records S | apart 0 | numbered check 0 499
	records S | apart 1 | numbered check 10000 10499
	for channel in 0 1; do [ "$(records S | of $channel | whole 0 160000)" = whole ]; done
	records S | jq -es 'all(.channel == 0 or .channel == 1)'
	[ "$(awk '$1 < 100 || ($1 >= 10110 && $1 < 10120)' heard)" = "" ]
	wait_for 60 drained
}

@test "an engine that dies each few seconds: every number once, in the lane too" {
	start_bus
	live "--die 130"
	numbered gen -n 700 | publish --eos S
	wait_for 60 count S 700
	right S 0 699
	[ "$(records S | whole 0 224000)" = whole ]
}

@test "a second reader waits, and goes on where the first was killed" {
	start_bus
	live "--slow 10"
	numbered gen -n 300 | publish S
	wait_for 60 count S 50
	live "--slow 10" second
	wait_for 60 grep -q 'audio.live' second.err
	stop live KILL
	numbered gen -n 200 --start 300 | publish --eos S
	wait_for 60 count S 500
	right S 0 499
	grep -q reading second.err
}

@test "a consumer that is none of ours: waits, says so once, and reads when it has gone" {
	start_bus
	request '$JS.API.CONSUMER.DURABLE.CREATE.AUDIO_STREAM.mine' '{"stream_name": "AUDIO_STREAM",
	    "config": {"durable_name": "mine", "ack_policy": "explicit", "filter_subject": "audio.live.>"}}'
	live
	numbered gen -n 100 | publish --eos S
	wait_for 60 grep -q 'read by mine, which is none of ours, waiting until it is deleted' live.err
	run grep -c 'none of ours' live.err
	[ "$output" = 1 ]
	request '$JS.API.CONSUMER.DELETE.AUDIO_STREAM.mine' ''
	wait_for 60 count S 100
	right S 0 99
}

# the first SIGTERM has been taken: the next one kills
taken() { (((0x$(awk '/SigBlk/ { print $2 }' "/proc/$(cat live.pid)/status") & 0x4000) == 0)); }

@test "killed, or stopped twice: its engine goes with it" {
	start_bus
	for signal in KILL TERM; do
		live "--hang --no-done"
		numbered gen -n 100 | publish --eos $signal
		wait_for 60 count $signal 100
		pgrep -P "$(cat live.pid)" >engine.pid
		if [ $signal = TERM ]; then
			kill -TERM "$(cat live.pid)"
			wait_for 60 taken
		fi
		stop live $signal
		[ "$rc" -gt 128 ]
		wait_for 60 gone engine
	done
}

@test "invariant 4: sound that is covered is acknowledged and no engine hears it again" {
	start_bus
	live "--log heard"
	numbered gen -n 200 --at-us 1 | publish --eos S
	wait_for 60 count S 200
	numbered gen -n 200 --at-us 1 | publish --again twice S
	numbered gen -n 50 --start 200 --at-us 1 | publish --eos --again twice S
	wait_for 60 count S 250
	right S 0 249
	cmp heard <(seq 0 249)
	wait_for 60 drained
}

@test "invariant 4: behind by more than --edge: the backlog goes the other way, live goes on" {
	start_bus
	live "--words --slow 1" live --edge=2s
	backfill
	numbered gen -n 1000 | publish S
	numbered gen -n 100 --start 1000 --pace | publish --eos S
	wait_for 60 count S 1100
	right S 0 1099
	[ "$(records S | whole 0 352000)" = whole ]
	[ "$(records S | jq -r 'select(.lane == "backfill")' | wc -l)" -gt 10 ]
	grep -q 'behind by' live.err
	# the last number came live
	[ "$(records S | jq -rs 'sort_by(.first)[-1].lane')" = live ]
	wait_for 60 drained
}

@test "an outage of minutes: live is at the edge at once, the hole fills, each number once" {
	printf '%s\n' '#!/bin/sh' '[ -e broken ] && exit 1' 'exec numbered hear --words' >ear
	chmod +x ear
	start_bus
	background live rtta-stt --lane live --exec ./ear
	background back rtta-stt --lane backfill --idle 2s --rest 2s --exec ./ear
	numbered gen -n 200 | publish S
	wait_for 60 count S 175
	touch broken
	pkill -P "$(cat live.pid)"
	numbered gen -n "${OUTAGE:-15000}" --start 200 | publish S
	wait_for 60 grep -q 'attempts in vain' back.err
	rm broken
	end=$((200 + ${OUTAGE:-15000}))
	numbered gen -n 200 --start $end | publish --eos S
	# the edge, while the hole is open
	wait_for 60 eval "texts S | grep -qw $((end + 199))"
	[ "$(records S | jq -rs 'sort_by(.first)[-1].lane')" = live ]
	wait_for 300 drained
	right S 0 $((end + 199))
	[ "$(records S | whole 0 $(((end + 200) * 320)))" = whole ]
	[ "$(records S | jq -rs 'map(select(.lane == "backfill") | .last - .first) | add')" -gt $(((end - 1000) * 320)) ]
}

@test "sound without headers becomes text, when it stops" {
	start_bus
	live
	numbered gen -n 130 --frame-ms 100 >frames
	publish --foreign x <frames
	wait_for 60 count x 130
	texts x | numbered check 0 129
	wait_for 60 drained
}

@test "invariant 7: a flood of messages that are no sound: two lines, and the rest is heard" {
	start_bus
	live
	for i in $(seq 500); do
		echo "{\"subject\": \"audio.live.bad\", \"headers\": {\"run\": \"$i\", \"sample\": \"0\"}, \"data\": \"aa\"}"
	done | "$BATS_TEST_DIRNAME/../tools/nats-pub" >seqs
	numbered gen -n 50 | publish --eos S
	wait_for 60 count S 50
	wait_for 60 drained
	run grep -c 'warning: ' live.err
	[ "$output" -ge 1 ] && [ "$output" -le 2 ]
	grep -q 'audio.live.bad 1: run: not 16 lowercase hex digits "1": dropped' live.err
}

@test "the same sound divided otherwise: nothing of it stays in the queue" {
	start_bus
	live
	for sample in 0 3 200; do
		jq -nc --arg sample $sample '{subject: "audio.live.S", data: ("a" * 640), headers:
		    {timestamp: "2026-01-05T10:15:03.120000Z", run: "00000000000000aa", $sample}}'
	done | "$BATS_TEST_DIRNAME/../tools/nats-pub"
	wait_for 60 drained
	[ "$(records S | whole 0 520)" = whole ]
}

@test "SIGTERM: what was said is stored, what is being said is the successor's" {
	start_bus
	live "--slow 10"
	numbered gen -n 410 | publish S
	wait_for 60 count S 50
	stop live
	[ "$rc" = 0 ]
	[ $(($(texts S | wc -w) % 25)) = 0 ]  # no utterance is cut in two
	[ "$(pgrep -g "$(cat live.pid)" | wc -l)" = 0 ]
	live "" again
	numbered gen -n 90 --start 410 | publish --eos S
	wait_for 60 count S 500
	right S 0 499
}

@test "nats-server is killed and comes back: nothing is lost or doubled" {
	start_bus
	live "--slow 4" live "--edge=0 --idle=5s"
	numbered gen -n 410 | publish S
	wait_for 60 count S 100
	stop nats KILL
	sleep 6  # longer than --idle
	restart_nats
	numbered gen -n 190 --start 410 | publish --eos S
	wait_for 60 count S 600
	right S 0 599
	# no utterance is cut in two
	texts S | awk 'NF % 25 { exit 1 }'
	[ "$(records S | whole 0 192000)" = whole ]
	wait_for 60 drained
}

@test "backfill: a job is divided, each number stands once; a hole becomes a gap at the end" {
	start_bus
	background back rtta-stt --lane backfill --piece 10s --idle 2s --exec "numbered hear"
	numbered gen -n 1500 --zero 420-440 --skip 700-709 --at-us 1600000000000000 | rtta-flush --session R
	wait_for 60 count R 1469
	texts R | grep -o '[0-9]*' | cmp - <(seq 0 419; seq 441 699; seq 710 1499)
	wait_for 60 rtta-export -q --coverage R
	[ "$(records R | jq -r 'select(.type == "gap") | "\(.first) \(.last) \(.reason)"')" = "224000 227200 lost" ]
	[ "$(records R | whole 0 480000)" = whole ]
	wait_for 60 drained
}

@test "backfill: channels kept apart: both are heard, a hole is a gap of each, and the session closes" {
	start_bus
	backfill --words
	two 700 --zero 10200-10499 --skip 500-509 | rtta-flush --session R --channels-as split
	wait_for 60 rtta-export -q --coverage R
	records R | apart 0 | grep -o '[0-9]*' | cmp - <(seq 0 499; seq 510 699)
	records R | apart 1 | grep -o '[0-9]*' | cmp - <(seq 10000 10199; seq 10510 10699)
	[ "$(records R | jq -r 'select(.type == "gap") | "\(.channel) \(.first) \(.last)"')" = $'0 160000 163200\n1 160000 163200' ]
	for channel in 0 1; do [ "$(records R | of $channel | whole 0 224000)" = whole ]; done
	rtta-export -q R >txt
	grep -q '^channel 1: 0 1 ' txt
	grep -q '^channel 2: 10000 10001 ' txt
	[ "$(grep -c '^\[gap' txt)" = 1 ]
	rtta-export -q --coverage --json R | jq -e '.gap_s == 0.2 and .overlap_s == 0 and .captured_s == 14'
	wait_for 60 drained
}

@test "invariant 1: while AUDIO_STREAM is full nothing is called a gap" {
	start_bus
	numbered gen -n 100 --skip 40-49 | rtta-flush --session R
	backfill
	wait_for 60 drained
	rtta-streams -q apply --audio-bytes 64K >/dev/null
	run ! wait_for 20 rtta-export -q --coverage R
	# nor while it is nearly full: whoever waits for room fills it up again at once
	numbered gen -n 800 | publish Q
	request '$JS.API.STREAM.UPDATE.AUDIO_STREAM' "$(request '$JS.API.STREAM.INFO.AUDIO_STREAM' '' |
	    jq '.config + {max_bytes: 100000000, max_msgs: 1660}')" | jq -e '.config.max_msgs == 1660'
	run ! wait_for 15 rtta-export -q --coverage R
	rtta-streams -q apply --audio-bytes 10M >/dev/null
	wait_for 60 rtta-export -q --coverage R
}

@test "invariant 5: a text that the bus never takes is a gap that says so" {
	start_bus
	cat >babble <<-'EOT'
		#!/bin/sh
		cat >/dev/null
		printf '{"event":"text","start":0,"end":1,"is_final":true,"text":"%02000d"}\n{"event":"done"}\n' 0
	EOT
	chmod +x babble
	request '$JS.API.STREAM.UPDATE.TEXT_STREAM' \
		"$(request '$JS.API.STREAM.INFO.TEXT_STREAM' '' | jq '.config + {max_msg_size: 1000}')"
	numbered gen -n 50 | rtta-flush -q --session R
	background back rtta-stt --lane backfill --idle 2s --exec ./babble
	wait_for 60 rtta-export -q --coverage R
	[ "$(records R | jq -r '"\(.type) \(.first) \(.last) \(.reason)"')" = "gap 0 16000 the text could not be stored" ]
	drained
}

@test "TEXT_STREAM that is full is said, before it is and when" {
	start_nats
	rtta-streams -q init --text-bytes 64K >/dev/null
	numbered gen -n 155 | rtta-flush -q --session R
	backfill "--final 1"
	wait_for 60 grep -q 'TEXT_STREAM is nearly full: the oldest text will go, at 0.1 MiB' back.err
	numbered gen -n 100 | rtta-flush -q --session S
	wait_for 60 grep -q 'TEXT_STREAM is full: the oldest text goes' back.err
	red() { rtta-streams status --json | jq -e '.streams.TEXT_STREAM.fill == "full" and (.tools[] | .state == "failing" and .reason == "TEXT_STREAM is full, the oldest text goes")'; }
	wait_for 30 red
}

@test "a recording of years ago is no gap as long as its sound is there" {
	start_bus
	backfill "--delay-ms 3000"
	numbered gen -n 200 --at-us 1600000000000000 | rtta-flush -q --session old
	wait_for 60 rtta-export -q --coverage old
	right old 0 199
}

# the counter of the backfill lane's heartbeat
counter() { rtta-streams status --listen 6 --json | jq ".tools[] | select(.lane == \"backfill\").counters.$1"; }
nothing_held() { [ "$(counter held_frames)" = 0 ]; }

@test "backfill: what fails three times leaves memory, blocks nobody, and is heard later" {
	touch broken
	printf '%s\n' '#!/bin/sh' '[ -e broken ] && exec numbered hear --die-on 177' 'exec numbered hear' >ear
	chmod +x ear
	start_bus
	background back rtta-stt --lane backfill --idle 2s --rest 2s --exec ./ear
	numbered gen -n 200 | publish --lane backfill --job a --eos S
	numbered gen -n 100 | publish --lane backfill --job b --eos T
	wait_for 60 grep -q 'S: a: 3 attempts in vain, again in 2 s' back.err
	wait_for 60 count T 100
	wait_for 60 grep -q 'S: a: 3 attempts in vain, again in 4 s' back.err
	wait_for 60 nothing_held
	rm broken
	wait_for 60 count S 200
	right S 0 199
	wait_for 60 drained
	[ "$(records S | whole 0 64000)" = whole ]
}

@test "backfill: what expires before an engine settles it is a gap that says so" {
	start_nats
	rtta-streams -q init --audio-age 10s >/dev/null
	background back rtta-stt --lane backfill --idle 2s --exec "numbered hear --die-on 77"
	numbered gen -n 200 | rtta-flush --session R
	wait_for 60 rtta-export -q --coverage R
	[ "$(records R | jq -r 'select(.type == "gap") | "\(.first) \(.last) \(.reason)"')" = "24000 64000 engine gave up" ]
}

@test "interim text travels, and is not stored" {
	start_bus
	live "--interim 5"
	background sub subscribe transcript.interim.S
	wait_for 60 grep -q PONG sub.out
	numbered gen -n 100 | publish --eos S
	wait_for 60 count S 100
	right S 0 99
	wait_for 60 grep -q '^75 76 77 78 79 80 81 82 83 84.\?$' sub.out
	grep -q 'is_final: false' sub.out
	[ "$(records S | jq -s 'length')" = 4 ]
}

@test "the offline engine hears the tale of two cities" {
	[ -e "$(speech two_cities.wav)" ] || skip "no engine: scripts/install-moonshine"
	rtta-capture --fast "$(speech two_cities.wav)" | rtta-stt >out
	jq -r .text out | tr 'A-Z\n' 'a-z ' | grep -q 'it was the best of times.* it was the worst of times'
	[ "$(jq -rs 'map(select(.type == "text").text) | join(" ") | split(" ") | length' out)" -ge 100 ]
}

@test "invariant 5: both lanes hear the same sound at once: each word once, records never overlap" {
	start_bus
	live "--words --slow 30"
	backfill "--words --slow 30 --final 7"
	numbered gen -n 800 --at-us 1 >frames
	publish --eos S <frames 3>&- &
	publish --lane backfill --eos S <frames
	wait $!
	wait_for 60 count S 800
	right S 0 799
	[ "$(records S | whole 0 256000)" = whole ]
	wait_for 60 drained
	# a better pass is a text of its own
	publish --lane backfill --job better --rev 2 --eos S <frames
	wait_for 60 drained
	right S 0 799
	[ "$(records S | jq -s 'map(.rev) | unique | tojson')" = '"[2]"' ]
}

@test "an engine that vanishes while a lane runs is waited for" {
	mkdir bin
	ln -s "$(command -v numbered)" bin/ear
	start_bus
	PATH=$PWD/bin:$PATH background live rtta-stt --lane live --idle 1s --exec "ear hear"
	numbered gen -n 100 | publish S
	wait_for 60 count S 100
	rm bin/ear
	numbered gen -n 100 --start 100 --zero 100-149 | publish S
	numbered gen -n 100 --start 300 | publish --eos S
	wait_for 60 grep -q 'No such file' live.err
	ln -s "$(command -v numbered)" bin/ear
	wait_for 60 count S 250
	texts S | cmp - <(seq 0 24 | xargs; seq 25 49 | xargs; seq 50 74 | xargs; seq 75 99 | xargs
	    seq 150 174 | xargs; seq 175 199 | xargs
	    seq 300 324 | xargs; seq 325 349 | xargs; seq 350 374 | xargs; seq 375 399 | xargs)
	alive live
}

@test "a backlog moves from pause to pause: no word of real speech is cut in two" {
	[ -e "$(speech two_cities.wav)" ] || skip "no engine: scripts/install-moonshine"
	sox "$(speech two_cities.wav)" -r 16000 -c 1 -b 16 in.wav
	rtta-capture --fast in.wav | split -b 680 -a 4 -d - frame.
	start_bus
	background live rtta-stt --lane live --edge 15s
	background back rtta-stt --lane backfill --idle 2s
	cat frame.0[0-5]?? frame.060? | publish S
	wait_for 60 count S 20
	# it hears no more: what its pipe takes ends within a word, and the backlog
	# ends in the middle of "like the present"
	engine=$(pgrep -P "$(cat live.pid)")
	kill -STOP "$engine"
	cat frame.06[1-9]? frame.0[7-9]?? frame.1[0-4]?? frame.15[0-6]? | publish S
	wait_for 60 grep -q 'behind by' live.err
	kill -CONT "$engine"
	cat frame.15[7-9]? frame.1[6-9]?? frame.2[01]?? | publish --eos S
	wait_for 120 drained
	texts S | tr 'A-Z\n' 'a-z ' | tr -d ',.' >text
	cat text
	grep -q 'season of light it was [a-z]* season of darkness it was the spring of hope' text
	grep -q 'the period was so far like the present period' text
	records S | grep -q '"lane":"backfill"'
	[ "$(records S | jq -rs 'sort_by(.first)[-1].lane')" = live ]
}

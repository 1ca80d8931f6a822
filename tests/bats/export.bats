load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	PATH=$BATS_TEST_DIRNAME/../tools:$PATH
	export TZ=Europe/Rome  # an hour ahead of UTC in November
}

start() {
	start_nats
	rtta-streams --quiet init >/dev/null
}
meeting_has() { meeting "$@" | nats-pub >/dev/null; }
# text SESSION TEXT [HEADER VALUE]: as any NATS client may
text() {
	jq -nc --arg s "$1" --arg d "$2" --arg h "${3:-x}" --arg v "${4:-}" \
		'{subject: "transcript.raw.\($s)", data: $d, headers: {($h): $v}}' | nats-pub >/dev/null
}

@test "records that came in any order are one text, and gaps are written down" {
	start
	meeting_has s1 live gap start cut late preroll end
	rtta-export --quiet s1 >txt
	head -n 1 txt | grep -q '^Good morning, everyone\. It is nine'
	# the lanes are apart; late text stands where it belongs
	grep -n 'cast to order\.$' txt
	[ "$(grep -c . txt)" -eq 7 ]
	diff - <(sed -n '/^The middle/,/^Thank/p' txt) <<-EOT
	The middle of January for the castings, and then ten days on site. There is money for a shuttle bus until the end of the financial year.

	Thank you. Let us move to the motion. I move that the council asks for a weekly report on the castings.
	EOT
	grep -qx '\[gap 11:11:29 to 11:11:35: microphone unplugged\]' txt

	rtta-export --quiet --times --utc s1 >txt
	grep -qx '\[gap 10:11:29 to 10:11:35: microphone unplugged\]' txt
	grep -q '^\[10:10:33, late\] The middle of January' txt
	[ "$(rtta-export -q -t s1 | grep -c '^\[11:')" -eq 6 ]
}

@test "srt, vtt, ctm and jsonl are what they should be" {
	start
	meeting_has s1 start cut preroll live late gap end
	rtta-export -q -f srt s1 >srt
	head -n 3 srt | tail -n 2 | diff - <(printf '00:00:00,000 --> 00:00:07,500\nGood morning, everyone. It is nine\n')
	grep -A 1 '^00:02:29,000 --> 00:02:35,000$' srt | grep -qx '\[gap: microphone unplugged\]'
	rtta-export -q -f vtt s1 >vtt
	[ "$(head -n 1 vtt)" = "WEBVTT - Town council" ]
	grep -qx 'NOTE gap 00:02:29.000 to 00:02:35.000: microphone unplugged' vtt
	grep -q '^<c.late>The middle of January' vtt
	[ "$(grep -c '<c.late>' vtt)" = 2 ]
	rtta-export -q -f ctm s1 >ctm
	[ "$(grep -vc '^;;' ctm)" -eq "$(rtta-export -q s1 | grep -v '^\[gap' | wc -w)" ]
	grep -qx ';; late 93.000 15.000' ctm
	awk '$1 != ";;" && ($3 < last || $4 < 0) { exit 1 } { last = $3 }' ctm
	rtta-export -q -f jsonl s1 >jsonl
	[ "$(jq -s 'map(.type) | group_by(.) | map("\(.[0]) \(length)") | join(" ")' -r jsonl)" = "gap 1 silence 1 text 12" ]
	[ "$(jq -s 'map(.first) == (map(.first) | sort)' jsonl)" = true ]
}

# ffprobe FILE FORMAT: "start end text" of each subtitle that another program finds
packets() {
	ffprobe -v error -f "$2" -i "$1" -show_packets -show_data -of json |
		jq -r '.packets[] | "\(.pts_time) \(.duration_time)"'
}

@test "another program opens the subtitles; they are readable, in order, and never two at a time" {
	start
	meeting_has s1 start cut preroll live late gap end
	for f in srt vtt; do
		rtta-export -q -f $f s1 >subs.$f
		packets subs.$f "${f/vtt/webvtt}" >packets
		[ "$(wc -l <packets)" -eq "$(grep -c -- '-->' subs.$f)" ]
		[ "$(wc -l <packets)" -ge 12 ]
		awk '{ if ($1 < end || $2 <= 0) exit 1; end = $1 + $2 - 0.0005 }' packets
	done
	# at most two lines of 42 characters
	awk '/-->/ { n = 0; next } /^[0-9]*$/ { next } { n++; if (length > 42 || n > 2) exit 1 }' subs.srt
	# none is shown for less than a second
	packets subs.srt srt | awk '$2 < 1 { exit 1 }'
}

@test "--from and --to by the wall clock and since the first sample" {
	start
	meeting_has s1 start cut preroll live late gap end
	rtta-export -q s1 >all
	rtta-export -q --from 11:11:03 --to 11:11:30 s1 >txt
	[ "$(head -n 1 txt)" = "Thank you. Let us move to the motion. I move that the council asks for a weekly report on the castings." ]
	[ "$(tail -n 1 txt)" = "[gap 11:11:29 to 11:11:35: microphone unplugged]" ]
	diff txt <(rtta-export -q --from +123s --to +0:02:30 s1)
	diff txt <(rtta-export -q --from 2026-11-24T10:11:03Z --to 11:11:30 s1)
	diff all <(rtta-export -q --from 11:09 --to +1h s1)
	[ "$(rtta-export -q --from 11:30 s1 | wc -c)" -eq 0 ]
	# times of subtitles stay those of the session
	[ "$(rtta-export -q -f srt --from 11:11:03 s1 | sed -n 2p | cut -c 1-12)" = 00:02:03,000 ]
}

@test "--coverage says what is missing, and is 1 until nothing is" {
	start
	meeting_has s1 start cut preroll live gap
	run -1 rtta-export --quiet --coverage s1
	[ "$(awk '{ print $1 "=" $2 }' <<<"$output" | sed 's/\.0*$//' | paste -sd ' ')" = "session=s1 all=live captured=166 text=130 silence=0 gap=6 pending=30 late=0 short=0 overlap=0 records=11 closed=no missing=6" ]
	meeting_has s1 end
	run -1 rtta-export --quiet --coverage --json s1
	meeting_has s1 late
	run -0 rtta-export --quiet --coverage --json s1
	[ "$(jq -c '[.session, .captured_s, .text_s, .silence_s, .gap_s, .pending_s, .late_s, .preroll_s, .closed]' <<<"$output")" = '["s1",180,160,14,6,0,30,60,true]' ]
}

@test "without a session it is the newest one, or the one that is on" {
	start
	run -66 rtta-export --quiet
	[ "$output" = "rtta-export: there is no session yet" ]
	text foreign "hello"
	[ "$(rtta-export -q)" = hello ]
	meeting_has zz cut
	[ "$(rtta-export -q -f jsonl | wc -l)" -eq 0 ]
	meeting_has aa start
	text aa "just begun"
	[ "$(rtta-export -q last)" = "just begun" ]
}

@test "--follow prints what is stored, then what comes, and ends with the session" {
	start
	meeting_has s1 start cut preroll
	background export rtta-export --follow --times --utc
	wait_for 10 grep -q '^\[10:09:43\] Before I bring' export.out
	meeting_has s1 live gap
	wait_for 10 grep -qx '\[gap 10:11:29 to 10:11:35: microphone unplugged\]' export.out
	stop nats KILL
	restart_nats
	meeting_has s1 late end
	wait_for 20 gone export
	stop export
	[ "$rc" -eq 0 ]
	[ "$(wc -l <export.out)" -eq 13 ]

	meeting_has s2 start cut live
	background export rtta-export --follow -f jsonl s2
	wait_for 10 grep -q 'caught the cable' export.out
	stop export
	[ "$rc" -eq 0 ]
	[ "$(jq -s length export.out)" -eq 6 ]
}

@test "text of other programs is in it by its time; what is no record is left out" {
	start
	text x "second" timestamp 2026-11-24T10:00:05Z
	text x "first" timestamp 2026-11-24T10:00:00+00:00
	text x "broken" run 12
	text x "interim" is_final false
	text x $'third\xff' timestamp 2026-11-24T11:00:05Z
	run -0 --separate-stderr rtta-export --quiet x
	[ "$output" = $'first\n\nsecond\n\nthird\xef\xbf\xbd' ]
	[ "${stderr_lines[0]}" = 'rtta-export: warning: transcript.raw.x 3: run: not 16 lowercase hex digits "12"' ]
	[ "${stderr_lines[1]}" = "rtta-export: warning: session x: 1 messages are no records and were left out" ]
	run -1 rtta-export --quiet --coverage x
}

@test "what cannot work is one line and its exit code" {
	local line
	while IFS='|' read -r code options line; do
		# shellcheck disable=SC2086
		run "-$code" rtta-export $options
		[ "$output" = "rtta-export: $line (see rtta-export --help)" ]
	done <<-'EOT'
	64|a.b|a.b: not a session id (1 to 64 of A-Z a-z 0-9 _ -)
	64|a b|b: one session at a time
	64|-f pdf|--format: pdf is none of txt, srt, vtt, jsonl, ctm
	64|--json|--json goes with --coverage; text as JSON is --format jsonl
	64|--coverage --follow|--coverage writes no text
	64|--follow -f srt|--follow goes with --format txt and jsonl
	64|--from noon|--from noon: neither 10:15 nor 10:15:03 nor an RFC 3339 time nor +5m
	64|--to 10:61|--to 10:61: neither 10:15 nor 10:15:03 nor an RFC 3339 time nor +5m
	64|--from 10:15 --follow|--from and --to go with neither --coverage nor --follow
	64|--times -f vtt|--times goes with --format txt
	EOT
	run -69 rtta-export --nats-url nats://127.0.0.1:1
	[[ $output = "rtta-export: connect to nats://127.0.0.1:1: "* ]]
	start_nats
	run -69 rtta-export
	[ "$output" = "rtta-export: no stream TEXT_STREAM: rtta-streams init makes it" ]
	rtta-streams --quiet init >/dev/null
	run -66 rtta-export s1
	[ "$output" = "rtta-export: session s1: nothing is known of it" ]
}

@test "a full disk is 74, a reader that has gone is an end" {
	start
	meeting_has s1 cut preroll
	run -74 --separate-stderr bash -c 'rtta-export -q s1 >/dev/full'
	[ "$stderr" = "rtta-export: stdout: No space left on device" ]
	run -74 bash -c 'rtta-export -q --coverage s1 >/dev/full'
	run -0 bash -c 'set -o pipefail; rtta-export -q s1 | true'
	background export bash -c 'set -o pipefail; rtta-export --follow s1 | head -n 1'
	wait_for 10 gone export
}

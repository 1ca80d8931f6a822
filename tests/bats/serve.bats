load helper
load serve

@test "history comes first, then the marker, then what is new, in one sequence" {
	serve
	meeting_has m1 start cut preroll live
	{ ws "$page/ws?session=m1" 'middle of January' >ws.out; } 3>&- &
	wait_for 20 grep -q '"event":"live"' ws.out
	meeting_has m1 interim
	wait_for 20 grep -q 'It is back now' ws.out
	meeting_has m1 late
	wait $!
	[ "$(head -n 1 ws.out)" = '{"event":"session","session":"m1"}' ]
	# stored ones in the order of the stream, each once; then the marker
	run jq -c 'select(.seq and .text) | .seq' ws.out
	[ "$(echo "$output" | sort -un)" = "$output" ]
	[ "${#lines[@]}" -eq 11 ]
	run jq -c 'if .event then .event elif .is_final then "final" else "interim" end' ws.out
	[[ "$(echo "${lines[@]}")" == '"session" '*'"final" '*'"live" '*'"interim" '*'"final"' ]]
	# the original fields come first
	grep -q '^{"text":"Good morning, everyone[^"]*","timestamp":"2026-11-24T10:09:00.000000Z","is_final":true,"type":"text","lane":"backfill","seq":1,' ws.out
}

@test "a reader that comes back behind a record gets what is new, by after or Last-Event-ID" {
	serve
	meeting_has m1 start cut preroll live
	run ws "$page/ws?session=m1&after=9" '"event":"live"'
	[ "$(echo "$output" | jq -c 'select(.text) | .seq')" = 10 ]
	background sse curl -sN -H 'Last-Event-ID: 9' "$page/events?session=m1"
	wait_for 20 grep -q '"event":"live"' sse.out
	[ "$(grep -c '^id: ' sse.out)" -eq 1 ]
	grep -qx 'id: 10' sse.out
}

@test "a reader without a session goes on to the next one" {
	serve
	{ ws "$page/ws" '"session":"m2"' >ws.out; } 3>&- &
	wait_for 20 grep -q '"event":"live"' ws.out
	[ "$(head -n 1 ws.out)" = '{"event":"session","session":null}' ]
	meeting_has m1 start cut live
	wait_for 20 grep -q 'cast to order' ws.out
	meeting_has m2 start
	wait $!
}

@test "transcripts in every format, coverage, and the list of sessions" {
	meeting_has m1 start cut preroll live late gap end
	serve
	[ "$(status "$page/s/m1/transcript.txt?times=0")" = 200 ]
	run tr -s '\n' ' ' <body
	[[ "$output" == *'are cast to order. The middle of January'*'year. Thank you.'* ]]
	[[ "$output" == *'microphone unplugged'* ]]
	get "$page/s/m1/transcript.srt" | ffprobe -v error -show_entries packet=pts_time -of csv=p=0 -f srt - >srt
	[ "$(wc -l <srt)" -ge 12 ]
	get "$page/s/m1/transcript.vtt" | head -n 1 | grep -q '^WEBVTT'
	[ "$(get "$page/s/m1/transcript.jsonl" | jq -s length)" = 14 ]
	get "$page/s/m1/transcript.ctm" >/dev/null
	run get "$page/s/m1/coverage"
	[ "$(jq -c '[.captured_s, .gap_s, .pending_s, .closed]' <<<"$output")" = '[180,6,0,true]' ]
	run get "$page/sessions"
	[ "$(jq -c '.[0] | [.id, .title, .state, .seconds, .records]' <<<"$output")" = '["m1","Town council","ended",180,14]' ]
}

@test "start and stop are the operator's, and each names its session" {
	echo 'a-token-of-the-operator' >token
	serve --operator-token-file token
	[ "$(status -d '{}' "$page/session/start")" = 401 ]
	[ "$(status -H 'Authorization: Bearer a-token-of-the-operatoR' -d '{}' "$page/session/start")" = 401 ]
	auth='Authorization: Bearer a-token-of-the-operator'
	[ "$(status -H "$auth" -H 'Origin: http://elsewhere.example' -d '{}' "$page/session/start")" = 403 ]
	[ "$(status -H "$auth" -d '{"title": 7}' "$page/session/start")" = 400 ]
	[ "$(status -H "$auth" -d '{"title": "Größe", "preroll_s": 60}' "$page/session/start")" = 200 ]
	id=$(jq -r .session body)
	[[ "$id" =~ ^[0-9]{8}T[0-9]{6}Z-[0-9a-f]{4}$ ]]
	[ "$(status -H "$auth" -d '{}' "$page/session/start")" = 409 ]
	run get "$page/sessions"
	[ "$(jq -c '.[0] | [.id, .title, .state]' <<<"$output")" = "[\"$id\",\"Größe\",\"active\"]" ]
	[ "$(status -H "$auth" -d '{"session": "another"}' "$page/session/stop")" = 409 ]
	# who waits to be told that the body may come is told
	[ "$(status -H "$auth" -H 'Expect: 100-continue' --expect100-timeout 60 \
		-d "{\"session\": \"$id\"}" "$page/session/stop")" = 200 ]
	[ "$(get "$page/sessions" | jq -r '.[0].state')" = waiting ]
	run cat serve.err
	[[ "$output" != *a-token-of* ]]
}

@test "the QR code leads to the page, by the name in the browser" {
	serve
	[ "$(status -H 'Host: room.local:8080' "$page/qr.svg?tls=1")" = 200 ]
	chromium --headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --window-size=500,500 \
		--screenshot=qr.png "data:image/svg+xml;base64,$(base64 -w0 body)" >/dev/null 2>&1
	[ "$(zbarimg -q --raw qr.png)" = 'https://room.local:8080/' ]
	[ "$(status -H 'Host: <b>' "$page/qr.svg")" = 400 ]
}

@test "off the record is the operator's, whatever the session, and every reader hears of it" {
	echo 'a-token-of-the-operator' >token
	serve --operator-token-file token
	[ "$(status -d '{}' "$page/session/off-record")" = 401 ]
	auth='Authorization: Bearer a-token-of-the-operator'
	[ "$(status -H "$auth" -d '{}' "$page/session/off-record")" = 200 ]
	[ "$(jq -c . body)" = '{"off_record":true}' ]
	[ "$(status -H "$auth" -d '{}' "$page/session/off-record")" = 200 ]
	run get --max-time 2 "$page/events"
	[[ "$output" == *'"off_record":"20'* ]]
	[[ "$output" == *'"clock_synced":'* ]]
	[ "$(status -H "$auth" -d '{}' "$page/session/on-record")" = 200 ]
	[ "$(jq -c . body)" = '{"off_record":false}' ]
	run get --max-time 2 "$page/events"
	[[ "$output" == *'"off_record":null'* ]]
}

@test "without an operator's token nobody starts, but --open-operator on this machine" {
	serve
	[ "$(status -d '{}' "$page/session/start")" = 403 ]
	stop serve
	serve --open-operator
	[ "$(status -H 'Host: evil.example' -d '{}' "$page/session/start")" = 403 ]
	# no body, and no length of one, as curl -X POST has it
	[ "$(status -X POST "$page/session/start")" = 200 ]
	[[ "$(jq -r .session body)" == 20* ]]
	[ "$(status --http1.0 -X POST "$page/session/start")" = 409 ]
	run -64 rtta-serve --open-operator --listen 0.0.0.0:0
}

@test "a reader's token opens everything but the page's files and healthz" {
	echo 'a-token-of-the-readers' >token
	meeting_has m1 start cut live
	serve --reader-token-file token
	for path in / /s/m1 /sessions /s/m1/transcript.txt /events /metrics; do
		[ "$(status "$page$path")" = 401 ]
	done
	[ "$(status "$page/page.css")" = 200 ]
	run -2 ws "$page/ws" live
	[ "$output" = 'HTTP/1.0 401 Unauthorized' ]
	[ "$(status -c jar "$page/?token=a-token-of-the-readers")" = 200 ]
	[ "$(status -b jar "$page/s/m1/transcript.txt")" = 200 ]
	[ "$(status -H 'Authorization: Bearer a-token-of-the-readers' "$page/sessions")" = 200 ]
	ws -H "Cookie: a=b; rtta_token=a-token-of-the-readers" "$page/ws" '"live"' >/dev/null
}

@test "invariant 7: bad requests are refused, and others go on" {
	meeting_has m1 start cut live
	serve
	long=$(printf 'a%.0s' $(seq 10000))
	for id in a.b 'a*b' 'a%3Eb' 'a%20b' "$long" '%00' '..%2f..%2fetc'; do
		[[ "$(status --path-as-is "$page/s/$id")" =~ ^40[04]$ ]]
		[[ "$(status "$page/events?session=$id")" =~ ^(400|000)$ ]]
	done
	[ "$(status --path-as-is "$page/../../../../etc/passwd")" = 404 ]
	[ "$(status --path-as-is "$page/%2e%2e/%2e%2e/etc/passwd")" = 404 ]
	[ "$(status "$page/s/m1/transcript.exe")" = 404 ]
	[ "$(status "$page/s/unknown/transcript.txt")" = 404 ]
	[ "$(status "$page/s/m/transcript.txt")" = 404 ]  # the beginning of an id is none
	[ "$(status "$page/events?after=-1")" = 400 ]
	[ "$(status -X DELETE "$page/sessions")" = 405 ]
	[ "$(status -X GET -d body "$page/sessions")" = 400 ]
	[ "$(status -H 'Transfer-Encoding: chunked' -d x "$page/session/start")" = 411 ]
	[ "$(status -H 'Transfer-Encoding: chunked' -X POST "$page/session/start")" = 411 ]
	[ "$(status "$page/session/start")" = 405 ]
	head -c 70000 /dev/zero | tr '\0' x >big
	[ "$(status -H 'Expect:' -d @big "$page/session/start")" = 413 ]
	run -2 ws -H 'Origin: http://elsewhere.example' "$page/ws" live
	[ "$output" = 'HTTP/1.0 403 Forbidden' ]
	# a reader that talks is cut off
	run -1 ws -s 8185000000006865796f6f "$page/ws" never
	# garbage, and headers without an end
	exec 5<>"/dev/tcp/127.0.0.1/${page##*:}"
	head -c 100000 /dev/urandom >&5 2>/dev/null || true
	exec 5>&-
	[ "$(status "$page/s/m1/transcript.txt")" = 200 ]
	alive serve
}

@test "every answer has the policy of headers; files are not sent twice" {
	serve
	get -D headers -o /dev/null "$page/"
	grep -qi "^content-security-policy: default-src 'none'" headers
	grep -qi '^x-content-type-options: nosniff' headers
	grep -qi '^referrer-policy: no-referrer' headers
	run grep -i unsafe headers
	[ "$status" -eq 1 ]
	etag=$(sed -n 's/^etag: //Ip' headers | tr -d '\r')
	[ "$(status -H "If-None-Match: $etag" "$page/")" = 304 ]
	[ "$(get -I "$page/page.css" | grep -ci '^content-type: text/css')" -eq 1 ]
	# small enough to read, and for a bad line; nothing from elsewhere
	cd "$RTTA_WEB_DIR"
	[ "$(cat -- * | wc -c)" -lt 61440 ]
	sent=0
	for file in *; do
		sent=$((sent + $(get --compressed -o /dev/null -w '%{size_download}' "$page/$file")))
	done
	[ $sent -gt 10000 ]
	[ $sent -lt 32768 ]
	run grep -nE '(src|href)="(https?:)?//|@import|url\(' -- *
	[ "$status" -eq 1 ]
}

@test "a history is sent once, and as gzip to whoever reads that" {
	meeting_has m1 start cut preroll live gap
	serve
	url=$page/s/m1/transcript.jsonl
	get -D headers "$url" >plain
	grep -qix $'vary: accept-encoding\r' headers
	run grep -i content-encoding headers
	[ "$status" -eq 1 ]
	get -D headers -H 'Accept-Encoding: br, gzip' "$url" >packed
	grep -qix $'content-encoding: gzip\r' headers
	[ "$(stat -c %s packed)" -lt $(($(stat -c %s plain) / 2)) ]
	gzip -dc packed | cmp - plain
	etag=$(sed -n 's/^etag: //Ip' headers | tr -d '\r')
	[ "$(status -H "If-None-Match: $etag" "$url")" = 304 ]
	meeting_has m1 late
	grown() { [ "$(status -H "If-None-Match: $etag" "$url")" = 200 ]; }
	wait_for 20 grown
	# also by a key: text of a session that is not known yet, and then its title
	meeting_has m2 preroll
	has_text() { [ "$(status "$page/s/m2/transcript.vtt")" = 200 ]; }
	wait_for 20 has_text
	meeting_has m2 cut
	has_title() { get "$page/s/m2/transcript.vtt" >vtt; grep -q 'Town council' vtt; }
	wait_for 20 has_title
	get --compressed "$page/page.js" | cmp - "$RTTA_WEB_DIR/page.js"
}

@test "memory has a ceiling: what nobody reads goes, the least recently read first" {
	serve --memory 1M
	big=$(printf 'x%.0s' $(seq 50000))
	for id in a b c; do
		for i in $(seq 4); do
			echo "{\"subject\": \"transcript.raw.$id\", \"ack\": false, \"data\": \"$id$i $big\"}"
		done
	done | nats-pub
	background reader ws "$page/ws?session=a" never
	for id in a b c; do
		has_all() { [ "$(get "$page/s/$id/transcript.jsonl" | wc -l)" -eq 4 ]; }
		wait_for 20 has_all
	done
	# each takes more than a third of it: b goes, as a is being read, and c was read later
	held() { get "$page/metrics" >metrics && grep -qx 'rtta_sessions_watched 2' metrics; }
	wait_for 20 held
	awk '/^rtta_records_bytes/ { exit !($2 > 700000 && $2 < 1048576) }' metrics
	grep -q 'session="a"' metrics
	grep -q 'session="c"' metrics
	# and comes back when it is asked for
	[ "$(get "$page/s/b/transcript.jsonl" | wc -l)" -eq 4 ]
	alive reader
	run -64 rtta-serve --memory 1
}

@test "the metrics can be read by Prometheus's own parser" {
	meeting_has m1 start cut preroll live gap
	serve
	get "$page/s/m1/coverage" >/dev/null
	get "$page/metrics" >metrics
	run /usr/bin/python3 - metrics <<-'EOF'
		import sys
		from prometheus_client.parser import text_string_to_metric_families as parse
		for family in parse(open(sys.argv[1]).read()):
		    assert family.documentation and family.type != "unknown", family
		    for sample in family.samples:
		        print(sample.name, sample.value)
	EOF
	[ "$status" -eq 0 ]
	[[ "$output" == *'rtta_records 11.0'* ]]
	[[ "$output" == *'rtta_requests_total '* ]]
}

@test "nats-server away: history stays, the page says so, and text goes on by itself" {
	meeting_has m1 start cut preroll
	serve
	{ ws "$page/ws" 'cast to order' >ws.out; } 3>&- &
	reader=$!
	wait_for 20 grep -q '"event":"live"' ws.out
	[ "$(get "$page/healthz" | jq -r '.reasons | index("the bus is away")')" = null ]
	stop nats KILL
	wait_for 20 grep -q '"bus":false' ws.out
	[ "$(status "$page/healthz")" = 503 ]
	[ "$(jq -r '.reasons[0]' body)" = 'the bus is away' ]
	[ "$(status "$page/s/m1/transcript.txt")" = 200 ]
	grep -q 'Weir Lane' body
	[ "$(status "$page/")" = 200 ]
	[ "$(get "$page/sessions" | jq -r '.[0].id')" = m1 ]
	ws "$page/ws" '"event":"live"' >again
	grep -q 'Weir Lane' again
	restart_nats
	meeting_has m1 live
	wait "$reader"
	[ "$(jq -c 'select(.text) | .seq' ws.out | sort -n | uniq -d)" = '' ]
}

@test "healthz means it: 200 only while every tool is heard" {
	serve
	[ "$(status "$page/healthz")" = 503 ]
	for tool in route flush; do
		echo "{\"subject\": \"rtta.heartbeat.rtta-$tool.default\", \"ack\": false, \"data\": {\"tool\": \"rtta-$tool\", \"state\": \"ok\", \"counters\": {}}}"
	done | nats-pub
	for lane in live backfill; do
		echo "{\"subject\": \"rtta.heartbeat.rtta-stt.default\", \"ack\": false, \"data\": {\"tool\": \"rtta-stt\", \"state\": \"ok\", \"counters\": {\"lane\": \"$lane\"}}}"
	done | nats-pub
	healthy() { [ "$(status "$page/healthz")" = 200 ]; }
	wait_for 20 healthy
	get "$page/metrics" | grep -qx 'rtta_healthy 1'
}

@test "a session that is deleted is gone from memory, too, whatever goes first" {
	meeting_has m1 start cut preroll
	serve
	{ ws "$page/ws?session=m1" '"event":"live","seq":0' >ws.out; } 3>&- &
	wait_for 20 grep -q '"event":"live"' ws.out
	for key in cut session; do
		echo "{\"subject\": \"\$KV.system_state.$key.m1\", \"headers\": {\"KV-Operation\": \"PURGE\", \"Nats-Rollup\": \"sub\"}}"
	done | nats-pub
	echo '{"subject": "$JS.API.STREAM.PURGE.TEXT_STREAM", "data": {"filter": "transcript.raw.m1"}}' | nats-pub
	wait $!
	[ "$(get "$page/s/m1/transcript.jsonl" | wc -c)" -le 1 ] || [ "$(status "$page/s/m1/transcript.jsonl")" = 404 ]
}

@test "one clear line and the right exit code when it cannot begin" {
	run -64 --separate-stderr rtta-serve --listen nowhere
	[ "$stderr" = 'rtta-serve: --listen: "nowhere" is not ADDRESS:PORT, such as 127.0.0.1:8080 or [::1]:0 (see rtta-serve --help)' ]
	run -66 --separate-stderr rtta-serve --listen 127.0.0.1:0 --web-dir /nonexistent
	[ "$stderr" = "rtta-serve: the page's files: /nonexistent: No such file or directory" ]
	echo short >token
	run -78 --separate-stderr rtta-serve --operator-token-file token
	[ "$stderr" = 'rtta-serve: token file token: not one line of 8 to 255 letters without blanks' ]
	run -69 --separate-stderr rtta-serve --nats-url nats://127.0.0.1:1
	[ "${#stderr_lines[@]}" -eq 1 ]
	serve
	run -69 --separate-stderr rtta-serve --listen "127.0.0.1:${page##*:}"
	[ "$stderr" = "rtta-serve: listen on 127.0.0.1:${page##*:}: Address already in use" ]
	stop serve
	[ "$rc" -eq 0 ]
}

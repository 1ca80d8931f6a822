load helper
load serve

# What strangers send: refused, and others go on.

# ask REQUEST: send these bytes (as printf has them), print what comes until
# the other side closes
ask() {
	exec 5<>"/dev/tcp/127.0.0.1/$(cat port)"
	# shellcheck disable=SC2059  # a format is meant; cat: one write, not one a line
	printf "$1" | cat >&5 2>/dev/null || true
	timeout 20 cat <&5 2>/dev/null
	exec 5>&-
}

# refused STATUS REQUEST: one answer, and what stands behind the request is
# not read as another one
refused() {
	local got
	got=$(ask "$2GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" | tr -d '\0' | sed -n 's,^HTTP/1.[01] \([0-9]*\) .*,\1,p')
	[ "$got" = "$1" ] || { echo "$2: $got, not $1" >&2; false; }
}

@test "a request that two could read in two ways is refused, and the connection ends" {
	meeting_has m1 start cut live
	serve
	# a line end in the address is no end of the line, and brings no headers
	refused 400 'GET /s/a%%0Ab HTTP/1.1\r\nHost: x\r\n\r\n'
	refused 400 'GET /s/m1%%0d%%0aX:y HTTP/1.1\r\nHost: x\r\n\r\n'
	refused 400 'GET /ws?session=m1%%20HTTP/1.1%%0d%%0aHost:a%%0d%%0aOrigin:http://a%%0d%%0aX: HTTP/1.1\r\nHost: x\r\nOrigin: http://evil.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n'
	refused 400 'GET /sessions HTTP/1.1\r\n\r\n'
	refused 400 'GET /sessions HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n'
	refused 400 'GET /sessions HTTP/9.9\r\nHost: x\r\n\r\n'
	# where a body ends
	refused 400 'GET /sessions HTTP/1.1\r\nHost: x\r\nContent-Length: 37\r\n\r\n'
	refused 400 'GET /sessions HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 37\r\n\r\n'
	refused 411 'POST /session/start HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'
	refused 413 'POST /session/start HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n'
	refused 413 'POST /session/start HTTP/1.1\r\nHost: x\r\nContent-Length: +5\r\n\r\n'
	refused 403 'POST /session/start HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n'
	refused 403 'POST /session/start HTTP/1.1\r\nHost: x\r\n\r\n'
	# no UTF-8
	refused 400 'GET /s/a\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n'
	refused 400 'GET /events?session=%%ff%%fe HTTP/1.1\r\nHost: x\r\n\r\n'
	# too much: no answer at all
	[ -z "$(ask "GET /sessions HTTP/1.1\r\nHost: x\r\nX: $(printf 'a%.0s' $(seq 20000))\r\n\r\n")" ]
	[ -z "$(ask 'GET /sess\x00ions HTTP/1.1\r\nHost: x\r\n\r\n')" ]
	[ "$(status "$page/s/m1/transcript.txt")" = 200 ]
	alive serve
}

@test "a reader that talks, in whatever frames, is cut off; another one reads on" {
	meeting_has m1 start cut preroll
	serve
	{ ws "$page/ws?session=m1" 'cast to order' >ws.out; } 3>&- &
	wait_for 20 grep -q '"event":"live"' ws.out
	for frames in \
		01810000000061 \
		8185000000006865796f6f \
		81ff7fffffffffffffff00000000616161 \
		810161 \
		89fe010000000000 \
		b18100000000ff; do
		run -1 timeout 20 ws -s "$frames" "$page/ws" never
	done
	# also one of events, to whom nobody listens otherwise
	exec 6<>"/dev/tcp/127.0.0.1/$(cat port)"
	printf 'GET /events?session=m1 HTTP/1.1\r\nHost: x\r\n\r\n' >&6
	timeout 20 grep -qm 1 '"event":"live"' <&6
	printf hello >&6
	timeout 20 cat <&6 >/dev/null
	exec 6>&-
	meeting_has m1 live
	wait $!
	alive serve
}

@test "who is slow to ask or to take is dropped, and resumes without loss" {
	serve
	big=$(printf 'x%.0s' $(seq 50000))
	for i in $(seq 300); do
		echo "{\"subject\": \"transcript.raw.big\", \"ack\": false, \"data\": \"$i $big\"}"
	done | nats-pub
	counted() { [ "$(get "$page/s/big/transcript.jsonl" | wc -l)" -eq 300 ]; }
	wait_for 30 counted
	# a header that never ends, a byte at a time
	exec 6<>"/dev/tcp/127.0.0.1/$(cat port)"
	printf 'GET / HTTP/1.1\r\nHost: x\r\nA: ' >&6
	{ while printf a >&6; do sleep 0.2; done; } 2>/dev/null 3>&- &
	drip=$!
	# a reader that does not read
	exec 7<>"/dev/tcp/127.0.0.1/$(cat port)"
	printf 'GET /events?session=big HTTP/1.1\r\nHost: x\r\n\r\n' >&7
	# nobody else waits for them
	[ "$(status "$page/s/big/coverage")" = 200 ]
	timeout 60 cat <&6 >/dev/null
	kill $drip 2>/dev/null || true
	dropped() { get "$page/metrics" | grep -qx 'rtta_readers_dropped_total 1'; }
	wait_for 60 dropped
	timeout 60 cat <&7 >first
	exec 6>&- 7>&-
	last=$(sed -n 's/^id: //p' first | tail -n 1)
	[ "$last" -lt 300 ]
	# what was cut off inside an event comes again
	tail -c 2 first | cmp -s - <(printf '\n\n') || last=$((last - 1))
	background rest curl -sN -H "Last-Event-ID: $last" "$page/events?session=big"
	wait_for 30 grep -q '"event":"live"' rest.out
	[ "$(sed -n 's/^id: //p' rest.out | head -n 1)" -eq $((last + 1)) ]
	[ "$(grep -c '^id: ' rest.out)" -eq $((300 - last)) ]
}

@test "one address has so many connections, and so many requests in ten seconds" {
	serve --per-address 30
	fds=()
	for _ in $(seq 30); do
		exec {fd}<>"/dev/tcp/127.0.0.1/$(cat port)"
		fds+=("$fd")
	done
	full() { [ "$(status "$page/page.css")" = 000 ]; }
	wait_for 20 full
	for fd in "${fds[@]}"; do exec {fd}>&-; done
	free() { [ "$(status "$page/page.css")" = 200 ]; }
	wait_for 20 free
	# guessing is dear: a refusal counts as more than one
	for _ in $(seq 20); do status -d '{}' "$page/session/start"; done >codes
	grep -q 429 codes
	wait_for 40 free
	run -64 rtta-serve --per-address -1
}

@test "a token is in no log, however it came" {
	echo 'a-token-of-the-readers' >token
	serve --verbose --reader-token-file token
	[ "$(status "$page/?token=a-token-of-the-readers")" = 200 ]
	[ "$(status -H 'Cookie: rtta_token=a-token-of-the-readers' "$page/sessions")" = 200 ]
	[ "$(status -H 'Authorization: Bearer a-token-of-the-readers' "$page/sessions")" = 200 ]
	[ "$(status "$page/?token=a-token-of-the-readerz")" = 401 ]
	ask 'GET /?token=a-token-of-the-readers HTTP/1.1\r\n\r\n' >/dev/null
	stop serve
	run grep -c a-token serve.err serve.out
	[ "$status" -eq 1 ]
}

# certificate NAME: NAME.pem and NAME.key
certificate() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
		-subj "/CN=$1" -addext subjectAltName=DNS:localhost -keyout "$1.key" -out "$1.pem" 2>/dev/null
}
shown() { openssl s_client -connect "localhost:$(cat port)" </dev/null 2>/dev/null; }
shows() { shown | grep -q "CN = $1"; }

@test "TLS: a certificate is renewed without dropping a reader" {
	certificate old
	certificate new
	cp old.pem tls.pem
	cp old.key tls.key
	meeting_has m1 start cut preroll
	serve --tls-cert tls.pem --tls-key tls.key
	secure=https://localhost:$(cat port)
	[ "$(status --cacert old.pem "$secure/s/m1/transcript.txt")" = 200 ]
	[ "$(status "$page/")" = 000 ]
	background sse curl -sN --cacert old.pem "$secure/events?session=m1"
	wait_for 20 grep -q '"event":"live"' sse.out
	# half of it is there: the old one holds
	cp new.pem tls.pem
	wait_for 20 grep -q 'tls.key: not the key of tls.pem, the old certificate holds' serve.err
	shows old
	cp new.key tls.key
	wait_for 20 shows new
	meeting_has m1 live
	wait_for 20 grep -q 'cast to order' sse.out
	shown | grep -q 'TLSv1.[23]'
	run -64 rtta-serve --tls-cert tls.pem
	run -78 --separate-stderr rtta-serve --tls-cert old.pem --tls-key tls.key
	[ "$stderr" = 'rtta-serve: tls.key: not the key of old.pem' ]
}

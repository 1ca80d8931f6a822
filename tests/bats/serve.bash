# What tests of rtta-serve share; load helper first.
setup() {
	cd "$BATS_TEST_TMPDIR" || return
	PATH=$BATS_TEST_DIRNAME/../tools:$PATH
	start_nats
	rtta-streams --quiet init >/dev/null
}

# serve [OPTION...]: start it; $page is its address
serve() {
	rm -f port
	background serve rtta-serve --listen 127.0.0.1:0 --port-file port "$@"
	wait_for 20 test -s port
	page=http://127.0.0.1:$(cat port)
}

# a session of an invented meeting: meeting_has SESSION PART...
meeting_has() { meeting "$@" | nats-pub >/dev/null; }

get() { curl -sS --max-time 20 "$@"; }
status() { get -o body -w '%{http_code}' "$@" 2>/dev/null || true; }

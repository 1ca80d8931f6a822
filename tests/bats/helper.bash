# What every .bats file loads: servers, waiting, frames.  No fixed port, no
# sleep to make something likely: wait_for polls a condition with a deadline.
bats_require_minimum_version 1.5.0

setup() { cd "$BATS_TEST_TMPDIR" || return; }
teardown() {
	[ -n "${BATS_TEST_COMPLETED:-}${BATS_TEST_SKIPPED:-}" ] || tell_why
	stop_all
}

# What a log of a failure needs: how far the session came, what the tools say
# of themselves and in their last lines
tell_why() {
	local err
	cd "$BATS_TEST_TMPDIR" || return 0
	if [ -e nats.pid ] && alive nats; then
		timeout 10 rtta-export --quiet --coverage --json
		timeout 20 rtta-streams status --listen 6 --json
	fi 2>&1
	# nats-server's own lines are many; those of nats-server.sh have a level
	grep -hs '^<[0-9]>' nats.err | tail -n 30
	for err in *.err; do
		[ "$err" != nats.err ] && [ -s "$err" ] || continue
		echo "== $err"
		tail -n 15 "$err"
	done
	return 0
}

# wait_for SECONDS COMMAND...: until it succeeds
wait_for() {
	local deadline=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		if [ $SECONDS -ge $deadline ]; then
			echo "gave up waiting for: $*" >&2
			return 1
		fi
		sleep 0.05
	done
}

# background NAME COMMAND...: run it with stderr in NAME.err, stdout in
# NAME.out; its pid is in NAME.pid; it dies with the test
background() {
	local name=$1
	shift
	"$@" <&0 >"$name.out" 2>"$name.err" 3>&- 4>&- &
	echo $! >"$name.pid"
	echo $! >>pids
}

# set_clock SECONDS: the wall clock of every "clocked" command is so far off
set_clock() { echo "$1" >clock.new && mv clock.new clock; }
# clocked COMMAND...: becomes it, with that wall clock, also while it runs; for
# background, or in ( ), and not before set_clock
clocked() {
	LD_PRELOAD=$(echo /usr/lib/*/faketime/libfaketimeMT.so.1) FAKETIME_TIMESTAMP_FILE=$PWD/clock \
		FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1 \
		ASAN_OPTIONS=verify_asan_link_order=0 exec "$@"
}

# One that has died and that nobody has buried yet, as in a container without
# an init, lives no more.
alive() {
	kill -0 "$(cat "$1.pid")" 2>/dev/null && ! grep -q ') Z ' "/proc/$(cat "$1.pid")/stat" 2>/dev/null
}
gone() { ! alive "$1"; }

# stop NAME [SIGNAL]: and wait until it has gone; its exit code in $rc
stop() {
	local pid
	pid=$(cat "$1.pid")
	kill "-${2:-TERM}" "$pid" 2>/dev/null || true
	rc=0
	wait "$pid" || rc=$?
}

stop_all() {
	local pid
	[ -e "$BATS_TEST_TMPDIR/pids" ] || return 0
	while read -r pid; do kill -CONT "$pid"; kill "$pid"; done <"$BATS_TEST_TMPDIR/pids" 2>/dev/null
	while read -r pid; do
		for _ in $(seq 100); do kill -0 "$pid" || break; sleep 0.05; done
		kill -9 "$pid"
	done <"$BATS_TEST_TMPDIR/pids" 2>/dev/null
	true
}

# start_nats [PORT]: a private server with its own store; sets RTTA_NATS_URL.
# Kill it with: stop nats KILL; start it again on its old port: restart_nats
start_nats() {
	cat >nats.conf <<-EOT
		listen: 127.0.0.1:${1:--1}
		ports_file_dir: "$PWD"
		max_payload: 128KB
		jetstream { store_dir: "$PWD/js", max_memory_store: 512MB, max_file_store: 4GB }
	EOT
	rm -f nats-server_*.ports
	background nats nats-server -c nats.conf
	wait_for 20 test -s "nats-server_$(cat nats.pid).ports"
	RTTA_NATS_URL=$(jq -r '.nats[0]' "nats-server_$(cat nats.pid).ports")
	export RTTA_NATS_URL
	wait_for 20 nats_ready
}
nats_ready() { (exec 3<>"/dev/tcp/127.0.0.1/${RTTA_NATS_URL##*:}") 2>/dev/null; }
restart_nats() { start_nats "${RTTA_NATS_URL##*:}"; }

# request SUBJECT BODY: one answer, with nothing but the protocol
request() {
	local line
	exec 4<>"/dev/tcp/127.0.0.1/${RTTA_NATS_URL##*:}"
	printf 'CONNECT {"verbose":false}\r\nSUB reply 1\r\nPUB %s reply %d\r\n%s\r\n' \
	    "$1" "$(tr -d '\n' <<<"$2" | wc -c)" "$(tr -d '\n' <<<"$2")" >&4
	while read -r -t 5 line <&4; do
		case $line in '{"type":'*) echo "$line"; break ;; esac
	done
	exec 4>&-
}

# speech FILE...: the path of a speech sample that install-moonshine fetched
speech() { echo "${RTTA_MOONSHINE_DIR:-/usr/local/lib/rtta/moonshine}/samples/$1"; }

# page_text URL [JS]: the text that a reader of the page sees in Chromium, once
# the expression is true (default: there is a paragraph)
page_text() {
	"$BATS_TEST_DIRNAME/../tools/page" "$1" wait "${2:-document.querySelector('.turn')}" \
		eval "document.getElementById('text').innerText"
}

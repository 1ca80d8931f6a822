#!/bin/sh
# Run nats-server for rtta so that what it acknowledges is on the disk, also when that
# was full:
#   nats-server.sh prepare DIR   as root, before the first start
#   nats-server.sh run DIR [OPTION...]
# nats-server acknowledges after write(2) and syncs every two minutes.  From
# 2.10 on "sync_interval: always" changes that; before, it does not know the
# option, and a synchronous store directory (chattr +S, inherited by what is
# made in it) does the same.
# RTTA_NATS_USER owns the store (default rtta).
# RTTA_NATS_MAX_FILE is the quota of the store, 80 % of what is free at the
# first start.  It is never lowered: a server that starts with less than its
# streams may take leaves them out.
# No quota helps when somebody else fills the partition, and a server that
# has met that takes nothing any more (2.9), or counts wrongly (2.10), until it
# is started again.  So run keeps RTTA_NATS_RESERVE_MB (default 64) aside, in
# a file that it removes when the partition is full: text and the stop button
# need little.  And it kills a server that was out of room, once there is some
# again, and one that no longer answers for a stream: systemd starts it anew.
# Whatever was acknowledged survives that; PRE_BUFFER comes from rtta-route.
set -eu
what=$1 dir=$2
shift 2
conf=/etc/rtta/nats.conf
reserve_mb=${RTTA_NATS_RESERVE_MB:-64}
# "nats-server: v2.9.10": 2.9 and older do not know sync_interval.
case $(nats-server --version) in
*v2.[0-9].*) sync= ;;
*) sync='sync_interval: always' ;;
esac

free_kb() { df -Pk "$dir" | awk 'NR == 2 { print $4 }'; }

quota() {
	old_kb=$(sed -n 's/^ *max_file_store: \([0-9]*\)KB$/\1/p' "$dir/nats.conf" 2>/dev/null) || true
	used_kb=$(du -sk "$dir" | cut -f 1)
	kb=$((($(free_kb) + used_kb - reserve_mb * 1024) * 8 / 10))
	[ "$kb" -gt "${old_kb:-0}" ] || kb=$old_kb
	echo "${RTTA_NATS_MAX_FILE:-${kb}KB}"
}

# On a partition that is full the one that is there has to do.
write_conf() {
	cat >"$dir/nats.conf.new" <<-EOT && mv "$dir/nats.conf.new" "$dir/nats.conf" || [ -s "$dir/nats.conf" ]
		listen: 127.0.0.1:4222
		server_name: rtta
		max_payload: 128KB
		jetstream {
		  store_dir: "$dir/jetstream"
		  max_memory_store: ${RTTA_NATS_MAX_MEMORY:-320MB}
		  max_file_store: $(quota)
		  $sync
		}
	EOT
}

# Said once, and again at half of what was left then.
say_full() {
	[ "$kb" -lt $((${said_kb:-999999999} / 2)) ] || return 0
	said_kb=$kb
	echo "<3>$dir: the partition is full, $((kb / 1024)) MiB are left: make room, or sound waits and is lost in the end"
}

# True when the server was without room, and there is some again.
look_for_room() {
	kb=$(free_kb)
	[ "$kb" -ge 1024 ] || starved=1
	if [ "$kb" -lt $((reserve_mb * 256)) ]; then
		say_full
		if [ -e "$dir/reserve" ]; then
			rm -f "$dir/reserve"
			echo "<3>$dir: the reserve of $reserve_mb MiB is given up"
			kb=$(free_kb)
		fi
	elif [ "$kb" -gt $((reserve_mb * 1536)) ]; then
		[ -z "${said_kb:-}" ] || echo "<5>$dir: there is room again"
		said_kb=
		[ -e "$dir/reserve" ] || fallocate -l "${reserve_mb}MiB" "$dir/reserve" 2>/dev/null || rm -f "$dir/reserve"
	fi
	[ -n "${starved:-}" ] && [ "$kb" -ge 2048 ]
}

# True when three times in a row nothing came for a stream, which had answered
# before: 75 is "connected, and no answer".
look_for_answers() {
	rc=0
	rtta-streams --quiet status --listen 0 >/dev/null 2>&1 || rc=$?
	case $rc in
	0) answered=1 missed=0 ;;
	75) missed=$((${missed:-0} + 1)) ;;
	*) missed=0 ;;
	esac
	[ -n "${answered:-}" ] && [ "$missed" -ge 3 ]
}

# Until the server $1 is gone.
watch() {
	while sleep 2 && kill -0 "$1" 2>/dev/null; do
		if look_for_room; then
			echo "<4>nats-server was out of room, and is started again now that there is some"
			kill -9 "$1"
			return
		elif look_for_answers; then
			echo "<3>nats-server does not answer for its streams, and is started again"
			kill -9 "$1"
			return
		fi
	done
}

case $what in
prepare)
	mkdir -p "$dir/jetstream"
	chown "${RTTA_NATS_USER:-rtta}:" "$dir" "$dir/jetstream"
	[ -n "$sync" ] || chattr -R +S "$dir/jetstream" ||
		echo "<4>$dir/jetstream: no synchronous directory: a power cut can lose the last two minutes"
	;;
run)
	[ -e $conf ] || write_conf
	[ -e $conf ] || conf=$dir/nats.conf
	watch $$ >&2 </dev/null &
	exec nats-server -c "$conf" "$@"
	;;
*)
	echo "usage: nats-server.sh prepare|run DIR" >&2
	exit 64
	;;
esac

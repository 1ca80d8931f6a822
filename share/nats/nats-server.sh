#!/bin/sh
# Run nats-server for rtta so that what it acknowledges is on the disk:
#   nats-server.sh prepare DIR   as root, before the first start
#   nats-server.sh run DIR [OPTION...]
# nats-server acknowledges after write(2) and syncs every two minutes.  From
# 2.10 on "sync_interval: always" changes that; before, it does not know the
# option, and a synchronous store directory (chattr +S, inherited by what is
# made in it) does the same.
# RTTA_NATS_USER owns the store (default rtta).
# RTTA_NATS_MAX_FILE is the quota of the store; it has to stay below the free
# space of the partition, because a disk that is really full wedges the server.
set -eu
what=$1 dir=$2
shift 2
conf=/etc/rtta/nats.conf
# "nats-server: v2.9.10": 2.9 and older do not know sync_interval.
case $(nats-server --version) in
*v2.[0-9].*) sync= ;;
*) sync='sync_interval: always' ;;
esac

case $what in
prepare)
	mkdir -p "$dir/jetstream"
	chown "${RTTA_NATS_USER:-rtta}:" "$dir" "$dir/jetstream"
	[ -n "$sync" ] || chattr -R +S "$dir/jetstream" ||
		echo "<4>$dir/jetstream: no synchronous directory: a power cut can lose the last two minutes"
	;;
run)
	[ ! -e $conf ] || exec nats-server -c $conf "$@"
	free_kb=$(df -Pk "$dir" | awk 'NR == 2 { print $4 }')
	used_kb=$(du -sk "$dir" | cut -f 1)
	cat >"$dir/nats.conf" <<-EOT
		listen: 127.0.0.1:4222
		server_name: rtta
		max_payload: 128KB
		jetstream {
		  store_dir: "$dir/jetstream"
		  max_memory_store: ${RTTA_NATS_MAX_MEMORY:-320MB}
		  max_file_store: ${RTTA_NATS_MAX_FILE:-$(((free_kb + used_kb) * 8 / 10))KB}
		  $sync
		}
	EOT
	exec nats-server -c "$dir/nats.conf" "$@"
	;;
*)
	echo "usage: nats-server.sh prepare|run DIR" >&2
	exit 64
	;;
esac

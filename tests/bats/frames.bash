# What route.bats and flush.bats share: numbered frames in, and what the
# streams and the bucket hold afterwards.
FRAME=320  # samples in a numbered frame

# start_route [OPTION...]: reads the FIFO "frames", which the test holds open
# (fd 9) as systemd would
start_route() {
	[ -e frames ] || mkfifo frames
	exec 9<>frames
	background route rtta-route --state-dir . --runtime-dir . "$@" <frames
}
gen() { numbered gen --run 0000000000000001 "$@"; }

# publish SUBJECT PAYLOAD: as any NATS client may
publish() {
	local host=${RTTA_NATS_URL#nats://} line
	exec 8<>"/dev/tcp/${host%:*}/${host##*:}"
	printf 'CONNECT {"verbose":false}\r\nPUB %s %d\r\n%s\r\nPING\r\n' "$1" "${#2}" "$2" >&8
	until [ "${line:-}" = $'PONG\r' ]; do read -r -t 5 line <&8 || return; done
	exec 8>&-
}
config() { publish '$KV.system_state.session_config' "$1"; }
active() { config "{\"session_id\": \"$1\", \"status\": \"ACTIVE\"${2:+, $2}}"; }
idle() { config "{\"session_id\": \"$1\", \"status\": \"IDLE\"}"; }

# key NAME [FILTER]: a key's value; fails when it is not there
key() {
	local last
	last=$(dump KV_system_state "\$KV.system_state.$1" | tail -n 1)
	[ -n "$last" ] && jq -cr ".data | @base64d | fromjson | ${2:-.}" <<<"$last"
}
# stored STREAM [SUBJECT]: "run number job lost" of each message
stored() {
	dump "$@" | jq -r '(.hdrs | @base64d | split("\r\n") | map(select(contains(": ")) | split(": ")
		| {(.[0]): .[1]}) | add) as $h
		| [$h.run[14:], if $h.EOS then "EOS" else ($h.sample | tonumber / 320 | tostring) end,
		$h.job, $h.lost] | map(select(.)) | join(" ")'
}
preroll() { stored PRE_BUFFER; }
live() { stored AUDIO_STREAM "audio.live.$1"; }
backfill() { stored AUDIO_STREAM "audio.backfill.$1"; }
# numbers RUN FIRST LAST [JOB]: the same, as it should be
numbers() { seq "$2" "$3" | sed "s/^/$1 /${4:+; s/\$/ $4/}"; }
count_is() { [ "$("$1" "${@:3}" | grep -c .)" -eq "$2" ]; }
count_at_least() { [ "$("$1" | grep -c .)" -ge "$2" ]; }
has_live() { live "$1" | grep -qx "01 $2"; }

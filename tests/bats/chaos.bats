# Everything is killed, stopped and cut off, by fixed seeds, and every sample
# is counted (make chaos runs any seed for any time).
load helper

chaos() { "$BATS_TEST_DIRNAME/../chaos/chaos" "$@"; }
verify() { "$BATS_TEST_DIRNAME/../chaos/verify" "$@"; }
# forge EXPRESSION: what run left, with its records changed by jq; $r is the
# text record in the middle of the run of which there are most
forge() {
	rm -rf forged
	mkdir forged
	cp run/events.jsonl run/KV_system_state.jsonl forged
	jq -cs 'def head(name): .hdrs | @base64d | capture(name + ": (?<value>[^\r]*)").value;
		([.[] | select(head("type") == "text")] | group_by(head("run")) | max_by(length)
			| sort_by(head("first") | tonumber) | .[length / 2 | floor]) as $r
		| def change(how): map(if .seq == $r.seq then how else . end);
		'"$1 | .[]" run/TEXT_STREAM.jsonl >forged/TEXT_STREAM.jsonl
}
# finds COMPLAINT: in what was forged
finds() {
	run verify forged
	[ "$status" -eq 1 ]
	[[ $output = *"$1"* ]]
}

@test "the same seed is the same schedule, another one is not" {
	chaos --plan 7 5 >a
	chaos --plan 7 5 | cmp a -
	run chaos --plan 8 5
	[ "$output" != "$(cat a)" ]
	for action in kill term stop mood session off-record second replay clock; do
		grep -q " $action " a
	done
}

# 5 and 6 have a small ceiling: AUDIO_STREAM is full, and everything is killed.
@test "three seeds, one of them with services, one with two channels kept apart: every sample is in one record" {
	for seed in "--split 3" 5 "--websocket 6"; do
		# shellcheck disable=SC2086
		background "seed${seed#--* }" "$BATS_TEST_DIRNAME/../chaos/chaos" -k "$PWD/${seed#--* }" $seed 0.4
	done
	for seed in 3 5 6; do
		wait "$(cat "seed$seed.pid")" || { cat "seed$seed.out" "seed$seed.err"; false; }
	done
}

@test "a record that is missing, twice, or of other sound is found" {
	chaos --no-clock -k "$PWD/run" 1 0.1
	verify run
	forge 'map(select(.seq != $r.seq))'
	finds "missing: between "
	forge '. + [$r]'
	finds "twice: "
	forge 'change(.data = (.data | @base64d | split(" ") | reverse | join(" ") | @base64))'
	finds "out of order: "
	forge 'change(.data = (.data | @base64d | split(" ") | .[1:] | join(" ") | @base64))'
	finds "missing: "
	forge 'change(.hdrs = (.hdrs | @base64d | sub("type: text"; "type: silence") | @base64))'
	finds "missing: "
	forge 'change(.hdrs = (.hdrs | @base64d | sub("type: text"; "type: gap") | @base64))'
	finds "and nothing was done"
}

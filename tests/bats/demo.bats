load helper

demo=$BATS_TEST_DIRNAME/../../scripts/demo

@test "scripts/demo --once: speech is on the page while it runs, and nothing is lost or left" {
	[ -e "$(speech two_cities.wav)" ] || skip "no engine: scripts/install-moonshine"
	mkdir tmp "a room"
	ln -s "$(speech two_cities.wav)" "a room/two cities.wav"
	TMPDIR=$PWD/tmp background demo "$demo" --once "a room/two cities.wav"
	wait_for 60 grep -q 'start pressed' demo.err
	page=$(grep -o 'http://[^ ]*/s/[^ ]*' demo.err)
	run page_text "$page" "/epoch of belief/.test(document.getElementById('text').innerText)"
	[[ "$output" == *"best of times"*"epoch of belief"* ]]
	wait_for 90 gone demo
	stop demo
	cat demo.err demo.out
	[ "$rc" -eq 0 ]
	read -r _ _ percent < <("$BATS_TEST_DIRNAME/../wer" "$BATS_TEST_DIRNAME/../data/two_cities.txt" <demo.out)
	awk -v p="$percent" 'BEGIN { exit !(p < 10) }'
	[[ "$(tail -n 1 demo.err)" =~ ^captured\ ([0-9.]+)\ s,\ covered\ ([0-9.]+)\ s,\ lost\ 0\ s$ ]]
	[ "${BASH_REMATCH[1]}" = "${BASH_REMATCH[2]}" ]
	run ! ls -d tmp/rtta-demo.*
	run pgrep -f "$PWD/tmp"
	[ -z "$output" ]
}

@test "scripts/demo refuses what it cannot play, in one line, and leaves nothing" {
	mkdir tmp
	export TMPDIR=$PWD/tmp
	run -64 "$demo" --loud
	[ "${#lines[@]}" -eq 1 ]
	run -64 "$demo" --mic default a.wav
	run -64 "$demo" a.wav b.wav
	run -66 "$demo" --once missing/a.wav
	[ "$output" = "demo: cannot read $PWD/missing/a.wav" ]
	echo "these are words, and not the sound of them" >text.wav
	run --separate-stderr -65 "$demo" --once text.wav
	[ -z "$output" ]
	[[ "$stderr" == *"text.wav: not a WAV file"* ]]
	[ "$(wc -l <<<"$stderr")" -eq 1 ]
	run ! ls -d tmp/rtta-demo.*
	run --separate-stderr -66 "$demo" --once --mic "no such microphone"
	[ -z "$output" ]
	[[ "$(tail -n 1 <<<"$stderr")" == "rtta-capture: no such microphone: "* ]]
	run ! ls -d tmp/rtta-demo.*
}

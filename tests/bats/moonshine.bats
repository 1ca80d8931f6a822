load helper

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return
	export RTTA_MOONSHINE_DIR=${RTTA_MOONSHINE_DIR:-/usr/local/lib/rtta/moonshine}
	export TC=$PWD/two_cities.pcm
	ffmpeg -v error -i "$RTTA_MOONSHINE_DIR/samples/two_cities.wav" \
	    -ar 16000 -ac 1 -f s16le "$TC" </dev/null
	export TESTS=$BATS_TEST_DIRNAME/..
}

# from SECONDS [SECONDS]: the recording from there on, for so long
from() {
	tail -c +$((1 + 32 * $(jq -n "$1 * 1000 | floor"))) "$TC" |
	    head -c $((32 * $(jq -n "${2:-60} * 1000 | floor")))
}
finals() { jq -r 'select(.event == "text" and .is_final).text' "$@"; }
# wer_below PERCENT [--tail] <EVENTS
wer_below() {
	local limit=$1 result
	shift
	result=$(finals | "$TESTS/wer" "$@" "$TESTS/data/two_cities.txt")
	echo "errors, words, percent: $result"
	jq -en "${result##* } < $limit"
}
# What holds for any output: order, no overlap, an end, settled after each final.
well_formed() {
	jq -se '
		(.[0].event == "ready") and (.[-1].event == "done") and
		([.[] | select(.event == "utterance_end").end] | . == sort) and
		([.[] | select(.is_final)] | map(.start, .end) | . == sort) and
		([.[] | select(.event == "text")] |
		    all(.start < .end and .language == "en" and (.text | length > 0))) and
		([range(1; length) as $i | select(.[$i - 1].is_final) |
		    .[$i].event == "utterance_end" and .[$i].end >= .[$i - 1].end] | all) and
		# no text for what was said to be settled
		(reduce .[] as $e ({settled: 0, good: true};
		    if $e.event == "text" and $e.start < .settled then .good = false
		    elif $e.event == "utterance_end" then .settled = $e.end
		    else . end) | .good)' "$1"
}

@test "a recording becomes its words, fewer than one in ten wrong, and nothing is on stderr" {
	rtta-moonshine <"$TC" >out 2>err
	well_formed out
	wer_below 10 <out
	[ ! -s err ]
	jq -se 'any(.[]; .event == "speech" and .start < 1.5)' out
}

@test "a recording that begins within the passage becomes its words, too" {
	from 7.5 | rtta-moonshine --backfill >out
	well_formed out
	wer_below 10 --tail <out
}

@test "the finals do not depend on the pieces in which the sound arrives" {
	from 0 20 >in
	rtta-moonshine --interim-ms 0 <in >whole
	python3 -c '
import sys
data, at, step = open("in", "rb").read(), 0, 1
while at < len(data):
    sys.stdout.buffer.write(data[at:at + step])
    sys.stdout.buffer.flush()
    at, step = at + step, step * 7 % 9973' | rtta-moonshine --interim-ms 0 >pieces
	well_formed whole
	cmp whole pieces
}

# Faster than real time, but never so much at once that input waits.
trickle() {
	python3 -c '
import sys, time
while True:
    data = sys.stdin.buffer.read(4096)
    if not data:
        break
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
    time.sleep(0.04)'
}

@test "interim text comes while somebody speaks, before the final that replaces it" {
	mkfifo in
	background engine sh -c 'exec rtta-moonshine <in'
	exec 5>in
	# a paced listener: the utterance is open, no pause has ended it
	from 0 5 | trickle >&5
	wait_for 20 grep -q '"is_final":false' engine.out
	run ! grep '"is_final":true' engine.out
	exec 5>&-
	wait_for 20 grep -q '"done"' engine.out
	jq -se '[.[] | select(.event == "text")] |
		.[0].is_final == false and .[-1].is_final and
		.[0].start == .[-1].start and .[0].end <= .[-1].end and
		(.[-1].text | test("best of times"))' engine.out
	well_formed engine.out
}

@test "there is no interim text when the input is behind, or with --interim-ms 0" {
	rtta-moonshine <"$TC" >out
	jq -se 'all(.[]; .event != "text" or .is_final)' out
	from 0 5 | trickle | rtta-moonshine --interim-ms 0 >out
	jq -se 'all(.[]; .event != "text" or .is_final)' out
}

@test "silence and noise are settled at least every 2 s, and have no text" {
	head -c 960000 /dev/zero | rtta-moonshine >out
	well_formed out
	jq -se '[.[] | select(.event == "utterance_end").end] as $ends |
		([range(1; $ends | length) | $ends[.] - $ends[. - 1]] | max) <= 2 and
		$ends[0] <= 2 and $ends[-1] == 30' out
	jq -se 'all(.[]; .event != "text" and .event != "speech")' out
	ffmpeg -v error -f lavfi -i anoisesrc=d=20:c=white:a=0.2:seed=1 -ar 16000 -ac 1 -f s16le noise </dev/null
	rtta-moonshine <noise >out
	jq -se 'all(.[]; .event != "text") and any(.[]; .event == "utterance_end" and .end == 20)' out
}

@test "input that ends inside a word: what was said so far is final" {
	from 0 2.5 | rtta-moonshine >out
	well_formed out
	jq -se '.[-3] | .is_final and .end == 2.5 and (.text | test("best of"))' out
	jq -se '.[-2] | .event == "utterance_end" and .end == 2.5' out
}

@test "a sentence that is broken off is not completed with words that nobody said" {
	from 0 3.1 | rtta-moonshine >out
	[ "$(finals out | grep -oi 'best of times' | wc -l)" -eq 1 ]
}

@test "a lone short word right at the beginning is heard" {
	# "Yes," and then nothing for a second
	ffmpeg -v error -ss 3.4 -i "$RTTA_MOONSHINE_DIR/samples/endgame_nagg_nell.wav" \
	    -ar 16000 -ac 1 -t 6 -f s16le in </dev/null
	rtta-moonshine <in >out
	finals out | grep -q '^Yes, we laugh'
}

@test "input that ends inside a sample: a warning, and the rest is heard" {
	{ from 0 2.5; printf x; } >in
	run -0 --separate-stderr rtta-moonshine <in
	[ "$stderr" = "rtta-moonshine: warning: stdin: ends inside a sample" ]
	[[ $output == *'"is_final":true'*'"done"}' ]]
}

@test "no input at all is done at once" {
	run -0 rtta-moonshine </dev/null
	[ "${lines[0]}" = '{"event":"ready"}' ]
	[ "${lines[-1]}" = '{"event":"done"}' ]
	[[ $output != *'"text"'* ]]
}

@test "SIGTERM: what was read is said, then done, exit 0" {
	mkfifo in
	background engine sh -c 'exec rtta-moonshine <in'
	exec 5>in
	from 0 6 >&5
	wait_for 20 grep -q '"speech"' engine.out
	wait_for 20 pipe_is_empty
	stop engine
	exec 5>&-
	[ "$rc" -eq 0 ]
	well_formed engine.out
	finals engine.out | grep -qi 'best of times.*worst of times'
}
# more than fits into a pipe went in before: what is left has been read when
# another writer need not wait
pipe_is_empty() {
	python3 -c '
import fcntl, os, struct, termios
fd = os.open("in", os.O_RDONLY | os.O_NONBLOCK)
raise SystemExit(struct.unpack("i", fcntl.ioctl(fd, termios.FIONREAD, b"    "))[0] != 0)'
}

@test "loops are not passed on" {
	# backwards and muffled, speech is no language: the decoder gets lost
	ffmpeg -v error -i "$RTTA_MOONSHINE_DIR/samples/two_cities.wav" \
	    -af areverse,lowpass=1000 -ar 16000 -ac 1 -t 30 -f s16le in.pcm </dev/null
	rtta-moonshine -v --backfill <in.pcm >out 2>err
	grep -q 'a loop in' err
	well_formed out
	# the same three words or more, three times in a row
	run ! grep -iE '(([a-z]+[ ,.]+){3,8})\1\1' <(finals out)
}

@test "long speech without a pause is cut below --max-utterance" {
	ffmpeg -v error -f s16le -ar 16000 -ac 1 -i "$TC" -af \
	    silenceremove=stop_periods=-1:stop_duration=0.02:stop_threshold=-40dB \
	    -f s16le in.pcm </dev/null
	rtta-moonshine --backfill --max-utterance 5 <in.pcm >out
	well_formed out
	jq -se '[.[] | select(.is_final) | .end - .start] | max <= 5.2 and length >= 3' out
}

@test "stdout that is full: 74; a reader that leaves: the end" {
	run -74 --separate-stderr bash -c 'rtta-moonshine </dev/null >/dev/full'
	[ "$stderr" = "rtta-moonshine: stdout: No space left on device" ]
	run -0 bash -c 'set -o pipefail; rtta-moonshine <"$TC" | head -n 1'
	[ "$output" = '{"event":"ready"}' ]
}

@test "an engine that is missing or damaged: 78, the file, and what to run" {
	run -78 --separate-stderr rtta-moonshine -d "$PWD/none" </dev/null
	[[ $stderr == "rtta-moonshine: $PWD/none/SHA256SUMS: No such file or directory; run "*"install-moonshine $PWD/none" ]]
	cp -r "$RTTA_MOONSHINE_DIR" engine
	printf 'not what was there' |
	    dd of=engine/tiny-en/decoder_model_merged.ort bs=1 seek=15000000 conv=notrunc status=none
	run -78 --separate-stderr rtta-moonshine -d engine </dev/null
	[[ $stderr == "rtta-moonshine: engine/tiny-en/decoder_model_merged.ort: damaged (wrong sha256); run "*"install-moonshine engine" ]]
	[ -z "$output" ]
	rm engine/tiny-en/decoder_model_merged.ort
	run -78 --separate-stderr rtta-moonshine -d engine --check
	[[ $stderr == *"/decoder_model_merged.ort: No such file or directory; run "* ]]
	run -1 --separate-stderr install-moonshine --check engine
	[ "$stderr" = "install-moonshine: engine/tiny-en/decoder_model_merged.ort: missing" ]
	echo garbage >engine/SHA256SUMS
	run -78 --separate-stderr rtta-moonshine -d engine </dev/null
	[[ $stderr == *"SHA256SUMS: damaged; run "* ]]
}

@test "--check loads the engine and says what it is" {
	run -0 rtta-moonshine --check
	[ "$output" = "moonshine-voice 0.0.73, model tiny-en, in $RTTA_MOONSHINE_DIR" ]
}

@test "wrong options: one line and 64" {
	run -64 rtta-moonshine --join 5001 </dev/null
	[ "$output" = "rtta-moonshine: --join 5001: not a whole number from 0 to 5000 (see rtta-moonshine --help)" ]
	run -64 rtta-moonshine --max-utterance 2 </dev/null
	run -64 rtta-moonshine --threshold 1 </dev/null
	run -64 rtta-moonshine --interim-ms -1 </dev/null
	run -64 rtta-moonshine file.wav </dev/null
	[ "$output" = "rtta-moonshine: file.wav: sound comes on stdin (see rtta-moonshine --help)" ]
}

@test "install-moonshine: a second run needs neither network nor python" {
	ln -s "$(command -v false)" python3
	run -0 env PATH="$PWD:$PATH" install-moonshine
	[ "$output" = "install-moonshine: complete: moonshine-voice 0.0.73 in $RTTA_MOONSHINE_DIR" ]
	run -0 install-moonshine --check
}

# a package index that holds this one file, and nothing else
only() {
	mkdir -p index
	echo "$1" >index/moonshine_voice-0.0.73-py3-none-manylinux_2_34_"$(uname -m)".whl
	env PIP_CONFIG_FILE=/dev/null PIP_NO_INDEX=1 PIP_FIND_LINKS="$PWD/index" install-moonshine new
}

@test "install-moonshine: what cannot be fetched, or is not what it should be, leaves nothing behind" {
	run -65 --separate-stderr only 'not the wheel'
	[ "$stderr" = "install-moonshine: moonshine-voice 0.0.73: what pip fetched has the wrong sha256" ]
	rm index/*
	run -69 --separate-stderr env PIP_CONFIG_FILE=/dev/null PIP_NO_INDEX=1 \
	    PIP_FIND_LINKS="$PWD/index" install-moonshine new
	[[ $stderr == "install-moonshine: pip could not fetch moonshine-voice 0.0.73: No matching distribution"* ]]
	[ ! -e new ]
	run ! compgen -G '.moonshine*'
	run -73 --separate-stderr install-moonshine /proc/new
	[[ $stderr == "install-moonshine: /proc: cannot be written; run it as root, or name another DIR" ]]
	run -64 install-moonshine --nix
	printf '#!/bin/sh\necho riscv64\n' >index/uname
	chmod +x index/uname
	run -69 --separate-stderr env PATH="$PWD/index:$PATH" install-moonshine new
	[ "$stderr" = "install-moonshine: there is no engine for a riscv64 machine, only for x86_64 and aarch64" ]
}

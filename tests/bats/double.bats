# The double of a speech service: what the tests of others build upon.
load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	DOUBLE=$BATS_TEST_DIRNAME/../double
	numbered gen --frames 200 --raw >raw
}

# start_double [OPTION]...
start_double() {
	background double "$DOUBLE/deepgram" --log log --audio . --ceiling 0 "$@"
	wait_for 20 test -s double.out
	port=$(jq .port double.out) control=$(jq .control double.out)
}
# check NAME: of tests/double/check, by an engine that hears numbers
check() {
	start_double --engine "numbered hear --words --interim 10"
	"$DOUBLE/check" "$1" "$port" "$control"
	run ! grep '"broken"' log
}

@test "keys by header and subprotocol; without a good one 401, dg-error and dg-request-id" { check keys; }
@test "queries that the service refuses get 400 with the reason" { check queries; }
@test "interims and contiguous finals, Metadata, Close 1000" { check stream; }
@test "an empty binary frame ends the stream" { check empty; }
@test "no message, no sound: 1011; KeepAlive counts as text only" { check idle; }
@test "Finalize flushes, and the stream goes on" { check finalize; }
@test "a container has its header, or 1008" { check container; }
@test "channels are heard apart, and speakers take turns" { check channels; }
@test "results misbehave on request" { check misbehaviour; }
@test "connections end on request" { check cut; }
@test "upgrades are refused on request" { check refusals; }
@test "batch: words, and every refusal" { check batch; }

@test "what was received is written down: headers, messages, the sound itself" {
	check record
	jq -se 'map(select(.event == "request"))[0].headers.authorization == "Token test-key"' log
	jq -se '[.[] | select(.event == "text").text | fromjson.type] == ["KeepAlive", "CloseStream"]' log
	jq -se '[.[] | select(.event == "audio").bytes] | add == 128000 and max == 3200' log
	cmp raw 1.raw
}

# sdk NAME: its folder, or the test is skipped
sdk() {
	local said
	said=$("$DOUBLE/sdks" "$1" 2>/dev/null | tail -n 1)
	case $said in
	/*) folder=$said ;;
	*) skip "${said:-sdks failed}" ;;
	esac
}
speech() {
	ffmpeg -v error -i "${RTTA_MOONSHINE_DIR:-/usr/local/lib/rtta/moonshine}/samples/two_cities.wav" \
	    -t 9.7 -ar 16000 -ac 1 -c:a pcm_s16le speech.wav </dev/null
	start_double
}
is_the_text() { tr -d '.,' | tr '\n' ' ' | grep -qi 'best of times it was the worst of times.*age of foolishness'; }

@test "Deepgram's client for Python gets the text, live and by batch" {
	sdk python
	speech
	for mode in live batch; do
		PYTHONPATH=$folder python3 "$DOUBLE/sdk.py" $mode "$port" speech.wav >$mode
		is_the_text <$mode
	done
	curl -sf -d '{"status":401}' "localhost:$control/_do"
	run -2 env PYTHONPATH="$folder" python3 "$DOUBLE/sdk.py" batch "$port" speech.wav
	[ "$output" = 401 ]
}

@test "Deepgram's client for Node.js gets the text, live and by batch" {
	sdk node
	speech
	for mode in live batch; do
		NODE_PATH=$folder node "$DOUBLE/sdk.cjs" $mode "$port" speech.wav >$mode
		is_the_text <$mode
	done
	curl -sf -d '{"status":401}' "localhost:$control/_do"
	run -2 env NODE_PATH="$folder" node "$DOUBLE/sdk.cjs" batch "$port" speech.wav
	[ "$output" = 401 ]
}

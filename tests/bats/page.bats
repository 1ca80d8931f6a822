load helper

# The page in real Chromium.
setup() {
	cd "$BATS_TEST_TMPDIR" || return
	PATH=$BATS_TEST_DIRNAME/../tools:$PATH
	export TZ=UTC
	start_nats
	rtta-streams --quiet init >/dev/null
	background serve rtta-serve --listen 127.0.0.1:0 --port-file port --open-operator
	wait_for 20 test -s port
	page=http://127.0.0.1:$(cat port)
}

meeting_has() { meeting "$@" | nats-pub >/dev/null; }

# Text as people see it, one paragraph or note a line.
text="[...document.querySelectorAll('.turn')].map((p) => p.innerText.trim().replace(/\s+/g, ' ')).join('\n')"
# No slide is under way, and two frames have been drawn.
settled="Promise.all(document.getAnimations().map((a) => a.finished)).then(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(1)))))"
live="document.documentElement.dataset.state"

@test "the text stands in the order in which it was said, with the start and what is missing" {
	meeting_has m1 start cut preroll live gap interim
	run --separate-stderr page "$page/" wait "document.querySelector('.start')" eval "$text" eval document.title
	[ "$stderr" = '' ] || { echo "$stderr" >&2; false; }
	[[ "${lines[0]}" == '10:09:00 Good morning, everyone.'*'to the health centre.' ]]
	[[ "${lines[1]}" == '10:09:43 Before I bring the officer in: is the text running? Would somebody start it, please.' ]]
	[[ "${lines[2]}" == '10:10:00 Start. Everything above was said before.' ]]
	[[ "${lines[3]}" == '10:10:00 There it is'*'cast to order.' ]]
	[[ "${lines[4]}" == '10:10:33 Still to come: 30 seconds, 10:10:33 to 10:11:03. The sound is kept.' ]]
	[[ "${lines[5]}" == '10:11:03 Thank you.'*'on the castings.' ]]
	[[ "${lines[6]}" == '10:11:29 No text for 6 seconds. Reason: microphone unplugged, 10:11:29 to 10:11:35.' ]]
	[[ "${lines[7]}" == '10:11:35 We lost the microphone for a moment: somebody caught the cable with a foot.'* ]]
	[ "${lines[8]}" = 'Town council · rtta' ]
}

@test "late text appears where it belongs, and the line that is being read stays" {
	meeting_has m1 start cut preroll live gap
	mkfifo told
	{ read -r _ <told; meeting_has m1 late; } 3>&- &
	echo $! >>pids
	# a low window, read at the end; the hole is above
	run --separate-stderr page --size 800x300 "$page/" wait "document.querySelector('.wait')" \
		wait "(scrollBy(0, -40), !document.getElementById('back').hidden)" \
		eval "globalThis.read = [...document.querySelectorAll('.gap')].pop(); $settled.then(() => read.scrollIntoView({ block: 'center' })).then(() => $settled)" \
		eval "globalThis.at = read.getBoundingClientRect().top; 1" \
		tell told wait "document.querySelector('.late') && !document.querySelector('.wait')" eval "$settled" \
		eval "Math.round(read.getBoundingClientRect().top - at)" eval "$text"
	[ "$stderr" = '' ] || { echo "$stderr" >&2; false; }
	[ "${lines[3]}" = 0 ]
	[[ "$output" == *'cast to order.'*'written late'*'The middle of January'*'financial year.'*'Thank you.'* ]]
}

@test "the merge shows the same for any order of arrival" {
	run page "$page/" run "$BATS_TEST_DIRNAME/../web/merge.js"
	[ "$output" = ok ]
}

@test "start and stop from the page; stop asks once more" {
	run --separate-stderr page "$page/?view=operator" wait "document.querySelector('#title')" \
		eval "document.querySelector('#title').value = 'Größe <b>'; document.querySelector('form button').click(); 1" \
		wait "document.querySelector('.danger')" eval "document.querySelector('h1').innerText" \
		eval "document.querySelector('.danger').click(); document.querySelector('button[type=submit]').click(); 1" \
		wait "document.querySelector('#title')" \
		goto "$page/?view=sessions" wait "document.querySelector('.item')" eval "document.querySelector('.item h3').innerText"
	[ "$stderr" = '' ] || { echo "$stderr" >&2; false; }
	[ "${lines[1]}" = 'Größe <b>' ]
	[ "${lines[3]}" = 'Größe <b>' ]
}

@test "what a transcript contains is inert" {
	meeting_has m1 start cut
	jq -nc '{subject: "transcript.raw.m1", data: ("<script>globalThis.evil = 1</script><img src=x onerror=evil=1> \u202Eesrever " + ("a" * 20000)),
		headers: {timestamp: "2026-11-24T10:10:00Z", is_final: "true", type: "text", lane: "live", run: "00000000000000aa", first: 960000, last: 970000, rev: 1, speaker: "<i>Chair</i>"}}' | nats-pub
	run --separate-stderr page --size 390x844 "$page/" wait "document.querySelector('.say span')" eval "String(globalThis.evil)" \
		eval "document.querySelector('.who bdi').innerText" eval "document.documentElement.scrollWidth <= innerWidth"
	[ "$stderr" = '' ] || { echo "$stderr" >&2; false; }
	[ "$output" = $'undefined\n<i>Chair</i>\ntrue' ]
}

@test "the state is said: catching up, ended, no box; and it comes back by itself" {
	mkfifo gone back
	meeting_has m1 start cut preroll live gap
	{ read -r _ <gone; kill "$(cat serve.pid)"; read -r _ <back
	  meeting_has m1 late end
	  rtta-serve --listen "127.0.0.1:$(cat port)" 2>again.err & echo $! >>pids; wait; } 3>&- &
	echo $! >>pids
	run --separate-stderr page "$page/" wait "/30 seconds/.test(document.getElementById('state').innerText)" eval "document.getElementById('state').innerText" \
		tell gone wait "$live === 'box'" eval "document.getElementById('state-head').innerText" \
		tell back wait "$live === 'ended' && document.querySelector('.late')" eval "document.getElementById('state').innerText" eval "$text"
	[ "$stderr" = '' ] || { echo "$stderr" >&2; false; }
	[ "${lines[0]}" = 'Live, and catching up: 30 seconds of earlier speech are still to come.' ]
	[ "${lines[1]}" = 'The box does not answer' ]
	[ "${lines[2]}" = 'Ended at 10:12. This is the whole text, but for 6 seconds.' ]
	[[ "$output" == *'The middle of January'* ]]
}

load helper

# The page in real browsers.  Times of day are those of tests/tools/meeting.
setup() {
	cd "$BATS_TEST_TMPDIR" || return
	PATH=$BATS_TEST_DIRNAME/../tools:$PATH
	export TZ=UTC
	start_nats
	rtta-streams --quiet init >/dev/null
	background serve rtta-serve --listen 127.0.0.1:0 --port-file port --open-operator
	wait_for 20 test -s port
	page=http://127.0.0.1:$(cat port)
	# A step for each view and state: axe-core, where it could be fetched
	axe=(axe "${RTTA_AXE:-/usr/local/share/rtta-test/axe.min.js}")
	[ -e "${axe[1]}" ] || axe=(is true)
}

meeting_has() { meeting "$@" | nats-pub >/dev/null; }

# when NAME COMMAND...: run it when the page is told NAME
when() {
	local name=$1
	shift
	mkfifo "$name"
	{ read -r _ <"$name"; "$@"; } 3>&- &
	echo $! >>pids
}

# reads ARGUMENT...: the page tool, without a word of complaint
reads() {
	run --separate-stderr page "$@"
	[ "$status" = 0 ] && [ "$stderr" = '' ] || { echo "$output" "$stderr" >&2; false; }
}

# Text as people see it, one paragraph or note a line.
text="[...document.querySelectorAll('.turn')].map((p) => p.innerText.trim().replace(/\s+/g, ' ')).join('\n')"
# No slide is under way, and two frames have been drawn.
settled="Promise.all(document.getAnimations().map((a) => a.finished)).then(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(1)))))"
state="document.getElementById('state').innerText"
live="document.documentElement.dataset.state"
back="document.getElementById('back')"
last="[...document.querySelectorAll('.turn')].pop()"

# The paragraph with this text, and whether it is in sight.
p() { echo "[...document.querySelectorAll('.turn')].find((p) => p.textContent.includes('$1'))"; }
seen() { echo "((r) => r.bottom > 0 && r.top < innerHeight)(($1).getBoundingClientRect())"; }

@test "the text stands in the order in which it was said, with the start and what is missing" {
	meeting_has m1 start cut preroll live gap
	when guess meeting_has m1 interim
	reads "$page/" wait "document.querySelector('.start')" eval "$text" eval document.title \
		tell guess wait "document.querySelector('.interim')?.textContent === 'It is back now, and we'"
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

@test "invariant 6: the page shows the same for any order of arrival, by its rules and on the screen" {
	run node -e "eval(require('fs').readFileSync('$BATS_TEST_DIRNAME/../web/merge.js', 'utf8')).then(console.log)" \
		"$BATS_TEST_DIRNAME/../../share/web/merge.js"
	[ "$output" = ok ]
	reads "$page/" run "$BATS_TEST_DIRNAME/../web/merge.js" run "$BATS_TEST_DIRNAME/../web/view.js"
	[ "$output" = $'ok\nok' ]
}

# Late text fills a hole above; what is read, a low window's middle, stays.
late_text_holds() {
	meeting_has m1 start cut preroll live gap line1 line2 line3 line4
	when told meeting_has m1 late
	reads "$@" "$page/" wait "document.querySelector('.wait')" wait "(scrollBy(0, -40), !$back.hidden)" \
		eval "globalThis.read = $(p 'Line 3'), $settled.then(() => read.scrollIntoView({ block: 'center' })).then(() => $settled)" \
		is "!$(seen "document.querySelector('.wait')")" eval "globalThis.at = read.getBoundingClientRect().top" \
		tell told wait "document.querySelector('.late') && !document.querySelector('.wait')" eval "$settled" \
		eval "Math.round(read.getBoundingClientRect().top - at)" eval "document.querySelector('.late').textContent"
	[ "${lines[3]}" = 0 ]
	[[ "${lines[4]}" == *'written late, '*'The middle of January'*'financial year.'* ]]
}

@test "late text appears where it belongs, and the line that is being read stays" {
	late_text_holds --size 800x240
}

@test "so it does in a browser that does not anchor by itself" {
	late_text_holds --size 800x240 --webkit
}

@test "a hole in sight of a reader opens by hand, and nothing else moves" {
	meeting_has m1 start cut preroll live gap
	when told meeting_has m1 late
	reads --size 800x400 "$page/" wait "document.querySelector('.wait')" wait "(scrollBy(0, -60), !$back.hidden)" \
		eval "$settled.then(() => document.querySelector('.wait').scrollIntoView({ block: 'center' })).then(() => $settled)" \
		eval "globalThis.below = $(p 'Thank you'); globalThis.at = below.getBoundingClientRect().top; 1" \
		tell told wait "document.querySelector('.wait button')" \
		is "document.querySelector('.wait').innerText.includes('Written: 30 seconds, 10:10:33 to 10:11:03. Show it')" \
		is "Math.round(below.getBoundingClientRect().top - at) === 0" is "!document.querySelector('.late')" "${axe[@]}" \
		eval "document.querySelector('.wait button').click(); 1" wait "document.querySelector('.late')" \
		is "$(seen "document.querySelector('.late')")"
}

@test "it follows in steps until the reader moves up, counts what is new, and leads back" {
	meeting_has m1 start cut preroll live gap line1 line2 line3
	when one meeting_has m1 line4
	when more meeting_has m1 line5 line6 line7 line8 line9
	when two meeting_has m1 line10 line11
	reads --size 800x500 "$page/?aloud=yes" wait "document.querySelector('.start')" eval "$settled" is "$back.hidden" is "$(seen "$last")" \
		eval "globalThis.y = scrollY" tell one wait "document.body.textContent.includes('Line 4.')" eval "$settled" is "scrollY === y" \
		tell more wait "document.body.textContent.includes('Line 9.')" eval "$settled" is "scrollY > y" is "$(seen "$last")" \
		eval "scrollBy(0, -300)" wait "!$back.hidden" eval "$settled" eval "globalThis.y = scrollY" \
		tell two wait "/, 2 new$/.test($back.textContent)" is "$back.textContent.startsWith('↓ Back to live')" is "scrollY === y" "${axe[@]}" \
		tap "$back" wait "$back.hidden" eval "$settled" is "$(seen "$last")" \
		eval "scrollBy(0, -300)" wait "!$back.hidden" key l wait "$back.hidden" \
		is "document.getElementById('log').role === 'log'" is "[...document.querySelectorAll('#log p')].map((p) => p.textContent.match(/Line \d+/)).join() === 'Line 4,Line 5,Line 6,Line 7,Line 8,Line 9,Line 10,Line 11'"
}

@test "a word is marked by a tap or a key, and is found again" {
	meeting_has m1 start cut preroll live gap line1 line2 line3 line4
	word="(() => { const r = new Range(), n = document.querySelector('.say span').firstChild; r.setStart(n, 5); r.setEnd(n, 12); return r; })()"
	marked="[...CSS.highlights.get('place')].map(String).join()"
	reads --size 800x500 "$page/?start=beginning" wait "document.querySelector('.start')" eval "$settled" \
		tap "$word" is "$marked === 'morning,'" is "document.querySelector('.marked') === document.querySelector('.turn')" "${axe[@]}" \
		goto "$page/" wait "document.querySelector('.marked')" is "$marked === 'morning,'" eval "$settled" is "!$(seen "document.querySelector('.marked')")" \
		key g is "$(seen "document.querySelector('.marked')")" is "!$back.hidden" \
		tap "$word" is "!CSS.highlights.get('place')" is "!document.querySelector('.marked')" \
		key l key m is "$marked === '4.'" \
		eval "document.activeElement.blur()" key k is "document.activeElement.matches('.turn')" key m is "document.activeElement.matches('.marked')" \
		eval "document.getElementById('open-text').click(); document.querySelector('[name=keys]').click(); document.querySelector('[data-close]').click(); document.activeElement.blur(); 1" \
		key m is "document.querySelector('.marked')" key / is "location.search === ''"
}

@test "a link leads to its line" {
	meeting_has m1 start cut preroll live gap line1 line2 line3 line4
	reads --size 800x400 "$page/" wait "document.querySelector('.start')" \
		eval "globalThis.link = $(p 'Thank you').querySelector('a').href" is "/\/s\/m1#r\d+$/.test(link)" \
		eval "location.href = link; 1" wait "document.querySelector('.linked')" \
		is "document.querySelector('.linked').textContent.includes('Thank you')" is "$(seen "document.querySelector('.linked')")" "${axe[@]}"
}

@test "the state is said: catching up, ended, no box; and it comes back by itself" {
	meeting_has m1 start cut preroll live gap
	when guess meeting_has m1 interim
	when gone eval 'kill "$(cat serve.pid)"'
	when again background serve rtta-serve --quiet --listen "127.0.0.1:$(cat port)"
	when more meeting_has m1 late end
	# the events by hand, too: a machine without a network is offline all the time
	reads "$page/" wait "/30 seconds/.test($state)" eval "$state" tell guess wait "document.querySelector('.interim')" "${axe[@]}" \
		tell gone wait "$live === 'box'" eval "$state" "${axe[@]}" net off wait "dispatchEvent(new Event('offline'))" wait "$live === 'offline'" \
		eval "$state" "${axe[@]}" net on wait "dispatchEvent(new Event('online'))" tell again wait "$live === 'behind' && !document.querySelector('.interim')" \
		tell more wait "$live === 'ended' && document.querySelector('.late')" eval "$state" "${axe[@]}" is "!document.querySelector('.wait')"
	[ "${lines[0]}" = 'Live, and catching up: 30 seconds of earlier speech are still to come.' ]
	[[ "${lines[1]}" =~ ^'The box does not answer since '..:..:..'. This page keeps trying.'$ ]]
	[[ "${lines[2]}" =~ ^'You are offline since '..:..:..'. The room goes on; what you miss will be here when you are back.'$ ]]
	[ "${lines[3]}" = 'Ended at 10:12. This is the whole text, but for 6 seconds.' ]
}

@test "the state is said: live, silent, no engine, by the box alone, no sound, off the record; worst first" {
	meeting_has m1 start cut preroll live gap late route:ok stt:ok
	when silent meeting_has m1 route:silent
	when engine meeting_has m1 stt:degraded
	when nosound meeting_has m1 'route:no frames'
	when off curl -s -d '{}' "$page/session/off-record"
	when on eval 'curl -s -d "{}" "$page/session/on-record"; meeting_has m1 stt:bridged route:ok'
	reads "$page/?delay=3" wait "$live === 'live'" eval "$state" "${axe[@]}" tell silent wait "$live === 'silent'" eval "$state" "${axe[@]}" \
		tell engine wait "$live === 'engine'" eval "$state" "${axe[@]}" tell nosound wait "$live === 'sound'" eval "$state" "${axe[@]}" \
		tell off wait "$live === 'paused'" eval "$state" "${axe[@]}" goto "$page/?view=display" wait "/Off the record/.test(document.getElementById('curtain').innerText)" "${axe[@]}" \
		goto "$page/?delay=3" wait "$live === 'paused'" tell on wait "$live === 'bridge'" eval "$state" "${axe[@]}" \
		eval "document.querySelector('.doubt')?.innerText || 'synchronised'"
	[[ "${lines[0]}" =~ ^'Live, '.*' behind, 3 seconds of it by your own wish.'$ ]]
	[[ "${lines[1]}" =~ ^'The microphone is on but silent since '..:..:..'. It may be muted.'$ ]]
	[[ "${lines[2]}" =~ ^'Writing has stopped at '..:..:..': the speech service does not answer. The sound is kept; its text will come.'$ ]]
	[[ "${lines[3]}" =~ ^'No sound reaches the box since '..:..:..'. Somebody in the room should look at the microphone.'$ ]]
	[[ "${lines[4]}" =~ ^'Off the record since '..:..:..'. Nothing said now is written or kept.'$ ]]
	[ "${lines[5]}" = 'Live, by the box alone. The speech service is away; better text will replace this.' ]
	[[ "${lines[6]}" =~ ^('The box'.+'s clock is not synchronised: the times may be wrong.'|synchronised)$ ]]
}

@test "settings come from the address, then from what was kept; bad ones are ignored" {
	meeting_has m1 start cut preroll live gap interim
	paper="getComputedStyle(document.documentElement).backgroundColor"
	css() { echo "getComputedStyle(document.documentElement).getPropertyValue('--$1').trim()"; }
	reads "$page/?fs=2&ff=serif&fgc=ff0&bgc=000040&spacing=2&theme=dark&controls=0&header=false&chat=1&lines=99&delay=x&start=10:11" \
		wait "document.querySelector('.start')" is "$(css fs) === '2'" is "$(css ink) === '#ff0'" is "$(css paper) === '#000040'" is "$(css lead) === '2'" \
		is "document.documentElement.dataset.theme === 'dark'" is "document.getElementById('tools').hidden && document.getElementById('head').hidden" \
		wait "$(seen "$(p 'Thank you')")" \
		goto "$page/?start=beginning" wait "document.querySelector('.start')" is "scrollY === 0" is "$(css fs) === '1'" \
		tap "document.getElementById('open-text')" is "document.activeElement.textContent === 'Close'" tap "document.querySelector('[data-step=\"1\"]')" \
		eval "document.querySelector('[name=theme][value=black]').click(); 1" is "$paper === 'rgb(0, 0, 0)'" \
		key Escape is "document.activeElement.id === 'open-text'" goto "$page/" wait "document.querySelector('.start')" is "$(css fs) === '1.15'" is "$paper === 'rgb(0, 0, 0)'" \
		is "/fs=1.15.*theme=black/.test(document.getElementById('link').href)" goto "$page/?theme=white&fs=36" is "$paper === 'rgb(255, 255, 255)'" is "$(css fs) === '1.8'" \
		goto "$page/?delay=60" wait "document.querySelector('.start')" is "!document.querySelector('.interim')" \
		media type=print is "getComputedStyle(document.getElementById('bar')).display === 'none'" is "$paper === 'rgb(255, 255, 255)'"
}

@test "the big screen and the overlay show whole lines, the newest at the foot" {
	meeting_has m1 start cut preroll live gap
	when guess meeting_has m1 interim
	when over meeting_has m1 end
	lock="globalThis.locks = []; WakeLock.prototype.request = (kind) => { const lock = { kind, released: false, release() { lock.released = true; } }; locks.push(lock); return lock; }"
	rows="Math.round(document.getElementById('text').clientHeight / parseFloat(getComputedStyle(document.getElementById('text')).lineHeight))"
	reads "$page/?view=display&lines=4" wait "document.querySelector('.turn')" tell guess wait "document.querySelector('.interim')" wait "document.querySelector('.qr').naturalWidth" is "$rows === 4" \
		is "$(seen "document.querySelector('.interim')")" is "document.documentElement.scrollHeight <= innerHeight" shot qr.png \
		goto "$page/?bg=transparent" wait "document.querySelector('.interim')" is "$rows === 2" \
		is "document.getElementById('text').getBoundingClientRect().bottom > 0.9 * innerHeight" \
		is "getComputedStyle(document.documentElement).colorScheme === 'normal'" is "getComputedStyle(document.documentElement).backgroundColor === 'rgba(0, 0, 0, 0)'" \
		is "getComputedStyle(document.getElementById('bar')).display === 'none'" key f wait "document.fullscreenElement === document.documentElement" \
		goto "$page/?awake=no" wait "document.querySelector('.interim')" eval "$lock; document.querySelector('[name=awake]').click()" \
		wait "locks.map((lock) => lock.kind + lock.released).join() === 'screenfalse'" tell over wait "locks[0].released" is "locks.length === 1"
	[ "$(zbarimg -q --raw qr.png)" = "$page/" ]
}

@test "sessions are listed, a past one is read from its beginning, searched, and taken home" {
	meeting_has m1 start cut preroll live late gap end
	meeting_has m2 start cut preroll live
	reads "$page/?view=sessions" wait "document.querySelectorAll('.item p:last-child:not(:empty)').length === 2" \
		eval "[...document.querySelectorAll('.item')].map((el) => el.innerText.replace(/\n+/g, ' | ')).join('\n')" \
		eval "document.querySelector('a[href=\"/s/m1\"]').click(); 1" wait "document.querySelector('.start')" is "scrollY === 0" is "$back.hidden" \
		"${axe[@]}" eval "document.getElementById('head').innerText.replace(/\s+/g, ' ')" \
		eval "Promise.all([...document.querySelectorAll('#head .take a')].map((a) => fetch(a.href).then((r) => r.ok))).then((all) => all.join())" \
		key / wait "document.activeElement?.id === 'q'" "${axe[@]}" eval "document.activeElement.value = 'BEARÍNGS east'; document.querySelector('.find').requestSubmit(); 1" \
		wait "/place/.test(document.querySelector('.find + p')?.innerText)" eval "document.querySelector('.find + p').innerText" \
		"${axe[@]}" is "[...document.querySelectorAll('mark')].map((m) => m.textContent).join() === 'bearings,east,Bearings'" \
		eval "document.querySelector('.find a').click(); 1" \
		wait "/2 sessions/.test(document.querySelector('.find + p')?.innerText)" eval "document.querySelector('.text .t').click(); 1" \
		wait "document.querySelector('.linked')" is "document.querySelector('.linked').textContent.includes('bearings')"
	[ "${lines[0]}" = 'Town council | 10:10, live | 36 seconds to come' ]
	[ "${lines[1]}" = 'Town council | 10:10, 3 minutes | 6 seconds missing' ]
	[ "${lines[3]}" = 'Town council Tuesday, 24 November 2026, 10:09 to 10:12. All of it is text, but for 6 seconds. TXT SRT VTT JSONL CTM' ]
	[ "${lines[4]}" = true,true,true,true,true ]
	[ "${lines[6]}" = '1 place in 1 session' ]
}

@test "the operator starts, goes off the record, is warned of a dead microphone, and stops, asked once more" {
	when dead meeting_has m1 route:zero
	press() { echo "[...document.querySelectorAll('button')].find((b) => b.textContent === '$1').click()"; }
	reads "$page/" wait "$live === 'none'" "${axe[@]}" goto "$page/?view=sessions" wait "document.querySelector('.help')" "${axe[@]}" \
		goto "$page/?view=operator" wait "document.querySelector('#title')" "${axe[@]}" \
		eval "document.querySelector('#title').value = 'Größe <b>'; $(press Start)" wait "document.querySelector('.danger')" \
		eval "document.querySelector('h1').innerText" tell dead wait "/is on but silent/.test(document.getElementById('dead').innerText)" \
		is "document.querySelector('meter').value === -31" "${axe[@]}" \
		eval "$(press 'Off the record')" wait "$live === 'paused'" eval "$(press 'Back on the record')" wait "$live === 'silent'" \
		eval "$(press Stop)" is "document.querySelector('.danger').textContent === 'Yes, stop'" is "document.activeElement.textContent === 'Yes, stop'" "${axe[@]}" \
		eval "$(press 'Yes, stop')" wait "document.querySelector('#title')" \
		goto "$page/?view=sessions" wait "document.querySelector('.item')" eval "document.querySelector('.item h3').innerText"
	[ "${lines[1]}" = 'Größe <b>' ]
	[ "${lines[${#lines[@]} - 1]}" = 'Größe <b>' ]
}

@test "the operator's token is asked for" {
	stop serve
	echo a-token-of-the-operator >token
	background serve rtta-serve --listen "127.0.0.1:$(cat port)" --operator-token-file token
	wait_for 20 curl -sf "$page/sessions"
	start="document.querySelector('#press .solid').click()"
	reads "$page/?view=operator" wait "document.querySelector('#title')" eval "$start" wait "document.querySelector('#token')" \
		eval "document.querySelector('#token').value = 'wrong-token'; $start" wait "/not the operator/.test(document.body.innerText)" "${axe[@]}" \
		eval "document.querySelector('#token').value = 'a-token-of-the-operator'; $start" wait "document.querySelector('.danger')"
}

@test "invariant 7: what a transcript contains is inert, and a phone of 320 pixels shows it at any size" {
	meeting_has m1 start cut
	jq -nc '{subject: "transcript.raw.m1", data: ("<script>globalThis.evil = 1</script><img src=x onerror=evil=1> \u202Eesrever " + ("a" * 50000)),
		headers: {timestamp: "2026-11-24T10:10:00Z", is_final: "true", type: "text", lane: "live", run: "00000000000000aa", first: 960000, last: 970000, rev: 1, speaker: "<i>Chair</i>"}}' | nats-pub
	fits="document.documentElement.scrollWidth <= innerWidth"
	reads --size 320x640 "$page/" wait "document.querySelector('.say span')" is "globalThis.evil === undefined" \
		is "document.querySelector('.who bdi').innerText === '<i>Chair</i>'" is "getComputedStyle(document.querySelector('.say span')).unicodeBidi === 'isolate'" is "$fits" \
		goto "$page/?fs=2" wait "document.querySelector('.say span')" is "$fits" goto "$page/?view=operator" wait "document.querySelector('.danger')" is "$fits" \
		goto "$page/?view=sessions" wait "document.querySelector('.item')" is "$fits" goto "$page/?view=search&q=chair" wait "document.querySelector('.help').innerText" is "$fits"
}

@test "a day of 20,000 lines is all there, and what is far away costs nothing" {
	meeting_has d1 start cut preroll day
	reads "$page/" wait "document.querySelector('.turn')" is "$last.textContent.includes('Line 20000.')" \
		wait "document.querySelector('.turn').textContent.includes('Good morning')" is "$(seen "$last")" \
		is "getComputedStyle(document.querySelector('.turn')).contentVisibility === 'auto'" \
		eval "scrollTo(0, 0); $settled" is "$(seen "document.querySelector('.turn')")" key l eval "$settled" is "$(seen "$last")"
}

@test "a failed engine, a full disk and a stopped nats-server leave the page its text" {
	unshare -rm mount -t tmpfs none /mnt || skip "needs a file system of its own"
	stop serve
	stop nats
	mkfifo fill filled seen
	nats-server() {
		exec unshare -rm sh -c 'mount -t tmpfs -o size=32m none js && { read -r _ <fill; cat /dev/zero >js/full; echo >filled; } &
			until mountpoint -q js; do sleep 0.05; done; exec nats-server "$@"' - "$@"
	}
	start_nats
	rtta-streams --quiet init >/dev/null
	background serve rtta-serve --listen "127.0.0.1:$(cat port)"
	meeting_has m1 start cut preroll live gap late stt:ok
	when failed meeting_has m1 stt:failing
	when full eval 'echo >fill; read -r _ <filled; meeting m1 line1 | timeout 5 nats-pub; wait_for 20 grep -qi "no space" nats.err; read -r _ <seen'
	when dead kill -9 "$(cat nats.pid)"
	there="wait document.querySelectorAll('.turn').length===8"
	# shellcheck disable=SC2086
	reads "$page/" $there tell failed wait "$live === 'engine'" eval "$state" goto "$page/" $there wait "$live === 'engine'" \
		tell full tell seen goto "$page/" $there \
		tell dead wait "/^Nothing new arrives/.test($state)" "${axe[@]}" goto "$page/" $there wait "/^Nothing new arrives/.test($state)" \
		goto "$page/?view=sessions" wait "document.querySelector('.item')" goto "$page/?view=search&q=castings" wait "document.querySelector('mark')"
	[[ "${lines[0]}" =~ ^'Writing has stopped at '..:..:..': the speech service does not answer.' ]]
	alive serve
}

@test "axe-core finds nothing in any view, on a phone, and with more contrast" {
	[ "${axe[0]}" = axe ] || skip "axe-core is not there: scripts/install-deps test could not fetch it"
	meeting_has m1 start cut preroll live late gap line1 off
	meeting_has m2 start cut preroll live gap stt:degraded route:zero
	when guess meeting_has m2 interim
	text="document.getElementById('open-text').click()" menu="document.getElementById('open-menu').click()"
	steps=(wait "document.querySelector('.turn')" tell guess wait "document.querySelector('.interim')")
	for view in '?' '?view=display&' '?bg=transparent' '?view=sessions&' '?view=search&session=m2&q=bearing&' '?view=operator&'; do
		steps+=(goto "$page/$view" wait "$live && $live !== 'wait'" wait "document.querySelector('h1')" "${axe[@]}")
	done
	reads "$page/" "${steps[@]}" goto "$page/" wait "document.querySelector('.interim')" eval "$text" "${axe[@]}" eval "$menu" "${axe[@]}" \
		goto "$page/s/m1" wait "document.querySelector('.off') && document.querySelector('.late')" "${axe[@]}" \
		media prefers-contrast=more "${axe[@]}" size 320x640 "${axe[@]}" eval "$text" "${axe[@]}" eval "$menu" "${axe[@]}"
}

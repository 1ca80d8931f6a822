load helper

# The units with paths that exist here, so that verify finds the binaries.  With
# the prefix of the build: another one would build anew, below running tests.
stage() {
	make -s -C "$BATS_TEST_DIRNAME/../.." install B="$B" DESTDIR="$PWD/dest" PREFIX=/usr/local >/dev/null
	units=$PWD/dest/usr/local/lib/systemd/system
	sed -i "s|/usr/local/|$PWD/dest/usr/local/|g" "$units"/*
}

# systemd-analyze makes it
needs_run() {
	[ "$(id -u)" -eq 0 ] || [ -d /run/systemd ] || skip "no systemd has run here: needs root"
}

@test "every unit passes systemd-analyze verify, as template and as a room" {
	needs_run
	stage
	mkdir v
	for u in "$units"/*; do
		cp "$u" v/
		case $u in *@.*) cp "$u" "v/$(basename "${u/@./@room1.}")" ;; esac
	done
	run systemd-analyze verify --man=no --recursive-errors=yes v/*
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "the services of a room are fenced in: exposure below 2.0" {
	needs_run
	stage
	for u in "$units"/rtta-{route,flush,stt-live,stt-backfill,serve,streams,prune}@.service; do
		run systemd-analyze security --no-pager --offline=yes --threshold=25 "$u"
		echo "$output" | tail -n 3
		[ "$status" -eq 0 ]
	done
}

# systemd's default for them is what stdin or stdout is: the FIFO.
@test "what a unit on a FIFO says goes to the journal, not among the frames" {
	stage
	for u in $(grep -l '^Standard.*=fd:' "$units"/*.service); do
		grep -q '^StandardError=journal' "$u"
		grep -q '^StandardInput=fd:' "$u" || continue
		grep -q '^StandardOutput=journal' "$u"
	done
}

# One boot of the installed tree: a session from pre-roll to complete.
@test "under real systemd a room starts, a session is written, and kills lose nothing" {
	! [[ $B = *san* ]] || skip "the bed has no sanitizer"
	make -s -C "$BATS_TEST_DIRNAME/../.." install B="$B" DESTDIR="$PWD/dest" PREFIX=/usr/local >/dev/null
	engine=${RTTA_MOONSHINE_DIR:-/usr/local/lib/rtta/moonshine}
	mkdir bed
	cp "$(speech two_cities.wav)" bed/speech.wav
	cp "$BATS_TEST_DIRNAME/../bed/session" bed/script
	run "$BATS_TEST_DIRNAME/../bed/boot" "$PWD/bed" --bind-ro="$PWD/dest/usr/local:/usr/local" \
		--bind-ro="$engine:/opt/moonshine"
	[ "$status" -ne 77 ] || skip "$output"
	cat bed/log bed/journal 2>/dev/null | tail -n 60
	[ "$status" -eq 0 ]
	grep -qi 'best of times' bed/text
	[ "$(jq .pending_s bed/ledger)" = 0 ]
	[ "$(jq .overlap_s bed/ledger)" = 0 ]
}

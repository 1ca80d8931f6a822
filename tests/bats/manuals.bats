# What the manuals say of every tool, held against the tools.

load helper
setup() { cd "$BATS_TEST_TMPDIR" || return; man=$BATS_TEST_DIRNAME/../../man; }

# literal PAGE N: the Nth literal display of its examples, as it is typed
literal() {
	sed '1,/^\.Sh EXAMPLES/d' "$man/$1" |
	    awk -v n="$2" '/^\.Ed/ { on = 0 } on { print } /^\.Bd -literal/ { on = ++at == n }' |
	    sed -e 's/\\e/\\/g' -e 's/^\$ //'
}

@test "the manual of each tool has what its --help has, and no other option" {
	local page tool variable
	for page in "$man"/*.1; do
		tool=$(basename "$page" .1)
		diff <("$tool" --help | grep -oE -e '--[a-z][a-z-]+' | sort -u) \
		    <(grep '^\.It Fl' "$page" | grep -oE '(Fl|,) -[a-z][a-z-]+' |
		        sed 's/^.* /-/' | sort -u) || { echo "$tool"; return 1; }
		for variable in $("$tool" --help | grep -oE 'RTTA_[A-Z_]+' | sort -u); do
			grep -q "Ev $variable\>" "$page" || { echo "$tool $variable"; return 1; }
		done
	done
}

@test "each tool has a manual, and takes each option of its --help" {
	local tool option page
	for tool in "$B"/rtta-*; do
		[ -x "$tool" ] || continue
		tool=$(basename "$tool")
		[ -e "$man/$tool.1" ] || { echo "$tool"; return 1; }
		for option in $("$tool" --help | grep -oE -e '--[a-z][a-z-]+' | sort -u); do
			case $option in --help | --version) continue ;; esac
			# Whatever it thinks of the value: it knows the option.
			run "$tool" "$option=x" --help
			[[ $output != *"unknown option"* ]] || { echo "$tool $option"; return 1; }
		done
	done
}

@test "manuals name only tools and manuals that exist" {
	local page section
	while read -r page section; do
		[ -e "$man/$page.$section" ] || { echo "$page $section"; return 1; }
	done < <(grep -hoE '^\.Xr rtta[a-z-]* [0-9]' "$man"/* | cut -d ' ' -f 2- | sort -u)
}

@test "the example of rtta-frame(5) reads the frames of a file" {
	ffmpeg -v error -f lavfi -i sine=440:r=16000 -t 0.1 -c:a pcm_s16le talk.wav
	literal rtta-frame.5 1 >example
	run -0 bash -o pipefail example
	[ "${#lines[@]}" -ge 5 ]
	[[ ${lines[0]} =~ ^0\ 16000\ 1\ 640\ [0-9a-f]{16}\ 0\ [0-9]{19}$ ]]
	[[ ${lines[1]} =~ ^0\ 16000\ 1\ 640\ [0-9a-f]{16}\ 320\ [0-9]{19}$ ]]
}

@test "the one-liners of rtta(7) read a session: curl, jq, grep" {
	PATH=$BATS_TEST_DIRNAME/../tools:$PATH
	export TZ=UTC
	start_nats
	rtta-streams --quiet init >/dev/null
	meeting s1 start cut preroll live late gap end | nats-pub >/dev/null
	literal rtta.7 5 >complete
	run -0 bash -o pipefail complete
	[ "${lines[-1]}" = "every sample has its record" ]
	literal rtta.7 6 >missing
	run -0 bash -o pipefail missing
	[ "${lines[0]}" = "6 s: microphone unplugged" ]
	[ "${lines[1]}" -eq "$(rtta-export -q s1 | grep -v '^\[gap' | wc -w)" ]
	[[ ${lines[2]} == "[10:10:33, late] The middle of January"* ]]
	background serve rtta-serve --listen 127.0.0.1:0 --port-file port
	wait_for 20 test -s port
	literal rtta.7 4 | sed "s/:8080/:$(cat port)/" >said
	background reader bash said
	wait_for 20 grep -qx 'There it is, and it has what was said before.' reader.out
	stop serve
	wait_for 20 gone reader
}

load helper

# frames <FILE: a line for each: flags rate channels bytes run sample ns
frames() {
	perl -e 'binmode STDIN; local $/; $_ = <STDIN>;
		while (length) {
			my ($m, $v, $f, $c, $fl, $r, $b, $run, $s, $ns) = unpack "a4 C4 V2 Q<3", $_;
			die "no frame\n" unless $m eq "RTAF" && $v == 1 && $f == 1;
			printf "%d %d %d %d %016x %d %d\n", $fl, $r, $c, $b, $run, $s, $ns;
			substr($_, 0, 40 + $b) = "";
		}'
}

# pcm <FILE: the payloads and nothing else
pcm() {
	perl -e 'binmode STDIN; local $/; $_ = <STDIN>;
		while (length) { my $b = unpack "x12 V", $_; print substr $_, 40, $b; substr($_, 0, 40 + $b) = "" }'
}

# follow <FILE: every frame begins where the last one ended, in number and in
# time, or says LOST and is further on, or is of a new run.  Prints "lost N".
follow() {
	frames | awk '{
		n = $4 / 2 / $3
		if ($5 == run && $1 % 2 == 0 && $6 != next_sample) { print "hole at", $6; exit 1 }
		if ($5 == run && $1 % 2 == 1) { lost += $6 - next_sample; if ($6 <= next_sample) { print "no jump"; exit 1 } }
		if ($5 == run && ($7 - ns) / 1e9 < ($6 - sample) / $2 * 0.98 - 0.000001) { print "time at", $6; exit 1 }
		run = $5; sample = $6; next_sample = $6 + n; ns = $7
	} END { print "lost", lost + 0 }'
}

# ramp SAMPLES: numbered samples, s16le
ramp() { perl -e 'print pack "v*", map { $_ % 60000 } 1 .. shift' "$1"; }

# wav SAMPLES [RATE [CHANNELS]]: the same in a WAV file
wav() {
	perl -e 'my ($n, $r, $c) = @ARGV; my $b = 2 * $n * $c;
		print pack "a4Va8VvvVVvva4V", "RIFF", 36 + $b, "WAVEfmt ", 16, 1, $c, $r, 2 * $c * $r, 2 * $c, 16, "data", $b;
		print pack "v*", map { $_ % 60000 } 1 .. $n * $c' "$1" "${2:-16000}" "${3:-1}"
}

# refused CODE TEXT COMMAND...: one line on stderr, nothing on stdout
refused() {
	run -"$1" --separate-stderr "${@:3}"
	[ "$output" = "" ] && [ "$stderr" = "rtta-capture: $2" ] || { echo "$stderr"; return 1; }
}

@test "a WAV file becomes frames of 20 ms, a shorter last one, and an end" {
	wav 1000 >a.wav
	rtta-capture --fast --run 0123456789abcdef --start 2026-01-05T10:15:03Z a.wav >a.frames
	run frames <a.frames
	[ "$output" = "0 16000 1 640 0123456789abcdef 0 1767608103000000000
0 16000 1 640 0123456789abcdef 320 1767608103020000000
0 16000 1 640 0123456789abcdef 640 1767608103040000000
0 16000 1 80 0123456789abcdef 960 1767608103060000000
2 16000 1 0 0123456789abcdef 1000 1767608103062500000" ]
	cmp <(pcm <a.frames) <(ramp 1000)
	rtta-capture --fast --run 0123456789abcdef --start 2026-01-05T10:15:03Z a.wav | cmp - a.frames
	cat a.wav | rtta-capture --run 0123456789abcdef --start 2026-01-05T10:15:03Z - | cmp - a.frames
}

@test "raw sound, on stdin or in a file, and a WAV on stdin" {
	ramp 5000 >a.raw
	cat a.raw | rtta-capture --rate 8000 --frame-ms 200 - >a.frames
	cmp <(pcm <a.frames) a.raw
	[ "$(frames <a.frames | awk '{ print $1, $2, $3, $4 }' | uniq)" = "0 8000 1 3200
0 8000 1 400
2 8000 1 0" ]
	rtta-capture --fast --raw --channels 2 a.raw >b.frames
	cmp <(pcm <b.frames) a.raw
	[ "$(frames <b.frames | tail -n 1 | cut -d ' ' -f 1-4,6)" = "2 16000 2 0 2500" ]
	wav 5000 22050 | rtta-capture - >c.frames
	cmp <(pcm <c.frames) a.raw
	[ "$(frames <c.frames | tail -n 1 | cut -d ' ' -f 1-4,6)" = "2 22050 1 0 5000" ]
}

@test "files one after another are runs that follow each other without loss" {
	wav 16000 >a.wav
	wav 8000 8000 2 >b.wav
	rtta-capture --fast --start 2026-01-05T10:00:00Z a.wav b.wav >frames
	run -0 awk '$1 { print $1, $2, $3, $6, $7 }' <(frames <frames)
	[ "$output" = "2 16000 1 16000 1767607201000000000
4 8000 2 0 1767607201000000000
2 8000 2 8000 1767607202000000000" ]
	[ "$(frames <frames | cut -d ' ' -f 5 | sort -u | wc -l)" = 2 ]
	cmp <(pcm <frames) <(ramp 16000; ramp 16000)
}

@test "--channels 1 mixes a file down, --duration ends it early" {
	perl -e 'print pack "v*", (100, 300) x 5000' >a.raw
	sox -t raw -r 16000 -e signed -b 16 -c 2 a.raw a.wav
	rtta-capture --fast --channels 1 --duration 50ms a.wav | pcm | cmp - <(perl -e 'print pack "v*", (200) x 800')
}

# onset <FRAMES: the sample where the sound begins in the first of two channels,
# and the loudest value in the second
onset() {
	pcm | perl -e 'local $/; my @v = unpack "s<*", <STDIN>; my ($at, $max) = (-1, 0);
		for (0 .. $#v / 2) { $at = $_ if $at < 0 && abs $v[2 * $_] > 3000; $max = abs $v[2 * $_ + 1] if abs $v[2 * $_ + 1] > $max }
		print "$at $max\n"'
}

@test "a WAV file of any rate: 48 kHz at most or --rate, as long, the same sound each time" {
	local at name quiet
	sox -n -r 96000 -c 1 -b 32 -e float tone.wav synth 0.7 sine 500 gain -6 pad 0.5 0
	sox -D tone.wav -r 96000 -c 2 -b 24 24.wav remix 1 0
	[ "$(od -An -t x2 -j 20 -N 2 24.wav)" = " fffe" ]  # WAVE_FORMAT_EXTENSIBLE
	sox -D 24.wav -r 88200 -b 16 16.wav
	sox -D 24.wav -r 192000 -b 32 -e float float.wav
	ffmpeg -v error -i 24.wav -c:a pcm_f64le double.wav
	ffmpeg -v error -i 24.wav -c:a pcm_s24le -rf64 always long.wav
	for name in 24 16 float double long; do
		rtta-capture --fast --run 0123456789abcdef --start 2026-01-05T10:15:03Z $name.wav >$name.frames
		[ "$(frames <$name.frames | tail -n 1 | cut -d ' ' -f 1-4,6,7)" = "2 48000 2 0 57600 1767608104200000000" ]
		[ "$(follow <$name.frames)" = "lost 0" ]
		read -r at quiet < <(onset <$name.frames)
		[ "$at" -gt 23990 ] && [ "$at" -lt 24030 ] && [ "$quiet" -le 1 ]
	done
	# rtta-replay knows a recording by its samples
	rtta-capture --fast --run 0123456789abcdef --start 2026-01-05T10:15:03Z 24.wav | cmp - 24.frames
	cat long.wav | rtta-capture --run 0123456789abcdef --start 2026-01-05T10:15:03Z - | cmp - long.frames
	cat 16.wav | rtta-capture - >piped.frames
	cmp <(pcm <piped.frames) <(pcm <16.frames)
	rtta-capture --fast --rate 16000 --channels 1 16.wav >low.frames
	[ "$(frames <low.frames | tail -n 1 | cut -d ' ' -f 1-4,6)" = "2 16000 1 0 19200" ]
}

@test "a file whose header promises more is read to its end, with a warning" {
	wav 1000 | head -c 1245 >a.wav
	run -0 --separate-stderr bash -c 'rtta-capture --fast a.wav >a.frames'
	[ "$stderr" = "rtta-capture: warning: a.wav: cut off at offset 1245, 799 bytes short" ]
	cmp <(pcm <a.frames) <(ramp 600)
}

@test "what cannot be captured is one line and its exit code" {
	wav 100 >a.wav
	wav 100 768000 >fast.wav
	echo no sound at all >text.wav
	refused 66 "none.wav: No such file or directory" rtta-capture none.wav
	refused 66 ".: is a directory" rtta-capture .
	refused 65 "text.wav: not a WAV file: no RIFF and WAVE at offset 0" rtta-capture text.wav
	refused 65 "fast.wav: rate 768000, not 8000 to 384000 Hz, at offset 20" rtta-capture fast.wav
	refused 64 "a.wav: has 1 channels, not --channels 2" rtta-capture --channels 2 a.wav
	refused 66 "nonsense: no such device: No such file or directory: Unknown PCM nonsense" rtta-capture --device nonsense
	refused 64 "a device or a file, not both (see rtta-capture --help)" rtta-capture --device x a.wav
	refused 64 "--raw, --fast, --start and --run are for files (see rtta-capture --help)" rtta-capture --fast
	refused 64 "--run names the run of one file (see rtta-capture --help)" rtta-capture --run 0123456789abcdef a.wav a.wav
	refused 64 "--run 12: not 16 lowercase hex digits (see rtta-capture --help)" rtta-capture --run 12 a.wav
	refused 64 "--frame-ms 9: not a whole number from 10 to 200 (see rtta-capture --help)" rtta-capture --frame-ms 9
	refused 64 "--status-fd 77: Bad file descriptor (see rtta-capture --help)" rtta-capture --status-fd 77
	run -64 script -qec "rtta-capture a.wav" /dev/null
	[[ "$output" = *"frames do not go to a terminal"* ]]
}

@test "files are played in real time; SIGTERM writes the last frame and the end" {
	wav 9600000 >a.wav  # ten minutes
	background capture rtta-capture a.wav
	wait_for 10 test -s capture.out
	stop capture
	[ $rc = 0 ]
	run -0 follow <capture.out
	[ "$output" = "lost 0" ]
	read -r flags _ _ bytes _ sample _ < <(frames <capture.out | tail -n 1)
	[ "$flags $bytes" = "2 0" ]
	[ "$sample" -lt 9600000 ]
	cmp <(pcm <capture.out) <(ramp "$sample")
}

@test "a full pipe holds a file up and loses nothing; a reader that goes ends it" {
	wav 2000000 >a.wav
	mkfifo fifo
	background capture bash -c 'exec rtta-capture --fast a.wav >fifo'
	exec 5<fifo
	head -c 40 <&5 >a.frames
	kill -0 "$(cat capture.pid)"  # 4 MB do not fit
	cat <&5 >>a.frames
	stop capture
	cmp <(pcm <a.frames) <(ramp 2000000)
	[ "$(follow <a.frames)" = "lost 0" ]
	run -0 bash -c 'rtta-capture --fast a.wav | head -c 1000 >/dev/null; exit ${PIPESTATUS[0]}'
}

@test "--list is a line for each device; --test is the level" {
	run -0 rtta-capture --list
	[ "$(jq -r 'select(.device == "null") | .device' <<<"$output")" = null ]
	perl -e 'print pack "v*", (3277, -3277) x 8000' >a.raw
	run -0 --separate-stderr rtta-capture --test --fast --raw a.raw
	[ "$(jq -c '[.event, .db, .peak_db, .mic]' <<<"$output")" = '["level",-20,-20,"ok"]' ]
	run -0 script -qec "rtta-capture --test --fast --raw a.raw" /dev/null
	[[ "$output" = *"-20.0 dBFS [#############################|"*"peak  -20.0  ok"* ]]
}

@test "valgrind finds nothing, with a file and with a device" {
	command -v valgrind >/dev/null && ! [[ $B = *asan* ]] || skip "needs valgrind and a plain build"
	wav 1000 >a.wav
	valgrind -q --error-exitcode=99 --leak-check=full rtta-capture --fast a.wav >/dev/null
	valgrind -q --error-exitcode=99 --leak-check=full rtta-capture -D null -d 100ms >/dev/null
}

# --- devices without hardware ---

# A PulseAudio of our own; alsa-lib knows its null sink as "mic".
start_pulse() {
	export HOME=$PWD XDG_RUNTIME_DIR=$PWD/pulse PULSE_SERVER=unix:$PWD/pulse/p.sock
	mkdir -p -m 700 pulse
	echo 'pcm.mic { type pulse; device "rtta.monitor" }' >.asoundrc
	background pulse pulseaudio -n --daemonize=no --disable-shm=yes --exit-idle-time=-1 \
	    -L "module-native-protocol-unix socket=$PWD/pulse/p.sock auth-anonymous=1" \
	    -L "module-null-sink sink_name=rtta rate=16000 channels=1 format=s16le"
	wait_for 10 pactl info
}
state_is() { tail -n 3 status | grep -q "\"state\":\"$1\""; }
# some_frames FILE COUNT: so many have come
some_frames() { [ "$(wc -c <"$1")" -ge $((680 * $2)) ]; }

# A libasound that fails as the table in $FAIL says: "busy N": the first N
# opens; "epipe N": the Nth read, after half a second of nobody reading; "stall
# N": from the Nth read on nothing comes, until it is opened again.  And its
# wall clock is an hour ahead from when the file "jump" is there.
fail_alsa() {
	cat >fail.c <<-'EOT'
		#define _GNU_SOURCE
		#include <alsa/asoundlib.h>
		#include <dlfcn.h>
		#include <stdio.h>
		#include <string.h>
		#include <time.h>
		#include <unistd.h>
		int clock_gettime(clockid_t clock, struct timespec *ts)
		{
			int (*real)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
			int rc = real(clock, ts);
			if (clock == CLOCK_REALTIME && access("jump", F_OK) == 0)
				ts->tv_sec += 3600;
			return rc;
		}
		static int opens;
		static int due(const char *what, int count)
		{
			char name[8];
			int n;
			return sscanf(getenv("FAIL"), "%7s %d", name, &n) == 2 &&
			    strcmp(name, what) == 0 && (what[0] == 'b' ? count <= n : what[0] == 's' ? count >= n : count == n);
		}
		int snd_pcm_open(snd_pcm_t **pcm, const char *name, snd_pcm_stream_t stream, int mode)
		{
			int (*real)(snd_pcm_t **, const char *, snd_pcm_stream_t, int) = dlsym(RTLD_NEXT, "snd_pcm_open");
			return due("busy", ++opens) ? -EBUSY : real(pcm, name, stream, mode);
		}
		snd_pcm_sframes_t snd_pcm_readi(snd_pcm_t *pcm, void *buffer, snd_pcm_uframes_t size)
		{
			static int count;
			snd_pcm_sframes_t (*real)(snd_pcm_t *, void *, snd_pcm_uframes_t) = dlsym(RTLD_NEXT, "snd_pcm_readi");
			if (opens == 1 && due("stall", ++count)) {
				usleep(20000);
				return -EAGAIN;
			}
			if (!due("epipe", ++count))
				return real(pcm, buffer, size);
			usleep(500000);
			return -EPIPE;
		}
	EOT
	cc -shared -fPIC -o fail.so fail.c -ldl
	export LD_PRELOAD_FOR_CAPTURE=$PWD/fail.so ASAN_OPTIONS=verify_asan_link_order=0
}

@test "alsa's file plugin: every sample, exactly" {
	export HOME=$PWD
	ramp 50000 >in.raw
	echo 'pcm.inf { type file; slave.pcm "null"; file "/dev/null"; infile "in.raw"; format "raw" }' >.asoundrc
	RTTA_DEVICE=inf rtta-capture --duration 3s >a.frames
	cmp <(pcm <a.frames) <(head -c 96000 in.raw)
	[ "$(follow <a.frames)" = "lost 0" ]
	[ "$(frames <a.frames | tail -n 1 | cut -d ' ' -f 1-4,6)" = "2 16000 1 0 48000" ]
}

@test "a device with a real clock: what is played is what the frames hold" {
	start_pulse
	{ perl -e 'print "\0" x 16000'; ramp 24000; } >in.raw
	background capture rtta-capture --device mic --status-fd 7 7>status
	wait_for 15 state_is ok
	paplay --raw --rate=16000 --format=s16le --channels=1 -d rtta in.raw
	stop capture
	[ $rc = 0 ]
	[ "$(follow <capture.out)" = "lost 0" ]
	perl -e 'local $/; open F, "<", shift; $_ = <F>; open G, "<", shift; exit(index($_, <G>) < 0)' \
	    <(pcm <capture.out) <(ramp 24000)
	[ "$(frames <capture.out | tail -n 1 | cut -d ' ' -f 1)" = 2 ]
	run -0 jq -r 'select(.event == "device").state' status
	[ "$output" = "opening
ok" ]
	[ "$(jq -r 'select(.event == "level" and .db > -30).mic' status | sort -u)" = ok ]
}

@test "a device that goes is waited for; the run ends and another begins" {
	start_pulse
	background capture rtta-capture --device mic --status-fd 7 7>status
	wait_for 15 some_frames capture.out 10
	stop pulse KILL
	wait_for 10 state_is no-device
	grep -q '"state":"lost".*Input/output error' status
	grep -qx 'rtta-capture: warning: mic: read: Input/output error, trying again' capture.err
	ended=$(wc -c <capture.out)
	rm -f pulse/p.sock
	start_pulse
	wait_for 15 some_frames capture.out $((ended / 680 + 10))
	stop capture
	[ $rc = 0 ]
	run -0 follow <capture.out
	# the first end says why
	[ "$(frames <capture.out | awk '$1 { print $1 }')" = "18
2" ]
	[ "$(frames <capture.out | cut -d ' ' -f 5 | sort -u | wc -l)" = 2 ]
	# once per change, however often it tried
	[ "$(grep -c 'Connection refused, trying again' capture.err)" = 1 ]
}

@test "frames that are not taken: new sound is lost, counted and flagged" {
	start_pulse
	mkfifo fifo
	background capture bash -c 'exec rtta-capture --device mic --rate 48000 --channels 8 >fifo'
	exec 5<fifo
	wait_for 20 grep -q 'frames are not taken: sound is being lost' capture.err
	background reader bash -c 'exec cat <&5 >a.frames'
	exec 5<&-
	wait_for 10 grep -q 'frames are taken again' capture.err
	stop capture
	[ $rc = 0 ]
	wait "$(cat reader.pid)"
	lost=$(grep -o '[0-9]* samples lost' capture.err | cut -d ' ' -f 1)
	[ "$lost" -gt 0 ]
	[ "$(follow <a.frames)" = "lost $lost" ]
	[ "$(frames <a.frames | awk '$1 == 9' | wc -l)" = 1 ]
}

@test "an overrun is counted by the clock and flagged" {
	start_pulse
	fail_alsa
	FAIL='epipe 40' LD_PRELOAD=$LD_PRELOAD_FOR_CAPTURE background capture rtta-capture --device mic
	wait_for 15 grep -q 'overrun' capture.err
	at=$(wc -c <capture.out)
	wait_for 15 some_frames capture.out $((at / 680 + 20))
	stop capture
	[ $rc = 0 ]
	lost=$(grep -o '[0-9]* samples lost' capture.err | cut -d ' ' -f 1)
	[ "$lost" -ge 8000 ]
	[ "$(follow <capture.out)" = "lost $lost" ]
	[ "$(frames <capture.out | cut -d ' ' -f 5 | sort -u | wc -l)" = 1 ]
}

@test "a busy device is waited for" {
	fail_alsa
	FAIL='busy 2' LD_PRELOAD=$LD_PRELOAD_FOR_CAPTURE rtta-capture --device null --duration 1s \
	    --status-fd 7 7>status >/dev/null 2>capture.err
	run -0 jq -r 'select(.event == "device").state' status
	[ "$output" = "busy
ok" ]
	[ "$(cat capture.err)" = "rtta-capture: warning: null: Device or resource busy, trying again
rtta-capture: null: 16000 Hz, 1 channel" ]
}

@test "a device that is open and gives nothing is opened anew" {
	fail_alsa
	FAIL='stall 5' LD_PRELOAD=$LD_PRELOAD_FOR_CAPTURE rtta-capture --device null --duration 1s \
	    >a.frames 2>capture.err
	[ "$(cat capture.err)" = "rtta-capture: null: 16000 Hz, 1 channel
rtta-capture: warning: null: open, but no sound for 3 s, trying again
rtta-capture: null: 16000 Hz, 1 channel" ]
	[ "$(frames <a.frames | awk '$1 { print $1 }')" = "18
2" ]
	[ "$(frames <a.frames | awk '$1 { n += $6 } END { print n }')" = 16000 ]
}

@test "a wall clock that is set forward begins a new run, without loss" {
	fail_alsa
	mkfifo fifo
	FAIL=none LD_PRELOAD=$LD_PRELOAD_FOR_CAPTURE background capture rtta-capture --raw fifo
	exec 5>fifo
	ramp 8000 >&5
	wait_for 10 some_frames capture.out 25
	touch jump
	ramp 8000 >&5
	exec 5>&-
	wait_for 10 gone capture
	cmp <(pcm <capture.out) <(ramp 8000; ramp 8000)
	run -0 awk '$1 { print $1, $6 }' <(frames <capture.out)
	[ "$output" = "2 8320
4 0
2 7680" ]
	run -0 awk '$1 == 2 { end = $7 } $1 == 4 { print ($7 - end > 3500e9) }' <(frames <capture.out)
	[ "$output" = 1 ]
}

@test "an absent device is waited for, and who reads the status cannot hold it up" {
	mkfifo status
	exec 6<>status
	dd if=/dev/zero of=status bs=4096 oflag=nonblock 2>/dev/null || true  # full
	background capture rtta-capture --device hw:7 --status-fd 6
	wait_for 10 grep -q 'hw:7: .*, trying again' capture.err
	stop capture
	[ $rc = 0 ]
	[ ! -s capture.out ]
	exec 6>&-
}

@test "a second one on the same pipe waits, and says so; it goes on when the first is killed" {
	mkfifo frames pcm
	exec 9<>frames 8<>pcm
	background first bash -c 'exec rtta-capture --frame-ms 200 - <pcm >frames'
	ramp 6400 >pcm
	wait_for 10 read -r -t 0 -u 9
	ramp 6400 >two
	background second bash -c 'exec rtta-capture --fast --raw --frame-ms 200 two >frames'
	wait_for 10 grep -q 'another rtta-capture writes to this pipe: waiting' second.err
	stop first KILL
	wait_for 10 gone second
	exec 7<frames 9>&-
	[ "$(frames <&7 | cut -d " " -f 5 | uniq | wc -l)" -eq 2 ]
}

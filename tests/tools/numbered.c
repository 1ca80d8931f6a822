/*
 * numbered - sound that spells its own number, and an engine that hears it.
 *
 * gen writes frames; the samples of each spell its number.  hear is an exec
 * engine: s16le mono on stdin, events on stdout, the numbers as words.
 * check reads transcripts and says which numbers are lost, doubled or out of
 * order.  A frame of digital zero (--zero, --talk) is silence.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "err.h"
#include "frame.h"
#include "log.h"
#include "mem.h"
#include "opt.h"
#include "position.h"

static const char help[] =
    "usage: numbered gen [options] >frames\n"
    "  -n, --frames N        how many (default 50)\n"
    "  -s, --start N         number of the first (default 0); its sample follows from it\n"
    "      --run HEX         run id, 16 digits (default 1)\n"
    "      --rate HZ         (default 16000)\n"
    "      --channels N      (default 1)\n"
    "      --apart N         channel c spells numbers that are c times N higher\n"
    "      --frame-ms MS     (default 20)\n"
    "      --pace            in real time\n"
    "      --until FILE      once it is there, two frames of digital zero and the end;\n"
    "                        it then holds the number of the first of them\n"
    "      --raw             PCM without headers\n"
    "      --talk            pauses as in speech: of each 100 frames the last 20 are\n"
    "                        digital zero, of each 1500 the last 300\n"
    "      --zero A-B        frames A to B (inclusive) are digital zero; may be repeated\n"
    "      --skip A-B        frames A to B are not written: a hole\n"
    "      --lost            flag bit 0 on the frame behind a hole\n"
    "      --untaken         flag bit 3 there, too\n"
    "      --gone            ends the run: the device went away\n"
    "      --at-us US        wall clock of frame 0 (default now)\n"
    "usage: numbered hear [options] <pcm >events\n"
    "      --final N         numbers in a final text (default 25)\n"
    "      --interim N       interim text each N numbers (default 0: none)\n"
    "      --words           words with times\n"
    "      --delay-ms MS     answer so much later\n"
    "      --slow X          hear at most X times real time\n"
    "      --die N           exit 70 after N numbers, without a word\n"
    "      --die-on N        exit 70 when number N is heard\n"
    "      --no-done         leave without done\n"
    "      --hang            stay for ever at the end of input\n"
    "      --mute            numbers are no words: silence\n"
    "      --deaf            read, say nothing at all\n"
    "      --fail CODE       say why on stderr and exit at once\n"
    "      --log FILE        append each number heard\n"
    "      --cloud SEED      a service's habits: shorter finals, late finals, noise in\n"
    "                        times, interim texts that were wrong, no word of silence\n"
    "      --mood FILE       how it feels, read again and again: ok, refuse, cut, hang\n"
    "                        (and cut after 8 s), drop (say no more, and cut at the end),\n"
    "                        late (3 s), stall (read nothing)\n"
    "      --rate HZ, --frame-ms MS  as above\n"
    "usage: numbered check FIRST LAST <words\n"
    "      exits 0 when each number from FIRST to LAST stands there once, in order\n"
    RTTA_OPT_COMMON_HELP;

enum {
	MARK = 8, BITS = 32, SUM = 8,
	SPELLED = MARK + BITS + SUM,
	MAX_RANGES = 32
};
static const int8_t mark[MARK] = { 1, -1, 1, 1, -1, -1, -1, 1 };

struct range {
	uint64_t first, last;
};

struct numbered {
	/* gen */
	uint64_t frames, start, run, apart;
	uint32_t rate_hz, channels, frame_ms;
	bool pace, raw, lost, untaken, gone, talk;
	int64_t at_us;
	const char *until;
	struct range zero[MAX_RANGES], skip[MAX_RANGES];
	size_t zeros, skips;
	/* hear */
	uint64_t final, interim, die, die_on;
	bool words, no_done, hang, mute, deaf, has_die_on;
	int64_t delay_ms, fail;
	double slow;
	const char *log, *mood;
	bool cloud;
	unsigned seed;
};

enum { O_RUN = 256, O_RATE, O_CHANNELS, O_FRAME_MS, O_PACE, O_RAW, O_ZERO, O_SKIP, O_LOST,
	O_AT, O_FINAL, O_INTERIM, O_WORDS, O_DELAY, O_SLOW, O_DIE, O_DIE_ON, O_NO_DONE, O_HANG,
	O_MUTE, O_DEAF, O_FAIL, O_LOG, O_UNTAKEN, O_GONE, O_TALK, O_CLOUD, O_MOOD,
	O_UNTIL, O_APART };

static void
parse_range(const char *flag, const char *text, struct range *ranges, size_t *count)
{
	uint64_t first, last;
	char end;

	if (*count == MAX_RANGES ||
	    sscanf(text, "%" SCNu64 "-%" SCNu64 "%c", &first, &last, &end) != 2 || last < first)
		rtta_opt_fail("%s %s: not A-B", flag, text);
	ranges[(*count)++] = (struct range){ first, last };
}

static bool
in_range(const struct range *ranges, size_t count, uint64_t n)
{
	for (size_t i = 0; i < count; i++)
		if (n >= ranges[i].first && n <= ranges[i].last)
			return true;
	return false;
}

static void
parse_options(struct numbered *nu, int argc, char *argv[])
{
	static const struct option table[] = {
		{ "frames", required_argument, NULL, 'n' },
		{ "start", required_argument, NULL, 's' },
		{ "run", required_argument, NULL, O_RUN },
		{ "rate", required_argument, NULL, O_RATE },
		{ "channels", required_argument, NULL, O_CHANNELS },
		{ "apart", required_argument, NULL, O_APART },
		{ "frame-ms", required_argument, NULL, O_FRAME_MS },
		{ "pace", no_argument, NULL, O_PACE },
		{ "until", required_argument, NULL, O_UNTIL },
		{ "raw", no_argument, NULL, O_RAW },
		{ "zero", required_argument, NULL, O_ZERO },
		{ "skip", required_argument, NULL, O_SKIP },
		{ "lost", no_argument, NULL, O_LOST },
		{ "untaken", no_argument, NULL, O_UNTAKEN },
		{ "gone", no_argument, NULL, O_GONE },
		{ "at-us", required_argument, NULL, O_AT },
		{ "final", required_argument, NULL, O_FINAL },
		{ "interim", required_argument, NULL, O_INTERIM },
		{ "words", no_argument, NULL, O_WORDS },
		{ "delay-ms", required_argument, NULL, O_DELAY },
		{ "slow", required_argument, NULL, O_SLOW },
		{ "die", required_argument, NULL, O_DIE },
		{ "die-on", required_argument, NULL, O_DIE_ON },
		{ "no-done", no_argument, NULL, O_NO_DONE },
		{ "hang", no_argument, NULL, O_HANG },
		{ "mute", no_argument, NULL, O_MUTE },
		{ "deaf", no_argument, NULL, O_DEAF },
		{ "fail", required_argument, NULL, O_FAIL },
		{ "log", required_argument, NULL, O_LOG },
		{ "talk", no_argument, NULL, O_TALK },
		{ "cloud", required_argument, NULL, O_CLOUD },
		{ "mood", required_argument, NULL, O_MOOD },
		RTTA_OPT_COMMON
	};
	int c;

	while ((c = rtta_opt_next(argc, argv, table, help)) != -1)
		switch (c) {
		case 'n': nu->frames = (uint64_t)rtta_opt_int("--frames", optarg, 0, INT32_MAX); break;
		case 's': nu->start = (uint64_t)rtta_opt_int("--start", optarg, 0, INT32_MAX); break;
		case O_RUN:
			if (rtta_run_parse(optarg, &nu->run) < 0)
				rtta_opt_fail("--run %s: not 16 hex digits", optarg);
			break;
		case O_RATE: nu->rate_hz = (uint32_t)rtta_opt_int("--rate", optarg, 8000, 48000); break;
		case O_CHANNELS: nu->channels = (uint32_t)rtta_opt_int("--channels", optarg, 1, 8); break;
		case O_APART: nu->apart = (uint64_t)rtta_opt_int("--apart", optarg, 0, INT32_MAX / 8); break;
		case O_FRAME_MS: nu->frame_ms = (uint32_t)rtta_opt_int("--frame-ms", optarg, 10, 100); break;
		case O_PACE: nu->pace = true; break;
		case O_UNTIL: nu->until = optarg; break;
		case O_RAW: nu->raw = true; break;
		case O_ZERO: parse_range("--zero", optarg, nu->zero, &nu->zeros); break;
		case O_SKIP: parse_range("--skip", optarg, nu->skip, &nu->skips); break;
		case O_LOST: nu->lost = true; break;
		case O_UNTAKEN: nu->untaken = true; break;
		case O_GONE: nu->gone = true; break;
		case O_AT: nu->at_us = rtta_opt_int("--at-us", optarg, 0, INT64_MAX / 1000); break;
		case O_FINAL: nu->final = (uint64_t)rtta_opt_int("--final", optarg, 1, 1000); break;
		case O_INTERIM: nu->interim = (uint64_t)rtta_opt_int("--interim", optarg, 0, 1000); break;
		case O_WORDS: nu->words = true; break;
		case O_DELAY: nu->delay_ms = rtta_opt_int("--delay-ms", optarg, 0, 600000); break;
		case O_SLOW: nu->slow = rtta_opt_double("--slow", optarg, 0.01, 1000); break;
		case O_DIE: nu->die = (uint64_t)rtta_opt_int("--die", optarg, 1, INT32_MAX); break;
		case O_DIE_ON:
			nu->die_on = (uint64_t)rtta_opt_int("--die-on", optarg, 0, INT32_MAX);
			nu->has_die_on = true;
			break;
		case O_NO_DONE: nu->no_done = true; break;
		case O_HANG: nu->hang = true; break;
		case O_MUTE: nu->mute = true; break;
		case O_DEAF: nu->deaf = true; break;
		case O_FAIL: nu->fail = rtta_opt_int("--fail", optarg, 1, 255); break;
		case O_LOG: nu->log = optarg; break;
		case O_TALK: nu->talk = true; break;
		case O_CLOUD:
			nu->cloud = true;
			nu->seed = (unsigned)rtta_opt_int("--cloud", optarg, 0, INT32_MAX);
			break;
		case O_MOOD: nu->mood = optarg; break;
		}
}

/* --- gen --- */

static uint8_t
checksum(uint32_t number)
{
	return (uint8_t)(number ^ number >> 8 ^ number >> 16 ^ number >> 24 ^ 0xa5);
}

static int16_t
spelled_sample(uint32_t number, int i)
{
	if (i < MARK)
		return (int16_t)(mark[i] * 30000);
	i -= MARK;
	if (i < BITS)
		return number >> i & 1 ? 20000 : -20000;
	return checksum(number) >> (i - BITS) & 1 ? 20000 : -20000;
}

/* A number stands in the middle of its frame, so that a cut that is off by a
 * few milliseconds does not make it illegible. */
static uint32_t
margin(const struct numbered *nu)
{
	return (nu->rate_hz / 1000 * nu->frame_ms - SPELLED) / 2;
}

static void
spell(const struct numbered *nu, int16_t *values, uint64_t n)
{
	values += margin(nu) * nu->channels;
	for (uint32_t c = 0; c < nu->channels; c++) {
		uint64_t number = n + c * nu->apart;

		for (int i = 0; !in_range(nu->zero, nu->zeros, number) && i < SPELLED; i++)
			values[(uint32_t)i * nu->channels + c] = spelled_sample((uint32_t)number, i);
	}
}

static void
pace_until(int64_t mono_ms)
{
	int64_t left_ms = mono_ms - rtta_clock_mono_ms();

	if (left_ms > 0)
		nanosleep(&(struct timespec){ left_ms / 1000, left_ms % 1000 * 1000000 }, NULL);
}

static void
write_gone(const struct numbered *nu, uint32_t samples, int64_t at_ns)
{
	uint64_t sample = (nu->start + nu->frames) * samples;
	uint8_t header[RTTA_FRAME_HEADER_BYTES];

	rtta_frame_encode(header, &(struct rtta_frame){
		.run_id = nu->run, .sample = sample, .rate_hz = nu->rate_hz,
		.capture_ns = at_ns + rtta_samples_ns(sample, nu->rate_hz),
		.channels = (uint8_t)nu->channels, .flags = RTTA_FRAME_END | RTTA_FRAME_GONE
	});
	fwrite(header, sizeof(header), 1, stdout);
}

static bool
is_pause(uint64_t n)
{
	return n % 100 >= 80 || n % 1500 >= 1200;
}

static void
end_at(struct numbered *nu, uint64_t n)
{
	FILE *file = fopen(nu->until, "w");

	if (file != NULL) {
		fprintf(file, "%" PRIu64 "\n", n);
		fclose(file);
	}
	nu->until = NULL;
	nu->frames = n - nu->start + 2;
	nu->zero[0] = (struct range){ n, n + 1 };
	nu->zeros = 1;
}

static int
generate(struct numbered *nu, struct rtta_err *err)
{
	uint32_t samples = nu->rate_hz / 1000 * nu->frame_ms;
	size_t bytes = (size_t)samples * nu->channels * 2;
	int16_t *values = rtta_xcalloc(1, bytes);
	int64_t begin_ms = rtta_clock_mono_ms(), at_ns = nu->at_us * 1000;
	uint8_t header[RTTA_FRAME_HEADER_BYTES];
	bool hole = false;

	if (at_ns == 0)
		at_ns = rtta_clock_real_ns() - rtta_samples_ns(nu->start * samples, nu->rate_hz);
	for (uint64_t n = nu->start; n < nu->start + nu->frames; n++) {
		struct rtta_frame frame = {
			.run_id = nu->run, .sample = n * samples, .rate_hz = nu->rate_hz,
			.capture_ns = at_ns + rtta_samples_ns(n * samples, nu->rate_hz),
			.payload_bytes = (uint32_t)bytes, .channels = (uint8_t)nu->channels,
			.flags = !hole || !nu->lost ? 0 :
			    nu->untaken ? RTTA_FRAME_LOST | RTTA_FRAME_UNTAKEN : RTTA_FRAME_LOST
		};

		if (nu->until != NULL && access(nu->until, F_OK) == 0)
			end_at(nu, n);
		if (nu->pace)
			pace_until(begin_ms + (int64_t)(n - nu->start + 1) * nu->frame_ms);
		hole = in_range(nu->skip, nu->skips, n);
		if (hole)
			continue;
		memset(values, 0, bytes);
		if (!(nu->talk && is_pause(n)))
			spell(nu, values, n);
		rtta_frame_encode(header, &frame);
		if (!nu->raw)
			fwrite(header, sizeof(header), 1, stdout);
		fwrite(values, bytes, 1, stdout);
		if ((nu->pace && fflush(stdout) == EOF) || ferror(stdout))
			break;
	}
	if (nu->gone)
		write_gone(nu, samples, at_ns);
	free(values);
	if (fflush(stdout) == EOF && errno != EPIPE)
		return rtta_err_sys(err, EX_IOERR, "stdout");
	return 0;
}

/* --- hear --- */

struct line {
	int64_t due_ms;
	char *text;
	struct line *next;
};

struct word {
	uint32_t number;
	double start_s, end_s;
};

enum mood { MOOD_OK, MOOD_REFUSE, MOOD_CUT, MOOD_HANG, MOOD_DROP, MOOD_LATE, MOOD_STALL };

struct ear {
	struct numbered *nu;
	enum mood mood;
	bool dumb;                  /* says no more */
	int64_t gone_ms;            /* when a connection that hangs is cut, 0: never */
	int16_t window[SPELLED];    /* the last samples */
	uint64_t samples;           /* heard so far */
	uint64_t skip_until;        /* no mark is looked for before */
	struct word *words;
	size_t count, enough;       /* of them for a final text */
	uint64_t numbers;           /* in all */
	double settled_s;           /* of the last utterance_end */
	struct line *first, **last; /* answers that wait */
	int log_fd;
};

/* 0 to n - 1; always 0 without --cloud. */
static unsigned
whim(struct ear *ear, unsigned n)
{
	return ear->nu->cloud ? (unsigned)rand_r(&ear->nu->seed) / 7 % n : 0;
}

static void
cut_off(const char *how)
{
	fprintf(stderr, "numbered: %s as told\n", how);
	_exit(EX_SOFTWARE);
}

/* What the mood's file says now; hanging and dropping last for this connection. */
static void
read_mood(struct ear *ear)
{
	static const char *const names[] = { "ok", "refuse", "cut", "hang", "drop", "late", "stall" };
	int fd = ear->nu->mood != NULL ? open(ear->nu->mood, O_RDONLY | O_CLOEXEC) : -1;
	char word[16] = "";
	ssize_t n;

	if (fd < 0)
		return;
	n = read(fd, word, sizeof(word) - 1);
	close(fd);
	word[n > 0 ? n : 0] = '\0';
	word[strcspn(word, "\n")] = '\0';
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(word, names[i]) == 0)
			ear->mood = (enum mood)i;
	if (ear->mood == MOOD_REFUSE || ear->mood == MOOD_CUT)
		cut_off("cut off");
	if (ear->mood == MOOD_HANG || ear->mood == MOOD_DROP)
		ear->dumb = true;
	if (ear->mood == MOOD_HANG && ear->gone_ms == 0)
		ear->gone_ms = rtta_clock_mono_ms() + 8000;
	if (ear->gone_ms != 0 && rtta_clock_mono_ms() > ear->gone_ms)
		cut_off("hung and cut off");
}

static void
say(struct ear *ear, char *text)
{
	struct line *line = rtta_xcalloc(1, sizeof(*line));

	if (ear->nu->deaf || ear->dumb) {
		free(text);
		free(line);
		return;
	}
	line->due_ms = rtta_clock_mono_ms() + ear->nu->delay_ms + whim(ear, 4) * whim(ear, 400) +
	    (ear->mood == MOOD_LATE ? 3000 : 0);
	line->text = text;
	*ear->last = line;
	ear->last = &line->next;
}

static void
flush_lines(struct ear *ear, bool all)
{
	struct line *line;

	while ((line = ear->first) != NULL && (all || line->due_ms <= rtta_clock_mono_ms())) {
		while (all && line->due_ms > rtta_clock_mono_ms()) {
			pace_until(rtta_clock_mono_ms() + 5);
			read_mood(ear);
		}
		if (!ear->dumb)
			printf("%s\n", line->text);
		ear->first = line->next;
		if (ear->first == NULL)
			ear->last = &ear->first;
		free(line->text);
		free(line);
	}
	if (fflush(stdout) == EOF)
		exit(EX_IOERR);
}

/* A time as services give it: not quite, and rounded in their own way. */
static double
noisy(struct ear *ear, double seconds)
{
	double noise_s = (double)whim(ear, 9) / 2000 - (ear->nu->cloud ? 0.002 : 0);

	return seconds + noise_s < 0 ? 0 : seconds + noise_s;
}

/* The first count words: a final takes them away, an interim text may have
 * the last one wrong. */
static void
say_text(struct ear *ear, size_t count, bool is_final)
{
	char *out = NULL, *words = NULL;
	size_t bytes = 0, words_bytes = 0;
	FILE *f, *w;

	if (count == 0)
		return;
	f = open_memstream(&out, &bytes);
	w = open_memstream(&words, &words_bytes);
	fprintf(f, "{\"event\":\"text\",\"start\":%.7f,\"end\":%.7f,\"is_final\":%s,\"text\":\"",
	    noisy(ear, ear->words[0].start_s), noisy(ear, ear->words[count - 1].end_s),
	    is_final ? "true" : "false");
	for (size_t i = 0; i < count; i++) {
		struct word *word = &ear->words[i];
		uint32_t number = word->number + (!is_final && i + 1 == count ? whim(ear, 3) : 0);

		fprintf(f, "%s%" PRIu32, i ? " " : "", number);
		fprintf(w, "%s{\"word\":\"%" PRIu32 "\",\"start\":%.7f,\"end\":%.7f}",
		    i ? "," : "", number, noisy(ear, word->start_s), noisy(ear, word->end_s));
	}
	fclose(w);
	fprintf(f, "\"");
	if (ear->nu->words)
		fprintf(f, ",\"words\":[%s]", words);
	fprintf(f, "}");
	fclose(f);
	free(words);
	say(ear, out);
	if (!is_final)
		return;
	ear->count -= count;
	memmove(ear->words, ear->words + count, ear->count * sizeof(*ear->words));
	ear->enough = ear->nu->final + whim(ear, (unsigned)ear->nu->final);
}

static void
say_end(struct ear *ear, double end_s)
{
	ear->settled_s = end_s;
	say(ear, rtta_xasprintf("{\"event\":\"utterance_end\",\"end\":%.7f}", end_s));
}

/* The number that the window spells, or -1. */
static int64_t
read_window(const int16_t *window)
{
	uint32_t number = 0;
	uint8_t sum = 0;

	for (int i = 0; i < MARK; i++)
		if (window[i] * mark[i] < 25000)
			return -1;
	for (int i = 0; i < BITS; i++)
		number |= (uint32_t)(window[MARK + i] > 0) << i;
	for (int i = 0; i < SUM; i++)
		sum = (uint8_t)(sum | (window[MARK + BITS + i] > 0) << i);
	return sum == checksum(number) ? (int64_t)number : -1;
}

static void
hear_number(struct ear *ear, uint32_t number)
{
	struct numbered *nu = ear->nu;
	double start_s = (double)(ear->samples - SPELLED) / nu->rate_hz - (double)margin(nu) / nu->rate_hz;

	if (ear->log_fd >= 0)
		dprintf(ear->log_fd, "%" PRIu32 "\n", number);
	ear->numbers++;
	if ((nu->die > 0 && ear->numbers >= nu->die) || (nu->has_die_on && number == nu->die_on)) {
		fprintf(stderr, "numbered: dying as told\n");
		_exit(EX_SOFTWARE);
	}
	if (nu->mute)
		return;
	ear->words[ear->count++] = (struct word){ number, start_s, start_s + nu->frame_ms / 1000.0 };
	if (ear->count >= ear->enough)
		say_text(ear, ear->count - whim(ear, 5), true);
	else if (nu->interim > 0 && ear->count % nu->interim == 0)
		say_text(ear, ear->count, false);
}

static void
hear_sample(struct ear *ear, int16_t value)
{
	struct numbered *nu = ear->nu;
	double now_s;
	int64_t number;

	memmove(ear->window, ear->window + 1, sizeof(ear->window) - sizeof(value));
	ear->window[SPELLED - 1] = value;
	ear->samples++;
	if (ear->samples >= SPELLED && ear->samples >= ear->skip_until &&
	    (number = read_window(ear->window)) >= 0) {
		ear->skip_until = ear->samples + SPELLED;
		hear_number(ear, (uint32_t)number);
	}
	if (ear->samples % (nu->rate_hz / 10) != 0)
		return;
	/* Nothing for 0.1 s behind the last number: the utterance is over. */
	now_s = (double)(ear->samples - SPELLED) / nu->rate_hz;
	if (ear->count > 0 && now_s > ear->words[ear->count - 1].end_s + 0.1)
		say_text(ear, ear->count, true);
	if (ear->count == 0 && now_s > ear->settled_s + 1 && whim(ear, 2) == 0)
		say_end(ear, now_s);
}

static int
hear(struct numbered *nu, struct rtta_err *err)
{
	struct ear ear = { .nu = nu, .last = &ear.first, .log_fd = -1 };
	int64_t begin_ms = rtta_clock_mono_ms();
	int16_t values[1600];
	size_t have = 0;
	ssize_t n = 1;

	if (nu->fail != 0)
		return rtta_err_set(err, (int)nu->fail, "failing as told");
	ear.words = rtta_xcalloc(2 * nu->final, sizeof(*ear.words));
	ear.enough = nu->final;
	if (nu->mood != NULL)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (nu->log != NULL)
		ear.log_fd = open(nu->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	say(&ear, rtta_xstrdup("{\"event\":\"ready\"}"));
	while (n != 0) {
		struct pollfd fd = { .fd = STDIN_FILENO, .events = POLLIN };

		read_mood(&ear);
		flush_lines(&ear, false);
		if (ear.mood == MOOD_STALL) {
			pace_until(rtta_clock_mono_ms() + 50);
			continue;
		}
		if (poll(&fd, 1, ear.first != NULL ? 5 : nu->mood != NULL ? 100 : -1) <= 0)
			continue;
		n = read(STDIN_FILENO, (char *)values + have, sizeof(values) - have);
		if (n < 0)
			return rtta_err_sys(err, EX_IOERR, "stdin");
		have += (size_t)n;
		for (size_t i = 0; i < have / 2; i++)
			hear_sample(&ear, values[i]);
		if (have % 2)
			((char *)values)[0] = ((char *)values)[have - 1];
		have %= 2;
		if (nu->slow > 0)
			pace_until(begin_ms + (int64_t)((double)ear.samples * 1000 / nu->rate_hz / nu->slow));
	}
	say_text(&ear, ear.count, true);
	if (!nu->no_done)
		say(&ear, rtta_xstrdup("{\"event\":\"done\"}"));
	flush_lines(&ear, true);
	if (ear.dumb)
		cut_off("answers dropped, and cut off");
	free(ear.words);
	while (nu->hang)
		pause();
	return 0;
}

/* --- check --- */

enum { MAX_COMPLAINTS = 10 };

static int
check(uint64_t first, uint64_t last, struct rtta_err *err)
{
	unsigned *seen = rtta_xcalloc(last - first + 1, sizeof(*seen));
	uint64_t lost = 0, doubled = 0, reordered = 0, foreign = 0, before = 0;
	char word[64];
	bool any = false;

	while (scanf("%63s", word) == 1) {
		uint64_t n;

		if (rtta_sample_parse(word, &n) < 0 || n < first || n > last) {
			if (++foreign <= MAX_COMPLAINTS)
				printf("foreign: %s\n", word);
			continue;
		}
		if (any && n <= before && ++reordered <= MAX_COMPLAINTS)
			printf("out of order: %" PRIu64 " behind %" PRIu64 "\n", n, before);
		if (++seen[n - first] > 1 && ++doubled <= MAX_COMPLAINTS)
			printf("doubled: %" PRIu64 "\n", n);
		before = n;
		any = true;
	}
	for (uint64_t n = first; n <= last; n++)
		if (seen[n - first] == 0 && ++lost <= MAX_COMPLAINTS)
			printf("lost: %" PRIu64 "\n", n);
	free(seen);
	printf("lost %" PRIu64 ", doubled %" PRIu64 ", out of order %" PRIu64 ", foreign %" PRIu64 "\n",
	    lost, doubled, reordered, foreign);
	if (lost + doubled + reordered + foreign > 0)
		return rtta_err_set(err, 1, "the numbers are not right");
	return 0;
}

int
main(int argc, char *argv[])
{
	struct numbered nu = {
		.frames = 50, .run = 1, .rate_hz = 16000, .channels = 1, .frame_ms = 20, .final = 25
	};
	struct rtta_err err = {0};

	rtta_log_open("numbered");
	parse_options(&nu, argc, argv);
	argc -= optind;
	argv += optind;
	if (argc == 1 && strcmp(argv[0], "gen") == 0)
		generate(&nu, &err);
	else if (argc == 1 && strcmp(argv[0], "hear") == 0)
		hear(&nu, &err);
	else if (argc == 3 && strcmp(argv[0], "check") == 0)
		check((uint64_t)rtta_opt_int("FIRST", argv[1], 0, INT32_MAX),
		    (uint64_t)rtta_opt_int("LAST", argv[2], 0, INT32_MAX), &err);
	else
		rtta_opt_fail("gen, hear, or check FIRST LAST");
	return rtta_err_exit(&err);
}

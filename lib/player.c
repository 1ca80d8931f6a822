#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "err.h"
#include "frame.h"
#include "framer.h"
#include "log.h"
#include "player.h"
#include "position.h"
#include "recorder.h"
#include "wav.h"

enum { NS_PER_MS = 1000000, TURN_READS = 50 };

static int
open_file(struct rtta_player *player, struct rtta_err *err)
{
	const char *name = player->files[player->at];
	bool is_stdin = strcmp(name, "-") == 0;
	struct rtta_wav_format raw = {
		.rate_hz = player->rate_hz != 0 ? player->rate_hz : 16000,
		.channels = player->channels != 0 ? player->channels : 1,
	};
	struct stat st;

	/* O_NONBLOCK: a FIFO must not hold us until somebody writes to it. */
	player->fd = is_stdin ? STDIN_FILENO :
	    open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (player->fd < 0 || fstat(player->fd, &st) < 0)
		return rtta_err_sys(err, EX_NOINPUT, "%s", name);
	if (S_ISDIR(st.st_mode))
		return rtta_err_set(err, EX_NOINPUT, "%s: is a directory", name);
	if (isatty(player->fd))
		return rtta_err_set(err, EX_USAGE, "sound does not come from a "
		    "terminal");
	player->live = !S_ISREG(st.st_mode);
	/* a replay has its own idea of time and run */
	player->by_arrival = player->live && !player->fast &&
	    !player->has_start && !player->rec->has_run_id;
	player->wav = rtta_wav_new(player->fd, is_stdin ? "stdin" : name,
	    player->raw ? RTTA_WAV_RAW : is_stdin ? RTTA_WAV_EITHER :
	    RTTA_WAV_RIFF, &raw);
	return 0;
}

static void
close_file(struct rtta_player *player)
{
	rtta_wav_free(player->wav);
	if (player->fd > STDIN_FILENO)
		close(player->fd);
	player->wav = NULL;
	player->fd = -1;
}

int
rtta_player_open(struct rtta_player *player, struct rtta_err *err)
{
	player->start_ms = rtta_clock_mono_ms();
	if (!player->has_start)
		player->start_ns = rtta_clock_real_ns();
	return open_file(player, err);
}

void
rtta_player_close(struct rtta_player *player)
{
	close_file(player);
}

/* The header has been read: is it what was asked for? */
static int
begin_file(struct rtta_player *player, struct rtta_err *err)
{
	const struct rtta_wav_format *format = rtta_wav_format(player->wav);
	const char *name = player->files[player->at];
	uint32_t rate_hz = player->rate_hz;

	if (rate_hz == 0)
		rate_hz = format->rate_hz < RTTA_FRAME_MAX_RATE_HZ ?
		    format->rate_hz : RTTA_FRAME_MAX_RATE_HZ;
	if (player->channels == 1)
		rtta_wav_mix(player->wav);
	if (player->channels != 0 && format->channels != player->channels)
		return rtta_err_set(err, EX_USAGE, "%s: has %d channels, not "
		    "--channels %d", name, format->channels, player->channels);
	if (format->rate_hz != rate_hz &&
	    rtta_wav_resample(player->wav, rate_hz, err) < 0)
		return -1;
	rtta_recorder_begin(player->rec, format->rate_hz, format->channels,
	    player->at > 0, player->by_arrival);
	if (!player->by_arrival)
		rtta_recorder_set_time(player->rec, player->start_ms,
		    player->start_ns);
	return 0;
}

/* The next file begins where this one has ended. */
static int
end_file(struct rtta_player *player, struct rtta_err *err)
{
	struct rtta_recorder *rec = player->rec;
	int64_t end_ns;

	if (!rec->in_run || rec->heard == 0)
		rtta_log_warn("%s: no sound", player->files[player->at]);
	if (rec->has_clock) {
		end_ns = rtta_framer_ns(rec->framer);
		player->start_ms += (end_ns - player->start_ns) / NS_PER_MS;
		player->start_ns = end_ns;
	}
	rtta_recorder_end(rec);
	close_file(player);
	if (++player->at < player->file_count)
		return open_file(player, err);
	player->ended = true;
	return 0;
}

/* One read(2) of it.  1: go on, 0: enough for now, -1: *err. */
static int
read_file(struct rtta_player *player, struct rtta_err *err)
{
	struct rtta_recorder *rec = player->rec;
	size_t most = 0, got;
	int16_t *values = NULL;
	int more;

	if (rec->in_run) {
		values = rtta_recorder_room(rec, &most);
		player->ended = most == 0;
		if (player->ended)
			return 0;
	}
	more = rtta_wav_read(player->wav, values, most, &got, err);
	if (more < 0)
		return -1;
	if (!rec->in_run && rtta_wav_format(player->wav) != NULL &&
	    begin_file(player, err) < 0)
		return -1;
	if (more == 0)
		return end_file(player, err) < 0 ? -1 : 0;
	if (got > 0 && rtta_recorder_add(rec, got,
	    player->live ? rtta_wav_backlog(player->wav) : 0, err) < 0)
		return -1;
	return !player->live || rtta_wav_is_ready(player->wav);
}

static bool
is_held_up(const struct rtta_player *player)
{
	const struct rtta_recorder *rec = player->rec;

	return player->ended || rec->reader_gone ||
	    (rec->out != NULL && rtta_frame_pending(rec->out) > 0);
}

int
rtta_player_fd(const struct rtta_player *player)
{
	return player->live && !is_held_up(player) ? player->fd : -1;
}

int64_t
rtta_player_due_ms(const struct rtta_player *player)
{
	const struct rtta_recorder *rec = player->rec;
	size_t samples;

	if (is_held_up(player))
		return INT64_MAX;
	if (player->live)
		return rtta_wav_is_ready(player->wav) ? 0 : INT64_MAX;
	if (player->fast || !rec->in_run)
		return 0;
	/* when the frame that is being filled has been heard to its end */
	rtta_framer_room(rec->framer, &samples);
	return player->start_ms + rtta_samples_ns(
	    rtta_framer_sample(rec->framer) + samples, rec->rate_hz) / NS_PER_MS;
}

int
rtta_player_turn(struct rtta_player *player, bool readable,
    struct rtta_err *err)
{
	int more = 1;

	for (int i = 0; i < TURN_READS && more > 0; i++) {
		if (is_held_up(player) || (!readable &&
		    rtta_player_due_ms(player) > rtta_clock_mono_ms()))
			return 0;
		more = read_file(player, err);
		readable = false;
	}
	return more < 0 ? -1 : 0;
}

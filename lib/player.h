/*
 * player - files one after another, in real time, into a recorder.
 *
 * A regular file is played by the monotonic clock, or as fast as frames are
 * taken; each is a run of its own that follows the one before.  What comes
 * through a pipe, a FIFO or a socket has its own clock and is taken as it
 * comes; its time is when it came, unless it is fast or a replay.  Nothing is ever dropped: while frames are not taken, it waits.
 */
#ifndef RTTA_PLAYER_H
#define RTTA_PLAYER_H

#include <stdbool.h>
#include <stdint.h>

struct rtta_err;
struct rtta_recorder;
struct rtta_wav;

struct rtta_player {
	/* set before rtta_player_open() */
	struct rtta_recorder *rec;
	char **files;           /* "-" is stdin */
	int file_count;
	bool raw;               /* they are raw s16le */
	bool fast;
	uint32_t rate_hz;       /* of frames, and of raw PCM; 0: 16000, and of a WAV
	                         * file its own, if a frame can have that */
	int channels;           /* of raw PCM; 0: 1, and of a WAV file its own */
	bool has_start;
	int64_t start_ns;       /* of the first sample, else now */

	struct rtta_wav *wav;
	int at, fd;             /* the file that is open */
	bool live;              /* it is taken as it comes */
	bool by_arrival;        /* and its time is when it came */
	int64_t start_ms;       /* monotonic, of start_ns */
	bool ended;             /* all of them */
};

/* 0, or -1 with EX_NOINPUT or EX_USAGE. */
int rtta_player_open(struct rtta_player *player, struct rtta_err *err);
void rtta_player_close(struct rtta_player *player);

/* The descriptor to poll for input, or -1: rtta_player_due_ms() has it. */
int rtta_player_fd(const struct rtta_player *player);

/* Monotonic time of the next turn that needs no input; INT64_MAX: none. */
int64_t rtta_player_due_ms(const struct rtta_player *player);

/*
 * Read and record what is due, at most a second of it.  readable: poll(2)
 * found input.  0, or -1 with the file's error.
 */
int rtta_player_turn(struct rtta_player *player, bool readable,
    struct rtta_err *err);

#endif

/*
 * steer - between system_state and the switch: session_config goes in, and
 * what the switch decides becomes keys and messages.
 *
 * Belongs to main's thread; nothing waits.
 */
#ifndef RTTA_STEER_H
#define RTTA_STEER_H

#include <stdbool.h>
#include <stdint.h>

struct rtta_bus;
struct rtta_lease;
struct rtta_live;
struct rtta_preroll;
struct rtta_state;
struct rtta_steer;
struct rtta_switch;
struct rtta_window;

/* All of them stay the caller's. */
struct rtta_steer_parts {
	struct rtta_bus *bus;
	struct rtta_state *state;
	struct rtta_lease *lease;
	struct rtta_window *window;
	struct rtta_preroll *preroll;
	struct rtta_switch *sw;
	struct rtta_live *live;
};

/* preroll_ms: what the window holds. */
struct rtta_steer *rtta_steer_new(const struct rtta_steer_parts *parts, int64_t preroll_ms);
void rtta_steer_free(struct rtta_steer *steer);

/* At the start, first: are we off the record? */
void rtta_steer_record(struct rtta_steer *steer);

/* Then, once what came before it has been dealt with: the status that
 * stands.  From here on rtta_steer_follow() follows it. */
void rtta_steer_status(struct rtta_steer *steer);

/* After rtta_state_tick(): what changed, and what was stored. */
void rtta_steer_follow(struct rtta_steer *steer);

/* After anything went into the switch. */
void rtta_steer_carry_out(struct rtta_steer *steer);

/* 0 when the state has something to send, else -1. */
int rtta_steer_wait_ms(const struct rtta_steer *steer);

/* The lowest number in the window that a flush still needs: see
 * rtta_window_trim(). */
uint64_t rtta_steer_needed(struct rtta_steer *steer);

bool rtta_steer_is_off_record(const struct rtta_steer *steer);

/*
 * The input was the session: set session_config to IDLE, if it still names
 * it.  True when the session has its end, or goes on for somebody else.
 */
bool rtta_steer_end_session(struct rtta_steer *steer);

#endif

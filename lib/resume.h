/*
 * resume - what a route finds of the sessions before it.
 *
 * A session that has a cut and no end goes on; how far its sound got is
 * looked up. Any other one without an end gets it.  What ended lately is
 * said to be over once more, because the route before may have been killed
 * before it said so.  Belongs to main's thread; nothing waits.
 */
#ifndef RTTA_RESUME_H
#define RTTA_RESUME_H

#include <stdbool.h>
#include <stdint.h>

#include "session.h"

struct rtta_bus;
struct rtta_live;
struct rtta_resume;
struct rtta_state;
struct rtta_switch;
struct rtta_window;

/* The state is loaded. */
struct rtta_resume *rtta_resume_new(struct rtta_bus *bus, struct rtta_state *state);
void rtta_resume_free(struct rtta_resume *resume);

/* Returns ms until it wants to be called. */
int rtta_resume_tick(struct rtta_resume *resume);
bool rtta_resume_is_over(const struct rtta_resume *resume);

/* The window holds what PRE_BUFFER held, and nothing was routed yet. */
void rtta_resume_apply(struct rtta_resume *resume, struct rtta_switch *sw,
    struct rtta_window *window, struct rtta_live *live, int64_t now_us);

/* Whose live sound is at pos?  True with the id of a session that is over. */
bool rtta_resume_find(const struct rtta_state *state, struct rtta_pos pos,
    char id[RTTA_SESSION_ID_BYTES]);

/* Does it lie before the end or the cut of another session than `but`, or in its
 * pre-roll?  Then it is none of what comes now. */
bool rtta_resume_is_earlier(const struct rtta_state *state, struct rtta_pos pos, const char *but);

/* What lies in the window before the end of an earlier session is no later
 * one's pre-roll. */
void rtta_resume_bar(const struct rtta_state *state, struct rtta_window *window);

#endif

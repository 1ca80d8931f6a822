/*
 * switch - from the pipe to the lanes: capture's frames, route, the keys of
 * one session, flush; the server and who kills what.
 *
 * Follows lib/switch.c, steer.c, resume.c, leftover.c, live.c, preroll.c and
 * copy.c.  A set of frames is a mask.  What a process does between two
 * waits for others is one step; between steps anybody may be killed.
 * Time: who is able to do something does it within the minute that flush
 * waits, so flush gives up only on what nobody can bring.
 *
 * CUT_LATE breaks it: the first live frames do not wait for the cut.
 */
#ifndef N
#define N 4             /* frames */
#endif
#ifndef KILLS
#define KILLS 2
#endif
#define NONE 15
#define bit(f) (1 << (f))
#define has(set, f) ((set) & bit(f))

/* The server: what is here outlives everybody. */
bool on;                              /* session_config: ACTIVE */
byte revision;                        /* 1: started, 2: stopped */
bool has_cut, has_end, has_flush;
byte cut_at, cut_first, cut_last, end_at;
byte live, back;                      /* stored frames of AUDIO_STREAM */
byte pre;                             /* PRE_BUFFER, in memory */

/* A key on its way: create, then what stands is the answer. */
mtype = { no_key, asked, answered };
mtype cut_key = no_key, end_key = no_key;
byte ask_at, ask_first, ask_last, ask_end;

/* The pipe, and files that one route leaves for the next. */
byte captured, taken;                 /* frames [taken, captured) lie in the pipe */
byte f_live, f_input, f_next, f_seek, f_pre;
byte lost;                            /* died with a process that had them */

/* route */
mtype = { dead, backlog, running };
mtype phase = dead;
mtype = { idle, seeking, cutting, going, ending };
mtype st = idle;
byte seen;                            /* revision of the status */
bool had_live, over, was;      /* was: last_id is the session */
byte done;                            /* behind the last frame that was dealt with */
byte window, sent;                    /* pre-roll; below `sent` it is acknowledged */
byte wait, stop_at;                   /* waits for a key; the stop waits before stop_at */
byte queue, unacked;                  /* live: not acknowledged; of these, stored */

/* flush */
bool copying;
byte next;
byte kills = KILLS;

inline lowest(set, f) { f = 0; do :: f < N && !has(set, f) -> f++ :: else -> break od }
inline highest(set, f) { f = N; do :: f > 0 && !has(set, f - 1) -> f-- :: else -> break od }

/* --- route: lib/switch.c --- */

inline to_window(f) {
	if :: f + 1 > done -> done = f + 1 :: else fi;
	window = window | bit(f)
}

#define below_cut(f) (has_cut && ((cut_at != NONE && (f) < cut_at) || \
    (cut_last != NONE && (f) <= cut_last)))
inline to_live(f) {
	if
	:: below_cut(f) -> window = window | bit(f)
	:: else ->
		if :: f + 1 > done -> done = f + 1 :: else fi;
		queue = queue | bit(f);
		had_live = true
	fi
}

inline deal_frame(f) {
	if :: st == going -> to_live(f) :: else -> to_window(f) fi
}

/* Frames below `at` are pre-roll, the rest waits for the cut. */
inline cut(at) {
	window = window | (wait & (bit(at) - 1));
	wait = wait & ~(bit(at) - 1);
	highest(window, k);
	if :: k > done -> done = k :: else fi;
	ask_first = NONE; ask_last = NONE; ask_at = NONE;
	if
	:: k > 0 -> ask_last = k - 1; lowest(window, k); ask_first = k
	:: else
	fi;
	if
	:: at < N && !over -> ask_at = at
	:: else -> if :: over && done > 0 -> ask_at = done :: else fi
	fi;
	k = 0;
	cut_key = asked;
	st = cutting
}

inline end_here() {
	ask_end = done;
	end_key = asked;
	st = ending
}

inline begin(is_over) {
	was = true; had_live = false; over = is_over;
	st = seeking;
	if :: over -> cut(N) :: else fi
}

/* The status that has just been read. */
inline deal_config(is_on) {
	if
	:: st == idle && revision > 0 && !was && !has_cut && !has_end -> begin(!is_on)
	:: st == seeking && !is_on -> over = true; cut(N)
	:: st == going && !is_on -> end_here()
	:: else
	fi
}

/* What waited for a key. */
inline go_on() {
	k = 0;
	do
	:: k < N && st != cutting && st != ending ->
		if
		:: stop_at == k -> stop_at = NONE; deal_config(false)
		:: else ->
			if :: has(wait, k) -> wait = wait & ~bit(k); deal_frame(k) :: else fi;
			k++
		fi
	:: k == N && st != cutting && st != ending ->
		if :: stop_at == N -> stop_at = NONE; deal_config(false) :: else fi;
		break
	:: else -> break
	od;
	k = 0
}

/* rtta_switch_frame() */
inline put_frame(f) {
	if
	:: st == idle || st == going -> deal_frame(f)
	:: else -> wait = wait | bit(f)
	fi
}

inline feed(set) {
	k = 0;
	do
	:: k < N -> if :: has(set, k) -> put_frame(k) :: else fi; k++
	:: else -> break
	od;
	k = 0
}

#define of_session ((bit(end_at) - 1) & ~(bit(k) - 1))

/* resume.c, leftover.c: the sessions before, then the files, then the pipe. */
inline start() {
	window = pre | f_pre;
	highest(pre, sent);
	wait = 0; queue = 0; unacked = 0; stop_at = NONE;
	over = false;
	cut_key = (cut_key == answered -> no_key : cut_key);
	end_key = (end_key == answered -> no_key : end_key);
	had_live = false; done = 0; was = false; st = idle;
	if
	:: has_cut && !has_end ->
		was = true; st = going;
		had_live = live != 0;
		highest(live, done);
		if
		:: had_live
		:: !had_live && cut_at != NONE -> done = cut_at
		:: else -> done = (cut_last == NONE -> 0 : cut_last + 1)
		fi;
		feed(f_live);
		feed(f_input);
		feed(f_seek)
	:: has_cut && has_end ->
		if
		:: cut_at != NONE -> k = cut_at
		:: cut_at == NONE && cut_last != NONE -> k = cut_last + 1
		:: else -> k = 0
		fi;
		f = (f_input | f_seek) & of_session;
		queue = f_live | f;
		f = (f_input | f_seek) & ~f;
		feed(f);
		f = 0
	:: else ->
		queue = f_live;
		feed(f_input);
		feed(f_seek)
	fi;
	phase = backlog
}

inline apply_status() {
	phase = running;
	seen = revision;
	deal_config(on)
}

#define settled (queue == 0 && cut_key == no_key && end_key == no_key && wait == 0 && \
    (window >> sent) == 0 && (st == idle || st == going))
#define left (f_live | f_input | f_next | f_seek | f_pre)

inline gone() {
	phase = dead;
	window = 0; sent = 0; wait = 0; stop_at = NONE; queue = 0; unacked = 0;
	st = idle; done = 0; had_live = false; over = false; was = false;
	cut_key = (cut_key == answered -> no_key : cut_key);
	end_key = (end_key == answered -> no_key : end_key)
}

/* kill -9: what was only in memory is gone; a key on its way may or may not
 * have been taken by the server, at once. */
inline kill_route() {
	lost = lost | ((wait | queue | (window & ~(bit(sent) - 1))) &
	    ~(pre | live | back | left));
	if
	:: cut_key == asked -> if :: store_cut() :: cut_key = no_key fi
	:: end_key == asked -> if :: store_end() :: end_key = no_key fi
	:: else
	fi;
	gone()
}

/* SIGTERM, and the server did not answer for 5 s. */
inline end_route() {
	if :: st == seeking -> lowest(wait, f); cut(f); f = 0 :: else fi;
	f_live = queue;
	f_input = (st == ending -> 0 : wait);
	f_next = (st == ending -> wait : 0);
	f_pre = window & ~(bit(sent) - 1);
	f_seek = 0;
	if
	:: cut_key == asked -> if :: store_cut() :: cut_key = no_key fi
	:: end_key == asked -> if :: store_end() :: end_key = no_key fi
	:: else
	fi;
	gone()
}

/* --- the server --- */

inline store_cut() {
	if
	:: !has_cut ->
		has_cut = true;
		cut_at = ask_at; cut_first = ask_first; cut_last = ask_last
	:: else
	fi;
	cut_key = answered
}

inline store_end() {
	if :: !has_end -> has_end = true; end_at = ask_end :: else fi;
	end_key = answered
}

inline store_live(f) {
	if
	:: !has(live, f) ->
		assert((live >> f) == 0);                          /* invariant 2 */
		assert(has_cut);                                   /* invariant 3 */
		assert(cut_at == NONE || f >= cut_at);
		assert(cut_last == NONE || f > cut_last);
		assert(!has(back, f));
		assert(!has_end || f < end_at);
		live = live | bit(f)
	:: else
	fi
}

inline store_back(f) {
	if
	:: !has(back, f) ->
		assert((back >> f) == 0);
		assert(cut_at == NONE || f < cut_at);
		assert(!has(live, f));
		back = back | bit(f)
	:: else
	fi
}

proctype server() {
	byte k;
end:	do
	:: atomic { cut_key == asked -> store_cut() }
	:: atomic { end_key == asked -> store_end() }
	od
}

proctype capture() {
	do
	:: captured < N -> captured++
	:: else -> break
	od
}

proctype people() {
	atomic { on = true; revision = 1 }
	atomic { on = false; revision = 2 }
}

proctype route() {
	byte k, f;

	stop_at = NONE;
end:	do
	:: atomic { phase == dead -> start();
		if :: f_next -> apply_status(); feed(f_next) :: else fi }
	:: atomic { phase == backlog -> apply_status() }
	:: atomic { phase != dead && taken < captured ->
		f = taken; taken++;
		if
		:: st == seeking || st == cutting -> f_seek = f_seek | bit(f)
		:: else
		fi;
		put_frame(f);
		f = 0 }
	:: atomic { phase == running && seen != revision ->
		seen = revision;
		if
		:: (st == cutting || st == ending) && !on ->
			if :: stop_at == NONE -> stop_at = taken :: else fi
		:: (st == cutting || st == ending) && on
		:: else -> deal_config(on)
		fi }
	/* a pause is found at any of those that wait; or nothing came */
	:: atomic { phase != dead && st == seeking ->
		if
		:: wait == 0 -> cut(N)
		:: wait != 0 -> lowest(wait, f); if :: true :: f + 1 < N && has(wait, f + 1) -> f++ fi; cut(f)
		fi;
		f = 0 }
#ifdef CUT_LATE
	:: atomic { st == cutting && wait && !over ->
		lowest(wait, f); wait = wait & ~bit(f); queue = queue | bit(f); f = 0 }
#endif
	:: atomic { phase != dead && cut_key == answered && st == cutting ->
		cut_key = no_key;
		st = going;
		if :: over -> end_here() :: else -> go_on() fi }
	:: atomic { phase != dead && end_key == answered && st == ending ->
		end_key = no_key;
		st = idle;
		go_on() }
	/* publishers: the oldest first, each until its acknowledgement */
	:: atomic { phase != dead && (window >> sent) ->
		f = sent;
		do :: !has(window, f) -> f++ :: else -> break od;
		assert(!has(live | queue, f));
		pre = pre | bit(f); sent = f + 1; f = 0 }
	:: atomic { phase != dead && (queue & ~unacked) ->
		lowest(queue & ~unacked, f);
		store_live(f);
		unacked = unacked | bit(f); f = 0 }
	:: atomic { phase != dead && unacked -> lowest(unacked, f);
		queue = queue & ~bit(f); unacked = unacked & ~bit(f); f = 0 }
	:: atomic { phase == running && left && settled ->
		f_live = 0; f_input = 0; f_next = 0; f_seek = 0; f_pre = 0 }
	:: atomic { phase != dead && kills > 0 -> kills--; kill_route(); k = 0 }
	:: atomic { phase != dead && kills > 0 -> kills--; end_route(); k = 0 }
	/* kill -9 of the server: what was on its way comes again */
	:: atomic { kills > 0 -> kills--;
		if
		:: phase == dead -> lost = lost | (pre & ~(live | back | left)); pre = 0
		:: else -> pre = 0; sent = 0; unacked = 0
		fi }
	od
}

/* --- copy.c --- */

#define wanted(f) ((f) >= next && (f) <= cut_last && has(pre, f))

proctype flush() {
	byte f;

end:	do
	:: atomic { !copying && has_cut && !has_flush ->
		copying = true;
		next = (cut_first == NONE -> NONE : cut_first) }
	:: atomic { copying && next <= cut_last && next != NONE && (pre >> next) ->
		f = next;
		do :: !has(pre, f) -> f++ :: else -> break od;
		if
		:: f <= cut_last -> store_back(f); next = f + 1
		:: else -> next = NONE
		fi;
		f = 0 }
	:: atomic { copying && next != NONE && next <= cut_last &&
		!((pre | left | (window & ~(bit(sent) - 1))) >> next) -> next = NONE }
	:: atomic { copying && (next == NONE || next > cut_last) ->
		has_flush = true; copying = false }
	:: atomic { copying && kills > 0 -> kills--; copying = false; next = 0 }
	od
}

/* Nothing can happen any more, and nobody is killed any more. */
proctype judge() {
	byte f;

	kills = 0;
	timeout;
	assert(revision == 2 && taken == N);
	assert(has_cut && has_end && has_flush);                   /* invariant 5 */
	f = 0;
	do
	:: f < N ->
		assert(f >= end_at || has(live | back | lost, f));  /* invariant 1 */
		assert(f < end_at || has(pre | lost, f));
		f++
	:: else -> break
	od
}

init {
	atomic {
		cut_first = NONE; cut_last = NONE; cut_at = NONE;
		run server(); run capture(); run people(); run route(); run flush(); run judge()
	}
}

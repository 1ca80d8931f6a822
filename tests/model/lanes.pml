/*
 * lanes - from AUDIO_STREAM to TEXT_STREAM: a reader of the live lane (SECOND:
 * two), one of the backfill lane, who also writes the gaps; the store; the server and
 * who kills what.
 *
 * Follows lib/puller.c, lane.c, lane_move.c, mover.c, store.c, draft.c and
 * closer.c.  Frames below CUT are pre-roll and come by the backfill lane,
 * the others live.  A set of frames is a mask.  What a process does between
 * two waits for others is one step; between steps anybody may be killed.
 * Time: who is able to publish does it within the 5 s that the closer waits.
 *
 * ACK_FIRST breaks it: acknowledge when the record has been sent.
 * LAST_RECORD breaks it: coverage is all that is before the last record.
 * BLIND breaks it: a stream that is full counts as one without sound.
 */
#ifndef N
#define N 3             /* frames */
#endif
#ifndef KILLS
#define KILLS 1
#endif
#define CUT 1
#ifndef STEALS
#define STEALS 1
#endif
#ifndef TROUBLES
#define TROUBLES 1
#endif
#define ALL (bit(N) - 1)
#define bit(f) (1 << (f))
#define has(set, f) ((set) & bit(f))

#define LIVE 0
#define BACK 1
#define READERS 3       /* 0 and 1 of the live lane, 2 of the other */
#define NOBODY 9
#define lane(r) ((r) / 2)

/* Route and flush: what they still have, and what they have said. */
byte held = ALL;
bool ended;
#define flushed ((held & (bit(CUT) - 1)) == 0)

/* The server. */
byte queue[2], published[2];          /* in the lane now; ever */
byte owner[2], delivered[2];          /* since this owner's durable was made */
bool is_full;                            /* other sessions fill AUDIO_STREAM */
byte covered, seq;              /* TEXT_STREAM: records, and their number */
byte lost;                            /* no longer anywhere */

/* The readers. */
typedef reader {
	bool loaded;
	byte hold;                    /* delivered and not acknowledged by us */
	byte known, last_seq;         /* of TEXT_STREAM */
	byte moving, moved;
	byte draft;                   /* a record on its way, or none */
	bool is_gap;
	byte flight;                  /* 0: not sent, 1: stored, 2: refused */
	byte still                    /* closer: 0, or the records known when no sound was left + 1 */
};
reader R[READERS];
byte kills = KILLS, steals = STEALS, expires = TROUBLES, fills = TROUBLES;

inline lowest(set, f) { f = 0; do :: f < N && !has(set, f) -> f++ :: else -> break od }

/* --- the server --- */

/* By compare-and-set.  A PubAck that is lost is asked for again, and the id
 * is known then: the answer is the same. */
inline store(r) {
	if
	:: R[r].last_seq == seq ->
		assert((covered & R[r].draft) == 0);               /* invariant 5 */
		assert(!R[r].is_gap || (R[r].draft & ~lost) == 0);  /* a gap is lost sound */
		covered = covered | R[r].draft;
		seq++;
		R[r].flight = 1
	:: else -> R[r].flight = 2
	fi
}

/* Counts only for who owns the lane, and for what it was given since. */
inline acknowledge(r, set) {
	if
	:: owner[lane(r)] == r && ((set) & delivered[lane(r)] & queue[lane(r)]) ->
		assert(((set) & delivered[lane(r)] & queue[lane(r)] &
		    ~(covered | (lane(r) == LIVE -> queue[BACK] : 0))) == 0);  /* invariant 4 */
		queue[lane(r)] = queue[lane(r)] & ~((set) & delivered[lane(r)])
	:: else
	fi
}

inline publish(l, f) {
	if
	:: !has(published[l], f) ->
		queue[l] = queue[l] | bit(f);
		published[l] = published[l] | bit(f)
	:: else
	fi
}

/* --- the readers --- */

inline forget(r) {
	R[r].hold = 0; R[r].moving = 0; R[r].moved = 0
}

inline follow(r) {
	R[r].known = covered; R[r].last_seq = seq;
#ifdef LAST_RECORD
	if
	:: covered >= bit(N - 1) -> R[r].known = ALL
	:: covered < bit(N - 1) && covered >= bit(N - 2) -> R[r].known = bit(N - 1) - 1
	:: else
	fi;
#endif
	R[r].loaded = true
}

inline die(r) {
	if :: owner[lane(r)] == r -> owner[lane(r)] = NOBODY :: else fi;
	forget(r);
	R[r].loaded = false; R[r].known = 0; R[r].last_seq = 0; R[r].draft = 0;
	R[r].is_gap = false; R[r].flight = 0; R[r].still = 0
}

/* Uncovered sound that is held; a frame that moves is the other lane's. */
#define free(r) (R[r].hold & ~R[r].known & ~R[r].moving)
#ifdef ACK_FIRST
#define settled(r) (R[r].hold & (R[r].known | R[r].draft))
#else
#define settled(r) (R[r].hold & R[r].known)
#endif

/* The stream takes sound: who has some has sent it. */
#ifdef BLIND
#define takes true
#else
#define takes (!is_full)
#endif

proctype lane_reader(byte r) {
	byte f;

end:	do
	/* puller: the durable of somebody who asks no more is ours */
	:: atomic { owner[lane(r)] == NOBODY ->
		owner[lane(r)] = r; delivered[lane(r)] = 0; forget(r) }
	:: atomic { owner[lane(r)] != r && owner[lane(r)] != NOBODY && steals > 0 && lane(r) == LIVE ->
		steals--; owner[LIVE] = r; delivered[LIVE] = 0; forget(r) }
	:: atomic { owner[lane(r)] != r && (R[r].hold | R[r].moving) -> forget(r) }
	/* store: what others wrote */
	:: atomic { !R[r].loaded || (R[r].last_seq != seq && R[r].flight != 1) -> follow(r) }
	/* lane: what is delivered */
	:: atomic { owner[lane(r)] == r && R[r].loaded && (queue[lane(r)] & ~delivered[lane(r)]) ->
		f = queue[lane(r)] & ~delivered[lane(r)];
		delivered[lane(r)] = delivered[lane(r)] | f;
		R[r].hold = R[r].hold | (f & ~(R[r].known | R[r].moved));
		f = f & (R[r].known | R[r].moved);
		acknowledge(r, f);
		f = 0 }
	/* an engine has heard something: one frame, or two that touch */
	:: atomic { R[r].draft == 0 && free(r) ->
		lowest(free(r), f);
		if
		:: true -> R[r].draft = bit(f)
		:: has(free(r), f + 1) -> R[r].draft = bit(f) | bit(f + 1)
		:: free(r) > bit(f + 1) -> R[r].draft = free(r) & ~bit(f) & ~bit(f + 1)
		fi;
		f = 0 }
	/* store: send what is not covered, then take the answer */
	:: atomic { R[r].draft && R[r].flight == 0 && R[r].loaded ->
		R[r].draft = R[r].draft & ~R[r].known;
		if
		:: R[r].draft == 0 -> R[r].is_gap = false
		:: else -> store(r)
		fi }
	:: atomic { R[r].flight == 1 ->
		R[r].known = R[r].known | R[r].draft; R[r].last_seq++;
		R[r].draft = 0; R[r].is_gap = false; R[r].flight = 0 }
	:: atomic { R[r].flight == 2 && R[r].last_seq == seq -> R[r].flight = 0 }
	:: atomic { settled(r) ->
		f = settled(r);
		R[r].hold = R[r].hold & ~f; R[r].moving = R[r].moving & ~f;
		acknowledge(r, f);
		f = 0 }
	/* lane_move, mover: the copy is stored before the frame is acknowledged */
	:: atomic { lane(r) == LIVE && owner[LIVE] == r && R[r].moving == 0 && (free(r) & ~R[r].draft) ->
		lowest(free(r) & ~R[r].draft, f);
		R[r].moving = bit(f); f = 0 }
	:: atomic { R[r].moving && !is_full && !(R[r].moving & published[BACK]) ->
		lowest(R[r].moving, f);
		publish(BACK, f);
		f = 0 }
	:: atomic { R[r].moving & published[BACK] ->                 /* its PubAck */
		lowest(R[r].moving & published[BACK], f);
		R[r].moved = R[r].moved | bit(f); R[r].moving = 0;
		R[r].hold = R[r].hold & ~bit(f); acknowledge(r, bit(f));
		f = 0 }
	:: atomic { R[r].moving && is_full -> R[r].moving = 0 }
	/* closer: no sound is left, twice, and nothing new between */
	:: atomic { lane(r) == BACK && R[r].loaded && ended && flushed && R[r].draft == 0 &&
		(ALL & ~R[r].known) && R[r].hold == 0 && queue[LIVE] == 0 && queue[BACK] == 0 &&
		takes && R[r].still != R[r].last_seq + 1 -> R[r].still = R[r].last_seq + 1 }
	:: atomic { lane(r) == BACK && R[r].still == R[r].last_seq + 1 && R[r].still && R[r].draft == 0 &&
		(ALL & ~R[r].known) && R[r].hold == 0 && queue[LIVE] == 0 && queue[BACK] == 0 &&
		takes && (held == 0 || is_full) ->
		R[r].draft = ALL & ~R[r].known; R[r].is_gap = true; R[r].still = 0 }
	:: atomic { R[r].still && (queue[LIVE] || queue[BACK]) -> R[r].still = 0 }
	:: atomic { kills > 0 -> kills--; die(r) }
	od
}
/* Route and flush send what they have, oldest first in each lane; route says
 * that it is over whenever people do. */
proctype source() {
	byte f;

end:	do
	:: atomic { !is_full && (held & (bit(CUT) - 1)) ->
		lowest(held, f);
		publish(BACK, f); held = held & ~bit(f); f = 0 }
	:: atomic { !is_full && (held & ~(bit(CUT) - 1)) ->
		lowest(held & ~(bit(CUT) - 1), f);
		publish(LIVE, f); held = held & ~bit(f); f = 0 }
	:: atomic { !ended -> ended = true }
	:: atomic { kills > 0 && held -> kills--; lost = lost | held; held = 0 }
	od
}

/* The server is killed: what was on its way comes again, what had been
 * acknowledged may be there again; others fill the stream; sound grows old. */
proctype trouble() {
	byte f;

end:	do
	:: atomic { kills > 0 -> kills--;
		f = 0;
		do
		:: f < READERS ->
			R[f].still = 0; f++
		:: else -> break
		od;
		f = 0;
		delivered[LIVE] = 0; delivered[BACK] = 0;
		if
		:: true
		:: queue[LIVE] = published[LIVE] & ~lost; queue[BACK] = published[BACK] & ~lost
		fi }
	:: atomic { fills > 0 -> fills--; is_full = true }
	:: atomic { is_full -> is_full = false }
	:: atomic { expires > 0 && (queue[LIVE] | queue[BACK]) -> expires--;
		lowest(queue[LIVE] | queue[BACK], f);
		queue[LIVE] = queue[LIVE] & ~bit(f); queue[BACK] = queue[BACK] & ~bit(f);
		if :: !has(covered, f) -> lost = lost | bit(f) :: else fi;
		f = 0 }
	od
}

/* Nothing can happen any more, and nobody is killed any more. */
proctype judge() {
	atomic { kills = 0; expires = 0; fills = 0; steals = 0 }
	timeout;
	assert(covered == ALL);                                    /* invariants 1, 5: closed */
	assert(queue[LIVE] == 0 && queue[BACK] == 0)
}

init {
	atomic {
		owner[LIVE] = NOBODY; owner[BACK] = NOBODY;
		run lane_reader(0); run lane_reader(2);
#ifdef SECOND
		run lane_reader(1);
#endif
		run source(); run trouble(); run judge()
	}
}

/*
 * merge - the records of a session in their one order, as what is shown.
 *
 * Records may come in any order, early or late, once or twice; what items()
 * returns depends only on which ones there are.  Order: n of the run, first
 * sample, channel, sequence; the clock is for display.  Pure: no page, no
 * network, no clock.
 */
const PAUSE_MS = 4000;      /* a longer one begins a paragraph */
const HOLE_S = 1;           /* so does a hole, filled or not; a shorter one is an engine's rounding */
const STEP_MS = 30000;      /* so does a new half-minute after a sentence */
const SILENCE_MS = 60000;   /* a shorter one is not worth a word */
const SENTENCE = /[.?!…。؟]["'”’)]*$/;
const UNKNOWN = 1e9;        /* n of a run that the state does not name */

/* RFC 3339 with microseconds, as milliseconds with a fraction. */
export function millis(text) {
	const ms = Date.parse(text), micro = /\.\d{3}(\d{3})/.exec(text);
	return micro ? ms + micro[1] / 1000 : ms;
}

let ids = 0;

/* A record as it came, with what the rules need; without a run it is of
 * another make, and has no place but by its clock. */
function prepare(json) {
	const { seq = 0, is_final: final, type: kind, text, reason, language, run = '', first = 0, last = 0, rev = 1, channel = -1 } = json;
	const live = json.lane !== 'backfill', track = `${run}/${channel}`;
	return {
		id: ++ids, seq, final, kind, text, reason, language, run, first, last, rev, channel, live, track,
		key: final ? `s${seq}` : `i${live}${track}`, late: !live && rev === 1,
		voice: json.speaker || (channel >= 0 ? `Channel ${channel + 1}` : ''),
		from: millis(json.timestamp), to: millis(json.end || json.timestamp), stored: millis(json.stored),
	};
}

const middle = (r) => r.first + Math.floor((r.last - r.first) / 2);
const empty = (r) => r.first === r.last;
const order = (a, b) => a.n - b.n || a.clock - b.clock ||
	(a.run > b.run) - (a.run < b.run) || a.first - b.first || empty(b) - empty(a) ||
	a.channel - b.channel || b.final - a.final || a.seq - b.seq || a.live - b.live;

/* Does b begin a paragraph?  Decided by the two alone, so that late text
 * never breaks anew what stands. */
const breaks = (a, b) => !a || a.voice !== b.voice || a.late !== b.late || a.run !== b.run || b.from - a.to > PAUSE_MS ||
	b.first - a.last >= HOLE_S * b.rate ||
	(Math.floor(a.from / STEP_MS) !== Math.floor(b.from / STEP_MS) && SENTENCE.test(a.text));

export class Merge {
	constructor() {
		this.finals = new Map();    /* by seq */
		this.interims = new Map();  /* by key */
		this.reach = new Map();     /* track: how far live finals go */
		this.runs = new Map();      /* id: {n, first, from, rate, last} */
		this.clocks = new Map();    /* id: earliest clock of its records */
		this.list = [];             /* all, nearly in order */
		this.cut = this.end = null;
	}

	/* What the session's state says of its runs, its cut and its end. */
	setState(state) {
		const { runs = [], cut = null, end = null } = state;
		this.runs = new Map();
		/* A run ends where the next one says that it did. */
		for (const [i, { run, n, first, time, rate }] of runs.entries())
			this.runs.set(run, { n, first, from: millis(time), rate: rate || 16000, last: runs[i + 1]?.n === n + 1 ? runs[i + 1].prev_next : 0 });
		Object.assign(this, { cut, end, moved: true });
	}

	/* True when something is shown differently now. */
	add(json) {
		const r = prepare(json);
		if (!(r.final ? this.addFinal(r) : this.addInterim(r))) return false;
		this.seat(r);
		this.list.push(r);
		return true;
	}

	addFinal(r) {
		if (this.finals.has(r.seq)) return false;
		this.finals.set(r.seq, r);
		if (r.live) this.reach.set(r.track, Math.max(r.last, this.reach.get(r.track) || 0));
		if (!(this.clocks.get(r.run) <= r.from)) { this.clocks.set(r.run, r.from); this.moved = true; }
		for (const old of this.interims.values())
			if (old.track === r.track && old.first < r.last && r.first < old.last) {
				this.drop(old);
				/* It stands where this one will: the same words become final. */
				if (r.kind === 'text') r.was ||= old.key;
			}
		return true;
	}

	addInterim(r) {
		if (r.live && r.first < (this.reach.get(r.track) || 0)) return false;
		if (this.interims.has(r.key)) this.drop(this.interims.get(r.key));
		this.interims.set(r.key, r);
		r.gone = !r.text;
		return true;
	}

	drop(r) {
		this.interims.delete(r.key);
		r.gone = true;
	}

	dropInterims() {
		for (const r of this.interims.values()) this.drop(r);
	}

	/* Where a record stands among runs: known ones by n, others by clock. */
	seat(r) {
		const run = this.runs.get(r.run);
		r.n = run ? run.n : UNKNOWN;
		r.rate = run?.rate || 16000;
		r.clock = run ? 0 : r.run ? this.clocks.get(r.run) : r.from;
	}

	/* All in order, but for what a better pass replaces, and what came under
	 * a closed hole. */
	sorted(closed) {
		if (this.moved) for (const r of this.list) this.seat(r);
		this.moved = false;
		this.list = this.list.filter((r) => !r.gone).sort(order);
		const better = new Map(), top = this.list.reduce((rev, r) => Math.max(rev, r.rev), 1);
		for (const r of this.list) if (r.rev > 1) better.get(r.track)?.push(r) ?? better.set(r.track, [r]);
		for (const hole of closed) hole.hidden = 0;
		return this.list.filter((r) => {
			const under = empty(r) ? null : closed.find((hole) => hole.run === r.run && hole.first <= middle(r) && middle(r) < hole.last);
			if (under) under.hidden += r.last - r.first;
			return !under && !(r.rev < top && replaced(better.get(r.track), r));
		});
	}

	/* Is this place of the sound behind the start? */
	behindCut(r) {
		const { cut } = this, a = this.runs.get(r.run), b = this.runs.get(cut?.run);
		return !!r.run && r.run === cut?.run ? r.first >= cut.sample : !!a && !!b && a.n > b.n;
	}

	clockOf(run, sample) {
		const known = this.runs.get(run);
		return known ? known.from + (sample - known.first) / known.rate * 1000 : NaN;
	}

	/* Up to which sample a run is known to go. */
	edgeOf(run) {
		let edge = this.runs.get(run)?.last || 0;
		for (const place of [this.cut, this.end])
			if (place?.run === run) edge = Math.max(edge, place.sample);
		return edge;
	}

	/*
	 * What is shown, in order: {kind: 'turn', key, sign, from, records, ...},
	 * and notes of kind start, gap, off, wait (text still to come) and silence.
	 * Equal signs show the same.  closed: holes whose text is held back.
	 */
	items(closed = []) {
		return new Layout(this, closed).walk(this.sorted(closed));
	}

	/* The record of this sequence, or the one that is shown in its place. */
	shown(seq) {
		const r = this.finals.get(seq), list = r ? this.sorted([]).filter((x) => x.kind === 'text') : [];
		return list.find((x) => x === r) || list.find((x) => x.run === r.run && x.last > r.first) || list[list.length - 1];
	}
}

/* A record whose middle lies under a later revision is not shown. */
function replaced(list, r) {
	if (!list || empty(r)) return false;
	const at = middle(r);
	let low = 0, high = list.length;
	while (low < high) {
		const half = (low + high) >> 1;
		if (list[half].first <= at) low = half + 1; else high = half;
	}
	while (low-- > 0 && list[low].rev <= r.rev);
	return low >= 0 && at < list[low].last;
}

/* One walk through the records that are in order. */
class Layout {
	constructor(merge, closed) {
		this.merge = merge;
		this.closed = closed;
		this.items = [];
		this.turn = this.before = null;  /* the open paragraph; the text before */
		this.started = merge.cut?.run === undefined;
		this.run = null;
		this.reached = 0;                /* how far this run is covered */
	}

	walk(list) {
		for (const r of list) {
			if (r.run && r.run !== this.run) this.enter(r.run);
			this.start(r);
			if (r.run && r.final) this.hole(r.first);
			if (r.kind === 'text') this.text(r); else if (r.kind === 'gap') this.gap(r); else this.silence(r);
			if (r.run && r.final) this.reached = Math.max(this.reached, r.last);
		}
		/* Not a record yet, but the pre-roll is known to come. */
		const first = list.length ? null : [...this.merge.runs].find(([, run]) => run.n === 0);
		if (first && this.merge.edgeOf(first[0])) this.enter(first[0]);
		this.leave();
		return this.finish();
	}

	/* Short silences were only there to be joined; a voice is named when it
	 * is another one than just above, and lateness said once. */
	finish() {
		const items = this.items.filter((item) => item.kind !== 'silence' || item.to - item.from >= SILENCE_MS);
		let prev = null;
		for (const item of items) {
			if (item.kind === 'turn') {
				item.same = prev?.kind === 'turn' && prev.voice === item.voice && prev.late === item.late;
				item.lateHead = item.late && !prev?.late;
				item.sign += `${item.same ? 's' : ''}${item.lateHead ? 'h' : ''}`;
			} else item.sign = `${item.from}/${item.to}/${item.seconds}/${item.state}`;
			prev = item;
		}
		return items;
	}

	enter(run) {
		this.leave();
		this.run = run;
		this.reached = this.merge.runs.get(run)?.first ?? Infinity;
	}

	/* What is known to be there behind the last record of a run. */
	leave() {
		if (this.run !== null) this.hole(this.merge.edgeOf(this.run));
		this.before = null;
	}

	/* Text of [reached, sample) is still to come. */
	hole(sample) {
		const { merge, run, reached } = this;
		if (!(sample > reached)) return;
		this.reached = sample;
		const from = merge.clockOf(run, reached), to = merge.clockOf(run, sample);
		if (!(to - from >= HOLE_S * 1000)) return;
		const shut = this.closed.find((hole) => hole.run === run && hole.first === reached);
		this.note({ kind: 'wait', key: `w${run}/${reached}`, from, to, run, first: reached, last: sample,
			state: !shut?.hidden ? '' : shut.hidden < sample - reached ? 'part' : 'written' });
	}

	/* The line between what was said before the start and after it. */
	start(r) {
		const { merge } = this;
		if (this.started || !merge.behindCut(r)) return;
		this.started = true;
		if (r.run === merge.cut.run) this.hole(merge.cut.sample);
		const at = millis(merge.cut.time);
		if (this.items.length) this.note({ kind: 'start', key: 'start', from: at, to: at });
	}

	text(r) {
		if (this.turn && !breaks(this.before, r)) {
			this.turn.records.push(r);
			this.turn.sign = (this.turn.sign * 31 + r.id) | 0;
		} else {
			this.turn = {
				kind: 'turn', key: `t${r.key}`, was: r.was && `t${r.was}`, from: r.from, voice: r.voice,
				late: r.late && this.merge.behindCut(r), records: [r], sign: r.id,
			};
			this.items.push(this.turn);
		}
		this.before = r;
	}

	gap(r) {
		const kind = r.reason === 'off the record' ? 'off' : 'gap', seconds = (r.to - r.from) / 1000;
		const prev = this.items[this.items.length - 1];
		if (prev?.kind === kind && prev.reason === r.reason) {
			prev.to = Math.max(prev.to, r.to);
			prev.seconds += seconds;
		} else this.note({ kind, key: `g${r.seq}`, from: r.from, to: r.to, reason: r.reason, seconds });
	}

	/* Shown only when long; several in a row are one. */
	silence(r) {
		const prev = this.items[this.items.length - 1];
		if (prev?.kind === 'silence') prev.to = Math.max(prev.to, r.to);
		else if (r.to - r.from >= PAUSE_MS) this.note({ kind: 'silence', key: `q${r.seq}`, from: r.from, to: r.to });
	}

	note(item) {
		this.items.push(item);
		this.turn = this.before = null;
	}
}

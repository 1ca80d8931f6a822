/*
 * merge - the records of a session in their one order, as what is shown.
 *
 * Records may come in any order, early or late, once or twice; what items()
 * returns depends only on which ones there are.  Order: n of the run, first
 * sample, channel, sequence; the clock is for display.  Pure: no page, no
 * network, no clock.
 */

const PAUSE_MS = 4000;      /* a longer one begins a paragraph */
const STEP_MS = 30000;      /* so does a new half-minute after a sentence */
const SILENCE_MS = 60000;   /* a shorter one is not worth a word */
const HOLE_MS = 1000;       /* a shorter one is the rounding of an engine */
const SENTENCE = /[.?!…。؟]["'”’)]*$/;
const RATE = 16000;

/* RFC 3339 with microseconds, as milliseconds with a fraction. */
export function millis(text) {
	const ms = Date.parse(text);
	const micro = /\.\d{3}(\d{3})/.exec(text);
	return micro ? ms + micro[1] / 1000 : ms;
}

/* A record as it came, with what the rules need. */
function prepare(json) {
	const r = {
		seq: json.seq || 0, text: json.text, kind: json.type, late: json.lane === 'backfill',
		run: json.run, first: json.first, last: json.last, rev: json.rev || 1,
		channel: json.channel ?? -1, speaker: json.speaker, reason: json.reason,
		from: millis(json.timestamp), to: millis(json.end || json.timestamp),
		final: json.is_final, foreign: json.run === undefined,
	};
	r.key = r.final ? 's' + r.seq : `i${r.late ? 'b' : 'l'}${r.run}/${r.channel}`;
	return r;
}

const overlaps = (a, b) => a.run === b.run && a.channel === b.channel &&
	a.first < b.last && b.first < a.last;
const sign = (a, b) => (a > b) - (a < b);

export class Merge {
	constructor() {
		this.finals = new Map();    /* by seq */
		this.interims = new Map();  /* by key */
		this.reach = new Map();     /* run/channel: how far live finals go */
		this.runs = new Map();      /* id: {n, first, from, rate, last} */
		this.clocks = new Map();    /* id: earliest clock of its records */
		this.cut = this.end = null;
	}

	/* What the session's state says of its runs, its cut and its end. */
	setState(state) {
		const runs = state.runs || [];
		this.runs = new Map(runs.map((run) => [run.run, {
			n: run.n, first: run.first, from: millis(run.time), rate: run.rate || RATE,
		}]));
		/* A run ends where the next one says that it did. */
		for (let i = 1; i < runs.length; i++)
			if (runs[i].n === runs[i - 1].n + 1)
				this.runs.get(runs[i - 1].run).last = runs[i].prev_next;
		this.cut = state.cut || null;
		this.end = state.end || null;
	}

	/* True when something is shown differently now. */
	add(json) {
		const r = prepare(json);
		return r.final ? this.addFinal(r) : this.addInterim(r);
	}

	addFinal(r) {
		if (this.finals.has(r.seq)) return false;
		this.finals.set(r.seq, r);
		if (r.foreign) return true;
		const place = `${r.run}/${r.channel}`;
		if (!r.late) this.reach.set(place, Math.max(r.last, this.reach.get(place) || 0));
		if (!(this.clocks.get(r.run) <= r.from)) this.clocks.set(r.run, r.from);
		for (const [key, interim] of this.interims)
			if (overlaps(interim, r)) {
				this.interims.delete(key);
				/* It stands where this one will: the same words become final. */
				if (r.kind === 'text' && !r.was) r.was = interim.key;
			}
		return true;
	}

	addInterim(r) {
		if (!r.late && r.first < (this.reach.get(`${r.run}/${r.channel}`) || 0)) return false;
		if (!r.text) return this.interims.delete(r.key);
		this.interims.set(r.key, r);
		return true;
	}

	dropInterims() {
		this.interims.clear();
	}

	get lastSeq() {
		let last = 0;
		for (const seq of this.finals.keys()) if (seq > last) last = seq;
		return last;
	}

	/* Where a record stands among runs: known runs by n, others by clock. */
	place(r) {
		const run = r.foreign ? null : this.runs.get(r.run);
		if (run) return [0, run.n, 0, ''];
		return r.foreign ? [1, r.from, 1, ''] : [1, this.clocks.get(r.run) ?? r.from, 0, r.run];
	}

	/* All that is not replaced by a better pass, in order. */
	sorted() {
		const list = [...this.finals.values(), ...this.interims.values()];
		for (const r of list) r.place = this.place(r);
		list.sort((a, b) => {
			for (let i = 0; i < 4; i++)
				if (a.place[i] !== b.place[i]) return sign(a.place[i], b.place[i]);
			if (!a.foreign)
				return a.first - b.first || (b.first === b.last) - (a.first === a.last) ||
					a.channel - b.channel || b.final - a.final || a.seq - b.seq;
			return a.seq - b.seq;
		});
		return this.unreplaced(list);
	}

	/* A record whose middle lies under a later revision is not shown. */
	unreplaced(list) {
		const better = list.filter((r) => r.rev > 1);
		if (!better.length) return list;
		return list.filter((r) => {
			const middle = r.first + Math.floor((r.last - r.first) / 2);
			return r.foreign || r.first === r.last || !better.some((b) => b.rev > r.rev &&
				b.run === r.run && (b.channel === r.channel || b.channel < 0 || r.channel < 0) &&
				b.first <= middle && middle < b.last);
		});
	}

	/* Is this place of the sound behind the start? */
	behindCut(run, sample) {
		if (!this.cut || this.cut.run === undefined) return false;
		if (run === this.cut.run) return sample >= this.cut.sample;
		const a = this.runs.get(run), b = this.runs.get(this.cut.run);
		return !!a && !!b && a.n > b.n;
	}

	clockOf(run, sample) {
		const known = this.runs.get(run);
		return known ? known.from + (sample - known.first) / known.rate * 1000 : NaN;
	}

	/* Up to which sample a run is known to go. */
	edgeOf(run) {
		let edge = this.runs.get(run)?.last || 0;
		for (const place of [this.cut, this.end])
			if (place && place.run === run) edge = Math.max(edge, place.sample);
		return edge;
	}

	/*
	 * What is shown, in order: {kind: 'turn', key, records, ...}, and notes of
	 * kind start, gap, off, wait (text still to come) and silence.
	 */
	items() {
		return new Layout(this).run(this.sorted());
	}
}

/* One walk through the sorted records. */
class Layout {
	constructor(merge) {
		this.merge = merge;
		this.items = [];
		this.turn = this.before = null;  /* the open paragraph; the text before */
		this.started = !(merge.cut && merge.cut.run !== undefined);
		this.run_ = null;
		this.reached = 0;                /* how far the present run is covered */
	}

	run(list) {
		for (const r of list) {
			if (!r.foreign && r.run !== this.run_) this.enter(r.run);
			this.start(r);
			if (!r.foreign && r.final) this.hole(r.first);
			this[r.kind === 'text' ? 'text' : r.kind === 'gap' ? 'gap' : 'silence'](r);
			if (!r.foreign && r.final) this.reached = Math.max(this.reached, r.last);
		}
		this.leave();
		this.beginning(list);
		return this.finish();
	}

	/* Short silences were only there to be joined; a voice is named when it
	 * is another one than just above. */
	finish() {
		const items = this.items.filter((item) =>
			item.kind !== 'silence' || item.to - item.from >= SILENCE_MS);
		items.forEach((item, i) => {
			const prev = items[i - 1];
			item.same = item.kind === 'turn' && prev?.kind === 'turn' &&
				prev.voice === item.voice && prev.late === item.late;
		});
		return items;
	}

	enter(run) {
		this.leave();
		this.run_ = run;
		this.reached = this.merge.runs.get(run)?.first ?? Infinity;
	}

	/* What is known to be there behind the last record of a run. */
	leave() {
		if (this.run_ === null) return;
		const edge = this.merge.edgeOf(this.run_);
		this.before = null;
		this.hole(edge);
		this.reached = Math.max(this.reached, edge);
	}

	/* Not a record yet, but the pre-roll is known to come. */
	beginning(list) {
		const { merge } = this, first = [...merge.runs].find(([, run]) => run.n === 0);
		if (list.length || !first || merge.edgeOf(first[0]) === 0) return;
		this.enter(first[0]);
		this.leave();
	}

	/* Text of [reached, sample) is still to come. */
	hole(sample) {
		const { merge, run_, reached } = this;
		if (!(sample > reached)) return;
		const from = merge.clockOf(run_, reached), to = merge.clockOf(run_, sample);
		if (!(to - from >= HOLE_MS)) return;
		this.note({ kind: 'wait', key: `w${run_}/${reached}`, from, to });
	}

	/* The line between what was said before the start and after it. */
	start(r) {
		const { merge } = this;
		if (this.started || r.foreign || !merge.behindCut(r.run, r.first)) return;
		this.started = true;
		if (r.run === merge.cut.run) {
			this.hole(merge.cut.sample);
			this.reached = Math.max(this.reached, merge.cut.sample);
		}
		if (this.items.length === 0) return;
		const at = millis(merge.cut.time);
		this.note({ kind: 'start', key: 'start', from: at, to: at });
	}

	text(r) {
		r.behind = r.late && this.merge.behindCut(r.run, r.first);
		r.voice = r.speaker || (r.channel >= 0 ? `Channel ${r.channel + 1}` : '');
		if (this.turn && !breaks(this.before, r)) {
			this.turn.records.push(r);
		} else {
			this.turn = {
				kind: 'turn', key: 't' + r.key, was: r.was && 't' + r.was, from: r.from,
				voice: r.voice, late: r.behind, records: [r],
			};
			this.items.push(this.turn);
		}
		this.before = r;
	}

	gap(r) {
		const kind = r.reason === 'off the record' ? 'off' : 'gap';
		const prev = this.items[this.items.length - 1];
		if (prev?.kind === kind && prev.reason === r.reason) {
			prev.to = Math.max(prev.to, r.to);
			prev.seconds += (r.to - r.from) / 1000;
			return;
		}
		this.note({ kind, key: 'g' + r.seq, from: r.from, to: r.to, reason: r.reason,
			seconds: (r.to - r.from) / 1000 });
	}

	/* Shown only when long; several in a row are one. */
	silence(r) {
		const prev = this.items[this.items.length - 1];
		if (prev?.kind === 'silence') prev.to = Math.max(prev.to, r.to);
		else if (r.to - r.from >= PAUSE_MS)
			this.note({ kind: 'silence', key: 'q' + r.seq, from: r.from, to: r.to });
	}

	note(item) {
		this.items.push(item);
		this.turn = this.before = null;
	}
}

/* Does b begin a paragraph?  Decided by the two alone, so that late text
 * never breaks anew what stands. */
function breaks(a, b) {
	return !a || a.voice !== b.voice || a.late !== b.late || a.run !== b.run ||
		b.from - a.to > PAUSE_MS ||
		(Math.floor(a.from / STEP_MS) !== Math.floor(b.from / STEP_MS) && SENTENCE.test(a.text));
}

/*
 * merge - the records of a session in their one order, as what is shown.
 * What items() returns depends only on which ones there are.
 */
/* Longer ones begin a paragraph; shorter holes are an engine's rounding. */
const PAUSE_MS = 4000, HOLE_S = 1, STEP_MS = 30000, SILENCE_MS = 60000;
const SENTENCE = /[.?!…。؟]["'”’)]*$/;
const RATE = 16000, UNKNOWN = 1e9;  /* n of a run that the state does not name */

let ids = 0;

function prepare(json) {
	const { run = '', channel = -1, rev = 1, speaker } = json;
	return {
		first: 0, last: 0, ...json, run, channel, rev, id: ++ids, track: `${run}/${channel}`,
		live: json.lane !== 'backfill', late: json.lane === 'backfill' && rev === 1,
		voice: channel >= 0 ? `Channel ${channel + 1}` : speaker || '',
		from: Date.parse(json.timestamp), to: Date.parse(json.end || json.timestamp), stored: Date.parse(json.stored),
		face: {},  /* what shows it; kept when it changes or becomes final */
	};
}

const middle = (r) => r.first + Math.floor((r.last - r.first) / 2);
const empty = (r) => r.first === r.last;
const order = (a, b) => a.n - b.n || a.clock - b.clock ||
	(a.run > b.run) - (a.run < b.run) || a.first - b.first || empty(b) - empty(a) ||
	a.channel - b.channel || b.is_final - a.is_final || a.seq - b.seq || a.live - b.live;

/* Decided by the two alone: late text never breaks anew what stands. */
const breaks = (a, b) => !a || a.voice !== b.voice || a.late !== b.late || a.run !== b.run || b.from - a.to > PAUSE_MS ||
	b.first - a.last >= HOLE_S * b.rate ||
	(Math.floor(a.from / STEP_MS) !== Math.floor(b.from / STEP_MS) && SENTENCE.test(a.text));

/* Does its middle lie under a later revision?  list: of its track, in order. */
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

export class Merge {
	constructor() {
		this.finals = new Map();  /* by seq */
		this.interims = new Map();  /* by lane and track */
		this.reach = new Map();  /* track: how far live finals go */
		this.clocks = new Map();  /* run: earliest clock of its records */
		this.setState({});
	}

	/* A run ends where the next one says that it did. */
	setState({ runs, cut, end }) {
		this.runs = new Map((runs || []).map((run, i, { [i + 1]: next }) => [run.run, {
			n: run.n, first: run.first, from: Date.parse(run.time), rate: run.rate || RATE,
			last: next?.n === run.n + 1 ? next.prev_next : 0,
		}]));
		this.cut = cut;
		this.end = end;
	}

	add(json) {
		const r = prepare(json);
		return r.is_final ? this.addFinal(r) : this.addInterim(r);
	}

	addFinal(r) {
		if (this.finals.has(r.seq)) return false;
		this.finals.set(r.seq, r);
		if (r.live) this.reach.set(r.track, Math.max(r.last, this.reach.get(r.track) || 0));
		if (!(this.clocks.get(r.run) <= r.from)) this.clocks.set(r.run, r.from);
		let face = null;
		for (const [key, old] of this.interims)
			if (old.track === r.track && old.first < r.last && r.first < old.last) {
				this.interims.delete(key);
				face ||= old.face;
			}
		if (face) r.face = face;
		return true;
	}

	addInterim(r) {
		const key = `${r.live}/${r.track}`, old = this.interims.get(key);
		if (r.live && r.first < this.reach.get(r.track)) return false;
		this.interims.delete(key);
		if (!r.text) return !!old;
		if (old) r.face = old.face;
		this.interims.set(key, r);
		return true;
	}

	sorted(closed) {
		const list = [...this.finals.values(), ...this.interims.values()];
		for (const r of list) {
			const { n = UNKNOWN, rate = RATE } = this.runs.get(r.run) || {};
			Object.assign(r, { n, rate, clock: n !== UNKNOWN ? 0 : r.run ? this.clocks.get(r.run) : r.from });
		}
		list.sort(order);
		const better = {};
		for (const r of list) if (r.rev > 1) (better[r.track] ||= []).push(r);
		for (const hole of closed) hole.hidden = 0;
		return list.filter((r) => {
			const under = !empty(r) && closed.find((hole) => hole.run === r.run && hole.first <= middle(r) && middle(r) < hole.last);
			if (under) under.hidden += r.last - r.first;
			return !under && !replaced(better[r.track], r);
		});
	}

	behindCut(r) {
		const { cut } = this;
		return r.run && r.run === cut?.run ? r.first >= cut.sample : this.runs.get(r.run)?.n > this.runs.get(cut?.run)?.n;
	}

	clockOf(run, sample) {
		const known = this.runs.get(run);
		return known ? known.from + (sample - known.first) / known.rate * 1000 : NaN;
	}

	edgeOf(run) {
		const places = [this.cut, this.end].filter((place) => place?.run === run).map((place) => place.sample);
		return Math.max(this.runs.get(run)?.last || 0, ...places);
	}

	/* {kind: 'turn', key, sign, from, records, ...}, and notes.  Equal signs
	 * show the same.  closed: holes whose text is held back. */
	items(closed = []) {
		return layout(this, closed);
	}

	shown(seq) {
		const r = this.finals.get(seq), list = r ? this.sorted([]).filter((x) => x.type === 'text') : [];
		return list.find((x) => x === r) || list.find((x) => x.run === r.run && x.last > r.first) || list.at(-1);
	}
}

function layout(merge, closed) {
	const { runs, cut } = merge, all = merge.sorted(closed), items = [];
	let started = cut?.run === undefined;
	let turn = null, before = null;  /* the open paragraph; the text before */
	let run = null, reached = 0;  /* how far the present run is covered */

	function note(kind, key, from, to, more) {
		items.push({ kind, key, from, to, ...more });
		turn = before = null;
	}

	/* Text of [reached, sample) is still to come. */
	function hole(sample) {
		const first = reached, from = merge.clockOf(run, first), to = merge.clockOf(run, sample);
		if (!(sample > first)) return;
		reached = sample;
		if (!(to - from >= HOLE_S * 1000)) return;
		const hidden = closed.find((shut) => shut.run === run && shut.first === first)?.hidden;
		note('wait', `w${run}/${first}`, from, to, { run, first, last: sample, state: !hidden ? '' : hidden < sample - first ? 'part' : 'written' });
	}

	function enter(next) {
		if (run !== null) hole(merge.edgeOf(run));
		before = null;
		run = next;
		reached = runs.get(next)?.first ?? Infinity;
	}

	function start(r) {
		if (started || !merge.behindCut(r)) return;
		started = true;
		if (r.run === cut.run) hole(cut.sample);
		const at = Date.parse(cut.time);
		if (items.length) note('start', 'start', at, at);
	}

	const show = {
		text(r) {
			if (breaks(turn && before, r))
				items.push(turn = { kind: 'turn', key: r.face, from: r.from, voice: r.voice, records: [], sign: 0, late: r.late && merge.behindCut(r) });
			turn.records.push(r);
			turn.sign = (turn.sign * 31 + r.id) | 0;
			before = r;
		},
		/* What several channels lack is lost once. */
		gap({ seq, from, to, reason, channel, voice, first, last }) {
			const kind = reason === 'off the record' ? 'off' : 'gap', seconds = (to - from) / 1000, prev = items.at(-1);
			if (prev?.kind === kind && prev.reason === reason && (channel < 0 || first <= prev.last)) {
				prev.to = Math.max(prev.to, to);
				prev.seconds = channel < 0 ? prev.seconds + seconds : (prev.to - prev.from) / 1000;
				prev.last = last;
				if (prev.voice !== voice) prev.voice = '';
			} else note(kind, `g${seq}`, from, to, { reason, seconds, voice, last });
		},
		silence({ seq, from, to, channel }) {
			if (channel >= 0) return;
			const prev = items.at(-1);
			if (prev?.kind === 'silence') prev.to = Math.max(prev.to, to);
			else if (to - from >= PAUSE_MS) note('silence', `q${seq}`, from, to);
		},
	};

	for (const r of all) {
		const covers = r.run && r.is_final;
		if (r.run && r.run !== run) enter(r.run);
		start(r);
		if (covers) hole(r.first);
		(show[r.type] || show.silence)(r);
		if (covers) reached = Math.max(reached, r.last);
	}
	/* The pre-roll is known to come. */
	for (const [id, { n }] of all.length ? [] : runs) if (n === 0 && merge.edgeOf(id)) enter(id);
	enter(null);
	return finish(items);
}

function finish(items) {
	return items.filter((item) => item.kind !== 'silence' || item.to - item.from >= SILENCE_MS).map((item, i, { [i - 1]: prev }) => {
		const { kind, voice, late, from, to, seconds, state } = item;
		if (kind !== 'turn') return Object.assign(item, { sign: `${from}/${to}/${seconds}/${state}/${voice}` });
		const same = prev?.kind === 'turn' && prev.voice === voice && prev.late === late, lateHead = late && !prev?.late;
		return Object.assign(item, { same, lateHead, sign: `${item.sign}/${same}/${lateHead}` });
	});
}

/*
 * The merge, whatever the order of arrival: evaluated in a page of
 * rtta-serve, and by node.  "ok", or what differed.
 */
(async () => {
	const path = '/merge.js';
	const { Merge } = await (globalThis.document ? import(path)
		: import(`data:text/javascript,${encodeURIComponent(require('fs').readFileSync(process.argv[1]))}`));
	const ROUNDS = globalThis.document ? 10 : 60, ORDERS = 50;
	const BEGAN = Date.parse('2026-11-24T10:09:00Z');
	let seed = 1;
	const random = (n) => (seed = seed * 48271 % 2147483647) % n;
	const time = (s) => new Date(BEGAN + s * 1000).toISOString().replace('Z', '000Z');
	let seq = 0;
	const record = (run, from, to, more) => ({
		text: `Words from ${from} to ${to}${random(2) ? '.' : ''}`, timestamp: time(from), end: time(to),
		is_final: true, type: 'text', lane: 'live', seq: ++seq, run, first: from * 16000, last: to * 16000, rev: 1, ...more,
	});
	const interim = (...of) => ({ ...record(...of), is_final: false, seq: undefined });
	const state = {
		cut: { run: 'a', sample: 60 * 16000, time: time(60) },
		runs: [{ n: 0, run: 'a', first: 0, time: time(0), rate: 16000, prev_next: 0 },
			{ n: 1, run: 'b', first: 0, time: time(400), rate: 16000, prev_next: 300 * 16000 }],
	};

	/* Two runs, a second, better pass, a gap, silences, two foreign texts. */
	function session() {
		const records = [];
		for (const run of ['a', 'b'])
			for (let at = 0; at < 300;) {
				const to = at + 1 + random(20), kind = random(10), more = {};
				if (kind === 0) Object.assign(more, { type: 'silence', text: '' });
				if (kind === 1) Object.assign(more, { type: 'gap', text: '', reason: 'unplugged' });
				if (kind === 2) more.lane = 'backfill';
				if (kind === 3) more.channel = random(2);
				records.push(record(run, at, Math.min(to, 300), more));
				at = to;
			}
		records.push(record('a', 100, 120, { rev: 2, lane: 'backfill' }), record('a', 120, 140, { rev: 2, lane: 'backfill' }));
		records.push(record('b', 0, 20, { rev: 2, lane: 'backfill', text: '', type: 'silence' }));
		for (const at of [120, 450]) {
			const r = record('x', at, at + 1);
			for (const key of ['run', 'first', 'last']) delete r[key];
			records.push(r);
		}
		return records;
	}
	const show = (items) => JSON.stringify(items.map((item) => [item.kind, item.records ? '' : item.key, item.from, item.to, item.same,
		item.late, item.lateHead, item.reason, item.state, (item.records || []).map((r) => r.seq)]));
	function shown(records, stateAt) {
		const merge = new Merge();
		records.forEach((r, i) => {
			if (i === stateAt) merge.setState(state);
			merge.add(r);
			if (random(7) === 0) merge.add(r);
			if (random(5) === 0) merge.items();
		});
		if (stateAt >= records.length) merge.setState(state);
		return show(merge.items());
	}
	for (let round = 0; round < ROUNDS; round++) {
		const records = session(), want = shown(records, 0);
		for (let order = 0; order < ORDERS; order++) {
			const mixed = [...records];
			for (let i = mixed.length - 1; i > 0; i--) {
				const j = random(i + 1);
				[mixed[i], mixed[j]] = [mixed[j], mixed[i]];
			}
			const got = shown(mixed, random(mixed.length + 1));
			if (got !== want) return `round ${round}, order ${order}:\n${want}\n${got}`;
		}
	}

	/* Finals that stand never change their paragraph, whatever comes late. */
	for (let round = 0; round < ROUNDS; round++) {
		const records = session().filter((r) => r.rev === 1 && r.run), merge = new Merge(), after = new Map();
		merge.setState(state);
		const live = records.filter((r) => r.lane === 'live'), late = records.filter((r) => r.lane !== 'live');
		const follow = (now) => {
			for (const item of now)
				for (const [i, r] of (item.records || []).entries()) {
					const before = i ? item.records[i - 1].seq : 'begins';
					if (after.has(r.seq) && after.get(r.seq) !== before) return `${r.seq}: ${after.get(r.seq)}, then ${before}`;
					after.set(r.seq, before);
				}
			return null;
		};
		for (const r of live) merge.add(r);
		follow(merge.items());
		for (const r of late) {
			merge.add(r);
			const broken = follow(merge.items().filter((item) => !item.late));
			if (broken) return `re-broken: ${broken}`;
		}
	}

	/* Interim text: replaced, ended by its final, and not revived behind it. */
	const merge = new Merge(), words = () => merge.items().flatMap((i) => (i.records || []).map((r) => r.text)).join('|');
	merge.setState(state);
	merge.add(interim('a', 60, 62, { text: 'one' }));
	merge.add(interim('a', 60, 63, { text: 'one two' }));
	if (words() !== 'one two') return `interim: ${words()}`;
	const { key } = merge.items().find((i) => i.records);
	merge.add(record('a', 60, 64, { text: 'One two.' }));
	merge.add(interim('a', 60, 63, { text: 'one two' }));
	merge.add(interim('a', 64, 65, { text: 'three' }));
	if (words() !== 'One two.|three') return `final: ${words()}`;
	/* What becomes final keeps its place on the page; the next guess has its own. */
	const { records: [one, two], ...turn } = merge.items().find((i) => i.records);
	if (turn.key !== key || one.face !== key || two.face === key) return 'face';
	/* What was said before is a hole until it comes. */
	const kinds = () => merge.items().map((i) => i.kind).join(' ');
	if (kinds() !== 'wait start turn wait') return `hole: ${kinds()}`;
	/* A closed hole keeps what comes under it, and says so. */
	const closed = merge.items().slice(0, 1);
	merge.add(record('a', 0, 20, { lane: 'backfill', text: 'before' }));
	if (merge.items(closed)[0].state !== 'part') return 'closed, in part';
	merge.add(record('a', 20, 60, { lane: 'backfill', text: 'and before' }));
	const shut = merge.items(closed);
	if (shut[0].state !== 'written' || shut[0].key !== closed[0].key || shut.length !== 4) return `closed: ${show(shut)}`;
	if (kinds() !== 'turn start turn wait') return `filled: ${kinds()}`;
	/* A better pass replaces in place, in the same paragraph, and is not late. */
	merge.add(record('a', 64, 70, { text: 'Four.' }));
	const items = merge.items().length;
	merge.add(record('a', 64, 70, { rev: 2, lane: 'backfill', text: 'Five.' }));
	if (words() !== 'before|and before|One two.|Five.' || merge.items().length !== items) return `better: ${words()}`;
	/* What is linked is found, or what stands in its place. */
	const four = seq - 1;
	if (merge.shown(four).text !== 'Five.') return `linked: ${merge.shown(four)?.text}`;
	/* Channels are named; what both lack is lost once; one that is silent is no silence. */
	const both = new Merge();
	both.setState(state);
	for (const channel of [1, 0]) {
		both.add(record('a', 60, 64, { channel, speaker: '7', text: `said ${channel}` }));
		both.add(record('a', 64, 67, { channel, type: 'gap', text: '', reason: 'lost' }));
		both.add(record('a', 67, 97 + channel, { channel, type: 'silence', text: '' }));
	}
	both.add(record('a', 97, 99, { channel: 0, type: 'gap', text: '', reason: 'lost' }));
	const told = both.items().map((i) => `${i.kind} ${i.voice ?? ''} ${i.seconds ?? ''}`).join('|');
	if (told !== 'wait  |start  |turn Channel 1 |turn Channel 2 |gap  3|gap Channel 1 2|wait  ') return `channels: ${told}`;
	return 'ok';
})()

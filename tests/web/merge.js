/*
 * The merge, whatever the order of arrival: evaluated in a page of
 * rtta-serve.  "ok", or what differed.
 */
(async () => {
	const { Merge } = await import('/merge.js');
	const BEGAN = Date.parse('2026-11-24T10:09:00Z');
	let seed = 1;
	const random = (n) => (seed = seed * 48271 % 2147483647) % n;
	const time = (s) => new Date(BEGAN + s * 1000).toISOString().replace('Z', '000Z');
	let seq = 0;
	const record = (run, from, to, more) => ({
		text: `Words from ${from} to ${to}${random(2) ? '.' : ''}`, timestamp: time(from), end: time(to),
		is_final: true, type: 'text', lane: 'live', seq: ++seq, run, first: from * 16000, last: to * 16000, rev: 1, ...more,
	});
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
		records.push(record('a', 100, 140, { rev: 2, lane: 'backfill' }));
		for (const at of [120, 450]) {
			const r = record('x', at, at + 1);
			for (const key of ['run', 'first', 'last']) delete r[key];
			records.push(r);
		}
		return records;
	}
	function shown(records, stateAt) {
		const merge = new Merge();
		records.forEach((r, i) => {
			if (i === stateAt) merge.setState(state);
			merge.add(r);
			if (random(7) === 0) merge.add(r);
			if (random(5) === 0) merge.items();
		});
		if (stateAt >= records.length) merge.setState(state);
		return JSON.stringify(merge.items().map((item) => [item.kind, item.key, item.from, item.to, item.same,
			item.late, item.reason, (item.records || []).map((r) => r.key)]));
	}
	for (let round = 0; round < 40; round++) {
		const records = session(), want = shown(records, 0);
		for (let order = 0; order < 50; order++) {
			const mixed = [...records];
			for (let i = mixed.length - 1; i > 0; i--) {
				const j = random(i + 1);
				[mixed[i], mixed[j]] = [mixed[j], mixed[i]];
			}
			const got = shown(mixed, random(mixed.length + 1));
			if (got !== want) return `round ${round}, order ${order}:\n${want}\n${got}`;
		}
	}

	/* Interim text: replaced, ended by its final, and not revived behind it. */
	const merge = new Merge(), words = () => merge.items().flatMap((i) => (i.records || []).map((r) => r.text)).join('|');
	merge.setState(state);
	merge.add({ ...record('a', 60, 62, { text: 'one' }), is_final: false, seq: undefined });
	merge.add({ ...record('a', 60, 63, { text: 'one two' }), is_final: false, seq: undefined });
	if (words() !== 'one two') return `interim: ${words()}`;
	merge.add(record('a', 60, 64, { text: 'One two.' }));
	merge.add({ ...record('a', 60, 63, { text: 'one two' }), is_final: false, seq: undefined });
	merge.add({ ...record('a', 64, 65, { text: 'three' }), is_final: false, seq: undefined });
	if (words() !== 'One two.|three') return `final: ${words()}`;
	/* What was said before is a hole until it comes. */
	const kinds = () => merge.items().map((i) => i.kind).join(' ');
	if (kinds() !== 'wait start turn wait') return `hole: ${kinds()}`;
	merge.add(record('a', 0, 60, { lane: 'backfill' }));
	if (kinds() !== 'turn start turn wait') return `filled: ${kinds()}`;
	return 'ok';
})()

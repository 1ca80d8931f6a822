/*
 * The page itself, whatever the order of arrival: what a reader who saw all
 * of it come has on the screen is what one who comes last gets.  Evaluated in
 * a page of rtta-serve: "ok", or what differed.
 */
(async () => {
	const { Merge } = await import('/merge.js');
	/* A view is a module: each of the two is one of its own. */
	const open = async (name) => {
		const view = await import(`/view.js?${name}`), main = document.createElement('div'), box = document.createElement('div');
		main.append(box);
		document.body.append(main);
		view.open(box, false, { follow() {}, redraw() {} });
		return { box, view };
	};
	const late = await open('late'), there = await open('there');
	const BEGAN = Date.parse('2026-11-24T10:09:00Z');
	let seed = 7, seq = 0;
	const random = (n) => (seed = seed * 48271 % 2147483647) % n;
	const time = (s) => new Date(BEGAN + s * 1000).toISOString().replace('Z', '000Z');
	const record = (from, to, more) => ({
		text: `Words from ${from} to ${to}${random(2) ? '.' : ''}`, timestamp: time(from), end: time(to), stored: time(to),
		is_final: true, type: 'text', lane: 'live', seq: ++seq, run: 'a', first: from * 16000, last: to * 16000, rev: 1, ...more,
	});
	const state = {
		cut: { run: 'a', sample: 60 * 16000, time: time(60) }, end: { run: 'a', sample: 400 * 16000, time: time(400) },
		runs: [{ n: 0, run: 'a', first: 0, time: time(0), rate: 16000 }],
	};
	function session() {
		const records = [];
		for (let at = 0; at < 400;) {
			const to = Math.min(400, at + 1 + random(20)), kind = random(8), more = {};
			if (kind === 0) Object.assign(more, { type: 'silence', text: '' });
			if (kind === 1) Object.assign(more, { type: 'gap', text: '', reason: random(2) ? 'unplugged' : 'off the record' });
			if (kind === 2) more.lane = 'backfill';
			if (kind === 3) more.speaker = 'Chair';
			records.push(record(at, to, more));
			at = to;
		}
		records.push(record(100, 140, { rev: 2, lane: 'backfill' }));
		return records;
	}
	const seen = (box) => box.innerHTML.replace(/ style="[^"]*"/g, '').replace(/ class=""/g, '');
	for (let round = 0; round < 20; round++) {
		const records = session(), whole = new Merge(), merge = new Merge();
		late.view.clear();
		there.view.clear();
		whole.setState(state);
		for (const r of records) whole.add(r);
		late.view.show(whole.items(), false, false, 's');
		for (let i = records.length - 1; i > 0; i--) {
			const j = random(i + 1);
			[records[i], records[j]] = [records[j], records[i]];
		}
		there.view.follow(random(2) === 1);
		for (const [i, r] of records.entries()) {
			if (i === random(records.length)) merge.setState(state);
			/* Guesses come before what is final, now and then of other words. */
			if (r.type === 'text' && r.rev === 1 && random(2)) {
				merge.add({ ...r, is_final: false, seq: undefined, text: `${r.text.slice(0, random(12))} ...` });
				there.view.show(merge.items(), true, false, 's');
			}
			merge.add(r);
			if (random(3) === 0) there.view.show(merge.items(there.view.closed()), true, false, 's');
		}
		merge.setState(state);
		merge.interims.clear();
		there.view.show(merge.items(), true, false, 's');
		if (seen(there.box) !== seen(late.box)) return `round ${round}:\n${seen(late.box)}\n${seen(there.box)}`;
	}
	return 'ok';
})()

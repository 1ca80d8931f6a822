/*
 * view - the text on the page: paragraphs where they belong, the newest one
 * in sight, the reader's mark, and nothing that moves under a reader's eyes.
 */
import { $, clock, duration, h, root } from './dom.js';

const FIRST_ITEMS = 250;   /* so many are built at once, the rest when there is time */
const BIG_ITEMS = 6;       /* of the big screen and the overlay */
const LOG_LINES = 20;      /* spoken text that stays */

/* A note in two parts: the news, and the rest. */
function noteOf({ kind, state, from, to, seconds, reason }) {
	const span = `${clock(from)} to ${clock(to)}`, long = duration((to - from) / 1000);
	return {
		start: ['Start. ', 'Everything above was said before.'],
		gap: [`No text for ${duration(seconds)}. `, `${reason ? `Reason: ${reason}, ` : ''}${span}.`],
		off: ['Off the record, ', `${span}. Neither written nor kept.`],
		wait: ['Still to come: ', `${long}, ${span}. The sound is kept.`],
		part: ['Written in part: ', `${long}, ${span}. `],
		written: ['Written: ', `${long}, ${span}. `],
		silence: [`No speech for ${long}.`, ''],
	}[state || kind];
}

/* Make these the children, in order, touching only what differs. */
function arrange(parent, list) {
	const wanted = new Set(list);
	for (const el of [...parent.childNodes]) if (!wanted.has(el)) el.remove();
	let at = parent.firstChild;
	for (const el of list) if (el === at) at = at.nextSibling; else parent.insertBefore(el, at);
}

/* The element of this key; interim text that became final keeps its own. */
function elementOf(map, { key, was }, make) {
	if (!map.has(key)) {
		map.set(key, map.get(was) || make());
		map.delete(was);
	}
	return map.get(key);
}

const inSight = (el) => {
	const at = el.getBoundingClientRect();
	return at.bottom > 0 && at.top < innerHeight;
};

export class View {
	/* box: the element for the text; on: {follow(), redraw()}, told when
	   following changes and when there is more to build. */
	constructor(box, big, on) {
		Object.assign(this, { box, big, on, following: true, quiet: 0, y: 0, below: 0, up: 0 });
		this.tail = h('div.tail', { id: 'newest', tabIndex: -1 });
		this.jumped = -Infinity;   /* when we last went to the end at once */
		this.clear();
		addEventListener('scroll', () => this.scrolled(), { passive: true });
		addEventListener('resize', () => { this.quiet = performance.now() + 300; this.pin(true); });
		/* Paragraphs far away have estimated heights until they are seen. */
		new ResizeObserver(() => { const at = this.jumped; if (performance.now() < at + 1000) { this.pin(true); this.jumped = at; } }).observe(box);
		box.addEventListener('click', (e) => { if (getSelection().isCollapsed && !e.target.closest('a, button')) this.tap(e.clientX, e.clientY); });
	}

	clear() {
		this.blocks = new Map();     /* key of an item: element */
		this.spans = new Map();      /* key of a record: element */
		this.opened = new Set();     /* keys of holes that were opened by hand */
		this.box.replaceChildren(this.tail);
		this.items = [];
		this.unread = 0;
		this.last = this.place = this.newest = undefined;
		this.limit = FIRST_ITEMS;
	}

	/* Holes in sight of somebody who reads: what comes there opens by hand. */
	closed() {
		if (this.following || this.big) return [];
		return this.items.filter((item) => item.kind === 'wait' && !this.opened.has(item.key) && inSight(this.blocks.get(item.key)));
	}

	/* Show these items.  live: new text is counted for who reads above.
	   fromTop: when not all can be built at once, the first ones are. */
	show(all, { live, fromTop, session }) {
		const size = this.big ? BIG_ITEMS : this.limit;
		this.session = session;
		this.hold(this.reading(), () => this.build(fromTop ? all.slice(0, size) : all.slice(-size)));
		this.pin(!live);
		this.news(all, this.newest);
		if (!this.big && size < all.length)
			this.later ||= setTimeout(() => { this.later = 0; this.limit *= 4; this.on.redraw(); }, 30);
		this.marking();
		this.on.follow();
	}

	/* Finals that no item had before: a number, and perhaps aloud. */
	news(all, before) {
		const fresh = all.slice(-50).flatMap((item) => item.records || [])
			.filter((r) => r.final && r.live && r.seq > (before || 0)).sort((a, b) => a.seq - b.seq);
		this.newest = fresh.at(-1)?.seq || before || 0;
		if (before === undefined || !fresh.length) return;
		this.jumped = -Infinity;
		if (!this.following) this.unread += fresh.length;
		if (!this.aloud) return;
		for (const r of fresh) $('log').append(h('p', { lang: r.language || '' }, r.voice && `${r.voice}: `, r.text));
		while ($('log').children.length > LOG_LINES) $('log').firstChild.remove();
	}

	build(items) {
		this.items = items;
		/* Letters in a line, roughly, for heights before there is a layout. */
		this.row = Math.max(20, this.box.clientWidth / this.line() * 2.9);
		arrange(this.box, [...items.map((item) => this.block(item)), this.tail]);
		const last = this.blocks.get(items.at(-1)?.key);
		if (this.last && this.last !== last) this.last.style.minHeight = '';
		this.last = last;
	}

	block(item) {
		const el = elementOf(this.blocks, item, () => {
			const time = h('time'), link = h('a.t', { tabIndex: -1 }, time), say = h('span.say', { dir: item.kind === 'turn' ? 'auto' : '' });
			return h('p', { tabIndex: -1, time, link, say }, link, say, '\n');
		});
		if (el.sign === item.sign) return el;
		el.sign = item.sign;
		el.time.textContent = clock(item.from);
		el.time.dateTime = new Date(item.from).toISOString();
		if (item.kind === 'turn') this.fillTurn(el, item); else this.fillNote(el, item);
		return el;
	}

	fillNote(el, item) {
		const [news, rest] = noteOf(item);
		el.className = `turn note ${item.kind}`;
		el.say.replaceChildren(h('b', news), rest);
		if (item.state) el.say.append(h('button', { onclick: () => { this.opened.add(item.key); this.on.redraw(); } }, 'Show it'));
	}

	fillTurn(el, { records, voice, late, same, lateHead }) {
		const [{ seq, language, stored }] = records;
		el.className = `turn${late ? ' late' : ''}${same ? ' same' : ''}`;
		if (seq) el.link.href = `/s/${this.session}#r${seq}`;
		if (language) el.say.lang = language;
		el.who?.remove();
		el.who = h('b.who', voice && [h('bdi', voice), h('span.hide', ': ')],
			lateHead && h('i', `written late${stored > 0 ? `, ${clock(stored)}` : ''}`));
		if ((!same && voice) || lateHead) el.say.before(el.who);
		/* Spans with a blank between; what stands is not touched. */
		arrange(el.say, records.flatMap((r) => {
			const span = this.span(r);
			return [span.blank ||= new Text(' '), span];
		}).slice(1));
		el.style.containIntrinsicBlockSize = `auto ${1 + el.say.textContent.length / this.row}lh`;
		/* A shorter guess gives no line back. */
		if (!this.big && records.some((r) => !r.final)) el.style.minHeight = `${el.offsetHeight}px`;
	}

	/* Of a text that changes only the part that differs is replaced. */
	span(r) {
		const el = elementOf(this.spans, r, () => h('span', new Text())), node = el.firstChild, old = node.data;
		let same = 0;
		while (same < old.length && old[same] === r.text[same]) same++;
		if (old !== r.text) node.replaceData(same, old.length - same, r.text.slice(same));
		el.className = r.final ? '' : 'interim';
		el.seq = r.seq;
		return el;
	}

	line() { return parseFloat(getComputedStyle(this.box).lineHeight) || 28; }
	rest() { return root.scrollHeight - innerHeight - scrollY; }

	/* After every move of our own. */
	settle() { this.y = scrollY; this.below = this.rest(); this.up = 0; }

	/* The newest text stays in sight until the reader moves up.  The page
	   moves up a few lines at once, into room kept free below. */
	pin(force) {
		if (this.big || !this.following || !getSelection().isCollapsed) return;
		const was = scrollY, step = Math.max(1, Math.min(3, Math.floor(innerHeight / this.line() / 5)));
		if (!force && this.rest() < step * this.line()) return;
		if (force) this.jumped = performance.now();
		scrollTo(0, root.scrollHeight);
		this.settle();
		if (!force && !matchMedia('(prefers-reduced-motion: reduce)').matches && Math.abs(scrollY - was) < innerHeight)
			this.box.animate([{ transform: `translateY(${scrollY - was}px)` }, {}], { duration: 180, easing: 'ease-out' });
	}

	follow(on) {
		this.following = on;
		if (on) {
			this.unread = 0;
			document.activeElement?.closest('.turn')?.blur();
			this.pin(true);
		}
		this.on.follow();
	}

	/* The reader moved up if the position fell and the rest below grew: growth
	   alone is new text, a fall alone the browser making up for a change above.
	   True for wheel, finger, keys, scrollbar and find. */
	scrolled() {
		const rest = this.rest(), down = scrollY > this.y;
		this.up += Math.max(0, Math.min(this.y - scrollY, rest - this.below));
		this.y = scrollY;
		this.below = rest;
		if (performance.now() < this.quiet) this.up = 0;  /* a rotation, not the reader */
		else if (this.following && this.up > this.line()) this.follow(false);
		else if (!this.following && down && rest < this.line()) this.follow(true);
	}

	/* A change elsewhere must not move el.  Chromium and Firefox have seen to
	   it by the time we measure; in Safari all of it is left over. */
	hold(el, change) {
		const y = el?.isConnected && el.getBoundingClientRect().top;
		change();
		if (el?.isConnected) scrollBy(0, el.getBoundingClientRect().top - y);
		this.settle();
	}

	/* A change of size or width: what is being read stays. */
	resize(change) {
		if (this.last) this.last.style.minHeight = '';
		this.hold(this.reading(), change);
		this.pin(true);
	}

	/* What the reader looks at: the newest line, the mark, or the first whole
	   paragraph in sight that is there to stay. */
	reading() {
		if (this.following) return this.last;
		if (this.marked && inSight(this.marked)) return this.marked;
		return [...this.box.querySelectorAll('.turn:not(.wait)')].find((p) => p.getBoundingClientRect().top >= 0) || this.last;
	}

	/* Leave live for this paragraph. */
	leave(p, block) {
		this.following = false;
		p.scrollIntoView({ block });
		p.focus({ preventScroll: true });
		this.settle();
		this.on.follow();
	}

	/* Show the paragraph of this record. */
	go(r, className) {
		const p = r && this.spans.get(r.key)?.closest('.turn');
		if (!p) return false;
		if (className) {
			this.box.querySelector(`.${className}`)?.classList.remove(className);
			p.classList.add(className);
		}
		this.leave(p, 'center');
		return true;
	}

	/* The next (1) or previous (-1) paragraph gets the focus. */
	step(by) {
		const all = [...this.box.querySelectorAll('.turn')], at = all.indexOf(document.activeElement);
		const p = at < 0 ? this.reading() : all[at + by];
		if (p) this.leave(p, 'nearest');
	}

	/* The place-keeper: a word, kept as (record, offset); no element changes. */
	get marked() { return this.place && this.spans.get(`s${this.place.seq}`)?.closest('.turn'); }
	get key() { return `rtta-mark-${this.session}`; }

	toMark() { if (this.place) this.go({ key: `s${this.place.seq}` }); }

	tap(x, y) {
		const at = document.caretPositionFromPoint?.(x, y) || document.caretRangeFromPoint?.(x, y);
		const node = at?.offsetNode || at?.startContainer;
		if (node?.parentNode.seq) this.mark(node, at.offset ?? at.startOffset);
	}

	/* The paragraph that has the focus, or the newest word. */
	markHere() {
		const p = document.activeElement.closest('.turn'), spans = [...(p || this.box).querySelectorAll('.say span')].filter((el) => el.seq);
		const node = spans.at(p ? 0 : -1)?.firstChild;
		if (node) this.mark(node, p ? 0 : node.length);
	}

	mark(node, at) {
		while (at > 0 && /\S/.test(node.data[at - 1])) at--;
		const { seq } = node.parentNode, again = this.place?.seq === seq && this.place.at === at;
		this.place = again ? null : { seq, at };
		sessionStorage.setItem(this.key, JSON.stringify(this.place));
		this.marking();
	}

	marking() {
		if (this.session) this.place ??= JSON.parse(sessionStorage.getItem(this.key));
		const p = this.marked;
		this.box.querySelector('.marked')?.classList.remove('marked');
		p?.classList.add('marked');
		if (!window.Highlight) return;
		CSS.highlights.delete('place');
		if (!p) return;
		const range = new Range(), { at, seq } = this.place, node = this.spans.get(`s${seq}`).firstChild, [word] = /^\S*/.exec(node.data.slice(at));
		range.setStart(node, Math.min(at, node.length));
		range.setEnd(node, Math.min(at + word.length, node.length));
		CSS.highlights.set('place', new Highlight(range));
	}
}

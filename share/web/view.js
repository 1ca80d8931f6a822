/*
 * view - the text on the page: paragraphs where they belong, the newest one
 * in sight, the reader's mark, and nothing that moves under a reader's eyes.
 */
import { clock, duration, h, root } from './dom.js';

const FIRST_ITEMS = 250;   /* so many are built at once, the rest when there is time */
const BIG_ITEMS = 6;       /* of the big screen and the overlay */
const LOG_LINES = 20;      /* spoken text that stays */

/* A note in two parts: the news, and the rest. */
function noteOf(item) {
	const span = `${clock(item.from)} to ${clock(item.to)}`, long = duration((item.to - item.from) / 1000);
	switch (item.kind) {
	case 'start': return ['Start. ', 'Everything above was said before.'];
	case 'gap': return [`No text for ${duration(item.seconds)}. `, item.reason ? `Reason: ${item.reason}, ${span}.` : `${span}.`];
	case 'off': return ['Off the record, ', `${span}. Neither written nor kept.`];
	case 'wait': return item.state ? [item.state === 'part' ? 'Written in part: ' : 'Written: ', `${long}, ${span}. `]
		: ['Still to come: ', `${long}, ${span}. The sound is kept.`];
	default: return [`No speech for ${long}.`, ''];
	}
}

/* Make the children of parent those of list, in order, touching only what
 * differs.  What is not in the list must have been removed before. */
function arrange(parent, list, tail) {
	let at = parent.firstChild;
	for (const el of list) if (el === at) at = at.nextSibling; else parent.insertBefore(el, at || tail);
}

const inSight = (el) => {
	const at = el.getBoundingClientRect();
	return at.bottom > 0 && at.top < innerHeight;
};

export class View {
	/* box: the element for the text; on: {follow(), redraw()}, told when
	   following changes and when there is more to build. */
	constructor(box, big, on) {
		Object.assign(this, { box, big, on, following: true, unread: 0, limit: FIRST_ITEMS, shut: [] });
		this.tail = h('div', { class: 'tail', id: 'newest', tabindex: -1 });
		this.log = box.parentNode.querySelector('#log');
		this.still = matchMedia('(prefers-reduced-motion: reduce)');
		this.quiet = this.y = this.below = this.up = 0;
		this.jumped = -Infinity;   /* when we last went to the end at once */
		this.clear();
		addEventListener('scroll', () => this.scrolled(), { passive: true });
		addEventListener('resize', () => { this.quiet = performance.now() + 300; this.measure(); this.pin(true); });
		/* Sections far away have estimated heights until they are seen. */
		new ResizeObserver(() => { const at = this.jumped; if (performance.now() < at + 1000) { this.pin(true); this.jumped = at; } }).observe(box);
		box.addEventListener('click', (e) => { if (getSelection().isCollapsed && !e.target.closest('a, button')) this.tap(e.clientX, e.clientY); });
	}

	clear() {
		this.sections = new Map();   /* key: {el, sign, items} */
		this.blocks = new Map();     /* key of an item: element */
		this.spans = new Map();      /* key of a record: element */
		this.box.replaceChildren(this.tail);
		this.items = [];
		this.shown = this.unread = 0;
		this.last = this.place = this.opened = null;
		this.newest = undefined;
		this.limit = FIRST_ITEMS;
		this.measure();
	}

	/* Characters in a line, roughly, for sections that are not laid out yet. */
	measure() { root.style.setProperty('--row', Math.max(20, this.box.clientWidth / this.line() * 2.9)); }

	/* Holes in sight of somebody who reads: what comes there opens by hand. */
	closed() {
		if (this.following || this.big) return [];
		return this.items.filter((item) => item.kind === 'wait' && !this.opened?.has(item.key) && inSight(this.blocks.get(item.key)));
	}

	/* Show these items.  live: new text is counted for who reads above.
	   fromTop: when not all can be built at once, the first ones are. */
	show(all, { live, fromTop, session }) {
		const before = this.newest, size = this.big ? BIG_ITEMS : this.limit;
		const items = fromTop ? all.slice(0, size) : all.slice(-size);
		this.session = session;
		this.hold(this.reading(), () => this.build(items));
		this.pin(!live);
		this.news(all, before);
		if (!this.big && size < all.length && !this.later)
			this.later = setTimeout(() => { this.later = 0; this.limit *= 4; this.on.redraw(); }, 30);
		this.marking();
		this.on.follow();
	}

	/* Finals that no item had before: a number, and perhaps aloud. */
	news(all, before) {
		const fresh = [];
		this.newest = before ?? 0;
		for (let i = all.length; i-- > 0 && all.length - i < 50;)
			for (const r of all[i].records || [])
				if (r.seq > this.newest && r.final && r.live) fresh.push(r);
		for (const r of fresh) this.newest = Math.max(this.newest, r.seq);
		if (before === undefined || !fresh.length) return;
		this.jumped = -Infinity;
		if (!this.following) this.unread += fresh.length;
		if (!this.aloud) return;
		for (const r of fresh.sort((a, b) => a.seq - b.seq)) this.log.append(h('p', { lang: r.language }, r.voice ? `${r.voice}: ` : '', r.text));
		while (this.log.children.length > LOG_LINES) this.log.firstChild.remove();
	}

	/* --- the elements: a record is a span, a paragraph a block, a minute a section --- */

	build(items) {
		const plan = this.plan(items), changed = [], keep = new Set(), old = [];
		this.items = items;
		for (const [key, section] of this.sections)
			if (plan.get(key)?.sign !== section.sign) old.push(...section.items);
		for (const [key, part] of plan)
			if (this.sections.get(key)?.sign !== part.sign) changed.push(key);
		for (const key of changed)
			for (const item of plan.get(key).items) {
				this.inherit(this.blocks, item.was, item.key);
				keep.add(item.key);
				for (const r of item.records || []) { this.inherit(this.spans, r.was, r.key); keep.add(r.key); }
			}
		for (const item of old) {
			this.remove(this.blocks, item.key, keep);
			for (const r of item.records || []) this.remove(this.spans, r.key, keep);
		}
		for (const [key, section] of this.sections) if (!plan.has(key)) { section.el.remove(); this.sections.delete(key); }
		for (const key of changed) this.section(key, plan.get(key));
		arrange(this.box, [...plan.keys()].map((key) => this.sections.get(key).el), this.tail);
		const last = items.length ? this.blocks.get(items[items.length - 1].key) : null;
		if (this.last && this.last !== last) this.last.style.minHeight = '';
		this.last = last;
	}

	/* A minute is a section: far away ones need no layout. */
	plan(items) {
		const plan = new Map();
		let part = null, minute = NaN;
		for (const item of items) {
			const of = this.big ? 0 : Math.floor(item.from / 60000);
			if (of !== minute) {
				let key = `m${minute = of}`;
				while (plan.has(key)) key += "'";
				plan.set(key, part = { items: [], sign: '' });
			}
			part.items.push(item);
			part.sign += `${item.key}:${item.sign} `;
		}
		return plan;
	}

	/* Interim text that became final stays the same elements. */
	inherit(map, was, key) {
		if (!was || !map.has(was) || map.has(key)) return;
		map.set(key, map.get(was));
		map.delete(was);
	}

	remove(map, key, keep) {
		if (keep.has(key) || !map.has(key)) return;
		map.get(key).remove();
		map.delete(key);
	}

	section(key, part) {
		const el = this.sections.get(key)?.el || h('section', { class: 'min' });
		let letters = 0;
		for (const item of part.items) for (const r of item.records || []) letters += r.text.length;
		el.style.setProperty('--letters', letters);
		el.style.setProperty('--turns', part.items.length);
		arrange(el, part.items.map((item) => this.block(item)), null);
		this.sections.set(key, { el, ...part });
	}

	block(item) {
		let el = this.blocks.get(item.key);
		if (el?.sign === item.sign) return el;
		if (!el) this.blocks.set(item.key, el = this.frame(item));
		el.sign = item.sign;
		el.time.textContent = clock(item.from);
		el.time.dateTime = new Date(item.from).toISOString();
		if (item.kind === 'turn') this.fillTurn(el, item); else this.fillNote(el, item);
		return el;
	}

	frame(item) {
		const el = h('p', { class: 'turn', tabindex: -1 });
		el.time = h('time');
		el.say = h('span', { class: 'say', dir: item.kind === 'turn' ? 'auto' : null });
		el.link = h('a', { class: 't', tabindex: -1 }, el.time);
		el.append(el.link, el.say, '\n');
		return el;
	}

	fillNote(el, item) {
		const [news, rest] = noteOf(item);
		el.className = `turn note ${item.kind}`;
		el.say.replaceChildren(h('b', null, news), rest);
		if (!item.state) return;
		const show = h('button', { type: 'button' }, 'Show it');
		show.addEventListener('click', () => {
			(this.opened ||= new Set()).add(item.key);
			this.on.redraw();
		});
		el.say.append(show);
	}

	fillTurn(el, item) {
		el.className = `turn${item.late ? ' late' : ''}${item.same ? ' same' : ''}`;
		if (item.records[0].seq) el.link.href = `/s/${this.session}#r${item.records[0].seq}`;
		if (item.records[0].language) el.say.lang = item.records[0].language;
		el.who?.remove();
		el.who = null;
		if ((!item.same && item.voice) || item.lateHead) {
			el.who = h('b', { class: 'who' });
			if (item.voice) el.who.append(h('bdi', null, item.voice), h('span', { class: 'hide' }, ': '));
			const stored = item.records[0].stored;
			if (item.lateHead) el.who.append(h('i', null, stored > 0 ? `written late, ${clock(stored)}` : 'written late'));
			el.say.before(el.who);
		}
		/* Spans with a blank between; what stands is not touched. */
		const nodes = item.records.flatMap((r, i) => {
			const span = this.span(r);
			return i ? [span.blank ||= document.createTextNode(' '), span] : [span];
		});
		const wanted = new Set(nodes);
		for (const node of [...el.say.childNodes]) if (!wanted.has(node)) node.remove();
		arrange(el.say, nodes, null);
		/* A shorter guess gives no line back. */
		if (!this.big && item.records.some((r) => !r.final)) el.style.minHeight = `${el.offsetHeight}px`;
	}

	/* Of a text that changes only the part that differs is replaced. */
	span(r) {
		let el = this.spans.get(r.key);
		if (!el) this.spans.set(r.key, el = h('span', null, ''));
		const node = el.firstChild || el.appendChild(document.createTextNode('')), old = node.data;
		if (old !== r.text) {
			let same = 0;
			while (same < old.length && old[same] === r.text[same]) same++;
			node.replaceData(same, old.length - same, r.text.slice(same));
		}
		el.className = r.final ? '' : 'interim';
		el.seq = r.seq;
		return el;
	}

	/* --- follow: the newest text stays in sight until the reader moves up ---
	   The page moves up a few lines at once, into room kept free below. */

	line() { return parseFloat(getComputedStyle(this.box).lineHeight) || 28; }
	rest() { return root.scrollHeight - innerHeight - scrollY; }

	/* After every move of our own. */
	settle() { this.y = scrollY; this.below = this.rest(); this.up = 0; }

	pin(force) {
		if (this.big || !this.following || !getSelection().isCollapsed) return;
		const was = scrollY, step = Math.max(1, Math.min(3, Math.floor(innerHeight / this.line() / 5)));
		if (!force && this.rest() < step * this.line()) return;
		if (force) this.jumped = performance.now();
		scrollTo(0, root.scrollHeight);
		this.settle();
		if (!force && !this.still.matches && Math.abs(scrollY - was) < innerHeight)
			this.box.animate([{ transform: `translateY(${scrollY - was}px)` }, { transform: 'none' }],
				{ duration: 180, easing: 'ease-out' });
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
	   it by the time we measure; what is left over is done here: in Safari, all
	   of it. */
	hold(el, change) {
		const y = el?.isConnected ? el.getBoundingClientRect().top : 0;
		change();
		if (el?.isConnected) scrollBy(0, el.getBoundingClientRect().top - y);
		this.settle();
	}

	/* A change of size or width: what is being read stays. */
	resize(change) {
		if (this.last) this.last.style.minHeight = '';
		this.hold(this.reading(), change);
		this.measure();
		this.pin(true);
	}

	/* What the reader looks at: the newest line, the mark, or the first whole
	   paragraph in sight that is there to stay. */
	reading() {
		if (this.following) return this.last;
		if (this.marked && inSight(this.marked)) return this.marked;
		for (const section of this.box.children)
			if (section.getBoundingClientRect().bottom > 8)
				for (const p of section.children)
					if (p.getBoundingClientRect().top >= 0 && !p.classList.contains('wait')) return p;
		return this.last;
	}

	/* Show the paragraph of this record, and leave live. */
	go(r, className) {
		const p = r && this.spans.get(r.key)?.closest('.turn');
		if (!p) return false;
		this.following = false;
		if (className) {
			this.box.querySelector(`.${className}`)?.classList.remove(className);
			p.classList.add(className);
		}
		p.scrollIntoView({ block: 'center' });
		p.focus({ preventScroll: true });
		this.settle();
		this.on.follow();
		return true;
	}

	/* The next (1) or previous (-1) paragraph gets the focus. */
	step(by) {
		const all = [...this.box.querySelectorAll('.turn')], at = all.indexOf(document.activeElement);
		const el = at < 0 ? this.reading() : all[at + by];
		if (!el) return;
		this.following = false;
		el.focus({ preventScroll: true });
		el.scrollIntoView({ block: 'nearest' });
		this.on.follow();
	}

	/* --- the place-keeper: a word, kept as (record, offset); no element changes --- */

	get marked() { return this.place && this.spans.get(`s${this.place.seq}`)?.closest('.turn'); }
	get key() { return `rtta-mark-${this.session}`; }

	toMark() {
		const { place } = this;
		if (place) this.go(this.items.flatMap((item) => item.records || []).find((r) => r.seq === place.seq));
	}

	tap(x, y) {
		const at = document.caretPositionFromPoint?.(x, y) || document.caretRangeFromPoint?.(x, y);
		const node = at?.offsetNode || at?.startContainer;
		if (node?.nodeType === 3 && node.parentNode.seq && this.box.contains(node)) this.mark(node, at.offset ?? at.startOffset);
	}

	/* The word of the paragraph that has the focus, or the newest one. */
	markHere() {
		const p = document.activeElement.closest('.turn'), spans = [...(p || this.box).querySelectorAll('.say span')].filter((el) => el.seq);
		const node = spans[p ? 0 : spans.length - 1]?.firstChild;
		if (node) this.mark(node, p ? 0 : node.length);
	}

	mark(node, at) {
		while (at > 0 && /\S/.test(node.data[at - 1])) at--;
		const { seq } = node.parentNode, again = this.place?.seq === seq && this.place.at === at;
		this.place = again ? null : { seq, at };
		if (again) sessionStorage.removeItem(this.key); else sessionStorage.setItem(this.key, JSON.stringify(this.place));
		this.marking();
	}

	marking() {
		if (!this.place && this.session) this.place = JSON.parse(sessionStorage.getItem(this.key));
		const p = this.marked, old = this.box.querySelector('.marked'), { at } = this.place || {};
		if (old !== p) { old?.classList.remove('marked'); p?.classList.add('marked'); }
		if (!window.Highlight) return;
		CSS.highlights.delete('place');
		if (!p) return;
		const range = new Range(), node = this.spans.get(`s${this.place.seq}`).firstChild, rest = node.data.slice(at).search(/\s/);
		range.setStart(node, Math.min(at, node.length));
		range.setEnd(node, rest < 0 ? node.length : at + rest);
		CSS.highlights.set('place', new Highlight(range));
	}
}

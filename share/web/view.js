/*
 * view - the text on the page: paragraphs where they belong, the newest one
 * in sight, and nothing that moves under a reader's eyes.
 *
 * Text goes in as text, never as markup: it is inert.
 */

const SVG = 'http://www.w3.org/2000/svg';

export function h(tag, props, ...kids) {
	const el = /^(svg|path)$/.test(tag) ? document.createElementNS(SVG, tag) : document.createElement(tag);
	for (const name in props) if (props[name] != null) el.setAttribute(name, props[name]);
	el.append(...kids);
	return el;
}

const two = (n) => String(n).padStart(2, '0');

/* 10:15:03, as the reader's clock has it. */
export function clock(ms) {
	const at = new Date(ms);
	return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

const count = (n, what) => `${n} ${what}${n === 1 ? '' : 's'}`;

/* "6 seconds", "5 minutes", "2 min 10 s", "1 h 52 min". */
export function duration(seconds) {
	const s = Math.max(1, Math.round(seconds));
	if (s < 60) return count(s, 'second');
	if (s < 3600) return s % 60 ? `${Math.floor(s / 60)} min ${s % 60} s` : count(s / 60, 'minute');
	return `${Math.floor(s / 3600)} h ${Math.floor(s % 3600 / 60)} min`;
}

/* A note in two parts: the news, and the rest. */
function noteOf(item) {
	const span = `${clock(item.from)} to ${clock(item.to)}`;
	switch (item.kind) {
	case 'start': return ['Start. ', 'Everything above was said before.'];
	case 'gap': return [`No text for ${duration(item.seconds)}. `,
		item.reason ? `Reason: ${item.reason}, ${span}.` : `${span}.`];
	case 'off': return ['Off the record, ', `${span}. Neither written nor kept.`];
	case 'wait': return ['Still to come: ', `${duration((item.to - item.from) / 1000)}, ${span}. The sound is kept.`];
	default: return [`No speech for ${duration((item.to - item.from) / 1000)}.`, ''];
	}
}

/* Make the children of parent those of list, in order, touching only what
 * differs.  What is not in the list must have been removed before. */
function arrange(parent, list, tail) {
	let at = parent.firstChild;
	for (const el of list) {
		if (el === at) at = at.nextSibling;
		else parent.insertBefore(el, at || tail);
	}
}

export class View {
	/* box: the element for the text; onfollow: told when that changes. */
	constructor(box, onfollow) {
		this.box = box;
		this.onfollow = onfollow;
		this.tail = h('div', { class: 'tail', id: 'newest' });
		this.sections = new Map();   /* key: element */
		this.blocks = new Map();     /* key of an item: element */
		this.spans = new Map();      /* key of a record: element */
		this.count = 0;              /* records that are shown */
		this.unread = 0;
		this.following = true;
		this.still = matchMedia('(prefers-reduced-motion: reduce)');
		this.quiet = this.y = this.below = this.up = 0;
		box.replaceChildren(this.tail);
		addEventListener('scroll', () => this.scrolled(), { passive: true });
		addEventListener('resize', () => { this.quiet = performance.now() + 300; this.pin(true); });
	}

	clear() {
		for (const map of [this.sections, this.blocks, this.spans]) map.clear();
		this.box.replaceChildren(this.tail);
		this.count = this.unread = 0;
	}

	/* Show these items.  live: new text is counted for who reads above. */
	show(items, live) {
		const before = this.count;
		if (this.following) {
			this.build(items);
			this.pin(!live);
		} else {
			this.hold(this.reading(), () => this.build(items));
			if (live) this.unread += Math.max(0, this.count - before);
		}
		this.onfollow();
	}

	/* --- the elements --- */

	build(items) {
		const plan = this.plan(items);
		const keep = new Set(items.map((item) => item.key)), records = new Set();
		for (const item of items) for (const r of item.records || []) records.add(r.key);
		for (const item of items) this.inherit(item);
		for (const [key, el] of this.blocks) if (!keep.has(key)) { el.remove(); this.blocks.delete(key); }
		for (const [key, el] of this.spans) if (!records.has(key)) { el.remove(); this.spans.delete(key); }
		for (const [key, el] of this.sections) if (!plan.has(key)) { el.remove(); this.sections.delete(key); }
		const sections = [];
		for (const [key, part] of plan) sections.push(this.section(key, part));
		arrange(this.box, sections, this.tail);
		const last = items.length ? this.blocks.get(items[items.length - 1].key) : null;
		if (this.last && this.last !== last) this.last.style.minHeight = '';
		this.last = last;
		this.count = records.size;
	}

	/* A minute is a section: far away ones need no layout. */
	plan(items) {
		const plan = new Map();
		let key = '', minute = NaN;
		for (const item of items) {
			if (Math.floor(item.from / 60000) !== minute) {
				minute = Math.floor(item.from / 60000);
				for (key = `m${minute}`; plan.has(key);) key += "'";
				plan.set(key, []);
			}
			plan.get(key).push(item);
		}
		return plan;
	}

	/* Interim text that became final stays the same elements. */
	inherit(item) {
		if (item.was && this.blocks.has(item.was) && !this.blocks.has(item.key)) {
			this.blocks.set(item.key, this.blocks.get(item.was));
			this.blocks.delete(item.was);
		}
		for (const r of item.records || [])
			if (r.was && this.spans.has(r.was) && !this.spans.has(r.key)) {
				this.spans.set(r.key, this.spans.get(r.was));
				this.spans.delete(r.was);
			}
	}

	section(key, part) {
		let el = this.sections.get(key);
		if (!el) this.sections.set(key, el = h('section', { class: 'min' }));
		arrange(el, part.map((item) => this.block(item)), null);
		const rows = part.reduce((n, item) => n + 1.4 + (item.records || []).reduce((c, r) => c + r.text.length, 0) / 62, 0);
		el.style.setProperty('--rows', Math.ceil(rows));
		return el;
	}

	block(item) {
		let el = this.blocks.get(item.key);
		const sign = this.signature(item);
		if (el && el.sign === sign) return el;
		if (!el) this.blocks.set(item.key, el = this.frame(item));
		el.sign = sign;
		if (item.kind === 'turn') this.fillTurn(el, item);
		else this.fillNote(el, item);
		return el;
	}

	/* What an element shows; equal means nothing is to be done. */
	signature(item) {
		if (item.kind !== 'turn') return `${item.from}/${item.to}`;
		return item.records.map((r) => r.final ? r.key : r.text).join(' ') +
			`/${item.voice}/${item.late}/${item.same}/${item.from}`;
	}

	frame(item) {
		const el = h('p', { class: 'turn', tabindex: -1 });
		el.time = h('time');
		el.link = h('a', { class: 't', tabindex: -1 }, el.time);
		el.say = h('span', { class: 'say', dir: item.kind === 'turn' ? 'auto' : null });
		el.append(el.link, el.say, '\n');
		return el;
	}

	fillTime(el, item) {
		const at = clock(item.from);
		if (el.time.textContent === at) return;
		el.id = 't' + at.replace(/:/g, '');
		el.link.href = '#' + el.id;
		el.time.textContent = at;
		el.time.dateTime = new Date(item.from).toISOString();
	}

	fillNote(el, item) {
		const [news, rest] = noteOf(item);
		this.fillTime(el, item);
		el.className = `turn note ${item.kind}`;
		el.say.replaceChildren(h('b', null, news), rest);
	}

	fillTurn(el, item) {
		this.fillTime(el, item);
		el.className = 'turn' + (item.late ? ' late' : '') + (item.same ? ' same' : '');
		el.who?.remove();
		el.who = null;
		if (!item.same && (item.voice || item.late)) {
			el.who = h('b', { class: 'who' });
			if (item.voice) el.who.append(h('bdi', null, item.voice), h('span', { class: 'hide' }, ': '));
			if (item.late) el.who.append(h('i', null, 'written late'));
			el.say.before(el.who);
		}
		this.fillWords(el, item.records);
	}

	/* Spans with a blank between; what stands is not touched. */
	fillWords(el, records) {
		const spans = records.map((r) => this.span(r));
		const nodes = spans.flatMap((span, i) => i ? [span.blank ||= document.createTextNode(' '), span] : [span]);
		for (const node of [...el.say.childNodes]) if (!nodes.includes(node)) node.remove();
		arrange(el.say, nodes, null);
		/* A shorter guess gives no line back. */
		if (records.some((r) => !r.final)) el.style.minHeight = el.offsetHeight + 'px';
	}

	span(r) {
		let el = this.spans.get(r.key);
		if (!el) this.spans.set(r.key, el = h('span', null, ''));
		if (!el.firstChild) el.append('');
		const node = el.firstChild, old = node.data;
		if (old !== r.text) {
			let same = 0;
			while (same < old.length && old[same] === r.text[same]) same++;
			node.replaceData(same, old.length - same, r.text.slice(same));
		}
		el.className = r.final ? '' : 'interim';
		return el;
	}

	/* --- follow: the newest text stays in sight until the reader moves up ---
	   The page moves up a few lines at once, into room kept free below. */

	line() { return parseFloat(getComputedStyle(this.box).lineHeight) || 28; }
	rest() { return document.documentElement.scrollHeight - innerHeight - scrollY; }

	/* After every move of our own. */
	settle() { this.y = scrollY; this.below = this.rest(); this.up = 0; }

	pin(force) {
		if (!this.following || !getSelection().isCollapsed) return;
		const was = scrollY, step = Math.max(1, Math.min(3, Math.floor(innerHeight / this.line() / 5)));
		if (!force && this.rest() < step * this.line()) return;
		scrollTo(0, document.documentElement.scrollHeight);
		this.settle();
		if (!force && !this.still.matches && scrollY !== was)
			this.box.animate([{ transform: `translateY(${scrollY - was}px)` }, { transform: 'none' }],
				{ duration: 180, easing: 'ease-out' });
	}

	follow(on) {
		this.following = on;
		if (on) { this.unread = 0; this.pin(true); }
		this.onfollow();
	}

	/* The reader moved up if the position fell and the rest below grew: growth
	   alone is new text, a fall alone the browser making up for a change above.
	   True for wheel, finger, keys, scrollbar and find. */
	scrolled() {
		const rest = this.rest(), down = scrollY > this.y;
		const moved = Math.min(this.y - scrollY, rest - this.below);
		if (moved > 0) this.up += moved;
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

	/* The first whole paragraph in sight; a hole may be about to fill. */
	reading() {
		for (const section of this.box.children)
			if (section.getBoundingClientRect().bottom > 8)
				for (const p of section.children)
					if (p.getBoundingClientRect().top >= 0 && !p.classList.contains('wait')) return p;
		return this.last;
	}
}

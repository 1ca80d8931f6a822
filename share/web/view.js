/* view - the text on the page, the newest one in sight, the reader's mark. */
import { $, clock, duration, h, root } from './dom.js';

const FIRST_ITEMS = 250;  /* built at once, the rest when there is time */
const BIG_ITEMS = 6, LOG_LINES = 20;

export let following = true, unread = 0;
let box, tail, big, on;
let session, blocks, opened, limit;  /* blocks: element of each item; opened: holes */
let row;  /* letters in a line */
let last, place, then;  /* newest paragraph; the mark; what waits for all to be built */
let y, below, up, quiet = 0;

/* its: {follow(), redraw()}: following changed; there is more to build. */
export function open(el, isBig, its) {
	[box, big, on] = [el, isBig, its];
	tail = h('div.tail', { id: 'newest', tabIndex: -1 });
	clear();
	settle();
	addEventListener('scroll', scrolled, { passive: true });
	addEventListener('resize', () => { quiet = performance.now() + 300; pin(true); });
	box.onclick = tap;
}

export function clear() {
	blocks = new Map();
	opened = new Set();
	last = place = then = null;
	unread = 0;
	limit = FIRST_ITEMS;
	arrange(box, [tail]);
}

/* live: not the first time.  fromTop: the first ones first. */
export function show(all, live, fromTop, id) {
	const size = big ? BIG_ITEMS : limit, waiting = then;
	session = id;
	hold(reading(), () => build(fromTop ? all.slice(0, size) : all.slice(-size)));
	pin(!live);
	if (!big && size < all.length) setTimeout(() => { limit = Math.max(limit, size * 4); on.redraw(); }, 30);
	then = null;
	waiting?.();
	showMark();
	on.follow();
}

export function news({ voice, text, language }, aloud) {
	if (!following) unread++;
	if (!aloud) return;
	$('log').append(h('p', { lang: language || '' }, voice && `${voice}: `, text));
	if ($('log').children.length > LOG_LINES) $('log').firstChild.remove();
}

function arrange(parent, list) {
	const wanted = new Set(list);
	for (const el of [...parent.childNodes]) if (!wanted.has(el)) el.remove();
	let at = parent.firstChild;
	for (const el of list) if (el === at) at = at.nextSibling; else parent.insertBefore(el, at);
}

function build(items) {
	const old = blocks;
	row = Math.max(20, box.clientWidth / line() * 2.9);
	blocks = new Map(items.map((item) => [item.key, block(item, old.get(item.key))]));
	arrange(box, [...blocks.values(), tail]);
	const newest = tail.previousSibling;
	if (last && last !== newest) last.style.minHeight = '';
	last = newest;
}

function frame({ records }) {
	const time = h('time'), link = h('a.t', { tabIndex: -1 }, time), say = h('span.say', { dir: records ? 'auto' : '' });
	return h('p', { tabIndex: -1, time, link, say }, link, say, '\n');
}

function block(item, el = frame(item)) {
	if (el.item?.sign === item.sign) return el;
	el.item = item;
	el.time.textContent = clock(item.from);
	el.time.dateTime = new Date(item.from).toISOString();
	if (item.records) fillTurn(el, item); else fillNote(el, item);
	return el;
}

function noteOf({ kind, from, to, reason, seconds, state, voice }) {
	const span = `${clock(from)} to ${clock(to)}`, long = duration((to - from) / 1000);
	return {
		start: ['Start. ', 'Everything above was said before.'],
		gap: [`No text${voice && ` of ${voice}`} for ${duration(seconds)}. `, `${reason ? `Reason: ${reason}, ` : ''}${span}.`],
		off: ['Off the record, ', `${span}. Neither written nor kept.`],
		wait: ['Still to come: ', `${long}, ${span}. The sound is kept.`],
		part: ['Written in part: ', `${long}, ${span}. `],
		written: ['Written: ', `${long}, ${span}. `],
		silence: [`No speech for ${long}.`, ''],
	}[state || kind];
}

function fillNote(el, item) {
	const [news, rest] = noteOf(item);
	el.className = `turn note ${item.kind}`;
	el.say.replaceChildren(h('b', news), rest);
	if (item.state) el.say.append(h('button', { onclick() { opened.add(item.key); on.redraw(); } }, 'Show it'));
}

function fillTurn(el, { late, same, lateHead, voice, records }) {
	const [{ seq, language, stored }] = records;
	el.className = `turn${late ? ' late' : ''}${same ? ' same' : ''}`;
	if (seq) el.link.href = `/s/${session}#r${seq}`;
	if (language) el.say.lang = language;
	el.who?.remove();
	el.who = h('b.who', voice && [h('bdi', voice), h('span.hide', ': ')], lateHead && h('i', ` written late${stored > 0 ? `, ${clock(stored)}` : ''}`));
	if ((voice && !same) || lateHead) el.say.before(el.who);
	arrange(el.say, records.flatMap((r, i) => (i ? [r.face.blank ||= new Text(' '), span(r)] : [span(r)])));
	el.style.containIntrinsicBlockSize = `auto ${1 + el.say.textContent.length / row}lh`;
	/* A shorter guess gives no line back. */
	if (!big && records.some((r) => !r.is_final)) el.style.minHeight = `${el.offsetHeight}px`;
}

function span({ face, text, is_final, seq }) {
	const el = face.el ||= h('span', new Text()), node = el.firstChild, old = node.data;
	let same = 0;
	while (same < old.length && old[same] === text[same]) same++;
	if (old !== text) node.replaceData(same, old.length - same, text.slice(same));
	el.className = is_final ? '' : 'interim';
	if (seq) el.id = `r${seq}`;
	return el;
}

const line = () => parseFloat(getComputedStyle(box).lineHeight) || 28;
const rest = () => root.scrollHeight - innerHeight - scrollY;

function settle() { y = scrollY; below = rest(); up = 0; }

/* It moves up a few lines at once, into room kept free below. */
function pin(force) {
	if (big || !following || !getSelection().isCollapsed) return;
	const was = scrollY, step = Math.max(1, Math.min(3, Math.floor(innerHeight / line() / 5)));
	if (!force && rest() < step * line()) return;
	scrollTo(0, root.scrollHeight);
	settle();
	if (!force && !matchMedia('(prefers-reduced-motion: reduce)').matches && Math.abs(scrollY - was) < innerHeight)
		box.animate({ transform: [`translateY(${scrollY - was}px)`, 'none'] }, { duration: 180, easing: 'ease-out' });
}

export function follow(start, quietly) {
	following = start;
	if (start && !quietly) {
		unread = 0;
		document.activeElement?.closest('.turn')?.blur();
		pin(true);
	}
	on.follow();
}

/* The reader moved up if the position fell and the rest below grew: growth
   alone is new text, a fall alone the browser making up for a change above. */
function scrolled() {
	const down = scrollY > y, moved = up + Math.max(0, Math.min(y - scrollY, rest() - below));
	settle();
	if (performance.now() < quiet) return;  /* a rotation, not the reader */
	up = moved;
	if (following && up > line()) follow(false);
	else if (!following && down && below < line()) follow(true);
}

/* A change elsewhere must not move el.  What the browser has not made up for
   by now is done here: in Safari, all of it. */
function hold(el, change) {
	const top = () => (el?.isConnected ? at(el).top : 0), was = top();
	change();
	scrollBy(0, el?.isConnected ? top() - was : 0);
	settle();
}

export function resize(change) {
	if (last) last.style.minHeight = '';
	hold(reading(), change);
	pin(true);
}

const at = (el) => el.getBoundingClientRect();
const inSight = (el) => at(el).bottom > 0 && at(el).top < innerHeight;

function reading() {
	const marked = turnOf(place?.seq);
	if (following) return last;
	if (marked && inSight(marked)) return marked;
	return [...box.children].find((p) => at(p).top >= 0 && !p.matches('.wait, .tail')) || last;
}

export const closed = () => (following || big ? [] : [...box.querySelectorAll('.wait')]
	.filter((el) => !opened.has(el.item.key) && inSight(el)).map((el) => el.item));

const turnOf = (seq) => $(`r${seq}`)?.closest('.turn');

function only(p, name) {
	const old = box.querySelector(`.${name}`);
	if (old !== p) old?.classList.remove(name);
	p?.classList.add(name);
}

function stay(p) {
	following = false;
	p.focus({ preventScroll: true });
	on.follow();
}

export function go(seq, linked) {
	const p = turnOf(seq);
	if (p) {
		if (linked) only(p, 'linked');
		p.scrollIntoView({ block: 'center' });
		settle();
		stay(p);
	} else if (limit < Infinity) {
		limit = Infinity;
		then = () => go(seq, linked);
		on.redraw();
	}
}

export function step(by) {
	const all = [...box.querySelectorAll('.turn')], at = all.indexOf(document.activeElement), p = at < 0 ? reading() : all[at + by];
	if (p) stay(p);
	p?.scrollIntoView({ block: 'nearest' });
}

const key = () => `rtta-mark-${session}`;

export const toMark = () => place && go(place.seq);

function tap({ clientX: x, clientY: y, target }) {
	if (!getSelection().isCollapsed || target.closest('a, button')) return;
	const at = document.caretPositionFromPoint?.(x, y) || document.caretRangeFromPoint?.(x, y);
	const node = at?.offsetNode || at?.startContainer;
	if (node?.nodeType === 3 && node.parentNode.id && box.contains(node)) mark(node, at.offset ?? at.startOffset);
}

export function markHere() {
	const p = document.activeElement.closest('.turn'), words = (p || box).querySelectorAll('.say [id]');
	const node = words[p ? 0 : words.length - 1]?.firstChild;
	if (node) mark(node, p ? 0 : node.length);
}

function mark(node, at) {
	while (at > 0 && /\S/.test(node.data[at - 1])) at--;
	const seq = +node.parentNode.id.slice(1);
	place = place?.seq === seq && place.at === at ? null : { seq, at };
	sessionStorage.setItem(key(), JSON.stringify(place));
	showMark();
}

function showMark() {
	place ||= JSON.parse(sessionStorage.getItem(key()));
	const p = turnOf(place?.seq);
	only(p, 'marked');
	if (!window.Highlight) return;
	CSS.highlights.delete('place');
	if (!p) return;
	const { seq, at } = place, node = $(`r${seq}`).firstChild, blank = node.data.slice(at).search(/\s/), range = new Range();
	range.setStart(node, Math.min(at, node.length));
	range.setEnd(node, blank < 0 ? node.length : at + blank);
	CSS.highlights.set('place', new Highlight(range));
}

/*
 * page - one page, its views: reading (a session, or whichever is current;
 * also on the big screen and as an overlay), sessions, search, operator.
 */
import { $, address, day, duration, h, hour, root } from './dom.js';
import { search, sessions, titleOf } from './lists.js';
import { Merge, millis } from './merge.js';
import { Net } from './net.js';
import { operator, watchLevel } from './operator.js';
import { openSettings, resize, settings } from './settings.js';
import { isOver, missing, offRecord, sentence } from './state.js';
import { View } from './view.js';

const path = /^\/s\/([\w-]+)\/?$/.exec(location.pathname);
const asked = address.get('view') || (address.get('bg') === 'transparent' ? 'overlay' : 'read');
const view = /^(sessions|search|operator|display|overlay)$/.test(asked) ? asked : 'read';
const big = /^(display|overlay)$/.test(view), reads = big || view === 'read';
const BLINK_MS = 2000;   /* a shorter state is no news */

const model = { online: true, down: 0, loaded: false, box: {}, session: null, lag: null, delay: 0 };
const reader = { merge: new Merge(), view: { following: true, show() {} }, live: false, timer: 0, since: 0 };

let shown = null, next = null, nextSince = 0;

function stateLine() {
	const now = sentence(model), at = performance.now();
	if (shown && now.head !== shown.head) {
		if (next !== now.head) { next = now.head; nextSince = at; }
		if (shown.name !== 'wait' && at - reader.since > BLINK_MS && at - nextSince < BLINK_MS) return;
	}
	next = null;
	if (shown?.head !== now.head) $('state-head').textContent = now.head;
	else if (shown.rest === now.rest) return;
	$('state-rest').textContent = now.rest;
	$('state').className = `state ${now.tone}`;
	$('state').dataset.icon = now.icon;
	root.dataset.state = now.name;
	shown = now;
	if (view === 'display') $('curtain').textContent = now.name === 'paused' ? now.head + now.rest : '';
	bar();
}

/* The way back, and how much has come meanwhile. */
function bar() {
	const back = $('back'), { following, unread } = reader.view;
	back.hidden = view !== 'read' || following || isOver(model.session);
	back.textContent = `↓ ${/^(live|behind|bridge)$/.test(shown?.name) ? 'Back to live' : 'Newest text'}${unread ? `, ${unread} new` : ''}`;
	$('bar').className = `bar ${shown?.tone} ${back.hidden ? '' : 'away'}`;
}

const downloads = (id) => h('p.take', ['txt', 'srt', 'vtt', 'jsonl', 'ctm'].map((f) =>
	h('a', { href: `/s/${id}/transcript.${f}`, download: `${id}.${f}` }, f.toUpperCase())));

function headOf(session, items) {
	const first = items.find((item) => item.kind !== 'start'), ledger = session.ledger || {}, off = offRecord(ledger);
	const started = millis(session.started), from = first ? first.from : started, before = (started - from) / 1000;
	if (!(from > 0)) return '';
	if (session.state !== 'ended' || !session.end?.time)
		return `${day(from)}. Text from ${hour(from)}${before >= 1 && ledger.preroll_s >= 1 ? `, ${duration(before)} before the start` : ''}.`;
	const lost = missing(ledger), whole = ledger.closed || ledger.pending_s < 0.5;
	return `${day(from)}, ${hour(from)} to ${hour(millis(session.end.time))}.${whole ? ` All of it is text${lost >= 0.5 ? `, but for ${duration(lost)}` : ''}.` : ''}${off ? ` ${duration(off)} off the record.` : ''}`;
}

function drawHead(session, items) {
	const title = titleOf(session), line = headOf(session, items), over = isOver(session), wrong = model.box.clock_synced === false && !over;
	const sign = [title, line, session.session, session.state, wrong].join('/');
	if ($('head').sign === sign) return;
	$('head').sign = sign;
	document.title = `${title} · rtta`;
	$('title-line').replaceChildren(h('h1', h('bdi', title)), h('p', big ? `Read along: ${location.host}` : line),
		wrong ? h('p.doubt', 'The box’s clock is not synchronised: the times may be wrong.') : '',
		over && !big ? downloads(session.session) : '');
	$('takes').replaceChildren(h('h3', 'Take this text home'), downloads(session.session));
	$('find').href = `/?view=search&session=${session.session}`;
}

function empty(title, ...lines) {
	$('head').sign = null;
	$('title-line').replaceChildren();
	$('empty').hidden = view === 'overlay';
	$('empty').replaceChildren(h('h1', title), ...lines.map((text) => h('p', text)));
}

function draw() {
	const { merge, view: text } = reader, { session } = model, { start } = settings;
	reader.timer = 0;
	if (!session) {
		empty('No session yet', 'When somebody presses start, the text appears here by itself.',
			'Until then the box keeps the last five minutes of sound in its memory, and nothing else.');
		text.show([], {});
		return;
	}
	const items = merge.items(text.closed()), ended = isOver(session), fromTop = ended || start === 'beginning';
	root.classList.toggle('live', !ended);
	if (items.length || !session.ledger) {
		$('empty').hidden = true;
		drawHead(session, items);
	} else if (ended) empty('No speech in this session', 'Every second was heard, and all of it was silence.');
	else empty(`${session.started ? `Started at ${hour(millis(session.started))}. ` : ''}Nobody has spoken yet.`, 'The first words will appear here by themselves.');
	const first = !reader.drawn && items.length > 0;
	if (first) text.following = !fromTop && settings.scroll && !/:/.test(start) && !location.hash;
	text.show(items, { live: !first, fromTop: fromTop && !location.hash, session: session.session });
	if (!first) return;
	performance.mark('drawn');
	reader.drawn = true;
	/* Where the reader wants to begin: a linked line, or a time of day. */
	if (!linked() && /:/.test(start))
		goTo((items.find((x) => x.records && hour(x.from) >= start.padStart(5, '0').slice(0, 5)) || items.at(-1)).records?.[0]);
}

/* Also to what is not built yet. */
function goTo(record, className) {
	if (reader.view.go(record, className)) return;
	reader.view.limit = Infinity;
	redraw();
	setTimeout(() => reader.view.go(record, className), 100);
}

function linked() {
	const seq = /^#r(\d+)$/.exec(location.hash)?.[1];
	if (seq) goTo(reader.merge.shown(+seq), 'linked');
	return seq;
}

/* Many records at once are drawn once. */
function redraw() {
	if (reads && reader.live) reader.timer ||= setTimeout(draw, 16);
}

/* How far the text is behind what is said: of the last few live words. */
function measureLag(json) {
	if (json.lane !== 'live' || json.type !== 'text' || (!json.stored && reader.clockOff === undefined)) return;
	const now = json.stored ? millis(json.stored) : Date.now() + reader.clockOff, lag = Math.max(0, (now - millis(json.end)) / 1000);
	model.lag = model.lag === null ? lag : model.lag * 0.7 + lag * 0.3;
}

const events = {
	undefined(json) {
		const { merge } = reader, add = () => { if (merge.add(json)) redraw(); };
		measureLag(json);
		if (settings.delay && (reader.live || !json.is_final)) setTimeout(add, settings.delay * 1000); else add();
	},
	state(json) {
		if (json.session !== model.session?.session) return;
		model.session = json;
		reader.merge.setState(json);
		redraw();
		awake();
	},
	box(json) {
		reader.clockOff = millis(json.now) - Date.now();
		if (json.bus === false && model.box.bus !== false) model.busAway = Date.now();
		model.box = json;
	},
	live() {
		reader.live = model.loaded = true;
		reader.since = performance.now();
		redraw();
	},
};

const on = {
	message(json) {
		events[json.event]?.(json);
		stateLine();
		if (view === 'operator') operator(model);
	},
	begin(id) {
		reader.merge = new Merge();
		reader.view.clear?.();
		reader.drawn = reader.live = false;
		model.session = id ? { session: id, state: 'active' } : null;
		model.lag = null;
	},
	up() {
		model.down = 0;
		reader.merge.dropInterims();
		stateLine();
	},
	down() {
		model.down ||= Date.now();
		reader.live = false;
		stateLine();
	},
};

const held = (run) => { if (reads) reader.view.resize(run); else run(); };

const act = {
	'+': () => held(() => resize(1)), '-': () => held(() => resize(-1)), '/': () => location.assign($('find').href),
	...reads && {
		l: () => reader.view.follow(true), m: () => reader.view.markHere(), g: () => reader.view.toMark(),
		j: () => reader.view.step(1), k: () => reader.view.step(-1), f: () => root.requestFullscreen?.(),
	},
};

addEventListener('keydown', (e) => {
	if (e.ctrlKey || e.metaKey || e.altKey || !settings.keys || !act[e.key] || e.target.closest('input, dialog')) return;
	e.preventDefault();
	act[e.key]();
});

/* The screen stays on while there is something to read. */
let lock = null;
async function awake() {
	const wanted = reads && settings.awake && document.visibilityState === 'visible' && !isOver(model.session);
	if (wanted === (lock?.released === false)) return;
	try {
		if (wanted) lock = await navigator.wakeLock?.request('screen');
		else await lock?.release();
	} catch { /* the device decides */ }
}

/* A token in the address has become a cookie by now. */
if (address.has('token')) {
	const at = new URL(location.href);
	at.searchParams.delete('token');
	history.replaceState(null, '', at);
}
root.classList.add(view);
if (big) root.classList.add('big');
if (reads) reader.view = new View(big ? $('text').appendChild(h('div')) : $('text'), big, { follow: bar, redraw });
else {
	$('text').remove();
	$('skip').href = '#main';
	$('skip').textContent = 'Skip to the content';
}
const applied = () => { reader.view.aloud = settings.aloud; awake(); };
openSettings(held, applied);
applied();
model.delay = settings.delay;
$('head').hidden = !settings.header;
document.querySelector('.tools').hidden = !settings.controls;
if (view === 'display') {
	$('head').append($('state'), h('img.qr', { alt: 'QR code of this page’s address', src: `/qr.svg?tls=${+(location.protocol === 'https:')}` }));
	$('head').onclick = act.f;
}
for (const el of document.querySelectorAll('dialog'))
	el.addEventListener('toggle', () => held(() => root.classList.toggle('panel', document.querySelector(':popover-open'))));
$('back').onclick = act.l;
addEventListener('hashchange', linked);
document.addEventListener('visibilitychange', awake);
if (view === 'sessions') sessions();
if (view === 'search') search();
if (view === 'operator') watchLevel(model);
new Net(path ? path[1] : '', reads, on);
// Only a change counts: a box without a network reads its own page, too.
for (const name of ['online', 'offline'])
	addEventListener(name, () => { model.online = name === 'online'; if (!model.online) on.down(); stateLine(); });
setInterval(stateLine, 1000);
stateLine();

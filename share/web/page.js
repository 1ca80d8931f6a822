/*
 * page - one page, its views: reading (a session, or whichever is current;
 * also on the big screen and as an overlay), sessions, search, operator.
 */
import { $, address, day, duration, h, hour, root } from './dom.js';
import { search, sessions, titleOf } from './lists.js';
import { Merge, millis } from './merge.js';
import { Net } from './net.js';
import { operator, watchLevel } from './operator.js';
import { change, openSettings, resize, settings } from './settings.js';
import { isOver, missing, offRecord, sentence } from './state.js';
import { View } from './view.js';

const path = /^\/s\/([\w-]+)\/?$/.exec(location.pathname);
const asked = address.get('view') || (address.get('bg') === 'transparent' ? 'overlay' : 'read');
const view = /^(sessions|search|operator|display|overlay)$/.test(asked) ? asked : 'read';
const big = /^(display|overlay)$/.test(view), reads = big || view === 'read';
const FORMATS = ['txt', 'srt', 'vtt', 'jsonl', 'ctm'];
const BLINK_MS = 2000;   /* a shorter state is no news */

const model = { online: navigator.onLine, down: 0, loaded: false, box: {}, session: null, lag: null, delay: 0 };
const reader = { merge: new Merge(), view: null, live: false, timer: 0, since: 0 };

/* --- the state line --- */

let shown = null, next = null, nextSince = 0;

function stateLine() {
	const now = sentence(model);
	if (shown && now.head !== shown.head) {
		if (next !== now.head) { next = now.head; nextSince = performance.now(); }
		const settled = performance.now() - reader.since > BLINK_MS;
		if (settled && shown.name !== 'wait' && performance.now() - nextSince < BLINK_MS) return;
	}
	next = null;
	if (shown && shown.head === now.head && shown.rest === now.rest && shown.tone === now.tone) return;
	if (shown?.head !== now.head) $('state-head').textContent = now.head;
	$('state-rest').textContent = now.rest;
	$('state-icon').setAttribute('d', now.icon);
	$('state-icon').setAttribute('class', now.solid ? 'solid-icon' : '');
	$('state').className = `state ${now.tone}`;
	root.dataset.state = now.name;
	shown = now;
	if (view === 'display') $('curtain').textContent = now.name === 'paused' ? `${now.head}${now.rest}` : '';
	bar();
}

/* The way back, and how much has come meanwhile. */
function bar() {
	const back = $('back'), text = reader.view;
	back.hidden = view !== 'read' || text.following || (model.session && isOver(model.session));
	if (!back.hidden) {
		const live = /^(live|behind|bridge)$/.test(shown?.name) ? '↓ Back to live' : '↓ Newest text';
		back.textContent = text.unread ? `${live}, ${text.unread} new` : live;
	}
	$('bar').className = `bar ${shown?.tone || ''} ${back.hidden ? '' : 'away'}`;
}

/* --- the head --- */

const downloads = (id) => h('p', { class: 'take' }, ...FORMATS.map((f) =>
	h('a', { href: `/s/${id}/transcript.${f}`, download: `${id}.${f}` }, f.toUpperCase())));

function headOf(session, items) {
	const first = items.find((item) => item.kind !== 'start'), ledger = session.ledger || {}, off = offRecord(ledger);
	const started = millis(session.started), from = first ? first.from : started, before = (started - from) / 1000;
	if (!(from > 0)) return '';
	if (session.state !== 'ended' || !session.end?.time)
		return `${day(from)}. Text from ${hour(from)}${before >= 1 && ledger.preroll_s >= 1 ? `, ${duration(before)} before the start` : ''}.`;
	const lost = missing(ledger), whole = ledger.closed || ledger.pending_s < 0.5;
	return `${day(from)}, ${hour(from)} to ${hour(millis(session.end.time))}.` + (!whole ? '' : lost >= 0.5
		? ` All of it is text, but for ${duration(lost)}.` : ' All of it is text.') + (off ? ` ${duration(off)} off the record.` : '');
}

function drawHead(session, items) {
	const title = titleOf(session), line = headOf(session, items), wrong = model.box.clock_synced === false && !isOver(session);
	const sign = [title, line, session.session, session.state, wrong].join('/');
	if ($('head').sign === sign) return;
	$('head').sign = sign;
	document.title = `${title} · rtta`;
	$('title-line').replaceChildren(h('h1', null, h('bdi', null, title)), h('p', null, big ? `Read along: ${location.host}` : line));
	if (wrong) $('title-line').append(h('p', { class: 'doubt' }, 'The box’s clock is not synchronised: the times may be wrong.'));
	if (isOver(session) && !big) $('title-line').append(downloads(session.session));
	$('takes').replaceChildren(h('h3', { class: 'label' }, 'Take this text home'), downloads(session.session));
	$('find').href = `/?view=search&session=${session.session}`;
}

function empty(title, ...lines) {
	$('head').sign = null;
	$('title-line').replaceChildren();
	$('empty').hidden = view === 'overlay';
	$('empty').replaceChildren(h('h1', null, title), ...lines.map((text) => h('p', null, text)));
}

/* --- reading --- */

function draw() {
	const { merge, view: text } = reader, { session } = model;
	reader.timer = 0;
	if (!session) {
		empty('No session yet', 'When somebody presses start, the text appears here by itself.',
			'Until then the box keeps the last five minutes of sound in its memory, and nothing else.');
		text.show([], {});
		return;
	}
	const items = merge.items(text.closed()), ended = isOver(session);
	root.classList.toggle('live', !ended);
	if (!items.length && session.ledger) {
		if (ended) empty('No speech in this session', 'Every second was heard, and all of it was silence.');
		else empty(`${session.started ? `Started at ${hour(millis(session.started))}. ` : ''}Nobody has spoken yet.`, 'The first words will appear here by themselves.');
	} else {
		$('empty').hidden = true;
		drawHead(session, items);
	}
	const first = !reader.drawn && items.length > 0, fromTop = ended || settings.start === 'beginning';
	if (first) text.following = !fromTop && settings.scroll && !/:/.test(settings.start) && !location.hash;
	text.show(items, { live: !first, fromTop: fromTop && !location.hash, session: session.session });
	if (first) { performance.mark('drawn'); reader.drawn = true; begun(items); }
}

/* Where the reader wants to begin: a linked line, or a time of day. */
function begun(items) {
	if (linked()) return;
	const { start } = settings;
	if (!/:/.test(start)) return;
	const item = items.find((x) => x.records && hour(x.from) >= start.padStart(5, '0').slice(0, 5)) || items[items.length - 1];
	reader.view.limit = Infinity;
	redraw();
	setTimeout(() => reader.view.go(item.records?.[0]), 50);
}

function linked() {
	const seq = /^#r(\d+)$/.exec(location.hash)?.[1];
	if (!seq) return false;
	const go = () => reader.view.go(reader.merge.shown(Number(seq)), 'linked');
	if (!go()) { reader.view.limit = Infinity; redraw(); setTimeout(go, 100); }
	return true;
}

/* Many records at once are drawn once. */
function redraw() {
	if (reads && reader.live && !reader.timer) reader.timer = setTimeout(draw, 16);
}

/* How far the text is behind what is said: of the last few live words. */
function measureLag(json) {
	if (json.lane !== 'live' || json.type !== 'text' || (!json.stored && reader.clockOff === undefined)) return;
	const now = json.stored ? millis(json.stored) : Date.now() + reader.clockOff, lag = Math.max(0, (now - millis(json.end)) / 1000);
	model.lag = model.lag === null ? lag : model.lag * 0.7 + lag * 0.3;
}

function take(json) {
	switch (json.event) {
	case undefined:
		measureLag(json);
		if (settings.delay && (reader.live || !json.is_final)) setTimeout((merge) => { if (merge.add(json)) redraw(); }, settings.delay * 1000, reader.merge);
		else if (reader.merge.add(json)) redraw();
		break;
	case 'state':
		if (json.session !== model.session?.session) return;
		model.session = json;
		reader.merge.setState(json);
		redraw();
		awake();
		break;
	case 'box':
		reader.clockOff = millis(json.now) - Date.now();
		if (json.bus === false && model.box.bus !== false) model.busAway = Date.now();
		model.box = json;
		break;
	case 'live':
		reader.live = model.loaded = true;
		reader.since = performance.now();
		redraw();
		break;
	}
	stateLine();
	if (view === 'operator') operator(model);
}

function begin(id) {
	reader.merge = new Merge();
	reader.view.clear?.();
	reader.drawn = reader.live = false;
	model.session = id ? { session: id, state: 'active' } : null;
	model.lag = null;
}

/* --- sheets, keys --- */

const sheets = ['text', 'menu'];
const held = (run) => { if (reads) reader.view.resize(run); else run(); };

function sheet(id, open) {
	for (const x of sheets) {
		$(`${x}-sheet`).close();
		$(`open-${x}`).setAttribute('aria-expanded', open && x === id);
	}
	held(() => root.classList.toggle('panel', open));
	if (open) $(`${id}-sheet`).show(); else $(`open-${id}`).focus();
}

const act = {
	'+': () => held(() => resize(1)), '-': () => held(() => resize(-1)), '/': () => location.assign($('find').href),
};
const actReading = {
	l: () => reader.view.follow(true), m: () => reader.view.markHere(), g: () => reader.view.toMark(),
	j: () => reader.view.step(1), k: () => reader.view.step(-1), f: () => root.requestFullscreen?.(),
};

addEventListener('keydown', (e) => {
	const open = sheets.find((x) => $(`${x}-sheet`).open);
	if (e.key === 'Escape' && open) return sheet(open, false);
	if (e.ctrlKey || e.metaKey || e.altKey || !settings.keys || e.target.closest('input, dialog')) return;
	const run = act[e.key] || (reads && actReading[e.key]);
	if (!run) return;
	e.preventDefault();
	run();
});

/* The screen stays on while there is something to read. */
let lock = null;
async function awake() {
	const wanted = reads && settings.awake && document.visibilityState === 'visible' && !(model.session && isOver(model.session));
	if (wanted === (lock?.released === false)) return;
	try {
		if (wanted) lock = await navigator.wakeLock?.request('screen');
		else await lock?.release();
	} catch { /* the device decides */ }
}

/* --- start --- */

/* A token in the address has become a cookie by now. */
function hideToken() {
	const at = new URL(location.href);
	at.searchParams.delete('token');
	if (address.has('token')) history.replaceState(null, '', at);
}

hideToken();
root.classList.add(view);
if (big) root.classList.add('big');
if (!reads) {
	$('text').remove();
	$('skip').href = '#main';
	$('skip').textContent = 'Skip to the content';
}
reader.view = reads ? new View($('text'), big, { follow: bar, redraw }) : { following: true, show() {} };
openSettings(held, () => { reader.view.aloud = settings.aloud; awake(); });
Object.assign(reader.view, { aloud: settings.aloud });
model.delay = settings.delay;
$('head').hidden = !settings.header;
document.querySelector('.tools').hidden = !settings.controls;
if (view === 'display') {
	$('head').append($('state'), h('img', { class: 'qr', alt: 'QR code of this page’s address', src: `/qr.svg?tls=${location.protocol === 'https:' ? 1 : 0}` }));
	$('head').addEventListener('click', actReading.f);
}
for (const x of sheets) {
	$(`open-${x}`).addEventListener('click', () => sheet(x, !$(`${x}-sheet`).open));
	$(`${x}-sheet`).querySelector('[data-close]').addEventListener('click', () => sheet(x, false));
}
$('back').addEventListener('click', () => reader.view.follow(true));
addEventListener('hashchange', linked);
document.addEventListener('visibilitychange', awake);
if (view === 'sessions') sessions();
if (view === 'search') search();
if (view === 'operator') watchLevel(model);
new Net(path ? path[1] : '', reads, {
	message: take, begin,
	up() { model.down = 0; reader.merge.dropInterims(); stateLine(); },
	down() { model.down ||= Date.now(); reader.live = false; stateLine(); },
});
for (const name of ['online', 'offline'])
	addEventListener(name, () => { model.online = navigator.onLine; if (!model.online) model.down ||= Date.now(); stateLine(); });
setInterval(stateLine, 1000);
stateLine();
awake();

/* page - its views: reading (also on the big screen and as an overlay), sessions, search, operator. */
import { $, address, day, duration, fill, h, hour, root } from './dom.js';
import { search, sessions, titleOf } from './lists.js';
import { Merge } from './merge.js';
import { listen } from './net.js';
import { operator, watchLevel } from './operator.js';
import { openSettings, resize, settings } from './settings.js';
import { butFor, isOver, offRecord, sentence } from './state.js';
import * as text from './view.js';

const asked = address.get('view') || (address.get('bg') === 'transparent' ? 'overlay' : '');
const [view] = /^(sessions|search|operator|display|overlay)$/.exec(asked) || ['read'];
const big = /^(display|overlay)$/.test(view), reads = big || view === 'read';
const BLINK_MS = 2000;  /* a shorter state is no news */

const model = { online: true, box: {} };
let merge = new Merge(), timer;
let live, drawn, liveSince = 0;  /* what is stored has come; it is on the page */
let clockOff;  /* against the box's */

let shown = {}, next, nextSince;

function stateLine() {
	const now = sentence(model), at = performance.now();
	if (now.head !== next) { next = now.head; nextSince = at; }
	if (shown.head && next !== shown.head && shown.name !== 'wait' && at - liveSince > BLINK_MS && at - nextSince < BLINK_MS) return;
	fill('state-head', now.head);
	fill('state-rest', now.rest);
	$('state').className = `state ${now.tone}`;
	$('state').dataset.icon = now.icon;
	root.dataset.state = now.name;
	shown = now;
	fill('curtain', view === 'display' && now.name === 'paused' && now.head + now.rest);
	bar();
}

function bar() {
	const back = $('back'), name = /^(live|behind|bridge)$/.test(shown.name) ? '↓ Back to live' : '↓ Newest text';
	back.hidden = view !== 'read' || text.following || isOver(model.session);
	fill('back', text.unread ? `${name}, ${text.unread} new` : name);
	$('bar').className = `${shown.tone} ${back.hidden ? '' : 'away'}`;
}

const downloads = (id) => h('p.take', ['txt', 'srt', 'vtt', 'jsonl', 'ctm'].map((f) =>
	h('a', { href: `/s/${id}/transcript.${f}`, download: `${id}.${f}` }, f.toUpperCase())));

function about({ started, state, end, ledger = {} }, items) {
	const from = items.find((item) => item.kind !== 'start')?.from || Date.parse(started);
	const before = (Date.parse(started) - from) / 1000, off = offRecord(ledger);
	if (!(from > 0)) return '';
	if (state !== 'ended' || !end?.time)
		return `${day(from)}. Text from ${hour(from)}${before >= 1 && ledger.preroll_s >= 1 ? `, ${duration(before)} before the start` : ''}.`;
	const whole = ledger.closed || ledger.pending_s < 0.5 ? ` All of it is text${butFor(ledger)}.` : '';
	return `${day(from)}, ${hour(from)} to ${hour(end.time)}.${whole}${off ? ` ${duration(off)} off the record.` : ''}`;
}

function drawHead(session, items) {
	const title = titleOf(session), over = isOver(session);
	document.title = `${title} · rtta`;
	fill('about', h('h1', h('bdi', title)), h('p', big ? `Read along: ${location.host}` : about(session, items)),
		!over && model.box.clock_synced === false && h('p.doubt', 'The box’s clock is not synchronised: the times may be wrong.'),
		over && !big && downloads(session.session));
	fill('takes', h('h3', 'Take this text home'), downloads(session.session));
	$('find').href = `/?view=search&session=${session.session}`;
}

const empty = (title, line) => fill('about', h('h1', title), h('p', line));

function draw() {
	const { session } = model, items = session ? merge.items(text.closed()) : [], ended = isOver(session);
	timer = 0;
	root.classList.toggle('live', !ended);
	if (!session) empty('No session yet', 'When somebody presses start, the text appears here by itself.');
	else if (items.length || !session.ledger) drawHead(session, items);
	else if (ended) empty('No speech in this session', 'Every second was heard, and all of it was silence.');
	else empty(`${session.started ? `Started at ${hour(session.started)}. ` : ''}Nobody has spoken yet.`, 'The first words will appear here by themselves.');

	const first = !drawn && items.length > 0, fromTop = (ended || settings.start === 'beginning') && !location.hash, time = /\d+:.*/.exec(settings.start);
	if (first) text.follow(!fromTop && settings.scroll && !time && !location.hash, true);
	text.show(items, !first, fromTop, session?.session);
	if (!first) return;
	drawn = true;
	if (!linked() && time) text.go((items.find((x) => x.records && hour(x.from) >= time[0].padStart(5, '0').slice(0, 5)) || items.at(-1)).records?.[0].seq);
}

function linked() {
	const seq = /^#r(\d+)$/.exec(location.hash)?.[1];
	if (seq) text.go(merge.shown(+seq)?.seq, true);
	return seq;
}

function redraw() {
	if (reads && live && !timer) timer = setTimeout(draw, 16);
}

function measureLag({ lane, type, stored, end }) {
	const lag = Math.max(0, ((Date.parse(stored) || Date.now() + clockOff) - Date.parse(end)) / 1000);
	if (lane === 'live' && type === 'text' && lag >= 0) model.lag = (model.lag ?? lag) * 0.7 + lag * 0.3;
}

function add(json, to) {
	if (to !== merge || !merge.add(json)) return;
	if (drawn && json.is_final && json.type === 'text' && json.lane === 'live') text.news(merge.finals.get(json.seq), settings.aloud);
	redraw();
}

const take = {
	record(json) {
		measureLag(json);
		if (settings.delay && (live || !json.is_final)) setTimeout(add, settings.delay * 1000, json, merge); else add(json, merge);
	},
	state(json) {
		if (json.session !== model.session?.session) return;
		model.session = json;
		merge.setState(json);
		redraw();
		awake();
	},
	box(json) {
		clockOff = Date.parse(json.now) - Date.now();
		if (json.bus === false && model.box.bus !== false) model.busAway = Date.now();
		model.box = json;
	},
	live() {
		live = model.loaded = true;
		liveSince = performance.now();
		redraw();
	},
};

const held = (change) => { if (reads) text.resize(change); else change(); };

const act = {
	'+': () => held(() => resize(1)), '-': () => held(() => resize(-1)), '/': () => location.assign($('find').href),
	...reads && {
		l: () => text.follow(true), m: text.markHere, g: text.toMark, j: () => text.step(1), k: () => text.step(-1),
		f: () => root.requestFullscreen?.(),
	},
};

addEventListener('keydown', (e) => {
	if (e.ctrlKey || e.metaKey || e.altKey || !settings.keys || !act[e.key] || e.target.closest('input, dialog')) return;
	e.preventDefault();
	act[e.key]();
});

let lock;
async function awake() {
	const wanted = reads && settings.awake && !document.hidden && !isOver(model.session);
	if (wanted === (lock?.released === false)) return;
	try {
		if (wanted) lock = await navigator.wakeLock?.request('screen'); else await lock?.release();
	} catch { /* the device decides */ }
}

/* A token in the address has become a cookie by now. */
if (address.has('token')) {
	address.delete('token');
	history.replaceState(null, '', `${location.pathname}?${address}${location.hash}`);
}

root.className = big ? `big ${view}` : view;
if (reads) text.open(big ? $('text').appendChild(h('div')) : $('text'), big, { follow: bar, redraw });
else {
	$('text').remove();
	$('skip').href = '#main';
}
openSettings(held, awake);
model.delay = settings.delay;
$('head').hidden = !settings.header;
$('tools').hidden = !settings.controls;
if (view === 'display') {
	$('head').append($('state'), h('img.qr', { alt: 'QR code of this page’s address', src: `/qr.svg?tls=${+(location.protocol === 'https:')}` }));
	$('head').onclick = act.f;
}
addEventListener('toggle', () => held(() => root.classList.toggle('panel', document.querySelector(':popover-open'))), true);
$('back').onclick = act.l;
addEventListener('hashchange', linked);
document.addEventListener('visibilitychange', awake);
({ sessions, search, operator: () => watchLevel(model) })[view]?.();
const on = {
	message(json) {
		take[json.event || 'record']?.(json);
		stateLine();
		if (view === 'operator') operator(model);
	},
	begin(id) {
		merge = new Merge();
		drawn = live = false;
		if (reads) text.clear();
		model.session = id ? { session: id, state: 'active' } : null;
		model.lag = null;
	},
	up() { model.down = 0; merge.interims.clear(); stateLine(); },
	down() { model.down ||= Date.now(); live = false; stateLine(); },
};
listen(/^\/s\/([\w-]+)\/?$/.exec(location.pathname)?.[1] || '', reads, on);
/* Only a change counts: a box without a network reads its own page, too. */
for (const name of ['online', 'offline'])
	addEventListener(name, () => { model.online = name === 'online'; if (model.online) stateLine(); else on.down(); });
setInterval(stateLine, 1000);
stateLine();
awake();

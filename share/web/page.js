/*
 * page - one page, three views: reading (a session, or whichever is
 * current), the list of sessions, and the operator's buttons.
 */
import { Merge, millis } from './merge.js';
import { Net } from './net.js';
import { isOver, sentence } from './state.js';
import { View, clock, duration, h } from './view.js';
import { operator } from './operator.js';
import { sessions } from './sessions.js';

const $ = (id) => document.getElementById(id);
const root = document.documentElement;
const path = /^\/s\/([\w-]+)\/?$/.exec(location.pathname);
const view = path ? 'read' : new URLSearchParams(location.search).get('view') || 'read';
const FORMATS = ['txt', 'srt', 'vtt', 'jsonl', 'ctm'];
const BLINK_MS = 2000;   /* a shorter state is no news */

const model = { online: navigator.onLine, down: 0, loaded: false, box: {}, session: null, lag: null };

/* A token in the address has become a cookie by now. */
function hideToken() {
	const at = new URL(location.href);
	if (!at.searchParams.has('token')) return;
	at.searchParams.delete('token');
	history.replaceState(null, '', at);
}

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
	bar();
}

/* The way back, and how much has come meanwhile. */
function bar() {
	const back = $('back'), text = reader.view;
	back.hidden = !text || text.following || view !== 'read' || (model.session && isOver(model.session));
	if (!back.hidden) {
		const live = /^(live|behind)$/.test(shown?.name) ? '↓ Back to live' : '↓ Newest text';
		back.textContent = text.unread ? `${live}, ${text.unread} new` : live;
	}
	$('bar').className = `bar ${shown?.tone || ''} ${back.hidden ? '' : 'away'}`;
}

/* --- the head --- */

const day = (ms) => new Date(ms).toLocaleDateString('en-GB', { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' });
const hour = (ms) => clock(ms).slice(0, 5);

export function titleOf(session) {
	if (session.title) return session.title;
	return session.started ? `Session of ${hour(millis(session.started))}` : `Session ${session.session || session.id}`;
}

function downloads(id) {
	return h('p', { class: 'take' }, ...FORMATS.map((f) =>
		h('a', { href: `/s/${id}/transcript.${f}`, download: `${id}.${f}` }, f.toUpperCase())));
}

function headOf(session, items) {
	const first = items.find((item) => item.kind !== 'start'), ledger = session.ledger || {};
	const from = first ? first.from : millis(session.started), started = millis(session.started);
	if (!(from > 0)) return '';
	if (session.state === 'ended' && session.end?.time)
		return `${day(from)}, ${hour(from)} to ${hour(millis(session.end.time))}.`;
	const before = (started - from) / 1000;
	return `${day(from)}. Text from ${hour(from)}` + (before >= 1 && ledger.preroll_s >= 1
		? `, ${duration(before)} before the start.` : '.');
}

function drawHead(session, items) {
	const title = titleOf(session), line = headOf(session, items);
	const sign = `${title}/${line}/${session.session}/${session.state}`;
	if ($('head').sign === sign) return;
	$('head').sign = sign;
	document.title = `${title} · rtta`;
	$('head').replaceChildren(h('h1', null, h('bdi', null, title)), h('p', null, line));
	if (isOver(session)) $('head').append(downloads(session.session));
	for (const f of FORMATS) {
		const link = $('take-' + f);
		link.href = `/s/${session.session}/transcript.${f}`;
		link.download = `${session.session}.${f}`;
	}
	$('takes').hidden = false;
}

function empty(title, ...lines) {
	$('head').sign = null;
	$('head').replaceChildren();
	$('empty').hidden = false;
	$('empty').replaceChildren(h('h1', null, title), ...lines.map((text) => h('p', null, text)));
}

/* --- reading --- */

const reader = { merge: new Merge(), view: null, live: false, timer: 0, since: 0 };

function draw() {
	const { merge } = reader, session = model.session;
	reader.timer = 0;
	if (!session) {
		empty('No session yet', 'When somebody presses start, the text appears here by itself.',
			'Until then the box keeps the last five minutes of sound in its memory, and nothing else.');
		reader.view.show([], false);
		return;
	}
	const items = merge.items(), ended = isOver(session);
	root.classList.toggle('live', !ended);
	if (!items.length && session.ledger) {
		const at = session.started ? `Started at ${clock(millis(session.started))}. ` : '';
		if (ended) empty('No speech in this session', 'Every second was heard, and all of it was silence.');
		else empty(at + 'Nobody has spoken yet.', 'The first words will appear here by themselves.');
	} else {
		$('empty').hidden = true;
		drawHead(session, items);
	}
	if (ended && !reader.drawn) reader.view.following = false;
	reader.view.show(items, reader.live);
	reader.drawn = items.length > 0;
}

/* Many records at once are drawn once. */
function redraw() {
	if (view === 'read' && reader.live && !reader.timer) reader.timer = setTimeout(draw, 16);
}

/* How far the text is behind what is said: of the last few live words. */
function measureLag(json) {
	if (!reader.live || json.lane !== 'live' || json.type !== 'text' || reader.clockOff === undefined) return;
	const lag = Math.max(0, (Date.now() + reader.clockOff - millis(json.end)) / 1000);
	model.lag = model.lag === null ? lag : model.lag * 0.7 + lag * 0.3;
}

function take(json) {
	switch (json.event) {
	case undefined:
		measureLag(json);
		if (reader.merge.add(json)) redraw();
		break;
	case 'state':
		if (json.session !== model.session?.session) return;
		model.session = json;
		reader.merge.setState(json);
		redraw();
		break;
	case 'box':
		reader.clockOff = millis(json.now) - Date.now();
		if (json.bus === false && model.box.bus !== false) model.busAway = Date.now();
		model.box = json;
		break;
	case 'live':
		if (!reader.live) reader.merge.dropInterims();
		reader.live = model.loaded = true;
		reader.since = performance.now();
		redraw();
		break;
	}
	stateLine();
	if (view === 'operator') operator(model, $('page'));
}

function begin(id) {
	reader.merge = new Merge();
	reader.view.clear();
	reader.drawn = reader.live = false;
	model.session = id ? { session: id, state: 'active' } : null;
	model.lag = null;
}

function read() {
	reader.view = new View($('text'), bar);
	$('back').addEventListener('click', () => reader.view.follow(true));
	addEventListener('keydown', (e) => {
		if (e.key !== 'l' || e.ctrlKey || e.metaKey || e.altKey || e.target.closest('input, dialog')) return;
		reader.view.follow(true);
	});
}

/* --- the menu --- */

function menu(open) {
	$('menu').close();
	root.classList.toggle('panel', open);
	$('open-menu').setAttribute('aria-expanded', open);
	if (open) $('menu').show();
	else $('open-menu').focus();
}

$('open-menu').addEventListener('click', () => menu(!$('menu').open));
$('close-menu').addEventListener('click', () => menu(false));
addEventListener('keydown', (e) => { if (e.key === 'Escape' && $('menu').open) menu(false); });

/* --- start --- */

hideToken();
root.classList.add(view);
reader.view = null;
if (view === 'read') read();
else {
	$('text').remove();
	reader.view = { show() {}, clear() {}, following: true };
	if (view === 'sessions') sessions($('head'), $('page'), titleOf);
}
new Net(path ? path[1] : '', {
	message: take, begin,
	up() { model.down = 0; stateLine(); },
	down() { model.down ||= Date.now(); reader.live = false; stateLine(); },
});
for (const name of ['online', 'offline'])
	addEventListener(name, () => { model.online = navigator.onLine; if (!model.online) model.down ||= Date.now(); stateLine(); });
setInterval(stateLine, 1000);
stateLine();

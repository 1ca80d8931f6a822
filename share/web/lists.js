/*
 * lists - the sessions of the last days, and the places where words were said.
 */
import { $, address, button, clock, count, day, duration, h, hour, labelled, pick } from './dom.js';
import { Merge, millis } from './merge.js';
import { missing } from './state.js';

const HITS_MAX = 200, AROUND = 90;   /* places; letters of context */

export const titleOf = (session) => session.title ||
	(session.started ? `Session of ${hour(millis(session.started))}` : `Session ${session.session || session.id}`);

function dayOf(session) {
	const ms = millis(session.started), midnight = new Date().setHours(0, 0, 0, 0);
	if (!(ms > 0)) return 'Undated';
	return ms >= midnight ? 'Today' : ms >= midnight - 86400000 ? 'Yesterday' : day(ms, undefined);
}

async function get(path) {
	const answer = await fetch(path);
	if (!answer.ok) throw new Error(await answer.text());
	return answer;
}

function head(title, line) {
	document.title = `${title} · rtta`;
	$('head').replaceChildren(h('h1', null, title), h('p', null, line));
}

/* What is to be said of a ledger, and whether it is bad news. */
function coverage(ledger) {
	const lost = missing(ledger);
	if (ledger.pending_s >= 1) return [`${duration(ledger.pending_s)} to come`];
	if (lost >= 0.5) return [`${duration(lost)} missing`, 'warn'];
	return [ledger.text_s > 0 ? 'complete' : 'no speech'];
}

function row(session) {
	const started = millis(session.started), cover = h('p'), fill = (ledger) => {
		[cover.textContent, cover.className = ''] = coverage(ledger);
	};
	const length = session.state === 'active' ? 'live' : session.seconds > 0 ? duration(session.seconds) : '';
	if (session.ledger) fill(session.ledger);
	else get(`/s/${session.id}/coverage`).then((answer) => answer.json()).then(fill).catch(() => {});
	return h('article', { class: 'item' }, h('h3', null, h('a', { href: `/s/${session.id}` }, h('bdi', null, titleOf(session)))),
		h('p', null, [started > 0 && hour(started), length].filter(Boolean).join(', ')), cover);
}

export async function sessions() {
	head('Sessions', 'Text is kept for seven days.');
	try {
		const list = await (await get('/sessions')).json(), days = new Map();
		for (const session of list) {
			if (!days.has(dayOf(session))) days.set(dayOf(session), h('h2', null, dayOf(session)));
			const of = days.get(dayOf(session));
			if (!of.parentNode) $('page').append(of);
			$('page').append(row(session));
		}
		if (!list.length) $('page').append(h('p', { class: 'help' }, 'There has been none yet.'));
	} catch (error) {
		$('page').append(h('p', { class: 'alarm', role: 'alert' }, `The list did not come: ${error.message}`));
	}
}

/* --- search --- */

/* Letters as they are compared: without case and accents, one for one. */
const fold = (text) => [...text].map((c) => c.normalize('NFD')[0].toLowerCase()[0]).join('');

/* Where all words are in a paragraph: [[from, to], ...] in order, or nothing. */
function places(text, words) {
	const plain = fold(text), found = [];
	for (const word of words) {
		let at = plain.indexOf(word);
		if (at < 0) return [];
		for (; at >= 0; at = plain.indexOf(word, at + word.length)) found.push([at, at + word.length]);
	}
	return found.sort((a, b) => a[0] - b[0]);
}

function hit(id, item, words) {
	const text = item.records.map((r) => r.text).join(' '), letters = [...text], found = places(text, words);
	if (!found.length) return null;
	const blank = (at) => letters.indexOf(' ', at) + 1;   /* words stay whole, where there are any */
	const start = Math.max(0, found[0][0] - AROUND), from = start ? Math.min(blank(start) || start, found[0][0]) : 0;
	const to = found[0][1] + 2 * AROUND < letters.length ? blank(found[0][1] + 2 * AROUND) || letters.length : letters.length;
	let at = from, length = 0;
	const record = item.records.find((r) => (length += [...r.text].length + 1) > found[0][0]);
	const say = h('span', { class: 'say', dir: 'auto' }, from ? '… ' : '');
	for (const [a, b] of found) {
		if (a < at || b > to) continue;
		say.append(letters.slice(at, a).join(''), h('mark', null, letters.slice(a, b).join('')));
		at = b;
	}
	say.append(letters.slice(at, to).join(''), to < letters.length ? ' …' : '');
	const p = h('p', { class: 'turn' }, h('a', { class: 't', href: `/s/${id}#r${record.seq}` }, clock(record.from)));
	if (item.voice) p.append(h('b', { class: 'who' }, h('bdi', null, item.voice)));
	p.append(say);
	return p;
}

async function hitsIn(id, words) {
	const text = await (await get(`/s/${id}/transcript.jsonl`)).text(), merge = new Merge();
	for (const line of text.split('\n')) if (line) merge.add(JSON.parse(line));
	return merge.items().filter((item) => item.kind === 'turn').map((item) => hit(id, item, words)).filter(Boolean);
}

export async function search() {
	const only = address.get('session'), q = (address.get('q') || '').trim(), all = !only || address.get('in') === 'all';
	const words = fold(q).split(/\s+/).filter(Boolean), said = h('p', { class: 'help', role: 'status' }), out = h('div', { class: 'text' });
	head('Search', all ? 'In all sessions of the last seven days.' : 'In one session.');
	const form = h('form', { class: 'find', role: 'search' }, h('input', { type: 'hidden', name: 'view', value: 'search' }),
		labelled('Words', h('input', { class: 'field', type: 'search', id: 'q', name: 'q', value: q })),
		only ? h('input', { type: 'hidden', name: 'session', value: only }) : '',
		only ? pick('in', 'Where', [['this', 'This session'], ['all', 'All sessions']], all ? 'all' : 'this') : '', button('solid', 'Search', null, 'submit'));
	form.addEventListener('submit', (e) => {
		e.preventDefault();
		location.search = new URLSearchParams(new FormData(form));
	});
	$('page').append(form, said, out);
	if (!words.length) return form.elements.q.focus();
	let found = 0, where = 0, lost = 0;
	try {
		for (const session of await (await get('/sessions')).json()) {
			if (!all && session.id !== only) continue;
			if (found >= HITS_MAX) break;
			said.textContent = `Looking into ${titleOf(session)} …`;
			const hits = await hitsIn(session.id, words).catch(() => { lost++; return []; });
			if (!hits.length) continue;
			where++;
			out.append(h('h2', null, h('a', { href: `/s/${session.id}` }, h('bdi', null, titleOf(session))), `, ${dayOf(session).replace(/^[TY]/, (c) => c.toLowerCase())}`), ...hits.slice(0, HITS_MAX - found));
			found += hits.length;
		}
		said.textContent = (!found ? 'Nowhere' : found > HITS_MAX ? `The newest ${HITS_MAX} places` : `${count(found, 'place')} in ${count(where, 'session')}`) +
			(lost ? `; ${count(lost, 'session')} could not be read` : '');
	} catch (error) {
		said.textContent = `The search failed: ${error.message}`;
	}
}

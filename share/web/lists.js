/* lists - the sessions, and the places where words were said. */
import { $, address, clock, count, day, duration, field, fill, getJson, h, hour, recordsOf } from './dom.js';
import { Merge } from './merge.js';
import { missing } from './state.js';

const HITS_MAX = 200;

export const titleOf = ({ title, started, session, id }) => title || (started ? `Session of ${hour(started)}` : `Session ${session || id}`);

const linkTo = (session) => h('a', { href: `/s/${session.id}` }, h('bdi', titleOf(session)));

function dayOf({ started }) {
	const ms = Date.parse(started), midnight = new Date().setHours(0, 0, 0, 0);
	if (!(ms > 0)) return 'Undated';
	return ms >= midnight ? 'Today' : ms >= midnight - 86400000 ? 'Yesterday' : day(ms, undefined);
}

export function head(title, line) {
	document.title = `${title} · rtta`;
	fill('head', h('h1', title), h('p', line));
}

function coverage(ledger) {
	const lost = missing(ledger);
	if (ledger.pending_s >= 1) return h('p', `${duration(ledger.pending_s)} to come`);
	if (lost >= 0.5) return h('p.warn', `${duration(lost)} missing`);
	return h('p', ledger.text_s > 0 ? 'complete' : 'no speech');
}

function row(session) {
	const { id, started, state, seconds, ledger } = session, cover = h('p'), show = (known) => cover.replaceWith(coverage(known));
	const length = state === 'active' ? 'live' : seconds > 0 && duration(seconds);
	const el = h('article.item', h('h3', linkTo(session)), h('p', [started && hour(started), length].filter(Boolean).join(', ')), cover);
	if (ledger) show(ledger); else getJson(`/s/${id}/coverage`).then(show, () => {});
	return el;
}

export async function sessions() {
	const page = $('page');
	head('Sessions', 'Text is kept for seven days.');
	try {
		for (const [name, list] of Map.groupBy(await getJson('/sessions'), dayOf)) page.append(h('h2', name), ...list.map(row));
		if (!page.firstChild) page.append(h('p.help', 'There has been none yet.'));
	} catch (error) {
		page.append(h('p.alarm', { role: 'alert' }, `The list did not come: ${error.message}`));
	}
}

/* Without case and accents, one letter for one. */
const fold = (text) => text.replace(/./gsu, (c) => (c.length > 1 ? c : c.normalize('NFD')[0].toLowerCase()[0]));

function hit(id, { records, voice }, words) {
	const text = records.map((r) => r.text).join(' '), plain = fold(text), say = h('span.say', { dir: 'auto' });
	if (!words.every((word) => plain.includes(word))) return null;
	const parts = plain.split(RegExp(`(${words.map((word) => word.replace(/\W/g, '\\$&')).join('|')})`));
	let at = 0, length = 0;
	for (const [i, { length: n }] of parts.entries()) {
		const part = text.slice(at, at += n);
		say.append(i % 2 ? h('mark', part) : part);
	}
	const record = records.find((r) => (length += r.text.length + 1) > parts[0].length);
	return h('p.turn', h('a.t', { href: `/s/${id}#r${record.seq}` }, clock(record.from)), voice && h('b.who', h('bdi', voice)), say);
}

async function hitsIn(id, words) {
	const merge = new Merge();
	for (const record of await recordsOf(id)) merge.add(record);
	return merge.items().map((item) => item.records && hit(id, item, words)).filter(Boolean);
}

export async function search() {
	const only = address.get('session'), q = (address.get('q') || '').trim(), words = fold(q).split(/\s+/).filter(Boolean);
	const said = h('p.help', { role: 'status' }), out = h('div'), hidden = (name, value) => value && h('input', { type: 'hidden', name, value });
	head('Search', only ? 'In one session.' : 'In all sessions.');
	const onsubmit = (e) => {
		e.preventDefault();
		location.search = new URLSearchParams(new FormData(e.target));
	};
	$('page').append(h('form.find', { role: 'search', onsubmit }, hidden('view', 'search'), hidden('session', only),
		field('Words', 'q', { type: 'search', value: q }), h('button.solid', 'Search'),
		only && h('a.btn', { href: `/?view=search&q=${encodeURIComponent(q)}` }, 'In all sessions')), said, out);
	if (!words.length) return $('q').focus();
	let found = 0, where = 0, lost = 0;
	try {
		for (const session of await getJson('/sessions')) {
			if ((only && session.id !== only) || found >= HITS_MAX) continue;
			said.textContent = `Looking into ${titleOf(session)} …`;
			const hits = await hitsIn(session.id, words).catch(() => { lost++; return []; });
			if (!hits.length) continue;
			where++;
			out.append(h('h2', linkTo(session), ` · ${dayOf(session)}`), h('div.text', hits.slice(0, HITS_MAX - found)));
			found += hits.length;
		}
		said.textContent = (!found ? 'Nowhere' : found > HITS_MAX ? `The newest ${HITS_MAX} places` : `${count(found, 'place')} in ${count(where, 'session')}`) +
			(lost ? `; ${count(lost, 'session')} could not be read` : '');
	} catch (error) {
		said.textContent = `The search failed: ${error.message}`;
	}
}

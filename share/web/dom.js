/* dom - elements, what is fetched, times and durations as text. */
export const $ = (id) => document.getElementById(id);
export const root = document.documentElement;
export const address = new URLSearchParams(location.search);

/* h('p.help', { id: 'said' }, 'text, never markup', h('b', 'more')) */
export function h(name, ...parts) {
	const [tag, kind] = name.split('.'), el = document.createElement(tag);
	if (kind) el.className = kind;
	for (const part of parts.flat())
		if (part?.constructor === Object) Object.assign(el, part);
		else if (part) el.append(part);
	return el;
}

export function fill(id, ...parts) {
	const el = $(id), now = h('div', ...parts);
	if (el.filled === now.innerHTML) return;
	el.filled = now.innerHTML;
	el.replaceChildren(...now.childNodes);
}

export const pick = (name, label, options, chosen) => h('fieldset', h('legend', label), options.map(([value, text]) =>
	h('label.check', h('input', { type: 'radio', name, value, checked: value === chosen }), text)));

export const field = (label, id, more) =>
	h('div', h('label', { htmlFor: id }, label), h('input.field', { id, name: id, ...more }));

export async function get(path, options) {
	const answer = await fetch(path, options), text = await answer.text();
	if (!answer.ok) throw Object.assign(new Error(text.trim()), { status: answer.status });
	return text;
}
export const getJson = async (path) => JSON.parse(await get(path));
export const recordsOf = async (id) => JSON.parse(`[${(await get(`/s/${id}/transcript.jsonl`)).trim().replaceAll('\n', ',')}]`);

export const clock = (time) => new Date(time).toTimeString().slice(0, 8);
export const hour = (time) => clock(time).slice(0, 5);

export const count = (n, what) => `${n} ${what}${n === 1 ? '' : 's'}`;

export function duration(seconds) {
	const s = Math.max(1, Math.round(seconds)), min = Math.floor(s / 60);
	if (s < 60) return count(s, 'second');
	if (s < 3600) return s % 60 ? `${min} min ${s % 60} s` : count(min, 'minute');
	return `${Math.floor(min / 60)} h ${min % 60} min`;
}

const locale = /^[a-z]{2}(?=$|-)/i.exec(address.get('language'))?.[0] || 'en-GB';

export const day = (time, year = 'numeric') =>
	new Date(time).toLocaleDateString(locale, { weekday: 'long', day: 'numeric', month: 'long', year });

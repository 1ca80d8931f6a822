/*
 * dom - elements, times and durations as text.
 *
 * Text goes in as text, never as markup: whatever it says, it is inert.
 */
export const $ = (id) => document.getElementById(id);
export const root = document.documentElement;
export const address = new URLSearchParams(location.search);

export function h(tag, props, ...kids) {
	const el = document.createElement(tag);
	for (const name in props) if (props[name] != null) el.setAttribute(name, props[name]);
	el.append(...kids);
	return el;
}

export const button = (kind, text, press, type = 'button') => {
	const el = h('button', { class: kind, type }, text);
	if (press) el.addEventListener('click', press);
	return el;
};

/* Choices as a row; options: [[value, text], ...]. */
export const pick = (name, label, options, chosen) =>
	h('fieldset', null, h('legend', null, label), h('div', { class: 'row' }, ...options.map(([value, text]) =>
		h('label', null, h('input', { type: 'radio', name, value, checked: String(value) === String(chosen) ? '' : null }),
			h('span', null, text)))));

export const labelled = (text, field) => h('div', null, h('label', { class: 'label', for: field.id }, text), field);

const two = (n) => String(Math.floor(n)).padStart(2, '0');

/* 10:15:03, as the reader's clock has it; 10:15. */
export function clock(ms) {
	const at = new Date(ms);
	return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}
export const hour = (ms) => clock(ms).slice(0, 5);

export const count = (n, what) => `${n} ${what}${n === 1 ? '' : 's'}`;

/* "6 seconds", "5 minutes", "2 min 10 s", "1 h 52 min". */
export function duration(seconds) {
	const s = Math.max(1, Math.round(seconds));
	if (s < 60) return count(s, 'second');
	if (s < 3600) return s % 60 ? `${Math.floor(s / 60)} min ${s % 60} s` : count(s / 60, 'minute');
	return `${Math.floor(s / 3600)} h ${Math.floor(s % 3600 / 60)} min`;
}

const locale = address.get('language');

/* Tuesday 24 November 2026. */
export function day(ms, year = 'numeric') {
	const form = { weekday: 'long', day: 'numeric', month: 'long', year };
	try { return new Date(ms).toLocaleDateString(locale || 'en-GB', form); }
	catch { return new Date(ms).toLocaleDateString('en-GB', form); }
}

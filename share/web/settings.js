/*
 * settings - how the text looks and behaves: kept in this browser, and set by
 * the address, which wins.  Bad values are ignored.
 */
import { $, address, h, pick, root } from './dom.js';

const KEY = 'rtta', PX = 20;
const between = (low, high) => (text) => (text !== '' && +text >= low && +text <= high ? +text : undefined);
const yes = (text) => (/^(true|1|yes|on)$/i.test(text) ? true : /^(false|0|no|off)$/i.test(text) ? false : undefined);
const one = (...names) => (text) => (names.includes(text) ? text : undefined);
const colour = (text) => (/^#?([0-9a-f]{3}|[0-9a-f]{6})$/i.test(text) ? `#${text.replace('#', '')}` : undefined);
const set = (value, ...names) => {
	for (const name of names) if (value == null) root.style.removeProperty(`--${name}`); else root.style.setProperty(`--${name}`, value);
};
const FAMILIES = ['plain', 'serif', 'wide', 'mono'], THEMES = ['light', 'dark', 'white', 'black'];

/* StreamText's names and ours: [default, what is allowed, what it does]. */
const known = {
	fs: [1, (t) => between(8, 200)(t) / PX || between(0.6, 4)(t), (v) => { set(v, 'fs'); $('fs').value = `${Math.round(v * 100)}%`; }],
	ff: ['plain', (t) => t.replace(/[^\w -]/g, '').trim() || undefined, (v) => set(FAMILIES.includes(v) ? `var(--${v})` : `"${v}", var(--plain)`, 'face')],
	spacing: [1.55, between(1.1, 3), (v) => set(v, 'lead')],
	theme: ['', one('', ...THEMES), (v) => { if (v) root.dataset.theme = v; else delete root.dataset.theme; }],
	fgc: [null, colour, (v) => set(v, 'ink', 'soft', 'edge', 'link', 'good', 'warn', 'alarm', 'fgc')],
	bgc: [null, colour, (v) => set(v, 'paper', 'sheet', 'box')],
	lines: [null, between(1, 8), (v) => set(v, 'lines')],
	scroll: [true, yes], delay: [0, between(0, 60)], controls: [true, yes], header: [true, yes],
	start: ['live', (t) => (/^(live|beginning|\d?\d:\d\d(:\d\d)?)$/.test(t) ? t : undefined)],
	awake: [true, yes], keys: [true, yes], aloud: [false, yes],
};

const kept = {};
try { Object.assign(kept, JSON.parse(localStorage.getItem(KEY))); } catch { /* not ours, or not allowed */ }

export const settings = {};

function use(name, value) {
	settings[name] = value;
	known[name][2]?.(value);
}

export function change(name, value) {
	use(name, kept[name] = value);
	try { localStorage.setItem(KEY, JSON.stringify(kept)); } catch { /* it holds as long as the page */ }
	link();
}

/* Where these settings hold for somebody else, too. */
function link() {
	const at = new URL(location.pathname, location.origin);
	for (const [name, value] of address) if (name !== 'token') at.searchParams.set(name, value);
	for (const name in kept) if (known[name]) at.searchParams.set(name, kept[name]);
	$('link').href = at;
}

export const resize = (by) => change('fs', Math.round(Math.min(4, Math.max(0.6, settings.fs * (by > 0 ? 1.15 : 1 / 1.15))) * 100) / 100);

/* held(change): make it without moving what is being read; then(): done. */
export function openSettings(held, then) {
	for (const name in known) {
		const [def, allow] = known[name], given = address.has(name) ? allow(address.get(name)) : undefined;
		use(name, given ?? allow(String(kept[name] ?? '')) ?? def);
	}
	$('looks').append(
		pick('ff', 'Letters', [['plain', 'Plain'], ['serif', 'Serif'], ['wide', 'Wide'], ['mono', 'Mono']], settings.ff),
		pick('theme', 'Colours', [['', 'As the device'], ['light', 'Light'], ['dark', 'Dark'], ['white', 'Black on white'], ['black', 'White on black']], settings.theme),
		pick('spacing', 'Space between lines', [['1.35', 'Close'], ['1.55', 'Normal'], ['1.9', 'Open']], settings.spacing),
		h('fieldset', null, h('legend', { class: 'hide' }, 'More'), ...[['awake', 'Keep the screen on'], ['keys', 'Shortcuts with single keys'],
			['aloud', 'Let a screen reader speak new text']].filter(([name]) => name !== 'awake' || navigator.wakeLock).map(([name, text]) =>
			h('label', { class: 'check' }, h('input', { type: 'checkbox', name, checked: settings[name] ? '' : null }), text))));
	$('looks').addEventListener('change', ({ target }) => {
		held(() => change(target.name, target.type === 'checkbox' ? target.checked : known[target.name][1](target.value)));
		then();
	});
	for (const el of document.querySelectorAll('[data-step]')) el.addEventListener('click', () => held(() => resize(+el.dataset.step)));
	link();
}

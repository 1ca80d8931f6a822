/* settings - how the text looks and behaves, kept and by the address. */
import { $, address, h, pick, root } from './dom.js';

const KEY = 'rtta', PX = 20;
const between = (low, high) => (text) => (text !== '' && +text >= low && +text <= high ? +text : undefined);
const yes = (text) => (/^(true|1|yes|on)$/i.test(text) ? true : /^(false|0|no|off)$/i.test(text) ? false : undefined);
const like = (pattern) => (text) => pattern.exec(text)?.[0];
const colour = (text) => /^#?(([0-9a-f]{3}){1,2})$/i.exec(text)?.[1];
const set = (...names) => (value) => {
	for (const name of names) root.style.setProperty(`--${name}`, value ?? '');
};
const paint = (...names) => (value) => set(...names)(value && `#${value}`);

/* [default, what is allowed, what it does] */
const known = {
	fs: [1, (t) => between(8, 200)(t) / PX || between(0.6, 4)(t), (v) => { set('fs')(v); $('fs').value = `${Math.round(v * 100)}%`; }],
	ff: ['plain', like(/^[\w -]+$/), (v) => set('face')(/^(plain|serif|wide|mono)$/.test(v) ? `var(--${v})` : `"${v}", var(--plain)`)],
	spacing: [1.55, between(1.1, 3), set('lead')],
	theme: ['', like(/^(light|dark|white|black|)$/), (v) => { root.dataset.theme = v; }],
	fgc: [null, colour, paint('ink', 'soft', 'edge', 'link', 'good', 'warn', 'alarm', 'fgc')],
	bgc: [null, colour, paint('paper', 'sheet', 'box')],
	lines: [null, between(1, 8), set('lines')],
	scroll: [true, yes], delay: [0, between(0, 60)], controls: [true, yes], header: [true, yes],
	start: ['live', like(/^(live|beginning|\d?\d:\d\d(:\d\d)?)$/)],
	awake: [true, yes], keys: [true, yes], aloud: [false, yes],
};

const kept = {};
try { Object.assign(kept, JSON.parse(localStorage.getItem(KEY))); } catch { /* not ours, or not allowed */ }

export const settings = {};

function use(name, value) {
	settings[name] = value;
	known[name][2]?.(value);
}

function change(name, value) {
	use(name, kept[name] = value);
	try { localStorage.setItem(KEY, JSON.stringify(kept)); } catch { /* it holds as long as the page */ }
	link();
}

function link() {
	$('link').href = `?${new URLSearchParams({ ...Object.fromEntries(address), ...kept })}`;
}

export const resize = (by) => change('fs', Math.round(Math.min(4, Math.max(0.6, settings.fs * 1.15 ** by)) * 100) / 100);

export function openSettings(held, then) {
	for (const name in known) {
		const [def, allow] = known[name], given = address.has(name) ? allow(address.get(name)) : undefined;
		use(name, given ?? allow(String(kept[name] ?? '')) ?? def);
	}
	const check = (name, text) => h('label.check', h('input', { type: 'checkbox', name, checked: settings[name] }), text);
	const choice = (name, label, ...options) => pick(name, label, options, settings[name]);
	$('looks').append(
		choice('ff', 'Letters', ['plain', 'Plain'], ['serif', 'Serif'], ['wide', 'Wide'], ['mono', 'Mono']),
		choice('theme', 'Colours', ['', 'As the device'], ['light', 'Light'], ['dark', 'Dark'], ['white', 'Black on white'], ['black', 'White on black']),
		choice('spacing', 'Space between lines', [1.35, 'Close'], [1.55, 'Normal'], [1.9, 'Open']),
		h('fieldset', h('legend', 'More'), navigator.wakeLock && check('awake', 'Keep the screen on'),
			check('keys', 'Shortcuts with single keys'), check('aloud', 'Let a screen reader speak new text')));
	$('looks').onchange = ({ target: { name, type, checked, value } }) => {
		held(() => change(name, type === 'checkbox' ? checked : known[name][1](value)));
		then();
	};
	$('size').onclick = ({ target: { dataset: { step } } }) => step && held(() => resize(+step));
	link();
}

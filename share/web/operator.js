/*
 * operator - start, stop, off the record, and the microphone.  The token is
 * asked for once, when the box wants one, and stays in this tab.
 */
import { $, button, clock, duration, h, labelled, pick } from './dom.js';
import { millis } from './merge.js';
import { tool } from './state.js';

const TOKEN = 'rtta-operator';
let drawn = '', said = null, needsToken = false, level = {};

async function press(action, body) {
	const token = sessionStorage.getItem(TOKEN), headers = { 'content-type': 'application/json' };
	if (token) headers.authorization = `Bearer ${token}`;
	const answer = await fetch(`/session/${action}`, { method: 'POST', headers, body: JSON.stringify(body) });
	const text = await answer.text();
	if (answer.status === 401) {
		sessionStorage.removeItem(TOKEN);
		needsToken = true;
		throw new Error(token ? 'That is not the operator’s token.' : 'The box asks for the operator’s token.');
	}
	if (!answer.ok) throw new Error(text.trim());
}

/* A button's action, and what came of it is said. */
const act = (model, action, body) => async (e) => {
	e.preventDefault();
	const pressed = e.submitter || e.currentTarget, token = $('token')?.value;
	if (token) sessionStorage.setItem(TOKEN, token);
	pressed.disabled = true;
	said = null;
	try {
		await press(action, body());
		needsToken = false;
	} catch (error) {
		said = error.message;
	}
	drawn = '';
	operator(model);
};

function startForm(model) {
	const title = h('input', { class: 'field', id: 'title', maxlength: 80, value: $('title')?.value || '' });
	const form = h('form', { class: 'stack' }, labelled('Title', title),
		pick('preroll', 'Text from before the start', [[0, 'Nothing'], [60, '1 minute'], [120, '2 minutes'], [300, '5 minutes']], 300),
		h('p', null, button('solid', 'Start', null, 'submit')));
	form.addEventListener('submit', act(model, 'start', () => ({ title: title.value, preroll_s: Number(form.elements.preroll.value) })));
	return form;
}

/* Stop asks once more. */
function stopForm(model) {
	const ask = button('danger', 'Stop', () => { line.replaceWith(sure); sure.firstChild.focus(); });
	const line = h('p', null, ask), sure = h('p', { class: 'row' }, button('danger', 'Yes, stop', act(model, 'stop', () => ({ session: model.session.session }))),
		button('line', 'Go on', () => { sure.replaceWith(line); ask.focus(); }));
	return h('div', null, line, h('p', { class: 'help' }, 'Stop ends the session; it asks once more. What was said until then becomes text.'));
}

function recordForm(model, off) {
	return h('div', null, h('p', null, button('line', off ? 'Back on the record' : 'Off the record', act(model, off ? 'on-record' : 'off-record', () => ({})))),
		h('p', { class: 'help' }, off ? 'Nothing that is said now is written or kept.' : 'Nothing said from then on is written or kept, and the memory is wiped.'));
}

function meter(box) {
	const { level_db: db, mic } = { ...tool(box, 'rtta-route')?.counters, ...level }, dead = mic && mic !== 'ok';
	if (typeof db !== 'number') return h('p', { class: 'help' }, 'No microphone is heard.');
	const at = Math.max(-60, Math.min(0, Math.round(db))), minus = `${at}`.replace('-', '−');
	const bar = h('div', { class: 'level', role: 'meter', 'aria-label': 'Microphone', 'aria-valuemin': -60, 'aria-valuemax': 0, 'aria-valuenow': at, 'aria-valuetext': `${minus} decibel` }, h('i'));
	bar.style.setProperty('--v', (at + 60) / 60);
	return h('div', { class: `meter${dead ? ' dead' : ''}` }, bar, h('output', null, `${minus} dB`));
}

const warnings = { 'no frames': 'No sound arrives. Is the microphone plugged in?', zero: 'The microphone gives digital silence. Is it muted?', silent: 'The microphone has been silent for a while. Is it muted, or off?' };

/* Four times a second; the box itself says it with its tools, more rarely. */
export function watchLevel(model) {
	setInterval(async () => {
		if (document.hidden || !$('meter')) return;
		level = await fetch('/level').then((answer) => answer.json()).catch(() => ({}));
		$('meter').replaceChildren(meter(model.box));
	}, 250);
}

/* Draw again only what changes: somebody may be typing. */
export function operator(model) {
	if (!model.loaded) return;
	const { box, session } = model, live = session?.state === 'active', started = live ? millis(session.started) : NaN;
	const off = box.off_record || null, sign = [live, session?.session, said, needsToken, off].join('/');
	const mic = tool(box, 'rtta-route')?.counters?.mic, warning = off ? '' : warnings[mic] || '';
	document.title = live ? 'Stop · rtta' : 'Start · rtta';
	$('head').replaceChildren(h('h1', null, live ? session.title || 'A session is running' : 'Start a session'),
		h('p', null, off ? 'Off the record.' : !live ? 'The box listens; nothing is written yet.' : !(started > 0) ? 'It is running.'
			: `Started at ${clock(started)}, ${duration((Date.now() - started) / 1000)} ago.`));
	if (sign !== drawn) {
		const token = h('input', { class: 'field', id: 'token', type: 'password', autocomplete: 'off', value: $('token')?.value || '' });
		$('page').replaceChildren(h('div', { class: 'stack' }, needsToken ? labelled('Operator’s token', token) : '',
			live ? stopForm(model) : startForm(model), recordForm(model, off),
			said ? h('p', { role: 'alert', class: 'alarm' }, said) : '',
			!live && session ? h('p', null, h('a', { href: `/s/${session.session}` }, 'The last session’s text')) : '',
			h('section', null, h('h2', null, 'Microphone'), h('div', { id: 'meter' }), h('p', { id: 'dead', class: 'alarm', role: 'alert' }),
				h('p', { class: 'help' }, 'A microphone that stays below the tick, −55 dB, is reported here and on the page.'))));
	}
	drawn = sign;
	$('meter').replaceChildren(meter(box));
	if ($('dead').textContent !== warning) $('dead').textContent = warning;
}

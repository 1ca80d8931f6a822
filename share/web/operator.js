/*
 * operator - start and stop.  The token is asked for once, when the box wants
 * one, and stays in this tab.
 */
import { millis } from './merge.js';
import { clock, duration, h } from './view.js';

const PREROLLS = [[0, 'Nothing'], [60, '1 minute'], [120, '2 minutes'], [300, '5 minutes']];
let drawn = '', said = null, needsToken = false;

async function press(action, body) {
	const token = sessionStorage.getItem('rtta-operator');
	const headers = { 'content-type': 'application/json' };
	if (token) headers.authorization = `Bearer ${token}`;
	const answer = await fetch(`/session/${action}`, { method: 'POST', headers, body: JSON.stringify(body) });
	const text = await answer.text();
	if (answer.status === 401) {
		sessionStorage.removeItem('rtta-operator');
		needsToken = true;
		throw new Error(token ? 'That is not the operator’s token.' : 'The box asks for the operator’s token.');
	}
	if (!answer.ok) throw new Error(text.trim());
	return JSON.parse(text);
}

/* Run a button's action, and say what came of it. */
function act(model, page, what) {
	return async (e) => {
		e.preventDefault();
		const button = e.submitter || e.target, token = page.querySelector('#token');
		if (token?.value) sessionStorage.setItem('rtta-operator', token.value);
		button.disabled = true;
		try {
			await what();
			said = null;
			needsToken = false;
		} catch (error) {
			said = error.message;
		}
		drawn = '';
		operator(model, page);
	};
}

function tokenField() {
	if (!needsToken) return '';
	return h('div', null, h('label', { class: 'label', for: 'token' }, 'Operator’s token'),
		h('input', { class: 'field', id: 'token', type: 'password', autocomplete: 'off' }));
}

function startForm(model, page) {
	const title = h('input', { class: 'field', id: 'title', maxlength: 80, value: page.querySelector('#title')?.value || '' });
	const rows = PREROLLS.map(([s, text]) => h('label', null,
		h('input', { type: 'radio', name: 'preroll', value: s, checked: s === 300 ? '' : null }), h('span', null, text)));
	const form = h('form', { class: 'stack' },
		h('div', null, h('label', { class: 'label', for: 'title' }, 'Title'), title),
		h('fieldset', null, h('legend', null, 'Text from before the start'), h('div', { class: 'row' }, ...rows)),
		tokenField(), h('p', null, h('button', { class: 'solid', type: 'submit' }, 'Start')));
	form.addEventListener('submit', act(model, page, () => press('start',
		{ title: title.value, preroll_s: Number(form.elements.preroll.value) })));
	return form;
}

/* Stop asks once more. */
function stopForm(model, page) {
	const form = h('form', { class: 'stack' }), ask = h('button', { class: 'danger', type: 'button' }, 'Stop');
	const sure = h('p', { class: 'row' }, h('button', { class: 'danger', type: 'submit' }, 'Yes, stop'),
		h('button', { class: 'line', type: 'button' }, 'Go on'));
	const line = h('p', null, ask);
	ask.addEventListener('click', () => { line.replaceWith(sure); sure.firstChild.focus(); });
	sure.lastChild.addEventListener('click', () => { sure.replaceWith(line); ask.focus(); });
	form.append(tokenField(), line, h('p', { class: 'help' }, 'Stop ends the session. What was said until then becomes text.'));
	form.addEventListener('submit', act(model, page, () => press('stop', { session: model.session.session })));
	return form;
}

/* The level, where rtta-route tells it. */
function meter(model) {
	const counters = (model.box.tools || []).find((t) => t.tool === 'rtta-route')?.counters || {};
	const db = counters.level_db;
	if (typeof db !== 'number') return '';
	const dead = counters.mic && counters.mic !== 'ok', at = Math.max(-60, Math.min(0, Math.round(db)));
	const level = h('div', { class: 'level', role: 'meter', 'aria-label': 'Microphone', 'aria-valuemin': -60, 'aria-valuemax': 0, 'aria-valuenow': at }, h('i'));
	level.style.setProperty('--v', (at + 60) / 60);
	return h('section', null, h('h2', null, 'Microphone'), h('div', { class: dead ? 'meter dead' : 'meter' }, level,
		h('output', null, `${String(at).replace('-', '−')} dB`)));
}

function forms(model, page, live) {
	const { session } = model;
	page.replaceChildren(live ? stopForm(model, page) : startForm(model, page));
	if (said) page.append(h('p', { role: 'alert', class: 'alarm' }, said));
	else if (!live && session?.state === 'ended')
		page.append(h('p', null, h('a', { href: `/s/${session.session}` }, 'The last session’s text')));
	page.append(h('div', { id: 'meter' }));
}

function heading(model, live) {
	const { session } = model, started = live ? millis(session.started) : NaN;
	document.title = live ? 'Stop · rtta' : 'Start · rtta';
	return [h('h1', null, live ? session.title || 'A session is running' : 'Start a session'),
		h('p', null, !live ? 'The box listens; nothing is written yet.' : !(started > 0) ? 'It is running.'
			: `Started at ${clock(started)}, ${duration((Date.now() - started) / 1000)} ago.`)];
}

/* Draw again only when the buttons change: somebody may be typing. */
export function operator(model, page) {
	if (!model.loaded) return;
	const live = model.session?.state === 'active', sign = `${live}/${model.session?.session}/${said}/${needsToken}`;
	document.getElementById('head').replaceChildren(...heading(model, live));
	if (sign !== drawn) forms(model, page, live);
	drawn = sign;
	page.querySelector('#meter').replaceChildren(meter(model));
}

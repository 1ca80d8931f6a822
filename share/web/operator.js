/*
 * operator - start, stop, off the record, and the microphone.  The token is
 * asked for once, when the box wants one, and stays in this tab.
 */
import { $, clock, duration, field, fill, get, getJson, h, pick } from './dom.js';
import { head } from './lists.js';
import { microphone, tool } from './state.js';

const TOKEN = 'rtta-operator';
let said = '', needsToken = false, level = {};

/* A button's action, and what came of it is said. */
const act = (model, action, body = () => ({})) => async (e) => {
	e.preventDefault();
	const pressed = e.submitter || e.currentTarget, token = $('token')?.value || sessionStorage.getItem(TOKEN);
	pressed.disabled = true;
	said = '';
	try {
		await get(`/session/${action}`, { method: 'POST', body: JSON.stringify(body()),
			headers: { 'content-type': 'application/json', ...token && { authorization: `Bearer ${token}` } } });
		needsToken = false;
		sessionStorage.setItem(TOKEN, token || '');
	} catch ({ status, message }) {
		needsToken ||= status === 401;
		said = status !== 401 ? message : token ? 'That is not the operator’s token.' : 'The box asks for the operator’s token.';
	}
	pressed.disabled = false;
	operator(model);
};

function startForm(model) {
	const form = h('form.stack', field('Title', 'title', { maxLength: 80 }),
		pick('preroll', 'Text from before the start', [[0, 'Nothing'], [60, '1 minute'], [120, '2 minutes'], [300, '5 minutes']], 300),
		h('p', h('button.solid', 'Start')));
	form.onsubmit = act(model, 'start', () => ({ title: $('title').value, preroll_s: +form.elements.preroll.value }));
	return form;
}

/* Stop asks once more. */
function stopForm(model) {
	const ask = h('button.danger', { onclick() { line.replaceWith(sure); sure.firstChild.focus(); } }, 'Stop'), line = h('p', ask);
	const sure = h('p', h('button.danger', { onclick: act(model, 'stop', () => ({ session: model.session.session })) }, 'Yes, stop'), ' ',
		h('button.line', { onclick() { sure.replaceWith(line); ask.focus(); } }, 'Go on'));
	return h('div', line, h('p.help', 'Stop ends the session; it asks once more. What was said until then becomes text.'));
}

function meter(box) {
	const { level_db: db } = { ...tool(box, 'rtta-route')?.counters, ...level };
	if (typeof db !== 'number') return h('p.help', 'No microphone is heard.');
	const value = Math.max(-60, Math.min(0, Math.round(db)));
	return h('div.level', h('meter', { min: -60, max: 0, low: -55, value, ariaLabel: 'Microphone' }),
		h('output', `${value} dB`.replace('-', '−')));
}

/* Four times a second; the box itself says it more rarely. */
export function watchLevel(model) {
	setInterval(async () => {
		if (document.hidden || !$('meter')) return;
		level = await getJson('/level').catch(() => ({}));
		fill('meter', meter(model.box));
	}, 250);
}

export function operator(model) {
	if (!model.loaded) return;
	const { box, session } = model, live = session?.state === 'active', started = live && Date.parse(session.started);
	const off = box.off_record, dead = !off && microphone(box);
	head(live ? session.title || 'A session is running' : 'Start a session',
		off ? 'Off the record.' : !live ? 'The box listens; nothing is written yet.' : !(started > 0) ? 'It is running.'
			: `Started at ${clock(started)}, ${duration((Date.now() - started) / 1000)} ago.`, live ? 'Stop' : 'Start');
	/* A part of its own for all that changes by itself: somebody may be typing. */
	fill('page', h('div.stack', ['ask', 'press', 'record', 'said', 'before'].map((id) => h('div', { id })),
		h('h2', 'Microphone'), h('div', { id: 'meter' }), h('div', { id: 'dead', role: 'alert' })));
	fill('ask', needsToken && field('Operator’s token', 'token', { type: 'password', autocomplete: 'off' }));
	fill('press', live ? stopForm(model) : startForm(model));
	fill('record', h('p', h('button.line', { onclick: act(model, off ? 'on-record' : 'off-record') }, off ? 'Back on the record' : 'Off the record')),
		h('p.help', off ? 'Nothing that is said now is written or kept.' : 'Nothing said from then on is written or kept, and the memory is wiped.'));
	fill('said', said && h('p.alarm', { role: 'alert' }, said));
	fill('before', !live && session && h('a', { href: `/s/${session.session}` }, 'The last session’s text'));
	fill('meter', meter(box));
	fill('dead', dead && h('p.alarm', dead.head, dead.rest));
}

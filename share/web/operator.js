/* operator - start, stop, off the record, and the microphone. */
import { $, clock, duration, field, fill, get, getJson, h, pick } from './dom.js';
import { head, titleOf } from './lists.js';
import { microphone, tool } from './state.js';

const TOKEN = 'rtta-operator';
let said, needsToken, level;

const act = (model, action, body = () => ({})) => async (e) => {
	e.preventDefault();
	const pressed = e.submitter || e.currentTarget, token = $('token')?.value || sessionStorage.getItem(TOKEN);
	pressed.disabled = true;
	said = '';
	try {
		await get(`/session/${action}`, { method: 'POST', body: JSON.stringify(body()), headers: token ? { authorization: `Bearer ${token}` } : {} });
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
		pick('preroll', 'Text from before the start', [0, 60, 120, 300].map((s) => [s, s ? duration(s) : 'Nothing']), 300),
		h('p', h('button.solid', 'Start')));
	form.onsubmit = act(model, 'start', () => ({ title: $('title').value, preroll_s: +form.elements.preroll.value }));
	return form;
}

function stopForm(model) {
	const ask = h('button.danger', { onclick() { line.replaceWith(sure); sure.firstChild.focus(); } }, 'Stop'), line = h('p', ask);
	const sure = h('p', h('button.danger', { onclick: act(model, 'stop', () => ({ session: model.session.session })) }, 'Yes, stop'), ' ',
		h('button.line', { onclick() { sure.replaceWith(line); ask.focus(); } }, 'Go on'));
	return h('div', line, h('p.help', 'What was said until then becomes text.'));
}

function meter(box) {
	const { level_db: db } = { ...tool(box, 'rtta-route')?.counters, ...level };
	if (typeof db !== 'number') return h('p.help', 'No microphone is heard.');
	const value = Math.max(-60, Math.min(0, Math.round(db)));
	return h('div.level', h('meter', { min: -60, max: 0, low: -55, value, ariaLabel: 'Microphone' }),
		h('output', `${value} dB`.replace('-', '−')));
}

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
	head(live ? titleOf(session) : 'Start a session',
		!live ? 'The box listens; nothing is written yet.' : started > 0 && `Started at ${clock(started)}, ${duration((Date.now() - started) / 1000)} ago.`);
	/* In parts: somebody may be typing. */
	fill('page', h('div.stack', ['ask', 'press', 'record', 'said', 'before'].map((id) => h('div', { id })),
		h('h2', 'Microphone'), h('div', { id: 'meter' }), h('div', { id: 'dead', role: 'alert' })));
	fill('ask', needsToken && field('Operator’s token', 'token', { type: 'password', autocomplete: 'off' }));
	fill('press', live ? stopForm(model) : startForm(model));
	fill('record', h('p', h('button.line', { onclick: act(model, off ? 'on-record' : 'off-record') }, off ? 'Back on the record' : 'Off the record')),
		!off && h('p.help', 'Nothing said from then on is written or kept, and the memory is wiped.'));
	fill('said', said && h('p.alarm', { role: 'alert' }, said));
	fill('before', !live && session && h('a', { href: `/s/${session.session}` }, 'The last session’s text'));
	fill('meter', meter(box));
	fill('dead', dead && h('p.alarm', dead.head, dead.rest));
}

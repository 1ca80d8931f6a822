/* state - one sentence about what the reader can rely on; worst first. */
import { clock, duration, hour } from './dom.js';

const icons = { live: '●', bridge: '●', behind: '◐', paused: '‖', sound: '×', silent: '–', engine: '▲', offline: '◇', box: '×', ended: '■' };

const say = (name, tone, head, rest) => ({ name, tone, head, rest, icon: icons[name] || '○' });

export const tool = (box, name, lane) => (box.tools || []).find((t) => t.tool === name && (!lane || t.lane === lane));

function still(seconds, of = '') {
	const text = duration(seconds);
	return `${text}${of} ${/^1 (second|minute)$/.test(text) ? 'is' : 'are'} still to come.`;
}

const since = (time) => ` since ${clock(time)}.`;

function paused(box, session) {
	const at = box.off_record || session?.off_record;
	return at && say('paused', '', 'Off the record', `${since(at)} Nothing said now is written or kept.`);
}

export function microphone(box) {
	const route = tool(box, 'rtta-route'), { mic, mic_since: at = route?.since } = route?.counters || {};
	if (route?.state === 'gone' || mic === 'no frames')
		return say('sound', 'alarm', 'No sound reaches the box', `${since(mic ? at : route.since)} Somebody in the room should look at the microphone.`);
	return (mic === 'zero' || mic === 'silent') && say('silent', 'warn', 'The microphone is on but silent', `${since(at)} It may be muted.`);
}

function engine(box) {
	const { state, reason, since: at } = tool(box, 'rtta-stt', 'live') || {};
	if (!/^(gone|degraded|failing)$/.test(state)) return null;
	const why = state === 'gone' || reason === 'the engine fails' ? 'the speech service does not answer' : reason;
	return say('engine', 'warn', 'Writing has stopped', ` at ${clock(at)}: ${why}. The sound is kept; its text will come.`);
}

function running({ box, session, lag, delay }) {
	const pending = session.ledger?.pending_s || 0, mic = microphone(box);
	const worst = paused(box, session) || (mic?.name === 'sound' && mic) || engine(box) || mic;
	if (worst) return worst;
	if (pending >= 2) return say('behind', 'warn', 'Live, and catching up', `: ${still(pending, ' of earlier speech')}`);
	if (tool(box, 'rtta-stt', 'live')?.state === 'bridged')
		return say('bridge', 'good', 'Live, by the box alone', '. The speech service is away; better text will replace this.');
	const held = delay ? `, ${duration(delay)} of it by your own wish` : '';
	return say('live', 'good', 'Live', lag == null ? '.' : `, ${duration(lag + delay)} behind${held}.`);
}

/* What will never come, without what nobody wanted to be kept. */
export const offRecord = (ledger) => ledger?.gaps?.['off the record'] || 0;
export const missing = (ledger) => Math.max(0, (ledger?.gap_s || 0) - offRecord(ledger));
export const butFor = (ledger) => (missing(ledger) >= 0.5 ? `, but for ${duration(missing(ledger))}` : '');

function over({ state, end, ledger = {} }) {
	if (state === 'unknown') return say('ended', '', 'This is the text', '. Nothing else is known of its session.');
	if (state !== 'ended') return say('wait', 'warn', 'Stopped', '. The last words are being written.');
	const head = end?.time ? `Ended at ${hour(end.time)}` : 'Ended';
	if (!ledger.closed && ledger.pending_s >= 0.5) return say('behind', 'warn', head, `. ${still(ledger.pending_s)}`);
	return say('ended', '', head, `. This is the whole text${butFor(ledger)}.`);
}

export const isOver = (session) => /^(ended|unknown)$/.test(session?.state);

export function sentence(model) {
	const { box, session, down } = model;
	if (down && !model.online)
		return say('offline', 'warn', 'You are offline', `${since(down)} The room goes on; what you miss will be here when you are back.`);
	if (down) return say('box', 'alarm', 'The box does not answer', `${since(down)} This page keeps trying.`);
	if (!model.loaded) return say('wait', '', 'One moment', '. The text is on its way.');
	if (!session) return paused(box) || microphone(box) || say('none', '', 'No session',
		tool(box, 'rtta-route') ? '. The box listens and keeps five minutes in memory.' : '. The box hears nothing yet.');
	if (box.bus === false && !isOver(session))
		return say('engine', 'warn', 'Nothing new arrives', ` since ${clock(model.busAway)}: a part of the box is away. What is said is kept; its text will come.`);
	return session.state === 'active' ? running(model) : over(session);
}

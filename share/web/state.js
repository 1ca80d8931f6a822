/*
 * state - one sentence, plain and true, about what the reader can rely on.
 *
 * From the session's state, the box's tools and the connection; worst first.
 * Pure but for the words' times.
 */
import { clock, duration } from './view.js';
import { millis } from './merge.js';

const RING = 'M7 7m-6 0a6 6 0 1 0 12 0a6 6 0 1 0 -12 0';
const CROSS = 'M2 2L12 12M12 2L2 12';
const icons = {
	live: RING, behind: 'M7 1a6 6 0 1 1 -6 6', paused: 'M4 1v12M10 1v12', sound: CROSS,
	silent: 'M1 7h12', engine: 'M7 1L13.5 13H.5Z', offline: 'M1 7h4M9 7h4M6 3l2 8', box: CROSS,
	ended: 'M2 2h10v10H2Z', none: RING, wait: RING,
};
const solid = ['live', 'ended'];

function say(name, tone, head, rest) {
	return { name, tone, head, rest, icon: icons[name], solid: solid.includes(name) };
}

/* The tool of the box by name and lane: what it said last. */
function tool(box, name, lane) {
	return (box.tools || []).find((t) => t.tool === name && (!lane || t.lane === lane));
}

/* "2 min 10 s are", "1 minute is". */
function still(seconds) {
	const text = duration(seconds);
	return /^1 (second|minute)$/.test(text) ? [text, 'is'] : [text, 'are'];
}

const since = (t) => `since ${clock(millis(t))}`;
const gone = (t) => t && t.state === 'gone';

/* The microphone, as rtta-route hears it. */
function microphone(box) {
	const route = tool(box, 'rtta-route');
	if (!route) return null;
	const mic = route.counters?.mic, at = route.counters?.mic_since || route.since;
	if (gone(route) || mic === 'no frames')
		return say('sound', 'alarm', 'No sound reaches the box',
			` ${since(gone(route) ? route.since : at)}. Somebody in the room should look at the microphone.`);
	if (mic === 'zero' || mic === 'silent')
		return say('silent', 'warn', 'The microphone is on but silent', ` ${since(at)}. It may be muted.`);
	return null;
}

function engine(box) {
	const stt = tool(box, 'rtta-stt', 'live');
	if (!stt || !(gone(stt) || stt.state === 'degraded')) return null;
	const why = gone(stt) || stt.reason === 'the engine fails' ? 'the speech service does not answer' : stt.reason;
	return say('engine', 'warn', 'Writing has stopped', ` at ${clock(millis(stt.since))}: ${why}. The sound is kept; its text will come.`);
}

function running(model) {
	const { box, session, lag } = model;
	const pending = session.ledger?.pending_s || 0;
	const mic = microphone(box);
	if (session.off_record)
		return say('paused', '', 'Off the record', ` ${since(session.off_record)}. Nothing said now is written or kept.`);
	if (mic?.name === 'sound') return mic;
	const stt = engine(box);
	if (stt || mic) return stt || mic;
	if (pending >= 2) {
		const [much, are] = still(pending);
		return say('behind', 'warn', 'Live, and catching up', `: ${much} of earlier speech ${are} still to come.`);
	}
	return say('live', 'good', 'Live', lag == null ? '.' : `, ${duration(lag)} behind.`);
}

function over(session) {
	const ledger = session.ledger || {};
	if (session.state === 'unknown') return say('ended', '', 'This is the text', '. Nothing else is known of its session.');
	if (session.state !== 'ended') return say('wait', 'warn', 'Stopped', '. The last words are being written.');
	const head = session.end?.time ? `Ended at ${clock(millis(session.end.time)).slice(0, 5)}` : 'Ended';
	if (!ledger.closed && ledger.pending_s >= 0.5) {
		const [much, are] = still(ledger.pending_s);
		return say('behind', 'warn', head, `. ${much} ${are} still to come.`);
	}
	return say('ended', '', head, ledger.gap_s >= 0.5
		? `. This is the whole text, but for ${duration(ledger.gap_s)}.` : '. This is the whole text.');
}

/* No more is to come but what is late. */
export const isOver = (session) => session.state === 'ended' || session.state === 'unknown';

/* model: {online, down (ms or 0), loaded, box, session, lag} */
export function sentence(model) {
	if (model.down && !model.online)
		return say('offline', 'warn', 'You are offline',
			` since ${clock(model.down)}. The room goes on; what you miss will be here when you are back.`);
	if (model.down)
		return say('box', 'alarm', 'The box does not answer', ` since ${clock(model.down)}. This page keeps trying.`);
	if (!model.loaded) return say('wait', '', 'One moment', '. The text is on its way.');
	if (!model.session)
		return microphone(model.box) ||
			say('none', '', 'No session', tool(model.box, 'rtta-route')
				? '. The box listens and keeps five minutes in memory.' : '. The box hears nothing yet.');
	if (model.box.bus === false && !isOver(model.session))
		return say('engine', 'warn', 'Nothing new arrives',
			` since ${clock(model.busAway)}: a part of the box is away. What is said is kept; its text will come.`);
	return model.session.state === 'active' ? running(model) : over(model.session);
}

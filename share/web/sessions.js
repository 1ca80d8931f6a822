/*
 * sessions - the list: title, when, how long, and whether all of it is text.
 */
import { millis } from './merge.js';
import { clock, duration, h } from './view.js';

function dayOf(ms) {
	const at = new Date(ms), today = new Date(), midnight = new Date(today).setHours(0, 0, 0, 0);
	if (!(ms > 0)) return 'Undated';
	if (ms >= midnight) return 'Today';
	if (ms >= midnight - 86400000) return 'Yesterday';
	return at.toLocaleDateString('en-GB', { weekday: 'long', day: 'numeric', month: 'long' });
}

/* What is to be said of a ledger, and whether it is bad news. */
function coverage(ledger) {
	if (ledger.pending_s >= 1) return [`${duration(ledger.pending_s)} to come`, false];
	if (ledger.gap_s >= 0.5) return [`${duration(ledger.gap_s)} missing`, true];
	return ledger.text_s > 0 ? ['complete', false] : ['no speech', false];
}

async function fill(el, session) {
	let { ledger } = session;
	if (!ledger) {
		const answer = await fetch(`/s/${session.id}/coverage`);
		if (!answer.ok) return;
		ledger = await answer.json();
	}
	const [text, bad] = coverage(ledger);
	el.textContent = text;
	el.className = bad ? 'warn' : '';
}

function row(session, titleOf) {
	const started = millis(session.started), cover = h('p');
	const length = session.state === 'active' ? 'live' : session.seconds > 0 ? duration(session.seconds) : '';
	fill(cover, session).catch(() => {});
	return h('article', { class: 'item' },
		h('h3', null, h('a', { href: `/s/${session.id}` }, h('bdi', null, titleOf(session)))),
		h('p', null, [started > 0 ? clock(started).slice(0, 5) : '', length].filter(Boolean).join(', ')), cover);
}

export async function sessions(head, page, titleOf) {
	head.replaceChildren(h('h1', null, 'Sessions'), h('p', null, 'Text is kept for seven days.'));
	document.title = 'Sessions · rtta';
	try {
		const answer = await fetch('/sessions');
		if (!answer.ok) throw new Error(await answer.text());
		const list = await answer.json();
		let day = '';
		for (const session of list) {
			const of = dayOf(millis(session.started));
			if (of !== day) page.append(h('h2', null, day = of));
			page.append(row(session, titleOf));
		}
		if (!list.length) page.append(h('p', { class: 'help' }, 'There has been none yet.'));
	} catch (error) {
		page.append(h('p', { class: 'help', role: 'alert' }, `The list did not come: ${error.message}`));
	}
}

/* net - the WebSocket to the box; what was stored before comes by HTTP, in one piece. */
import { recordsOf } from './dom.js';

const SILENT_MS = 20000, RETRY_MIN_MS = 500, RETRY_MAX_MS = 10000, NOTHING = Number.MAX_SAFE_INTEGER;

let session, text, on;
let known, last, whole;  /* we have all of this session up to last */
let socket, first, partly;  /* nothing was said yet; stored text is not asked for */
let heard, timer, retry = RETRY_MIN_MS;

/* id: '' for whichever session is current.  its: {message(json), begin(id),
   up(), down()}; begin: what is shown is of another session, or was deleted. */
export function listen(id, withText, its) {
	[session, text, on] = [id, withText, its];
	addEventListener('online', connect);
	setInterval(() => { if (socket && performance.now() - heard > SILENT_MS) lost(); }, 1000);
	forget(null);
	connect();
}

function forget(id) { known = id; last = 0; whole = false; }

function close() {
	clearTimeout(timer);
	if (socket) socket.onmessage = socket.onclose = null;
	socket?.close();
	socket = null;
}

function connect() {
	const id = session || known, after = whole && text ? last : NOTHING;
	const asked = new URLSearchParams({ after, ...id && { session: id }, ...!session && { follow: 1 } });
	close();
	first = true;
	heard = performance.now();
	socket = new WebSocket(`${location.origin.replace('http', 'ws')}/ws?${asked}`);
	socket.onmessage = (e) => take(JSON.parse(e.data));
	socket.onclose = lost;
}

function lost() {
	close();
	on.down();
	timer = setTimeout(connect, retry * (0.5 + Math.random() / 2));
	retry = Math.min(RETRY_MAX_MS, retry * 2);
}

function complete() { whole = true; retry = RETRY_MIN_MS; }

function take(json) {
	heard = performance.now();
	if (json.event === 'session') return greeted(json.session);
	if (json.event === 'live') {
		if (json.seq < last) { forget(null); return connect(); }  /* the box has less than we had */
		if (partly) return history(json, socket);
		complete();
	}
	if (json.seq && !json.event) last = Math.max(last, json.seq);
	on.message(json);
}

/* One that begins while we listen comes by the socket. */
function greeted(id) {
	const begins = !first || !whole || id !== known;
	partly = first && begins && text && id;
	first = false;
	if (begins) {
		forget(id);
		on.begin(id);
	}
	on.up();
}

async function history(live, asked) {
	const records = await recordsOf(known).catch(() => null);
	if (asked !== socket || !partly) return;
	if (!records) return lost();
	partly = false;
	complete();
	records.forEach(take);
	on.message(live);
}

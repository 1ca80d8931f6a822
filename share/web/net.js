/*
 * net - the WebSocket to the box: everything once, whatever happens to it.
 *
 * What is stored already comes by HTTP, in one piece, while the socket is
 * open for what is new.  Reconnects behind the last record that it had.  The
 * box speaks every 5 s; when it has not for 20 s the connection is dead.
 */
import { recordsOf } from './dom.js';

const SILENT_MS = 20000, RETRY_MIN_MS = 500, RETRY_MAX_MS = 10000;
const NOTHING = Number.MAX_SAFE_INTEGER;   /* behind it there is no record */

export class Net {
	/* session: an id, or '' for whichever is current.  text: whether records
	   are wanted.  on: {message(json), begin(id), up(), down()}; begin: what
	   is shown is of another session, or was deleted: start from nothing. */
	constructor(session, text, on) {
		Object.assign(this, { session, text, on, retry: RETRY_MIN_MS });
		addEventListener('online', () => this.connect());
		addEventListener('pagehide', () => this.close());
		addEventListener('pageshow', (e) => { if (e.persisted) this.connect(); });
		setInterval(() => { if (this.socket && performance.now() - this.heard > SILENT_MS) this.lost(); }, 1000);
		this.forget(null);
		this.connect();
	}

	/* whole: what was stored before is here, too. */
	forget(id) { Object.assign(this, { known: id, last: 0, whole: false }); }

	close() {
		clearTimeout(this.timer);
		if (this.socket) this.socket.onmessage = this.socket.onclose = null;
		this.socket?.close();
		this.socket = null;
	}

	connect() {
		const at = new URL('/ws', location.href), id = this.session || this.known;
		at.protocol = at.protocol.replace('http', 'ws');
		if (id) at.searchParams.set('session', id);
		if (!this.session) at.searchParams.set('follow', 1);
		at.searchParams.set('after', this.whole ? this.last : NOTHING);
		this.close();
		this.first = true;
		this.heard = performance.now();
		this.socket = new WebSocket(at);
		this.socket.onmessage = (e) => this.take(JSON.parse(e.data));
		this.socket.onclose = () => this.lost();
	}

	lost() {
		this.close();
		this.on.down();
		this.timer = setTimeout(() => this.connect(), this.retry * (0.5 + Math.random() / 2));
		this.retry = Math.min(RETRY_MAX_MS, this.retry * 2);
	}

	take(json) {
		this.heard = performance.now();
		if (json.event === 'session') return this.greeted(json.session);
		if (json.event === 'live') {
			/* The box has less than we had. */
			if (json.seq < this.last) { this.forget(null); return this.connect(); }
			if (!this.whole && this.text && this.known) return this.history(json, this.socket, this.known);
			this.whole = true;
			this.retry = RETRY_MIN_MS;
		}
		if (json.seq && !json.event) this.last = Math.max(this.last, json.seq);
		this.on.message(json);
	}

	/* The first message says what follows.  The same session again, on a new
	   connection, goes on; anything else begins, and a later one comes whole. */
	greeted(id) {
		if (!this.first || !this.whole || id !== this.known) {
			this.forget(id);
			this.whole = !this.first;
			this.on.begin(id);
		}
		this.first = false;
		this.on.up();
	}

	async history(live, socket, id) {
		const records = await recordsOf(id).catch(() => null);
		if (socket !== this.socket || id !== this.known) return;
		if (!records) return this.lost();
		this.whole = true;
		this.retry = RETRY_MIN_MS;
		for (const record of records) this.take(record);
		this.on.message(live);
	}
}

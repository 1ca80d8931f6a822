/*
 * net - the WebSocket to the box: everything once, whatever happens to it.
 *
 * What is stored already comes by HTTP, in one piece, while the socket is
 * open for what is new.  Reconnects behind the last record that it had.  The
 * box speaks every 5 s; when it has not for 20 s the connection is dead.
 */
const SILENT_MS = 20000, RETRY_MIN_MS = 500, RETRY_MAX_MS = 10000;
const NOTHING = Number.MAX_SAFE_INTEGER;   /* behind it there is no record */

export class Net {
	/* session: an id, or '' for whichever is current.  text: whether records
	   are wanted.  on: {message(json), begin(id), up(), down()}; begin: what
	   is shown is of another session, or was deleted: start from nothing. */
	constructor(session, text, on) {
		Object.assign(this, { session, text, on, last: 0, known: null, whole: false, plain: false, retry: RETRY_MIN_MS });
		addEventListener('online', () => this.connect());
		addEventListener('pagehide', () => this.close());
		addEventListener('pageshow', (e) => { if (e.persisted) this.connect(); });
		setInterval(() => { if (this.socket && performance.now() - this.heard > SILENT_MS) this.lost(); }, 1000);
		this.connect();
	}

	address() {
		const at = new URL('/ws', location.href), id = this.session || this.known;
		at.protocol = at.protocol.replace('http', 'ws');
		if (id) at.searchParams.set('session', id);
		if (!this.session) at.searchParams.set('follow', 1);
		if (this.partly || this.last) at.searchParams.set('after', this.partly ? NOTHING : this.last);
		return at;
	}

	close() {
		clearTimeout(this.timer);
		if (!this.socket) return;
		this.socket.onmessage = this.socket.onclose = null;
		this.socket.close();
		this.socket = null;
	}

	connect() {
		this.close();
		this.first = true;
		this.partly = !this.whole && !this.plain;
		this.heard = performance.now();
		this.socket = new WebSocket(this.address());
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
			if (json.seq < this.last) return this.again();
			if (this.partly && this.text && this.known) return this.history(json, this.socket, this.known);
			this.whole = true;
		}
		if (json.seq && !json.event) this.last = Math.max(this.last, json.seq);
		this.on.message(json);
	}

	/* The first message says what follows.  The same session again, on a new
	   connection, goes on; anything else begins. */
	greeted(id) {
		const goesOn = this.first && this.whole && id === this.known;
		if (!this.first) this.partly = false;
		this.first = false;
		this.retry = RETRY_MIN_MS;
		if (!goesOn) {
			this.known = id;
			this.last = 0;
			this.whole = false;
			this.on.begin(id);
		}
		this.on.up();
	}

	/* What was stored before; when it cannot be had, by the socket after all. */
	async history(live, socket, id) {
		const records = await fetch(`/s/${id}/transcript.jsonl`).then((answer) => (answer.ok ? answer.text() : null)).catch(() => null);
		if (socket !== this.socket || id !== this.known) return;
		this.plain = records === null;
		if (this.plain) return this.again();
		this.partly = false;
		this.whole = true;
		for (const line of records.split('\n')) if (line) this.take(JSON.parse(line));
		this.on.message(live);
	}

	/* From nothing: also when the box has less than we had. */
	again() {
		this.known = null;
		this.last = 0;
		this.whole = false;
		this.connect();
	}
}

/*
 * net - the WebSocket to the box: everything once, whatever happens to it.
 *
 * Reconnects behind the last record that it had.  The box speaks every 5 s;
 * when it has not for 20 s the connection is dead, whatever TCP says.
 */

const SILENT_MS = 20000;
const RETRY_MIN_MS = 500, RETRY_MAX_MS = 10000;

export class Net {
	/* session: an id, or '' for whichever is current.  on: {message(json),
	   begin(id), up(), down()}.  begin: what is shown is of another session,
	   or was deleted: start from nothing. */
	constructor(session, on) {
		this.session = session;
		this.follow = !session;
		this.on = on;
		this.last = 0;            /* sequence of the last record */
		this.known = null;        /* session that is shown */
		this.retry = RETRY_MIN_MS;
		addEventListener('online', () => this.connect());
		addEventListener('pagehide', () => this.close());
		addEventListener('pageshow', (e) => { if (e.persisted) this.connect(); });
		setInterval(() => this.check(), 1000);
		this.connect();
	}

	address() {
		const at = new URL('/ws', location.href), id = this.session || this.known;
		at.protocol = at.protocol.replace('http', 'ws');
		if (id) at.searchParams.set('session', id);
		if (this.follow) at.searchParams.set('follow', 1);
		if (this.last) at.searchParams.set('after', this.last);
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

	check() {
		if (this.socket && performance.now() - this.heard > SILENT_MS) this.lost();
	}

	take(json) {
		this.heard = performance.now();
		if (json.event === 'session') this.greeted(json.session);
		else if (json.event === 'live' && json.seq < this.last) this.restart();
		else {
			if (json.seq && !json.event) this.last = Math.max(this.last, json.seq);
			this.on.message(json);
		}
	}

	/* The first message says what follows.  The same session again, on a new
	   connection, goes on; anything else begins. */
	greeted(id) {
		const goesOn = this.first && id === this.known;
		this.first = false;
		this.retry = RETRY_MIN_MS;
		if (!goesOn) {
			this.known = id;
			this.last = 0;
			this.on.begin(id);
		}
		this.on.up();
	}

	/* The box has less than we had: its text was made anew. */
	restart() {
		this.known = null;
		this.last = 0;
		this.connect();
	}
}

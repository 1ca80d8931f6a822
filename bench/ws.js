// A yardstick for readers.c: Node's ws sends the same texts to everybody.
//   NODE_PATH=... node bench/ws.js PORT-FILE [RATE]
'use strict';
const fs = require('fs');
const { WebSocketServer } = require('ws');

const rate = Number(process.argv[3] || 3);
const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
server.on('listening', () => fs.writeFileSync(process.argv[2], `${server.address().port}\n`));
server.on('connection', (socket) => socket.send('{"event":"live"}'));

let sent = 0;
setInterval(() => {
	const at = process.hrtime.bigint().toString().padStart(19, '0');
	const message = JSON.stringify({
		text: `@${at}  The river has to be below the amber mark.`,
		timestamp: '2026-11-24T10:09:00.000000Z', is_final: false, type: 'text',
		lane: 'live', end: '2026-11-24T10:09:01.000000Z', session: 'bench',
		run: '0000000000000001', first: sent * 16000, last: ++sent * 16000, rev: 1,
	});
	for (const socket of server.clients)
		socket.send(message);
}, 1000 / rate);

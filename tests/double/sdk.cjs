// Deepgram's own client for Node.js: sdk.cjs live|batch PORT FILE.wav, as sdk.py.
const { DeepgramClient } = require("@deepgram/sdk");
const fs = require("fs");

const [mode, port, path] = process.argv.slice(2);
const http = `http://127.0.0.1:${port}`, ws = `ws://127.0.0.1:${port}`;
const client = new DeepgramClient({
	apiKey: "test-key",
	environment: { base: http, production: ws, agent: ws, agentRest: http },
	maxRetries: 0,
});

async function live() {
	const wav = fs.readFileSync(path);
	const pcm = wav.subarray(wav.indexOf("data") + 8);
	const connection = await client.listen.v1.connect({
		model: "nova-3", encoding: "linear16", sample_rate: wav.readUInt32LE(24),
		interim_results: "true", punctuate: "true", reconnectAttempts: 0,
	});
	const closed = new Promise((resolve) => connection.on("close", resolve));
	connection.on("message", (message) => {
		const text = message.type === "Results" && message.is_final &&
		    message.channel.alternatives[0].transcript;
		if (text)
			console.log(text);
	});
	connection.connect();
	await connection.waitForOpen();
	for (let at = 0; at < pcm.length; at += 3200)
		connection.sendMedia(pcm.subarray(at, at + 3200));
	connection.sendKeepAlive({ type: "KeepAlive" });
	connection.sendCloseStream({ type: "CloseStream" });
	await closed;
}

async function batch() {
	const answer = await client.listen.v1.media.transcribeFile(fs.readFileSync(path),
	    { model: "nova-3", punctuate: true, utterances: true });
	for (const utterance of answer.results.utterances)
		console.log(utterance.transcript);
}

({ live, batch })[mode]().then(() => process.exit(0), (error) => {
	console.log(error.statusCode ?? error);
	process.exit(2);
});

"""An engine of the exec kind behind the double, and its events as Deepgram's."""
import asyncio
import audioop
import json
import struct

RATE_HZ = 16000


def f32(number):
    """As the service writes numbers: with the noise of a float."""
    return struct.unpack("f", struct.pack("f", number))[0]


def words_of(event, base_s):
    """Where the engine has no words, its text is shared out over its time."""
    known = event.get("words")
    if known is None:
        texts = event["text"].split()
        letters = sum(len(text) + 1 for text in texts)
        at, known = event["start"], []
        for text in texts:
            size = (event["end"] - event["start"]) * (len(text) + 1) / letters
            known.append({"word": text, "start": at, "end": at + size})
            at += size
    return [{"word": word["word"].lower().strip(".,?!\"'"), "punctuated_word": word["word"],
             "start": f32(base_s + word["start"]), "end": f32(base_s + word["end"]),
             "confidence": f32(word.get("confidence", 0.98))} for word in known]


def alternative(words):
    return {"transcript": " ".join(word["punctuated_word"] for word in words),
            "confidence": f32(0.98) if words else 0.0, "words": words}


class Decoder:
    """Bytes of an encoding become s16le of 16 kHz, for each channel."""

    def __init__(self, encoding, rate_hz, channels):
        self.encoding, self.rate_hz, self.channels = encoding, rate_hz, channels
        self.width = 2 if encoding == "linear16" else 1
        self.rest = b""
        self.states = [None] * channels

    def seconds(self, count):
        return count / (self.rate_hz * self.channels * self.width)

    def decode(self, data):
        data = self.rest + data
        whole = len(data) - len(data) % (self.width * self.channels)
        data, self.rest = data[:whole], data[whole:]
        if self.encoding == "mulaw":
            data = audioop.ulaw2lin(data, 2)
        elif self.encoding == "alaw":
            data = audioop.alaw2lin(data, 2)
        return [self._channel(data, i) for i in range(self.channels)]

    def _channel(self, data, i):
        if self.channels > 1:
            step = 2 * self.channels
            data = b"".join(data[at:at + 2] for at in range(2 * i, len(data), step))
        if self.rate_hz != RATE_HZ:
            data, self.states[i] = audioop.ratecv(data, 2, 1, self.rate_hz, RATE_HZ,
                                                  self.states[i])
        return data


class Hearing:
    """One life of an engine: PCM goes in, on_event() is called with what it says."""

    def __init__(self, command, base_s, on_event):
        self.command, self.base_s, self.on_event = command, base_s, on_event
        self.process = self.task = None

    async def start(self):
        self.process = await asyncio.create_subprocess_exec(
            *self.command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            limit=1 << 20)
        self.task = asyncio.create_task(self._read())
        return self

    async def _read(self):
        async for line in self.process.stdout:
            event = json.loads(line)
            if event["event"] not in ("ready", "done"):
                await self.on_event(self, event)

    async def feed(self, pcm):
        if pcm:
            self.process.stdin.write(pcm)
            await self.process.stdin.drain()

    async def finish(self):
        """The rest of what was heard, then nothing more."""
        self.process.stdin.close()
        await self.task
        await self.process.wait()

    def kill(self):
        if self.task is not None:
            self.task.cancel()
        if self.process is not None and self.process.returncode is None:
            self.process.kill()

"""Deepgram's own client for Python streams a file, and posts one: sdk.py live|batch PORT FILE.wav

Prints the text, a line for each final.  Exits 2 and prints the status when the
service refuses.
"""
import sys
import threading
import wave

from deepgram import DeepgramClient
from deepgram.core.api_error import ApiError
from deepgram.core.events import EventType
from deepgram.environment import DeepgramClientEnvironment
from deepgram.listen.v1.types import ListenV1Results

mode, port, path = sys.argv[1:]
client = DeepgramClient(api_key="test-key", environment=DeepgramClientEnvironment(
    base=f"http://127.0.0.1:{port}", production=f"ws://127.0.0.1:{port}",
    agent=f"ws://127.0.0.1:{port}", agent_rest=f"http://127.0.0.1:{port}"))


def live():
    with wave.open(path) as file:
        rate, pcm = file.getframerate(), file.readframes(file.getnframes())
    with client.listen.v1.connect(model="nova-3", encoding="linear16", sample_rate=rate,
                                  interim_results=True, punctuate=True) as connection:
        def on_message(message):
            if isinstance(message, ListenV1Results) and message.is_final:
                text = message.channel.alternatives[0].transcript
                if text:
                    print(text, flush=True)
        connection.on(EventType.MESSAGE, on_message)
        reader = threading.Thread(target=connection.start_listening)
        reader.start()
        for at in range(0, len(pcm), 3200):
            connection.send_media(pcm[at:at + 3200])
        connection.send_keep_alive()
        connection.send_close_stream()
        reader.join()


def batch():
    with open(path, "rb") as file:
        answer = client.listen.v1.media.transcribe_file(
            request=file.read(), model="nova-3", punctuate=True, utterances=True)
    for utterance in answer.results.utterances:
        print(utterance.transcript)


try:
    {"live": live, "batch": batch}[mode]()
except ApiError as error:
    print(error.status_code)
    sys.exit(2)

"""A client loses its socket in the middle of a conversation with the real models, and nothing of that."""

import asyncio
import contextlib

import numpy as np
import pytest

from gateway.assembly import Streams
from gateway.server.seat import Seat
from speech.wer import word_errors
from streams.client import WIRE_RATE, RealtimeClient, audio_of
from streams.serve import new_server

TIMEOUT_S = 120
QUESTION = "What is the capital of France?"
SILENCE = np.zeros(WIRE_RATE, np.float32)
PIECE = WIRE_RATE // 10


class Line:
    """The network between a client and the server, which can be cut."""

    def __init__(self, port):
        self._target = port
        self._writers = []
        self._copying = set()

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self.url = f"ws://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1/realtime"
        return self

    async def __aexit__(self, *error):
        self._server.close()
        self.cut()
        await asyncio.gather(*self._copying)

    async def _connect(self, reader, writer):
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        self._writers += [writer, far_writer]
        for ends in ((reader, far_writer), (far_reader, writer)):
            self._copying.add(asyncio.create_task(self._copy(*ends)))

    async def _copy(self, reader, writer):
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        writer.close()

    def cut(self):
        """Every connection breaks, at both ends, without a word."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()


class Told:
    """What a client was told, to be waited for."""

    def __init__(self):
        self.events = []
        self.on_event = lambda event: None
        self._changed = asyncio.Event()

    def __call__(self, event):
        self.events.append(event)
        self._changed.set()
        self.on_event(event)

    def of(self, kind):
        return [event for event in self.events if event["type"] == kind]

    async def until(self, kind):
        async with asyncio.timeout(TIMEOUT_S):
            while not self.of(kind):
                self._changed.clear()
                await self._changed.wait()
        return self.of(kind)[-1]


@pytest.fixture
def sent(monkeypatch):
    """The ids of all events that the server meant for its client, as they happened."""
    ids = []
    send = Seat._send
    monkeypatch.setattr(
        Seat, "_send", lambda seat, event, *more: (ids.append(event["event_id"]), send(seat, event, *more))
    )
    return ids


@pytest.fixture
def offline(streams, config):
    """The service on media time, so that what is heard depends on the sound alone."""
    server = config.server.model_copy(update={"port": 0, "clock": "media"})
    return Streams(config.model_copy(update={"server": server}), streams.backend)


@contextlib.asynccontextmanager
async def conversation(service):
    told = Told()
    async with (
        new_server(service) as server,
        Line(server.port) as line,
        RealtimeClient(line.url, told, resume=True) as client,
    ):
        await told.until("session.updated")
        yield line, client, told


def test_an_answer_that_is_cut_is_heard_whole_and_once(streams, sent, monkeypatch):
    monkeypatch.setattr("streams.client.FIRST_RETRY_S", 0.01)

    async def scenario():
        async with conversation(streams) as (line, client, told):

            def cut_at_the_first_sound(event):
                if event["type"] == "response.output_audio.delta" and len(told.of(event["type"])) == 2:
                    line.cut()

            told.on_event = cut_at_the_first_sound
            part = {"type": "input_text", "text": QUESTION}
            await client.send(
                "conversation.item.create", item={"type": "message", "role": "user", "content": [part]}
            )
            await client.send("response.create")
            done = await told.until("response.done")
            return told, done

    told, done = asyncio.run(scenario())
    assert len(told.of("session.resumed")) == 1
    assert not told.of("error")
    seen = [event["event_id"] for event in told.events if event["type"] != "session.resumed"]
    assert seen == sent
    (item,) = done["response"]["output"]
    transcript = "".join(each["delta"] for each in told.of("response.output_audio_transcript.delta"))
    assert item["content"][0]["transcript"] == transcript.strip()
    sound = np.concatenate([audio_of(each) for each in told.of("response.output_audio.delta")])
    assert len(sound) > WIRE_RATE // 2


def test_what_is_said_while_the_socket_is_gone_is_heard(offline, streams, sent, monkeypatch):
    monkeypatch.setattr("streams.client.FIRST_RETRY_S", 0.01)
    question = streams.backend.synthesizer.synthesize(QUESTION)
    sound = np.concatenate([SILENCE, question, SILENCE])

    async def scenario():
        async with conversation(offline) as (line, client, told):
            hearing = {"transcription": {"model": "any"}, "turn_detection": {"type": "server_vad"}}
            session = {"type": "realtime", "output_modalities": ["text"], "audio": {"input": hearing}}
            await client.send("session.update", session=session)
            middle = len(SILENCE) + len(question) // 2
            for start in range(0, len(sound), PIECE):
                await client.append_audio(sound[start : start + PIECE])
                if start <= middle < start + PIECE:
                    await told.until("input_audio_buffer.speech_started")
                    line.cut()
            completed = await told.until("conversation.item.input_audio_transcription.completed")
            await told.until("response.done")
            return told, completed

    told, completed = asyncio.run(scenario())
    assert len(told.of("session.resumed")) == 1
    assert len(told.of("input_audio_buffer.committed")) == 1
    assert told.of("input_audio_buffer.speech_stopped")[0]["audio_end_ms"] < 1_000 * len(sound) / WIRE_RATE
    assert word_errors([QUESTION], [completed["transcript"]]).errors == 0
    seen = [event["event_id"] for event in told.events if event["type"] != "session.resumed"]
    assert seen == sent

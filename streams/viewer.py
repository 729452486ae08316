"""The demo's client: shows a video, speaks, and keeps what comes back."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from streams.client import WIRE_RATE, RealtimeClient, ServerEvent, audio_of, response_id_of
from streams.clock import WallClock
from streams.script import Line
from streams.talk.sight import encode_jpeg, frames_of
from streams.talk.teller import TOLD, Teller, shown_moment, stages_of, text_of
from streams.text_score import holds
from streams.timeline import Timeline
from streams.types import US_PER_MS, US_PER_S, Samples

CHUNK_MS = 100
CHUNK_US = CHUNK_MS * US_PER_MS
CHUNK_SAMPLES = WIRE_RATE * CHUNK_MS // 1_000
SILENCE = np.zeros(CHUNK_SAMPLES, np.float32)
AFTER_SPEECH_S = 1.2
"""Silence after a question on the virtual clock, so that its end is noticed."""
INTERRUPT_AFTER_S = 1.0
FRAMES_PER_S = 2.0
ANSWER_TIMEOUT_S = 120.0


@dataclass(slots=True)
class SpokenLine:
    """One question and what came back."""

    line: Line
    heard: str = ""
    answer: str = ""
    status: str = ""
    recalled: list[str] = field(default_factory=list)
    latency: dict[str, float] = field(default_factory=dict)
    sound: list[Samples] = field(default_factory=list)

    @property
    def right(self) -> bool | None:
        """Whether the answer is; None where none is right or wrong."""
        return holds(self.answer, self.line.accepted) if self.line.accepted else None


class Viewer:
    """The client's side of the demo: sends video and voice, shows and keeps what comes back."""

    def __init__(self, timeline: Timeline, *, fast: bool) -> None:
        self._timeline = timeline
        self._teller = Teller(timeline)
        self._fast = fast
        self._clock = WallClock()
        self._sent_us = 0
        self._frames = 0
        self._mouth: deque[Samples] = deque()
        self._asked: deque[SpokenLine] = deque()
        self._answering: dict[str, SpokenLine] = {}
        self._speaking = asyncio.Event()
        self._finished = asyncio.Condition()
        self._open = 0
        self.exchanges: list[SpokenLine] = []
        self.errors: list[str] = []

    async def run(self, client: RealtimeClient, video: Path, lines: Sequence[tuple[Line, Samples]]) -> None:
        """Send the whole video with the lines spoken over it; returns when every answer is there."""
        await client.send(
            "session.update",
            session={
                "type": "realtime",
                "audio": {"input": {"transcription": {"model": "embedded"}}},
                "streams": {"events": list(TOLD)},
            },
        )
        self._clock = WallClock()
        waiting = deque(lines)
        for frame in frames_of(video, FRAMES_PER_S):
            while self._sent_us < frame.pts_us:
                await self._send_sound(client)
            if waiting and waiting[0][0].at_s * US_PER_S <= frame.pts_us:
                await self._speak_next(client, waiting)
            await client.append_frame(encode_jpeg(frame.image), frame.pts_us // US_PER_MS)
            self._frames += 1
            self._timeline.tick(frame.pts_us, frames=self._frames)
        await self._answered(client)

    async def _speak_next(self, client: RealtimeClient, waiting: deque[tuple[Line, Samples]]) -> None:
        line, samples = waiting.popleft()
        interruption = waiting.popleft() if waiting and waiting[0][0].about == "interruption" else None
        self._say(line, samples)
        if interruption is None:
            if self._fast:
                await self._answered(client)
            return
        self._speaking.clear()
        if self._fast:
            await self._finish_speaking(client)
            await asyncio.wait_for(self._speaking.wait(), ANSWER_TIMEOUT_S)
        else:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                while not self._speaking.is_set():
                    await self._send_sound(client)
            for _ in range(round(INTERRUPT_AFTER_S * 1_000 / CHUNK_MS)):
                await self._send_sound(client)
        self._timeline.say("note", "interrupting …")
        self._say(*interruption)
        if self._fast:
            await self._answered(client)

    def _say(self, line: Line, samples: Samples) -> None:
        padded = np.pad(samples, (0, -len(samples) % CHUNK_SAMPLES))
        self._mouth.extend(padded.reshape(-1, CHUNK_SAMPLES))
        exchange = SpokenLine(line)
        self.exchanges.append(exchange)
        self._asked.append(exchange)
        self._open += 1

    async def _answered(self, client: RealtimeClient) -> None:
        """Send what there is to say, and silence, until every question has its answer."""
        if self._fast:
            await self._finish_speaking(client)
            async with self._finished, asyncio.timeout(ANSWER_TIMEOUT_S):
                await self._finished.wait_for(lambda: not self._open)
            return
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            while self._open:
                await self._send_sound(client)

    async def _finish_speaking(self, client: RealtimeClient) -> None:
        for _ in range(len(self._mouth) + round(AFTER_SPEECH_S * 1_000 / CHUNK_MS)):
            await self._send_sound(client)

    async def _send_sound(self, client: RealtimeClient) -> None:
        """The next piece of the microphone's sound, in real time unless the demo is fast."""
        self._sent_us += CHUNK_US
        if not self._fast:
            await self._clock.sleep_until(self._sent_us)
        else:
            await asyncio.sleep(0)
        await client.append_audio(self._mouth.popleft() if self._mouth else SILENCE)
        self._timeline.tick(self._sent_us)

    # What the server tells.

    def on_event(self, event: ServerEvent) -> None:
        self._teller.on_event(event)
        match event["type"]:
            case "conversation.item.input_audio_transcription.completed" if self._asked:
                self._asked[0].heard = event["transcript"]
            case "error":
                self.errors.append(event["error"]["message"])
            case "response.created" if self._asked:
                self._answering[event["response"]["id"]] = self._asked.popleft()
            case _:
                self._on_response(event)

    def _on_response(self, event: ServerEvent) -> None:
        exchange = self._answering.get(response_id_of(event))
        if exchange is None:
            return
        match event["type"]:
            case "memory.recalled":
                exchange.recalled = [shown_moment(moment) for moment in event["moments"]]
            case "response.output_audio_transcript.delta":
                exchange.answer += event["delta"]
            case "response.output_audio.delta":
                exchange.sound.append(audio_of(event))
                self._speaking.set()
            case "session.latency":
                exchange.latency = stages_of(event)
            case "response.done":
                exchange.status = event["response"]["status"]
                exchange.answer = text_of(event["response"]) or exchange.answer
                self._open -= 1
                asyncio.get_running_loop().create_task(self._notify())
            case _:
                pass

    async def _notify(self) -> None:
        async with self._finished:
            self._finished.notify_all()

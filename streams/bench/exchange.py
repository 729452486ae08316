"""A conversation with the gateway as its client sees it: each question, and when what came back of it."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field

from gateway.live.newest import Newest
from streams.client import ServerEvent, response_id_of

CLIENT_STAGES = ("end_of_speech", "transcript", "recall", "first_token", "first_audio")
"""Noted by the client when the event that tells of it arrives."""

SERVER_STAGES = ("end_of_speech", "transcript", "recall", "first_token", "first_audio", "heard", "total")
"""Told by the server in ``session.latency``."""

SUBSCRIBED = (
    "memory.recalled",
    "session.latency",
    "response.held",
    "response.resumed",
)

ANSWERING = 8
"""So many responses back an event may be about."""


@dataclass(slots=True)
class Exchange:
    """One question. Times are seconds of the processor's clock, None where something has not happened."""

    question: str
    voice_start_s: float | None = None
    voice_end_s: float | None = None
    arrived_s: dict[str, float] = field(default_factory=dict)
    told_ms: dict[str, float | None] = field(default_factory=dict)
    heard: str = ""
    answer: str = ""
    response_id: str = ""
    status: str = ""
    last_audio_s: float | None = None
    interrupted: bool = False
    """Whether its asker has spoken over the answer."""
    speaking: asyncio.Event = field(default_factory=asyncio.Event)
    done: asyncio.Event = field(default_factory=asyncio.Event)

    def waited_ms(self, stage: str) -> float | None:
        """From the end of the voice to when ``stage`` was told of."""
        if self.voice_end_s is None or stage not in self.arrived_s:
            return None
        return (self.arrived_s[stage] - self.voice_end_s) * 1e3


class Exchanges:
    """Takes the server's events in (``on_event``) and shares them out over the questions asked.

    Errors are counted, so that none goes unnoticed.
    """

    def __init__(self) -> None:
        self._current: Exchange | None = None
        self._answering: Newest[str, Exchange] = Newest(ANSWERING)
        self.exchanges: list[Exchange] = []
        self.errors: Counter[str] = Counter()
        self.opened = False

    def begin(self, question: str) -> Exchange:
        """``question`` is about to be asked: the next response answers it."""
        self._current = exchange = Exchange(question)
        self.exchanges.append(exchange)
        return exchange

    def on_event(self, event: ServerEvent) -> None:
        match event["type"]:
            case "session.created":
                self.opened = True
            case "input_audio_buffer.speech_stopped":
                self._arrived("end_of_speech")
            case "conversation.item.input_audio_transcription.completed":
                self._arrived("transcript")
                if self._current is not None:
                    self._current.heard = f"{self._current.heard} {event['transcript']}".strip()
            case "error":
                self.errors[event["error"]["code"]] += 1
            case "response.created" if self._current is not None:
                # Of a question that was taken for two, the last answer counts.
                self._current.response_id = event["response"]["id"]
                self._answering[self._current.response_id] = self._current
                for stage in ("recall", "first_token", "first_audio"):
                    self._current.arrived_s.pop(stage, None)
            case _:
                self._on_response(event)

    def _arrived(self, stage: str) -> None:
        if self._current is not None:
            self._current.arrived_s[stage] = time.perf_counter()

    def _on_response(self, event: ServerEvent) -> None:
        exchange = self._answering.get(response_id_of(event))
        if exchange is None:
            return
        now_s = time.perf_counter()
        match event["type"]:
            case "memory.recalled":
                exchange.arrived_s.setdefault("recall", now_s)
            case "response.output_audio_transcript.delta":
                exchange.arrived_s.setdefault("first_token", now_s)
            case "response.output_audio.delta":
                exchange.arrived_s.setdefault("first_audio", now_s)
                exchange.last_audio_s = now_s
                exchange.speaking.set()
            case "response.output_audio_transcript.done":
                exchange.answer = event["transcript"]
            case "session.latency":
                exchange.told_ms = {stage: event.get(f"{stage}_ms") for stage in SERVER_STAGES}
            case "response.done":
                self._finish(exchange, event["response"])
            case _:
                pass

    def _finish(self, exchange: Exchange, response: ServerEvent) -> None:
        exchange.status = response["status"]
        if exchange.status == "failed":
            self.errors["response_failed"] += 1
        # Cancelled although nobody meant to interrupt: the question went on, and is answered as a whole.
        if exchange.status != "cancelled" or exchange.interrupted:
            exchange.done.set()

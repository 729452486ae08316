"""``streams bench voice``: from the end of a spoken question to the first sound of the answer."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track

from gateway.assembly import Streams
from speech.hibari import HibariSynthesizer
from streams.bench.report import Cell, Column, Report, emit
from streams.client import WIRE_RATE, RealtimeClient, ServerEvent
from streams.clock import WallClock
from streams.config import StreamsConfig
from streams.errors import StreamsError
from streams.sample import make_sample_video, sample_media
from streams.serve import new_server
from streams.types import US_PER_MS, US_PER_S, Samples
from streams.viewer import encode_jpeg, frames_of

QUESTIONS = (
    "What do you see now?",
    "Did you see a cat?",
    "What was in the cup?",
    "Can you tell me what the camera shows?",
    "What is two plus two?",
    "Was there a motorcycle in the picture?",
    "What colour is the sky on a clear day?",
    "Which animal did you see first?",
    "What is the capital of France?",
    "What was the last thing that you saw?",
)
CHUNK_MS = 20
FRAMES_PER_S = 2.0
QUIET_LEVEL = 0.01
ANSWER_TIMEOUT_S = 60.0
PAUSE_S = 1.0
STAGES = ("transcript", "recall", "first_token", "first_audio")

COLUMNS = (
    Column("question", "question"),
    Column("voice_to_voice_ms", "voice to voice ms", ".0f"),
    *(Column(f"{stage}_ms", f"{stage.replace('_', ' ')} ms", ".0f") for stage in STAGES),
    Column("answer", "answer"),
)


@dataclass(slots=True)
class Turn:
    """One question; times are seconds of the processor's clock, stages milliseconds told by the server."""

    question: str
    voice_end: float = 0.0
    first_audio: float = 0.0
    answer: str = ""
    stages: dict[str, float] = field(default_factory=dict)
    done: asyncio.Event = field(default_factory=asyncio.Event)


class Caller:
    """Speaks questions over a microphone that is always on, while a camera runs, and times the answers."""

    def __init__(self) -> None:
        self._turn: Turn | None = None
        self._mouth: deque[Samples] = deque()
        self._clock = WallClock()

    def on_event(self, event: ServerEvent) -> None:
        turn = self._turn
        match event["type"]:
            case "response.output_audio.delta" if turn is not None and not turn.first_audio:
                turn.first_audio = time.perf_counter()
            case "response.output_audio_transcript.done" if turn is not None:
                turn.answer = event["transcript"]
            case "session.latency" if turn is not None:
                turn.stages = {f"{stage}_ms": event[f"{stage}_ms"] for stage in STAGES}
                turn.done.set()
            case "error":
                raise StreamsError(event["error"]["message"])
            case _:
                pass

    async def microphone(self, client: RealtimeClient) -> None:
        size = WIRE_RATE * CHUNK_MS // 1_000
        sent_us = self._clock.now_us()
        while True:
            sent_us += CHUNK_MS * US_PER_MS
            await self._clock.sleep_until(sent_us)
            chunk = self._mouth.popleft() if self._mouth else np.zeros(size, np.float32)
            await client.append_audio(chunk)
            if self._turn is not None and not self._mouth and not self._turn.voice_end:
                self._turn.voice_end = time.perf_counter()

    async def camera(self, client: RealtimeClient, pictures: Sequence[bytes]) -> None:
        for number, picture in enumerate(cycle(pictures)):
            at_us = round(number * US_PER_S / FRAMES_PER_S)
            await self._clock.sleep_until(at_us)
            await client.append_frame(picture, at_us // US_PER_MS)

    async def ask(self, question: str, voice: Samples) -> Turn:
        """Speak, and return when the answer is complete."""
        loud = np.flatnonzero(np.abs(voice) > QUIET_LEVEL)
        voice = voice[: int(loud[-1]) + 1]
        size = WIRE_RATE * CHUNK_MS // 1_000
        self._turn = turn = Turn(question)
        self._mouth.extend(np.pad(voice, (0, -len(voice) % size)).reshape(-1, size))
        await asyncio.wait_for(turn.done.wait(), ANSWER_TIMEOUT_S)
        await asyncio.sleep(PAUSE_S)
        return turn


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--questions", type=int, default=len(QUESTIONS), metavar="N", help=f"how many ({len(QUESTIONS)})"
    )
    parser.add_argument("--no-camera", action="store_true", help="voice alone, without video beside it")
    parser.add_argument("--json", metavar="FILE", help="write the figures as JSON; - is standard output")


def run(args: argparse.Namespace, config: StreamsConfig) -> int:
    media = sample_media(config.models)
    server = config.server.model_copy(update={"port": 0, "clock": "wall"})
    streams = Streams.load(config.model_copy(update={"server": server}))
    try:
        with tempfile.TemporaryDirectory() as folder:
            pictures: list[bytes] = []
            if not args.no_camera:
                video = make_sample_video(media, Path(folder) / "sample.mp4").path
                # Before the clock runs: what is measured is the server, not this client.
                pictures = [encode_jpeg(frame.image) for frame in frames_of(video, FRAMES_PER_S)]
            turns = asyncio.run(_measure(streams, pictures, QUESTIONS[: args.questions]))
    finally:
        streams.close()
    emit(_report(turns, config, camera=not args.no_camera), args.json)
    return 0


async def _measure(streams: Streams, pictures: Sequence[bytes], questions: tuple[str, ...]) -> list[Turn]:
    voice = HibariSynthesizer()
    spoken = [voice.synthesize(question) for question in questions]
    caller = Caller()
    async with new_server(streams) as server, RealtimeClient(server.url, caller.on_event) as client:
        await client.send(
            "session.update", session={"type": "realtime", "streams": {"events": ["session.latency"]}}
        )
        tasks = [asyncio.create_task(caller.microphone(client))]
        if pictures:
            tasks.append(asyncio.create_task(caller.camera(client, pictures)))
        try:
            pairs = list(zip(questions, spoken, strict=True))
            console = Console(stderr=True)
            return [await caller.ask(*pair) for pair in track(pairs, "talking", console=console)]
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def _report(turns: list[Turn], config: StreamsConfig, *, camera: bool) -> Report:
    rows: list[dict[str, Cell]] = [
        {
            "question": turn.question,
            "voice_to_voice_ms": (turn.first_audio - turn.voice_end) * 1e3,
            **turn.stages,
            "answer": turn.answer,
        }
        for turn in turns
    ]
    waits = [float(row["voice_to_voice_ms"] or 0) for row in rows]
    notes = (
        f"voice to voice: median {np.median(waits):.0f} ms, worst {max(waits):.0f} ms "
        f"over {len(waits)} questions, {'with' if camera else 'without'} video beside them",
        "from the last voiced sample sent to the first sound received, both at the client; of it "
        f"{config.speech.silence_duration_ms} ms is the silence that ends a turn. Stages are the server's.",
    )
    return Report("voice to voice", COLUMNS, tuple(rows), notes)

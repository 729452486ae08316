"""A video through a session, questions asked at their times without looking ahead."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from gateway.assembly import Streams
from gateway.live.session import LiveSession
from memory.stats import MemoryStats
from speech.asr import ASR_RATE
from streams.clock import Clock, ReplayClock, WallClock
from streams.conversation import Message, ProactiveMode, ResponseOptions, TextContent
from streams.events import (
    Event,
    FramesDropped,
    MomentsRecalled,
    ResponseCreated,
    ResponseDone,
    SessionFailed,
    TranscriptCompleted,
)
from streams.question import TimedQuestion
from streams.session import new_id
from streams.standing_request import RequestKind
from streams.types import UNNAMED, US_PER_S, AudioChunk, Frame, Moment, format_time
from streams.unasked import Unasked
from video.decode import MediaReader


@dataclass(frozen=True, slots=True)
class ReplayAnswer:
    asked_at_us: int
    question: str
    answer: str
    moments: tuple[Moment, ...]
    first_token_ms: float | None
    total_ms: float | None


@dataclass(frozen=True, slots=True)
class ReplayUnasked:
    """Something said unasked: of the frame at ``at_us``, for a request of this ``kind`` and id."""

    at_us: int
    kind: RequestKind
    request: str
    text: str


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """What a replay found; ``frames`` counts decoded pictures, those encoded, and those dropped."""

    video: str
    answers: tuple[ReplayAnswer, ...]
    frames_seen: int
    frames_encoded: int
    frames_dropped: int
    memory: MemoryStats
    unasked: tuple[ReplayUnasked, ...] = ()

    def to_json(self) -> dict[str, object]:
        return {
            "video": self.video,
            "answers": [
                {
                    "asked_at_s": each.asked_at_us / US_PER_S,
                    "question": each.question,
                    "answer": each.answer,
                    "moments": [
                        {
                            "start_s": moment.start_us / US_PER_S,
                            "end_s": moment.end_us / US_PER_S,
                            "score": round(moment.score, 4),
                        }
                        for moment in each.moments
                    ],
                    "first_token_ms": each.first_token_ms,
                    "total_ms": each.total_ms,
                }
                for each in self.answers
            ],
            "unasked": [
                {"at_s": each.at_us / US_PER_S, "kind": each.kind, "request": each.request, "text": each.text}
                for each in self.unasked
            ],
            "frames": {
                "seen": self.frames_seen,
                "encoded": self.frames_encoded,
                "dropped": self.frames_dropped,
            },
            "memory": {
                "blocks": self.memory.blocks,
                "device_bytes": self.memory.device_bytes,
                "ram_bytes": self.memory.ram_bytes,
                "disk_bytes": self.memory.disk_bytes,
            },
        }


class Replay:
    """One video through one session. Use once."""

    def __init__(
        self,
        streams: Streams,
        source: str | None,
        *,
        realtime: bool,
        console: Console,
        name: str | None = None,
        proactive: ProactiveMode = "off",
    ) -> None:
        """``name`` is of the session; one that is kept goes on, with the video after what it holds.

        Without ``source`` nothing new is seen: what the session holds is asked about. ``proactive``: how far
        the session speaks up by itself, for which a question may be a request ("Tell me when …").
        """
        self._streams = streams
        self._name = name
        self._source = source
        self._console = console
        self._realtime = realtime
        self._proactive = proactive
        self._speaking: dict[str, Unasked] = {}
        self._said_unasked: list[ReplayUnasked] = []
        self._start_us = 0
        self._clock: Clock = ReplayClock()
        self._done: asyncio.Queue[tuple[ResponseDone, tuple[Moment, ...]]] = asyncio.Queue()
        self._moments: tuple[Moment, ...] = ()
        self._answers: list[ReplayAnswer] = []
        self._asking: asyncio.Task[None] | None = None

    async def run(self, questions: Sequence[TimedQuestion]) -> ReplayResult:
        """Stream the video once, and ask each question at its time; those past its end after it."""
        options = self._streams.default_options()
        assert options.turn_detection is not None
        # What is said in the video is heard and remembered, not answered.
        turns = replace(options.turn_detection, create_response=False, interrupt_response=False)
        options = replace(options, modality="text", turn_detection=turns)
        if self._source is None and self._name is not None:
            self._streams.find_session(self._name)
        session = await self._streams.open_session(
            self._emit, name=self._name, clock=self._new_clock, options=options
        )
        try:
            await session.update(replace(session.options, proactive=self._proactive))
            waiting = sorted(questions, key=lambda question: question.at_us)
            skipped = 0 if self._source is None else await self._watch(session, self._source, waiting)
            for question in waiting:
                await self._ask_at(session, question)
            if self._asking is not None:
                await self._asking
            await session.drain()
            counts = session.frame_counts
            return ReplayResult(
                self._source or "",
                tuple(self._answers),
                counts.seen + skipped,
                counts.encoded,
                counts.dropped,
                await session.memory_stats(),
                tuple(self._said_unasked),
            )
        finally:
            await session.close()

    async def _watch(self, session: LiveSession, source: str, waiting: list[TimedQuestion]) -> int:
        """Stream ``source``, asking those of ``waiting`` that come up; frames the reader left out."""
        with MediaReader(source, video_fps=self._streams.config.video.sample_fps) as reader:
            await self._play(session, reader, waiting)
            # After a film comes silence, which ends what was being said when it was over.
            await session.append_audio(np.zeros(ASR_RATE, np.float32), ASR_RATE)
            return reader.frames_skipped

    def _new_clock(self, start_us: int) -> Clock:
        self._start_us = start_us
        self._clock = WallClock(start_us) if self._realtime else ReplayClock(start_us)
        return self._clock

    async def _play(self, session: LiveSession, reader: MediaReader, waiting: list[TimedQuestion]) -> None:
        items = iter(reader)
        length_s = (reader.info.duration_us or 0) / US_PER_S
        with _progress(self._console) as progress:
            task = progress.add_task("watching", total=length_s or None, at="00:00")
            while (item := await asyncio.to_thread(next, items, None)) is not None:
                while waiting and waiting[0].at_us <= item.pts_us:
                    await self._ask_at(session, waiting.pop(0))
                progress.update(task, completed=item.pts_us / US_PER_S, at=format_time(item.pts_us))
                await self._feed(session, item)
            progress.update(task, completed=length_s)

    async def _feed(self, session: LiveSession, item: Frame | AudioChunk) -> None:
        if isinstance(item, Frame):
            await self._reach(item.pts_us)
            await session.append_frame(item.image, item.pts_us)
        else:
            await self._reach(item.end_us)
            await session.append_audio(item.samples, item.rate)

    async def _reach(self, at_us: int) -> None:
        """Be at ``at_us`` of the video."""
        if isinstance(self._clock, ReplayClock):
            self._clock.advance_to(self._start_us + at_us)
        else:
            await self._clock.sleep_until(self._start_us + at_us)

    async def _ask_at(self, session: LiveSession, question: TimedQuestion) -> None:
        """Ask when the clock is there. On the virtual clock time stands still until it is answered."""
        if self._asking is not None:
            await self._asking
        if not self._realtime:
            await session.drain()
        await self._reach(question.at_us)
        self._asking = asyncio.create_task(self._ask(session, question))
        if not self._realtime:
            await self._asking

    async def _ask(self, session: LiveSession, question: TimedQuestion) -> None:
        await session.add_item(Message(new_id("item"), "user", (TextContent(question.text),)), None)
        await session.respond(ResponseOptions())
        done, moments = await self._done.get()
        if done.error is not None:
            raise done.error
        text, times = written_in(done), done.times
        self._answers.append(
            ReplayAnswer(question.at_us, question.text, text, moments, times.first_token_ms, times.total_ms)
        )
        self._say(f"{format_time(question.at_us)} {question.text}", "bold")
        for moment in moments:
            self._say(f"      recalled {format_time(moment.start_us)} {moment.text or UNNAMED}", "dim")
        self._say(f"      {text}", "green")

    def _spoke_up(self, unasked: Unasked, done: ResponseDone) -> None:
        self._moments = ()
        at_us, text = unasked.at_us - self._start_us, written_in(done)
        self._said_unasked.append(ReplayUnasked(at_us, unasked.kind, unasked.request_id, text))
        self._say(f"{format_time(at_us)} speaks up ({unasked.kind}): {text}", "magenta")

    def _say(self, text: str, style: str) -> None:
        self._console.print(text, style=style, markup=False, highlight=False)

    def _emit(self, event: Event) -> None:
        match event:
            case MomentsRecalled(moments=moments):
                self._moments = moments
            case ResponseCreated(response_id, unasked=Unasked() as unasked):
                self._speaking[response_id] = unasked
            case ResponseDone(response_id) if response_id in self._speaking:
                self._spoke_up(self._speaking.pop(response_id), event)
            case ResponseDone():
                self._done.put_nowait((event, self._moments))
                self._moments = ()
            case TranscriptCompleted(transcript=transcript) if transcript.words:
                self._say(f"{format_time(self._clock.now_us())} heard: {transcript.text}", "cyan")
            case FramesDropped(count=count, reason=reason):
                self._say(f"{count} frames dropped: {reason}", "yellow")
            case SessionFailed(error=error):
                self._say(f"failed: {error.message}", "red")
            case _:
                pass


def written_in(done: ResponseDone) -> str:
    """The words of a written reply, as far as they are kept."""
    content = done.item.content[0] if isinstance(done.item, Message) and done.item.content else None
    return content.text if isinstance(content, TextContent) else ""


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[at]}"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )

"""A held-out stream through a session as it runs live, on the media clock, asked at its times."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from gateway.assembly import Streams
from gateway.live.session import LiveSession
from llm.steps import run
from llm.stream import Stream
from streams.bench.sight_ask import Asked, Asker
from streams.bench.sight_unasked import Waited
from streams.clock import Clock, ReplayClock
from streams.errors import StreamsError
from streams.events import Event, SessionFailed
from streams.request_phrase.recognition import Wish, recognise
from streams.standing_request import RequestKind
from streams.train.sample import Dialogue, Seen, Topic, Turn
from streams.train.standing import stands_on
from streams.types import BlockKind, Image
from streams.unasked_replies import UnaskedReplies

STANDING: tuple[Topic, ...] = ("alert", "narration")
"""Turns that are answered later, unasked."""
SAID: tuple[Topic, ...] = ("told", "overheard")
"""Turns that only tell something: the stream hears them, and nobody waits for an answer."""


@dataclass(slots=True)
class Played:
    """What one stream came to. ``reading_s`` is what its frames took: encoded, and read by the model."""

    asked: list[Asked] = field(default_factory=list)
    waited: list[Waited] = field(default_factory=list)
    length_us: int = 0
    frames: int = 0
    reading_s: float = 0.0
    blocks: int = 0
    frame_tokens: int = 0
    memory_bytes: int = 0
    device_bytes: int = 0


class Player:
    """Plays streams one after the other, each in a session of its own."""

    def __init__(self, streams: Streams, draw: Callable[[int], Image], asker: Asker) -> None:
        """``draw`` makes a picture of the pool that dialogues number."""
        self._streams = streams
        self._draw = draw
        self._asker = asker

    async def play(self, dialogue: Dialogue, advance: Callable[[], object]) -> Played:
        """``advance`` is called after each question. Raises what goes wrong in the session."""
        return await _Playing(self._streams, self._draw, self._asker, advance).run(dialogue)


class _Playing:
    def __init__(
        self,
        streams: Streams,
        draw: Callable[[int], Image],
        asker: Asker,
        advance: Callable[[], object],
    ) -> None:
        self._streams = streams
        self._draw = draw
        self._asker = asker
        self._advance = advance
        self._clock = ReplayClock()
        self._failed: StreamsError | None = None
        self._played = Played()
        self._unasked = UnaskedReplies()
        self._standing: dict[str, Turn] = {}

    async def run(self, dialogue: Dialogue) -> Played:
        options = replace(self._streams.default_options(), modality="text", turn_detection=None)
        session = await self._streams.open_session(self._emit, clock=self._new_clock, options=options)
        try:
            if self._speaks:
                await session.update(replace(session.options, proactive="alerts"))
            for item in _in_order(dialogue):
                self._clock.advance_to(item.pts_us if isinstance(item, Seen) else item.at_us)
                if isinstance(item, Seen):
                    await self._show(session, item)
                elif item.topic in STANDING:
                    await self._stand(session, item)
                elif item.topic in SAID:
                    await self._overhear(session, item)
                elif item.topic != "chat":
                    await self._ask(session, item)
                if self._failed is not None:
                    raise self._failed
            stats = await session.memory_stats()
            frames = await self._streams.backend.engine.run(lambda: _frame_tokens(session.stream))
        finally:
            await session.close()
        played = self._played
        played.length_us = dialogue.end_us
        played.waited = [self._waited(each, turn, dialogue.end_us) for each, turn in self._standing.items()]
        played.blocks, played.frame_tokens = frames
        played.device_bytes = stats.device_bytes
        played.memory_bytes = stats.ram_bytes + stats.disk_bytes
        return played

    def _new_clock(self, start_us: int) -> Clock:
        return self._clock

    def _emit(self, event: Event) -> None:
        self._unasked.take(event, self._clock.now_us())
        if isinstance(event, SessionFailed):
            self._failed = event.error

    async def _show(self, session: LiveSession, seen: Seen) -> None:
        picture = self._draw(seen.picture)
        start = time.perf_counter()
        await session.append_frame(picture, seen.pts_us)
        await session.drain()
        self._played.reading_s += time.perf_counter() - start
        self._played.frames += 1

    @property
    def _speaks(self) -> bool:
        """Whether the model was trained to tell when to speak."""
        return self._streams.backend.reader.speaking is not None

    async def _stand(self, session: LiveSession, turn: Turn) -> None:
        request_id = f"request_{len(self._standing)}"
        self._standing[request_id] = turn
        if self._speaks:
            kind: RequestKind = "narration" if turn.topic == "narration" else "alert"
            await session.speaking_up.add(turn.text, kind, stands_on(turn), request_id)

    def _waited(self, request_id: str, turn: Turn, end_us: int) -> Waited:
        wish = recognise(turn.text)
        understood = isinstance(wish, Wish) and wish.kind == turn.topic
        said = tuple(self._unasked.said.get(request_id, ()))
        return Waited(turn.topic, turn.text, understood, end_us - turn.at_us, turn.replies, said)

    async def _overhear(self, session: LiveSession, turn: Turn) -> None:
        stream = session.stream
        await self._streams.backend.engine.run(
            lambda: run(stream.overhear(turn.at_us, turn.at_us, turn.text))
        )

    async def _ask(self, session: LiveSession, turn: Turn) -> None:
        asked = await self._streams.backend.engine.run(lambda: self._asker.ask(session.stream, turn))
        self._played.asked.append(asked)
        self._advance()


def _in_order(dialogue: Dialogue) -> Sequence[Seen | Turn]:
    """Frames and turns by time; a turn at the time of a frame comes after it."""
    items: list[Seen | Turn] = [*dialogue.frames, *dialogue.turns]
    return sorted(items, key=lambda item: item.pts_us if isinstance(item, Seen) else item.at_us)


def _frame_tokens(stream: Stream) -> tuple[int, int]:
    """Blocks of frames, and their tokens."""
    infos = [*stream.memory.sealed(), *(block.info for block in stream.memory.recent())]
    tokens = [info.tokens for info in infos if info.kind is BlockKind.FRAME]
    return len(tokens), sum(tokens)


def questions(dialogue: Dialogue) -> int:
    """How many of its turns are asked and answered at once."""
    return sum(turn.topic not in (*STANDING, *SAID, "chat") for turn in dialogue.turns)

"""A dialogue as the engine reads it: passages in passes, and what is to be learned of them.

Nothing of the format is written here: passages are ``ChatFormat``'s, and what a pass attends to is what the
engine puts before it (sinks, standing requests, the window's newest frames and dialogue, recalled frames).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch

from llm.chat import ChatFormat
from llm.connector import TOKENS
from llm.visual import VisualTokens
from memory.block import SINKS_ID, BlockInfo
from memory.window import Window
from streams.train.sample import Dialogue, Reply, Seen, Topic, Turn
from streams.train.spans import Range, Span
from streams.train.standing import stands_on
from streams.types import BlockKind

STANDING_TOPICS = ("alert", "narration")


@dataclass(frozen=True, slots=True)
class Reading:
    """What of a stream is attended to. ``recall_blocks`` frames at most are handed back to a question; a
    stream has one of the ``instructions``."""

    instructions: tuple[str, ...]
    window_tokens: int
    dialogue_tokens: int
    recall_blocks: int


@dataclass(frozen=True, slots=True)
class Decision:
    """At the state of token ``row``, the last of a frame: whether to speak; ``asked``: something stands."""

    row: int
    at_us: int
    speak: bool
    asked: bool


@dataclass(frozen=True, slots=True)
class Said:
    """A reply: ``rows`` are the states that its tokens ``ids``, the mark of its end last, follow from."""

    topic: Topic
    rows: range
    ids: tuple[int, ...]
    turn: Turn
    reply: Reply


@dataclass(slots=True)
class Script:
    """Token ids of all passes one after the other; ``pictures`` are (first row, number of picture)."""

    ids: list[int] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    pictures: list[tuple[int, int]] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)


def write_script(dialogue: Dialogue, chat: ChatFormat, reading: Reading, rng: random.Random) -> Script:
    """``rng`` chooses which frames without evidence are handed back to a question."""
    return _Writer(chat, reading, rng).write(dialogue)


class _Writer:
    """Goes through one dialogue as the engine would."""

    def __init__(self, chat: ChatFormat, reading: Reading, rng: random.Random) -> None:
        self._chat = chat
        self._reading = reading
        self._rng = rng
        self._script = Script()
        self._window = Window(frame_tokens=reading.window_tokens, dialogue_tokens=reading.dialogue_tokens)
        self._ranges: dict[int, Range] = {}
        self._infos: list[BlockInfo] = []
        self._standing: dict[int, list[Reply]] = {}
        self._turns: dict[int, Turn] = {}
        self._picture = VisualTokens(torch.empty(TOKENS, 0))

    def write(self, dialogue: Dialogue) -> Script:
        self._pass(
            self._chat.instructions(self._rng.choice(self._reading.instructions)).ids,
            [],
            BlockKind.SYSTEM,
            0,
            SINKS_ID,
        )
        frames, turns = list(dialogue.frames), list(dialogue.turns)
        for n, frame in enumerate(frames):
            # A question due before the next frame goes first.
            while turns and turns[0].at_us < frame.pts_us:
                self._turn(turns.pop(0))
            following = frames[n + 1].pts_us if n + 1 < len(frames) else dialogue.end_us + 1
            self._frame(frame, following)
        for turn in turns:
            self._turn(turn)
        return self._script

    def _recent(self) -> list[int]:
        return [info.id for info in self._window.members(self._infos)]

    def _pass(
        self,
        ids: Sequence[int],
        before: Sequence[int],
        kind: BlockKind,
        at_us: int,
        block_id: int | None = None,
    ) -> int:
        """Read ``ids`` in one pass after the sinks and the blocks ``before``; the row of the first one."""
        return self._read([(tuple(ids), kind)], before, at_us, block_id)

    def _read(
        self,
        parts: Sequence[tuple[tuple[int, ...], BlockKind]],
        before: Sequence[int],
        at_us: int,
        block_id: int | None = None,
    ) -> int:
        """As ``_pass``, of several blocks at once."""
        start = row = len(self._script.ids)
        for ids, kind in parts:
            self._script.ids += ids
            number = len(self._infos) + 1 if block_id is None else block_id
            self._ranges[number] = row, row + len(ids)
            if number != SINKS_ID:
                self._infos.append(BlockInfo(number, kind, at_us, at_us, "", len(ids)))
            row += len(ids)
        told = [] if start == 0 else [SINKS_ID, *sorted(set(before))]
        self._script.spans.append(Span(start, row, tuple(self._ranges[number] for number in told)))
        return start

    def _frame(self, frame: Seen, following_us: int) -> None:
        passage = self._chat.sight(frame.pts_us, self._picture)
        before = [*self._standing, *self._recent()]
        row = self._pass(passage.ids, before, BlockKind.FRAME, frame.pts_us)
        self._script.pictures.append((row + passage.start, frame.picture))
        due = [
            (asked, reply)
            for asked, replies in self._standing.items()
            for reply in replies
            if frame.pts_us <= reply.at_us < following_us
        ]
        last = row + len(passage.ids) - 1
        self._script.decisions.append(Decision(last, frame.pts_us, bool(due), bool(self._standing)))
        for asked, reply in due:
            turn = self._turns[asked]
            self._reply(turn, reply, (), [*self._standing, *self._recent()])
            if not stands_on(turn):
                del self._standing[asked]

    def _turn(self, turn: Turn) -> None:
        if turn.topic == "overheard":
            passage = self._chat.overheard(turn.at_us, turn.text)
            self._pass(passage.ids, self._recent(), BlockKind.UTTERANCE, turn.at_us)
            return
        passage = self._chat.question(turn.at_us, turn.text)
        if turn.topic in STANDING_TOPICS:
            before, number = self._recent(), len(self._infos) + 1
            if turn.acknowledgement:
                talk = replace(turn, topic="chat")
                self._reply(talk, Reply(turn.at_us, turn.acknowledgement), passage.ids, before)
            else:
                self._pass(passage.ids, before, BlockKind.UTTERANCE, turn.at_us)
            self._standing[number] = list(turn.replies)
            self._turns[number] = turn
            return
        self._reply(turn, turn.replies[0], passage.ids, [*self._recalled(turn), *self._recent()])

    def _reply(self, turn: Turn, reply: Reply, asked: tuple[int, ...], before: Sequence[int]) -> None:
        written = self._chat.message("assistant", reply.at_us, reply.text)
        parts = [(asked, BlockKind.UTTERANCE)] if asked else []
        row = self._read([*parts, (written.ids, BlockKind.REPLY)], before, reply.at_us)
        first = row + len(asked) + written.start
        ids = written.ids[written.start : written.end + 1]
        self._script.said.append(Said(turn.topic, range(first - 1, first - 1 + len(ids)), ids, turn, reply))

    def _recalled(self, turn: Turn) -> list[int]:
        """The evidence, frames or what was said, and other blocks by chance up to what recall hands back."""
        recent = set(self._recent())
        far = [info for info in self._infos if info.id not in recent and info.id not in self._standing]
        kind = BlockKind.UTTERANCE if turn.topic == "heard" else BlockKind.FRAME
        chosen: list[int] = []
        for start, end in turn.evidence:
            inside = [info.id for info in far if info.kind is kind and start <= info.start_us <= end]
            chosen += inside[:1] if self._rng.random() < 0.5 else inside[:2]
        others = [info.id for info in far if info.id not in chosen]
        room = max(self._reading.recall_blocks - len(chosen), 0)
        return [*chosen, *self._rng.sample(others, min(self._rng.randint(0, room), len(others)))]

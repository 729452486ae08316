"""Dialogues over streams: timelines of a pool's shots, with what a person would ask of them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TypeAlias

from streams.train.dialogue import past, present
from streams.train.dialogue.moment import Moment
from streams.train.dialogue.phrases import CHAT
from streams.train.dialogue.standing import alert, narrate
from streams.train.dialogue.timeline import Pool, Timeline, make_timeline
from streams.train.dialogue.told import tell
from streams.train.sample import Dialogue, Facts, Reply, Split, Turn
from streams.types import US_PER_S

Ask: TypeAlias = Callable[[Moment], Turn | None]

FRAMES = (12, 40)
"""From how many frames to how many a stream has."""
_TOLD_FRAMES = 8
"""Frames at which something may be told or asked of what was."""


def _chat(moment: Moment) -> Turn:
    question, answer = moment.rng.choice(CHAT[moment.split])
    return Turn(moment.at_us, "chat", question, (Reply(moment.at_us, answer),))


_ASKS: Mapping[Ask, int] = MappingProxyType(
    {
        present.ask_now: 5,
        present.ask_colour_now: 4,
        present.ask_place_now: 2,
        present.ask_count_now: 5,
        present.ask_class_now: 2,
        present.ask_text_now: 5,
        present.ask_motion_now: 8,
        past.ask_colour: 6,
        past.ask_place: 3,
        past.ask_beside: 2,
        past.ask_count: 5,
        past.ask_before: 3,
        past.ask_after: 3,
        past.ask_at: 3,
        past.ask_first: 1,
        past.ask_seen: 5,
        past.ask_class: 4,
        past.ask_order: 3,
        past.ask_when: 4,
        past.ask_text: 6,
        past.ask_motion: 10,
        _chat: 4,
    }
)
"""Kinds of question and how often each is tried."""


def make_dialogues(
    split: Split,
    facts: Sequence[Facts],
    shots: Sequence[int],
    count: int,
    seed: int = 0,
    frames: tuple[int, int] = FRAMES,
) -> Iterator[Dialogue]:
    """``count`` dialogues over the pool of ``split``, whose picture ``i`` shows ``facts[i]`` in ``shots[i]``.

    The same input gives the same dialogues. Raises ValueError when the pool has too few shots.
    """
    pool = Pool(facts, shots)
    for number in range(count):
        rng = random.Random(f"{split}/dialogue/{seed}/{number}")
        yield _compose(split, make_timeline(pool, rng.randint(*frames), rng), rng)


def _compose(split: Split, timeline: Timeline, rng: random.Random) -> Dialogue:
    frames = timeline.frames
    turns: list[Turn] = []
    standing = rng.choices(("none", "narration", "alert"), (45, 20, 35))[0]
    if standing == "narration":
        turns.append(narrate(_moment(split, timeline, rng, rng.choice((-1, -1, 0, 2))), timeline))
    elif standing == "alert":
        for index in rng.sample(range(-1, len(frames) // 2), min(8, len(frames) // 2)):
            moment = _moment(split, timeline, rng, index)
            if (turn := alert(moment, timeline)) is not None:
                turns.append(turn)
                break
    said = sorted(rng.sample(range(len(frames)), min(_TOLD_FRAMES, len(frames))))
    moments_us = [_moment(split, timeline, rng, index).at_us for index in said]
    taken = {turn.at_us for turn in turns}
    turns += tell(tuple(at_us for at_us in moments_us if at_us not in taken), split, rng)
    many = rng.randint(3, 8) if standing == "none" else rng.randint(1, 4)
    asked = {turn.at_us for turn in turns}
    for index in sorted(rng.sample(range(len(frames)), min(many, len(frames)))):
        moment = _moment(split, timeline, rng, index)
        if moment.at_us in asked:
            continue
        turn = _question(moment)
        if turn is not None and not any(_same(turn, earlier) for earlier in turns):
            turns.append(turn)
    turns.sort(key=lambda turn: turn.at_us)
    end_us = max(frames[-1].pts_us + US_PER_S, turns[-1].at_us if turns else 0)
    return Dialogue(frames, tuple(turns), end_us)


def _same(turn: Turn, earlier: Turn) -> bool:
    return turn.text == earlier.text or (
        (turn.topic, turn.evidence) == (earlier.topic, earlier.evidence) and bool(turn.evidence)
    )


def _moment(split: Split, timeline: Timeline, rng: random.Random, index: int) -> Moment:
    """A moment after frame ``index`` and before the next one; -1: before the first."""
    frames = timeline.frames
    if index < 0:
        return Moment((), 0, split, rng, timeline.kinds)
    start_us = frames[index].pts_us
    end_us = frames[index + 1].pts_us if index + 1 < len(frames) else start_us + US_PER_S
    at_us = start_us + min(end_us - start_us, 4 * US_PER_S) * rng.randint(10, 90) // 100
    return Moment(timeline.until(at_us), at_us, split, rng, timeline.kinds)


def _question(moment: Moment) -> Turn | None:
    """One that can be asked now, kinds tried in random order by their weights."""
    asks, weights = list(_ASKS), list(_ASKS.values())
    while asks:
        ask = moment.rng.choices(asks, weights)[0]
        if (turn := ask(moment)) is not None:
            return turn
        index = asks.index(ask)
        del asks[index], weights[index]
    return None

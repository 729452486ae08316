"""Dialogues over photographs that were never taken: what the classifier may say, as words, and talk about it.

Few real photographs are at hand, and a language model that has read only drawings' words is thrown by the
classes'. Of these it needs no picture: its visual tokens are words, so likelihoods of classes will do. They
are made up: one class, and beside it those whose weights in the classifier are near its own.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from llm.connector import THINGS, Connector, ConnectorOutput
from streams.train.dialogue.phrases import PHRASES
from streams.train.dialogue.told import tell
from streams.train.dialogue.wording import sentence
from streams.train.pictures.vocabulary import with_article
from streams.train.sample import Dialogue, Facts, Reply, Seen, Thing, Topic, Turn
from streams.types import US_PER_S, format_time
from video.imagenet import KINDS

UNSURE = 0.45
"""A class that is less likely than this is not named, but the kind it is of."""


@dataclass(frozen=True, slots=True, eq=False)
class Imagined:
    """``classes`` [n, classes] are likelihoods, ``names`` what is right to say, ``kinds`` what is above, the
    narrowest, and ``groups`` all that is."""

    classes: Tensor
    names: tuple[str, ...]
    kinds: tuple[str, ...]
    groups: tuple[frozenset[str], ...]


def imagine(connector: Connector, count: int, seed: int) -> Imagined:
    """``count`` photographs, all classes alike often."""
    config = connector.config
    weights = torch.nn.functional.normalize(connector.classifier.weight.detach(), dim=1)
    generator = torch.Generator().manual_seed(seed)
    numbers = torch.arange(count) % len(config.classes)
    sureness = 0.3 + 0.68 * torch.rand(count, generator=generator)
    near = 12 * (weights[numbers] @ weights.T) + torch.randn(count, len(weights), generator=generator)
    near.scatter_(1, numbers[:, None], -torch.inf)
    classes = near.softmax(-1) * (1 - sureness[:, None])
    classes.scatter_(1, numbers[:, None], sureness[:, None])
    groups = [_groups(number) for number in numbers.tolist()]
    kinds = [next(iter(above), "") for above in groups]
    names = [config.classes[number] for number in numbers.tolist()]
    said = [
        kind if kind and sure < UNSURE else name
        for name, kind, sure in zip(names, kinds, sureness.tolist(), strict=True)
    ]
    return Imagined(classes, tuple(said), tuple(kinds), tuple(frozenset(above) for above in groups))


def _groups(number: int) -> list[str]:
    """The kinds of a class that one would say, the narrowest first."""
    found = [kind for kind in KINDS if number in kind.classes and " or " not in kind.name]
    return [kind.name for kind in sorted(found, key=lambda kind: len(kind.classes))]


def seen_imagined(connector: Connector, imagined: Imagined) -> ConnectorOutput:
    """As if the connector had read these words off photographs."""
    config, count = connector.config, len(imagined.classes)
    words = {
        kind: torch.eye(len(config.words(kind)))[0].expand(count, slots, -1).clone()
        for kind, slots in (
            ("name", THINGS),
            ("colour", THINGS),
            ("place", THINGS),
            ("count", 1),
            ("text", 1),
        )
    }
    words["name"][:, 0, 0] = 0
    words["name"][:, 0, len(config.names) :] = imagined.classes
    states = torch.zeros(count, THINGS + 1, config.width)
    return ConnectorOutput(words, states, torch.ones(count), {})


def imagined_dialogue(imagined: Imagined, first: int, rng: random.Random) -> Dialogue:
    """A stream of photographs; ``first`` is the number that the first of ``imagined`` has as a picture."""
    return _Composer(imagined, first, rng).dialogue()


class _Composer:
    """Makes one dialogue."""

    def __init__(self, imagined: Imagined, first: int, rng: random.Random) -> None:
        self._imagined, self._first, self._rng = imagined, first, rng
        self._frames: list[Seen] = []
        self._shots: list[tuple[int, int, str, str]] = []  # start, end, name, kind
        self._groups: list[frozenset[str]] = []  # of each shot

    def dialogue(self) -> Dialogue:
        rng = self._rng
        self._make_frames()
        turns = self._standing()
        said = tuple(frame.pts_us + US_PER_S // 5 for frame in self._frames)
        turns += tell(tuple(at_us for at_us in said if at_us not in {t.at_us for t in turns}), "train", rng)
        taken = {turn.at_us for turn in turns}
        for at in sorted(rng.sample(range(len(self._frames)), min(rng.randint(2, 6), len(self._frames)))):
            at_us = self._frames[at].pts_us + US_PER_S // 4
            turn = self._question(at_us)
            if turn is not None and at_us not in taken:
                turns.append(turn)
        turns.sort(key=lambda turn: turn.at_us)
        return Dialogue(tuple(self._frames), tuple(turns), self._frames[-1].pts_us + US_PER_S)

    def _make_frames(self) -> None:
        rng, step_us = self._rng, self._rng.choice((2, 3, 4, 6)) * US_PER_S // 2
        pts_us = rng.randrange(0, 2 * US_PER_S, US_PER_S // 10)
        numbers = rng.sample(range(len(self._imagined.names)), rng.randint(4, 9))
        for number in numbers:
            name, kind = self._imagined.names[number], self._imagined.kinds[number]
            if any(name == other for _, _, other, _ in self._shots):
                continue
            start_us = pts_us
            facts = Facts((Thing(name, kind),))
            for _ in range(rng.choice((1, 1, 2, 3))):
                self._frames.append(Seen(pts_us, self._first + number, facts))
                pts_us += step_us
            self._shots.append((start_us, pts_us - step_us, name, kind))
            self._groups.append(self._imagined.groups[number] - {name})

    def _ask(self, kind: str, **words: str) -> str:
        return self._rng.choice(PHRASES[kind, "train"]).format(**words)

    def _standing(self) -> list[Turn]:
        rng = self._rng
        kind = rng.choices(("none", "narration", "alert"), (50, 20, 30))[0]
        if kind == "none":
            return []
        at_us = self._shots[0][0] + US_PER_S // 3 if rng.random() < 0.5 else 0
        coming = [shot for shot in self._shots if shot[0] > at_us]
        if kind == "narration":
            replies = [Reply(start_us, _said(name)) for start_us, _, name, _ in coming]
            return [Turn(at_us, "narration", self._ask("narration"), tuple(replies))]
        _, _, name, group = rng.choice(coming or self._shots)
        if rng.random() < 0.3:  # one that does not come
            name, group = rng.choice(self._imagined.names), ""
        wanted = group if group and rng.random() < 0.4 else name
        met = [
            shot
            for shot, groups in zip(self._shots, self._groups, strict=True)
            if wanted == shot[2] or wanted in groups
        ]
        hits = [shot for shot in coming if shot in met]
        if len(hits) < len(met):  # it is there already
            return []
        once = rng.random() < 0.5
        text = self._ask("alert-once" if once else "alert-every", a_thing=with_article(wanted), thing=wanted)
        replies = [Reply(start_us, _said(name)) for start_us, _, name, _ in (hits[:1] if once else hits)]
        return [Turn(at_us, "alert", text, tuple(replies))]

    def _question(self, at_us: int) -> Turn | None:
        rng = self._rng
        seen = [shot for shot in self._shots if shot[0] <= at_us]
        draw, here = rng.random(), len(seen) - 1
        if rng.random() < 0.25 and (turn := self._which(at_us, here)) is not None:
            return turn
        if draw < 0.45 or here < 1:
            return self._turn("now", at_us, self._ask("now"), _said(seen[here][2]), seen[here:])
        if draw < 0.6:
            at = rng.randrange(here)
            text = self._ask("at", time=format_time(seen[at][0]))
            return self._turn("past", at_us, text, _said(seen[at][2]), seen[at : at + 1])
        if draw < 0.7:
            return self._turn("past", at_us, self._ask("first"), _said(seen[0][2]), seen[:1])
        at = rng.randrange(1, here + 1)
        before, after = seen[at - 1], seen[at]
        if draw < 0.76:
            text = self._ask("before", thing=after[2])
            return self._turn("past", at_us, text, _said(before[2]), [before, after])
        if draw < 0.8:
            text = self._ask("after", thing=before[2])
            return self._turn("past", at_us, text, _said(after[2]), [before, after])
        if draw < 0.85:
            text = self._ask("when", thing=before[2], a_thing=with_article(before[2]))
            return self._turn("when", at_us, text, f"At {format_time(before[0])}.", [before])
        if draw < 0.9:
            pair = [before[2], after[2]]
            rng.shuffle(pair)
            text = self._ask("order", thing=pair[0], other=pair[1])
            return self._turn("order", at_us, text, f"The {before[2]}.", [before, after])
        if rng.random() < 0.5 and (absent := self._absent()):
            text = self._ask("seen", a_thing=with_article(absent))
            return self._turn("past", at_us, text, f"No, there was no {absent}.", [])
        text = self._ask("seen", a_thing=with_article(before[2]))
        answer = f"Yes, {with_article(before[2])} at {format_time(before[0])}."
        return self._turn("past", at_us, text, answer, [before])

    def _absent(self) -> str:
        """The name of something that is not in the stream, nor of a kind that is; "" when none was found."""
        name, above = self._imagined.names, self._imagined.groups
        shown = {shot[2] for shot in self._shots}.union(*self._groups)
        other = self._rng.randrange(len(name))
        return "" if {name[other], *above[other]} & shown else name[other]

    def _which(self, at_us: int, here: int) -> Turn | None:
        """Which animal it is or was, say, where one alone of its kind is in view or was seen."""
        rng = self._rng
        at = here if rng.random() < 0.4 else rng.randrange(here + 1)
        others = [group for other, group in enumerate(self._groups[: here + 1]) if other != at]
        alone = self._groups[at] if at == here else self._groups[at].difference(*others)
        if not alone:
            return None
        topic: Topic = "now" if at == here else "past"
        text = self._ask("class-now" if at == here else "class", group=rng.choice(sorted(alone)))
        return self._turn(topic, at_us, text, _said(self._shots[at][2]), self._shots[at : at + 1])

    def _turn(
        self, topic: Topic, at_us: int, text: str, answer: str, shots: Sequence[tuple[int, int, str, str]]
    ) -> Turn:
        evidence = tuple((start_us, end_us) for start_us, end_us, _, _ in shots)
        return Turn(at_us, topic, text, (Reply(at_us, answer),), evidence)


def _said(name: str) -> str:
    return sentence(with_article(name))

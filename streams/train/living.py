"""Stage 2, LIVE (VideoLLM-online, Chen et al., CVPR 2024): the language model learns to answer from visual
tokens, and after each frame whether to speak.

Its own weights stay as they are; adapters learn (LoRA), and the connector's residual. Only the states that
something is learned of go through the vocabulary head, which is a fifth of the work otherwise.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, linear

from llm.chat import ChatFormat
from streams.train.live_model import LiveModel, SeenPictures
from streams.train.loop import Figures, Rate
from streams.train.proactive import Frame, best_score
from streams.train.sample import Dialogue
from streams.train.script import Reading, Script, write_script


@dataclass(frozen=True, slots=True)
class LiveSettings:
    """``speaking`` weighs the streaming loss against that of words, ``unasked`` in it frames at which
    nothing stands. ``workers`` threads share each batch: two with a thread of PyTorch's each do more than one
    with two, which wait for one another at every operation."""

    rate: float
    residual_rate: float
    speaking: float
    unasked: float
    workers: int
    seed: int


Dialogues = Callable[[int], Dialogue]
"""The dialogue of a number."""


class Living:
    """``Stage`` of the adapters and the connector's residual."""

    name = "living"

    def __init__(
        self,
        model: LiveModel,
        chat: ChatFormat,
        reading: Reading,
        settings: LiveSettings,
        *,
        train: Dialogues,
        per_step: int,
        pictures: SeenPictures,
        validation: Sequence[Dialogue],
        validation_pictures: SeenPictures,
    ) -> None:
        """Step ``n`` is of the dialogues ``n * per_step`` and on."""
        self.module: nn.Module = model
        self._model = model
        self._chat, self._reading, self._settings = chat, reading, settings
        self._train, self._per_step, self._pictures = train, per_step, pictures
        self._asked = [
            write_script(dialogue, chat, reading, random.Random(n)) for n, dialogue in enumerate(validation)
        ]
        self._asked_pictures = validation_pictures
        self._workers = ThreadPoolExecutor(settings.workers)
        self._parameters = [parameter for rate in self.rates() for parameter in rate.parameters]
        self._ids = torch.tensor([chat.ids(chat.reply_prefix)[0], chat.overheard(0, "").ids[0]])

    def rates(self) -> Sequence[Rate]:
        model, settings = self._model, self._settings
        return [
            Rate(list(model.lora.parameters()), settings.rate),
            Rate([*model.narrow.parameters(), model.widen], settings.residual_rate),
        ]

    def step(self, number: int) -> Figures:
        """Each worker takes a share of the dialogues; the gradient is the same for any number of them."""
        first = number * self._per_step
        scripts = [
            write_script(
                self._train(n), self._chat, self._reading, random.Random(f"{self._settings.seed}/{n}")
            )
            for n in range(first, first + self._per_step)
        ]
        totals = _Totals.of(scripts, self._settings.unasked)
        shares = [
            share
            for start in range(self._settings.workers)
            if (share := scripts[start :: self._settings.workers])
        ]
        found = list(self._workers.map(lambda share: self._learn(share, totals), shares))
        for parameter, *gradients in zip(self._parameters, *(gradient for gradient, _ in found), strict=True):
            parameter.grad = sum(gradients[1:], gradients[0])
        sums = {name: sum(figures[name] for _, figures in found) for name in found[0][1]}
        return {**sums, "loss": sums["words"] + self._settings.speaking * sums["speaking"]}

    def _learn(self, scripts: Sequence[Script], totals: _Totals) -> tuple[tuple[Tensor, ...], Figures]:
        """Gradients of the parameters, and this share of the figures."""
        hidden = self._model(scripts, self._pictures)
        rows, ids, _ = _replies(scripts)
        scores = linear(hidden[rows], self._model.frozen.head).float()
        words = cross_entropy(scores, ids.to(scores.device), reduction="sum") / totals.words
        right = float((scores.argmax(-1).cpu() == ids).sum()) / totals.words
        speaking = self._speaking_loss(scripts, hidden, totals)
        loss = words + self._settings.speaking * speaking
        gradients = torch.autograd.grad(loss, self._parameters, materialize_grads=True)
        figures = {
            "words": words.item(),
            "right": right,
            "speaking": speaking.item(),
            "tokens": float(len(hidden)),
        }
        return gradients, figures

    def _urges(self, hidden: Tensor) -> Tensor:
        """Logits [n] of speaking, of frames' last states [n, hidden]."""
        scores = linear(hidden, self._model.frozen.head[self._ids]).float()
        return scores[:, 0] - scores[:, 1]

    def _speaking_loss(self, scripts: Sequence[Script], hidden: Tensor, totals: _Totals) -> Tensor:
        """Frames to speak after weigh as much as those to be silent after, few as they are."""
        rows, speak, weights = _decisions(scripts, self._settings.unasked)
        if not len(rows):
            return hidden.sum() * 0
        weights = torch.where(speak > 0, weights / totals.speak, weights / totals.silent)
        losses = binary_cross_entropy_with_logits(
            self._urges(hidden[rows]), speak.to(hidden.device), reduction="none"
        )
        return (losses * weights.to(hidden.device)).sum()

    def evaluate(self) -> Figures:
        """Loss, share of replies right word for word (by topic too), and F1 of speaking up within 2 s and the
        threshold that it is best at, where anything is due."""
        loss, count = 0.0, 0
        exact: dict[str, list[bool]] = {}
        frames: list[list[Frame]] = []
        for script in self._asked:
            hidden = self._model([script], self._asked_pictures)
            rows, ids, places = _replies([script])
            if len(rows):
                scores = linear(hidden[rows], self._model.frozen.head).float().cpu()
                loss += float(cross_entropy(scores, ids, reduction="sum"))
                count += len(ids)
                right = (scores.argmax(-1) == ids).tolist()
                for topic, start, end in places:
                    exact.setdefault(topic, []).append(all(right[start:end]))
            decisions = script.decisions
            urges = self._urges(hidden[torch.tensor([d.row for d in decisions], dtype=torch.long)]).sigmoid()
            frames.append(
                [
                    Frame(d.at_us, float(urge), d.speak)
                    for d, urge in zip(decisions, urges, strict=True)
                    if d.asked
                ]
            )
        every = [each for found in exact.values() for each in found]
        return {
            "loss": loss / max(count, 1),
            "exact": sum(every) / max(len(every), 1),
            **{f"exact.{topic}": sum(found) / len(found) for topic, found in sorted(exact.items())},
            **_speaking_figures(frames),
        }


def _speaking_figures(streams: Sequence[Sequence[Frame]]) -> Figures:
    """None where nothing falls due, and no threshold where none meets anything: none is calibrated."""
    if not any(frame.due for frames in streams for frame in frames):
        return {}
    best = best_score(streams)
    figures = {
        "speaking.f1": best.f1,
        "speaking.precision": best.precision,
        "speaking.recall": best.recall,
    }
    return figures | {"speaking.threshold": best.threshold} if best.f1 else figures


def _replies(scripts: Sequence[Script]) -> tuple[Tensor, Tensor, list[tuple[str, int, int]]]:
    """Rows of states, the tokens that follow from them, and (topic, start, end) of each reply in these."""
    rows: list[int] = []
    ids: list[int] = []
    places: list[tuple[str, int, int]] = []
    offset = 0
    for script in scripts:
        for said in script.said:
            places.append((said.topic, len(ids), len(ids) + len(said.ids)))
            rows += [offset + row for row in said.rows]
            ids += said.ids
        offset += len(script.ids)
    return torch.tensor(rows, dtype=torch.long), torch.tensor(ids, dtype=torch.long), places


def _decisions(scripts: Sequence[Script], unasked: float) -> tuple[Tensor, Tensor, Tensor]:
    """Rows of frames' last states, whether to speak there (1.0 or 0.0), and the weight of each."""
    found: list[tuple[int, bool, bool]] = []
    offset = 0
    for script in scripts:
        found += [(offset + d.row, d.speak, d.asked) for d in script.decisions]
        offset += len(script.ids)
    rows = torch.tensor([row for row, _, _ in found], dtype=torch.long)
    speak = torch.tensor([float(speak) for _, speak, _ in found])
    return rows, speak, torch.tensor([1.0 if asked else unasked for _, _, asked in found])


@dataclass(frozen=True, slots=True)
class _Totals:
    """What sums over a batch are divided by: tokens of replies, and the weights of frames to speak after and
    to be silent after, twice over so that both count half."""

    words: float
    speak: float
    silent: float

    @classmethod
    def of(cls, scripts: Sequence[Script], unasked: float) -> _Totals:
        _, speak, weights = _decisions(scripts, unasked)
        words = sum(len(said.ids) for script in scripts for said in script.said)
        speaking, silent = float(weights[speak > 0].sum()), float(weights[speak == 0].sum())
        return cls(max(words, 1), max(2 * speaking, 1.0), max(2 * silent, 1.0))

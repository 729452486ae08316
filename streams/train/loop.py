"""The training loop: the same for every stage, and the same whether it was interrupted or not."""

from __future__ import annotations

import json
import math
import pickle
import struct
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn

from streams.errors import ConfigError
from streams.whole_file import whole_file

Figures = Mapping[str, float]
VALIDATION = "validation."
"""What figures on validation are called begins with this."""
_UNREADABLE = (
    pickle.UnpicklingError, OSError, EOFError, RuntimeError, LookupError, ValueError, TypeError,
    AttributeError, struct.error,
)  # fmt: skip
"""What reading a damaged checkpoint comes to, by where the damage is."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Parameters that learn at one rate; ``decay`` is AdamW's."""

    parameters: Sequence[nn.Parameter]
    rate: float
    decay: float = 0.0


class Stage(Protocol):
    """Something that is trained. ``step`` depends on its number and the parameters alone."""

    name: str
    module: nn.Module

    def rates(self) -> Sequence[Rate]: ...

    def step(self, number: int) -> Figures:
        """Add the gradients of batch ``number`` to those of the parameters.

        Returns its ``loss``, and what else is worth writing down; ``tokens`` are summed up.
        """
        ...

    def evaluate(self) -> Figures:
        """On validation; the module is in evaluation mode."""
        ...


@dataclass(frozen=True, slots=True)
class Schedule:
    """``steps`` in all; the first ``warmup`` rise to the full rate, then a cosine goes down to a tenth."""

    steps: int
    warmup: int = 20
    clip: float = 1.0
    evaluate_every: int = 100
    save_every: int = 50
    seed: int = 0

    def share(self, number: int) -> float:
        if number < self.warmup:
            return (number + 1) / self.warmup
        done = (number - self.warmup) / max(self.steps - self.warmup, 1)
        return 0.1 + 0.45 * (1 + math.cos(math.pi * done))


class Loop:
    """Trains ``stage`` in ``folder``, which keeps a checkpoint and a log (a JSON object a line).

    Every step seeds the generator with its own number, so that a run that was interrupted and goes on from
    its checkpoint ends at the same weights as one that was not. ``settings`` are what the weights hang on: a
    checkpoint of others is refused.
    """

    def __init__(
        self, stage: Stage, schedule: Schedule, folder: Path, settings: Mapping[str, object] | None = None
    ) -> None:
        self._stage = stage
        self._settings = dict(settings or {})
        self._schedule = schedule
        self._folder = folder
        self._groups = [rate for rate in stage.rates() if rate.parameters]
        self._optimizer = torch.optim.AdamW(
            [{"params": list(g.parameters), "lr": g.rate, "weight_decay": g.decay} for g in self._groups],
            betas=(0.9, 0.98),
        )
        self.done = 0
        self.tokens = 0.0
        self._seconds = 0.0

    @property
    def checkpoint(self) -> Path:
        return checkpoint_file(self._folder, self._stage.name)

    def run(self, told: Callable[[Figures], object] = lambda figures: None, until: int | None = None) -> None:
        """Train to the end, or to step ``until``; goes on from the checkpoint where there is one.

        ``told`` hears the figures of each step. Mutates the stage's module.
        """
        self.resume()
        for figures in self._steps(self._schedule.steps if until is None else until):
            told(figures)
        self._stage.module.eval()

    def _steps(self, until: int) -> Iterator[Figures]:
        schedule, module = self._schedule, self._stage.module
        while self.done < until:
            start = time.perf_counter()
            module.train()
            torch.manual_seed(schedule.seed * 1_000_003 + self.done)
            for group, kept in zip(self._optimizer.param_groups, self._groups, strict=True):
                group["lr"] = kept.rate * schedule.share(self.done)
            self._optimizer.zero_grad()
            figures = self._stage.step(self.done)
            norm = nn.utils.clip_grad_norm_([p for g in self._groups for p in g.parameters], schedule.clip)
            self._optimizer.step()
            self.done += 1
            self.tokens += figures.get("tokens", 0.0)
            self._seconds += time.perf_counter() - start
            line = {
                "step": self.done,
                "seen": self.tokens,
                "norm": norm.item(),
                **figures,
            }
            last = self.done == until
            if last or self.done % schedule.evaluate_every == 0:
                module.eval()
                with torch.no_grad():
                    line |= {f"{VALIDATION}{name}": value for name, value in self._stage.evaluate().items()}
            line["seconds"] = round(self._seconds, 1)
            self._log(line)
            if last or self.done % schedule.save_every == 0:
                self.save()
            yield line

    def _log(self, line: Figures) -> None:
        with self._log_file.open("a", encoding="utf-8") as log:
            log.write(json.dumps({name: round(float(value), 5) for name, value in line.items()}) + "\n")

    @property
    def _log_file(self) -> Path:
        return self._folder / f"{self._stage.name}.jsonl"

    def _cut_log(self) -> None:
        """Leave the lines up to the checkpoint's step: what came after is trained again."""
        if self._log_file.is_file():
            lines = self._log_file.read_bytes().splitlines(keepends=True)
            with whole_file(self._log_file, "run.out", shared=True) as file:
                file.writelines(line for line in lines if _step_of(line) <= self.done)

    def save(self) -> None:
        trained = {name for name, p in self._stage.module.named_parameters() if p.requires_grad}
        state = {
            "settings": self._settings,
            "module": {n: t for n, t in self._stage.module.state_dict().items() if n in trained},
            "optimizer": self._optimizer.state_dict(),
            "done": self.done,
            "tokens": self.tokens,
            "seconds": self._seconds,
        }
        with whole_file(self.checkpoint, "run.out", shared=True) as file:
            torch.save(state, file)

    def resume(self) -> None:
        """Go on from the checkpoint, if there is one; the log is cut back to where that was written.

        Raises ConfigError for one of another run.
        """
        state = read_checkpoint(self.checkpoint, self._settings)
        if state is None:
            self._cut_log()
            return
        try:
            unknown = self._stage.module.load_state_dict(state["module"], strict=False).unexpected_keys
            if unknown:
                raise ValueError(f"it has {unknown[0]}")
            self._optimizer.load_state_dict(state["optimizer"])
            self.done, self.tokens = int(state["done"]), float(state["tokens"])
            self._seconds = float(state["seconds"])
        except (KeyError, ValueError, RuntimeError) as error:
            raise ConfigError(f"{self.checkpoint} is of another recipe: {error}", param="run.out") from None
        self._cut_log()


def _step_of(line: bytes) -> float:
    """The step that a line of the log is of; that of none, as of half a line, is beyond all."""
    try:
        return float(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return math.inf


def checkpoint_file(folder: Path, stage: str) -> Path:
    return folder / f"{stage}.ckpt"


def read_checkpoint(file: Path, settings: Mapping[str, object]) -> dict[str, Any] | None:
    """What ``Loop.save`` wrote, None where there is none. Raises ConfigError for one that is damaged, and
    one that tells the first of ``settings`` that were others when it was written."""
    if not file.is_file():
        return None
    try:
        state: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
        before: Mapping[str, object] = dict(state.get("settings", {}))
    except _UNREADABLE as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        message = f"{file} cannot be read ({reason}); if it is damaged, delete it, and that stage begins anew"
        raise ConfigError(message, param="run.out") from None
    check_settings(file, before, settings)
    return state


def check_settings(file: Path, before: Mapping[str, object], settings: Mapping[str, object]) -> None:
    """Raises ConfigError that tells the first of ``settings`` that were others when ``file`` was written."""
    for name in sorted({*before, *settings}):
        was, now = before.get(name), settings.get(name)
        if was != now:
            raise ConfigError(
                f"{file} is of another recipe: {name} was {was!r} there and is {now!r} now; "
                "go on with the old recipe, or train into another folder",
                param=name,
            )

"""Which frames go on to the encoder: a chosen rate, without near-duplicates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from typing import TypeAlias

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from streams.config import VideoConfig
from streams.types import US_PER_S, Frame, Image

Thumbnail: TypeAlias = NDArray[np.float32]

THUMBNAIL_SIDE = 32


class Decision(StrEnum):
    """What became of a frame, and if it was skipped, why."""

    KEEP = "keep"
    RATE = "rate"
    DUPLICATE = "duplicate"


class RateGrid:
    """Picks, out of frames at any rate and with jitter, those nearest to a grid of ``fps`` times a second.

    A frame is taken if it is due, or if waiting for the next one would miss the grid by more: half
    the gap between the last two frames, at most a quarter of an interval. The grid starts at the
    first frame and is laid again at the next one after a gap, so a pause is not made up for. Time
    that goes back by an interval or more (a camera that started again) lays it again too; a frame
    late by less is not taken.

    Mutates itself on every call; taking what was taken once takes all of it again.
    """

    def __init__(self, fps: float) -> None:
        self._interval_us = US_PER_S / fps
        self._due_us: float | None = None
        self._last_us = 0

    def take(self, pts_us: int) -> bool:
        step_us = pts_us - self._last_us
        if self._due_us is None or step_us <= -self._interval_us:
            self._due_us = float(pts_us)
            step_us = 0
        elif step_us < 0:
            return False
        self._last_us = pts_us
        early_us = min(step_us / 2, self._interval_us / 4)
        if pts_us < self._due_us - early_us:
            return False
        self._due_us += self._interval_us
        if pts_us >= self._due_us:
            self._due_us = pts_us + self._interval_us
        return True


class Sampler:
    """The sampling state of one session.

    A frame that is due is compared, as a small grey thumbnail, with the last one kept; under
    ``duplicate_threshold`` it is a duplicate. The comparison is always with the frame kept, so a
    slow change adds up until it counts. A picture that stays still is kept again every
    ``keep_every_s``.
    """

    def __init__(self, config: VideoConfig) -> None:
        self._threshold = config.duplicate_threshold
        self._keep_every_us = round(config.keep_every_s * US_PER_S)
        self._grid = RateGrid(config.sample_fps)
        self._kept: Thumbnail | None = None
        self._kept_us = 0
        self._counts: Counter[Decision] = Counter(dict.fromkeys(Decision, 0))

    @property
    def counts(self) -> Mapping[Decision, int]:
        """How many frames met each decision so far."""
        return self._counts

    @property
    def seen(self) -> int:
        return self._counts.total()

    @property
    def kept(self) -> int:
        return self._counts[Decision.KEEP]

    def offer(self, frame: Frame) -> Decision:
        """Decide on one frame and remember it if kept. Mutates the sampler, never the frame."""
        decision = self._decide(frame)
        self._counts[decision] += 1
        return decision

    def _decide(self, frame: Frame) -> Decision:
        if not self._grid.take(frame.pts_us):
            return Decision.RATE
        thumbnail = grey_thumbnail(frame.image)
        # Time that went back makes the difference negative: the still picture's time starts again.
        still_us = frame.pts_us - self._kept_us
        if (
            self._kept is not None
            and 0 <= still_us < self._keep_every_us
            and float(np.abs(thumbnail - self._kept).mean()) < self._threshold
        ):
            return Decision.DUPLICATE
        self._kept, self._kept_us = thumbnail, frame.pts_us
        return Decision.KEEP


def grey_thumbnail(image: Image) -> Thumbnail:
    """The picture as luminance 0..1, float32 [32, 32], each value the mean of its area."""
    small = PIL.Image.fromarray(image).resize((THUMBNAIL_SIDE, THUMBNAIL_SIDE), PIL.Image.Resampling.BOX)
    return np.asarray(small.convert("L"), dtype=np.float32) / np.float32(255)

"""How a session sees: frames in, sampled, encoded, and read into memory."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.backend import Backend
from gateway.live.live import Emit
from gateway.live.newest import Newest
from gateway.live.reading import Reading
from llm.novelty import NoveltyFilter
from llm.stream import Stream
from llm.visual import VisualTokens, in_words
from memory.block import Block
from streams.clock import Clock, ReplayClock
from streams.config import VideoConfig
from streams.errors import StreamsError
from streams.events import FramesDropped, FrameSeen, SessionFailed
from streams.pipeline import Stage
from streams.types import US_PER_S, Frame, Image
from video.image import thumbnail_jpeg
from video.sampling import Decision, Sampler

THUMBNAILS_KEPT, THUMBNAILS_AT_HAND = 4_096, 256
"""Pictures of a session in RAM (about 6 kB each) where nothing else keeps them, and where the disk does."""
REPORT_EVERY_US = US_PER_S
UNSURE = "something unclear"


@dataclass(slots=True)
class FrameCounts:
    """Frames that were offered, encoded, and dropped because the encoder was behind."""

    seen: int = 0
    encoded: int = 0
    dropped: int = 0


class Sight:
    """Frames of one session. On media time senders wait; live, the oldest waiting frame is dropped."""

    def __init__(
        self,
        backend: Backend,
        config: VideoConfig,
        clock: Clock,
        stream: Stream,
        reading: Reading,
        emit: Emit,
    ) -> None:
        self._backend = backend
        self._config = config
        self._clock = clock
        self._stream = stream
        self._reading = reading
        self._emit = emit
        self._sampler = Sampler(config)
        budget = config.token_budget
        self._novelty = None if budget == "all" else NoveltyFilter(budget, config.novelty)
        self._stage: Stage[Frame] = Stage("sight", self._look, config.queue_frames, on_error=self._failed)
        self._offset_us: int | None = None
        self._unreported = 0
        self._reported_us = -REPORT_EVERY_US
        self._last_text: str | None = None
        self._last_us = 0
        kept = THUMBNAILS_AT_HAND if stream.memory.durable else THUMBNAILS_KEPT
        self._thumbnails: Newest[int, bytes] = Newest(kept)
        self.counts = FrameCounts()

    async def append(self, image: Image, pts_us: int | None) -> None:
        """Take a frame. ``pts_us`` is on the sender's clock, whose first frame is taken to be now."""
        frame = Frame(self._place(pts_us), image)
        self.counts.seen += 1
        if self._sampler.offer(frame) is not Decision.KEEP:
            return
        if isinstance(self._clock, ReplayClock):
            await self._stage.put(frame)
        elif await self._stage.offer(frame) is not None:
            self.counts.dropped += 1
            self._unreported += 1
        self._report()

    def _place(self, pts_us: int | None) -> int:
        now_us = self._clock.now_us()
        if pts_us is None:
            return now_us
        if self._offset_us is None:
            self._offset_us = now_us - pts_us
        at_us = max(pts_us + self._offset_us, 0)
        if isinstance(self._clock, ReplayClock):
            self._clock.advance_to(at_us)
        return at_us

    def _report(self) -> None:
        """Tell of dropped frames, now and then, and once the encoder has caught up."""
        now_us = self._clock.now_us()
        due = now_us - self._reported_us >= REPORT_EVERY_US or not len(self._stage)
        if self._unreported and due:
            self._emit(FramesDropped(self._unreported, self.counts.dropped, "overload"))
            self._unreported, self._reported_us = 0, now_us

    def _failed(self, frame: Frame, error: Exception) -> None:
        """A frame that could not be encoded or read is lost, and that is said; the next goes on."""
        problem = error.message if isinstance(error, StreamsError) else "something went wrong in the server"
        at_s = frame.pts_us / US_PER_S
        self._emit(SessionFailed(StreamsError(f"the frame at {at_s:.1f} s is lost: {problem}")))

    async def _look(self, frame: Frame) -> None:
        shown = await self._see(frame)
        self.counts.encoded += 1
        read = saved = 0
        if isinstance(shown, VisualTokens):
            read = await self._read_what_is_new(frame, shown)
            saved = len(shown.embeddings) - read
        elif self._is_news(frame.pts_us, shown):
            await self.read(frame, shown)
        self._emit(FrameSeen(frame.pts_us, in_words(shown), read, saved))
        self._report()

    async def _read_what_is_new(self, frame: Frame, visual: VisualTokens) -> int:
        """How many of the visual tokens were read; where none is new, what is in the window goes on."""
        if self._novelty is None:
            await self.read(frame, visual)
            return len(visual.embeddings)
        # Tensors come from the encoder's device, for which the event loop is not to wait.
        chosen = await asyncio.to_thread(self._choose, self._novelty, frame, visual)
        if chosen is None:
            return 0
        block = await self.read(frame, chosen)
        await asyncio.to_thread(self._novelty.note_read, block.id, chosen)
        return len(chosen.embeddings)

    def _choose(self, novelty: NoveltyFilter, frame: Frame, visual: VisualTokens) -> VisualTokens | None:
        """What is to be read; None when what was read last goes on to be seen."""
        memory = self._stream.memory
        chosen = novelty.choose(visual, [block.id for block in memory.recent()])
        if chosen is None and memory.prolong(novelty.newest_id, self._end_us(frame)):
            return None
        return chosen or visual

    def _is_news(self, at_us: int, names: str) -> bool:
        """Whether to read the names of a frame: not when there are none, or those of just now."""
        lasting_us = at_us - self._last_us
        if not names or (names == self._last_text and lasting_us < self._config.keep_every_s * US_PER_S):
            return False
        self._last_text, self._last_us = names, at_us
        return True

    async def show(self, image: Image, item_id: str) -> str:
        """Look at a picture that an item of the conversation holds, and return what it shows."""
        shown = await self.look(image)
        await self.read(Frame(self._clock.now_us(), image), shown, item_id)
        return in_words(shown) or UNSURE

    async def look(self, image: Image) -> str | VisualTokens:
        """What the model is shown of a picture that somebody points at: that nothing can be said is said."""
        return await self._see(Frame(self._clock.now_us(), image)) or UNSURE

    async def _see(self, frame: Frame) -> str | VisualTokens:
        (shown,) = await self._backend.encoder_worker.run(lambda: self._backend.see([frame]))
        return shown

    def _end_us(self, frame: Frame) -> int:
        """What a frame shows lasts until the next one is sampled, for all that is known."""
        return frame.pts_us + round(US_PER_S / self._config.sample_fps)

    async def read(self, frame: Frame, shown: str | VisualTokens, item_id: str = "") -> Block:
        memory = self._stream.memory
        seeing = self._stream.see(frame.pts_us, self._end_us(frame), shown)
        block = await (self._reading.read(seeing, item_id) if item_id else self._reading.see(seeing))
        picture = await asyncio.to_thread(thumbnail_jpeg, frame.image)
        memory.pictures.put(block.id, picture)
        self._thumbnails[block.id] = picture
        return block

    async def load_thumbnails(self, block_ids: Sequence[int]) -> None:
        """Have the pictures of these blocks at hand, as far as memory keeps them."""
        missing = [block_id for block_id in block_ids if block_id not in self._thumbnails]
        if not missing or not self._stream.memory.durable:
            return

        def load() -> dict[int, bytes]:
            found = {block_id: self._stream.memory.pictures.get(block_id) for block_id in missing}
            return {block_id: picture for block_id, picture in found.items() if picture is not None}

        self._thumbnails.update(await asyncio.to_thread(load))

    def thumbnail(self, block_id: int) -> bytes | None:
        """A small JPEG of the frame that became a block; None when it is no frame or not at hand."""
        return self._thumbnails.get(block_id)

    def clear(self) -> None:
        """Forget frames that wait to be encoded."""
        self._stage.clear()

    async def drain(self) -> None:
        await self._stage.drain()

    async def catch_up(self, within_us: int) -> None:
        """Return when no frame waits to be read, or ``within_us`` from now by the clock."""
        waits = [
            asyncio.create_task(self.drain()),
            asyncio.create_task(self._clock.sleep_until(self._clock.now_us() + within_us)),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    async def close(self) -> None:
        await self._stage.close()

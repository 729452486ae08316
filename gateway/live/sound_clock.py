"""Where the sound that a client sends is on its session's clock."""

from __future__ import annotations

from streams.clock import Clock, ReplayClock
from streams.types import US_PER_MS

GAP_US = 500 * US_PER_MS
"""Sound that stayed away for longer than this goes on where the clock is, not where it stopped."""


class SoundClock:
    """Maps between times counted in the sound that was sent and the session's clock.

    Live, sound arrives when it has ended or later, never before: the least delay seen is the map. On media
    time sound moves the clock. It may stay away between turns, and then goes on where the clock is.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.live = not isinstance(clock, ReplayClock)
        """Whether the clock runs by itself, rather than with the media."""
        self._sent_us = 0
        self._offset_us: int | None = None

    def now_us(self) -> int:
        """On the session's clock."""
        return self._clock.now_us()

    async def sleep_until(self, at_us: int) -> None:
        await self._clock.sleep_until(at_us)

    def to_audio(self, clock_us: int) -> int:
        """A time on the session's clock, in the sound that was sent."""
        return max(clock_us - (self._offset_us or 0), 0)

    def to_clock(self, audio_us: int) -> int:
        """A time in the sound that was sent, on the session's clock; never before its start."""
        return max(audio_us + (self._offset_us or 0), 0)

    def sent(self, duration_us: int, *, between_turns: bool) -> None:
        """So much more sound has arrived; ``between_turns``: nobody was speaking in what came before.

        Mutates the map and, on media time, the clock.
        """
        self._sent_us += duration_us
        offset_us = self._clock.now_us() - self._sent_us
        if self._offset_us is None:
            self._offset_us = offset_us if self.live else max(offset_us, 0)
        late_us = offset_us - self._offset_us
        if (self.live and late_us < 0) or (between_turns and late_us > GAP_US):
            self._offset_us = offset_us
        if isinstance(self._clock, ReplayClock):
            self._clock.advance_to(self.to_clock(self._sent_us))

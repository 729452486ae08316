"""The sound of one response at its client: how much was sent, and how much of it was heard."""

from __future__ import annotations

from streams.clock import Clock


class Playback:
    """The client plays what it is sent, at once and without a pause while there is any.

    That is all a server can know unless the client tells. Sound sent after a pause begins to play when
    it is sent. Where sound is not ``paced`` all that was sent counts as heard.
    """

    def __init__(self, clock: Clock, lead_us: int, *, paced: bool) -> None:
        """No more than ``lead_us`` is sent ahead of being heard, so that little is to be withdrawn."""
        self._clock = clock
        self._lead_us = lead_us
        self._paced = paced
        self.ends_us = 0
        self.sent_us = 0

    def send(self, duration_us: int) -> int:
        """So much more is sent now. Returns when it begins to play."""
        start_us = max(self.ends_us, self._clock.now_us())
        self.ends_us = start_us + duration_us
        self.sent_us += duration_us
        return start_us

    def replay(self, unheard_us: int) -> None:
        """Of what was sent the last ``unheard_us`` had not arrived, and are sent again now."""
        self.ends_us = replayed_until(self.ends_us, min(unheard_us, self.sent_us), self._clock.now_us())

    def heard_us(self, at_us: int) -> int:
        """How much of the sound was heard by ``at_us``."""
        return self.sent_us - (max(self.ends_us - at_us, 0) if self._paced else 0)

    async def wait_for_room(self) -> None:
        """Return once less than the lead is waiting to be played."""
        if self._paced:
            await self._clock.sleep_until(self.ends_us - self._lead_us)


def replayed_until(ends_us: int, unheard_us: int, now_us: int) -> int:
    """When sound is over that was to end at ``ends_us``, and whose last part is only sent ``now_us``."""
    return max(ends_us - unheard_us, now_us) + unheard_us

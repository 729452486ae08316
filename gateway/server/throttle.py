"""How much a client may ask for in a time."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from gateway.access.address import network_of
from gateway.access.rate import TokenBucket
from gateway.server.metrics import Metrics
from gateway.server.visit import Party
from gateway.wire.command import AppendAudio, AppendFrame, Command, CreateResponse
from streams.config import ServerConfig
from streams.errors import InvalidRequestError

PER_MINUTE = 1 / 60
MAX_PARTIES = 65_536
SHORT_S = 0.001
"""A wait that is not worth it."""


class Throttle:
    """Of one session: its messages, and the sound and the responses that it shares with others of its party.

    Sound and frames past the limit wait, and with them the socket, since sound is never dropped; whatever
    else is past it is refused.
    """

    def __init__(
        self,
        messages: TokenBucket | None,
        audio: TokenBucket | None,
        responses: TokenBucket | None,
        metrics: Metrics,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """``messages`` counts them, ``audio`` counts seconds of sound; None is without a limit."""
        self._messages = messages
        self._audio = audio
        self.responses = responses
        self._metrics = metrics
        self._sleep = sleep

    async def spend(self, command: Command) -> None:
        """Count ``command``; returns when it may be carried out.

        Raises InvalidRequestError (``rate_limit_exceeded``) when it may not.
        """
        match command:
            case AppendAudio(samples, rate):
                seconds = len(samples) / rate
                self._metrics.audio_received(seconds)
                await self._wait((self._messages, 1.0), (self._audio, seconds))
            case AppendFrame():
                await self._wait((self._messages, 1.0))
            case _:
                _take(self._messages, "messages")
        if isinstance(command, CreateResponse) and self.responses is not None:
            _check(self.responses, "responses")

    async def _wait(self, *costs: tuple[TokenBucket | None, float]) -> None:
        wait_s = max(bucket.take(count) if bucket else 0.0 for bucket, count in costs)
        if wait_s > SHORT_S:
            self._metrics.media_delayed(wait_s)
            await self._sleep(wait_s)

    def response_created(self) -> None:
        """A response begins: the client asked for it, or its turn ended."""
        if self.responses is not None:
            self.responses.take()


def _take(bucket: TokenBucket | None, what: str) -> None:
    if bucket is not None:
        _check(bucket, what)
        bucket.take()


def _check(bucket: TokenBucket, what: str) -> None:
    if wait_s := bucket.wait_s():
        raise InvalidRequestError(f"Too many {what}; try again in {wait_s:.1f} s", code="rate_limit_exceeded")


@dataclass(frozen=True, slots=True)
class _Shared:
    """What all sessions of a party have together, by the ``limits`` it had when this was made."""

    limits: tuple[int | None, int | None]
    audio: TokenBucket | None
    responses: TokenBucket | None


class Throttles:
    """Makes a session's throttle. What parties share is kept by party, the newest ``MAX_PARTIES``."""

    def __init__(
        self, config: ServerConfig, metrics: Metrics, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._config = config
        self._metrics = metrics
        self._now = now
        self._shared: OrderedDict[str, _Shared] = OrderedDict()

    def of(self, party: Party) -> Throttle:
        """On media time messages are not counted: it goes on as fast as they are dealt with."""
        config = self._config
        messages = None
        if config.clock == "wall":
            messages = TokenBucket(config.messages_per_second, config.messages_burst, self._now)
        name = f"address {network_of(party.address)}" if party.key is None else f"key {party.key}"
        wanted = (party.limits.audio_seconds_per_minute, party.limits.responses_per_minute)
        shared = self._shared.get(name)
        if shared is None or shared.limits != wanted:
            shared = self._shared[name] = _Shared(wanted, *(self._minute(limit) for limit in wanted))
        self._shared.move_to_end(name)
        if len(self._shared) > MAX_PARTIES:
            self._shared.popitem(last=False)
        return Throttle(messages, shared.audio, shared.responses, self._metrics)

    def _minute(self, limit: int | None) -> TokenBucket | None:
        return None if limit is None else TokenBucket(limit * PER_MINUTE, limit, self._now)

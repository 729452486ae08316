"""The sessions of a server: those that are open, and those that wait for a client whose socket dropped."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from typing import Protocol

from gateway.access.address import network_of
from gateway.live.live import Emit, Live
from gateway.server.attempts import Attempts
from gateway.server.metrics import Metrics
from gateway.server.relay import Relay
from gateway.server.seat import Occupant, Seat
from gateway.server.throttle import Throttles
from gateway.server.time_limit import TimeLimit
from gateway.server.token import locator_of
from gateway.server.visit import Party, Visit
from gateway.wire.protocol import RealtimeProtocol
from streams.clock import WallClock
from streams.config import ServerConfig, VideoConfig
from streams.errors import InvalidRequestError, OverloadError
from streams.log import get_logger

log = get_logger(__name__)


class OpenSession(Protocol):
    """Makes a session that tells what happens in it through ``emit``.

    A session of the visit's tenant and name that was there before goes on. Raises StreamsError when
    there can be none.
    """

    def __call__(self, visit: Visit, emit: Emit) -> Awaitable[Live]: ...


class SessionTable:
    """Opens sessions for connections, and ends each when its connection leaves it or nobody comes back."""

    def __init__(
        self,
        server: ServerConfig,
        video: VideoConfig,
        open_session: OpenSession,
        metrics: Metrics,
        attempts: Attempts | None = None,
    ) -> None:
        self._server = server
        self._video = video
        self._open_session = open_session
        self._metrics = metrics
        self._throttles = Throttles(server, metrics)
        self._attempts = attempts or Attempts()
        self._opening: list[Party] = []
        self._seats: dict[str, Seat] = {}
        self._waiting: dict[Seat, asyncio.TimerHandle] = {}
        self._ending: dict[Seat, asyncio.Task[None]] = {}
        self.farewell = asyncio.Event()
        """Set once the server is to stop, and connections with it."""
        self._closing = False
        metrics.watch_waiting(lambda: len(self._waiting))

    def __len__(self) -> int:
        """How many take a place: those that are being opened, and those that wait or end, too."""
        return len(self._opening) + len(self._seats)

    def count(self, key: str) -> int:
        """Of these, those that were opened with the key of this name."""
        parties = [*self._opening, *(seat.party for seat in self._seats.values())]
        return sum(party.key == key for party in parties)

    async def open(self, visit: Visit, occupant: Occupant) -> Seat:
        """A session for ``occupant``. Raises what ``open_session`` raises."""
        self._opening.append(visit.party)
        try:
            await self._make_way(visit)
            relay = Relay()
            live = await self._open_session(visit, relay.emit)
            protocol = RealtimeProtocol(
                live.id,
                visit.model,
                live.options,
                server=self._server,
                thumbnail=live.thumbnail,
                standing=lambda: live.speaking_up.requests,
                expires_at=self._expires_at(),
            )
            seat = Seat(
                live,
                protocol,
                occupant,
                party=visit.party,
                throttle=self._throttles.of(visit.party),
                server=self._server,
                video=self._video,
                metrics=self._metrics,
                limit=TimeLimit(self._server.idle_timeout_s, self._server.max_session_s, WallClock()),
            )
        finally:
            self._opening.remove(visit.party)
        self._seats[seat.token.locator] = seat
        relay.pass_to(seat.emit)
        self._metrics.session_opened()
        log.info(
            "session_opened",
            session=seat.id,
            tenant=visit.party.tenant,
            key=visit.party.key,
            address=visit.party.address,
            model=visit.model,
        )
        return seat

    def _expires_at(self) -> int | None:
        longest_s = self._server.max_session_s
        return round(time.time() + longest_s) if longest_s else None

    async def _make_way(self, visit: Visit) -> None:
        """Whoever opens a session by its name has it, also while it waits for another client's return."""
        wanted = (visit.party.tenant, visit.session)
        waiting = [seat for seat in self._waiting if (seat.party.tenant, seat.id) == wanted]
        ending = [self._end_soon(seat, "opened_anew") for seat in waiting]
        if ending:
            await asyncio.wait(ending)

    def resume(self, token: str, after: str, occupant: Occupant, party: Party) -> Seat:
        """Give ``occupant`` the session of ``token``, also when another connection seems to have it still.

        Raises InvalidRequestError when there is none of the ``party``'s tenant, OverloadError for an address
        that failed too often.
        """
        network = network_of(party.address)
        if not self._attempts.allowed(network):
            raise OverloadError(
                "Too many failed attempts to resume a session; try again later", code="rate_limit_exceeded"
            )
        seat = self._seats.get(locator_of(token))
        own = seat is not None and seat.party.tenant == party.tenant
        usable = seat is not None and own and seat.resumable and seat not in self._ending
        next_token = seat.token.rotate(token) if seat is not None and usable else None
        if seat is None or next_token is None:
            self._attempts.failed(network)
            raise InvalidRequestError(
                "No session is resumed by this token: it is wrong, was used, or its session is over",
                param="token",
                code="resume_failed",
            )
        if (timer := self._waiting.pop(seat, None)) is not None:
            timer.cancel()
        seat.resume(occupant, next_token, after)
        self._metrics.session_resumed()
        return seat

    def keep(self, seat: Seat, occupant: Occupant) -> bool:
        """``occupant`` lost its socket: the session waits for its client. False if that may not come back."""
        if self._closing or not seat.resumable or not seat.leave(occupant):
            return False
        seat.hold()
        grace_s = min(self._server.resume_grace_s, seat.limit.left_s)
        loop = asyncio.get_running_loop()
        self._waiting[seat] = loop.call_later(grace_s, self._end_soon, seat, "grace_over")
        log.info("session_waits", session=seat.id, tenant=seat.party.tenant, seconds=grace_s)
        return True

    async def leave(self, seat: Seat, occupant: Occupant, reason: str) -> None:
        """``occupant`` is done: the session ends, unless it waits or another connection has it now."""
        if seat.leave(occupant):
            await self._end_soon(seat, reason)

    def say_farewell(self) -> None:
        """End those that wait, and have the connections of the others end them when they are done."""
        self.end_waiting()
        self.farewell.set()

    def end_waiting(self) -> None:
        """End those that wait; no more will."""
        self._closing = True
        for seat in [*self._waiting]:
            self._end_soon(seat, "shutdown")

    async def close(self, timeout_s: float) -> None:
        """Return when all that are to end have; one that has not in time is cancelled."""
        self.end_waiting()
        if self._ending:
            _, late = await asyncio.wait({*self._ending.values()}, timeout=timeout_s)
            for task in late:
                log.warning("session_cancelled", session=task.get_name())
                task.cancel()
            if late:
                await asyncio.wait(late)

    def _end_soon(self, seat: Seat, reason: str) -> asyncio.Task[None]:
        if (timer := self._waiting.pop(seat, None)) is not None:
            timer.cancel()
        task = self._ending[seat] = asyncio.create_task(self._end(seat, reason), name=seat.id)
        return task

    async def _end(self, seat: Seat, reason: str) -> None:
        try:
            await seat.close()
        except Exception:
            log.exception("session_not_closed", session=seat.id)
        finally:
            self._metrics.session_closed()
            del self._ending[seat]
            del self._seats[seat.token.locator]
        log.info("session_closed", session=seat.id, tenant=seat.party.tenant, reason=reason)

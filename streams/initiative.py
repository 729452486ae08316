"""When a session speaks unasked: rules without I/O, beside those of its turns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from streams.conversation import ProactiveMode
from streams.errors import InvalidRequestError
from streams.request_phrase.condition import of_the_past
from streams.standing_request import MAX_REQUEST_CHARS, NARRATION, StandingRequest
from streams.unasked import HeldBack, StandingRequestsChanged, Suppression, Unasked, UnaskedSuppressed

MAX_REQUESTS = 8
"""Standing requests of one session: each is attended to with every frame."""

Changes: TypeAlias = list[StandingRequestsChanged | UnaskedSuppressed]
End: TypeAlias = Literal["cancelled", "met", "mode"]


@dataclass(slots=True)
class Due:
    """Something that a frame at ``at_us`` met. ``held_by`` is why it was not said so far."""

    request_id: str
    at_us: int
    held_by: HeldBack | None = None


@dataclass(slots=True)
class _Saying:
    """What is said now. ``passed``: a frame has come since that met nothing."""

    request: StandingRequest
    due: Due
    passed: bool = False


class Initiative:
    """A session's standing requests, and what of them is due.

    A request that was met is not told of again before a frame has come that does not meet it, be it that
    it meets another; a narration
    tells of each frame that shows something else than the one told of last. What cannot be said at once
    waits, the oldest first, and is said when there is room, or dropped once it is stale; of a narration also
    when what it was about has passed. So does what was begun to be said and not heard.
    """

    def __init__(self, *, gap_us: int, stale_us: int) -> None:
        """``gap_us`` lies between the end of one unasked reply and the next; ``stale_us`` is how long
        something may wait to be said."""
        self.mode: ProactiveMode = "off"
        self._gap_us = gap_us
        self._stale_us = stale_us
        self._requests: dict[str, StandingRequest] = {}
        self._told: dict[str, str] = {}
        self._due: dict[str, Due] = {}
        self._saying: _Saying | None = None
        self._shown: dict[str, str] = {}
        self._free_from_us = 0

    @property
    def requests(self) -> tuple[StandingRequest, ...]:
        return tuple(self._requests.values())

    def get(self, request_id: str) -> StandingRequest:
        """Raises InvalidRequestError when there is none of this id."""
        if request_id not in self._requests:
            message = f"there is no standing request '{request_id}'"
            raise InvalidRequestError(message, param="id", code="standing_request_not_found")
        return self._requests[request_id]

    # What stands.

    def restored(self, requests: tuple[StandingRequest, ...]) -> None:
        """These stood when the session was left."""
        self._requests = {request.id: request for request in requests}

    def added(self, request: StandingRequest) -> Changes:
        """Somebody wants to be told. Raises InvalidRequestError for an id that is taken, for one too many
        or too long, and while the session is not to speak up."""
        if self.mode == "off":
            message = "the session is not to speak up: set session.streams.proactive to 'alerts' first"
            raise InvalidRequestError(message, code="proactive_off")
        if request.id in self._requests:
            message = f"there is a standing request '{request.id}' already"
            raise InvalidRequestError(message, param="id", code="standing_request_exists")
        if len(request.text) > MAX_REQUEST_CHARS:
            message = (
                f"a standing request has at most {MAX_REQUEST_CHARS} characters: this has {len(request.text)}"
            )
            raise InvalidRequestError(message, param="text", code="standing_request_too_long")
        self._check_room()
        self._requests[request.id] = request
        return [StandingRequestsChanged(self.requests, "added", request.id)]

    def ended(self, request_id: str, why: End) -> Changes:
        """Nobody wants to be told any more. Raises InvalidRequestError when it does not stand."""
        del self._requests[self.get(request_id).id]
        for state in (self._due, self._told, self._shown):
            state.pop(request_id, None)
        return [StandingRequestsChanged(self.requests, why, request_id)]

    def _check_room(self, param: str | None = None) -> None:
        if len(self._requests) >= MAX_REQUESTS:
            message = f"{MAX_REQUESTS} standing requests are as many as there may be"
            raise InvalidRequestError(message, param=param, code="too_many_standing_requests")

    def check_mode(self, mode: ProactiveMode) -> None:
        """Raises InvalidRequestError where there is no room for the request that a mode brings."""
        if mode == "narration" and not any(request.by_mode for request in self.requests):
            self._check_room("proactive")

    def mode_changed(self, mode: ProactiveMode, new_id: str, now_us: int) -> Changes:
        """The session is to speak up so from now on. In narration mode a request for that stands, which is
        ``new_id`` when it is new; with ``off`` what stands is kept, and rests. Raises InvalidRequestError
        as ``check_mode`` does."""
        self.check_mode(mode)
        self.mode = mode
        brought = [request for request in self.requests if request.by_mode]
        dropped: Changes = []
        if mode == "off":
            dropped += [self._dropped(due, "off") for due in [*self._due.values()]]
        if mode == "narration" and not brought:
            asked = StandingRequest(new_id, "narration", NARRATION, True, now_us, by_mode=True)
            self._requests[asked.id] = asked
            return [StandingRequestsChanged(self.requests, "added", asked.id)]
        if mode != "narration":
            return dropped + [change for each in brought for change in self.ended(each.id, "mode")]
        return []

    # What falls due.

    def silent(self, at_us: int) -> Changes:
        """A frame of ``at_us`` met nothing: whatever was told of may come again."""
        self._told.clear()
        if self._saying is not None:
            self._saying.passed = True
        passed = [due for due in self._due.values() if self._requests[due.request_id].kind == "narration"]
        return [self._dropped(due, "passed") for due in passed]

    def met(self, request_id: str, at_us: int, shows: str) -> Changes:
        """A frame of ``at_us`` met a request that stands; ``shows`` is what it shows, in words."""
        request = self._requests[request_id]
        for other in self.requests:
            if other.id != request_id and other.kind == "alert":
                self._told.pop(other.id, None)
        self._shown[request_id] = shows
        if self._is_told(request, shows):
            return [UnaskedSuppressed(request_id, "told", at_us)]
        waiting = self._due.get(request_id)
        # What has waited goes first all the same; it is as fresh as the newest frame that met it.
        self._due[request_id] = Due(request_id, at_us, waiting.held_by if waiting else None)
        return []

    def _is_told(self, request: StandingRequest, shows: str) -> bool:
        if self._saying is not None and self._saying.request is request:
            return request.kind == "alert" or self._told.get(request.id) == shows
        if request.id not in self._told:
            return False
        return request.kind == "alert" or self._told[request.id] == shows

    def next(
        self, now_us: int, held_by: HeldBack | None, silent_from_us: int
    ) -> tuple[Unasked | None, Changes]:
        """What is to be said now, if anything; ``held_by`` is why nothing can be.

        ``silent_from_us`` is when the sound that was sent last has been heard.
        """
        stale = [due for due in self._due.values() if now_us - due.at_us > self._stale_us]
        changes: Changes = [self._dropped(due, due.held_by or "late") for due in stale]
        if held_by is None and now_us < max(self._free_from_us, silent_from_us):
            held_by = "rate"
        if not self._due or self.mode == "off":
            return None, changes
        if held_by is not None or self._saying is not None:
            for due in self._due.values():
                due.held_by = held_by or "response"
            return None, changes
        due = self._due.pop(next(iter(self._due)))
        request = self._requests[due.request_id]
        seeks = request.text if of_the_past(request.text) else ""
        self._saying = _Saying(request, due)
        self._told[request.id] = self._shown.get(request.id, "")
        return Unasked(request.id, request.kind, due.at_us, seeks), changes

    def _dropped(self, due: Due, reason: Suppression) -> UnaskedSuppressed:
        del self._due[due.request_id]
        return UnaskedSuppressed(due.request_id, reason, due.at_us)

    def said(self, anything: bool, now_us: int) -> Changes:
        """The unasked reply has ended; of ``anything`` that was heard of it no more is said.

        One of which nothing was is as if it had never been begun: it is due again, as long as it would be.
        """
        assert self._saying is not None, "nothing was said unasked"
        saying, self._saying = self._saying, None
        request, due = saying.request, saying.due
        self._free_from_us = now_us + self._gap_us
        if self._requests.get(request.id) is not request:  # cancelled meanwhile
            return []
        if anything:
            return [] if request.repeats else self.ended(request.id, "met")
        self._told.pop(request.id, None)
        if request.id in self._due:  # a newer frame met it, and showed something else
            return []
        if self.mode == "off":
            return [UnaskedSuppressed(request.id, "off", due.at_us)]
        if request.kind == "narration" and saying.passed:
            return [UnaskedSuppressed(request.id, "passed", due.at_us)]
        self._due = {request.id: due, **self._due}  # it came before what waits
        return []

    def wakes_us(self, silent_from_us: int) -> int | None:
        """When to ask ``next`` again though nothing happens; None while nothing waits."""
        if not self._due:
            return None
        stale_us = min(due.at_us for due in self._due.values()) + self._stale_us + 1
        free_us = max(self._free_from_us, silent_from_us)
        rate = any(due.held_by == "rate" for due in self._due.values())
        return min(stale_us, free_us) if rate else stale_us

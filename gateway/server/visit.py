"""Who came and what for."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.access.limits import Limits


@dataclass(frozen=True, slots=True)
class Party:
    """On whose behalf a client came: the ``tenant`` whose sessions it opens, by the key of this name.

    ``key`` is None where no keys are needed. ``limits`` are the key's, or, without one, those of whoever
    comes from one place. ``address`` is the client's, as far as it can be told.
    """

    tenant: str
    key: str | None
    limits: Limits
    address: str


@dataclass(frozen=True, slots=True)
class Visit:
    """What a client that was admitted came for: a session, under the name ``session`` if it has one.

    ``resumes``: one that is there already; which, is the first thing that the client says.
    ``transcribes``: one that only writes down what it hears.
    """

    party: Party
    model: str
    session: str | None
    resumes: bool = False
    transcribes: bool = False

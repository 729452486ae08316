"""Whether a server can do its work now."""

from __future__ import annotations

import asyncio

from gateway.server.admission import Admission
from gateway.service import Service
from streams.errors import MemoryStoreError


class Health:
    """Models are loaded before a server listens, so that one that answers has them."""

    def __init__(self, admission: Admission, service: Service | None) -> None:
        self._admission = admission
        self._service = service

    async def problems(self) -> list[str]:
        """What keeps new sessions away, for people; empty when nothing does."""
        problems = []
        if (closed := self._admission.closed()) is not None:
            problems.append(closed.message)
        if self._service is not None:
            try:
                await asyncio.to_thread(self._service.check_writable)
            except MemoryStoreError as error:
                problems.append(error.message)
        return problems

"""How many places of a server are taken."""

from __future__ import annotations

from websockets.asyncio.server import ServerConnection
from websockets.protocol import State

from gateway.server.session_table import SessionTable
from gateway.server.visit import Visit


class Occupancy:
    """Counts sessions, and sockets from the moment that their handshake is let go on."""

    def __init__(self, sessions: SessionTable) -> None:
        self._table = sessions
        self._handshakes: dict[ServerConnection, Visit] = {}
        self._connected: set[ServerConnection] = set()

    def admit(self, socket: ServerConnection, visit: Visit) -> None:
        """A handshake goes on; it may still fail, of which nothing is told."""
        self._handshakes[socket] = visit

    def enter(self, socket: ServerConnection) -> Visit:
        """The handshake is done: returns what the client came for."""
        self._connected.add(socket)
        return self._handshakes.pop(socket)

    def leave(self, socket: ServerConnection) -> None:
        """The connection is over."""
        self._connected.remove(socket)

    @property
    def sockets(self) -> int:
        """Clients that are connected or about to be."""
        return len(self._under_way()) + len(self._connected)

    @property
    def sessions(self) -> int:
        """Sessions that run or wait for their clients, and those that handshakes may become."""
        return len(self._table) + sum(not visit.resumes for visit in self._under_way())

    def sessions_of(self, key: str) -> int:
        """Of these, those of one key."""
        coming = [visit for visit in self._under_way() if not visit.resumes and visit.party.key == key]
        return self._table.count(key) + len(coming)

    def _under_way(self) -> list[Visit]:
        for socket in [each for each in self._handshakes if each.state is State.CLOSED]:
            del self._handshakes[socket]
        return [*self._handshakes.values()]

from websockets.protocol import State

from gateway.access.limits import NO_LIMITS
from gateway.server.occupancy import Occupancy
from gateway.server.visit import Party, Visit


class Table:
    """Sessions by the key that opened them."""

    def __init__(self, *keys):
        self.keys = list(keys)

    def __len__(self):
        return len(self.keys)

    def count(self, key):
        return self.keys.count(key)


class Socket:
    """One whose handshake goes on."""

    def __init__(self):
        self.state = State.CONNECTING


def visit(key=None, **kind):
    return Visit(Party("default", key, NO_LIMITS, "127.0.0.1"), "streams", None, **kind)


def test_a_handshake_takes_a_place_until_it_fails():
    occupancy, socket = Occupancy(Table("a")), Socket()
    occupancy.admit(socket, visit())
    assert (occupancy.sockets, occupancy.sessions) == (1, 2)
    socket.state = State.CLOSED
    assert (occupancy.sockets, occupancy.sessions) == (0, 1)


def test_who_entered_is_a_socket_and_what_its_session_takes_the_table_says():
    table = Table()
    occupancy, socket, wanted = Occupancy(table), Socket(), visit()
    occupancy.admit(socket, wanted)
    assert occupancy.enter(socket) is wanted
    assert (occupancy.sockets, occupancy.sessions) == (1, 0)
    table.keys.append(None)
    assert occupancy.sessions == 1
    occupancy.leave(socket)
    assert (occupancy.sockets, occupancy.sessions) == (0, 1)


def test_a_socket_that_closes_after_its_handshake_counts_until_it_leaves():
    occupancy, socket = Occupancy(Table()), Socket()
    occupancy.admit(socket, visit())
    occupancy.enter(socket)
    socket.state = State.CLOSED
    assert occupancy.sockets == 1


def test_who_comes_back_takes_a_socket_and_no_session():
    occupancy = Occupancy(Table("a"))
    occupancy.admit(Socket(), visit("a", resumes=True))
    assert (occupancy.sockets, occupancy.sessions, occupancy.sessions_of("a")) == (1, 1, 1)


def test_sessions_of_a_key_are_those_that_run_and_those_that_come():
    occupancy = Occupancy(Table("a", "b", "a", None))
    occupancy.admit(Socket(), visit("a"))
    occupancy.admit(Socket(), visit("b"))
    assert [occupancy.sessions_of(key) for key in "abc"] == [3, 2, 0]

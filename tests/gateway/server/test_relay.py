from gateway.server.relay import Relay
from streams.events import InputCleared, ItemDeleted


def test_what_came_early_comes_first():
    told = []
    relay = Relay()
    relay.emit(ItemDeleted("first"))
    relay.emit(InputCleared())
    relay.pass_to(told.append)
    relay.emit(ItemDeleted("last"))
    assert told == [ItemDeleted("first"), InputCleared(), ItemDeleted("last")]

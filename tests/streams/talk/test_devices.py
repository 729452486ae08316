"""The sound card, in whose place a small one stands; and what is said where there is none."""

import asyncio
import importlib
import sys
import types

import numpy as np
import pytest

from streams.client import WIRE_RATE
from streams.errors import ConfigError, MediaError
from streams.talk.parts import open_sound, sound_card
from streams.talk.player import Played, Player


class PortAudioError(Exception):
    pass


class Card:
    """Calls back as PortAudio does, when the test says so."""

    present = True
    latency = 0.05

    def __init__(self, *, samplerate, channels, dtype, blocksize, callback):
        if not self.present:
            raise PortAudioError("Error querying device -1")
        assert (samplerate, channels, dtype) == (WIRE_RATE, 1, "float32")
        self.callback, self.blocksize = callback, blocksize
        self.running = False
        Card.last = self

    def start(self):
        self.running = True

    def close(self):
        self.running = False

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *error):
        self.close()


@pytest.fixture
def devices(monkeypatch):
    fake = types.ModuleType("sounddevice")
    fake.PortAudioError, fake.InputStream, fake.OutputStream = PortAudioError, Card, Card
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    monkeypatch.delitem(sys.modules, "streams.talk.devices", raising=False)
    monkeypatch.setattr(Card, "present", True)
    yield importlib.import_module("streams.talk.devices")
    sys.modules.pop("streams.talk.devices", None)


def test_a_loudspeaker_plays_what_waits_and_counts_its_delay(devices):
    player = Player(WIRE_RATE)
    with devices.Loudspeaker(player):
        player.put("reply", np.ones(WIRE_RATE, np.float32))
        out = np.zeros((WIRE_RATE // 2, 1), np.float32)
        Card.last.callback(out, len(out), None, None)
        assert Card.last.running
    assert out.all()
    assert not Card.last.running
    assert player.stop() == Played("reply", 450)


def test_a_microphone_gives_what_it_hears(devices):
    async def hear():
        sound = open_sound("microphone", fast=False)
        first = asyncio.create_task(anext(sound))
        await asyncio.sleep(0.01)
        Card.last.callback(np.full((4, 1), 0.5, np.float32), 4, None, None)
        np.testing.assert_array_equal(await first, np.full(4, 0.5))
        await sound.aclose()

    asyncio.run(hear())
    assert not Card.last.running


def test_without_a_device_files_are_named(devices, monkeypatch):
    monkeypatch.setattr(Card, "present", False)
    with pytest.raises(MediaError, match="can come from a file") as raised:
        devices.Loudspeaker(Player(WIRE_RATE))
    assert raised.value.param == "--out"
    with pytest.raises(MediaError, match="no microphone"):
        asyncio.run(anext(devices.microphone()))


@pytest.mark.parametrize(
    ("error", "needed"),
    [
        (ImportError("sounddevice"), r"pip install 'streams-live\[talk\]'"),
        (OSError("PortAudio"), "libportaudio2"),
    ],
)
def test_what_is_missing_and_how_to_get_it_is_said(error, needed, monkeypatch):
    def fail(name):
        raise error

    monkeypatch.setattr("streams.talk.parts.importlib.import_module", fail)
    with pytest.raises(ConfigError, match=needed) as raised:
        sound_card("--audio")
    assert raised.value.param == "--audio"
    with pytest.raises(ConfigError):
        open_sound("microphone", fast=False)


def test_none_is_no_sound():
    assert open_sound("none", fast=False) is None

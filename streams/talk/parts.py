"""Puts a client's parts together: the only place that asks for a sound card."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator
from typing import Any

from streams.errors import ConfigError
from streams.talk.sound import play_file
from streams.types import Samples

MICROPHONE = "microphone"
NONE = "none"


def open_sound(source: str, *, fast: bool) -> AsyncIterator[Samples] | None:
    """What is said: a microphone's sound, a file's, or None for ``none``. Raises ConfigError, MediaError."""
    if source == NONE:
        return None
    if source == MICROPHONE:
        sound: AsyncIterator[Samples] = sound_card("--audio").microphone()
        return sound
    return play_file(source, fast=fast)


def sound_card(param: str) -> Any:
    """The module ``devices``. Raises ConfigError, saying how to get what it needs."""
    try:
        return importlib.import_module("streams.talk.devices")
    except ImportError:
        needed = "sounddevice: pip install 'streams-live[talk]'"
    except OSError:
        needed = "PortAudio (Debian: apt install libportaudio2; macOS: brew install portaudio)"
    raise ConfigError(
        f"microphone and loudspeaker need {needed}; or give files: --audio FILE and --out FILE.wav",
        param=param,
    )

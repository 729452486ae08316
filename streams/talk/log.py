"""Every event of a session in a file, for programs: one JSON object a line, sound left out."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import TextIO

from streams.client import ServerEvent
from streams.errors import ConfigError

SOUND = "response.output_audio.delta"


class EventLog:
    def __init__(self, path: Path) -> None:
        """Raises ConfigError when the file cannot be written."""
        try:
            self._file: TextIO = path.open("w", encoding="utf-8")
        except OSError as error:
            raise ConfigError(f"cannot write {path}: {error.strerror}", param="--events") from None

    def on_event(self, event: ServerEvent) -> None:
        """Of sound only how many characters of base64 there were is told (``delta_chars``).

        The token with which the session can be taken over is left out.
        """
        if event["type"] == SOUND:
            event = {**event, "delta_chars": len(event["delta"])}
            del event["delta"]
        if event.get("session", {}).get("streams", {}).get("resume"):
            event = deepcopy(event)
            event["session"]["streams"]["resume"].pop("token", None)  # told once
        self._file.write(json.dumps(event, ensure_ascii=False) + "\n")
        self._file.flush()

    def close(self) -> None:
        self._file.close()

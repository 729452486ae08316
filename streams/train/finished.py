"""What a run has finished, and whether that is of the recipe and the data that are asked for now."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError, safe_open

from streams.errors import ConfigError
from streams.train.loop import check_settings

_SETTINGS = "settings"


def settings_fact(settings: Mapping[str, object]) -> dict[str, str]:
    """``settings``, as ``is_finished`` reads them from the metadata of weights."""
    return {_SETTINGS: json.dumps(settings)}


def is_finished(file: Path, settings: Mapping[str, object]) -> bool:
    """Whether the weights in ``file`` are there. Raises ConfigError where they are of other ``settings``,
    or do not tell of which."""
    if not file.is_file():
        return False
    try:
        with safe_open(file, "pt") as opened:
            before = json.loads((opened.metadata() or {}).get(_SETTINGS, "null"))
    except (SafetensorError, ValueError) as error:
        raise ConfigError(f"{file} holds no finished weights: {error}", param="run.out") from None
    if not isinstance(before, dict):
        raise ConfigError(
            f"{file} does not tell by what recipe it was trained: remove it, or train into another folder",
            param="run.out",
        )
    check_settings(file, before, settings)
    return True

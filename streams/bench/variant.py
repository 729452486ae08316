"""``--set section.key=value``: a bench under other settings, in one run with the settings as they are."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from streams.config import StreamsConfig, with_settings
from streams.errors import ConfigError

AS_SET = "as set"


def add_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--set",
        dest="variants",
        action="append",
        default=[],
        metavar="SECTION.KEY=VALUE",
        help="measure under this setting too (several at once, with spaces); may be given again",
    )


def variants(config: StreamsConfig, wanted: Sequence[str]) -> dict[str, StreamsConfig]:
    """``config`` as it is, then each of ``wanted``, by name. Raises ConfigError for what is no setting."""
    found = {AS_SET: config}
    for text in wanted:
        flags = dict(_read(part) for part in text.split())
        if not flags:
            raise ConfigError("--set needs a setting, as section.key=value", param="--set")
        found[text] = with_settings(config, flags)
    return found


def _read(part: str) -> tuple[str, str]:
    name, equals, value = part.partition("=")
    if not equals or "." not in name:
        raise ConfigError(f"'{part}' is no setting, as section.key=value", param="--set")
    return name, value

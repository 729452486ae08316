"""Results as JSON, for programs: to a file, or to standard output as ``-``."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from streams.errors import ConfigError


def write_document(document: Mapping[str, Any] | Sequence[Any], path: str, param: str = "--json") -> None:
    """Write ``document``. Raises ConfigError, of ``param``, when the file cannot be written."""
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    if path == "-":
        sys.stdout.write(text)
        return
    try:
        Path(path).write_text(text, "utf-8")
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}", param=param) from None

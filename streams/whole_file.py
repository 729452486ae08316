"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from streams.errors import ConfigError


@contextmanager
def whole_file(file: Path, param: str) -> Iterator[BinaryIO]:
    """A file to write to, which becomes ``file`` (of its owner alone) when all went well.

    Raises ConfigError, with ``param``, when it cannot be written.
    """
    try:
        handle, name = tempfile.mkstemp(prefix=f".{file.name[:100]}.", suffix=".partial", dir=file.parent)
    except OSError as error:
        raise ConfigError(f"cannot write {file}: {error.strerror}", param=param) from None
    partial = Path(name)
    try:
        with os.fdopen(handle, "wb") as out:
            yield out
        partial.replace(file)
    except OSError as error:
        raise ConfigError(f"cannot write {file}: {error.strerror or error}", param=param) from None
    finally:
        partial.unlink(missing_ok=True)

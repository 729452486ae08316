"""How the embedded model sees: a folder with a connector and the adapter that reads its tokens."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from llm.adapter import Adapter, load_adapter
from llm.connector import Connector, load_connector

EMBEDDED = Path(__file__).parent / "weights"
"""The folder that ships."""
CONNECTOR, ADAPTER = "connector.safetensors", "adapter.safetensors"


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """``files`` are what it was read from."""

    files: tuple[Path, ...]
    connector: Connector
    adapter: Adapter


def load_sight(folder: Path) -> Sight:
    """What ``streams train`` wrote into ``folder``. Raises ModelNotFoundError, ModelError."""
    files = folder / CONNECTOR, folder / ADAPTER
    return Sight(files, load_connector(files[0]), load_adapter(files[1]))

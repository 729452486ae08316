"""How the embedded model sees: a folder with a connector and the adapter that reads its tokens."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open

from llm.adapter import Adapter, load_adapter
from llm.connector import Connector, load_connector
from streams.errors import ModelError

EMBEDDED = Path(__file__).parent / "weights"
"""The folder that ships."""
CONNECTOR, ADAPTER = "connector.safetensors", "adapter.safetensors"
THRESHOLD = "speak_threshold"


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """``files`` are what it was read from; ``speak_threshold`` as calibrated, None where none was learned."""

    files: tuple[Path, ...]
    connector: Connector
    adapter: Adapter
    speak_threshold: float | None


def load_sight(folder: Path) -> Sight:
    """What ``streams train`` wrote into ``folder``. Raises ModelNotFoundError, ModelError."""
    files = folder / CONNECTOR, folder / ADAPTER
    connector, adapter = load_connector(files[0]), load_adapter(files[1])
    try:
        with safe_open(files[1], "pt") as opened:
            written = (opened.metadata() or {}).get(THRESHOLD)
        threshold = None if written is None else float(written)
    except (SafetensorError, ValueError) as error:
        raise ModelError(f"{files[1]}: {THRESHOLD}: {error}", param="models.sight") from None
    return Sight(files, connector, adapter, threshold)

"""``streams memory export``: a session as a ZIP file that other programs can read."""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path
from typing import BinaryIO

from rich.filesize import decimal
from safetensors.torch import save

from memory.codec.codec import EncodedBlock
from memory.store.record import info_to_json
from memory.store.store import MemoryStore
from streams.errors import ConfigError, MemoryStoreError
from streams.memories.kept import find
from streams.memories.view import SessionView, view
from streams.whole_file import whole_file

FORMAT = 1


def export(store: MemoryStore, name: str, out: Path, *, with_kv: bool, force: bool) -> int:
    """Write the session to ``out``; 1 when some of it could not be read, which is then said in there.

    Raises MemoryStoreError, and ConfigError when ``out`` exists and not ``force``, or cannot be written.
    """
    (summary,) = find(store, [name])
    if out.exists() and not force:
        raise ConfigError(f"{out} exists; --force replaces it", param="--out")
    with view(store, summary) as session, whole_file(out, "--out") as file:
        _write(session, file, with_kv=with_kv)
    sys.stdout.write(f"{summary.key}: {len(session.infos)} blocks, {decimal(out.stat().st_size)}: {out}\n")
    sys.stdout.writelines(
        f"  block {block_id} cannot be read: {problem}\n" for block_id, problem in session.unreadable.items()
    )
    return 1 if session.unreadable else 0


def _write(session: SessionView, file: BinaryIO, *, with_kv: bool) -> None:
    """Pictures and tensors are stored as they are: neither gets smaller."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        document = {"format": FORMAT, **session.to_json(session.infos)}
        for block in document["blocks"]:
            block_id = block["id"]
            if (jpeg := session.thumbnail(block_id)) is not None:
                block["thumbnail"] = f"thumbnails/{block_id:08}.jpg"
                archive.writestr(zipfile.ZipInfo(block["thumbnail"]), jpeg)
            if with_kv and (encoded := _read(session, block_id)) is not None:
                block["codec"], block["tensors"] = encoded.codec, f"blocks/{block_id:08}.safetensors"
                archive.writestr(zipfile.ZipInfo(block["tensors"]), _tensors(encoded))
        document["unreadable"] = {str(block_id): problem for block_id, problem in session.unreadable.items()}
        text = json.dumps(document, indent=2, ensure_ascii=False)
        archive.writestr(zipfile.ZipInfo("timeline.json"), text, zipfile.ZIP_DEFLATED)


def _read(session: SessionView, block_id: int) -> EncodedBlock | None:
    try:
        return session.reader.read(block_id)
    except (KeyError, MemoryStoreError) as error:
        session.unreadable[block_id] = str(error)
        return None


def _tensors(encoded: EncodedBlock) -> bytes:
    """What is kept of a block as a safetensors file; what the codec made of keys and values is ``kv.…``."""
    named = {f"kv.{name}": tensor for name, tensor in encoded.tensors.items()} | {"digest": encoded.digest}
    if encoded.embedding is not None:
        named["embedding"] = encoded.embedding
    facts = {"codec": encoded.codec, "info": json.dumps(info_to_json(encoded.info))}
    return save({name: tensor.contiguous() for name, tensor in named.items()}, facts)

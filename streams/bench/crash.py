"""Kills a process that writes to the store, again and again, and looks what is left."""

from __future__ import annotations

import multiprocessing
import os
import random
import select
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from memory.codec.codec import EncodedBlock
from memory.store.identity import CATALOG
from memory.store.session_store import SessionStore
from memory.store.store import MemoryStore
from streams.bench.crash_ingest import (
    FINGERPRINT,
    KEY,
    MESSAGE,
    SEGMENT_BYTES,
    IngestStep,
    block_of,
    version_of,
    zygote,
)
from streams.errors import MemoryStoreError

LONGEST_RUN_S = 0.15
VERIFY_EVERY = 4
"""Rounds between two in which every checksum is verified, those of dead records too."""
PATIENCE_S = 30.0
"""After which an ingest that says nothing counts as hung."""


@dataclass(frozen=True, slots=True)
class CrashReport:
    """What became of it. ``problems`` is empty when every promise was kept.

    ``sealed`` blocks came to last, by ``sync`` or by opening again, of which ``removed`` were removed
    again; ``served`` counts reads that were compared bit for bit. ``recovered`` records and ``torn``
    tails were found past what the catalog knew; in ``without_catalog`` of the rounds it was deleted
    first, in ``compacting`` the process was killed while it compacted (or just after). ``reopen_s_*``:
    opening store and session again.
    """

    kills: int
    sealed: int
    removed: int
    served: int
    recovered: int
    torn: int
    compacting: int
    without_catalog: int
    reopen_s_p50: float
    reopen_s_max: float
    problems: tuple[str, ...]


def run_rounds(
    folder: Path, kills: int, seed: int, progress: Callable[[int, int], None] | None = None
) -> CrashReport:
    """``kills`` rounds on one session in ``folder``; ``progress`` is told (rounds done, rounds in all).

    Raises RuntimeError when an ingest fails by itself.
    """
    spawn = multiprocessing.get_context("spawn")
    control, far_control = spawn.Pipe()
    reports, far_reports = spawn.Pipe(duplex=False)
    process = spawn.Process(target=zygote, args=(far_control, far_reports), daemon=True)
    process.start()
    far_control.close()
    far_reports.close()
    rounds = _Rounds(folder, seed, control, reports)
    try:
        for done in range(1, kills + 1):
            rounds.run()
            if progress is not None:
                progress(done, kills)
    finally:
        control.close()
        reports.close()
        process.join(PATIENCE_S)
        if process.is_alive():
            process.kill()
    return rounds.report(kills)


@dataclass(slots=True)
class _Counts:
    sealed: int = 0
    removed: int = 0
    served: int = 0
    recovered: int = 0
    torn: int = 0
    compacting: int = 0
    without_catalog: int = 0
    reopen_s: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


class _Rounds:
    """What was promised so far, and each round's kill and check."""

    def __init__(self, folder: Path, seed: int, control: Connection, reports: Connection) -> None:
        self._folder = folder
        self._random = random.Random(seed)
        self._control = control
        self._reports = reports
        self._sealed: dict[int, int] = {}
        self._removing: set[int] = set()
        self._gone: set[int] = set()
        self._counts = _Counts()

    def run(self) -> None:
        self._control.send((self._folder, self._random.randrange(2**32)))
        try:
            if not self._listen(until=IngestStep.OPENED, for_s=PATIENCE_S):
                raise RuntimeError(f"the ingest did not open its session in {PATIENCE_S:.0f} s")
            if self._random.random() < 0.25 and self._listen(until=IngestStep.COMPACTING, for_s=1.0):
                self._counts.compacting += 1
                self._listen(until=None, for_s=self._random.uniform(0, 0.01))
            else:
                self._listen(until=None, for_s=self._random.uniform(0, LONGEST_RUN_S))
        finally:
            self._control.send("kill")
            self._control.recv()
        self._listen(until=None, for_s=0)
        if self._random.random() < 0.1:
            self._counts.without_catalog += 1
            for file in self._folder.glob(f"{CATALOG}*"):
                file.unlink()
        self._check()

    def report(self, kills: int) -> CrashReport:
        counts = self._counts
        return CrashReport(
            kills=kills,
            sealed=counts.sealed,
            removed=counts.removed,
            served=counts.served,
            recovered=counts.recovered,
            torn=counts.torn,
            compacting=counts.compacting,
            without_catalog=counts.without_catalog,
            reopen_s_p50=statistics.median(counts.reopen_s),
            reopen_s_max=max(counts.reopen_s),
            problems=tuple(counts.problems),
        )

    def _listen(self, *, until: IngestStep | None, for_s: float) -> bool:
        """Take in what is said for a time, or until something is; returns whether it was.

        With 0 seconds: what has been said already.
        """
        end = time.monotonic() + for_s
        while True:
            ready, _, _ = select.select([self._reports], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                return False
            data = os.read(self._reports.fileno(), MESSAGE.size * 256)
            heard = [self._hear(*MESSAGE.unpack_from(data, at)) for at in range(0, len(data), MESSAGE.size)]
            if until in heard:
                return True

    def _hear(self, said: int, block_id: int, version: int) -> IngestStep:
        if said == IngestStep.FAILED:
            raise RuntimeError("the ingest failed; what it said is above")
        if said == IngestStep.SEALED:
            self._counts.sealed += block_id not in self._sealed
            self._sealed[block_id] = version
        elif said == IngestStep.REMOVING:
            self._removing.add(block_id)
        elif said == IngestStep.REMOVED:
            self._forget(block_id)
        return IngestStep(said)

    def _forget(self, block_id: int) -> None:
        self._counts.removed += 1
        self._removing.discard(block_id)
        self._gone.add(block_id)
        del self._sealed[block_id]

    def _check(self) -> None:
        start = time.perf_counter()
        store = MemoryStore(self._folder, segment_bytes=SEGMENT_BYTES)
        session = store.open(KEY, FINGERPRINT)
        self._counts.reopen_s.append(time.perf_counter() - start)
        self._counts.recovered += session.recovery.records
        self._counts.torn += session.recovery.torn
        try:
            self._check_session(session)
        finally:
            store.close()

    def _check_session(self, session: SessionStore) -> None:
        problems = self._counts.problems
        served = {info.id: version_of(info) for info in session.infos()}
        for block_id in self._removing - served.keys():
            self._forget(block_id)
        self._removing.clear()
        for block_id, version in self._sealed.items():
            if served.get(block_id, -1) < version:
                problems.append(f"block {block_id} was sealed as {version}, there is {served.get(block_id)}")
        problems += [f"block {block_id} was removed and is back" for block_id in self._gone & served.keys()]
        for block_id, version in served.items():
            self._counts.served += 1
            try:
                if not _is_same(session.read(block_id), block_of(block_id, version)):
                    problems.append(f"block {block_id} is not what was written")
            except MemoryStoreError as error:
                problems.append(f"block {block_id} cannot be read: {error.message}")
        if session.damaged:
            problems.append(f"{session.damaged} damaged records were counted")
        if len(self._counts.reopen_s) % VERIFY_EVERY == 0:
            problems += [f"damage was found: {damage}" for damage in session.verify()]
        self._counts.sealed += len(served.keys() - self._sealed.keys())
        self._sealed.update(served)


def _is_same(mine: EncodedBlock, theirs: EncodedBlock) -> bool:
    if (mine.info, mine.codec, mine.tensors.keys()) != (theirs.info, theirs.codec, theirs.tensors.keys()):
        return False
    tensors = [(mine.tensors[name], theirs.tensors[name]) for name in mine.tensors]
    # By numpy: torch would wake a pool of threads for every small comparison.
    pairs = [(a.numpy(), b.numpy()) for a, b in [*tensors, (mine.digest, theirs.digest)]]
    return all(a.dtype == b.dtype and np.array_equal(a, b) for a, b in pairs)

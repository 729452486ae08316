"""The process that ``crash`` kills: it writes blocks whose content follows from their ids, and says what is
sealed.

A zygote that has the imports behind it forks one such process a round. It has done no parallel work, so
that a fork of it is safe.
"""

from __future__ import annotations

import os
import random
import signal
import struct
from enum import IntEnum
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import torch

from memory.block import BlockInfo
from memory.codec.codec import EncodedBlock
from memory.store.identity import Fingerprint, SessionKey
from memory.store.session_store import SessionStore
from memory.store.store import MemoryStore
from streams.types import US_PER_S, BlockKind

KEY = SessionKey("bench", "crash")
FINGERPRINT = Fingerprint("crash", "none", "none", 2, 2, 32)
SEGMENT_BYTES = 1024 * 1024
WINDOW = 6
"""Blocks that are only in the journal before they are written for good."""
MOST_BLOCKS = 160
RAW, FINAL = 0, 1
"""The two versions of a block: as the journal has it, and as it is kept."""

MESSAGE = struct.Struct("<Bqi")
_AT_ONCE = 256
"""Messages in one write: fewer bytes than a pipe takes whole."""


class IngestStep(IntEnum):
    """What a message says of a block id and its version."""

    OPENED = 1
    SEALED = 2
    REMOVING = 3
    """From now on the block may be gone."""
    REMOVED = 4
    COMPACTING = 5
    FAILED = 6


def block_of(block_id: int, version: int) -> EncodedBlock:
    """The one content that a block may have: random, of 1 to 48 tokens, one in eight long."""
    random_of = np.random.default_rng([block_id, version])
    tokens = int(random_of.integers(1, 2_000 if random_of.random() < 0.125 else 49))
    start_us = block_id * US_PER_S
    text = f"block {block_id}.{version}"
    info = BlockInfo(block_id, BlockKind.FRAME, start_us, start_us + US_PER_S, text, tokens, block_id * 8)
    shape = (2, 2, tokens, 32)
    names = ("keys", "values") if version == RAW else ("keys", "values", "scales")
    tensors = {name: torch.from_numpy(random_of.integers(0, 256, shape, dtype=np.uint8)) for name in names}
    digest = torch.from_numpy(random_of.standard_normal((2, 2, 64)).astype(np.float16))
    return EncodedBlock(info, "raw" if version == RAW else "final", tensors, digest)


def version_of(info: BlockInfo) -> int:
    return int(info.text.rpartition(".")[2])


def zygote(control: Connection, reports: Connection) -> None:
    """For each (folder, seed) on ``control``: fork an ingest; kill it when anything more is said there.

    Then answers. Ends when ``control`` does.
    """
    torch.set_num_threads(1)
    while True:
        try:
            folder, seed = control.recv()
        except EOFError:
            return
        pid = os.fork()
        if pid == 0:
            _ingest_until_killed(folder, seed, reports.fileno())
        try:
            control.recv()
        except EOFError:
            return
        finally:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        control.send(None)


def _ingest_until_killed(folder: Path, seed: int, pipe: int) -> None:
    """Never returns: it must not run the zygote's code."""
    try:
        Ingest(folder, seed, pipe).run()
    except BrokenPipeError:
        os._exit(0)
    except BaseException as error:
        os.write(2, f"ingest failed: {error!r}\n".encode())
        os.write(pipe, MESSAGE.pack(IngestStep.FAILED, 0, 0))
        os._exit(1)


class Ingest:
    """Writes, writes again, removes and compacts at random, syncing after every few blocks."""

    def __init__(self, folder: Path, seed: int, pipe: int) -> None:
        self._pipe = pipe
        self._random = random.Random(seed)
        store = MemoryStore(folder, segment_bytes=SEGMENT_BYTES)
        self._session: SessionStore = store.open(KEY, FINGERPRINT)
        infos = self._session.infos()
        self._journaled = [info.id for info in infos if version_of(info) == RAW]
        next_id = self._session.read_state().get("next", 1)
        assert isinstance(next_id, int)
        self._next_id = max([next_id, *(info.id + 1 for info in infos)])
        self._say([(IngestStep.OPENED, 0, 0)])

    def run(self) -> None:
        while True:
            self._write_some()
            crowded = len(self._session.infos()) > MOST_BLOCKS
            if crowded or self._random.random() < 0.1:
                self._remove_some(MOST_BLOCKS // 4 if crowded else 3)
            if self._random.random() < 0.1:
                self._say([(IngestStep.COMPACTING, 0, 0)])
                self._session.compact(self._random.choice([0.0, 0.3]))

    def _write_some(self) -> None:
        written = []
        for _ in range(self._random.randint(1, 6)):
            block_id, self._next_id = self._next_id, self._next_id + 1
            raw = self._random.random() < 0.8
            self._session.write(block_of(block_id, RAW if raw else FINAL), journal=raw)
            written.append((IngestStep.SEALED, block_id, RAW if raw else FINAL))
            if raw:
                self._journaled.append(block_id)
        while len(self._journaled) > WINDOW:
            block_id = self._journaled.pop(0)
            self._session.write(block_of(block_id, FINAL))
            written.append((IngestStep.SEALED, block_id, FINAL))
        self._session.write_state({"next": self._next_id})
        self._session.sync()
        self._say(written)

    def _remove_some(self, count: int) -> None:
        ids = [info.id for info in self._session.infos() if info.id not in self._journaled]
        gone = self._random.sample(ids, min(count, len(ids)))
        self._say([(IngestStep.REMOVING, block_id, 0) for block_id in gone])
        self._session.remove(gone, reason="crash bench")
        self._session.sync()
        self._say([(IngestStep.REMOVED, block_id, 0) for block_id in gone])

    def _say(self, messages: list[tuple[IngestStep, int, int]]) -> None:
        for start in range(0, len(messages), _AT_ONCE):
            os.write(self._pipe, b"".join(MESSAGE.pack(*one) for one in messages[start : start + _AT_ONCE]))

"""Reading a session back from its store: its window, its index, and what else there is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from memory.block import SINKS_ID, Block, BlockInfo
from memory.pool import BlockPool
from memory.recall.policy import Entry, RecallPolicy
from memory.store.session_store import SessionStore
from memory.window import Window
from streams.errors import MemoryStoreError
from streams.log import get_logger

INDEX = "index"
"""The folder of a session's saved index, in the session's own."""

EMBED_BATCH = 256

Embed: TypeAlias = Callable[[Sequence[str]], NDArray[np.float32]]
"""Text embeddings [n, dim] of n texts."""

log = get_logger(__name__)


def restore(
    store: SessionStore,
    window: Window,
    pool: BlockPool,
    policy: RecallPolicy,
    read: Callable[[int], Block],
    embed: Embed | None,
) -> list[BlockInfo]:
    """Fill an empty ``window``, ``pool`` and ``policy`` with what ``store`` holds; the infos of all blocks.

    ``read`` gives a block of the store, on the device. No model runs: blocks come back as they were written.
    Only embeddings that are wanted and were not kept are made, by ``embed``.
    """
    window.sinks = _sinks(store, read)
    everything = [info for info in store.infos() if info.id != SINKS_ID]
    recent, infos = _window(window, [*everything], read)
    for block in _with_embeddings(recent, embed) if policy.uses_embedding and embed is not None else recent:
        left = window.push(block)
        assert not left, "what was in the window does not fit in it"
    in_window = {block.id for block in recent}
    pool.adopt([info for info in infos if info.id not in in_window])
    sealed = [info.id for info in pool.sealed.infos()]
    _index(policy, store, sealed, embed)
    for lost in set(sealed) - set(policy.block_ids().tolist()):
        pool.give_up(lost, f"the digest of block {lost} cannot be read")
    pool.recode(store.journaled())
    return everything


def _sinks(store: SessionStore, read: Callable[[int], Block]) -> Block | None:
    """The block of the instructions; None when it was never written, or is damaged (which is logged)."""
    try:
        return read(SINKS_ID)
    except KeyError:
        return None
    except MemoryStoreError as error:
        log.warning("memory.sinks_damaged", session=store.key.name, error=error.message)
        return None


def _window(
    window: Window, infos: list[BlockInfo], read: Callable[[int], Block]
) -> tuple[list[Block], list[BlockInfo]]:
    """The blocks that belong in ``window``, and the infos of all that can be had (a damaged one is not)."""
    while True:
        blocks: list[Block] = []
        for info in window.members(infos):
            try:
                blocks.append(read(info.id))
            except (KeyError, MemoryStoreError) as error:
                log.warning("memory.damaged", block=info.id, error=str(error))
                infos.remove(info)
                break
        else:
            return blocks, infos


def _index(policy: RecallPolicy, store: SessionStore, sealed: Sequence[int], embed: Embed | None) -> None:
    """Fill ``policy`` with the blocks ``sealed``: from its saved files where they are right.

    What they lack is added from the stored digests, what they have too many is removed; files that are
    missing, damaged or of another policy are done without.
    """
    try:
        policy.load(store.folder / INDEX)
    except MemoryStoreError as error:
        log.info("memory.index_rebuilt", session=store.key.name, blocks=len(sealed), why=error.message)
    known, wanted = policy.block_ids(), np.array(sealed, np.int64)
    for block_id in np.setdiff1d(known, wanted):
        policy.remove(int(block_id))
    entries = store.heads(np.setdiff1d(wanted, known).tolist())
    for entry in _embedded(entries, embed) if policy.uses_embedding and embed is not None else entries:
        policy.add(entry)


def _with_embeddings(blocks: Sequence[Block], embed: Embed) -> list[Block]:
    """``blocks``, those without an embedding given one: they join the index when they leave the window."""
    bare = [block.info.text for block in blocks if block.embedding is None]
    made = iter(embed(bare).astype(np.float16)) if bare else iter(())
    return [
        block if block.embedding is not None else replace(block, embedding=torch.from_numpy(next(made)))
        for block in blocks
    ]


def _embedded(entries: Iterator[Entry], embed: Embed) -> Iterator[Entry]:
    """``entries``, those without an embedding given one."""
    while batch := list(islice(entries, EMBED_BATCH)):
        bare = [entry.info.text for entry in batch if entry.embedding is None]
        made = iter(embed(bare).astype(np.float16)) if bare else iter(())
        for entry in batch:
            yield entry if entry.embedding is not None else replace(entry, embedding=next(made))

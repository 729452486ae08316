import multiprocessing
from dataclasses import replace

import pytest

from memory.store.identity import CATALOG
from memory.store.store import MemoryStore
from streams.bench.crash import _is_same, _Rounds, run_rounds
from streams.bench.crash_ingest import FINGERPRINT, KEY, SEGMENT_BYTES, block_of


def test_what_was_sealed_is_there_after_every_kill(tmp_path):
    told = []

    def progress(done, kills):
        told.append((done, kills))

    report = run_rounds(tmp_path / "store", 8, seed=5, progress=progress)
    assert report.problems == ()
    assert report.kills == 8
    assert told == [(done, 8) for done in range(1, 9)]
    assert report.sealed > 0
    assert report.served >= report.sealed - report.removed
    assert 0 < report.reopen_s_p50 <= report.reopen_s_max
    assert (tmp_path / "store" / CATALOG).exists()
    assert multiprocessing.active_children() == []


@pytest.fixture
def rounds(tmp_path):
    """Rounds to which three blocks are promised that are in the store."""
    store = MemoryStore(tmp_path, segment_bytes=SEGMENT_BYTES, sync=False)
    session = store.open(KEY, FINGERPRINT)
    for block_id in (1, 2, 3):
        session.write(block_of(block_id, 1))
    store.close()
    rounds = _Rounds(tmp_path, 0, None, None)
    rounds._sealed = {1: 1, 2: 1, 3: 0}
    return rounds


def change(folder, how):
    with_store = MemoryStore(folder, segment_bytes=SEGMENT_BYTES, sync=False)
    how(with_store.open(KEY, FINGERPRINT))
    with_store.close()


def test_promises_that_were_kept_are_no_problem(rounds, tmp_path):
    rounds._check()
    change(tmp_path, lambda session: session.remove([2], reason="test"))
    rounds._removing.add(2)
    rounds._check()
    report = rounds.report(2)
    assert report.problems == ()
    assert report.removed == 1
    assert report.served == 5


def test_a_block_that_is_gone_is_a_problem(rounds, tmp_path):
    change(tmp_path, lambda session: session.remove([2], reason="test"))
    rounds._check()
    assert any("block 2 was sealed" in problem for problem in rounds.report(1).problems)


def test_an_older_version_is_a_problem(rounds, tmp_path):
    change(tmp_path, lambda session: session.write(block_of(2, 0)))
    rounds._check()
    assert any("block 2 was sealed" in problem for problem in rounds.report(1).problems)


def test_another_content_is_a_problem(rounds, tmp_path):
    other = replace(block_of(9, 1), info=block_of(2, 1).info)
    change(tmp_path, lambda session: session.write(other))
    rounds._check()
    assert rounds.report(1).problems == ("block 2 is not what was written",)


def test_a_removed_block_that_is_back_is_a_problem(rounds):
    rounds._gone.add(3)
    rounds._check()
    assert any("block 3 was removed" in problem for problem in rounds.report(1).problems)


def test_damage_is_a_problem(rounds, tmp_path):
    [file] = tmp_path.rglob("blocks-*.seg")
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    (tmp_path / CATALOG).unlink()
    rounds._check()
    assert any("block 3 cannot be read" in problem for problem in rounds.report(1).problems)


def test_a_block_follows_from_its_id_and_version():
    assert _is_same(block_of(3, 1), block_of(3, 1))
    assert not _is_same(block_of(3, 1), block_of(3, 0))
    assert not _is_same(block_of(3, 1), block_of(4, 1))

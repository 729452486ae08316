"""The session store against a dictionary, through crashes at any instant."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory.store.catalog import Catalog
from memory.store.identity import CATALOG, Fingerprint, SessionKey
from memory.store.segment import SegmentWriter
from memory.store.store import MemoryStore

KEY = SessionKey("acme", "door")
FINGERPRINT = Fingerprint("tiny", "a", "b", 2, 2, 4)
SEGMENT_BYTES = 5_000
STATE = "state"


class Crash(BaseException):
    """The process ends here."""


class Fuse:
    """Lets a number of steps that change files happen, and no more; the last write may be half of one.

    ``synced`` holds what of each file was brought to disk.
    """

    def __init__(self, monkeypatch):
        self._left = None
        self.synced = {}
        sync = SegmentWriter.sync

        def noted(writer):
            sync(writer)
            self.synced[writer._file] = writer.end

        monkeypatch.setattr(SegmentWriter, "sync", noted)
        write, truncate, unlink, commit = os.write, os.ftruncate, Path.unlink, Catalog.commit

        def torn_write(fd, data):
            if self._burns():
                write(fd, bytes(data)[: len(data) // 2])
                raise Crash
            return write(fd, data)

        def before(step):
            def guarded(*args, **kwargs):
                if self._burns():
                    raise Crash
                return step(*args, **kwargs)

            return guarded

        monkeypatch.setattr(os, "write", torn_write)
        monkeypatch.setattr(os, "ftruncate", before(truncate))
        monkeypatch.setattr(Path, "unlink", before(unlink))
        monkeypatch.setattr(Catalog, "commit", before(commit))

    def _burns(self):
        if self._left is None:
            return False
        self._left -= 1
        return self._left < 0

    def set(self, steps):
        self._left = steps


class Bench:
    """A session beside what should be in it: of each thing the values it may have had since the last sync."""

    def __init__(self, folder, fuse, make_encoded, assert_same):
        self.root = folder
        self.synced = fuse.synced
        self.make, self.assert_same = make_encoded, assert_same
        self.possible = {}
        self.version = 0
        self.rounds = 0
        self.old_catalog = None
        self.open(folder / "0")

    def open(self, folder):
        self.folder = folder
        self.store = MemoryStore(folder, segment_bytes=SEGMENT_BYTES, sync=False)
        self.session = self.store.open(KEY, FINGERPRINT)
        self.seal()

    def now(self, key):
        return self.possible.get(key, [None])[-1]

    def blocks(self):
        return sorted(key[1] for key in self.possible if key[0] == "block" and self.now(key) is not None)

    def expect(self, key, value):
        self.possible.setdefault(key, [None]).append(value)

    def seal(self):
        self.possible = {key: values[-1:] for key, values in self.possible.items()}
        self.synced |= {file: file.stat().st_size for file in self.segments()}
        self.old_catalog = self.catalog_bytes()

    def segments(self):
        return sorted((self.folder / KEY.tenant / KEY.name).glob("*.seg"))

    def catalog_bytes(self):
        files = [self.folder / f"{CATALOG}{suffix}" for suffix in ("", "-wal")]
        return {file.name: file.read_bytes() for file in files if file.exists()}

    def apply(self, operation, number):
        session, known = self.session, self.blocks()
        chosen = known[number % len(known)] if known else None
        if operation in ("write", "journal"):
            block_id = number % 12 + 1
            self.version += 1
            self.expect(("block", block_id), self.version)
            session.write(self.make(block_id, self.version, tokens=number), journal=operation == "journal")
        elif operation == "thumbnail" and chosen is not None:
            self.version += 1
            self.expect(("thumbnail", chosen), b"jpeg %d" % self.version)
            session.set_thumbnail(chosen, b"jpeg %d" % self.version)
        elif operation == "state":
            self.version += 1
            self.expect((STATE,), self.version)
            session.write_state({"version": self.version})
        elif operation == "remove" and known:
            gone = known[:: number % 3 + 1]
            for block_id in gone:
                self.expect(("block", block_id), None)
                self.expect(("thumbnail", block_id), None)
            session.remove(gone, reason="test")
        elif operation == "touch":
            session.touch(known[::2])
        elif operation == "compact":
            session.compact(number / 20)
            session.sync()
            self.seal()
        elif operation == "sync":
            session.sync()
            self.seal()
        elif operation == "reopen":
            self.store.close()
            self.open(self.folder)
            assert not self.session.recovery.records

    def crash(self, catalog, cut):
        """Go on with a copy of what is on disk: of what was not synced, any part may be missing."""
        self.rounds += 1
        copy = self.root / str(self.rounds)
        shutil.copytree(self.folder, copy, ignore=shutil.ignore_patterns("*-shm"))
        for file in self.segments():
            kept, size = self.synced.get(file, 0), file.stat().st_size
            os.truncate(
                copy / file.relative_to(self.folder), max(kept, size - (cut * 37) % (size - kept + 1))
            )
        if catalog != "kept":
            for file in copy.glob(f"{CATALOG}*"):
                os.remove(file)
        if catalog == "old":
            for name, data in self.old_catalog.items():
                (copy / name).write_bytes(data)
        self.abandon()
        self.folder = copy
        self.store = MemoryStore(copy, segment_bytes=SEGMENT_BYTES, sync=False)
        self.session = self.store.open(KEY, FINGERPRINT)
        for key, values in self.possible.items():
            actual = self.actual(key)
            assert actual in values, f"{key} is {actual}, not one of {values}"
            self.possible[key] = [actual]
        self.seal()

    def actual(self, key):
        if key == (STATE,):
            return self.session.read_state().get("version")
        if key[0] == "thumbnail":
            return self.session.thumbnail(key[1])
        try:
            encoded = self.session.read(key[1])
        except KeyError:
            return None
        version = int(encoded.info.text.partition(".")[2])
        self.assert_same(encoded, self.make(key[1], version, tokens=encoded.info.tokens))
        return version

    def check(self):
        for key in self.possible:
            assert self.actual(key) == self.now(key), key
        known = self.blocks()
        assert [info.id for info in self.session.infos()] == known
        assert sorted(entry.info.id for entry in self.session.heads(known)) == known
        assert [candidate.info.id for candidate in self.session.candidates()] == known
        self.session.check_integrity()
        assert self.session.nbytes == sum(file.stat().st_size for file in self.segments())

    def abandon(self):
        self.session._appender.close()
        self.session._release()
        self.store._catalog.close()
        self.store._root.release()


@pytest.fixture(scope="module")
def fuse():
    with pytest.MonkeyPatch.context() as patch:
        yield Fuse(patch)


OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["write", "journal"]), st.integers(0, 20)),
        st.tuples(
            st.sampled_from(["write", "sync", "remove", "thumbnail", "state", "compact", "touch", "reopen"]),
            st.integers(0, 20),
        ),
        st.tuples(
            st.just("crash"),
            st.sampled_from(["kept", "old", "lost"]),
            st.integers(0, 200),
            st.sampled_from([None, "sync", "compact", "remove", "write"]),
            st.integers(0, 12),
        ),
    ),
    max_size=40,
)


@settings(max_examples=70, deadline=None)
@given(operations=OPERATIONS)
def test_it_behaves_as_a_dictionary_that_survives_crashes(fuse, make_encoded, assert_same, operations):
    root = Path(tempfile.mkdtemp())
    bench = Bench(root, fuse, make_encoded, assert_same)
    try:
        for operation, *rest in operations:
            if operation != "crash":
                bench.apply(operation, *rest)
                bench.check()
                continue
            catalog, cut, during, steps = rest
            if during is not None:
                fuse.set(steps)
                try:
                    bench.apply(during, cut % 21)
                except Crash:
                    pass
                finally:
                    fuse.set(None)
            bench.crash(catalog, cut)
            bench.check()
            if catalog != "old":
                assert bench.session.verify() == []
                assert bench.session.damaged == 0
        bench.store.close()
    finally:
        shutil.rmtree(root)

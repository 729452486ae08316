import os

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from memory.index.file import ARRAYS, Header, _crc, read_state, write_state
from memory.index.flat import FlatIndex
from memory.index.ivfpq import IvfPqIndex
from memory.index.state import State
from memory.index.stored import load_index
from streams.errors import MemoryStoreError

DIM = 8
HOSTILE = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def saved(tmp_path, method, build, stream):
    """An index of each method, and the file it was saved to."""
    ids, vectors = stream(300, dim=DIM)
    index = build(method, ids, vectors)
    index.save(tmp_path / "index.bin")
    return index, tmp_path / "index.bin"


@pytest.fixture
def load(at_once):
    return lambda file, dim=DIM: load_index(file, dim, background=at_once)


def assert_same(one, other):
    assert (one.method, one.dim, one.trained_on) == (other.method, other.dim, other.trained_on)
    assert one.probes == other.probes
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_what_was_saved_comes_back(saved, load, questions, stream, tmp_path):
    index, file = saved
    loaded = load(file)
    assert loaded.method == index.method
    assert (len(loaded), loaded.nbytes) == (600, index.nbytes)
    np.testing.assert_array_equal(loaded.ids(), np.arange(1, 301))
    queries = questions(stream(300, dim=DIM)[1])
    for allowed in (None, np.arange(5, 90), np.arange(5, 90, 3)):
        for mine, theirs in zip(
            loaded.search(queries, 8, allowed), index.search(queries, 8, allowed), strict=True
        ):
            np.testing.assert_array_equal(mine, theirs)
    loaded.save(tmp_path / "again.bin")
    assert_same(read_state(tmp_path / "again.bin", DIM), index.state())


def test_a_loaded_index_goes_on(saved, at_once, stream):
    index, file = saved
    loaded = load_index(file, DIM, ivf_from=400, pq_from=10**6, background=at_once)
    ids, vectors = stream(300, dim=DIM, seed=5)
    loaded.add(ids + 1_000, vectors)
    loaded.remove(np.arange(1, 11))
    assert len(loaded) == 1_180
    assert loaded.method == ("ivf" if isinstance(index, FlatIndex) else index.method)


def test_an_empty_index_is_saved_too(tmp_path, load):
    FlatIndex(DIM).save(tmp_path / "index.bin")
    loaded = load(tmp_path / "index.bin")
    assert (len(loaded), loaded.method) == (0, "flat")


def test_a_growing_index_saves_what_it_holds_now(growing, load, stream, tmp_path):
    ids, vectors = stream(300, dim=DIM)
    index = growing(DIM)
    index.add(ids, vectors)
    index.save(tmp_path / "index.bin")
    loaded = load(tmp_path / "index.bin")
    assert loaded.method == index.method == "ivf"
    np.testing.assert_array_equal(loaded.search(vectors[:9], 5)[1], index.search(vectors[:9], 5)[1])


def test_a_save_that_fails_leaves_what_was_saved_before(saved, monkeypatch):
    index, file = saved
    before = file.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    index.remove(np.arange(50))
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        with pytest.raises(MemoryStoreError, match="No space left") as raised:
            index.save(file)
    assert raised.value.param == str(file)
    assert file.read_bytes() == before
    with pytest.raises(MemoryStoreError):
        index.save(file.parent / "missing" / "index.bin")


def test_an_index_of_another_dimension_is_refused(saved, load):
    _, file = saved
    with pytest.raises(MemoryStoreError, match="vectors of 8, not 9") as raised:
        load(file, DIM + 1)
    assert raised.value.param == str(file)


def test_a_missing_file_and_a_folder_are_refused(load, tmp_path):
    for path in (tmp_path / "missing", tmp_path):
        with pytest.raises(MemoryStoreError):
            load(path)


@HOSTILE
@given(content=st.binary(max_size=400))
def test_any_bytes_are_refused(load, tmp_path, content):
    (tmp_path / "index.bin").write_bytes(content)
    with pytest.raises(MemoryStoreError):
        load(tmp_path / "index.bin")


@HOSTILE
@given(data=st.data())
def test_a_torn_or_damaged_file_is_refused(saved, load, data):
    _, file = saved
    whole = file.read_bytes()
    try:
        size = data.draw(st.integers(0, len(whole) - 1) | st.integers(0, 1_500))
        if data.draw(st.booleans()):
            file.write_bytes(whole[:size])
        else:
            bit = data.draw(st.integers(0, 7))
            file.write_bytes(whole[:size] + bytes([whole[size] ^ 1 << bit]) + whole[size + 1 :])
        with pytest.raises(MemoryStoreError):
            load(file)
    finally:
        file.write_bytes(whole)


def forge(file, change):
    """Change what a file says, and give it a checksum that fits."""
    arrays = load_file(file)
    state = read_state(file, DIM)
    fields = {
        "format": "streams-index-1",
        "method": state.method,
        "dim": DIM,
        "count": len(state),
        "trained_on": state.trained_on,
        "probes": list(state.probes.items()),
    }
    change(arrays, fields)
    header = Header.model_validate(fields)
    header = header.model_copy(update={"crc": _crc(header, arrays)})
    save_file(arrays, file, {"index": header.model_dump_json()})


def set_array(name, value):
    return lambda arrays, fields: arrays.__setitem__(name, value(arrays[name]))


FORGERIES = {
    "negative ids": set_array("ids", lambda ids: ids - 5),
    "fewer ids": set_array("ids", lambda ids: ids[:-1].copy()),
    "short codes": set_array("codes", lambda codes: np.ascontiguousarray(codes[:, :-1])),
    "fewer codes": set_array("codes", lambda codes: codes[:-1].copy()),
    "another type": set_array("codes", lambda codes: codes.astype(np.int16)),
    "sizes that are too many": set_array("sizes", lambda sizes: np.append(sizes, 1)),
    "sizes below zero": set_array("sizes", lambda sizes: np.append(sizes[:-2], [-(2**62), 2**62])),
    "centroids that are not finite": set_array("centroids", lambda c: np.full((4, DIM), np.nan, np.float32)),
    "another codebook": set_array("codebook", lambda book: np.zeros((3, 256, 2), np.float32)),
    "another count": lambda arrays, fields: fields.update(count=2**40),
    "another method": lambda arrays, fields: fields.update(
        method="ivf" if fields["method"] != "ivf" else "flat"
    ),
    "no probes": lambda arrays, fields: fields.update(probes=[(8, 0)]),
    "probes in disorder": lambda arrays, fields: fields.update(probes=[(64, 3), (8, 2)]),
    "a dimension of its own": lambda arrays, fields: fields.update(dim=DIM * 2),
    "an array more": lambda arrays, fields: arrays.update(more=np.zeros(3)),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_what_does_not_fit_is_refused_though_its_checksum_does(saved, load, forgery):
    _, file = saved
    forge(file, lambda arrays, fields: None)
    load(file)
    forge(file, FORGERIES[forgery])
    with pytest.raises(MemoryStoreError):
        load(file)


def test_forged_codes_end_nothing(tmp_path, load, build, stream):
    """Bytes of a code may be any: what comes out is odd, and that is all."""
    ids, vectors = stream(300, dim=DIM)
    state = build(IvfPqIndex, ids, vectors).state()
    odd = np.random.default_rng(0).integers(0, 256, state.codes.shape, dtype=np.uint8)
    for forged in (
        State("flat", DIM, ids, np.full((600, 2 * DIM), 0xFF, np.uint8)),
        State(
            "ivfpq", DIM, ids, odd, state.centroids, state.sizes, state.codebook, {8: 2**40}, state.trained_on
        ),
    ):
        write_state(tmp_path / "index.bin", forged)
        loaded = load(tmp_path / "index.bin")
        assert loaded.search(vectors[:3], 8)[1].shape == (3, 8)

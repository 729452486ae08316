from threading import RLock

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from memory.block import BlockInfo
from memory.recall.span import Where
from memory.table import BlockTable
from streams.types import BlockKind

KINDS = st.sampled_from([*BlockKind])
TIMES = st.integers(0, 50)
INFOS = st.lists(st.tuples(st.integers(1, 60), TIMES, st.integers(0, 9), KINDS), unique_by=lambda it: it[0])
WHERES = st.builds(
    Where, st.none() | TIMES, st.none() | TIMES, st.none() | st.frozensets(KINDS, min_size=1, max_size=3)
)


@given(given_infos=INFOS, removed=st.sets(st.integers(1, 60)), where=WHERES)
def test_it_admits_what_where_admits_whatever_the_order_of_arrival(given_infos, removed, where):
    table, infos = BlockTable(RLock()), {}
    for block_id, start, length, kind in given_infos:
        infos[block_id] = BlockInfo(block_id, kind, start, start + length, "", 1)
        table.add(infos[block_id])
    table.remove([*removed & infos.keys()])
    infos = {block_id: info for block_id, info in infos.items() if block_id not in removed}
    assert len(table) == len(infos)
    expected = sorted(block_id for block_id, info in infos.items() if where.admits(info))
    admitted = table.admitted(where)
    assert admitted.dtype == np.int64
    assert admitted.tolist() == expected
    assert [*table] == sorted(infos) == [info.id for info in table.infos()]
    assert dict(table) == infos

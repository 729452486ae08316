from hypothesis import given
from hypothesis import strategies as st

from memory.window import Window
from streams.types import BlockKind

KINDS = [BlockKind.FRAME, BlockKind.UTTERANCE, BlockKind.REPLY]


@given(pushes=st.lists(st.tuples(st.sampled_from(KINDS), st.integers(1, 9)), max_size=40))
def test_the_newest_of_each_kind_stay_within_their_budget(make_block, pushes):
    window = Window(frame_tokens=10, dialogue_tokens=6)
    window.sinks = make_block(0)
    budgets = {True: 10, False: 6}
    left, pushed = [], []
    for block_id, (kind, tokens) in enumerate(pushes, 1):
        block = make_block(block_id, tokens=tokens, kind=kind)
        leaving = window.push(block)
        pushed.append(block)
        assert [b.id for b in leaving] == sorted(b.id for b in leaving)
        assert all((b.info.kind is BlockKind.FRAME) == (kind is BlockKind.FRAME) for b in leaving)
        left += leaving
        kept = window.blocks()
        assert [b.id for b in kept] == sorted(b.id for b in kept)
        assert {b.id for b in kept} | {b.id for b in left} == {b.id for b in pushed}
        assert window.members([b.info for b in pushed]) == [b.info for b in kept]
        assert window.nbytes == window.sinks.nbytes + sum(b.nbytes for b in kept)
        for is_frame, budget in budgets.items():
            family = [b for b in pushed if (b.info.kind is BlockKind.FRAME) == is_frame]
            held = [b for b in kept if b in family]
            # As many of the newest as fit, and never fewer than one.
            assert held == family[len(family) - len(held) :]
            assert sum(b.tokens for b in held) <= budget or len(held) == 1
            if family and len(held) < len(family):
                assert sum(b.tokens for b in [family[-len(held) - 1], *held]) > budget
    assert len(left) == len({b.id for b in left})


def test_a_busy_picture_does_not_push_out_what_was_said(make_block):
    window = Window(frame_tokens=6, dialogue_tokens=6)
    window.push(make_block(1, kind=BlockKind.UTTERANCE))
    for block_id in range(2, 50):
        window.push(make_block(block_id))
    assert [block.id for block in window.blocks()] == [1, 48, 49]

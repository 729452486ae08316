"""Recalled blocks are attended to as a small reference of our own says, whatever was left out."""

import math

import pytest
import torch

from llm.context import Context
from llm.positions import layout
from llm.rotary import Rotary
from llm.spec import ModelSpec
from memory.block import Block, BlockInfo, Grid
from streams.types import BlockKind

LAYERS, HEADS, KV_HEADS, DIM = 2, 6, 2, 16
INV_FREQ = 1 / 100.0 ** (torch.arange(0, DIM, 2) / DIM)


@pytest.fixture
def spec():
    return ModelSpec("tiny", LAYERS, HEADS, KV_HEADS, DIM, 48, 100, 1_000, torch.float32, torch.device("cpu"))


def random(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def make_block(block_id, tokens):
    info = BlockInfo(block_id, BlockKind.FRAME, 0, 0, "", tokens)
    shape = (LAYERS, KV_HEADS, tokens, DIM)
    keys, values = (random(*shape, seed=seed) for seed in (block_id, 100 + block_id))
    return Block(info, keys, values, torch.zeros(1, 1, 1))


def turned(vector, position):
    """``vector`` as pairs (i, i + half), each turned in its plane by its own angle: RoFormer, eq. 34."""
    half = DIM // 2
    out = torch.empty_like(vector)
    for i in range(half):
        angle = position * float(INV_FREQ[i])
        a, b = float(vector[i]), float(vector[i + half])
        out[i] = a * math.cos(angle) - b * math.sin(angle)
        out[i + half] = a * math.sin(angle) + b * math.cos(angle)
    return out


def reference(queries, keys, values, start, positions=None):
    """Causal attention of ``queries`` [heads, n, dim], the last of ``keys`` from ``start`` on, in turn.

    ``positions`` of all keys; contiguous without.
    """
    positions = positions or range(start + queries.shape[1])
    out = torch.empty_like(queries)
    for head in range(HEADS):
        group = head // (HEADS // KV_HEADS)
        for i in range(queries.shape[1]):
            query = turned(queries[head, i], positions[start + i])
            seen = range(start + i + 1)
            keys_seen = [turned(keys[group, j], positions[j]) for j in seen]
            scores = torch.stack([query @ key for key in keys_seen]) / math.sqrt(DIM)
            out[head, i] = scores.softmax(0) @ values[group, : start + i + 1]
    return out


@pytest.mark.parametrize("recalled", [[], [2], [1, 3], [1, 2, 3]])
def test_sinks_recalled_window_and_new_tokens_stand_side_by_side(spec, recalled):
    blocks = {block_id: make_block(block_id, tokens) for block_id, tokens in enumerate((4, 3, 5, 2, 6))}
    chosen = [blocks[0], *(blocks[block_id] for block_id in recalled), blocks[4]]
    before = sum(block.tokens for block in chosen)
    context = Context(spec, Rotary(INV_FREQ))
    context.assemble(chosen, 8)
    assert (context.length, context.appended) == (before, 0)
    new_keys, new_values = (random(LAYERS, KV_HEADS, 5, DIM, seed=seed) for seed in (7, 8))
    queries = random(LAYERS, HEADS, 5, DIM)
    outputs = []
    for start, end in ((0, 3), (3, 4), (4, 5)):
        context.begin(end - start)
        pieces = []
        for layer in range(LAYERS):
            context.append(layer, new_keys[layer, :, start:end], new_values[layer, :, start:end])
            pieces.append(context.attend(layer, queries[layer, :, start:end]))
        context.finish()
        outputs.append(torch.stack(pieces))
    out = torch.cat(outputs, dim=2)
    for layer in range(LAYERS):
        keys = torch.cat([*(block.keys[layer] for block in chosen), new_keys[layer]], dim=1)
        values = torch.cat([*(block.values[layer] for block in chosen), new_values[layer]], dim=1)
        expected = reference(queries[layer], keys, values, before)
        torch.testing.assert_close(out[layer], expected, rtol=1e-5, atol=1e-5)
    assert (context.length, context.appended) == (before + 5, 5)

    # What becomes a block is what went in, not rotated.
    keys, values = context.appended_keys_values(1, 4)
    assert torch.equal(keys, new_keys[:, :, 1:4])
    assert torch.equal(values, new_values[:, :, 1:4])


@pytest.mark.parametrize("widths", [(0, 4, 0), (0, 7, 3), (2, 0, 11)])
def test_gaps_are_positions_left_free(spec, widths):
    blocks = [make_block(block_id, tokens) for block_id, tokens in enumerate((4, 3, 2))]
    before = sum(block.tokens for block in blocks)
    context = Context(spec, Rotary(INV_FREQ))
    context.assemble(blocks, 3, widths)
    positions, at = [], 0
    for block, gap in zip(blocks, widths, strict=True):
        at += gap
        positions += range(at, at + block.tokens)
        at += block.tokens
    positions += range(at, at + 3)
    new_keys, new_values = (random(LAYERS, KV_HEADS, 3, DIM, seed=seed) for seed in (7, 8))
    queries = random(LAYERS, HEADS, 3, DIM)
    context.begin(3)
    for layer in range(LAYERS):
        context.append(layer, new_keys[layer], new_values[layer])
        out = context.attend(layer, queries[layer])
        keys = torch.cat([*(block.keys[layer] for block in blocks), new_keys[layer]], dim=1)
        values = torch.cat([*(block.values[layer] for block in blocks), new_values[layer]], dim=1)
        expected = reference(queries[layer], keys, values, before, positions)
        torch.testing.assert_close(out, expected, rtol=1e-5, atol=1e-5)
    context.finish()
    assert context.length == before + 3
    context.assemble(blocks, 3)
    assert context.position == context.length


def test_assembling_does_not_touch_the_blocks(spec):
    block, copy = make_block(1, 4), make_block(1, 4)
    context = Context(spec, Rotary(INV_FREQ))
    for _ in range(2):
        context.assemble([block, block], 3)
        context.begin(2)
        for layer in range(LAYERS):
            context.append(layer, random(KV_HEADS, 2, DIM), random(KV_HEADS, 2, DIM))
        context.finish()
    assert torch.equal(block.keys, copy.keys)
    assert torch.equal(block.values, copy.values)


def test_a_block_that_was_taken_out_does_not_change_with_the_context(spec):
    context = Context(spec, Rotary(INV_FREQ))
    context.assemble([], 4)
    context.begin(2)
    for layer in range(LAYERS):
        context.append(layer, random(KV_HEADS, 2, DIM), random(KV_HEADS, 2, DIM))
    context.finish()
    keys, values = context.appended_keys_values(0, 2)
    before = keys.clone(), values.clone()
    context.assemble([make_block(1, 4)], 4)
    assert torch.equal(keys, before[0])
    assert torch.equal(values, before[1])


def test_buffers_grow_to_the_largest_and_stay(spec):
    context = Context(spec, Rotary(INV_FREQ))
    assert context.nbytes == 0
    context.assemble([make_block(1, 50)], 20)
    grown = context.nbytes
    assert grown >= (70 * 2 + 20) * LAYERS * KV_HEADS * DIM * 4
    for tokens, room in ((3, 5), (60, 10), (50, 20), (1, 1)):
        context.assemble([make_block(1, tokens)], room)
        assert context.nbytes == grown


def test_more_tokens_than_there_is_room_for_are_refused(spec):
    context = Context(spec, Rotary(INV_FREQ))
    context.assemble([], 4)
    with pytest.raises(AssertionError, match="5 tokens do not fit in the 4 left"):
        context.begin(5)


def test_blocks_with_grids_stand_as_their_grids_say_wherever_they_are_put(spec):
    rows = torch.tensor([0, 1, 2, 0, 1, 2, 0, 1])
    rotary = Rotary(INV_FREQ, rows=rows)
    plain, seen = make_block(0, 3), make_block(1, 8)
    info = BlockInfo(1, BlockKind.FRAME, 0, 0, "", 8, 0, Grid(1, 2, 3))
    seen = Block(info, seen.keys, seen.values, seen.digest)
    for blocks, gaps in (([plain, seen, plain], ()), ([seen, plain], (0, 5)), ([plain, seen], (0, 7))):
        context = Context(spec, rotary)
        context.assemble(blocks, 4, gaps)
        parts, start = [], 0
        for block, gap in zip(blocks, gaps or [0] * len(blocks), strict=True):
            start += gap
            parts.append(layout(block.tokens, block.info.grid) + start)
            start = int(parts[-1].max()) + 1
        assert context.position == start
        cos, sin = rotary.at(torch.cat(parts, dim=1), torch.float32)
        keys = torch.cat([block.keys for block in blocks], dim=2)
        expected = keys * cos + keys.roll(DIM // 2, -1) * sin
        torch.testing.assert_close(context._keys[:, :, : keys.shape[2]], expected, rtol=1e-5, atol=1e-5)


def test_after_a_picture_in_pieces_text_goes_on_behind_it_and_can_be_taken_back(spec):
    context = Context(spec, Rotary(INV_FREQ, rows=torch.zeros(DIM // 2, dtype=torch.long)))
    context.assemble([make_block(0, 4)], 20)
    positions = layout(10, Grid(2, 2, 3)) + context.position
    after = []
    for piece in (*positions.split(4, dim=1), None):
        count = 2 if piece is None else piece.shape[1]
        context.begin(count, positions=piece)
        for layer in range(LAYERS):
            context.append(layer, *(random(KV_HEADS, count, DIM) for _ in range(2)))
        context.finish()
        after.append(context.position)
    assert after == [4 + 4, 4 + 5, 4 + 7, 4 + 9]
    context.truncate(10)
    assert context.position == 4 + 7
    context.truncate(0)
    assert context.position == 4

import pytest
import torch

from llm.reader import Reader
from llm.steps import run
from streams.config import LlmConfig
from streams.errors import InvalidRequestError
from streams.types import US_PER_S, BlockKind

HALF = 1e-3
"""Digests are float16, of which this is a step."""


@pytest.fixture
def reader(lean, chat):
    return Reader(lean("llama"), chat, LlmConfig(prefill_chunk_tokens=8, device="cpu"))


@pytest.fixture
def open_stream(reader, new_stream):
    def open_one(**settings):
        return new_stream(reader, **{"window_tokens": 512, "dialogue_tokens": 384} | settings)

    return open_one


def see_at(stream, second, names="a cat"):
    return run(stream.see(second * US_PER_S, (second + 1) * US_PER_S, names))


def test_a_long_stream_takes_no_more_of_the_device(open_stream, reader):
    block_bytes = 20 * reader.backbone.spec.token_bytes
    ram_bytes, disk_bytes = 40 * block_bytes, 150 * block_bytes
    stream = open_stream(
        window_tokens=120, dialogue_tokens=60, ram_bytes=ram_bytes, disk_bytes=disk_bytes, recall_blocks=4
    )
    sizes, index_bytes = set(), 0
    for second in range(600):
        stream.memory.wait_for_room()  # as who reads for a session does, however slow the disk is
        see_at(stream, second, "a cat, a red sofa")
        if second % 10 == 0:
            run(stream.overhear(second * US_PER_S, second * US_PER_S, "It sits there."))
        if second % 50 == 0:
            stream.memory.check_integrity()
        if second >= 100:
            sizes.add(stream.device_bytes)
        stats = stream.memory.stats()
        assert stats.disk_bytes <= disk_bytes
        index_bytes = max(index_bytes, stats.ram_bytes - ram_bytes)
    assert len(sizes) == 1
    digest_bytes = 4 * 4 * len(reader.digester.layers) * reader.digester.dim
    assert index_bytes <= digest_bytes * stream.memory.sealed_count
    assert stats.disk_bytes > disk_bytes / 2
    assert stats.forgotten > 100
    assert stats.blocks + stats.forgotten == 660


def test_of_changing_passages_the_device_holds_no_more_than_the_budgets(open_stream, reader):
    stream = open_stream(window_tokens=120, dialogue_tokens=60)
    texts = ["a cat", "a cat, a dog, a street sign, a moped", "an espresso in a white cup"]
    longest = 0
    for second in range(150):
        block = see_at(stream, second, texts[second % 3])
        longest = max(longest, block.tokens)
        stats = stream.memory.stats()
        tokens = stream.memory.sinks.tokens + sum(block.tokens for block in stream.memory.recent())
        assert tokens <= stream.memory.sinks.tokens + 120
        digest_bytes = sum(block.digest.nbytes for block in (stream.memory.sinks, *stream.memory.recent()))
        assert stats.device_bytes == tokens * reader.backbone.spec.token_bytes + digest_bytes
    room = 2 * (stream.memory.sinks.tokens + 120 + longest + 64)
    assert stream.device_bytes < stats.device_bytes + 2 * room * reader.backbone.spec.token_bytes


def test_every_kind_becomes_a_block_with_its_span_and_text(open_stream):
    stream = open_stream()
    made = [
        see_at(stream, 3, "a cat"),
        run(stream.overhear(4_000_000, 5_000_000, "Look at that.")),
        run(stream.take_message(6_000_000, "user", "Remember the cat.")),
        run(stream.take_message(7_000_000, "assistant", "I will.")),
        run(stream.take_message(8_000_000, "system", "Speak French.")),
        run(stream.take_call(9_000_000, "get_weather", '{"city": "Paris"}')),
        run(stream.take_output(9_500_000, "get_weather", "21 degrees")),
    ]
    assert [block.info.kind for block in made] == [
        BlockKind.FRAME,
        BlockKind.UTTERANCE,
        BlockKind.UTTERANCE,
        BlockKind.REPLY,
        BlockKind.UTTERANCE,
        BlockKind.REPLY,
        BlockKind.UTTERANCE,
    ]
    assert [block.info.text for block in made] == [
        "a cat",
        "Look at that.",
        "Remember the cat.",
        "I will.",
        "Speak French.",
        'get_weather {"city": "Paris"}',
        "get_weather: 21 degrees",
    ]
    assert [(block.info.start_us, block.info.end_us) for block in made[:3]] == [
        (3_000_000, 4_000_000),
        (4_000_000, 5_000_000),
        (6_000_000, 6_000_000),
    ]
    assert [block.id for block in stream.memory.recent()] == [block.id for block in made]
    for block in made:
        assert block.keys.shape[2] == block.values.shape[2] == block.tokens


def test_reading_in_chunks_is_reading_at_once(lean, chat, new_stream):
    blocks = []
    for chunk in (3, 1_000):
        reader = Reader(lean("qwen2"), chat, LlmConfig(prefill_chunk_tokens=chunk, device="cpu"))
        stream = new_stream(reader)
        see_at(stream, 1, "a dog")
        blocks.append(see_at(stream, 2, "an espresso in a white cup"))
    for name, bound in (("keys", 1e-4), ("values", 1e-4), ("digest", HALF)):
        torch.testing.assert_close(getattr(blocks[0], name), getattr(blocks[1], name), rtol=bound, atol=bound)


def test_two_streams_on_one_reader_do_not_mix(open_stream):
    def script(stream, names):
        for second, name in enumerate(names):
            yield from stream.see(second * US_PER_S, second * US_PER_S, name)

    names = (["a cat on a sofa", "a dog in the long grass"], ["a palace by a lake", "one rocket", "x"])
    alone = [open_stream() for _ in names]
    for stream, given in zip(alone, names, strict=True):
        run(script(stream, given))
    together = [open_stream() for _ in names]
    steps = [script(stream, given) for stream, given in zip(together, names, strict=True)]
    while steps:
        for each in list(steps):
            if next(each, "over") == "over":
                steps.remove(each)
    for one, other in zip(alone, together, strict=True):
        for mine, theirs in zip(one.memory.recent(), other.memory.recent(), strict=True):
            assert mine.info == theirs.info
            assert torch.equal(mine.keys, theirs.keys)
            assert torch.equal(mine.values, theirs.values)


def test_new_instructions_replace_the_sinks_from_there_on(open_stream, reader):
    stream, other = open_stream(), open_stream()
    before = see_at(stream, 1)
    see_at(other, 1)
    stream.instruct("Answer in rhymes, always, and at length.")
    assert stream.memory.sinks is reader.sinks("Answer in rhymes, always, and at length.")
    assert other.memory.sinks is reader.sinks("Be brief.")
    assert stream.memory.recent()[0] is before
    after, elsewhere = see_at(stream, 2), see_at(other, 2)
    assert not torch.allclose(after.keys[-1], elsewhere.keys[-1], atol=1e-3)


def test_instructions_may_be_empty(open_stream):
    stream = open_stream()
    stream.instruct("")
    assert see_at(stream, 1).tokens > 0


def test_the_sinks_of_instructions_are_read_once(reader):
    assert reader.sinks("Hello.") is reader.sinks("Hello.")


def test_what_is_longer_than_the_models_context_is_refused_and_the_stream_goes_on(open_stream, reader):
    stream = open_stream()
    see_at(stream, 1)
    with pytest.raises(InvalidRequestError, match=r"more than the model's 4096") as error:
        see_at(stream, 2, "word " * 5_000)
    assert error.value.code == "context_length_exceeded"
    stream.memory.check_integrity()
    see_at(stream, 3, "a dog")
    assert [block.info.text for block in stream.memory.recent()] == ["a cat", "a dog"]

"""The root of everything: all blocks handed back give what full attention gives.

A stream of frames, utterances and replies, its blocks moved out of the window to RAM and to disk, is
held against one plain forward pass of the unmodified Transformers model over the same tokens.
"""

import pytest
import torch

from llm.context import Context
from llm.passage import Passage
from llm.steps import run
from llm.visual import VisualTokens
from streams.types import US_PER_S

TOLERANCE = 1e-4


def full_attention(model, ids, pictures=()):
    with torch.inference_mode():
        embeddings = model.get_input_embeddings()(torch.tensor([ids]))
        for start, visual in pictures:
            embeddings[0, start : start + len(visual)] = visual
        return model(inputs_embeds=embeddings).logits[0]


def eye(spec):
    """Visual tokens of a text: random ones, as wide as a model's, of a number that the text decides."""

    def look(text):
        generator = torch.Generator().manual_seed(len(text))
        return VisualTokens(torch.randn(3 + len(text) % 5, spec.hidden, generator=generator), text=text)

    return look


CASES = [
    ("llama", "lean"),
    ("llama", "hooked"),
    ("llama3", "lean"),
    ("qwen2", "lean"),
    ("qwen2-yarn", "hooked"),
    ("smollm2", "lean"),
]


def assert_equals_full_attention(life, model):
    """Everything but the newest frame and the newest utterance left the window, and came back whole."""
    memory = life.stream.memory
    memory.check_integrity()
    assert len(memory.recent()) == 2
    assert memory.sealed_count == len(life.kept) - 2 == 10
    for block in life.everything():
        keys, values = life.kept[block.id]
        assert torch.equal(block.keys, keys)
        assert torch.equal(block.values, values)

    life.now_us += 5 * US_PER_S
    life.ask("What was on the kitchen table, and what was in the cup?")
    expected = full_attention(model, life.ids, life.pictures)
    spoken = expected[life.answer_start - 1 :][: len(life.answer_logits)]
    torch.testing.assert_close(life.answer_logits, spoken, rtol=0, atol=TOLERANCE)
    assert life.written == spoken.argmax(-1)[: len(life.written)].tolist()
    assert len(life.written) == life.writes


@pytest.mark.parametrize(("name", "backend"), CASES)
def test_all_blocks_handed_back_equal_full_attention(name, backend, stock, new_life, request):
    life = new_life(request.getfixturevalue(backend)(name))
    life.play()
    life.stream.memory.flush()
    stats = life.stream.memory.stats()
    assert stats.disk_bytes > 7 * 10 * life.backbone.spec.token_bytes, "most blocks went to disk"
    assert_equals_full_attention(life, stock(name))


@pytest.mark.parametrize(
    ("name", "backend"), [("llama", "lean"), ("llama", "hooked"), ("qwen2", "lean"), ("qwen2", "hooked")]
)
def test_so_do_frames_that_were_read_as_visual_tokens(name, backend, stock, new_life, request):
    backbone = request.getfixturevalue(backend)(name)
    life = new_life(backbone, eye=eye(backbone.spec))
    life.play()
    assert len(life.pictures) == 5
    assert_equals_full_attention(life, stock(name))
    unlike = [(start, visual.flip(0)) for start, visual in life.pictures]
    difference = full_attention(stock(name), life.ids, unlike) - full_attention(
        stock(name), life.ids, life.pictures
    )
    assert difference[-1].abs().max() > 100 * TOLERANCE, "what is in the pictures matters"


def test_so_do_frames_of_which_only_some_tokens_were_read(stock, lean, new_life):
    whole = eye(lean("llama").spec)
    life = new_life(lean("llama"), eye=lambda text: whole(text).some([0, 2]))
    life.play()
    assert {len(visual) for _, visual in life.pictures} == {2}
    assert_equals_full_attention(life, stock("llama"))


@pytest.mark.parametrize(("name", "backend"), [("llama", "lean"), ("qwen2-yarn", "hooked")])
def test_so_they_do_after_a_restart(name, backend, stock, new_life, tmp_path, request):
    life = new_life(request.getfixturevalue(backend)(name), dir=tmp_path)
    life.play()
    life.restart()
    assert_equals_full_attention(life, stock(name))


@pytest.mark.parametrize("bound", [1, 1_000])
def test_so_they_do_when_gaps_are_kept(bound, lean, stock, new_life):
    life = new_life(lean("llama"), max_gap_tokens=bound)
    life.play()
    assert_equals_full_attention(life, stock("llama"))


class TestItCanFail:
    """The comparison above is worth something: what breaks the memory breaks it by far."""

    @pytest.fixture
    def life(self, lean, new_life):
        life = new_life(lean("llama"))
        life.play()
        return life

    def error(self, life, model, blocks):
        context = life.backbone.new_context()
        question = life.reader.chat.question(life.now_us, "And now?").ids
        life.reader.assemble(context, [life.stream.sinks, *blocks], len(question))
        hidden = run(life.reader.prefill([Passage.of(question)], context))
        expected = full_attention(model, [*life.ids, *question])[-1]
        return (life.backbone.logits(hidden) - expected).abs().max().item()

    def test_the_measure_is_small_when_nothing_is_wrong(self, life, stock):
        assert self.error(life, stock("llama"), life.everything()) < TOLERANCE

    def test_a_block_less(self, life, stock):
        assert self.error(life, stock("llama"), life.everything()[1:]) > 100 * TOLERANCE

    def test_blocks_out_of_order(self, life, stock):
        assert self.error(life, stock("llama"), life.everything()[::-1]) > 100 * TOLERANCE

    def test_keys_rotated_one_position_off(self, life, stock, monkeypatch):
        tables = Context._tables
        shifted = lambda self, start, end: tables(self, start + (start == 0), end + (start == 0))  # noqa: E731
        monkeypatch.setattr(Context, "_tables", shifted)
        assert self.error(life, stock("llama"), life.everything()) > 100 * TOLERANCE

    def test_keys_stored_after_rotation(self, life, stock, monkeypatch):
        monkeypatch.setattr("llm.context.rotate", lambda x, cos, sin: x)
        assert self.error(life, stock("llama"), life.everything()) > 100 * TOLERANCE

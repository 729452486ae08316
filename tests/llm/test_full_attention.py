"""The root of everything: all blocks handed back give what full attention gives.

A stream of frames, utterances and replies, its blocks moved out of the window to RAM and to disk, is
held against one plain forward pass of the unmodified Transformers model over the same tokens.
"""

import pytest
import torch

from llm.answer import Answer, Question
from llm.context import Context
from llm.passage import Passage
from llm.reader import Reader
from llm.steps import run
from llm.visual import VisualTokens
from streams.config import LlmConfig
from streams.types import US_PER_S, BlockKind

TOLERANCE = 1e-4
FRAME, UTTERANCE, REPLY = BlockKind.FRAME, BlockKind.UTTERANCE, BlockKind.REPLY
SCRIPT = [
    (FRAME, "a tabby cat on a red sofa"),
    (FRAME, "an espresso in a white cup"),
    (UTTERANCE, "I left my keys on the kitchen table this morning."),
    (FRAME, "a moped, a street sign"),
    (REPLY, "What is on the sofa?"),
    (FRAME, "a rocket on its pad at dusk"),
    (UTTERANCE, "The meeting moves to Thursday at nine."),
    (REPLY, "When is the meeting?"),
    (FRAME, "a palace by a lake, a flower"),
    (UTTERANCE, "That was all."),
]
WRITES = 6


class Recorder:
    """A backbone that also keeps the logits it gave out."""

    def __init__(self, backbone):
        self._backbone = backbone
        self.given = []

    def __getattr__(self, name):
        return getattr(self._backbone, name)

    def logits(self, hidden):
        self.given.append(self._backbone.logits(hidden))
        return self.given[-1]


class Life:
    """Plays the script into a stream whose window holds next to nothing, reading each block after all."""

    def __init__(self, backbone, chat, new_stream, *, eye=None, **settings):
        """With ``eye`` frames are read as the visual tokens that it makes of their text."""
        self.eye = eye
        self.pictures = []
        self.backbone = Recorder(backbone)
        config = LlmConfig(repetition_penalty=1.0, prefill_chunk_tokens=16, device="cpu")
        self.reader = Reader(self.backbone, chat, config)
        block_bytes = 30 * backbone.spec.token_bytes
        self.open = lambda: new_stream(
            self.reader,
            "Answer briefly.",
            window_tokens=1,
            dialogue_tokens=1,
            recall_blocks=1_000,
            ram_bytes=3 * block_bytes,
            device_bytes=1,
            **settings,
        )
        self.stream = self.open()
        self.ids = list(chat.instructions("Answer briefly.").ids)
        self.kept = {}
        self.now_us = 0
        self._watch()

    def _watch(self):
        self._take_in = self.stream.memory.append
        self.stream.memory.append = self._keep

    def restart(self):
        """Close the memory and open it again from disk."""
        self.stream.close()
        self.stream = self.open()
        assert self.stream.memory.restored
        self._watch()

    def _keep(self, block):
        self.kept[block.id] = block.keys.clone(), block.values.clone()
        self._take_in(block)

    def play(self):
        for kind, text in SCRIPT:
            self.now_us += 5 * US_PER_S
            if kind is REPLY:
                self.ask(text).finish(self.now_us)
            else:
                self.read(kind, text)

    def read(self, kind, text):
        """As ``Stream.see`` and ``overhear`` do, but after every block there is."""
        chat, memory = self.reader.chat, self.stream.memory
        shown = self.eye(text) if self.eye and kind is FRAME else text
        passage = (chat.sight if kind is FRAME else chat.overheard)(self.now_us, shown)
        if passage.visual is not None:
            self.pictures.append((len(self.ids) + passage.start, passage.visual.embeddings))
        info = memory.new_info(kind, self.now_us, self.now_us, text, len(passage.ids))
        context = self.backbone.new_context()
        memory.append(run(self.reader.read(passage, [self.stream.sinks, *self.everything()], context, info)))
        self.ids += passage.ids

    def ask(self, text):
        """An answer of some tokens to ``text``, with every block recalled; adds its tokens to ``ids``."""
        chat = self.reader.chat
        answer = Answer(self.stream, Question(text, self.now_us, self.now_us), max_tokens=WRITES)
        moments = run(answer.prepare())
        assert [moment.block_id for moment in moments] == [info.id for info in self.stream.memory.sealed()]
        first = len(self.backbone.given) - 1
        while answer.step(self.now_us) is not None:
            pass
        self.ids += [*chat.question(self.now_us, text).ids, *chat.ids(chat.reply_prefix)]
        self.answer_start = len(self.ids)
        self.answer_logits = torch.stack(self.backbone.given[first:])
        self.written = [token.id for token in answer.written]
        self.ids += [*self.written, *chat.ids(chat.reply_suffix)]
        return answer

    def everything(self):
        memory = self.stream.memory
        sealed = memory.fetch([info.id for info in memory.sealed()])
        return sorted([*sealed, *memory.recent()], key=lambda block: block.id)


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
    assert len(life.written) == WRITES


@pytest.mark.parametrize(("name", "backend"), CASES)
def test_all_blocks_handed_back_equal_full_attention(name, backend, chat, stock, new_stream, request):
    life = Life(request.getfixturevalue(backend)(name), chat, new_stream)
    life.play()
    life.stream.memory.flush()
    stats = life.stream.memory.stats()
    assert stats.disk_bytes > 7 * 10 * life.backbone.spec.token_bytes, "most blocks went to disk"
    assert_equals_full_attention(life, stock(name))


@pytest.mark.parametrize(
    ("name", "backend"), [("llama", "lean"), ("llama", "hooked"), ("qwen2", "lean"), ("qwen2", "hooked")]
)
def test_so_do_frames_that_were_read_as_visual_tokens(name, backend, chat, stock, new_stream, request):
    backbone = request.getfixturevalue(backend)(name)
    life = Life(backbone, chat, new_stream, eye=eye(backbone.spec))
    life.play()
    assert len(life.pictures) == 5
    assert_equals_full_attention(life, stock(name))
    unlike = [(start, visual.flip(0)) for start, visual in life.pictures]
    difference = full_attention(stock(name), life.ids, unlike) - full_attention(
        stock(name), life.ids, life.pictures
    )
    assert difference[-1].abs().max() > 100 * TOLERANCE, "what is in the pictures matters"


@pytest.mark.parametrize(("name", "backend"), [("llama", "lean"), ("qwen2-yarn", "hooked")])
def test_so_they_do_after_a_restart(name, backend, chat, stock, new_stream, tmp_path, request):
    life = Life(request.getfixturevalue(backend)(name), chat, new_stream, dir=tmp_path)
    life.play()
    life.restart()
    assert_equals_full_attention(life, stock(name))


@pytest.mark.parametrize("bound", [1, 1_000])
def test_so_they_do_when_gaps_are_kept(bound, lean, chat, stock, new_stream):
    life = Life(lean("llama"), chat, new_stream, max_gap_tokens=bound)
    life.play()
    assert_equals_full_attention(life, stock("llama"))


class TestItCanFail:
    """The comparison above is worth something: what breaks the memory breaks it by far."""

    @pytest.fixture
    def life(self, lean, chat, new_stream):
        life = Life(lean("llama"), chat, new_stream)
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

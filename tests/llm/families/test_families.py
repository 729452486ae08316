"""Each family, frame by frame with memory, is what its stock model makes of everything in one pass."""

import pytest
import torch
from transformers import AutoConfig, CLIPConfig

from llm.families.families import family_of
from llm.loading import load_model
from llm.positions import gaps, layout
from llm.reader import Reader
from llm.steps import run
from streams.config import LlmConfig
from streams.errors import ModelError
from streams.types import US_PER_S, Frame

TOLERANCE = 1e-4


@pytest.fixture
def played(seeing, frames, look, new_life):
    """A life of a family, whose frames are pictures, read one by one; and the pictures in their order."""

    def play(family, backend, **settings):
        checkpoint = seeing(family, settings.pop("layers", 3))
        model = checkpoint.load(backend)
        seen = iter(frames)
        shown = []

        def eye(text):
            shown.append(next(seen))
            return look(model.eye, shown[-1:])[0]

        life = new_life(model.backbone, checkpoint.chat(model.marks), eye=eye, **settings)
        life.play()
        return life, checkpoint, shown

    return play


def test_frame_by_frame_with_memory_is_one_pass_of_the_stock_model(family, backend, played):
    """All blocks were moved out, to RAM and to disk, and handed back for the last answer."""
    life, checkpoint, shown = played(family, backend)
    memory = life.stream.memory
    memory.check_integrity()
    assert memory.sealed_count == 10
    life.now_us += 5 * US_PER_S
    life.ask("What was in the cup?")
    expected = checkpoint.stock(life.ids, shown)
    spoken = expected[life.answer_start - 1 :][: len(life.answer_logits)]
    torch.testing.assert_close(life.answer_logits, spoken, rtol=0, atol=TOLERANCE)
    other = checkpoint.stock(life.ids, [Frame(0, 255 - frame.image) for frame in shown])
    assert (other[-1] - expected[-1]).abs().max() > 100 * TOLERANCE, "what the frames show matters"


def test_so_it_is_after_a_restart(family, played, tmp_path):
    life, checkpoint, shown = played(family, "hooked", dir=tmp_path)
    life.restart()
    life.now_us += 5 * US_PER_S
    life.ask("What was in the cup?")
    spoken = checkpoint.stock(life.ids, shown)[life.answer_start - 1 :][: len(life.answer_logits)]
    torch.testing.assert_close(life.answer_logits, spoken, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("bound", [0, 4])
def test_some_blocks_at_new_positions_are_what_the_stock_model_makes_of_those(family, backend, bound, played):
    """In a model of one layer, whose keys and values do not hang on what stood before.

    One after another, and with up to ``bound`` positions left free where something is missing.
    """
    life, checkpoint, shown = played(family, backend, layers=1)
    chat, passages = life.reader.chat, life.passages
    kept = [block for block in life.everything() if block.id in (2, 3, 7, 11)]
    seen = [block_id for block_id, passage in passages.items() if passage.visual is not None]
    assert seen == [1, 2, 4, 7, 11]
    question = chat.question(life.now_us, "And now?")
    context = life.backbone.new_context()
    blocks = [life.stream.sinks, *kept]
    life.reader.assemble(context, blocks, question.tokens, bound)
    hidden = run(life.reader.prefill([question], context))
    ids = [token for block in kept for token in passages[block.id].ids]
    whole = [*chat.instructions("Answer briefly.").ids, *ids, *question.ids]
    there = [shown[seen.index(block.id)] for block in kept if block.id in seen]
    expected = checkpoint.stock(whole, there, spread(blocks, question, bound) if bound else None)[-1]
    torch.testing.assert_close(life.backbone.logits(hidden), expected, rtol=0, atol=TOLERANCE)


def spread(blocks, question, bound):
    """Positions [3, n] of ``blocks`` and then ``question``, with what ``bound`` leaves free between them."""
    free = gaps(blocks, bound, 1_000)
    assert sum(free) > bound
    parts, start = [], 0
    for block, gap in zip(blocks, free, strict=True):
        parts.append(layout(block.tokens, block.info.grid) + start + gap)
        start = int(parts[-1].max()) + 1
    return torch.cat([*parts, layout(question.tokens, None) + start], dim=1)


def test_two_sessions_interleaved_are_each_alone(family, backend, seeing, frames, look, new_stream):
    checkpoint = seeing(family)
    model = checkpoint.load(backend)
    chat = checkpoint.chat(model.marks)
    reader = Reader(model.backbone, chat, LlmConfig(prefill_chunk_tokens=5, device="cpu"), eye=model.eye)

    def steps(stream, seen):
        for second, frame in enumerate(seen):
            (visual,) = look(model.eye, [frame])
            yield from stream.see(second * US_PER_S, (second + 1) * US_PER_S, visual)
            yield from stream.overhear(second * US_PER_S, second * US_PER_S, "Look at that.")

    parts = (frames[:3], frames[3:])
    alone = [new_stream(reader) for _ in parts]
    for stream, seen in zip(alone, parts, strict=True):
        run(steps(stream, seen))
    together = [new_stream(reader) for _ in parts]
    going = [steps(stream, seen) for stream, seen in zip(together, parts, strict=True)]
    while going:
        for each in list(going):
            if next(each, "over") == "over":
                going.remove(each)
    for one, other in zip(alone, together, strict=True):
        for mine, theirs in zip(one.memory.recent(), other.memory.recent(), strict=True):
            assert mine.info == theirs.info
            torch.testing.assert_close(mine.keys, theirs.keys, rtol=0, atol=1e-5)
            torch.testing.assert_close(mine.values, theirs.values, rtol=0, atol=1e-5)


def test_of_a_frame_some_tokens_may_be_read_where_they_stand(
    family, backend, seeing, frames, look, new_stream
):
    checkpoint = seeing(family)
    model = checkpoint.load(backend)
    reader = Reader(model.backbone, checkpoint.chat(model.marks), LlmConfig(device="cpu"))
    (visual,) = look(model.eye, frames[:1])
    stream = new_stream(reader)
    whole = run(new_stream(reader).see(0, US_PER_S, visual))
    part = run(stream.see(0, US_PER_S, visual.some([0, 3])))
    assert part.tokens == whole.tokens - (len(visual.embeddings) - 2)
    if visual.grid is not None:
        assert part.info.grid.places == (0, 3)
        assert part.info.span == whole.info.span
    # In the first layer a key hangs on nothing but its token.
    passage = reader.chat.sight(0, visual)
    kept = [*range(passage.start + 1), passage.start + 3, *range(passage.end, passage.tokens)]
    torch.testing.assert_close(part.keys[0], whole.keys[0][:, kept], rtol=0, atol=1e-5)
    asked = reader.chat.question(0, "And now?")
    context = model.backbone.new_context()
    reader.assemble(context, [stream.sinks, part], asked.tokens)
    assert context.position == stream.sinks.info.span + part.info.span
    assert torch.isfinite(run(reader.prefill([asked], context))).all()


def test_the_eye_sees_the_same_one_by_one_and_batched(family, seeing, frames, look):
    eye = seeing(family).load().eye
    together = look(eye, frames)
    assert len(together) == len(frames)
    for frame, batched in zip(frames, together, strict=True):
        (alone,) = look(eye, [frame])
        assert alone.grid == batched.grid
        torch.testing.assert_close(alone.embeddings, batched.embeddings, rtol=0, atol=TOLERANCE)
        if alone.deep is not None:
            torch.testing.assert_close(alone.deep, batched.deep, rtol=0, atol=TOLERANCE)
    assert look(eye, []) == []


def test_black_frames_are_seen_as_any_other(family, seeing, frames, look):
    eye = seeing(family).load().eye
    black = Frame(0, frames[0].image * 0)
    before, dark, after = look(eye, [frames[0], black, frames[0]])
    assert len(dark.embeddings) == len(before.embeddings) > 0
    torch.testing.assert_close(before.embeddings, after.embeddings, rtol=0, atol=TOLERANCE)
    assert not torch.allclose(dark.embeddings, before.embeddings, atol=0.01)
    (alone,) = look(eye, [black])
    torch.testing.assert_close(alone.embeddings, dark.embeddings, rtol=0, atol=TOLERANCE)


def test_pictures_stand_between_the_familys_marks(family, seeing, frames, look):
    checkpoint = seeing(family)
    model = checkpoint.load()
    chat = checkpoint.chat(model.marks)
    (visual,) = look(model.eye, frames[:1])
    passage = chat.sight(72 * US_PER_S, visual)
    told = chat.tokenizer.decode(list(passage.ids))
    marks = model.marks
    shown = f"{marks.before}{marks.token * len(visual.embeddings)}{marks.after}"
    assert told == f"[01:12] Camera:{shown}.\n"
    assert {*passage.ids[passage.start : passage.end]} == {checkpoint.kind.token(marks.token)}


def test_the_chat_format_is_the_familys(family, seeing):
    """Passages put together are what its own template makes of the whole conversation."""
    checkpoint = seeing(family)
    chat = checkpoint.chat(None)
    parts = [("system", "Be brief."), ("user", "What is it?"), ("assistant", "A cat.")]
    told = [{"role": role, "content": [{"type": "text", "text": text}]} for role, text in parts]
    template = checkpoint.kind.tokenizer.apply_chat_template(told, tokenize=False)
    passages = [
        chat.instructions("Be brief."),
        chat.question(0, "What is it?"),
        chat.message("assistant", 0, "A cat."),
    ]
    written = "".join(chat.tokenizer.decode(list(passage.ids)) for passage in passages)
    assert (
        written.replace("[00:00]\n", "") == template
        or written.replace("[00:00]\n", "").replace("assistant\n", "assistant \n") == template
    )


def test_a_tokenizer_without_the_familys_marks_is_refused(seeing, chat, embedded):
    marks = seeing("qwen3-vl").load().marks
    with pytest.raises(ModelError, match="<\\|image_pad\\|>"):
        type(chat)(chat.tokenizer, marks)


def test_frames_take_no_more_tokens_than_they_may(seeing, frames, look):
    for name in ("qwen2.5-vl", "qwen3-vl"):
        model = seeing(name).load()
        for visual in look(model.eye, frames):
            rows, columns = visual.grid
            assert rows * columns == len(visual.embeddings) <= 12


def test_other_models_that_see_are_refused_by_name(tmp_path):
    CLIPConfig().save_pretrained(tmp_path)
    with pytest.raises(ModelError, match=r"'clip' models .*SmolVLM, LLaVA-OneVision, Qwen2\.5-VL, Qwen3-VL"):
        load_model(tmp_path, LlmConfig())


def test_a_language_model_alone_is_of_no_family(embedded):
    assert family_of(AutoConfig.from_pretrained(embedded)) is None

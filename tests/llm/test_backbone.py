"""The lean, the hooked and the stock model are one model."""

import pytest
import torch

NAMES = ["llama", "llama3", "qwen2", "qwen2-yarn", "smollm2"]
PIECES = [7, 1, 1, 30, 1, 64, 1, 1, 1, 5]


def token_ids(count, seed=0):
    return torch.randint(3, 40_000, (count,), generator=torch.Generator().manual_seed(seed)).tolist()


def full_logits(model, ids):
    with torch.inference_mode():
        return model(torch.tensor([ids])).logits[0]


def read(backbone, ids, pieces, context=None):
    """Logits at every position, read in ``pieces``."""
    context = context or backbone.new_context()
    context.assemble([], len(ids))
    logits = [
        backbone.logits(backbone.forward(backbone.embed(list(part)), context))
        for part in torch.tensor(ids).split(pieces)
    ]
    return torch.cat(logits)


@pytest.mark.parametrize("backend", ["lean", "hooked"])
@pytest.mark.parametrize("name", NAMES)
def test_chunks_and_single_steps_give_the_stock_models_logits(name, backend, stock, request):
    backbone = request.getfixturevalue(backend)(name)
    ids = token_ids(sum(PIECES))
    torch.testing.assert_close(
        read(backbone, ids, PIECES), full_logits(stock(name), ids), rtol=1e-4, atol=1e-4
    )


@pytest.fixture(scope="module")
def generated(stock, chat):
    """A prompt, and what the stock model's own ``generate`` writes after it."""
    prompt = chat.ids("<|im_start|>user\nTell me about the sea.<|im_end|>\n<|im_start|>assistant\n")
    ids = stock("smollm2").generate(
        torch.tensor([prompt]),
        attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
        max_new_tokens=64,
        min_new_tokens=64,
        do_sample=False,
        pad_token_id=2,
    )[0]
    return prompt, ids[len(prompt) :].tolist()


def test_greedy_tokens_are_those_of_generate(generated, lean):
    prompt, expected = generated
    backbone = lean("smollm2")
    context = backbone.new_context()
    context.assemble([], len(prompt) + 64)
    logits = backbone.logits(backbone.forward(backbone.embed(prompt), context)[-1])
    written = []
    while len(written) < 64:
        written.append(best(logits))
        logits = backbone.logits(backbone.forward(backbone.embed(written[-1:]), context)[-1])
    assert written == expected


def test_the_hooked_model_would_write_the_same(generated, hooked):
    prompt, expected = generated
    logits = read(hooked("smollm2"), [*prompt, *expected], [len(prompt), 64])
    assert [best(row) for row in logits[len(prompt) - 1 : -1]] == expected


def best(logits):
    """The greedy choice among tokens that do not end the text."""
    return int(logits.index_fill(0, torch.tensor(2), -torch.inf).argmax())


def test_a_context_that_was_used_before_gives_the_same(lean):
    backbone = lean("llama")
    context = backbone.new_context()
    read(backbone, token_ids(90, seed=1), [90], context)
    ids = token_ids(40)
    torch.testing.assert_close(read(backbone, ids, [40], context), read(backbone, ids, [40]), rtol=0, atol=0)


def test_truncated_tokens_leave_no_trace(lean):
    backbone = lean("qwen2")
    ids = token_ids(30)
    context = backbone.new_context()
    context.assemble([], 60)
    backbone.forward(backbone.embed([*ids[:20], *token_ids(25, seed=3)]), context)
    context.truncate(20)
    hidden = backbone.forward(backbone.embed(ids[20:]), context)
    torch.testing.assert_close(backbone.logits(hidden), read(backbone, ids, [20, 10])[20:])


def test_observed_queries_are_the_models_own_before_rotation(lean, hooked, stock):
    ids = token_ids(12)
    taken = []
    for backbone in (lean("llama"), hooked("llama")):
        context = backbone.new_context()
        context.assemble([], 12)
        backbone.forward(backbone.embed(ids), context, observe=True)
        taken.append(context.take_queries())
    model = stock("llama").model
    seen = []
    hook = model.layers[1].self_attn.q_proj.register_forward_hook(lambda *args: seen.append(args[-1]))
    with torch.inference_mode():
        model(torch.tensor([ids]))
    hook.remove()
    grouped = seen[0][0].view(12, 2, 3, 16).mean(2).flatten(1)
    for queries in taken:
        assert queries.shape == (3, 12, 32)
        torch.testing.assert_close(queries[1], grouped, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["llama", "qwen2"])
def test_int8_steps_stay_near_the_exact_ones(name, checkpoints, stock):
    backbone = checkpoints[name].backbone(dtype="bfloat16", decode_weights="int8")
    ids = token_ids(24)
    logits = read(backbone, ids, [16, *[1] * 8])
    exact = full_logits(stock(name), ids)
    cosine = torch.nn.functional.cosine_similarity(logits[16:], exact[16:], dim=-1)
    assert cosine.min() > 0.98


def test_what_is_given_for_layers_is_added_behind_them(lean, checkpoints):
    backbone, model = lean("qwen2"), checkpoints["qwen2"].stock()
    ids = token_ids(9)
    deep = torch.randn(2, len(ids), backbone.spec.hidden, generator=torch.Generator().manual_seed(2))
    for layer, added in zip(model.model.layers, deep, strict=False):
        layer.register_forward_hook(lambda module, given, out, added=added: out + added)
    context = backbone.new_context()
    context.assemble([], len(ids))
    logits = backbone.logits(backbone.forward(backbone.embed(ids), context, deep=deep))
    torch.testing.assert_close(logits, full_logits(model, ids), rtol=1e-4, atol=1e-4)
    assert not torch.allclose(logits, read(backbone, ids, len(ids)), atol=0.1)


def test_a_decoder_that_adds_nothing_in_its_layers_is_not_asked_to(hooked):
    backbone = hooked("llama")
    context = backbone.new_context()
    context.assemble([], 1)
    with pytest.raises(AssertionError, match="adds nothing"):
        backbone.forward(backbone.embed([5]), context, deep=torch.zeros(1, 1, backbone.spec.hidden))

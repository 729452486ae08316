"""When to speak, as a trained model tells it: against the stock model over all tokens at once."""

import pytest
import torch

from llm.chat import ChatFormat
from llm.reader import Reader
from llm.speaking import Speaking
from llm.steps import run
from streams.config import LlmConfig
from streams.errors import ModelError
from streams.types import US_PER_S

REQUEST = "Tell me when you see a dog."


@pytest.mark.parametrize("name", ["llama", "qwen2"])
@pytest.mark.parametrize("backend", ["lean", "hooked"])
def test_scores_of_a_few_tokens_are_those_of_the_whole_head(checkpoints, name, backend):
    backbone = checkpoints[name].backbone(backend)
    torch.manual_seed(3)
    hidden = torch.randn(5, backbone.spec.hidden)
    ids = [1, 29, 4_000]
    torch.testing.assert_close(backbone.scores(hidden, ids), backbone.logits(hidden)[:, ids])
    torch.testing.assert_close(backbone.scores(hidden[0], ids), backbone.logits(hidden[0])[ids])


@pytest.mark.parametrize("name", ["llama", "qwen2"])
def test_the_urge_is_that_of_the_stock_model_after_the_same_tokens(lean, stock, chat, new_stream, name):
    reader = Reader(lean(name), chat, LlmConfig(device="cpu"), speak_threshold=0.5)
    stream = new_stream(reader, window_tokens=4_000, dialogue_tokens=4_000)
    request = run(stream.take_message(0, "user", REQUEST))
    stream.standing.put("mine", request)
    stream.standing.at_rest = False
    ids = [*chat.instructions(stream.instructions).ids, *chat.message("user", 0, REQUEST).ids]
    reply, note = chat.ids(chat.reply_prefix)[0], chat.ids("[")[0]
    for second, names in enumerate(("a cat", "a dog, a sofa", "a dog")):
        _, urge = run(stream.watch(stream.see(second * US_PER_S, (second + 1) * US_PER_S, names)))
        ids += chat.sight(second * US_PER_S, names).ids
        with torch.inference_mode():
            logits = stock(name)(torch.tensor([ids])).logits[0, -1].float()
        expected = torch.softmax(logits[[reply, note]], 0)[0].item()
        assert urge == pytest.approx(expected, abs=2e-4)
    assert reader.speaking.speaks(0.6)
    assert not reader.speaking.speaks(0.5)


def test_a_model_that_was_not_trained_so_has_no_urge(lean, chat, new_stream):
    stream = new_stream(Reader(lean("llama"), chat, LlmConfig(device="cpu")))
    stream.standing.put("mine", run(stream.take_message(0, "user", REQUEST)))
    stream.standing.at_rest = False
    block, urge = run(stream.watch(stream.see(0, US_PER_S, "a dog")))
    assert (block.info.text, urge) == ("a dog", None)


@pytest.mark.parametrize("threshold", [0.0, 1.0, -0.5, 7.0, float("nan")])
def test_a_threshold_is_a_probability(lean, chat, threshold):
    with pytest.raises(ModelError) as raised:
        Speaking(lean("llama"), chat, threshold)
    assert raised.value.param == "llm.speak_threshold"


def test_a_format_in_which_replies_open_as_notes_do_is_refused(lean, chat):
    class Ambiguous(ChatFormat):
        def __init__(self):
            super().__init__(chat.tokenizer)
            self.reply_prefix = "[assistant]"

    with pytest.raises(ModelError, match="cannot tell when to speak"):
        Speaking(lean("llama"), Ambiguous(), 0.5)

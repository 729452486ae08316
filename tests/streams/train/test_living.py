"""What is trained is what runs: the training pass against the engine, on a tiny model and the real one."""

import random
from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file

from llm.adapter import load_adapter
from llm.answer import Answer
from llm.connector import TOKENS
from llm.question import Question
from llm.reader import Reader
from llm.steps import run
from llm.visual import VisualTokens
from streams.config import LlmConfig
from streams.train.language import Language
from streams.train.live_model import LiveModel, SeenPictures
from streams.train.living import LiveSettings, Living, _speaking_figures
from streams.train.loop import Loop, Schedule
from streams.train.lora import LoraLayers
from streams.train.proactive import Frame
from streams.train.sample import Dialogue, Facts, Reply, Seen, Turn
from streams.train.script import Reading, write_script
from streams.types import US_PER_S, Token

READING = Reading(("Be brief.",), window_tokens=60, dialogue_tokens=60, recall_blocks=0)
"""Two frames and little talk: most of the stream below lies outside."""


def asked(second, topic, text, *replies):
    said = tuple(Reply(round(at * US_PER_S), words) for at, words in replies)
    return Turn(round(second * US_PER_S), topic, text, said)


def frames(*seconds):
    return tuple(Seen(second * US_PER_S, number, Facts(())) for number, second in enumerate(seconds))


DIALOGUE = Dialogue(
    frames(0, 1, 2, 3, 4, 5),
    (
        asked(0.5, "now", "What is this?", (0.5, "A cat.")),
        replace(
            asked(1.5, "alert", "Tell me when a dog comes.", (4, "A dog is there.")),
            acknowledgement="I will tell you.",
        ),
        asked(2.3, "overheard", "The key is in the car."),
        asked(2.5, "past", "What was first?", (2.5, "The cat was.")),
        asked(3.5, "told", "My name is Ida.", (3.5, "I will remember that.")),
        asked(4.5, "heard", "Where is the key?", (4.5, "In the car.")),
        asked(5.5, "chat", "Thank you!", (5.5, "You are welcome.")),
    ),
    7 * US_PER_S,
)


class Residual(torch.nn.Module):
    """The part of a connector that stage 2 trains."""

    def __init__(self, hidden):
        super().__init__()
        self.narrow = torch.nn.Linear(3, 2, bias=False)
        self.widen = torch.nn.Parameter(torch.zeros(TOKENS, 2, hidden).normal_(0, 0.1))

    def residual(self, states):
        return torch.einsum("nr,trh->nth", self.narrow(states[:, 0]), self.widen)


def live_model(path, chat):
    """A model with adapters that change something, and pictures for it."""
    torch.manual_seed(5)
    language = Language.load(path, chat, "cpu", "float32")
    frozen = language.frozen
    layers = LoraLayers(frozen.spec, language.weights, 2, 4.0)
    for parameter in layers.parameters():
        torch.nn.init.normal_(parameter, std=0.02)
    connector = Residual(frozen.spec.hidden)
    scale = float(frozen.embedding.float().std())
    pictures = SeenPictures(scale * torch.randn(6, TOKENS, frozen.spec.hidden), torch.randn(6, 2, 3))
    return LiveModel(frozen, layers, connector), connector, pictures


class Engine:
    """The engine on a dialogue: the states of frames' last tokens, and what replies begin from."""

    def __init__(self, stream, tokens):
        self._stream, self._tokens = stream, tokens
        self.urges, self.openings = [], []

    def go(self, dialogue):
        turns, waiting = list(dialogue.turns), []
        for frame in dialogue.frames:
            while turns and turns[0].at_us < frame.pts_us:
                self._take(turns.pop(0), waiting)
            visual = VisualTokens(self._tokens[frame.picture])
            run(self._stream.see(frame.pts_us, frame.pts_us, visual))
            self.urges.append(self._stream._last_hidden.clone())
            for turn in [turn for turn in waiting if turn.replies[0].at_us == frame.pts_us]:
                self._write(turn.replies[0], Question("", frame.pts_us, frame.pts_us, unasked=True))
                self._stream.standing.remove(turn.text)
                waiting.remove(turn)
        for turn in turns:
            self._take(turn, waiting)

    def _take(self, turn, waiting):
        if turn.topic == "alert":
            if turn.acknowledgement:
                reply = Reply(turn.at_us, turn.acknowledgement)
                kept = self._write(reply, Question(turn.text, turn.at_us, turn.at_us))
                block = self._stream.find(kept.question)
            else:
                block = run(self._stream.take_message(turn.at_us, "user", turn.text))
            self._stream.standing.put(turn.text, block)
            self._stream.standing.at_rest = False
            waiting.append(turn)
        elif turn.topic == "overheard":
            run(self._stream.overhear(turn.at_us, turn.at_us, turn.text))
        else:
            self._write(turn.replies[0], Question(turn.text, turn.at_us, turn.at_us))

    def _write(self, reply, question):
        """Let the engine say what is right, as if it had chosen each word."""
        answer = Answer(self._stream, question, max_tokens=64)
        run(answer.prepare())
        self.openings.append(answer._scores().clone())
        for token in self._stream.reader.chat._plain_ids(reply.text):
            answer.written.append(Token(token, "", reply.at_us))
            answer._unread.append(token)
        answer._scores()
        return answer.finish(reply.at_us)


@pytest.mark.parametrize("name", ["llama", "qwen2", "smollm2"])
def test_states_of_a_training_pass_are_the_engines(name, checkpoints, chat, new_stream, tmp_path):
    model, connector, pictures = live_model(checkpoints[name].path, chat)
    save_file(model.lora.adapter(), tmp_path / "adapter.safetensors", {"alpha": str(model.lora.alpha)})
    backbone = checkpoints[name].backbone(adapter=load_adapter(tmp_path / "adapter.safetensors"))
    reader = Reader(backbone, chat, LlmConfig(device="cpu"))
    stream = new_stream(reader, window_tokens=60, dialogue_tokens=60, recall_blocks=0)
    with torch.no_grad():
        tokens = pictures.spoken + connector.residual(pictures.states)
        engine = Engine(stream, tokens)
        engine.go(DIALOGUE)
        script = write_script(DIALOGUE, chat, READING, random.Random(0))
        # A second stream in the same batch changes nothing.
        hidden = model([write_script(DIALOGUE, chat, READING, random.Random(1)), script], pictures)
        hidden = hidden[-len(script.ids) :]
    close = 2e-3 if name == "smollm2" else 2e-4
    assert [decision.speak for decision in script.decisions] == [False] * 4 + [True, False]
    assert [decision.asked for decision in script.decisions] == [False] * 2 + [True] * 3 + [False]
    for decision, urge in zip(script.decisions, engine.urges, strict=True):
        assert torch.allclose(hidden[decision.row], urge, atol=close, rtol=close)
    for said, opening in zip(script.said, engine.openings, strict=True):
        ours = hidden[said.rows[0]] @ model.frozen.head.T
        assert torch.allclose(ours, opening, atol=close * float(opening.abs().max()), rtol=close)


def test_the_gradient_is_the_same_for_any_number_of_workers(checkpoints, chat):
    gradients = []
    for workers in (1, 2):
        stage = living(checkpoints, chat, workers=workers)
        figures = stage.step(0)
        gradients.append((figures, [parameter.grad.clone() for parameter in stage._parameters]))
    (alone, ours), (shared, theirs) = gradients
    assert alone == pytest.approx(shared, rel=1e-4)
    assert all(torch.allclose(one, other, atol=1e-5) for one, other in zip(ours, theirs, strict=True))


def living(checkpoints, chat, workers=1, rate=2e-2, validation=DIALOGUE):
    model, _, pictures = live_model(checkpoints["llama"].path, chat)
    return Living(
        model,
        chat,
        READING,
        LiveSettings(rate, rate, speaking=0.5, unasked=0.3, workers=workers, seed=0),
        train=lambda number: DIALOGUE,
        per_step=2,
        pictures=pictures,
        validation=[validation],
        validation_pictures=pictures,
    )


def test_it_learns_what_to_say_and_when(checkpoints, chat, tmp_path):
    stage = living(checkpoints, chat)
    stage.module.eval()
    with torch.no_grad():
        before = stage.evaluate()
    Loop(stage, Schedule(30, warmup=3, evaluate_every=100), tmp_path).run()
    with torch.no_grad():
        after = stage.evaluate()
    assert after["loss"] < before["loss"] / 2
    assert after["speaking.f1"] == 1.0


def test_no_threshold_is_told_where_nothing_is_to_speak_up_about(checkpoints, chat):
    quiet = replace(DIALOGUE, turns=tuple(turn for turn in DIALOGUE.turns if turn.topic != "alert"))
    stage = living(checkpoints, chat, validation=quiet)
    stage.module.eval()
    with torch.no_grad():
        figures = stage.evaluate()
    assert figures["loss"] > 0
    assert not [name for name in figures if name.startswith("speaking")]


@pytest.mark.parametrize(("urge", "threshold"), [(0.01, None), (0.5, pytest.approx(0.25, abs=0.02))])
def test_a_threshold_that_nothing_meets_is_not_calibrated(urge, threshold):
    figures = _speaking_figures([[Frame(0, 0.0, False), Frame(1, urge, True)]])
    assert figures.get("speaking.threshold") == threshold
    assert figures["speaking.f1"] == (0.0 if threshold is None else 1.0)


def test_recall_brings_the_evidence_and_others_by_chance(chat):
    question = Turn(9_500_000, "past", "What was first?", (Reply(9_500_000, "A cat."),), ((0, 0),))
    dialogue = Dialogue(frames(*range(10)), (question,), 11 * US_PER_S)
    reading = Reading(("Be brief.",), window_tokens=60, dialogue_tokens=60, recall_blocks=4)
    brought = set()
    for seed in range(20):
        script = write_script(dialogue, chat, reading, random.Random(seed))
        spans = script.spans[-1].before
        frame_rows = {span.start: number for number, span in enumerate(script.spans[1:-1])}
        seen = [frame_rows[start] for start, _ in spans if start in frame_rows]
        assert seen == sorted(seen)
        assert seen[0] == 0
        assert seen[-2:] == [8, 9]
        assert len(seen) <= 6
        brought |= set(seen)
    assert len(brought) > 6

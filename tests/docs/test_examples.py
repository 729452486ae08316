"""The examples of docs/clients.md: each runs against the service, and is in the page as it is in its file."""

import asyncio
import importlib.util
import re
import wave
from copy import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gateway.assembly import Streams
from llm.speaking import Speaking
from speech.audio import float_to_pcm16, pcm16_to_float, resample
from speech.wer import word_errors
from streams.serve import new_server

DOCS = Path(__file__).parent.parent.parent / "docs"
EXAMPLES = sorted(path for path in (DOCS / "examples").iterdir() if path.is_file())
RATE = 24_000
QUESTION = "What is the capital of France?"


@pytest.fixture
def run(streams):
    """Runs an example's function against a fresh gateway, over HTTP or WebSocket as its clients do."""

    def call(name, function, *given, service=streams):
        spec = importlib.util.spec_from_file_location(name, DOCS / "examples" / f"{name}.py")
        example = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(example)

        async def scenario():
            async with new_server(service) as server:
                url = f"http://127.0.0.1:{server.port}/v1" if name.startswith("openai") else server.url
                return await asyncio.wait_for(getattr(example, function)(*given, url=url), 90)

        return asyncio.run(scenario())

    return call


@pytest.fixture
def photographs(models):
    folder = models.resolve("sample").path
    return lambda *names: [str(next(folder.rglob(name))) for name in names]


def test_openai_text(run, capsys):
    answer = run("openai_text", "ask", QUESTION)
    assert "Paris" in answer
    assert answer in capsys.readouterr().out


def test_openai_alert(run, streams, photographs, capsys):
    eager = copy(streams.backend.reader)
    eager.speaking = Speaking(eager.backbone, eager.chat, 1e-9)
    service = Streams(streams.config, replace(streams.backend, reader=eager))
    request = "Tell me when you see a cat."
    at_ms, said = run("openai_alert", "wait_for", request, *photographs("chelsea.png"), service=service)
    assert at_ms >= 0
    assert said
    assert said in capsys.readouterr().out


def test_openai_voice(run, streams, tmp_path):
    question, answer = tmp_path / "question.wav", tmp_path / "answer.wav"
    with wave.open(str(question), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", "not compressed"))
        spoken = streams.backend.synthesizer.synthesize(QUESTION)
        file.writeframes(float_to_pcm16(np.concatenate([np.zeros(RATE // 2, np.float32), spoken])))
    heard, said = run("openai_voice", "ask", str(question), str(answer))
    assert word_errors([QUESTION], [heard]).errors == 0
    assert "Paris" in said
    with wave.open(str(answer)) as file:
        sound = pcm16_to_float(file.readframes(file.getnframes()))
    recognised = streams.backend.recognizer.transcribe(resample(sound, RATE, 16_000)).text
    assert word_errors([said], [recognised]).rate <= 0.2


def test_openai_image(run, photographs):
    answer = run("openai_image", "ask", *photographs("coffee.png"), "What do you see now?")
    assert "coffee" in answer.lower() or "espresso" in answer.lower()


def test_openai_tool(run):
    cities, answer = run("openai_tool", "ask", "What is the weather in Paris?")
    assert cities == ["Paris"]
    assert "rain" in answer


def test_agents_text(run):
    france, italy = run("agents_text", "talk", QUESTION, "What is the capital of Italy?")
    assert "Paris" in france
    assert "Rome" in italy


def test_websockets_video(run, photographs):
    pictures = photographs("coffee.png", "chelsea.png")
    seen, answer = run("websockets_video", "watch", "What do you see now?", *pictures)
    assert seen == ["espresso coffee", "cat"]
    assert "cat" in answer.lower()


def test_websockets_resume(run):
    events = run("websockets_resume", "ask", QUESTION)
    kinds = [event["type"] for event in events]
    assert kinds.count("session.resumed") == 1
    assert kinds.index("session.resumed") < kinds.index("response.done")
    text = "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")
    (done,) = (event["response"] for event in events if event["type"] == "response.done")
    assert text == done["output"][0]["content"][0]["text"]
    assert "Paris" in text
    ids = [event["event_id"] for event in events]
    assert len(set(ids)) == len(ids)


def test_every_example_is_in_the_page_as_it_is_and_is_run_here():
    blocks = re.findall(
        r"```(?:python|javascript)\n(.*?)```", (DOCS / "clients.md").read_text("utf-8"), re.DOTALL
    )
    assert sorted(blocks) == sorted(path.read_text("utf-8") for path in EXAMPLES)
    tests = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    assert {path.stem for path in EXAMPLES if path.suffix == ".py"} <= tests

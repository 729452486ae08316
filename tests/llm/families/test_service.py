"""The whole service with a model that sees, named in the settings: frames over the wire, and an answer."""

import asyncio
import base64
import io
import logging
from dataclasses import replace

import numpy as np
import PIL.Image
import pytest
import torch
from openai import AsyncOpenAI

from gateway.assembly import Streams, load_reader, warn_of_small_window
from llm.visual import VisualTokens
from streams.config import MemoryConfig
from streams.serve import new_server
from streams.types import BlockKind

TIMEOUT_S = 120


@pytest.fixture(scope="module")
def service(streams, seeing, tmp_path_factory):
    """The session's other models, with a tiny SmolVLM from its folder for a language model."""
    choice = {
        "models": {"llm": str(seeing("smolvlm").path)},
        "llm": {"device": "cpu", "max_output_tokens": 8},
        "memory": {"dir": tmp_path_factory.mktemp("memory"), "window_tokens": 64},
        "server": {"clock": "media"},
    }
    config = streams.config
    for section, values in choice.items():
        config = config.model_copy(update={section: getattr(config, section).model_copy(update=values)})
    reader, shape = load_reader(config)
    service = Streams(config, replace(streams.backend, reader=reader, memory_shape=shape))
    yield service
    service._memories.close()  # the backend's threads are the session's


def picture(level):
    """A plain picture, which is told from others by its colour; encoded, in base64."""
    buffer = io.BytesIO()
    PIL.Image.fromarray(np.full((48, 64, 3), level, np.uint8)).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


async def until(connection, kind):
    """Events up to and with the first of ``kind``."""
    events = []
    async with asyncio.timeout(TIMEOUT_S):
        async for event in connection:
            events.append(event)
            assert event.type != "error", event
            if event.type == kind:
                break
    return events


def test_frames_are_seen_remembered_and_answered_about(service):
    async def talk():
        async with new_server(service) as server:
            client = AsyncOpenAI(api_key="none", base_url=f"http://127.0.0.1:{server.port}/v1")
            options = {"extra_query": {"session": "hall"}}
            async with client.realtime.connect(model="streams", **options) as connection:
                session = {
                    "type": "realtime",
                    "output_modalities": ["text"],
                    "streams": {"events": ["input_video_buffer.seen", "memory.recalled"]},
                }
                await connection.send({"type": "session.update", "session": session})
                for second, level in enumerate((0, 90, 180, 255)):
                    await connection.send(
                        {
                            "type": "input_video_buffer.append",
                            "image": picture(level),
                            "timestamp_ms": 2_000 * second,
                        }
                    )
                    seen = (await until(connection, "input_video_buffer.seen"))[-1]
                    assert "plain" in seen.text
                url = f"data:image/png;base64,{picture(40)}"
                content = [
                    {"type": "input_image", "image_url": url},
                    {"type": "input_text", "text": "What do you see?"},
                ]
                item = {"type": "message", "role": "user", "content": content}
                await connection.conversation.item.create(item=item)
                await connection.response.create()
                done = (await until(connection, "response.done"))[-1].response
                given = {"conversation": "none", "input": [item], "output_modalities": ["text"]}
                await connection.response.create(response=given)
                aside = (await until(connection, "response.done"))[-1].response
        return done, aside

    looked = []
    eye = service.backend.reader.eye

    class Watched:
        """The model's own eye, and what it made of frames."""

        def look(self, frames, features):
            looked.extend(eye.look(frames, features))
            return looked[-len(frames) :]

    service.backend.reader.eye = Watched()
    try:
        done, aside = asyncio.run(talk())
    finally:
        service.backend.reader.eye = eye
    for response in (done, aside):
        assert response.status in ("completed", "incomplete")
        assert response.usage.output_tokens > 0
    # Four frames, and the picture once for the conversation and once for the answer aside.
    assert len(looked) == 6
    assert all(isinstance(visual, VisualTokens) and len(visual.embeddings) == 4 for visual in looked)
    memory = service._memories.open("hall")
    frames = [info for info in memory.sealed() if info.kind is BlockKind.FRAME]
    frames += [block.info for block in memory.recent() if block.info.kind is BlockKind.FRAME]
    assert len(frames) == 5
    assert frames[0].text == "plain black picture"
    # Every byte of text is a token, and so is each mark: two before the picture, one behind it.
    assert {info.tokens for info in frames} == {len("[00:00] Camera:.\n") + 3 + 4}
    memory.close()


@pytest.mark.parametrize(("tokens", "said"), [(16, 0), (64, 1)])
def test_a_window_that_holds_hardly_a_frame_is_said(caplog, tokens, said):
    with caplog.at_level(logging.WARNING, "streams"):
        warn_of_small_window(VisualTokens(torch.zeros(tokens, 4)), MemoryConfig())
        warn_of_small_window("a cat", MemoryConfig(window_tokens=1))
    assert [record.message for record in caplog.records] == ["memory.window_small"] * said

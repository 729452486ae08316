"""A stock client of a session that speaks up: what it gets unasked, and nothing where that is off."""

import asyncio
import base64
import contextlib
import io
from copy import copy
from dataclasses import replace

import PIL.Image
import PIL.ImageOps
import pytest
from openai import AsyncOpenAI

from gateway.assembly import Streams
from llm.speaking import Speaking
from streams.serve import new_server

REQUEST = "Tell me whenever you see a cat."
OWN = ["session.standing_requests", "input_video_buffer.judged", "response.suppressed"]


@pytest.fixture
def connected(streams):
    """Connects a stock client to a gateway whose model finds each frame worth speaking up about."""
    untrained, eager = copy(streams.backend.reader), copy(streams.backend.reader)
    untrained.speaking = None
    eager.speaking = Speaking(eager.backbone, eager.chat, 1e-9)
    server_config = streams.config.server.model_copy(update={"clock": "media"})

    @contextlib.asynccontextmanager
    async def connect(trained=True, **own):
        backend = replace(streams.backend, reader=eager if trained else untrained)
        service = Streams(streams.config.model_copy(update={"server": server_config}), backend)
        async with new_server(service) as server:
            client = AsyncOpenAI(api_key="none", base_url=f"http://127.0.0.1:{server.port}/v1")
            async with client.realtime.connect(model="streams") as connection:
                session = {"type": "realtime", "output_modalities": ["text"], "max_output_tokens": 6}
                await connection.session.update(session={**session, **({"streams": own} if own else {})})
                yield connection

    return connect


async def until(connection, kind):
    """Events up to and with the first of ``kind``."""
    events = []
    async with asyncio.timeout(90):
        async for event in connection:
            events.append(event)
            if event.type == kind:
                break
    return events


def mirrored(picture):
    """The same thing, and another picture."""
    buffer = io.BytesIO()
    PIL.ImageOps.mirror(PIL.Image.open(io.BytesIO(base64.b64decode(picture)))).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


async def show(connection, picture, at_ms):
    await connection.send({"type": "input_video_buffer.append", "image": picture, "timestamp_ms": at_ms})


async def ask(connection, text):
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
    await connection.conversation.item.create(item=item)
    await connection.response.create()
    return await until(connection, "response.done")


def test_it_is_told_of_what_it_waited_for_as_of_any_response(connected, photograph):
    async def scenario():
        async with connected(proactive="alerts") as connection:
            await ask(connection, REQUEST)
            await show(connection, photograph("chelsea.png"), 5_000)
            events = await until(connection, "response.done")
            assert [event.type for event in events if not event.type.endswith(".delta")] == [
                "response.created",
                "response.output_item.added",
                "conversation.item.added",
                "response.content_part.added",
                "response.output_text.done",
                "response.content_part.done",
                "conversation.item.done",
                "response.output_item.done",
                "response.done",
            ]
            metadata = events[0].response.metadata
            assert metadata["streams.unasked"] == "alert"
            assert metadata["streams.frame_ms"].isdigit()
            assert metadata == events[-1].response.metadata
            answer = (await ask(connection, "What is the capital of France?"))[-1].response
            assert answer.metadata is None
            assert "Paris" in answer.output[0].content[0].text

    asyncio.run(scenario())


def test_where_it_is_off_nothing_is_different(connected, photograph):
    async def scenario():
        async with connected() as connection:
            (_, updated) = await until(connection, "session.updated")
            assert "streams" not in updated.session.model_extra
            await ask(connection, REQUEST)
            await show(connection, photograph("chelsea.png"), 5_000)
            events = await ask(connection, "What is the capital of France?")
            created = [event for event in events if event.type == "response.created"]
            assert [event.response.metadata for event in created] == [None]

    asyncio.run(scenario())


def test_requests_are_set_listed_and_cancelled_over_the_wire(connected, photograph):
    async def scenario():
        async with connected(proactive="alerts", events=OWN) as connection:
            create = {"type": "session.standing_request.create", "id": "cat", "text": REQUEST, "repeat": True}
            await connection.send(create)
            told = (await until(connection, "session.standing_requests"))[-1]
            assert (told.change, told.id) == ("added", "cat")
            (request,) = told.requests
            assert (request["text"], request["kind"], request["repeat"]) == (REQUEST, "alert", True)
            await connection.send({**create, "event_id": "mine"})
            error = (await until(connection, "error"))[-1].error
            assert (error.code, error.param, error.event_id) == ("standing_request_exists", "id", "mine")
            await show(connection, photograph("chelsea.png"), 5_000)
            events = await until(connection, "response.done")
            (judged,) = [event for event in events if event.type == "input_video_buffer.judged"]
            assert judged.speak
            assert 0 < judged.probability < 1
            assert events[-1].response.metadata["streams.standing_request"] == "cat"
            await show(connection, mirrored(photograph("chelsea.png")), 15_000)
            suppressed = (await until(connection, "response.suppressed"))[-1]
            assert (suppressed.reason, suppressed.standing_request) == ("told", "cat")
            await connection.session.update(session={"type": "realtime"})
            (updated,) = [await until(connection, "session.updated")]
            own = updated[-1].session.model_extra["streams"]
            assert own["proactive"] == "alerts"
            assert [each["id"] for each in own["standing_requests"]] == ["cat"]
            await connection.send({"type": "session.standing_request.cancel", "id": "cat"})
            told = (await until(connection, "session.standing_requests"))[-1]
            assert (told.change, told.requests) == ("cancelled", [])
            await connection.send({"type": "session.standing_request.cancel", "id": "cat"})
            assert (await until(connection, "error"))[-1].error.code == "standing_request_not_found"

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("own", "code", "param"),
    [
        ({"proactive": "narration"}, "unsupported_value", "session.streams.proactive"),
        ({"proactive": "loudly"}, "invalid_value", "session.streams.proactive"),
    ],
)
def test_what_cannot_be_is_refused_by_name(connected, own, code, param):
    async def scenario():
        async with connected(trained=False, **own) as connection:
            error = (await until(connection, "error"))[-1].error
            assert (error.code, error.param) == (code, param)

    asyncio.run(scenario())

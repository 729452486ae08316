"""What the tests of the wire share: the judge of server events, and a session that does as scripted."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import io
import json
from collections.abc import Callable, Iterator
from typing import Any, get_args

import numpy as np
import PIL.Image
import pytest
from openai import AsyncOpenAI
from openai.resources.realtime.realtime import AsyncRealtimeConnection
from openai.types.realtime import (
    RealtimeServerEvent,
    RealtimeSessionCreateResponse,
    RealtimeTranscriptionSessionCreateResponse,
)
from pydantic import BaseModel, TypeAdapter

from gateway.assembly import Streams
from gateway.live.live import Emit
from gateway.wire.client_event import StreamsEventName
from streams.conversation import Item, ResponseOptions, SessionOptions
from streams.errors import InvalidRequestError
from streams.events import InputCleared, ItemAdded, ItemDone
from streams.serve import new_server
from streams.standing_request import RequestKind, StandingRequest
from streams.types import Image, Samples

SERVER_EVENT: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)
SESSIONS: dict[str, type[BaseModel]] = {
    "realtime": RealtimeSessionCreateResponse,
    "transcription": RealtimeTranscriptionSessionCreateResponse,
}
REPLY_S = 90
OWN_EVENTS = get_args(StreamsEventName)
Judge = Callable[[dict[str, Any]], Any]


class ScriptedRequests:
    """What a scripted session speaks up about: as it is told."""

    def __init__(self, live: ScriptedLive) -> None:
        self.requests: tuple[StandingRequest, ...] = ()
        self._live = live

    async def add(self, text: str, kind: RequestKind, repeats: bool, request_id: str | None) -> None:
        self._live._called("add_standing_request", text, kind, repeats, request_id)

    def cancel(self, request_id: str) -> None:
        self._live._called("cancel_standing_request", request_id)


class ScriptedLive:
    """Records what is asked of it and emits what a test tells it to; ``failures`` are raised by name."""

    def __init__(self, emit: Emit) -> None:
        self.id = "sess_scripted"
        self.options = SessionOptions(instructions="Be brief.")
        self.emit = emit
        self.calls: list[tuple[str, Any]] = []
        self.failures: dict[str, Exception] = {}
        self.closed = asyncio.Event()
        self.last: str | None = None
        self.speaking_up = ScriptedRequests(self)

    def _called(self, name: str, *given: Any) -> None:
        self.calls.append((name, given))
        if name in self.failures:
            raise self.failures[name]

    def thumbnail(self, block_id: int) -> bytes | None:
        return b"jpeg" if block_id == 7 else None

    async def update(self, options: SessionOptions) -> None:
        if options.voice == "nobody":
            raise InvalidRequestError("no such voice", param="voice", code="unknown_voice")
        self._called("update", options)
        self.options = options

    async def append_audio(self, samples: Samples, rate: int) -> None:
        self._called("append_audio", samples, rate)

    async def commit_audio(self) -> None:
        self._called("commit_audio")

    def clear_audio(self) -> None:
        self._called("clear_audio")
        self.emit(InputCleared())

    async def append_frame(self, image: Image, pts_us: int | None) -> None:
        self._called("append_frame", image, pts_us)

    def clear_frames(self) -> None:
        self._called("clear_frames")

    async def add_item(self, item: Item, previous_item_id: str | None) -> None:
        self._called("add_item", item, previous_item_id)
        self.emit(ItemAdded(item, self.last))
        self.emit(ItemDone(item, self.last))
        self.last = item.id

    def retrieve_item(self, item_id: str) -> None:
        self._called("retrieve_item", item_id)

    async def delete_item(self, item_id: str) -> None:
        self._called("delete_item", item_id)

    async def truncate_item(self, item_id: str, content_index: int, audio_end_us: int) -> None:
        self._called("truncate_item", item_id, content_index, audio_end_us)

    async def respond(self, options: ResponseOptions) -> str:
        self._called("respond", options)
        return "resp_1"

    def cancel(self, response_id: str | None) -> None:
        self._called("cancel", response_id)

    def client_left(self) -> None:
        self._called("client_left")

    def client_returned(self, unheard_us: int) -> None:
        self._called("client_returned", unheard_us)

    async def drain(self) -> None: ...

    async def close(self) -> None:
        self.closed.set()


@pytest.fixture(scope="session")
def scripted() -> type[ScriptedLive]:
    return ScriptedLive


@pytest.fixture(scope="session")
def judge() -> Judge:
    """Checks an event strictly against the API's types and returns it as they parse it.

    Every field that they require is there, everything has its type, and nothing else is said at any depth.
    """

    def check(event: dict[str, Any]) -> Any:
        parsed = SERVER_EVENT.validate_python(event, strict=True)
        assert parsed.type == event["type"], "the types know no such event"
        assert event["event_id"]
        foreign = {*foreign_fields(parsed)}
        if event["type"] in ("session.created", "session.updated"):
            # The event's type has the session as it is asked for; as it is told, it has a type of its own.
            kind = SESSIONS[event["session"]["type"]]
            session = kind.model_validate(event["session"], strict=True)
            foreign &= {f"session.{name}" for name in foreign_fields(session)}
            foreign -= {"session.streams"}
        assert not foreign, f"fields outside the API: {foreign}"
        return parsed

    return check


def foreign_fields(value: Any, path: str = "") -> Iterator[str]:
    """Where in an object of the API there are fields that its types do not know."""
    if isinstance(value, BaseModel):
        yield from (f"{path}{name}" for name in value.model_extra or ())
        for name in type(value).model_fields:
            yield from foreign_fields(getattr(value, name), f"{path}{name}.")
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from foreign_fields(each, f"{path}{index}.")


@pytest.fixture(autouse=True)
def judged(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a test's stock client receives is checked: by itself it takes nearly anything."""
    receive = AsyncRealtimeConnection.recv_bytes

    async def recv_bytes(connection: AsyncRealtimeConnection) -> bytes:
        message = await receive(connection)
        event = json.loads(message)
        if event["type"] not in OWN_EVENTS:
            judge(event)
        return message

    monkeypatch.setattr(AsyncRealtimeConnection, "recv_bytes", recv_bytes)


class StockTalk:
    """A stock client's connection, and what is usually done with it."""

    def __init__(self, connection):
        self.connection = connection

    async def until(self, kind):
        """Events up to and with the first of ``kind``."""
        events = []
        async with asyncio.timeout(REPLY_S):
            async for event in self.connection:
                events.append(event)
                assert event.type == kind or event.type != "error", event
                if event.type == kind:
                    break
        return events

    async def say(self, text):
        content = [{"type": "input_text", "text": text}]
        item = {"type": "message", "role": "user", "content": content}
        await self.connection.conversation.item.create(item=item)

    async def response(self, **options):
        """The events of a response."""
        await self.connection.response.create(**({"response": options} if options else {}))
        return await self.until("response.done")

    async def ask(self, text, **options):
        await self.say(text)
        return await self.response(**options)


@pytest.fixture
def talking(streams):
    """Connects a stock client to a fresh gateway: ``async with talking(**session) as talk``.

    Its time stands still where no media come, so that the model reads the same times in every run.
    """
    server_config = streams.config.server.model_copy(update={"clock": "media"})
    service = Streams(streams.config.model_copy(update={"server": server_config}), streams.backend)

    @contextlib.asynccontextmanager
    async def connect(**session):
        async with new_server(service) as server:
            client = AsyncOpenAI(api_key="none", base_url=f"http://127.0.0.1:{server.port}/v1")
            async with client.realtime.connect(model="streams") as connection:
                talk = StockTalk(connection)
                await talk.until("session.created")
                await connection.session.update(session={"type": "realtime", **session})
                (updated,) = await talk.until("session.updated")
                assert [tool.name for tool in updated.session.tools] == [
                    tool["name"] for tool in session.get("tools", ())
                ]
                yield talk

    return connect


@pytest.fixture(scope="session")
def voice(streams) -> Callable[[str], Samples]:
    """A sentence as sound at 24 kHz."""
    return streams.backend.synthesizer.synthesize


@pytest.fixture(scope="session")
def photograph(models) -> Callable[[str], str]:
    """A photograph of the sample by its file's name, encoded, in base64."""
    folder = models.resolve("sample").path
    return lambda name: base64.b64encode(next(folder.rglob(name)).read_bytes()).decode()


@pytest.fixture(scope="session")
def png() -> bytes:
    """A small real picture, 12x8."""
    buffer = io.BytesIO()
    PIL.Image.fromarray(np.full((8, 12, 3), 200, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="session")
def png_base64(png: bytes) -> str:
    return base64.b64encode(png).decode()

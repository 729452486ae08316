"""A named session is left and entered again, through the service and through the wire."""

import asyncio
import contextlib
import json
import threading
from dataclasses import replace

import numpy as np
import PIL.Image
import pytest
from websockets.asyncio.client import connect

from gateway.access.key import ApiKey, digest_of, new_secret
from gateway.access.key_file import write_keys
from gateway.assembly import Streams
from gateway.live import sight
from gateway.server.server import GatewayServer
from streams.clock import ReplayClock
from streams.conversation import Message, ResponseOptions, TextContent
from streams.errors import InvalidRequestError, MemoryStoreError
from streams.events import MemoryReported, MomentsRecalled, ResponseDone, TextDelta
from streams.serve import new_server
from streams.session import new_id
from streams.types import US_PER_S, BlockKind

TIMEOUT_S = 60
QUESTIONS = ("What was there to drink?", "Which animal did you see?", "What do you see now?")


@pytest.fixture
def restart(streams, config, tmp_path):
    """The service as a new process would have it: the same models, memory opened anew from its folder."""
    opened = []

    def start(**settings):
        if opened:
            opened.pop()._memories.close()
        small = {"dir": tmp_path / "kept", "window_tokens": 13} | settings
        server = config.server.model_copy(update={"port": 0})
        memory = config.memory.model_copy(update=small)
        opened.append(
            Streams(config.model_copy(update={"memory": memory, "server": server}), streams.backend)
        )
        return opened[-1]

    yield start
    for service in opened:
        service._memories.check_integrity()
        service._memories.close()


@pytest.fixture
def photographs(models):
    folder = models.resolve("sample").path

    def load(name):
        return np.asarray(PIL.Image.open(next(folder.rglob(name))).convert("RGB").resize((320, 240)))

    return [load(name) for name in ("coffee.png", "chelsea.png", "rocket.jpg", "motorcycle_left.png")]


class Visit:
    def __init__(self):
        self.events = []
        self.answering = asyncio.Event()

    def emit(self, event):
        self.events.append(event)
        if isinstance(event, TextDelta):
            self.answering.set()

    async def look(self, photographs):
        for second, picture in enumerate(photographs):
            await self.session.append_frame(picture, 20 * second * US_PER_S)
        await self.session.drain()

    async def ask(self, text):
        """Answered out of band, so that asking changes nothing: the answer, and what was recalled for it."""
        self.events.clear()
        await self.session.add_item(Message(new_id("item"), "user", (TextContent(text),)), None)
        await self.session.respond(ResponseOptions(in_conversation=False))
        await self.session.drain()
        (recalled,) = [each for each in self.events if isinstance(each, MomentsRecalled)]
        (done,) = [each for each in self.events if isinstance(each, ResponseDone)]
        self.session._reading.take_pending()  # the question would be the conversation's to answer
        return done.item.content[0].text, recalled.moments


@contextlib.asynccontextmanager
async def visiting(service, name="kitchen", at_us=None):
    visit = Visit()
    clock = ReplayClock if at_us is None else lambda start_us: ReplayClock(at_us)
    options = replace(service.default_options(), modality="text", max_output_tokens=24)
    visit.session = await service.open_session(visit.emit, name=name, clock=clock, options=options)
    try:
        yield visit
    finally:
        await visit.session.close()


def test_answers_are_the_same_before_and_after_a_restart(restart, photographs, monkeypatch):
    later_us = 600 * US_PER_S

    async def before(service):
        async with visiting(service) as visit:
            await visit.look(photographs)
        async with visiting(service, at_us=later_us) as visit:
            return [await visit.ask(question) for question in QUESTIONS[:1]]

    async def after(service):
        async with visiting(service, at_us=later_us) as visit:
            assert visit.session.id == "kitchen"
            return [await visit.ask(question) for question in QUESTIONS[:1]]

    first = asyncio.run(before(restart()))
    assert first[0][1], "something was recalled"
    service = restart()
    forward = service.backend.reader.backbone.forward
    asked = []
    monkeypatch.setattr(
        type(service.backend.reader.backbone),
        "forward",
        lambda self, embeddings, context, **how: (
            asked.append(len(embeddings)) or forward(embeddings, context, **how)
        ),
    )

    async def enter(service):
        async with visiting(service):
            return len(asked)

    assert asyncio.run(enter(service)) == 0, "opening it again ran no model"
    assert asyncio.run(after(service)) == first


def test_its_clock_goes_on_and_so_do_its_pictures(restart, photographs):
    async def first(service):
        async with visiting(service) as visit:
            await visit.look(photographs)

    async def second(service):
        async with visiting(service) as visit:
            await visit.look(photographs[:1])
            _, moments = await visit.ask("Which animal did you see?")
            pictures = [visit.session.thumbnail(moment.block_id) for moment in moments]
            return [info.start_us for info in everything(visit)], moments, pictures

    asyncio.run(first(restart()))
    starts, moments, pictures = asyncio.run(second(restart()))
    assert starts == sorted(starts)
    assert starts[-1] >= 61 * US_PER_S
    assert moments
    assert all(picture is not None and picture.startswith(b"\xff\xd8") for picture in pictures)


def test_pictures_that_left_ram_are_read_back_from_disk(restart, photographs, monkeypatch):
    monkeypatch.setattr(sight, "THUMBNAILS_AT_HAND", 1)

    async def scenario(service):
        async with visiting(service) as visit:
            await visit.look(photographs)
            at_hand = [info.id for info in everything(visit) if visit.session.thumbnail(info.id)]
            _, (moment,) = await visit.ask("Which animal did you see?")
            return at_hand, moment.block_id, visit.session.thumbnail(moment.block_id)

    at_hand, asked, picture = asyncio.run(scenario(restart(recall_blocks=1)))
    assert len(at_hand) == 1
    assert asked not in at_hand
    assert picture is not None


def everything(visit):
    memory = visit.session._stream.memory
    return [*memory.sealed(), *(block.info for block in memory.recent())]


@pytest.mark.parametrize("answering", [False, True])
def test_what_was_said_last_is_remembered_when_its_client_leaves(restart, answering):
    said = "My umbrella is behind the door."

    async def first(service):
        async with visiting(service) as visit:
            await visit.session.add_item(Message(new_id("item"), "user", (TextContent(said),)), None)
            if answering:
                await visit.session.respond(ResponseOptions())
                await asyncio.wait_for(visit.answering.wait(), TIMEOUT_S)

    async def second(service):
        async with visiting(service) as visit:
            return everything(visit)

    asyncio.run(first(restart()))
    infos = asyncio.run(second(restart()))
    assert infos[0].text == said
    assert infos[0].kind is BlockKind.UTTERANCE
    assert [info.kind for info in infos[1:]] == ([BlockKind.REPLY] if answering else [])


def test_instructions_last_until_new_ones_come(restart):
    async def first(service):
        async with visiting(service) as visit:
            await visit.session.update(replace(visit.session.options, instructions="Answer in rhymes."))
            await visit.session.drain()

    async def second(service):
        async with visiting(service) as visit:
            return visit.session.options.instructions, visit.session._stream.instructions

    asyncio.run(first(restart()))
    assert asyncio.run(second(restart())) == ("Answer in rhymes.", "Answer in rhymes.")


def test_a_session_that_is_open_is_not_opened_twice(restart):
    async def scenario(service):
        async with visiting(service):
            with pytest.raises(MemoryStoreError) as error:
                async with visiting(service):
                    pass
            assert error.value.code == "session_in_use"

    asyncio.run(scenario(restart()))


def test_without_a_folder_no_session_has_a_name(restart):
    async def scenario(service):
        with pytest.raises(InvalidRequestError, match="--memory-dir") as error:
            async with visiting(service):
                pass
        assert error.value.param == "session"

    asyncio.run(scenario(restart(dir=None)))


def test_what_memory_reports_reaches_the_session_from_any_thread(restart):
    async def scenario(service):
        async with visiting(service) as visit:
            notice = MemoryReported("forgotten", 3, "the disk budget is used up")
            await asyncio.to_thread(visit.session._stream.memory.notify, notice)
            await asyncio.sleep(0)
            assert notice in visit.events
            memory = visit.session._stream.memory
        memory.notify(notice)  # the session is closed: nobody is told
        await asyncio.sleep(0)
        assert visit.events.count(notice) == 1

    asyncio.run(scenario(restart()))


def test_frames_wait_while_memory_waits_for_the_disk(restart, photographs, monkeypatch):
    async def scenario(service):
        async with visiting(service) as visit:
            memory = visit.session._stream.memory
            room = threading.Event()
            monkeypatch.setattr(type(memory), "must_wait", property(lambda self: not room.is_set()))
            monkeypatch.setattr(memory, "wait_for_room", lambda timeout_s=None: room.wait(TIMEOUT_S))
            await visit.session.append_frame(photographs[0], 0)
            await asyncio.sleep(0.2)
            assert memory.recent() == []
            room.set()
            await visit.session.drain()
            assert len(memory.recent()) == 1

    asyncio.run(scenario(restart()))


def test_instructions_that_do_not_fit_change_nothing(restart):
    async def scenario(service):
        async with visiting(service) as visit:
            before = visit.session.options
            with pytest.raises(InvalidRequestError) as error:
                await visit.session.update(replace(before, instructions="word " * 9_000, voice=before.voice))
            assert (error.value.code, error.value.param) == ("context_length_exceeded", "instructions")
            assert visit.session.options == before

    asyncio.run(scenario(restart()))


def test_what_has_no_name_and_holds_nothing_is_not_kept(restart, tmp_path):
    async def scenario(service):
        async with visiting(service, name=None):
            pass
        async with visiting(service, name="kitchen"):
            pass

    asyncio.run(scenario(restart()))
    kept = [folder.name for folder in (tmp_path / "kept" / "default").iterdir() if folder.is_dir()]
    assert kept == ["kitchen"]


class TestWire:
    @staticmethod
    async def first_event(server: GatewayServer, query: str):
        async with connect(f"{server.url}?{query}") as socket:
            return json.loads(await asyncio.wait_for(socket.recv(), TIMEOUT_S))

    def test_the_address_names_the_session(self, restart):
        async def scenario(service):
            async with new_server(service) as server:
                named = await self.first_event(server, "model=streams&session=kitchen")
                unnamed = await self.first_event(server, "model=streams")
            assert named["session"]["id"] == "kitchen"
            assert unnamed["session"]["id"].startswith("sess_")

        asyncio.run(scenario(restart()))

    def test_a_name_that_cannot_be_had_is_refused_with_its_reason(self, restart):
        async def scenario(service):
            async with new_server(service) as server, connect(f"{server.url}?session=kitchen") as socket:
                await socket.recv()
                taken = await self.first_event(server, "session=kitchen")
                wrong = await self.first_event(server, "session=../etc")
                empty = await self.first_event(server, "session=")
            assert taken["error"]["code"] == "session_in_use"
            assert "kitchen" in taken["error"]["message"]
            for refused in (wrong, empty):
                assert refused["error"]["type"] == "invalid_request_error"
                assert refused["error"]["param"] == "session"

        asyncio.run(scenario(restart()))

    def test_tenants_have_sessions_of_the_same_name_and_nothing_of_each_other(self, restart, tmp_path):
        file = tmp_path / "keys.json"
        secrets = {tenant: new_secret() for tenant in ("alice", "bob")}
        write_keys(
            file, [ApiKey(name, name, digest_of(secret), "2026-01-01") for name, secret in secrets.items()]
        )

        def visit(server, tenant):
            headers = {"Authorization": f"Bearer {secrets[tenant]}"}
            return connect(f"{server.url}?session=kitchen", additional_headers=headers)

        async def tell(socket, text):
            await socket.send(
                json.dumps(
                    {"type": "session.update", "session": {"type": "realtime", "output_modalities": ["text"]}}
                )
            )
            content = [{"type": "input_text", "text": text}]
            item = {"type": "message", "role": "user", "content": content}
            await socket.send(json.dumps({"type": "conversation.item.create", "item": item}))
            await socket.send(json.dumps({"type": "response.create"}))
            async with asyncio.timeout(TIMEOUT_S):
                while json.loads(await socket.recv())["type"] != "response.done":
                    pass

        async def scenario(service):
            service.config = service.config.model_copy(
                update={"server": service.config.server.model_copy(update={"keys_file": file})}
            )
            async with (
                new_server(service) as server,
                visit(server, "alice") as alice,
                visit(server, "bob") as bob,
            ):
                for socket in (alice, bob):  # both at once: neither is in the other's way
                    assert json.loads(await socket.recv())["session"]["id"] == "kitchen"
                await tell(alice, "The safe's number is 4711.")
            return {str(each.key): each.blocks for each in service._memories._store.sessions()}

        blocks = asyncio.run(scenario(restart()))
        assert blocks.keys() == {"alice/kitchen", "bob/kitchen"}
        assert blocks["bob/kitchen"] == 1 < blocks["alice/kitchen"]  # its instructions

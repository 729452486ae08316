"""A session that speaks up unasked, on the real models, with thresholds that are met where a test wants."""

import asyncio
import contextlib
from copy import copy
from dataclasses import replace

import numpy as np
import PIL.Image
import pytest

from gateway.assembly import Streams, load_reader
from llm.speaking import Speaking
from streams.clock import ReplayClock
from streams.conversation import Message, ResponseOptions, TextContent
from streams.errors import InvalidRequestError, MemoryStoreError
from streams.events import ItemDeleted, ResponseCreated, ResponseDone, SessionFailed, SpeechStarted, TextDelta
from streams.session import new_id
from streams.types import BlockKind
from streams.unasked import FrameJudged, StandingRequestsChanged, UnaskedSuppressed

S = 1_000_000
RATE = 24_000
TIMEOUT_S = 90
ALWAYS, NEVER = 1e-9, 1 - 1e-9
REQUEST = "Tell me when you see a cat."
FILM = ("coffee.png", "motorcycle.png", "chelsea.png", "rocket.jpg")


@pytest.fixture(scope="module")
def photograph(models):
    folder = models.resolve("sample").path

    def load(name):
        found = [*folder.rglob(name)] or [*folder.rglob(name.split(".")[0] + "*")]
        return np.asarray(PIL.Image.open(found[0]).convert("RGB").resize((320, 240)))

    return load


@pytest.fixture
def service(streams, config, tmp_path):
    """The service on a model that is taken to tell when to speak, above ``threshold``; None: not to."""

    def new(threshold=ALWAYS, **llm):
        reader = copy(streams.backend.reader)
        reader.speaking = None if threshold is None else Speaking(reader.backbone, reader.chat, threshold)
        memory = config.memory.model_copy(update={"dir": tmp_path})
        settings = {"memory": memory, "llm": config.llm.model_copy(update=llm)}
        return Streams(config.model_copy(update=settings), replace(streams.backend, reader=reader))

    return new


class Talk:
    """A session and all that it told, in order."""

    def __init__(self):
        self.events = []
        self._changed = asyncio.Event()

    def emit(self, event):
        self.events.append(event)
        self._changed.set()

    async def until(self, kind):
        async with asyncio.timeout(TIMEOUT_S):
            while not self.of(kind):
                self._changed.clear()
                await self._changed.wait()

    def of(self, kind):
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def unasked(self):
        return [event.unasked for event in self.of(ResponseCreated) if event.unasked is not None]

    async def show(self, image, at_us):
        await self.session.append_frame(image, at_us)
        await self.settled()

    async def settled(self):
        async with asyncio.timeout(TIMEOUT_S):
            await self.session.drain()

    async def write(self, text, item_id=None):
        item = Message(item_id or new_id("item"), "user", (TextContent(text),))
        await self.session.add_item(item, None)

    async def ask(self, text, item_id=None):
        await self.write(text, item_id)
        await self.session.respond(ResponseOptions())
        await self.settled()

    async def change(self, **options):
        await self.session.update(replace(self.session.options, **options))
        await self.settled()


@contextlib.asynccontextmanager
async def talking(service, clock=None, name=None, proactive="alerts", **options):
    talk = Talk()
    options = {"modality": "text", "max_output_tokens": 6} | options
    talk.session = await service.open_session(
        talk.emit,
        name=name,
        clock=lambda start_us: clock or ReplayClock(start_us),
        options=replace(service.default_options(), **options),
    )
    try:
        if proactive != "off":
            await talk.change(proactive=proactive)
        yield talk
    finally:
        await talk.session.close()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def watch(talk, pictures, start_us=0):
    for number, picture in enumerate(pictures):
        await talk.show(picture, start_us + number * 5 * S)


def test_it_speaks_at_the_frame_that_is_above_the_threshold_and_at_no_other(service, photograph):
    film = [photograph(name) for name in FILM]

    async def probabilities():
        async with talking(service(NEVER)) as talk:
            await talk.session.speaking_up.add(REQUEST, "alert", False, "cat")
            await watch(talk, film)
            assert talk.unasked == []
            return {judged.pts_us: judged.probability for judged in talk.of(FrameJudged)}

    found = asyncio.run(probabilities())
    at_us = FILM.index("chelsea.png") * 5 * S
    assert len(found) >= 3

    async def held():
        async with talking(service(min(1.01 * found[at_us], NEVER))) as talk:
            await talk.session.speaking_up.add(REQUEST, "alert", False, "cat")
            await watch(talk, film)
            assert talk.unasked == []
            assert not any(judged.speaks for judged in talk.of(FrameJudged))

    asyncio.run(held())

    async def scenario():
        async with talking(service(0.99 * found[at_us])) as talk:
            await talk.session.speaking_up.add(REQUEST, "alert", False, "cat")
            await watch(talk, film)
            (unasked,) = talk.unasked
            assert (unasked.request_id, unasked.kind, unasked.at_us) == ("cat", "alert", at_us)
            (done,) = talk.of(ResponseDone)
            assert done.status in ("completed", "incomplete")
            assert done.item.content[0].text == "".join(each.text for each in talk.of(TextDelta)).strip()
            memory = talk.session._stream.memory
            replies = [block for block in memory.recent() if block.info.kind is BlockKind.REPLY]
            assert [block.info.text for block in replies] == [done.item.content[0].text]
            changes = [(event.change, event.request_id) for event in talk.of(StandingRequestsChanged)]
            assert changes == [("added", "cat"), ("met", "cat")]
            assert talk.session.speaking_up.requests == ()
            judged = [(each.pts_us, each.speaks) for each in talk.of(FrameJudged)]
            assert [when for when, speaks in judged if speaks] == [at_us]
            assert all(when <= at_us for when, _ in judged), "nothing is looked out for any more"

    asyncio.run(scenario())


def test_a_model_that_cannot_tell_is_said_to_be_none(service):
    async def scenario():
        async with talking(service(None), proactive="off") as talk:
            with pytest.raises(InvalidRequestError, match="not trained") as raised:
                await talk.change(proactive="alerts")
            assert raised.value.param == "proactive"
            with pytest.raises(InvalidRequestError) as raised:
                await talk.session.speaking_up.add(REQUEST, "alert", False, None)
            assert raised.value.code == "proactive_off"

    asyncio.run(scenario())


def test_a_session_that_was_not_asked_to_never_speaks_up(service, photograph):
    async def scenario():
        async with talking(service(ALWAYS), proactive="off") as talk:
            await talk.ask(REQUEST)
            await watch(talk, [photograph(name) for name in FILM])
            assert [event.unasked for event in talk.of(ResponseCreated)] == [None]
            assert talk.of(FrameJudged) == []
            assert talk.session.speaking_up.requests == ()

    asyncio.run(scenario())


@pytest.mark.parametrize("enough", ["Thank you. You can stop telling me about cats.", "Stop telling me."])
def test_what_a_user_asks_stands_once_it_is_answered_and_may_be_stopped(enough, service, photograph):
    async def scenario():
        async with talking(service(ALWAYS)) as talk:
            await talk.show(photograph("coffee.png"), 0)
            assert talk.of(FrameJudged) == [], "nothing is looked out for yet"
            await talk.ask("Hello. Tell me whenever you see a cat!")
            assert [done.status for done in talk.of(ResponseDone)] != [], "it is acknowledged"
            (request,) = talk.session.speaking_up.requests
            assert (request.kind, request.repeats) == ("alert", True)
            assert request.text == "Tell me whenever you see a cat!"
            await talk.show(photograph("chelsea.png"), 10 * S)
            assert [unasked.request_id for unasked in talk.unasked] == [request.id]
            await talk.show(photograph("chelsea.png")[:, ::-1], 20 * S)
            assert [each.reason for each in talk.of(UnaskedSuppressed)] == ["told"]
            await talk.ask(enough)
            assert talk.session.speaking_up.requests == ()
            await talk.show(photograph("chelsea.png"), 30 * S)
            assert len(talk.unasked) == 1
            assert not talk.of(SessionFailed)

    asyncio.run(scenario())


def test_a_frame_that_is_far_from_every_request_is_silence_whatever_the_model_says(service, photograph):
    """After it, what was told of already is told of again."""

    async def scenario():
        async with talking(service(ALWAYS)) as talk:
            await talk.session.speaking_up.add(REQUEST, "alert", True, "cat")
            film = ("coffee.png", "chelsea.png", "motorcycle.png", "chelsea.png")
            await watch(talk, [photograph(name) for name in film])
            speaks = {judged.pts_us: judged.speaks for judged in talk.of(FrameJudged)}
            assert speaks == {0: False, 5 * S: True, 10 * S: False, 15 * S: True}
            assert [unasked.at_us for unasked in talk.unasked] == [5 * S, 15 * S]
            assert talk.of(UnaskedSuppressed) == []

    asyncio.run(scenario())


def test_a_request_whose_item_is_deleted_stands_no_more(service, photograph):
    async def scenario():
        async with talking(service(ALWAYS)) as talk:
            await talk.ask(REQUEST, "mine")
            assert len(talk.session.speaking_up.requests) == 1
            await talk.session.delete_item("mine")
            await talk.settled()
            assert talk.of(ItemDeleted)
            assert talk.session.speaking_up.requests == ()
            await talk.show(photograph("chelsea.png"), 10 * S)
            assert talk.unasked == []

    asyncio.run(scenario())


def test_in_narration_mode_each_frame_that_is_news_is_told_of(service, photograph):
    async def scenario():
        async with talking(service(ALWAYS), proactive="narration") as talk:
            (request,) = talk.session.speaking_up.requests
            await watch(talk, [photograph(name) for name in FILM])
            judged = [each.pts_us for each in talk.of(FrameJudged)]
            assert len(judged) >= 3
            assert [unasked.at_us for unasked in talk.unasked] == judged
            assert {unasked.request_id for unasked in talk.unasked} == {request.id}
            await talk.change(proactive="alerts")
            assert talk.session.speaking_up.requests == ()
            assert talk.of(StandingRequestsChanged)[-1].change == "mode"

    asyncio.run(scenario())


def test_of_several_requests_the_one_is_met_that_the_frame_is_about(service, photograph):
    async def scenario():
        async with talking(service(ALWAYS)) as talk:
            for request_id, text in (("cat", REQUEST), ("coffee", "Tell me when there is coffee.")):
                await talk.session.speaking_up.add(text, "alert", False, request_id)
            await talk.show(photograph("coffee.png"), 0)
            await talk.show(photograph("chelsea.png"), 10 * S)
            assert [unasked.request_id for unasked in talk.unasked] == ["coffee", "cat"]

    asyncio.run(scenario())


def test_standing_requests_survive_a_restart(service, photograph):
    async def first():
        async with talking(service(NEVER), name="kitchen") as talk:
            await talk.session.speaking_up.add(REQUEST, "alert", True, "cat")
            await talk.ask("Let me know once the coffee is ready.")
            await talk.show(photograph("coffee.png"), 0)
            stream = talk.session._stream
            return talk.session.speaking_up.requests, stream.standing.block_ids()

    requests, blocks = asyncio.run(first())
    assert len(requests) == len(blocks) == 2

    async def second():
        async with talking(service(ALWAYS), name="kitchen", proactive="off") as talk:
            assert talk.session.speaking_up.requests == requests
            assert talk.session._stream.standing.block_ids() == blocks
            start_us = talk.session._stream.memory.resume_us(at_wall_time=False)
            await talk.show(photograph("motorcycle.png"), start_us + S)
            assert talk.of(FrameJudged) == [], "they rest until the client wants to be told"
            await talk.change(proactive="alerts")
            await talk.show(photograph("chelsea.png"), start_us + 10 * S)
            assert [unasked.request_id for unasked in talk.unasked] == ["cat"]

    asyncio.run(second())


def test_a_question_cuts_an_unasked_reply_short_and_is_answered(service, photograph):
    async def scenario():
        async with talking(service(ALWAYS), max_output_tokens=90) as talk:
            await talk.session.speaking_up.add(REQUEST, "alert", True, "cat")
            showing = asyncio.create_task(talk.show(photograph("chelsea.png"), 0))
            await talk.until(TextDelta)
            assert talk.unasked
            await talk.ask("What is the capital of France?")
            await showing
            first, second = talk.of(ResponseDone)
            assert (first.status, first.reason) == ("cancelled", "client_cancelled")
            kinds = [
                type(event) for event in talk.events if isinstance(event, ResponseCreated | ResponseDone)
            ]
            assert kinds == [ResponseCreated, ResponseDone] * 2
            assert "Paris" in second.item.content[0].text

    asyncio.run(scenario())


def test_nobody_is_talked_over_and_what_was_said_is_answered_first(
    service, photograph, hand_clock, at_rest, streams
):
    sentence = streams.backend.synthesizer.synthesize("What is the capital of France?")
    quiet = np.zeros(RATE, np.float32)

    async def scenario():
        clock = hand_clock
        async with talking(service(ALWAYS), clock) as talk:

            async def hear(samples):
                for at in range(0, len(samples), RATE // 10):
                    clock.advance_to(clock.now_us() + S // 10)
                    await talk.session.append_audio(samples[at : at + RATE // 10], RATE)
                    await at_rest(talk.events)

            await talk.session.speaking_up.add(REQUEST, "alert", False, "cat")
            await hear(np.concatenate([quiet, sentence[: RATE // 2]]))
            assert talk.of(SpeechStarted)
            await talk.session.append_frame(photograph("chelsea.png"), None)
            await talk.until(FrameJudged)
            await at_rest(talk.events)
            assert talk.of(ResponseCreated) == []
            await hear(np.concatenate([sentence[RATE // 2 :], quiet]))
            await talk.settled()
            await at_rest(talk.events)
            created = [event.unasked and event.unasked.request_id for event in talk.of(ResponseCreated)]
            assert created == [None, "cat"]
            assert not talk.of(UnaskedSuppressed)

    asyncio.run(scenario())


def test_the_trained_model_speaks_up_when_what_was_asked_for_is_shown(streams, config, photograph):
    """With the threshold of its weights. Of other photographs it has false alarms: its card says so."""
    models = config.models.model_copy(update={"sight": "embedded"})
    reader, shape = load_reader(config.model_copy(update={"models": models}))
    backend = replace(streams.backend, reader=reader, memory_shape=shape)

    async def scenario():
        async with talking(Streams(config, backend)) as talk:
            await talk.session.speaking_up.add(REQUEST, "alert", False, "cat")
            await watch(talk, [photograph(name) for name in ("rocket.jpg", "camera.png", "chelsea.png")])
            judged = [(each.pts_us // S, each.speaks) for each in talk.of(FrameJudged)]
            assert judged == [(0, False), (5, False), (10, True)]
            assert [unasked.request_id for unasked in talk.unasked] == ["cat"]

    asyncio.run(scenario())


@pytest.mark.parametrize("message", [REQUEST, f"Hello, it is a fine day. {REQUEST} Thank you."])
def test_a_request_that_is_typed_stands_though_nobody_answers_it(service, photograph, message):
    async def scenario():
        async with talking(service(ALWAYS)) as talk:
            await talk.write(message)
            await talk.settled()
            (request,) = talk.session.speaking_up.requests
            standing = talk.session._stream.standing
            assert [standing._blocks[request.id].info.text] == [REQUEST]
            assert not talk.session._stream.memory.recent(), "it is not said twice"
            await watch(talk, [photograph("coffee.png"), photograph("chelsea.png")])
            assert [unasked.request_id for unasked in talk.unasked] == [request.id]

    asyncio.run(scenario())


def test_a_sentence_that_is_too_long_to_be_attended_to_with_every_frame_does_not_stand(service):
    async def scenario():
        async with talking(service(ALWAYS)) as talk:
            await talk.write("Tell me when you see a cat" + " or a dog" * 80)
            await talk.settled()
            assert [failed.error.code for failed in talk.of(SessionFailed)] == ["standing_request_too_long"]
            assert talk.session.speaking_up.requests == ()

    asyncio.run(scenario())


def test_a_request_whose_block_is_lost_is_read_again_and_not_said_again(service, photograph):
    async def first():
        async with talking(service(NEVER), name="kitchen") as talk:
            for request_id in ("cat", "other"):
                await talk.session.speaking_up.add(REQUEST, "alert", True, request_id)
            stream = talk.session._stream
            stream.memory.forget([stream.standing.block_ids()["cat"]])
            return talk.session.speaking_up.requests

    requests = asyncio.run(first())

    async def again():
        async with talking(service(ALWAYS), name="kitchen", proactive="off") as talk:
            assert talk.session.speaking_up.requests == requests
            stream = talk.session._stream
            assert set(stream.standing.block_ids()) == {"cat", "other"}
            known = [*stream.memory.sealed(), *(block.info for block in stream.memory.recent())]
            assert [info.text for info in known] == [REQUEST]

    asyncio.run(again())
    asyncio.run(again())


def test_a_request_that_cannot_be_read_does_not_stand(service, monkeypatch):
    def fail(*_):
        raise MemoryStoreError("the disk is full")

    async def scenario():
        async with talking(service(NEVER)) as talk:
            with monkeypatch.context() as failing:
                failing.setattr(talk.session._stream, "take_message", fail)
                with pytest.raises(MemoryStoreError):
                    await talk.session.speaking_up.add(REQUEST, "alert", True, "cat")
            assert talk.session.speaking_up.requests == ()
            assert talk.of(StandingRequestsChanged)[-1].change == "cancelled"
            await talk.session.speaking_up.add(REQUEST, "alert", True, "cat")
            assert "cat" in talk.session._stream.standing

    asyncio.run(scenario())


def test_there_is_no_room_for_narration_beside_as_many_requests_as_may_stand(service):
    async def scenario():
        async with talking(service(NEVER)) as talk:
            for number in range(8):
                await talk.session.speaking_up.add(REQUEST, "alert", True, f"cat {number}")
            with pytest.raises(InvalidRequestError) as raised:
                await talk.change(proactive="narration")
            assert (raised.value.code, raised.value.param) == ("too_many_standing_requests", "proactive")
            assert talk.session.options.proactive == "alerts"

    asyncio.run(scenario())

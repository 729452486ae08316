"""Responses of a whole session, typed questions on media time."""

import asyncio
from dataclasses import replace

import pytest

from gateway.assembly import Streams
from streams.clock import ReplayClock
from streams.conversation import FunctionCall, FunctionOutput, Message, ResponseOptions, TextContent
from streams.errors import InvalidRequestError
from streams.events import (
    AudioDelta,
    MomentsRecalled,
    ResponseCreated,
    ResponseDone,
    ResponseItemAdded,
    TextDelta,
)
from streams.session import new_id
from streams.types import US_PER_S, BlockKind

TIMEOUT_S = 90


class Mute:
    """A synthesiser that fails."""

    rate = 24_000
    voices = ("heart",)
    speeds = (0.5, 2.0)

    def synthesize(self, text, *, voice=None, speed=1.0):
        raise InvalidRequestError("lost its voice", param="voice")


@pytest.fixture
def service(streams, config, tmp_path):
    memory = config.memory.model_copy(update={"dir": tmp_path})
    return Streams(config.model_copy(update={"memory": memory}), streams.backend)


class Talk:
    """A session and what it told."""

    def __init__(self):
        self.events = []
        self.on_event = lambda event: None

    def emit(self, event):
        self.events.append(event)
        self.on_event(event)

    async def ask(self, text, **options):
        """Ask and wait for the answer; the events of its response."""
        await self.session.add_item(Message(new_id("item"), "user", (TextContent(text),)), None)
        return await self.answered(await self.session.respond(ResponseOptions(**options)))

    async def answered(self, response_id):
        async with asyncio.timeout(TIMEOUT_S):
            await self.session.drain()
        return [event for event in self.events if getattr(event, "response_id", None) == response_id]

    def remembered(self, kind):
        memory = self.session._stream.memory
        infos = [*memory.sealed(), *(block.info for block in memory.recent())]
        return [info.text for info in infos if info.kind is kind]


def talk(service, scenario):
    async def run():
        conversation = Talk()
        options = replace(service.default_options(), modality="text", max_output_tokens=24)
        conversation.session = await service.open_session(
            conversation.emit, clock=ReplayClock, options=options
        )
        try:
            await scenario(conversation)
        finally:
            await conversation.session.close()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(run())


def text_of(events):
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def test_a_response_is_told_from_its_creation_to_its_end(service):
    async def scenario(conversation):
        events = await conversation.ask("What is the capital of France?")
        kinds = [type(event) for event in events]
        assert kinds[:3] == [ResponseCreated, MomentsRecalled, ResponseItemAdded]
        assert kinds[-1] is ResponseDone
        assert set(kinds[3:-1]) == {TextDelta}
        done = events[-1]
        assert (done.status, done.reason, done.error) == ("completed", None, None)
        assert done.item == replace(
            events[2].item, content=(TextContent(text_of(events)),), status="completed"
        )
        assert "Paris" in text_of(events)
        # The last token, which ends the reply, has no text.
        assert 0 < done.output_tokens <= len([kind for kind in kinds if kind is TextDelta]) + 1
        assert 0 < done.input_tokens < done.context_tokens
        assert done.times.first_audio_ms is None
        assert 0 < done.times.recall_ms <= done.times.first_token_ms <= done.times.total_ms
        assert conversation.remembered(BlockKind.UTTERANCE)[-1] == "What is the capital of France?"
        assert conversation.remembered(BlockKind.REPLY)[-1] == text_of(events)

    talk(service, scenario)


def test_an_answer_as_long_as_it_may_be_is_incomplete(service):
    async def scenario(conversation):
        done = (await conversation.ask("Tell me a long story.", max_output_tokens=5))[-1]
        assert (done.status, done.reason) == ("incomplete", "max_output_tokens")
        assert (done.output_tokens, done.item.status) == (5, "incomplete")
        assert conversation.remembered(BlockKind.REPLY)[-1] == done.item.content[0].text.strip()

    talk(service, scenario)


def test_out_of_band_leaves_no_trace(service):
    async def scenario(conversation):
        before = await conversation.session.memory_stats()
        done = (await conversation.ask("What is two plus two?", in_conversation=False))[-1]
        assert done.item is not None
        assert not done.in_conversation
        assert (await conversation.session.memory_stats()).blocks == before.blocks

    talk(service, scenario)


def test_a_response_without_a_question_goes_on_from_what_there_is(service):
    async def scenario(conversation):
        response_id = await conversation.session.respond(ResponseOptions(max_output_tokens=4))
        done = (await conversation.answered(response_id))[-1]
        assert done.status in ("completed", "incomplete")
        assert conversation.remembered(BlockKind.UTTERANCE) == []

    talk(service, scenario)


def test_a_question_whose_answer_is_stopped_before_it_begins_is_remembered(service):
    async def scenario(conversation):
        session = conversation.session
        question = Message("mine", "user", (TextContent("The meeting is on Friday."),))
        await session.add_item(question, None)
        response_id = await session.respond(ResponseOptions())
        session.cancel(response_id)
        events = await conversation.answered(response_id)
        assert [type(event) for event in events] == [ResponseCreated, ResponseDone]
        done = events[-1]
        assert (done.status, done.reason, done.item) == ("cancelled", "client_cancelled", None)
        assert conversation.remembered(BlockKind.UTTERANCE) == ["The meeting is on Friday."]
        assert conversation.remembered(BlockKind.REPLY) == []

    talk(service, scenario)


def test_cancelled_while_it_is_written_it_keeps_what_was_written(service):
    async def scenario(conversation):
        def cancel(event):
            if isinstance(event, TextDelta) and len(text_of(conversation.events)) > 10:
                conversation.on_event = lambda event: None
                conversation.session.cancel(event.response_id)

        conversation.on_event = cancel
        told = await conversation.ask("Tell me a long story about a king.")
        done = told[-1]
        assert (done.status, done.reason) == ("cancelled", "client_cancelled")
        assert done.item.status == "incomplete"
        assert done.item.content == (TextContent(text_of(told).rstrip()),)
        assert conversation.remembered(BlockKind.REPLY) == [text_of(told).strip()]
        assert done.output_tokens < 24
        again = await conversation.ask("What is the capital of France?")
        assert again[-1].status != "cancelled"

    talk(service, scenario)


def test_a_response_that_fails_says_so_and_the_session_goes_on(service, streams):
    async def scenario(conversation):
        done = (await conversation.ask("Hello!", modality="audio"))[-1]
        assert done.status == "failed"
        assert (done.error.message, done.error.param) == ("lost its voice", "voice")
        again = await conversation.ask("What is the capital of France?")
        assert again[-1].status == "completed"
        assert not [event for event in conversation.events if isinstance(event, AudioDelta)]

    mute = Streams(service.config, replace(streams.backend, synthesizer=Mute()))
    talk(mute, scenario)


def has_begun_to_speak(responder):
    """Whether the first clause could be sent."""
    return responder._response is not None and responder._response.sent.spoken.until(US_PER_S) != ""


def test_who_is_away_is_not_spoken_to_but_written_to(service):
    async def scenario(conversation):
        session = conversation.session
        session.client_left()
        await session.add_item(
            Message("item_1", "user", (TextContent("What is the capital of France?"),)), None
        )
        await session.respond(ResponseOptions(modality="audio"))
        async with asyncio.timeout(TIMEOUT_S):
            while not has_begun_to_speak(session._responder):  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.01)
        kinds = [type(event) for event in conversation.events]
        assert TextDelta in kinds
        assert AudioDelta not in kinds
        session.client_returned(unheard_us=0)
        await session.drain()
        kinds = [type(event) for event in conversation.events]
        assert AudioDelta in kinds
        assert kinds[-1] is ResponseDone

    talk(service, scenario)


def test_what_a_function_gave_back_is_answered_with(service):
    async def scenario(conversation):
        session = conversation.session
        question = Message("q", "user", (TextContent("What is the weather like in Paris?"),))
        await session.add_item(question, None)
        await session.add_item(FunctionCall("c", "call_1", "get_weather", '{"city": "Paris"}'), None)
        await session.add_item(FunctionOutput("o", "call_1", "21 degrees and a lot of snow"), None)
        assert conversation.remembered(BlockKind.UTTERANCE) == [
            "What is the weather like in Paris?",
            "get_weather: 21 degrees and a lot of snow",
        ]
        assert conversation.remembered(BlockKind.REPLY) == ['get_weather {"city": "Paris"}']
        told = await conversation.answered(await session.respond(ResponseOptions()))
        assert told[-1].status == "completed"
        assert "snow" in text_of(told) or "21" in text_of(told)
        await session.delete_item("o")
        assert conversation.remembered(BlockKind.UTTERANCE) == ["What is the weather like in Paris?"]

    talk(service, scenario)

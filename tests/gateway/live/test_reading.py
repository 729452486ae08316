"""What a session is told, on its way into a real memory."""

import asyncio

import pytest

from gateway.live.reading import Reading, Said
from gateway.live.response import Stopwatch
from llm.stream import Stream
from memory.host import MemoryHost
from streams.errors import InvalidRequestError
from streams.types import BlockKind

S = 1_000_000


@pytest.fixture
def read(streams, config):
    """Runs a scenario with a reading and a function that tells what is remembered, oldest first."""

    def run(scenario):
        async def whole():
            backend = streams.backend
            host = MemoryHost(config.memory, backend.memory_shape)
            stream = await backend.engine.run(lambda: Stream(backend.reader, host.open("reading"), "Hear."))

            def remembered():
                memory = stream.memory
                infos = [*memory.sealed(), *(block.info for block in memory.recent())]
                return [(info.kind.value, info.text) for info in infos]

            try:
                await asyncio.wait_for(scenario(Reading(backend, stream), remembered), 60)
            finally:
                stream.close()
                host.close()

        asyncio.run(whole())

    return run


def said(text, item_id, at_us=0):
    return Said(text, at_us, at_us + S, item_id, Stopwatch())


HEARD, REPLIED = BlockKind.UTTERANCE.value, BlockKind.REPLY.value


def test_what_is_said_waits_for_an_answer_and_what_waited_before_was_only_said(read):
    async def scenario(reading, remembered):
        first, second = said("It rains.", "item_1"), said("Does it?", "item_2", 2 * S)
        await reading.hear(first)
        assert (reading.pending, remembered()) == (first, [])
        await reading.hear(second)
        assert (reading.pending, remembered()) == (second, [(HEARD, "It rains.")])
        assert reading.take_pending() is second
        assert reading.pending is None
        await reading.overhear_pending()
        assert remembered() == [(HEARD, "It rains.")]

    read(scenario)


def test_what_nobody_answered_is_remembered_in_the_end(read):
    async def scenario(reading, remembered):
        await reading.hear(said("Good night.", "item_1"))
        await reading.overhear_pending()
        assert remembered() == [(HEARD, "Good night.")]
        assert reading.pending is None

    read(scenario)


def test_a_message_behind_what_waits_answers_it(read):
    async def scenario(reading, remembered):
        await reading.hear(said("What is it?", "item_1"))
        await reading.take_message(2 * S, "assistant", "A cat.", "item_2")
        assert reading.pending is None
        assert remembered() == [(HEARD, "What is it?"), (REPLIED, "A cat.")]
        await reading.forget("item_1")
        assert remembered() == [(REPLIED, "A cat.")]

    read(scenario)


def test_what_is_forgotten_is_neither_answered_nor_remembered(read):
    async def scenario(reading, remembered):
        await reading.take_message(0, "user", "One.", "item_1")
        await reading.hear(said("Two.", "item_2"))
        await reading.forget("item_2")
        assert reading.pending is None
        await reading.forget("item_1")
        await reading.forget("item_1")
        assert remembered() == []

    read(scenario)


@pytest.mark.parametrize(("heard", "left"), [("A cat", [(REPLIED, "A cat")]), ("", [])])
def test_of_a_reply_only_what_was_heard_stays(read, heard, left):
    async def scenario(reading, remembered):
        await reading.take_message(0, "assistant", "A cat and a dog.", "item_1")
        await reading.reword("item_1", S, heard)
        assert remembered() == left

    read(scenario)


def test_of_a_reply_that_became_no_block_here_nothing_is_taken_back(read):
    async def scenario(reading, remembered):
        reading.became("item_1", None)
        await reading.reword("item_1", S, "A cat")
        assert remembered() == []

    read(scenario)


def test_more_than_can_be_read_at_once_is_refused_by_the_field(read, streams):
    most = streams.backend.reader.max_text_tokens

    async def scenario(reading, remembered):
        await reading.check_text("word " * (most // 2), "item")
        with pytest.raises(InvalidRequestError) as caught:
            await reading.check_text("word " * (most + 1), "item")
        assert (caught.value.param, caught.value.code) == ("item", "context_length_exceeded")
        with pytest.raises(InvalidRequestError) as caught:
            await reading.check_instructions("word " * (most + 1), ())
        assert caught.value.param == "instructions"

    read(scenario)


def test_passages_are_read_one_after_another(read):
    async def scenario(reading, remembered):
        words = [f"Number {number}." for number in range(4)]
        await asyncio.gather(
            *(reading.take_message(n * S, "user", text, f"item_{n}") for n, text in enumerate(words))
        )
        assert [text for _, text in remembered()] == words

    read(scenario)

import asyncio

from gateway.live.playback import Playback
from streams.clock import ReplayClock

S = 1_000_000


def test_what_is_sent_is_heard_as_time_goes_by():
    clock = ReplayClock(5 * S)
    playback = Playback(clock, S, paced=True)
    playback.send(2 * S)
    assert [playback.heard_us((5 + passed_s) * S) for passed_s in (0, 1, 2, 3)] == [0, S, 2 * S, 2 * S]


def test_after_a_pause_it_goes_on_when_more_is_sent():
    clock = ReplayClock()
    playback = Playback(clock, S, paced=True)
    playback.send(S)
    clock.advance_to(3 * S)
    playback.send(S)
    assert playback.heard_us(3 * S) == S
    assert playback.heard_us(3 * S + S // 2) == S + S // 2


def test_no_more_is_sent_than_the_lead_ahead():
    async def scenario():
        clock = ReplayClock()
        playback = Playback(clock, S, paced=True)
        await playback.wait_for_room()
        playback.send(3 * S)
        waiting = asyncio.create_task(playback.wait_for_room())
        for passed_s, there_is_room in ((1, False), (2, True)):
            clock.advance_to(passed_s * S)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert waiting.done() == there_is_room

    asyncio.run(scenario())


def test_unpaced_all_that_was_sent_counts_as_heard():
    playback = Playback(ReplayClock(), S, paced=False)
    playback.send(9 * S)
    assert playback.heard_us(0) == 9 * S
    asyncio.run(playback.wait_for_room())


def test_what_had_not_arrived_is_heard_from_when_it_is_sent_again():
    clock = ReplayClock()
    playback = Playback(clock, S, paced=True)
    playback.send(5 * S)
    clock.advance_to(10 * S)
    playback.replay(2 * S)
    assert [playback.heard_us((10 + passed_s) * S) for passed_s in (0, 1, 2)] == [3 * S, 4 * S, 5 * S]


def test_what_is_sent_again_follows_what_is_still_being_played():
    clock = ReplayClock()
    playback = Playback(clock, S, paced=True)
    playback.send(5 * S)
    clock.advance_to(S)
    playback.replay(2 * S)
    assert playback.heard_us(4 * S) == 4 * S
    playback.replay(9 * S)
    assert playback.heard_us(S) == 0

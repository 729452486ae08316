import asyncio

import pytest

from gateway.live.sound_clock import SoundClock
from streams.clock import ReplayClock

S = 1_000_000
PIECE_US = S // 10


def test_before_any_sound_the_two_are_the_same():
    sound = SoundClock(ReplayClock(5 * S))
    assert (sound.to_clock(7), sound.to_audio(7)) == (7, 7)


def test_on_media_time_sound_moves_the_clock():
    clock = ReplayClock()
    sound = SoundClock(clock)
    for number in range(1, 11):
        sound.sent(PIECE_US, between_turns=True)
        assert clock.now_us() == number * PIECE_US
    assert sound.to_clock(3) == 3
    assert not sound.live


def test_live_sound_moves_no_clock(hand_clock):
    sound = SoundClock(hand_clock)
    hand_clock.advance_to(S)
    sound.sent(PIECE_US, between_turns=True)
    assert hand_clock.now_us() == sound.now_us() == S
    assert sound.live


def test_live_the_least_delay_is_the_map(hand_clock):
    sound = SoundClock(hand_clock)
    for arrives_us in (400_000, 420_000, 430_000, 720_000):  # 300, 220, 130 and 320 ms late
        hand_clock.advance_to(arrives_us)
        sound.sent(PIECE_US, between_turns=False)
    assert sound.to_clock(0) == 130_000
    assert sound.to_audio(130_000) == 0


def test_no_sound_is_placed_before_the_start(hand_clock):
    sound = SoundClock(hand_clock)
    sound.sent(S, between_turns=False)  # faster than it lasts
    assert sound.to_clock(S // 2) == 0
    assert sound.to_audio(0) == S


@pytest.mark.parametrize(("away_us", "moved"), [(400_000, False), (600_000, True)])
def test_between_turns_sound_that_stayed_away_for_long_goes_on_where_the_clock_is(hand_clock, away_us, moved):
    sound = SoundClock(hand_clock)
    hand_clock.advance_to(PIECE_US)
    sound.sent(PIECE_US, between_turns=True)
    hand_clock.advance_to(2 * PIECE_US + away_us)
    sound.sent(PIECE_US, between_turns=True)
    assert sound.to_clock(2 * PIECE_US) == 2 * PIECE_US + moved * away_us


@pytest.mark.parametrize("clock", [ReplayClock(), None], ids=["media", "live"])
def test_within_a_turn_a_pause_moves_nothing(clock, hand_clock):
    clock = clock or hand_clock
    sound = SoundClock(clock)
    clock.advance_to(PIECE_US)
    sound.sent(PIECE_US, between_turns=False)
    before_us = sound.to_clock(0)
    clock.advance_to(60 * S)
    sound.sent(PIECE_US, between_turns=False)
    assert sound.to_clock(0) == before_us
    sound.sent(PIECE_US, between_turns=True)
    assert sound.to_clock(0) > 59 * S


def test_sleeping_is_the_sessions(hand_clock):
    async def scenario():
        sleeping = asyncio.create_task(SoundClock(hand_clock).sleep_until(S))
        await asyncio.sleep(0)
        assert not sleeping.done()
        hand_clock.advance_to(S)
        await asyncio.wait_for(sleeping, 10)

    asyncio.run(scenario())

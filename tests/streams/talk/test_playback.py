import base64

import numpy as np
import pytest

from streams.talk.playback import AnswerPlayback
from streams.talk.player import Played, Player

RATE = 24_000
SOUND = base64.b64encode(np.full(RATE, 1_000, "<i2").tobytes()).decode()


@pytest.fixture
def playback():
    playback = AnswerPlayback(Player(RATE))
    playback.on_event({"type": "response.output_audio.delta", "item_id": "reply", "delta": SOUND})
    playback.player.pull(RATE // 2)
    return playback


def test_speech_stops_it_at_once(playback):
    assert playback.on_event({"type": "input_audio_buffer.speech_started"}) == Played("reply", 500)
    assert not playback.player.playing


def test_speech_while_nothing_plays_cuts_nothing(playback):
    playback.player.pull(RATE)
    assert playback.on_event({"type": "input_audio_buffer.speech_started"}) is None


def test_a_false_alarm_is_a_pause(playback):
    assert playback.on_event({"type": "response.held", "response_id": "r"}) is None
    assert not playback.player.pull(100).any()
    assert playback.on_event({"type": "response.resumed", "response_id": "r", "reason": "noise"}) is None
    assert playback.player.pull(100).all()


def test_an_interruption_after_a_pause_counts_what_was_heard_before_it(playback):
    playback.on_event({"type": "response.held", "response_id": "r"})
    playback.player.pull(RATE)
    assert playback.on_event({"type": "input_audio_buffer.speech_started"}) == Played("reply", 500)


def test_what_is_still_in_the_sound_card_was_not_heard():
    player = Player(RATE)
    player.delay_ms = 120
    player.put("reply", np.ones(RATE, np.float32))
    player.pull(RATE // 2)
    assert player.stop() == Played("reply", 380)

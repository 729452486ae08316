from itertools import pairwise

import numpy as np
import pytest

from speech.audio import resample
from speech.listener import Listener, Sound
from speech.segmenter import SegmenterConfig, SpeechPaused, SpeechResumed, SpeechStarted, SpeechStopped
from speech.silero import SileroDetector, load_silero
from speech.vad import VAD_RATE, WINDOW_SAMPLES, WINDOW_US

TURNS = SegmenterConfig()


@pytest.fixture(scope="module")
def weights():
    return load_silero()


@pytest.fixture
def listen(weights):
    return lambda turns=TURNS: Listener(SileroDetector(weights), turns)


def silence(seconds):
    return np.zeros(int(seconds * VAD_RATE), np.float32)


@pytest.fixture(scope="module")
def talk(say):
    """Two utterances, a second of silence around each, at 16 kHz."""
    first, second = say("What did you see in the morning?"), say("And who was there with you?")
    return np.concatenate([silence(1), first, silence(1), second, silence(1)])


class Scripted:
    """A detector that says as it is told."""

    def __init__(self, probabilities):
        self._probabilities = iter(probabilities)

    def push(self, window):
        return next(self._probabilities)

    def reset(self):
        pass


def numbered(windows):
    """Sound in which every window holds its own number."""
    return np.repeat(np.arange(windows, dtype=np.float32), WINDOW_SAMPLES)


def utterances(heard):
    """What belongs to each utterance: its start, its sound and its end."""
    found = []
    for item in heard:
        if isinstance(item, SpeechStarted):
            found.append((item, [], []))
        elif isinstance(item, Sound):
            found[-1][1].append(item.chunk)
        elif isinstance(item, SpeechStopped):
            found[-1][2].append(item)
    return found


def flat(heard):
    """``heard`` in a form that can be compared."""
    return [
        (item.chunk.pts_us, item.chunk.samples.tobytes()) if isinstance(item, Sound) else item
        for item in heard
    ]


@pytest.mark.parametrize("cut", [160, 1_000, 16_000])
def test_streaming_hears_what_one_push_hears(listen, talk, cut):
    whole = listen().push(talk, VAD_RATE)
    listener = listen()
    pieces = [
        item for at in range(0, len(talk), cut) for item in listener.push(talk[at : at + cut], VAD_RATE)
    ]
    assert flat(pieces) == flat(whole)
    assert len(utterances(whole)) == 2


@pytest.mark.parametrize("rate", [8_000, 24_000, 44_100])
def test_sound_of_any_rate_is_heard_at_the_same_times(listen, talk, rate):
    expected = utterances(listen().push(talk, VAD_RATE))
    sound = resample(talk, VAD_RATE, rate)
    listener, heard = listen(), []
    for at in range(0, len(sound), rate // 10):
        heard += listener.push(sound[at : at + rate // 10], rate)
    found = utterances(heard)
    assert len(found) == len(expected)
    for (start, chunks, (stop,)), (start_16k, _, (stop_16k,)) in zip(found, expected, strict=True):
        assert all(chunk.rate == VAD_RATE for chunk in chunks)
        assert start.at_us == pytest.approx(start_16k.at_us, abs=3 * WINDOW_US)
        assert stop.voice_end_us == pytest.approx(stop_16k.voice_end_us, abs=3 * WINDOW_US)


def test_no_sound_is_lost_where_the_rate_changes(listen):
    listener = listen(None)
    heard = []
    for at in range(20):
        rate = (24_000, 8_000)[at % 2]
        heard += listener.push(np.full(rate * WINDOW_US // 1_000_000, 0.5, np.float32), rate)
    sound = np.concatenate([each.chunk.samples for each in heard if isinstance(each, Sound)])
    assert listener.end_us == 19 * WINDOW_US  # but for the tail of the last
    assert np.mean(np.abs(sound - 0.5) < 0.1) > 0.9


def test_an_utterance_holds_all_of_its_sound_in_order_and_without_gaps(listen, talk):
    found = utterances(listen().push(talk, VAD_RATE))
    for start, chunks, (stop,) in found:
        assert chunks[0].pts_us <= start.at_us < chunks[0].end_us
        assert start.at_us <= start.voice_us - 300_000
        assert chunks[-1].end_us == stop.at_us
        assert all(a.end_us == b.pts_us for a, b in pairwise(chunks))
        begin = chunks[0].pts_us * VAD_RATE // 1_000_000
        sound = np.concatenate([chunk.samples for chunk in chunks])
        np.testing.assert_array_equal(sound, talk[begin : begin + len(sound)])


def test_no_voice_is_outside_of_the_utterances(listen, talk):
    left = talk.copy()
    for _, chunks, _ in utterances(listen().push(talk, VAD_RATE)):
        begin = chunks[0].pts_us * VAD_RATE // 1_000_000
        left[begin : begin + sum(len(chunk.samples) for chunk in chunks)] = 0
    assert np.abs(left).max() < 0.01


@pytest.mark.parametrize(
    "turns",
    [
        SegmenterConfig(prefix_padding_ms=0, min_speech_ms=0),
        SegmenterConfig(prefix_padding_ms=300, min_speech_ms=96),
        SegmenterConfig(prefix_padding_ms=1_000, min_speech_ms=3_000),
        SegmenterConfig(prefix_padding_ms=5_000, min_speech_ms=100),
    ],
    ids=str,
)
def test_the_padding_is_there_however_long_it_is(turns):
    quiet, voiced = 200, 150
    listener = Listener(Scripted([0.0] * quiet + [1.0] * voiced + [0.0] * 20), turns)
    ((start, chunks, _),) = utterances(listener.push(numbered(quiet + voiced + 20), VAD_RATE))
    assert start.voice_us == quiet * WINDOW_US
    assert start.at_us == start.voice_us - turns.prefix_padding_ms * 1_000
    numbers = [int(chunk.samples[0]) for chunk in chunks]
    assert numbers == list(range(start.at_us // WINDOW_US, quiet + voiced + 16))


def test_the_padding_of_an_utterance_may_reach_back_to_where_the_voice_before_it_ended():
    turns = SegmenterConfig(silence_duration_ms=320, prefix_padding_ms=2_000)
    probabilities = [1.0] * 10 + [0.0] * 12 + [1.0] * 10
    listener = Listener(Scripted(probabilities), turns)
    first, second = utterances([*listener.push(numbered(32), VAD_RATE), *listener.flush()])
    assert second[0].at_us == first[2][0].voice_end_us == 10 * WINDOW_US
    assert [int(chunk.samples[0]) for chunk in second[1]] == list(range(10, 32))


def test_a_pause_is_told_after_the_sound_before_it():
    listener = Listener(Scripted([1.0] * 10 + [0.0] * 5 + [1.0] * 3), TURNS)
    heard = listener.push(numbered(18), VAD_RATE)
    kinds = [type(item) for item in heard if not isinstance(item, Sound)]
    assert kinds == [SpeechStarted, SpeechPaused, SpeechResumed]
    before = [item for item in heard[: kinds.index(SpeechPaused) + 1] if isinstance(item, Sound)]
    assert before
    pause = next(place for place, item in enumerate(heard) if isinstance(item, SpeechPaused))
    assert heard[pause - 1].chunk.end_us > heard[pause].at_us


def test_a_pause_is_waited_for_as_told():
    listener = Listener(Scripted([1.0] * 10 + [0.0] * 20), SegmenterConfig(silence_duration_ms=8_000))
    heard = listener.push(numbered(13), VAD_RATE)
    assert heard[-1] == SpeechPaused(10 * WINDOW_US)
    assert listener.wait_for(320, 10 * WINDOW_US)
    heard = listener.push(numbered(7), VAD_RATE)
    assert heard[-1] == SpeechStopped(20 * WINDOW_US, 10 * WINDOW_US)
    assert not listener.wait_for(320, 10 * WINDOW_US)


def test_nothing_is_waited_for_in_push_to_talk():
    listener = Listener(Scripted([1.0] * 10 + [0.0] * 20), TURNS)
    listener.push(numbered(14), VAD_RATE)
    listener.configure(None)
    assert not listener.wait_for(320, 10 * WINDOW_US)


def test_push_to_talk_takes_everything_and_the_caller_ends_it(listen, talk):
    listener = listen(None)
    heard = listener.push(talk, VAD_RATE)
    assert listener.open
    heard += listener.flush()
    ((start, chunks, (stop,)),) = utterances(heard)
    whole = len(talk) // WINDOW_SAMPLES * WINDOW_SAMPLES
    assert (start.at_us, stop.at_us, stop.voice_end_us) == (0, listener.end_us, listener.end_us)
    np.testing.assert_array_equal(np.concatenate([chunk.samples for chunk in chunks]), talk[:whole])
    assert not listener.open
    again = listener.push(talk[:VAD_RATE], VAD_RATE)
    assert isinstance(again[0], SpeechStarted)
    assert again[0].at_us == stop.at_us


def test_a_flush_in_the_middle_of_speech_ends_it_and_the_rest_is_another(listen, talk, say):
    middle = VAD_RATE + len(say("What did you see in the morning?")) // 2
    listener = listen()
    heard = listener.push(talk[:middle], VAD_RATE)
    ended = listener.flush()
    assert [type(item) for item in ended] == [SpeechStopped]
    assert listener.flush() == []
    found = utterances([*heard, *ended, *listener.push(talk[middle:], VAD_RATE)])
    assert len(found) == 3
    assert found[0][2][0].at_us <= found[1][1][0].end_us
    assert found[1][1][0].pts_us <= found[0][1][-1].end_us + WINDOW_US


def test_a_flush_without_speech_does_nothing(listen):
    listener = listen()
    listener.push(silence(1), VAD_RATE)
    assert listener.flush() == []
    assert listen(None).flush() == []


def test_a_reset_forgets_the_utterance_and_time_goes_on(listen, talk):
    once = utterances(listen().push(talk, VAD_RATE))
    listener = listen()
    listener.push(talk[: 2 * VAD_RATE], VAD_RATE)
    assert listener.open
    listener.reset()
    assert not listener.open
    assert listener.flush() == []
    heard = listener.push(np.concatenate([silence(1), talk]), VAD_RATE)
    found = utterances(heard)
    assert len(found) == 2
    for (start, chunks, _), (expected, _, _) in zip(found, once, strict=True):
        assert start.voice_us - 3_000_000 == pytest.approx(expected.voice_us, abs=3 * WINDOW_US)
        assert chunks[0].pts_us <= start.at_us < chunks[0].end_us


def test_two_listeners_on_the_same_weights_hear_each_as_if_alone(listen, talk):
    other = talk[VAD_RATE // 2 :]
    alone = [flat(listen().push(sound, VAD_RATE)) for sound in (talk, other)]
    listeners, heard = (listen(), listen()), ([], [])
    for at in range(0, len(talk), 1_600):
        for listener, sound, found in zip(listeners, (talk, other), heard, strict=True):
            found += listener.push(sound[at : at + 1_600], VAD_RATE)
    assert [flat(found) for found in heard] == alone


class TestChangingHowTurnsAreFound:
    """Push to talk and voice activity may alternate at any time."""

    def test_voice_ends_an_utterance_that_push_to_talk_began(self):
        listener = Listener(Scripted([0.0] * 10 + [1.0] * 10 + [0.0] * 20), None)
        heard = listener.push(numbered(5), VAD_RATE)
        listener.configure(TURNS)
        heard += listener.push(numbered(40)[5 * WINDOW_SAMPLES :], VAD_RATE)
        ((start, chunks, (stop,)),) = utterances(heard)
        assert (start.at_us, stop.voice_end_us) == (0, 20 * WINDOW_US)
        assert [int(chunk.samples[0]) for chunk in chunks] == list(range(36))

    def test_the_caller_can_still_end_it_before_voice_did(self):
        listener = Listener(Scripted([0.0] * 20), None)
        listener.push(numbered(5), VAD_RATE)
        listener.configure(TURNS)
        listener.push(numbered(5), VAD_RATE)
        assert listener.flush() == [SpeechStopped(10 * WINDOW_US, 10 * WINDOW_US)]

    def test_the_caller_ends_an_utterance_that_voice_began(self):
        listener = Listener(Scripted([1.0] * 10 + [0.0] * 50), TURNS)
        heard = listener.push(numbered(10), VAD_RATE)
        listener.configure(None)
        heard += listener.push(numbered(50), VAD_RATE)
        assert not any(isinstance(item, SpeechStopped) for item in heard)
        assert listener.flush() == [SpeechStopped(60 * WINDOW_US, 60 * WINDOW_US)]

    def test_times_are_right_after_push_to_talk(self):
        listener = Listener(Scripted([1.0] * 100 + [0.0] * 50 + [1.0] * 10 + [0.0] * 20), None)
        listener.push(numbered(100), VAD_RATE)
        listener.flush()
        listener.configure(TURNS)
        ((start, chunks, (stop,)),) = utterances(
            listener.push(numbered(180)[100 * WINDOW_SAMPLES :], VAD_RATE)
        )
        assert (start.voice_us, stop.voice_end_us) == (150 * WINDOW_US, 160 * WINDOW_US)
        assert chunks[0].pts_us <= start.at_us < chunks[0].end_us

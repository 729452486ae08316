from __future__ import annotations

import numpy as np
import pytest

from speech.audio import resample
from speech.echo_gate import EchoGate
from speech.listener import Listener
from speech.segmenter import SegmenterConfig, SpeechStarted
from speech.silero import SileroDetector, load_silero
from speech.vad import VAD_RATE, WINDOW_SAMPLES
from streams.types import US_PER_MS, AudioChunk

DELAY_MS = 240
REPLIES = ("The red flower stood beside the window.", "You saw a tabby cat in front of the palace.")


@pytest.fixture(scope="module")
def weights():
    return load_silero()


@pytest.fixture(scope="module")
def replies(synthesizer):
    return [synthesizer.synthesize(text) for text in REPLIES]


@pytest.fixture(scope="module")
def user(synthesizer):
    """Another voice: lower, at 16 kHz."""
    return resample(synthesizer.synthesize("No, that is not what I meant."), 20_000, VAD_RATE)


def silence(seconds):
    return np.zeros(int(seconds * VAD_RATE), np.float32)


def in_a_room(sound, gain=0.15, seed=0):
    """``sound`` late, quieter, and with a tail of a quarter of a second."""
    rng = np.random.default_rng(seed)
    count = VAD_RATE // 4
    tail = rng.standard_normal(count) * 10 ** (-3 * np.arange(count) / count)
    tail *= 0.5 / np.sqrt(np.sum(tail**2))
    tail[0] += 1
    echo = gain * np.convolve(np.pad(sound, (DELAY_MS * 16, 0)), tail)[: len(sound)]
    return (echo + 1e-4 * rng.standard_normal(len(echo))).astype(np.float32)


def played(replies):
    """One after the other: the chunks as sent, and the sound at 16 kHz."""
    chunks, parts, at_ms = [], [silence(1)], 1_000
    for reply in replies:
        reply = reply[: len(reply) // 2_400 * 2_400]
        for piece in reply.reshape(-1, 2_400):
            chunks.append(AudioChunk(at_ms * US_PER_MS, 24_000, piece))
            at_ms += 100
        parts += [resample(reply, 24_000, VAD_RATE), silence(1)]
        at_ms += 1_000
    return chunks, np.concatenate(parts)


def starts(detector, heard):
    return [
        item.voice_us
        for item in Listener(detector, SegmenterConfig()).push(heard, VAD_RATE)
        if isinstance(item, SpeechStarted)
    ]


def test_an_echo_is_no_voice_and_without_the_gate_it_is_one(weights, replies):
    chunks, sound = played(replies)
    heard = in_a_room(sound)
    gate = EchoGate(SileroDetector(weights), lambda us: us)
    for chunk in chunks:
        gate.sent(chunk)
    assert starts(SileroDetector(weights), heard)
    assert starts(gate, heard) == []


@pytest.mark.parametrize("level", [0.1, 0.4])
def test_a_user_over_the_echo_is_heard(weights, replies, user, level):
    chunks, sound = played(replies)
    heard = in_a_room(sound)
    begin = len(sound) - VAD_RATE - len(resample(replies[1], 24_000, VAD_RATE)) + VAD_RATE
    heard[begin : begin + len(user)] += level / np.abs(user).max() * user[: len(heard) - begin]
    gate = EchoGate(SileroDetector(weights), lambda us: us)
    for chunk in chunks:
        gate.sent(chunk)
    (first, *_) = starts(gate, heard)
    assert first * 16 // 1_000 == pytest.approx(begin, abs=0.6 * VAD_RATE)


def test_a_user_without_any_echo_is_heard_while_a_reply_plays(weights, replies, user):
    """Headphones: the first reply tells that nothing comes back."""
    chunks, sound = played(replies)
    rng = np.random.default_rng(0)
    heard = (1e-4 * rng.standard_normal(len(sound))).astype(np.float32)
    begin = 3 * VAD_RATE
    heard[begin : begin + len(user)] += 0.2 / np.abs(user).max() * user
    gate = EchoGate(SileroDetector(weights), lambda us: us)
    for chunk in chunks:
        gate.sent(chunk)
    (first, *_) = starts(gate, heard)
    assert first * 16 // 1_000 == pytest.approx(begin, abs=0.4 * VAD_RATE)


def test_where_nothing_is_played_the_detector_alone_decides(weights, user):
    windows = user[: len(user) // WINDOW_SAMPLES * WINDOW_SAMPLES].reshape(-1, WINDOW_SAMPLES)
    gate, detector = EchoGate(SileroDetector(weights), lambda us: us), SileroDetector(weights)
    assert [gate.push(window) for window in windows] == [detector.push(window) for window in windows]
    gate.reset()
    detector.reset()
    assert gate.push(windows[0]) == detector.push(windows[0])


def test_the_clock_may_be_elsewhere_than_the_sound(weights, replies):
    """What counts is the session's clock: sound came to be heard an hour into the session."""
    hour_us = 3_600_000_000
    chunks, sound = played(replies)
    gate = EchoGate(SileroDetector(weights), lambda us: us + hour_us)
    for chunk in chunks:
        gate.sent(AudioChunk(chunk.pts_us + hour_us, chunk.rate, chunk.samples))
    assert starts(gate, in_a_room(sound)) == []


def test_what_was_withdrawn_explains_nothing(weights, replies):
    chunks, sound = played(replies)
    gate = EchoGate(SileroDetector(weights), lambda us: us)
    for chunk in chunks:
        gate.sent(chunk)
    gate.withdrawn(0)
    heard = in_a_room(sound)
    assert starts(gate, heard) == starts(SileroDetector(weights), heard)


def test_loud_noise_and_clipping_leave_probabilities_finite(weights, replies):
    chunks, _ = played(replies)
    gate = EchoGate(SileroDetector(weights), lambda us: us)
    for chunk in chunks:
        gate.sent(chunk)
    rng = np.random.default_rng(1)
    for scale in (0.0, 1.0, 100.0):
        for _ in range(60):
            probability = gate.push((scale * rng.standard_normal(WINDOW_SAMPLES)).astype(np.float32))
            assert 0 <= probability <= 1

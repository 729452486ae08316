from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speech.streaming import StreamingRecognizer
from speech.wer import word_errors
from speech.whisper import WhisperRecognizer
from streams.errors import InvalidRequestError
from streams.types import AudioChunk, Samples, Transcript, Word


class ScriptedRecognizer:
    """Says what the script says, one line a call, words spread evenly over the sound."""

    name = "scripted"

    def __init__(self, *lines: str) -> None:
        self._lines: Iterator[str] = iter(lines)
        self.prompts: list[str] = []
        self.heard_s: list[float] = []

    def transcribe(self, samples: Samples, *, start_us: int = 0, prompt: str = "") -> Transcript:
        self.prompts.append(prompt)
        self.heard_s.append(len(samples) / 16_000)
        texts = next(self._lines).split()
        step = len(samples) * 1_000_000 // 16_000 // max(1, len(texts))
        return Transcript(
            tuple(Word(text, start_us + n * step, start_us + (n + 1) * step) for n, text in enumerate(texts))
        )


def sound(start_s: float, seconds: float) -> AudioChunk:
    return AudioChunk(int(start_s * 1e6), 16_000, np.zeros(int(seconds * 16_000), np.float32))


def streamed(lines: list[str], **options: float) -> tuple[StreamingRecognizer, list[tuple[str, str]]]:
    """One hypothesis for each second and line; (newly confirmed, tentative) of each."""
    streaming = StreamingRecognizer(ScriptedRecognizer(*lines), **options)
    partials = []
    for at in range(len(lines)):
        streaming.append(sound(at, 1))
        partial = streaming.hypothesize()
        partials.append((" ".join(word.text for word in partial.confirmed), partial.tentative))
    return streaming, partials


def test_a_word_is_confirmed_when_two_hypotheses_agree() -> None:
    lines = ["the cap", "the cat sat", "The cat sat on", "the cat sat on a mat"]
    _, partials = streamed(lines)
    assert partials == [("", "the cap"), ("the", "cat sat"), ("cat sat", "on"), ("on", "a mat")]


def test_what_is_confirmed_stays_though_it_is_heard_otherwise_later() -> None:
    streaming, partials = streamed(["he was grey", "he was grey", "he was great in that film"])
    assert partials[1] == ("he was grey", "")
    assert partials[2] == ("", "in that film")
    assert streaming.finish(3_000_000).text == "he was grey in that film"


def test_a_number_is_not_confirmed_while_it_may_grow() -> None:
    _, partials = streamed(["she paid $12.", "she paid $12.", "she paid $12.50 for", "she paid $12.50 for"])
    assert partials[1] == ("she paid", "$12.")
    assert partials[3] == ("$12.50 for", "")


VOCABULARY = st.lists(st.sampled_from(["a", "b", "c", "A,"]), max_size=8).map(" ".join)


@given(st.lists(VOCABULARY, min_size=1, max_size=10), VOCABULARY, st.booleans())
def test_nothing_confirmed_is_ever_taken_back(lines: list[str], last: str, reused: bool) -> None:
    streaming = StreamingRecognizer(ScriptedRecognizer(*lines, last), max_buffer_s=3)
    confirmed: tuple[Word, ...] = ()
    tentative = ""
    for at in range(len(lines)):
        streaming.append(sound(at, 1))
        partial = streaming.hypothesize()
        confirmed += partial.confirmed
        tentative = partial.tentative
        assert streaming.confirmed == confirmed
    if not reused:
        streaming.append(sound(len(lines), 1))
    final = streaming.finish((len(lines) + (not reused)) * 1_000_000)
    assert final.words[: len(confirmed)] == confirmed
    if reused:
        assert final.text == " ".join([*(word.text for word in confirmed), *tentative.split()])
    times = [edge for word in final.words for edge in (word.start_us, word.end_us)]
    assert times == sorted(times)


def test_the_same_sound_is_not_recognised_twice_and_confirms_nothing() -> None:
    recognizer = ScriptedRecognizer("the cat")
    streaming = StreamingRecognizer(recognizer)
    streaming.append(sound(0, 1))
    first, again = streaming.hypothesize(), streaming.hypothesize()
    assert (first.tentative, again.tentative, again.confirmed) == ("the cat", "the cat", ())


def test_finish_takes_the_hypothesis_that_heard_all_of_the_speech() -> None:
    recognizer = ScriptedRecognizer("the cat sat")
    streaming = StreamingRecognizer(recognizer)
    streaming.append(sound(0, 1))
    streaming.hypothesize()
    streaming.append(sound(1, 0.5))
    assert streaming.covers(900_000)
    assert streaming.finish(900_000).text == "the cat sat"
    assert len(recognizer.heard_s) == 1


def test_finish_hears_speech_that_no_hypothesis_heard_and_little_silence_after_it() -> None:
    recognizer = ScriptedRecognizer("the cat", "the cat sat")
    streaming = StreamingRecognizer(recognizer)
    streaming.append(sound(0, 1))
    streaming.hypothesize()
    streaming.append(sound(1, 2))
    assert streaming.finish(1_500_000).text == "the cat sat"
    assert recognizer.heard_s == [1.0, 1.8]


def test_an_utterance_without_sound_is_empty() -> None:
    streaming = StreamingRecognizer(ScriptedRecognizer())
    assert streaming.hypothesize().tentative == ""
    assert streaming.finish(0) == Transcript(())


def test_a_long_buffer_is_cut_after_a_confirmed_sentence_which_becomes_the_prompt() -> None:
    recognizer = ScriptedRecognizer(
        "One two. Three", "One two. Three four", "One two. Three four five", "four five six"
    )
    streaming = StreamingRecognizer(recognizer, max_buffer_s=2.5)
    for at in range(4):
        streaming.append(sound(at, 1))
        streaming.hypothesize()
    assert recognizer.prompts == ["", "", "", "One two."]
    assert recognizer.heard_s[3] < 4
    assert streaming.finish(4_000_000).text == "One two. Three four five six"


def test_hours_of_unconfirmable_sound_never_exceed_what_a_recogniser_hears() -> None:
    recognizer = ScriptedRecognizer(*(f"{n} {n}x {n}y" for n in range(1_000)))
    streaming = StreamingRecognizer(recognizer, max_buffer_s=12)
    for at in range(300):
        streaming.append(sound(at, 1))
        if at % 50 == 0:
            streaming.hypothesize()
    streaming.finish(300_000_000)
    assert max(recognizer.heard_s) <= 30


@pytest.mark.parametrize(
    ("chunk", "param"),
    [(AudioChunk(1_000_000, 24_000, np.zeros(9, np.float32)), "rate"), (sound(1.5, 1), "pts_us")],
)
def test_sound_that_does_not_fit_is_refused_by_name(chunk: AudioChunk, param: str) -> None:
    streaming = StreamingRecognizer(ScriptedRecognizer())
    streaming.append(sound(0, 1))
    with pytest.raises(InvalidRequestError) as error:
        streaming.append(chunk)
    assert error.value.param == param


SENTENCES = (
    "I would like to know what happened while I was away, and whether anybody came to the door.",
    "Tell me the time when the yellow bus drove past the school.",
    "Which of the two cars arrived first, the blue one or the silver one?",
)


def stream(recognizer: WhisperRecognizer, samples: Samples, step_s: float = 0.6) -> Transcript:
    streaming, step = StreamingRecognizer(recognizer), int(step_s * 16_000)
    for at in range(0, len(samples), step):
        streaming.append(AudioChunk(at * 1_000 // 16 * 1_000 // 1_000, 16_000, samples[at : at + step]))
        streaming.hypothesize()
    return streaming.finish(len(samples) * 1_000_000 // 16_000)


def test_streaming_hears_nearly_what_the_offline_recogniser_hears(
    recognizer: WhisperRecognizer, say: Callable[[str], Samples]
) -> None:
    rng = np.random.default_rng(0)
    clips = [say(sentence) for sentence in SENTENCES]
    clips = [clip + 0.01 * rng.standard_normal(len(clip)).astype(np.float32) for clip in clips]
    offline = word_errors(SENTENCES, [recognizer.transcribe(clip).text for clip in clips])
    streaming = word_errors(SENTENCES, [stream(recognizer, clip).text for clip in clips])
    assert streaming.rate <= offline.rate + 0.05


def test_a_speech_longer_than_the_recogniser_hears(
    recognizer: WhisperRecognizer, say: Callable[[str], Samples]
) -> None:
    pause = np.zeros(6_400, np.float32)
    long = np.concatenate([part for sentence in SENTENCES * 3 for part in (say(sentence), pause)])
    assert len(long) > 32 * 16_000
    transcript = stream(recognizer, long, step_s=2.4)
    assert word_errors([" ".join(SENTENCES * 3)], [transcript.text]).rate <= 0.08, transcript.text
    edges = [edge for word in transcript.words for edge in (word.start_us, word.end_us)]
    assert edges == sorted(edges)

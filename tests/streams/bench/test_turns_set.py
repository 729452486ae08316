import numpy as np
import pytest

from speech.asr import ASR_RATE
from speech.hibari import HibariSynthesizer
from streams.bench.turns_noise import DISTURBANCES, babble, coughs, hum, keys, music, street
from streams.bench.turns_script import MARK, TEST, TUNE
from streams.bench.turns_set import AFTER_S, BEFORE_S, SCRIPTS, TurnSet
from streams.types import US_PER_S

VOICES = [np.sin(np.arange(ASR_RATE) * hertz / 3_000).astype(np.float32) for hertz in range(100, 800, 100)]
SOUNDS = {
    "hum": hum,
    "music": music,
    "street": street,
    "keys": keys,
    "babble": lambda count, rng: babble(count, VOICES, rng),
    "coughs": lambda count, rng: coughs(count, [100, count - 50], rng),
}


@pytest.fixture(scope="module")
def synthesizer():
    return HibariSynthesizer()


@pytest.fixture(scope="module")
def utterances(synthesizer):
    return list(TurnSet("tune", synthesizer).utterances(16))


def texts(script):
    return {line.replace(MARK, "").replace(" ", "") for lines in script.values() for line in lines}


def test_the_halves_share_no_sentence_and_have_the_same_kinds():
    assert not texts(TUNE) & texts(TEST)
    assert {kind: len(lines) for kind, lines in TUNE.items()} == {k: len(lines) for k, lines in TEST.items()}


@pytest.mark.parametrize("half", SCRIPTS)
def test_sentences_are_whole_and_pauses_where_their_kind_has_them(half):
    assert len(texts(SCRIPTS[half])) == sum(map(len, SCRIPTS[half].values()))
    for kind, lines in SCRIPTS[half].items():
        for line in lines:
            parts = [part.strip() for part in line.split(MARK)]
            assert all(parts)
            assert parts[-1][-1] in ".?!"
            assert (len(parts) == 1) == (kind == "plain")


def test_the_same_seed_makes_the_same_and_another_another(synthesizer, utterances):
    again = list(TurnSet("tune", synthesizer).utterances(2))
    for one, other in zip(again, utterances, strict=False):
        assert (one.text, one.pauses_ms, one.disturbance) == (other.text, other.pauses_ms, other.disturbance)
        np.testing.assert_array_equal(one.samples, other.samples)
    (other,) = TurnSet("tune", synthesizer, seed=1).utterances(1)
    assert len(other.samples) != len(again[0].samples)


def test_utterances_hold_every_kind_both_manners_and_several_noises(utterances):
    assert {each.kind for each in utterances} == set(TUNE)
    assert {each.manner for each in utterances} == {"cut", "apart"}
    assert len({each.disturbance for each in utterances}) > 2
    assert "none" in {each.disturbance for each in utterances}


def test_voice_lies_where_it_is_said_to(utterances):
    for each in utterances:
        assert each.samples.dtype == np.float32
        assert np.abs(each.samples).max() <= 1
        assert each.voice_start_us == BEFORE_S * US_PER_S
        assert len(each.samples) == pytest.approx((each.voice_end_us / US_PER_S + AFTER_S) * ASR_RATE, abs=2)
        voice = each.samples[: each.voice_end_us * ASR_RATE // US_PER_S]
        assert np.abs(voice[-ASR_RATE // 5 :]).max() > 0.05 * np.abs(voice).max()


def test_pauses_are_as_long_as_told_and_quiet(utterances):
    quiet = [each for each in utterances if each.disturbance == "none" and each.pauses_ms]
    assert quiet
    for each in quiet:
        begin, end = (us * ASR_RATE // US_PER_S for us in (each.voice_start_us, each.voice_end_us))
        voice = np.abs(each.samples[begin:end])
        loud = np.flatnonzero(voice > 0.05 * voice.max())
        gaps_ms = sorted((np.diff(loud) * 1_000 / ASR_RATE).tolist(), reverse=True)
        for pause, gap in zip(sorted(each.pauses_ms, reverse=True), gaps_ms, strict=False):
            assert pause - 5 <= gap <= pause + 250


def test_past_its_lines_a_set_says_each_again_in_another_way(synthesizer):
    turns = TurnSet("test", synthesizer)
    first, second = (turns._make(*turns.lines[0], np.random.default_rng(seed)) for seed in (1, 2))
    assert first.text == second.text
    assert len(first.samples) != len(second.samples)


@pytest.mark.parametrize("kind", DISTURBANCES)
def test_noises_are_seeded_finite_and_of_the_length_asked_for(kind):
    one, same, other = (SOUNDS[kind](30_000, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert one.shape == (30_000,)
    assert one.dtype == np.float32
    assert np.isfinite(one).all()
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_every_noise_of_the_script_has_a_test():
    assert set(SOUNDS) == set(DISTURBANCES)

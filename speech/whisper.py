"""Whisper (Radford et al., 2022) on CTranslate2, through the parts of faster-whisper.

Whisper was trained on 30 s windows, and its encoder's cost is that of the window, not of the speech: on
two cores tiny.en encodes 30 s in 360 ms and 10 s in 45 ms. So the window is cut to the speech and a
margin (as whisper.cpp's ``audio_ctx`` allows). A cut window at times makes the decoder say everything
twice, which is seen in the text; only then, or in other doubt, is the full window decoded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import get_suppressed_tokens, merge_punctuations

from speech.agreement import normalize_word
from speech.asr import ASR_RATE
from streams.errors import InvalidRequestError, ModelNotFoundError
from streams.types import US_PER_S, Samples, Transcript, Word

WINDOW_S = 30
WINDOW_FRAMES = 3_000
FRAMES_PER_S = 100
MARGIN_FRAMES = 400
"""Zero frames after the speech. Fewer make repeats common; more only cost time."""
TAIL_SILENCE_SAMPLES = ASR_RATE * 3 // 10
MIN_SAMPLES = ASR_RATE // 10
NO_SPEECH_PROBABILITY = 0.6
"""Measured with tiny.en: at least 0.85 for silence and noise, at most 0.35 for speech, single words at
5 dB among it. The log probability divides much worse: a short word ("Stop.") scores as low as noise."""
DOUBTFUL_LOG_PROBABILITY = -1.0
MIN_LOG_PROBABILITY = -1.5
MIN_WORD_PROBABILITY = 0.1
TIME_STEP_S = 0.02
MAX_INITIAL_TIMESTAMP_STEPS = 50
MAX_TOKENS = 448
TOKENS_PER_S = 10
SPARE_TOKENS = 16
PREPEND_PUNCTUATION = "\"'“¿([{-"
APPEND_PUNCTUATION = "\"'.。,，!！?？:：”)]}、"


@dataclass(frozen=True, slots=True)
class _Decoding:
    """What one pass over one window gave. ``words`` have ``word``, ``start``, ``end``, ``probability``."""

    words: list[dict[str, Any]]
    silent: bool
    doubtful: bool


class WhisperRecognizer:
    """Greedy decoding at temperature 0, one window, nothing carried over. Safe to share between threads.

    ``model`` is a folder in CTranslate2 form, or a hub name that faster-whisper knows. Raises
    ModelNotFoundError when it cannot be had.
    """

    def __init__(
        self,
        model: str,
        *,
        cpu_threads: int = 2,
        compute_type: str = "int8",
        device: str = "cpu",
        beam_size: int = 1,
        language: str = "en",
    ) -> None:
        try:
            self._model = WhisperModel(
                model, device=device, compute_type=compute_type, cpu_threads=cpu_threads
            )
        except (OSError, RuntimeError, ValueError) as error:
            raise ModelNotFoundError(f"no Whisper model at '{model}': {error}", param="models.asr") from error
        multilingual = self._model.model.is_multilingual
        self.name = f"whisper:{model}"
        self._beam_size = beam_size
        self._tokenizer = Tokenizer(
            self._model.hf_tokenizer,
            multilingual,
            task="transcribe",
            language=language if multilingual else "en",
        )
        self._suppressed = list(get_suppressed_tokens(self._tokenizer, [-1]))

    def transcribe(self, samples: Samples, *, start_us: int = 0, prompt: str = "") -> Transcript:
        """The words in ``samples`` (float32, 16 kHz, at most 30 s), with times from ``start_us`` on.

        Raises InvalidRequestError for more than 30 s.
        """
        if len(samples) > WINDOW_S * ASR_RATE:
            raise InvalidRequestError(
                f"{len(samples) / ASR_RATE:.1f} s of sound; a recogniser hears at most {WINDOW_S} s",
                param="samples",
            )
        if len(samples) < MIN_SAMPLES:
            return Transcript(())
        decoding = self._decode(samples, prompt, MARGIN_FRAMES)
        if decoding.doubtful and not decoding.silent:
            decoding = self._decode(samples, prompt, WINDOW_FRAMES)
        if decoding.silent:
            return Transcript(())
        return Transcript(tuple(_timed(decoding.words, len(samples) / ASR_RATE, start_us)))

    def _decode(self, samples: Samples, prompt: str, margin: int) -> _Decoding:
        """One pass over ``samples`` followed by ``margin`` empty frames, in at most 30 s."""
        tokenizer, duration_s = self._tokenizer, len(samples) / ASR_RATE
        features = self._model.feature_extractor(samples, padding=TAIL_SILENCE_SAMPLES)[:, :WINDOW_FRAMES]
        frames = min(WINDOW_FRAMES, features.shape[1] + margin)
        frames += frames % 2
        encoded = self._model.encode(np.pad(features, ((0, 0), (0, frames - features.shape[1]))))
        history = tokenizer.encode(" " + prompt.strip()) if prompt.strip() else []
        start = self._model.get_prompt(tokenizer, history)
        budget = SPARE_TOKENS + int(TOKENS_PER_S * duration_s)
        result = self._model.model.generate(
            encoded,
            [start],
            beam_size=self._beam_size,
            max_length=min(MAX_TOKENS, len(start) + budget),
            return_scores=True,
            return_no_speech_prob=True,
            suppress_tokens=self._suppressed,
            max_initial_timestamp_index=MAX_INITIAL_TIMESTAMP_STEPS,
        )[0]
        ids = result.sequences_ids[0]
        log_probability = result.scores[0] * len(ids) / (len(ids) + 1)
        silent = result.no_speech_prob > NO_SPEECH_PROBABILITY or log_probability < MIN_LOG_PROBABILITY
        text_ids = self._spoken_ids(ids, duration_s)
        if silent or not text_ids:
            return _Decoding([], True, False)
        content = min(frames, int(duration_s * FRAMES_PER_S) + 1)
        words = self._model.find_alignment(tokenizer, [text_ids], encoded, content)[0]
        merge_punctuations(words, PREPEND_PUNCTUATION, APPEND_PUNCTUATION)
        kept = [word for word in _joined(words) if any(map(str.isalnum, word["word"]))]
        repeated = repeated_words([word["word"] for word in kept])
        if exhausted := len(ids) >= budget:
            kept = kept[: len(kept) - repeated]
        doubtful = exhausted or repeated > 0 or log_probability < DOUBTFUL_LOG_PROBABILITY
        return _Decoding(kept, not kept, doubtful)

    def _spoken_ids(self, ids: list[int], duration_s: float) -> list[int]:
        """The text tokens of segments that begin before the speech is over; later ones are invented."""
        begin, spoken = self._tokenizer.timestamp_begin, []
        for token in ids:
            if token >= begin and (token - begin) * TIME_STEP_S > duration_s - 0.1:
                break
            if token < self._tokenizer.eot:
                spoken.append(token)
        return spoken


def repeated_words(words: list[str]) -> int:
    """How many of the last ``words`` say again what was said just before them; 0 when that may be chance."""
    heard = [normalize_word(word) for word in words]
    for period in range(1, len(heard)):
        run = 0
        while run + period < len(heard) and heard[-1 - run] == heard[-1 - run - period]:
            run += 1
        if run >= (3 if period == 1 else min(period, 3)):
            return run
    return 0


def _joined(words: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Words with what belongs to them: "3" and ".5", which the tokenizer splits, are one."""
    joined: list[dict[str, Any]] = []
    for word in words:
        if joined and word["word"] and not word["word"][0].isspace():
            last = joined[-1]
            joined[-1] = last | {"word": last["word"] + word["word"], "end": word["end"]}
        elif word["word"]:
            joined.append(word)
    return joined


def _timed(words: list[dict[str, Any]], duration_s: float, start_us: int) -> list[Word]:
    """Words on the session's clock, in order. The doubtful ones squeezed into the very end are dropped."""
    timed: list[Word] = []
    for word in words:
        begin_s, end_s = (min(float(word[edge]), duration_s) for edge in ("start", "end"))
        if end_s - begin_s < 2 * TIME_STEP_S and word["probability"] < MIN_WORD_PROBABILITY:
            continue
        begin_us = start_us + round(begin_s * US_PER_S)
        timed.append(Word(word["word"].strip(), begin_us, start_us + round(end_s * US_PER_S)))
    return timed

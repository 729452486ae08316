"""Well-formed messages of every kind that a client may send, for a fuzzer to start from."""

from __future__ import annotations

import base64
import copy
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from gateway.wire.binary import BinaryAppend, BinaryKind
from speech.audio import float_to_pcm16
from streams.client import WIRE_RATE
from streams.talk.sight import encode_jpeg
from streams.types import Samples

Message: TypeAlias = dict[str, Any]

Verdict: TypeAlias = Literal["right", "wrong", "either"]
"""Whether a message must be taken, must be refused, or may be either."""

Spoiled: TypeAlias = tuple[str | bytes, Verdict]
"""What is sent, and what is to become of it."""

PIECE = WIRE_RATE // 10
SILENCE_EACH = 3
"""Of so many pieces of sound one is silent, so that turns end."""

ITEMS_KEPT = 8
TOOL: Message = {
    "type": "function",
    "name": "look_up",
    "description": "Look up a word.",
    "parameters": {
        "type": "object",
        "properties": {"word": {"type": "string", "maxLength": 9}, "kind": {"enum": ["noun", "verb"]}},
        "required": ["word"],
    },
}
MAX_OUTPUT_TOKENS = 4
WORDS = (
    "cat",
    "what",
    "is",
    "the",
    "capital",
    "of",
    "France",
    "who",
    "are",
    "you",
    "naïve",
    "東京",
    "🙂",
    "",
)


@dataclass(frozen=True, slots=True)
class Seed:
    """A well-formed message, bytes in the binary form, and how a session takes it.

    ``answer`` is the event that acknowledges it before the next request is looked at, None where there
    is none. ``refusals`` are the codes of errors that it may get instead, for what the session is doing.
    """

    message: Message | bytes
    answer: str | None = None
    refusals: frozenset[str] = frozenset()


class Corpus:
    """Draws seeds; remembers which items it made, so that later ones can name them."""

    def __init__(self, rng: random.Random, voice: Samples) -> None:
        """``voice`` is speech at the wire's rate, of which pieces are sent."""
        self._rng = rng
        self._pieces = [float_to_pcm16(voice[at : at + PIECE]) for at in range(0, len(voice) - PIECE, PIECE)]
        noise = np.random.default_rng(rng.randrange(2**32)).integers(0, 255, (24, 32, 3), np.uint8)
        self._jpeg = encode_jpeg(noise)
        self._count = 0
        self.forget()
        self._kinds: dict[Callable[[], Seed], int] = {
            self._update: 6,
            self._sound: 6,
            self._frame: 2,
            self._binary_sound: 3,
            self._binary_frame: 2,
            self._message: 3,
            self._call: 1,
            self._call_output: 1,
            self._response: 2,
            self._retrieve: 3,
            self._truncate: 3,
            self._delete: 3,
            self._cancel: 2,
            self._commit: 1,
            self._clear_sound: 1,
            self._clear_frames: 1,
            self._resume: 1,
        }

    def draw(self) -> Seed:
        """One seed, as often as not with an ``event_id``."""
        self._count += 1
        (kind,) = self._rng.choices([*self._kinds], [*self._kinds.values()])
        seed = kind()
        if isinstance(seed.message, dict) and self._rng.random() < 0.5:
            seed.message["event_id"] = f"event_{self._count}"
        return seed

    def forget(self) -> None:
        """A new session begins, which has no items."""
        self._items = ["item_0"]
        self._calls = ["call_0"]

    def _update(self) -> Seed:
        rng = self._rng
        semantic = {"type": "semantic_vad", "eagerness": rng.choice(("low", "medium", "high", "auto"))}
        detection = {
            "type": "server_vad",
            "threshold": rng.choice((0.3, 0.5, 0.8)),
            "prefix_padding_ms": rng.choice((0, 300)),
            "silence_duration_ms": rng.choice((64, 500)),
            "create_response": rng.random() < 0.5,
            "interrupt_response": rng.random() < 0.5,
        }
        sound_in = {
            "format": {"type": "audio/pcm", "rate": WIRE_RATE},
            "transcription": rng.choice((None, {"model": "embedded", "language": "en"})),
            "turn_detection": rng.choice((None, detection, semantic)),
        }
        session = {
            "type": "realtime",
            "model": "streams",
            "output_modalities": ["text"] if rng.random() < 0.9 else ["audio"],
            "max_output_tokens": rng.randint(1, MAX_OUTPUT_TOKENS),
            "audio": {"input": sound_in, "output": {"voice": "heart", "speed": rng.choice((0.5, 1.0, 1.5))}},
            "streams": {"events": ["session.latency", "memory.recalled"], "resume": False},
            "tools": [copy.deepcopy(TOOL)] if rng.random() < 0.2 else [],
            "tool_choice": rng.choice(("auto", "none")),
        }
        if rng.random() < 0.1:
            session["instructions"] = self._words()
        chosen = {name: session[name] for name in session if name == "type" or rng.random() < 0.5}
        return Seed({"type": "session.update", "session": chosen}, "session.updated")

    def _sound(self) -> Seed:
        return Seed({"type": "input_audio_buffer.append", "audio": _base64(self._pcm())})

    def _binary_sound(self) -> Seed:
        return Seed(BinaryAppend(BinaryKind.AUDIO, self._pcm()).pack())

    def _binary_frame(self) -> Seed:
        at_us = self._rng.choice((None, 0, self._count))
        return Seed(BinaryAppend(BinaryKind.IMAGE, self._jpeg, at_us).pack())

    def _pcm(self) -> bytes:
        silent = self._rng.randrange(SILENCE_EACH) == 0
        return bytes(2 * PIECE) if silent else self._rng.choice(self._pieces)

    def _frame(self) -> Seed:
        message: Message = {"type": "input_video_buffer.append", "image": _base64(self._jpeg)}
        if self._rng.random() < 0.5:
            message["timestamp_ms"] = self._rng.choice((0, 41_700.5, self._count))
        return Seed(message)

    def _message(self) -> Seed:
        rng = self._rng
        self._items = [*self._items, f"item_{self._count}"][-ITEMS_KEPT:]
        role = rng.choice(("user", "user", "system", "assistant"))
        kind = "output_text" if role == "assistant" else "input_text"
        content: list[Message] = [{"type": kind, "text": self._words()}]
        if role == "user" and rng.random() < 0.2:
            content.append(
                {"type": "input_image", "image_url": f"data:image/jpeg;base64,{_base64(self._jpeg)}"}
            )
        if role == "user" and rng.random() < 0.1:
            content.append({"type": "input_audio", "audio": _base64(rng.choice(self._pieces))})
        item = {"id": self._items[-1], "type": "message", "role": role, "content": content}
        message = {"type": "conversation.item.create", "item": item}
        if rng.random() < 0.3:
            message["previous_item_id"] = rng.choice(("root", *self._items[:-1]))
        return Seed(message, "conversation.item.added", frozenset({"item_not_found"}))

    def _call(self) -> Seed:
        self._calls = [*self._calls, f"call_{self._count}"][-ITEMS_KEPT:]
        item = {"type": "function_call", "name": "look_up", "call_id": self._calls[-1]}
        item["arguments"] = json.dumps({"word": self._words()})
        return Seed({"type": "conversation.item.create", "item": item}, "conversation.item.added")

    def _call_output(self) -> Seed:
        item = {"type": "function_call_output", "call_id": self._rng.choice(self._calls)}
        item["output"] = self._words()
        message = {"type": "conversation.item.create", "item": item}
        return Seed(message, "conversation.item.added", frozenset({"item_not_found"}))

    def _response(self) -> Seed:
        response = {
            "output_modalities": ["text"],
            "max_output_tokens": self._rng.randint(1, MAX_OUTPUT_TOKENS),
            "conversation": self._rng.choice(("auto", "none")),
            "metadata": {"fuzz": str(self._count)},
        }
        if self._rng.random() < 0.2:
            response["instructions"] = self._words()
        message = {"type": "response.create", "response": response}
        # Responses of earlier messages may still be written, in the conversation or a few out of it.
        busy = frozenset({"conversation_already_has_active_response", "too_many_responses"})
        return Seed(message, refusals=busy)

    def _retrieve(self) -> Seed:
        message = {"type": "conversation.item.retrieve", "item_id": self._rng.choice(self._items)}
        return Seed(message, "conversation.item.retrieved", frozenset({"item_not_found"}))

    def _truncate(self) -> Seed:
        message = {
            "type": "conversation.item.truncate",
            "item_id": self._rng.choice(self._items),
            "content_index": 0,
            "audio_end_ms": self._rng.choice((0, 300, 5_000)),
        }
        # None of the items that it made is a spoken reply.
        refusals = frozenset({"item_not_found", "invalid_request"})
        return Seed(message, "conversation.item.truncated", refusals)

    def _delete(self) -> Seed:
        message = {"type": "conversation.item.delete", "item_id": self._rng.choice(self._items)}
        return Seed(message, "conversation.item.deleted", frozenset({"item_not_found"}))

    def _cancel(self) -> Seed:
        return Seed({"type": "response.cancel"}, refusals=frozenset({"response_cancel_not_active"}))

    def _commit(self) -> Seed:
        refusals = frozenset({"input_audio_buffer_commit_empty"})
        return Seed({"type": "input_audio_buffer.commit"}, "input_audio_buffer.committed", refusals)

    def _clear_sound(self) -> Seed:
        return Seed({"type": "input_audio_buffer.clear"}, "input_audio_buffer.cleared")

    def _clear_frames(self) -> Seed:
        return Seed({"type": "input_video_buffer.clear"})

    def _resume(self) -> Seed:
        message = {"type": "session.resume", "token": "no_such_token", "after": "event_1"}
        return Seed(message, refusals=frozenset({"invalid_request"}))

    def _words(self) -> str:
        return " ".join(self._rng.choices(WORDS, k=self._rng.randint(1, 6)))


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")

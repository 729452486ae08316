"""What the server sends, as plain JSON objects, each with every field that the API's types require.

A builder returns an event without its ``event_id``; the protocol adds that.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any, TypeAlias

from gateway.wire.session_settings import format_to_wire
from speech.audio_format import AudioFormat
from streams.conversation import (
    AudioContent,
    Content,
    FunctionCall,
    FunctionOutput,
    ImageContent,
    Item,
    Message,
    SessionOptions,
    TextContent,
)
from streams.errors import StreamsError, asked_wrongly
from streams.events import ResponseDone
from streams.session import new_id
from streams.types import US_PER_MS, Moment

ServerEvent: TypeAlias = dict[str, Any]

MAX_DELTA_MS = 200
"""The longest piece of sound in one event, so that a client can stop or mix it finely."""


def error_to_wire(error: Exception, *, event_id: str | None, param: str | None = None) -> ServerEvent:
    """An ``error`` event; of an error that nobody raised on purpose only that it happened is told.

    ``param`` is where the client finds what is at fault, when that is not as the error says.
    """
    detail = {
        "type": "invalid_request_error" if asked_wrongly(error) else "server_error",
        "code": error.code if isinstance(error, StreamsError) else StreamsError.code,
        "message": error.message if isinstance(error, StreamsError) else "The server failed; see its log",
        "param": param or (error.param if isinstance(error, StreamsError) else None),
        "event_id": event_id,
    }
    return {"type": "error", "error": detail}


def rate_limits_updated(limit: int, remaining: int, reset_s: float) -> ServerEvent:
    """How many responses may still be created, of ``limit``, and when it will be all of them again."""
    counts = {"limit": limit, "remaining": remaining, "reset_seconds": round(reset_s, 3)}
    return stamped({"type": "rate_limits.updated", "rate_limits": [{"name": "requests", **counts}]})


def item_to_wire(item: Item) -> dict[str, Any]:
    return {"id": item.id, "object": "realtime.item", "status": item.status, **_kind_to_wire(item)}


def _kind_to_wire(item: Item) -> dict[str, Any]:
    match item:
        case Message(role=role):
            content = [_content_to_wire(part, spoken_by=role) for part in item.content]
            return {"type": "message", "role": role, "content": content}
        case FunctionCall(call_id=call_id):
            return {
                "type": "function_call",
                "call_id": call_id,
                "name": item.name,
                "arguments": item.arguments,
            }
        case FunctionOutput(call_id=call_id, output=output):
            return {"type": "function_call_output", "call_id": call_id, "output": output}


def _content_to_wire(content: Content, spoken_by: str) -> dict[str, Any]:
    direction = "output" if spoken_by == "assistant" else "input"
    match content:
        case TextContent(text):
            return {"type": f"{direction}_text", "text": text}
        case AudioContent(transcript):
            return {"type": f"{direction}_audio", "transcript": transcript}
        case ImageContent(url=url):
            return {"type": "input_image", "image_url": url, "detail": "auto"}


def response_to_wire(
    response_id: str,
    options: SessionOptions,
    *,
    conversation_id: str | None,
    metadata: dict[str, str] | None,
    audio_format: AudioFormat,
    done: ResponseDone | None = None,
    output: Item | None = None,
) -> dict[str, Any]:
    """The response object: in progress, or as it ended when ``done`` is given. Never holds the sound."""
    return {
        "object": "realtime.response",
        "id": response_id,
        "status": done.status if done else "in_progress",
        "status_details": _status_details(done) if done else None,
        "output": [item_to_wire(output)] if output else [],
        "conversation_id": conversation_id,
        "output_modalities": [options.modality],
        "max_output_tokens": options.max_output_tokens,
        "audio": {"output": {"format": format_to_wire(audio_format), "voice": options.voice}},
        "metadata": metadata,
        "usage": _usage(done) if done else None,
    }


def _status_details(done: ResponseDone) -> dict[str, Any]:
    details: dict[str, Any] = {"type": done.status}
    if done.reason is not None:
        details["reason"] = done.reason
    if done.error is not None:
        error = done.error
        details["error"] = {"type": "server_error", "code": error.code, "message": error.message}
    return details


def _usage(done: ResponseDone) -> dict[str, Any]:
    """Tokens as the API counts them: the whole context is input, what was not newly read is cached.

    All of them are text: speech is transcribed, pictures are named, and replies are spoken from text.
    """
    cached_tokens = done.context_tokens - done.input_tokens
    return {
        "total_tokens": done.context_tokens + done.output_tokens,
        "input_tokens": done.context_tokens,
        "output_tokens": done.output_tokens,
        "input_token_details": {
            "text_tokens": done.context_tokens,
            "audio_tokens": 0,
            "image_tokens": 0,
            "cached_tokens": cached_tokens,
            "cached_tokens_details": {"text_tokens": cached_tokens, "audio_tokens": 0, "image_tokens": 0},
        },
        "output_token_details": {"text_tokens": done.output_tokens, "audio_tokens": 0},
    }


def moment_to_wire(moment: Moment, thumbnail: bytes | None) -> dict[str, Any]:
    return {
        "start_ms": ms(moment.start_us),
        "end_ms": ms(moment.end_us),
        "score": moment.score,
        "kind": moment.kind.value,
        "text": moment.text,
        "thumbnail": None if thumbnail is None else f"data:image/jpeg;base64,{_base64(thumbnail)}",
    }


def audio_deltas(data: bytes, audio_format: AudioFormat) -> Iterator[str]:
    """Sound in ``audio_format`` as base64, in pieces of at most ``MAX_DELTA_MS``."""
    step = audio_format.rate * MAX_DELTA_MS // 1_000 * audio_format.sample_bytes
    for start in range(0, len(data), step):
        yield _base64(data[start : start + step])


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def ms(us: int) -> int:
    return us // US_PER_MS


def stamped(event: ServerEvent) -> ServerEvent:
    """``event`` with an id of its own."""
    return {"type": event["type"], "event_id": new_id("event"), **event}

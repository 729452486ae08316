"""``turn_detection`` of a session object, to the options that a session runs by and back."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from gateway.wire import client_event as wire
from gateway.wire.base import given_fields
from streams.conversation import SemanticVad, ServerVad, TurnDetection


def merged(
    current: TurnDetection | None, update: wire.TurnDetection | None, default: TurnDetection | None
) -> TurnDetection | None:
    """``update`` laid over ``current`` by presence; over the defaults of its type where that is another.

    What both types have, whether to answer and to be interrupted, goes over from one to the other.
    """
    if update is None:
        return None
    kind = SemanticVad if update.type == "semantic_vad" else ServerVad
    base = default if isinstance(default, kind) else kind()
    if isinstance(current, kind):
        start: TurnDetection = current
    else:
        kept = current or base
        start = replace(
            base, create_response=kept.create_response, interrupt_response=kept.interrupt_response
        )
    return replace(start, **given_fields(update, (field.name for field in fields(kind)), base))


def detection_to_wire(detection: TurnDetection | None) -> dict[str, Any] | None:
    match detection:
        case None:
            return None
        case ServerVad():
            return {
                "type": "server_vad",
                "threshold": detection.threshold,
                "prefix_padding_ms": detection.prefix_padding_ms,
                "silence_duration_ms": detection.silence_duration_ms,
                "create_response": detection.create_response,
                "interrupt_response": detection.interrupt_response,
                "idle_timeout_ms": detection.idle_timeout_ms,
            }
        case SemanticVad():
            return {
                "type": "semantic_vad",
                "eagerness": detection.eagerness,
                "create_response": detection.create_response,
                "interrupt_response": detection.interrupt_response,
            }

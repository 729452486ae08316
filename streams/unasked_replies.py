"""What a session said unasked, gathered from its events."""

from __future__ import annotations

from dataclasses import dataclass, field

from streams.conversation import Message, TextContent
from streams.events import Event, ResponseCreated, ResponseDone


@dataclass(frozen=True, slots=True)
class UnaskedReply:
    """``text`` was begun to be said at ``at_us``."""

    at_us: int
    text: str


@dataclass(slots=True)
class UnaskedReplies:
    """What a session says unasked, out of its events, by the request that it is about."""

    _begun: dict[str, tuple[str, int]] = field(default_factory=dict)
    said: dict[str, list[UnaskedReply]] = field(default_factory=dict)

    def take(self, event: Event, now_us: int) -> None:
        match event:
            case ResponseCreated(response_id=response_id, unasked=why) if why is not None:
                self._begun[response_id] = (why.request_id, now_us)
            case ResponseDone(response_id=response_id, item=item) if response_id in self._begun:
                request_id, at_us = self._begun.pop(response_id)
                content = item.content if isinstance(item, Message) else ()
                text = " ".join(part.text for part in content if isinstance(part, TextContent))
                self.said.setdefault(request_id, []).append(UnaskedReply(at_us, text))
            case _:
                pass

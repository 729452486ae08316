"""Whether a standing request stands on after it was met, by the rule of the engine."""

from __future__ import annotations

from streams.request_phrase.recognition import Wish, recognise
from streams.train.sample import Turn


def stands_on(turn: Turn) -> bool:
    """Of an alert or a narration. What is due more than once stands on however it is worded: a client may
    ask for that without words."""
    if turn.topic == "narration" or len(turn.replies) > 1:
        return True
    wish = recognise(turn.text)
    return isinstance(wish, Wish) and wish.repeats

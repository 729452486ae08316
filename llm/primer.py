"""An example of notes and answers that stands behind the instructions.

A model of 135M parameters without it answers in the form of its notes ("I see: cat."), whatever it is
asked; with it, in sentences. Larger models need none, and it would be one more thing to remember.
"""

from __future__ import annotations

from llm.chat import ChatFormat
from llm.passage import Passage
from streams.types import US_PER_S

SIGHTS = ((0, "umbrella"), (9, "piano"))
EXCHANGES = (
    ("What do you see now?", "I can see a piano right now."),
    (
        "How does a piano make its sound?",
        "When a key is pressed, a small hammer strikes the strings inside, and the strings vibrate, "
        "which makes the sound that you hear.",
    ),
)


def primed(chat: ChatFormat, instructions: Passage) -> Passage:
    """``instructions`` with the example behind them."""
    ids = [*instructions.ids]
    for at_s, name in SIGHTS:
        ids += chat.sight(at_s * US_PER_S, name).ids
    at_us = SIGHTS[-1][0] * US_PER_S
    for question, answer in EXCHANGES:
        ids += chat.question(at_us, question).ids
        ids += chat.message("assistant", at_us, answer).ids
    return Passage(tuple(ids), instructions.start, instructions.end)

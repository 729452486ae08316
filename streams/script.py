"""What is said in the demo, and when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Line:
    """Spoken from ``at_s`` of the video on. ``about`` says what the line is there to show.

    An ``interruption`` is spoken as soon as the answer to the line before it is heard.
    """

    at_s: float
    text: str
    about: Literal["now", "remember", "long ago", "said before", "story", "interruption"]


SCRIPT = (
    Line(11.0, "What do you see now?", "now"),
    Line(40.0, "The meeting with Anna is on Friday at noon.", "remember"),
    Line(98.0, "What was in the cup?", "long ago"),
    Line(114.0, "Did you see a cat?", "long ago"),
    Line(128.0, "Explain in detail how coffee is made.", "story"),
    Line(128.0, "Wait, what do you see now?", "interruption"),
    Line(152.0, "When is the meeting with Anna?", "said before"),
    Line(165.0, "What vehicle did you see?", "long ago"),
)

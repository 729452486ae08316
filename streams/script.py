"""What is said in the demo, and when, and which answers are right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Line:
    """Spoken from ``at_s`` of the video on. ``about`` says what the line is there to show.

    An ``interruption`` is spoken as soon as the answer to the line before it is heard. An answer is right
    when it holds one of ``accepted``, word for word; without any, no answer is right or wrong.
    """

    at_s: float
    text: str
    about: Literal["now", "remember", "long ago", "said before", "story", "interruption"]
    accepted: tuple[str, ...] = ()


COFFEE = ("coffee", "espresso", "cappuccino", "latte")
CAT = ("cat", "kitten", "tabby", "tabby cat")
MOTORCYCLE = ("motorcycle", "motorbike", "moped", "motor scooter", "scooter")
ROCKET = ("rocket", "space shuttle", "missile")
ASTRONAUT = ("astronaut", "space suit", "spacesuit", "woman", "person")

SCRIPT = (
    Line(11.0, "What do you see now?", "now", (*COFFEE, "cup")),
    Line(29.0, "Which animal do you see now?", "now", CAT),
    Line(40.0, "The meeting with Anna is on Friday at noon.", "remember"),
    Line(50.0, "What do you see now?", "now", MOTORCYCLE),
    Line(66.0, "What was in the cup?", "long ago", COFFEE),
    Line(84.0, "What do you see now?", "now", ROCKET),
    Line(114.0, "Did you see a cat?", "long ago", ("yes",)),
    Line(128.0, "Explain in detail how coffee is made.", "story"),
    Line(128.0, "Wait, what do you see now?", "interruption", ASTRONAUT),
    Line(152.0, "When is the meeting with Anna?", "said before", ("Friday", "noon")),
    Line(163.0, "What vehicle did you see?", "long ago", (*MOTORCYCLE, *ROCKET, "bicycle", "bicycles")),
    Line(172.0, "What did you see first?", "long ago", (*COFFEE, "cup")),
)

"""Whether what was heard while a reply played only says "I am listening", and takes no turn. English.

Yngve (1970), "On getting a word in edgewise", named the back channel; the list follows the short responses
that Jurafsky et al. (1997), "Switchboard SWBD-DAMSL", label as backchannel, agreement and appreciation.
"""

from __future__ import annotations

import re

_PHRASES = (
    *("yes", "yeah", "yea", "yah", "ya", "yep", "yup", "ok", "okay", "right", "alright", "all right", "sure"),
    *("i see", "i know", "got it", "go on", "of course", "exactly", "absolutely", "definitely", "indeed"),
    *(
        "true",
        "that's true",
        "that's right",
        "makes sense",
        "that makes sense",
        "fair enough",
        "good",
        "great",
    ),
    *("nice", "cool", "wow", "really", "interesting", "very interesting", "very good", "very nice", "uh huh"),
    *("perfect", "fine", "lovely", "oh really", "oh wow", "oh i see", "oh okay", "good point", "sounds good"),
    # What Whisper writes for a breath, a click or a hum.
    *("you", "thank you", "thanks for watching", "thank you for watching"),
)
_SOUNDS = re.compile(
    r"m+h+m*|h+m+|m+|u+h+|u+m+|a+h+|o+h+|o+|a+|e+h+|e+r+m*|huh|aha+|a?ha(ha)*h?|he(he)*h?|ho(ho)*|hee+|ooh+|phew|whoa"
)
_ANNOTATION = re.compile(r"\[[^\]]*\]|\([^)]*\)|\*[^*]*\*|[♪♫]")
"""Sounds that a recogniser describes: "[BLANK_AUDIO]", "(laughs)", "*sighs*"."""
_LONGEST = max(len(phrase.split()) for phrase in _PHRASES)
_KNOWN = frozenset(_PHRASES)


def is_backchannel(words: str) -> bool:
    """Whether ``words`` (a transcript) hold nothing but backchannels, laughter and described sounds.

    An empty transcript is one too: a noise that no word was heard in. One word beyond the list makes it
    none: "okay, but", "wait", "no".
    """
    text = _ANNOTATION.sub(" ", words.lower().replace("’", "'"))
    left = re.findall(r"\w+(?:'\w+)*", text)
    while left:
        count = next((n for n in range(_LONGEST, 0, -1) if " ".join(left[:n]) in _KNOWN), 0)
        if not count and not _SOUNDS.fullmatch(left[0]):
            return False
        left = left[count or 1 :]
    return True

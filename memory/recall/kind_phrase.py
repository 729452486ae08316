"""Phrases of English questions that say whether something seen, heard or answered is asked about."""

from __future__ import annotations

import re

from streams.types import BlockKind

_ADVERB = r"(?:(?:just|really|actually|ever|also|first|last|already|again|even) )?"
_TOLD = r"(?:say|said|tell|told|mention|mentioned|promise|promised|explain|explained)"
_SAID_BY = (
    rf"\b(?:did|have|had) {{0}} {_ADVERB}(?:{_TOLD}|{{1}})\b"
    rf"|\bwhat (?:else )?(?:have |had )?{{0}} {_ADVERB}(?:{_TOLD}|{{1}})\b"
    r"|\bwhat (?:was|were|have) {0} (?:been )?(?:saying|talking about|telling)\b"
)

_UTTERANCE = re.compile(_SAID_BY.format("i", "ask|asked"))
_REPLY = re.compile(
    _SAID_BY.format(
        "you", "answer|answered|reply|replied|respond|responded|recommend|recommended|suggest|suggested"
    )
    + r"|\bwhat (?:was|were) your (?:answer|reply|response|suggestion|recommendation|advice)s?\b"
)
_FRAME = re.compile(
    rf"\b(?:did|have|had) you {_ADVERB}(?:see|seen)\b"
    rf"|\bwhat (?:else )?(?:have |had )?you {_ADVERB}(?:saw|seen|see)\b"
    r"|\bon camera\b|\b(?:did|has|had) the camera (?:see|seen|show|shown)\b"
    r"|\bvisible (?:to|in front of) (?:you|the camera)\b"
)
_SPEECH = re.compile(
    r"\b(?:say|says|said|saying|tell|told|telling|talk|talked|talking|speak|spoke|mention|mentioned|hear|heard|"
    r"ask|asked|answer|answered|explain|explained|mean|meant|why|how come)\b"
)
"""Next to words of sight these leave open which is meant ("did you see what I said?")."""


def mentions_speech(text: str) -> bool:
    """Whether ``text`` (lower case) has words of talking or hearing."""
    return _SPEECH.search(text) is not None


def find_kinds(text: str) -> frozenset[BlockKind] | None:
    """The kinds of blocks that ``text`` (lower case, single spaces) can be about; None: any."""
    kinds = set()
    if _UTTERANCE.search(text):
        kinds.add(BlockKind.UTTERANCE)
    if _REPLY.search(text):
        kinds.add(BlockKind.REPLY)
    if _FRAME.search(text):
        if not kinds and _SPEECH.search(text):
            return None
        kinds.add(BlockKind.FRAME)
    return frozenset(kinds) or None

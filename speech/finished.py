"""Whether the words so far read like a finished sentence: syntactic completion, judged by how they end.

Sacks, Schegloff and Jefferson (1974), "A simplest systematics for the organization of turn-taking for
conversation": who listens expects the end where the sentence can end. English. A recogniser writes a full
stop wherever the voice pauses, so punctuation tells little, and the words that nothing ends on tell much.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import takewhile

UNFINISHED = 0.05
"""Nothing ends here: after a conjunction, an article, a hesitation."""
DOUBTFUL = 0.25
"""Little ends here: after a verb that wants an object, in a number that is dictated."""
OPEN = 0.5
"""The words do not tell."""
LIKELY = 0.75
FINISHED = 0.9


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_HESITATIONS = _words("um uh umm uhm uhh er erm hmm hm")
_CONJUNCTIONS = _words("and or but nor because cause if whether unless although until than as")
_RELATIVES = _words("that which who whose when where while since why how what like")
_DETERMINERS = _words("the a an my your our their its every some his her")
_PREPOSITIONS = _words(
    "of from into onto at for to by about with without under behind between among against during toward "
    "towards upon near beside in on through across"
)
_PARTICLES = _words("in on by through across about under behind")
_BEFORE_PARTICLES = _words(
    "it them him her me us this that these those come go turn turned hold carry put log sign keep get going "
    "move moved went came"
)
_AUXILIARIES = _words(
    "is are was were am be been being has have had will would can could should shall may might must do does "
    "did isn't aren't wasn't weren't haven't hasn't hadn't won't wouldn't can't couldn't shouldn't don't "
    "doesn't didn't i'm it's he's she's that's there's they're we're you're i'll i've i'd gonna"
)
_SUBJECTS = _words("i he she we they")
_TRANSITIVE = _words(
    "called named says said tell give want wanted wants need needed needs liked love trying tried looking "
    "wondering asking wonder got make made bought saw met found very really quite so more another other "
    "just maybe not even first second next last blue red big small new old"
)
_QUESTIONS = _words("what where when why who whom whose which how what's where's who's how's")
_INVERTED = frozenset(word for word in _AUXILIARIES if not word.startswith(("i'", "it'", "he'", "she'")))
_SUBORDINATORS = _words(
    "if when whenever after before although though while since because unless until once as"
)
_PHRASE_OPENERS = _words("in on at by with without instead during despite to as for")
_HEDGES = frozenset(("i think", "i guess", "i believe", "i mean", "i suppose", "you know", "i wonder"))
_PREFACES = _words("so well okay ok and but hey hi hello look listen actually basically oh")
_ANSWERS = _words("yes no yeah nope okay ok sure thanks stop hello hi goodbye bye")
_CLOSINGS = _words(
    "please thanks today tomorrow yesterday tonight again here there now too yet already either instead me "
    "him them us these those mine yours anymore anyway everything anything nothing something everybody "
    "anybody nobody later soon right"
)
_TAG = re.compile(
    r"\b(is|are|was|were|do|does|did|has|have|can|will|would|could|should|shall|won|isn|aren|wasn|weren|don|"
    r"doesn|didn|hasn|haven|can|couldn|wouldn|shouldn)('t)? (it|you|he|she|they|we|i)$"
)
_NUMBERS = _words(
    "oh zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety "
    "hundred thousand point double triple"
)
_WORD = re.compile(r"[a-z]+(?:'[a-z]+)*|\d+")
_SENTENCE_END = re.compile(r"(?<!\bmr\.)(?<!\bmrs\.)(?<!\bms\.)(?<!\bdr\.)(?<!\bst\.)(?<=[.?!])\s+")
_DICTATED_DIGITS = 7
"""A number of so many digits may be whole: a telephone number without its area code."""
_CLAUSE_WORDS = 9
"""A sentence that opens with "if" or "when" has reached its main clause by then."""
_PHRASE_WORDS = 5
_SUBJECT_WORDS = 6
_MEMBER_WORDS = 2
"""Of a list: "milk", "some flour"."""


def finished(text: str) -> float:
    """How much ``text``, all that was said in the turn so far, reads like a finished sentence (0..1)."""
    text = text.strip().lower().replace("’", "'").replace("…", "...")
    sentences = [each for each in _SENTENCE_END.split(text.rstrip(" .?!,-")) if _WORD.search(each)]
    if not sentences:
        return OPEN
    sentence = sentences.pop()
    # A stop that a recogniser wrote where a pause was: "It was written by. Virginia Woolf."
    while sentences and _by_last_word(_WORD.findall(sentences[-1])) < OPEN:
        sentence = f"{sentences.pop()} {sentence}"
    words = _WORD.findall(sentence)
    if sentences and (" ".join(words) in _HEDGES or (len(words) == 1 and words[0] in _CLOSINGS)):
        return LIKELY
    preface = list(takewhile(_PREFACES.__contains__, words))
    clause = words[len(preface) :]
    if not clause:
        return LIKELY if words[-1] in _ANSWERS else UNFINISHED
    member = DOUBTFUL if sentences and _is_member(sentence) else LIKELY
    doubt = min(_by_last_word(clause), _by_number(clause), _by_opening(clause, sentence), member)
    if doubt < OPEN:
        return doubt
    # Who is given dots at every pause is given them at the end too.
    if text.endswith((",", "-")) or (text.endswith("...") and "..." not in text[:-3]):
        return DOUBTFUL
    if (
        clause[-1] in _CLOSINGS
        or _TAG.search(" ".join(clause))
        or (len(clause) < 3 and clause[0] in _ANSWERS)
    ):
        return FINISHED
    return LIKELY if text.endswith((".", "?", "!")) else OPEN


def _by_last_word(words: Sequence[str]) -> float:
    last, before = words[-1], words[-2] if len(words) > 1 else ""
    asks = any(word in _QUESTIONS for word in words[:-1])
    if _TAG.search(" ".join(words)):
        return LIKELY
    if last in _HESITATIONS or last in _CONJUNCTIONS or " ".join(words) in _HEDGES:
        return UNFINISHED
    if " ".join(words[-2:]) == "you know":
        return DOUBTFUL
    if last in _PREPOSITIONS:
        # "Where are you from", "what is it for", "turn it on" end on one all the same.
        ends = asks or (last in _PARTICLES and before in _BEFORE_PARTICLES)
        return OPEN if ends else UNFINISHED
    if last in _DETERMINERS:
        return DOUBTFUL if last in ("his", "her", "some") else UNFINISHED
    if last in _AUXILIARIES:
        # "Yes, I do", "I know who she was", "the best I have ever had".
        ends = (len(words) < 5 and words[0] in ("yes", "no")) or asks or before == "ever"
        return OPEN if ends else UNFINISHED
    if last == "that":
        return OPEN
    if last in _RELATIVES or last in _SUBJECTS:
        return DOUBTFUL
    return DOUBTFUL if last in _TRANSITIVE and not asks else LIKELY


def _by_number(words: Sequence[str]) -> float:
    """Somebody who says one digit after the other may have more of them."""
    run = list(takewhile(lambda word: word.isdigit() or word in _NUMBERS, reversed(words)))
    digits = sum(len(word) if word.isdigit() else 1 for word in run)
    if digits < 2:
        return LIKELY
    return DOUBTFUL if digits < _DICTATED_DIGITS else OPEN


def _is_member(part: str) -> bool:
    """Whether ``part`` is a few words that go on with a list, and not its last."""
    part = part.strip(" .?!,")
    words = part.split()
    return (
        0 < len(words) <= _MEMBER_WORDS
        and words[0] not in _ANSWERS | {"and", "or", "then"}
        and words[-1] not in _CLOSINGS
        and part not in _HEDGES
        and not _TAG.search(part)
    )


def _by_enumeration(sentence: str) -> float:
    """A list without its "and": the last of it is still to come."""
    before, comma, last = sentence.rpartition(",")
    starts = comma and len(_WORD.findall(before)) > 1
    return DOUBTFUL if starts and _is_member(last) else LIKELY


def _by_opening(words: Sequence[str], sentence: str) -> float:
    """A clause or phrase that only leads to the main one, and nothing after it yet."""
    opener, following = words[0], words[1] if len(words) > 1 else ""
    if words[2:3] == ["of"] and opener in _DETERMINERS | {"his", "her"} and len(words) <= _SUBJECT_WORDS:
        # "The name of the restaurant": a subject; its verb would be one of these at such a length.
        return LIKELY if _AUXILIARIES.intersection(words) else DOUBTFUL
    asks = opener == "when" and following in _INVERTED
    if "," in sentence or asks:
        return _by_enumeration(sentence)
    if opener in _SUBORDINATORS:
        return DOUBTFUL if len(words) < _CLAUSE_WORDS else OPEN
    return DOUBTFUL if opener in _PHRASE_OPENERS and len(words) <= _PHRASE_WORDS else LIKELY

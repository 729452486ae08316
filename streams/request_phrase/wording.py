"""Word classes of which requests are built, as parts of regular expressions over lower-case text."""

from __future__ import annotations


def one_of(*alternatives: str) -> str:
    return f"(?:{'|'.join(alternatives)})"


ME = one_of("me", "us")

_SIGNAL = one_of(
    "shout", "heads[- ]up", "signal", "warning", "alert", "sign", "note", "notice", "nudge", "ping", "call",
    "buzz", "beep", "hint", "word", "wink", "yell", "holler", "message", "line", "text", "notification",
    "poke", "cue",
)  # fmt: skip
A_SIGNAL = rf"(?:a |an |the |some |your )?(?:\w+ )?{_SIGNAL}"

ADDRESSED = one_of(
    r"(?:tell|warn|alert|notify|inform|ping|call|text|message|buzz|page|signal|remind|nudge|poke|phone|ring) "
    rf"{ME}",
    rf"let {ME} (?:know|hear)", rf"(?:give|send|drop|shoot) {ME} {A_SIGNAL}", rf"wake {ME}(?: up)?",
    r"bring (?:it|that|this) to (?:my|our) attention",
    r"(?:draw|get|call) (?:my|our) attention(?: to (?:it|that|this))?",
)  # fmt: skip
"""Asks to be told, and says who is to be."""

_THAT = one_of("it", "that", "this", "them", "him", "her")
ALOUD = one_of(
    r"say (?:so|something|anything|\"[^\"]+\"|(?!what|when|where|why|who|how|which|if|that|it|to|a|the)\w+)",
    "say (?:it|that) (?:out loud|aloud)", "speak (?:up|out)", "sing out", "pipe up", "chime in", "cry out",
    "call out", "shout(?: out)?", "yell(?: out)?", "holler", "beep", r"make (?:a|some) (?:noise|sound)",
    r"(?:raise|sound|ring) (?:the|an|a) (?:alarm|bell)",
    rf"(?:report|announce|flag|mention|signal)(?: {_THAT})?(?: back)?(?: to {ME})?",
    rf"(?:call|point|shout) {_THAT} out", r"take note", r"say",
)  # fmt: skip
"""Asks to say something, to whoever is there."""

TELL = one_of(ADDRESSED, ALOUD, "tell", "warn", "alert", "notify", "inform", "ping")

GERUNDS = {
    "telling": "tell", "warning": "warn", "alerting": "alert", "notifying": "notify", "informing": "inform",
    "pinging": "ping", "calling": "call", "letting": "let", "giving": "give", "sending": "send",
    "saying": "say", "reminding": "remind", "reporting": "report", "announcing": "announce",
    "describing": "describe", "narrating": "narrate", "commenting": "comment", "commentating": "commentate",
    "watching": "watch", "looking": "look", "listening": "listen", "naming": "name", "mentioning": "mention",
    "pointing": "point",
}  # fmt: skip
"""As they stand after "keep" and "would you mind"."""

_TIME = one_of(
    "moment", "minute", "second", "instant", "next time", "first time", "very (?:moment|second|instant)"
)
ONCE = one_of(
    "when", "if and when", "if ever", "if", "once", "as soon as", rf"the {_TIME}(?: that| when)?",
    r"(?:the )?next time(?: that)?", "in case", "immediately when", "right when", "just when", "should",
    "in the event that",
)  # fmt: skip
AGAIN = one_of(
    "whenever", "when ?ever",
    r"(?:every|each|any|each and every) ?(?:single )?(?:time|moment)(?: that| when)?", "as often as",
    "on (?:every|each|any) occasion(?: that| when)?", "always when", "no matter when",
)  # fmt: skip
"""What makes a request stand on after it was met."""

EACH = one_of("each and every", "each", "every", "any")
HAPPENING = one_of(
    "sight", "sighting", "glimpse", r"(?:re)?appearance", "arrival", "sign", "entrance", "entry", "return",
    "departure", "exit", "start", "end", "beginning", "onset", "occurrence", "presence", "detection", "hint",
    "trace", "change", "movement", "motion", "sound", "noise", "smell", "approach", "opening", "closing",
    "crossing", "finish",
)  # fmt: skip
_PERCEIVING = one_of(
    "seeing", "spotting", "noticing", "hearing", "finding", "detecting", r"recogni[sz]ing", "observing",
    "reading", "sighting", "encountering", "meeting", r"catching (?:sight|a glimpse) of", "smelling",
)  # fmt: skip
_QUALITY = r"(?:(?:very|first|next|slightest|earliest|smallest|least|single|sudden|new|clear) )*"
UPON = one_of(
    rf"(?:upon|on|at|with) (?:the |a |an |my |our |its |their |his |her |{EACH} )?{_QUALITY}"
    rf"{HAPPENING}\b(?: (?:of|in|from|by|at|on|with|near) .+?)?",
    rf"(?:upon|on|at|with) (?:the|a|an|my|our|his|her|their) [\w ]+'s {HAPPENING}\b.*?",
    rf"(?:up)?on (?:first )?{_PERCEIVING} .+?",
    rf"(?:upon|at|on|with|for) {EACH} (?!time|cost|price|rate|moment)\w.*?",
    r"(?:upon|at|with) the (?:very )?(?:first|next) (?!chance|opportunity|time|moment)\w.*?",
    r"in (?:case|the event|the presence) of .+?",
)  # fmt: skip
"""Conditions that are said with a noun: "at the sight of a dog", "on seeing one", "at each dog"."""

DESCRIBE = one_of(
    rf"describe(?: to {ME})?", rf"tell {ME}", "say", rf"report(?: to {ME})?", "comment(?: on)?", "narrate",
    "announce", "call out", "name",
)  # fmt: skip
_ON = r"(?: on| along| in| by| up| around| past)?"
_COMING = one_of(
    "changes?", "happens?", "unfolds?", "goes", "go", "moves?", "comes?", "appears?", "enters?", "passes",
    "occurs?", "turns up", "shows up", "pops up", "is new", "is going on", "goes on", "is happening",
    "is changing",
)  # fmt: skip
_WHATEVER = one_of(
    "it", "they", "things?", "this", "that", "something", "anything", "events?", r"the \w+", "what you see",
    r"(?:some|any)thing (?:new|else|different)", "nothing",
)  # fmt: skip
ALIVE = one_of(
    rf"as {_WHATEVER} {_COMING}{_ON}", "as you (?:go|see it|watch)", "while you (?:watch|look)",
    rf"(?:{AGAIN}|when) {_WHATEVER} {_COMING}{_ON}", "continuously", "continually", "constantly",
    "all the time", "the whole time", "live", "on and on", "from now on", "step by step", "in real time",
)  # fmt: skip
"""Says that a description is to go on."""
INDEFINITE = (
    r"(?:it|this|things?|the (?:scene|picture|image|view|video)|what you see|"
    rf"(?:some|any)thing(?: new| else| different)?) {_COMING}{_ON}"
)
"""That something changes, whatever it is."""
HAPPENS = rf"(?:what|whatever|everything|anything|all)(?: that| which)?(?: is|'s)? ?(?:new|{_COMING})\b"
VIEW = one_of(
    r"what(?:ever)? (?:you (?:can |do )?(?:see|notice|hear|observe)|you(?:'re| are) seeing|is there|there is|"
    r"is visible|is in view)",
    HAPPENS, r"(?:everything|all|anything)(?: (?:that |which )?you (?:can )?(?:see|notice|spot|hear))?",
)  # fmt: skip
SCENE = one_of("it", "this", r"the (?:scene|picture|pictures|video|view|room|street|action|game|match|\w+)")

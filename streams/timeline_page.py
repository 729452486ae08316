"""A page for a browser that shows a session along its time: one file, which needs nothing else."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

from streams.memories.passage import Passage, printable
from streams.timeline_template import FIND, HEAD, TAIL
from streams.types import US_PER_S, BlockKind, format_time

CHAPTERS = 16
CHAPTER_S = (60, 120, 300, 600, 1_200, 1_800, 3_600, 7_200, 14_400, 21_600, 43_200, 86_400)
GAP_US = 60 * US_PER_S
PICTURES = 4
PICTURE_EVERY_US = 5 * US_PER_S
"""Of what stayed for long, a picture in so long is shown, and ``PICTURES`` at most."""

LABELS = {BlockKind.FRAME: "Seen", BlockKind.UTTERANCE: "Heard", BlockKind.REPLY: "Answered"}

WIDTH, ROW, BAR, LEAST = 1_000, 24, 14, 1.5
"""Of the overview, in units of its own: its width, a row's height, a bar's, and a bar's least width."""


@dataclass(frozen=True, slots=True)
class TimelinePage:
    """``facts`` are names and values, ``notices`` what the reader must know, ``passages`` in time order.

    Nothing in here is trusted: all of it is escaped.
    """

    title: str
    facts: Sequence[tuple[str, str]]
    passages: Sequence[Passage]
    instructions: str = ""
    notices: Sequence[str] = ()

    def render(self, picture: Callable[[int], bytes | None]) -> Iterator[str]:
        """The page in pieces. ``picture`` gives the JPEG of a block by its id, if there is one."""
        yield HEAD.substitute(
            title=_text(self.title), facts="".join(map(_fact, self.facts)), notices="".join(self._notices())
        )
        if not self.passages:
            yield '<main id="timeline" class="page">\n<p class="empty">There is nothing to show.</p>\n'
            yield "</main>\n</body>\n</html>\n"
            return
        chapters = list(_chapters(self.passages))
        yield from self._overview()
        if len(chapters) > 1:
            yield from _contents(chapters)
        yield FIND
        yield '<main id="timeline" class="page" tabindex="-1">\n'
        number, until_us = 0, self.passages[0].start_us
        for index, (start_us, end_us, members) in enumerate(chapters):
            span = f"{format_time(start_us)} – {format_time(end_us)}"
            yield f'<section class="chapter" id="c{index}" aria-labelledby="h{index}">\n'
            yield f'<h2 id="h{index}">{span}</h2>\n<ol>\n'
            for passage in members:
                if passage.start_us - until_us >= GAP_US:
                    length = format_time(passage.start_us - until_us)
                    yield f'<li class="gap"><p>Nothing for {length}</p></li>\n'
                yield from _moment(number, passage, picture)
                number, until_us = number + 1, max(until_us, passage.end_us)
            yield "</ol>\n</section>\n"
        yield TAIL

    def _notices(self) -> Iterator[str]:
        for notice in self.notices:
            yield f'<p class="notice">{_text(notice)}</p>\n'
        if self.instructions:
            told = f'<p dir="auto">{_text(self.instructions)}</p>'
            yield f"<details><summary>Instructions</summary>{told}</details>\n"

    def _overview(self) -> Iterator[str]:
        """Bars along the whole time; the same is in the list below, so that only eyes are offered them."""
        start_us = self.passages[0].start_us
        length_us = max(max(passage.end_us for passage in self.passages) - start_us, 1)
        yield '<div class="overview page" aria-hidden="true">\n<div class="rows">'
        yield from (f'<span class="{kind}">{label}</span>' for kind, label in LABELS.items())
        yield f'</div>\n<svg viewBox="0 0 {WIDTH} {ROW * len(LABELS)}" preserveAspectRatio="none">\n'
        for quarter in (1, 2, 3):
            at = WIDTH * quarter // 4
            yield f'<line x1="{at}" y1="0" x2="{at}" y2="{ROW * len(LABELS)}"/>\n'
        rows = {kind: row * ROW + (ROW - BAR) // 2 for row, kind in enumerate(LABELS)}
        for number, passage in enumerate(self.passages):
            width = max(WIDTH * (passage.end_us - passage.start_us) / length_us, LEAST)
            x = min(WIDTH * (passage.start_us - start_us) / length_us, WIDTH - width)
            yield f'<a href="#m{number}" tabindex="-1">'
            yield f"<title>{passage.span} {_text(passage.text)}</title>"
            yield f'<rect class="{passage.kind}" x="{x:.2f}" y="{rows[passage.kind]}" '
            yield f'width="{width:.2f}" height="{BAR}"/></a>\n'
        yield '</svg>\n<div class="ticks">'
        yield from (f"<span>{format_time(start_us + length_us * part // 4)}</span>" for part in range(5))
        yield "</div>\n</div>\n"


Chapter = tuple[int, int, list[Passage]]


def _chapters(passages: Sequence[Passage]) -> Iterator[Chapter]:
    """``passages`` cut at round times into few enough parts, those left out in which nothing begins."""
    start_us = passages[0].start_us
    length_us = max(passage.start_us for passage in passages) - start_us
    steps = (seconds * US_PER_S for seconds in CHAPTER_S)
    step_us = next((step for step in steps if step * CHAPTERS >= length_us), length_us // CHAPTERS + 1)
    members: list[Passage] = []
    at = start_us // step_us
    for passage in passages:
        if members and passage.start_us // step_us != at:
            yield at * step_us, (at + 1) * step_us, members
            members = []
        at = passage.start_us // step_us
        members.append(passage)
    yield at * step_us, (at + 1) * step_us, members


def _contents(chapters: Sequence[Chapter]) -> Iterator[str]:
    yield '<nav class="chapters page" aria-label="Times">\n<ul>\n<li>Jump to</li>\n'
    for index, (start_us, _, _) in enumerate(chapters):
        yield f'<li><a href="#c{index}">{format_time(start_us)}</a></li>\n'
    yield "</ul>\n</nav>\n"


def _moment(number: int, passage: Passage, picture: Callable[[int], bytes | None]) -> Iterator[str]:
    start, end = _time(passage.start_us), _time(passage.end_us)
    until = "" if start == end else f"<br>– {end}"
    yield f'<li class="moment {passage.kind}" id="m{number}" data-kind="{passage.kind}">\n'
    yield f'<p class="when"><a href="#m{number}">{start}</a>{until}</p>\n'
    yield f'<div class="what"><span class="label">{LABELS[passage.kind]}</span>'
    if len(passage.block_ids) > 1:
        yield f' <span class="times">{len(passage.block_ids)} times</span>'
    yield f'\n<p class="text" dir="auto">{_text(passage.text)}</p>\n'
    shown = [jpeg for block_id in _sample(passage) if (jpeg := picture(block_id)) is not None]
    if shown:
        yield '<div class="pictures">\n'
        for index, jpeg in enumerate(shown, 1):
            which = f" {index} of {len(shown)}" if len(shown) > 1 else ""
            data = base64.b64encode(jpeg).decode("ascii")
            yield f'<img alt="Picture{which}, {passage.span}" src="data:image/jpeg;base64,{data}">\n'
        yield "</div>\n"
    yield "</div>\n</li>\n"


def _sample(passage: Passage) -> list[int]:
    """Ids of blocks whose pictures stand for a passage: the first, and others evenly over its time."""
    lasted_us = passage.end_us - passage.start_us
    count = min(1 + lasted_us // PICTURE_EVERY_US, PICTURES, len(passage.block_ids))
    return [passage.block_ids[index * len(passage.block_ids) // count] for index in range(count)]


def _fact(fact: tuple[str, str]) -> str:
    name, value = fact
    return f"<div><dt>{_text(name)}</dt><dd>{_text(value)}</dd></div>\n"


def _time(us: int) -> str:
    return f'<time datetime="PT{us // US_PER_S}S">{format_time(us)}</time>'


def _text(text: str) -> str:
    return escape(printable(text))

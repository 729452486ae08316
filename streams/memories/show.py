"""``streams memory show``: a session's time as lines, as JSON and as a page."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.filesize import decimal
from rich.text import Text

from memory.block import BlockInfo
from memory.store.store import MemoryStore
from streams.document import write_document
from streams.errors import InvalidRequestError
from streams.memories.kept import find, format_date, format_length
from streams.memories.passage import Passage, passages, printable
from streams.memories.view import SessionView, view
from streams.question import parse_time
from streams.timeline_page import LABELS, TimelinePage
from streams.types import UNNAMED, BlockKind
from streams.whole_file import whole_file

STYLES = {BlockKind.FRAME: "blue", BlockKind.UTTERANCE: "bold cyan", BlockKind.REPLY: "bold green"}


def show(store: MemoryStore, args: argparse.Namespace) -> int:
    """Raises InvalidRequestError for a time that is none, MemoryStoreError, ConfigError for a file."""
    start_us = None if args.start is None else _time(args.start, "--from")
    end_us = None if args.end is None else _time(args.end, "--to")
    if start_us is not None and end_us is not None and start_us > end_us:
        raise InvalidRequestError(f"--from {args.start} is after --to {args.end}", param="--from")
    (summary,) = find(store, [args.session])
    with view(store, summary) as session:
        infos = chosen(session.infos, start_us, end_us, args.kind)
        if args.json is not None:
            write_document(session.to_json(infos), args.json)
        found = passages(infos)
        if args.json != "-":
            _print(session, found)
        if args.html is not None:
            _write_page(session, found, args.html)
            if args.json != "-":
                _say(f"Wrote {args.html}.")
    return 0


def _time(text: str, flag: str) -> int:
    try:
        return parse_time(text)
    except InvalidRequestError as error:
        raise InvalidRequestError(f"{flag}: {error.message}", param=flag) from None


def chosen(
    infos: Sequence[BlockInfo], start_us: int | None, end_us: int | None, kinds: Sequence[str] | None
) -> list[BlockInfo]:
    """Those of one of ``kinds`` with a part between ``start_us`` and ``end_us``; None: no matter."""
    return [
        info
        for info in infos
        if (start_us is None or info.end_us >= start_us)
        and (end_us is None or info.start_us <= end_us)
        and (kinds is None or info.kind in kinds)
    ]


def _print(session: SessionView, found: Sequence[Passage]) -> None:
    console = Console()
    width = max((len(passage.span) for passage in found), default=0)
    for passage in found:
        times = f"  ({len(passage.block_ids)} times)" if len(passage.block_ids) > 1 else ""
        line = Text.assemble(
            (f"{passage.span:<{width}}", "dim"),
            (f"  {LABELS[passage.kind].lower():>8}  ", STYLES[passage.kind]),
            printable(passage.text) or UNNAMED,
            (times, "dim"),
        )
        console.print(line, highlight=False, soft_wrap=True)
    facts = session.summary
    shown = sum(len(passage.block_ids) for passage in found)
    _say(
        f"{facts.key}: {shown} of {len(session.infos)} blocks shown, {decimal(facts.nbytes)}, "
        f"{facts.removed} forgotten, {facts.damaged} damaged."
    )


def _say(text: str) -> None:
    Console().print(text, style="dim", markup=False, highlight=False, soft_wrap=True)


def _write_page(session: SessionView, found: Sequence[Passage], file: Path) -> None:
    summary = session.summary
    facts = [
        ("Model", summary.fingerprint.model),
        ("Codec", ", ".join(session.codecs()) or "–"),
        ("Created", format_date(summary.created_us)),
        ("Last used", format_date(summary.last_used_us)),
        ("Length", format_length(summary.end_us - summary.start_us)),
        ("Blocks", f"{len(session.infos):,}"),
        ("Tokens", f"{summary.tokens:,}"),
        ("On disk", decimal(summary.nbytes)),
        ("Forgotten", f"{summary.removed:,}"),
        ("Damaged", f"{summary.damaged:,}"),
    ]
    notices = []
    if len(found) < len(passages(session.infos)):
        notices.append("Only a part of the session is on this page.")
    page = TimelinePage(str(summary.key), facts, found, session.instructions, notices)
    with whole_file(file, "--html") as out:
        for piece in page.render(session.thumbnail):
            out.write(piece.encode("utf-8"))
    for block_id, problem in session.unreadable.items():
        _say(f"block {block_id} cannot be read: {problem}")

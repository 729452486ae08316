"""``streams memory``: what is done with kept sessions from outside."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from memory.store.identity import Damage, SessionSummary
from memory.store.store import MemoryStore
from streams.config import StreamsConfig
from streams.errors import ConfigError, MemoryStoreError
from streams.memories.export import export
from streams.memories.kept import (
    find,
    format_date,
    format_length,
    naming,
    open_store,
    summary_to_json,
)
from streams.memories.passage import printable
from streams.memories.show import show
from streams.memories.view import view


def run(args: argparse.Namespace, config: StreamsConfig) -> int:
    """Do ``args.action``; the exit status. Results go to stdout, what went wrong with one of many to stderr.

    Raises ConfigError, MemoryStoreError and InvalidRequestError.
    """
    with open_store(config.memory) as store:
        match args.action:
            case "ls":
                return _list(store, f"{config.memory.dir}", as_json=args.json)
            case "show":
                return show(store, args)
            case "verify":
                return _verify(store, args.sessions, as_json=args.json)
            case "compact":
                return _compact(store, args.sessions)
            case "export":
                return export(store, args.session, args.out, with_kv=args.with_kv, force=args.force)
            case action:
                assert action == "rm", action
                return _remove(store, args.sessions, sure=args.yes)


def _list(store: MemoryStore, folder: str, *, as_json: bool) -> int:
    summaries = sorted(find(store, []), key=lambda each: -each.last_used_us)
    if as_json:
        _write_json([summary_to_json(summary) for summary in summaries])
        return 0
    console = Console() if sys.stdout.isatty() else Console(width=1_000)
    if not summaries:
        hint = f"No sessions in {folder} yet: 'streams serve --memory-dir {folder}' keeps them there."
        console.print(hint, markup=False, highlight=False, soft_wrap=True)
        return 0
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("session", "model"):
        table.add_column(column, overflow="fold")
    for column in ("blocks", "length", "size", "last used", "forgotten", "damaged"):
        table.add_column(column, no_wrap=True, justify="right")
    for each in summaries:
        numbers = (
            f"{each.blocks:,}",
            format_length(each.end_us - each.start_us),
            decimal(each.nbytes),
            format_date(each.last_used_us),
            f"{each.removed:,}",
        )
        damaged = Text(f"{each.damaged:,}", style="bold red" if each.damaged else "")
        table.add_row(Text(str(each.key)), Text(printable(each.fingerprint.model)), *numbers, damaged)
    console.print(table)
    return 0


def _verify(store: MemoryStore, names: Sequence[str], *, as_json: bool) -> int:
    """A session that cannot even be opened is as bad as a damaged one; the others are verified still."""
    found: dict[str, tuple[list[Damage], str | None]] = {}
    for summary in find(store, names):
        try:
            with view(store, summary) as session:
                damages, error = session.reader.verify(), None
        except MemoryStoreError as refused:
            damages, error = [], refused.message
        found[str(summary.key)] = (damages, error)
        if not as_json:
            _say_verdict(str(summary.key), damages, error)
    if as_json:
        _write_json(
            [
                {"session": key, "ok": not damages and error is None, "error": error}
                | {"damage": [dataclasses.asdict(damage) for damage in damages]}
                for key, (damages, error) in found.items()
            ]
        )
    return 1 if any(damages or error is not None for damages, error in found.values()) else 0


def _say_verdict(key: str, damages: Sequence[Damage], error: str | None) -> None:
    sys.stdout.write(f"{key}: {'NOT ok' if damages or error is not None else 'ok'}\n")
    if error is not None:
        sys.stdout.write(f"  {printable(error)}\n")
    for damage in damages:
        whose = "" if damage.block_id is None else f" (block {damage.block_id})"
        sys.stdout.write(f"  {damage.segment}, byte {damage.offset}{whose}: {printable(damage.problem)}\n")


def _compact(store: MemoryStore, names: Sequence[str]) -> int:
    failed = 0
    for summary in find(store, names):
        try:
            with naming(summary.key):
                session = store.open(summary.key, None)
                try:
                    before = session.nbytes
                    session.compact()
                    freed = max(before - session.nbytes, 0)
                finally:
                    session.close()
        except MemoryStoreError as error:
            failed += 1
            sys.stderr.write(f"streams memory: {error.message}\n")
        else:
            sys.stdout.write(f"{summary.key}: {decimal(freed)} freed\n")
    return 1 if failed else 0


def _remove(store: MemoryStore, names: Sequence[str], *, sure: bool) -> int:
    """All are looked up before one is removed."""
    summaries = find(store, names)
    if not sure and not sys.stdin.isatty():
        raise ConfigError("without a terminal nobody can be asked: --yes removes at once", param="--yes")
    if not sure and not _agreed(summaries):
        sys.stdout.write("Nothing was removed.\n")
        return 1
    for summary in summaries:
        with naming(summary.key):
            store.remove(summary.key)
        sys.stdout.write(f"{summary.key}: removed, {decimal(summary.nbytes)} freed\n")
    return 0


def _agreed(summaries: Sequence[SessionSummary]) -> bool:
    for each in summaries:
        length = format_length(each.end_us - each.start_us)
        size = f"{each.blocks:,} blocks, {length}, {decimal(each.nbytes)}"
        sys.stdout.write(f"{each.key}: {size}, last used {format_date(each.last_used_us)}\n")
    sys.stdout.write("Remove for good? [y/N] ")
    sys.stdout.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _write_json(document: object) -> None:
    sys.stdout.write(json.dumps(document, indent=2) + "\n")

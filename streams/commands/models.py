"""``streams models``: which models play which role, fetching them, checking them."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.filesize import decimal
from rich.markup import escape
from rich.table import Table

from gateway.models import DEFAULT_MODELS, build_registry
from streams.config import StreamsConfig
from streams.models.registry import ModelStatus, Registry


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``list``, ``pull`` and ``verify`` to the parser of ``streams models``."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="list|pull|verify")
    listing = actions.add_parser("list", help="show each role, its model and whether it is here")
    listing.add_argument("--json", action="store_true", help="for a program rather than a person")
    roles = ", ".join(DEFAULT_MODELS)
    pull = actions.add_parser("pull", help="download what is missing, replace what is damaged")
    pull.add_argument("roles", nargs="*", metavar="ROLE", help=f"of {roles} (default: all)")
    verify = actions.add_parser("verify", help="hash the files again and name the bad ones; exit 1 if any")
    verify.add_argument("roles", nargs="*", metavar="ROLE", help=f"of {roles} (default: all)")


def run(args: argparse.Namespace, config: StreamsConfig) -> int:
    """Do ``args.action``; the exit status. Results go to stdout, progress to stderr.

    Raises ModelNotFoundError for an unknown role, and what Registry raises.
    """
    registry = build_registry(config.models)
    if args.action == "list":
        _list(list(registry.list()), registry.cache_dir, as_json=args.json)
        return 0
    roles: Sequence[str] = args.roles or registry.roles
    return _pull(registry, roles) if args.action == "pull" else _verify(registry, roles)


def _list(models: Sequence[ModelStatus], cache_dir: Path, *, as_json: bool) -> None:
    if as_json:
        records = [dataclasses.asdict(model) for model in models]
        sys.stdout.write(json.dumps(records, indent=2, default=str) + "\n")
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("role", "model", "state"):
        table.add_column(column, no_wrap=True)
    table.add_column("size", no_wrap=True, justify="right")
    table.add_column("licence")
    table.add_column("source", overflow="fold")
    for model in models:
        size = "" if model.size_bytes is None else decimal(model.size_bytes)
        source = str(model.path) if model.kind in ("hub", "path") and model.path else model.source
        table.add_row(model.role, escape(model.name), model.state, size, model.licence, escape(source))
    console = Console()
    console.print(table)
    console.print(f"Embedded models: {cache_dir}", markup=False, highlight=False, soft_wrap=True)


def _pull(registry: Registry, roles: Sequence[str]) -> int:
    for role in roles:
        model = registry.pull(role)
        where = f"{model.path}" if model.path else f"part of the installation ({model.kind})"
        sys.stdout.write(f"{role}: {model.name}: {where}\n")
    return 0


def _verify(registry: Registry, roles: Sequence[str]) -> int:
    damaged: list[str] = []
    for role in roles:
        problems = registry.verify(role)
        sys.stdout.write(f"{role}: {'ok' if not problems else 'NOT ok'}\n")
        sys.stdout.writelines(f"  {problem}\n" for problem in problems)
        damaged += [role] if problems else []
    if damaged:
        sys.stdout.write(f"Run 'streams models pull {' '.join(damaged)}' to fetch them again.\n")
    return 1 if damaged else 0

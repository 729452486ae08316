"""``streams keys``: who may open sessions on this server."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gateway.access.key import ApiKey, digest_of, new_secret
from gateway.access.key_file import PARAM, editing, read_keys, write_keys
from gateway.access.limits import Limits
from streams.config import StreamsConfig
from streams.errors import ConfigError

LIMITS = {
    "max-sessions": "sessions at the same time (the setting server.max_sessions_per_key)",
    "responses-per-minute": "answers (the setting of this name)",
    "audio-seconds-per-minute": "sound taken in (the setting of this name)",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``add``, ``list`` and ``revoke`` to the parser of ``streams keys``."""
    _add_file(parser, None)
    actions = parser.add_subparsers(dest="action", required=True, metavar="add|list|revoke")
    adding = actions.add_parser("add", help="make a key and print it, this once")
    adding.add_argument("name", metavar="NAME", help="what it is listed and logged as")
    adding.add_argument(
        "--tenant", metavar="TENANT", help="whose sessions it opens; tenants share none (NAME)"
    )
    for flag, text in LIMITS.items():
        adding.add_argument(f"--{flag}", type=int, metavar="N", help=text)
    listing = actions.add_parser("list", help="show the keys, without their secrets, which are not kept")
    listing.add_argument("--json", action="store_true", help="for a program rather than a person")
    revoke = actions.add_parser("revoke", help="remove keys; they open nothing from then on")
    revoke.add_argument("names", nargs="+", metavar="NAME")
    for each in (adding, listing, revoke):
        # No default here: it would overwrite what was given before the action.
        _add_file(each, argparse.SUPPRESS)


def _add_file(parser: argparse.ArgumentParser, default: str | None) -> None:
    parser.add_argument(
        "--keys-file",
        dest="set:server.keys_file",
        type=Path,
        metavar="FILE",
        help="where the keys are (the setting server.keys_file)",
        default=default,
    )


def run(args: argparse.Namespace, config: StreamsConfig) -> int:
    """Do ``args.action``; the exit status. Raises ConfigError for a file or a name that cannot be used."""
    if config.server.keys_file is None:
        raise ConfigError("where are the keys? Set server.keys_file or give --keys-file", param=PARAM)
    file = config.server.keys_file.expanduser()
    match args.action:
        case "add":
            limits = Limits(args.max_sessions, args.responses_per_minute, args.audio_seconds_per_minute)
            _add(file, args.name, args.tenant or args.name, limits)
        case "list":
            _list(read_keys(file), as_json=args.json)
        case "revoke":
            _revoke(file, args.names)
    return 0


def _add(file: Path, name: str, tenant: str, limits: Limits) -> None:
    secret = new_secret()
    today = datetime.now(UTC).date().isoformat()
    key = ApiKey(name, tenant, digest_of(secret), today, limits)
    with editing(file):
        keys = read_keys(file) if file.exists() else ()
        if name in [each.name for each in keys]:
            raise ConfigError(
                f"there is a key named '{name}' already: revoke it or take another", param="name"
            )
        write_keys(file, [*keys, key])
    sys.stdout.write(f"{secret}\n")
    sys.stderr.write("This is the only time the key is shown: the file keeps its hash.\n")


def _list(keys: tuple[ApiKey, ...], *, as_json: bool) -> None:
    if as_json:
        records = [{name: value for name, value in asdict(key).items() if name != "digest"} for key in keys]
        sys.stdout.write(json.dumps(records, indent=2) + "\n")
        return
    columns = ("name", "tenant", "sessions", "responses/min", "audio s/min", "made")
    table = Table(*columns, box=None, header_style="bold", pad_edge=False)
    for key in keys:
        limits = ["as set" if limit is None else str(limit) for limit in asdict(key.limits).values()]
        table.add_row(escape(key.name), escape(key.tenant), *limits, escape(key.created))
    Console().print(table)


def _revoke(file: Path, names: list[str]) -> None:
    with editing(file):
        keys = read_keys(file)
        here = {key.name for key in keys}
        if missing := [name for name in names if name not in here]:
            raise ConfigError(f"there is no key named '{missing[0]}'", param="name")
        write_keys(file, [key for key in keys if key.name not in names])

"""Arguments of ``streams memory``."""

from __future__ import annotations

import argparse
from pathlib import Path

from streams.types import BlockKind

KINDS = (BlockKind.FRAME, BlockKind.UTTERANCE, BlockKind.REPLY)
ONE = "NAME, or TENANT/NAME as 'ls' shows it"
SOME = f"{ONE} (default: all)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``ls``, ``show``, ``verify``, ``compact``, ``export`` and ``rm`` to ``streams memory``."""
    _add_folder(parser, None)
    actions = parser.add_subparsers(
        dest="action",
        required=True,
        metavar="ACTION",
        title="actions",
        description="'streams memory ACTION --help' says more of each",
    )

    listing = _add_action(actions, "ls", "list the sessions, the last used first")
    listing.add_argument("--json", action="store_true", help="for a program rather than a person")

    show = _add_action(actions, "show", "print what was seen and heard when")
    show.add_argument("session", metavar="SESSION", help=ONE)
    show.add_argument(
        "--from", dest="start", metavar="T", help="leave out what ended before, as MM:SS or H:MM:SS"
    )
    show.add_argument("--to", dest="end", metavar="T", help="leave out what began later")
    show.add_argument(
        "--kind", action="append", choices=[str(kind) for kind in KINDS], help="only this; may be given again"
    )
    show.add_argument("--json", metavar="FILE", help="write every block as JSON; - is standard output")
    show.add_argument(
        "--html", type=Path, metavar="FILE", help="write a page with the pictures, for a browser"
    )

    verify = _add_action(
        actions, "verify", "read everything and check every checksum; exit 1 if any is wrong"
    )
    verify.add_argument("sessions", nargs="*", metavar="SESSION", help=SOME)
    verify.add_argument("--json", action="store_true", help="for a program rather than a person")

    compact = _add_action(actions, "compact", "free the space of what was forgotten or replaced")
    compact.add_argument("sessions", nargs="*", metavar="SESSION", help=SOME)

    export = _add_action(actions, "export", "write a session to a ZIP file")
    export.add_argument("session", metavar="SESSION", help=ONE)
    export.add_argument("--out", type=Path, required=True, metavar="FILE", help="the ZIP file")
    export.add_argument("--with-kv", action="store_true", help="keys and values too, as safetensors (large)")
    export.add_argument("--force", action="store_true", help="replace FILE if it exists")

    remove = _add_action(actions, "rm", "remove sessions for good")
    remove.add_argument("sessions", nargs="+", metavar="SESSION", help=ONE)
    remove.add_argument("--yes", action="store_true", help="do not ask")


def _add_action(
    actions: argparse._SubParsersAction[argparse.ArgumentParser], name: str, text: str
) -> argparse.ArgumentParser:
    parser = actions.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
    # No default here: it would overwrite what was given before the action.
    _add_folder(parser, argparse.SUPPRESS)
    return parser


def _add_folder(parser: argparse.ArgumentParser, default: str | None) -> None:
    parser.add_argument(
        "--memory-dir",
        dest="set:memory.dir",
        type=Path,
        metavar="DIR",
        help="where the sessions are kept (the setting memory.dir)",
        default=default,
    )

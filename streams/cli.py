"""The ``streams`` command: reads the command line, composes the configuration, runs one command.

A command's module is imported when it is asked for, so that ``--help`` and ``models list`` do not
wait for torch.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from streams import __version__
from streams.allocator import settle_allocator
from streams.config import ENV_PREFIX, load_config
from streams.errors import StreamsError
from streams.log import configure_logging
from streams.native_caches import bound_native_caches
from streams.settings import settings

FAILED = 1
MISUSED = 2
INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Command:
    """``arguments`` names the module with ``add_arguments``; ``runner`` the function that runs it."""

    name: str
    help: str
    arguments: str
    runner: str


COMMANDS = (
    Command("serve", "serve sessions over WebSocket", "streams.commands.serve", "streams.serve:run"),
    Command(
        "talk",
        "talk with a gateway: microphone, camera and loudspeaker, or files",
        "streams.commands.talk",
        "streams.talk.run:run",
    ),
    Command(
        "replay",
        "stream a video file and ask questions at their times",
        "streams.commands.replay",
        "streams.replay_run:run",
    ),
    Command(
        "demo",
        "make a video, talk about it over a WebSocket, save what was answered",
        "streams.commands.demo",
        "streams.demo:run",
    ),
    Command(
        "models", "list, fetch and check models", "streams.commands.models", "streams.commands.models:run"
    ),
    Command(
        "memory",
        "look into kept sessions: list, show, verify, compact, export, remove",
        "streams.commands.memory",
        "streams.memories.tool:run",
    ),
    Command(
        "keys",
        "make, list and revoke the keys that open sessions",
        "streams.commands.keys",
        "streams.commands.keys:run",
    ),
    Command(
        "train",
        "train the embedded model to see, on made data or your own",
        "streams.commands.train",
        "streams.train.run:run",
    ),
    Command("bench", "measure", "streams.commands.bench", "streams.commands.bench:run"),
)

EPILOG = f"""\
settings:
  defaults, then --config FILE (TOML), then the environment, then flags.
  In the environment {ENV_PREFIX}SECTION_KEY sets section.key, as in
  {ENV_PREFIX}MODELS_LLM=Qwen/Qwen2.5-0.5B-Instruct.
  `streams --settings` lists every setting.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status. Bounds the process's native caches."""
    bound_native_caches(os.environ)
    settle_allocator(os.environ)
    words = list(sys.argv[1:] if argv is None else argv)
    parser = _parser(words)
    args = parser.parse_args(words)
    if args.settings:
        sys.stdout.writelines(f"{line}\n" for line in settings())
        return 0
    if args.command is None:
        parser.print_help()
        return MISUSED
    command = next(each for each in COMMANDS if each.name == args.command)
    try:
        flags = {name.removeprefix("set:"): value for name, value in vars(args).items() if "set:" in name}
        config = load_config(args.config, os.environ, flags)
        configure_logging(config.log)
        runner: Any = _load(command.runner)
        status: int = runner(args, config)
    except StreamsError as error:
        sys.stderr.write(f"streams {command.name}: {error.message}\n")
        return FAILED
    except OSError as error:
        sys.stderr.write(f"streams {command.name}: {error}\n")
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    return status


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="streams",
        description="Watches, listens, remembers and talks.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"streams {__version__}")
    parser.add_argument("--settings", action="store_true", help="list every setting and leave")
    _add_common(parser)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for command in COMMANDS:
        description = f"{command.help[0].upper()}{command.help[1:]}."
        sub = commands.add_parser(command.name, help=command.help, description=description)
        if command.name in words:
            importlib.import_module(command.arguments).add_arguments(sub)
            # No defaults here: they would overwrite what was given before the command.
            _add_common(sub, argparse.SUPPRESS)
    return parser


def _add_common(parser: argparse.ArgumentParser, default: str | None = None) -> None:
    """Flags that may stand before or after the command."""
    levels = ("debug", "info", "warning", "error")
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings in TOML", default=default)
    parser.add_argument(
        "--log-level", dest="set:log.level", choices=levels, help="what is logged (info)", default=default
    )
    parser.add_argument(
        "--log-format",
        dest="set:log.format",
        choices=("text", "json"),
        help="how it is logged (text)",
        default=default,
    )


def _load(name: str) -> Any:
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)

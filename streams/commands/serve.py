"""Arguments of ``streams serve``."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", dest="set:server.host", metavar="HOST", help="address (127.0.0.1)")
    parser.add_argument(
        "--port", dest="set:server.port", metavar="PORT", help="port (8765); 0 picks a free one"
    )
    add_memory_dir(parser)


def add_memory_dir(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--memory-dir",
        dest="set:memory.dir",
        type=Path,
        metavar="DIR",
        help="keep sessions there, and go on with those that are; without it none is kept",
    )

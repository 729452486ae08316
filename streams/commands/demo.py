"""Arguments of ``streams demo``."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--fast", action="store_true", help="on the virtual clock, not in real time")
    parser.add_argument("--json", metavar="FILE", help="write which answers were right; - is standard output")
    parser.add_argument(
        "--out", type=Path, default=Path("demo-out"), metavar="DIR", help="where results go (demo-out)"
    )

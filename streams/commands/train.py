"""Arguments of ``streams train``."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--recipe", type=Path, metavar="FILE", help="what is done, in TOML (as the shipped weights were made)"
    )
    parser.add_argument("--data", metavar="DIR", help="own pictures and dialogues instead of made ones")
    parser.add_argument("--out", metavar="DIR", help="checkpoints, logs and weights (train-out)")
    parser.add_argument(
        "--start",
        metavar="DIR",
        help="folder of finished weights to go on from, or 'shipped' (all is learned anew)",
    )
    parser.add_argument("--device", metavar="NAME", help="cpu, cuda, … (cpu)")

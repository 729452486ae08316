"""``streams bench NAME``: one module a bench, imported when it is asked for."""

from __future__ import annotations

import argparse
import importlib
import sys
from typing import Any

from streams.config import StreamsConfig

BENCHES = {
    "llm": "prefill and decode beside Transformers' generate; perplexity",
    "speech": "word errors and delay of streaming recognition",
    "turns": "ends of turns: cut-offs and delay of server_vad and semantic_vad",
    "echo": "replies that come back through a loudspeaker, users who talk over them",
    "voice": "voice to voice: end of a spoken question to first sound of the answer",
    "gateway": "whole conversations with voice and video, one and many at once",
    "barge-in": "from a word spoken over an answer to the last sound of it",
    "soak": "resident memory over a day of stream, on the virtual clock",
    "tools": "function calls: whether, which one, with which arguments",
    "memory": "cost over hours, answers with and without, recall policies, codecs, kill -9",
    "fuzz": "spoiled messages, an error each, and sessions that go on",
    "sight": "held-out streams: answers by kind and age, recall of evidence, speaking up, cost",
    "novelty": "visual tokens that are saved where nothing is new, and what is missed by it",
    "photos": "real photographs: is what they show named",
    "live-sight": "frames in real time while somebody talks",
    "frames": "frames a second with memory, of a model or of a shape with random weights",
    "recall": "whether pictures that left the window are found again",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    benches = parser.add_subparsers(dest="bench", required=True, metavar="NAME")
    for name, text in BENCHES.items():
        sub = benches.add_parser(name, help=text, description=f"{text}.".capitalize())
        if name in sys.argv:
            _module(name).add_arguments(sub)


def run(args: argparse.Namespace, config: StreamsConfig) -> int:
    status: int = _module(args.bench).run(args, config)
    return status


def _module(bench: str) -> Any:
    return importlib.import_module(f"streams.bench.{bench.replace('-', '_')}")

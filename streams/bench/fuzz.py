"""``streams bench fuzz``: spoiled messages into real sessions; each gets its error, the sessions go on."""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.progress import Progress
from websockets.exceptions import ConnectionClosed, InvalidStatus

from gateway.assembly import Streams
from streams.bench.fuzz_client import FuzzClient, HangError
from streams.bench.fuzz_corpus import MAX_OUTPUT_TOKENS, Corpus
from streams.bench.fuzz_mutation import Case, spoil, unspoiled
from streams.bench.fuzz_oracle import complaint_about, errors_in
from streams.bench.report import Cell, Column, Report, emit
from streams.bench.resident import settled_bytes
from streams.config import StreamsConfig
from streams.errors import ConfigError
from streams.log import ROOT
from streams.serve import new_server

MESSAGES = 10_000
MESSAGES_OF_SESSION = 1_000
UNLIMITED = 10**9
RIGHT_SHARE = 0.03
MAX_GROWTH = 1.1
SETTLED_SESSIONS = 4
"""So many sessions fill caches and pools; from then on memory must not grow."""

SHOWN_CHARS = 300
SPEECH = "Hello there. What did you see?"

COLUMNS = (
    Column("mutation", "mutation"),
    Column("messages", "messages", ","),
    Column("refused", "refused", ","),
    Column("taken", "taken", ","),
    Column("complaints", "complaints", ","),
)


@dataclass(slots=True)
class Findings:
    """Counts by mutation, and everything that should not have happened."""

    sent: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    faulty: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    complaints: list[str] = field(default_factory=list)
    sessions: int = 0
    resident_bytes: list[int] = field(default_factory=list)
    """After each session, once it is closed."""

    def complain(self, what: str, case: Case | None = None) -> None:
        if case is not None:
            self.faulty[case.mutation] += 1
            what = f"{case.mutation}: {what[:SHOWN_CHARS]}; sent {case.payload[:SHOWN_CHARS]!r}"
        self.complaints.append(what[: 3 * SHOWN_CHARS])

    @property
    def growth(self) -> float:
        """Memory at the end against memory once settled; 1 while there are too few sessions to tell."""
        settled = self.resident_bytes[SETTLED_SESSIONS:]
        return settled[-1] / settled[0] if settled else 1.0


class LogWatch(logging.Handler):
    """Whatever the server logs as an error is a finding: it logs what it did not expect."""

    def __init__(self, findings: Findings) -> None:
        super().__init__(logging.ERROR)
        self._findings = findings

    def emit(self, record: logging.LogRecord) -> None:
        cause = record.exc_info[1] if record.exc_info else None
        self._findings.complain(f"the server logged {record.getMessage()}: {cause!r}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--messages", type=int, default=MESSAGES, metavar="N", help=f"how many ({MESSAGES:,})"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of the random choices (0)")
    parser.add_argument("--json", metavar="FILE", help="write the figures as JSON; - is standard output")


def run(args: argparse.Namespace, config: StreamsConfig) -> int:
    """1 when anything was found. Raises ConfigError for a number of messages below one."""
    if args.messages < 1:
        raise ConfigError("--messages must be at least 1", param="--messages")
    streams = Streams.load(fuzz_config(config))
    try:
        findings = asyncio.run(fuzz(streams, args.messages, args.seed))
    finally:
        streams.close()
    emit(report(findings, args.seed), args.json)
    return 1 if findings.complaints else 0


def fuzz_config(config: StreamsConfig) -> StreamsConfig:
    """``config`` without limits of rate and load, with answers so short that the messages take the time."""
    limits = dict.fromkeys(("messages_per_second", "messages_burst", "max_wait_ms"), UNLIMITED)
    server = config.server.model_copy(update={"port": 0, "clock": "wall", **limits})
    llm = config.llm.model_copy(update={"max_output_tokens": MAX_OUTPUT_TOKENS})
    return config.model_copy(update={"server": server, "llm": llm})


async def fuzz(streams: Streams, messages: int, seed: int) -> Findings:
    """Send ``messages`` messages to a gateway for ``streams``, in sessions one after the other."""
    rng = random.Random(seed)
    findings = Findings()
    corpus = Corpus(rng, streams.backend.synthesizer.synthesize(SPEECH))
    watch = LogWatch(findings)
    logging.getLogger(ROOT).addHandler(watch)
    try:
        gc.freeze()  # the models are not to be looked through after each session
        async with new_server(streams) as server:
            tasks = asyncio.all_tasks()
            with Progress(console=Console(stderr=True), transient=True) as progress:
                bar = progress.add_task("fuzzing", total=messages)
                while (left := messages - findings.sent.total()) > 0:
                    corpus.forget()
                    cases = min(left, MESSAGES_OF_SESSION)
                    await _session(server.url, corpus, rng, cases, streams.config, findings)
                    await _settle(findings, tasks)
                    if findings.sent.total() == messages - left:  # no session can be opened
                        break
                    progress.update(bar, completed=findings.sent.total())
    except InvalidStatus as refused:
        findings.complain(f"a connection was refused: {refused}")
    finally:
        gc.unfreeze()
        logging.getLogger(ROOT).removeHandler(watch)
    if findings.growth > MAX_GROWTH:
        findings.complain(f"memory grew to {findings.growth:.2f} times what it was once settled")
    return findings


async def _session(
    url: str, corpus: Corpus, rng: random.Random, count: int, config: StreamsConfig, findings: Findings
) -> None:
    """One connection: ``count`` messages, a question that it has to answer all the same, and its end."""
    findings.sessions += 1
    wanted: set[str] = set()
    case: Case | None = None
    try:
        async with FuzzClient.opened(url) as client:
            for _ in range(count):
                seed = corpus.draw()
                case = unspoiled(seed) if rng.random() < RIGHT_SHARE else spoil(seed, rng)
                findings.sent[case.mutation] += 1
                events = await client.exchange(case.payload)
                for error in errors_in(events):
                    findings.refused[case.mutation] += 1
                    findings.codes[error["code"]] += 1
                if complaint := complaint_about(case, events):
                    findings.complain(complaint, case)
                elif case.verdict == "right" and not errors_in(events):
                    wanted |= _responses_of(case)
            case = None
            response = await client.ask()
            if response["status"] not in ("completed", "incomplete"):
                findings.complain(f"in the end the session did not answer: {response}")
            if missing := wanted - client.created:
                findings.complain(f"{len(missing)} responses that were asked for were never created")
            for response in client.responses.values():
                if response["status"] in ("in_progress", "failed"):
                    findings.complain(f"a response ended so: {response}")
            if complaint := await client.leave(rng, config.server.max_message_bytes):
                findings.complain(complaint)
    except HangError as error:
        findings.complain(str(error), case)
    except ConnectionClosed as closed:
        findings.complain(f"the connection was closed: {closed}", case)


def _responses_of(case: Case) -> set[str]:
    """The ``fuzz`` name of the response that ``case`` asks for, if it asks for one."""
    message = case.seed.message
    if isinstance(message, bytes) or message["type"] != "response.create":
        return set()
    return {message["response"]["metadata"]["fuzz"]}


async def _settle(findings: Findings, before: set[asyncio.Task[Any]]) -> None:
    """Wait until the server is done with the session, and see what is left of it."""
    while running := asyncio.all_tasks() - before:
        await asyncio.wait(running)
    findings.resident_bytes.append(settled_bytes())


def report(findings: Findings, seed: int) -> Report:
    rows: list[dict[str, Cell]] = [
        {
            "mutation": name,
            "messages": count,
            "refused": findings.refused[name],
            "taken": count - findings.refused[name],
            "complaints": findings.faulty[name],
        }
        for name, count in sorted(findings.sent.items())
    ]
    total = findings.sent.total()
    rows.append(
        {
            "mutation": "all",
            "messages": total,
            "refused": findings.refused.total(),
            "taken": total - findings.refused.total(),
            "complaints": len(findings.complaints),
        }
    )
    codes = ", ".join(f"{code} {count:,}" for code, count in findings.codes.most_common())
    notes = (
        f"{total:,} messages (seed {seed}) in {findings.sessions} sessions, each with a question in the end; "
        f"memory in the end is {findings.growth:.2f} of what it was after {SETTLED_SESSIONS + 1} sessions",
        f"errors by code: {codes}",
        *(f"COMPLAINT {each}" for each in findings.complaints[:50]),
    )
    return Report("spoiled messages", COLUMNS, tuple(rows), notes)

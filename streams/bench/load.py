"""So many simulated users at once, each with a conversation of its own."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from websockets.exceptions import ConnectionClosed, InvalidHandshake

from streams.bench.caller import Caller, Phrase, calling
from streams.bench.exchange import Exchange
from streams.bench.server_process import ServerProcess

INTERRUPTED_SHARE = 0.25
"""Of the turns: their asker speaks over the answer."""

INTERRUPT_AFTER_S = (0.3, 2.5)
PAUSE_S = (1.0, 4.0)
"""Of silence between an answer and the next question."""

START_WITHIN_S = 3.0
"""Sessions do not all begin at the same moment."""

SAMPLE_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Script:
    """What there is to say and to show."""

    questions: Sequence[Phrase]
    long_questions: Sequence[Phrase]
    interruptions: Sequence[Phrase]
    pictures: Sequence[bytes]


@dataclass(slots=True)
class Load:
    """What came of ``sessions`` at once. ``refused`` ones never opened, ``lost`` ones broke off."""

    sessions: int
    seconds: float = 0.0
    exchanges: list[Exchange] = field(default_factory=list)
    frames_sent: int = 0
    refused: int = 0
    lost: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    drops: Counter[str] = field(default_factory=Counter)
    resident_bytes: int = 0
    server_cpu_s: float = 0.0
    client_cpu_s: float = 0.0


async def run_load(
    server: ServerProcess,
    script: Script,
    sessions: int,
    seconds: float,
    seed: int,
    progress: Callable[[float], None],
) -> Load:
    """Conversations for ``seconds``; those that are in the middle of a turn then finish it."""
    load = Load(sessions)
    server_cpu_s, client_cpu_s, start_s = server.cpu_s, time.process_time(), time.perf_counter()
    users = [_User(script, load, random.Random(f"{seed} {place}")) for place in range(sessions)]
    running = [asyncio.create_task(user.run(server.url, start_s + seconds)) for user in users]
    while not all(task.done() for task in running):
        await asyncio.wait(running, timeout=SAMPLE_EVERY_S)
        load.resident_bytes = max(load.resident_bytes, server.resident_bytes)
        progress(min(time.perf_counter() - start_s, seconds))
    for task in running:
        task.result()
    load.seconds = time.perf_counter() - start_s
    load.server_cpu_s = server.cpu_s - server_cpu_s
    load.client_cpu_s = time.process_time() - client_cpu_s
    return load


class _User:
    """Asks, listens, interrupts now and then, and is silent in between."""

    def __init__(self, script: Script, load: Load, rng: random.Random) -> None:
        self._script = script
        self._load = load
        self._rng = rng

    async def run(self, url: str, until_s: float) -> None:
        await asyncio.sleep(self._rng.uniform(0, START_WITHIN_S))
        caller: Caller | None = None
        try:
            async with calling(url, self._turned_pictures()) as caller:
                await self._take_turn(caller)
                while time.perf_counter() < until_s:
                    await asyncio.sleep(self._rng.uniform(*PAUSE_S))
                    await self._take_turn(caller)
        except* InvalidHandshake:
            self._load.refused += 1
        except* (ConnectionClosed, OSError):
            if caller is None or not caller.heard.opened:
                self._load.refused += 1
            else:
                self._load.lost += 1
        if caller is not None:
            self._count(caller)

    def _turned_pictures(self) -> list[bytes]:
        """Everybody sees the same film, each from another place on."""
        pictures = self._script.pictures
        start = self._rng.randrange(len(pictures))
        return [*pictures[start:], *pictures[:start]]

    async def _take_turn(self, caller: Caller) -> None:
        script, choose = self._script, self._rng.choice
        if self._rng.random() < INTERRUPTED_SHARE:
            after_s = self._rng.uniform(*INTERRUPT_AFTER_S)
            await caller.ask_and_interrupt(
                choose(script.long_questions), choose(script.interruptions), after_s
            )
        else:
            await caller.ask(choose(script.questions))

    def _count(self, caller: Caller) -> None:
        load = self._load
        load.exchanges += caller.heard.exchanges
        load.errors += caller.heard.errors
        load.drops += caller.heard.drops
        load.frames_sent += caller.frames_sent

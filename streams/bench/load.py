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
from streams.bench.scrape import Scraped, difference, labelled, scrape

INTERRUPTED_SHARE = 0.25
"""Of the turns: their asker speaks over the answer."""

INTERRUPT_AFTER_S = (0.3, 2.5)
PAUSE_S = (1.0, 4.0)
"""Of silence between an answer and the next question."""

START_WITHIN_S = 3.0
"""Sessions do not all begin at the same moment."""

SCRAPE_EVERY_S = 5.0
RESIDENT = "process_resident_memory_bytes"


@dataclass(frozen=True, slots=True)
class Script:
    """What there is to say and to show."""

    questions: Sequence[Phrase]
    long_questions: Sequence[Phrase]
    interruptions: Sequence[Phrase]
    pictures: Sequence[bytes]


@dataclass(slots=True)
class Load:
    """What came of ``sessions`` at once: as their users saw it, and as the server counted.

    ``refused`` ones never opened, ``lost`` ones broke off. ``counted`` are the server's metrics over the
    time; bytes are the most there were.
    """

    sessions: int
    seconds: float = 0.0
    exchanges: list[Exchange] = field(default_factory=list)
    frames_sent: int = 0
    refused: int = 0
    lost: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    counted: Scraped = field(default_factory=dict)
    resident_bytes: float = 0.0
    memory_bytes: Counter[str] = field(default_factory=Counter)
    client_cpu_s: float = 0.0


async def run_load(
    url: str,
    script: Script,
    sessions: int,
    seconds: float,
    seed: int,
    progress: Callable[[float], None],
) -> Load:
    """Conversations for ``seconds``; those that are in the middle of a turn then finish it."""
    load = Load(sessions)
    before = await asyncio.to_thread(scrape, url)
    client_cpu_s, start_s = time.process_time(), time.perf_counter()
    users = [_User(script, load, random.Random(f"{seed} {place}")) for place in range(sessions)]
    running = [asyncio.create_task(user.run(url, start_s + seconds)) for user in users]
    while not all(task.done() for task in running):
        after = await asyncio.to_thread(scrape, url)
        load.resident_bytes = max(load.resident_bytes, after[RESIDENT, ""])
        load.memory_bytes |= labelled(after, "streams_memory_bytes")
        progress(min(time.perf_counter() - start_s, seconds))
        await asyncio.wait(running, timeout=SCRAPE_EVERY_S)
    for task in running:
        task.result()
    load.seconds = time.perf_counter() - start_s
    load.client_cpu_s = time.process_time() - client_cpu_s
    load.counted = difference(await asyncio.to_thread(scrape, url), before)
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
        load.frames_sent += caller.frames_sent

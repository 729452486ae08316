"""``streams talk``: a conversation with a gateway, by voice, picture and keyboard."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    AsyncExitStack,
    asynccontextmanager,
    suppress,
)
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from rich.console import Console
from websockets.exceptions import InvalidStatus, WebSocketException

from streams.client import WIRE_RATE, RealtimeClient, ServerEvent
from streams.clock import WallClock
from streams.config import StreamsConfig
from streams.errors import ConfigError, MediaError, StreamsError
from streams.talk.log import EventLog
from streams.talk.parts import MICROPHONE, NONE, open_sound, sound_card
from streams.talk.player import Player
from streams.talk.sight import show
from streams.talk.sound import WavSpeaker
from streams.talk.talker import Talker
from streams.talk.teller import Teller
from streams.talk.typed import typed_lines
from streams.timeline import Timeline


def run(args: argparse.Namespace, config: StreamsConfig) -> int:
    """Raises ConfigError, MediaError, and StreamsError when the gateway is not there or breaks off."""
    _check(args)
    with Timeline(Console()) as timeline:
        try:
            asyncio.run(_until_interrupted(args, timeline))
        except BaseExceptionGroup as group:
            raise _first(group, args.url) from None
        except (WebSocketException, OSError) as error:
            raise _broken(error, args.url) from None
    return 0


def _check(args: argparse.Namespace) -> None:
    if args.fps <= 0:
        raise ConfigError("--fps must be above 0", param="--fps")
    if args.fast and (args.out is None or args.audio == MICROPHONE):
        raise ConfigError("--fast is for files: it needs --audio FILE (or none) and --out", param="--fast")
    if urlsplit(args.url).scheme not in ("ws", "wss"):
        raise ConfigError(f"'{args.url}' is not the ws:// or wss:// address of a gateway", param="--url")


async def _until_interrupted(args: argparse.Namespace, timeline: Timeline) -> None:
    """Talk until it is over, or somebody presses Ctrl-C."""
    talking = asyncio.create_task(_talk(args, timeline))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):  # Windows, where Ctrl-C ends the loop instead
            loop.add_signal_handler(number, talking.cancel)
    with suppress(asyncio.CancelledError):
        await talking


async def _talk(args: argparse.Namespace, timeline: Timeline) -> None:
    clock, player = WallClock(), Player(WIRE_RATE)

    def tick(event: ServerEvent) -> None:
        timeline.tick(clock.now_us())
        if event["type"] == "session.created":
            timeline.say("note", f"connected to {args.url}; Ctrl-C ends it, a line typed is a question")

    watchers = [tick, Teller(timeline).on_event]
    async with AsyncExitStack() as parts:
        if args.events is not None:
            log = EventLog(args.events)
            parts.callback(log.close)
            watchers.append(log.on_event)
        sound = open_sound(args.audio, fast=args.fast)
        speaker = _speaker(player, args, timeline)
        if speaker is not None:
            await parts.enter_async_context(speaker)
        # Media that come faster than they are heard outrun the pings by which a dead socket is found.
        resume = not args.fast
        talker = Talker(player, watchers, resumes=resume)
        client = RealtimeClient(_address(args), talker.on_event, key=args.key, resume=resume)
        await parts.enter_async_context(client)
        sight = None if args.video is None else show(args.video, args.fps, clock, fast=args.fast)
        await talker.run(
            client,
            sound=sound,
            sight=sight,
            typed=typed_lines(sys.stdin),
            fast=args.fast,
            aloud=speaker is not None,
            proactive=args.proactive,
        )


def _speaker(
    player: Player, args: argparse.Namespace, timeline: Timeline
) -> AbstractAsyncContextManager[None] | None:
    """Where answers are heard while inside: from a file afterwards, or from the loudspeaker.

    None where there is none and nothing is said either: who types can read. Raises ConfigError, MediaError.
    """
    if args.out is not None:
        return _into_file(WavSpeaker(player, args.out), fast=args.fast)
    try:
        return _aloud(sound_card("--out").Loudspeaker(player))
    except (ConfigError, MediaError) as error:
        if args.audio != NONE:
            raise
        timeline.say("note", f"answers are written, not spoken: {error.message}")
        return None


@asynccontextmanager
async def _into_file(speaker: WavSpeaker, *, fast: bool) -> AsyncIterator[None]:
    playing = asyncio.create_task(speaker.run(fast=fast))
    try:
        yield
    finally:
        playing.cancel()
        with suppress(asyncio.CancelledError):
            await playing
        speaker.close()


@asynccontextmanager
async def _aloud(loudspeaker: AbstractContextManager[Any]) -> AsyncIterator[None]:
    with loudspeaker:
        yield


def _address(args: argparse.Namespace) -> str:
    """The gateway's address with what is asked of it."""
    url: str = args.url
    base, _, given = url.partition("?")
    query = {**dict(parse_qsl(given)), "model": args.model}
    if args.session is not None:
        query["session"] = args.session
    return f"{base}?{urlencode(query)}"


def _first(group: BaseExceptionGroup[BaseException], url: str) -> BaseException:
    """The first thing that went wrong, as a person is told of it."""
    error = next(_leaves(group))
    return _broken(error, url) if isinstance(error, WebSocketException | OSError) else error


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


def _broken(error: Exception, url: str) -> StreamsError:
    if isinstance(error, InvalidStatus):
        return StreamsError(f"{url}: {_reason(error)}", param="--url")
    if isinstance(error, ConnectionRefusedError) or "Connect call failed" in str(error):
        return StreamsError(f"nothing listens at {url}: is `streams serve` running?", param="--url")
    return StreamsError(f"{url}: {error}", param="--url")


def _reason(error: InvalidStatus) -> str:
    """What a server that refuses says in the body of its answer."""
    try:
        message: str = json.loads(error.response.body)["error"]["message"]
    except (ValueError, KeyError, TypeError):
        return str(error)
    return f"{message} (HTTP {error.response.status_code})"

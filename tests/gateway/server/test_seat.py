"""What a client is told over the sockets that it has one after another, without any socket."""

import asyncio
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.access.limits import Limits
from gateway.server.metrics import Metrics
from gateway.server.outbox import Outbox
from gateway.server.seat import Seat
from gateway.server.throttle import Throttles
from gateway.server.time_limit import TimeLimit
from gateway.server.visit import Party
from gateway.wire.protocol import RealtimeProtocol
from streams.clock import ReplayClock
from streams.config import ServerConfig, VideoConfig
from streams.conversation import Message, SessionOptions
from streams.events import AudioDelta, ResponseCreated, ResponseDone, ResponseItemAdded, StageTimes, TextDelta
from streams.types import AudioChunk

RATE = 24_000
ANYBODY = Party("default", None, Limits(), "127.0.0.1")


class Ear:
    """Takes what is sent to one socket; of that only as much arrives as a test says."""

    def __init__(self):
        self.outbox = Outbox(10**7, patience_s=3_600.0)
        self.displaced = False
        self.delay_ms = None

    def displace(self):
        self.displaced = True

    async def hear(self, most=None):
        heard = []
        while self.outbox.size_bytes and (most is None or len(heard) < most):
            heard.append(json.loads(await self.outbox.get()))
            self.outbox.sent()
        return heard


def new_seat(scripted, ear, throttle=None, **config):
    live = scripted(lambda event: None)
    server = ServerConfig(**config)
    protocol = RealtimeProtocol(
        live.id,
        "model",
        live.options,
        server=server,
        thumbnail=live.thumbnail,
    )
    limit = TimeLimit(0, 0, ReplayClock())
    seat = Seat(
        live,
        protocol,
        ear,
        party=ANYBODY,
        throttle=throttle or Throttles(server, Metrics()).of(ANYBODY),
        server=server,
        video=VideoConfig(),
        metrics=Metrics(),
        limit=limit,
    )
    return live, seat


async def ask(seat, ear, kind, **fields):
    await seat.receive(json.dumps({"type": kind, **fields}), ear)


async def subscribe(seat, ear, **streams):
    await ask(seat, ear, "session.update", session={"type": "realtime", "streams": streams})
    return (await ear.hear())[-1]


def answer(pieces):
    """The events of an answer out of band with so many words, and as many pieces of sound."""
    options, item = SessionOptions(), Message("item_1", "assistant", (), "in_progress")
    yield ResponseCreated("resp_1", options, False)
    yield ResponseItemAdded("resp_1", item, None)
    for number in range(pieces):
        yield TextDelta("resp_1", "item_1", f"{number} ")
        sound = np.full(RATE // 4, number / 100, np.float32)  # longer than one event holds
        yield AudioDelta("resp_1", "item_1", AudioChunk(number * 250_000, RATE, sound))
    yield ResponseDone("resp_1", "completed", None, None, options, False, 1, 1, 1, StageTimes())


def content(events):
    """All but the ids, which are new each time."""
    return [{key: value for key, value in event.items() if key != "event_id"} for event in events]


@settings(deadline=None)
@given(pieces=st.integers(0, 6), data=st.data())
def test_wherever_the_socket_is_cut_the_client_sees_what_an_uncut_one_sees(scripted, pieces, data):
    async def uncut():
        ear = Ear()
        _, seat = new_seat(scripted, ear)
        await subscribe(seat, ear, resume=True)
        for event in answer(pieces):
            seat.emit(event)
        return content(await ear.hear())

    async def cut():
        ear = Ear()
        _, seat = new_seat(scripted, ear)
        updated = await subscribe(seat, ear, resume=True)
        token, last = updated["session"]["streams"]["resume"]["token"], updated["event_id"]
        seen = []

        def see(events):
            nonlocal token, last
            for event in events:
                last = event["event_id"]
                if event["type"] == "session.resumed":
                    token = event["session"]["streams"]["resume"]["token"]
                else:
                    seen.append(event)

        for event in answer(pieces):
            happens = data.draw(st.sampled_from(["heard", "unread", "cut", "half-open"]))
            if happens in ("cut", "half-open"):
                see(await ear.hear(data.draw(st.integers(0, 4))))
                if happens == "cut":
                    seat.leave(ear)
                    seat.emit(event)
                before, ear = ear, Ear()
                next_token = seat.token.rotate(token)
                assert next_token is not None
                seat.resume(ear, next_token, last)
                assert before.displaced == (happens == "half-open")
                if happens == "cut":
                    continue
            seat.emit(event)
            if happens == "heard":
                see(await ear.hear())
        see(await ear.hear())
        return content(seen)

    assert asyncio.run(cut()) == asyncio.run(uncut())


def test_the_token_is_told_once_and_is_not_among_what_is_kept(scripted):
    async def scenario():
        ear = Ear()
        _, seat = new_seat(scripted, ear)
        first = await subscribe(seat, ear, resume=True)
        assert first["session"]["streams"]["resume"]["grace_s"] == 30.0
        again = await subscribe(seat, ear, resume=True, events=["memory.recalled"])
        assert again["session"]["streams"] == {
            "events": ["memory.recalled"],
            "clock": "wall",
            "resume": {"grace_s": 30.0},
        }
        assert first["session"]["streams"]["resume"]["token"] not in str(vars(seat._events))

    asyncio.run(scenario())


def test_what_a_displaced_socket_still_asks_is_not_carried_out(scripted):
    async def scenario():
        old, new = Ear(), Ear()
        live, seat = new_seat(scripted, old)
        updated = await subscribe(seat, old, resume=True)
        seat.resume(
            new, seat.token.rotate(updated["session"]["streams"]["resume"]["token"]), updated["event_id"]
        )
        await ask(seat, old, "input_audio_buffer.clear")
        await ask(seat, new, "input_audio_buffer.commit")
        assert [name for name, _ in live.calls] == ["update", "client_returned", "commit_audio"]
        assert (await new.hear())[0]["received"] == 1
        assert not seat.leave(old)

    asyncio.run(scenario())


def test_a_request_whose_socket_drops_is_carried_out_before_those_of_the_next(scripted):
    async def scenario():
        old, new = Ear(), Ear()
        live, seat = new_seat(scripted, old)
        updated = await subscribe(seat, old, resume=True)
        order, begun, gate = [], asyncio.Event(), asyncio.Event()

        async def commit():
            begun.set()
            await gate.wait()
            order.append("ends")

        live.commit_audio = commit
        live.clear_audio = lambda: order.append("next")
        reading = asyncio.create_task(ask(seat, old, "input_audio_buffer.commit"))
        await begun.wait()
        reading.cancel()
        seat.leave(old)
        seat.resume(new, "token", updated["event_id"])
        asking = asyncio.create_task(ask(seat, new, "input_audio_buffer.clear"))
        await asyncio.sleep(0)
        gate.set()
        await asking
        assert order == ["ends", "next"]
        assert (await new.hear())[0]["received"] == 2

    asyncio.run(scenario())


def test_what_can_no_longer_be_told_again_is_said_and_the_session_goes_on(scripted):
    async def scenario():
        ear = Ear()
        _, seat = new_seat(scripted, ear, resume_log_bytes=2_000)
        updated = await subscribe(seat, ear, resume=True)
        seat.leave(ear)
        for event in answer(3):
            seat.emit(event)
        back = Ear()
        seat.resume(back, "token", updated["event_id"])
        resumed, gap, *rest = await back.hear()
        assert resumed["type"] == "session.resumed"
        assert (gap["error"]["code"], gap["error"]["type"]) == ("resume_gap", "server_error")
        assert rest[-1]["type"] == "response.done"
        again = Ear()
        seat.resume(again, "token", gap["event_id"])
        assert [event["type"] for event in await again.hear()] == [
            "session.resumed",
            *(event["type"] for event in rest),
        ]

    asyncio.run(scenario())


@pytest.mark.parametrize("streams", [{"resume": False}, None])
def test_who_does_not_want_to_come_back_any_more_may_not(scripted, streams):
    async def scenario():
        ear = Ear()
        _, seat = new_seat(scripted, ear)
        await subscribe(seat, ear, resume=True)
        assert seat.resumable
        await ask(seat, ear, "session.update", session={"type": "realtime", "streams": streams})
        assert not seat.resumable
        assert (await ear.hear())[-1]["session"]["streams"] == {"events": [], "clock": "wall"}

    asyncio.run(scenario())


def test_where_no_session_waits_it_cannot_be_asked_for(scripted):
    async def scenario():
        ear = Ear()
        live, seat = new_seat(scripted, ear, resume_grace_s=0)
        error = (await subscribe(seat, ear, resume=True))["error"]
        assert (error["code"], error["param"]) == ("unsupported_value", "session.streams.resume")
        assert live.calls == []

    asyncio.run(scenario())


def test_the_session_is_told_how_much_sound_comes_only_now(scripted):
    async def scenario():
        ear, back = Ear(), Ear()
        live, seat = new_seat(scripted, ear)
        await subscribe(seat, ear, resume=True)
        for event in answer(3):
            seat.emit(event)
        heard = await ear.hear()
        sounds = [event for event in heard if event["type"] == "response.output_audio.delta"]
        seat.leave(ear)
        seat.hold()
        seat.resume(back, "token", sounds[1]["event_id"])
        assert live.calls[-2:] == [("client_left", ()), ("client_returned", (500_000,))]

    asyncio.run(scenario())


@pytest.mark.parametrize(("delay_ms", "heard_ms"), [(None, None), (12.34, 112.3)])
def test_an_answer_is_heard_once_its_sound_has_reached_the_client(scripted, delay_ms, heard_ms):
    async def scenario():
        ear = Ear()
        ear.delay_ms = delay_ms
        _, seat = new_seat(scripted, ear)
        await subscribe(seat, ear, events=["session.latency"])
        created, *_, done = answer(1)
        seat.emit(created)
        seat.emit(replace(done, times=StageTimes(first_audio_ms=100.0)))
        (latency,) = [event for event in await ear.hear() if event["type"] == "session.latency"]
        assert (latency["first_audio_ms"], latency["heard_ms"]) == (100.0, heard_ms)

    asyncio.run(scenario())

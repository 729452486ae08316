"""The server and its connections on a real socket, with scripted sessions behind them."""

import asyncio
import base64
import contextlib
import json
import urllib.error
import urllib.request

import numpy as np
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, NegotiationError

from gateway.server.server import GatewayServer
from gateway.wire.binary import BinaryAppend, BinaryKind
from streams.config import ServerConfig, VideoConfig
from streams.conversation import ResponseOptions, SessionOptions
from streams.errors import ConfigError, InvalidRequestError, ModelError, StreamsError
from streams.events import FramesDropped, ResponseCreated, SessionFailed, TextDelta

MINUTE_S = 60


def serving(sessions, *, video=None, outbox_bytes=8 * 1024**2, patience_s=20.0, **config):
    return GatewayServer(
        ServerConfig(port=0, **config),
        video or VideoConfig(),
        sessions,
        outbox_bytes=outbox_bytes,
        patience_s=patience_s,
    )


def run(scenario):
    asyncio.run(asyncio.wait_for(scenario, MINUTE_S))


def counted(server, name, **labels):
    return server.metrics.registry.get_sample_value(name, labels)


@contextlib.asynccontextmanager
async def opened(server, query="?model=a-model", **options):
    async with connect(server.url + query, compression=None, max_size=None, **options) as client:
        created = json.loads(await client.recv())
        assert created["type"] == "session.created"
        yield client


async def send(client, kind, **fields):
    await client.send(json.dumps({"type": kind, **fields}))


async def receive(client):
    return json.loads(await client.recv())


async def settled(client):
    """Everything sent before this has been dealt with: returns what came until the echo of an update."""
    await send(client, "session.update", session={"type": "realtime"})
    came = []
    while (event := await receive(client))["type"] != "session.updated":
        came.append(event)
    return came


def test_requests_reach_the_session_in_order(sessions, png, png_base64):
    async def scenario():
        async with serving(sessions) as server, opened(server) as client:
            await send(client, "input_audio_buffer.append", audio=base64.b64encode(bytes(480)).decode())
            await send(client, "input_audio_buffer.append", audio="")
            await client.send(BinaryAppend(BinaryKind.AUDIO, bytes(960)).pack())
            await send(client, "input_audio_buffer.commit")
            await send(client, "input_video_buffer.append", image=png_base64, timestamp_ms=40)
            await client.send(BinaryAppend(BinaryKind.IMAGE, png, 80_000).pack())
            await send(client, "input_video_buffer.clear")
            text = {"type": "input_text", "text": "hi"}
            item = {"id": "item_1", "type": "message", "role": "user", "content": [text]}
            await send(client, "conversation.item.create", item=item)
            await send(client, "response.create", response={"instructions": "Sing."})
            await send(client, "response.cancel", response_id="resp_1")
            came = await settled(client)
        live = sessions.live[0]
        assert [name for name, _ in live.calls] == [
            "append_audio",
            "append_audio",
            "commit_audio",
            "append_frame",
            "append_frame",
            "clear_frames",
            "add_item",
            "respond",
            "cancel",
            "update",
        ]
        given = dict(live.calls)
        assert [len(given[0]) for name, given in live.calls if name == "append_audio"] == [240, 480]
        assert given["append_frame"][0].shape == (8, 12, 3)
        assert [given[1] for name, given in live.calls if name == "append_frame"] == [40_000, 80_000]
        assert given["respond"] == (ResponseOptions(instructions="Sing."),)
        assert given["cancel"] == ("resp_1",)
        assert [event["type"] for event in came] == ["conversation.item.added", "conversation.item.done"]
        assert sessions.models == ["a-model"]

    run(scenario())


def test_whatever_is_wrong_with_a_request_the_session_goes_on(sessions, png_base64, judge):
    async def scenario():
        video = VideoConfig(max_pixels=95)
        async with (
            serving(sessions, video=video, max_audio_append_bytes=8) as server,
            opened(server) as client,
        ):
            live = sessions.live[0]
            live.failures = {
                "commit_audio": InvalidRequestError("empty", code="input_audio_buffer_commit_empty"),
                "respond": ZeroDivisionError("a bug"),
            }
            await client.send("{")
            await client.send(b"\x01\x02")
            await send(client, "session.destroy", event_id="e1")
            await send(client, "input_audio_buffer.append", audio="?")
            await send(client, "input_audio_buffer.append", audio="A" * 16)
            await send(client, "input_video_buffer.append", image="AAAA")
            await send(client, "input_video_buffer.append", image=png_base64)
            await send(client, "input_audio_buffer.commit", event_id="e2")
            await send(client, "response.create", event_id="e3")
            voice = {"type": "realtime", "audio": {"output": {"voice": "nobody"}}}
            await send(client, "session.update", session=voice)
            errors = [judge(event).error for event in await settled(client)]
            assert [(error.code, error.param, error.event_id) for error in errors] == [
                ("invalid_json", None, None),
                ("invalid_frame", None, None),
                ("unknown_event", "type", "e1"),
                ("invalid_audio", "audio", None),
                ("audio_too_large", "audio", None),
                ("invalid_image", "image", None),
                ("image_too_large", "image", None),
                ("input_audio_buffer_commit_empty", None, "e2"),
                ("internal_error", None, "e3"),
                ("unknown_voice", "session.audio.output.voice", None),
            ]
            assert errors[-2].type == "server_error"

    run(scenario())


def test_an_update_that_was_refused_is_not_echoed_later(sessions):
    async def scenario():
        async with serving(sessions) as server, opened(server) as client:
            voice = {"type": "realtime", "instructions": "Sing.", "audio": {"output": {"voice": "nobody"}}}
            await send(client, "session.update", session=voice)
            await send(client, "session.update", session={"type": "realtime"})
            assert (await receive(client))["type"] == "error"
            session = (await receive(client))["session"]
            assert session["instructions"] == "Be brief."

    run(scenario())


def test_a_response_that_was_refused_leaves_no_metadata_behind(sessions):
    async def scenario():
        async with serving(sessions) as server, opened(server) as client:
            live = sessions.live[0]
            live.failures["respond"] = InvalidRequestError("busy")
            await send(client, "response.create", response={"metadata": {"topic": "cats"}})
            assert (await receive(client))["type"] == "error"
            live.emit(ResponseCreated("resp_2", SessionOptions(), True))
            assert (await receive(client))["response"]["metadata"] is None

    run(scenario())


def test_events_before_the_session_was_open_follow_its_creation(sessions):
    async def scenario():
        sessions.early = (SessionFailed(ModelError("half deaf")),)
        async with serving(sessions) as server, opened(server) as client:
            assert (await receive(client))["error"]["code"] == "model_error"

    run(scenario())


def test_an_event_that_cannot_be_told_becomes_an_error(sessions):
    async def scenario():
        async with serving(sessions) as server, opened(server) as client:
            sessions.live[0].emit(TextDelta("resp_unknown", "item", "x"))
            assert (await receive(client))["error"]["code"] == "internal_error"
            assert await settled(client) == []

    run(scenario())


def test_dropped_frames_are_counted(sessions):
    async def scenario():
        async with serving(sessions) as server, opened(server) as client:
            sessions.live[0].emit(FramesDropped(3, 3, "overload"))
            assert await settled(client) == []
            assert counted(server, "streams_frames_dropped_total", reason="overload") == 3

    run(scenario())


def test_sessions_are_apart_and_closed_with_their_clients(sessions):
    async def scenario():
        async with serving(sessions) as server:
            async with opened(server) as one, opened(server) as two:
                await send(one, "input_audio_buffer.clear")
                assert (await receive(one))["type"] == "input_audio_buffer.cleared"
                assert await settled(two) == []
            first, second = sessions.live
            await first.closed.wait()
            await second.closed.wait()
            assert counted(server, "streams_sessions_total") == 2
            assert counted(server, "streams_sessions_open") == 0

    run(scenario())


def test_no_more_sessions_than_allowed(sessions):
    async def scenario():
        async with serving(sessions, max_sessions=1) as server:
            async with opened(server):
                with pytest.raises(InvalidStatus) as caught:
                    await connect(server.url)
                response = caught.value.response
                assert response.status_code == 503
                assert response.headers["Content-Type"] == "application/json"
                assert json.loads(response.body)["error"]["code"] == "overloaded"
            await sessions.live[0].closed.wait()
            async with opened(server):
                assert counted(server, "streams_sessions_refused_total", reason="full") == 1

    run(scenario())


def test_a_failed_handshake_takes_no_place(sessions):
    async def scenario():
        async with serving(sessions, max_sessions=1) as server:
            url = server.url.replace("ws:", "http:")
            for _ in range(3):
                status, _ = await asyncio.to_thread(get, url)
                assert status == 426
            async with opened(server):
                pass

    run(scenario())


@pytest.mark.parametrize(
    "param", ["intent=translation", "call_id=rtc_1", "session=kitchen&intent=transcription"]
)
def test_other_kinds_of_session_are_refused_by_name(sessions, param):
    async def scenario():
        async with serving(sessions) as server:
            with pytest.raises(InvalidStatus) as caught:
                await connect(f"{server.url}?{param}")
            assert caught.value.response.status_code == 400
            assert json.loads(caught.value.response.body)["error"]["param"] == param.partition("=")[0]

    run(scenario())


def test_what_a_client_came_for_reaches_who_opens_sessions(sessions):
    async def scenario():
        async with (
            serving(sessions) as server,
            opened(server, "?intent=transcription"),
            opened(server, "?session=kitchen"),
        ):
            pass
        assert [visit.transcribes for visit in sessions.visits] == [True, False]
        assert [visit.session for visit in sessions.visits] == [None, "kitchen"]

    run(scenario())


def get(url):
    try:
        with urllib.request.urlopen(url) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def root_of(server):
    return f"http://127.0.0.1:{server.port}"


def test_people_who_come_by_http_are_told_where_to_go(sessions):
    async def scenario():
        async with serving(sessions) as server:
            for path, status in [("/v1/chat/completions", 404), ("/v1/realtime/", 404)]:
                came, text = await asyncio.to_thread(get, root_of(server) + path)
                assert came == status
                assert "/v1/realtime" in text

    run(scenario())


def test_the_subprotocol_is_echoed_only_if_it_was_offered(sessions):
    async def scenario():
        async with serving(sessions) as server:
            async with opened(server) as plain:
                assert plain.subprotocol is None
            async with opened(server, subprotocols=["realtime", "openai-insecure-api-key.k"]) as browser:
                assert browser.subprotocol == "realtime"
            with contextlib.suppress(NegotiationError):
                async with opened(server, subprotocols=["chat"]) as other:
                    assert other.subprotocol is None

    run(scenario())


def test_a_session_that_cannot_be_opened_says_why(sessions):
    async def scenario():
        sessions.failure = ModelError("the model is gone")
        async with serving(sessions) as server, connect(server.url) as client:
            assert (await receive(client))["error"]["message"] == "the model is gone"
            with pytest.raises(ConnectionClosed) as caught:
                await client.recv()
            assert caught.value.rcvd.code == 1011

    run(scenario())


def test_a_message_past_the_limit_closes_with_1009(sessions):
    async def scenario():
        async with serving(sessions, max_message_bytes=1_000) as server, opened(server) as client:
            await client.send("x" * 1_001)
            with pytest.raises(ConnectionClosed) as caught:
                await client.recv()
            assert caught.value.rcvd.code == 1009

    run(scenario())


def test_a_client_that_falls_too_far_behind_is_closed_and_told_why(sessions):
    async def scenario():
        async with serving(sessions, outbox_bytes=2_000) as server, opened(server) as client:
            sessions.live[0].emit(SessionFailed(StreamsError("x" * 10_000)))
            await client.wait_closed()
            assert client.close_code == 1013
            assert "not read" in client.close_reason
            assert counted(server, "streams_slow_clients_total") == 1

    run(scenario())


def test_a_client_that_reads_nothing_at_all_is_cut_off(sessions, monkeypatch):
    async def scenario():
        monkeypatch.setattr("gateway.server.closing.CLOSE_TIMEOUT_S", 0.05)
        paused = {"max_queue": 1, "close_timeout": 0.05}
        async with serving(sessions, outbox_bytes=100_000) as server, opened(server, **paused):
            live = sessions.live[0]
            while not live.closed.is_set():
                live.emit(SessionFailed(StreamsError("x" * 50_000)))
                await asyncio.sleep(0)
            assert counted(server, "streams_slow_clients_total") == 1

    run(scenario())


def test_a_slow_session_holds_up_its_own_client_only(sessions):
    async def scenario():
        async with serving(sessions) as server, opened(server) as slow, opened(server) as quick:
            gate = asyncio.Event()

            async def behind(samples: np.ndarray, rate: int) -> None:
                await gate.wait()

            sessions.live[0].append_audio = behind
            await send(slow, "input_audio_buffer.append", audio="AAAA" * 2)
            await send(slow, "input_audio_buffer.clear")
            assert await settled(quick) == []
            assert sessions.live[0].calls == []
            gate.set()
            assert (await receive(slow))["type"] == "input_audio_buffer.cleared"

    run(scenario())


def test_a_client_that_leaves_while_its_session_is_behind_is_noticed(sessions):
    async def scenario():
        async with serving(sessions) as server:
            async with opened(server) as client:
                hearing = asyncio.Event()

                async def behind(samples: np.ndarray, rate: int) -> None:
                    hearing.set()
                    await asyncio.Event().wait()

                sessions.live[0].append_audio = behind
                await send(client, "input_audio_buffer.append", audio="AAAA" * 2)
                await hearing.wait()
            await sessions.live[0].closed.wait()

    run(scenario())


def test_stopping_closes_every_connection_and_session(sessions):
    async def scenario():
        async with contextlib.AsyncExitStack() as clients:
            async with serving(sessions) as server:
                one = await clients.enter_async_context(opened(server))
                two = await clients.enter_async_context(opened(server))
            for client in (one, two):
                with pytest.raises(ConnectionClosed) as caught:
                    await client.recv()
                assert caught.value.rcvd.code == 1001
        assert all(live.closed.is_set() for live in sessions.live)

    run(scenario())


def test_it_serves_until_it_is_told_to_stop(sessions):
    async def scenario():
        server, stop = serving(sessions), asyncio.Event()
        stop.set()
        await server.serve_until(stop, asyncio.Event())

    run(scenario())


def test_a_session_that_does_not_end_is_cancelled(sessions, monkeypatch):
    async def scenario():
        monkeypatch.setattr("gateway.server.server.SHUTDOWN_S", 0.05)
        async with contextlib.AsyncExitStack() as clients, serving(sessions) as server:
            await clients.enter_async_context(opened(server))

            async def never() -> None:
                await asyncio.Event().wait()

            sessions.live[0].close = never

    run(scenario())


def test_a_port_in_use_is_a_clear_error(sessions):
    async def scenario():
        async with serving(sessions) as server:
            other = GatewayServer(ServerConfig(port=server.port), VideoConfig(), sessions)
            with pytest.raises(ConfigError, match="in use") as caught:
                await other.__aenter__()
            assert caught.value.param == "server.port"
        with pytest.raises(ConfigError) as caught:
            await serving(sessions, host="256.1.1.1", open=True).__aenter__()
        assert caught.value.param == "server.host"

    run(scenario())

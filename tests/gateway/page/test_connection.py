"""What the page says and does when the server refuses, goes away, and comes back."""

import numpy as np
from playwright.sync_api import expect

from gateway.access.key import ApiKey, digest_of, new_secret
from gateway.access.key_file import write_keys
from gateway.server.server import GatewayServer
from streams.config import ServerConfig, VideoConfig
from streams.errors import ModelError
from streams.events import AudioDelta, TextDelta
from streams.types import US_PER_S, AudioChunk

WIRE_RATE = 24_000
GONE = ("WebSocket connection to", "net::ERR_")
"""What a browser logs of a server that is not there, or goes while it is asked."""


def started(page):
    page.get_by_role("button", name="Start").click()
    return page


def status(page):
    return page.locator("#status")


def test_a_server_that_is_full_says_so(script, served, visit):
    url = served(GatewayServer(ServerConfig(port=0, max_sessions=1), VideoConfig(), script._open))
    first = started(visit(url).page)
    expect(status(first)).to_contain_text("Listening")
    refused = visit(url, expected=("503",))
    expect(started(refused.page).get_by_role("alert")).to_have_text(
        "All 1 sessions are taken; try again later"
    )
    expect(status(refused.page)).to_contain_text("Disconnected")
    expect(refused.page.get_by_role("button", name="Start")).to_be_enabled()


def test_a_session_that_cannot_be_opened_says_why(served, visit):
    async def fail(visit, emit):
        raise ModelError("the model is not there")

    page = started(visit(served(GatewayServer(ServerConfig(port=0), VideoConfig(), fail))).page)
    expect(page.get_by_role("alert")).to_have_text("the model is not there")
    expect(status(page)).to_contain_text("Disconnected")


def test_a_wrong_key_is_corrected_in_the_settings(script, served, visit, tmp_path):
    secret = new_secret()
    write_keys(tmp_path / "keys.json", [ApiKey("phone", "alice", digest_of(secret), "2026-01-01")])
    config = ServerConfig(port=0, keys_file=tmp_path / "keys.json")
    server = GatewayServer(config, VideoConfig(), script._open)
    page = started(visit(served(server), expected=("401", "HTTP Authentication failed")).page)
    expect(page.get_by_role("alert")).to_have_text("The server wants a key. Enter it in Settings.")
    for key in ("sk-wrong", secret):
        page.locator("#open-settings").click()
        page.get_by_label("Server key").fill(key)
        page.get_by_role("button", name="Done").click()
        started(page)
        if key != secret:
            expect(page.get_by_role("alert")).to_contain_text("does not take this key")
    expect(status(page)).to_contain_text("Listening")
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_page_of_an_address_that_is_not_let_in(script, served, visit, launch):
    other = launch("--host-resolver-rules=MAP streams.test 127.0.0.1")
    url = served(script.server).replace("127.0.0.1", "streams.test")
    page = started(visit(url, other=other, expected=("Cross-Origin-Opener-Policy", "403", "426")).page)
    expect(page.get_by_role("alert")).to_contain_text("server.allowed_origins")


def test_a_server_that_was_never_there(script, background, visit):
    background.run(script.server.__aenter__())
    opened = visit(script.server.page_url, expected=GONE)
    background.run(script.server.close())
    alert = started(opened.page).get_by_role("alert")
    expect(alert).to_have_text("The server cannot be reached. Is it running, and is this device online?")


def test_a_server_that_goes_and_comes_back(script, new_script, served, visit, background):
    opened = visit(served(script.server), expected=GONE)
    page = started(opened.page)
    expect(status(page)).to_contain_text("Listening")
    script.hear("What is this?", 0, 1)
    expect(page.locator(".turn.user")).to_be_visible()
    port = script.server.port
    background.run(script.server.close())
    expect(status(page)).to_contain_text("Reconnecting")
    expect(page.get_by_role("button", name="Stop")).to_be_enabled()
    again = new_script(port=port)
    served(again.server)
    expect(status(page)).to_contain_text("Listening")
    expect(page.locator("#messages")).to_contain_text("a new one has begun")
    expect(page.locator(".turn")).to_have_count(0)
    again.asked("append_audio", at_least=1)


def test_a_dropped_connection_is_taken_up_again_and_nothing_is_played_twice(opened, page, script, heard):
    script.answer("One two three.", seconds=1)
    heard(page, more_than=0.9 * WIRE_RATE)
    opened.set_offline(True)
    expect(status(page)).to_contain_text("Reconnecting")
    tone = np.full(WIRE_RATE // 2, 0.1, np.float32)
    script.emit(TextDelta("resp_1", "item_answer", " Four."))
    script.emit(AudioDelta("resp_1", "item_answer", AudioChunk(US_PER_S, WIRE_RATE, tone)))
    script.answered("One two three. Four.")
    opened.set_offline(False)
    expect(page.locator(".turn.answer .text")).to_have_text("One two three. Four.")
    expect(page.locator(".turn.answer figcaption")).to_contain_text("whole answer")
    expect(status(page)).to_contain_text("Listening")
    assert heard(page, more_than=1.4 * WIRE_RATE) <= 1.5 * WIRE_RATE
    assert len(script.lives) == 1
    expect(page.locator("#messages li")).to_have_count(0)


def test_a_session_that_will_end_says_so_and_why_it_did(script, served, visit):
    server = ServerConfig(port=0, max_session_s=3)
    page = started(visit(served(GatewayServer(server, VideoConfig(), script._open))).page)
    expect(page.locator("#messages")).to_contain_text(
        "has lasted nearly as long as it may: it ends in 2 seconds"
    )
    expect(page.get_by_role("alert")).to_contain_text("3 s")
    expect(status(page)).to_contain_text("Disconnected")


def test_who_does_not_want_to_wait_stops(script, served, visit, background):
    opened = visit(served(script.server), expected=GONE)
    page = started(opened.page)
    expect(status(page)).to_contain_text("Listening")
    background.run(script.server.close())
    expect(status(page)).to_contain_text("Reconnecting")
    page.get_by_role("button", name="Stop").click()
    expect(status(page)).to_contain_text("Not connected")
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(page.get_by_role("button", name="Microphone")).to_have_attribute("aria-pressed", "false")


def test_the_key_stays_in_this_tab_and_goes_with_the_subprotocol(script, served, visit):
    opened = visit(served(script.server))
    page = opened.page
    page.get_by_role("button", name="Settings").click()
    page.get_by_label("Server key").fill("sk-secret")
    page.get_by_role("button", name="Done").click()
    handshakes = []
    network = page.context.new_cdp_session(page)
    network.on("Network.webSocketWillSendHandshakeRequest", lambda event: handshakes.append(event))
    network.send("Network.enable")
    with page.expect_websocket() as waiting:
        page.get_by_role("button", name="Start").click()
    expect(status(page)).to_contain_text("Listening")
    assert "sk-secret" not in waiting.value.url
    (handshake,) = handshakes
    offered = handshake["request"]["headers"]["Sec-WebSocket-Protocol"]
    assert offered == "realtime, openai-insecure-api-key.sk-secret"
    kept = page.evaluate("() => [sessionStorage, localStorage].map((each) => JSON.stringify(each))")
    assert "sk-secret" in kept[0]
    assert kept[1] == "{}"
    assert page.context.cookies() == []
    assert "sk-secret" not in page.content()

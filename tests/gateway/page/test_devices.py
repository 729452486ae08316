"""Microphone, camera and films: those that work, and what is said of those that do not."""

import pytest
from playwright.sync_api import expect


def pressed(page, name):
    return page.get_by_role("button", name=name, exact=True).get_attribute("aria-pressed")


def test_no_permission(script, served, visit, launch):
    strict = launch("--use-fake-device-for-media-stream", "--deny-permission-prompts")
    page = visit(served(script.server), other=strict).page
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("alert")).to_contain_text("The microphone is not allowed.")
    expect(page.locator("#status")).to_contain_text("Ready")
    page.get_by_role("button", name="Camera", exact=True).click()
    expect(page.get_by_role("alert").last).to_contain_text("The camera is not allowed.")
    assert (pressed(page, "Microphone"), pressed(page, "Camera")) == ("false", "false")
    page.get_by_label("Your message").fill("Hello?")
    page.keyboard.press("Enter")
    script.asked("respond", at_least=1)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("NotFoundError", "No microphone was found. Plug one in"),
        ("NotReadableError", "another program may have it"),
        ("OverconstrainedError", "not there any more"),
        ("AbortError", "The microphone cannot be opened: a reason"),
    ],
)
def test_no_microphone(script, served, visit, name, message):
    opened = visit(served(script.server))
    page = opened.page
    page.evaluate(
        """(name) => { navigator.mediaDevices.getUserMedia =
          () => Promise.reject(new DOMException("a reason", name)); }""",
        name,
    )
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("alert")).to_contain_text(message)
    expect(page.locator("#status")).to_contain_text("Ready")


def test_no_camera(script, served, visit, launch):
    blind = launch("--use-fake-device-for-media-stream=device-count=0", "--use-fake-ui-for-media-stream")
    page = visit(served(script.server), other=blind).page
    page.get_by_role("button", name="Camera", exact=True).click()
    expect(page.get_by_role("alert")).to_have_text("No camera was found. Plug one in, then turn it on again.")


def test_a_page_that_is_not_safe(new_script, served, visit, launch):
    script = new_script(allowed_origins=("*",))
    plain = launch("--use-fake-device-for-media-stream", "--host-resolver-rules=MAP streams.test 127.0.0.1")
    url = served(script.server).replace("127.0.0.1", "streams.test")
    page = visit(url, other=plain, expected=("Cross-Origin-Opener-Policy",)).page
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("alert")).to_contain_text("only to pages that are https or on localhost")
    expect(page.get_by_text("answers are shown as text")).to_be_visible()
    (options,) = script.asked("update", at_least=1)[-1]
    assert options.modality == "text"
    script.answer("Hello.")
    expect(page.locator(".turn.answer .text")).to_have_text("Hello.")


def test_a_film_that_is_dropped_is_seen_and_heard(script, served, visit, drop, film_file):
    page = visit(served(script.server)).page
    page.get_by_role("button", name="Start").click()
    expect(page.locator("#status")).to_contain_text("Listening")
    page.get_by_role("button", name="Microphone").click()
    before = len(script.asked("append_audio"))
    drop(page, "film.webm", film_file.read_bytes())
    (image, _), *_ = script.asked("append_frame", at_least=2)
    assert image.shape == (360, 640, 3)

    def loud():
        return [samples for samples, _ in script.asked("append_audio")[before:] if abs(samples).max() > 0.05]

    script.until(lambda: len(loud()) >= 5)
    expect(page.locator("#placeholder")).to_be_hidden()


def test_what_is_no_film_is_not_played(script, served, visit, drop):
    page = visit(served(script.server)).page
    drop(page, "words.txt", b"no film")
    expect(page.get_by_role("alert")).to_have_text("“words.txt” is no film that this browser can play.")
    expect(page.locator("#placeholder")).to_be_visible()

"""Whole conversations on the embedded models, through the browser's microphone, camera and loudspeaker."""

import re

import pytest
from playwright.sync_api import expect

from gateway.assembly import Streams
from streams.serve import new_server

COFFEE = re.compile("coffee|espresso", re.IGNORECASE)


@pytest.fixture
def page(streams, served, visit):
    """Of the service with a window of one moment: whatever is older has to be recalled."""
    memory = streams.config.memory.model_copy(update={"window_tokens": 13})
    service = Streams(streams.config.model_copy(update={"memory": memory}), streams.backend)
    page = visit(served(new_server(service))).page
    page.get_by_role("button", name="Start").click()
    expect(page.locator("body")).to_have_attribute("data-status", "listening")
    page.locator("#microphone").click()  # off until the test speaks
    expect(page.locator("body")).to_have_attribute("data-status", "ready")
    return page


def moments(page, lane, text):
    return page.locator(f"#timeline li.{lane}").filter(has_text=text)


def test_a_spoken_question_about_what_was_seen(page, heard, screenshot):
    page.locator("#camera").click()
    expect(moments(page, "seen", COFFEE)).to_have_count(1)
    expect(moments(page, "seen", "cat")).to_have_count(1)
    page.locator("#microphone").click()
    expect(page.locator(".turn.user .text")).to_have_text(re.compile("^Did you see a cup of coffee"))
    expect(moments(page, "seen", COFFEE)).to_have_class(re.compile(r"\blit\b"))
    answer = page.locator(".turn.answer")
    expect(answer.locator(".recalled img").first).to_be_visible()
    expect(page.locator("body")).to_have_attribute("data-status", "speaking")
    expect(answer.locator("figure dd")).to_have_count(6)
    expect(page.locator("body")).to_have_attribute("data-status", "listening")
    expect(answer.locator(".text")).to_have_text(COFFEE)
    expect(moments(page, "heard", "coffee")).to_have_count(1)
    expect(moments(page, "said", COFFEE)).to_have_count(1)
    assert heard(page) > 10_000
    page.locator("#microphone").blur()
    screenshot(page, "page", scheme="light", width=1280, height=800)
    screenshot(page, "page-on-a-phone", scheme="dark", width=390, height=844)


def test_speaking_up_interrupts_the_answer(page, heard):
    page.get_by_label("Your message").fill("Tell me a long story about a king and his castle.")
    page.keyboard.press("Enter")
    heard(page, more_than=0)
    page.locator("#microphone").click()
    first, second = (page.locator(".turn.answer").nth(which) for which in (0, 1))
    expect(first).to_contain_text("Interrupted")
    expect(page.locator(".turn.user").last).to_contain_text("coffee")
    expect(second.locator(".text")).not_to_have_text("")
    expect(second.locator("figure")).to_be_visible()


def test_a_film_is_watched_and_listened_to(page, drop, film_file):
    drop(page, "film.webm", film_file.read_bytes())
    expect(moments(page, "seen", COFFEE)).to_have_count(1)
    expect(page.locator(".turn.user .text")).to_have_text(re.compile("^Did you see a cup of coffee"))
    expect(page.locator(".turn.answer .text")).to_have_text(COFFEE)

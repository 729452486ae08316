"""Whole conversations on the embedded models, through the browser's microphone, camera and loudspeaker."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from gateway.assembly import Streams
from streams.serve import new_server


@pytest.fixture(scope="module")
def gateway(streams):
    """The service, with a window of one moment: whatever is older has to be recalled."""
    memory = streams.config.memory.model_copy(update={"window_tokens": 13})
    return lambda: new_server(Streams(streams.config.model_copy(update={"memory": memory}), streams.backend))


def test_a_spoken_question_about_what_was_seen(gateway, served, visit, screenshot):
    page = visit(served(gateway())).page
    page.get_by_role("button", name="Start").click()
    expect(page.locator("body")).to_have_attribute("data-status", "listening")
    microphone = page.get_by_role("button", name="Microphone")
    microphone.click()
    page.get_by_role("button", name="Camera").click()
    coffee = page.locator("#timeline li.seen").filter(has_text="espresso")
    expect(coffee).to_have_count(1)
    expect(page.locator("#timeline li.seen").filter(has_text="cat")).to_have_count(1)
    microphone.click()
    asked = page.locator(".turn.user .text")
    expect(asked).to_contain_text(re.compile("coffee", re.I))
    screenshot(page, "listening")
    expect(coffee).to_have_class(re.compile(r"\blit\b"))
    answer = page.locator(".turn.answer")
    expect(page.locator("body")).to_have_attribute("data-status", "speaking")
    expect(answer.locator("figure dd")).not_to_have_count(0)
    screenshot(page, "page")

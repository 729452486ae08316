"""What the page shows of a session that speaks up by itself, and how the user ends it."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from streams.conversation import Message
from streams.events import ResponseCreated, ResponseItemAdded, TextDelta
from streams.standing_request import StandingRequest
from streams.unasked import StandingRequestsChanged, Unasked

DOG = StandingRequest("dog", "alert", "Tell me when you see a dog.", False, 0)
CAR = StandingRequest("car", "alert", "Tell me whenever a car passes.", True, 0)


@pytest.fixture
def page(opened):
    return opened.page


def stand(script, *requests, change="added", request_id="dog"):
    script.live.speaking_up.requests = requests
    script.emit(StandingRequestsChanged(requests, change, request_id))


def test_the_user_says_how_far_it_may_speak_up(page, script):
    assert script.asked("update")[-1][0].proactive == "off"
    page.get_by_role("button", name="Settings").click()
    page.get_by_label("Streams speaks up by itself").select_option("narration")
    page.get_by_role("button", name="Done").click()
    script.until(lambda: script.asked("update")[-1][0].proactive == "narration")


def test_what_stands_is_listed_and_ended_with_the_keyboard(page, script):
    listed = page.get_by_role("group", name="I will speak up")
    expect(listed).to_be_hidden()
    stand(script, DOG, CAR)
    expect(listed.get_by_role("listitem")).to_have_text(
        ["Tell me when you see a dog.onceCancel", "Tell me whenever a car passes.each timeCancel"]
    )
    cancel = listed.get_by_role("button", name="Cancel: Tell me when you see a dog.")
    cancel.focus()
    page.keyboard.press("Enter")
    assert script.asked("cancel_standing_request", at_least=1) == [("dog",)]
    stand(script, CAR, change="cancelled")
    expect(listed.get_by_role("button", name="Cancel: Tell me whenever a car passes.")).to_be_focused()
    stand(script, change="cancelled", request_id="car")
    expect(listed).to_be_hidden()
    expect(page.get_by_label("Your message")).to_be_focused()


def test_an_answer_that_nobody_asked_for_is_marked_and_said_to_be_one(page, script):
    item = Message("item_answer", "assistant", (), "in_progress")
    options = script.live.options
    script.emit(
        ResponseCreated("resp_1", options, True, by_client=False, unasked=Unasked("dog", "alert", 5_000_000)),
        ResponseItemAdded("resp_1", item, None),
        TextDelta("resp_1", item.id, "A dog has come in."),
    )
    script.answered("A dog has come in.")
    turn = page.locator(".turn.answer")
    expect(turn).to_contain_text("because you wanted to be told")
    expect(turn.locator(".text")).to_have_text("A dog has come in.")
    expect(page.locator("#announcer")).to_have_text("Streams speaks up: A dog has come in.")

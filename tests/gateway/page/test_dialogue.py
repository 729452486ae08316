"""What the page does as events come, each told by a scripted session over the real wire."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
import pytest
from playwright.sync_api import expect

from streams.conversation import TextContent
from streams.errors import StreamsError
from streams.events import (
    AudioDelta,
    FrameSeen,
    OutputHeld,
    OutputResumed,
    SessionFailed,
    SpeechStarted,
    SpeechStopped,
    StageTimes,
    TranscriptCompleted,
    TranscriptPartial,
)
from streams.types import US_PER_S, AudioChunk, BlockKind, Moment, Transcript, Word

RATE = 24_000
TONE = (0.3 * np.sin(2 * np.pi * 300 * np.arange(RATE) / RATE)).astype(np.float32)
COFFEE = Moment(1 * US_PER_S, 2 * US_PER_S, 0.83, BlockKind.FRAME, "espresso coffee", 7)
SAID = Moment(4 * US_PER_S, 5 * US_PER_S, 0.41, BlockKind.UTTERANCE, "Remember the cup.", 8)
TIMES = StageTimes(None, 402.0, 441.0, 520.0, 655.0, None, 2_350.0)


def status(page):
    return page.get_by_role("status").filter(has=page.locator("#status-label"))


def once_paused(page):
    """Samples that were played when half a second passed on the sound device without more of what waits."""
    playing, played = page.evaluate(
        """async () => {
          const { player } = await import("/page/app.js");
          let [played, since] = [player.audible, player.seconds];
          while (player.playing && player.seconds - since < 0.5) {
            await new Promise(requestAnimationFrame);
            if (player.audible !== played) [played, since] = [player.audible, player.seconds];
          }
          return [player.playing, played];
        }"""
    )
    assert playing, "it went on to the end"
    return played


def test_the_session_is_told_what_the_page_wants_and_given_sound_and_pictures(page, script):
    ((options,), *_) = script.asked("update", at_least=1)
    assert options.transcription
    assert options.modality == "audio"
    samples, rate = script.asked("append_audio", at_least=1)[0]
    assert (len(samples), rate) == (960, RATE)
    frames = script.asked("append_frame", at_least=4)
    assert frames[0][0].shape == (360, 640, 3)
    times_us = [pts_us for _, pts_us in frames]
    assert all(later - earlier > 300_000 for earlier, later in pairwise(times_us))


def test_words_are_shown_as_they_are_recognised(page, script):
    turn = page.locator(".turn.user")
    script.emit(SpeechStarted("item_1", 0), TranscriptPartial("item_1", "What did", "you sea"))
    expect(status(page)).to_contain_text("Hearing you")
    expect(turn.locator(".text")).to_have_text("What did you sea")
    expect(turn.locator(".tentative")).to_have_text("you sea")
    script.emit(TranscriptPartial("item_1", "you see", "now?"))
    expect(turn.locator(".text")).to_have_text("What did you see now?")
    expect(turn.locator(".tentative")).to_have_text("now?")
    script.emit(SpeechStopped("item_1", 1_500_000))
    words = ["What", "did", "you", "see", "just", "now?"]
    transcript = Transcript(tuple(Word(word, 0, 0) for word in words))
    script.emit(TranscriptCompleted("item_1", transcript, 1_500_000))
    expect(turn.locator(".text")).to_have_text("What did you see just now?")
    expect(turn.locator(".tentative")).to_have_count(0)
    expect(page.locator("#timeline li.heard")).to_have_text("What did you see just now?")
    expect(page.locator("#announcer")).to_have_text("You: What did you see just now?")


def test_recalled_moments_light_up_and_are_listed_with_the_answer(page, script):
    script.asked("append_frame", at_least=1)
    script.emit(FrameSeen(COFFEE.start_us, "espresso coffee"), FrameSeen(9 * US_PER_S, "cat"))
    coffee = page.locator("#timeline li.seen").filter(has_text="espresso coffee")
    cat = page.locator("#timeline li.seen").filter(has_text="cat")
    expect(coffee.locator("img")).to_have_attribute("src", re.compile("^data:image/jpeg;base64,"))
    expect(cat).to_be_visible()
    expect(page.locator("#timeline .lit")).to_have_count(0)

    script.answer("There was a cup of coffee.", recalled=(COFFEE, SAID))
    expect(coffee).to_have_class(re.compile(r"\blit\b"))
    expect(cat).not_to_have_class(re.compile(r"\blit\b"))
    expect(coffee.get_by_role("button")).to_have_accessible_name(
        re.compile("0:01.*seen: espresso coffee.*match of 0.83")
    )
    listed = page.get_by_role("list", name="Remembered for this answer").get_by_role("listitem")
    expect(listed).to_have_count(2)
    expect(listed.first).to_contain_text(re.compile(r"espresso coffee.*seen at 0:01.*match 0\.83"))
    expect(listed.first.locator("img")).to_have_js_property("naturalWidth", 640)
    expect(listed.last).to_contain_text("Remember the cup.")
    expect(page.locator("#timeline .earlier li")).to_contain_text("0:04 Remember the cup.")

    listed.first.get_by_role("button").click()
    expect(coffee.get_by_role("button")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(cat.get_by_role("button")).to_be_focused()
    page.keyboard.press("Home")
    expect(coffee.get_by_role("button")).to_be_focused()
    expect(page.locator("#timeline .detail")).to_contain_text("0:01")


def test_a_turn_shows_how_long_each_stage_took(page, script):
    script.answer("Hello.")
    script.answered("Hello.")
    latency = page.locator(".turn.answer figure")
    caption = re.compile(r"^(\d+) ms until heard · whole answer 2\.4 s$")
    expect(latency.locator("figcaption")).to_have_text(caption)
    stages, times = (latency.locator(name).all_text_contents() for name in ("dt", "dd"))
    shown = dict(zip(stages, times, strict=True))
    heard = shown.pop("heard")  # by half the round trip of this very connection
    assert heard == f"{caption.match(latency.locator('figcaption').text_content())[1]} ms"
    assert shown == {
        "turn ended": "310 ms",
        "words known": "402 ms",
        "recalled": "441 ms",
        "first word": "520 ms",
        "first sound": "655 ms",
    }
    bars = latency.locator(".bar span").evaluate_all("(all) => all.map((each) => each.style.width)")
    widths = [round(float(width.rstrip("%")), 1) for width in bars]
    assert widths[:5] == [31.0, 9.2, 3.9, 7.9, 13.5]
    assert widths[5] == pytest.approx((int(heard.removesuffix(" ms")) - 655) / 10, abs=0.1)


def test_what_did_not_happen_is_no_stage(page, script):
    times = StageTimes(transcript_ms=12.0, recall_ms=30.0, first_token_ms=41.5, total_ms=90.0)
    script.answer("Hello.")
    script.answered("Hello.", times=times)
    expect(page.locator(".turn.answer figcaption")).to_have_text(
        "42 ms until first word · whole answer 90 ms"
    )
    expect(page.locator(".turn.answer .bar span")).to_have_count(3)


def test_an_answer_is_heard_and_an_interruption_withdraws_it(page, script, heard):
    script.answer("One two three four five six.", seconds=6)
    expect(status(page)).to_contain_text("Speaking")
    heard(page, more_than=2 * RATE)
    script.emit(SpeechStarted("item_2", 5_000_000))
    ((item_id, content_index, audio_end_us),) = script.asked("truncate_item", at_least=1)
    at_end = heard(page)
    assert (item_id, content_index) == ("item_answer", 0)
    assert 0 < audio_end_us < 5.9 * US_PER_S
    # A tone is silent in no more than one sample of forty, so that what was audible is what was played.
    assert audio_end_us / US_PER_S <= at_end / RATE * 1.03
    # What was on its way is not played any more.
    script.emit(AudioDelta("resp_1", "item_answer", AudioChunk(6 * US_PER_S, RATE, TONE)))
    script.answered("One two", "cancelled", "turn_detected")
    expect(page.locator(".turn.answer .unheard")).to_have_text("three four five six.")
    assert heard(page) == at_end
    expect(page.locator("body")).to_have_attribute("data-status", "hearing")


def test_the_interrupt_button_stops_an_answer(page, script, heard):
    script.answer("One two three.", seconds=4)
    heard(page, more_than=0)
    page.get_by_role("button", name="Interrupt").click()
    assert script.asked("cancel", at_least=1) == [("resp_1",)]
    script.asked("truncate_item", at_least=1)
    script.answered("One", "cancelled", "client_cancelled")
    expect(page.get_by_role("button", name="Interrupt")).to_be_disabled()
    expect(status(page)).to_contain_text("Listening")


def test_a_false_alarm_pauses_the_voice_and_lets_it_go_on(page, script, heard):
    script.answer("One two three.", seconds=4)
    heard(page, more_than=0)
    script.emit(OutputHeld("resp_1"))
    expect(status(page)).to_contain_text("Hearing you")
    assert once_paused(page) < 3.9 * RATE
    script.emit(OutputResumed("resp_1", "backchannel"))
    expect(status(page)).to_contain_text("Speaking")
    heard(page, more_than=3.9 * RATE)
    script.answered("One two three.")
    expect(status(page)).to_contain_text("Listening")
    assert script.asked("truncate_item") == []


def test_a_message_that_is_typed_is_answered_after_what_was_being_said(page, script, heard):
    script.answer("One two three.", seconds=3)
    heard(page, more_than=0)
    page.get_by_role("textbox", name="Your message").fill("And now?")
    page.keyboard.press("Enter")
    script.asked("cancel", at_least=1)
    assert script.asked("respond") == []
    script.answered("One", "cancelled", "client_cancelled")
    script.asked("respond", at_least=1)
    ((added, previous),) = script.asked("add_item")
    assert (added.role, added.content, previous) == ("user", (TextContent("And now?"),), None)
    expect(page.locator(".turn.user")).to_contain_text("And now?")


def test_errors_of_the_server_are_shown_in_words(page, script):
    script.emit(SessionFailed(StreamsError("the frame at 1.0 s is lost: it is too dark")))
    alert = page.get_by_role("alert")
    expect(alert).to_have_text("the frame at 1.0 s is lost: it is too dark")
    page.get_by_role("button", name="Dismiss").click()
    expect(alert).to_have_count(0)
    script.answer("Hel")
    script.answered("Hel", "failed")
    expect(page.locator(".turn.answer")).to_contain_text("Hel")

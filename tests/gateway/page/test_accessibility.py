"""The page by keyboard, to a screen reader, and in contrast."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from streams.errors import StreamsError
from streams.events import FrameSeen, SessionFailed
from streams.types import US_PER_S, BlockKind, Moment

COFFEE = Moment(1 * US_PER_S, 2 * US_PER_S, 0.83, BlockKind.FRAME, "espresso coffee", 7)
SAID = Moment(4 * US_PER_S, 5 * US_PER_S, 0.41, BlockKind.UTTERANCE, "Remember the cup.", 8)

CONTRASTS = Path(__file__).with_name("contrast.js").read_text("utf-8")
"""A function that lists the text of a page: ``{text, ratio, large}`` of each piece that is visible."""


@pytest.fixture
def full(page, script):
    """The page with something of everything on it."""
    script.asked("append_frame", at_least=1)
    script.emit(FrameSeen(COFFEE.start_us, COFFEE.text), FrameSeen(9 * US_PER_S, "cat"))
    script.hear("Did you see a cup of coffee?", 9, 11)
    script.answer("Yes, a cup of espresso.", recalled=(COFFEE, SAID))
    script.answered("Yes, a cup", "cancelled", "client_cancelled")
    script.emit(SessionFailed(StreamsError("a frame was lost")))
    expect(page.locator(".turn.answer figure")).to_be_visible()
    expect(page.get_by_role("alert")).to_be_visible()
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_what_is_behind_it(full, scheme):
    full.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    for dialog in (None, "Settings", "Keys"):
        if dialog:
            full.get_by_role("button", name=dialog, exact=True).click()
        found = full.evaluate(CONTRASTS)
        assert len(found) > 10
        weak = [each for each in found if each["ratio"] < (3 if each["large"] else 4.5)]
        assert weak == []
        full.keyboard.press("Escape")


def test_everything_has_a_name_and_a_place(full):
    client = full.context.new_cdp_session(full)
    nodes = client.send("Accessibility.getFullAXTree")["nodes"]
    named = {"button", "textbox", "checkbox", "combobox", "slider", "link", "meter", "region"}
    found = [
        (node["role"]["value"], node.get("name", {}).get("value", ""))
        for node in nodes
        if not node["ignored"]
    ]
    roles = [role for role, _ in found]
    assert [each for each in found if each[0] in named and not each[1].strip()] == []
    assert {"banner", "main", "heading"} <= set(roles)
    assert roles.count("main") == 1
    regions = {name for role, name in found if role == "region"}
    assert {"What I see and hear", "Conversation", "Memory"} <= regions
    levels = full.locator("h1, main h2").evaluate_all("(all) => all.map((each) => each.tagName)")
    assert levels == ["H1", "H2", "H2", "H2"]
    assert full.locator("html").get_attribute("lang") == "en"


def test_what_happens_is_told_to_screen_readers(full):
    assert full.locator("#status").get_attribute("role") == "status"
    announcer = full.locator("#announcer")
    expect(announcer).to_have_attribute("aria-live", "polite")
    expect(announcer).to_have_text("Answer: Yes, a cup of espresso.")
    expect(full.get_by_role("alert")).to_have_text("a frame was lost")


def focused(page):
    """What has the focus: its name, and whether that can be seen."""
    return page.evaluate(
        """() => {
          const at = document.activeElement;
          const shown = [at, at.parentElement].map((each) => getComputedStyle(each));
          const ring = shown.some(
            (style) => parseFloat(style.outlineWidth) >= 2 && style.outlineStyle !== "none");
          const name = at.id || at.getAttribute("aria-label") || at.textContent.trim();
          return at === document.body ? null : { name, ring };
        }"""
    )


def test_the_tab_key_goes_through_all_of_it_and_out_again(full):
    full.locator("#start").focus()
    full.keyboard.press("Shift+Tab")
    stops = []
    while (stop := focused(full)) is not None and stop not in stops:
        stops.append(stop)
        full.keyboard.press("Tab")
    assert stop is None, "the focus goes round without ever leaving"
    names = [stop["name"] for stop in stops]
    wanted = [
        "start",
        "open-settings",
        "open-keys",
        "microphone",
        "camera",
        "film",
        "film-sound",
        "words",
        "send",
    ]
    assert [name for name in names if name in wanted] == wanted
    assert any("espresso coffee" in name for name in names)
    assert [stop["name"] for stop in stops if not stop["ring"]] == []


def test_a_conversation_by_keyboard_alone(script, served, visit):
    page = visit(served(script.server)).page
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("body")).to_have_attribute("data-status", "listening")
    page.keyboard.press("m")
    expect(page.locator("body")).to_have_attribute("data-status", "ready")
    page.keyboard.press("c")
    script.asked("append_frame", at_least=1)
    script.emit(FrameSeen(COFFEE.start_us, COFFEE.text), FrameSeen(9 * US_PER_S, "cat"))
    expect(page.locator("#timeline li.seen")).to_have_count(2)

    page.keyboard.press("/")
    page.keyboard.type("What was there to drink? m c i")
    page.keyboard.press("Enter")
    script.asked("respond", at_least=1)
    script.answer("A cup of espresso.", seconds=3, recalled=(COFFEE,))
    page.locator("#words").blur()
    page.keyboard.press("i")
    assert script.asked("cancel", at_least=1) == [("resp_1",)]
    script.answered("A cup", "cancelled", "client_cancelled")
    expect(page.locator(".turn.answer .unheard")).to_have_text("of espresso.")

    page.keyboard.press("t")
    coffee = page.locator("#timeline li.lit").get_by_role("button")
    expect(coffee).to_be_focused()
    page.keyboard.press("End")
    expect(page.locator("#timeline .moments li").last.get_by_role("button")).to_be_focused()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator("#timeline .moments li").last.get_by_role("button")).to_be_focused()


def test_push_to_talk_by_keyboard(page, script):
    page.get_by_role("button", name="Settings").click()
    page.get_by_label("My turn ends").select_option("push")
    page.keyboard.press("Escape")
    expect(page.locator("body")).to_have_attribute("data-status", "waiting")
    (options,) = script.asked("update", at_least=2)[-1]
    assert options.turn_detection is None
    page.locator("body").evaluate("(body) => body.ownerDocument.activeElement.blur()")
    page.keyboard.down("Space")
    expect(page.locator("body")).to_have_attribute("data-status", "hearing")
    script.asked("clear_audio", at_least=1)
    page.keyboard.up("Space")
    script.asked("commit_audio", at_least=1)
    script.asked("respond", at_least=1)


def test_a_phone_is_wide_enough(full):
    full.set_viewport_size({"width": 360, "height": 740})
    widths = full.evaluate("() => [document.documentElement.scrollWidth, innerWidth]")
    assert widths[0] <= widths[1]
    small = full.evaluate(
        """() => [...document.querySelectorAll("button, input, select, label.button")]
          .filter((each) => each.checkVisibility() && !each.closest(".unseen, .moments"))
          .map((each) => ({ name: each.id || each.textContent, ...each.getBoundingClientRect().toJSON() }))
          .filter(({ width, height, name }) => name !== "film" && (width < 24 || height < 24))
          .map(({ name }) => name)"""
    )
    assert small == ["film-sound"], "its label is as large as its line"

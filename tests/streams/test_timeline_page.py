import base64
import hashlib
import re
from html import escape
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.block import BlockInfo
from streams.memories.passage import Passage, passages, printable
from streams.timeline_page import GAP_US, PICTURES, TimelinePage
from streams.timeline_template import SCRIPT
from streams.types import US_PER_S as S
from streams.types import BlockKind

FRAME, HEARD, REPLY = BlockKind.FRAME, BlockKind.UTTERANCE, BlockKind.REPLY
HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(1)>\" onclick='x' </p> &lt; \x1b[2J\x00 \u202egnp.exe"
)
VOID = {"meta", "img", "input", "br", "line", "rect"}


class Outline(HTMLParser):
    """Elements with their attributes, and the text of the passages; fails on tags that do not match."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.elements, self.texts, self._open, self._text = [], [], [], None
        self.feed(page)
        self.close()
        assert not self._open

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)
        if dict(attrs).get("class") == "text":
            self._text = ""

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self._open.pop() == tag
        if tag == "p" and self._text is not None:
            self.texts.append(self._text)
            self._text = None

    def handle_data(self, data):
        if self._text is not None:
            self._text += data

    def all(self, tag, **wanted):
        return [
            attrs
            for name, attrs in self.elements
            if name == tag and all(attrs.get(key.strip("_")) == value for key, value in wanted.items())
        ]


def info(block_id, kind, start_s, end_s, text):
    return BlockInfo(block_id, kind, round(start_s * S), round(end_s * S), text, 3)


def rendered(found, picture=lambda block_id: None, **more):
    return "".join(
        TimelinePage(more.pop("title", "default/kitchen"), more.pop("facts", ()), found, **more).render(
            picture
        )
    )


SCENE = [
    info(1, FRAME, 0, 0, "a cat"),
    info(2, HEARD, 1, 2, "What is it?"),
    info(3, FRAME, 5, 5, "a cat"),
    info(4, REPLY, 2.5, 4, "A cat."),
    info(5, FRAME, 12, 12, "a dog"),
    info(6, FRAME, 13, 13, "a cat"),
]


class TestPassages:
    def test_neighbours_that_say_the_same_are_one_passage_with_a_span(self):
        assert passages(SCENE) == [
            Passage(FRAME, 0, 5 * S, "a cat", (1, 3)),
            Passage(HEARD, S, 2 * S, "What is it?", (2,)),
            Passage(REPLY, 2_500_000, 4 * S, "A cat.", (4,)),
            Passage(FRAME, 12 * S, 12 * S, "a dog", (5,)),
            Passage(FRAME, 13 * S, 13 * S, "a cat", (6,)),
        ]

    def test_what_is_far_apart_is_not_said_to_have_lasted(self):
        found = passages([info(1, FRAME, 0, 0, "a cat"), info(2, FRAME, 3_600, 3_600, "a cat")])
        assert [passage.block_ids for passage in found] == [(1,), (2,)]

    def test_the_same_said_by_somebody_else_is_another_passage(self):
        found = passages(
            [info(1, HEARD, 0, 1, "Yes."), info(2, REPLY, 1, 2, "Yes."), info(3, HEARD, 3, 4, "Yes.")]
        )
        assert [passage.kind for passage in found] == [HEARD, REPLY, HEARD]

    @given(
        st.lists(
            st.tuples(
                st.sampled_from([FRAME, HEARD, REPLY]),
                st.integers(0, 90),
                st.integers(0, 20),
                st.sampled_from("ab"),
            )
        )
    )
    def test_every_block_is_in_one_passage_within_its_span(self, given_blocks):
        infos = {
            block_id: info(block_id, kind, start, start + lasts, text)
            for block_id, (kind, start, lasts, text) in enumerate(given_blocks, 1)
        }
        found = passages(infos.values())
        assert sorted(block_id for passage in found for block_id in passage.block_ids) == list(infos)
        assert found == sorted(found, key=lambda passage: passage.start_us)
        for passage in found:
            for block_id in passage.block_ids:
                block = infos[block_id]
                assert (block.kind, block.text) == (passage.kind, passage.text)
                assert passage.start_us <= block.start_us <= block.end_us <= passage.end_us

    def test_a_span_within_a_second_is_one_time(self):
        assert Passage(FRAME, 61 * S, 61 * S + 5, "x", (1,)).span == "01:01"
        assert Passage(FRAME, 0, 3_600 * S, "x", (1,)).span == "00:00 – 1:00:00"


@given(st.text())
def test_printable_text_has_nothing_that_a_terminal_obeys(text):
    shown = printable(text)
    assert not re.search("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", shown)
    shown.encode("utf-8")


def test_printable_leaves_what_people_write():
    text = "Grüße, 你好, नमस्ते, 👩‍🚀 & <b>"
    assert printable(f" {text}\n ") == text


class TestPage:
    def test_it_shows_every_passage_in_place(self):
        page = Outline(rendered(passages(SCENE)))
        assert page.texts == ["a cat", "What is it?", "A cat.", "a dog", "a cat"]
        moments = [attrs for attrs in page.all("li") if "data-kind" in attrs]
        assert [each["data-kind"] for each in moments] == ["frame", "utterance", "reply", "frame", "frame"]
        assert [each["datetime"] for each in page.all("time")][:3] == ["PT0S", "PT5S", "PT1S"]

    def test_nothing_is_loaded_and_no_script_but_its_own_runs(self):
        html = rendered(passages(SCENE), lambda block_id: b"\xff\xd8jpeg")
        page = Outline(html)
        links = [attrs[name] for _, attrs in page.elements for name in ("src", "href") if name in attrs]
        assert links
        assert all(link.startswith(("#", "data:image/jpeg;base64,")) for link in links)
        assert not page.all("link")
        assert len(page.all("script")) == 1
        assert "http" not in html.replace("http-equiv", "")
        (policy,) = [each["content"] for each in page.all("meta", http_equiv=None) if "http-equiv" in each]
        assert policy.startswith("default-src 'none'; img-src data:;")
        assert "unsafe" not in policy

    def test_the_policy_names_the_style_and_the_script_that_are_there(self):
        html = rendered(passages(SCENE))
        for tag in ("style", "script"):
            text = re.search(f"<{tag}>(.*?)</{tag}>", html, re.DOTALL)[1]
            digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
            assert f"{tag}-src 'sha256-{digest}'" in html

    @pytest.mark.parametrize("where", ["text", "title", "facts", "instructions", "notices"])
    def test_hostile_words_are_only_words(self, where):
        def page(words):
            said = words if where == "text" else "hello"
            more = {"facts": [(words, words)], "notices": [words], "text": None}.get(where, words)
            found = passages([info(1, HEARD, 0, 1, said)])
            return rendered(found, **({} if where == "text" else {where: more}))

        html = page(HOSTILE)
        assert Outline(html).elements == Outline(page("tame")).elements
        assert escape(printable(HOSTILE)) in html
        assert not set("\x00\x1b\u202e") & set(html)

    @given(st.text(), st.integers(-(2**63), 2**63 - 1), st.integers(0, 2**63))
    def test_whatever_a_block_says_and_whenever_the_page_is_whole(self, text, start_us, lasts_us):
        found = passages(
            [BlockInfo(1, FRAME, 0, 0, "a", 1), BlockInfo(2, HEARD, start_us, start_us + lasts_us, text, 1)]
        )
        html = rendered(found)
        assert sorted(Outline(html).texts) == sorted(["a", printable(text)])
        html.encode("utf-8")

    def test_pictures_stand_at_their_passage_and_are_few(self):
        infos = [info(block_id, FRAME, block_id, block_id, "a cat") for block_id in range(1, 101)]
        asked = []

        def picture(block_id):
            asked.append(block_id)
            return b"\xff\xd8%d" % block_id

        page = Outline(rendered(passages(infos), picture))
        assert len(asked) == PICTURES
        assert asked == sorted(set(asked))
        images = page.all("img")
        assert [base64.b64decode(each["src"].partition(",")[2]) for each in images] == [
            b"\xff\xd8%d" % i for i in asked
        ]
        assert images[0]["alt"] == f"Picture 1 of {PICTURES}, 00:01 – 01:40"

    def test_a_passage_without_a_picture_has_no_empty_frame(self):
        page = Outline(rendered(passages(SCENE)))
        assert not page.all("img")
        assert not page.all("div", class_="pictures")

    def test_a_stretch_with_nothing_is_told(self):
        near = [info(1, FRAME, 0, 0, "a cat"), info(2, FRAME, 59, 59, "a dog")]
        assert "Nothing for" not in rendered(passages(near))
        far = [info(1, FRAME, 0, 0, "a cat"), info(2, FRAME, GAP_US // S + 3, 99, "a dog")]
        assert "Nothing for 01:03" in rendered(passages(far))

    def test_hours_are_cut_into_chapters_that_can_be_jumped_to(self):
        infos = [
            info(block_id, FRAME, 60 * block_id, 60 * block_id, f"thing {block_id}")
            for block_id in range(1, 300)
        ]
        page = Outline(rendered(passages(infos)))
        chapters = page.all("section", class_="chapter")
        assert 4 < len(chapters) <= 18
        headings = {each["id"] for each in page.all("h2")}
        assert {each["aria-labelledby"] for each in chapters} == headings
        links = {each["href"] for each in page.all("a")}
        assert {f"#{each['id']}" for each in chapters} <= links
        assert len(page.texts) == 299

    def test_everything_that_is_linked_is_there(self):
        page = Outline(rendered(passages(SCENE)))
        ids = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
        assert len(ids) == len(set(ids))
        assert {each["href"].removeprefix("#") for each in page.all("a")} <= set(ids)

    def test_facts_and_notices_and_instructions_are_told(self):
        html = rendered(
            passages(SCENE), facts=[("Damaged", "3")], notices=["Not all."], instructions="Watch."
        )
        assert "<dt>Damaged</dt><dd>3</dd>" in html
        assert '<p class="notice">Not all.</p>' in html
        assert "Watch." in html

    def test_without_a_script_nothing_is_hidden_but_the_search(self):
        hidden = [
            attrs.get("id") for _, attrs in Outline(rendered(passages(SCENE))).elements if "hidden" in attrs
        ]
        assert hidden == ["find", "nothing"]
        assert 'getElementById("find").hidden = false' in SCRIPT

    def test_controls_have_names_and_the_overview_is_no_stop(self):
        page = Outline(rendered(passages(SCENE)))
        assert page.all("label", for_="words")
        assert page.all("html", lang="en")
        drawn = [attrs for attrs in page.all("a") if attrs.get("tabindex") == "-1"]
        assert len(drawn) == len(page.all("rect")) == 5

    def test_an_empty_session_says_so(self):
        page = rendered([])
        assert "There is nothing to show." in page
        assert Outline(page).all("main")

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.block import BlockInfo
from memory.recall.span import EVERYWHERE, Where, parse_where
from streams.types import US_PER_S, BlockKind

NOW_S = 2 * 3600
FRAME, UTTERANCE, REPLY = BlockKind.FRAME, BlockKind.UTTERANCE, BlockKind.REPLY


def seconds(where):
    return tuple(None if us is None else round(us / US_PER_S) for us in (where.start_us, where.end_us))


def ask(question, now_s=NOW_S):
    return parse_where(question, now_s * US_PER_S)


MINUTES = 60


@pytest.mark.parametrize(
    ("question", "start_ago", "end_ago"),
    [
        ("What did you see in the last ten minutes?", 10 * MINUTES, None),
        ("what happened within the past 10 minutes", 10 * MINUTES, None),
        ("Who came by in the past hour?", 60 * MINUTES, None),
        ("Was there a dog during the last half hour?", 30 * MINUTES, None),
        ("Was there a dog in the last half an hour?", 30 * MINUTES, None),
        ("What was on over the last hour and a half?", 90 * MINUTES, None),
        ("What was on over the past one and a half hours?", 90 * MINUTES, None),
        ("Summarise the last twenty-five minutes.", 25 * MINUTES, None),
        ("Summarize the last hour, please", 60 * MINUTES, None),
        ("Tell me about the last forty five seconds", 45, None),
        ("And in the last 1.5 hours?", 90 * MINUTES, None),
        ("In the last minute, what did you see?", 60, None),
        ("Okay, so what did I say in the last five minutes of our conversation?", 5 * MINUTES, None),
        ("Which animals were there in the last quarter of an hour?", 15 * MINUTES, None),
        ("What did you see less than five minutes ago?", 5 * MINUTES, None),
        ("What have I said since twenty minutes ago?", 20 * MINUTES, None),
        ("Was it no more than 3 minutes ago?", 3 * MINUTES, None),
        ("What did you see more than an hour ago?", None, 60 * MINUTES),
        ("What was there five minutes ago?", 6 * MINUTES + 40, 3 * MINUTES + 20),
        ("Five minutes ago, what was there?", 6 * MINUTES + 40, 3 * MINUTES + 20),
        ("ten minutes ago what did you see", 13 * MINUTES + 20, 6 * MINUTES + 40),
        ("What did you see about half an hour ago?", 40 * MINUTES, 20 * MINUTES),
        ("What was that an hour and a half ago?", 120 * MINUTES, 60 * MINUTES),
        ("Do you remember what I told you a minute ago?", 105, 15),
        ("What was that ten seconds ago?", 55, 0),
    ],
)
def test_lengths_of_time_before_now(question, start_ago, end_ago):
    expected = tuple(None if ago is None else NOW_S - ago for ago in (start_ago, end_ago))
    assert seconds(ask(question)) == expected


@pytest.mark.parametrize(
    ("question", "start", "end"),
    [
        ("What happened since 12:30?", 750, None),
        ("What have you seen after 1:10:00?", 4200, None),
        ("What did you see from 12:30 on?", 750, None),
        ("What did you see before 12:30?", None, 750),
        ("What did you see up to 12:30?", None, 750),
        ("What did you see between 1:10:00 and 1:20:00?", 4200, 4801),
        ("What did I say from 10:00 until 12:00?", 600, 721),
        ("What did you see after 10:00 but before 12:00?", 600, 720),
        ("What was there at 02:15?", 120, 150),
        ("As of 02:15, what was there?", 120, 150),
        ("At 1:02:15, what did I say?", 3720, 3750),
        ("What did you see around 02:15?", 75, 195),
        ("What did you see at about 02:15?", 75, 195),
        ("Who was in the room at 00:05", 0, 20),
        ("At 02:15 what did I say about the meeting?", 120, 150),
        ("What did you see in the first ten minutes?", None, 600),
    ],
)
def test_times_of_the_session(question, start, end):
    assert seconds(ask(question)) == (start, end)


@pytest.mark.parametrize(
    "question",
    [
        "",
        "What time is it?",
        "When does the last train leave?",
        "I said hello, who are you?",
        "When was the last time you saw a cat?",
        "What was the last thing I said to be careful with?",
        "What happened in the past?",
        "Why did he leave at the last minute?",
        "Who scored in the last minute of the match?",
        "What is a last-minute offer, the last minute's price?",
        "What are the last ten minutes of a film called?",
        "I came five minutes ago, what is this?",
        "My sister left an hour ago. What is the weather like?",
        "Wait a second. Who was that a second ago?",
        "What was there thirty years ago?",
        "What was there a few minutes ago?",
        "Remind me in ten minutes.",
        "How long is half an hour in seconds?",
        "Is the shop open between 9:00 and 17:00?",
        "What should I do after 12:30?",
        "Where did they tell us to be at 10:30?",
        "When was the train at 10:30 leaving?",
        "Was the meeting at 10:30 moved?",
        "What was there at 10:30 am?",
        "What was there at 10:30 o'clock?",
        "What was there at 99:99?",
        "What was there at 75:10?",
        "What was there at 5?",
        "What was there between 20:00 and 10:00?",
        "Was it ten minutes ago or an hour ago?",
        "Which one came first, the cat or the dog?",
        "What's the score, 12:30?",
        "What does a second mean?",
    ],
)
def test_what_says_nothing_of_when(question):
    assert seconds(ask(question)) == (None, None)


@pytest.mark.parametrize(
    ("question", "order"),
    [
        ("What did you see first?", "first"),
        ("What did I say first?", "first"),
        ("What did Anna say first?", None),
        ("What was the first thing you heard?", None),
        ("What came right after the cat?", "around"),
    ],
)
def test_order_is_of_what_was_seen_or_surely_said(question, order):
    assert ask(question).order == order
    assert not Where(order="first").restricts


@pytest.mark.parametrize(
    "question", ["What was there at 12:30?", "What happened since 12:30?", "What was there two hours ago?"]
)
def test_a_time_outside_the_session_restricts_nothing(question):
    assert ask(question, now_s=100) == EVERYWHERE


def test_more_than_the_whole_session_restricts_nothing():
    assert not ask("What happened in the last ten minutes?", now_s=599).restricts
    assert ask("What happened in the last ten minutes?", now_s=601).restricts


@pytest.mark.parametrize(
    ("question", "kinds"),
    [
        ("What did I say about the key?", {UTTERANCE}),
        ("When did I tell you about Anna?", {UTTERANCE}),
        ("Where did I just say I was going?", {UTTERANCE}),
        ("Do you remember what I told you?", {UTTERANCE}),
        ("What have I said so far?", {UTTERANCE}),
        ("What else did I mention?", {UTTERANCE}),
        ("What was I talking about?", {UTTERANCE}),
        ("What did I ask you first?", {UTTERANCE}),
        ("What did you say about the weather?", {REPLY}),
        ("What did you answer?", {REPLY}),
        ("What did you tell me to do?", {REPLY}),
        ("Repeat what you said.", {REPLY}),
        ("Which film did you recommend?", {REPLY}),
        ("What was your answer?", {REPLY}),
        ("What did I say and what did you answer?", {UTTERANCE, REPLY}),
        ("Did you see a cat?", {FRAME}),
        ("What did you see?", {FRAME}),
        ("Have you ever seen a dog?", {FRAME}),
        ("What was on camera?", {FRAME}),
        ("What has the camera seen?", {FRAME}),
        ("What did you see and what did I say?", {FRAME, UTTERANCE}),
        ("What did you tell me you saw on camera?", {FRAME, REPLY}),
    ],
)
def test_kinds(question, kinds):
    assert ask(question).kinds == kinds


@pytest.mark.parametrize(
    "question",
    [
        "Did you see what Anna said?",
        "Did you see the man I told you about?",
        "Did you see why he left?",
        "What did you see and hear?",
        "Do you see what I mean?",
        "I said hello, who are you?",
        "What does the label say?",
        "What did Anna say?",
        "What time is it?",
        "Where is my cat?",
        "Did I leave the oven on?",
        "I saw a film. What do you think?",
        "Which camera is best?",
        "Say it again.",
    ],
)
def test_what_says_nothing_of_kinds(question):
    assert ask(question).kinds is None


def test_time_and_kind_together():
    where = ask("What did I say about the key in the last ten minutes?")
    assert where == Where((NOW_S - 600) * US_PER_S, None, frozenset([UTTERANCE]))


def test_admits_what_overlaps_the_time_and_is_of_the_kind():
    def info(start, end, kind=FRAME):
        return BlockInfo(1, kind, start, end, "a cat", 5)

    where = Where(10, 20, frozenset([FRAME]))
    assert [where.admits(info(*span)) for span in ((0, 9), (0, 10), (12, 14), (20, 30), (21, 30))] == [
        False, True, True, True, False,
    ]  # fmt: skip
    assert not where.admits(info(12, 14, UTTERANCE))
    assert EVERYWHERE.admits(info(0, 9))


WORDS = """
what did you see i say in the last past first ten twenty - half an a hour minutes ago , ? since between and
12:30 1:10:00 at around before more than of quarter 3 1.5 it's session 99:99
"""


@given(words=st.lists(st.sampled_from(WORDS.split()), max_size=14), now_us=st.integers(0, 10**10))
def test_any_words_make_a_span_that_holds_together(words, now_us):
    where = parse_where(" ".join(words), now_us)
    assert where.start_us is None or 0 <= where.start_us <= now_us
    if where.start_us is not None and where.end_us is not None:
        assert where.start_us <= where.end_us


@given(st.text(max_size=200))
def test_any_text_is_taken(text):
    parse_where(text, 10**9)

"""When a session speaks unasked: single rules, and all of them over any order of events."""

from collections import Counter

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from streams.conversation import ResponseOptions, ServerVad, SessionOptions
from streams.errors import InvalidRequestError
from streams.events import ResponseCreated
from streams.initiative import MAX_REQUESTS, Initiative
from streams.outcome import Recognise, Respond
from streams.session import Session
from streams.standing_request import NARRATION, StandingRequest, read_request
from streams.types import Transcript, Word
from streams.unasked import StandingRequestsChanged, Unasked, UnaskedSuppressed

S = 1_000_000
GAP, STALE = 2 * S, 8 * S
WORDS = Transcript((Word("Hello.", 0, 500_000),))


def request(request_id="dog", *, kind="alert", repeats=False, text="Tell me when you see a dog."):
    return StandingRequest(request_id, kind, text, repeats, 0)


def initiative(*requests, mode="alerts"):
    rules = Initiative(gap_us=GAP, stale_us=STALE)
    rules.mode_changed(mode, "narration", 0)
    for each in requests:
        rules.added(each)
    return rules


def said(rules, now_us, anything=True):
    """What is said now, to its end."""
    unasked, _ = rules.next(now_us, None, 0)
    return unasked and (unasked.request_id, rules.said(anything, now_us))


def test_what_a_frame_meets_is_said_at_once_and_a_request_for_once_ends():
    rules = initiative(request())
    assert rules.next(0, None, 0) == (None, [])
    assert rules.met("dog", 5 * S, "a dog") == []
    assert rules.next(5 * S, None, 0) == (Unasked("dog", "alert", 5 * S), [])
    assert rules.said(True, 6 * S) == [StandingRequestsChanged((), "met", "dog")]
    assert rules.requests == ()


def test_a_request_that_stands_is_told_again_once_it_was_not_met():
    rules = initiative(request(repeats=True))
    rules.met("dog", 1 * S, "a dog")
    assert said(rules, 1 * S) == ("dog", [])
    assert rules.met("dog", 5 * S, "a dog") == [UnaskedSuppressed("dog", "told", 5 * S)]
    assert rules.met("dog", 6 * S, "a beagle") == [UnaskedSuppressed("dog", "told", 6 * S)]
    assert rules.silent(7 * S) == []
    rules.met("dog", 8 * S, "a dog")
    assert said(rules, 8 * S) == ("dog", [])


def test_a_narration_tells_whatever_shows_something_else():
    rules = initiative(mode="narration")
    (narration,) = rules.requests
    assert (narration.id, narration.text, narration.by_mode) == ("narration", NARRATION, True)
    rules.met("narration", 1 * S, "a cat")
    assert said(rules, 1 * S) == ("narration", [])
    assert rules.met("narration", 4 * S, "a cat") == [UnaskedSuppressed("narration", "told", 4 * S)]
    assert rules.met("narration", 5 * S, "a dog") == []
    assert said(rules, 5 * S) == ("narration", [])


@pytest.mark.parametrize("why", ["voice", "turn", "response", "away"])
def test_what_cannot_be_said_waits_and_is_dropped_when_it_is_stale(why):
    rules = initiative(request())
    rules.met("dog", 1 * S, "a dog")
    assert rules.next(2 * S, why, 0) == (None, [])
    assert rules.wakes_us(0) == 1 * S + STALE + 1
    unasked, _ = rules.next(5 * S, None, 0)
    assert unasked.at_us == 1 * S
    rules = initiative(request())
    rules.met("dog", 1 * S, "a dog")
    rules.next(2 * S, why, 0)
    assert rules.next(10 * S, None, 0) == (None, [UnaskedSuppressed("dog", why, 1 * S)])
    assert rules.wakes_us(0) is None
    assert rules.requests == (request(),), "it stands on, since nobody was told"


def test_what_comes_late_is_not_said():
    rules = initiative(request())
    rules.met("dog", 1 * S, "a dog")
    assert rules.next(20 * S, None, 0) == (None, [UnaskedSuppressed("dog", "late", 1 * S)])


def test_what_was_narrated_has_passed_when_a_frame_meets_nothing_and_an_alert_has_not():
    rules = initiative(request(), mode="narration")
    rules.met("narration", 1 * S, "a cat")
    rules.met("dog", 1 * S, "a dog")
    rules.next(1 * S, "voice", 0)
    assert rules.silent(2 * S) == [UnaskedSuppressed("narration", "passed", 1 * S)]
    assert said(rules, 3 * S)[0] == "dog"


def test_a_gap_lies_between_two_and_the_sound_of_a_reply_is_heard_out():
    rules = initiative(request("a", repeats=True), request("b", repeats=True))
    rules.met("a", 1 * S, "a")
    rules.met("b", 1 * S, "b")
    assert rules.next(1 * S, None, 1 * S + 1) == (None, [])
    assert rules.wakes_us(1 * S + 1) == 1 * S + 1
    assert said(rules, 2 * S)[0] == "a"
    assert rules.next(3 * S, None, 0) == (None, [])
    assert rules.wakes_us(0) == 4 * S
    assert said(rules, 4 * S)[0] == "b"


def test_a_reply_of_which_nothing_was_heard_is_as_if_it_had_not_been():
    rules = initiative(request())
    rules.met("dog", 1 * S, "a dog")
    assert said(rules, 1 * S, anything=False) == ("dog", [])
    rules.met("dog", 4 * S, "a dog")
    assert said(rules, 4 * S) == ("dog", [StandingRequestsChanged((), "met", "dog")])


def begun(rules, now_us):
    """What is begun to be said now."""
    unasked, _ = rules.next(now_us, None, 0)
    return unasked


def test_what_was_begun_and_not_heard_is_said_when_there_is_room_though_no_frame_meets_it_again():
    rules = initiative(request(), request("cat"))
    rules.met("dog", 1 * S, "a dog")
    assert begun(rules, 1 * S).request_id == "dog"
    rules.met("dog", 2 * S, "a dog")
    rules.met("cat", 2 * S, "a cat")
    assert rules.said(False, 2 * S) == []
    assert rules.next(2 * S, "voice", 0) == (None, [])
    assert rules.wakes_us(0) == 1 * S + STALE + 1
    assert begun(rules, 5 * S) == Unasked("dog", "alert", 1 * S)
    assert rules.said(True, 5 * S) == [StandingRequestsChanged((request("cat"),), "met", "dog")]
    assert begun(rules, 7 * S).request_id == "cat"


def test_what_was_begun_and_not_heard_is_told_to_be_dropped_once_it_is_stale():
    rules = initiative(request())
    rules.met("dog", 1 * S, "a dog")
    begun(rules, 1 * S)
    rules.said(False, 2 * S)
    assert rules.next(3 * S, "voice", 0) == (None, [])
    assert rules.next(10 * S, "voice", 0) == (None, [UnaskedSuppressed("dog", "voice", 1 * S)])
    assert rules.requests == (request(),)
    rules.met("dog", 11 * S, "a dog")
    begun(rules, 11 * S)
    rules.said(False, 20 * S)  # it took too long
    assert rules.next(20 * S, None, 0) == (None, [UnaskedSuppressed("dog", "late", 11 * S)])


def test_what_was_begun_and_not_heard_is_not_said_where_nobody_wants_it_any_more():
    rules = initiative(request())
    rules.met("dog", 1 * S, "a dog")
    begun(rules, 1 * S)
    rules.mode_changed("off", "", 1 * S)
    assert rules.said(False, 2 * S) == [UnaskedSuppressed("dog", "off", 1 * S)]
    rules.mode_changed("alerts", "", 2 * S)
    rules.met("dog", 3 * S, "a dog")
    begun(rules, 4 * S)
    rules.ended("dog", "cancelled")
    rules.added(request(text="Tell me when the dog is gone."))
    assert rules.said(False, 5 * S) == []
    assert begun(rules, 9 * S) is None


def test_a_narration_that_was_not_heard_is_dropped_when_it_has_passed_and_gives_way_to_a_newer_one():
    rules = initiative(mode="narration")
    rules.met("narration", 1 * S, "a cat")
    begun(rules, 1 * S)
    rules.silent(2 * S)
    assert rules.said(False, 2 * S) == [UnaskedSuppressed("narration", "passed", 1 * S)]
    rules.met("narration", 5 * S, "a cat")
    begun(rules, 5 * S)
    rules.met("narration", 6 * S, "a dog")
    assert rules.said(False, 6 * S) == []
    assert begun(rules, 8 * S).at_us == 6 * S


def test_who_asks_again_by_the_same_name_while_the_first_is_told_has_another_request():
    rules = initiative(request())
    rules.met("dog", 1 * S, "a dog")
    begun(rules, 1 * S)
    rules.ended("dog", "cancelled")
    rules.added(request())
    assert rules.said(True, 2 * S) == []
    assert rules.requests == (request(),)


def test_while_something_is_said_more_may_fall_due_and_the_same_does_not():
    rules = initiative(request("a", repeats=True), request("b"))
    rules.met("a", 1 * S, "a")
    assert rules.next(1 * S, None, 0)[0].request_id == "a"
    assert rules.met("a", 2 * S, "a") == [UnaskedSuppressed("a", "told", 2 * S)]
    assert rules.met("b", 2 * S, "b") == []
    assert rules.next(2 * S, None, 0) == (None, [])
    rules.said(True, 3 * S)
    assert said(rules, 5 * S)[0] == "b"


def test_a_request_that_is_cancelled_is_told_no_more_even_while_it_is_being():
    rules = initiative(request(), request("cat"))
    rules.met("dog", 1 * S, "a dog")
    rules.met("cat", 1 * S, "a cat")
    rules.next(1 * S, None, 0)
    assert rules.ended("dog", "cancelled") == [StandingRequestsChanged((request("cat"),), "cancelled", "dog")]
    assert rules.said(True, 2 * S) == []
    rules.ended("cat", "cancelled")
    assert rules.next(5 * S, None, 0) == (None, [])


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (lambda rules: rules.added(request()), "standing_request_exists"),
        (lambda rules: rules.added(request("cat", text="Tell" * 126)), "standing_request_too_long"),
        (lambda rules: rules.ended("cat", "cancelled"), "standing_request_not_found"),
        (
            lambda rules: [rules.added(request(str(n))) for n in range(MAX_REQUESTS)],
            "too_many_standing_requests",
        ),
        (lambda rules: (rules.mode_changed("off", "", 0), rules.added(request("cat"))), "proactive_off"),
    ],
)
def test_what_cannot_stand_is_refused_by_name(wrong, code):
    with pytest.raises(InvalidRequestError) as raised:
        wrong(initiative(request()))
    assert raised.value.code == code


def test_modes():
    rules = initiative(request(), mode="narration")
    assert rules.mode_changed("narration", "other", 0) == []
    rules.met("dog", 1 * S, "a dog")
    dropped, ended = rules.mode_changed("off", "", 0)
    assert dropped == UnaskedSuppressed("dog", "off", 1 * S)
    assert (ended.change, ended.request_id) == ("mode", "narration")
    assert rules.requests == (request(),), "what somebody asked for rests"
    assert rules.next(1 * S, None, 0) == (None, [])
    assert rules.mode_changed("alerts", "", 0) == []


def test_a_request_is_told_again_once_a_frame_met_another():
    rules = initiative(request("a", repeats=True), request("b", repeats=True))
    rules.met("a", 1 * S, "a")
    assert said(rules, 1 * S) == ("a", [])
    assert rules.met("a", 2 * S, "a") == [UnaskedSuppressed("a", "told", 2 * S)]
    rules.met("b", 5 * S, "b")
    assert said(rules, 5 * S) == ("b", [])
    assert rules.met("a", 9 * S, "a") == []
    assert said(rules, 9 * S) == ("a", [])


def test_a_mode_brings_no_request_more_than_there_may_be():
    rules = initiative(*(request(str(number)) for number in range(MAX_REQUESTS)))
    with pytest.raises(InvalidRequestError) as raised:
        rules.mode_changed("narration", "narration", 0)
    assert (raised.value.code, raised.value.param) == ("too_many_standing_requests", "proactive")
    assert (rules.mode, len(rules.requests)) == ("alerts", MAX_REQUESTS)


def test_requests_that_speak_of_the_past_seek_it():
    rules = initiative(request(text="Tell me when the dog comes back."))
    rules.met("dog", 1 * S, "a dog")
    assert rules.next(1 * S, None, 0)[0].seeks == "Tell me when the dog comes back."


def test_a_request_is_read_back_as_it_was_kept_and_nothing_else_is():
    kept = request().to_json()
    assert read_request(kept) == request()
    for wrong in (None, 7, {}, {**kept, "kind": "other"}, {**kept, "more": 1}, {**kept, "text": None}):
        assert read_request(wrong) is None


class Talk(RuleBasedStateMachine):
    """A session and its initiative as a live one puts them together, in any order of what can happen."""

    def __init__(self):
        super().__init__()
        self.session = Session(SessionOptions(turn_detection=ServerVad()))
        self.rules = initiative(request("once"), request("again", repeats=True), mode="narration")
        self.now = 0
        self.unasked = {}
        self.unrecognised = []
        self.told = Counter()
        self.armed = {"once", "again"}
        self.last_end = None

    def follow(self, outcomes):
        for outcome in outcomes:
            if isinstance(outcome, Recognise):
                self.unrecognised.append(outcome.item_id)
            if isinstance(outcome, ResponseCreated) and outcome.unasked is not None:
                assert self.last_end is None or self.now >= self.last_end + GAP
                assert self.now - outcome.unasked.at_us <= STALE
                if outcome.unasked.kind == "alert":
                    assert outcome.unasked.request_id in self.armed
                    self.armed.discard(outcome.unasked.request_id)
        self.consider()

    def consider(self):
        held_by, quiet = self.session.held_back_by, self.session.utterance is None
        unasked, _ = self.rules.next(self.now, held_by, 0)
        if unasked is None:
            return
        assert quiet, "somebody is talked over"
        assert self.session.active_response is None, "an answer is talked over"
        assert not self.unrecognised, "a question goes first"
        outcomes = self.session.spoke_up(unasked)
        self.unasked[outcomes[0].response_id] = unasked
        assert any(isinstance(outcome, Respond) and outcome.unasked == unasked for outcome in outcomes)
        self.follow(outcomes)

    @rule(seconds=st.sampled_from([1, 3, 9]))
    def time_passes(self, seconds):
        self.now += seconds * S
        self.consider()

    @rule(request_id=st.sampled_from(["once", "again", "narration"]), shows=st.sampled_from(["x", "y"]))
    def a_frame_meets(self, request_id, shows):
        if request_id in {each.id for each in self.rules.requests}:
            self.armed |= {each.id for each in self.rules.requests if each.id != request_id}
            self.rules.met(request_id, self.now, shows)
            self.consider()

    @rule()
    def a_frame_meets_nothing(self):
        self.armed |= (
            {"again"} if "again" not in {each.request_id for each in self.unasked.values()} else set()
        )
        self.rules.silent(self.now)
        self.armed |= {each.id for each in self.rules.requests}
        self.consider()

    @precondition(lambda self: self.session.utterance is None)
    @rule()
    def voice_begins(self):
        self.follow(self.session.speech_started(self.now))

    @precondition(lambda self: self.session.undecided)
    @rule(interrupts=st.booleans())
    def voice_is_judged(self, interrupts):
        self.follow(self.session.interrupted() if interrupts else self.session.false_alarm("noise"))

    @precondition(lambda self: self.session.utterance is not None and not self.session.undecided)
    @rule()
    def voice_ends(self):
        self.follow(self.session.speech_stopped(self.now))

    @precondition(lambda self: self.unrecognised)
    @rule(words=st.sampled_from([WORDS, Transcript(()), None]))
    def words_are_known(self, words):
        item_id = self.unrecognised.pop(0)
        if words is None:
            self.follow(self.session.not_recognised(item_id))
        else:
            self.follow(self.session.recognised(item_id, words, 1))

    @precondition(lambda self: self.session.active_response is None)
    @rule()
    def the_client_asks(self):
        self.follow(self.session.response_requested(ResponseOptions()))

    @precondition(lambda self: self.session.active_response is not None)
    @rule(anything=st.booleans())
    def a_response_ends(self, anything):
        response_id = self.session.active_response
        unasked = self.unasked.get(response_id)
        assert self.session.speaks_unasked == (unasked is not None)
        outcomes = self.session.response_finished(response_id)
        if unasked is None:
            self.follow(outcomes)
            return
        self.follow(outcomes)
        del self.unasked[response_id]
        self.rules.said(anything, self.now)
        self.last_end = self.now
        if anything:
            self.told[unasked.request_id] += 1
        else:
            self.armed.add(unasked.request_id)
        self.consider()

    @invariant()
    def what_was_asked_for_once_is_told_once(self):
        assert self.told["once"] <= 1
        assert ("once" in {each.id for each in self.rules.requests}) == (self.told["once"] == 0)


TestTalk = Talk.TestCase
TestTalk.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)

from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from streams.conversation import (
    AudioContent,
    FunctionCall,
    FunctionOutput,
    ItemReference,
    Message,
    ResponseOptions,
    ServerVad,
    SessionOptions,
    TextContent,
)
from streams.errors import InvalidRequestError
from streams.events import (
    InputCleared,
    InputCommitted,
    ItemAdded,
    ItemDone,
    ItemTruncated,
    OutputHeld,
    OutputResumed,
    ResponseCreated,
    SpeechStarted,
    SpeechStopped,
    TranscriptCompleted,
)
from streams.outcome import HoldResponse, Recognise, ReleaseResponse, Respond, StopResponse
from streams.session import Session, new_id
from streams.types import Transcript, Word

WORDS = Transcript((Word("Hello.", 0, 500_000),))
NOTHING = Transcript(())
COMMIT = [InputCommitted, ItemAdded, ItemDone, Recognise]
ANSWER = [TranscriptCompleted, ResponseCreated, Respond]


def session(**turns):
    """A session whose server finds the turns; of push to talk with ``push_to_talk=True``."""
    push_to_talk = turns.pop("push_to_talk", False)
    return Session(SessionOptions(turn_detection=None if push_to_talk else ServerVad(**turns)))


def kinds(outcomes):
    return [type(outcome) for outcome in outcomes]


def item_of(outcomes):
    """The item that a commit made."""
    (command,) = [outcome for outcome in outcomes if isinstance(outcome, Recognise)]
    return command.item_id


def spoken(session, transcript=WORDS):
    """A whole utterance; its item and what its transcript led to."""
    session.speech_started(0)
    item_id = item_of(session.speech_stopped(1))
    return item_id, session.recognised(item_id, transcript, 1)


def message(text="Hello.", item_id="mine"):
    return Message(item_id, "user", (TextContent(text),))


def test_ids_are_named_and_never_the_same():
    ids = {new_id("item") for _ in range(1_000)}
    assert len(ids) == 1_000
    assert all(each.startswith("item_") for each in ids)


@pytest.mark.parametrize(
    ("turns", "transcript", "expected"),
    [
        ({}, WORDS, ([SpeechStarted], [SpeechStopped, *COMMIT], ANSWER)),
        ({}, NOTHING, ([SpeechStarted], [SpeechStopped, *COMMIT], [TranscriptCompleted])),
        (
            {"create_response": False},
            WORDS,
            ([SpeechStarted], [SpeechStopped, *COMMIT], [TranscriptCompleted]),
        ),
        ({"interrupt_response": False}, WORDS, ([SpeechStarted], [SpeechStopped, *COMMIT], ANSWER)),
    ],
    ids=["answered", "empty transcript", "create_response off", "interrupt_response off"],
)
def test_a_turn_that_the_server_finds(turns, transcript, expected):
    talk = session(**turns)
    started = talk.speech_started(100)
    assert talk.utterance == started[0].item_id
    stopped = talk.speech_stopped(900)
    assert talk.utterance is None
    item_id = item_of(stopped)
    recognised = talk.recognised(item_id, transcript, 800)
    assert (kinds(started), kinds(stopped), kinds(recognised)) == expected
    assert started == [SpeechStarted(item_id, 100)]
    assert stopped[0] == SpeechStopped(item_id, 900)
    assert stopped[1] == InputCommitted(item_id, None)
    assert stopped[2] == ItemAdded(Message(item_id, "user", (AudioContent(),)), None)
    assert recognised[0] == TranscriptCompleted(item_id, transcript, 800)
    assert (talk.active_response is not None) == (expected[2] == ANSWER)


def test_push_to_talk_says_nothing_of_voice_and_waits_to_be_asked():
    talk = session(push_to_talk=True)
    assert talk.speech_started(0) == []
    committed = talk.committed()
    assert kinds(committed) == COMMIT
    assert kinds(talk.recognised(item_of(committed), WORDS, 1)) == [TranscriptCompleted]
    created, respond = talk.response_requested(ResponseOptions())
    assert created.response_id == respond.response_id == talk.active_response
    assert created.by_client
    assert not spoken(session())[1][1].by_client


def test_speech_that_grew_too_long_in_push_to_talk_is_a_turn_all_the_same():
    talk = session(push_to_talk=True)
    talk.speech_started(0)
    assert kinds(talk.speech_stopped(5)) == [SpeechStopped, *COMMIT]


def test_voice_interrupts_a_response_and_is_answered_once_that_has_ended():
    talk = session()
    _, (_, created, _) = spoken(talk)
    response_id = created.response_id
    assert talk.speech_started(2) == [HoldResponse(response_id), OutputHeld(response_id)]
    assert talk.undecided
    interrupted = talk.interrupted()
    assert interrupted == [SpeechStarted(talk.utterance, 2), StopResponse(response_id, "turn_detected")]
    assert not talk.undecided
    talk.reply_started(True)
    item_id = item_of(talk.speech_stopped(3))
    talk.response_finished(response_id)
    assert kinds(talk.recognised(item_id, WORDS, 1)) == ANSWER


def test_voice_that_does_not_interrupt_never_was():
    talk = session()
    (created, _) = talk.response_requested(ResponseOptions())
    response_id = created.response_id
    hold = [HoldResponse(response_id), OutputHeld(response_id)]
    go_on = [ReleaseResponse(response_id), OutputResumed(response_id, "backchannel")]
    assert talk.speech_started(2) == hold
    assert talk.held() == [], "it is held already"
    assert talk.resumed("backchannel") == go_on
    assert talk.resumed("backchannel") == []
    assert talk.held() == hold
    assert talk.false_alarm("backchannel") == go_on
    assert talk.utterance is None
    assert talk.active_response == response_id
    with pytest.raises(InvalidRequestError):
        talk.committed()


def test_what_the_client_commits_or_clears_is_decided():
    talk = session()
    (created, _) = talk.response_requested(ResponseOptions())
    talk.speech_started(2)
    cleared = talk.cleared()
    assert kinds(cleared) == [ReleaseResponse, OutputResumed, InputCleared]
    talk.speech_started(3)
    assert kinds(talk.committed()) == [SpeechStarted, StopResponse, *COMMIT]
    assert talk.active_response == created.response_id


def test_undecided_voice_at_the_end_of_a_response_is_a_turn():
    talk = session()
    (created, _) = talk.response_requested(ResponseOptions())
    (beside, _) = talk.response_requested(ResponseOptions(in_conversation=False))
    talk.speech_started(2)
    item_id = talk.utterance
    assert talk.response_finished(beside.response_id) == []
    assert talk.undecided
    assert talk.response_finished(created.response_id) == [SpeechStarted(item_id, 2)]
    assert not talk.undecided


def test_voice_that_the_response_went_on_beside_is_decided_after_its_end():
    talk = session()
    (created, _) = talk.response_requested(ResponseOptions())
    talk.speech_started(2)
    talk.resumed("echo")
    assert talk.response_finished(created.response_id) == []
    assert talk.undecided
    assert talk.held() == [], "there is nothing to hold"
    assert talk.false_alarm("echo") == []
    assert talk.utterance is None


@pytest.mark.parametrize("turns", [{"interrupt_response": False}, {"push_to_talk": True}])
def test_voice_leaves_a_response_alone_where_the_options_say_so(turns):
    talk = session(**turns)
    talk.response_requested(ResponseOptions())
    assert not {StopResponse, HoldResponse} & set(kinds(talk.speech_started(2)))


def test_of_two_utterances_in_a_row_the_second_does_not_start_a_second_response():
    talk = session(interrupt_response=False)
    first, answered = spoken(talk)
    assert kinds(answered) == ANSWER
    second, unanswered = spoken(talk)
    assert kinds(unanswered) == [TranscriptCompleted]
    assert first != second


def test_two_utterances_before_the_first_is_recognised():
    talk = session()
    talk.speech_started(0)
    first = talk.speech_stopped(1)
    talk.speech_started(2)
    second = talk.speech_stopped(3)
    assert InputCommitted(item_of(second), item_of(first)) in second
    assert kinds(talk.recognised(item_of(first), WORDS, 1)) == ANSWER
    assert kinds(talk.recognised(item_of(second), WORDS, 1)) == [TranscriptCompleted]


@pytest.mark.parametrize("push_to_talk", [False, True])
def test_there_is_nothing_to_commit_before_speech_after_a_commit_and_after_a_clear(push_to_talk):
    talk = session(push_to_talk=push_to_talk)

    def refused():
        with pytest.raises(InvalidRequestError) as caught:
            talk.committed()
        return caught.value.code == "input_audio_buffer_commit_empty"

    assert refused()
    talk.speech_started(0)
    talk.committed()
    assert refused()
    talk.speech_started(0)
    assert talk.cleared() == [InputCleared()]
    assert refused()


def test_one_response_at_a_time():
    talk = session()
    (created, _) = talk.response_requested(ResponseOptions())
    with pytest.raises(InvalidRequestError, match=created.response_id) as caught:
        talk.response_requested(ResponseOptions())
    assert caught.value.code == "conversation_already_has_active_response"
    talk.response_finished(created.response_id)
    assert talk.response_requested(ResponseOptions())[0].response_id != created.response_id


def test_responses_beside_the_conversation_run_beside_its_own():
    talk = session()
    beside = [talk.response_requested(ResponseOptions(in_conversation=False))[0] for _ in range(4)]
    assert talk.active_response is None
    (created, _) = talk.response_requested(ResponseOptions())
    assert talk.responses.active == [each.response_id for each in (created, *beside)]
    with pytest.raises(InvalidRequestError) as caught:
        talk.response_requested(ResponseOptions(in_conversation=False))
    assert caught.value.code == "too_many_responses"
    assert talk.cancel_requested(None) == [StopResponse(created.response_id, "client_cancelled")]
    assert talk.cancel_requested(beside[1].response_id) == [
        StopResponse(beside[1].response_id, "client_cancelled")
    ]
    assert talk.response_finished(beside[1].response_id) == []
    assert talk.active_response == created.response_id
    with pytest.raises(InvalidRequestError) as caught:
        talk.cancel_requested(beside[1].response_id)
    assert (caught.value.code, caught.value.param) == ("response_cancel_not_active", "response_id")
    talk.response_requested(ResponseOptions(in_conversation=False))
    talk.response_finished(created.response_id)
    with pytest.raises(InvalidRequestError):
        talk.cancel_requested(None)


def test_a_response_is_given_only_what_there_is():
    talk = session()
    call = FunctionCall("ask", "call_1", "get_weather", "{}")
    talk.item_created(message(item_id="a"), None)
    talk.item_created(call, None)
    output = FunctionOutput("out", "call_1", "21 degrees")
    own = (replace(call, id="mine", call_id="call_2"), replace(output, call_id="call_2"))
    given = (ItemReference("a"), output, *own, message(item_id="b"))
    (_, respond) = talk.response_requested(ResponseOptions(input=given, in_conversation=False))
    assert respond.input == given
    for wrong, param in [
        ((ItemReference("b"),), "input[0].id"),
        ((*given, ItemReference("b")), "input[5].id"),
        ((message(), replace(output, call_id="call_3")), "input[1].call_id"),
    ]:
        with pytest.raises(InvalidRequestError) as caught:
            talk.response_requested(ResponseOptions(input=wrong))
        assert (caught.value.param, caught.value.code) == (param, "item_not_found")
    assert talk.active_response is None


def test_cancelling():
    talk = session()
    with pytest.raises(InvalidRequestError) as caught:
        talk.cancel_requested(None)
    assert caught.value.code == "response_cancel_not_active"
    (created, _) = talk.response_requested(ResponseOptions())
    with pytest.raises(InvalidRequestError, match="'resp_other'") as caught:
        talk.cancel_requested("resp_other")
    assert caught.value.param == "response_id"
    expected = [StopResponse(created.response_id, "client_cancelled")]
    assert talk.cancel_requested(created.response_id) == expected
    assert talk.cancel_requested(None) == expected


def test_an_item_goes_last_or_where_it_is_put():
    talk = session()
    assert talk.item_created(message(item_id="a"), None) == [
        ItemAdded(message(item_id="a"), None),
        ItemDone(message(item_id="a"), None),
    ]
    assert talk.item_created(message(item_id="b"), "a")[0].previous_item_id == "a"
    assert talk.item_created(message(item_id="c"), None)[0].previous_item_id == "b"
    assert talk.item_created(message(item_id="d"), "a")[0].previous_item_id == "a"
    assert talk.item_created(message(item_id="e"), "root")[0].previous_item_id is None
    assert talk.item_created(message(item_id="f"), None)[0].previous_item_id == "c"
    with pytest.raises(InvalidRequestError, match="'none such'") as caught:
        talk.item_created(message(item_id="g"), "none such")
    assert (caught.value.param, caught.value.code) == ("previous_item_id", "item_not_found")
    with pytest.raises(InvalidRequestError, match="'a'") as caught:
        talk.item_created(message(item_id="a"), None)
    assert (caught.value.param, caught.value.code) == ("item.id", "item_already_exists")


def test_an_output_needs_its_call_and_a_call_an_id_of_its_own():
    talk = session()
    output = FunctionOutput("out", "call_1", "21 degrees")
    with pytest.raises(InvalidRequestError, match="'call_1'") as caught:
        talk.item_created(output, None)
    assert (caught.value.param, caught.value.code) == ("item.call_id", "item_not_found")
    call = FunctionCall("ask", "call_1", "get_weather", "{}")
    assert talk.item_created(call, None) == [ItemAdded(call, None), ItemDone(call, None)]
    with pytest.raises(InvalidRequestError, match="'call_1'") as caught:
        talk.item_created(replace(call, id="again"), None)
    assert (caught.value.param, caught.value.code) == ("item.call_id", "item_already_exists")
    assert talk.item_created(output, None) == [ItemAdded(output, "ask"), ItemDone(output, "ask")]
    assert talk.items.call_of(output) == call
    talk.item_removed("ask")
    with pytest.raises(InvalidRequestError):
        talk.item_created(replace(output, id="later"), None)


def test_an_item_is_retrieved_with_what_became_of_it():
    talk = session()
    item_id, _ = spoken(talk)
    (retrieved,) = talk.item_wanted(item_id)
    assert retrieved.item.content == (AudioContent("Hello."),)
    reply, _ = talk.reply_started(True)
    talk.reply_finished(reply, "Hello to you too.", SessionOptions(), complete=False)
    assert talk.reply_truncated(reply.id, 0, 700_000, "Hello") == [ItemTruncated(reply.id, 0, 700_000)]
    assert talk.item_wanted(reply.id)[0].item.content == (AudioContent("Hello"),)
    with pytest.raises(InvalidRequestError) as caught:
        talk.item_wanted("none such")
    assert (caught.value.param, caught.value.code) == ("item_id", "item_not_found")


def test_a_response_may_override_the_session_and_leave_no_trace():
    talk = session()
    talk.item_created(message(item_id="a"), None)
    overrides = ResponseOptions(instructions="Rhyme.", modality="text", in_conversation=False)
    created, respond = talk.response_requested(overrides)
    assert created.options == respond.options
    assert (created.options.instructions, created.options.modality) == ("Rhyme.", "text")
    assert not created.in_conversation
    assert talk.options.instructions == ""
    item, previous = talk.reply_started(respond.in_conversation)
    assert previous == "a"
    assert talk.item_created(message(item_id="b"), None)[0].previous_item_id == "a"
    assert item.id != "b"


@pytest.mark.parametrize(
    ("modality", "content"), [("text", TextContent("Hi.")), ("audio", AudioContent("Hi."))]
)
def test_a_reply_holds_what_was_said(modality, content):
    talk = session()
    talk.response_requested(ResponseOptions())
    item, _ = talk.reply_started(True)
    assert (item.role, item.content, item.status) == ("assistant", (), "in_progress")
    options = SessionOptions(modality=modality)
    done = talk.reply_finished(item, "Hi.", options, complete=True)
    assert (done.id, done.content, done.status) == (item.id, (content,), "completed")
    assert talk.reply_finished(item, "Hi.", options, complete=False).status == "incomplete"


def test_who_goes_on_speaking_is_answered_when_done():
    talk = session()
    talk.speech_started(0)
    first = talk.speech_stopped(1)[-1].item_id
    talk.speech_started(2)
    assert Respond not in kinds(talk.recognised(first, WORDS, 1))
    second = talk.speech_stopped(3)[-1].item_id
    assert Respond in kinds(talk.recognised(second, NOTHING, 1))


class AnySession(RuleBasedStateMachine):
    """Calls in any order that a session's surroundings can make them in."""

    def __init__(self):
        super().__init__()
        self.talk = session()
        self.last = None
        self.items = set()
        self.unrecognised = []
        self.responses = set()
        self.beside = []
        self.owed = self.holding = False

    def follow(self, outcomes):
        """Checks what holds of every outcome, whatever led to it."""
        for outcome in outcomes:
            match outcome:
                case ItemAdded(item, previous):
                    assert previous == self.last
                    assert item.id not in self.items
                    self.items.add(item.id)
                    self.last = item.id
                case ItemDone(item, _):
                    assert item.id == self.last
                case ResponseCreated(response_id):
                    assert response_id not in self.responses
                    self.responses.add(response_id)
                    self.owed &= response_id != self.talk.active_response
                case Respond(response_id, in_conversation=in_conversation):
                    assert (response_id == self.talk.active_response) == in_conversation
                case StopResponse(response_id):
                    assert response_id in self.talk.responses.active
                case HoldResponse(response_id):
                    assert response_id == self.talk.active_response
                    assert not self.holding
                    self.holding = True
                case ReleaseResponse(response_id):
                    assert response_id == self.talk.active_response
                    assert self.holding
                    self.holding = False

    def committed(self, outcomes):
        commit = outcomes[-4:]
        assert kinds(commit) == COMMIT
        assert commit[0].previous_item_id == self.last
        ids = {commit[0].item_id, commit[1].item.id, commit[2].item.id, commit[3].item_id}
        assert len(ids) == 1
        self.follow(outcomes)
        self.unrecognised.append(ids.pop())

    @rule(
        push_to_talk=st.booleans(),
        create=st.booleans(),
        interrupt=st.booleans(),
    )
    def update(self, push_to_talk, create, interrupt):
        turns = ServerVad(create_response=create, interrupt_response=interrupt)
        self.talk.options = SessionOptions(turn_detection=None if push_to_talk else turns)

    @precondition(lambda self: self.talk.utterance is None)
    @rule()
    def start(self):
        self.follow(self.talk.speech_started(0))
        assert self.talk.utterance is not None

    @precondition(lambda self: self.talk.undecided)
    @rule(step=st.sampled_from(["held", "resumed", "interrupted", "false_alarm"]))
    def decide(self, step):
        reason = ("noise",) if step in ("resumed", "false_alarm") else ()
        self.follow(getattr(self.talk, step)(*reason))
        if step == "interrupted":
            self.holding = False
        assert self.talk.undecided == (step in ("held", "resumed"))

    @precondition(lambda self: self.talk.utterance is not None and not self.talk.undecided)
    @rule()
    def stop(self):
        self.committed(self.talk.speech_stopped(1))

    @rule()
    def commit(self):
        if self.talk.utterance is None:
            with pytest.raises(InvalidRequestError):
                self.talk.committed()
        else:
            self.committed(self.talk.committed())
            self.holding = False

    @rule()
    def clear(self):
        self.follow(self.talk.cleared())
        assert self.talk.utterance is None

    @precondition(lambda self: self.unrecognised)
    @rule(transcript=st.sampled_from([WORDS, NOTHING]))
    def recognise(self, transcript):
        was_active, turns = self.talk.active_response, self.talk.options.turn_detection
        creates = turns is not None and turns.create_response
        self.owed = self.owed or (creates and bool(transcript.words))
        listening = turns is not None and turns.interrupt_response and self.talk.utterance is not None
        answered = creates and self.owed and not listening and not was_active
        outcomes = self.talk.recognised(self.unrecognised.pop(0), transcript, 1)
        self.follow(outcomes)
        assert (Respond in kinds(outcomes)) == answered

    @rule(previous=st.sampled_from(["last", "none", "wrong"]))
    def add(self, previous):
        item = message(item_id=new_id("item"))
        if previous == "wrong":
            with pytest.raises(InvalidRequestError):
                self.talk.item_created(item, "item_of_another_session")
        else:
            self.follow(self.talk.item_created(item, self.last if previous == "last" else None))

    @rule()
    def respond(self):
        if self.talk.active_response:
            with pytest.raises(InvalidRequestError):
                self.talk.response_requested(ResponseOptions())
        else:
            self.follow(self.talk.response_requested(ResponseOptions()))

    @rule()
    def cancel(self):
        if self.talk.active_response:
            self.follow(self.talk.cancel_requested(None))
        else:
            with pytest.raises(InvalidRequestError):
                self.talk.cancel_requested(None)

    @precondition(lambda self: self.talk.active_response is not None)
    @rule(in_conversation=st.booleans())
    def reply(self, in_conversation):
        item, previous = self.talk.reply_started(in_conversation)
        assert previous == self.last
        assert item.id not in self.items
        if in_conversation:
            self.items.add(item.id)
            self.last = item.id

    @rule()
    def respond_beside(self):
        if len(self.beside) == 4:
            with pytest.raises(InvalidRequestError):
                self.talk.response_requested(ResponseOptions(in_conversation=False))
        else:
            outcomes = self.talk.response_requested(ResponseOptions(in_conversation=False))
            self.follow(outcomes)
            self.beside.append(outcomes[0].response_id)

    @precondition(lambda self: self.beside)
    @rule(which=st.integers(0, 3), cancel=st.booleans())
    def end_beside(self, which, cancel):
        response_id = self.beside[which % len(self.beside)]
        if cancel:
            self.follow(self.talk.cancel_requested(response_id))
        self.beside.remove(response_id)
        active = self.talk.active_response
        assert self.talk.response_finished(response_id) == []
        assert self.talk.active_response == active

    @precondition(lambda self: self.talk.active_response is not None)
    @rule()
    def finish(self):
        was_holding, self.holding = self.holding, False
        self.follow(self.talk.response_finished(self.talk.active_response))
        assert not (was_holding and self.talk.undecided)

    @invariant()
    def the_active_response_was_announced(self):
        assert self.talk.active_response is None or self.talk.active_response in self.responses


AnySession.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestAnySession = AnySession.TestCase

"""Whose turn it is, and what the conversation holds: rules without I/O.

Each method takes something that happened and returns what follows from it, in order: events to
report and commands to carry out. Nothing here waits, runs a model or knows of sockets.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from streams.conversation import (
    AudioContent,
    Message,
    ResponseOptions,
    SessionOptions,
)
from streams.errors import InvalidRequestError
from streams.events import (
    FalseAlarm,
    IdleTimedOut,
    InputCleared,
    InputCommitted,
    OutputHeld,
    OutputResumed,
    ResponseCreated,
    SpeechStarted,
    SpeechStopped,
    TranscriptCompleted,
)
from streams.identifier import new_id as new_id
from streams.item_rules import ItemRules
from streams.outcome import HoldResponse, Outcome, Recognise, ReleaseResponse, Respond, StopResponse
from streams.responses import Responses
from streams.types import Transcript
from streams.unasked import HeldBack, Unasked


@dataclass(slots=True)
class Utterance:
    """Speech that has not ended. ``interrupts`` is the response that it may be an interruption of.

    What may be one is told to nobody before that is known: a client stops playing when it is told.
    """

    item_id: str
    start_us: int
    interrupts: str | None = None
    holding: bool = False


class Session(ItemRules):
    """The turns of one conversation, and its items."""

    def __init__(self, options: SessionOptions, session_id: str | None = None) -> None:
        """``session_id`` is its name where it is known by one; a fresh one otherwise."""
        super().__init__()
        self.id = session_id or new_id("sess")
        self.options = options
        self.responses = Responses()
        self._utterance: Utterance | None = None
        self._owes_answer = False
        self._unrecognised: set[str] = set()
        self._unasked: str | None = None

    @property
    def active_response(self) -> str | None:
        """The conversation's."""
        return self.responses.in_conversation

    # Input by voice.

    def speech_started(self, at_us: int, *, hold: bool = True) -> list[Outcome]:
        """Voice began. While a response is active it may interrupt, or be a "mm-hm" or a noise.

        The response is held, unless ``hold`` says otherwise, until ``interrupted`` or ``false_alarm``
        says which.
        """
        utterance = self._utterance = Utterance(new_id("item"), at_us)
        turns = self.options.turn_detection
        if turns is None:
            return []
        if self.active_response is None or not turns.interrupt_response:
            return [SpeechStarted(utterance.item_id, at_us)]
        utterance.interrupts = self.active_response
        return self.held() if hold else []

    @property
    def undecided(self) -> bool:
        """Whether the open utterance may be an interruption, or none."""
        return self._utterance is not None and self._utterance.interrupts is not None

    def held(self) -> list[Outcome]:
        """The undecided voice is heard (again): the response waits."""
        utterance = self._utterance
        if utterance is None or utterance.holding or utterance.interrupts is None:
            return []
        if utterance.interrupts != self.active_response:
            return []
        utterance.holding = True
        return [HoldResponse(utterance.interrupts), OutputHeld(utterance.interrupts)]

    def resumed(self, reason: FalseAlarm) -> list[Outcome]:
        """So far the undecided voice is none that wants to speak: the response goes on meanwhile."""
        utterance = self._utterance
        if utterance is None or utterance.interrupts is None or not utterance.holding:
            return []
        utterance.holding = False
        return [ReleaseResponse(utterance.interrupts), OutputResumed(utterance.interrupts, reason)]

    def interrupted(self) -> list[Outcome]:
        """The undecided voice is somebody who wants to speak."""
        utterance = self._utterance
        assert utterance is not None, "an interruption without voice"
        interrupts, utterance.interrupts, utterance.holding = utterance.interrupts, None, False
        outcomes: list[Outcome] = [SpeechStarted(utterance.item_id, utterance.start_us)]
        if interrupts is not None and interrupts == self.active_response:
            outcomes.append(StopResponse(interrupts, "turn_detected"))
        return outcomes

    def false_alarm(self, reason: FalseAlarm) -> list[Outcome]:
        """The undecided voice has ended and was none that wanted to speak: it never was."""
        outcomes = self.resumed(reason)
        self._utterance = None
        return outcomes

    def speech_stopped(self, at_us: int) -> list[Outcome]:
        """Voice ended: the utterance, which has been decided on, is a turn."""
        assert self._utterance is not None, "speech stopped that never started"
        assert not self.undecided, "speech stopped that may be none"
        return [SpeechStopped(self._utterance.item_id, at_us), *self._commit()]

    def committed(self) -> list[Outcome]:
        """The client ended the turn. Raises InvalidRequestError when there is nothing to commit."""
        if self._utterance is None:
            raise InvalidRequestError(
                "the input audio buffer is empty: nothing was heard since the last turn",
                code="input_audio_buffer_commit_empty",
            )
        return [*(self.interrupted() if self.undecided else []), *self._commit()]

    def cleared(self) -> list[Outcome]:
        """The client threw the open utterance away."""
        return [*self.false_alarm("noise"), InputCleared()]

    @property
    def utterance(self) -> str | None:
        """The item that the open utterance will become."""
        return self._utterance.item_id if self._utterance else None

    def _commit(self) -> list[Outcome]:
        assert self._utterance is not None
        item_id, self._utterance = self._utterance.item_id, None
        previous = self.items.last
        self._unrecognised.add(item_id)
        item = Message(item_id, "user", (AudioContent(),))
        return [InputCommitted(item_id, previous), *self.item_created(item, None), Recognise(item_id)]

    def not_recognised(self, item_id: str) -> list[Outcome]:
        """The utterance's words could not be had; nothing changes where they were."""
        self._unrecognised.discard(item_id)
        return []

    def recognised(self, item_id: str, transcript: Transcript, audio_us: int) -> list[Outcome]:
        """The utterance's words are known. Nothing is answered when there are none."""
        self._unrecognised.discard(item_id)
        outcomes: list[Outcome] = [TranscriptCompleted(item_id, transcript, audio_us)]
        self.items.replace(Message(item_id, "user", (AudioContent(transcript.text),)))
        turns = self.options.turn_detection
        if turns is None or not turns.create_response:
            return outcomes
        self._owes_answer |= bool(transcript.words)
        # Who has begun to speak again is not talked over: the answer comes after what is said next.
        listening = self._utterance is not None and turns.interrupt_response
        if self._owes_answer and not listening and self.active_response is None:
            outcomes += self.response_requested(ResponseOptions(), by_client=False)
        return outcomes

    def idle_timed_out(self, start_us: int, end_us: int) -> list[Outcome]:
        """Nobody spoke for long: the silence is a turn, and the model speaks up."""
        if self._utterance is not None or self.active_response is not None:
            return []
        item_id, previous = new_id("item"), self.items.last
        item = Message(item_id, "user", (AudioContent(""),))
        return [
            IdleTimedOut(item_id, start_us, end_us),
            InputCommitted(item_id, previous),
            *self.item_created(item, None),
            *self.response_requested(ResponseOptions(), by_client=False),
        ]

    # Responses.

    def response_requested(self, overrides: ResponseOptions, *, by_client: bool = True) -> list[Outcome]:
        """The client, or a turn of its user, wants an answer, in the conversation or beside it.

        Raises InvalidRequestError while the conversation has one, or too many are being given beside it, and
        for an input that is not there.
        """
        self.items.check(overrides.input or ())
        response_id = new_id("resp")
        self.responses.begin(response_id, in_conversation=overrides.in_conversation)
        self._owes_answer &= not overrides.in_conversation
        options = overrides.applied_to(self.options)
        return [
            ResponseCreated(response_id, options, overrides.in_conversation, by_client),
            Respond(response_id, options, overrides.in_conversation, overrides.input),
        ]

    # Speaking up.

    @property
    def held_back_by(self) -> HeldBack | None:
        """Why nothing can be said unasked, if so: nobody is talked over, and questions go first.

        Voice that nobody is to answer is not in the way of what is only written.
        """
        turns = self.options.turn_detection
        heard_only = turns is not None and not turns.create_response
        if self.active_response is not None:
            return "response"
        if heard_only and self.options.modality == "text":
            return None
        if self._utterance is not None:
            return "voice"
        return "turn" if self._unrecognised or self._owes_answer else None

    def spoke_up(self, unasked: Unasked) -> list[Outcome]:
        """Something is said that nobody asked just now; nothing may be in the way."""
        response_id = self._unasked = new_id("resp")
        self.responses.begin(response_id, in_conversation=True)
        options = replace(self.options, tool_choice="none")
        return [
            ResponseCreated(response_id, options, True, by_client=False, unasked=unasked),
            Respond(response_id, options, True, unasked=unasked),
        ]

    @property
    def speaks_unasked(self) -> bool:
        """Whether the active response is one that nobody asked for."""
        return self._unasked is not None and self._unasked == self.active_response

    def cancel_requested(self, response_id: str | None) -> list[Outcome]:
        """Without an id the conversation's is meant. Raises InvalidRequestError when it is not active."""
        return [StopResponse(self.responses.find(response_id), "client_cancelled")]

    def response_finished(self, response_id: str) -> list[Outcome]:
        """The session is free for the next response. Voice that it was held for wants to speak."""
        was_in_conversation = response_id == self.active_response
        was_unasked = response_id == self._unasked
        if was_unasked:
            self._unasked = None
        self.responses.end(response_id)
        held = self._utterance is not None and self._utterance.holding
        if was_in_conversation and held:
            return self.interrupted()
        if was_unasked and self._owes_answer and self._utterance is None:
            # It was in the way of an answer to what was said meanwhile.
            return self.response_requested(ResponseOptions(), by_client=False)
        return []

"""One film of a benchmark, streamed once through a session as it runs live, its questions at their times."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import partial

from rich.console import Console

from gateway.assembly import Streams
from gateway.live.session import LiveSession
from llm.question import Question
from llm.scoring import Likelihood, ScoredAnswer
from llm.steps import run
from llm.stream import Stream
from streams.benchmark.case import LETTERS, Case, Film, Outcome
from streams.conversation import Message, TextContent
from streams.errors import InvalidRequestError
from streams.events import Event, FrameSeen, SessionFailed
from streams.question import TimedQuestion
from streams.replay import Replay
from streams.session import new_id
from streams.types import US_PER_S, AudioChunk, Frame, format_time
from streams.unasked_replies import UnaskedReplies

STANDS_US = 4 * US_PER_S
"""A standing request is given up so long after it was due, as StreamingBench has it."""
VERDICTS = ("Yes", "No")
"""What is weighed of the question whether it is the right time."""


@dataclass(frozen=True, slots=True)
class Asking:
    """``letters``: choices stand in the question, and their letters are weighed instead of their words."""

    letters: bool
    max_tokens: int = 32


@dataclass(frozen=True, slots=True)
class TimedCase(TimedQuestion):
    case: Case


class Screening(Replay):
    """Use once. Nothing is read of a film past a question's time before that is answered.

    Questions leave nothing behind but in a sequential film, where the likeliest answer is taken as given. A
    standing request is one of the session's where the model was trained to speak up. Others are asked again
    after every frame, yes or no, until they find yes likelier: the benchmark's own way.
    """

    def __init__(self, streams: Streams, film: Film, asking: Asking, console: Console) -> None:
        super().__init__(streams, str(film.path), realtime=False, console=console)
        self._film = film
        self._how = asking
        self._seen_us: int | None = None
        self._lost = 0
        self._refused = 0
        self._standing: list[Case] = []
        self._requests: dict[str, Case] = {}
        self._unasked = UnaskedReplies()
        self.outcomes: list[Outcome] = []

    async def screen(self) -> dict[str, float]:
        """Fills ``outcomes``; what is known of the stream comes back."""
        start = time.perf_counter()
        found = await self.run([TimedCase(case.at_us, case.question, case) for case in self._film.cases])
        self.outcomes += [Outcome(case, "", self._seen_us) for case in self._standing]
        self.outcomes += [self._told(request_id, case) for request_id, case in self._requests.items()]
        return {
            "frames": found.frames_seen,
            "frames_encoded": found.frames_encoded,
            "lost": self._lost + found.frames_dropped,
            "refused": self._refused,
            "blocks": found.memory.blocks,
            "memory_bytes": found.memory.device_bytes + found.memory.ram_bytes,
            "seconds": round(time.perf_counter() - start, 3),
        }

    def _emit(self, event: Event) -> None:
        if isinstance(event, FrameSeen):
            self._seen_us = event.pts_us
        elif isinstance(event, SessionFailed):
            self._lost += 1
        self._unasked.take(event, self._clock.now_us() - self._start_us)
        super()._emit(event)

    async def _feed(self, session: LiveSession, item: Frame | AudioChunk) -> None:
        await super()._feed(session, item)
        if isinstance(item, Frame) and (self._standing or session.speaking_up.requests):
            # Nothing is fed meanwhile, so that the clock tells when something is said.
            before = self._seen_us
            await session.drain()
            if self._seen_us is not None and self._seen_us != before:
                await self._put_again(session, self._seen_us)
                self._give_up(session, self._seen_us)

    async def _ask(self, session: LiveSession, question: TimedQuestion) -> None:
        assert isinstance(question, TimedCase)
        case = question.case
        if case.due_us is not None:
            await self._stand(session, case)
            return
        outcome = await self._streams.backend.engine.run(lambda: self._answer(session.stream, case))
        self.outcomes.append(outcome)
        if self._film.sequential:
            given = outcome.answer if outcome.chosen is None else case.choices[outcome.chosen]
            await session.add_item(Message(new_id("item"), "user", (TextContent(case.question),)), None)
            await session.add_item(Message(new_id("item"), "assistant", (TextContent(given),)), None)

    async def _stand(self, session: LiveSession, case: Case) -> None:
        if self._streams.backend.reader.speaking is None:
            self._standing.append(case)
            return
        if session.options.proactive == "off":
            await session.update(replace(session.options, proactive="alerts"))
        request_id = f"request_{len(self._requests)}"
        try:
            await session.speaking_up.add(case.question, "alert", False, request_id)
        except InvalidRequestError as error:
            # There is one too many, or it is too long: it is not answered, and all else is.
            self._refused += 1
            self._say(f"{format_time(case.at_us)} refused: {error.message}", "red")
            self.outcomes.append(Outcome(case, "", self._seen_us))
        else:
            self._requests[request_id] = case

    def _told(self, request_id: str, case: Case) -> Outcome:
        """What was said first of a request, unless it was long overdue."""
        assert case.due_us is not None
        said = next(iter(self._unasked.said.get(request_id, ())), None)
        if said is None or said.at_us > case.due_us + STANDS_US:
            return Outcome(case, "", self._seen_us)
        return Outcome(case, said.text, said.at_us, spoke_us=said.at_us)

    def _give_up(self, session: LiveSession, now_us: int) -> None:
        """No request of a session stands on when it is long overdue: there is room for few."""
        for request in session.speaking_up.requests:
            case = self._requests.get(request.id)
            if case is not None and case.due_us is not None and now_us > case.due_us + STANDS_US:
                session.speaking_up.cancel(request.id)

    async def _put_again(self, session: LiveSession, now_us: int) -> None:
        standing = self._standing
        self._standing = []
        for case in standing:
            assert case.due_us is not None
            if now_us > case.due_us + STANDS_US:
                self.outcomes.append(Outcome(case, "", now_us))
            else:
                poll = partial(self._poll, session.stream, case, now_us)
                said = await self._streams.backend.engine.run(poll)
                if said is None:
                    self._standing.append(case)
                else:
                    self.outcomes.append(Outcome(case, said, now_us, spoke_us=now_us))

    # On the engine's thread.

    def _answer(self, stream: Stream, case: Case) -> Outcome:
        start = time.perf_counter()
        answer = self._prepare(stream, self._prompt(case), case.at_us)
        weighed: list[Likelihood] = []
        if case.choices:
            weighed = answer.weigh(LETTERS[: len(case.choices)] if self._how.letters else case.choices)
        answer.step(case.at_us)
        first_token_ms = (time.perf_counter() - start) * 1e3
        likelihoods = tuple(each.mean for each in weighed)
        return Outcome(
            case,
            answer.write(case.at_us),
            self._seen_us,
            likelihoods.index(max(likelihoods)) if likelihoods else None,
            likelihoods,
            first_token_ms=round(first_token_ms, 1),
        )

    def _poll(self, stream: Stream, case: Case, now_us: int) -> str | None:
        """What is said of a standing request now; None for nothing yet."""
        right_time = f'{case.question} Is it the right time to output "{case.answer}"? Answer yes or no.'
        asked = self._prepare(stream, right_time, now_us)
        yes, no = asked.weigh(VERDICTS)
        asked.discard()
        if yes.mean <= no.mean:
            return None
        return self._prepare(stream, case.question, now_us).write(now_us)

    def _prompt(self, case: Case) -> str:
        if not case.choices or not self._how.letters:
            return case.question
        lines = [f"{letter}. {choice}" for letter, choice in zip(LETTERS, case.choices, strict=False)]
        return "\n".join([case.question, *lines, "Answer with the letter of the right option."])

    def _prepare(self, stream: Stream, text: str, at_us: int) -> ScoredAnswer:
        """Read what is asked; it leaves no block behind."""
        question = Question(text, at_us, at_us)
        answer = ScoredAnswer(stream, question, max_tokens=self._how.max_tokens, remember=False)
        run(answer.prepare())
        return answer

"""What a server counts and measures, in the form that Prometheus reads."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.process_collector import ProcessCollector

from gateway.server.service_collector import ServiceCollector
from gateway.service import Service
from streams.events import (
    AudioDelta,
    DropReason,
    Event,
    FalseAlarm,
    FramesDropped,
    FrameSeen,
    InputCommitted,
    MemoryProblem,
    MemoryReported,
    OutputResumed,
    ResponseCreated,
    ResponseDone,
    ResponseStatus,
    SessionFailed,
    StageTimes,
)
from streams.standing_request import RequestKind
from streams.unasked import SUPPRESSIONS, FrameJudged, Unasked, UnaskedSuppressed

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

BUCKETS_S = (0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8, 1.0, 1.2, 1.5, 2.0, 3.0, 5.0, 8.0, 15.0, 30.0)
"""Close together around what a conversation is judged by: a first sound within 0.8 s, or 1.2 s."""

STAGES: Mapping[str, str] = {field.name: field.name.removesuffix("_ms") for field in fields(StageTimes)}

MAX_CODES = 64
"""Different error codes that are told apart."""

OTHER = "other"

_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")


class Metrics:
    """Called on the event loop's thread, but for ``render``.

    Labels are words of this program, never a name, an id, or anything else that a client chose. Those
    with few values are there from the start at 0, so that a rate over them sees their first.
    """

    def __init__(self, service: Service | None = None) -> None:
        """``service`` is asked for its memory and its waits when the metrics are read."""
        self.registry = CollectorRegistry()
        self._codes: set[str] = set()
        ProcessCollector(registry=self.registry)
        if service is not None:
            self.registry.register(ServiceCollector(service))
        self._open = Gauge("streams_sessions_open", "Sessions that run", registry=self.registry)
        self._waiting = Gauge(
            "streams_sessions_waiting", "Of these, those whose socket dropped", registry=self.registry
        )
        self._outbox = Gauge(
            "streams_outbox_bytes", "Events that clients have not taken yet", registry=self.registry
        )
        self._sessions = self._counter("streams_sessions", "Sessions opened")
        self._resumed = self._counter("streams_sessions_resumed", "Sessions whose client came back")
        self._refused = self._counter("streams_sessions_refused", "Clients that got no session", "reason")
        self._turns = self._counter("streams_turns", "Turns of spoken input")
        self._responses = self._counter(
            "streams_responses", "Responses ended", "status", get_args(ResponseStatus)
        )
        self._stages = Histogram(
            "streams_stage_seconds",
            "From the end of a question to the end of each stage of its answer",
            ["stage"],
            buckets=BUCKETS_S,
            registry=self.registry,
        )
        for stage in STAGES.values():
            self._stages.labels(stage)
        self._interruptions = self._counter("streams_interruptions", "Responses cut short by voice")
        self._false_alarms = self._counter(
            "streams_false_alarms",
            "Responses held for voice that was no interruption",
            "reason",
            get_args(FalseAlarm),
        )
        self._frames_seen = self._counter("streams_frames_seen", "Frames encoded")
        self._frames_dropped = self._counter(
            "streams_frames_dropped", "Frames not taken", "reason", get_args(DropReason)
        )
        self._judged = self._counter(
            "streams_frames_judged", "Frames judged for speaking up", "decision", ("speak", "silent")
        )
        self._unasked = self._counter(
            "streams_unasked_responses", "Responses nobody asked for", "kind", get_args(RequestKind)
        )
        self._suppressed = self._counter(
            "streams_unasked_suppressed", "What fell due and was not said", "reason", SUPPRESSIONS
        )
        self._visual_tokens = self._counter(
            "streams_visual_tokens", "Visual tokens of frames", "outcome", ("read", "saved")
        )
        self._audio_in = self._counter("streams_audio_in_seconds", "Sound of clients")
        self._media_delayed = self._counter(
            "streams_media_delayed_seconds", "What clients' sound and frames had to wait past their limits"
        )
        self._audio_out = self._counter("streams_audio_out_seconds", "Sound of answers")
        self._client_errors = self._counter(
            "streams_client_errors", "Requests answered with an error", "code"
        )
        self._session_errors = self._counter(
            "streams_session_errors", "Errors that no single request caused", "code"
        )
        self._slow_clients = self._counter("streams_slow_clients", "Clients cut off for not reading")
        self._memory_problems = self._counter(
            "streams_memory_problems", "Reports about a session's memory", "problem", get_args(MemoryProblem)
        )

    def _counter(
        self, name: str, text: str, label: str | None = None, values: tuple[str, ...] = ()
    ) -> Counter:
        counter = Counter(name, text, () if label is None else (label,), registry=self.registry)
        for value in values:
            counter.labels(value)
        return counter

    def observe(self, event: Event) -> None:
        """Count what a session told of."""
        match event:
            case InputCommitted():
                self._turns.inc()
            case AudioDelta(chunk=chunk):
                self._audio_out.inc(len(chunk.samples) / chunk.rate)
            case FrameSeen(tokens=read, saved=saved):
                self._frames_seen.inc()
                self._visual_tokens.labels("read").inc(read)
                self._visual_tokens.labels("saved").inc(saved)
            case FrameJudged(speaks=speaks):
                self._judged.labels("speak" if speaks else "silent").inc()
            case UnaskedSuppressed(reason=why):
                self._suppressed.labels(why).inc()
            case ResponseCreated(unasked=Unasked(kind=kind)):
                self._unasked.labels(kind).inc()
            case FramesDropped(count=count, reason=reason):
                self._frames_dropped.labels(reason).inc(count)
            case MemoryReported(problem=problem):
                self._memory_problems.labels(problem).inc()
            case OutputResumed(reason=false_alarm):
                self._false_alarms.labels(false_alarm).inc()
            case SessionFailed(error):
                self._session_errors.labels(self._known(error.code)).inc()
            case ResponseDone():
                self._response_done(event)

    def _response_done(self, done: ResponseDone) -> None:
        self._responses.labels(done.status).inc()
        if done.reason == "turn_detected":
            self._interruptions.inc()
        for name, stage in STAGES.items():
            time_ms: float | None = getattr(done.times, name)
            if time_ms is not None:
                self._stages.labels(stage).observe(time_ms / 1_000)

    def session_opened(self) -> None:
        self._sessions.inc()
        self._open.inc()

    def session_closed(self) -> None:
        self._open.dec()

    def session_resumed(self) -> None:
        """A client came back to its session."""
        self._resumed.inc()

    def session_refused(self, reason: str) -> None:
        """A client got no session, before or after its handshake."""
        self._refused.labels(self._known(reason)).inc()

    def request_failed(self, code: str) -> None:
        """A request of a running session was answered with an error."""
        self._client_errors.labels(self._known(code)).inc()

    def audio_received(self, seconds: float) -> None:
        self._audio_in.inc(seconds)

    def media_delayed(self, seconds: float) -> None:
        """Sound or a frame waits because its client sends more than it may."""
        self._media_delayed.inc(seconds)

    def slow_client(self) -> None:
        self._slow_clients.inc()

    def watch_waiting(self, count: Callable[[], int]) -> None:
        """``count`` says how many sessions wait for their clients, as ``watch_outboxes`` does."""
        self._waiting.set_function(lambda: float(count()))

    def watch_outboxes(self, size_bytes: Callable[[], int]) -> None:
        """``size_bytes`` says what waits for all clients whenever the metrics are read, on any thread."""
        self._outbox.set_function(lambda: float(size_bytes()))

    def _known(self, code: str) -> str:
        """``code``, unless that would make too many or it is no plain word: each is kept for ever."""
        if code not in self._codes:
            if len(self._codes) >= MAX_CODES or _CODE.fullmatch(code) is None:
                return OTHER
            self._codes.add(code)
        return code

    def render(self) -> bytes:
        """Everything, as text. Asks the service, which may wait: not for the event loop's thread."""
        return generate_latest(self.registry)

"""What happens in a session, as small frozen classes; ``Event`` is their union.

The gateway translates them to the wire, a replay prints them. Times are on the session's clock, but for
those of ``SpeechStarted`` and ``SpeechStopped``, which count the sound that was sent, as the wire does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from streams.conversation import FunctionCall, Item, Message, SessionOptions
from streams.errors import StreamsError
from streams.types import AudioChunk, Moment, Transcript
from streams.unasked import FrameJudged, StandingRequestsChanged, Unasked, UnaskedSuppressed

DropReason: TypeAlias = Literal["overload"]
MemoryProblem: TypeAlias = Literal["backpressure", "disk_failed", "forgotten", "damaged", "inconsistent"]
ResponseStatus: TypeAlias = Literal["completed", "cancelled", "failed", "incomplete"]
StatusReason: TypeAlias = Literal["turn_detected", "client_cancelled", "max_output_tokens"]
FalseAlarm: TypeAlias = Literal["backchannel", "noise", "echo"]
"""Why what sounded like an interruption was none."""


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """``at_us`` is where the utterance's audio starts, padding included."""

    item_id: str
    at_us: int


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    item_id: str
    at_us: int


@dataclass(frozen=True, slots=True)
class InputCommitted:
    item_id: str
    previous_item_id: str | None


@dataclass(frozen=True, slots=True)
class InputCleared:
    pass


@dataclass(frozen=True, slots=True)
class ItemAdded:
    item: Item
    previous_item_id: str | None


@dataclass(frozen=True, slots=True)
class ItemDone:
    item: Item
    previous_item_id: str | None


@dataclass(frozen=True, slots=True)
class ItemRetrieved:
    item: Item


@dataclass(frozen=True, slots=True)
class ItemDeleted:
    item_id: str


@dataclass(frozen=True, slots=True)
class ItemTruncated:
    """Of the spoken reply only its first ``audio_end_us`` were heard."""

    item_id: str
    content_index: int
    audio_end_us: int


@dataclass(frozen=True, slots=True)
class IdleTimedOut:
    """Nobody spoke for as long as the options allow; the silence is ``item_id``.

    Times count the sound that was sent: from the end of the last reply to now.
    """

    item_id: str
    start_us: int
    end_us: int


@dataclass(frozen=True, slots=True)
class TranscriptPartial:
    """``confirmed`` are newly confirmed words (never retracted); ``tentative`` may still change."""

    item_id: str
    confirmed: str
    tentative: str


@dataclass(frozen=True, slots=True)
class TranscriptCompleted:
    item_id: str
    transcript: Transcript
    audio_us: int


@dataclass(frozen=True, slots=True)
class TranscriptFailed:
    item_id: str
    error: StreamsError


@dataclass(frozen=True, slots=True)
class FrameSeen:
    """A frame was encoded; ``text`` is what it shows, "" when the encoder is unsure.

    It is read into memory when that is news. Of the visual tokens that it became, where the model has an
    eye, ``tokens`` were read; ``saved`` were not, as the window shows the same already.
    """

    pts_us: int
    text: str
    tokens: int = 0
    saved: int = 0


@dataclass(frozen=True, slots=True)
class FramesDropped:
    """Frames that could not be taken since the last report, because the encoder is behind."""

    count: int
    total: int
    reason: DropReason


@dataclass(frozen=True, slots=True)
class MemoryReported:
    """Something about the session's memory that its user should know; ``blocks`` are concerned.

    ``backpressure``: new blocks wait for the disk; ``disk_failed``: they are kept in RAM alone;
    ``forgotten``: past a budget, so many were removed; ``damaged``: so many could not be read any more;
    ``inconsistent``: a check of the memory failed, which is a fault of this program.
    """

    problem: MemoryProblem
    blocks: int
    message: str


@dataclass(frozen=True, slots=True)
class ResponseCreated:
    """``by_client``: it asked for the response; otherwise a turn of its user did, or nobody: ``unasked``."""

    response_id: str
    options: SessionOptions
    in_conversation: bool
    by_client: bool = True
    unasked: Unasked | None = None


@dataclass(frozen=True, slots=True)
class MomentsRecalled:
    """The moments of the past that the answer draws on, in time order."""

    response_id: str
    moments: tuple[Moment, ...]


@dataclass(frozen=True, slots=True)
class ResponseItemAdded:
    response_id: str
    item: Message | FunctionCall
    previous_item_id: str | None


@dataclass(frozen=True, slots=True)
class TextDelta:
    response_id: str
    item_id: str
    text: str


@dataclass(frozen=True, slots=True)
class ArgumentsDelta:
    """More of the arguments of a function call."""

    response_id: str
    item_id: str
    text: str


@dataclass(frozen=True, slots=True)
class AudioDelta:
    """A clause of the answer, spoken. ``chunk.pts_us`` counts from the start of the answer's audio."""

    response_id: str
    item_id: str
    chunk: AudioChunk


@dataclass(frozen=True, slots=True)
class OutputHeld:
    """Something that may be an interruption: no sound of the response is sent until that is known."""

    response_id: str


@dataclass(frozen=True, slots=True)
class OutputResumed:
    """It was none: the response goes on where it stopped."""

    response_id: str
    reason: FalseAlarm


@dataclass(frozen=True, slots=True)
class StageTimes:
    """Milliseconds from the end of the question to the end of each stage; None where it did not happen.

    ``end_of_speech_ms`` is when the voice was taken to have ended for good, ``heard_ms`` when the first
    sound reached the client, by half the round trip that was measured last.
    """

    end_of_speech_ms: float | None = None
    transcript_ms: float | None = None
    recall_ms: float | None = None
    first_token_ms: float | None = None
    first_audio_ms: float | None = None
    heard_ms: float | None = None
    total_ms: float | None = None


@dataclass(frozen=True, slots=True)
class ResponseDone:
    """Always the last event of a response. ``item`` is None when nothing was written.

    Usage counts tokens: ``context_tokens`` were attended to, ``input_tokens`` of them newly read.
    """

    response_id: str
    status: ResponseStatus
    reason: StatusReason | None
    item: Item | None
    options: SessionOptions
    in_conversation: bool
    context_tokens: int
    input_tokens: int
    output_tokens: int
    times: StageTimes
    error: StreamsError | None = None


@dataclass(frozen=True, slots=True)
class SessionFailed:
    """Something went wrong that no single request caused; the session goes on."""

    error: StreamsError


Event: TypeAlias = (
    SpeechStarted
    | SpeechStopped
    | InputCommitted
    | InputCleared
    | ItemAdded
    | ItemDone
    | ItemRetrieved
    | ItemDeleted
    | ItemTruncated
    | IdleTimedOut
    | TranscriptPartial
    | TranscriptCompleted
    | TranscriptFailed
    | FrameSeen
    | FrameJudged
    | StandingRequestsChanged
    | UnaskedSuppressed
    | FramesDropped
    | MemoryReported
    | ResponseCreated
    | MomentsRecalled
    | ResponseItemAdded
    | TextDelta
    | ArgumentsDelta
    | AudioDelta
    | OutputHeld
    | OutputResumed
    | ResponseDone
    | SessionFailed
)

"""What a conversation is made of: items, their contents, and the options of a session."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from streams.errors import InvalidRequestError
from streams.types import AudioChunk, Image

Role: TypeAlias = Literal["user", "assistant", "system"]
Modality: TypeAlias = Literal["audio", "text"]
Eagerness: TypeAlias = Literal["low", "medium", "high", "auto"]
"""How soon it is believed that a speaker has finished."""
ItemStatus: TypeAlias = Literal["in_progress", "completed", "incomplete"]

ProactiveMode: TypeAlias = Literal["off", "alerts", "narration"]
"""Whether a session speaks up unasked: never, where a standing request is met, or of all that is new."""

SessionKind: TypeAlias = Literal["realtime", "transcription"]
"""Whether a session answers, or only writes down what is said."""

FIRST = "root"
"""In the place of the id of the item before: the first place of all."""


@dataclass(frozen=True, slots=True)
class TextContent:
    text: str


@dataclass(frozen=True, slots=True)
class AudioContent:
    """Speech in an item; ``transcript`` is None until it is known.

    ``audio`` is the sound of an item that a client adds whole, still to be heard; None otherwise.
    """

    transcript: str | None = None
    audio: AudioChunk | None = None


@dataclass(frozen=True, slots=True)
class ImageContent:
    """A still picture given to the conversation; ``url`` is the data URL it came as.

    ``shows`` is what is to be seen in it, None until that is known.
    """

    image: Image
    url: str = ""
    shows: str | None = None


Content: TypeAlias = TextContent | AudioContent | ImageContent


@dataclass(frozen=True, slots=True)
class Message:
    """Something said, written or shown."""

    id: str
    role: Role
    content: tuple[Content, ...]
    status: ItemStatus = "completed"


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """The model asks the client to call a function; ``arguments`` is a JSON object as text."""

    id: str
    call_id: str
    name: str
    arguments: str
    status: ItemStatus = "completed"


@dataclass(frozen=True, slots=True)
class FunctionOutput:
    """What the function gave back to the call ``call_id``."""

    id: str
    call_id: str
    output: str
    status: ItemStatus = "completed"


Item: TypeAlias = Message | FunctionCall | FunctionOutput
"""One entry of the conversation."""


@dataclass(frozen=True, slots=True)
class ItemReference:
    """An item of the conversation by its id, among what a response is given."""

    id: str


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the client can call."""

    name: str
    description: str
    parameters: str
    """The JSON schema of its arguments, which are an object, as text."""


@dataclass(frozen=True, slots=True)
class NamedTool:
    """A tool choice: this one and no other."""

    name: str


ToolChoice: TypeAlias = Literal["auto", "none", "required"] | NamedTool


@dataclass(frozen=True, slots=True)
class ServerVad:
    """A turn ends when the voice was silent for long enough."""

    threshold: float = 0.5
    prefix_padding_ms: int = 300
    silence_duration_ms: int = 500
    idle_timeout_ms: int | None = None
    """When nobody speaks for so long after a reply was heard, the model speaks up; None for never."""
    create_response: bool = True
    interrupt_response: bool = True


@dataclass(frozen=True, slots=True)
class SemanticVad:
    """A turn ends when the speaker sounds finished; ``eagerness`` is how soon that is believed."""

    eagerness: Eagerness = "auto"
    create_response: bool = True
    interrupt_response: bool = True


TurnDetection: TypeAlias = ServerVad | SemanticVad
"""How the server finds the end of a turn by itself."""


def unanswered(turns: TurnDetection | None) -> TurnDetection | None:
    """As ``turns``, but they end without a response."""
    return None if turns is None else replace(turns, create_response=False, interrupt_response=False)


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """What a client may change while its session runs, but for its ``kind``.

    ``turn_detection`` None is push to talk.
    """

    kind: SessionKind = "realtime"
    instructions: str = ""
    modality: Modality = "audio"
    voice: str = "heart"
    speed: float = 1.0
    max_output_tokens: int = 96
    transcription: bool = False
    """Whether transcripts of the input are reported; the model hears them in any case."""
    turn_detection: TurnDetection | None = field(default_factory=ServerVad)
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice = "auto"
    proactive: ProactiveMode = "off"

    @property
    def offered(self) -> tuple[Tool, ...]:
        """The tools that the choice leaves."""
        match self.tool_choice:
            case NamedTool(name):
                return tuple(tool for tool in self.tools if tool.name == name)
            case "none":
                return ()
            case _:
                return self.tools

    @property
    def must_call(self) -> bool:
        """Whether a response is a call and nothing else."""
        return self.tool_choice == "required" or isinstance(self.tool_choice, NamedTool)


def check_tool_choice(options: SessionOptions) -> None:
    """Raises InvalidRequestError when a call is wanted of what is not there."""
    choice, names = options.tool_choice, {tool.name for tool in options.tools}
    if isinstance(choice, NamedTool) and choice.name not in names:
        message = f"there is no tool '{choice.name}'"
        raise InvalidRequestError(message, param="tool_choice.name", code="invalid_value")
    if choice == "required" and not names:
        message = "a call is required, and there are no tools"
        raise InvalidRequestError(message, param="tool_choice", code="invalid_value")


@dataclass(frozen=True, slots=True)
class ResponseOptions:
    """One response's overrides of the session's options; None keeps the session's."""

    instructions: str | None = None
    modality: Modality | None = None
    voice: str | None = None
    max_output_tokens: int | None = None
    tools: tuple[Tool, ...] | None = None
    tool_choice: ToolChoice | None = None
    input: tuple[Item | ItemReference, ...] | None = None
    """What the answer is told instead of the conversation and of what is remembered; None for those."""
    in_conversation: bool = True
    """False is ``conversation: "none"``: answered out of band, not remembered."""

    def applied_to(self, options: SessionOptions) -> SessionOptions:
        return replace(
            options,
            instructions=options.instructions if self.instructions is None else self.instructions,
            modality=self.modality or options.modality,
            voice=self.voice or options.voice,
            max_output_tokens=self.max_output_tokens or options.max_output_tokens,
            tools=options.tools if self.tools is None else self.tools,
            tool_choice=self.tool_choice or options.tool_choice,
        )

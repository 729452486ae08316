"""One frozen configuration: defaults, then a TOML file, then ``STREAMS_*`` environment, then flags.

Each room is handed its own section and nothing else. ``STREAMS_MEMORY_WINDOW_TOKENS=768`` sets
``memory.window_tokens``. An unknown key is refused by name, wherever it came from.
"""

from __future__ import annotations

import ipaddress
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from streams.errors import ConfigError

ENV_PREFIX = "STREAMS_"


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)


def _split(value: object) -> object:
    """The environment and flags have no lists, but text: ``a, b``."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _address(value: str) -> str:
    return str(ipaddress.ip_address(value))


Origins: TypeAlias = Annotated[
    tuple[Annotated[str, Field(pattern=r"^(\*|https?://[^/?#]+)$")], ...], BeforeValidator(_split)
]
Addresses: TypeAlias = Annotated[
    tuple[Annotated[str, AfterValidator(_address)], ...], BeforeValidator(_split)
]


class ModelsConfig(Section):
    """Which model plays which role: ``embedded``, a hub name, or a local path."""

    llm: str = "embedded"
    asr: str = "embedded"
    turn: str = "embedded"
    """Whether a speaker sounds finished."""
    tts: str = "embedded"
    vision: str = "embedded"
    sight: str = "auto"
    """``names``: told in words; ``embedded``: by what ships; a trained folder; auto: embedded if both are."""
    embedding: str = "embedded"
    """Text embeddings, for the recall policies ``external`` and ``hybrid``."""
    cache_dir: Path = Field(default=Path("~/.cache/streams"))
    index_url: str = "https://pypi.org/simple"


class VideoConfig(Section):
    sample_fps: float = Field(default=1.0, gt=0, le=60)
    duplicate_threshold: float = Field(default=0.02, ge=0, le=1)
    """Mean absolute difference (0..1) of two thumbnails under which the later is a duplicate."""
    keep_every_s: float = Field(default=10.0, gt=0)
    """A still picture is encoded again after this long, so that memory knows it lasted."""
    min_confidence: float = Field(default=0.35, gt=0, lt=1)
    token_budget: Literal["all", "frames", "tokens"] = "all"
    """Of a frame's visual tokens the model reads all; none where nothing is new; or only those that are."""
    novelty: float = Field(default=0.1, ge=0, le=2)
    """A visual token is new when its cosine distance from the one read at its place is above this."""
    max_pixels: int = Field(default=16_777_216, gt=0)
    max_image_bytes: int = Field(default=8_388_608, gt=0)
    queue_frames: int = Field(default=8, gt=0)


class SpeechConfig(Section):
    vad_threshold: float = Field(default=0.5, gt=0, lt=1)
    prefix_padding_ms: int = Field(default=300, ge=0, le=5_000)
    silence_duration_ms: int = Field(default=500, ge=64, le=10_000)
    min_speech_ms: int = Field(default=96, ge=0)
    """Speech shorter than this is a click, not a turn."""
    partial_interval_ms: int = Field(default=600, gt=0)
    max_buffer_s: float = Field(default=12.0, gt=2, le=28)
    """The recogniser's buffer is trimmed at a confirmed segment once it is longer than this."""
    speculate: bool = True
    """Begin to answer whenever the speaker pauses; what is begun is thrown away when more is said."""
    stall_ms: int = Field(default=2_000, ge=200)
    """A turn whose sound stops coming in the middle of speech ends after this long."""
    max_utterance_s: float = Field(default=120.0, gt=5)
    voice: str = "heart"
    speed: float = Field(default=1.0, ge=0.5, le=1.5)
    min_clause_chars: int = Field(default=24, gt=0)
    lead_ms: int = Field(default=500, ge=100)
    """How far ahead of being heard an answer's sound is sent, so that little is to be withdrawn."""


class MemoryConfig(Section):
    window_tokens: int = Field(default=96, gt=0)
    """Frames kept on the device beside the sinks, newest first."""
    dialogue_tokens: int = Field(default=128, gt=0)
    """Utterances and replies kept on the device, newest first."""
    recall_blocks: int = Field(default=6, ge=0)
    """Blocks handed back for a question, neighbours included."""
    recall_neighbours: int = Field(default=0, ge=0, le=8)
    """Blocks pulled in before and after each moment that was found."""
    policy: Literal["auto", "layers", "pooled", "representatives", "external", "hybrid"] = "auto"
    """auto: ``hybrid`` for a model that sees frames but says nothing of them, else ``external``."""
    recency_half_life_s: float = Field(default=0.0, ge=0)
    """A block's score halves with this age; 0: age does not count."""
    max_gap_tokens: int = Field(default=0, ge=0)
    """Positions left free where blocks between two recalled ones are missing, at most; 0: contiguous."""
    codec: Literal["exact", "bf16", "int8", "int4"] = "exact"
    """How blocks are kept in RAM and on disk."""
    retention: Literal["oldest", "least_recalled", "thinning"] = "oldest"
    """What is forgotten first past the disk budget."""
    device_bytes: int = Field(default=256 * 1024**2, gt=0)
    """Of one session: its window, and blocks handed back lately."""
    ram_bytes: int = Field(default=512 * 1024**2, gt=0)
    """Of one session: sealed blocks, and the index."""
    disk_bytes: int = Field(default=8 * 1024**3, gt=0)
    """Of one session: its segment files."""
    total_device_bytes: int = Field(default=4 * 1024**3, gt=0)
    """Of all sessions; past it a new session is refused."""
    total_ram_bytes: int = Field(default=4 * 1024**3, gt=0)
    """Of all sessions; past it the largest gives first."""
    total_disk_bytes: int = Field(default=64 * 1024**3, gt=0)
    """Of all sessions in ``dir``; past it the largest gives first."""
    segment_bytes: int = Field(default=64 * 1024**2, gt=0)
    """A segment file is closed at this size."""
    dir: Path | None = None
    """Where sessions are kept and resumed from; without it a temporary folder takes what RAM cannot."""


INSTRUCTIONS = (
    "You are Streams. You watch a camera, remember what you saw and heard, "
    "and answer questions about it in one short sentence."
)


class LlmConfig(Section):
    instructions: str = INSTRUCTIONS
    """What a session is told at its start, unless its client says otherwise."""
    primer: Literal["auto", "on", "off"] = "auto"
    """An example exchange behind the instructions, which small models need; auto: for the embedded one."""
    backend: Literal["auto", "lean", "hooked"] = "auto"
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    decode_weights: Literal["auto", "int8", "same"] = "auto"
    device: str = "auto"
    threads: int = Field(default=0, ge=0)
    """CPU threads for the model; 0 takes every core."""
    prefill_chunk_tokens: int = Field(default=256, gt=0)
    frame_tokens: int = Field(default=256, gt=0)
    """Most visual tokens of a frame, for models that look at pictures in their own size (Qwen-VL)."""
    max_output_tokens: int = Field(default=96, gt=0)
    speak_threshold: float | None = Field(default=None, gt=0, lt=1)
    """Above this probability the model speaks up unasked, if a session lets it; None: as its weights say."""
    unasked_gap_s: float = Field(default=2.0, ge=0)
    """Between the end of one unasked reply and the next."""
    unasked_stale_s: float = Field(default=8.0, gt=0)
    """What falls due while somebody speaks or is answered is said after that, but not later than this."""
    temperature: float = Field(default=0.0, ge=0, le=2)
    top_p: float = Field(default=1.0, gt=0, le=1)
    repetition_penalty: float = Field(default=1.1, ge=1, le=2)
    seed: int = 0


class ServerConfig(Section):
    host: str = "127.0.0.1"
    port: int = Field(default=8765, ge=0, le=65_535)
    tls_cert: Path | None = None
    """PEM file of the certificate and those that vouch for it; with it and ``tls_key`` only TLS is spoken."""
    tls_key: Path | None = None
    keys_file: Path | None = None
    """Who may open sessions, as ``streams keys`` writes it; whoever can connect when absent."""
    open: bool = False
    """Means it: without keys whoever can connect is let in, also from other machines."""
    allowed_origins: Origins = ()
    """Of pages of other sites that may connect, as ``https://example.com``; ``*``: of any."""
    trusted_proxies: Addresses = ()
    """Addresses of proxies whose ``X-Forwarded-For`` is believed."""
    max_sessions: int = Field(default=16, gt=0)
    max_sessions_per_key: int = Field(default=0, ge=0)
    """Of one key, unless the keys file says otherwise; 0: as many as there may be in all."""
    responses_per_minute: int = Field(default=0, ge=0)
    """Of one key, unless the keys file says otherwise, or of one address without keys; 0: no limit."""
    audio_seconds_per_minute: int = Field(default=0, ge=0)
    """Sound taken in, of one key or address as above; past it more waits. 0: no limit."""
    messages_per_second: float = Field(default=200.0, gt=0)
    """Of one session, as it goes on, on the wall clock. Media past it wait, the rest is refused."""
    messages_burst: int = Field(default=1_000, gt=0)
    """So many messages may come at once."""
    metrics_for: Literal["local", "all"] = "local"
    """Who may read ``/metrics``: this machine, or all who can connect."""
    max_wait_ms: int = Field(default=1_500, gt=0)
    """No new session is taken in while work waits longer than this for a model."""
    max_message_bytes: int = Field(default=20 * 1024**2, gt=0)
    max_audio_append_bytes: int = Field(default=15 * 1024**2, gt=0)
    clock: Literal["wall", "media"] = "wall"
    """``media``: a session's time moves with the media it is sent (offline runs), not with the wall."""
    resume_grace_s: float = Field(default=30.0, ge=0)
    """How long a session whose socket dropped waits for its client, if that asked for it; 0: not at all."""
    resume_log_bytes: int = Field(default=4 * 1024**2, gt=0, le=16 * 1024**2)
    """Events of one such session that are kept, for they may not have arrived: about a minute of speech."""
    idle_timeout_s: float = Field(default=600.0, ge=0)
    """A session ends when its client sends nothing and is told no answer for so long; 0: never."""
    max_session_s: float = Field(default=0.0, ge=0)
    """A session ends after so long, whatever happens in it; 0: never."""
    farewell_s: float = Field(default=10.0, ge=0)
    """How long answers may take to finish once the server is to stop."""


class LogConfig(Section):
    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["text", "json"] = "text"


class StreamsConfig(Section):
    models: ModelsConfig = ModelsConfig()
    video: VideoConfig = VideoConfig()
    speech: SpeechConfig = SpeechConfig()
    memory: MemoryConfig = MemoryConfig()
    llm: LlmConfig = LlmConfig()
    server: ServerConfig = ServerConfig()
    log: LogConfig = LogConfig()


Settings: TypeAlias = dict[str, dict[str, Any]]


def load_config(
    file: Path | None = None,
    environ: Mapping[str, str] | None = None,
    flags: Mapping[str, Any] | None = None,
) -> StreamsConfig:
    """Compose the configuration. ``flags`` maps ``section.key`` to a value; ``None`` means not given.

    Raises ConfigError, with the offending key in ``param``.
    """
    settings: Settings = {}
    if file is not None:
        _merge(settings, _read_toml(file))
    _merge(settings, _read_environ(environ or {}))
    _merge(settings, _read_flags(flags or {}))
    return _validated(settings)


def with_settings(config: StreamsConfig, flags: Mapping[str, Any]) -> StreamsConfig:
    """``config`` with some of its settings changed, as ``load_config`` takes flags. Raises ConfigError."""
    settings: Settings = config.model_dump()
    _merge(settings, _read_flags(flags))
    return _validated(settings)


def _validated(settings: Settings) -> StreamsConfig:
    try:
        return StreamsConfig.model_validate(settings)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            raise ConfigError(f"unknown setting '{key}'", param=key) from None
        raise ConfigError(f"setting '{key}': {first['msg']}", param=key) from None


def _merge(into: Settings, more: Mapping[str, Any]) -> None:
    for section, values in more.items():
        if not isinstance(values, Mapping):
            raise ConfigError(f"unknown setting '{section}'", param=section)
        into.setdefault(section, {}).update(values)


def _read_toml(file: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read {file}: {error.strerror}", param=str(file)) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: {error}", param=str(file)) from None


def _read_environ(environ: Mapping[str, str]) -> Settings:
    settings: Settings = {}
    for name, value in environ.items():
        if name.startswith(ENV_PREFIX):
            section, _, key = name.removeprefix(ENV_PREFIX).lower().partition("_")
            if section not in StreamsConfig.model_fields or not key:
                raise ConfigError(f"unknown setting in the environment: {name}", param=name)
            settings.setdefault(section, {})[key] = value
    return settings


def _read_flags(flags: Mapping[str, Any]) -> Settings:
    settings: Settings = {}
    for name, value in flags.items():
        if value is not None:
            section, _, key = name.partition(".")
            if section not in StreamsConfig.model_fields:
                raise ConfigError(f"unknown setting '{name}'", param=name)
            settings.setdefault(section, {})[key] = value
    return settings

"""What a key may have at a time, or in a time."""

from __future__ import annotations

from dataclasses import dataclass, fields

from streams.config import ServerConfig
from streams.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Limits:
    """None is no limit, or one that is given elsewhere. Raises ConfigError for less than 1."""

    max_sessions: int | None = None
    responses_per_minute: int | None = None
    audio_seconds_per_minute: int | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None and value < 1:
                raise ConfigError(f"{field.name} is {value}: at least 1 is wanted", param=field.name)

    def over(self, other: Limits) -> Limits:
        """These, and where one is open that of ``other``."""
        mine = {field.name: getattr(self, field.name) for field in fields(self)}
        return Limits(
            **{name: getattr(other, name) if value is None else value for name, value in mine.items()}
        )


NO_LIMITS = Limits()


def configured_limits(config: ServerConfig) -> Limits:
    """Where the configuration says 0 there is no limit."""
    return Limits(
        config.max_sessions_per_key or None,
        config.responses_per_minute or None,
        config.audio_seconds_per_minute or None,
    )

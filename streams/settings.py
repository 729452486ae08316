"""What can be set, for ``streams --settings``: every name, its default, and what it means."""

from __future__ import annotations

import json
from collections.abc import Iterator

from pydantic import BaseModel

from streams.config import StreamsConfig


def settings() -> Iterator[str]:
    """A line ``section.key = default`` for each, as TOML and JSON write values; below it what it means."""
    for section, field in StreamsConfig.model_fields.items():
        defaults: BaseModel = field.default
        values = defaults.model_dump(mode="json")
        for key, about in type(defaults).model_fields.items():
            value = "(not set)" if values[key] is None else json.dumps(values[key])
            yield f"{section}.{key} = {value}"
            if about.description:
                yield f"    {' '.join(about.description.split())}"

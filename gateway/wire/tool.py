"""Tools and the choice between them, as a client sends them and as they are echoed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from gateway.wire.base import Wire, only
from gateway.wire.item import FunctionName
from streams.conversation import NamedTool, Tool, ToolChoice

MAX_TOOLS = 64
NO_ARGUMENTS = {"type": "object", "properties": {}}
MODES = ("auto", "none", "required")


class FunctionTool(Wire):
    type: Annotated[Literal["function"], only("function")] = "function"
    name: FunctionName
    description: Annotated[str, StringConstraints(max_length=4_096)] | None = None
    parameters: dict[str, Any] | None = None

    def read(self) -> Tool:
        return Tool(self.name, self.description or "", json.dumps(self.parameters or NO_ARGUMENTS))


ToolList = Annotated[list[FunctionTool], Field(max_length=MAX_TOOLS)]


def _mode(value: Any) -> Any:
    """The API's short form of a choice by its long one, which is for functions alone."""
    if isinstance(value, str) and value in MODES:
        return {"type": value}
    if not isinstance(value, dict) or value.get("type") != "function":
        known = ", ".join(f'"{mode}"' for mode in MODES)
        raise PydanticCustomError(
            "unsupported_value", "only {known} and a function by its name are supported", {"known": known}
        )
    return value


class Mode(Wire):
    type: Literal["auto", "none", "required"]

    def read(self) -> ToolChoice:
        return self.type


class NamedFunction(Wire):
    type: Literal["function"]
    name: FunctionName

    def read(self) -> ToolChoice:
        return NamedTool(self.name)


WireToolChoice = Annotated[Mode | NamedFunction, Field(discriminator="type"), BeforeValidator(_mode)]


def tools_to_wire(tools: Sequence[Tool]) -> list[dict[str, Any]]:
    return [
        {
            "type": "function",
            "name": tool.name,
            "description": tool.description,
            "parameters": json.loads(tool.parameters),
        }
        for tool in tools
    ]


def choice_to_wire(choice: ToolChoice) -> str | dict[str, str]:
    return {"type": "function", "name": choice.name} if isinstance(choice, NamedTool) else choice

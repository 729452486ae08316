"""How a model is told of functions and calls one: by its chat template, or plainly where that knows none."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import TemplateError
from transformers.tokenization_utils_base import PreTrainedTokenizerBase

from streams.conversation import Tool

NAME, KEY, OUTPUT = "streams_function", "streams_argument", "streams_output"
"""Stand for what a template is given, to find where it puts it."""

PLAIN_HEAD = "You can call these functions:"
PLAIN_TAIL = 'To call one, answer {"name": function, "arguments": {…}}.'


@dataclass(frozen=True, slots=True)
class CallFormat:
    """A call is ``start``, the function's name, ``between``, the arguments as JSON, ``end``.

    ``native`` is the form that the model's own template has, and what the function gave back stands between
    ``output_start`` and ``output_end``; the other serves models that were never told of functions.
    """

    start: str = '{"name": "'
    between: str = '", "arguments":'
    end: str = "}"
    output_start: str = ""
    output_end: str = ""
    native: bool = False

    def opening(self, name: str) -> str:
        """A call up to the space before its arguments."""
        return f"{self.start}{name}{self.between}"

    def call(self, name: str, arguments: str) -> str:
        return f"{self.opening(name)} {arguments}{self.end}"


def call_format(tokenizer: PreTrainedTokenizerBase, reply_prefix: str, reply_suffix: str) -> CallFormat:
    """The form of the tokenizer's chat template, or the plain one where that knows no functions.

    ``reply_prefix`` and ``reply_suffix`` are what the template puts around a reply.
    """
    user = {"role": "user", "content": "?"}
    function = {"name": NAME, "arguments": {KEY: KEY}}
    call = {"role": "assistant", "content": "", "tool_calls": [{"type": "function", "function": function}]}
    output = {"role": "tool", "name": NAME, "content": OUTPUT}
    try:
        asked = _render(tokenizer, [user], add_generation_prompt=True)
        called = _render(tokenizer, [user, call])
        answered = _render(tokenizer, [user, call, output])
    except (TemplateError, TypeError, KeyError):
        return CallFormat()
    arguments = json.dumps({KEY: KEY})
    written = called.removeprefix(asked)
    start, found, rest = written.partition(NAME)
    between, also_found, end = rest.partition(arguments)
    output_start, output_found, output_end = answered.removeprefix(called).partition(OUTPUT)
    told = NAME in asked and called.startswith(asked) and answered.startswith(called)
    if not (told and found and also_found and output_found and end.endswith(reply_suffix)):
        return CallFormat()
    return CallFormat(
        start, between.rstrip(), end.removesuffix(reply_suffix), output_start, output_end, native=True
    )


def _render(tokenizer: PreTrainedTokenizerBase, messages: Sequence[Mapping[str, Any]], **options: Any) -> str:
    tools = [tool_schema(Tool(NAME, "", '{"type": "object", "properties": {}}'))]
    return str(tokenizer.apply_chat_template(messages, tools=tools, tokenize=False, **options))


def tool_schema(tool: Tool) -> dict[str, Any]:
    """``tool`` in the form that chat templates take."""
    function = {
        "name": tool.name,
        "description": tool.description,
        "parameters": json.loads(tool.parameters),
    }
    return {"type": "function", "function": function}


def plain_description(tools: Sequence[Tool]) -> str:
    """``tools`` in few words: ``- get_weather(city: string): Get the weather``."""
    return "\n".join([PLAIN_HEAD, *(f"- {_signature(tool)}" for tool in tools), PLAIN_TAIL])


def _signature(tool: Tool) -> str:
    properties = json.loads(tool.parameters).get("properties", {})
    arguments = ", ".join(f"{name}: {_kind(each)}" for name, each in properties.items())
    return (
        f"{tool.name}({arguments}): {tool.description}" if tool.description else f"{tool.name}({arguments})"
    )


def _kind(schema: Any) -> str:
    """The type of an argument, in a word or two, and what it means if that is told."""
    if not isinstance(schema, Mapping):
        return "any"
    kind = "|".join(json.dumps(value) for value in schema["enum"]) if "enum" in schema else None
    kind = kind or str(schema.get("type", "any"))
    return f"{kind} ({schema['description']})" if schema.get("description") else kind

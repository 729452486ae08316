"""JSON schemas of functions' arguments: checked, and made into grammars of what may be written."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from llguidance import LLMatcher

from streams.conversation import Tool
from streams.errors import InvalidRequestError

MAX_SCHEMA_CHARS = 16_384
MAX_TOOLS_CHARS = 65_536
"""Names, descriptions and schemas of one session's tools together."""

GRAMMARS_KEPT = 256
"""Grammars kept ready, over all sessions."""

LAYOUT = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
"""Arguments are laid out as ``json.dumps`` does, which leaves a model nothing to choose."""

COMBINATORS = frozenset({"$ref", "allOf", "anyOf", "oneOf", "patternProperties", "unevaluatedProperties"})


def check_tools(tools: Sequence[Tool]) -> None:
    """Raises InvalidRequestError, naming the field, for tools that cannot be called here."""
    names: set[str] = set()
    for index, tool in enumerate(tools):
        if tool.name in names:
            message = f"there are two tools '{tool.name}'"
            raise InvalidRequestError(message, param=f"tools[{index}].name", code="invalid_value")
        names.add(tool.name)
        if len(tool.parameters) > MAX_SCHEMA_CHARS:
            raise _refusal(index, f"the schema has more than {MAX_SCHEMA_CHARS} characters")
        if problem := _problem(tool.parameters):
            raise _refusal(index, problem)
    chars = sum(len(tool.name) + len(tool.description) + len(tool.parameters) for tool in tools)
    if chars > MAX_TOOLS_CHARS:
        message = f"the tools have {chars} characters, more than {MAX_TOOLS_CHARS}"
        raise InvalidRequestError(message, param="tools")


def _refusal(index: int, problem: str) -> InvalidRequestError:
    message = f"arguments cannot be written to this schema: {problem}"
    return InvalidRequestError(message, param=f"tools[{index}].parameters", code="invalid_value")


@lru_cache(GRAMMARS_KEPT)
def _problem(parameters: str) -> str:
    """Why arguments of this schema cannot be written; "" when they can."""
    kind = json.loads(parameters).get("type", "object")
    if kind != "object":
        return f"arguments are an object, not {json.dumps(kind)}"
    failed, messages = LLMatcher.validate_grammar_with_warnings(arguments_grammar(parameters))
    if not failed:
        return ""
    # The position before and the source behind are of the grammar, which nobody else sees.
    problem = re.split(r"\n\s+\d+ \| ", messages[0].partition("JSON schema: ")[2] or messages[0])[0]
    return " ".join(problem.split())


@lru_cache(GRAMMARS_KEPT)
def arguments_grammar(parameters: str) -> str:
    """The grammar of a space and arguments that are valid against the schema ``parameters``."""
    schema = {"type": "object", **_closed(json.loads(parameters)), "x-guidance": LAYOUT}
    grammar: str = LLMatcher.grammar_from_lark(f'start: " " arguments\narguments: %json {json.dumps(schema)}')
    return grammar


def _closed(schema: Any, root: bool = True) -> Any:
    """``schema`` without properties that it does not name, where it leaves that open.

    What is valid against the result is valid against ``schema``: a model has no use for a name that nobody
    told it, and a small one does not stop to make up more.
    """
    if not isinstance(schema, Mapping):
        return schema
    closed = dict(schema)
    if isinstance(items := closed.get("items"), Mapping):
        closed["items"] = _closed(items, root=False)
    if COMBINATORS & closed.keys():
        return closed
    if isinstance(properties := closed.get("properties"), Mapping):
        closed["properties"] = {name: _closed(each, root=False) for name, each in properties.items()}
    if root or "properties" in closed:
        closed.setdefault("additionalProperties", False)
    return closed

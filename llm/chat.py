"""How the model is spoken to: its own chat format, taken apart into pieces that become blocks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from jinja2 import TemplateError
from llguidance import LLTokenizer
from transformers import AutoTokenizer
from transformers.tokenization_utils_base import PreTrainedTokenizerBase

from llm.call_format import CallFormat, call_format, plain_description, tool_schema
from llm.constrained import grammar_tokenizer
from llm.passage import Passage
from llm.visual import PictureMarks, VisualTokens
from streams.conversation import Role, Tool
from streams.errors import InvalidRequestError, ModelError
from streams.types import format_time

MARK = "\u241e"
"""Stands for a message's content when a chat template is taken apart."""


class ChatFormat:
    """Turns what was seen and said into passages of the model's chat format.

    Every passage but a reply opens with its time as text, so that the model knows when. Frames and overheard
    speech stand between the turns as notes; what is said to the model and what it says are turns.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, marks: PictureMarks | None = None) -> None:
        """``marks`` are put around pictures. Raises ModelError without a usable chat template, or marks."""
        self.tokenizer = tokenizer
        self._marks = marks
        if not tokenizer.chat_template:
            raise ModelError("the model's tokenizer has no chat template", param="models.llm")
        if marks is not None and marks.token not in tokenizer.get_vocab():
            raise ModelError(f"the model's tokenizer knows no '{marks.token}'", param="models.llm")
        self._takes_parts = False
        system = {"role": "system", "content": MARK}
        user = {"role": "user", "content": MARK}
        reply = {"role": "assistant", "content": MARK}
        try:
            self._render([system])
        except ModelError:
            self._takes_parts = True
        self.system_prefix, self.system_suffix = self._render([system])
        *_, asked = self._render([system, user])
        self.user_suffix = asked
        _, between, _ = self._render([system, user])
        self.user_prefix = between.removeprefix(self.system_suffix)
        *_, prompt = self._render([system, user], add_generation_prompt=True)
        self.reply_prefix = prompt.removeprefix(self.user_suffix)
        *_, said, self.reply_suffix = self._render([system, user, reply])
        self._said_prefix = f"{self.reply_prefix} " if said.endswith(f"{self.reply_prefix} ") else ""

    def _render(self, messages: list[dict[str, str]], **options: Any) -> list[str]:
        told: list[dict[str, Any]] = [*messages]
        if self._takes_parts:
            told = [
                {"role": each["role"], "content": [{"type": "text", "text": each["content"]}]}
                for each in messages
            ]
        try:
            text = self.tokenizer.apply_chat_template(told, tokenize=False, **options)
        except (TemplateError, TypeError) as error:
            raise ModelError(f"the model's chat template fails: {error}", param="models.llm") from None
        parts = str(text).split(MARK)
        if len(parts) != len(messages) + 1:
            raise ModelError("the model's chat template changes or drops messages", param="models.llm")
        return parts

    @cached_property
    def stop_ids(self) -> frozenset[int]:
        """Tokens that end a reply."""
        first = self.ids(self.reply_suffix)[:1]
        return frozenset([*first, self.tokenizer.eos_token_id])

    @property
    def decoder(self) -> Any:
        """What ``tokenizers.decoders.DecodeStream`` decodes with."""
        return self.tokenizer._tokenizer

    def text(self, ids: list[int]) -> str:
        decoded: str = self.tokenizer.decode(ids, skip_special_tokens=True)
        return decoded.strip()

    def ids(self, text: str) -> list[int]:
        """Token ids of text that may hold chat marks."""
        encoded: list[int] = self.tokenizer.encode(text, add_special_tokens=False)
        return encoded

    def _plain_ids(self, text: str) -> list[int]:
        """Token ids of what somebody said or wrote: chat marks in it are read as plain text."""
        encoded: list[int] = self.tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True)
        return encoded

    def _passage(self, prefix: str, says: str, suffix: str) -> Passage:
        if says and prefix.endswith(" "):  # a space belongs to the word behind it
            prefix, says = prefix[:-1], f" {says}"
        before, inside, after = self.ids(prefix), self._plain_ids(says), self.ids(suffix)
        return Passage((*before, *inside, *after), len(before), len(before) + len(inside))

    @cached_property
    def grammar_tokenizer(self) -> LLTokenizer:
        """What grammars know of the model's tokens; making it takes about a second."""
        return grammar_tokenizer(self.tokenizer)

    @cached_property
    def calls(self) -> CallFormat:
        """How the model calls functions."""
        return call_format(self.tokenizer, self.reply_prefix, self.reply_suffix)

    def check_tools(self, tools: Sequence[Tool]) -> None:
        """Raises InvalidRequestError for one with a chat mark in it, which a template would take for one."""
        if not self.calls.native:
            return
        marks = {MARK, *self.tokenizer.get_added_vocab()}
        for index, tool in enumerate(tools):
            text = f"{tool.description} {json.loads(tool.parameters)}"
            if found := next((mark for mark in marks if mark in text), None):
                message = f"'{found}' is a mark of the model's chat format"
                raise InvalidRequestError(message, param=f"tools[{index}]")

    def instructions(self, text: str, tools: Sequence[Tool] = ()) -> Passage:
        """``tools`` are the functions that the model may call, which is told of them here."""
        if not tools:
            return self._passage(self.system_prefix, text, self.system_suffix)
        if not self.calls.native:
            return self._passage(
                self.system_prefix, f"{text}\n\n{plain_description(tools)}".lstrip(), self.system_suffix
            )
        messages = [{"role": role, "content": MARK} for role in ("system", "user")]
        prefix, between, _ = self._render(messages, tools=[tool_schema(tool) for tool in tools])
        return self._passage(prefix, text, between.removesuffix(self.user_prefix))

    def sight(self, at_us: int, shown: str | VisualTokens) -> Passage:
        """What a frame showed, in names or as visual tokens."""
        opening, end = f"[{format_time(at_us)}] Camera:", ".\n"
        if isinstance(shown, str):
            return self._passage(opening, f" {shown}", end)
        tokens, placeholder = len(shown.embeddings), self.tokenizer.eos_token_id
        if self._marks is not None:
            opening, end = f"{opening}{self._marks.before}", f"{self._marks.after}{end}"
            placeholder = self.tokenizer.convert_tokens_to_ids(self._marks.token)
        before = self.ids(opening)
        ids = (*before, *[placeholder] * tokens, *self.ids(end))
        return Passage(ids, len(before), len(before) + tokens, shown)

    def overheard(self, at_us: int, words: str) -> Passage:
        end = "\n" if words.endswith((".", "!", "?")) else ".\n"
        return self._passage(f"[{format_time(at_us)}] Heard:", f" {words}", end)

    def question(self, at_us: int, words: str) -> Passage:
        return self.message("user", at_us, words)

    def message(self, role: Role, at_us: int, words: str) -> Passage:
        """A whole turn. Its time stands before it: inside, small models answer the time, not the question.

        Replies carry none; they follow what they answer.
        """
        if role == "assistant":
            return self._passage(self._said_prefix or self.reply_prefix, words, self.reply_suffix)
        prefix = self.user_prefix if role == "user" else self.system_prefix
        suffix = self.user_suffix if role == "user" else self.system_suffix
        return self._passage(f"[{format_time(at_us)}]\n{prefix}", words, suffix)

    def call(self, name: str, arguments: str) -> Passage:
        """A turn in which the model calls a function; ``arguments`` is JSON."""
        opening, end = self.calls.opening(name), f"{self.calls.end}{self.reply_suffix}"
        return self._passage(f"{self.reply_prefix}{opening}", f" {arguments}", end)

    def output(self, at_us: int, output: str) -> Passage:
        """What a function gave back, in the place that the model's format has for it.

        Where there is none, the user tells, and asks again: small models repeat the call after the bare
        result, and make up an answer after a note of it.
        """
        if not self.calls.native:
            return self.message("user", at_us, f"The result is: {output}. So, what is the answer?")
        before = f"[{format_time(at_us)}]\n{self.calls.output_start}"
        return self._passage(before, output, self.calls.output_end)


def load_chat(path: Path, marks: PictureMarks | None = None) -> ChatFormat:
    """The chat format of the checkpoint in ``path``. Raises ModelError."""
    try:
        tokenizer = AutoTokenizer.from_pretrained(path)
        # Earlier vision-language checkpoints keep it beside the tokenizer.
        kept_apart = path / "chat_template.json"
        if not tokenizer.chat_template and kept_apart.is_file():
            tokenizer.chat_template = json.loads(kept_apart.read_text())["chat_template"]
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f"{path} holds no tokenizer: {error}", param="models.llm") from None
    return ChatFormat(tokenizer, marks)

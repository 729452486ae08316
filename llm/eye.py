"""The embedded model's eye: the frame encoder's features through the connector."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from llm.backbone import Backbone
from llm.chat import ChatFormat
from llm.connector import THINGS, Connector, word_tables
from llm.connector_config import EMPTY
from llm.pixels import with_pixels
from llm.visual import VisualTokens
from streams.types import Embedding, Frame

CERTAIN = 0.9
"""What a kind of word takes to be said that was never validated."""
SIBLING_SHARE = 0.8
"""A class is named if it takes so much of the likelihood of the narrowest kind that it is of."""
LIKELY, MOST_LIKELY = 0.1, 2
"""A name that takes so much likelihood is one to find a frame by; so many at most for its first thing."""
PLACED = {"left": "on the left", "right": "on the right", "top": "at the top", "bottom": "at the bottom"}


class ConnectorEye:
    """``Eye`` of the embedded model. Runs on the CPU in float32."""

    speaks = True

    def __init__(self, connector: Connector, backbone: Backbone, chat: ChatFormat) -> None:
        self._connector = connector.eval()
        self.encoder = connector.config.encoder
        self._captions = Captions(connector)
        self._tables = word_tables(connector.config, lambda word: embed_word(word, backbone, chat))

    @torch.inference_mode()
    def look(self, frames: Sequence[Frame], features: Sequence[Embedding]) -> list[VisualTokens]:
        if not features:
            return []
        looked = [
            with_pixels(each.vectors, frame.image) for frame, each in zip(frames, features, strict=True)
        ]
        seen = self._connector(torch.from_numpy(np.stack(looked)).float())
        tokens = self._connector.tokens(seen, self._tables)
        found: list[VisualTokens] = []
        for n in range(len(features)):
            words = {kind: probabilities[n] for kind, probabilities in seen.words.items()}
            text = self._captions.of(words)
            found.append(VisualTokens(tokens[n], text=text, likely=self._captions.likely(words, text)))
        return found


def embed_word(word: str, backbone: Backbone, chat: ChatFormat) -> Tensor:
    """Token embeddings [n, hidden] of ``word`` as it stands after others, on the CPU."""
    return backbone.embed(chat.ids(f" {word}")).cpu()


class Captions:
    """Says in words what is surely seen, and names what is likely."""

    def __init__(self, connector: Connector) -> None:
        self._config = connector.config
        config = self._config
        words, first = config.words("name"), len(config.names)
        # The same thing has a name among the learned and among the classes: they speak for one another.
        self._names = tuple(dict.fromkeys(words))
        number = {name: index for index, name in enumerate(self._names)}
        self._merge = torch.tensor([number[word] for word in words])
        narrow = sorted(config.kinds.items(), key=lambda kind: len(kind[1]))
        self._kinds = tuple(name for name, _ in narrow)
        self._members = torch.zeros(len(narrow), len(words))
        self._above: dict[str, int] = {}
        for kind, (_, classes) in enumerate(narrow):
            self._members[kind, [first + index for index in classes]] = 1
            for index in classes:
                self._above.setdefault(config.classes[index], kind)

    def of(self, words: Mapping[str, Tensor]) -> str:
        """Of one picture's words, [slots, words] by kind; "" when nothing is sure."""
        said = [phrase for slot in range(THINGS) if (phrase := self._thing(words, slot))]
        writing = self._sure("text", words["text"][0])
        if writing:
            said.append(f"the text {writing}")
        return ", ".join(said)

    def likely(self, words: Mapping[str, Tensor], text: str) -> str:
        """The likeliest names, sure or not, that ``text`` does not hold; "" when there is none."""
        found: dict[str, None] = {}
        for slot in range(THINGS):
            share, best = self._shares(words["name"][slot]).topk(MOST_LIKELY if slot == 0 else 1)
            for likelihood, number in zip(share.tolist(), best.tolist(), strict=True):
                if likelihood >= LIKELY and self._names[number] not in (EMPTY, *found):
                    found[self._names[number]] = None
        return ", ".join(name for name in found if name not in text)

    def _shares(self, probabilities: Tensor) -> Tensor:
        return torch.zeros(len(self._names)).index_add_(0, self._merge, probabilities)

    def _thing(self, words: Mapping[str, Tensor], slot: int) -> str:
        name = self._name(words["name"][slot])
        if not name:
            return ""
        count = self._sure("count", words["count"][0]) if slot == 0 else ""
        colour = self._sure("colour", words["colour"][slot])
        place = PLACED.get(self._sure("place", words["place"][slot]), "")
        phrase = " ".join(word for word in (colour, name, place) if word)
        return f"{count} times {phrase}" if count not in ("", "one") else phrase

    def _name(self, probabilities: Tensor) -> str:
        """The likeliest name, or a kind that it belongs to (after Deng et al., "Hedging your bets", 2012)."""
        sure = self._limit("name")
        share, best = self._shares(probabilities).max(0)
        name, kinds = self._names[int(best)], self._members @ probabilities
        if float(share) < sure:
            likely = (kinds >= sure).nonzero()
            return self._kinds[int(likely[0, 0])] if len(likely) else ""
        above = self._above.get(name)
        if above is not None and float(share) < SIBLING_SHARE * float(kinds[above]):
            return self._kinds[above]
        return "" if name == EMPTY else name

    def _sure(self, kind: str, probabilities: Tensor) -> str:
        best = int(probabilities.argmax())
        word = self._config.words(kind)[best]
        return word if word != EMPTY and float(probabilities[best]) >= self._limit(kind) else ""

    def _limit(self, kind: str) -> float:
        return self._config.sure.get(kind, CERTAIN)

"""From what an image classifier sees to tokens of a language model: the embedded model's connector.

A visual token is a mixture of the language model's own token embeddings of words, weighted by how likely
each word is, and a learned residual for what words do not say. So the language model need not learn to see,
only the connector which words are true. Tokens have roles, in the order in which one would say it:
how many, of what colour, what, where; a second thing; a third; what is written there.

Names have two sources. The classifier's own classes, by its own weights, hold for photographs; names
learned from drawings for drawings; a gate decides between them. Slots look for their thing with attention
over places (after DETR, Carion et al. 2020), and share the heads that name it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeAlias

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn.functional import layer_norm

from llm.connector_config import ConnectorConfig, read_config
from llm.pixels import PIXEL_CHANNELS
from streams.errors import ModelError, ModelNotFoundError
from streams.whole_file import whole_file

THINGS = 3
"""Slots for things."""
ROLES = (
    ("count", 0), ("colour", 0), ("name", 0), ("name", 0), ("place", 0),
    ("colour", 1), ("name", 1), ("name", 1), ("place", 1),
    ("name", 2),
    ("text", 3), ("text", 3),
)  # fmt: skip
"""Kind of word and slot of each visual token. Words of a kind are spread over its tokens of a slot."""
PARTS = Counter(ROLES)
"""How many tokens each kind of word has in each slot."""
TOKENS = len(ROLES)

Tables: TypeAlias = Mapping[tuple[str, int], Tensor]
EmbedWord: TypeAlias = Callable[[str], Tensor]


@dataclass(frozen=True, slots=True, eq=False)
class ConnectorOutput:
    """Probabilities of words by kind, each [n, slots, words] (one slot for counts and texts), and ``states``
    [n, slots, width] of the queries, things first and writing last.

    ``photograph`` [n] is how much the classifier's own names hold. ``logits`` are those of the learned words
    before they are mixed with these, and of ``photograph``.
    """

    words: Mapping[str, Tensor]
    states: Tensor
    photograph: Tensor
    logits: Mapping[str, Tensor]

    @property
    def drawn(self) -> Tensor:
        """``states`` as far as the picture is a drawing: what the residual learns from has no photographs."""
        return self.states * (1 - self.photograph)[:, None, None]


class Connector(nn.Module):
    """``forward`` reads words off features; ``tokens`` makes visual tokens of them. Float32."""

    def __init__(self, config: ConnectorConfig) -> None:
        super().__init__()
        self.config = config
        width, channels = config.width, config.channels + PIXEL_CHANNELS
        self.classifier = nn.Linear(config.channels, len(config.classes)).requires_grad_(False)
        self.enter = nn.Sequential(nn.Linear(channels, width), nn.GELU(), nn.Linear(width, width))
        self.where = nn.Parameter(torch.zeros(1 + config.places, width).normal_(0, 0.02))
        self.slots = nn.Parameter(torch.zeros(THINGS + 1, width).normal_(0, 0.02))
        layer = nn.TransformerDecoderLayer(
            width, config.heads, 2 * width, 0.1, "gelu", batch_first=True, norm_first=True
        )
        self.decoder = nn.TransformerDecoder(layer, config.layers, nn.LayerNorm(width))
        self.look_query = nn.Linear(width, width)
        self.look_key = nn.Linear(width, width)
        self.state_name = nn.Linear(width, len(config.names))
        self.seen_name = nn.Linear(config.channels, len(config.names), bias=False)
        self.colour = nn.Linear(width + channels, len(config.colours))
        self.place = nn.Linear(width, len(config.where))
        self.count = nn.Linear(width, len(config.counts))
        self.text = nn.Linear(width + channels, len(config.texts))
        self.gate = nn.Linear(config.channels + 2, 1)
        self.narrow = nn.Linear(width, config.rank, bias=False)
        self.widen = nn.Parameter(torch.zeros(TOKENS, config.rank, config.hidden))
        self.drop = nn.Dropout(0.3)

    def forward(self, features: Tensor) -> ConnectorOutput:
        """Of ``features`` [n, 1 + places, channels + PIXEL_CHANNELS]: those of the encoder and, for each
        place, its pixels (``with_pixels``); their mean first, then each place."""
        config, known = self.config, self.config.channels
        normed = torch.cat((layer_norm(features[..., :known], (known,)), features[..., known:]), dim=-1)
        # A channel that is dropped is so at all places, or its neighbours would tell.
        entered = normed * self.drop(torch.ones_like(normed[:, :1])) if self.training else normed
        places = self.enter(entered) + self.where
        states = self.decoder(self.slots.expand(len(features), -1, -1), places)
        scores = self.look_query(states) @ self.look_key(places[:, 1:]).transpose(1, 2)
        looked = (scores / config.width**0.5).softmax(-1) @ features[:, 1:]
        looked = torch.cat((layer_norm(looked[..., :known], (known,)), looked[..., known:]), dim=-1)
        looked = self.drop(looked)
        things, both = states[:, :THINGS], torch.cat((states, looked), dim=-1)
        logits = {
            "name": self.state_name(things) + self.seen_name(looked[:, :THINGS, :known]),
            "colour": self.colour(both[:, :THINGS]),
            "place": self.place(things),
            "count": self.count(states[:, :1]),
            "text": self.text(both[:, THINGS:]),
        }
        words = {kind: scores.softmax(-1) for kind, scores in logits.items()}
        classes = self.classifier(features[:, 0, :known]).softmax(-1)
        surest = classes.amax(-1, keepdim=True), words["name"][:, 0].amax(-1, keepdim=True).detach()
        asked = torch.cat((normed[:, 0, :known], *surest), dim=-1)
        gate = self.gate(asked)[:, 0]
        photograph = gate.sigmoid()
        mixed = _mixed(words, classes, photograph)
        return ConnectorOutput(mixed, states, photograph, logits | {"photograph": gate})

    def tokens(self, seen: ConnectorOutput, tables: Tables) -> Tensor:
        """Visual tokens [n, TOKENS, hidden]; ``tables`` are of ``word_tables``."""
        return self.spoken(seen, tables) + self.residual(seen.drawn)

    def spoken(self, seen: ConnectorOutput, tables: Tables) -> Tensor:
        """The mixtures alone, [n, TOKENS, hidden]."""
        tokens: list[Tensor] = []
        said: Counter[tuple[str, int]] = Counter()
        for role in ROLES:
            kind, slot = role
            table = tables[kind, PARTS[role]][said[role]]
            words = seen.words[kind]
            tokens.append(words[:, slot if words.shape[1] > 1 else 0] @ table)
            said[role] += 1
        return torch.stack(tokens, dim=1)

    def residual(self, states: Tensor) -> Tensor:
        """What is added for what the words do not say, [n, TOKENS, hidden] of ``states``."""
        slots = torch.tensor([slot for _, slot in ROLES], device=states.device)
        narrow = torch.nn.functional.gelu(self.narrow(states[:, slots]))
        return torch.einsum("ntr,trh->nth", narrow, self.widen)


def _mixed(words: Mapping[str, Tensor], classes: Tensor, photograph: Tensor) -> dict[str, Tensor]:
    """The words of a drawing or, as far as it is one, of a photograph: the classes, and no other word."""
    share = photograph[:, None, None]
    mixed = {kind: _emptied(probabilities, share) for kind, probabilities in words.items()}
    names = mixed["name"]
    names[:, 0, 0] -= photograph
    of_classes = names.new_zeros(*names.shape[:2], classes.shape[1])
    of_classes[:, 0] = classes * photograph[:, None]
    return mixed | {"name": torch.cat((names, of_classes), dim=-1)}


def _emptied(probabilities: Tensor, share: Tensor) -> Tensor:
    empty = torch.zeros_like(probabilities)
    empty[..., 0] = 1
    return (1 - share) * probabilities + share * empty


def word_tables(config: ConnectorConfig, embed: EmbedWord) -> dict[tuple[str, int], Tensor]:
    """By kind of word and number of tokens, the words' embeddings [tokens, words, hidden], float32.

    ``embed`` gives the language model's token embeddings [n, hidden] of a word.
    """
    return {
        (kind, parts): torch.stack([_spread(embed(word).float(), parts) for word in words], dim=1)
        for kind, parts in {(kind, PARTS[kind, slot]) for kind, slot in ROLES}
        for words in [config.words(kind)]
    }


def _spread(tokens: Tensor, parts: int) -> Tensor:
    """``tokens`` [n, hidden] over ``parts`` tokens, means where they are more; the last ones stand last.

    The word that says what it is stands last in English, so that of a cat and a tabby cat does too.
    """
    empty = tokens.new_zeros(max(parts - len(tokens), 0), tokens.shape[1])
    chunks = torch.tensor_split(tokens, min(parts, len(tokens)))
    return torch.cat((empty, torch.stack([chunk.mean(0) for chunk in chunks])))


def save_connector(connector: Connector, file: Path, facts: Mapping[str, str] | None = None) -> None:
    """Write weights as float16, and the configuration and ``facts`` as metadata; all of it or nothing.

    Raises ConfigError when ``file`` cannot be written.
    """
    tensors = {name: tensor.detach().half().contiguous() for name, tensor in connector.state_dict().items()}
    with whole_file(file, "run.out", shared=True) as out:
        out.write(save(tensors, {"config": json.dumps(asdict(connector.config)), **(facts or {})}))


def load_connector(file: Path) -> Connector:
    """Raises ModelNotFoundError, or ModelError when ``file`` is no connector."""
    if not file.is_file():
        raise ModelNotFoundError(f"there is no connector {file}", param="models.sight")
    try:
        with safe_open(file, "pt") as opened:
            config = read_config((opened.metadata() or {}).get("config", ""))
            tensors = {
                name: opened.get_tensor(name).to(torch.float32, copy=True)
                for name in opened.keys()  # noqa: SIM118
            }
        with torch.device("meta"):  # sizes that are not the tensors' take no memory
            connector = Connector(config)
        connector.load_state_dict(tensors, assign=True)
    except (SafetensorError, ValueError, RuntimeError) as error:
        raise ModelError(f"{file} is no connector: {error}", param="models.sight") from None
    return connector.eval()
